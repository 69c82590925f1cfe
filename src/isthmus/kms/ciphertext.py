"""What KMS hands out as ciphertext: self-describing, so that decrypting needs nothing but it and the context.

    version (1 byte) · id of the key material (32) · salt (16) · AES-256-GCM ciphertext with its tag

The material derives a key of its own for each ciphertext, so that no number of them wears it out. Bound in, and so
needed to open it, are the key's ARN and the encryption context.

Source: KMS Cryptographic Details ("symmetric encryption keys": a derived key for each encryption, the context as
additional authenticated data).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_ID_BYTES = 32
_SALT_BYTES = 16
_TAG_BYTES = 16
# Each derived key encrypts once, so its nonce need not change.
_NONCE = bytes(12)


class Ciphertext(NamedTuple):
    """A ciphertext that has our form. material_id: 64 hex digits."""

    material_id: str
    salt: bytes
    sealed: bytes

    @classmethod
    def parse(cls, blob: bytes) -> Ciphertext:
        """Take a blob apart. Raises ValueError."""
        if blob[:1] != _VERSION or len(blob) < 1 + _ID_BYTES + _SALT_BYTES + _TAG_BYTES:
            raise ValueError("not a ciphertext of this server")
        start = 1 + _ID_BYTES
        return cls(blob[1:start].hex(), blob[start : start + _SALT_BYTES], blob[start + _SALT_BYTES :])

    def open(self, material: bytes, arn: str, context: Mapping[str, str]) -> bytes:
        """The plaintext. Raises ValueError for another material, key or context, or a changed ciphertext."""
        try:
            return _cipher(material, self.salt).decrypt(_NONCE, self.sealed, _bound(arn, context))
        except InvalidTag:
            raise ValueError("changed, or not of this key and context") from None


def encrypt(
    material_id: str, material: bytes, salt: bytes, arn: str, context: Mapping[str, str], plaintext: bytes
) -> bytes:
    """The ciphertext of `plaintext` under one material of the key `arn`. salt: 16 random bytes."""
    assert len(salt) == _SALT_BYTES
    sealed = _cipher(material, salt).encrypt(_NONCE, plaintext, _bound(arn, context))
    return _VERSION + bytes.fromhex(material_id) + salt + sealed


def _cipher(material: bytes, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(material, b"isthmus kms ciphertext" + salt, hashlib.sha256))


def _bound(arn: str, context: Mapping[str, str]) -> bytes:
    return json.dumps([arn, sorted(context.items())], separators=(",", ":")).encode()
