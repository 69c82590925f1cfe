"""The permissions boundary of a user or role (IAM User Guide, "Permissions boundaries for IAM entities")."""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType, PrincipalKind
from .shape import ALLOW, NO_ACCOUNT, Level, Side, Verdict, verdict_of

TYPE = PolicyType.BOUNDARY
SIDE: Side = "caller"
_ROOT = PrincipalKind.ROOT


def verdict(request: AuthorizationRequest) -> Verdict:
    """What the boundary says; ALLOW where there is none."""
    boundary = request.caller.boundary
    if boundary is None or request.principal.kind is _ROOT or request.principal.kind in NO_ACCOUNT:
        return ALLOW
    return verdict_of((boundary,), request)


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """The one document, if there is one."""
    boundary = request.caller.boundary
    if boundary is None or request.principal.kind is _ROOT or request.principal.kind in NO_ACCOUNT:
        return ()
    return (Level((boundary,), TYPE),)
