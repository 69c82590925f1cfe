"""Encryption with keys of S3 itself and with keys of customers, and the default of a bucket."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from encryption_builders import BIG, SMALL, a_kms_key, customer, default_encryption, stored
from object_builders import bucket, content, refusal, rows, s3

from builders import PRODUCTION, Json, World, story
from isthmus.store import StoreError

# SSE-S3


@story
async def test_every_object_is_encrypted_unless_the_operator_says_otherwise(world: World) -> None:
    await bucket(world, "photos")
    for key, body in (("small", SMALL), ("empty", b""), ("big", BIG)):
        put = await s3(world, "PutObject", Bucket="photos", Key=key, body=body)
        assert put["ServerSideEncryption"] == "AES256"
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        assert (await s3(world, "HeadObject", Bucket="photos", Key=key))["ServerSideEncryption"] == "AES256"
        assert await content(world, "photos", key) == body
    kept = await stored(world)
    assert SMALL not in kept
    assert BIG[:32] not in kept
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    put = await s3(world, "PutObject", Bucket="photos", Key="plain", body=SMALL)
    assert "ServerSideEncryption" not in put
    assert SMALL in await stored(world)
    asked = await s3(world, "PutObject", Bucket="photos", Key="plain", body=SMALL, ServerSideEncryption="AES256")
    assert asked["ServerSideEncryption"] == "AES256"
    assert SMALL not in await stored(world)


@story
async def test_ranges_of_encrypted_objects_are_their_plaintext(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="big", body=BIG)
    await s3(world, "PutObject", Bucket="photos", Key="small", body=SMALL)
    for first, last in ((0, 0), (65_530, 65_550), (100_000, 319_999), (319_999, 319_999)):
        assert await content(world, "photos", "big", Range=f"bytes={first}-{last}") == BIG[first : last + 1]
    assert await content(world, "photos", "small", Range="bytes=2-6") == SMALL[2:7]


@story
async def test_a_data_key_opens_for_its_own_object_only(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    await s3(world, "PutObject", Bucket="photos", Key="b", body=SMALL)

    async def swap(tx: Any) -> None:
        ((encryption, inline),) = await tx.fetch_all(
            "SELECT encryption, inline_bytes FROM object_versions WHERE key = ?", b"a"
        )
        await tx.execute(
            "UPDATE object_versions SET encryption = ?, inline_bytes = ? WHERE key = ?", encryption, inline, b"b"
        )

    await world.store.objects.write(swap)
    assert await content(world, "photos", "a") == SMALL
    with pytest.raises(StoreError):
        await content(world, "photos", "b")


@story
async def test_a_copy_within_sse_s3_shares_its_bytes(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "albums")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=BIG)
    await s3(world, "CopyObject", Bucket="albums", Key="b", CopySource="photos/a")
    assert await content(world, "albums", "b") == BIG
    assert len(await rows(world, "SELECT DISTINCT content FROM object_versions")) == 1
    assert len(await rows(world, "SELECT DISTINCT encryption FROM object_versions")) == 2
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    assert await content(world, "albums", "b") == BIG


# SSE-C


@story
async def test_an_object_under_a_customer_s_key_needs_that_key(world: World) -> None:
    await bucket(world, "photos")
    for key, body in (("small", SMALL), ("big", BIG)):
        put = await s3(world, "PutObject", Bucket="photos", Key=key, body=body, **customer())
        assert (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]) == ("AES256", customer()["SSECustomerKeyMD5"])
        assert "ServerSideEncryption" not in put
        assert put["ETag"] != f'"{hashlib.md5(body).hexdigest()}"'
        assert await content(world, "photos", key, **customer()) == body
        head = await s3(world, "HeadObject", Bucket="photos", Key=key, **customer())
        assert head["SSECustomerAlgorithm"] == "AES256"
        for name in ("GetObject", "HeadObject"):
            error = await refusal(world, name, Bucket="photos", Key=key)
            assert (error.code, error.status) == ("InvalidRequest", 400)
            assert error.message.startswith("The object was stored using a form of Server Side Encryption.")
            error = await refusal(world, name, Bucket="photos", Key=key, **customer(b"x" * 32))
            assert error.code == "AccessDenied"
    kept = await stored(world)
    assert SMALL not in kept
    assert BIG[:32] not in kept
    for (text,) in await rows(world, "SELECT encryption FROM object_versions"):
        assert customer()["SSECustomerKey"].encode() not in text
        assert b"k" * 32 not in text


WITH_KEYS = "Requests specifying Server Side Encryption with Customer provided keys must provide "


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"ServerSideEncryption": "AES256"},
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
        (
            {"SSECustomerAlgorithm": "KMS"},
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        ),
        ({"SSECustomerAlgorithm": None}, "InvalidArgument", WITH_KEYS + "a valid encryption algorithm."),
        ({"SSECustomerKey": None}, "InvalidArgument", WITH_KEYS + "an appropriate secret key."),
        ({"SSECustomerKeyMD5": None}, "InvalidArgument", WITH_KEYS + "the client calculated MD5 of the secret key."),
        ({"SSECustomerKey": "c2hvcnQ="}, "InvalidArgument", "The secret key was invalid for the specified algorithm."),
        (
            {"SSECustomerKey": "not base64!"},
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.",
        ),
        (
            {"SSECustomerKeyMD5": "AAAAAAAAAAAAAAAAAAAAAA=="},
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
    ],
)
def test_the_headers_of_a_customer_s_key_are_checked(change: Json, code: str, message: str, tmp_path: Any) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        given = {name: value for name, value in {**customer(), **change}.items() if value is not None}
        error = await refusal(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **given)
        assert (error.code, error.message) == (code, message)
        assert error.extra["ArgumentName"] == "x-amz-server-side-encryption"
        assert await rows(world, "SELECT 1 FROM object_versions") == []

    told(tmp_path)


@story
async def test_a_customer_s_key_for_an_object_without_one_is_refused(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    for name in ("GetObject", "HeadObject"):
        error = await refusal(world, name, Bucket="photos", Key="a", **customer())
        assert (error.code, error.message) == (
            "InvalidRequest",
            "The encryption parameters are not applicable to this object.",
        )


@story
async def test_sse_c_can_be_blocked_for_a_bucket(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="before", body=SMALL, **customer())
    await default_encryption(world, "photos", "AES256", BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    for name in ("PutObject", "CreateMultipartUpload"):
        error = await refusal(world, name, Bucket="photos", Key="a", **customer())
        assert (error.code, error.status) == ("AccessDenied", 403)
    assert await content(world, "photos", "before", **customer()) == SMALL
    await default_encryption(world, "photos", "AES256", BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **customer())


# Bucket defaults


@story
async def test_the_bucket_s_default_is_acted_on_and_what_the_request_says_comes_first(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    await world.call(PRODUCTION, "kms", "CreateAlias", AliasName="alias/photos", TargetKeyId=key)
    for named in (key, "alias/photos", key.rpartition("/")[2]):
        await default_encryption(world, "photos", "aws:kms", default={"KMSMasterKeyID": named}, BucketKeyEnabled=True)
        put = await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
        assert (put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == (key, True)
        assert await content(world, "photos", "a") == SMALL
    put = await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, BucketKeyEnabled=False)
    assert (put["SSEKMSKeyId"], "BucketKeyEnabled" in put) == (key, False)
    put = await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    await default_encryption(world, "photos", "aws:kms")
    put = await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    managed = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId="alias/aws/s3"))["KeyMetadata"]["Arn"]
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", managed)
    await s3(world, "DeleteBucketEncryption", Bucket="photos")
    put = await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    assert put["ServerSideEncryption"] == "AES256"


@story
async def test_what_a_bucket_s_default_leaves_out_is_filled_in(world: World) -> None:
    await bucket(world, "photos")
    aes = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    given = {"Bucket": "photos"}
    assert (await s3(world, "GetBucketEncryption", **given))["ServerSideEncryptionConfiguration"]["Rules"] == [aes]
    blocked = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    await s3(world, "PutBucketEncryption", **given, ServerSideEncryptionConfiguration={"Rules": [blocked]})
    rules = (await s3(world, "GetBucketEncryption", **given))["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules == [{**aes, **blocked}]
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    await s3(world, "DeleteBucketEncryption", **given)
    error = await refusal(world, "GetBucketEncryption", **given)
    assert (error.code, error.status) == ("ServerSideEncryptionConfigurationNotFoundError", 404)
