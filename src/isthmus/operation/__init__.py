"""The shape of an API operation: what it needs permission for, what it gets, how it refuses."""

from .authorise import AccessDenied, authorise, decide_for
from .call import Call, Caller, Performed, Settings, System
from .forward_access import authorise_for_caller, perform_for_caller
from .registry import OPERATIONS, Operation, Permission, Resource, on_anything, operation
from .service_principal import call_as_service, perform_as_service, service_call, service_caller, service_context
from .service_role import RoleNotAssumed, assume_role_as_service

__all__ = [
    "OPERATIONS",
    "AccessDenied",
    "Call",
    "Caller",
    "Operation",
    "Performed",
    "Permission",
    "Resource",
    "RoleNotAssumed",
    "Settings",
    "System",
    "assume_role_as_service",
    "authorise",
    "authorise_for_caller",
    "call_as_service",
    "decide_for",
    "on_anything",
    "operation",
    "perform_as_service",
    "perform_for_caller",
    "service_call",
    "service_caller",
    "service_context",
]
