"""Ids and ARNs of AWS Organizations.

Sources: the patterns in the Organizations service model; Service Authorization Reference, "Resource types defined by
AWS Organizations". An id is a prefix and characters of a-z and 0-9; an organizational unit's holds that of its root.
"""

from __future__ import annotations

from typing import Literal

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# How many characters stand behind the prefix.
_LENGTHS = {"o": 10, "r": 4, "p": 10, "h": 32, "car": 32, "rp": 10}
_UNIT_LENGTH = 8
ENTROPY_BYTES = 24  # 32 characters of base 36 are 166 bits
Kind = Literal["o", "r", "p", "h", "car", "rp"]


def organizations_id(kind: Kind, entropy: bytes) -> str:
    """A new id of an organization (`o-…`), root, policy, handshake, account creation or resource policy, from
    ENTROPY_BYTES random bytes."""
    return f"{kind}-{_characters(_LENGTHS[kind], entropy)}"


def organizational_unit_id(root: str, entropy: bytes) -> str:
    """A new id of an organizational unit below the root `r-…`."""
    return f"ou-{root.removeprefix('r-')}-{_characters(_UNIT_LENGTH, entropy)}"


def organizations_arn(management_account: str, kind: str, organization: str, *names: str) -> str:
    """The ARN of something in an organization: `arn:aws:organizations::ACCOUNT:ou/o-…/ou-…`.

    kind: `account`, `handshake`, `organization`, `ou`, `policy`, `resourcepolicy` or `root`. names: what stands behind
    the organization's id.
    """
    return f"arn:aws:organizations::{management_account}:{'/'.join((kind, organization, *names))}"


def _characters(count: int, entropy: bytes) -> str:
    if len(entropy) < ENTROPY_BYTES:
        raise ValueError(f"an id needs at least {ENTROPY_BYTES} random bytes")
    number = int.from_bytes(entropy[:ENTROPY_BYTES], "big")
    found = []
    for _ in range(count):
        number, digit = divmod(number, 36)
        found.append(_DIGITS[digit])
    return "".join(found)
