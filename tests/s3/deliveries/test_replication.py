"""Replication between buckets: what a replica is, what is replicated and what is not, and its events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from delivery_builders import (
    QUEUE,
    configure,
    deliver,
    names,
    open_targets,
    owed,
    queue,
    records,
    target,
    upload_in_parts,
)
from object_builders import bucket, content, refusal, rows, s3
from replication_builders import (
    LOCKED,
    READS,
    keys,
    markers,
    number,
    put,
    replicate,
    replicator,
    rule,
    status,
    two_buckets,
)

from builders import PRODUCTION, START, World, policy, statement, story
from isthmus.s3.deliveries.notifications import NOTIFICATIONS
from isthmus.s3.deliveries.replication import REPLICATION

# What a replica is


@story
async def test_a_version_is_pending_then_completed_and_its_replica_says_what_it_is(world: World) -> None:
    await two_buckets(world)
    version = await put(
        world, "a", ContentType="text/plain", Metadata={"k": "v"}, Tagging="t=1", StorageClass="STANDARD_IA"
    )
    assert await status(world, "photos", "a") == "PENDING"
    assert (await refusal(world, "HeadObject", Bucket="copies", Key="a")).status == 404
    world.now += 60
    await deliver(world, REPLICATION)
    source = await s3(world, "GetObject", Bucket="photos", Key="a")
    replica = await s3(world, "GetObject", Bucket="copies", Key="a", VersionId=version)
    assert (source.pop("ReplicationStatus"), replica.pop("ReplicationStatus")) == ("COMPLETED", "REPLICA")
    assert replica == source
    tags = await s3(world, "GetObjectTagging", Bucket="copies", Key="a")
    assert tags["TagSet"] == [{"Key": "t", "Value": "1"}]


@story
async def test_the_bytes_of_a_replica_are_those_of_its_source_and_shared_with_it(world: World) -> None:
    await two_buckets(world)
    large = bytes(range(256)) * 400
    await put(world, "large", large)
    await upload_in_parts(world, "photos", "parts")
    await deliver(world, REPLICATION)
    assert await content(world, "copies", "large") == large
    assert await content(world, "copies", "parts") == b"part"
    contents = await rows(world, "SELECT content FROM object_versions WHERE key = ?", b"large")
    assert len(contents) == 2
    assert len(set(contents)) == 1
    version = (await s3(world, "HeadObject", Bucket="photos", Key="large"))["VersionId"]
    await s3(world, "DeleteObject", Bucket="photos", Key="large", VersionId=version)
    assert await content(world, "copies", "large") == large


@story
async def test_locks_are_replicated_to_a_bucket_that_has_them(world: World) -> None:
    await two_buckets(world, **LOCKED)
    until = datetime.fromtimestamp(START + 1000, UTC)
    await put(world, "a", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
    await deliver(world, REPLICATION)
    replica = await s3(world, "HeadObject", Bucket="copies", Key="a")
    assert replica["ObjectLockMode"] == "COMPLIANCE"
    assert replica["ObjectLockRetainUntilDate"] == until
    assert replica["ObjectLockLegalHoldStatus"] == "ON"


@story
async def test_a_locked_version_fails_where_the_destination_has_no_locks(world: World) -> None:
    await bucket(world, "photos", **LOCKED)
    await bucket(world, "copies", versioning="Enabled")
    await replicator(world)
    await replicate(world)
    await put(world, "locked", ObjectLockLegalHoldStatus="ON")
    await put(world, "free")
    await deliver(world, REPLICATION, 2)
    assert (await status(world, "photos", "locked"), await status(world, "photos", "free")) == ("FAILED", "COMPLETED")
    assert await keys(world, "copies") == ["free"]


@story
async def test_the_rule_s_storage_class_is_the_replica_s(world: World) -> None:
    await two_buckets(world, rule(Destination={"Bucket": "arn:aws:s3:::copies", "StorageClass": "GLACIER_IR"}))
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert (await s3(world, "HeadObject", Bucket="copies", Key="a"))["StorageClass"] == "GLACIER_IR"
    assert "StorageClass" not in await s3(world, "HeadObject", Bucket="photos", Key="a")


@story
async def test_replicas_of_one_key_come_in_order_and_the_newest_is_current(world: World) -> None:
    await two_buckets(world)
    versions = []
    for number_of_second in range(3):
        world.now += 1
        versions.append(await put(world, "a", str(number_of_second).encode()))
    await deliver(world, REPLICATION, 3)
    listed = await s3(world, "ListObjectVersions", Bucket="copies")
    assert [one["VersionId"] for one in listed["Versions"]] == versions[::-1]
    assert await content(world, "copies", "a") == b"2"


@story
async def test_a_replica_takes_its_place_behind_versions_that_are_newer(world: World) -> None:
    await two_buckets(world)
    await s3(world, "PutObject", Bucket="copies", Key="a", body=b"oldest")
    world.now += 1
    await put(world, "a", b"replica")
    world.now += 1
    await s3(world, "PutObject", Bucket="copies", Key="a", body=b"newer")
    world.now += 1
    await s3(world, "PutObject", Bucket="copies", Key="a", body=b"newest")
    await deliver(world, REPLICATION)
    listed = (await s3(world, "ListObjectVersions", Bucket="copies"))["Versions"]
    bodies = [await content(world, "copies", "a", VersionId=one["VersionId"]) for one in listed]
    assert bodies == [b"newest", b"newer", b"replica", b"oldest"]
    assert [one["IsLatest"] for one in listed] == [True, False, False, False]
    assert await content(world, "copies", "a") == b"newest"
    # Lifecycle rules count the days of a noncurrent version from when it became one.
    since = await rows(world, "SELECT noncurrent_since FROM object_versions WHERE bucket_id = ? ORDER BY sequence DESC",
                       await number(world, "copies"))  # fmt: skip
    assert since == [(None,), (world.now,), (world.now,), (START + 2,)]


# What is replicated


@story
async def test_only_what_a_rule_selects_is_replicated(world: World) -> None:
    tagged = {"And": {"Prefix": "in/", "Tags": [{"Key": "keep", "Value": "yes"}]}}
    await two_buckets(world, rule(Filter=tagged))
    await put(world, "in/a", Tagging="keep=yes&more=1")
    await put(world, "in/b", Tagging="keep=no")
    await put(world, "out/c", Tagging="keep=yes")
    await deliver(world, REPLICATION)
    assert await keys(world, "copies") == ["in/a"]
    assert await status(world, "photos", "in/b") is None


@story
async def test_a_disabled_rule_and_a_version_from_before_the_rule_replicate_nothing(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await bucket(world, "copies", versioning="Enabled")
    await replicator(world)
    await put(world, "before")
    await replicate(world, rule(Status="Disabled"))
    await put(world, "while disabled")
    await replicate(world)
    await s3(world, "PutObjectTagging", Bucket="photos", Key="before", Tagging={"TagSet": []})
    assert await owed(world, "replication") == []
    await put(world, "after")
    await deliver(world, REPLICATION)
    assert await keys(world, "copies") == ["after"]


@story
async def test_of_two_rules_for_one_destination_the_higher_priority_counts(world: World) -> None:
    archive = {"Bucket": "arn:aws:s3:::copies", "StorageClass": "ONEZONE_IA"}
    await two_buckets(world, rule(), rule(ID="special", Priority=2, Filter={"Prefix": "x"}, Destination=archive))
    await put(world, "x")
    await put(world, "y")
    await deliver(world, REPLICATION)
    assert (await s3(world, "HeadObject", Bucket="copies", Key="x"))["StorageClass"] == "ONEZONE_IA"
    assert "StorageClass" not in await s3(world, "HeadObject", Bucket="copies", Key="y")


@story
async def test_a_version_with_two_destinations_is_completed_when_both_have_it(world: World) -> None:
    await bucket(world, "more", versioning="Enabled")
    await two_buckets(world, rule(), rule("more", ID="second", Priority=2))
    await put(world, "a")
    (first, _) = await rows(world, "SELECT id FROM outbox_lanes ORDER BY id")

    async def later(tx: Any) -> None:
        await tx.execute("UPDATE outbox_lanes SET due = due + 10 WHERE id = ?", first[0])

    await world.store.objects.write(later)
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "PENDING"
    world.now += 10
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "COMPLETED"
    assert await keys(world, "copies") == await keys(world, "more") == ["a"]


@story
async def test_a_version_with_two_destinations_has_failed_if_one_has(world: World) -> None:
    await bucket(world, "more", versioning="Enabled")
    await two_buckets(world, rule(), rule("more", ID="second", Priority=2))
    await world.sql("UPDATE buckets SET versioning = 'Suspended' WHERE name = 'copies'")
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "FAILED"
    assert (await keys(world, "copies"), await keys(world, "more")) == ([], ["a"])


@story
async def test_delete_markers_are_replicated_where_the_rule_says_so(world: World) -> None:
    await bucket(world, "unmarked", versioning="Enabled")
    await two_buckets(world, markers(), rule("unmarked", ID="second", Priority=2))
    await put(world, "a")
    marker = (await s3(world, "DeleteObject", Bucket="photos", Key="a"))["VersionId"]
    await deliver(world, REPLICATION, 2)
    assert (await refusal(world, "GetObject", Bucket="copies", Key="a")).code == "NoSuchKey"
    (found,) = (await s3(world, "ListObjectVersions", Bucket="copies"))["DeleteMarkers"]
    assert found["VersionId"] == marker
    assert await content(world, "unmarked", "a") == b"four"


@story
async def test_deleting_a_version_for_good_is_not_replicated(world: World) -> None:
    await two_buckets(world, markers())
    version = await put(world, "a")
    await deliver(world, REPLICATION)
    await s3(world, "DeleteObject", Bucket="photos", Key="a", VersionId=version)
    await deliver(world, REPLICATION)
    assert await content(world, "copies", "a", VersionId=version) == b"four"


@story
async def test_a_version_that_was_deleted_before_its_turn_is_not_replicated(world: World) -> None:
    await two_buckets(world)
    version = await put(world, "a")
    await s3(world, "DeleteObject", Bucket="photos", Key="a", VersionId=version)
    await deliver(world, REPLICATION)
    assert await keys(world, "copies") == await owed(world, "replication") == []


@story
async def test_a_rule_of_the_older_form_replicates_delete_markers(world: World) -> None:
    older = {"ID": "all", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::copies"}}
    await two_buckets(world, older)
    await put(world, "a")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await deliver(world, REPLICATION, 2)
    assert len((await s3(world, "ListObjectVersions", Bucket="copies"))["DeleteMarkers"]) == 1


@story
async def test_changes_to_tags_acls_and_locks_follow(world: World) -> None:
    await two_buckets(world, ownership="ObjectWriter", **LOCKED)
    await put(world, "a")
    await deliver(world, REPLICATION)
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    await s3(world, "PutObjectTagging", Bucket="photos", Key="a", Tagging=tags)
    await s3(world, "PutObjectAcl", Bucket="photos", Key="a", ACL="authenticated-read")
    await s3(world, "PutObjectLegalHold", Bucket="photos", Key="a", LegalHold={"Status": "ON"})
    assert await status(world, "photos", "a") == "PENDING"
    await deliver(world, REPLICATION, 3)
    assert await status(world, "photos", "a") == "COMPLETED"
    assert await status(world, "copies", "a") == "REPLICA"
    assert (await s3(world, "GetObjectTagging", Bucket="copies", Key="a"))["TagSet"] == tags["TagSet"]
    assert len((await s3(world, "GetObjectAcl", Bucket="copies", Key="a"))["Grants"]) == 2
    assert (await s3(world, "GetObjectLegalHold", Bucket="copies", Key="a"))["LegalHold"]["Status"] == "ON"


# No loops


@story
async def test_buckets_that_replicate_to_each_other_do_not_go_on_for_ever(world: World) -> None:
    await two_buckets(world, markers())
    back = policy(statement("Allow", READS, "arn:aws:s3:::copies/*"))
    role = await world.directory.role(PRODUCTION, "replicator")
    assert role is not None
    await world._insert("inline_policies", entity_id=role.id, name="back", document=json.dumps(back))
    await replicate(world, markers(Destination={"Bucket": "arn:aws:s3:::photos"}), name="copies")
    await put(world, "a")
    await s3(world, "PutObject", Bucket="copies", Key="b", body=b"1")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    await deliver(world, REPLICATION, 4)
    assert await owed(world, "replication") == []
    assert await keys(world, "photos") == await keys(world, "copies") == ["a", "a", "b"]
    assert await status(world, "photos", "b") == "REPLICA"


@story
async def test_a_chain_of_buckets_ends_at_the_first_replica(world: World) -> None:
    await bucket(world, "third", versioning="Enabled")
    await two_buckets(world)
    await replicate(world, rule("third"), name="copies")
    await put(world, "a")
    await deliver(world, REPLICATION, 2)
    assert (await keys(world, "copies"), await keys(world, "third")) == (["a"], [])


@story
async def test_changes_to_a_replica_come_back_only_where_the_rule_replicates_them(world: World) -> None:
    await two_buckets(world)
    role = await world.directory.role(PRODUCTION, "replicator")
    assert role is not None
    back = policy(statement("Allow", READS, "arn:aws:s3:::copies/*"))
    await world._insert("inline_policies", entity_id=role.id, name="back", document=json.dumps(back))
    await put(world, "a")
    await deliver(world, REPLICATION)
    there = {"Bucket": "arn:aws:s3:::photos"}
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    for modifications, expected in (("Disabled", []), ("Enabled", tags["TagSet"])):
        criteria = {"ReplicaModifications": {"Status": modifications}}
        await replicate(world, rule(Destination=there, SourceSelectionCriteria=criteria), name="copies")
        await s3(world, "PutObjectTagging", Bucket="copies", Key="a", Tagging=tags)
        await deliver(world, REPLICATION, 3)
        assert (await s3(world, "GetObjectTagging", Bucket="photos", Key="a"))["TagSet"] == expected
    assert await owed(world, "replication") == []


# Events


@story
async def test_a_replica_is_an_event_in_its_bucket_and_a_failure_one_in_the_source_s(world: World) -> None:
    metrics = {"Bucket": "arn:aws:s3:::copies", "Metrics": {"Status": "Enabled"}}
    await two_buckets(world, rule(Destination=metrics))
    await open_targets(world, {QUEUE: target(world).as_uri()})
    await configure(world, "photos", queue("s3:Replication:*"))
    await configure(world, "copies", queue("s3:ObjectCreated:*"))
    await put(world, "a")
    await deliver(world, REPLICATION)
    await world.sql("UPDATE buckets SET versioning = 'Suspended' WHERE name = 'copies'")
    await put(world, "b")
    await deliver(world, REPLICATION)
    await deliver(world, NOTIFICATIONS)
    assert names(target(world)) == [("ObjectCreated:Put", "a"), ("Replication:OperationFailedReplication", "b")]
    created, failed = records(target(world))
    assert created["userIdentity"]["principalId"].startswith("AWS:AROA")
    assert created["userIdentity"]["principalId"].endswith(":s3-replication")
    assert failed["replicationEventData"] == {
        "replicationRuleId": "all",
        "destinationBucket": "arn:aws:s3:::copies",
        "s3Operation": "OBJECT_PUT",
        "requestTime": "2027-01-15T08:00:00.000Z",
        "failureReason": "DstBucketUnversioned",
    }
    assert failed["eventVersion"] == "2.2"


@story
async def test_a_late_replica_is_told_of_under_replication_time_control(world: World) -> None:
    time = {"Status": "Enabled", "Time": {"Minutes": 15}}
    metrics = {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}
    controlled = {"Bucket": "arn:aws:s3:::copies", "ReplicationTime": time, "Metrics": metrics}
    await two_buckets(world, rule(Destination=controlled))
    await open_targets(world, {QUEUE: target(world).as_uri()})
    await configure(world, "photos", queue("s3:Replication:*"))
    for key, wait in (("in time", 0), ("late", 901)):
        await put(world, key)
        world.now += wait
        await deliver(world, REPLICATION)
    await deliver(world, NOTIFICATIONS)
    assert names(target(world)) == [("Replication:OperationReplicatedAfterThreshold", "late")]
