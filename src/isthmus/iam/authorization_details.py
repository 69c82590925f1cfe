"""GetAccountAuthorizationDetails: every user, group, role and policy with all documents, in pages.

One sequence runs through all kinds: users, groups, roles, the account's own policies, and those of AWS that
are in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.identity import aws_managed_policy
from isthmus.operation import Call, Permission, on_anything, operation

from . import documents, entities, groups, instance_profiles, policies, policy_versions, roles
from .attachments import attached_policies, shown_attached, shown_boundary
from .entities import GROUP, ROLE, USER, Entity, described, moment
from .inline_policies import inline_policies
from .paging import Page
from .tag_rows import add_shown_tags

_USERS, _GROUPS, _ROLES, _POLICIES = "UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"
_FILTERS = {"User": USER, "Group": GROUP, "Role": ROLE}


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry that is not rendered yet: where it stands in the sequence, and an entity or a policy's ARN."""

    key: str
    what: Entity | str


@operation("iam", "GetAccountAuthorizationDetails", Permission("iam:GetAccountAuthorizationDetails", on=on_anything))
async def get_account_authorization_details(call: Call) -> dict[str, Any]:
    """Everything that says who may do what in the account."""
    page = Page.of(call.input)
    usage = await policies.usage_of_policies(call.system.identity, call.account)
    found, more = page.cut(await _items(call, usage), lambda item: item.key)
    output: dict[str, Any] = {_USERS: [], _GROUPS: [], _ROLES: [], _POLICIES: []}
    for item in found:
        if isinstance(item.what, str):
            policy = await _policy(call, item.what, usage.get(item.what, (0, 0)))
            if policy is not None:
                output[_POLICIES].append(policy)
        else:
            output[f"{item.what.kind.word}DetailList"].append(await _entity(call, item.what))
    return output | more


async def _items(call: Call, usage: dict[str, tuple[int, int]]) -> list[_Item]:
    reader, account = call.system.identity, call.account
    wanted = call.input.get("Filter") or ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"]
    items: list[_Item] = []
    for number, (word, kind) in enumerate(_FILTERS.items()):
        if word in wanted:
            for entity in await entities.many(reader, kind, "account = ?", account):
                items.append(_Item(f"{number}{entity.name.lower()}", entity))
    if "LocalManagedPolicy" in wanted:
        rows = await reader.fetch_all("SELECT arn FROM policies WHERE account = ?", account)
        items += [_Item(f"3{arn}", arn) for (arn,) in rows]
    if "AWSManagedPolicy" in wanted:
        items += [_Item(f"4{arn}", arn) for arn in usage if aws_managed_policy(arn) is not None]
    return items


async def _entity(call: Call, entity: Entity) -> dict[str, Any]:
    reader, word = call.system.identity, entity.kind.word
    if entity.kind is ROLE:
        shape = await roles.shown(call.system, entity, whole=True)
        shape.pop("Description", None)
        shape.pop("MaxSessionDuration", None)
        profiles = await instance_profiles.profiles_of_role(reader, entity.account, entity.id)
        shape["InstanceProfileList"] = [await instance_profiles.shown(call.system, profile) for profile in profiles]
    else:
        shape = described(entity) | shown_boundary(entity)
        if entity.kind is USER:
            shape["GroupList"] = [group.name for group in await groups.groups_of(reader, entity.id)]
            shape = await add_shown_tags(reader, entity.id, shape)
    shape[f"{word}PolicyList"] = [
        {"PolicyName": name, "PolicyDocument": documents.encoded(text)}
        for name, text in await inline_policies(reader, entity.id)
    ]
    shape["AttachedManagedPolicies"] = shown_attached(await attached_policies(reader, entity.id))
    return shape


async def _policy(call: Call, arn: str, usage: tuple[int, int]) -> dict[str, Any] | None:
    """A policy with all its versions; None if somebody has deleted it since."""
    of_aws = aws_managed_policy(arn)
    if of_aws is not None:
        version = {
            "Document": documents.encoded(of_aws.document),
            "VersionId": of_aws.version,
            "IsDefaultVersion": True,
            "CreateDate": moment(of_aws.updated),
        }
        return policies.shown(of_aws, usage) | {"PolicyVersionList": [version]}
    policy = await policies.find_policy(call.system.identity, call.account, arn)
    if policy is None:
        return None
    shape = policies.shown(policy, usage)
    if policy.description is not None:
        shape["Description"] = policy.description
    return shape | {"PolicyVersionList": await policy_versions.versions_of(call.system.identity, call.account, arn)}
