"""The policy language: parse, validate, compile, decide, explain. Pure and usable on its own."""

from .decide import decide
from .decision import Decision
from .document import MalformedPolicy, PolicyDocument
from .model import (
    AuthorizationRequest,
    Context,
    ContextValue,
    NamedPolicy,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
)
from .public_access import is_public
from .validate import (
    check_bucket_policy,
    check_identity_policy,
    check_rcp,
    check_scp,
    check_session_policy,
    check_trust_policy,
    size_without_whitespace,
)

__all__ = [
    "AuthorizationRequest",
    "Context",
    "ContextValue",
    "Decision",
    "MalformedPolicy",
    "NamedPolicy",
    "PolicyDocument",
    "PolicyType",
    "Principal",
    "PrincipalKind",
    "PrincipalPolicies",
    "ResourcePolicy",
    "ResourceSide",
    "check_bucket_policy",
    "check_identity_policy",
    "check_rcp",
    "check_scp",
    "check_session_policy",
    "check_trust_policy",
    "decide",
    "is_public",
    "size_without_whitespace",
]
