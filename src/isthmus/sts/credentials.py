"""Temporary credentials: a key id that names its account, a secret and a token that carries the claims."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Session
from isthmus.names import access_key_id
from isthmus.operation import Call

LARGEST_TOKEN = 4096  # bytes; what STS lets callers ask for as MinimumSessionTokenSize
HOUR = 3600


def new_access_key(call: Call, account: str) -> str:
    """A fresh ASIA… id for credentials of `account`."""
    return access_key_id("ASIA", account, call.system.entropy(10))


def credentials(call: Call, session: Session) -> dict[str, Any]:
    """`Credentials` and the token's size, as every operation that issues credentials answers them."""
    vault = call.system.vault
    token = vault.session_token(session, minimum=call.input.get("MinimumSessionTokenSize") or 0)
    return {
        "Credentials": {
            "AccessKeyId": session.access_key,
            "SecretAccessKey": vault.session_secret(session.access_key),
            "SessionToken": token,
            "Expiration": datetime.fromtimestamp(int(session.expires), UTC),
        },
        "SessionTokenSize": len(token),
        "SessionTokenUtilization": min(100, -(-100 * len(token) // LARGEST_TOKEN)),
    }
