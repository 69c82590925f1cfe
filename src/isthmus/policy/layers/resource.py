"""The resource's own policy: a bucket policy, a role's trust policy, a key policy.

Besides whether it allows it matters how directly it names the requester (see `principals`). The owner's root user is
not bound by a bucket policy that takes away the bucket policy itself (S3 API, PutBucketPolicy). Of an object that
another account owns a bucket policy can only deny.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind
from ..principals import NONE, Naming
from . import public_access_block
from .shape import ALLOW, DENY, SILENT, Level, Side, Verdict

TYPE = PolicyType.RESOURCE
SIDE: Side = "owner"
_DENIED = Naming.DENIED
_ROOT = PrincipalKind.ROOT
_OWN_TO_ROOT = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


def naming(request: AuthorizationRequest, denies: bool = True) -> Naming:
    """How directly the policy's allows name the requester; DENIED where a deny applies.

    denies: False to leave the policy's denies aside.
    """
    owner = request.owner
    policy = owner.policy
    if policy is None:
        return NONE
    principal, resource, context = request.principal, request.resource, request.context
    bounded = request.caller.boundary is not None
    deny, allow = policy.document.resource_index[request.action]
    if (
        deny is not None
        and denies
        and deny(resource, context, principal, policy.principal_ids, bounded) is not NONE
        and not is_unbound(request)
    ):
        return _DENIED
    if allow is None or is_foreign_object(request):
        return NONE
    return allow(resource, context, principal, policy.principal_ids, bounded)


def verdict(request: AuthorizationRequest) -> Verdict:
    """What the policy says, whatever its saying is worth."""
    found = naming(request)
    if found is _DENIED:
        return DENY
    if found is NONE or public_access_block.shuts_out(request):
        return SILENT
    return ALLOW


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """The one document, if there is one."""
    policy = request.owner.policy
    if policy is None:
        return ()
    return (Level((NamedPolicy(policy.document, policy.type.value, None, request.resource),), policy.type),)


def is_unbound(request: AuthorizationRequest) -> bool:
    """Whether the policy's denies do not bind this requester."""
    principal = request.principal
    return principal.kind is _ROOT and principal.account == request.owner.account and request.action in _OWN_TO_ROOT


def is_foreign_object(request: AuthorizationRequest) -> bool:
    """Whether the object belongs to another account than its bucket."""
    owner = request.owner
    return owner.object_owner is not None and owner.object_owner != owner.account
