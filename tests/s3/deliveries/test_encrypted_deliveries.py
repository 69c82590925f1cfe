"""Deliveries and encryption: which replicas share their bytes, who asks KMS, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

from delivery_builders import deliver, owed
from encryption_builders import a_kms_key, customer, default_encryption, kms, stored
from object_builders import bucket, content, rows, s3
from replication_builders import READS, ROLE, WRITES, put, replicate, rule, status, two_buckets
from test_inventory import configuration, ready, report, turn
from test_log_delivery import log, log_policy, note, refused

import isthmus.kms
from builders import PRODUCTION, World, policy, statement, story, trusts
from isthmus.s3.deliveries.access_log import ACCESS_LOGS
from isthmus.s3.deliveries.replication import REPLICATION

assert isthmus.kms  # importing it registers the operations
BIG = b"0123456789abcdef" * 20_000


def kms_rule(key: str, destination: str = "copies") -> dict[str, Any]:
    """A rule that replicates what KMS protects, under a key of the destination."""
    there = {"Bucket": f"arn:aws:s3:::{destination}", "EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    return rule(Destination=there, SourceSelectionCriteria=criteria)


async def kms_buckets(world: World, *allowed: tuple[str, str]) -> tuple[str, str]:
    """Two buckets and the rule between them; the role may do `allowed` (action, key: source's or destination's)."""
    source_key, replica_key = await a_kms_key(world), await a_kms_key(world)
    keys = {"source": source_key, "replica": replica_key}
    await bucket(world, "photos", versioning="Enabled")
    await bucket(world, "copies", versioning="Enabled")
    may = [statement("Allow", action, keys[which]) for action, which in allowed]
    document = policy(statement("Allow", [*READS, *WRITES], "arn:aws:s3:::*/*"), *may)
    await world.role(PRODUCTION, "replicator", document, trust=trusts({"Service": "s3.amazonaws.com"}))
    await replicate(world, kms_rule(replica_key))
    return source_key, replica_key


BOTH = (("kms:Decrypt", "source"), ("kms:GenerateDataKey", "replica"))


@story
async def test_what_keys_of_s3_protect_is_shared_and_what_a_replica_says_is_so(world: World) -> None:
    await two_buckets(world)
    await put(world, "a", BIG)
    await deliver(world, REPLICATION)
    contents = await rows(world, "SELECT content FROM object_versions WHERE key = ?", b"a")
    assert len(contents) == 2
    assert len(set(contents)) == 1
    assert (await s3(world, "HeadObject", Bucket="copies", Key="a"))["ServerSideEncryption"] == "AES256"
    assert await content(world, "copies", "a") == BIG


@story
async def test_what_is_not_encrypted_gets_the_destination_s_default(world: World) -> None:
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    await two_buckets(world)
    await put(world, "plain", BIG)
    await deliver(world, REPLICATION)
    assert "ServerSideEncryption" not in await s3(world, "HeadObject", Bucket="copies", Key="plain")
    await default_encryption(world, "copies", "AES256")
    await put(world, "sealed", b"a small secret")
    await deliver(world, REPLICATION)
    assert (await s3(world, "HeadObject", Bucket="copies", Key="sealed"))["ServerSideEncryption"] == "AES256"
    assert await content(world, "copies", "sealed") == b"a small secret"


@story
async def test_what_kms_protects_is_written_anew_under_the_rule_s_key(world: World) -> None:
    source_key, replica_key = await kms_buckets(world, *BOTH)
    await put(world, "a", BIG, **kms(source_key))
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "COMPLETED"
    replica = await s3(world, "HeadObject", Bucket="copies", Key="a")
    assert (replica["ServerSideEncryption"], replica["SSEKMSKeyId"]) == ("aws:kms", replica_key)
    assert await content(world, "copies", "a") == BIG
    assert BIG[:100] not in await stored(world)


@story
async def test_a_role_that_may_not_open_the_source_s_key_or_use_the_replica_s_fails(world: World) -> None:
    source_key, _ = await kms_buckets(world, BOTH[0])
    await put(world, "a", b"1", **kms(source_key))
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "FAILED"
    role = await world.directory.role(PRODUCTION, "replicator")
    assert role is not None
    may = policy(statement("Allow", "kms:GenerateDataKey", "*"), statement("Deny", "kms:Decrypt", source_key))
    await world._insert("inline_policies", entity_id=role.id, name="other", document=json.dumps(may))
    await put(world, "b", b"1", **kms(source_key))
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "b") == "FAILED"
    assert await rows(world, "SELECT 1 FROM object_versions WHERE replication_status = 'REPLICA'") == []


@story
async def test_nothing_written_for_a_replica_that_was_not_made_is_left(world: World) -> None:
    source_key, _ = await kms_buckets(world, *BOTH)
    version = await put(world, "a", BIG, **kms(source_key))
    taken = world.system.objects.write

    async def gone_meanwhile(work: Any) -> Any:
        world.system.objects.write = taken  # type: ignore[method-assign]
        await s3(world, "DeleteObject", Bucket="photos", Key="a", VersionId=version)
        return await taken(work)

    world.system.objects.write = gone_meanwhile  # type: ignore[method-assign]
    await deliver(world, REPLICATION)
    named = {one async for batch in world.store.contents.found(0) for one in batch}
    waiting = {name for (name,) in await rows(world, "SELECT content FROM unnamed_contents")}
    assert named == waiting  # the source's own, for the sweeper
    assert await owed(world, "replication") == []


@story
async def test_kms_is_asked_in_the_role_s_name_by_s3_of_the_region(world: World) -> None:
    by_way = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    own = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "kms:*", "Resource": "*"}
    source_key, _ = await kms_buckets(world, *BOTH)
    for service, expected in (("s3.eu-west-1.amazonaws.com", "FAILED"), ("s3.us-east-1.amazonaws.com", "COMPLETED")):
        by_way["StringEquals"]["kms:ViaService"] = service
        elsewhere = {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}
        elsewhere["Condition"] = {"StringNotEquals": by_way["StringEquals"]}  # type: ignore[assignment]
        await world.call(PRODUCTION, "kms", "PutKeyPolicy", KeyId=source_key, Policy=json.dumps(policy(own, elsewhere)))
        await put(world, service, b"1", **kms(source_key))
        await deliver(world, REPLICATION)
        assert await status(world, "photos", service) == expected


@story
async def test_a_rule_without_a_key_leaves_what_kms_protects_alone(world: World) -> None:
    await two_buckets(world)
    await put(world, "a", b"1", **kms(await a_kms_key(world)))
    assert await status(world, "photos", "a") is None
    assert await owed(world, "replication") == []


@story
async def test_what_a_customer_s_key_protects_is_not_replicated(world: World) -> None:
    await two_buckets(world)
    await put(world, "a", b"1", **customer())
    answer = await s3(world, "HeadObject", Bucket="photos", Key="a", **customer())
    assert "ReplicationStatus" not in answer
    assert await owed(world, "replication") == []


# Reports and logs


@story
async def test_a_report_says_how_each_object_is_encrypted(world: World) -> None:
    await ready(world, "EncryptionStatus", "BucketKeyStatus")
    key = await a_kms_key(world)
    await put_all(world, key)
    await turn(world)
    assert [(row["Key"], row["EncryptionStatus"], row["BucketKeyStatus"]) for row in await report(world)] == [
        ("customer", "SSE-C", "DISABLED"),
        ("kms", "SSE-KMS", "DISABLED"),
        ("kms-bucket-key", "SSE-KMS", "ENABLED"),
        ("none", "NOT-SSE", "DISABLED"),
        ("s3", "SSE-S3", "DISABLED"),
    ]


async def put_all(world: World, key: str) -> None:
    """One object of each kind."""
    asked: dict[str, dict[str, Any]] = {
        "customer": customer(), "kms": kms(key), "kms-bucket-key": kms(key, BucketKeyEnabled=True), "s3": {},
    }  # fmt: skip
    for name, more in asked.items():
        await s3(world, "PutObject", Bucket="photos", Key=name, body=b"1", **more)
    await world.sql("INSERT INTO settings (name, value) VALUES ('default_encryption', '\"none\"')")
    await s3(world, "PutObject", Bucket="photos", Key="none", body=b"1")


@story
async def test_a_report_is_encrypted_as_it_is_to_be_if_the_key_s_policy_lets_s3(world: World) -> None:
    service = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:GenerateDataKey",
               "Resource": "*", "Condition": {"StringEquals": {"aws:SourceAccount": PRODUCTION}}}  # fmt: skip
    closed, opened = await a_kms_key(world), await a_kms_key(world, PRODUCTION, service)
    for key, expected in ((closed, 0), (opened, 4)):
        name = key.rpartition("/")[2]
        if not expected:
            await ready(world, name=name, destination={"Encryption": {"SSEKMS": {"KeyId": key}}})
        else:
            value = configuration(name=name, destination={"Encryption": {"SSEKMS": {"KeyId": key}}})
            await s3(world, "PutBucketInventoryConfiguration", Bucket="photos", Id=name, InventoryConfiguration=value)
        await turn(world)
        listed = (await s3(world, "ListObjectsV2", Bucket="lists")).get("Contents", ())
        assert len(listed) == expected
    answer = await s3(world, "HeadObject", Bucket="lists", Key=listed[0]["Key"])
    assert answer["SSEKMSKeyId"] == opened


@story
async def test_logs_do_not_go_where_a_key_of_kms_is_the_default(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "logs", policy=json.loads(log_policy()))
    await default_encryption(world, "logs", "aws:kms")
    assert (await refused(world))[0] == "InvalidTargetBucketForLogging"
    await default_encryption(world, "logs", "AES256")
    await log(world)
    await note(world, "one")
    world.now += 300
    await deliver(world, ACCESS_LOGS)
    (found,) = (await s3(world, "ListObjectsV2", Bucket="logs"))["Contents"]
    assert (await s3(world, "HeadObject", Bucket="logs", Key=found["Key"]))["ServerSideEncryption"] == "AES256"
