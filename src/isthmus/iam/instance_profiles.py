"""Instance profiles: the named container by which AWS hands a role to a machine. It holds one role at most.

There are no machines here; tools that manage roles make profiles beside them, and find them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.names import unique_id
from isthmus.operation import Call, Permission, Resource, System, operation
from isthmus.policy import ContextValue
from isthmus.store import Reader, Row, Transaction

from . import entities, roles, tags
from .entities import ROLE, iam_arn, moment
from .errors import already_exists, exceeds_quota, must_first, no_such_entity
from .paging import Page
from .permissions import on_entity, on_list, on_new, tagged_resource, with_tags
from .protected import check_modifiable
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

PROFILES_PER_ACCOUNT = 1000

_NAME = "InstanceProfileName"
_SELECT = "SELECT id, account, name, path, role_id, created FROM instance_profiles WHERE account = ?"

_new_profile = on_new("instance-profile", _NAME)


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """An instance profile. role_id: the AROA… id of its role, if it has one."""

    id: str
    account: str
    name: str
    path: str
    role_id: str | None
    created: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:instance-profile/PATH/NAME`."""
        return iam_arn(self.account, "instance-profile", self.path, self.name)


async def _find(reader: Reader, account: str, name: str) -> InstanceProfile | None:
    row: Row | None = await reader.fetch_one(f"{_SELECT} AND name_folded = ?", account, name.lower())
    return None if row is None else InstanceProfile(*row)


async def _get(reader: Reader, account: str, name: str) -> InstanceProfile:
    profile = await _find(reader, account, name)
    if profile is None:
        raise no_such_entity(f"Instance Profile {name} cannot be found.")
    return profile


async def _the_profile(call: Call) -> Resource:
    name = call.input[_NAME]
    profile = await _find(call.system.identity, call.account, name)
    if profile is None:
        return await tagged_resource(call, iam_arn(call.account, "instance-profile", "/", name), None)
    return await tagged_resource(call, profile.arn, profile.id)


async def shown(system: System, profile: InstanceProfile, *, with_its_tags: bool = True) -> dict[str, Any]:
    """A profile with its role as AWS shows it."""
    role = None if profile.role_id is None else await entities.by_id(system.identity, profile.role_id)
    shape: dict[str, Any] = {
        "Path": profile.path,
        _NAME: profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": moment(profile.created),
        "Roles": [] if role is None else [await roles.shown(system, role)],
    }
    return await add_shown_tags(system.identity, profile.id, shape) if with_its_tags else shape


async def profiles_of_role(reader: Reader, account: str, role_id: str) -> list[InstanceProfile]:
    """The profiles that hold a role."""
    rows = await reader.fetch_all(f"{_SELECT} AND role_id = ? ORDER BY name_folded", account, role_id)
    return [InstanceProfile(*row) for row in rows]


@operation(
    "iam",
    "CreateInstanceProfile",
    Permission("iam:CreateInstanceProfile", on=_new_profile),
    with_tags("iam:TagInstanceProfile", _new_profile),
)
async def create_instance_profile(call: Call) -> dict[str, Any]:
    """Create a profile without a role. Raises EntityAlreadyExists, LimitExceeded, InvalidInput."""
    name, path = call.input[_NAME], call.input.get("Path") or "/"
    given_tags = checked_tags(call.input.get("Tags"))
    profile_id = unique_id("AIPA", call.system.entropy(11))

    async def work(tx: Transaction) -> InstanceProfile:
        if await _find(tx, call.account, name) is not None:
            raise already_exists(f"Instance Profile {name} already exists.")
        quota, most = "InstanceProfilesPerAccount", PROFILES_PER_ACCOUNT
        await entities.check_room(tx, "instance_profiles", call.account, quota, most)
        await tx.execute(
            "INSERT INTO instance_profiles (id, account, name, name_folded, path, created) VALUES (?, ?, ?, ?, ?, ?)",
            profile_id, call.account, name, name.lower(), path, call.now,
        )  # fmt: skip
        await set_tags(tx, profile_id, given_tags, "InstanceProfile")
        return InstanceProfile(profile_id, call.account, name, path, None, call.now)

    return {"InstanceProfile": await shown(call.system, await call.system.identity.write(work))}


@operation("iam", "GetInstanceProfile", Permission("iam:GetInstanceProfile", on=_the_profile))
async def get_instance_profile(call: Call) -> dict[str, Any]:
    """A profile with its role. Raises NoSuchEntity."""
    profile = await _get(call.system.identity, call.account, call.input[_NAME])
    return {"InstanceProfile": await shown(call.system, profile)}


@operation("iam", "DeleteInstanceProfile", Permission("iam:DeleteInstanceProfile", on=_the_profile))
async def delete_instance_profile(call: Call) -> dict[str, Any]:
    """Delete a profile without a role. Raises NoSuchEntity, DeleteConflict."""

    async def work(tx: Transaction) -> None:
        profile = await _get(tx, call.account, call.input[_NAME])
        if profile.role_id is not None:
            raise must_first("remove roles from instance profile")
        await remove_tags(tx, profile.id)
        await tx.execute("DELETE FROM instance_profiles WHERE id = ?", profile.id)

    await call.system.identity.write(work)
    return {}


async def _the_role(call: Call) -> Resource:
    """The role as it is passed to EC2, for whatever instance will use the profile (IAM User Guide, "IAM and AWS STS
    condition context keys")."""
    role = await on_entity(ROLE)(call)
    passed: dict[str, ContextValue] = {
        "iam:passedtoservice": "ec2.amazonaws.com",
        "iam:associatedresourcearn": f"arn:aws:ec2:*:{call.account}:instance/*",
    }
    return role._replace(context={**role.context, **passed})


@operation(
    "iam",
    "AddRoleToInstanceProfile",
    Permission("iam:AddRoleToInstanceProfile", on=_the_profile),
    Permission("iam:PassRole", on=_the_role),
)
async def add_role_to_instance_profile(call: Call) -> dict[str, Any]:
    """Put a role into a profile. Raises NoSuchEntity, LimitExceeded (it has one), UnmodifiableEntity."""

    async def work(tx: Transaction) -> None:
        profile = await _get(tx, call.account, call.input[_NAME])
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        check_modifiable(role)
        if profile.role_id is not None:
            raise exceeds_quota("InstanceSessionsPerInstanceProfile", 1)
        await tx.execute("UPDATE instance_profiles SET role_id = ? WHERE id = ?", role.id, profile.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "RemoveRoleFromInstanceProfile", Permission("iam:RemoveRoleFromInstanceProfile", on=_the_profile))
async def remove_role_from_instance_profile(call: Call) -> dict[str, Any]:
    """Take a role out of a profile. Raises NoSuchEntity, UnmodifiableEntity."""

    async def work(tx: Transaction) -> None:
        profile = await _get(tx, call.account, call.input[_NAME])
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        check_modifiable(role)
        if profile.role_id != role.id:
            raise no_such_entity(f"Role {role.name} is not in instance profile {profile.name}.")
        await tx.execute("UPDATE instance_profiles SET role_id = NULL WHERE id = ?", profile.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListInstanceProfiles", Permission("iam:ListInstanceProfiles", on=on_list("instance-profile")))
async def list_instance_profiles(call: Call) -> dict[str, Any]:
    """The account's profiles under a path, by name; without tags, as on AWS."""
    prefix = call.input.get("PathPrefix") or "/"
    rows = await call.system.identity.fetch_all(_SELECT, call.account)
    return await _page(call, [profile for row in rows if (profile := InstanceProfile(*row)).path.startswith(prefix)])


@operation("iam", "ListInstanceProfilesForRole", Permission("iam:ListInstanceProfilesForRole", on=on_entity(ROLE)))
async def list_instance_profiles_for_role(call: Call) -> dict[str, Any]:
    """The profiles that hold a role, by name. Raises NoSuchEntity."""
    role = await entities.get(call.system.identity, ROLE, call.account, call.input["RoleName"])
    return await _page(call, await profiles_of_role(call.system.identity, call.account, role.id))


async def _page(call: Call, profiles: list[InstanceProfile]) -> dict[str, Any]:
    found, more = Page.of(call.input).cut(profiles, lambda profile: profile.name.lower())
    return {"InstanceProfiles": [await shown(call.system, one, with_its_tags=False) for one in found], **more}


async def _tags_under(call: Call, reader: Reader) -> str:
    return (await _get(reader, call.account, call.input[_NAME])).id


tags.register(tags.Tagged("InstanceProfile", _the_profile, _tags_under))
