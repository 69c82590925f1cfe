"""S3 Block Public Access, as far as it concerns stored policies: RestrictPublicBuckets.

The grants of a public policy then count only for principals of the owner's account and for services (S3 User Guide,
"Blocking public access to your Amazon S3 storage"). Public access control lists never get here: S3 leaves them out.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType, PrincipalKind
from .shape import ALLOW, DENY, Level, Side, Verdict

TYPE = PolicyType.PUBLIC_ACCESS_BLOCK
SIDE: Side = "owner"


def shuts_out(request: AuthorizationRequest) -> bool:
    """Whether the policy's grants do not count for this requester."""
    owner, principal = request.owner, request.principal
    return (
        owner.public_access_blocked is not None
        and principal.account != owner.account
        and principal.kind is not PrincipalKind.SERVICE
    )


def verdict(request: AuthorizationRequest) -> Verdict:
    """DENY for whom it shuts out."""
    return DENY if shuts_out(request) else ALLOW


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """None: it is a setting."""
    return ()
