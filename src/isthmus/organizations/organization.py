"""The organization itself: created around the account that asks, deleted when no other account is left in it."""

from __future__ import annotations

from typing import Any

from isthmus.iam.entities import Entropy
from isthmus.identity import SCP, Vault
from isthmus.identity.membership import ALL_FEATURES
from isthmus.names import organizations_id
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from .access import as_management, on_anything, the_organization
from .attached_rows import attach_full_access
from .joining import INVITED, join
from .service_linked_role import check_may_create_role
from .tree import Organization, organization_of, units


async def insert_organization(
    tx: Transaction,
    vault: Vault,
    account: str,
    *,
    feature_set: str = ALL_FEATURES,
    now: float,
    entropy: Entropy,
    organization_id: str | None = None,
    root_id: str | None = None,
) -> Organization:
    """Make an organization with this management account; ids are drawn unless given. Raises
    AlreadyInOrganizationException."""
    if await organization_of(tx, account) is not None:
        raise AwsError("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    if root_id is None:
        root_id = await _free_root_id(tx, entropy)
    found = organization_id or organizations_id("o", entropy(ENTROPY_BYTES))
    organization = Organization(found, account, feature_set, root_id, now)
    await tx.execute(
        "INSERT INTO organizations (id, management_account, feature_set, root_id, created) VALUES (?, ?, ?, ?, ?)",
        organization.id, account, feature_set, root_id, now,
    )  # fmt: skip
    if organization.all_features:  # service control policies come with them
        await tx.execute(
            "INSERT INTO organization_policy_types (organization, type, came_along) VALUES (?, ?, 1)",
            organization.id, SCP,
        )  # fmt: skip
        await attach_full_access(tx, organization, (root_id,), (SCP,))
    await join(tx, vault, organization, account, method=INVITED, now=now, entropy=entropy)
    return organization


async def _free_root_id(tx: Transaction, entropy: Entropy) -> str:
    """The four characters of a root's id do not make it unique by themselves."""
    while True:
        drawn = organizations_id("r", entropy(ENTROPY_BYTES))
        if await tx.fetch_one("SELECT 1 FROM organizations WHERE root_id = ?", drawn) is None:
            return drawn


@operation("organizations", "CreateOrganization", Permission("organizations:CreateOrganization", on=on_anything))
async def create_organization(call: Call) -> dict[str, Any]:
    """Create an organization with the caller's account as its management account. Raises
    AlreadyInOrganizationException, AccessDeniedForDependencyException."""
    await check_may_create_role(call)

    async def work(tx: Transaction) -> Organization:
        return await insert_organization(
            tx, call.system.vault, call.account, feature_set=call.input.get("FeatureSet") or ALL_FEATURES,
            now=call.now, entropy=call.system.entropy,
        )  # fmt: skip

    organization = await call.system.identity.write(work)
    return {"Organization": await _shown(call.system.identity, organization)}


@operation("organizations", "DescribeOrganization", Permission("organizations:DescribeOrganization", on=on_anything))
async def describe_organization(call: Call) -> dict[str, Any]:
    """The organization of the caller's account. Raises AWSOrganizationsNotInUseException."""
    return {"Organization": await _shown(call.system.identity, the_organization(call))}


# Everything that an organization has, in the order in which it can go.
_PARTS = (
    "organization_attachments",
    "organization_policies",
    "organization_policy_types",
    "organizational_units",
    "organization_services",
    "delegated_administrators",
    "organization_resource_policies",
    "organization_features",
    "organization_accounts",
    "account_creations",
)


@operation("organizations", "DeleteOrganization", Permission("organizations:DeleteOrganization", on=on_anything))
async def delete_organization(call: Call) -> dict[str, Any]:
    """Delete an organization without member accounts, with its units and policies. Raises
    OrganizationNotEmptyException, AWSOrganizationsNotInUseException, AccessDeniedException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> None:
        row = await tx.fetch_one("SELECT count(*) FROM organization_accounts WHERE organization = ?", organization.id)
        if row is not None and row[0] > 1:
            message = (
                "The organization isn't empty. To delete an organization, you must first remove all accounts except"
                " the management account."
            )
            raise AwsError("OrganizationNotEmptyException", message)
        await _remove_all_tags(tx, organization)
        await tx.execute(
            "UPDATE handshakes SET state = 'CANCELED', ended = ? WHERE organization = ? AND state IN"
            " ('OPEN', 'REQUESTED')",
            call.now, organization.id,
        )  # fmt: skip
        for table in _PARTS:
            await tx.execute(f"DELETE FROM {table} WHERE organization = ?", organization.id)  # noqa: S608
        await tx.execute("DELETE FROM organizations WHERE id = ?", organization.id)

    await call.system.identity.write(work)
    return {}


async def _remove_all_tags(tx: Transaction, organization: Organization) -> None:
    named = [organization.root, organization.management_account, *(one.id for one in await units(tx, organization))]
    for table in ("organization_policies", "organization_resource_policies"):
        rows = await tx.fetch_all(f"SELECT id FROM {table} WHERE organization = ?", organization.id)  # noqa: S608
        named += [found for (found,) in rows]
    for name in named:
        await tx.execute("DELETE FROM tags WHERE resource = ?", organization.tagged(name))


async def _shown(reader: Reader, organization: Organization) -> dict[str, Any]:
    """`Organization` as AWS shows it. The policy types say only that service control policies may be used; which
    types are enabled, ListRoots tells."""
    row = await reader.fetch_one("SELECT email FROM accounts WHERE id = ?", organization.management_account)
    return {
        "Id": organization.id,
        "Arn": organization.arn("organization"),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": organization.arn("account", organization.management_account),
        "MasterAccountId": organization.management_account,
        "MasterAccountEmail": None if row is None else row[0],
        "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}] if organization.all_features else [],
    }
