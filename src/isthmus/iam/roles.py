"""Roles and the trust policies that say who may assume them.

A trust policy names users and roles by ARN and means who they are when it is saved: their unique ids are
stored with it. Read back, it shows a principal that has gone since by its id (IAM User Guide, "AWS JSON
policy elements: Principal").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from isthmus.identity import Vault
from isthmus.operation import Call, Permission, System, operation
from isthmus.store import Transaction

from . import documents, entities
from .attachments import check_boundary, shown_boundary
from .entities import ROLE, Entity, Entropy, described, moment
from .paging import Page
from .permissions import on_entity, on_list, on_new_entity, with_tags
from .protected import check_modifiable, check_path_is_ours
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

SHORTEST_MAXIMUM = 3600  # seconds, also the default

_new_role = on_new_entity(ROLE)
_the_bounded_role = on_entity(ROLE, boundary="present")


async def insert_role(
    tx: Transaction,
    vault: Vault,
    account: str,
    name: str,
    trust: str,
    *,
    now: float,
    entropy: Entropy,
    path: str = "/",
    description: str | None = None,
    max_session_duration: int = SHORTEST_MAXIMUM,
    boundary: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Entity:
    """Add a role that trusts by the document `trust`. Raises EntityAlreadyExists, LimitExceeded,
    MalformedPolicyDocument, NoSuchEntity (boundary)."""
    role = await entities.new(tx, ROLE, account, name, path, now, entropy, boundary)
    ids = await documents.principal_ids(tx, vault, documents.trust_document(trust))
    if boundary is not None:
        await check_boundary(tx, account, boundary)
    await tx.execute(
        "INSERT INTO roles (id, account, name, name_folded, path, description, max_session_duration, boundary,"
        " trust_policy, trust_principal_ids, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        role.id, account, name, name.lower(), path, description, max_session_duration, boundary,
        trust, json.dumps(ids), now,
    )  # fmt: skip
    await set_tags(tx, role.id, tags or {}, "Role")
    return role


async def set_trust(tx: Transaction, vault: Vault, role: Entity, trust: str) -> None:
    """Give a role another trust policy. Raises MalformedPolicyDocument, LimitExceeded."""
    ids = await documents.principal_ids(tx, vault, documents.trust_document(trust))
    await tx.execute(
        "UPDATE roles SET trust_policy = ?, trust_principal_ids = ? WHERE id = ?",
        trust,
        json.dumps(ids),
        role.id,
    )


async def set_details(
    tx: Transaction, role: Entity, *, description: str | None = None, max_session_duration: int | None = None
) -> None:
    """Change a role's description and longest session; None leaves them."""
    await tx.execute(
        "UPDATE roles SET description = coalesce(?, description),"
        " max_session_duration = coalesce(?, max_session_duration) WHERE id = ?",
        description, max_session_duration, role.id,
    )  # fmt: skip


@operation(
    "iam",
    "CreateRole",
    Permission("iam:CreateRole", on=_new_role),
    with_tags("iam:TagRole", _new_role),
)
async def create_role(call: Call) -> dict[str, Any]:
    """Create a role. Raises MalformedPolicyDocument, EntityAlreadyExists, LimitExceeded, NoSuchEntity
    (boundary), InvalidInput."""
    members = call.input
    tags = checked_tags(members.get("Tags"))
    path = members.get("Path") or "/"
    check_path_is_ours(path)

    async def work(tx: Transaction) -> Entity:
        return await insert_role(
            tx,
            call.system.vault,
            call.account,
            members["RoleName"],
            members["AssumeRolePolicyDocument"],
            now=call.now,
            entropy=call.system.entropy,
            path=path,
            description=members.get("Description"),
            max_session_duration=members.get("MaxSessionDuration") or SHORTEST_MAXIMUM,
            boundary=members.get("PermissionsBoundary"),
            tags=tags,
        )

    return {"Role": await shown(call.system, await call.system.identity.write(work), whole=True)}


@operation("iam", "GetRole", Permission("iam:GetRole", on=_the_bounded_role))
async def get_role(call: Call) -> dict[str, Any]:
    """A role with its trust policy. Raises NoSuchEntity."""
    role = await entities.get(call.system.identity, ROLE, call.account, call.input["RoleName"])
    return {"Role": await shown(call.system, role, whole=True)}


@operation("iam", "UpdateRole", Permission("iam:UpdateRole", on=_the_bounded_role))
async def update_role(call: Call) -> dict[str, Any]:
    """Change description or longest session. Raises NoSuchEntity, UnmodifiableEntity."""
    members = call.input

    async def work(tx: Transaction) -> None:
        role = await entities.get(tx, ROLE, call.account, members["RoleName"])
        check_modifiable(role)
        await set_details(
            tx,
            role,
            description=members.get("Description"),
            max_session_duration=members.get("MaxSessionDuration"),
        )

    await call.system.identity.write(work)
    return {}


@operation("iam", "UpdateRoleDescription", Permission("iam:UpdateRoleDescription", on=_the_bounded_role))
async def update_role_description(call: Call) -> dict[str, Any]:
    """Change the description. Raises NoSuchEntity, UnmodifiableEntity."""

    async def work(tx: Transaction) -> Entity:
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        check_modifiable(role)
        await set_details(tx, role, description=call.input["Description"])
        return role

    return {"Role": await shown(call.system, await call.system.identity.write(work), whole=True)}


@operation("iam", "UpdateAssumeRolePolicy", Permission("iam:UpdateAssumeRolePolicy", on=_the_bounded_role))
async def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """Replace the trust policy. Raises NoSuchEntity, MalformedPolicyDocument, UnmodifiableEntity."""

    async def work(tx: Transaction) -> None:
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        check_modifiable(role)
        await set_trust(tx, call.system.vault, role, call.input["PolicyDocument"])

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteRole", Permission("iam:DeleteRole", on=_the_bounded_role))
async def delete_role(call: Call) -> dict[str, Any]:
    """Delete a role without policies. Raises NoSuchEntity, DeleteConflict, UnmodifiableEntity."""

    async def work(tx: Transaction) -> None:
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        check_modifiable(role)
        in_profiles = ("instance_profiles", "role_id", "remove roles from instance profile")
        await entities.check_has_nothing(tx, role, in_profiles)
        await remove_tags(tx, role.id)
        await tx.execute("DELETE FROM roles WHERE id = ?", role.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListRoles", Permission("iam:ListRoles", on=on_list("role")))
async def list_roles(call: Call) -> dict[str, Any]:
    """The account's roles under a path, by name; without boundary, tags and last use, as on AWS."""
    page = Page.of(call.input)
    prefix = call.input.get("PathPrefix") or "/"
    roles = await entities.many(call.system.identity, ROLE, "account = ?", call.account)
    found, more = page.cut((r for r in roles if r.path.startswith(prefix)), lambda role: role.name.lower())
    return {"Roles": [await shown(call.system, role) for role in found], **more}


async def shown(system: System, role: Entity, *, whole: bool = False) -> dict[str, Any]:
    """A role as AWS shows it. whole: with its boundary, tags and last use."""
    shape = described(role)
    row = await system.identity.fetch_one(
        "SELECT trust_policy, trust_principal_ids, description, max_session_duration FROM roles WHERE id = ?",
        role.id,
    )
    if row is not None:  # else deleted by somebody since
        shape["AssumeRolePolicyDocument"] = await shown_trust(system, row[0], row[1])
        shape["MaxSessionDuration"] = row[3]
        if row[2] is not None:
            shape["Description"] = row[2]
    if not whole:
        return shape
    shape |= shown_boundary(role) | {"RoleLastUsed": await last_used(system, role.id)}
    return await add_shown_tags(system.identity, role.id, shape)


async def shown_trust(system: System, text: str, principal_ids: str) -> str:
    """A stored trust policy, URL-encoded, its principals named as they are called now."""
    # What this very request wrote must be seen; the server's Directory keeps what it knew at the beginning.
    system.directory.refresh()
    policy = documents.trust_policy(text, json.loads(principal_ids))
    return documents.encoded(await system.directory.shown_text(policy))


async def last_used(system: System, role_id: str) -> dict[str, Any]:
    """`RoleLastUsed`: empty for a role that was never used."""
    row = await system.objects.fetch_one("SELECT used, region FROM last_used WHERE id = ?", role_id)
    return {} if row is None else {"LastUsedDate": moment(row[0]), "Region": row[1]}
