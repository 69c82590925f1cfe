"""Archived objects cannot be read until they are restored, and again once the copy has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from object_builders import bucket, content, refusal, s3

from builders import ANALYTICS, PRODUCTION, World, allow, story

KEY: dict[str, Any] = {"Bucket": "archive", "Key": "a"}
DAY = 86400.0


def days(count: int, **more: Any) -> dict[str, Any]:
    return {"RestoreRequest": {"Days": count, **more}}


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_read_only_while_a_copy_is_there(storage_class: str, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "archive")
        await s3(world, "PutObject", **KEY, body=b"cold", StorageClass=storage_class)
        error = await refusal(world, "GetObject", **KEY)
        assert (error.code, error.status, error.extra) == ("InvalidObjectState", 403, {"StorageClass": storage_class})
        head = await s3(world, "HeadObject", **KEY)
        assert (head["StorageClass"], head["Restore"], head["ContentLength"]) == (storage_class, None, 4)
        assert (await s3(world, "RestoreObject", **KEY, **days(2)))["ResponseStatus"] == 202
        assert await content(world, "archive", "a") == b"cold"
        announced = 'ongoing-request="false", expiry-date="Mon, 18 Jan 2027 00:00:00 GMT"'
        assert (await s3(world, "HeadObject", **KEY))["Restore"] == announced
        assert (await s3(world, "HeadObject", **KEY))["StorageClass"] == storage_class
        assert (await s3(world, "RestoreObject", **KEY, **days(4)))["ResponseStatus"] == 200
        world.now += 4 * DAY
        assert await content(world, "archive", "a") == b"cold"
        world.now += DAY
        assert (await refusal(world, "GetObject", **KEY)).code == "InvalidObjectState"
        assert (await s3(world, "RestoreObject", **KEY, **days(1)))["ResponseStatus"] == 202

    run(tmp_path)


@pytest.mark.parametrize("storage_class", ["STANDARD", "STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"])
def test_other_classes_are_read_at_once_and_not_restored(storage_class: str, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "archive")
        await s3(world, "PutObject", **KEY, body=b"warm", StorageClass=storage_class)
        assert await content(world, "archive", "a") == b"warm"
        error = await refusal(world, "RestoreObject", **KEY, **days(1))
        assert (error.code, error.status) == ("InvalidObjectState", 403)

    run(tmp_path)


@story
async def test_an_archived_source_is_copied_only_after_it_was_restored(world: World) -> None:
    await bucket(world, "archive")
    await s3(world, "PutObject", **KEY, body=b"cold", StorageClass="GLACIER")
    copy: dict[str, Any] = {"Bucket": "archive", "Key": "b", "CopySource": "archive/a"}
    error = await refusal(world, "CopyObject", **copy)
    assert (error.code, error.status) == ("ObjectNotInActiveTierError", 403)
    upload = (await s3(world, "CreateMultipartUpload", Bucket="archive", Key="c"))["UploadId"]
    part = {**copy, "Key": "c", "UploadId": upload, "PartNumber": 1}
    assert (await refusal(world, "UploadPartCopy", **part)).code == "ObjectNotInActiveTierError"
    await s3(world, "RestoreObject", **KEY, **days(1))
    await s3(world, "CopyObject", **copy)
    await s3(world, "UploadPartCopy", **part)
    assert await content(world, "archive", "b") == b"cold"


@story
async def test_each_version_is_restored_for_itself(world: World) -> None:
    await bucket(world, "archive", versioning="Enabled")
    first, second = [
        (await s3(world, "PutObject", **KEY, body=body, StorageClass="GLACIER"))["VersionId"] for body in (b"1", b"2")
    ]
    await s3(world, "RestoreObject", **KEY, VersionId=first, **days(1))
    assert await content(world, "archive", "a", VersionId=first) == b"1"
    assert (await refusal(world, "GetObject", **KEY, VersionId=second)).code == "InvalidObjectState"
    await s3(world, "DeleteObject", **KEY)
    assert (await refusal(world, "RestoreObject", **KEY, **days(1))).code == "NoSuchKey"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "MalformedXML"),
        ({"RestoreRequest": {}}, "MalformedXML"),
        (days(0), "InvalidArgument"),
        (days(1, GlacierJobParameters={"Tier": "Expedited"}), "InvalidRequest"),
        (days(1, Type="SELECT"), "NotImplemented"),
    ],
)
def test_a_request_that_cannot_be_is_refused(more: dict[str, Any], code: str, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "archive")
        await s3(world, "PutObject", **KEY, StorageClass="DEEP_ARCHIVE")
        assert (await refusal(world, "RestoreObject", **KEY, **more)).code == code
        await s3(world, "RestoreObject", **KEY, **days(1, GlacierJobParameters={"Tier": "Bulk"}))

    run(tmp_path)


@story
async def test_restoring_has_a_permission_of_its_own(world: World) -> None:
    await bucket(world, "archive")
    await s3(world, "PutObject", **KEY, StorageClass="GLACIER")
    reader = await world.user(PRODUCTION, "reader", allow(["s3:GetObject", "s3:PutObject"]))
    restorer = await world.user(PRODUCTION, "restorer", allow("s3:RestoreObject"))
    assert (await refusal(world, "RestoreObject", **KEY, **days(1), who=reader)).code == "AccessDenied"
    assert (await refusal(world, "RestoreObject", **KEY, **days(1), who=ANALYTICS)).code == "AccessDenied"
    assert (await s3(world, "RestoreObject", **KEY, **days(1), who=restorer))["ResponseStatus"] == 202


@story
async def test_listings_tell_of_restored_copies_when_they_are_asked(world: World) -> None:
    await bucket(world, "archive", versioning="Enabled")
    await s3(world, "PutObject", **KEY, StorageClass="GLACIER")
    await s3(world, "PutObject", Bucket="archive", Key="b", StorageClass="GLACIER")
    await s3(world, "RestoreObject", **KEY, **days(1))
    status = {"IsRestoreInProgress": False, "RestoreExpiryDate": datetime(2027, 1, 17, tzinfo=UTC)}
    asked: dict[str, Any] = {"Bucket": "archive", "OptionalObjectAttributes": ["RestoreStatus"]}
    for operation, member in (
        ("ListObjects", "Contents"), ("ListObjectsV2", "Contents"), ("ListObjectVersions", "Versions"),
    ):  # fmt: skip
        listed = (await s3(world, operation, **asked))[member]
        assert [entry.get("RestoreStatus") for entry in listed] == [status, None]
        listed = (await s3(world, operation, Bucket="archive"))[member]
        assert [entry.get("RestoreStatus") for entry in listed] == [None, None]


@story
async def test_a_copy_ends_at_midnight_of_the_servers_days(world: World) -> None:
    await world.sql("INSERT INTO settings (name, value) VALUES ('lifecycle_day_seconds', '10')")
    await bucket(world, "archive")
    await s3(world, "PutObject", **KEY, body=b"cold", StorageClass="GLACIER")
    await s3(world, "RestoreObject", **KEY, **days(1))
    world.now += 19
    assert await content(world, "archive", "a") == b"cold"
    world.now += 1
    assert (await refusal(world, "GetObject", **KEY)).code == "InvalidObjectState"
