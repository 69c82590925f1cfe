"""What STS parameters must look like beyond what the service model's lengths say, with AWS's error texts.

The patterns are those of the STS API reference. They matter here: session names and federated names become
part of ARNs that policies compare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from isthmus.wire import AwsError

_PATTERNS = {
    "RoleSessionName": r"[\w+=,.@-]*",
    "Name": r"[\w+=,.@-]*",
    "SourceIdentity": r"[\w+=,.@-]*",
    "ExternalId": r"[\w+=,.@:\/-]*",
    "SerialNumber": r"[\w+=/:,.@-]*",
    "TokenCode": r"[\d]*",
    "AccessKeyId": r"[\w]*",
}
_COMPILED = {name: re.compile(pattern, re.ASCII) for name, pattern in _PATTERNS.items()}
_TAG_PUNCTUATION = frozenset("_.:/=+-@")
_POLICY_CHARACTERS = re.compile(r"[\u0009\u000A\u000D\u0020-\u00FF]+")


def check_patterns(members: Mapping[str, Any]) -> None:
    """Raises ValidationError for the first parameter with characters that it may not have."""
    for name, pattern in _COMPILED.items():
        value = members.get(name)
        if value is not None and pattern.fullmatch(value) is None:
            raise invalid(name, value, f"Member must satisfy regular expression pattern: {_PATTERNS[name]}")


def check_policy_characters(text: str) -> None:
    """Raises ValidationError for a session policy with characters outside Latin-1."""
    if _POLICY_CHARACTERS.fullmatch(text) is None:
        rule = r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+"
        raise invalid("Policy", text, rule)


def is_tag_text(text: str) -> bool:
    """Whether a tag's key or value has only letters, digits, spaces and `_.:/=+-@`."""
    return all(unicodedata.category(char)[0] in "LNZ" or char in _TAG_PUNCTUATION for char in text)


def invalid(name: str, value: object, rule: str) -> AwsError:
    """AWS's ValidationError for one parameter."""
    member = name[:1].lower() + name[1:]
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}",
    )
