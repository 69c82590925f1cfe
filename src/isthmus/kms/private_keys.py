"""RSA and elliptic-curve keys: made, encoded, and what is computed with them.

A private key is kept as PKCS #8 (DER), a public one given out as SubjectPublicKeyInfo (DER), as KMS does.
Source: KMS Developer Guide, "Asymmetric keys in AWS KMS"; Sign, Verify, GetPublicKey in the API reference.
"""

from __future__ import annotations

from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "1": hashes.SHA1,
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_private_key(spec: str) -> bytes:
    """A new private key of a spec."""
    key: PrivateKey
    if spec.startswith("RSA_"):
        key = rsa.generate_private_key(65537, int(spec.removeprefix("RSA_")))
    else:
        key = ec.generate_private_key(_CURVES[spec]())
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key(private: bytes) -> bytes:
    """The public half of a private key."""
    return _loaded(private).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip


def digest_bytes(algorithm: str) -> int:
    """How long the digests that a signing algorithm takes are."""
    return _hash(algorithm).digest_size


def sign(private: bytes, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    """The signature of a message, or of its digest."""
    key = _loaded(private)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, _rsa_padding(algorithm), _hash_or_digest(algorithm, is_digest))
    return key.sign(message, ec.ECDSA(_hash_or_digest(algorithm, is_digest)))


def is_signature(private: bytes, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool) -> bool:
    """Whether `signature` is one of this key for this message."""
    key = _loaded(private)
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(signature, message, _rsa_padding(algorithm), _hash_or_digest(algorithm, is_digest))
        else:
            key.public_key().verify(signature, message, ec.ECDSA(_hash_or_digest(algorithm, is_digest)))
    except InvalidSignature:
        return False
    return True


def most_plaintext(private: bytes, algorithm: str) -> int:
    """How many bytes RSAES-OAEP can encrypt with this key (RFC 8017, section 7.1.1)."""
    return _loaded(private).key_size // 8 - 2 * _hash(algorithm).digest_size - 2


def encrypt(private: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """RSAES-OAEP with the public half."""
    return cast(rsa.RSAPrivateKey, _loaded(private)).public_key().encrypt(plaintext, _oaep(algorithm))


def decrypt(private: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """The inverse of `encrypt`. Raises ValueError."""
    return cast(rsa.RSAPrivateKey, _loaded(private)).decrypt(ciphertext, _oaep(algorithm))


def _loaded(private: bytes) -> PrivateKey:
    return cast(PrivateKey, serialization.load_der_private_key(private, None))


def _hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm.rsplit("_", 1)[-1]]()


def _hash_or_digest(algorithm: str, is_digest: bool) -> hashes.HashAlgorithm | Prehashed:
    return Prehashed(_hash(algorithm)) if is_digest else _hash(algorithm)


def _rsa_padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm.startswith("RSASSA_PKCS1"):
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_hash(algorithm)), padding.PSS.DIGEST_LENGTH)


def _oaep(algorithm: str) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(_hash(algorithm)), _hash(algorithm), None)
