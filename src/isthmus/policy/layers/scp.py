"""Service control policies: what an organization lets the principals of a member account do, its root
included.

Every level from the organization's root to the account must allow (Organizations User Guide, "Service control
policies"). They bind neither services, anonymous callers nor service-linked roles.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType
from .shape import ALLOW, NO_ACCOUNT, Level, Side, Verdict, is_service_linked, verdict_of_levels

TYPE = PolicyType.SCP
SIDE: Side = "caller"


def verdict(request: AuthorizationRequest) -> Verdict:
    """A deny at any level, silence at any level, or ALLOW."""
    scps = request.caller.scps
    if not scps or request.principal.kind in NO_ACCOUNT or is_service_linked(request):
        return ALLOW
    return verdict_of_levels(scps, request)


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """One level for each level of the organization."""
    if request.principal.kind in NO_ACCOUNT or is_service_linked(request):
        return ()
    return tuple(Level(level, TYPE) for level in request.caller.scps)
