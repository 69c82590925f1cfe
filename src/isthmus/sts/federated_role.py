"""What the two unsigned ways to a role have in common: the provider's word instead of a caller, and the role as the
resource, whose trust policy alone decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from isthmus.identity import Role, Session
from isthmus.names import Arn
from isthmus.operation import Call, Permission, Resource
from isthmus.policy import ContextValue, Principal, PrincipalKind, PrincipalPolicies

from .assume_role import role_and_trust
from .credentials import credentials, new_access_key
from .session_policies import SessionPolicies
from .session_tags import SessionTags

FOUND = "federated role"
"""Under this name in `call.found` the first permission leaves what it understood of the call."""


class Understood(Protocol):
    """What the permissions have to know of a call."""

    @property
    def tags(self) -> SessionTags:
        """Of the new session."""

    @property
    def source_identity(self) -> str | None:
        """Of the new session."""


def federated_permissions(
    action: str, role_to_assume: Callable[[Call], Awaitable[Resource]], proof: str
) -> tuple[Permission, Permission, Permission]:
    """What the trust policy must allow: `action`, and what the proof brings along (IAM User Guide, "Passing session
    tags in AWS STS"; "Monitor and control actions taken with assumed roles").

    role_to_assume: finds the role, and leaves what is `Understood` in `call.found`. proof: what the provider issued.
    """

    def has_tags(call: Call) -> bool:
        understood: Understood = call.found[FOUND]
        return bool(understood.tags.all)

    def has_source_identity(call: Call) -> bool:
        understood: Understood = call.found[FOUND]
        return understood.source_identity is not None

    return (
        Permission(action, role_to_assume),
        Permission("sts:TagSession", role_to_assume, has_tags, f"with session tags in the {proof}"),
        Permission(
            "sts:SetSourceIdentity", role_to_assume, has_source_identity, f"with a source identity in the {proof}"
        ),
    )


def speak_as(call: Call, provider: str) -> None:
    """Make a provider (its ARN) the caller. Whoever signed the request, if anybody did, has no part in it."""
    call.caller = call.caller._replace(
        principal=Principal(PrincipalKind.WEB_IDENTITY, "anonymous", provider, provider, provider),
        policies=PrincipalPolicies(),
        session=None,
    )
    call.context = {name: value for name, value in call.context.items() if not _is_of_the_caller(name)}


def _is_of_the_caller(key: str) -> bool:
    name = key.removeprefix("aws:")
    return name != key and name.startswith(("principal", "userid", "username", "multifactorauth", "tokenissue"))


async def role_and_resource(
    call: Call,
    role_arn: Arn,
    tags: SessionTags,
    session_name: str,
    source_identity: str | None,
    provider_keys: dict[str, ContextValue],
) -> tuple[Role | None, Resource]:
    """The role that an ARN names, None where there is none, and what its trust policy is asked about."""
    context = tags.context() | provider_keys
    context["sts:rolesessionname"] = session_name
    if source_identity is not None:
        context["sts:sourceidentity"] = source_identity
    return await role_and_trust(call, role_arn, context)


def federated_session(
    call: Call,
    role: Role,
    session_name: str,
    seconds: float,
    tags: SessionTags,
    policies: SessionPolicies,
    source_identity: str | None,
    keys: dict[str, str],
    provider: str | None = None,
) -> dict[str, Any]:
    """Credentials of the role, with what both operations answer of them.

    keys: condition keys that stay in the session. provider: its ARN, where `aws:FederatedProvider` is told.
    """
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}"
    session = Session(
        access_key=new_access_key(call, role.account),
        kind=call.operation.name,
        principal=Principal(PrincipalKind.ROLE_SESSION, role.account, arn, role.arn, role.id, session_name),
        issued=call.now,
        expires=call.now + seconds,
        session_policy=policies.inline,
        session_policy_arns=policies.arns,
        limited=policies.given,
        tags=tags.all,
        transitive_tag_keys=tags.all_transitive,
        source_identity=source_identity,
        federated_provider=provider,
        context=keys,
    )
    output = credentials(call, session)
    output["AssumedRoleUser"] = {"AssumedRoleId": f"{role.id}:{session_name}", "Arn": arn}
    if policies.packed_percent is not None:
        output["PackedPolicySize"] = policies.packed_percent
    if source_identity is not None:
        output["SourceIdentity"] = source_identity
    return output
