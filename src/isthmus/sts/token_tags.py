"""Session tags that come in an identity token (IAM User Guide, "Passing session tags in AWS STS").

    "https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}

or the same flattened: `https://aws.amazon.com/tags/principal_tags/team`, …`/transitive_tag_keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .identity_tokens import invalid_token
from .session_tags import SessionTags, session_tags

CLAIM = "https://aws.amazon.com/tags"
MOST_TAGS = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


def token_tags(claims: Mapping[str, Any]) -> SessionTags:
    """The session tags of a token. Raises InvalidIdentityToken, InvalidParameterValue."""
    nested = claims.get(CLAIM, {})
    if not isinstance(nested, dict):
        raise _malformed()
    tags = nested.get("principal_tags", {})
    transitive = nested.get("transitive_tag_keys", claims.get(f"{CLAIM}/transitive_tag_keys", []))
    if not isinstance(tags, dict) or not isinstance(transitive, list):
        raise _malformed()
    flat = f"{CLAIM}/principal_tags/"
    tags = tags | {name.removeprefix(flat): value for name, value in claims.items() if name.startswith(flat)}
    if len(tags) > MOST_TAGS or not all(isinstance(key, str) for key in transitive):
        raise _malformed()
    pairs = [{"Key": key, "Value": _value(key, value)} for key, value in tags.items()]
    return session_tags({"Tags": pairs, "TransitiveTagKeys": transitive}, None)


def _value(key: str, value: Any) -> str:
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(one, str) or len(one) > _LONGEST_VALUE or len(key) > _LONGEST_KEY:
        raise _malformed()
    return one


def _malformed() -> Exception:
    return invalid_token(f"The claim {CLAIM} must hold principal_tags, each of one value, and transitive_tag_keys.")
