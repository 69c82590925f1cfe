"""What reaches the bucket of a trail, in which form, and what happens when it cannot."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from recording import Trail, bucket_policy, make_bucket, make_trail, outcome

from builders import ANALYTICS, PRODUCTION, START, World, allow, story, trusts
from isthmus.cloudtrail import Answer, Event, deliver_trails, events_of
from isthmus.wire import FileSlice

ALL_OBJECTS = [{"IncludeManagementEvents": False, "DataResources": [{"Type": "AWS::S3::Object",
                                                                    "Values": ["arn:aws:s3:::reports/"]}]}]  # fmt: skip


async def files(world: World, owner: str = PRODUCTION, bucket: str = "logs") -> dict[str, Any]:
    """Every file of a bucket, unpacked."""
    world.directory.refresh()
    listed = await world.call(owner, "s3", "ListObjectsV2", Bucket=bucket)
    found = {}
    for key in (one["Key"] for one in listed.get("Contents") or ()):
        body = (await world.call(owner, "s3", "GetObject", Bucket=bucket, Key=key))["Body"]
        assert not isinstance(body, FileSlice)
        found[key] = json.loads(gzip.decompress(body))
    return found


async def deliver(world: World, seconds: float = 300) -> int:
    """Let time pass and deliver what is due."""
    world.now += seconds
    world.directory.refresh()
    return await deliver_trails(world.system)


async def status(world: World, account: str = PRODUCTION) -> dict[str, Any]:
    return await world.call(account, "cloudtrail", "GetTrailStatus", Name="audit")


async def names(world: World, **more: Any) -> list[str]:
    """The events in all files of the bucket, in order."""
    return [record["eventName"] for file in (await files(world, **more)).values() for record in file["Records"]]


@story
async def test_events_are_delivered_in_aws_s_layout(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION, prefix="audit/")
    trail = Trail(world)
    await make_trail(world, PRODUCTION, S3KeyPrefix="audit")
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    assert await deliver(world, 299) == 0
    assert await deliver(world, 1) == 1
    ((key, content),) = (await files(world)).items()
    assert re.fullmatch(
        rf"audit/AWSLogs/{PRODUCTION}/CloudTrail/us-east-1/2027/01/15/"
        rf"{PRODUCTION}_CloudTrail_us-east-1_20270115T0805Z_[A-Z2-7]{{16}}\.json\.gz",
        key,
    )
    (record,) = content["Records"]
    assert record["requestParameters"] == {"userName": "bob"}
    shown = await world.call(PRODUCTION, "s3", "HeadObject", Bucket="logs", Key=key)
    assert (shown["ContentType"], shown["ContentEncoding"]) == ("application/json", "gzip")
    assert await deliver(world) == 0  # nothing is delivered twice
    told = await status(world)
    assert told["LatestDeliveryTime"].timestamp() == START + 300
    assert (told["LatestDeliveryError"], told["LatestDeliveryAttemptSucceeded"]) == (None, "2027-01-15T08:05:00Z")


@story
async def test_only_what_happens_while_a_trail_logs_is_delivered(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    noted = await noted_event(world, "before")
    world.now += 1
    await make_trail(world, PRODUCTION)
    trail.recorder.note_events(noted)  # written only now, but of a moment before
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="while")
    noted = await noted_event(world, "just-before-the-end")
    world.now += 1
    await world.call(PRODUCTION, "cloudtrail", "StopLogging", Name="audit")
    trail.recorder.note_events(noted)
    world.now += 1
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="after")
    await trail.call(ANALYTICS, "iam", "CreateUser", UserName="elsewhere")
    assert await deliver(world) == 1
    (content,) = (await files(world)).values()
    told = [record["requestParameters"]["userName"] for record in content["Records"]]
    assert told == ["while", "just-before-the-end"]


async def noted_event(world: World, name: str) -> list[Event]:
    """The record of a request that is not written yet."""
    call = await world.new_call(PRODUCTION, "iam", "CreateUser", UserName=name)
    assert await outcome(call) is None
    return events_of(call, Answer())


@story
async def test_a_bucket_of_another_account_takes_files_as_long_as_its_policy_allows(world: World) -> None:
    await make_bucket(world, ANALYTICS, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    assert await deliver(world) == 1
    assert len(await files(world, owner=ANALYTICS)) == 1
    await world.call(ANALYTICS, "s3", "DeleteBucketPolicy", Bucket="logs")
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="carol")
    assert await deliver(world) == 0
    told = await status(world)
    assert told["LatestDeliveryError"] == "AccessDenied"
    assert told["LatestDeliveryAttemptTime"] == "2027-01-15T08:10:00Z"
    assert told["LatestDeliveryAttemptSucceeded"] == "2027-01-15T08:05:00Z"
    assert await deliver(world, 100) == 0
    assert (await status(world))["LatestDeliveryAttemptTime"] == "2027-01-15T08:10:00Z"  # not asked again at once
    again = bucket_policy("logs", PRODUCTION)
    await world.call(ANALYTICS, "s3", "PutBucketPolicy", Bucket="logs", Policy=again)
    assert await deliver(world, 200) == 1
    assert await names(world, owner=ANALYTICS) == ["CreateUser", "CreateUser"]
    assert (await status(world))["LatestDeliveryError"] is None


@story
async def test_a_bucket_that_is_gone_is_told_in_the_status(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "s3", "DeleteBucket", Bucket="logs")
    assert await deliver(world) == 0
    assert (await status(world))["LatestDeliveryError"] == "NoSuchBucket"


@story
async def test_events_wait_thirty_days_for_a_bucket_that_does_not_take_them(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    await world.call(PRODUCTION, "s3", "DeleteBucketPolicy", Bucket="logs")
    for days in (29, 2):
        waiting = await world.system.objects.fetch_all("SELECT id FROM trail_queue")
        assert len(waiting) == 1
        await deliver(world, days * 86400)
    assert await world.system.objects.fetch_all("SELECT id FROM trail_queue") == []


@story
async def test_each_region_has_files_of_its_own(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="abroad",
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})  # fmt: skip
    trail = Trail(world)
    await make_trail(world, PRODUCTION, "everywhere", IsMultiRegionTrail=True)
    await make_trail(world, PRODUCTION, "here")
    await trail.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="abroad")
    await trail.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="logs")
    assert await deliver(world) == 3
    regions = sorted(key.split("/")[3] for key in await files(world))
    assert regions == ["eu-west-1", "us-east-1", "us-east-1"]


@story
async def test_data_events_reach_only_trails_that_ask_for_them(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="reports")
    assert await deliver(world) == 0
    await world.call(PRODUCTION, "cloudtrail", "PutEventSelectors", TrailName="audit", EventSelectors=ALL_OBJECTS)
    await trail.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="reports")
    await trail.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="logs")
    await trail.call(PRODUCTION, "s3", "HeadObject", Bucket="reports", Key="none")
    assert await deliver(world) == 1
    assert await names(world) == ["ListObjects", "HeadObject"]


@story
async def test_the_bucket_s_owner_and_the_reader_each_have_data_events_in_their_own_trail(world: World) -> None:
    for account, bucket in ((PRODUCTION, "logs"), (ANALYTICS, "their-logs")):
        await make_bucket(world, account, account, bucket)
        await make_trail(world, account, bucket=bucket)
        await world.call(account, "cloudtrail", "PutEventSelectors", TrailName="audit", EventSelectors=ALL_OBJECTS)
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    alice = await world.user(ANALYTICS, "alice", allow("s3:*"))
    trail = Trail(world)
    assert await trail.call(alice, "s3", "GetObject", Bucket="reports", Key="a") is None
    assert await deliver(world) == 2
    (own,) = (await files(world, ANALYTICS, "their-logs")).values()
    (other,) = (await files(world)).values()
    assert own["Records"][0]["userIdentity"]["type"] == "IAMUser"
    assert other["Records"][0]["userIdentity"] == {
        "type": "AWSAccount", "principalId": alice.id, "accountId": ANALYTICS,
    }  # fmt: skip
    assert own["Records"][0]["sharedEventID"] == other["Records"][0]["sharedEventID"]


@story
async def test_who_was_refused_at_the_door_is_told_to_accounts_that_asked(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    alice = await world.user(ANALYTICS, "alice", allow("sts:AssumeRole"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(PRODUCTION))
    attempt = {"RoleArn": role.arn, "RoleSessionName": "knock"}
    assert await trail.call(alice, "sts", "AssumeRole", **attempt) is None
    assert await trail.lookup(PRODUCTION) == []
    door = [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventName", "Equals": ["AssumeRole"]},
            {"Field": "errorCode", "Equals": ["AccessDenied"]}]  # fmt: skip
    selectors = [{"FieldSelectors": door}]
    await world.call(
        PRODUCTION, "cloudtrail", "PutEventSelectors", TrailName="audit", AdvancedEventSelectors=selectors
    )  # fmt: skip
    assert await trail.call(alice, "sts", "AssumeRole", **attempt) is None
    attempt["RoleArn"] = role.arn + "-that-never-was"
    assert await trail.call(alice, "sts", "AssumeRole", **attempt) is None
    seen = await trail.lookup(PRODUCTION)
    assert [one["requestParameters"]["roleArn"] for one in seen] == [attempt["RoleArn"], role.arn]
    assert {one["additionalEventData"]["IsthmusExtension"] for one in seen} == {"RefusedAtTheDoor"}
    assert {one["userIdentity"]["type"] for one in seen} == {"AWSAccount"}
    assert len(await trail.lookup(ANALYTICS)) == 3
    assert await deliver(world) == 1
    assert await names(world) == ["AssumeRole", "AssumeRole"]
    await world.call(PRODUCTION, "cloudtrail", "StopLogging", Name="audit")
    world.now += 1
    assert await trail.call(alice, "sts", "AssumeRole", **attempt) is None
    assert len(await trail.lookup(PRODUCTION)) == 2


@story
async def test_a_deleted_trail_delivers_a_last_time_and_leaves_nothing(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    await world.call(PRODUCTION, "cloudtrail", "DeleteTrail", Name="audit")
    assert await names(world) == ["CreateUser"]
    await make_trail(world, PRODUCTION)
    await trail.call(PRODUCTION, "iam", "DeleteUser", UserName="bob")
    await world.call(PRODUCTION, "s3", "DeleteBucketPolicy", Bucket="logs")
    await world.call(PRODUCTION, "cloudtrail", "DeleteTrail", Name="audit")
    assert await names(world) == ["CreateUser"]
    assert await world.system.objects.fetch_all("SELECT id FROM trail_queue") == []


@story
async def test_the_interval_is_a_setting(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION)
    await world.sql("INSERT INTO settings (name, value) VALUES ('cloudtrail_delivery_seconds', '2')")
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    assert await deliver(world, 1) == 0
    assert await deliver(world, 1) == 1


# Digests


async def public_key(world: World, fingerprint: str) -> rsa.RSAPublicKey:
    listed = await world.call(ANALYTICS, "cloudtrail", "ListPublicKeys")
    (key,) = [one for one in listed["PublicKeyList"] if one["Fingerprint"] == fingerprint]
    loaded = load_der_public_key(key["Value"])
    assert isinstance(loaded, rsa.RSAPublicKey)
    return loaded


async def verified(world: World, key: str) -> dict[str, Any]:
    """A digest whose signature is right."""
    shown = await world.call(PRODUCTION, "s3", "GetObject", Bucket="logs", Key=key)
    content = gzip.decompress(shown["Body"])
    digest: dict[str, Any] = json.loads(content)
    signed = "\n".join((
        digest["digestEndTime"], f"logs/{key}", hashlib.sha256(content).hexdigest(),
        digest["previousDigestSignature"] or "null",
    ))  # fmt: skip
    public = await public_key(world, digest["digestPublicKeyFingerprint"])
    signature = bytes.fromhex(shown["Metadata"]["signature"])
    public.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return digest


@story
async def test_digests_name_and_hash_the_files_and_each_the_one_before(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    trail = Trail(world)
    await make_trail(world, PRODUCTION, EnableLogFileValidation=True)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    await deliver(world, 300)
    await deliver(world, 3300)
    await deliver(world, 3600)
    everything = await files(world)
    digests = sorted(key for key in everything if "CloudTrail-Digest" in key)
    assert len(digests) == 2
    assert digests[0].endswith(
        f"CloudTrail-Digest/us-east-1/2027/01/15/{PRODUCTION}_CloudTrail-Digest_us-east-1_audit_us-east-1_"
        "20270115T090000Z.json.gz"
    )
    first, second = [await verified(world, key) for key in digests]
    (log,) = first["logFiles"]
    content = await world.call(PRODUCTION, "s3", "GetObject", Bucket="logs", Key=log["s3Object"])
    assert log["hashValue"] == hashlib.sha256(gzip.decompress(content["Body"])).hexdigest()
    assert (first["digestStartTime"], first["digestEndTime"]) == ("2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z")
    assert first["previousDigestS3Object"] is None
    assert (second["logFiles"], second["previousDigestS3Object"]) == ([], digests[0])
    assert second["digestStartTime"] == first["digestEndTime"]
    shown = await world.call(PRODUCTION, "s3", "GetObject", Bucket="logs", Key=digests[0])
    assert second["previousDigestHashValue"] == hashlib.sha256(gzip.decompress(shown["Body"])).hexdigest()
    assert second["previousDigestSignature"] == shown["Metadata"]["signature"]
    assert (await status(world))["LatestDigestDeliveryTime"].timestamp() == START + 7200


@story
async def test_a_digest_that_is_refused_is_told_and_comes_later(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION, EnableLogFileValidation=True)
    await world.call(PRODUCTION, "s3", "DeleteBucketPolicy", Bucket="logs")
    await deliver(world, 3600)
    assert (await status(world))["LatestDigestDeliveryError"] == "AccessDenied"
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="logs", Policy=bucket_policy("logs", PRODUCTION))
    await deliver(world, 300)
    assert (await status(world))["LatestDigestDeliveryError"] is None
    (digest,) = await files(world)
    assert (await verified(world, digest))["digestStartTime"] == "2027-01-15T08:00:00Z"


@story
async def test_without_validation_there_are_no_digests(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION)
    await deliver(world, 7200)
    assert await files(world) == {}
    assert (await world.call(PRODUCTION, "cloudtrail", "ListPublicKeys"))["PublicKeyList"] == []


@story
async def test_the_private_key_is_sealed(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION, EnableLogFileValidation=True)
    await deliver(world, 3600)
    (row,) = await world.system.identity.fetch_all("SELECT private_key FROM trail_signing_keys")
    try:
        world.vault.unseal(bytes(row[0]), "access-key")
    except ValueError:
        return
    raise AssertionError("a sealed key opened for another purpose")
