"""Who exists: accounts, users, groups, roles, keys, sessions and buckets, read fast and never stale."""

from .directory import Directory, InvalidPrincipal
from .records import (
    AccessKey,
    Account,
    Bucket,
    EntityPolicies,
    Group,
    MfaDevice,
    Role,
    Session,
    User,
)
from .vault import InvalidToken, Vault

__all__ = [
    "AccessKey",
    "Account",
    "Bucket",
    "Directory",
    "EntityPolicies",
    "Group",
    "InvalidPrincipal",
    "InvalidToken",
    "MfaDevice",
    "Role",
    "Session",
    "User",
    "Vault",
]
