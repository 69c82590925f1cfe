"""May this principal do this? AWS's rules, in AWS's order.

Sources: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".

1. An explicit deny in any layer that applies wins.
2. Every level of the organization must allow: RCPs of the resource's account, SCPs of the principal's.
3. One account: the resource policy or the identity policies must grant. How directly the resource policy names the
   principal decides what still limits it:

       the resource policy names         needs identity   boundary limits   session policy limits
       user ARN, session ARN, `*`        no               no                no
       role ARN, issuing user's ARN      no               yes               yes
       the account, or nothing           yes              yes               yes

   Trust policies and key policies trust nobody by themselves (`trusts_account=False`): without a grant to the
   account the identity policies count for nothing. A boundary limits even a user whom a trust policy names.
4. Two accounts: the principal's account must allow by its own policies, with no bypass, and the resource's account
   must allow by its resource policy (or an ACL).
"""

from __future__ import annotations

from collections.abc import Iterable

from .decision import Decision, Determining
from .model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind, ResourcePolicy
from .principals import Naming


def decide(request: AuthorizationRequest) -> Decision:
    """The decision about one request. Never raises; what cannot be evaluated does not match."""
    action = request.action.lower()
    denied = _explicit_deny(request, action)
    if denied is not None:
        layer, by = denied
        return Decision(False, True, layer, request, by)
    missing = _missing_guard_rail(request, action)
    if missing is not None:
        return Decision(False, False, missing, request)
    owner, principal = request.owner, request.principal
    naming = Naming.NONE
    if owner.policy is not None and owner.object_owner is None:
        naming = _naming(request, owner.policy, action)
    if owner.public_access_blocked and naming is not Naming.NONE and _is_shut_out(request):
        naming, blocked = Naming.NONE, True
    else:
        blocked = False
    own = principal.account == (owner.object_owner or owner.account)
    refusing = _within(request, action, naming) if own else _across(request, action, naming)
    if refusing is None:
        granted = PolicyType.IDENTITY if naming is Naming.NONE else PolicyType.RESOURCE
        return Decision(True, False, granted, request)
    if blocked and refusing is PolicyType.RESOURCE:
        refusing = PolicyType.PUBLIC_ACCESS_BLOCK
    return Decision(False, False, refusing, request)


# What each layer says


def first_match(
    policies: Iterable[NamedPolicy], request: AuthorizationRequest, action: str, effect: int
) -> Determining | None:
    """The first statement of `policies` that applies. effect: 0 for denies, 1 for allows."""
    for policy in policies:
        for compiled in policy.document.compiled.candidates(action)[effect]:
            if compiled.applies(request.resource, request.context):
                return Determining(compiled.statement, policy)
    return None


def resource_matches(
    policy: ResourcePolicy, request: AuthorizationRequest, action: str, effect: int
) -> Iterable[tuple[Determining, Naming]]:
    """Every statement of a resource policy that applies to the requester, with how it names it."""
    bounded = request.caller.boundary is not None
    for compiled in policy.document.compiled.candidates(action)[effect]:
        naming = compiled.names(request.principal, policy.principal_ids, bounded)
        if naming is not Naming.NONE and compiled.applies(request.resource, request.context):
            yield Determining(compiled.statement), naming


def identity_allows(request: AuthorizationRequest, action: str) -> bool:
    """Whether the principal's own account grants: by identity policies, or because it is the root user."""
    if request.principal.kind is PrincipalKind.ROOT:
        return True
    return _allows(request.caller.identity, request, action)


def _allows(policies: Iterable[NamedPolicy], request: AuthorizationRequest, action: str) -> bool:
    resource, context = request.resource, request.context
    for policy in policies:
        for compiled in policy.document.compiled.candidates(action)[1]:
            if compiled.applies(resource, context):
                return True
    return False


def _naming(request: AuthorizationRequest, policy: ResourcePolicy, action: str) -> Naming:
    best = Naming.NONE
    for _, naming in resource_matches(policy, request, action, 1):
        if naming is Naming.DIRECT:
            return naming
        best = max(best, naming)
    return best


def _explicit_deny(request: AuthorizationRequest, action: str) -> tuple[PolicyType, Determining] | None:
    """The deny that the message names, in the order of evaluation."""
    caller, owner = request.caller, request.owner
    for level in caller.scps:
        if (by := first_match(level, request, action, 0)) is not None:
            return PolicyType.SCP, by
    for level in owner.rcps:
        for policy in level:
            rules = ResourcePolicy(policy.document)
            for by, _ in resource_matches(rules, request, action, 0):
                return PolicyType.RCP, Determining(by.statement, policy)
    if owner.policy is not None:
        for by, _ in resource_matches(owner.policy, request, action, 0):
            return owner.policy.type, by
    if caller.identity and (by := first_match(caller.identity, request, action, 0)) is not None:
        return PolicyType.IDENTITY, by
    if caller.boundary is not None and (by := first_match((caller.boundary,), request, action, 0)) is not None:
        return PolicyType.BOUNDARY, by
    if caller.session and (by := first_match(caller.session, request, action, 0)) is not None:
        return PolicyType.SESSION, by
    return None


def _missing_guard_rail(request: AuthorizationRequest, action: str) -> PolicyType | None:
    for level in request.owner.rcps:
        rules = (ResourcePolicy(policy.document) for policy in level)
        if not any(_naming(request, rule, action) for rule in rules):
            return PolicyType.RCP
    for level in request.caller.scps:
        if not _allows(level, request, action):
            return PolicyType.SCP
    return None


def _is_shut_out(request: AuthorizationRequest) -> bool:
    """RestrictPublicBuckets leaves a public policy's grants to the owner's account and to services."""
    principal = request.principal
    return principal.kind is not PrincipalKind.SERVICE and principal.account != request.owner.account


# The two shapes of a decision; each gives the layer that refuses, or None


def _within(request: AuthorizationRequest, action: str, naming: Naming) -> PolicyType | None:
    """Principal and resource in one account."""
    policy, kind = request.owner.policy, request.principal.kind
    trusts = policy is None or policy.trusts_account
    silent = PolicyType.RESOURCE if policy is None else policy.type
    if kind in (PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY):
        return None if naming is not Naming.NONE else silent
    if naming is Naming.DIRECT:
        trust = policy is not None and policy.type is PolicyType.TRUST
        return _boundary(request, action) if trust and kind is PrincipalKind.USER else None
    if naming is Naming.NONE and not trusts:
        return silent
    if naming is not Naming.ENTITY and not identity_allows(request, action):
        return PolicyType.IDENTITY
    return _boundary(request, action) or _session(request, action)


def _across(request: AuthorizationRequest, action: str, naming: Naming) -> PolicyType | None:
    """Principal and resource in two accounts, or a principal without an account."""
    policy, kind = request.owner.policy, request.principal.kind
    granted = naming is not Naming.NONE or request.owner.acl_allows
    silent = PolicyType.RESOURCE if policy is None else policy.type
    if kind in (PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY, PrincipalKind.ANONYMOUS):
        return None if granted else silent
    if not identity_allows(request, action):
        return PolicyType.IDENTITY
    limited = _boundary(request, action) or _session(request, action)
    return limited or (None if granted else silent)


def _boundary(request: AuthorizationRequest, action: str) -> PolicyType | None:
    boundary = request.caller.boundary
    if boundary is None or _allows((boundary,), request, action):
        return None
    return PolicyType.BOUNDARY


def _session(request: AuthorizationRequest, action: str) -> PolicyType | None:
    session = request.caller.session
    if session is None or _allows(session, request, action):
        return None
    return PolicyType.SESSION
