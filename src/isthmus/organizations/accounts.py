"""The accounts of an organization: listed, described, closed, taken out, leaving by themselves.

An account that was closed stays a member, SUSPENDED, and nobody can use it or what is in it. Accounts may go at any
time: the days that AWS makes a new one wait, and the payment method it asks for, are about billing.
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .access import as_administrator, as_management, on_anything, on_node, the_organization
from .errors import violated
from .joining import leave
from .paging import Page, by_time
from .tree import Organization, get_member, get_parent, members, shown_account

_on_account = on_node("AccountId")


@operation("organizations", "ListAccounts", Permission("organizations:ListAccounts", on=on_anything))
async def list_accounts(call: Call) -> dict[str, Any]:
    """All accounts of the organization, the oldest members first."""
    return await _listed(call, as_administrator(call), None)


@operation(
    "organizations",
    "ListAccountsForParent",
    Permission("organizations:ListAccountsForParent", on=on_node("ParentId")),
)
async def list_accounts_for_parent(call: Call) -> dict[str, Any]:
    """The accounts directly in a root or unit. Raises ParentNotFoundException."""
    organization, parent = as_administrator(call), call.input["ParentId"]
    await get_parent(call.system.identity, organization, parent)
    return await _listed(call, organization, parent)


async def _listed(call: Call, organization: Organization, parent: str | None) -> dict[str, Any]:
    page = Page.of(call.input)
    reader = call.system.identity
    found, more = page.cut(await members(reader, organization, parent), lambda one: by_time(one.joined, one.id))
    return {"Accounts": [await shown_account(reader, organization, one) for one in found], **more}


@operation("organizations", "DescribeAccount", Permission("organizations:DescribeAccount", on=_on_account))
async def describe_account(call: Call) -> dict[str, Any]:
    """An account of the organization. Raises AccountNotFoundException."""
    organization = as_administrator(call)
    found = await get_member(call.system.identity, organization, call.input["AccountId"])
    return {"Account": await shown_account(call.system.identity, organization, found)}


@operation("organizations", "CloseAccount", Permission("organizations:CloseAccount", on=_on_account))
async def close_account(call: Call) -> dict[str, Any]:
    """Close a member account at once. Raises AccountNotFoundException, AccountAlreadyClosedException,
    ConstraintViolationException."""
    organization, account = as_management(call), call.input["AccountId"]
    if not organization.all_features:
        message = "Accounts can be closed in organizations with all features only."
        raise violated("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE", message)

    async def work(tx: Transaction) -> None:
        found = await get_member(tx, organization, account)
        if account == organization.management_account:
            message = "The management account cannot be closed while it has an organization: delete that first."
            raise violated("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", message)
        if found.closed is not None:
            raise AwsError("AccountAlreadyClosedException", "The account is already closed.")
        await tx.execute("UPDATE organization_accounts SET closed = ? WHERE account = ?", call.now, account)

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "RemoveAccountFromOrganization",
    Permission("organizations:RemoveAccountFromOrganization", on=_on_account),
)
async def remove_account_from_organization(call: Call) -> dict[str, Any]:
    """Make a member a standalone account. Raises AccountNotFoundException, MasterCannotLeaveOrganizationException,
    ConstraintViolationException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> None:
        await leave(tx, organization, call.input["AccountId"])

    await call.system.identity.write(work)
    return {}


@operation("organizations", "LeaveOrganization", Permission("organizations:LeaveOrganization", on=on_anything))
async def leave_organization(call: Call) -> dict[str, Any]:
    """Make the caller's account a standalone account. Raises AWSOrganizationsNotInUseException,
    MasterCannotLeaveOrganizationException, ConstraintViolationException."""
    organization = the_organization(call)

    async def work(tx: Transaction) -> None:
        await leave(tx, organization, call.account)

    await call.system.identity.write(work)
    return {}
