"""Versions, delete markers and deletions, one and many."""

from __future__ import annotations

from datetime import UTC, datetime

from object_builders import bucket, content, refusal, rows, s3, versioning

from builders import PRODUCTION, World, policy, statement, story

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


@story
async def test_no_delete_marker_has_a_key_that_no_object_can_have(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    longest, longer = "é" * 512, "é" * 512 + "x"
    error = await refusal(world, "DeleteObject", Bucket="photos", Key=longer)
    assert (error.code, error.status, error.extra["Size"]) == ("KeyTooLongError", 400, "1025")
    several = {"Objects": [{"Key": longer}, {"Key": longest}]}
    answer = await s3(world, "DeleteObjects", Bucket="photos", Delete=several)
    assert [entry["Code"] for entry in answer["Errors"]] == ["KeyTooLongError"]
    assert [entry["Key"] for entry in answer["Deleted"]] == [longest]
    listed = await s3(world, "ListObjectVersions", Bucket="photos")
    assert [marker["Key"] for marker in listed["DeleteMarkers"]] == [longest]
