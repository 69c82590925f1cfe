"""Who may have a trail for a whole organization: its management account, once CloudTrail has trusted access.

Source: CreateTrail in the CloudTrail API reference; CloudTrail User Guide, "Prepare for creating a trail for your
organization". Delegated administrators make no trails here.
"""

from __future__ import annotations

from isthmus.operation import Call
from isthmus.wire import AwsError

from .destination import SERVICE


async def organization_to_log(call: Call, before: str | None) -> str | None:
    """The id of the organization whose members' events a trail shall log, None for only its account's own.

    before: what it logged so far, which an input without `IsOrganizationTrail` leaves. Raises
    OrganizationsNotInUseException, NotOrganizationMasterAccountException, OrganizationNotInAllFeaturesModeException,
    CloudTrailAccessNotEnabledException.
    """
    wanted = call.input.get("IsOrganizationTrail")
    if wanted is None:
        return before
    if not wanted:
        return None
    membership = await call.system.directory.membership(call.account)
    if membership is None:
        raise AwsError("OrganizationsNotInUseException", f"The account {call.account} is in no organization.")
    if membership.management_account != call.account:
        raise AwsError(
            "NotOrganizationMasterAccountException", "The management account makes the trails of an organization."
        )
    if not membership.all_features:
        raise AwsError("OrganizationNotInAllFeaturesModeException", "Enable all features of the organization before.")
    row = await call.system.identity.fetch_one(
        "SELECT 1 FROM organization_services WHERE organization = ? AND service = ?", membership.organization, SERVICE
    )
    if row is None:
        raise AwsError(
            "CloudTrailAccessNotEnabledException",
            f"Let CloudTrail work with the organization before: EnableAWSServiceAccess for {SERVICE}.",
        )
    return membership.organization
