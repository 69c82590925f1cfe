"""Uploads in parts and copies of encrypted objects."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from encryption_builders import BIG, MIB5, SMALL, a_kms_key, customer, default_encryption, kms, stored, uploaded
from object_builders import bucket, content, refusal, s3

from builders import PRODUCTION, World, allow, story
from isthmus.wire import AwsError

# Multipart uploads


@story
async def test_the_parts_of_an_upload_are_encrypted_under_one_key(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    parts = [b"A" * MIB5, b"B" * MIB5, b"the end"]
    whole = b"".join(parts)
    for name, begin, each in (
        ("s3", {}, {}), ("kms", kms(key), {}), ("bucket-key", kms(key, BucketKeyEnabled=True), {}),
        ("customer", customer(), customer()),
    ):  # fmt: skip
        done = await uploaded(world, name, parts, begin, each)
        assert done["ETag"].endswith('-3"')
        assert done.get("ServerSideEncryption") == (begin.get("ServerSideEncryption") or (None if each else "AES256"))
        assert await content(world, "photos", name, **each) == whole
        assert await content(world, "photos", name, Range=f"bytes={MIB5 - 5}-{MIB5 + 4}", **each) == b"AAAAABBBBB"
        assert await content(world, "photos", name, PartNumber=3, **each) == b"the end"
    kept = await stored(world)
    assert b"AAAA" * 8 not in kept
    assert b"the end" not in kept


@story
async def test_the_parts_of_an_upload_need_the_key_it_was_begun_with(world: World) -> None:
    await bucket(world, "photos")
    given = {"Bucket": "photos", "Key": "a"}
    with_key = (await s3(world, "CreateMultipartUpload", **given, **customer()))["UploadId"]
    without = (await s3(world, "CreateMultipartUpload", **given))["UploadId"]
    appropriate = (
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
        "encryption parameters."
    )
    other = "The provided encryption parameters did not match the ones used originally."
    for upload, members, message in (
        (with_key, {}, appropriate), (without, customer(), appropriate), (with_key, customer(b"x" * 32), other),
    ):  # fmt: skip
        part = {"UploadId": upload, "PartNumber": 1, "body": SMALL}
        error = await refusal(world, "UploadPart", **given, **part, **members)
        assert (error.code, error.message) == ("InvalidRequest", message)


@story
async def test_uploading_parts_under_a_kms_key_needs_decrypt(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    writer = await world.user(PRODUCTION, "writer", allow("s3:*"), allow("kms:GenerateDataKey"))
    given = {"Bucket": "photos", "Key": "a"}
    upload = (await s3(world, "CreateMultipartUpload", who=writer, **given, **kms(key)))["UploadId"]
    part = {"UploadId": upload, "PartNumber": 1, "body": SMALL}
    error = await refusal(world, "UploadPart", who=writer, **given, **part)
    assert "kms:Decrypt" in error.message
    await s3(world, "UploadPart", **given, **part)


# Copies


@story
async def test_a_copy_between_kinds_of_encryption_is_encrypted_anew(world: World) -> None:
    await bucket(world, "photos")
    first, second = await a_kms_key(world), await a_kms_key(world)
    kinds: dict[str, dict[str, Any]] = {
        "s3": {"ServerSideEncryption": "AES256"}, "first": kms(first), "second": kms(second, BucketKeyEnabled=True),
        "customer": customer(), "other": customer(b"o" * 32),
    }  # fmt: skip
    for name, how in kinds.items():
        for suffix, body in (("small", SMALL), ("big", BIG)):
            await s3(world, "PutObject", Bucket="photos", Key=f"{name}-{suffix}", body=body, **how)
    await uploaded(world, "parts", [b"A" * MIB5, SMALL], kms(first), {})
    for source, how in kinds.items():
        read = {f"CopySource{key}": value for key, value in how.items() if key.startswith("SSECustomer")}
        for target, wanted in kinds.items():
            opening = {key: value for key, value in wanted.items() if key.startswith("SSECustomer")}
            for suffix, body in (("small", SMALL), ("big", BIG)):
                given = {"Bucket": "photos", "Key": f"to-{target}", "CopySource": f"photos/{source}-{suffix}"}
                copied = await s3(world, "CopyObject", **given, **read, **wanted)
                assert await content(world, "photos", f"to-{target}", **opening) == body
                assert copied.get("SSEKMSKeyId") == wanted.get("SSEKMSKeyId")
                if target == "s3":
                    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    for wanted in kinds.values():
        opening = {key: value for key, value in wanted.items() if key.startswith("SSECustomer")}
        await s3(world, "CopyObject", Bucket="photos", Key="whole", CopySource="photos/parts", **wanted)
        assert await content(world, "photos", "whole", **opening) == b"A" * MIB5 + SMALL
        assert await content(world, "photos", "whole", PartNumber=2, **opening) == SMALL
    kept = await stored(world)
    assert SMALL not in kept
    assert b"AAAA" * 8 not in kept
    assert BIG[:32] not in kept


@story
async def test_copying_needs_decrypt_of_the_source_and_a_data_key_of_the_destination(world: World) -> None:
    await bucket(world, "photos")
    first, second = await a_kms_key(world), await a_kms_key(world)
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **kms(first))
    given = {"Bucket": "photos", "Key": "b", "CopySource": "photos/a", **kms(second)}
    both = await world.user(
        PRODUCTION, "both", allow("s3:*"), allow("kms:Decrypt", first), allow("kms:GenerateDataKey", second)
    )
    reads = await world.user(PRODUCTION, "reads", allow("s3:*"), allow("kms:Decrypt", first))
    writes = await world.user(PRODUCTION, "writes", allow("s3:*"), allow("kms:GenerateDataKey", second))
    await s3(world, "CopyObject", who=both, **given)
    assert await content(world, "photos", "b") == SMALL
    assert "kms:GenerateDataKey" in (await refusal(world, "CopyObject", who=reads, **given)).message
    assert "kms:Decrypt" in (await refusal(world, "CopyObject", who=writes, **given)).message


@story
async def test_a_refused_copy_leaves_no_bytes_behind(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    await uploaded(world, "parts", [b"A" * MIB5, b"B" * 100_000], {}, {})
    await s3(world, "PutObject", Bucket="photos", Key="there", body=b"x")
    files = {name async for batch in world.store.contents.found(0) for name in batch}
    given = {"Bucket": "photos", "Key": "there", "CopySource": "photos/parts", "IfNoneMatch": "*", **kms(key)}
    error = await refusal(world, "CopyObject", **given)
    assert error.code == "PreconditionFailed"
    assert {name async for batch in world.store.contents.found(0) for name in batch} == files


@story
async def test_an_object_may_be_copied_onto_itself_to_encrypt_it_differently(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    given = {"Bucket": "photos", "Key": "a", "CopySource": "photos/a"}
    assert (await refusal(world, "CopyObject", **given)).code == "InvalidRequest"
    await s3(world, "CopyObject", **given, **kms(key))
    assert (await s3(world, "HeadObject", Bucket="photos", Key="a"))["SSEKMSKeyId"] == key
    assert await content(world, "photos", "a") == SMALL
    await default_encryption(world, "photos", "AES256")
    await s3(world, "CopyObject", **given)
    assert (await s3(world, "HeadObject", Bucket="photos", Key="a"))["ServerSideEncryption"] == "AES256"


@story
async def test_a_part_is_copied_from_under_any_key(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    await s3(world, "PutObject", Bucket="photos", Key="source", body=BIG, **customer())
    given: dict[str, Any] = {"Bucket": "photos", "Key": "a"}
    given["UploadId"] = (await s3(world, "CreateMultipartUpload", **given, **kms(key)))["UploadId"]
    copy = {"CopySource": "photos/source", "PartNumber": 1, "CopySourceRange": "bytes=10-100009"}
    error = await refusal(world, "UploadPartCopy", **given, **copy)
    assert error.code == "InvalidRequest"
    copied = await s3(world, "UploadPartCopy", **given, **copy, **customer(prefix="CopySource"))
    assert copied["SSEKMSKeyId"] == key
    listed = [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]
    await s3(world, "CompleteMultipartUpload", **given, MultipartUpload={"Parts": listed})
    assert await content(world, "photos", "a") == BIG[10:100_010]
    assert BIG[:32] not in await stored(world)


@story
async def test_attributes_of_an_encrypted_object_need_its_key(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **customer())
    given = {"Bucket": "photos", "Key": "a", "ObjectAttributes": ["ObjectSize", "Checksum"]}
    assert (await refusal(world, "GetObjectAttributes", **given)).code == "InvalidRequest"
    assert (await s3(world, "GetObjectAttributes", **given, **customer()))["ObjectSize"] == len(SMALL)


@story
async def test_objects_from_before_encryption_are_still_read(world: World) -> None:
    await bucket(world, "photos")
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    await s3(world, "PutObject", Bucket="photos", Key="old", body=BIG)
    await uploaded(world, "parts", [b"A" * MIB5, SMALL], {}, {})
    await world.sql("DELETE FROM settings")
    assert await content(world, "photos", "old", Range="bytes=5-9") == BIG[5:10]
    assert await content(world, "photos", "parts") == b"A" * MIB5 + SMALL
    assert "ServerSideEncryption" not in await s3(world, "HeadObject", Bucket="photos", Key="old")
    await s3(world, "CopyObject", Bucket="photos", Key="new", CopySource="photos/parts")
    assert (await s3(world, "HeadObject", Bucket="photos", Key="new"))["ServerSideEncryption"] == "AES256"
    assert await content(world, "photos", "new") == b"A" * MIB5 + SMALL
    with pytest.raises(AwsError):
        await s3(world, "GetObject", Bucket="photos", Key="old", **customer())
