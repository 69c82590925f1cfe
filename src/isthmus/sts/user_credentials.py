"""GetSessionToken and GetFederationToken: credentials for a user itself, or for somebody it vouches for.

Both take long-term credentials only. The root user may call them, for an hour at most: a longer wish is cut,
as the STS API reference says of both.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Session
from isthmus.operation import Call, Permission, Resource, on_anything, operation
from isthmus.policy import Principal, PrincipalKind

from .credentials import HOUR, credentials, new_access_key
from .parameters import check_patterns, invalid
from .second_factor import second_factor
from .session_policies import check_managed, session_policies
from .session_tags import session_tags

SHORTEST = 900  # seconds
LONGEST = 36 * HOUR
DEFAULT = 12 * HOUR


@operation(
    "sts",
    "GetSessionToken",
    Permission("sts:GetSessionToken", on=on_anything, condition="policies have no effect on it"),
)
async def get_session_token(call: Call) -> dict[str, Any]:
    """Credentials of the calling user, with MFA where a code came along. No policy of the account can allow or deny
    it."""
    check_patterns(call.input)
    duration = _duration(call)
    mfa = await second_factor(call)
    session = Session(
        access_key=new_access_key(call, call.account),
        kind="GetSessionToken",
        principal=call.caller.principal,
        issued=call.now,
        expires=call.now + duration,
        mfa_at=call.now if mfa else None,
    )
    return credentials(call, session)


async def _federated_user(call: Call) -> Resource:
    """The federated user to be, with the tags it would get."""
    check_patterns(call.input)
    name = call.input["Name"]
    tags = session_tags(call.input, None)
    return Resource(f"arn:aws:sts::{call.account}:federated-user/{name}", call.account, context=tags.context())


@operation(
    "sts",
    "GetFederationToken",
    Permission("sts:GetFederationToken", on=_federated_user),
    Permission(
        "sts:TagSession",
        on=_federated_user,
        when=lambda call: bool(call.input.get("Tags")),
        condition="with session tags",
    ),
)
async def get_federation_token(call: Call) -> dict[str, Any]:
    """Credentials of a federated user: what both the calling user and the session policies allow.

    Without session policies they can do nothing but what a resource-based policy gives that federated user.
    """
    duration = _duration(call)
    tags = session_tags(call.input, None)
    policies = session_policies(call.input, tags.all)
    await check_managed(policies, call.account, call.system.directory)
    name, issuer = call.input["Name"], call.caller.principal
    arn = f"arn:aws:sts::{call.account}:federated-user/{name}"
    session = Session(
        access_key=new_access_key(call, call.account),
        kind="GetFederationToken",
        principal=Principal(PrincipalKind.FEDERATED_USER, call.account, arn, issuer.entity_arn, issuer.entity_id, name),
        issued=call.now,
        expires=call.now + duration,
        session_policy=policies.inline,
        session_policy_arns=policies.arns,
        limited=True,
        tags=tags.passed,
    )
    output = credentials(call, session)
    output["FederatedUser"] = {"FederatedUserId": f"{call.account}:{name}", "Arn": arn}
    if policies.packed_percent is not None:
        output["PackedPolicySize"] = policies.packed_percent
    return output


def _duration(call: Call) -> int:
    """Seconds. Raises ValidationError."""
    requested = int(call.input.get("DurationSeconds") or DEFAULT)
    if requested < SHORTEST:
        rule = f"Member must have value greater than or equal to {SHORTEST}"
        raise invalid("DurationSeconds", requested, rule)
    if requested > LONGEST:
        rule = f"Member must have value less than or equal to {LONGEST}"
        raise invalid("DurationSeconds", requested, rule)
    return min(requested, HOUR) if call.caller.principal.kind is PrincipalKind.ROOT else requested
