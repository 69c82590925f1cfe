"""The policy language: parse, validate, compile, decide, explain. Pure and usable on its own."""

from .decide import decide
from .decision import Decision
from .document import MalformedPolicy, PolicyDocument, Statement
from .explain import Determining, LayerVerdict, Miss
from .fix import Change
from .layers import Verdict
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
    "Change",
    "Context",
    "ContextValue",
    "Decision",
    "Determining",
    "LayerVerdict",
    "MalformedPolicy",
    "Miss",
    "NamedPolicy",
    "PolicyDocument",
    "PolicyType",
    "Principal",
    "PrincipalKind",
    "PrincipalPolicies",
    "ResourcePolicy",
    "ResourceSide",
    "Statement",
    "Verdict",
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
