"""Who exists: accounts, users, groups, roles, keys, sessions and buckets, read fast and never stale."""

from .authenticated import PrincipalGone
from .directory import Directory, InvalidPrincipal
from .managed import ManagedPolicy, aws_managed_policy, aws_managed_policy_arn, managed_policies
from .master_key import InvalidMasterKey, load_master_key
from .membership import FULL_ACCESS, RCP, SCP, AwsOrganizationPolicy
from .records import (
    AccessKey,
    Account,
    Bucket,
    EntityPolicies,
    Group,
    Membership,
    MfaDevice,
    Role,
    Session,
    User,
)
from .vault import (
    ACCESS_KEY,
    AUTHORIZATION_MESSAGE,
    EVENT_TARGETS,
    KMS_GRANT_TOKEN,
    KMS_MATERIAL,
    MFA_SEED,
    SAML_PRIVATE_KEY,
    InvalidToken,
    Vault,
)

__all__ = [
    "ACCESS_KEY",
    "AUTHORIZATION_MESSAGE",
    "EVENT_TARGETS",
    "FULL_ACCESS",
    "KMS_GRANT_TOKEN",
    "KMS_MATERIAL",
    "MFA_SEED",
    "RCP",
    "SAML_PRIVATE_KEY",
    "SCP",
    "AccessKey",
    "Account",
    "AwsOrganizationPolicy",
    "Bucket",
    "Directory",
    "EntityPolicies",
    "Group",
    "InvalidMasterKey",
    "InvalidPrincipal",
    "InvalidToken",
    "ManagedPolicy",
    "Membership",
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
