"""Who decides about replication between buckets of one account and of two: role, policies and the owner."""

from __future__ import annotations

import json
from typing import Any

from delivery_builders import (
    deliver,
)
from object_builders import bucket, refusal, rows, s3
from replication_builders import (
    READS,
    SERVICE,
    WRITES,
    keys,
    markers,
    number,
    open_to_replication,
    put,
    replicate,
    replicator,
    rule,
    status,
    two_buckets,
)

from builders import ANALYTICS, PRODUCTION, World, policy, statement, story, trusts
from isthmus.s3.deliveries.replication import REPLICATION

# Who decides


async def failing(world: World, **settings: Any) -> tuple[str | None, list[str]]:
    """The status of a version with tags, and what the destination holds, with a role of these settings."""
    await bucket(world, "photos", versioning="Enabled")
    await bucket(world, "copies", versioning="Enabled")
    await replicator(world, **settings)
    await replicate(world, markers(ID="marked"))
    await put(world, "a", Tagging="t=1")
    await deliver(world, REPLICATION)
    return await status(world, "photos", "a"), await keys(world, "copies")


@story
async def test_a_role_with_every_permission_replicates(world: World) -> None:
    assert await failing(world) == ("COMPLETED", ["a"])


@story
async def test_a_role_that_does_not_trust_s3_replicates_nothing(world: World) -> None:
    trust = trusts({"Service": "lambda.amazonaws.com"})
    assert await failing(world, trust=trust) == ("FAILED", [])


@story
async def test_a_role_that_trusts_s3_for_another_bucket_or_account_replicates_nothing(world: World) -> None:
    trust = trusts(SERVICE, Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::other"}})
    assert await failing(world, trust=trust) == ("FAILED", [])


@story
async def test_a_role_that_trusts_s3_for_this_bucket_and_account_replicates(world: World) -> None:
    condition = {
        "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::photos"},
        "StringEquals": {"aws:SourceAccount": PRODUCTION},
    }
    assert await failing(world, trust=trusts(SERVICE, Condition=condition)) == ("COMPLETED", ["a"])


@story
async def test_a_role_that_may_not_read_versions_replicates_nothing(world: World) -> None:
    assert await failing(world, reads=["s3:GetObjectVersion", "s3:GetObject", *READS[1:]]) == ("FAILED", [])


@story
async def test_a_role_that_may_not_read_acls_replicates_nothing(world: World) -> None:
    assert await failing(world, reads=[READS[0], READS[2]]) == ("FAILED", [])


@story
async def test_a_role_that_may_not_read_tags_does_not_replicate_what_has_some(world: World) -> None:
    assert await failing(world, reads=READS[:2]) == ("FAILED", [])
    await put(world, "untagged")
    await deliver(world, REPLICATION)
    assert await keys(world, "copies") == ["untagged"]


@story
async def test_a_role_that_may_not_replicate_objects_replicates_nothing(world: World) -> None:
    assert await failing(world, writes=["s3:PutObject", *WRITES[1:]]) == ("FAILED", [])


@story
async def test_a_role_that_may_not_replicate_tags_does_not_replicate_what_has_some(world: World) -> None:
    assert await failing(world, writes=["s3:ReplicateObject"]) == ("FAILED", [])
    await put(world, "untagged")
    await s3(world, "DeleteObject", Bucket="photos", Key="untagged")
    await deliver(world, REPLICATION, 2)
    assert await keys(world, "copies") == ["untagged"]  # and not the delete marker: that is s3:ReplicateDelete


@story
async def test_a_destination_s_explicit_deny_fails_the_version(world: World) -> None:
    await two_buckets(world)
    denied = {**statement("Deny", "s3:ReplicateObject", "arn:aws:s3:::copies/*"), "Principal": "*"}
    await s3(world, "PutBucketPolicy", Bucket="copies", Policy=json.dumps(policy(denied)))
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "FAILED"


# Two accounts


@story
async def test_another_account_s_bucket_takes_replicas_only_if_its_policy_lets_the_role_in(world: World) -> None:
    await two_buckets(world, account=ANALYTICS)
    await put(world, "refused")
    await deliver(world, REPLICATION)
    await open_to_replication(world)
    await put(world, "taken")
    await deliver(world, REPLICATION)
    assert (await status(world, "photos", "refused"), await status(world, "photos", "taken")) == ("FAILED", "COMPLETED")
    assert await keys(world, "copies") == ["taken"]


@story
async def test_the_destination_s_policy_is_not_enough_without_the_role_s_own(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await bucket(world, "copies", ANALYTICS, versioning="Enabled")
    await replicator(world, writes=["s3:ReplicateTags"])
    await open_to_replication(world)
    await replicate(world)
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "FAILED"


@story
async def test_a_replica_belongs_to_the_source_s_owner_unless_the_rule_overrides_that(world: World) -> None:
    theirs = {"Bucket": "arn:aws:s3:::copies", "Account": ANALYTICS}
    override = {**theirs, "AccessControlTranslation": {"Owner": "Destination"}}
    await two_buckets(
        world, rule(), rule(ID="theirs", Priority=2, Filter={"Prefix": "x"}, Destination=override),
        account=ANALYTICS, ownership="ObjectWriter",
    )  # fmt: skip
    await open_to_replication(world)
    await put(world, "x")
    await put(world, "y")
    await deliver(world, REPLICATION)
    owners = dict(
        await rows(world, "SELECT key, owner FROM object_versions WHERE bucket_id = ?", await number(world, "copies"))
    )
    assert owners == {b"x": ANALYTICS, b"y": PRODUCTION}
    assert (await s3(world, "GetObject", who=ANALYTICS, Bucket="copies", Key="x"))["ContentLength"] == 4
    assert (await refusal(world, "GetObject", who=ANALYTICS, Bucket="copies", Key="y")).status == 403


@story
async def test_overriding_the_owner_needs_a_permission_of_its_own(world: World) -> None:
    override = {
        "Bucket": "arn:aws:s3:::copies",
        "Account": ANALYTICS,
        "AccessControlTranslation": {"Owner": "Destination"},
    }
    await two_buckets(world, rule(Destination=override), account=ANALYTICS, ownership="ObjectWriter")
    await open_to_replication(world, "s3:ReplicateObject")
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "a") == "FAILED"
    await open_to_replication(world, "s3:ReplicateObject", "s3:ObjectOwnerOverrideToBucketOwner")
    await put(world, "b")
    await deliver(world, REPLICATION)
    assert await status(world, "photos", "b") == "COMPLETED"


@story
async def test_a_bucket_without_acls_owns_its_replicas_with_no_override(world: World) -> None:
    await two_buckets(world, account=ANALYTICS)
    await open_to_replication(world, "s3:ReplicateObject")
    await put(world, "a")
    await deliver(world, REPLICATION)
    assert (await rows(world, "SELECT owner FROM object_versions WHERE replication_status = 'REPLICA'")) == [
        (ANALYTICS,)
    ]
