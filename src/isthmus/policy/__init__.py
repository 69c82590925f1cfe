"""The policy language: parse, validate, compile, decide, explain. Pure and usable on its own."""

from .context_keys import context_keys
from .decide import decide
from .decision import Decision
from .document import MalformedPolicy, PolicyDocument, Statement
from .explain import Determining, LayerVerdict, Miss
from .fix import Change, apply_changes
from .key_policy import check_key_policy
from .layers import Verdict
from .model import (
    NO_CONTEXT,
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
)

__all__ = [
    "NO_CONTEXT",
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
    "apply_changes",
    "check_bucket_policy",
    "check_identity_policy",
    "check_key_policy",
    "check_rcp",
    "check_scp",
    "check_session_policy",
    "check_trust_policy",
    "context_keys",
    "decide",
    "is_public",
]
