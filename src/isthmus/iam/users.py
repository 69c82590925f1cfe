"""Users: create, get, update (name and path), delete, list.

A user keeps its unique id for life; policies that name it keep meaning it when it is renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.names import root_arn
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import entities
from .attachments import check_boundary, shown_boundary
from .entities import USER, Entity, Entropy, moment
from .paging import Page
from .permissions import caller_name, on_entity, on_list, on_new_entity, on_renamed, with_tags
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

_the_user = on_entity(USER)
_new_user = on_new_entity(USER)


async def insert_user(
    tx: Transaction,
    account: str,
    name: str,
    *,
    now: float,
    entropy: Entropy,
    path: str = "/",
    boundary: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Entity:
    """Add a user. Raises EntityAlreadyExists, LimitExceeded, NoSuchEntity (boundary)."""
    user = await entities.new(tx, USER, account, name, path, now, entropy, boundary)
    if boundary is not None:
        await check_boundary(tx, account, boundary)
    await tx.execute(
        "INSERT INTO users (id, account, name, name_folded, path, boundary, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        user.id, account, name, name.lower(), path, boundary, now,
    )  # fmt: skip
    await set_tags(tx, user.id, tags or {}, "User")
    return user


@operation(
    "iam",
    "CreateUser",
    Permission("iam:CreateUser", on=_new_user),
    with_tags("iam:TagUser", _new_user),
)
async def create_user(call: Call) -> dict[str, Any]:
    """Create a user. Raises EntityAlreadyExists, LimitExceeded, NoSuchEntity (boundary), InvalidInput."""
    members = call.input
    tags = checked_tags(members.get("Tags"))

    async def work(tx: Transaction) -> dict[str, Any]:
        user = await insert_user(
            tx,
            call.account,
            members["UserName"],
            now=call.now,
            entropy=call.system.entropy,
            path=members.get("Path") or "/",
            boundary=members.get("PermissionsBoundary"),
            tags=tags,
        )
        return await shown(tx, user)

    return {"User": await call.system.identity.write(work)}


@operation("iam", "GetUser", Permission("iam:GetUser", on=_the_user))
async def get_user(call: Call) -> dict[str, Any]:
    """A user; without a name the caller, who may be the root user. Raises NoSuchEntity."""
    name = call.input.get("UserName") or caller_name(call)
    identity, objects = call.system.identity, call.system.objects
    if name is None:
        row = await identity.fetch_one("SELECT created FROM accounts WHERE id = ?", call.account)
        created = 0.0 if row is None else row[0]
        root = {"UserId": call.account, "Arn": root_arn(call.account), "CreateDate": moment(created)}
        return {"User": root | await password_last_used(objects, call.account)}
    user = await entities.get(identity, USER, call.account, name)
    return {"User": await shown(identity, user) | await password_last_used(objects, user.id)}


@operation(
    "iam",
    "UpdateUser",
    Permission("iam:UpdateUser", on=_the_user),
    Permission(
        "iam:UpdateUser",
        on=on_renamed(USER),
        when=lambda call: bool(call.input.get("NewUserName") or call.input.get("NewPath")),
        condition="the user as it will be called",
    ),
)
async def update_user(call: Call) -> dict[str, Any]:
    """Rename a user or move it to another path. Raises NoSuchEntity, EntityAlreadyExists."""
    members = call.input

    async def work(tx: Transaction) -> None:
        user = await entities.get(tx, USER, call.account, members["UserName"])
        await entities.rename(tx, user, members.get("NewUserName"), members.get("NewPath"))

    await call.system.identity.write(work)
    return {}


# What a user must be rid of, beside policies, before it can be deleted: see `check_has_nothing`.
_IN_THE_WAY = (
    ("access_keys", "user_id", "delete access keys"),
    ("signing_certificates", "user_id", "delete signing certificates"),
    ("ssh_public_keys", "user_id", "delete SSH public keys"),
    ("mfa_devices", "owner_id", "delete MFA device"),
    ("login_profiles", "user_id", "delete login profile"),
    ("group_members", "user_id", "remove users from group"),
)


@operation("iam", "DeleteUser", Permission("iam:DeleteUser", on=_the_user))
async def delete_user(call: Call) -> dict[str, Any]:
    """Delete a user that has nothing any more. Raises NoSuchEntity, DeleteConflict."""

    async def work(tx: Transaction) -> None:
        user = await entities.get(tx, USER, call.account, call.input["UserName"])
        await entities.check_has_nothing(tx, user, *_IN_THE_WAY)
        await remove_tags(tx, user.id)
        await tx.execute("DELETE FROM users WHERE id = ?", user.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListUsers", Permission("iam:ListUsers", on=on_list("user")))
async def list_users(call: Call) -> dict[str, Any]:
    """The account's users under a path, by name."""
    page = Page.of(call.input)
    prefix = call.input.get("PathPrefix") or "/"
    users = await entities.many(call.system.identity, USER, "account = ?", call.account)
    found, more = page.cut((u for u in users if u.path.startswith(prefix)), lambda user: user.name.lower())
    shapes = [entities.described(user) | await password_last_used(call.system.objects, user.id) for user in found]
    return {"Users": shapes, **more}


async def shown(reader: Reader, user: Entity) -> dict[str, Any]:
    """A user with its boundary and tags."""
    return await add_shown_tags(reader, user.id, entities.described(user) | shown_boundary(user))


async def password_last_used(objects: Reader, owner_id: str) -> dict[str, Any]:
    """`PasswordLastUsed` of a user (by id) or root (by account), if the password was ever used."""
    row = await objects.fetch_one("SELECT used FROM last_used WHERE id = ?", owner_id)
    return {} if row is None else {"PasswordLastUsed": moment(row[0])}
