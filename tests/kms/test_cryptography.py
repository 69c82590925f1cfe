"""What keys encrypt, sign and authenticate; data keys."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import serialization
from kms_builders import a_key, encrypted

from builders import ANALYTICS, PRODUCTION, World, story


@story
async def test_what_is_encrypted_opens_with_its_context_and_no_other(world: World) -> None:
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key, EncryptionContext={"file": "a", "Owner": "x"})
    assert b"secret" not in blob
    answer = await world.call(
        PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, EncryptionContext={"Owner": "x", "file": "a"}
    )
    assert (answer["Plaintext"], answer["KeyId"]) == (b"secret", key)
    for context in ({}, {"file": "a"}, {"file": "b", "Owner": "x"}, {"file": "a", "owner": "x"}):
        error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, EncryptionContext=context)
        assert error.code == "InvalidCiphertextException"


@story
async def test_a_changed_ciphertext_does_not_open(world: World) -> None:
    blob = await encrypted(world, PRODUCTION, await a_key(world))
    for at in range(len(blob)):
        changed = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
        error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=changed)
        assert error.code == "InvalidCiphertextException"
    for changed in (blob[:-1], blob + b"\0", b"\x01"):
        error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=changed)
        assert error.code == "InvalidCiphertextException"


@story
async def test_the_named_key_must_be_the_one_that_encrypted(world: World) -> None:
    key, other = await a_key(world), await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, KeyId=key))["Plaintext"] == b"secret"
    error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, KeyId=other)
    assert error.code == "IncorrectKeyException"


@story
async def test_data_keys_come_in_the_clear_and_encrypted(world: World) -> None:
    key = await a_key(world)
    context = {"for": "file"}
    given = {"KeyId": key, "EncryptionContext": context}
    answer = await world.call(PRODUCTION, "kms", "GenerateDataKey", KeySpec="AES_256", **given)
    assert len(answer["Plaintext"]) == 32
    opened = await world.call(
        PRODUCTION, "kms", "Decrypt", CiphertextBlob=answer["CiphertextBlob"], EncryptionContext=context
    )
    assert opened["Plaintext"] == answer["Plaintext"]
    answer = await world.call(PRODUCTION, "kms", "GenerateDataKeyWithoutPlaintext", NumberOfBytes=64, **given)
    assert "Plaintext" not in answer
    opened = await world.call(
        PRODUCTION, "kms", "Decrypt", CiphertextBlob=answer["CiphertextBlob"], EncryptionContext=context
    )
    assert len(opened["Plaintext"]) == 64
    for wrong in ({}, {"KeySpec": "AES_128", "NumberOfBytes": 16}):
        error = await world.refused(PRODUCTION, "kms", "GenerateDataKey", **given, **wrong)
        assert (error.code, error.message) == (
            "ValidationError",
            "Please specify either number of bytes or key spec.",
        )


@story
async def test_re_encrypt_moves_a_ciphertext_to_another_key(world: World) -> None:
    source, destination = await a_key(world), await a_key(world)
    blob = await encrypted(world, PRODUCTION, source, EncryptionContext={"a": "1"})
    given = {
        "CiphertextBlob": blob, "DestinationKeyId": destination, "SourceEncryptionContext": {"a": "1"},
        "DestinationEncryptionContext": {"b": "2"},
    }  # fmt: skip
    answer = await world.call(PRODUCTION, "kms", "ReEncrypt", **given)
    assert (answer["SourceKeyId"], answer["KeyId"]) == (source, destination)
    opened = await world.call(
        PRODUCTION, "kms", "Decrypt", CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"b": "2"}
    )
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", destination)
    error = await world.refused(PRODUCTION, "kms", "ReEncrypt", **given, SourceKeyId=destination)
    assert error.code == "IncorrectKeyException"


@story
async def test_a_dry_run_says_whether_it_would_have_worked(world: World) -> None:
    key = await a_key(world)
    error = await world.refused(PRODUCTION, "kms", "Encrypt", KeyId=key, Plaintext=b"x", DryRun=True)
    assert error.code == "DryRunOperationException"
    eve = await world.user(PRODUCTION, "eve")
    error = await world.refused(eve, "kms", "Encrypt", KeyId=key, Plaintext=b"x", DryRun=True)
    assert error.code == "AccessDenied"


@story
async def test_plaintexts_have_one_to_4096_bytes(world: World) -> None:
    key = await a_key(world)
    await encrypted(world, PRODUCTION, key, bytes(4096))
    for plaintext in (b"", bytes(4097)):
        error = await world.refused(PRODUCTION, "kms", "Encrypt", KeyId=key, Plaintext=plaintext)
        assert error.code == "ValidationError"


@story
async def test_material_is_not_in_the_database_in_the_clear(world: World) -> None:
    key = await a_key(world, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    mac = (await world.call(PRODUCTION, "kms", "GenerateMac", KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256"))[
        "Mac"
    ]
    ((sealed,),) = await world.store.identity.fetch_all("SELECT sealed FROM kms_key_material")
    candidates = {bytes(sealed[at : at + 32]) for at in range(len(sealed) - 31)}
    assert all(hmac.digest(one, b"m", hashlib.sha256) != mac for one in candidates)


@pytest.mark.parametrize(("spec", "algorithm"), [(f"HMAC_{size}", f"HMAC_SHA_{size}") for size in (224, 256, 384, 512)])
def test_hmac_keys_authenticate_messages(spec: str, algorithm: str, tmp_path: object) -> None:
    @story
    async def tell(world: World) -> None:
        key = await a_key(world, KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")
        given = {"KeyId": key, "MacAlgorithm": algorithm}
        mac = (await world.call(PRODUCTION, "kms", "GenerateMac", Message=b"m", **given))["Mac"]
        assert len(mac) == int(spec[5:]) // 8
        assert (await world.call(PRODUCTION, "kms", "VerifyMac", Message=b"m", Mac=mac, **given))["MacValid"]
        error = await world.refused(PRODUCTION, "kms", "VerifyMac", Message=b"n", Mac=mac, **given)
        assert error.code == "KMSInvalidMacException"
        error = await world.refused(PRODUCTION, "kms", "Encrypt", KeyId=key, Plaintext=b"x")
        assert error.code == "InvalidKeyUsageException"

    tell(tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ],
)
def test_asymmetric_keys_sign(spec: str, algorithm: str, tmp_path: object) -> None:
    @story
    async def tell(world: World) -> None:
        key = await a_key(world, KeySpec=spec, KeyUsage="SIGN_VERIFY")
        given = {"KeyId": key, "SigningAlgorithm": algorithm}
        signature = (await world.call(PRODUCTION, "kms", "Sign", Message=b"message", **given))["Signature"]
        digest = hashlib.new("sha" + algorithm.rsplit("_", 1)[-1], b"message").digest()
        verified = await world.call(
            PRODUCTION, "kms", "Verify", Message=digest, MessageType="DIGEST", Signature=signature, **given
        )
        assert verified["SignatureValid"]
        error = await world.refused(PRODUCTION, "kms", "Verify", Message=b"massage", Signature=signature, **given)
        assert error.code == "KMSInvalidSignatureException"
        error = await world.refused(PRODUCTION, "kms", "Sign", Message=b"short", MessageType="DIGEST", **given)
        assert error.message == f"Digest is invalid length for algorithm {algorithm}."
        public = await world.call(PRODUCTION, "kms", "GetPublicKey", KeyId=key)
        serialization.load_der_public_key(public["PublicKey"])

    tell(tmp_path)  # type: ignore[arg-type]


@story
async def test_rsa_keys_encrypt(world: World) -> None:
    key = await a_key(world, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    given = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    blob = (await world.call(PRODUCTION, "kms", "Encrypt", Plaintext=b"secret", **given))["CiphertextBlob"]
    assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, **given))["Plaintext"] == b"secret"
    error = await world.refused(PRODUCTION, "kms", "Encrypt", Plaintext=bytes(191), **given)
    assert (
        error.message == "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."
    )
    error = await world.refused(PRODUCTION, "kms", "Encrypt", KeyId=key, Plaintext=b"x")
    assert error.code == "InvalidKeyUsageException"


@story
async def test_data_key_pairs_open_with_their_key(world: World) -> None:
    key = await a_key(world)
    answer = await world.call(PRODUCTION, "kms", "GenerateDataKeyPair", KeyId=key, KeyPairSpec="ECC_NIST_P256")
    private = (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=answer["PrivateKeyCiphertextBlob"]))[
        "Plaintext"
    ]
    assert private == answer["PrivateKeyPlaintext"]
    loaded = serialization.load_der_private_key(private, None)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == answer["PublicKey"]
    answer = await world.call(
        PRODUCTION, "kms", "GenerateDataKeyPairWithoutPlaintext", KeyId=key, KeyPairSpec="ECC_NIST_P256"
    )
    assert "PrivateKeyPlaintext" not in answer


@story
async def test_random_bytes_are_random(world: World) -> None:
    first = (await world.call(PRODUCTION, "kms", "GenerateRandom", NumberOfBytes=32))["Plaintext"]
    second = (await world.call(ANALYTICS, "kms", "GenerateRandom", NumberOfBytes=32))["Plaintext"]
    assert len(first) == 32
    assert first != second
    assert (await world.refused(PRODUCTION, "kms", "GenerateRandom")).message == "NumberOfBytes is required."
