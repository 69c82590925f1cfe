"""Session policies: an inline document and up to ten managed ones, which together limit a session.

Two limits apply (STS API reference, AssumeRole): 2,048 characters of plain text, and the packed size of
policies and tags together. How AWS packs is its secret; ours is what they add to the session token,
compressed, so that a token always fits into a header.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Directory
from isthmus.identity.managed import PREFIX as AWS_MANAGED
from isthmus.names import Arn, InvalidArn
from isthmus.policy import MalformedPolicy, check_session_policy
from isthmus.wire import AwsError

from .parameters import check_policy_characters, invalid

PLAIN_TEXT_CHARACTERS = 2048
PACKED_BYTES = 2048  # with the other claims and in base64 a token stays below its largest size of 4,096
MANAGED_POLICIES = 10


@dataclass(frozen=True, slots=True)
class SessionPolicies:
    """inline: document text. arns: managed policies. packed_percent: None without policies and tags."""

    inline: str | None
    arns: tuple[str, ...]
    packed_percent: int | None

    @property
    def given(self) -> bool:
        """Whether the session is limited by policies."""
        return self.inline is not None or bool(self.arns)


def session_policies(members: Mapping[str, Any], tags: Mapping[str, str]) -> SessionPolicies:
    """The session policies that a call passes, checked as documents and by size.

    Raises ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    inline: str | None = members.get("Policy")
    arns = tuple(item["arn"] for item in members.get("PolicyArns") or () if "arn" in item)
    if inline is not None:
        check_policy_characters(inline)
        if len(inline) > PLAIN_TEXT_CHARACTERS:
            rule = f"Member must have length less than or equal to {PLAIN_TEXT_CHARACTERS}"
            raise invalid("Policy", inline, rule)
        try:
            check_session_policy(inline)
        except MalformedPolicy as error:
            raise AwsError("MalformedPolicyDocument", error.message) from None
    if len(arns) > MANAGED_POLICIES:
        rule = f"Member must have length less than or equal to {MANAGED_POLICIES}"
        raise invalid("PolicyArns", list(arns), rule)
    return SessionPolicies(inline, arns, _packed_percent(inline, arns, tags))


async def check_managed(policies: SessionPolicies, account: str, directory: Directory) -> None:
    """Managed session policies are AWS's or of the session's own account. Raises ValidationError."""
    for arn in policies.arns:
        own = arn.startswith(AWS_MANAGED) or _account_of(arn) == account
        if not own or await directory.managed_policy(arn) is None:
            raise AwsError("ValidationError", f"Policy {arn} does not exist or is not attachable.")


def _account_of(arn: str) -> str:
    try:
        return Arn.parse(arn).account
    except InvalidArn:
        return ""


def _packed_percent(inline: str | None, arns: tuple[str, ...], tags: Mapping[str, str]) -> int | None:
    if inline is None and not arns and not tags:
        return None
    parts = [inline or "", *arns, *(f"{key}\0{value}" for key, value in tags.items())]
    packed = len(zlib.compress("\0".join(parts).encode(), 9))
    percent = -(-100 * packed // PACKED_BYTES)
    plain = len(inline or "") + sum(map(len, arns))
    if plain > PLAIN_TEXT_CHARACTERS:
        percent = max(percent, -(-100 * plain // PLAIN_TEXT_CHARACTERS))
    if percent > 100:
        if inline is None and not arns:
            text = f"Packed size of session tags consumes {percent}% of allotted space."
        else:
            text = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        raise AwsError("PackedPolicyTooLarge", text)
    return percent
