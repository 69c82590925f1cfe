"""What PutBucketReplication takes and refuses, and who may put it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from object_builders import bucket, refusal, s3
from replication_builders import ROLE, rule

from builders import ANALYTICS, PRODUCTION, World, allow, policy, statement, story
from isthmus.wire import AwsError

OLDER = {"ID": "a", "Status": "Enabled", "Prefix": "x", "Destination": {"Bucket": "arn:aws:s3:::copies"}}
DEVELOPER_GUIDE = (
    " for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more "
    "information."
)


def to(**more: Any) -> dict[str, Any]:
    """A rule with more said about its destination."""
    return rule(Destination={"Bucket": "arn:aws:s3:::copies", **more})


def without(member: str) -> dict[str, Any]:
    return {name: value for name, value in rule().items() if name != member}


async def put(world: World, *rules: dict[str, Any], role: str = ROLE, who: Any = PRODUCTION) -> None:
    given = {"Role": role, "Rules": json.loads(json.dumps(rules))}
    await s3(world, "PutBucketReplication", who=who, Bucket="photos", ReplicationConfiguration=given)


async def refused(world: World, *rules: dict[str, Any], **more: Any) -> AwsError:
    with pytest.raises(AwsError) as error:
        await put(world, *rules, **more)
    code = (await refusal(world, "GetBucketReplication", Bucket="photos")).code
    assert code == "ReplicationConfigurationNotFoundError"
    return error.value


async def buckets(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await bucket(world, "copies", versioning="Enabled")
    await bucket(world, "plain")
    await bucket(world, "theirs", ANALYTICS, versioning="Enabled")


RIGHT = {
    "a filter of nothing": [rule()],
    "a prefix": [rule(Filter={"Prefix": "x"})],
    "a tag": [rule(Filter={"Tag": {"Key": "k", "Value": "v"}})],
    "both": [rule(Filter={"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}]}})],
    "the older form": [OLDER, {**OLDER, "ID": "b", "Prefix": "y"}],
    "another account": [rule("theirs", Destination={
        "Bucket": "arn:aws:s3:::theirs", "Account": ANALYTICS, "AccessControlTranslation": {"Owner": "Destination"}})],
    "metrics and time": [to(
        Metrics={"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
        ReplicationTime={"Status": "Enabled", "Time": {"Minutes": 15}})],
    "kms": [rule(
        SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        Destination={"Bucket": "arn:aws:s3:::copies", "EncryptionConfiguration": {"ReplicaKmsKeyID": "key"}})],
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_configuration_comes_back_as_it_was_given(name: str, tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await buckets(world)
        await put(world, *RIGHT[name])
        found = await s3(world, "GetBucketReplication", Bucket="photos")
        assert found["ReplicationConfiguration"] == {"Role": ROLE, "Rules": RIGHT[name]}

    told: Callable[[Path], None] = story(test)
    told(tmp_path)


WRONG: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "no rule": ([], "MalformedXML", ""),
    "existing objects": ([rule(ExistingObjectReplication={"Status": "Enabled"})], "MalformedXML", ""),
    "two forms": ([OLDER, rule()], "MalformedXML", ""),
    "neither filter nor prefix": ([without("Filter")], "MalformedXML", ""),
    "filter and prefix": ([rule(Prefix="x")], "MalformedXML", ""),
    "two criteria": ([rule(Filter={"Prefix": "x", "Tag": {"Key": "k", "Value": "v"}})], "MalformedXML", ""),
    "and of one": ([rule(Filter={"And": {"Prefix": "x"}})], "MalformedXML", ""),
    "no priority": ([without("Priority")], "InvalidRequest", "Priority must be specified" + DEVELOPER_GUIDE),
    "no word on markers": (
        [without("DeleteMarkerReplication")],
        "InvalidRequest", "DeleteMarkerReplication must be specified" + DEVELOPER_GUIDE,
    ),
    "priority in the older form": (
        [{**OLDER, "Priority": 1}], "InvalidRequest", "Priority cannot be used" + DEVELOPER_GUIDE
    ),
    "markers with tags": (
        [rule(Filter={"Tag": {"Key": "k", "Value": "v"}}, DeleteMarkerReplication={"Status": "Enabled"})],
        "InvalidRequest",
        "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide "
        "for more information.",
    ),
    "same priority": (
        [rule(), rule(ID="b")], "InvalidRequest", "Found duplicate priority 1 in the replication configuration."
    ),
    "same id": (
        [rule(), rule(Priority=2)],
        "InvalidArgument", "Rule Id must be unique. Found same Id for more than one rule: all",
    ),
    "no bucket arn": ([rule(Destination={"Bucket": "copies"})], "InvalidArgument", "Invalid bucket ARN"),
    "no such bucket": ([rule("nowhere")], "InvalidRequest", "Destination bucket must exist."),
    "unversioned bucket": ([rule("plain")], "InvalidRequest", "Destination bucket must have versioning enabled."),
    "itself": ([rule("photos")], "InvalidRequest", "Destination bucket cannot be the same as the source bucket."),
    "another owner": (
        [to(Account=ANALYTICS)], "InvalidRequest", "Account does not match the owner of the destination bucket."
    ),
    "override without account": (
        [to(AccessControlTranslation={"Owner": "Destination"})],
        "InvalidRequest", "Account must be specified if AccessControlTranslation is present.",
    ),
    "storage class": ([to(StorageClass="OUTPOSTS")], "MalformedXML", ""),
    "kms key without criteria": (
        [to(EncryptionConfiguration={"ReplicaKmsKeyID": "key"})],
        "InvalidRequest", "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
    ),
    "kms criteria without key": (
        [rule(SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}})],
        "InvalidRequest", "EncryptionConfiguration must be specified if SseKmsEncryptedObjects tag is present.",
    ),
    "time without metrics": (
        [to(ReplicationTime={"Status": "Enabled", "Time": {"Minutes": 15}})],
        "InvalidRequest", "Replication metrics must be enabled with Replication Time Control.",
    ),
    "another time": (
        [to(Metrics={"Status": "Enabled", "EventThreshold": {"Minutes": 5}})],
        "InvalidArgument", "EventThreshold must be 15 minutes.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_refused_and_nothing_stored(name: str, tmp_path: Path) -> None:
    async def test(world: World) -> None:
        rules, code, message = WRONG[name]
        await buckets(world)
        error = await refused(world, *rules)
        assert error.code == code
        assert message in error.message

    told: Callable[[Path], None] = story(test)
    told(tmp_path)


@story
async def test_a_bucket_without_versioning_cannot_be_replicated(world: World) -> None:
    await buckets(world)
    await world.sql("UPDATE buckets SET versioning = 'Suspended' WHERE name = 'photos'")
    assert (await refused(world, rule())).code == "InvalidRequest"


@story
async def test_the_role_must_be_one_of_the_bucket_s_account(world: World) -> None:
    await buckets(world)
    assert (await refused(world, rule(), role="replicator")).code == "InvalidArgument"
    assert (await refused(world, rule(), role=f"arn:aws:iam::{ANALYTICS}:role/replicator")).code == "AccessDenied"
    await put(world, rule())


@story
async def test_putting_needs_permission_to_pass_the_role_to_s3(world: World) -> None:
    await buckets(world)
    configuring = statement("Allow", "s3:PutReplicationConfiguration", "arn:aws:s3:::photos")
    passing = statement(
        "Allow", "iam:PassRole", ROLE, Condition={"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
    )
    elsewhere = statement(
        "Allow", "iam:PassRole", ROLE, Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    )
    for name, document in (
        ("no-pass", policy(configuring)),
        ("other-service", policy(configuring, elsewhere)),
        ("no-put", policy(passing)),
        ("other-role", policy(configuring, statement("Allow", "iam:PassRole", f"{ROLE}-of-others"))),
    ):
        user = await world.user(PRODUCTION, name, document)
        assert (await refused(world, rule(), who=user)).code == "AccessDenied"
    await put(world, rule(), who=await world.user(PRODUCTION, "both", policy(configuring, passing)))


@story
async def test_deleting_needs_no_role(world: World) -> None:
    await buckets(world)
    await put(world, rule())
    user = await world.user(PRODUCTION, "remover", allow("s3:PutReplicationConfiguration"))
    await s3(world, "DeleteBucketReplication", who=user, Bucket="photos")
    assert (await refusal(world, "GetBucketReplication", Bucket="photos")).status == 404


@story
async def test_rules_without_an_id_get_one(world: World) -> None:
    await buckets(world)
    await put(world, without("ID"))
    found = await s3(world, "GetBucketReplication", Bucket="photos")
    assert found["ReplicationConfiguration"]["Rules"][0]["ID"]
