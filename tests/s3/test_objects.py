"""Objects: put, get, conditions, checksums, metadata, versions, deletion."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from object_builders import TrailingBody, bucket, content, refusal, rows, s3, versioning

from builders import ANALYTICS, PRODUCTION, World, allow, policy, statement, story
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
async def test_a_large_object_is_a_slice_of_a_file(world: World) -> None:
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
        ({"Tagging": "&".join(f"k{n}=v" for n in range(11))}, "BadRequest"),
        ({"Tagging": "a=1&a=2"}, "InvalidTag"),
        ({"Tagging": f"{'k' * 129}=1"}, "InvalidTag"),
        ({"Tagging": f"k={'v' * 257}"}, "InvalidTag"),
        ({"Tagging": "aws:x=1"}, "InvalidTag"),
        ({"ServerSideEncryption": "AES256"}, "NotImplemented"),
        ({"SSECustomerAlgorithm": "AES256"}, "NotImplemented"),
        ({"IfNoneMatch": '"etag"'}, "NotImplemented"),
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


# Conditions


@story
async def test_conditional_reads_follow_the_entity_tag_before_the_date(world: World) -> None:
    await bucket(world, "photos")
    etag = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one"))["ETag"]
    written = datetime.fromtimestamp(world.now, UTC)
    before, at = written - timedelta(seconds=9), written
    cases: list[tuple[dict[str, Any], int]] = [
        ({"IfMatch": etag}, 200),
        ({"IfMatch": '"other"'}, 412),
        ({"IfMatch": etag, "IfUnmodifiedSince": before}, 200),
        ({"IfUnmodifiedSince": before}, 412),
        ({"IfUnmodifiedSince": at}, 200),
        ({"IfNoneMatch": etag}, 304),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfNoneMatch": '"other"', "IfModifiedSince": at}, 200),
        ({"IfNoneMatch": etag, "IfModifiedSince": before}, 304),
        ({"IfModifiedSince": at}, 304),
        ({"IfModifiedSince": before}, 200),
    ]
    for members, status in cases:
        if status == 412:
            error = await refusal(world, "GetObject", Bucket="photos", Key="a", **members)
            assert (error.code, error.status) == ("PreconditionFailed", 412)
        else:
            got = await s3(world, "GetObject", Bucket="photos", Key="a", **members)
            assert got.get("ResponseStatus", 200) == status, members


@story
async def test_conditional_writes_compare_with_the_current_object(world: World) -> None:
    await bucket(world, "photos")
    put = {"Bucket": "photos", "Key": "a"}
    assert (await refusal(world, "PutObject", **put, IfMatch='"x"')).code == "NoSuchKey"
    etag = (await s3(world, "PutObject", **put, body=b"one", IfNoneMatch="*"))["ETag"]
    error = await refusal(world, "PutObject", **put, body=b"two", IfNoneMatch="*")
    assert (error.code, error.extra["Condition"]) == ("PreconditionFailed", "If-None-Match")
    error = await refusal(world, "PutObject", **put, body=b"two", IfMatch='"x"')
    assert (error.code, error.extra["Condition"]) == ("PreconditionFailed", "If-Match")
    assert await content(world, "photos", "a") == b"one"
    await s3(world, "PutObject", **put, body=b"two", IfMatch=etag)
    assert await content(world, "photos", "a") == b"two"


@story
async def test_of_two_writers_that_want_to_be_first_one_wins(world: World) -> None:
    await bucket(world, "photos")
    outcomes = await asyncio.gather(
        *(s3(world, "PutObject", Bucket="photos", Key="a", body=b"%d" % n * 50_000, IfNoneMatch="*") for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    [(content_id,)] = await rows(world, "SELECT content FROM object_versions")
    # What the others had written is gone.
    assert [batch async for batch in world.store.contents.found(0)] == [[content_id]]


@pytest.mark.parametrize("status", ["", "Enabled", "Suspended"])
def test_many_writers_of_one_key_leave_exactly_one_current_version(tmp_path: Any, status: str) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos", versioning=status)
        await asyncio.gather(*(s3(world, "PutObject", Bucket="photos", Key="a", body=b"%d" % n) for n in range(50)))
        found = await rows(world, "SELECT sequence, is_current, version_id FROM object_versions")
        assert len(found) == (50 if status == "Enabled" else 1)
        assert len({row[0] for row in found}) == len({row[2] for row in found}) == len(found)
        assert [row for row in found if row[1]] == [max(found)]

    told(tmp_path)


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


# Versions


@story
async def test_versions_are_kept_and_a_delete_marker_hides_them(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    key = {"Bucket": "photos", "Key": "a"}
    one = (await s3(world, "PutObject", **key, body=b"one"))["VersionId"]
    two = (await s3(world, "PutObject", **key, body=b"two"))["VersionId"]
    assert len(one) == 32
    assert one != two
    assert await content(world, "photos", "a", VersionId=one) == b"one"
    gone = await s3(world, "DeleteObject", **key)
    assert gone["DeleteMarker"] is True
    error = await refusal(world, "GetObject", **key)
    assert (error.code, error.headers["x-amz-delete-marker"]) == ("NoSuchKey", "true")
    error = await refusal(world, "GetObject", **key, VersionId=gone["VersionId"])
    assert (error.code, error.status, error.headers["Allow"]) == ("MethodNotAllowed", 405, "DELETE")
    back = await s3(world, "DeleteObject", **key, VersionId=gone["VersionId"])
    assert back["DeleteMarker"] is True
    assert await content(world, "photos", "a") == b"two"
    await s3(world, "DeleteObject", **key, VersionId=two)
    assert await content(world, "photos", "a") == b"one"


@story
async def test_the_null_version_is_replaced_while_versioning_is_suspended(world: World) -> None:
    await bucket(world, "photos")
    key = {"Bucket": "photos", "Key": "a"}
    await s3(world, "PutObject", **key, body=b"unversioned")
    await versioning(world, "photos", "Enabled")
    kept = (await s3(world, "PutObject", **key, body=b"kept"))["VersionId"]
    assert await content(world, "photos", "a", VersionId="null") == b"unversioned"
    await versioning(world, "photos", "Suspended")
    await s3(world, "PutObject", **key, body=b"suspended")
    assert await content(world, "photos", "a", VersionId="null") == b"suspended"
    marker = await s3(world, "DeleteObject", **key)
    assert marker["VersionId"] == "null"
    assert {row[0] for row in await rows(world, "SELECT version_id FROM object_versions")} == {"null", kept}
    await s3(world, "DeleteObject", **key, VersionId="null")
    assert await content(world, "photos", "a") == b"kept"


@story
async def test_a_version_that_never_was(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await s3(world, "PutObject", Bucket="photos", Key="a")
    error = await refusal(world, "GetObject", Bucket="photos", Key="a", VersionId="x" * 32)
    assert (error.code, error.status) == ("NoSuchVersion", 404)
    error = await refusal(world, "GetObject", Bucket="photos", Key="a", VersionId="bogus")
    assert error.code == "InvalidArgument"
    gone = await s3(world, "DeleteObject", Bucket="photos", Key="a", VersionId="x" * 32)
    assert gone["ResponseStatus"] == 204


@story
async def test_a_locked_version_cannot_be_deleted(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    key = {"Bucket": "photos", "Key": "a"}
    until = datetime.fromtimestamp(world.now + 60, UTC)
    version = (await s3(world, "PutObject", **key, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until))[
        "VersionId"
    ]
    assert (await refusal(world, "DeleteObject", **key, VersionId=version)).code == "AccessDenied"
    await s3(world, "DeleteObject", **key, VersionId=version, BypassGovernanceRetention=True)
    assert await rows(world, "SELECT 1 FROM object_versions") == []


# Deleting many


@story
async def test_many_deletions_are_answered_one_by_one(world: World) -> None:
    await bucket(world, "photos")
    alice = await world.user(
        PRODUCTION,
        "alice",
        policy(statement("Allow", "s3:*"), statement("Deny", "s3:DeleteObject", "arn:aws:s3:::photos/locked*")),
    )
    for key in ("a", "b", "locked"):
        await s3(world, "PutObject", Bucket="photos", Key=key, body=b"x")
    objects = [{"Key": "a"}, {"Key": "b", "ETag": '"no"'}, {"Key": "locked"}, {"Key": "missing"}]
    answer = await s3(world, "DeleteObjects", who=alice, Bucket="photos", Delete={"Objects": objects})
    assert [entry["Key"] for entry in answer["Deleted"]] == ["a", "missing"]
    assert {entry["Key"]: entry["Code"] for entry in answer["Errors"]} == {
        "b": "PreconditionFailed",
        "locked": "AccessDenied",
    }
    quiet = await s3(world, "DeleteObjects", Bucket="photos", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert quiet == {}
    for count in (0, 1001):
        many = [{"Key": str(n)} for n in range(count)]
        error = await refusal(world, "DeleteObjects", Bucket="photos", Delete={"Objects": many})
        assert error.code == "MalformedXML"


# Who may


@story
async def test_a_missing_key_is_only_told_to_those_who_may_list(world: World) -> None:
    await bucket(world, "photos")
    reader = await world.user(PRODUCTION, "reader", allow("s3:GetObject"))
    lister = await world.user(PRODUCTION, "lister", allow(["s3:GetObject", "s3:ListBucket"]))
    assert (await refusal(world, "GetObject", who=reader, Bucket="photos", Key="no")).status == 403
    error = await refusal(world, "GetObject", who=lister, Bucket="photos", Key="no")
    assert (error.code, error.status, error.extra["Key"]) == ("NoSuchKey", 404, "no")
    assert (await refusal(world, "GetObject", who=ANALYTICS, Bucket="photos", Key="no")).status == 403


@story
async def test_a_version_needs_the_version_action_and_only_that(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    version = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"x"))["VersionId"]
    plain = await world.user(PRODUCTION, "plain", allow("s3:GetObject"))
    historian = await world.user(PRODUCTION, "historian", allow("s3:GetObjectVersion"))
    assert await content(world, "photos", "a", who=plain) == b"x"
    assert await content(world, "photos", "a", who=historian, VersionId=version) == b"x"
    for who, members in ((plain, {"VersionId": version}), (historian, {})):
        error = await refusal(world, "GetObject", who=who, Bucket="photos", Key="a", **members)
        assert error.code == "AccessDenied"


@story
async def test_the_number_of_tags_is_only_told_to_those_who_may_read_them(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", Tagging="team=data&x=")
    blind = await world.user(PRODUCTION, "blind", allow("s3:GetObject"))
    seeing = await world.user(PRODUCTION, "seeing", allow(["s3:GetObject", "s3:GetObjectTagging"]))
    assert "TagCount" not in await s3(world, "HeadObject", who=blind, Bucket="photos", Key="a")
    assert (await s3(world, "HeadObject", who=seeing, Bucket="photos", Key="a"))["TagCount"] == 2
    assert (await refusal(world, "GetObjectTagging", who=blind, Bucket="photos", Key="a")).status == 403


@story
async def test_extra_headers_need_extra_permissions(world: World) -> None:
    await bucket(world, "photos", ownership="ObjectWriter")
    writer = await world.user(PRODUCTION, "writer", allow("s3:PutObject"))
    await s3(world, "PutObject", who=writer, Bucket="photos", Key="a")
    for members in ({"Tagging": "a=b"}, {"ACL": "private"}):
        error = await refusal(world, "PutObject", who=writer, Bucket="photos", Key="a", **members)
        assert error.code == "AccessDenied"


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
async def test_an_acl_shows_its_owner_and_can_be_replaced_where_acls_count(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "old", ownership="ObjectWriter")
    for name in ("photos", "old"):
        await s3(world, "PutObject", Bucket=name, Key="a")
        shown = await s3(world, "GetObjectAcl", Bucket=name, Key="a")
        assert [grant["Permission"] for grant in shown["Grants"]] == ["FULL_CONTROL"]
    await s3(world, "PutObjectAcl", Bucket="old", Key="a", ACL="public-read")
    assert await content(world, "old", "a", who=None) == b""
    error = await refusal(world, "PutObjectAcl", Bucket="photos", Key="a", ACL="public-read")
    assert error.code == "AccessControlListNotSupported"


@story
async def test_overrides_of_headers_are_for_signed_requests(world: World) -> None:
    await bucket(world, "old", ownership="ObjectWriter")
    await s3(world, "PutObject", Bucket="old", Key="a", ACL="public-read")
    got = await s3(world, "GetObject", Bucket="old", Key="a", ResponseContentType="text/html")
    assert got["ContentType"] == "text/html"
    error = await refusal(world, "GetObject", who=None, Bucket="old", Key="a", ResponseContentType="text/html")
    assert error.code == "InvalidRequest"


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
    error = await refusal(world, "GetObjectAttributes", **key, ObjectAttributes=["Colour"])
    assert error.code == "InvalidArgument"
