"""Who may call what, and on which resource it is authorised.

An operation passes two questions. The first is the policies', as everywhere: the caller needs the action on the
resource of the Service Authorization Reference. The second is the standing of the caller's account (each operation of
the Organizations API reference says which):

    management account           everything
    delegated administrator      what Describe… and List… say, once it is registered for any service
    account that the delegation  what the organization's resource-based policy allows it: policies and their
      policy names               attachments, tags, and reading
    any member                   its organization, its handshakes, leaving
    account without organization creating one, its handshakes

For an account that acts by the delegation policy both sides must allow, like across accounts everywhere.
Source: Organizations User Guide, "Delegated administrator for AWS Organizations".
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from isthmus.iam.permissions import request_tags
from isthmus.identity import FULL_ACCESS
from isthmus.names import is_account_id
from isthmus.operation import Call, Permission, Resource
from isthmus.policy import ContextValue, PolicyDocument, ResourcePolicy
from isthmus.store import Reader

from .errors import not_in_use, not_permitted
from .tree import Organization, organization_of

On = Callable[[Call], Awaitable[Resource]]

_STANDING = "standing in the organization"
_OPEN_TO_MEMBERS = frozenset({
    "CreateOrganization", "DescribeOrganization", "LeaveOrganization", "DescribeHandshake", "ListHandshakesForAccount",
    "AcceptHandshake", "DeclineHandshake",
})  # fmt: skip
DELEGABLE = frozenset({
    "AttachPolicy", "CreatePolicy", "DeletePolicy", "DetachPolicy", "DisablePolicyType", "EnablePolicyType",
    "TagResource", "UntagResource", "UpdatePolicy",
})  # fmt: skip
"""What a delegation policy can allow besides reading."""


def is_read(name: str) -> bool:
    """Whether an operation only reads."""
    return name.startswith(("Describe", "List"))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the caller's account is. administrator: registered as one for a service. policy: the delegation policy."""

    organization: Organization | None
    management: bool = False
    administrator: bool = False
    policy: ResourcePolicy | None = None


async def standing(call: Call) -> Standing:
    """The caller's, found once for each call."""
    found: Standing | None = call.found.get(_STANDING)
    if found is None:
        found = call.found[_STANDING] = await _standing(call.system.identity, call.account)
    return found


async def _standing(reader: Reader, account: str) -> Standing:
    organization = await organization_of(reader, account)
    if organization is None:
        return Standing(None)
    if organization.management_account == account:
        return Standing(organization, management=True)
    administrator = await reader.fetch_one("SELECT 1 FROM delegated_administrators WHERE account = ?", account)
    row = await reader.fetch_one(
        "SELECT content, principal_ids FROM organization_resource_policies WHERE organization = ?", organization.id
    )
    policy = None if row is None else ResourcePolicy(PolicyDocument.parse(row[0]), json.loads(row[1]))
    return Standing(organization, False, administrator is not None, policy)


# For `execute`: the organization, if the caller's standing suffices


def the_organization(call: Call) -> Organization:
    """The organization of any member. Raises AWSOrganizationsNotInUseException."""
    organization: Organization | None = call.found[_STANDING].organization
    if organization is None:
        raise not_in_use()
    return organization


def as_management(call: Call) -> Organization:
    """The organization, for its management account. Raises AWSOrganizationsNotInUseException,
    AccessDeniedException."""
    organization = the_organization(call)
    if not call.found[_STANDING].management:
        raise not_permitted()
    return organization


def as_administrator(call: Call) -> Organization:
    """The organization, for its management account and those it delegates to. Raises
    AWSOrganizationsNotInUseException, AccessDeniedException."""
    organization = the_organization(call)
    found: Standing = call.found[_STANDING]
    if not (found.management or _reads_as_administrator(call, found) or _by_policy(call, found)):
        raise not_permitted()
    return organization


def _reads_as_administrator(call: Call, found: Standing) -> bool:
    return found.administrator and is_read(call.operation.name)


def _by_policy(call: Call, found: Standing) -> bool:
    """Whether the delegation policy has its say about the call; if so, it had it at the authorisation door."""
    name = call.operation.name
    return (
        found.policy is not None
        and name not in _OPEN_TO_MEMBERS
        and not _reads_as_administrator(call, found)
        and (name in DELEGABLE or is_read(name))
    )


# For permissions: the resource


async def resource(call: Call, arn: str, context: dict[str, ContextValue] | None = None) -> Resource:
    """`arn` as the resource of the call, with the side that decides about it."""
    found = await standing(call)
    context = request_tags(call) | (context or {})
    if found.organization is not None and not found.management and _by_policy(call, found):
        return Resource(arn, found.organization.management_account, found.policy, context)
    return Resource(arn, call.account, context=context)


async def on_anything(call: Call) -> Resource:
    """An action without resources; `organizations:PolicyType` and `organizations:ServicePrincipal` where the input
    has them."""
    return await resource(call, "*", _filters(call))


def on_node(member: str) -> On:
    """The root, unit or account that an input member names, with its tags."""

    async def on(call: Call) -> Resource:
        return await resource(call, await _node_arn(call, call.input[member]), await _keys(call, call.input[member]))

    return on


def on_new(kind: str) -> On:
    """Something that is to be created (`account`, `ou`): its id is not known yet."""

    async def on(call: Call) -> Resource:
        return await resource(call, await _arn(call, kind, "*"))

    return on


async def on_new_policy(call: Call) -> Resource:
    """A policy that is to be created: its id is not known yet."""
    return await resource(call, await _arn(call, "policy", call.input["Type"].lower(), "*"), _filters(call))


async def on_policy(call: Call) -> Resource:
    """The policy that the input names, with its type and tags."""
    policy_id = call.input["PolicyId"]
    kind = await policy_type(call.system.identity, policy_id)
    arn = await _policy_arn(call, policy_id, kind)
    return await resource(call, arn, await _keys(call, policy_id) | _of_type(kind))


def on_target(member: str = "TargetId") -> On:
    """The root, unit or account that a policy is attached to or listed for."""

    async def on(call: Call) -> Resource:
        context = await _keys(call, call.input[member]) | _filters(call)
        if "PolicyId" in call.input:
            context |= _of_type(await policy_type(call.system.identity, call.input["PolicyId"]))
        return await resource(call, await _node_arn(call, call.input[member]), context)

    return on


async def on_tagged(call: Call) -> Resource:
    """What is to be tagged: an account, root, unit, policy or the resource policy."""
    resource_id = call.input["ResourceId"]
    context = await _keys(call, resource_id)
    if resource_id.startswith("rp-"):
        return await resource(call, await _arn(call, "resourcepolicy", resource_id), context)
    if not resource_id.startswith("p-"):
        return await resource(call, await _node_arn(call, resource_id), context)
    kind = await policy_type(call.system.identity, resource_id)
    return await resource(call, await _policy_arn(call, resource_id, kind), context | _of_type(kind))


async def on_handshake(call: Call) -> Resource:
    """The handshake that the input names; its ARN is of the account that sent it."""
    handshake_id = call.input["HandshakeId"]
    row = await call.system.identity.fetch_one(
        "SELECT organization, management_account, action FROM handshakes WHERE id = ?", handshake_id
    )
    organization, account, action = ("*", call.account, "*") if row is None else row
    arn = f"arn:aws:organizations::{account}:handshake/{organization}/{action.lower()}/{handshake_id}"
    return await resource(call, arn)


async def on_resource_policy(call: Call) -> Resource:
    """The organization's resource-based policy."""
    found = await standing(call)
    row = found.organization and await call.system.identity.fetch_one(
        "SELECT id FROM organization_resource_policies WHERE organization = ?", found.organization.id
    )
    return await resource(call, await _arn(call, "resourcepolicy", row[0] if row else "*"))


def with_tags(on: On) -> Permission:
    """The permission to tag, which an operation needs that is given tags."""
    return Permission(
        "organizations:TagResource", on=on, when=lambda call: bool(call.input.get("Tags")), condition="with Tags"
    )


async def policy_type(reader: Reader, policy_id: str) -> str | None:
    """The type of a policy, AWS's or a customer's; None if there is none."""
    for policy in FULL_ACCESS.values():
        if policy.id == policy_id:
            return policy.type
    row = await reader.fetch_one("SELECT type FROM organization_policies WHERE id = ?", policy_id)
    return None if row is None else row[0]


async def _arn(call: Call, kind: str, *names: str) -> str:
    organization = (await standing(call)).organization
    if organization is None:
        return f"arn:aws:organizations::{call.account}:{'/'.join((kind, '*', *names))}"
    return organization.arn(kind, *names)


async def _node_arn(call: Call, node_id: str) -> str:
    kind = "account" if is_account_id(node_id) else "root" if node_id.startswith("r-") else "ou"
    return await _arn(call, kind, node_id)


async def _policy_arn(call: Call, policy_id: str, kind: str | None) -> str:
    for policy in FULL_ACCESS.values():
        if policy.id == policy_id:
            return policy.arn
    return await _arn(call, "policy", "*" if kind is None else kind.lower(), policy_id)


async def _keys(call: Call, resource_id: str) -> dict[str, ContextValue]:
    """The tags of something in the organization as `aws:ResourceTag/…`."""
    organization = (await standing(call)).organization
    if organization is None:
        return {}
    tags = await call.system.directory.tags(organization.tagged(resource_id))
    return {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}


def _of_type(kind: str | None) -> dict[str, ContextValue]:
    return {} if kind is None else {"organizations:policytype": kind}


def _filters(call: Call) -> dict[str, Any]:
    """Condition keys that an input's own members are."""
    members = call.input
    kind = members.get("PolicyType") or members.get("Type") or members.get("Filter")
    context = _of_type(kind if isinstance(kind, str) else None)  # handshakes have a Filter of another kind
    if "ServicePrincipal" in members:
        context["organizations:serviceprincipal"] = members["ServicePrincipal"]
    return context
