"""Buckets that replicate to each other, and the role that S3 does it with."""

from __future__ import annotations

import json
from typing import Any

from object_builders import bucket, rows, s3

from builders import ANALYTICS, PRODUCTION, World, policy, statement, trusts

ROLE = f"arn:aws:iam::{PRODUCTION}:role/replicator"
SERVICE = {"Service": "s3.amazonaws.com"}
READS = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
         "s3:GetObjectRetention", "s3:GetObjectLegalHold"]  # fmt: skip
WRITES = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner"]
LOCKED = {"versioning": "Enabled", "object_lock": 1}


def rule(destination: str = "copies", **more: Any) -> dict[str, Any]:
    """A rule of the newer form for all keys."""
    return {
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{destination}"}, **more,
    }  # fmt: skip


def markers(**more: Any) -> dict[str, Any]:
    """A rule that replicates delete markers too."""
    return rule(**{"DeleteMarkerReplication": {"Status": "Enabled"}, **more})


async def replicator(
    world: World, reads: list[str] | None = None, writes: list[str] | None = None, trust: Any = None
) -> None:
    """The role, allowed what a replication role is allowed."""
    allowed = policy(
        statement("Allow", READS if reads is None else reads, "arn:aws:s3:::photos/*"),
        statement("Allow", WRITES if writes is None else writes, "arn:aws:s3:::*/*"),
    )
    await world.role(PRODUCTION, "replicator", allowed, trust=trust or trusts(SERVICE))


async def replicate(world: World, *rules: dict[str, Any], who: Any = PRODUCTION, name: str = "photos") -> None:
    given = {"Role": ROLE, "Rules": list(rules) or [rule()]}
    await s3(world, "PutBucketReplication", who=who, Bucket=name, ReplicationConfiguration=given)


async def two_buckets(world: World, *rules: dict[str, Any], account: str = PRODUCTION, **columns: Any) -> None:
    """`photos`, replicated to `copies`."""
    await bucket(world, "photos", **{"versioning": "Enabled", **columns})
    await bucket(world, "copies", account, **{"versioning": "Enabled", **columns})
    await replicator(world)
    await replicate(world, *rules)


async def open_to_replication(world: World, *actions: str, name: str = "copies") -> None:
    """The destination's policy lets the role in."""
    allowed = {**statement("Allow", list(actions or WRITES), f"arn:aws:s3:::{name}/*"), "Principal": {"AWS": ROLE}}
    await s3(world, "PutBucketPolicy", who=ANALYTICS, Bucket=name, Policy=json.dumps(policy(allowed)))


async def put(world: World, key: str, body: bytes = b"four", **more: Any) -> str:
    return str((await s3(world, "PutObject", Bucket="photos", Key=key, body=body, **more))["VersionId"])


async def status(world: World, name: str, key: str, version: str | None = None, who: Any = PRODUCTION) -> str | None:
    more = {"VersionId": version} if version else {}
    answer = await s3(world, "HeadObject", who=who, Bucket=name, Key=key, **more)
    return answer.get("ReplicationStatus")


async def keys(world: World, name: str) -> list[str]:
    found = await rows(
        world, "SELECT key FROM object_versions WHERE bucket_id = ? ORDER BY key, sequence", await number(world, name)
    )
    return [key.decode() for (key,) in found]


async def number(world: World, name: str) -> int:
    found = await world.directory.bucket(name)
    assert found is not None
    return found.id
