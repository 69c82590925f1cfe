"""AssumeRole: the role's trust policy and the caller's own policies, both sides in one decision.

What is checked on the role, each by the trust policy and by the caller's policies (IAM User Guide,
"Cross-account policy evaluation logic", "Passing session tags", "Monitor and control actions taken with
assumed roles"):

    sts:AssumeRole         always
    sts:TagSession         when the session gets tags, passed now or inherited
    sts:SetSourceIdentity  when the session gets a source identity, set now or earlier in the chain

Whether a role exists is told to nobody who may not assume it: an unknown role is decided like one that trusts
nobody. What depends on the role (its longest session, its managed policies) is therefore checked after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.identity import Role, Session
from isthmus.identity.records import CONSOLE_SIGN_IN
from isthmus.names import Arn, InvalidArn
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import (
    ContextValue,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    ResourcePolicy,
)
from isthmus.wire import AwsError

from .credentials import HOUR, credentials, new_access_key
from .parameters import check_patterns, invalid
from .second_factor import second_factor
from .session_policies import SessionPolicies, check_managed, session_policies
from .session_tags import SessionTags, session_tags

# What an unknown role trusts: a service that does not exist.
TRUSTS_NOBODY = ResourcePolicy(
    PolicyDocument.parse(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.invalid"},'
        '"Action":"sts:AssumeRole"}]}'
    ),
    type=PolicyType.TRUST,
    trusts_account=False,
)
_FOUND = "role to assume"
SHORTEST = 900  # seconds
LONGEST = 12 * HOUR


@dataclass(frozen=True, slots=True)
class _Request:
    """An AssumeRole call, understood: found by its first permission, used by the others and by the
    operation."""

    role: Role | None
    resource: Resource
    tags: SessionTags
    policies: SessionPolicies
    source_identity: str | None
    mfa: bool


async def _role_to_assume(call: Call) -> Resource:
    """The role as the resource of the call, with the condition keys of the call. Raises ValidationError,
    InvalidParameterValue, MalformedPolicyDocument, PackedPolicyTooLarge, AccessDenied (root, MFA)."""
    request: _Request | None = call.found.get(_FOUND)
    if request is None:
        request = call.found[_FOUND] = await _understand(call)
    return request.resource


async def _understand(call: Call) -> _Request:
    members, session = call.input, call.caller.session
    if call.caller.principal.kind is PrincipalKind.ROOT:
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    check_patterns(members)
    role_arn = parsed_role_arn(members["RoleArn"])
    if members.get("ProvidedContexts"):
        raise AwsError("ValidationError", "ProvidedContexts needs an identity context provider; there is none here.")
    tags = session_tags(members, session)
    policies = session_policies(members, tags.all)
    source_identity = _source_identity(members.get("SourceIdentity"), session)
    mfa = await second_factor(call)
    role, resource = await role_and_trust(call, role_arn, _context(call, tags, source_identity, mfa))
    return _Request(role, resource, tags, policies, source_identity, mfa)


async def role_and_trust(call: Call, role_arn: Arn, context: dict[str, ContextValue]) -> tuple[Role | None, Resource]:
    """The role that an ARN names, None where there is none, and what its trust policy is asked about: in this context,
    to which the keys of the role come."""
    directory = call.system.directory
    role = await directory.role(role_arn.account, role_arn.name)
    if role is not None and role.arn != str(role_arn):  # another path, or another case of the name
        role = None
    context["aws:resourceaccount"] = role_arn.account
    if role is not None:
        for key, value in (await directory.tags(role.id)).items():
            context[f"aws:resourcetag/{key.lower()}"] = context[f"iam:resourcetag/{key.lower()}"] = value
    trust = TRUSTS_NOBODY if role is None else role.trust
    return role, Resource(str(role_arn), role_arn.account, trust, context)


def _gets_tags(call: Call) -> bool:
    return bool(call.found[_FOUND].tags.all)


def _gets_source_identity(call: Call) -> bool:
    return call.found[_FOUND].source_identity is not None


@operation(
    "sts",
    "AssumeRole",
    Permission("sts:AssumeRole", on=_role_to_assume),
    Permission("sts:TagSession", on=_role_to_assume, when=_gets_tags, condition="with session tags"),
    Permission(
        "sts:SetSourceIdentity",
        on=_role_to_assume,
        when=_gets_source_identity,
        condition="with a source identity",
    ),
)
async def assume_role(call: Call) -> dict[str, Any]:
    """Credentials of a role. Raises ValidationError for a session longer than allowed."""
    request: _Request = call.found[_FOUND]
    role, session = request.role, call.caller.session
    if role is None:  # nobody is allowed to assume what trusts nobody
        raise AwsError("AccessDenied", f"Not authorized to assume {request.resource.arn}", 403)
    by_role = call.caller.principal.kind is PrincipalKind.ROLE_SESSION
    duration = session_seconds(call.input.get("DurationSeconds"), role, by_role)
    if "DurationSeconds" not in call.input and session is not None and session.kind == CONSOLE_SIGN_IN:
        # Who switches roles in the console gets the role's longest session, or what is left of the user's own
        # (IAM User Guide, "Switch from a user to an IAM role (console)").
        duration = min(role.max_session_duration, int(session.expires - call.now))
    await check_managed(request.policies, role.account, call.system.directory)
    name = call.input["RoleSessionName"]
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}"
    assumed = Session(
        access_key=new_access_key(call, role.account),
        kind="AssumeRole",
        principal=Principal(PrincipalKind.ROLE_SESSION, role.account, arn, role.arn, role.id, name),
        issued=call.now,
        expires=call.now + duration,
        session_policy=request.policies.inline,
        session_policy_arns=request.policies.arns,
        limited=request.policies.given,
        tags=request.tags.all,
        transitive_tag_keys=request.tags.all_transitive,
        mfa_at=call.now if request.mfa else None,
        source_identity=request.source_identity,
        chained=by_role,
    )
    output = credentials(call, assumed)
    output["AssumedRoleUser"] = {"AssumedRoleId": f"{role.id}:{name}", "Arn": arn}
    if request.policies.packed_percent is not None:
        output["PackedPolicySize"] = request.policies.packed_percent
    if request.source_identity is not None:
        output["SourceIdentity"] = request.source_identity
    return output


def parsed_role_arn(text: str) -> Arn:
    """The ARN of a role. Raises ValidationError."""
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        raise AwsError("ValidationError", f"{text} is invalid") from None
    if (arn.partition, arn.service, arn.region) != ("aws", "iam", "") or arn.resource_type != "role" or not arn.name:
        raise AwsError("ValidationError", f"{text} is invalid")
    return arn


def _source_identity(passed: str | None, session: Session | None) -> str | None:
    """The source identity of the new session: what the chain carries cannot be changed."""
    carried = None if session is None else session.source_identity
    if carried is None:
        return passed
    if passed is not None and passed != carried:
        raise AwsError(
            "AccessDenied",
            "The source identity of the calling session cannot be changed: leave SourceIdentity out.",
            403,
        )
    return carried


def _context(call: Call, tags: SessionTags, source_identity: str | None, mfa: bool) -> dict[str, ContextValue]:
    """The condition keys that AssumeRole fills, and the MFA state that its own code proves."""
    context = tags.context()
    context["sts:rolesessionname"] = call.input["RoleSessionName"]
    if "ExternalId" in call.input:
        context["sts:externalid"] = call.input["ExternalId"]
    if source_identity is not None:
        context["sts:sourceidentity"] = source_identity
    if mfa:
        context["aws:multifactorauthpresent"] = "true"
        context["aws:multifactorauthage"] = "0"
    return context


def session_seconds(requested: int | None, role: Role, by_role: bool) -> int:
    """The length of the session in seconds. Raises ValidationError."""
    if requested is None:
        return HOUR
    if requested < SHORTEST:
        rule = f"Member must have value greater than or equal to {SHORTEST}"
        raise invalid("DurationSeconds", requested, rule)
    if requested > LONGEST:
        rule = f"Member must have value less than or equal to {LONGEST}"
        raise invalid("DurationSeconds", requested, rule)
    if by_role and requested > HOUR:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )
    if requested > role.max_session_duration:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return requested
