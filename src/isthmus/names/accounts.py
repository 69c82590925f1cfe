"""Account ids (12 digits), canonical ids (64 hex digits) and the account hidden in an access key id.

Sources: IAM User Guide "IAM identifiers"; S3 User Guide "Canonical user ID"; STS GetAccessKeyInfo.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_ACCOUNT_ID = re.compile(r"[0-9]{12}\Z")
# The 48 bits after the four-letter prefix carry the account id, shifted left by seven.
_ACCOUNT_SHIFT = 7


def is_account_id(text: str) -> bool:
    """Whether `text` is a 12-digit account id."""
    return _ACCOUNT_ID.match(text) is not None


def canonical_id(account: str) -> str:
    """The 64-hex-digit id by which S3 ACLs name an account, derived from its 12-digit id."""
    return hashlib.sha256(b"isthmus canonical user id\0" + account.encode()).hexdigest()


def root_arn(account: str) -> str:
    """The ARN of an account's root user, which in a policy stands for the whole account."""
    return f"arn:aws:iam::{account}:root"


def account_of_access_key(key_id: str) -> str | None:
    """The account encoded in an AKIA/ASIA key id made by `access_key_id`; None if the id has another
    shape."""
    if len(key_id) != 20:
        return None
    try:
        raw = base64.b32decode(key_id[4:])
    except (binascii.Error, ValueError):
        return None
    number = int.from_bytes(raw[:6], "big") >> _ACCOUNT_SHIFT & 0xFF_FFFF_FFFF
    return f"{number:012d}" if number < 10**12 else None


def encode_account(account: str, entropy: bytes) -> str:
    """Sixteen base32 characters holding `account` and what `entropy` (10 bytes) adds in the bits left
    over."""
    head = int.from_bytes(entropy[:6], "big")
    mask = (1 << _ACCOUNT_SHIFT) - 1
    number = (1 << 47) | (int(account) << _ACCOUNT_SHIFT) | (head & mask)
    return base64.b32encode(number.to_bytes(6, "big") + entropy[6:10]).decode()
