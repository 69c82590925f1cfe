"""Who creates or joins an organization makes the service-linked role of Organizations in the account, and needs the
permission for that too (Organizations API reference, AccessDeniedForDependencyException)."""

from __future__ import annotations

from isthmus.iam.service_linked_roles import has_service_linked_role, new_service_linked_role
from isthmus.operation import AccessDenied, Call, decide_for

from .joining import SERVICE


async def check_may_create_role(call: Call) -> None:
    """Raises AccessDeniedForDependencyException unless the role is there or the caller may create it."""
    if await has_service_linked_role(call.system.identity, call.account, SERVICE):
        return
    decision = await decide_for(call, "iam:CreateServiceLinkedRole", new_service_linked_role(call.account, SERVICE))
    if not decision.allowed:
        refusal = AccessDenied(
            decision,
            "The request failed because your credentials do not have permission to create the service-linked role"
            " required by AWS Organizations.",
            "AccessDeniedForDependencyException",
        )
        refusal.extra["Reason"] = "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"
        raise refusal
