"""What lifecycle rules take away, move and announce, with a clock that is moved; and what stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lifecycle_builders import DAY, EXPIRE, configure, keys, later, put, versions
from object_builders import bucket, refusal, rows, s3, versioning

from builders import START, World, story
from isthmus.s3.lifecycle import run_lifecycle


@story
async def test_an_object_is_gone_after_its_midnight_and_others_stay(world: World) -> None:
    await bucket(world, "logs")
    for key in ("old/a", "new/b"):
        await put(world, "logs", key)
    await configure(world, "logs", {**EXPIRE, "Filter": {"Prefix": "old/"}})
    await later(world, 1)
    assert await keys(world, "logs") == ["new/b", "old/a"]
    await later(world, 2)
    assert await keys(world, "logs") == ["new/b"]


@story
async def test_what_is_written_anew_begins_its_days_anew(world: World) -> None:
    await bucket(world, "logs")
    await put(world, "logs", "a")
    await configure(world, "logs", EXPIRE)
    world.now += DAY
    await put(world, "logs", "a")
    await later(world, 2)
    assert await keys(world, "logs") == ["a"]
    await later(world, 3)
    assert await keys(world, "logs") == []


@story
async def test_the_bytes_of_expired_objects_are_left_to_the_sweeper(world: World) -> None:
    await bucket(world, "logs")
    await put(world, "logs", "large", b"x" * 100_000)
    await s3(world, "CopyObject", Bucket="logs", Key="kept", CopySource="logs/large")
    await configure(world, "logs", {**EXPIRE, "Filter": {"Prefix": "large"}})
    await later(world, 2)
    assert await rows(world, "SELECT content FROM unnamed_contents") == []
    await configure(world, "logs", EXPIRE)
    await later(world, 2)
    assert len(await rows(world, "SELECT content FROM unnamed_contents")) == 1


@story
async def test_a_versioned_bucket_gets_a_delete_marker_and_keeps_the_version(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    version = await put(world, "photos", "a")
    await configure(world, "photos", EXPIRE)
    await later(world, 2)
    assert await versions(world, "photos") == ["a:marker", f"a:{version}"]
    assert (await refusal(world, "GetObject", Bucket="photos", Key="a")).code == "NoSuchKey"
    await s3(world, "GetObject", Bucket="photos", Key="a", VersionId=version)
    await later(world, 9)
    assert await versions(world, "photos") == ["a:marker", f"a:{version}"]


@story
async def test_where_versioning_is_suspended_the_marker_replaces_the_null_version(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    version = await put(world, "photos", "a")
    await versioning(world, "photos", "Suspended")
    await put(world, "photos", "a")
    await configure(world, "photos", EXPIRE)
    await later(world, 2)
    assert await versions(world, "photos") == ["a:marker", f"a:{version}"]
    markers = await rows(world, "SELECT version_id FROM object_versions WHERE is_delete_marker = 1")
    assert markers == [("null",)]


@story
async def test_a_delete_marker_goes_when_nothing_is_left_below_it(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    for key in ("alone", "with-a-version"):
        version = await put(world, "photos", key)
        await s3(world, "DeleteObject", Bucket="photos", Key=key)
    alone = (await rows(world, "SELECT version_id FROM object_versions WHERE key = ? AND sequence = 1", b"alone"))[0][0]
    await s3(world, "DeleteObject", Bucket="photos", Key="alone", VersionId=alone)
    await configure(world, "photos", {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    await run_lifecycle(world.system)
    assert await versions(world, "photos") == ["with-a-version:marker", f"with-a-version:{version}"]


@story
async def test_a_rule_with_days_takes_lonely_delete_markers_of_that_age(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await configure(world, "photos", {"Expiration": {"Days": 5}})
    await later(world, 5)
    assert await versions(world, "photos") == ["a:marker"]
    await later(world, 6)
    assert await versions(world, "photos") == []


# Noncurrent versions


@story
async def test_noncurrent_versions_go_but_for_the_newest_few(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    written = [await put(world, "photos", "a") for _ in range(6)]
    await configure(
        world, "photos", {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}}
    )
    await later(world, 3)
    assert len(await versions(world, "photos")) == 6
    await later(world, 4)
    assert await versions(world, "photos") == [f"a:{version}" for version in reversed(written[3:])]


@story
async def test_a_version_is_noncurrent_since_its_successor_was_completed_not_begun(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    old = await put(world, "photos", "a")
    upload = (await s3(world, "CreateMultipartUpload", Bucket="photos", Key="a"))["UploadId"]
    part = await s3(world, "UploadPart", Bucket="photos", Key="a", UploadId=upload, PartNumber=1, body=b"new")
    await configure(world, "photos", {"NoncurrentVersionExpiration": {"NoncurrentDays": 2}})
    world.now += 10 * DAY
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    await s3(world, "CompleteMultipartUpload", Bucket="photos", Key="a", UploadId=upload, MultipartUpload=parts)
    await later(world, 12)
    assert f"a:{old}" in await versions(world, "photos")
    await later(world, 13)
    assert f"a:{old}" not in await versions(world, "photos")
    assert len(await versions(world, "photos")) == 1


@story
async def test_a_version_that_became_current_again_is_not_noncurrent(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    first = await put(world, "photos", "a")
    second = await put(world, "photos", "a")
    await s3(world, "DeleteObject", Bucket="photos", Key="a", VersionId=second)
    await configure(world, "photos", {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    world.now += 5 * DAY
    third = await put(world, "photos", "a")
    await later(world, 6)
    assert await versions(world, "photos") == [f"a:{third}", f"a:{first}"]
    await later(world, 7)
    assert await versions(world, "photos") == [f"a:{third}"]


@story
async def test_locked_versions_stay_until_their_lock_has_ended(world: World) -> None:
    await bucket(world, "records", versioning="Enabled", object_lock=1)
    until = datetime.fromtimestamp(START + 10 * DAY, UTC)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    retained = await put(world, "records", "retained", **lock)
    held = await put(world, "records", "held", ObjectLockLegalHoldStatus="ON")
    free = await put(world, "records", "free")
    for key in ("retained", "held", "free"):
        await put(world, "records", key)
    await configure(world, "records", {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    await later(world, 3)
    there = await versions(world, "records")
    assert f"free:{free}" not in there
    assert {f"retained:{retained}", f"held:{held}"} <= set(there)
    await later(world, 12)
    there = await versions(world, "records")
    assert f"retained:{retained}" not in there
    assert f"held:{held}" in there


@story
async def test_a_delete_marker_protects_a_locked_current_version_as_on_aws(world: World) -> None:
    await bucket(world, "records", versioning="Enabled", object_lock=1)
    version = await put(world, "records", "a", ObjectLockLegalHoldStatus="ON")
    await configure(world, "records", EXPIRE)
    await later(world, 2)
    assert await versions(world, "records") == ["a:marker", f"a:{version}"]


# Storage classes


@story
async def test_transitions_are_recorded_one_after_the_other(world: World) -> None:
    await bucket(world, "archive")
    await put(world, "archive", "a", b"x" * 200_000)
    await configure(
        world,
        "archive",
        {"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]},
    )
    seen = []
    for days in (30, 31, 90, 91):
        await later(world, days)
        seen.append((await s3(world, "HeadObject", Bucket="archive", Key="a")).get("StorageClass", "STANDARD"))
    assert seen == ["STANDARD", "STANDARD_IA", "STANDARD_IA", "GLACIER"]


@story
async def test_noncurrent_versions_are_moved_and_the_current_one_is_not(world: World) -> None:
    await bucket(world, "archive", versioning="Enabled")
    body = b"x" * 200_000
    old, new = await put(world, "archive", "a", body), await put(world, "archive", "a", body)
    await configure(
        world, "archive", {"NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "STANDARD_IA"}]}
    )
    await later(world, 31)
    head = await s3(world, "HeadObject", Bucket="archive", Key="a", VersionId=old)
    assert head["StorageClass"] == "STANDARD_IA"
    assert "StorageClass" not in await s3(world, "HeadObject", Bucket="archive", Key="a", VersionId=new)


@story
async def test_a_version_due_for_both_is_moved_before_its_delete_marker_hides_it(world: World) -> None:
    await bucket(world, "archive", versioning="Enabled")
    version = await put(world, "archive", "a", b"x" * 200_000)
    await configure(world, "archive", EXPIRE, {"Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}]})
    await later(world, 9)
    head = await s3(world, "HeadObject", Bucket="archive", Key="a", VersionId=version)
    assert head["StorageClass"] == "GLACIER_IR"
    assert await versions(world, "archive") == ["a:marker", f"a:{version}"]


# Uploads


@story
async def test_uploads_are_aborted_with_their_parts(world: World) -> None:
    await bucket(world, "big")
    ids = {}
    for key in ("tmp/a", "tmp/b", "kept"):
        ids[key] = (await s3(world, "CreateMultipartUpload", Bucket="big", Key=key))["UploadId"]
        await s3(world, "UploadPart", Bucket="big", Key=key, UploadId=ids[key], PartNumber=1, body=b"x" * 100_000)
    await configure(
        world, "big", {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}, "Filter": {"Prefix": "tmp/"}}
    )
    await later(world, 2)
    assert len(await rows(world, "SELECT id FROM uploads")) == 3
    await later(world, 3)
    assert await rows(world, "SELECT id FROM uploads") == [(ids["kept"],)]
    assert len(await rows(world, "SELECT number FROM upload_parts")) == 1
    assert len(await rows(world, "SELECT content FROM unnamed_contents")) == 2
    more: dict[str, Any] = {"UploadId": ids["tmp/a"], "PartNumber": 2}
    assert (await refusal(world, "UploadPart", Bucket="big", Key="tmp/a", **more)).code == "NoSuchUpload"


# What clients are told


@story
async def test_expiration_is_announced_wherever_the_object_is(world: World) -> None:
    await bucket(world, "logs")
    await configure(world, "logs", {**EXPIRE, "ID": "after a day", "Filter": {"Prefix": "old/"}})
    announced = 'expiry-date="Sun, 17 Jan 2027 00:00:00 GMT", rule-id="after%20a%20day"'
    assert (await s3(world, "PutObject", Bucket="logs", Key="old/a"))["Expiration"] == announced
    for operation in ("GetObject", "HeadObject"):
        assert (await s3(world, operation, Bucket="logs", Key="old/a"))["Expiration"] == announced
    copy = await s3(world, "CopyObject", Bucket="logs", Key="old/b", CopySource="logs/old/a")
    assert copy["Expiration"] == announced
    assert "Expiration" not in await s3(world, "PutObject", Bucket="logs", Key="new")
    assert (await s3(world, "HeadObject", Bucket="logs", Key="new"))["Expiration"] is None


@story
async def test_the_end_of_an_upload_is_announced(world: World) -> None:
    await bucket(world, "big")
    await configure(
        world,
        "big",
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Filter": {"Prefix": "tmp/"}},
        EXPIRE,
    )
    created = await s3(world, "CreateMultipartUpload", Bucket="big", Key="tmp/a")
    expected = {"AbortDate": datetime(2027, 1, 17, tzinfo=UTC), "AbortRuleId": "r0"}
    assert {name: created[name] for name in expected} == expected
    listed = await s3(world, "ListParts", Bucket="big", Key="tmp/a", UploadId=created["UploadId"])
    assert {name: listed[name] for name in expected} == expected
    assert "AbortDate" not in await s3(world, "CreateMultipartUpload", Bucket="big", Key="a")
    part = await s3(world, "UploadPart", Bucket="big", Key="tmp/a", UploadId=created["UploadId"], PartNumber=1)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = await s3(
        world, "CompleteMultipartUpload", Bucket="big", Key="tmp/a", UploadId=created["UploadId"],
        MultipartUpload=parts,
    )  # fmt: skip
    assert 'rule-id="r1"' in done["Expiration"]
