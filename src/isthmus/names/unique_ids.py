"""Unique ids of IAM: a prefix that tells the kind, then characters that never come back.

Prefixes (IAM User Guide, "IAM identifiers"): AIDA user, AROA role, AGPA group, ANPA managed policy, AIPA instance
profile, ASCA certificate, APKA public key, AKIA long-term access key, ASIA temporary access key.
"""

from __future__ import annotations

import base64
from typing import Literal

from .accounts import encode_account

Prefix = Literal["AIDA", "AROA", "AGPA", "ANPA", "AIPA", "ASCA", "APKA"]


def unique_id(prefix: Prefix, entropy: bytes) -> str:
    """A 21-character id such as AROA… from at least 11 random bytes."""
    if len(entropy) < 11:
        raise ValueError("a unique id needs at least 11 random bytes")
    return prefix + base64.b32encode(entropy[:11]).decode()[:17]


def access_key_id(prefix: Literal["AKIA", "ASIA"], account: str, entropy: bytes) -> str:
    """A 20-character access key id that names its account, from at least 10 random bytes."""
    if len(entropy) < 10:
        raise ValueError("an access key id needs at least 10 random bytes")
    return prefix + encode_account(account, entropy)
