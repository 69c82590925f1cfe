"""Claims of identity tokens that only certain providers make, as condition keys: `token.actions.….com:repository`.

Which providers and which claims is AWS's table (Service Authorization Reference, "Condition keys for AWS Security
Token Service"; IAM User Guide, "IAM and AWS STS condition context keys"); of other providers AWS tells the claims that
every token may have. These keys are there while the role is assumed, not in the session's requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.policy import ContextValue

_GITHUB = (
    "actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository", "repository_id",
    "repository_owner_id", "workflow",
)  # fmt: skip
_GITLAB = (
    "namespace_id", "pipeline_source", "project_id", "ref_protected", "runner_environment", "user_access_level",
    "user_email", "user_id", "user_login",
)  # fmt: skip
_BUILDKITE = (
    "build_branch", "cluster_id", "cluster_name", "organization_id", "organization_slug", "pipeline_id",
    "pipeline_slug",
)  # fmt: skip

PROVIDERS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"token\.actions\.githubusercontent\.com(?:/[^/]+)?"), _GITHUB),
    (re.compile(r"token\.actions\.[^./]+\.ghe\.com"), _GITHUB),
    (re.compile(r"github\.com/enterprises/[^/]+"), _GITHUB),
    (re.compile(r"gitlab\.com"), _GITLAB),
    (re.compile(r"agent\.buildkite\.com"), _BUILDKITE),
    (re.compile(r"agent\.[^./]+\.buildkite\.(?:dev|site)"), _BUILDKITE),
    (re.compile(r"oidc\.circleci\.com/org/[^/]+"), ("oidc.circleci.com/project-id",)),
    (re.compile(r"idcs-[^./]+\.identity\.oraclecloud\.com"), ("rpst_id",)),
    (re.compile(r"accounts\.google\.com"), ("google/organization_number",)),
)
"""A provider's URL without its scheme, and its claims; a slash leads into a claim that is an object, where there is
no claim of that very name."""


def provider_claims(provider: str, claims: Mapping[str, Any]) -> dict[str, ContextValue]:
    """The keys, in lower case, of a provider (its URL without scheme, lower case) that are in a token's claims."""
    known = next((names for pattern, names in PROVIDERS if pattern.fullmatch(provider)), ())
    found = ((name, _text(_claim(claims, name))) for name in known)
    return {f"{provider}:{name}".lower(): text for name, text in found if text is not None}


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    outer, _, inner = name.partition("/")
    value = claims.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    """A claim's value as conditions compare it; None for one that has no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
