"""Access log records on their way into a bucket: who lets log delivery write, and what the objects are called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from delivery_builders import deliver, owed
from object_builders import bucket, content, refusal, s3

from builders import ANALYTICS, PRODUCTION, START, World, policy, statement, story
from isthmus.identity import Bucket
from isthmus.names import canonical_id
from isthmus.s3.acl import LOG_DELIVERY
from isthmus.s3.deliveries.access_log import ACCESS_LOGS, LANE, log_address, put_records

SERVICE = {"Service": "logging.s3.amazonaws.com"}


def log_policy(account: str = PRODUCTION, source: str = "photos", prefix: str = "log/") -> str:
    """The policy that the User Guide shows for a target bucket."""
    condition = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
        "StringEquals": {"aws:SourceAccount": account},
    }
    allowed = statement("Allow", "s3:PutObject", f"arn:aws:s3:::logs/{prefix}*", Condition=condition)
    return json.dumps(policy({**allowed, "Principal": SERVICE}))


async def log(world: World, *, who: Any = PRODUCTION, name: str = "photos", **more: Any) -> None:
    """Turn logging on."""
    enabled = {"TargetBucket": "logs", "TargetPrefix": "log/", **more}
    await s3(world, "PutBucketLogging", who=who, Bucket=name, BucketLoggingStatus={"LoggingEnabled": enabled})


async def note(world: World, *records: str, name: str = "photos", at: float | None = None) -> None:
    """Records as a worker writes them."""
    world.directory.refresh()
    found = await world.directory.bucket(name)
    assert found is not None
    address = log_address(found)
    assert address is not None
    when = world.now if at is None else at
    await put_records(world.system, [(address, when, record) for record in records])


async def delivered(world: World) -> dict[str, bytes]:
    """What log delivery wrote, by key."""
    who = await owner(world)
    listed = await s3(world, "ListObjectsV2", who=who, Bucket="logs")
    return {one["Key"]: await content(world, "logs", one["Key"], who=who) for one in listed.get("Contents") or ()}


async def owner(world: World) -> str:
    found: Bucket | None = await world.directory.bucket("logs")
    assert found is not None
    return found.account


async def ready(world: World, account: str = PRODUCTION, **columns: Any) -> None:
    """`photos` logs into `logs`, which lets it."""
    await bucket(world, "photos")
    await bucket(world, "logs", account, **{"policy": json.loads(log_policy()), **columns})
    await log(world)


# Delivering


@story
async def test_records_are_collected_and_written_as_one_object(world: World) -> None:
    await ready(world)
    await note(world, "one", "two")
    await deliver(world, ACCESS_LOGS)
    assert await delivered(world) == {}
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    ((key, text),) = (await delivered(world)).items()
    assert text == b"one\ntwo\n"
    assert key.startswith("log/2027-01-15-08-05-00-")
    assert len(key.rpartition("-")[2]) == 16
    assert await owed(world, LANE) == []


@story
async def test_a_partitioned_prefix_names_source_and_time_of_delivery(world: World) -> None:
    await ready(world)
    await log(world, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}})
    await note(world, "one")
    world.now += 86400
    await deliver(world, ACCESS_LOGS)
    (key,) = await delivered(world)
    assert key.startswith(f"log/{PRODUCTION}/us-east-1/photos/2027/01/16/2027-01-16-08-00-00-")


@story
async def test_a_prefix_partitioned_by_event_time_keeps_days_apart(world: World) -> None:
    await ready(world)
    await log(world, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})
    await note(world, "monday", at=START)
    await note(world, "tuesday", "tuesday too", at=START + 86400)
    world.now += 86400
    await deliver(world, ACCESS_LOGS)
    found = {key.rpartition("-")[0]: text for key, text in (await delivered(world)).items()}
    folder = f"log/{PRODUCTION}/us-east-1/photos"
    assert found == {
        f"{folder}/2027/01/15/2027-01-15-00-00-00": b"monday\n",
        f"{folder}/2027/01/16/2027-01-16-00-00-00": b"tuesday\ntuesday too\n",
    }


@story
async def test_a_target_that_refuses_gets_the_records_once_it_allows(world: World) -> None:
    await ready(world, policy=None)
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert await delivered(world) == {}
    await s3(world, "PutBucketPolicy", Bucket="logs", Policy=log_policy())
    world.now += 1
    await deliver(world, ACCESS_LOGS)
    assert list((await delivered(world)).values()) == [b"one\n"]


@pytest.mark.parametrize(
    "wrong",
    [{"account": ANALYTICS}, {"source": "other"}, {"prefix": "elsewhere/"}],
    ids=["for another account", "for another bucket", "under another prefix"],
)
def test_a_policy_for_something_else_does_not_let_the_records_in(wrong: dict[str, str], tmp_path: Any) -> None:
    async def test(world: World) -> None:
        await ready(world, policy=json.loads(log_policy(**wrong)))
        await note(world, "one")
        world.now += 300
        await deliver(world, ACCESS_LOGS)
        assert await delivered(world) == {}
        assert await owed(world, LANE) == ["one"]

    story(test)(tmp_path)


@story
async def test_the_account_for_which_log_delivery_writes_lends_it_no_rights_of_its_own(world: World) -> None:
    await ready(world, policy=None, ownership="ObjectWriter")
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert await delivered(world) == {}


@story
async def test_a_bucket_with_acls_may_grant_to_the_log_delivery_group_instead(world: World) -> None:
    await ready(world, policy=None, ownership="BucketOwnerPreferred")
    await s3(world, "PutBucketAcl", Bucket="logs", ACL="log-delivery-write")
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert list((await delivered(world)).values()) == [b"one\n"]


@story
async def test_without_acls_a_grant_to_the_group_that_was_left_is_void(world: World) -> None:
    await ready(world, policy=None, ownership="ObjectWriter")
    await s3(world, "PutBucketAcl", Bucket="logs", ACL="log-delivery-write")
    await world.sql("UPDATE buckets SET ownership = 'BucketOwnerEnforced' WHERE name = 'logs'")
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert await delivered(world) == {}


@story
async def test_logs_belong_to_the_target_s_owner_and_target_grants_let_others_read_them(world: World) -> None:
    await ready(world, ownership="ObjectWriter")
    grantee = {"Type": "CanonicalUser", "ID": canonical_id(ANALYTICS)}
    await log(world, TargetGrants=[{"Grantee": grantee, "Permission": "READ"}])
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    (key,) = await delivered(world)
    assert (await s3(world, "GetObjectAcl", Bucket="logs", Key=key))["Owner"]["ID"] == canonical_id(PRODUCTION)
    assert await content(world, "logs", key, who=ANALYTICS) == b"one\n"
    await log(world)
    await note(world, "two")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    (other,) = (await delivered(world)).keys() - {key}
    assert (await refusal(world, "GetObject", who=ANALYTICS, Bucket="logs", Key=other)).status == 403


@story
async def test_another_account_s_bucket_is_a_target_if_its_policy_lets_log_delivery_write(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "logs", ANALYTICS, ownership="ObjectWriter", policy=json.loads(log_policy()))
    await log(world)
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    ((key, text),) = (await delivered(world)).items()
    assert text == b"one\n"
    acl = await s3(world, "GetObjectAcl", who=ANALYTICS, Bucket="logs", Key=key)
    assert acl["Owner"]["ID"] == canonical_id(ANALYTICS)
    await s3(world, "DeleteBucketPolicy", who=ANALYTICS, Bucket="logs")
    await note(world, "two")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert await owed(world, LANE) == ["two"]


@story
async def test_a_target_that_became_unfit_gets_nothing(world: World) -> None:
    await ready(world)
    await s3(world, "PutBucketRequestPayment", Bucket="logs", RequestPaymentConfiguration={"Payer": "Requester"})
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert await delivered(world) == {}


@story
async def test_records_of_a_bucket_that_is_gone_are_delivered(world: World) -> None:
    await ready(world)
    await note(world, "the last")
    await s3(world, "DeleteBucket", Bucket="photos")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    assert list((await delivered(world)).values()) == [b"the last\n"]


# Configuring


@story
async def test_logging_comes_back_as_it_was_given_and_an_empty_status_turns_it_off(world: World) -> None:
    await ready(world)
    given = {"TargetBucket": "logs", "TargetPrefix": "log/", "TargetObjectKeyFormat": {"SimplePrefix": {}}}
    await log(world, **given)
    assert await s3(world, "GetBucketLogging", Bucket="photos") == {"LoggingEnabled": given}
    await s3(world, "PutBucketLogging", Bucket="photos", BucketLoggingStatus={})
    assert await s3(world, "GetBucketLogging", Bucket="photos") == {}
    found = await world.directory.bucket("photos")
    assert found is not None
    assert log_address(found) is None


async def refused(world: World, who: Any = PRODUCTION, **more: Any) -> tuple[str, str]:
    enabled = {"TargetBucket": "logs", "TargetPrefix": "log/", **more}
    error = await refusal(
        world, "PutBucketLogging", who=who, Bucket="photos", BucketLoggingStatus={"LoggingEnabled": enabled}
    )
    return error.code, error.message


@story
async def test_a_target_must_be_there_and_in_the_same_region(world: World) -> None:
    await bucket(world, "photos")
    assert (await refused(world))[0] == "InvalidTargetBucketForLogging"
    await bucket(world, "logs", region="eu-west-1")
    assert await refused(world) == ("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ")
    await world.sql("UPDATE buckets SET region = 'us-east-1' WHERE name = 'logs'")
    await log(world)


@story
async def test_another_account_s_bucket_is_refused_unless_its_policy_names_log_delivery_for_this_bucket(
    world: World,
) -> None:
    await bucket(world, "photos")
    await bucket(world, "logs", ANALYTICS)
    owners = "The owner for the bucket to be logged and the target bucket must be the same."
    assert await refused(world) == ("InvalidTargetBucketForLogging", owners)
    for wrong in ({"account": ANALYTICS}, {"source": "other"}):
        await s3(world, "PutBucketPolicy", who=ANALYTICS, Bucket="logs", Policy=log_policy(**wrong))
        assert await refused(world) == ("InvalidTargetBucketForLogging", owners)
    await s3(world, "PutBucketPolicy", who=ANALYTICS, Bucket="logs", Policy=log_policy())
    await log(world)


@story
async def test_a_target_with_requester_pays_or_a_default_retention_is_refused(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "logs", versioning="Enabled", object_lock=1)
    retention = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    await s3(world, "PutObjectLockConfiguration", Bucket="logs", ObjectLockConfiguration=retention)
    assert (await refused(world))[0] == "InvalidTargetBucketForLogging"
    await s3(
        world, "PutObjectLockConfiguration", Bucket="logs", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    await s3(world, "PutBucketRequestPayment", Bucket="logs", RequestPaymentConfiguration={"Payer": "Requester"})
    assert (await refused(world))[0] == "InvalidTargetBucketForLogging"
    await s3(world, "PutBucketRequestPayment", Bucket="logs", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    await log(world)


@story
async def test_target_grants_need_a_target_with_acls_and_known_grantees(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "logs")
    grants = [{"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(ANALYTICS)}, "Permission": "READ"}]
    assert await refused(world, TargetGrants=grants) == (
        "AccessControlListNotSupported",
        "Target grants not allowed for bucket owner enforced buckets",
    )
    await world.sql("UPDATE buckets SET ownership = 'ObjectWriter' WHERE name = 'logs'")
    await log(world, TargetGrants=grants)
    unknown = [{"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64}, "Permission": "READ"}]
    assert (await refused(world, TargetGrants=unknown))[0] == "InvalidArgument"
    group = [{"Grantee": {"Type": "Group", "URI": LOG_DELIVERY}, "Permission": "READ_ACP"}]
    assert (await refused(world, TargetGrants=group))[0] == "MalformedXML"
    email = [
        {"Grantee": {"Type": "AmazonCustomerByEmail", "EmailAddress": "analytics@example.com"}, "Permission": "READ"}
    ]
    await log(world, TargetGrants=email)
    found = (await s3(world, "GetBucketLogging", Bucket="photos"))["LoggingEnabled"]
    assert found["TargetGrants"] == grants


@story
async def test_a_key_format_is_one_of_two(world: World) -> None:
    await ready(world)
    both = {"SimplePrefix": {}, "PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    assert (await refused(world, TargetObjectKeyFormat=both))[0] == "MalformedXML"
