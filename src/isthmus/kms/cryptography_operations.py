"""Encrypt, Decrypt, ReEncrypt, and what asymmetric and HMAC keys compute.

Source: the operations in the AWS KMS API reference.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any, NamedTuple

from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import ContextValue
from isthmus.wire import AwsError

from . import private_keys
from .ciphertext import Ciphertext, encrypt
from .errors import dry_run, incorrect_key, invalid_ciphertext, validation
from .granting import check_grant_tokens
from .key_specs import ALGORITHM_MEMBERS, ENCRYPT, MAC, SIGN, SYMMETRIC, algorithms, is_asymmetric
from .keys_table import Key, find_key, key_of_material, open_material
from .references import Found, resolve
from .resources import key_permission, key_resource, the_key, usable

_MOST_PLAINTEXT = 4096
_MOST_CIPHERTEXT = 6144


class Opened(NamedTuple):
    """A plaintext and what it was encrypted with."""

    plaintext: bytes
    material_id: str | None


# What all have in common


def ready(call: Call, usage: str, member: str = "KeyId") -> Key:
    """The key, enabled and made for this use.

    Raises NotFoundException, DisabledException, KMSInvalidStateException, InvalidKeyUsageException,
    InvalidGrantTokenException.
    """
    key = usable(the_key(call, member))
    if key.usage != usage:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key usage is {key.usage} which is not valid for {call.operation.name}.",
        )
    check_grant_tokens(call)
    return key


def end_dry_run(call: Call) -> None:
    """Raises DryRunOperationException where the caller only wanted to know."""
    if call.input.get("DryRun"):
        raise dry_run()


def check_size(data: bytes, name: str, most: int) -> None:
    """Hold a blob against the model's limits, in the words of AWS's validation. Raises ValidationException."""
    if len(data) > most:
        raise validation(f"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must "
                         f"have length less than or equal to {most}")  # fmt: skip
    if not data:
        raise validation(f"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must "
                         "have length greater than or equal to 1")  # fmt: skip


def _check_algorithm(key: Key, algorithm: str) -> None:
    if algorithm not in algorithms(key.spec, key.usage):
        raise AwsError("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {key.spec}.")


async def seal(call: Call, key: Key, context: dict[str, str], plaintext: bytes) -> bytes:
    """`plaintext` under the newest material of a symmetric key."""
    material_id = key.current.id
    material = await open_material(call.system, material_id)
    return encrypt(material_id, material, call.system.entropy(16), key.arn, context, plaintext)


async def _encrypted(call: Call, key: Key, algorithm: str, context: dict[str, str], plaintext: bytes) -> bytes:
    """`plaintext` under a key of any kind that encrypts. Raises ValidationException, InvalidKeyUsageException."""
    _check_algorithm(key, algorithm)
    if key.spec == SYMMETRIC:
        return await seal(call, key, context, plaintext)
    _no_context(context)
    private = await open_material(call.system, key.current.id)
    most = private_keys.most_plaintext(private, algorithm)
    if len(plaintext) > most:
        raise validation(f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than {most} bytes.")
    return private_keys.encrypt(private, algorithm, plaintext)


async def _decrypted(call: Call, key: Key, algorithm: str, context: dict[str, str], blob: bytes) -> Opened:
    """The inverse of `_encrypted`. Raises InvalidCiphertextException and as that."""
    _check_algorithm(key, algorithm)
    if key.spec == SYMMETRIC:
        parsed = _parsed(blob)
        try:
            material = await open_material(call.system, parsed.material_id)
            return Opened(parsed.open(material, key.arn, context), parsed.material_id)
        except (LookupError, ValueError):
            raise invalid_ciphertext() from None
    _no_context(context)
    private = await open_material(call.system, key.current.id)
    try:
        return Opened(await asyncio.to_thread(private_keys.decrypt, private, algorithm, blob), None)
    except ValueError:
        raise invalid_ciphertext() from None


def _no_context(context: dict[str, str]) -> None:
    if context:
        raise validation("An encryption context is valid only with symmetric encryption KMS keys.")


def _parsed(blob: bytes) -> Ciphertext:
    try:
        return Ciphertext.parse(blob)
    except ValueError:
        raise invalid_ciphertext() from None


# Encrypt, Decrypt, ReEncrypt


@operation("kms", "Encrypt", key_permission("kms:Encrypt", aliases=True, across=True))
async def encrypt_data(call: Call) -> dict[str, Any]:
    """Encrypt up to 4096 bytes."""
    given = call.input
    check_size(given["Plaintext"], "plaintext", _MOST_PLAINTEXT)
    key = ready(call, ENCRYPT)
    algorithm = given.get("EncryptionAlgorithm") or SYMMETRIC
    blob = await _encrypted(call, key, algorithm, given.get("EncryptionContext") or {}, given["Plaintext"])
    end_dry_run(call)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}


async def _key_of_ciphertext(call: Call, member: str, algorithm_member: str) -> Found:
    """The key that decrypts: the one that is named, else the one that the ciphertext says it needs.

    Raises InvalidCiphertextException, ValidationException.
    """
    given = call.input
    if "CiphertextBlob" not in given:
        raise validation(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
            "Member must not be null"
        )
    check_size(given["CiphertextBlob"], "ciphertextBlob", _MOST_CIPHERTEXT)
    named: str | None = given.get(member)
    if named:
        return await resolve(call, named, aliases=True)
    if (given.get(algorithm_member) or SYMMETRIC) != SYMMETRIC:
        raise validation(f"You must specify {member} when the ciphertext was encrypted under an asymmetric KMS key.")
    arn = await key_of_material(call.system, _parsed(given["CiphertextBlob"]).material_id)
    if arn is None or arn.split(":")[3] != call.region:
        raise invalid_ciphertext()
    return Found(arn, arn.split(":")[4], await find_key(call.system, arn))


def _decrypting(action: str, member: str, context_member: str) -> Permission:
    """`action` on the key that decrypts the input's ciphertext."""
    algorithm_member = context_member.replace("EncryptionContext", "EncryptionAlgorithm")

    async def on(call: Call) -> Resource:
        if member not in call.found:
            call.found[member] = await _key_of_ciphertext(call, member, algorithm_member)
        resource = await key_resource(call, action, call.found[member], context_member=context_member)
        return await _on_same_key(call, resource)

    return Permission(action, on, condition="on the source key" if action == "kms:ReEncryptFrom" else "")


async def _check_is_of_key(call: Call, key: Key) -> None:
    """Raises IncorrectKeyException for a symmetric ciphertext of another key."""
    if key.spec != SYMMETRIC:
        return
    arn = await key_of_material(call.system, _parsed(call.input["CiphertextBlob"]).material_id)
    if arn is not None and arn != key.arn:
        raise incorrect_key()


@operation("kms", "Decrypt", _decrypting("kms:Decrypt", "KeyId", "EncryptionContext"))
async def decrypt_data(call: Call) -> dict[str, Any]:
    """Decrypt what Encrypt or GenerateDataKey gave out."""
    given = call.input
    key = usable(the_key(call))
    if key.usage != ENCRYPT:
        raise incorrect_key()
    check_grant_tokens(call)
    refuse_recipient(call)
    await _check_is_of_key(call, key)
    algorithm = given.get("EncryptionAlgorithm") or SYMMETRIC
    opened = await _decrypted(call, key, algorithm, given.get("EncryptionContext") or {}, given["CiphertextBlob"])
    end_dry_run(call)
    answer: dict[str, Any] = {"KeyId": key.arn, "Plaintext": opened.plaintext, "EncryptionAlgorithm": algorithm}
    if opened.material_id is not None:
        answer["KeyMaterialId"] = opened.material_id
    return answer


async def _on_same_key(call: Call, resource: Resource) -> Resource:
    """With `kms:ReEncryptOnSameKey` where both keys of ReEncrypt are known."""
    source, destination = call.found.get("SourceKeyId"), call.found.get("DestinationKeyId")
    if call.operation.name != "ReEncrypt" or source is None:
        return resource
    if destination is None:
        named = call.input["DestinationKeyId"]
        destination = call.found["DestinationKeyId"] = await resolve(call, named, aliases=True)
    same: dict[str, ContextValue] = {"kms:reencryptonsamekey": "true" if source.arn == destination.arn else "false"}
    return resource._replace(context={**resource.context, **same})


def _re_encrypting_to() -> Permission:
    inner = key_permission(
        "kms:ReEncryptTo", member="DestinationKeyId", aliases=True, across=True,
        context_member="DestinationEncryptionContext",
    )  # fmt: skip

    async def on(call: Call) -> Resource:
        return await _on_same_key(call, await inner.on(call))

    return Permission("kms:ReEncryptTo", on, condition="on the destination key")


@operation(
    "kms",
    "ReEncrypt",
    _decrypting("kms:ReEncryptFrom", "SourceKeyId", "SourceEncryptionContext"),
    _re_encrypting_to(),
)
async def re_encrypt(call: Call) -> dict[str, Any]:
    """Encrypt a ciphertext's content under another key or context, without showing it."""
    given = call.input
    source = usable(the_key(call, "SourceKeyId"))
    if source.usage != ENCRYPT:
        raise incorrect_key()
    destination = ready(call, ENCRYPT, "DestinationKeyId")
    await _check_is_of_key(call, source)
    source_algorithm = given.get("SourceEncryptionAlgorithm") or SYMMETRIC
    algorithm = given.get("DestinationEncryptionAlgorithm") or SYMMETRIC
    opened = await _decrypted(
        call, source, source_algorithm, given.get("SourceEncryptionContext") or {}, given["CiphertextBlob"]
    )
    blob = await _encrypted(
        call, destination, algorithm, given.get("DestinationEncryptionContext") or {}, opened.plaintext
    )
    end_dry_run(call)
    answer: dict[str, Any] = {
        "CiphertextBlob": blob,
        "SourceKeyId": source.arn,
        "KeyId": destination.arn,
        "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
    }
    if opened.material_id is not None:
        answer["SourceKeyMaterialId"] = opened.material_id
    if destination.spec == SYMMETRIC:
        answer["DestinationKeyMaterialId"] = destination.current.id
    return answer


def refuse_recipient(call: Call) -> None:
    """Raises UnsupportedOperationException: nobody attests enclaves here."""
    if call.input.get("Recipient"):
        raise AwsError("UnsupportedOperationException", "Recipient is for attested enclaves, which are not supported.")


# Signatures and codes


@operation("kms", "GetPublicKey", key_permission("kms:GetPublicKey", aliases=True, across=True))
async def get_public_key(call: Call) -> dict[str, Any]:
    """The public half of an asymmetric key."""
    key = usable(the_key(call))
    check_grant_tokens(call)
    if not is_asymmetric(key.spec):
        raise AwsError(
            "UnsupportedOperationException", f"{key.arn} key spec is {key.spec} which is not valid for GetPublicKey."
        )
    return {
        "KeyId": key.arn,
        "PublicKey": private_keys.public_key(await open_material(call.system, key.current.id)),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        ALGORITHM_MEMBERS[key.usage]: list(algorithms(key.spec, key.usage)),
    }


def _message(call: Call, key: Key) -> tuple[bytes, bool]:
    """What is signed, and whether it is a digest already. Raises ValidationException, InvalidKeyUsageException."""
    given = call.input
    _check_algorithm(key, given["SigningAlgorithm"])
    check_size(given["Message"], "message", _MOST_PLAINTEXT)
    kind = given.get("MessageType") or "RAW"
    if kind == "EXTERNAL_MU":
        raise validation(f"MessageType {kind} is not valid for key spec {key.spec}.")
    digest = kind == "DIGEST"
    if digest and len(given["Message"]) != private_keys.digest_bytes(given["SigningAlgorithm"]):
        raise validation(f"Digest is invalid length for algorithm {given['SigningAlgorithm']}.")
    return given["Message"], digest


@operation("kms", "Sign", key_permission("kms:Sign", aliases=True, across=True))
async def sign(call: Call) -> dict[str, Any]:
    """Sign a message or its digest."""
    key = ready(call, SIGN)
    message, digest = _message(call, key)
    algorithm = call.input["SigningAlgorithm"]
    end_dry_run(call)
    private = await open_material(call.system, key.current.id)
    signature = await asyncio.to_thread(private_keys.sign, private, algorithm, message, is_digest=digest)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


@operation("kms", "Verify", key_permission("kms:Verify", aliases=True, across=True))
async def verify(call: Call) -> dict[str, Any]:
    """Check a signature; a wrong one is an error."""
    key = ready(call, SIGN)
    message, digest = _message(call, key)
    algorithm = call.input["SigningAlgorithm"]
    end_dry_run(call)
    private = await open_material(call.system, key.current.id)
    if not private_keys.is_signature(private, algorithm, message, call.input["Signature"], is_digest=digest):
        raise AwsError("KMSInvalidSignatureException", "")
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


async def _mac(call: Call, key: Key) -> bytes:
    algorithm = call.input["MacAlgorithm"]
    _check_algorithm(key, algorithm)
    check_size(call.input["Message"], "message", _MOST_PLAINTEXT)
    digest = getattr(hashlib, algorithm.removeprefix("HMAC_").replace("_", "").lower())
    return hmac.digest(await open_material(call.system, key.current.id), call.input["Message"], digest)


@operation("kms", "GenerateMac", key_permission("kms:GenerateMac", aliases=True, across=True))
async def generate_mac(call: Call) -> dict[str, Any]:
    """The HMAC of a message."""
    key = ready(call, MAC)
    mac = await _mac(call, key)
    end_dry_run(call)
    return {"Mac": mac, "MacAlgorithm": call.input["MacAlgorithm"], "KeyId": key.arn}


@operation("kms", "VerifyMac", key_permission("kms:VerifyMac", aliases=True, across=True))
async def verify_mac(call: Call) -> dict[str, Any]:
    """Check an HMAC; a wrong one is an error."""
    key = ready(call, MAC)
    mac = await _mac(call, key)
    end_dry_run(call)
    if not hmac.compare_digest(mac, call.input["Mac"]):
        raise AwsError("KMSInvalidMacException", "")
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": call.input["MacAlgorithm"]}
