"""One API operation, one function, its required permissions declared beside it.

    @operation("iam", "GetUser", Permission("iam:GetUser", on=the_user))
    async def get_user(call: Call) -> dict[str, Any]: …

The reference documentation, the authorisation door and the router all read the same `OPERATIONS` table.
Permissions: Service Authorization Reference, and "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from isthmus.policy import NO_CONTEXT, ContextValue, ResourcePolicy

if TYPE_CHECKING:
    from .call import Call

Execute = Callable[["Call"], Awaitable[Any]]


class Resource(NamedTuple):
    """What an action is asked for.

    arn: `*` for an action without resources. account: the owner's 12 digits.
    context: condition keys (lower case) that belong to this resource or this check only
        (`iam:resourcetag/team`, `s3:existingobjecttag/k`); they are laid over the request's context.
    acl_allows, public_access_blocked, object_owner, granted: see policy.ResourceSide.
    """

    arn: str
    account: str
    policy: ResourcePolicy | None = None
    context: Mapping[str, ContextValue] = NO_CONTEXT
    acl_allows: bool = False
    public_access_blocked: str | None = None
    object_owner: str | None = None
    granted: bool = False


async def on_anything(call: Call) -> Resource:
    """For an action without resources: permissions are for `*`."""
    return Resource("*", call.account)


@dataclass(frozen=True, slots=True)
class Permission:
    """One check: `action` on the resource that `on` finds, `when` the request calls for it.

    on: finds the resource; may read the store and leave what it found in `call.found`; may raise an AwsError
        that comes before authorisation on AWS (NoSuchBucket).
    when: None means always. condition: that in words, for the reference ("with versionId").
    """

    action: str
    on: Callable[[Call], Awaitable[Resource]]
    when: Callable[[Call], bool] | None = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the table.

    permissions: all must be allowed, in this order; empty for operations that need none (GetCallerIdentity).
    anonymous: whether an unsigned request may reach the authorisation door at all.
    streams: the input's body is handed over unread as `call.request.body`.
    """

    service: str
    name: str
    execute: Execute
    permissions: tuple[Permission, ...] = ()
    anonymous: bool = False
    streams: bool = False


OPERATIONS: dict[tuple[str, str], Operation] = {}
"""Every operation that is built, by service (`s3`, `iam`, `sts`) and AWS's operation name."""


def operation(
    service: str, name: str, *permissions: Permission, anonymous: bool = False, streams: bool = False
) -> Callable[[Execute], Execute]:
    """Register the decorated function as the implementation of an operation."""

    def register(execute: Execute) -> Execute:
        key = (service, name)
        if key in OPERATIONS:
            raise ValueError(f"{service}:{name} is registered twice")
        OPERATIONS[key] = Operation(service, name, execute, permissions, anonymous, streams)
        return execute

    return register
