"""How an account comes into an organization and how it goes.

Whoever joins gets the policies that allow everything, for the types that are enabled, and the service-linked role
AWSServiceRoleForOrganizations (Organizations User Guide, "AWS Organizations and service-linked roles"). Whoever goes
leaves its place, its attachments and its tags behind; the role stays.
"""

from __future__ import annotations

from isthmus.iam.entities import Entropy
from isthmus.iam.service_linked_roles import has_service_linked_role, insert_service_linked_role
from isthmus.iam.tag_rows import remove_tags
from isthmus.identity import Vault
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .attached_rows import attach_full_access, detach_all, enabled_types
from .errors import violated
from .tree import Organization, get_member

SERVICE = "organizations.amazonaws.com"
INVITED, CREATED = "INVITED", "CREATED"
ACCOUNTS = 10_000
"""As many as AWS grants on request; its default of 10 is about billing."""


async def join(
    tx: Transaction,
    vault: Vault,
    organization: Organization,
    account: str,
    *,
    method: str,
    now: float,
    entropy: Entropy,
) -> None:
    """Make an account that is in no organization a member, in the root. Raises ConstraintViolationException (too
    many)."""
    row = await tx.fetch_one("SELECT count(*) FROM organization_accounts WHERE organization = ?", organization.id)
    if row is not None and row[0] >= ACCOUNTS:
        raise violated("ACCOUNT_NUMBER_LIMIT_EXCEEDED", f"An organization may have {ACCOUNTS} accounts.")
    await tx.execute(
        "INSERT INTO organization_accounts (account, organization, parent, joined_method, joined)"
        " VALUES (?, ?, ?, ?, ?)",
        account, organization.id, organization.root, method, now,
    )  # fmt: skip
    await attach_full_access(tx, organization, (account,), await enabled_types(tx, organization))
    if not await has_service_linked_role(tx, account, SERVICE):
        await insert_service_linked_role(
            tx, vault, account, SERVICE, now=now, entropy=entropy,
            description="Service-linked role used by AWS Organizations to enable integration of other AWS services.",
        )  # fmt: skip


async def leave(tx: Transaction, organization: Organization, account: str) -> None:
    """Take a member out. Raises AccountNotFoundException, MasterCannotLeaveOrganizationException,
    ConstraintViolationException."""
    found = await get_member(tx, organization, account)
    if account == organization.management_account:
        message = (
            "You can't remove the management account from an organization. If you want the management account to"
            " become a member account in another organization, you must first delete the current organization."
        )
        raise AwsError("MasterCannotLeaveOrganizationException", message)
    if await tx.fetch_one("SELECT 1 FROM delegated_administrators WHERE account = ?", account):
        message = "The account is a delegated administrator: deregister it for all services first."
        raise violated("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", message)
    if found.closed is not None:
        raise violated("ACCOUNT_CANNOT_LEAVE_ORGANIZATION", "A closed account cannot leave its organization.")
    await tx.execute(
        "UPDATE handshakes SET state = 'CANCELED' WHERE organization = ? AND account = ? AND parent IS NOT NULL"
        " AND state = 'OPEN'",
        organization.id, account,
    )  # fmt: skip
    await detach_all(tx, account)
    await remove_tags(tx, organization.tagged(account))
    await tx.execute("DELETE FROM organization_accounts WHERE account = ?", account)
