"""Passes over buckets: when one is made, what it costs, and that stopping half-way does no harm."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lifecycle_builders import DAY, EXPIRE, configure, keys, later, put, versions
from object_builders import bucket, rows, s3

from builders import START, World, story
from isthmus.s3 import lifecycle
from isthmus.s3.lifecycle import run_lifecycle
from isthmus.store import StoreError


@story
async def test_a_day_of_ten_seconds_makes_everything_sooner(world: World) -> None:
    await world.sql("INSERT INTO settings (name, value) VALUES ('lifecycle_day_seconds', '10')")
    await bucket(world, "logs")
    await put(world, "logs", "a")
    await configure(world, "logs", EXPIRE)
    world.now += 9
    await run_lifecycle(world.system)
    assert await keys(world, "logs") == ["a"]
    world.now += 11
    await run_lifecycle(world.system)
    assert await keys(world, "logs") == []


@story
async def test_a_pass_is_done_once_a_day_and_again_when_the_rules_change(world: World) -> None:
    await bucket(world, "logs")
    await put(world, "logs", "a")
    await configure(world, "logs", {"Expiration": {"Days": 5}})
    await later(world, 3)
    before = world.store.objects.generation()
    await run_lifecycle(world.system)
    await world.sql("UPDATE accounts SET name = 'renamed' WHERE name = 'analytics'")
    await run_lifecycle(world.system)
    assert world.store.objects.generation() == before
    await configure(world, "logs", EXPIRE)
    await run_lifecycle(world.system)
    assert await keys(world, "logs") == []


@story
async def test_rules_that_are_removed_under_way_stop_the_pass(world: World, monkeypatch: Any = None) -> None:
    await bucket(world, "logs")
    for number in range(6):
        await put(world, "logs", f"{number}")
    await configure(world, "logs", EXPIRE)
    world.now += 3 * DAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "_BATCH", 2)
        await _interrupt(world, patch, 2, lambda: world.sql("DELETE FROM bucket_configurations"))
        await run_lifecycle(world.system)
    assert 0 < len(await keys(world, "logs")) < 6


async def _interrupt(world: World, patch: pytest.MonkeyPatch, after: int, do: Callable[[], Awaitable[None]]) -> None:
    """Do something when the objects database is written for the so-manieth time."""
    write, count = world.store.objects.write, iter(range(1, 1000))

    async def counted(work: Any) -> Any:
        if next(count) == after:
            await do()
        return await write(work)

    patch.setattr(world.store.objects, "write", counted)


async def _stop() -> None:
    raise StoreError("the disk is full")


@pytest.mark.parametrize("after", range(1, 14))
def test_a_pass_stopped_at_any_write_is_finished_by_the_next(after: int, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "photos", versioning="Enabled")
        kept = []
        for key in ("a", "b", "c/1", "c/2", "d"):
            await put(world, "photos", key)
            kept.append(await put(world, "photos", key))
            await s3(world, "CreateMultipartUpload", Bucket="photos", Key=key)
        await configure(
            world,
            "photos",
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Filter": {"Prefix": ""}},
            {**EXPIRE, "Filter": {"Prefix": "c/"}},
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        )
        world.now += 3 * DAY
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lifecycle, "_BATCH", 2)
            patch.setattr(lifecycle, "_DOOMED", 1)
            with pytest.MonkeyPatch.context() as broken:
                await _interrupt(world, broken, after, _stop)
                with pytest.raises(StoreError):
                    await run_lifecycle(world.system)
            await run_lifecycle(world.system)
        a, b, c1, c2, d = kept
        expected = [f"a:{a}", f"b:{b}", "c/1:marker", f"c/1:{c1}", "c/2:marker", f"c/2:{c2}", f"d:{d}"]
        assert await versions(world, "photos") == expected
        assert await rows(world, "SELECT id FROM uploads") == []

    run(tmp_path)


@story
async def test_a_large_bucket_is_read_and_written_a_little_at_a_time(world: World) -> None:
    number = await bucket(world, "many", versioning="Enabled")

    async def fill(tx: Any) -> None:
        for index in range(3000):
            for sequence in (1, 2):
                await tx.execute(
                    "INSERT INTO object_versions (bucket_id, key, sequence, version_id, is_current, is_delete_marker,"
                    " size, etag, modified, owner, storage_class, metadata, noncurrent_since, inline_bytes)"
                    " VALUES (?, ?, ?, ?, ?, 0, 1, 'e', ?, '111122223333', 'STANDARD', '{}', ?, X'00')",
                    number, b"%06d" % index, sequence, f"v{sequence}", sequence - 1, START,
                    START if sequence == 1 else None,
                )  # fmt: skip

    await world.store.objects.write(fill)
    await configure(
        world, "many", {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, {**EXPIRE, "Filter": {"Prefix": "0029"}}
    )
    read: list[int] = []
    deleted: list[int] = []
    fetch_all, write = world.store.objects.fetch_all, world.store.objects.write

    async def counted_read(sql: str, *values: Any) -> list[Any]:
        found = await fetch_all(sql, *values)
        read.append(len(found))
        return found

    async def counted_write(work: Any) -> Any:
        before = (await world.store.objects.fetch_one("SELECT COUNT(*) FROM object_versions")) or (0,)
        result = await write(work)
        after = (await world.store.objects.fetch_one("SELECT COUNT(*) FROM object_versions")) or (0,)
        deleted.append(abs(before[0] - after[0]))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "_REST", 0.0)
        patch.setattr(world.store.objects, "fetch_all", counted_read)
        patch.setattr(world.store.objects, "write", counted_write)
        await later(world, 2)
    assert max(read) <= 256
    assert max(deleted) <= 50
    assert len(await versions(world, "many")) == 3000 + 100
    assert len(await keys(world, "many")) == 1000


@story
async def test_each_phase_reads_through_an_index(world: World) -> None:
    found = []
    fetch_all = world.store.objects.fetch_all

    async def explained(sql: str, *values: Any) -> list[Any]:
        if "lifecycle_passes" not in sql:
            found.append(" | ".join(row[3] for row in await fetch_all(f"EXPLAIN QUERY PLAN {sql}", *values)))
        return await fetch_all(sql, *values)

    await bucket(world, "photos", versioning="Enabled")
    await configure(
        world,
        "photos",
        {
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            **EXPIRE,
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.store.objects, "fetch_all", explained)
        await run_lifecycle(world.system)
    noncurrent, current, uploads = found
    assert "COVERING INDEX noncurrent_versions (bucket_id=? AND (key,sequence)>(?,?))" in noncurrent
    assert "INDEX current_objects (bucket_id=? AND key>?" in current
    assert "INDEX uploads_by_key (bucket_id=? AND key>?" in uploads
    assert "TEMP B-TREE FOR ORDER BY" not in noncurrent + current


@story
async def test_a_deleted_bucket_takes_its_pass_with_it(world: World) -> None:
    await bucket(world, "logs")
    await configure(world, "logs", EXPIRE)
    await run_lifecycle(world.system)
    assert len(await rows(world, "SELECT phase FROM lifecycle_passes")) == 1
    await s3(world, "DeleteBucket", Bucket="logs")
    await run_lifecycle(world.system)
    assert await rows(world, "SELECT phase FROM lifecycle_passes") == []


@story
async def test_a_bucket_with_mfa_delete_is_left_alone(world: World) -> None:
    number = await bucket(world, "safe", versioning="Enabled", mfa_delete="Enabled")
    await put(world, "safe", "a")
    document = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {}, **EXPIRE}]}
    await world.sql(
        "INSERT INTO bucket_configurations (bucket_id, kind, document) VALUES (?, 'lifecycle', ?)",
        number,
        json.dumps(document),
    )
    await later(world, 9)
    assert await keys(world, "safe") == ["a"]
