"""Secrets: sealed at rest under the master key, session tokens, passwords.

SKELETON: signatures are the contract; bodies are to be built.
"""

from __future__ import annotations

from .records import Session


class InvalidToken(ValueError):
    """A session token that this server did not issue, or that was changed."""


class Vault:
    """Holds the master key (32 bytes). `purpose` keeps ciphertexts of one use from passing in another."""

    def __init__(self, master_key: bytes) -> None: ...

    def seal(self, secret: bytes, purpose: str) -> bytes: ...
    def unseal(self, sealed: bytes, purpose: str) -> bytes: ...
    def session_token(self, session: Session) -> str:
        """The sealed claims as the caller's `SessionToken`."""
    def session(self, token: str) -> Session:
        """The claims of a token; expiry is the caller's to check. Raises InvalidToken."""
    def session_secret(self, access_key: str) -> str:
        """The secret access key (40 characters) of temporary credentials, derived, stored nowhere."""
    def hash_password(self, password: str) -> str: ...
    def verify_password(self, hashed: str, password: str) -> bool: ...
