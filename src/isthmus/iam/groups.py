"""Groups and who is in them."""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import entities
from .entities import GROUP, USER, Entity, Entropy, described
from .errors import exceeds_quota, no_such_entity
from .paging import Page
from .permissions import on_entity, on_list, on_new_entity, on_renamed

GROUPS_PER_USER = 10

_the_group = on_entity(GROUP)


async def insert_group(
    tx: Transaction, account: str, name: str, *, now: float, entropy: Entropy, path: str = "/"
) -> Entity:
    """Add a group. Raises EntityAlreadyExists, LimitExceeded."""
    group = await entities.new(tx, GROUP, account, name, path, now, entropy)
    await tx.execute(
        "INSERT INTO groups (id, account, name, name_folded, path, created) VALUES (?, ?, ?, ?, ?, ?)",
        group.id, account, name, name.lower(), path, now,
    )  # fmt: skip
    return group


async def add_member(tx: Transaction, group: Entity, user: Entity) -> None:
    """Put a user into a group; it may be in it already. Raises LimitExceeded."""
    mine = await groups_of(tx, user.id)
    if group.id in (other.id for other in mine):
        return
    if len(mine) >= GROUPS_PER_USER:
        raise exceeds_quota("GroupsPerUser", GROUPS_PER_USER)
    await tx.execute("INSERT INTO group_members (group_id, user_id) VALUES (?, ?)", group.id, user.id)


async def groups_of(reader: Reader, user_id: str) -> list[Entity]:
    """The groups that a user is in, by name."""
    return await entities.many(
        reader,
        GROUP,
        "id IN (SELECT group_id FROM group_members WHERE user_id = ?) ORDER BY name_folded",
        user_id,
    )


@operation("iam", "CreateGroup", Permission("iam:CreateGroup", on=on_new_entity(GROUP)))
async def create_group(call: Call) -> dict[str, Any]:
    """Create a group. Raises EntityAlreadyExists, LimitExceeded."""

    async def work(tx: Transaction) -> Entity:
        return await insert_group(
            tx,
            call.account,
            call.input["GroupName"],
            now=call.now,
            entropy=call.system.entropy,
            path=call.input.get("Path") or "/",
        )

    return {"Group": described(await call.system.identity.write(work))}


@operation("iam", "GetGroup", Permission("iam:GetGroup", on=_the_group))
async def get_group(call: Call) -> dict[str, Any]:
    """A group and its members. Raises NoSuchEntity."""
    page = Page.of(call.input)
    group = await entities.get(call.system.identity, GROUP, call.account, call.input["GroupName"])
    members = await entities.many(
        call.system.identity, USER, "id IN (SELECT user_id FROM group_members WHERE group_id = ?)", group.id
    )
    found, more = page.cut(members, lambda user: user.name.lower())
    return {"Group": described(group), "Users": [described(user) for user in found], **more}


@operation(
    "iam",
    "UpdateGroup",
    Permission("iam:UpdateGroup", on=_the_group),
    Permission(
        "iam:UpdateGroup",
        on=on_renamed(GROUP),
        when=lambda call: bool(call.input.get("NewGroupName") or call.input.get("NewPath")),
        condition="the group as it will be called",
    ),
)
async def update_group(call: Call) -> dict[str, Any]:
    """Rename a group or move it to another path. Raises NoSuchEntity, EntityAlreadyExists."""
    members = call.input

    async def work(tx: Transaction) -> None:
        group = await entities.get(tx, GROUP, call.account, members["GroupName"])
        await entities.rename(tx, group, members.get("NewGroupName"), members.get("NewPath"))

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteGroup", Permission("iam:DeleteGroup", on=_the_group))
async def delete_group(call: Call) -> dict[str, Any]:
    """Delete a group without members and policies. Raises NoSuchEntity, DeleteConflict."""

    async def work(tx: Transaction) -> None:
        group = await entities.get(tx, GROUP, call.account, call.input["GroupName"])
        await entities.check_has_nothing(tx, group, ("group_members", "group_id", "remove users from group"))
        await tx.execute("DELETE FROM groups WHERE id = ?", group.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListGroups", Permission("iam:ListGroups", on=on_list("group")))
async def list_groups(call: Call) -> dict[str, Any]:
    """The account's groups under a path, by name."""
    page = Page.of(call.input)
    prefix = call.input.get("PathPrefix") or "/"
    groups = await entities.many(call.system.identity, GROUP, "account = ?", call.account)
    found, more = page.cut((g for g in groups if g.path.startswith(prefix)), lambda group: group.name.lower())
    return {"Groups": [described(group) for group in found], **more}


@operation("iam", "AddUserToGroup", Permission("iam:AddUserToGroup", on=_the_group))
async def add_user_to_group(call: Call) -> dict[str, Any]:
    """Put a user into a group. Raises NoSuchEntity, LimitExceeded."""

    async def work(tx: Transaction) -> None:
        group = await entities.get(tx, GROUP, call.account, call.input["GroupName"])
        user = await entities.get(tx, USER, call.account, call.input["UserName"])
        await add_member(tx, group, user)

    await call.system.identity.write(work)
    return {}


@operation("iam", "RemoveUserFromGroup", Permission("iam:RemoveUserFromGroup", on=_the_group))
async def remove_user_from_group(call: Call) -> dict[str, Any]:
    """Take a user out of a group. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        group = await entities.get(tx, GROUP, call.account, call.input["GroupName"])
        user = await entities.get(tx, USER, call.account, call.input["UserName"])
        if not await tx.execute("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", group.id, user.id):
            raise no_such_entity(f"User {user.name} is not in group {group.name}.")

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListGroupsForUser", Permission("iam:ListGroupsForUser", on=on_entity(USER)))
async def list_groups_for_user(call: Call) -> dict[str, Any]:
    """The groups that a user is in. Raises NoSuchEntity."""
    page = Page.of(call.input)
    user = await entities.get(call.system.identity, USER, call.account, call.input["UserName"])
    found, more = page.cut(await groups_of(call.system.identity, user.id), lambda group: group.name.lower())
    return {"Groups": [described(group) for group in found], **more}
