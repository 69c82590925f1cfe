"""Secrets: sealed at rest under the master key, session tokens, passwords.

One master key (32 bytes), from which HKDF derives a key of its own for each purpose: what was sealed for one
use cannot be passed off in another. Sealing is AES-256-GCM, so a changed ciphertext does not open.

A session token is the claims of the session, sealed. Nothing about it is stored: any worker that holds the
master key opens it, and the secret access key that goes with it is an HMAC of the access key id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import zlib
from collections.abc import Callable
from functools import lru_cache

import argon2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .claims import claims_of, session_of
from .records import Session

MASTER_KEY_BYTES = 32
ACCESS_KEY = "access-key"
"""Purpose of the secrets of long-term access keys (`access_keys.secret`)."""
MFA_SEED = "mfa-seed"
"""Purpose of the seeds of virtual MFA devices (`mfa_devices.seed`)."""
SESSION_TOKEN = "session-token"  # noqa: S105 - the name of a purpose
AUTHORIZATION_MESSAGE = "authorization-message"
"""Purpose of encoded authorization messages."""
EVENT_TARGETS = "event-targets"
"""Purpose of the operator's table of event targets, whose addresses may hold passwords."""
KMS_MATERIAL = "kms-key-material"
"""Purpose of the material of KMS keys (`kms_key_material.sealed`)."""
KMS_GRANT_TOKEN = "kms-grant-token"  # noqa: S105 - the name of a purpose
SAML_PRIVATE_KEY = "saml-private-key"
"""Purpose of the private keys of SAML providers (`saml_providers.private_keys`)."""

_FORMAT = b"\x01"  # first byte of everything sealed; another algorithm would take the next number
_NONCE_BYTES = 12  # what AES-GCM is specified for
_TAG_BYTES = 16
_TOKENS_KEPT = 8192  # a few KiB each: the sessions that one worker sees again and again
_CIPHERS_KEPT = 4096  # half a KiB each: some purposes are made for a bucket


class InvalidToken(ValueError):
    """A session token that this server did not issue, or that was changed."""


class Vault:
    """Holds the master key. `purpose` keeps ciphertexts of one use from passing in another."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise ValueError(f"the master key has {len(master_key)} bytes; it must have {MASTER_KEY_BYTES}")
        self._master_key = master_key
        self._passwords = argon2.PasswordHasher()
        self._secret_key = self._derive("session-secret")
        # Both are asked for at every request with temporary credentials. Failures are not kept: whoever sends
        # bad tokens cannot push good ones out.
        self._cipher: Callable[[str], AESGCM] = lru_cache(_CIPHERS_KEPT)(self._make_cipher)
        self.session: Callable[[str], Session] = lru_cache(_TOKENS_KEPT)(self._open_session)
        self.session_secret: Callable[[str], str] = lru_cache(_TOKENS_KEPT)(self._derive_session_secret)
        # The session tokens of a whole master key stay far below the 2**32 random nonces that GCM allows.

    def seal(self, secret: bytes, purpose: str, bound_to: bytes = b"") -> bytes:
        """`secret`, encrypted and authenticated for `purpose`. bound_to: whose it is; it opens with that only."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher(purpose).encrypt(nonce, secret, _FORMAT + bound_to)

    def unseal(self, sealed: bytes, purpose: str, bound_to: bytes = b"") -> bytes:
        """What was sealed for `purpose` and `bound_to` under this master key. Raises InvalidToken."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORMAT or not ciphertext:
            raise InvalidToken("not sealed by this server")
        try:
            return self._cipher(purpose).decrypt(nonce, ciphertext, _FORMAT + bound_to)
        except InvalidTag:
            raise InvalidToken("not sealed by this server for this use, or changed since") from None

    def seal_text(self, content: bytes, purpose: str, minimum: int = 0) -> str:
        """`content`, compressed and sealed, as text without padding that is safe in a URL and in a header.

        minimum: at least this many characters; zeros behind the compressed content fill what is missing.
        """
        packed = zlib.compress(content, 9)
        enough = -(-3 * minimum // 4) - len(_FORMAT) - _NONCE_BYTES - _TAG_BYTES
        return _to_text(self.seal(packed.ljust(enough, b"\0"), purpose))

    def unseal_text(self, text: str, purpose: str) -> bytes:
        """The content of `seal_text`. Raises InvalidToken."""
        try:
            raw = text.encode("ascii")
            sealed = base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
        except (UnicodeEncodeError, binascii.Error, ValueError):
            raise InvalidToken("not base64") from None
        # Base64 has several spellings of the same bytes; only the one that was handed out is the token.
        if _to_text(sealed) != text:
            raise InvalidToken("not in the form it was issued in")
        # Authenticated before it is decompressed: nobody else's bytes reach zlib.
        return zlib.decompressobj().decompress(self.unseal(sealed, purpose))

    def session_token(self, session: Session, minimum: int = 0) -> str:
        """The sealed claims as the caller's `SessionToken`, of at least `minimum` characters."""
        return self.seal_text(claims_of(session), SESSION_TOKEN, minimum)

    def _open_session(self, token: str) -> Session:
        """The claims of a token; expiry is the caller's to check. Raises InvalidToken."""
        return session_of(self.unseal_text(token, SESSION_TOKEN))

    def _derive_session_secret(self, access_key: str) -> str:
        """The secret access key (40 characters) of temporary credentials, derived, stored nowhere."""
        digest = hmac.digest(self._secret_key, access_key.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.b64encode(digest[:30]).decode()

    def hash_password(self, password: str) -> str:
        """The password as it is stored: argon2id with a salt of its own."""
        return self._passwords.hash(password)

    def verify_password(self, hashed: str, password: str) -> bool:
        """Whether `password` is the one that was hashed. Costs tens of milliseconds on purpose."""
        try:
            return self._passwords.verify(hashed, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _make_cipher(self, purpose: str) -> AESGCM:
        return AESGCM(self._derive(purpose))

    def _derive(self, purpose: str) -> bytes:
        hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"isthmus " + purpose.encode())
        return hkdf.derive(self._master_key)


def _to_text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
