"""Managed policies on users, groups and roles: attach, detach, list; and permissions boundaries.

A policy that is attached already may be attached again: nothing changes.
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import entities
from .entities import KINDS, ROLE, USER, Entity, Kind
from .errors import exceeds_quota, no_such_entity, not_attachable, policy_not_found
from .paging import Page
from .permissions import is_aws_managed, on_entity, policy_arn
from .protected import check_modifiable


async def attach(tx: Transaction, entity: Entity, arn: str) -> None:
    """Attach a managed policy. Raises NoSuchEntity, LimitExceeded."""
    if not await _exists(tx, entity.account, arn):
        raise not_attachable(arn)
    attached = await attached_policies(tx, entity.id)
    if arn in attached:
        return
    if len(attached) >= entity.kind.attached:
        raise exceeds_quota(f"PoliciesPer{entity.kind.word}", entity.kind.attached)
    row = await tx.fetch_one("SELECT max(position) FROM attached_policies WHERE entity_id = ?", entity.id)
    position = 0 if row is None or row[0] is None else row[0] + 1
    await tx.execute(
        "INSERT INTO attached_policies (account, entity_id, policy_arn, position) VALUES (?, ?, ?, ?)",
        entity.account, entity.id, arn, position,
    )  # fmt: skip


async def detach(tx: Transaction, entity: Entity, arn: str) -> None:
    """Detach a managed policy. Raises NoSuchEntity."""
    if not await tx.execute("DELETE FROM attached_policies WHERE entity_id = ? AND policy_arn = ?", entity.id, arn):
        raise policy_not_found(arn)


async def set_boundary(tx: Transaction, entity: Entity, arn: str | None) -> None:
    """Set the permissions boundary of a user or role, or remove it. Raises InvalidInput, NoSuchEntity."""
    if arn is not None:
        await check_boundary(tx, entity.account, arn)
    await tx.execute(f"UPDATE {entity.kind.table} SET boundary = ? WHERE id = ?", arn, entity.id)  # noqa: S608


async def check_boundary(reader: Reader, account: str, arn: str) -> None:
    """Raises InvalidInput, or NoSuchEntity for a policy that is not there to be a boundary."""
    if not await _exists(reader, account, policy_arn(arn)):
        raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


async def attached_policies(reader: Reader, entity_id: str) -> list[str]:
    """The ARNs of the attached policies in the order of attachment."""
    rows = await reader.fetch_all(
        "SELECT policy_arn FROM attached_policies WHERE entity_id = ? ORDER BY position, policy_arn",
        entity_id,
    )
    return [arn for (arn,) in rows]


def shown_attached(arns: list[str]) -> list[dict[str, str]]:
    """Policies as `AttachedPolicies` lists them."""
    return [{"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in arns]


def shown_boundary(entity: Entity) -> dict[str, Any]:
    """The `PermissionsBoundary` member of a user or role that has one."""
    if entity.boundary is None:
        return {}
    # "Policy" is what AWS answers; the model's enumeration says otherwise and clients do not mind.
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": entity.boundary}
    return {"PermissionsBoundary": boundary}


async def _exists(reader: Reader, account: str, arn: str) -> bool:
    if is_aws_managed(arn):
        return True
    row = await reader.fetch_one("SELECT 1 FROM policies WHERE arn = ? AND account = ?", arn, account)
    return row is not None


def _register(kind: Kind) -> None:
    word = kind.word
    on = on_entity(kind, boundary=None if kind is entities.GROUP else "present")

    @operation("iam", f"Attach{word}Policy", Permission(f"iam:Attach{word}Policy", on=on))
    async def attach_policy(call: Call) -> dict[str, Any]:
        """Attach a managed policy. Raises NoSuchEntity, InvalidInput, LimitExceeded, UnmodifiableEntity."""
        arn = policy_arn(call.input["PolicyArn"])

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            await attach(tx, entity, arn)

        await call.system.identity.write(work)
        return {}

    @operation("iam", f"Detach{word}Policy", Permission(f"iam:Detach{word}Policy", on=on))
    async def detach_policy(call: Call) -> dict[str, Any]:
        """Detach a managed policy. Raises NoSuchEntity, InvalidInput, UnmodifiableEntity."""
        arn = policy_arn(call.input["PolicyArn"])

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            await detach(tx, entity, arn)

        await call.system.identity.write(work)
        return {}

    @operation(
        "iam",
        f"ListAttached{word}Policies",
        Permission(f"iam:ListAttached{word}Policies", on=on_entity(kind)),
    )
    async def list_attached_policies(call: Call) -> dict[str, Any]:
        """The managed policies of an entity, under PathPrefix. Raises NoSuchEntity."""
        page = Page.of(call.input)
        entity = await entities.get(call.system.identity, kind, call.account, call.input[kind.member])
        prefix = "policy" + (call.input.get("PathPrefix") or "/")
        arns = [
            arn
            for arn in await attached_policies(call.system.identity, entity.id)
            if arn.split(":", 5)[5].startswith(prefix)
        ]
        shown, more = page.cut(arns, lambda arn: arn)
        return {"AttachedPolicies": shown_attached(shown), **more}


def _register_boundary(kind: Kind) -> None:
    word = kind.word

    @operation(
        "iam",
        f"Put{word}PermissionsBoundary",
        Permission(f"iam:Put{word}PermissionsBoundary", on=on_entity(kind, boundary="requested")),
    )
    async def put_boundary(call: Call) -> dict[str, Any]:
        """Set the permissions boundary. Raises NoSuchEntity, InvalidInput, UnmodifiableEntity."""

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            await set_boundary(tx, entity, call.input["PermissionsBoundary"])

        await call.system.identity.write(work)
        return {}

    @operation(
        "iam",
        f"Delete{word}PermissionsBoundary",
        Permission(f"iam:Delete{word}PermissionsBoundary", on=on_entity(kind, boundary="present")),
    )
    async def delete_boundary(call: Call) -> dict[str, Any]:
        """Remove the permissions boundary. Raises NoSuchEntity, UnmodifiableEntity."""

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            if entity.boundary is None:
                raise no_such_entity(f"The {kind.name} with name {entity.name} has no permissions boundary.")
            await set_boundary(tx, entity, None)

        await call.system.identity.write(work)
        return {}


for _kind in KINDS:
    _register(_kind)
for _kind in (USER, ROLE):
    _register_boundary(_kind)
