"""Identity-based policies: of a user and its groups, or of a role.

The root user needs none and is bound by none; services, anonymous callers and providers' unsigned calls
have none.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType, PrincipalKind
from .shape import ALLOW, NO_ACCOUNT, SILENT, Level, Side, Verdict, verdict_of

TYPE = PolicyType.IDENTITY
SIDE: Side = "caller"
_ROOT = PrincipalKind.ROOT


def verdict(request: AuthorizationRequest) -> Verdict:
    """What the policies say together."""
    kind = request.principal.kind
    if kind is _ROOT:
        return ALLOW
    if kind in NO_ACCOUNT:
        return SILENT
    return verdict_of(request.caller.identity, request)


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """One level: all of them together."""
    if request.principal.kind is _ROOT or request.principal.kind in NO_ACCOUNT:
        return ()
    return (Level(request.caller.identity, TYPE),)
