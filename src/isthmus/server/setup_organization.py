"""The organization of a setup file: its management account, units and policies; every account of the file is a member.

Like the rest of the file it is idempotent and removes nothing: accounts are moved into the unit that names them, a
policy is set to its document and attached to what it names, and what else is there stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from isthmus.iam import accounts
from isthmus.identity import RCP, SCP
from isthmus.names import is_account_id
from isthmus.operation import System
from isthmus.organizations import attached_rows, attachments, joining, organization, policies, tree, units
from isthmus.policy import check_rcp, check_scp
from isthmus.store import Transaction

from .setup_fields import Fields, InvalidSetup, named, policy_text

_ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}\Z")
_ROOT_ID = re.compile(r"r-[0-9a-z]{4,32}\Z")
_UNIT_ID = re.compile(r"ou-(?P<root>[0-9a-z]{4,32})-[a-z0-9]{8,32}\Z")
_ROOT = "root"  # how a target names it
_CHECKS = {SCP: check_scp, RCP: check_rcp}


@dataclass(frozen=True, slots=True)
class UnitSetup:
    """An organizational unit. path: its name behind those of the units it is in, with slashes."""

    path: str
    name: str
    line: int
    id: str | None
    accounts: tuple[str, ...]
    units: tuple[UnitSetup, ...]


@dataclass(frozen=True, slots=True)
class OrganizationPolicySetup:
    """A service control or resource control policy. targets: `root`, paths of units, account ids."""

    name: str
    line: int
    type: str
    description: str
    document: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrganizationSetup:
    """An organization."""

    management_account: str
    line: int
    id: str | None
    root_id: str | None
    units: tuple[UnitSetup, ...]
    policies: tuple[OrganizationPolicySetup, ...]


def parse_organization(node: yaml.Node, known_accounts: frozenset[str]) -> OrganizationSetup:
    """Check the node. known_accounts: ids of the file's accounts. Raises InvalidSetup."""
    fields = Fields(node, "organization", ("management_account", "id", "root_id", "units", "policies"))
    management = fields.text(
        "management_account", required=True, check=is_account_id, want='12 digits in quotes, like "111122223333"'
    )
    root_id = fields.optional_text("root_id", _ROOT_ID.match, "r- and 4 to 32 letters and digits")
    members = known_accounts | {management}
    found = OrganizationSetup(
        management_account=management,
        line=fields.line,
        id=fields.optional_text("id", _ORGANIZATION_ID.match, "o- and 10 to 32 letters and digits"),
        root_id=root_id,
        units=tuple(_unit(item, "", root_id, members) for item in fields.nodes("units")),
        policies=tuple(_policy(item) for item in fields.nodes("policies")),
    )
    _check_distinct(found)
    paths = {one.path for one in _all_units(found.units)}
    for policy in found.policies:
        for target in policy.targets:
            if target != _ROOT and target not in paths and target not in members:
                problem = (
                    f"policy {policy.name}: there is no target {target!r}; targets are root, units like A/B, accounts"
                )
                raise InvalidSetup(policy.line, problem)
    return found


def _unit(node: yaml.Node, above: str, root_id: str | None, members: frozenset[str]) -> UnitSetup:
    fields = Fields(node, "a unit", ("name", "id", "accounts", "units"))
    name = fields.text(
        "name", required=True, check=re.compile(r"[^/]{1,128}\Z").match, want="1 to 128 characters, no /"
    )
    path = f"{above}/{name}" if above else name
    if path == _ROOT:
        raise InvalidSetup(fields.line, "a unit cannot be called root here: that is how targets name the root")
    unit_id = fields.optional_text("id", _UNIT_ID.match, "ou-, the characters of root_id, - and 8 to 32 more")
    found = _UNIT_ID.match(unit_id or "")
    if found is not None and (root_id is None or found["root"] != root_id.removeprefix("r-")):
        raise InvalidSetup(
            fields.line_of("id"), f"`id` is {unit_id!r}; it holds the characters of `root_id`, so give both"
        )
    for account in fields.texts("accounts"):
        if account not in members:
            raise InvalidSetup(fields.line_of("accounts"), f"unit {path}: the file has no account {account!r}")
    inner = tuple(_unit(item, path, root_id, members) for item in fields.nodes("units"))
    return UnitSetup(path, name, fields.line, unit_id, fields.texts("accounts"), inner)


def _policy(node: yaml.Node) -> OrganizationPolicySetup:
    fields = Fields(node, "a policy of the organization", ("name", "type", "description", "document", "targets"))
    kind = fields.optional_text("type", _CHECKS.__contains__, f"one of {', '.join(_CHECKS)}") or SCP
    return OrganizationPolicySetup(
        name=fields.text("name", required=True),
        line=fields.line,
        type=kind,
        description=fields.text("description"),
        document=policy_text(fields.node("document"), _CHECKS[kind]),
        targets=fields.texts("targets"),
    )


def _all_units(found: tuple[UnitSetup, ...]) -> Iterator[UnitSetup]:
    for one in found:
        yield one
        yield from _all_units(one.units)


def _check_distinct(found: OrganizationSetup) -> None:
    """Raises InvalidSetup for units, accounts in units and policies that stand twice."""
    seen: set[tuple[str, str]] = set()
    things = [("unit", one.path, one.line) for one in _all_units(found.units)]
    things += [("account", account, one.line) for one in _all_units(found.units) for account in one.accounts]
    things += [(f"policy of type {one.type}", one.name, one.line) for one in found.policies]
    for what, name, line in things:
        if (what, name) in seen:
            raise InvalidSetup(line, f"{what} {name!r} stands twice in the organization")
        seen.add((what, name))


async def apply_organization(
    tx: Transaction, system: System, setup: OrganizationSetup, members: Mapping[str, int], now: float
) -> int:
    """Make the organization what the file says; how many things were made.

    members: the file's accounts, which exist, with their lines. Raises InvalidSetup.
    """
    management, made = setup.management_account, 0
    with named(setup.line, "organization"):
        if await tx.fetch_one("SELECT 1 FROM accounts WHERE id = ?", management) is None:
            await accounts.insert_account(tx, management, management, f"{management}@example.com", now=now)
            made += 1
        found = await tree.organization_of(tx, management)
        if found is None:
            found = await organization.insert_organization(
                tx, system.vault, management, now=now, entropy=system.entropy, organization_id=setup.id,
                root_id=setup.root_id,
            )  # fmt: skip
            made += 1
        for what, wanted, present in (
            ("management_account", management, found.management_account),
            ("id", setup.id, found.id),
            ("root_id", setup.root_id, found.root),
        ):
            if wanted not in (None, present):
                problem = f"`{what}` is {wanted!r}; the organization that is there has {present!r}"
                raise InvalidSetup(setup.line, problem)
    for account, line in members.items():
        there = await tree.organization_of(tx, account)
        if there is not None and there.id != found.id:
            raise InvalidSetup(line, f"account {account} belongs to another organization, {there.id}")
        if there is None:
            with named(line, f"account {account}"):
                await joining.join(
                    tx, system.vault, found, account, method=joining.INVITED, now=now, entropy=system.entropy
                )
    ids = {_ROOT: found.root}
    made += await _units(tx, system, found, setup.units, found.root, ids, now)
    for policy in setup.policies:
        with named(policy.line, f"policy {policy.name}"):
            made += await _apply_policy(tx, system, found, policy, ids, now)
    return made


async def _units(
    tx: Transaction,
    system: System,
    found: tree.Organization,
    wanted: tuple[UnitSetup, ...],
    parent: str,
    ids: dict[str, str],
    now: float,
) -> int:
    """Make the units that are missing in `parent`, and move accounts into them; how many were made. Fills `ids`."""
    made = 0
    for one in wanted:
        with named(one.line, f"unit {one.path}"):
            there = next((unit for unit in await tree.units(tx, found, parent) if unit.name == one.name), None)
            if there is None:
                there = await units.insert_unit(
                    tx, found, parent, one.name, now=now, entropy=system.entropy, unit_id=one.id
                )
                made += 1
            elif one.id not in (None, there.id):
                raise InvalidSetup(one.line, f"unit {one.path} exists with another id, {there.id}")
            ids[one.path] = there.id
            for account in one.accounts:
                await units.move(tx, found, account, there.id)
        made += await _units(tx, system, found, one.units, there.id, ids, now)
    return made


async def _apply_policy(
    tx: Transaction,
    system: System,
    found: tree.Organization,
    wanted: OrganizationPolicySetup,
    ids: Mapping[str, str],
    now: float,
) -> int:
    made = 0
    policy = await policies.find_by_name(tx, found, wanted.type, wanted.name)
    if policy is None:
        policy = await policies.insert_policy(
            tx, found, wanted.type, wanted.name, wanted.description, wanted.document, now=now, entropy=system.entropy
        )
        made = 1
    elif (policy.description, policy.content) != (wanted.description, wanted.document):
        await policies.change_policy(tx, policy, wanted.name, wanted.description, wanted.document, now=now)
    if wanted.type not in await attached_rows.enabled_types(tx, found):
        await attachments.enable_type(tx, found, wanted.type)
    for target in wanted.targets:
        target_id = ids.get(target, target)
        if policy.id not in await attached_rows.attached(tx, target_id, wanted.type):
            await attachments.attach(tx, found, target_id, policy.id, wanted.type)
    return made
