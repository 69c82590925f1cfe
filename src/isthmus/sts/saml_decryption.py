"""Encrypted assertions: XML Encryption with AES-GCM under a key that RSA-OAEP wraps for the provider's private key.

Only what authenticates is decrypted. AES-CBC and RSA with PKCS 1.5, which XML Encryption also names, tell an attacker
by their errors what was encrypted (Jager and Somorovsky, "How to Break XML Encryption"), and are refused unread.

    EncryptedAssertion / EncryptedData / EncryptionMethod, KeyInfo / EncryptedKey, CipherData / CipherValue
    the EncryptedKey stands in KeyInfo, or beside EncryptedData
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ENC = "{http://www.w3.org/2001/04/xmlenc#}"
_ENC11 = "{http://www.w3.org/2009/xmlenc11#}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ENC_NS, _ENC11_NS, _DS_NS = _ENC[1:-1], _ENC11[1:-1], _DS[1:-1]
_KEY_BYTES = {f"{_ENC11_NS}aes128-gcm": 16, f"{_ENC11_NS}aes192-gcm": 24, f"{_ENC11_NS}aes256-gcm": 32}
_OAEP = (f"{_ENC_NS}rsa-oaep-mgf1p", f"{_ENC11_NS}rsa-oaep")
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    f"{_DS_NS}sha1": hashes.SHA1(),  # noqa: S303 - OAEP does not rest on collisions
    f"{_ENC_NS}sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    f"{_ENC_NS}sha512": hashes.SHA512(),
}
_MASKS: dict[str, hashes.HashAlgorithm] = {
    f"{_ENC11_NS}mgf1sha1": hashes.SHA1(),  # noqa: S303 - as above
    f"{_ENC11_NS}mgf1sha256": hashes.SHA256(),
    f"{_ENC11_NS}mgf1sha384": hashes.SHA384(),
    f"{_ENC11_NS}mgf1sha512": hashes.SHA512(),
}
_NONCE_BYTES = 12


class CannotDecrypt(ValueError):
    """None of the keys opens it, or it is encrypted in another way."""


def decrypted(encrypted: Any, keys: Sequence[RSAPrivateKey]) -> bytes:
    """The bytes of the assertion in an EncryptedAssertion (an lxml element). Raises CannotDecrypt."""
    try:
        (data,) = encrypted.findall(f"{_ENC}EncryptedData")
        inside: list[Any] = data.findall(f"{_DS}KeyInfo/{_ENC}EncryptedKey")
        (wrapped,) = inside + encrypted.findall(f"{_ENC}EncryptedKey")
        size = _KEY_BYTES[_algorithm(data)]
        sealed = _cipher_value(data)
        padding, secret = _padding(wrapped), _cipher_value(wrapped)
    except (LookupError, ValueError, TypeError):
        raise CannotDecrypt from None
    for key in keys:
        try:
            content_key = key.decrypt(secret, padding)
            if len(content_key) == size:
                return AESGCM(content_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (ValueError, InvalidTag):
            continue
    raise CannotDecrypt


def _algorithm(element: Any) -> str:
    (method,) = element.findall(f"{_ENC}EncryptionMethod")
    return str(method.get("Algorithm"))


def _cipher_value(element: Any) -> bytes:
    (value,) = element.findall(f"{_ENC}CipherData/{_ENC}CipherValue")
    return base64.b64decode("".join((value.text or "").split()), validate=True)


def _padding(wrapped: Any) -> OAEP:
    method = wrapped.find(f"{_ENC}EncryptionMethod")
    if method is None or method.get("Algorithm") not in _OAEP or method.find(f"{_ENC}OAEPparams") is not None:
        raise ValueError("another key transport")
    digest, mask = method.find(f"{_DS}DigestMethod"), method.find(f"{_ENC11}MGF")
    algorithm = hashes.SHA1() if digest is None else _DIGESTS[digest.get("Algorithm")]  # noqa: S303 - as above
    masking = hashes.SHA1() if mask is None else _MASKS[mask.get("Algorithm")]  # noqa: S303 - as above
    return OAEP(MGF1(masking), algorithm, None)
