"""Buckets with lifecycle rules, what is left in them, and a clock that is moved."""

from __future__ import annotations

from typing import Any

from object_builders import rows, s3

from builders import START, World
from isthmus.s3.lifecycle import run_lifecycle

DAY = 86400.0
MIDNIGHT = START - START % DAY  # the one before the world begins, at 8 o'clock
EXPIRE = {"Expiration": {"Days": 1}}


async def configure(world: World, name: str, *rules: dict[str, Any]) -> None:
    given = [{"ID": f"r{number}", "Status": "Enabled", "Filter": {}, **rule} for number, rule in enumerate(rules)]
    await s3(world, "PutBucketLifecycleConfiguration", Bucket=name, LifecycleConfiguration={"Rules": given})


async def put(world: World, name: str, key: str, body: bytes = b"x", **more: Any) -> str:
    return (await s3(world, "PutObject", Bucket=name, Key=key, body=body, **more)).get("VersionId", "null")


async def keys(world: World, name: str) -> list[str]:
    listed = await s3(world, "ListObjectsV2", Bucket=name)
    return [entry["Key"] for entry in listed.get("Contents", [])]


async def versions(world: World, name: str) -> list[str]:
    """What is there: `key:v` for a version, `key:marker` for a delete marker, the newest of a key first."""
    found = await rows(
        world,
        "SELECT key, version_id, is_delete_marker FROM object_versions WHERE bucket_id = ? ORDER BY key, sequence DESC",
        (await rows_of_bucket(world, name)),
    )
    return [f"{key.decode()}:{'marker' if marker else version}" for key, version, marker in found]


async def rows_of_bucket(world: World, name: str) -> int:
    found = await world.directory.bucket(name)
    assert found is not None
    return found.id


async def later(world: World, days: float) -> None:
    """So many midnights later, and everything that is due by then done."""
    world.now = MIDNIGHT + days * DAY + 60
    await run_lifecycle(world.system)
