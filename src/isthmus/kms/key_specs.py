"""Which kinds of keys there are and what each can do.

Source: KMS Developer Guide, "Key spec reference"; KeyMetadata in the API reference. A kind that AWS has and this table
lacks (SM2, ML-DSA, ML-KEM, Ed25519, key agreement) is refused with UnsupportedOperationException.
"""

from __future__ import annotations

from collections.abc import Mapping

SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPT, SIGN, MAC = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC"

_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_RSA = tuple(f"RSASSA_{scheme}_SHA_{size}" for scheme in ("PKCS1_V1_5", "PSS") for size in (256, 384, 512))

# Key spec -> key usage -> algorithms.
SPECS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    SYMMETRIC: {ENCRYPT: (SYMMETRIC,)},
    **{f"HMAC_{size}": {MAC: (f"HMAC_SHA_{size}",)} for size in (224, 256, 384, 512)},
    **{f"RSA_{size}": {ENCRYPT: _OAEP, SIGN: _RSA} for size in (2048, 3072, 4096)},
    "ECC_NIST_P256": {SIGN: ("ECDSA_SHA_256",)},
    "ECC_NIST_P384": {SIGN: ("ECDSA_SHA_384",)},
    "ECC_NIST_P521": {SIGN: ("ECDSA_SHA_512",)},
    "ECC_SECG_P256K1": {SIGN: ("ECDSA_SHA_256",)},
}

# Key usage -> the member of KeyMetadata that lists the algorithms.
ALGORITHM_MEMBERS = {ENCRYPT: "EncryptionAlgorithms", SIGN: "SigningAlgorithms", MAC: "MacAlgorithms"}


def algorithms(spec: str, usage: str) -> tuple[str, ...]:
    """What a key of this spec and usage computes."""
    return SPECS[spec][usage]


def is_asymmetric(spec: str) -> bool:
    """Whether the key has a public half."""
    return spec.startswith(("RSA_", "ECC_"))
