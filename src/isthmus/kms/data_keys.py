"""Data keys: random keys for others to encrypt with, in the clear and encrypted under a KMS key; and random bytes.

Source: GenerateDataKey…, GenerateDataKeyPair…, GenerateRandom in the AWS KMS API reference.
"""

from __future__ import annotations

import asyncio
from typing import Any

from isthmus.operation import Call, operation
from isthmus.wire import AwsError

from . import private_keys
from .cryptography_operations import end_dry_run, ready, refuse_recipient, seal
from .errors import unsupported, validation
from .key_specs import ENCRYPT, SPECS, SYMMETRIC, is_asymmetric
from .keys_table import Key
from .resources import account_permission, key_permission

_BYTES_OF_SPEC = {"AES_256": 32, "AES_128": 16}


def _symmetric(call: Call) -> Key:
    """The key that will encrypt the data key. Raises InvalidKeyUsageException for one that is not symmetric."""
    refuse_recipient(call)
    key = ready(call, ENCRYPT)
    if key.spec != SYMMETRIC:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key spec is {key.spec} which is not valid for {call.operation.name}.",
        )
    return key


async def _data_key(call: Call) -> tuple[bytes, dict[str, Any]]:
    given = call.input
    key = _symmetric(call)
    spec, count = given.get("KeySpec"), given.get("NumberOfBytes")
    if (spec is None) == (count is None):
        raise validation("Please specify either number of bytes or key spec.")
    end_dry_run(call)
    plaintext = call.system.entropy(int(count or _BYTES_OF_SPEC[str(spec)]))
    blob = await seal(call, key, given.get("EncryptionContext") or {}, plaintext)
    return plaintext, {"CiphertextBlob": blob, "KeyId": key.arn, "KeyMaterialId": key.current.id}


@operation("kms", "GenerateDataKey", key_permission("kms:GenerateDataKey", aliases=True, across=True))
async def generate_data_key(call: Call) -> dict[str, Any]:
    """A data key, in the clear and encrypted."""
    plaintext, answer = await _data_key(call)
    return {**answer, "Plaintext": plaintext}


@operation(
    "kms",
    "GenerateDataKeyWithoutPlaintext",
    key_permission("kms:GenerateDataKeyWithoutPlaintext", aliases=True, across=True),
)
async def generate_data_key_without_plaintext(call: Call) -> dict[str, Any]:
    """A data key for later: encrypted only."""
    return (await _data_key(call))[1]


async def _data_key_pair(call: Call) -> tuple[bytes, dict[str, Any]]:
    given = call.input
    key = _symmetric(call)
    spec = given["KeyPairSpec"]
    if spec not in SPECS or not is_asymmetric(spec):
        raise unsupported(f"Data key pairs of the spec {spec} are not supported.")
    end_dry_run(call)
    private = await asyncio.to_thread(private_keys.new_private_key, spec)
    return private, {
        "PrivateKeyCiphertextBlob": await seal(call, key, given.get("EncryptionContext") or {}, private),
        "PublicKey": private_keys.public_key(private),
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": key.current.id,
    }


@operation("kms", "GenerateDataKeyPair", key_permission("kms:GenerateDataKeyPair", aliases=True, across=True))
async def generate_data_key_pair(call: Call) -> dict[str, Any]:
    """A pair of keys, the private one in the clear and encrypted."""
    private, answer = await _data_key_pair(call)
    return {**answer, "PrivateKeyPlaintext": private}


@operation(
    "kms",
    "GenerateDataKeyPairWithoutPlaintext",
    key_permission("kms:GenerateDataKeyPairWithoutPlaintext", aliases=True, across=True),
)
async def generate_data_key_pair_without_plaintext(call: Call) -> dict[str, Any]:
    """A pair of keys, the private one encrypted only."""
    return (await _data_key_pair(call))[1]


@operation("kms", "GenerateRandom", account_permission("kms:GenerateRandom"))
async def generate_random(call: Call) -> dict[str, Any]:
    """Random bytes."""
    refuse_recipient(call)
    if call.input.get("CustomKeyStoreId"):
        raise unsupported("Custom key stores are not supported.")
    count = call.input.get("NumberOfBytes")
    if count is None:
        raise validation("NumberOfBytes is required.")
    return {"Plaintext": call.system.entropy(count)}
