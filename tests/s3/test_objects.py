"""Objects: put and get, headers, metadata, checksums, attributes and tags."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from object_builders import TrailingBody, bucket, content, refusal, rows, s3

from builders import World, story
from isthmus.s3.checksums import Checksum
from isthmus.wire import FileSlice

BIG = bytes(range(256)) * 1024  # 256 KiB: a content of its own


def digest(algorithm: str, data: bytes) -> str:
    checksum = Checksum(algorithm)
    checksum.update(data)
    return checksum.base64()


# Bytes and headers


@story
async def test_an_object_comes_back_with_its_headers(world: World) -> None:
    await bucket(world, "photos")
    put = await s3(
        world, "PutObject", Bucket="photos", Key="a", body=b"one", ContentType="text/plain",
        CacheControl="no-cache", ContentEncoding="aws-chunked,gzip", Metadata={"Colour": "red"},
        headers={"expires": "never"},
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(b"one").hexdigest()}"'
    assert put["ChecksumCRC64NVME"] == digest("CRC64NVME", b"one")
    got = await s3(world, "GetObject", Bucket="photos", Key="a")
    assert got["Body"] == b"one"
    assert got["ContentLength"] == 3
    assert got["ContentType"] == "text/plain"
    assert got["ContentEncoding"] == "gzip"
    assert got["Metadata"] == {"colour": "red"}
    assert ("Expires", "never") in got["ResponseHeaders"]
    assert "VersionId" not in got
    head = await s3(world, "HeadObject", Bucket="photos", Key="a")
    assert "Body" not in head
    assert head["ETag"] == put["ETag"]


@story
async def test_an_object_without_a_type_is_binary(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one")
    assert (await s3(world, "HeadObject", Bucket="photos", Key="a"))["ContentType"] == "binary/octet-stream"


@story
async def test_a_large_object_that_is_not_encrypted_is_a_slice_of_a_file(world: World) -> None:
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="big", body=BIG)
    got = await s3(world, "GetObject", Bucket="photos", Key="big", Range="bytes=100000-100009")
    assert isinstance(got["Body"], FileSlice)
    assert (got["Body"].offset, got["Body"].length) == (100000, 10)
    assert got["ContentRange"] == f"bytes 100000-100009/{len(BIG)}"
    assert got["ResponseStatus"] == 206
    assert await content(world, "photos", "big") == BIG


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=1-2", b"bc"), ("bytes=3-", b"de"), ("bytes=-2", b"de"), ("bytes=0-99", b"abcde"),
     ("bytes=-99", b"abcde"), ("bytes=2-1", b"abcde"), ("bytes=0-0,2-3", b"abcde"), ("lines=1-2", b"abcde")],
)  # fmt: skip
def test_a_range_selects_bytes_and_a_strange_one_is_ignored(tmp_path: Any, header: str, expected: bytes) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        await s3(world, "PutObject", Bucket="photos", Key="a", body=b"abcde")
        assert await content(world, "photos", "a", Range=header) == expected

    told(tmp_path)


@story
async def test_a_range_outside_the_object_is_invalid(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"abcde")
    for header in ("bytes=5-", "bytes=-0"):
        error = await refusal(world, "GetObject", Bucket="photos", Key="a", Range=header)
        assert (error.code, error.status) == ("InvalidRange", 416)
        assert error.extra == {"RangeRequested": header, "ActualObjectSize": "5"}


@story
async def test_unicode_metadata_comes_back_as_an_encoded_word(world: World) -> None:
    await bucket(world, "photos")
    sent = "H\u00e9llo".encode().decode("latin-1")
    await s3(world, "PutObject", Bucket="photos", Key="a", Metadata={"m": sent})
    shown = (await s3(world, "HeadObject", Bucket="photos", Key="a"))["Metadata"]["m"]
    assert base64.b64decode(shown.removeprefix("=?UTF-8?B?").removesuffix("?=")).decode() == "H\u00e9llo"


@story
async def test_what_an_upload_may_not_say(world: World) -> None:
    await bucket(world, "photos")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"Metadata": {"m": "x" * 2048}}, "MetadataTooLarge"),
        ({"StorageClass": "CHEAP"}, "InvalidStorageClass"),
        ({"Tagging": "&".join(f"k{n}=v" for n in range(11))}, "InvalidTag"),
        ({"Tagging": "a=1&a=2"}, "InvalidTag"),
        ({"Tagging": f"{'k' * 129}=1"}, "InvalidTag"),
        ({"Tagging": f"k={'v' * 257}"}, "InvalidTag"),
        ({"Tagging": "aws:x=1"}, "InvalidTag"),
        ({"ServerSideEncryption": "aes256"}, "InvalidArgument"),
        ({"ServerSideEncryption": "aws:kms:dsse"}, "NotImplemented"),
        ({"SSECustomerAlgorithm": "AES256"}, "InvalidArgument"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"WriteOffsetBytes": 3}, "NotImplemented"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
        ({"WebsiteRedirectLocation": "elsewhere"}, "InvalidRedirectLocation"),
    ]
    for members, code in cases:
        error = await refusal(world, "PutObject", Bucket="photos", Key="a", **members)
        assert error.code == code, members
    assert (await refusal(world, "PutObject", Bucket="photos", Key="k" * 1025)).code == "KeyTooLongError"
    assert await rows(world, "SELECT 1 FROM object_versions") == []


# Checksums


@pytest.mark.parametrize(
    "algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "XXHASH64", "XXHASH128"]
)
@pytest.mark.parametrize("data", [b"small", BIG], ids=["inline", "file"])
def test_a_checksum_is_verified_from_header_and_trailer(tmp_path: Any, algorithm: str, data: bytes) -> None:
    header = "x-amz-checksum-" + algorithm.lower()

    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        right, wrong = digest(algorithm, data), digest(algorithm, b"other")
        put = await s3(world, "PutObject", Bucket="photos", Key="h", body=data, headers={header: right})
        assert put["Checksum" + algorithm] == right
        await s3(
            world, "PutObject", Bucket="photos", Key="t", headers={"x-amz-trailer": header},
            body=TrailingBody(data, {header: right}),
        )  # fmt: skip
        got = await s3(world, "HeadObject", Bucket="photos", Key="t", ChecksumMode="ENABLED")
        assert (got["Checksum" + algorithm], got["ChecksumType"]) == (right, "FULL_OBJECT")
        error = await refusal(world, "PutObject", Bucket="photos", Key="x", body=data, headers={header: wrong})
        assert error.code == "BadDigest"
        error = await refusal(
            world, "PutObject", Bucket="photos", Key="x", headers={"x-amz-trailer": header},
            body=TrailingBody(data, {header: wrong}),
        )  # fmt: skip
        assert error.code == "BadDigest"
        assert await rows(world, "SELECT 1 FROM object_versions WHERE key = ?", b"x") == []

    told(tmp_path)


@story
async def test_content_md5_is_verified(world: World) -> None:
    await bucket(world, "photos")
    good = base64.b64encode(hashlib.md5(b"one").digest()).decode()
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one", headers={"content-md5": good})
    for value, code in ((base64.b64encode(bytes(16)).decode(), "BadDigest"), ("YQ==", "InvalidDigest")):
        error = await refusal(world, "PutObject", Bucket="photos", Key="b", body=b"one", headers={"content-md5": value})
        assert error.code == code


@story
async def test_a_body_must_have_the_length_it_announces(world: World) -> None:
    await bucket(world, "photos")
    for announced, code, status in (
        (None, "MissingContentLength", 411), (9, "IncompleteBody", 400), (10**6, "IncompleteBody", 400),
        (5 * 1024**3 + 1, "EntityTooLarge", 400),
    ):  # fmt: skip
        body = TrailingBody(b"one", {})
        body.length = announced
        error = await refusal(world, "PutObject", Bucket="photos", Key="a", body=body)
        assert (error.code, error.status) == (code, status)
    assert await rows(world, "SELECT 1 FROM object_versions") == []


# Overwriting and contents


@story
async def test_an_overwritten_content_is_left_to_the_sweeper(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=BIG)
    [(first,)] = await rows(world, "SELECT content FROM object_versions")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"small")
    assert await rows(world, "SELECT content FROM unnamed_contents") == [(first,)]


@story
async def test_a_content_that_a_copy_shares_is_kept(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=BIG)
    await s3(world, "CopyObject", Bucket="photos", Key="b", CopySource="photos/a")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    assert await rows(world, "SELECT content FROM unnamed_contents") == []
    assert await content(world, "photos", "b") == BIG
    await s3(world, "DeleteObject", Bucket="photos", Key="b")
    assert len(await rows(world, "SELECT content FROM unnamed_contents")) == 1


# Overrides, attributes and tags


@story
async def test_tags_are_replaced_and_removed(world: World) -> None:
    await bucket(world, "photos")
    key = {"Bucket": "photos", "Key": "a"}
    await s3(world, "PutObject", **key, Tagging="one=1")
    await s3(world, "PutObjectTagging", **key, Tagging={"TagSet": [{"Key": "two", "Value": "2"}]})
    assert (await s3(world, "GetObjectTagging", **key))["TagSet"] == [{"Key": "two", "Value": "2"}]
    await s3(world, "DeleteObjectTagging", **key)
    assert (await s3(world, "GetObjectTagging", **key))["TagSet"] == []


@story
async def test_overrides_of_headers_are_for_signed_requests(world: World) -> None:
    await bucket(world, "old", ownership="ObjectWriter")
    await s3(world, "PutObject", Bucket="old", Key="a", ACL="public-read")
    got = await s3(world, "GetObject", Bucket="old", Key="a", ResponseContentType="text/html")
    assert got["ContentType"] == "text/html"
    error = await refusal(world, "GetObject", who=None, Bucket="old", Key="a", ResponseContentType="text/html")
    assert error.code == "InvalidRequest"


@story
async def test_an_override_is_something_that_a_header_can_say(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a")
    got = await s3(world, "GetObject", Bucket="photos", Key="a", ResponseContentDisposition='filename="é"')
    assert got["ContentDisposition"] == 'filename="é"'
    for value in ('filename="日本"', "a\r\nX-Other: b", "a\nb", "a\0b"):
        error = await refusal(world, "HeadObject", Bucket="photos", Key="a", ResponseContentDisposition=value)
        assert (error.code, error.status) == ("InvalidArgument", 400)
        assert error.extra["ArgumentName"] == "response-content-disposition"


@story
async def test_attributes_are_given_as_asked(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one")
    key = {"Bucket": "photos", "Key": "a"}
    answer = await s3(world, "GetObjectAttributes", **key, ObjectAttributes=["ETag,ObjectSize", "Checksum"])
    assert answer["ETag"] == hashlib.md5(b"one").hexdigest()
    assert answer["ObjectSize"] == 3
    assert answer["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "StorageClass" not in answer
    error = await refusal(world, "GetObjectAttributes", **key)
    assert error.code == "InvalidArgument"
    error = await refusal(world, "GetObjectAttributes", **key, ObjectAttributes=["Colour"])
    assert error.code == "InvalidArgument"


@story
async def test_tags_of_a_header_are_kept_by_name(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", Tagging="foo=bar&bar")
    tags = (await s3(world, "GetObjectTagging", Bucket="photos", Key="a"))["TagSet"]
    assert tags == [{"Key": "bar", "Value": ""}, {"Key": "foo", "Value": "bar"}]


@story
async def test_aws_chunked_is_no_encoding_of_the_object(world: World) -> None:
    await bucket(world, "photos")
    for sent, kept in (("deflate, gzip", "deflate, gzip"), ("aws-chunked, gzip", "gzip"), ("aws-chunked", None)):
        await s3(world, "PutObject", Bucket="photos", Key="a", ContentEncoding=sent)
        assert (await s3(world, "HeadObject", Bucket="photos", Key="a")).get("ContentEncoding") == kept
