"""What each operation of IAM is authorised on, and the condition keys it brings.

From the Service Authorization Reference for IAM. A user, group or role is named by its ARN as it is, path
included; one that does not exist by the ARN it would have with the path `/`, so that the answer to those who
may not look is the same. IAM's resources have no policies of their own: an operation is about the caller's own
account, and a managed policy of another one, which can be named by its ARN, is forbidden to everybody.

    iam:PolicyARN            Attach…, Detach…
    iam:PermissionsBoundary  what Create… and Put…PermissionsBoundary set; what the entity has, for changes to it
    iam:ResourceTag/key      tags of the user or role
    aws:ResourceTag/key      also of the policy, MFA device, provider, instance profile or certificate
    aws:RequestTag/key, aws:TagKeys   Create…, Tag…; Untag… has only the keys
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from isthmus.identity import aws_managed_policy
from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.operation import Call, Permission, Resource
from isthmus.policy import ContextValue, PrincipalKind

from .entities import KIND_OF_NAME, USER, Entity, Kind, find, iam_arn
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


async def on_policy_source(call: Call) -> Resource:
    """The user, group or role whose policies are asked about; one of another account is forbidden to everybody.
    Raises InvalidInput for an ARN of anything else."""
    arn = entity_arn(call.input["PolicySourceArn"])
    if arn.account != call.account:
        return Resource(str(arn), arn.account)
    entity = await find(call.system.identity, KIND_OF_NAME[arn.resource_type], call.account, arn.name)
    if entity is None:
        return Resource(str(arn), call.account)
    return Resource(entity.arn, call.account, context=await _entity_tags(call, entity))


async def on_policy(call: Call) -> Resource:
    """The managed policy that the input names. Raises InvalidInput for what is not the ARN of one."""
    arn = policy_arn(call.input["PolicyArn"])
    owner = arn.split(":")[4]
    if is_account_id(owner) and owner != call.account:
        return Resource(arn, owner, context=request_tags(call))
    row = await call.system.identity.fetch_one(
        "SELECT id FROM policies WHERE arn = ? AND account = ?", arn, call.account
    )
    return await tagged_resource(call, arn, None if row is None else row[0])


async def on_mfa_device(call: Call) -> Resource:
    """The MFA device with the given serial number; for somebody else's number one that cannot exist here."""
    serial: str = call.input["SerialNumber"]
    if not serial.startswith(f"arn:aws:iam::{call.account}:mfa/"):
        serial = iam_arn(call.account, "mfa", "/", serial.rsplit("/", 1)[-1])
    return await tagged_resource(call, serial, serial)


def on_provider(member: str, resource_type: str, what: str) -> On:
    """The identity provider whose ARN the input has. Raises InvalidInput for what is not the ARN of one."""

    async def on(call: Call) -> Resource:
        arn: str = call.input[member]
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[:4] != ["arn", "aws", "iam", ""] or not parts[5].startswith(f"{resource_type}/"):
            raise invalid_input(f"Invalid ARN: {arn} is not the ARN of {what}.")
        return await tagged_resource(call, arn, arn)

    return on


def on_new(resource_type: str, member: str) -> On:
    """What is to be created: a policy, an MFA device, an instance profile or a certificate. member: its name."""

    async def on(call: Call) -> Resource:
        arn = iam_arn(call.account, resource_type, call.input.get("Path") or "/", call.input[member])
        return await tagged_resource(call, arn, None)

    return on


async def tagged_resource(call: Call, arn: str, tags_under: str | None) -> Resource:
    """The resource `arn` of the caller's account, with `aws:ResourceTag/…` and the tags of the request.

    tags_under: what its tags are stored under; None for a resource that does not exist.
    """
    context = request_tags(call)
    if tags_under is not None:
        context |= _resource_tags(await call.system.directory.tags(tags_under))
    return Resource(arn, call.account, context=context)


def with_tags(action: str, on: On) -> Permission:
    """The permission to tag, which a Create operation needs when it is given tags."""
    return Permission(action, on=on, when=lambda call: bool(call.input.get("Tags")), condition="with Tags")


def entity_arn(text: str) -> Arn:
    """The ARN of a user, group or role. Raises InvalidInput."""
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        arn = None
    if (
        arn is None
        or (arn.service, arn.region) != ("iam", "")
        or not is_account_id(arn.account)
        or arn.resource_type not in KIND_OF_NAME
        or not arn.name
    ):
        raise invalid_input(f"Invalid Entity Arn: {text} does not clearly define entity type and name.")
    return arn


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
