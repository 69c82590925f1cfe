"""Session policies: inline and managed ones of a session are one set; one allow among them suffices.

A federated user's session without any is permitted nothing, unless a resource policy names it (IAM User
Guide, "Policy evaluation logic"); other sessions without any are not limited.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType, PrincipalKind
from .shape import ALLOW, NO_ACCOUNT, SILENT, Level, Side, Verdict, verdict_of

TYPE = PolicyType.SESSION
SIDE: Side = "caller"
_FEDERATED = PrincipalKind.FEDERATED_USER


def verdict(request: AuthorizationRequest) -> Verdict:
    """What the policies say together."""
    session, kind = request.caller.session, request.principal.kind
    if kind in NO_ACCOUNT:
        return ALLOW
    if session is None:
        return SILENT if kind is _FEDERATED else ALLOW
    return verdict_of(session, request)


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """One level: all of them together."""
    session, kind = request.caller.session, request.principal.kind
    if kind in NO_ACCOUNT or (session is None and kind is not _FEDERATED):
        return ()
    return (Level(session or (), TYPE),)
