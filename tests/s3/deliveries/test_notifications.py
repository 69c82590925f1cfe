"""Which operation causes which event, who is told of it, and in what form."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from delivery_builders import (
    BUS,
    FUNCTION,
    QUEUE,
    TOPIC,
    configure,
    deliver,
    lines,
    names,
    open_targets,
    owed,
    queue,
    records,
    target,
    upload_in_parts,
    watched,
)
from object_builders import bucket, refusal, s3, versioning

from builders import ANALYTICS, PRODUCTION, START, World, story
from isthmus.names import canonical_id
from isthmus.s3.deliveries.event_targets import Opened
from isthmus.s3.deliveries.notifications import NOTIFICATIONS
from isthmus.s3.deliveries.replication_rules import KIND as REPLICATION

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@story
async def test_a_record_has_aws_s_form(world: World) -> None:
    file = await watched(world, "photos")
    alice = await world.user(PRODUCTION, "alice", {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})  # fmt: skip
    await s3(world, "PutObject", who=alice, Bucket="photos", Key="a b/ü@1", body=b"four")
    await deliver(world, NOTIFICATIONS)
    (record,) = records(file)
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2027-01-15T08:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{alice.id}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "request-1", "x-amz-id-2": ""},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": record["s3"]["configurationId"],
            "bucket": {
                "name": "photos",
                "ownerIdentity": {"principalId": canonical_id(PRODUCTION)},
                "arn": "arn:aws:s3:::photos",
            },
            "object": {
                "key": "a+b/%C3%BC%401",
                "size": 4,
                "eTag": "8cbad96aced40b3838dd9f07f6ef5772",
                "sequencer": "0000000000000001",
            },
        },
    }


@story
async def test_each_way_of_writing_an_object_has_its_event(world: World) -> None:
    file = await watched(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="put", body=b"1")
    await s3(world, "PostObject", Bucket="photos", Key="post", body=b"1")
    await s3(world, "CopyObject", Bucket="photos", Key="copy", CopySource="photos/put")
    await upload_in_parts(world, "photos", "parts")
    await deliver(world, NOTIFICATIONS)
    assert names(file) == [
        ("ObjectCreated:Put", "put"),
        ("ObjectCreated:Post", "post"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
    ]


@story
async def test_deleting_tells_whether_something_is_gone_or_marked(world: World) -> None:
    file = await watched(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await s3(world, "DeleteObject", Bucket="photos", Key="never there")
    await versioning(world, "photos", "Enabled")
    version = (await s3(world, "PutObject", Bucket="photos", Key="b", body=b"1"))["VersionId"]
    marker = (await s3(world, "DeleteObject", Bucket="photos", Key="b"))["VersionId"]
    await s3(world, "DeleteObject", Bucket="photos", Key="b", VersionId=version)
    await deliver(world, NOTIFICATIONS)
    told = [(one["eventName"], one["s3"]["object"]) for one in records(file)]
    for _, about in told:
        assert about.pop("sequencer")
    assert told[1:] == [
        ("ObjectRemoved:Delete", {"key": "a"}),
        (
            "ObjectCreated:Put",
            {"key": "b", "size": 1, "eTag": "c4ca4238a0b923820dcc509a6f75849b", "versionId": version},
        ),
        ("ObjectRemoved:DeleteMarkerCreated", {"key": "b", "eTag": EMPTY_MD5, "versionId": marker}),
        ("ObjectRemoved:Delete", {"key": "b", "versionId": version}),
    ]


@story
async def test_deleting_many_keys_tells_of_each_that_was_there(world: World) -> None:
    file = await watched(world, "photos", "s3:ObjectRemoved:*")
    for key in ("a", "b"):
        await s3(world, "PutObject", Bucket="photos", Key=key, body=b"1")
    wanted = {"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "c"}]}
    await s3(world, "DeleteObjects", Bucket="photos", Delete=wanted)
    await deliver(world, NOTIFICATIONS)
    assert names(file) == [("ObjectRemoved:Delete", "a"), ("ObjectRemoved:Delete", "b")]


@story
async def test_tags_and_acls_are_told_without_size_and_sequencer(world: World) -> None:
    file = await watched(world, "photos", "s3:ObjectTagging:*", "s3:ObjectAcl:Put", ownership="ObjectWriter")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    await s3(world, "PutObjectTagging", Bucket="photos", Key="a", Tagging=tags)
    await s3(world, "DeleteObjectTagging", Bucket="photos", Key="a")
    await s3(world, "PutObjectAcl", Bucket="photos", Key="a", ACL="authenticated-read")
    await deliver(world, NOTIFICATIONS)
    assert [(one["eventName"], one["eventVersion"]) for one in records(file)] == [
        ("ObjectTagging:Put", "2.3"),
        ("ObjectTagging:Delete", "2.3"),
        ("ObjectAcl:Put", "2.3"),
    ]
    assert {tuple(one["s3"]["object"]) for one in records(file)} == {("key", "eTag")}


@story
async def test_a_retention_is_told(world: World) -> None:
    file = await watched(world, "vault", versioning="Enabled", object_lock=1)
    await s3(world, "PutObject", Bucket="vault", Key="a", body=b"1")
    until = datetime.fromtimestamp(START + 1000, UTC)
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    await s3(world, "PutObjectRetention", Bucket="vault", Key="a", Retention=retention)
    await deliver(world, NOTIFICATIONS)
    assert names(file)[-1] == ("ObjectRetention:Put", "a")


@story
async def test_a_request_that_is_refused_tells_nothing(world: World) -> None:
    file = await watched(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    assert (await refusal(world, "PutObject", Bucket="photos", Key="a", IfNoneMatch="*", body=b"2")).status == 412
    assert (await refusal(world, "PutObject", who=ANALYTICS, Bucket="photos", Key="b", body=b"2")).status == 403
    await deliver(world, NOTIFICATIONS)
    assert names(file) == [("ObjectCreated:Put", "a")]


@story
async def test_a_bucket_without_a_configuration_owes_nothing(world: World) -> None:
    await bucket(world, "plain")
    await s3(world, "PutObject", Bucket="plain", Key="a", body=b"1")
    assert await owed(world, "notification") == await owed(world, REPLICATION) == []


@story
async def test_only_keys_with_prefix_and_suffix_are_told(world: World) -> None:
    await bucket(world, "photos")
    await open_targets(world, {QUEUE: target(world).as_uri()})
    await configure(world, "photos", queue("s3:ObjectCreated:*", prefix="in/", suffix=".png"))
    for key in ("in/a.png", "in/a.jpg", "out/a.png", "in/.png"):
        await s3(world, "PutObject", Bucket="photos", Key=key, body=b"1")
    await deliver(world, NOTIFICATIONS)
    assert [key for _, key in names(target(world))] == ["in/a.png", "in/.png"]


@story
async def test_an_event_goes_to_every_target_that_wants_it_and_to_no_other(world: World) -> None:
    await bucket(world, "photos")
    files = {arn: target(world, name) for arn, name in ((QUEUE, "q"), (TOPIC, "t"), (FUNCTION, "f"))}
    await open_targets(world, {arn: file.as_uri() for arn, file in files.items()})
    await configure(
        world, "photos", queue("s3:ObjectCreated:Put"),
        TopicConfigurations=[{"Id": "topic", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}],
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:Copy"]}],
    )  # fmt: skip
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    await s3(world, "CopyObject", Bucket="photos", Key="b", CopySource="photos/a")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await deliver(world, NOTIFICATIONS)
    assert names(files[QUEUE]) == [("ObjectCreated:Put", "a")]
    assert names(files[TOPIC]) == [("ObjectRemoved:Delete", "a")]
    assert names(files[FUNCTION]) == [("ObjectCreated:Copy", "b")]
    assert records(files[TOPIC])[0]["s3"]["configurationId"] == "topic"


@story
async def test_event_bridge_gets_its_own_form(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    file = target(world)
    await open_targets(world, {BUS: file.as_uri()})
    await configure(world, "photos", EventBridgeConfiguration={})
    version = (await s3(world, "PutObject", Bucket="photos", Key="a b", body=b"1"))["VersionId"]
    await s3(world, "DeleteObject", Bucket="photos", Key="a b")
    await deliver(world, NOTIFICATIONS)
    created, deleted = lines(file)
    assert created.pop("id") != deleted.pop("id")
    assert created == {
        "version": "0",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": PRODUCTION,
        "time": "2027-01-15T08:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::photos"],
        "detail": {
            "version": "0",
            "bucket": {"name": "photos"},
            "object": {
                "key": "a b",
                "size": 1,
                "etag": "c4ca4238a0b923820dcc509a6f75849b",
                "version-id": version,
                "sequencer": "0000000000000001",
            },
            "request-id": "request-1",
            "requester": PRODUCTION,
            "source-ip-address": "127.0.0.1",
            "reason": "PutObject",
        },
    }
    assert deleted["detail-type"] == "Object Deleted"
    assert deleted["detail"]["deletion-type"] == "Delete Marker Created"


@story
async def test_sequencers_of_a_key_grow_and_are_the_same_for_every_target(world: World) -> None:
    await bucket(world, "photos")
    files = [target(world, name) for name in ("q", "t")]
    await open_targets(world, dict(zip((QUEUE, BUS), (file.as_uri() for file in files), strict=True)))
    await configure(world, "photos", queue("s3:ObjectCreated:*"), EventBridgeConfiguration={})
    for _ in range(3):
        await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
        await deliver(world, NOTIFICATIONS)
    found = [record["s3"]["object"]["sequencer"] for record in records(files[0])]
    assert found == sorted(set(found))
    assert found == [message["detail"]["object"]["sequencer"] for message in lines(files[1])]


@story
async def test_events_wait_for_a_target_that_is_gone_and_others_do_not(world: World) -> None:
    await bucket(world, "photos")
    both = {QUEUE: target(world, "q").as_uri(), TOPIC: target(world, "t").as_uri()}
    await open_targets(world, both)
    topic = {"TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}
    await configure(world, "photos", queue("s3:ObjectCreated:*"), TopicConfigurations=[topic])
    await open_targets(world, {TOPIC: both[TOPIC]})
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await deliver(world, NOTIFICATIONS)
    assert names(target(world, "t")) == [("ObjectRemoved:Delete", "a")]
    assert names(target(world, "q")) == []
    await open_targets(world, both)
    world.now += 1
    await deliver(world, NOTIFICATIONS)
    assert names(target(world, "q")) == [("ObjectCreated:Put", "a")]


# Configuring


@story
async def test_queues_and_topics_get_a_test_message_and_functions_do_not(world: World) -> None:
    await bucket(world, "photos")
    files = {arn: target(world, name) for arn, name in ((QUEUE, "q"), (TOPIC, "t"), (FUNCTION, "f"))}
    await open_targets(world, {arn: file.as_uri() for arn, file in files.items()})
    await configure(
        world, "photos", queue("s3:ObjectCreated:*", prefix="q"), queue("s3:ObjectCreated:*", prefix="x"),
        TopicConfigurations=[{"TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}],
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectTagging:*"]}],
    )  # fmt: skip
    message = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2027-01-15T08:00:00.000Z",
        "Bucket": "photos",
        "RequestId": "request-1",
        "HostId": "",
    }
    assert lines(files[QUEUE]) == lines(files[TOPIC]) == [message]
    assert lines(files[FUNCTION]) == []


@story
async def test_a_configuration_comes_back_with_ids_and_is_taken_away_by_an_empty_one(world: World) -> None:
    await watched(world, "photos", "s3:ObjectCreated:*")
    found = await s3(world, "GetBucketNotificationConfiguration", Bucket="photos")
    (entry,) = found["QueueConfigurations"]
    assert entry.pop("Id")
    assert entry == queue("s3:ObjectCreated:*")
    await s3(world, "PutBucketNotificationConfiguration", Bucket="photos", NotificationConfiguration={})
    assert await s3(world, "GetBucketNotificationConfiguration", Bucket="photos") == {}
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    assert await owed(world, "notification") == []


@story
async def test_names_of_filter_rules_come_back_capitalised(world: World) -> None:
    await bucket(world, "photos")
    await open_targets(world, {QUEUE: target(world).as_uri()})
    rules = [{"Name": "PREFIX", "Value": "a"}, {"Name": "suffix", "Value": "b"}]
    await configure(world, "photos", {**queue("s3:ObjectCreated:*"), "Filter": {"Key": {"FilterRules": rules}}})
    found = await s3(world, "GetBucketNotificationConfiguration", Bucket="photos")
    rules = found["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"]
    assert [rule["Name"] for rule in rules] == ["Prefix", "Suffix"]


async def refused(world: World, *queues: dict[str, Any], **more: Any) -> Any:
    given = {"QueueConfigurations": list(queues), **more}
    error = await refusal(world, "PutBucketNotificationConfiguration", Bucket="photos", NotificationConfiguration=given)
    assert await s3(world, "GetBucketNotificationConfiguration", Bucket="photos") == {}
    return error


@story
async def test_an_arn_that_the_operator_did_not_open_is_refused_as_a_queue_that_does_not_exist(world: World) -> None:
    await bucket(world, "photos")
    await open_targets(world, {TOPIC: target(world).as_uri()})
    error = await refused(world, queue("s3:ObjectCreated:*"), EventBridgeConfiguration={})
    assert (error.code, error.message) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    assert error.extra == {
        "ArgumentName1": QUEUE,
        "ArgumentValue1": "The destination queue does not exist",
        "ArgumentName2": BUS,
        "ArgumentValue2": "The destination event bus does not exist",
    }


@story
async def test_an_arn_is_open_to_its_own_account_and_to_those_the_operator_names(world: World) -> None:
    await bucket(world, "photos")
    foreign = f"arn:aws:sqs:us-east-1:{ANALYTICS}:theirs"
    url = target(world).as_uri()
    await open_targets(world, {foreign: url})
    error = await refused(world, queue("s3:ObjectCreated:*", arn=foreign))
    assert error.extra["ArgumentValue1"] == (
        "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"
    )
    await open_targets(world, {foreign: Opened(url, frozenset({PRODUCTION}))})
    await configure(world, "photos", queue("s3:ObjectCreated:*", arn=foreign))


@story
async def test_a_bucket_of_another_account_cannot_hold_up_or_reach_an_arn_that_is_not_open_to_it(world: World) -> None:
    file = await watched(world, "photos", "s3:ObjectCreated:*")
    await bucket(world, "theirs", ANALYTICS)
    given = {"QueueConfigurations": [queue("s3:ObjectCreated:*")]}
    await s3(
        world, "PutBucketNotificationConfiguration", who=ANALYTICS, Bucket="theirs",
        NotificationConfiguration=given, SkipDestinationValidation=True,
    )  # fmt: skip
    await s3(world, "PutObject", who=ANALYTICS, Bucket="theirs", Key="evil", body=b"1")
    await s3(world, "PutObject", Bucket="photos", Key="good", body=b"1")
    await deliver(world, NOTIFICATIONS)
    assert names(file) == [("ObjectCreated:Put", "good")]


@story
async def test_a_queue_that_does_not_take_the_test_message_is_refused(world: World) -> None:
    await bucket(world, "photos")
    await open_targets(world, {QUEUE: "file:///no/such/folder/events.jsonl"})
    error = await refused(world, queue("s3:ObjectCreated:*"))
    assert error.extra["ArgumentValue1"] == (
        "The destination queue did not take the test message: No such file or directory"
    )


@story
async def test_validation_can_be_left_out(world: World) -> None:
    await bucket(world, "photos")
    given = {"QueueConfigurations": [queue("s3:ObjectCreated:*")]}
    await s3(
        world, "PutBucketNotificationConfiguration", Bucket="photos", NotificationConfiguration=given,
        SkipDestinationValidation=True,
    )  # fmt: skip
    assert (await s3(world, "GetBucketNotificationConfiguration", Bucket="photos"))["QueueConfigurations"]


def filtered(*rules: tuple[str, str]) -> dict[str, Any]:
    listed = [{"Name": name, "Value": value} for name, value in rules]
    return {**queue("s3:ObjectCreated:*"), "Filter": {"Key": {"FilterRules": listed}}}


OVERLAP = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)
WRONG: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown event": ([queue("s3:ObjectEaten:*")], "A specified event is not supported for notifications."),
    "no arn": ([queue("s3:ObjectCreated:*", arn="queue")], "The ARN could not be parsed"),
    "a topic as queue": ([queue("s3:ObjectCreated:*", arn=TOPIC)], "The ARN is not well formed"),
    "another region": (
        [queue("s3:ObjectCreated:*", arn=QUEUE.replace("us-east-1", "eu-west-1"))],
        "The notification destination service region is not valid for the bucket location constraint",
    ),
    "filter name": ([filtered(("infix", "a"))], "filter rule name must be either prefix or suffix"),
    "two prefixes": (
        [filtered(("prefix", "a"), ("Prefix", "b"))],
        "Cannot specify more than one prefix rule in a filter.",
    ),
    "long value": (
        [filtered(("prefix", "a" * 1025))],
        "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
    ),
    "same id": (
        [{**queue("s3:ObjectCreated:*", prefix=name), "Id": "one"} for name in ("a", "b")],
        "Same ID used for multiple configurations. IDs must be unique: one",
    ),
    "same event": ([queue("s3:ObjectCreated:*"), queue("s3:ObjectCreated:Put")], OVERLAP),
    "overlapping filters": (
        [queue("s3:ObjectCreated:*", prefix="a"), queue("s3:ObjectCreated:*", prefix="ab", suffix=".png")],
        AMBIGUOUS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_refused_in_aws_s_words(name: str, tmp_path: Path) -> None:
    async def test(world: World) -> None:
        queues, message = WRONG[name]
        await bucket(world, "photos")
        await open_targets(world, {QUEUE: target(world).as_uri(), TOPIC: target(world).as_uri()})
        error = await refused(world, *json.loads(json.dumps(queues)))
        assert (error.code, error.status, error.message) == ("InvalidArgument", 400, message)

    told: Callable[[Path], None] = story(test)
    told(tmp_path)


@story
async def test_filters_that_cannot_select_the_same_key_may_share_an_event(world: World) -> None:
    await bucket(world, "photos")
    await open_targets(world, {QUEUE: target(world).as_uri()})
    await configure(
        world, "photos",
        queue("s3:ObjectCreated:*", prefix="a"), queue("s3:ObjectCreated:*", prefix="b"),
        queue("s3:ObjectRemoved:*", suffix=".png"), queue("s3:ObjectRemoved:*", suffix=".jpg"),
    )  # fmt: skip
