"""What a lifecycle configuration must satisfy: AWS's errors, each beside what is accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from object_builders import bucket, refusal, s3

from builders import World, story

EXPIRE: dict[str, Any] = {"Expiration": {"Days": 365}}
ABORT: dict[str, Any] = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
MARKER: dict[str, Any] = {"Expiration": {"ExpiredObjectDeleteMarker": True}}
TAG = {"Key": "k", "Value": "v"}
DATE = datetime(2030, 1, 1, tzinfo=UTC)


def rule(**more: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": {}, **more}


def moves(*steps: tuple[Any, str], name: str = "Days") -> dict[str, Any]:
    return {"Transitions": [{name: when, "StorageClass": target} for when, target in steps]}


def noncurrent(*steps: tuple[int, str], **expiration: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "NoncurrentVersionTransitions": [{"NoncurrentDays": days, "StorageClass": name} for days, name in steps]
    }
    return {**wanted, "NoncurrentVersionExpiration": expiration} if expiration else wanted


ACCEPTED = (
    [rule(**EXPIRE)],
    [rule(**EXPIRE, **ABORT)],
    [rule(**MARKER)],
    [rule(**EXPIRE, Filter={"Prefix": "a"}), rule(ID="s", **EXPIRE, Filter={"Prefix": "ab"})],
    [{"ID": "r", "Status": "Disabled", "Prefix": "", **EXPIRE}],
    [rule(**EXPIRE, Filter={"And": {"Prefix": "a", "Tags": [TAG]}})],
    [rule(**EXPIRE, Filter={"And": {"ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9}})],
    [rule(**moves((0, "GLACIER")))],
    [rule(**moves((30, "STANDARD_IA"), (60, "GLACIER"), (61, "DEEP_ARCHIVE")), **EXPIRE)],
    [rule(**moves((DATE, "STANDARD_IA"), name="Date"))],
    [rule(**noncurrent((30, "STANDARD_IA"), (60, "GLACIER"), NoncurrentDays=90, NewerNoncurrentVersions=5))],
)


@pytest.mark.parametrize("rules", ACCEPTED)
def test_it_is_stored_and_returned_as_given(rules: list[dict[str, Any]], tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "logs")
        stored = await s3(
            world, "PutBucketLifecycleConfiguration", Bucket="logs", LifecycleConfiguration={"Rules": rules}
        )
        assert stored == {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}
        shown = await s3(world, "GetBucketLifecycleConfiguration", Bucket="logs")
        assert shown == {"Rules": rules, **stored}

    run(tmp_path)


REFUSED: tuple[tuple[list[dict[str, Any]], str, str], ...] = (
    ([], "MalformedXML", ""),
    ([rule()], "InvalidRequest", "At least one action needs to be specified in a rule"),
    (
        [rule(**EXPIRE), rule(**EXPIRE)],
        "InvalidArgument",
        "Rule ID must be unique. Found same ID for more than one rule: r",
    ),
    ([rule(**EXPIRE, ID="x" * 256)], "InvalidArgument", "ID length should not exceed allowed limit of 255"),
    (
        [rule(**EXPIRE, Prefix="a")],
        "InvalidRequest",
        "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
    ),
    ([{"ID": "r", "Status": "Enabled", **EXPIRE}], "MalformedXML", ""),
    ([rule(**EXPIRE, Filter={"Prefix": "a", "Tag": TAG})], "MalformedXML", ""),
    ([rule(**EXPIRE, Filter={"And": {"Tags": [TAG]}})], "MalformedXML", ""),
    ([rule(**EXPIRE, Filter={"And": {"Tags": [TAG, TAG]}})], "InvalidRequest", "Duplicate Tag Keys are not allowed."),
    ([rule(**EXPIRE, Filter={"Prefix": "x" * 1025})], "InvalidRequest", "The maximum size of a prefix is 1024."),
    ([rule(**EXPIRE, Filter={"And": {"ObjectSizeGreaterThan": 9, "ObjectSizeLessThan": 9}})], "InvalidRequest", ""),
    (
        [rule(**ABORT, Filter={"Tag": TAG})],
        "InvalidRequest",
        "AbortIncompleteMultipartUpload cannot be specified with Tags.",
    ),
    (
        [rule(**MARKER, Filter={"Tag": TAG})],
        "InvalidRequest",
        "ExpiredObjectDeleteMarker cannot be specified with Tags.",
    ),
    ([rule(Expiration={"Days": 0})], "InvalidArgument", "'Days' for Expiration action must be a positive integer"),
    ([rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})], "MalformedXML", ""),
    ([rule(Expiration={"Date": DATE.replace(hour=5)})], "InvalidArgument", "'Date' must be at midnight GMT"),
    (
        [rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0})],
        "InvalidArgument",
        "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
    ),
    (
        [rule(**moves((29, "STANDARD_IA")))],
        "InvalidArgument",
        "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
    ),
    ([rule(**moves((-1, "GLACIER")))], "InvalidArgument", "'Days' in Transition action must be nonnegative"),
    (
        [rule(**moves((30, "STANDARD_IA"), (59, "GLACIER")))],
        "InvalidArgument",
        "'Days' in the 'GLACIER' Transition action for filter '(prefix=)' must be 30 "
        "days more than 'Days' in the 'STANDARD_IA' Transition action",
    ),
    (
        [rule(**moves((30, "GLACIER"), (30, "DEEP_ARCHIVE")))],
        "InvalidArgument",
        "'Days' in the 'DEEP_ARCHIVE' Transition action for filter '(prefix=)' must be "
        "greater than 'Days' in the 'GLACIER' Transition action",
    ),
    (
        [rule(**moves((30, "GLACIER"), (60, "GLACIER")))],
        "InvalidRequest",
        "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=)'",
    ),
    (
        [rule(**moves((365, "GLACIER")), **EXPIRE, Filter={"Prefix": "a"})],
        "InvalidArgument",
        "'Days' in the Expiration action for filter '(prefix=a)' must be greater than 'Days' in the Transition action",
    ),
    (
        [rule(**moves((DATE, "GLACIER"), name="Date"), **EXPIRE)],
        "InvalidRequest",
        "Found mixed 'Date' and 'Days' based Expiration and Transition actions in "
        "lifecycle rule for filter '(prefix=)'",
    ),
    (
        [rule(**noncurrent((29, "ONEZONE_IA")))],
        "InvalidArgument",
        "'NoncurrentDays' in Transition action must be greater than or equal to 30 for storageClass 'ONEZONE_IA'",
    ),
    (
        [rule(**noncurrent((90, "GLACIER"), NoncurrentDays=90))],
        "InvalidArgument",
        "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter "
        "'(prefix=)' must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action",
    ),
    (
        [rule(**noncurrent(NoncurrentDays=0))],
        "InvalidArgument",
        "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
    ),
    ([rule(**noncurrent(NoncurrentDays=1, NewerNoncurrentVersions=101))], "InvalidArgument", ""),
    (
        [{**rule(**noncurrent(NoncurrentDays=1, NewerNoncurrentVersions=1)), "Filter": None, "Prefix": ""}],
        "InvalidRequest",
        "",
    ),
)


@pytest.mark.parametrize(("rules", "code", "message"), REFUSED)
def test_it_is_refused_as_s3_refuses_it(rules: list[dict[str, Any]], code: str, message: str, tmp_path: Any) -> None:
    given = [{name: value for name, value in one.items() if value is not None} for one in rules]

    @story
    async def run(world: World) -> None:
        await bucket(world, "logs")
        error = await refusal(
            world, "PutBucketLifecycleConfiguration", Bucket="logs", LifecycleConfiguration={"Rules": given}
        )
        assert error.code == code
        assert message in error.message
        error = await refusal(world, "GetBucketLifecycleConfiguration", Bucket="logs")
        assert error.code == "NoSuchLifecycleConfiguration"

    run(tmp_path)


@story
async def test_the_minimum_size_is_a_choice_of_two(world: World) -> None:
    await bucket(world, "logs")
    given: dict[str, Any] = {"Bucket": "logs", "LifecycleConfiguration": {"Rules": [rule(**EXPIRE)]}}
    chosen = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    assert await s3(world, "PutBucketLifecycleConfiguration", **given, **chosen) == chosen
    assert (await s3(world, "GetBucketLifecycleConfiguration", Bucket="logs")).items() >= chosen.items()
    wrong = {"TransitionDefaultMinimumObjectSize": "none"}
    assert (await refusal(world, "PutBucketLifecycleConfiguration", **given, **wrong)).code == "InvalidArgument"


@story
async def test_a_server_with_short_days_does_not_count_the_minimum_days(world: World) -> None:
    await bucket(world, "logs")
    given = {"Rules": [rule(**moves((1, "STANDARD_IA"), (2, "GLACIER")))]}
    call: dict[str, Any] = {"Bucket": "logs", "LifecycleConfiguration": given}
    assert (await refusal(world, "PutBucketLifecycleConfiguration", **call)).code == "InvalidArgument"
    await world.sql("INSERT INTO settings (name, value) VALUES ('lifecycle_day_seconds', '10')")
    await s3(world, "PutBucketLifecycleConfiguration", **call)


@story
async def test_a_bucket_with_mfa_delete_has_no_lifecycle(world: World) -> None:
    await bucket(world, "safe", versioning="Enabled", mfa_delete="Enabled")
    given = {"Rules": [rule(**EXPIRE)]}
    error = await refusal(world, "PutBucketLifecycleConfiguration", Bucket="safe", LifecycleConfiguration=given)
    assert (error.code, error.status) == ("InvalidBucketState", 409)
