"""Central root access, turned on and off by the organization's management account.

Trusted access for IAM (`iam.amazonaws.com`, EnableAWSServiceAccess) comes first. What the features are for is
AssumeRoot's to say (`sts/assume_root.py`).
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Membership
from isthmus.identity.root_access import CREDENTIALS, SESSIONS, iam_has_access, may_use_root_access, root_features
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError


async def _organization(call: Call) -> Membership:
    """The caller's place, if it may manage root access. Raises OrganizationNotFoundException,
    OrganizationNotInAllFeaturesModeException, AccountNotManagementOrDelegatedAdministratorException,
    ServiceAccessNotEnabledException."""
    call.system.directory.refresh()
    membership = await call.system.directory.membership(call.account)
    if membership is None:
        raise AwsError("OrganizationNotFoundException", "The account is not a member of an organization.")
    if not membership.all_features:
        message = "The organization must have all features enabled."
        raise AwsError("OrganizationNotInAllFeaturesModeException", message)
    if not await may_use_root_access(call.system.identity, membership, call.account):
        message = "The account is neither the management account nor the delegated administrator for IAM."
        raise AwsError("AccountNotManagementOrDelegatedAdministratorException", message)
    if not await iam_has_access(call.system.identity, membership.organization):
        message = "Trusted access for IAM is not enabled: call EnableAWSServiceAccess for iam.amazonaws.com first."
        raise AwsError("ServiceAccessNotEnabledException", message)
    return membership


async def _enabled(call: Call, feature: str) -> dict[str, Any]:
    membership = await _organization(call)
    if call.account != membership.management_account:
        message = "Only the management account can enable central root access."
        raise AwsError("CallerIsNotManagementAccountException", message)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO organization_features VALUES (?, ?) ON CONFLICT (organization, feature) DO NOTHING",
            membership.organization, feature,
        )  # fmt: skip

    await call.system.identity.write(work)
    return await _shown(call, membership)


async def _disabled(call: Call, feature: str) -> dict[str, Any]:
    membership = await _organization(call)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "DELETE FROM organization_features WHERE organization = ? AND feature = ?",
            membership.organization, feature,
        )  # fmt: skip

    await call.system.identity.write(work)
    return await _shown(call, membership)


async def _shown(call: Call, membership: Membership) -> dict[str, Any]:
    features = await root_features(call.system.identity, membership.organization)
    return {"OrganizationId": membership.organization, "EnabledFeatures": features}


@operation(
    "iam",
    "EnableOrganizationsRootCredentialsManagement",
    Permission("iam:EnableOrganizationsRootCredentialsManagement", on=on_anything),
)
async def enable_organizations_root_credentials_management(call: Call) -> dict[str, Any]:
    """Let root credentials of members be audited and removed. Raises as `_organization`,
    CallerIsNotManagementAccountException."""
    return await _enabled(call, CREDENTIALS)


@operation("iam", "EnableOrganizationsRootSessions", Permission("iam:EnableOrganizationsRootSessions", on=on_anything))
async def enable_organizations_root_sessions(call: Call) -> dict[str, Any]:
    """Let locked resources of members be unlocked. Raises as `_organization`,
    CallerIsNotManagementAccountException."""
    return await _enabled(call, SESSIONS)


@operation(
    "iam",
    "DisableOrganizationsRootCredentialsManagement",
    Permission("iam:DisableOrganizationsRootCredentialsManagement", on=on_anything),
)
async def disable_organizations_root_credentials_management(call: Call) -> dict[str, Any]:
    """Take that back. Raises as `_organization`."""
    return await _disabled(call, CREDENTIALS)


@operation(
    "iam", "DisableOrganizationsRootSessions", Permission("iam:DisableOrganizationsRootSessions", on=on_anything)
)
async def disable_organizations_root_sessions(call: Call) -> dict[str, Any]:
    """Take that back. Raises as `_organization`."""
    return await _disabled(call, SESSIONS)


@operation("iam", "ListOrganizationsFeatures", Permission("iam:ListOrganizationsFeatures", on=on_anything))
async def list_organizations_features(call: Call) -> dict[str, Any]:
    """The features of central root access that are on. Raises as `_organization`."""
    return await _shown(call, await _organization(call))
