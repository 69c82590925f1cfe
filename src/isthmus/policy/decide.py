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
5. Services, anonymous callers and providers' unsigned calls have no policies: the resource's side decides alone.
6. A grant of a KMS key allows by itself, in one account and across two (KMS Developer Guide, "Grants in AWS KMS"), but
   not against a deny; that boundary and session policies limit it as well is our careful reading.

What is refused for two reasons is refused in the name of the first in this order: SCP, RCP, resource policy,
identity, boundary, session; explicit denies before silence.
"""

from __future__ import annotations

from .decision import Decision
from .layers import boundary, identity, public_access_block, rcp, resource, scp, session
from .layers.shape import ALLOW, DENY, NO_ACCOUNT, Verdict
from .model import AuthorizationRequest, PolicyType, PrincipalKind
from .principals import DIRECT, ENTITY, NONE, Naming

_DENIED = Naming.DENIED
_ROOT, _ANONYMOUS = PrincipalKind.ROOT, PrincipalKind.ANONYMOUS
_IDENTITY, _RESOURCE, _TRUST = PolicyType.IDENTITY, PolicyType.RESOURCE, PolicyType.TRUST
_BOUNDARY, _SESSION, _ACL = PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.ACL
_NEEDS_NO_PERMISSION = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Any caller with valid credentials may, whatever policies say: "it has no effect" to name GetSessionToken in one (IAM
User Guide, "Permissions for GetSessionToken"), and GetCallerIdentity works even against a deny (STS API)."""


def decide(request: AuthorizationRequest) -> Decision:
    """The decision about one request. What cannot be evaluated does not match."""
    caller, owner, kind = request.caller, request.owner, request.principal.kind
    if request.action in _NEEDS_NO_PERMISSION and kind is not _ANONYMOUS:
        return Decision(True, False, _IDENTITY, request)

    # Denies first. Layers that have nothing to say are not asked: most requests meet two documents.
    by_scp = scp.verdict(request) if caller.scps else ALLOW
    if by_scp is DENY:
        return Decision(False, True, PolicyType.SCP, request)
    by_rcp = rcp.verdict(request) if owner.rcps else ALLOW
    if by_rcp is DENY:
        return Decision(False, True, PolicyType.RCP, request)
    naming = resource.naming(request) if owner.policy is not None else NONE
    if naming is _DENIED:
        return Decision(False, True, _name_of_resource_policy(request), request)
    by_identity = identity.verdict(request)
    if by_identity is DENY:
        return Decision(False, True, _IDENTITY, request)
    by_boundary = boundary.verdict(request) if caller.boundary is not None else ALLOW
    if by_boundary is DENY:
        return Decision(False, True, _BOUNDARY, request)
    by_session = session.verdict(request)
    if by_session is DENY:
        return Decision(False, True, _SESSION, request)

    if by_rcp is not ALLOW:
        return Decision(False, False, PolicyType.RCP, request)
    if by_scp is not ALLOW:
        return Decision(False, False, PolicyType.SCP, request)
    if owner.granted and by_boundary is ALLOW and (by_session is ALLOW or kind in NO_ACCOUNT):
        return Decision(True, False, PolicyType.GRANT, request)
    shut_out = naming is not NONE and owner.public_access_blocked is not None and public_access_block.shuts_out(request)
    if shut_out:
        naming = NONE
    if kind in NO_ACCOUNT or request.principal.account != owner.account or resource.is_foreign_object(request):
        refusing = _across(request, naming, by_identity, by_boundary, by_session)
    else:
        refusing = _within(request, naming, by_identity, by_boundary, by_session)
    if refusing is None:
        if naming is NONE:
            return Decision(True, False, _ACL if owner.acl_allows else _IDENTITY, request)
        return Decision(True, False, _name_of_resource_policy(request), request)
    if shut_out and refusing is _RESOURCE:
        refusing = PolicyType.PUBLIC_ACCESS_BLOCK
    return Decision(False, False, refusing, request)


def _within(
    request: AuthorizationRequest,
    naming: Naming,
    by_identity: Verdict,
    by_boundary: Verdict,
    by_session: Verdict,
) -> PolicyType | None:
    """Principal and resource in one account: the layer that refuses, or None."""
    policy = request.owner.policy
    is_trust = policy is not None and policy.type is _TRUST
    if naming is NONE and policy is not None and (is_trust or not policy.trusts_account):
        return policy.type
    # The root user is the account: what grants the account grants it, and only its session can be limited.
    if naming is DIRECT and request.principal.kind is not _ROOT:
        return _BOUNDARY if is_trust and by_boundary is not ALLOW else None
    if naming is not ENTITY and by_identity is not ALLOW:
        return _IDENTITY
    if by_boundary is not ALLOW:
        return _BOUNDARY
    return None if by_session is ALLOW else _SESSION


def _across(
    request: AuthorizationRequest,
    naming: Naming,
    by_identity: Verdict,
    by_boundary: Verdict,
    by_session: Verdict,
) -> PolicyType | None:
    """Two accounts, or a principal without one: the layer that refuses, or None."""
    if naming is NONE and not request.owner.acl_allows:
        return _name_of_resource_policy(request)
    if request.principal.kind in NO_ACCOUNT:
        return None
    if by_identity is not ALLOW:
        return _IDENTITY
    if by_boundary is not ALLOW:
        return _BOUNDARY
    return None if by_session is ALLOW else _SESSION


def _name_of_resource_policy(request: AuthorizationRequest) -> PolicyType:
    policy = request.owner.policy
    return _RESOURCE if policy is None else policy.type


def refusals(request: AuthorizationRequest) -> tuple[PolicyType, ...]:
    """Every layer that stands in the way of a refused request, explicit denies first: each would have to change."""
    own = _name_of_resource_policy(request)
    naming = resource.naming(request)
    said = {
        PolicyType.SCP: scp.verdict(request),
        PolicyType.RCP: rcp.verdict(request),
        own: DENY if naming is _DENIED else ALLOW,
        _IDENTITY: identity.verdict(request),
        _BOUNDARY: boundary.verdict(request),
        _SESSION: session.verdict(request),
    }
    found = [layer for layer, verdict in said.items() if verdict is DENY]
    found += [layer for layer in (PolicyType.RCP, PolicyType.SCP) if said[layer] not in (ALLOW, DENY)]
    # A deny taken away, the grants of its policy count: what they are is asked as if nothing denied.
    if naming is _DENIED:
        naming = resource.naming(request, denies=False)
    granted, shut_out = naming is not NONE, public_access_block.shuts_out(request)
    if shut_out:
        naming = NONE
    across = (
        request.principal.kind in NO_ACCOUNT
        or request.principal.account != request.owner.account
        or resource.is_foreign_object(request)
    )
    rule = _across if across else _within
    while True:
        refusing = rule(request, naming, said[_IDENTITY], said[_BOUNDARY], said[_SESSION])
        if refusing is None:
            return tuple(dict.fromkeys(found))
        if refusing is own:
            if not granted:
                found.append(own)
            if shut_out:
                found.append(PolicyType.PUBLIC_ACCESS_BLOCK)
            # The most that a grant to a stranger's account is worth.
            naming = Naming.ACCOUNT
        else:
            found.append(refusing)
            said[refusing] = ALLOW
