"""An organization as a tree: one root, organizational units below it, accounts in the root and in units.

Source: Organizations User Guide, "Terminology and concepts for AWS Organizations". A unit's name is unique beside its
siblings; what stands where is one column, the parent's id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from isthmus.iam.entities import moment
from isthmus.identity.membership import ALL_FEATURES, units_above
from isthmus.names import is_account_id, organizations_arn
from isthmus.store import Reader

from .errors import not_found

ROOT, UNIT, ACCOUNT = "ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"
ROOT_NAME = "Root"
_ORGANIZATION = "SELECT id, management_account, feature_set, root_id, created FROM organizations"
_MEMBER = (
    "SELECT m.account, m.parent, m.joined_method, m.joined, m.closed, a.name, a.email"
    " FROM organization_accounts m JOIN accounts a ON a.id = m.account WHERE m.organization = ?"
)


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization."""

    id: str
    management_account: str
    feature_set: str
    root: str
    created: float

    def arn(self, kind: str, *names: str) -> str:
        """The ARN of something in it (see `organizations_arn`)."""
        return organizations_arn(self.management_account, kind, self.id, *names)

    def tagged(self, name: str) -> str:
        """What the tags of something in it are stored under: an account may be in another one later."""
        return f"{self.id}/{name}"

    @property
    def all_features(self) -> bool:
        """Whether it is for more than consolidated billing."""
        return self.feature_set == ALL_FEATURES


class Node(NamedTuple):
    """The root, a unit or an account. type: as ListTargetsForPolicy has it. parent: empty for the root."""

    type: str
    id: str
    name: str
    arn: str
    parent: str


@dataclass(frozen=True, slots=True)
class Member:
    """An account in an organization. joined, closed: seconds since the epoch."""

    id: str
    parent: str
    joined_method: str
    joined: float
    closed: float | None
    name: str
    email: str


async def organization_of(reader: Reader, account: str) -> Organization | None:
    """The organization that an account belongs to."""
    row = await reader.fetch_one(
        f"{_ORGANIZATION} WHERE id = (SELECT organization FROM organization_accounts WHERE account = ?)",  # noqa: S608
        account,
    )
    return None if row is None else Organization(*row)


async def organization_by_id(reader: Reader, organization: str) -> Organization | None:
    """The organization `o-…`."""
    row = await reader.fetch_one(f"{_ORGANIZATION} WHERE id = ?", organization)
    return None if row is None else Organization(*row)


async def member(reader: Reader, organization: Organization, account: str) -> Member | None:
    """An account of the organization, the management account too."""
    row = await reader.fetch_one(f"{_MEMBER} AND m.account = ?", organization.id, account)
    return None if row is None else Member(*row)


async def get_member(reader: Reader, organization: Organization, account: str) -> Member:
    """The same. Raises AccountNotFoundException."""
    found = await member(reader, organization, account)
    if found is None:
        raise not_found("Account")
    return found


async def members(reader: Reader, organization: Organization, parent: str | None = None) -> list[Member]:
    """The accounts of the organization, or only those directly in a root or unit; the oldest first."""
    condition, values = ("", ()) if parent is None else (" AND m.parent = ?", (parent,))
    rows = await reader.fetch_all(f"{_MEMBER}{condition} ORDER BY m.joined, m.account", organization.id, *values)
    return [Member(*row) for row in rows]


async def units(reader: Reader, organization: Organization, parent: str | None = None) -> list[Node]:
    """The units of the organization, or only those directly in a root or unit; the oldest first."""
    condition, values = ("", ()) if parent is None else (" AND parent = ?", (parent,))
    rows = await reader.fetch_all(
        f"SELECT id, name, parent FROM organizational_units WHERE organization = ?{condition}"  # noqa: S608
        " ORDER BY created, id",
        organization.id, *values,
    )  # fmt: skip
    return [_unit(organization, *row) for row in rows]


async def unit(reader: Reader, organization: Organization, unit_id: str) -> Node | None:
    """The unit `ou-…` of the organization."""
    row = await reader.fetch_one(
        "SELECT id, name, parent FROM organizational_units WHERE organization = ? AND id = ?", organization.id, unit_id
    )
    return None if row is None else _unit(organization, *row)


async def get_unit(reader: Reader, organization: Organization, unit_id: str) -> Node:
    """The same. Raises OrganizationalUnitNotFoundException."""
    found = await unit(reader, organization, unit_id)
    if found is None:
        raise not_found("OrganizationalUnit")
    return found


def root(organization: Organization) -> Node:
    """The root."""
    arn = organization.arn("root", organization.root)
    return Node(ROOT, organization.root, ROOT_NAME, arn, "")


async def node(reader: Reader, organization: Organization, node_id: str) -> Node | None:
    """The root, unit or account of that id."""
    if node_id == organization.root:
        return root(organization)
    if not is_account_id(node_id):
        return await unit(reader, organization, node_id)
    found = await member(reader, organization, node_id)
    if found is None:
        return None
    return Node(ACCOUNT, found.id, found.name, organization.arn("account", found.id), found.parent)


async def container(reader: Reader, organization: Organization, node_id: str) -> Node | None:
    """The root or unit of that id: what accounts and units can be in."""
    return None if is_account_id(node_id) else await node(reader, organization, node_id)


async def get_parent(reader: Reader, organization: Organization, node_id: str) -> Node:
    """The same, of what something is or shall be in. Raises ParentNotFoundException."""
    found = await container(reader, organization, node_id)
    if found is None:
        raise not_found("Parent")
    return found


async def path_of(reader: Reader, organization: Organization, parent: str, *names: str) -> str:
    """The way to what is in `parent`: `o-…/r-…/ou-…/`, with `names` behind it."""
    between = await units_above(reader, organization.root, parent)
    return "/".join((organization.id, organization.root, *between, *names, ""))


async def shown_account(reader: Reader, organization: Organization, found: Member) -> dict[str, Any]:
    """`Account` as AWS shows it."""
    return {
        "Id": found.id,
        "Arn": organization.arn("account", found.id),
        "Email": found.email,
        "Name": found.name,
        "Status": "ACTIVE" if found.closed is None else "SUSPENDED",
        "State": "ACTIVE" if found.closed is None else "CLOSED",
        "Paths": [await path_of(reader, organization, found.parent, found.id)],
        "JoinedMethod": found.joined_method,
        "JoinedTimestamp": moment(found.joined),
    }


async def shown_unit(reader: Reader, organization: Organization, found: Node) -> dict[str, Any]:
    """`OrganizationalUnit` as AWS shows it."""
    path = await path_of(reader, organization, found.id)
    return {"Id": found.id, "Arn": found.arn, "Name": found.name, "Path": path}


def _unit(organization: Organization, unit_id: str, name: str, parent: str) -> Node:
    return Node(UNIT, unit_id, name, organization.arn("ou", unit_id), parent)
