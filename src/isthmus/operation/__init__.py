"""The shape of an API operation: what it needs permission for, what it gets, how it refuses."""

from .authorise import AccessDenied, authorise, decide_for
from .call import Call, Caller, Settings, System
from .registry import OPERATIONS, Operation, Permission, Resource, operation

__all__ = [
    "OPERATIONS",
    "AccessDenied",
    "Call",
    "Caller",
    "Operation",
    "Permission",
    "Resource",
    "Settings",
    "System",
    "authorise",
    "decide_for",
    "operation",
]
