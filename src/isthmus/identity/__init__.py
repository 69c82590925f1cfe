"""Who exists: accounts, users, groups, roles, keys, sessions and buckets, read fast and never stale."""

from .authenticated import PrincipalGone
from .directory import Directory, InvalidPrincipal
from .managed import ManagedPolicy, aws_managed_policy, aws_managed_policy_arn, managed_policies
from .master_key import InvalidMasterKey, load_master_key
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
from .vault import ACCESS_KEY, AUTHORIZATION_MESSAGE, MFA_SEED, InvalidToken, Vault

__all__ = [
    "ACCESS_KEY",
    "AUTHORIZATION_MESSAGE",
    "MFA_SEED",
    "AccessKey",
    "Account",
    "Bucket",
    "Directory",
    "EntityPolicies",
    "Group",
    "InvalidMasterKey",
    "InvalidPrincipal",
    "InvalidToken",
    "ManagedPolicy",
    "MfaDevice",
    "PrincipalGone",
    "Role",
    "Session",
    "User",
    "Vault",
    "aws_managed_policy",
    "aws_managed_policy_arn",
    "load_master_key",
    "managed_policies",
]
