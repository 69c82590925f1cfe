"""From proven credentials to a principal, its policies and the condition keys that describe it.

Which key is there for whom, and which must be absent, is the table in IAM User Guide "AWS global condition
context keys"; absence matters, because a negated operator holds for an absent key and `Bool` does not:

    aws:MultiFactorAuthPresent   temporary credentials only
    aws:MultiFactorAuthAge       only after a code was given (depends on the moment: `context_at`)
    aws:TokenIssueTime           temporary credentials only
    aws:username                 IAM users, also with GetSessionToken; never root, roles, federated users
    aws:PrincipalTag/…           tags of the user; of the role with session tags over them, whatever the case
    aws:PrincipalArn             absent for anonymous requests; a role session's is its role, with the path
    aws:PrincipalOrgID, …Paths   members of an organization and its management account; not services
    aws:AssumedRoot              sessions of AssumeRoot

An organization's service control policies come in here, with everything else on the caller's side. An account that
was closed is as good as gone.

A session lives only as long as its user or role: both are looked up by unique id, so one made anew under the
same name does not revive it. Answers are kept until the identity database changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from isthmus.names import root_arn
from isthmus.policy import (
    Context,
    ContextValue,
    NamedPolicy,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
)

from .directory import Directory
from .records import AccessKey, EntityPolicies, Group, Role, Session, User

Authenticated = tuple[Principal, PrincipalPolicies, Context]
"""Who it is, the documents on its side, and its condition keys."""

_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


# What one session of a role has and the role has not.
_OF_ONE_SESSION = frozenset({"aws:userid", "aws:tokenissuetime", "aws:multifactorauthpresent"})


class PrincipalGone(LookupError):
    """The account, user or role behind the credentials does not exist any more: they are worth nothing."""


async def long_term(directory: Directory, access_key: AccessKey) -> Authenticated:
    """Who an access key is. Raises PrincipalGone."""
    cache = directory.cache
    # By whose key it is, not by its id: setup and sign-in ask without a key.
    key = ("long-lived", access_key.user_id or access_key.account)
    kept: Authenticated | None = cache.get(key)
    if kept is None:
        principal, policies, context, _ = await _long_lived(directory, access_key.account, access_key.user_id)
        policies = await _in_organization(directory, principal, policies, context)
        kept = cache[key] = (principal, policies, context)
    return kept


async def temporary(directory: Directory, session: Session) -> Authenticated:
    """Who a session is. Whether it has expired is the caller's question. Raises PrincipalGone."""
    cache = directory.cache
    key = ("authenticated", session.access_key)
    kept = cache.get(key)
    # The vault returns the same object for the same token: an access key id that happens to be given to two
    # sessions must not make one into the other.
    if kept is None or kept[0] is not session:
        kept = cache[key] = (session, *await _session(directory, session))
    _, principal, policies, context = kept
    return principal, policies, context


async def as_user(directory: Directory, user: User) -> Authenticated:
    """The user as a long-term access key makes it, whether or not it has one. Raises PrincipalGone."""
    return await long_term(directory, AccessKey(user.id, user.account, user.id, ""))


async def as_role(directory: Directory, role: Role) -> Authenticated:
    """A session of the role that has nothing of its own: no name, no moment of issue, no tags or session policies.
    Raises PrincipalGone."""
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/"
    principal = Principal(PrincipalKind.ROLE_SESSION, role.account, arn, role.arn, role.id)
    session = Session(access_key="", kind="AssumeRole", principal=principal, issued=0, expires=0)
    principal, policies, context = await _session(directory, session)
    return principal, policies, {key: value for key, value in context.items() if key not in _OF_ONE_SESSION}


async def as_group(directory: Directory, group: Group) -> Authenticated:
    """Somebody of the account who has the group's policies and no others. Raises PrincipalGone."""
    _, of_account, context = await long_term(directory, AccessKey(group.id, group.account, None, ""))
    principal = Principal(PrincipalKind.USER, group.account, group.arn, group.arn, group.id)
    known = {key: value for key, value in context.items() if key not in ("aws:principaltype", "aws:userid")}
    policies = replace(of_account, identity=await directory.policies_of_group(group))
    return principal, policies, known | {"aws:principalarn": group.arn}


def anonymous() -> Authenticated:
    """A request without credentials."""
    context: dict[str, ContextValue] = {
        "aws:principalaccount": "anonymous",
        "aws:principaltype": PrincipalKind.ANONYMOUS.value,
        "aws:userid": "anonymous",
    }
    return Principal.anonymous(), PrincipalPolicies(), context


def context_at(session: Session | None, now: float) -> dict[str, ContextValue]:
    """The keys that depend on the moment: `aws:CurrentTime`, `aws:EpochTime`, `aws:MultiFactorAuthAge`."""
    context: dict[str, ContextValue] = {"aws:currenttime": iso_time(now), "aws:epochtime": str(int(now))}
    if session is not None and session.mfa_at is not None:
        context["aws:multifactorauthage"] = str(max(0, int(now - session.mfa_at)))
    return context


def iso_time(now: float) -> str:
    """A moment as condition keys write it: `2026-01-31T12:00:00Z`."""
    return _iso_second(int(now))


@lru_cache(maxsize=64)  # many requests share a second
def _iso_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def overlay_tags(tags: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """`tags` with those of `over` in place of their namesakes; keys are compared regardless of case."""
    covered = {key.lower() for key in over}
    return {key: value for key, value in tags.items() if key.lower() not in covered} | dict(over)


async def _long_lived(
    directory: Directory, account: str, user_id: str | None
) -> tuple[Principal, PrincipalPolicies, dict[str, ContextValue], Mapping[str, str]]:
    """An IAM user, or without `user_id` the account's root; last the tags."""
    if await directory.account(account) is None:
        raise PrincipalGone(account)
    if user_id is None:
        arn = root_arn(account)
        principal = Principal(PrincipalKind.ROOT, account, arn, arn, account)
        return principal, PrincipalPolicies(), _context(principal, account, {}), {}
    user = await _user(directory, user_id)
    principal = Principal(PrincipalKind.USER, account, user.arn, user.arn, user.id)
    policies = await directory.policies_of_user(user.id)
    tags = await directory.tags(user.id)
    context = _context(principal, user.id, tags)
    context["aws:username"] = user.name
    return principal, PrincipalPolicies(policies.identity, policies.boundary), context, tags


async def _session(
    directory: Directory, session: Session
) -> tuple[Principal, PrincipalPolicies, dict[str, ContextValue]]:
    claimed = session.principal
    if claimed.kind is PrincipalKind.ROLE_SESSION:
        principal, policies, context = await _role_session(directory, session)
    elif claimed.kind is PrincipalKind.FEDERATED_USER:
        principal, policies, context = await _federated_user(directory, session)
    else:
        user_id = None if claimed.kind is PrincipalKind.ROOT else claimed.entity_id
        principal, policies, context, _ = await _long_lived(directory, claimed.account, user_id)
    if session.kind == "AssumeRoot":
        policies = PrincipalPolicies(session=await _task_policies(directory, session))
        context["aws:assumedroot"] = "true"
    policies = await _in_organization(directory, principal, policies, context)
    context["aws:tokenissuetime"] = iso_time(session.issued)
    context["aws:multifactorauthpresent"] = "false" if session.mfa_at is None else "true"
    if session.source_identity is not None:
        context["aws:sourceidentity"] = session.source_identity
    if session.federated_provider is not None:
        context["aws:federatedprovider"] = session.federated_provider
    context.update({key.lower(): value for key, value in session.context.items()})
    return principal, policies, context


async def _in_organization(
    directory: Directory, principal: Principal, policies: PrincipalPolicies, context: dict[str, ContextValue]
) -> PrincipalPolicies:
    """The policies with those of the account's organization, whose keys are added to `context`. Raises
    PrincipalGone for an account that was closed."""
    membership = await directory.membership(principal.account)
    if membership is None:
        return policies
    if membership.closed:
        raise PrincipalGone(principal.account)
    context["aws:principalorgid"] = membership.organization
    context["aws:principalorgpaths"] = (membership.path,)
    return replace(policies, scps=membership.scps)


async def _task_policies(directory: Directory, session: Session) -> tuple[NamedPolicy, ...]:
    """What a session of AssumeRoot is limited by: root's own power, which has no document, and the task policy,
    which denies all but the task. One that is gone leaves nothing."""
    found = [await directory.managed_policy(arn) for arn in (_ADMINISTRATOR, *session.session_policy_arns)]
    policies = tuple(policy for policy in found if policy is not None)
    return policies if session.session_policy_arns and len(policies) == len(found) else ()


async def _role_session(
    directory: Directory, session: Session
) -> tuple[Principal, PrincipalPolicies, dict[str, ContextValue]]:
    claimed = session.principal
    role: Role | None = await directory.role_by_id(claimed.entity_id)
    if role is None or await directory.account(claimed.account) is None:
        raise PrincipalGone(claimed.entity_arn)
    policies = await directory.policies_of_role(role.id)
    tags = overlay_tags(await directory.tags(role.id), session.tags)
    context = _context(claimed, f"{role.id}:{claimed.session_name}", tags)
    return claimed, await _limited(directory, session, policies), context


async def _federated_user(
    directory: Directory, session: Session
) -> tuple[Principal, PrincipalPolicies, dict[str, ContextValue]]:
    claimed = session.principal
    by_root = claimed.entity_id == claimed.account
    issuer, issuer_policies, _, issuer_tags = await _long_lived(
        directory, claimed.account, None if by_root else claimed.entity_id
    )
    principal = Principal(
        claimed.kind, claimed.account, claimed.arn, issuer.entity_arn, claimed.entity_id, claimed.session_name
    )
    policies = EntityPolicies(issuer_policies.identity, issuer_policies.boundary)
    if by_root:  # root's own power has no document, but what it hands on is limited by session policies
        everything = await directory.managed_policy(_ADMINISTRATOR)
        policies = EntityPolicies(() if everything is None else (everything,))
    tags = overlay_tags(issuer_tags, session.tags)
    context = _context(principal, f"{claimed.account}:{claimed.session_name}", tags)
    context["aws:principalarn"] = claimed.arn
    return principal, await _limited(directory, session, policies), context


async def _limited(directory: Directory, session: Session, policies: EntityPolicies) -> PrincipalPolicies:
    """The entity's policies with the session policies beside them. A managed one that is gone allows
    nothing."""
    if not session.limited:
        return PrincipalPolicies(policies.identity, policies.boundary)
    limits: list[NamedPolicy] = []
    if session.session_policy is not None:
        document = PolicyDocument.parse(session.session_policy)
        limits.append(NamedPolicy(document, "session policy", None, session.principal.arn))
    for arn in session.session_policy_arns:
        policy = await directory.managed_policy(arn)
        if policy is not None:
            limits.append(policy)
    return PrincipalPolicies(policies.identity, policies.boundary, session=tuple(limits))


async def _user(directory: Directory, user_id: str) -> User:
    user = await directory.user_by_id(user_id)
    if user is None:
        raise PrincipalGone(user_id)
    return user


def _context(principal: Principal, user_id: str, tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """The keys that every signed request has."""
    context: dict[str, ContextValue] = {
        "aws:principalarn": principal.entity_arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": principal.kind.value,
        "aws:principalisawsservice": "false",
        "aws:userid": user_id,
    }
    context.update({f"aws:principaltag/{key.lower()}": value for key, value in tags.items()})
    return context
