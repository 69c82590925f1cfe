"""Organizational units, and where accounts and units stand in the tree.

Quotas: Organizations User Guide, "Quotas for AWS Organizations".
"""

from __future__ import annotations

from typing import Any

from isthmus.iam.entities import Entropy
from isthmus.iam.tag_rows import remove_tags
from isthmus.identity.membership import units_above
from isthmus.names import organizational_unit_id
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .access import as_administrator, as_management, on_anything, on_new, on_node, with_tags
from .attached_rows import attach_full_access, detach_all, enabled_types
from .errors import not_found, violated
from .paging import Page
from .tags import checked_tags, put_tags
from .tree import (
    ROOT,
    UNIT,
    Node,
    Organization,
    container,
    get_member,
    get_parent,
    get_unit,
    members,
    node,
    root,
    shown_unit,
    units,
)

UNITS = 2000
DEEPEST = 5  # units below the root

_on_parent = on_node("ParentId")
_on_unit = on_node("OrganizationalUnitId")


async def insert_unit(
    tx: Transaction,
    organization: Organization,
    parent: str,
    name: str,
    *,
    now: float,
    entropy: Entropy,
    unit_id: str | None = None,
) -> Node:
    """Add a unit; its id is drawn unless given. Raises ParentNotFoundException, DuplicateOrganizationalUnitException,
    ConstraintViolationException."""
    await get_parent(tx, organization, parent)
    if len(await units_above(tx, organization.root, parent)) >= DEEPEST:
        raise violated("OU_DEPTH_LIMIT_EXCEEDED", f"Organizational units may be nested {DEEPEST} levels deep.")
    if len(await units(tx, organization)) >= UNITS:
        raise violated("OU_NUMBER_LIMIT_EXCEEDED", f"An organization may have {UNITS} organizational units.")
    await _check_name_is_free(tx, parent, name)
    found = unit_id or organizational_unit_id(organization.root, entropy(ENTROPY_BYTES))
    await tx.execute(
        "INSERT INTO organizational_units (id, organization, parent, name, created) VALUES (?, ?, ?, ?, ?)",
        found, organization.id, parent, name, now,
    )  # fmt: skip
    await attach_full_access(tx, organization, (found,), await enabled_types(tx, organization))
    return Node(UNIT, found, name, organization.arn("ou", found), parent)


async def move(tx: Transaction, organization: Organization, account: str, destination: str) -> None:
    """Put a member account into a root or unit that is there."""
    await tx.execute(
        "UPDATE organization_accounts SET parent = ? WHERE organization = ? AND account = ?",
        destination, organization.id, account,
    )  # fmt: skip


@operation("organizations", "ListRoots", Permission("organizations:ListRoots", on=on_anything))
async def list_roots(call: Call) -> dict[str, Any]:
    """The one root, with the types of policy that are enabled in it."""
    organization = as_administrator(call)
    page = Page.of(call.input)
    types = await enabled_types(call.system.identity, organization)
    shown, more = page.cut([shown_root(organization, types)], lambda one: one["Id"])
    return {"Roots": shown, **more}


@operation(
    "organizations",
    "CreateOrganizationalUnit",
    Permission("organizations:CreateOrganizationalUnit", on=_on_parent),
    with_tags(on_new("ou")),
)
async def create_organizational_unit(call: Call) -> dict[str, Any]:
    """Create a unit in a root or unit. Raises ParentNotFoundException, DuplicateOrganizationalUnitException,
    ConstraintViolationException, InvalidInputException (tags)."""
    organization = as_management(call)
    tags = checked_tags(call.input.get("Tags"))

    async def work(tx: Transaction) -> dict[str, Any]:
        made = await insert_unit(
            tx, organization, call.input["ParentId"], call.input["Name"], now=call.now, entropy=call.system.entropy
        )
        await put_tags(tx, organization, made.id, tags)
        return await shown_unit(tx, organization, made)

    return {"OrganizationalUnit": await call.system.identity.write(work)}


@operation(
    "organizations",
    "DescribeOrganizationalUnit",
    Permission("organizations:DescribeOrganizationalUnit", on=_on_unit),
)
async def describe_organizational_unit(call: Call) -> dict[str, Any]:
    """A unit. Raises OrganizationalUnitNotFoundException."""
    organization = as_administrator(call)
    found = await get_unit(call.system.identity, organization, call.input["OrganizationalUnitId"])
    return {"OrganizationalUnit": await shown_unit(call.system.identity, organization, found)}


@operation(
    "organizations",
    "UpdateOrganizationalUnit",
    Permission("organizations:UpdateOrganizationalUnit", on=_on_unit),
)
async def update_organizational_unit(call: Call) -> dict[str, Any]:
    """Rename a unit. Raises OrganizationalUnitNotFoundException, DuplicateOrganizationalUnitException."""
    organization = as_management(call)
    name = call.input.get("Name")

    async def work(tx: Transaction) -> dict[str, Any]:
        found = await get_unit(tx, organization, call.input["OrganizationalUnitId"])
        if name is not None and name != found.name:
            await _check_name_is_free(tx, found.parent, name)
            await tx.execute("UPDATE organizational_units SET name = ? WHERE id = ?", name, found.id)
            found = found._replace(name=name)
        return await shown_unit(tx, organization, found)

    return {"OrganizationalUnit": await call.system.identity.write(work)}


@operation(
    "organizations",
    "DeleteOrganizationalUnit",
    Permission("organizations:DeleteOrganizationalUnit", on=_on_unit),
)
async def delete_organizational_unit(call: Call) -> dict[str, Any]:
    """Delete an empty unit. Raises OrganizationalUnitNotFoundException, OrganizationalUnitNotEmptyException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> None:
        found = await get_unit(tx, organization, call.input["OrganizationalUnitId"])
        if await units(tx, organization, found.id) or await members(tx, organization, found.id):
            message = "The OU isn't empty. Move all accounts and child OUs out of it, then try again."
            raise AwsError("OrganizationalUnitNotEmptyException", message)
        await detach_all(tx, found.id)
        await remove_tags(tx, organization.tagged(found.id))
        await tx.execute("DELETE FROM organizational_units WHERE id = ?", found.id)

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "ListOrganizationalUnitsForParent",
    Permission("organizations:ListOrganizationalUnitsForParent", on=_on_parent),
)
async def list_organizational_units_for_parent(call: Call) -> dict[str, Any]:
    """The units directly in a root or unit. Raises ParentNotFoundException."""
    organization = as_administrator(call)
    page = Page.of(call.input)
    reader = call.system.identity
    parent = await get_parent(call.system.identity, organization, call.input["ParentId"])
    found, more = page.cut(await units(reader, organization, parent.id), lambda one: one.id)
    return {"OrganizationalUnits": [await shown_unit(reader, organization, one) for one in found], **more}


@operation("organizations", "ListChildren", Permission("organizations:ListChildren", on=_on_parent))
async def list_children(call: Call) -> dict[str, Any]:
    """The ids of the accounts or of the units directly in a root or unit. Raises ParentNotFoundException."""
    organization = as_administrator(call)
    page = Page.of(call.input)
    parent = await get_parent(call.system.identity, organization, call.input["ParentId"])
    kind = call.input["ChildType"]
    if kind == UNIT:
        children = [one.id for one in await units(call.system.identity, organization, parent.id)]
    else:
        children = [one.id for one in await members(call.system.identity, organization, parent.id)]
    found, more = page.cut(children, lambda child: child)
    return {"Children": [{"Id": child, "Type": kind} for child in found], **more}


@operation("organizations", "ListParents", Permission("organizations:ListParents", on=on_node("ChildId")))
async def list_parents(call: Call) -> dict[str, Any]:
    """What an account or unit is directly in. Raises ChildNotFoundException."""
    organization = as_administrator(call)
    child = await node(call.system.identity, organization, call.input["ChildId"])
    if child is None or not child.parent:
        raise not_found("Child")
    return {"Parents": [{"Id": child.parent, "Type": ROOT if child.parent == organization.root else UNIT}]}


@operation(
    "organizations",
    "MoveAccount",
    Permission("organizations:MoveAccount", on=on_node("AccountId")),
    Permission("organizations:MoveAccount", on=on_node("SourceParentId")),
    Permission("organizations:MoveAccount", on=on_node("DestinationParentId")),
)
async def move_account(call: Call) -> dict[str, Any]:
    """Move an account from one root or unit to another. Raises AccountNotFoundException,
    SourceParentNotFoundException, DestinationParentNotFoundException, DuplicateAccountException."""
    organization = as_management(call)
    account, source, destination = (call.input[name] for name in ("AccountId", "SourceParentId", "DestinationParentId"))

    async def work(tx: Transaction) -> None:
        found = await get_member(tx, organization, account)
        if await container(tx, organization, source) is None or found.parent != source:
            raise not_found("SourceParent")
        if await container(tx, organization, destination) is None:
            raise not_found("DestinationParent")
        if source == destination:
            message = "The account is already in the destination root or organizational unit."
            raise AwsError("DuplicateAccountException", message)
        await move(tx, organization, account, destination)

    await call.system.identity.write(work)
    return {}


def shown_root(organization: Organization, types: list[str]) -> dict[str, Any]:
    """`Root` as AWS shows it. types: of policies that are enabled in it."""
    found = root(organization)
    return {
        "Id": found.id,
        "Arn": found.arn,
        "Name": found.name,
        "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in types],
    }


async def _check_name_is_free(tx: Transaction, parent: str, name: str) -> None:
    if await tx.fetch_one("SELECT 1 FROM organizational_units WHERE parent = ? AND name = ?", parent, name):
        raise AwsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
