"""What each operation of IAM is authorised on, and the condition keys it brings.

From the Service Authorization Reference for IAM. A user, group or role is named by its ARN as it is, path
included; one that does not exist by the ARN it would have with the path `/`, so that the answer to those who
may not look is the same. IAM's resources have no policies of their own: an operation is about the caller's own
account, and a managed policy of another one, which can be named by its ARN, is forbidden to everybody.

    iam:PolicyARN            Attach…, Detach…
    iam:PermissionsBoundary  what Create… and Put…PermissionsBoundary set; what the entity has, for changes to it
    iam:ResourceTag/key      tags of the user or role;  aws:ResourceTag/key  also of the policy or MFA device
    aws:RequestTag/key, aws:TagKeys   Create…, Tag…; Untag… has only the keys
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from isthmus.identity import aws_managed_policy
from isthmus.names import is_account_id
from isthmus.operation import Call, Permission, Resource
from isthmus.policy import ContextValue, PrincipalKind

from .entities import USER, Entity, Kind, find, iam_arn
from .errors import invalid_input, invalid_value

On = Callable[[Call], Awaitable[Resource]]
Boundary = Literal["requested", "present"]


def on_entity(kind: Kind, boundary: Boundary | None = None) -> On:
    """The user, group or role that the input names; without a UserName the caller itself.

    boundary: which one `iam:PermissionsBoundary` tells, if the operation has that key.
    """

    async def on(call: Call) -> Resource:
        if kind is USER and call.input.get("UserName") is None:
            name = caller_name(call)
            if name is None:  # the root user: there is no IAM user to speak of
                return Resource(call.caller.principal.arn, call.account)
        else:
            name = call.input[kind.member]
        entity = await find(call.system.identity, kind, call.account, name)
        context = request_tags(call)
        if "PolicyArn" in call.input:
            context["iam:policyarn"] = call.input["PolicyArn"]
        if boundary == "requested":
            _tell_boundary(context, call.input.get("PermissionsBoundary"))
        if entity is None:
            return Resource(iam_arn(call.account, kind.name, "/", name), call.account, context=context)
        if boundary == "present":
            _tell_boundary(context, entity.boundary)
        context |= await _entity_tags(call, entity)
        return Resource(entity.arn, call.account, context=context)

    return on


def on_new_entity(kind: Kind) -> On:
    """The user, group or role that is to be created, or to be renamed into."""

    async def on(call: Call) -> Resource:
        context = request_tags(call)
        _tell_boundary(context, call.input.get("PermissionsBoundary"))
        arn = iam_arn(call.account, kind.name, call.input.get("Path") or "/", call.input[kind.member])
        return Resource(arn, call.account, context=context)

    return on


def on_renamed(kind: Kind) -> On:
    """What a user or group will be after UpdateUser or UpdateGroup."""
    new_name = f"New{kind.word}Name"

    async def on(call: Call) -> Resource:
        entity = await find(call.system.identity, kind, call.account, call.input[kind.member])
        path = call.input.get("NewPath") or ("/" if entity is None else entity.path)
        name = call.input.get(new_name) or call.input[kind.member]
        return Resource(iam_arn(call.account, kind.name, path, name), call.account)

    return on


def on_list(resource_type: str) -> On:
    """All users, groups, roles or policies of the account under a path: `arn:aws:iam::A:user/`."""

    async def on(call: Call) -> Resource:
        prefix = call.input.get("PathPrefix") or "/"
        return Resource(f"arn:aws:iam::{call.account}:{resource_type}{prefix}", call.account)

    return on


async def on_account(call: Call) -> Resource:
    """An action without resources."""
    return Resource("*", call.account)


async def on_policy(call: Call) -> Resource:
    """The managed policy that the input names. Raises InvalidInput for what is not the ARN of one."""
    arn = policy_arn(call.input["PolicyArn"])
    context = request_tags(call)
    owner = arn.split(":")[4]
    if is_account_id(owner) and owner != call.account:
        return Resource(arn, owner, context=context)
    row = await call.system.identity.fetch_one(
        "SELECT id FROM policies WHERE arn = ? AND account = ?", arn, call.account
    )
    if row is not None:
        context |= _resource_tags(await call.system.directory.tags(row[0]))
    return Resource(arn, call.account, context=context)


async def on_new_policy(call: Call) -> Resource:
    """The managed policy that is to be created."""
    arn = iam_arn(call.account, "policy", call.input.get("Path") or "/", call.input["PolicyName"])
    return Resource(arn, call.account, context=request_tags(call))


async def on_mfa_device(call: Call) -> Resource:
    """The MFA device with the given serial number; for somebody else's number one that cannot exist here."""
    serial: str = call.input["SerialNumber"]
    if not serial.startswith(f"arn:aws:iam::{call.account}:mfa/"):
        serial = iam_arn(call.account, "mfa", "/", serial.rsplit("/", 1)[-1])
    context = request_tags(call) | _resource_tags(await call.system.directory.tags(serial))
    return Resource(serial, call.account, context=context)


async def on_new_mfa_device(call: Call) -> Resource:
    """The MFA device that is to be created."""
    arn = iam_arn(call.account, "mfa", call.input.get("Path") or "/", call.input["VirtualMFADeviceName"])
    return Resource(arn, call.account, context=request_tags(call))


def with_tags(action: str, on: On) -> Permission:
    """The permission to tag, which a Create operation needs when it is given tags."""
    return Permission(action, on=on, when=lambda call: bool(call.input.get("Tags")), condition="with Tags")


def policy_arn(arn: str) -> str:
    """`arn` if it has the form of a managed policy's. Raises InvalidInput."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "iam"] or not parts[5].startswith("policy/"):
        raise invalid_input(f"ARN {arn} is not valid.")
    return arn


def is_aws_managed(arn: str) -> bool:
    """Whether AWS has such a managed policy."""
    return aws_managed_policy(arn) is not None


def caller_name(call: Call) -> str | None:
    """The caller's own user name, None for root. Raises ValidationError for a role or federated user."""
    principal = call.caller.principal
    if principal.kind is PrincipalKind.ROOT:
        return None
    if principal.kind is PrincipalKind.USER:
        return principal.entity_arn.rsplit("/", 1)[-1]
    raise invalid_value("Must specify userName when calling with non-User credentials")


def request_tags(call: Call) -> dict[str, ContextValue]:
    """The condition keys of the tags in a request."""
    tags: list[dict[str, str]] = call.input.get("Tags") or []
    keys: tuple[str, ...] = tuple(tag["Key"] for tag in tags) or tuple(call.input.get("TagKeys") or ())
    context: dict[str, ContextValue] = {f"aws:requesttag/{tag['Key'].lower()}": tag["Value"] for tag in tags}
    if keys:
        context["aws:tagkeys"] = keys
    return context


async def _entity_tags(call: Call, entity: Entity) -> dict[str, ContextValue]:
    tags = await call.system.directory.tags(entity.id)
    context = _resource_tags(tags)
    context.update({f"iam:resourcetag/{key.lower()}": value for key, value in tags.items()})
    return context


def _resource_tags(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    return {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}


def _tell_boundary(context: dict[str, Any], arn: str | None) -> None:
    if arn is not None:
        context["iam:permissionsboundary"] = arn
