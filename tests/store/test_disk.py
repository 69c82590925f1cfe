"""Contents on disk, and the sweeper."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest
from store_builders import add_bucket, add_content, bytes_of, name_content, run_with_store, stored

from isthmus.store import Store, StoreError, Transaction, open_sqlite, sweep_dropped, sweep_orphans


def files(directory: Path) -> list[Path]:
    return [path for path in (directory / "contents").rglob("*") if path.is_file()]


@pytest.mark.parametrize("sizes", [[], [0], [1], [10] * 2000, [1 << 20, 1], [65536] * 40, [3 << 20, 5 << 20]])
def test_a_content_is_read_as_it_was_written(tmp_path: Path, sizes: list[int]) -> None:
    async def test(store: Store) -> None:
        writer = await store.contents.create()
        pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
        for piece in pieces:
            await writer.write(piece)
        content = await writer.finish()
        whole = b"".join(pieces)
        assert bytes_of(store, content, len(whole) + 1) == whole
        piece = store.contents.read(content, 5, 7)
        assert (piece.offset, piece.length) == (5, 7)

    run_with_store(tmp_path, test)


def test_an_abandoned_content_leaves_no_file(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        for size in (0, 10, 5 << 20):
            writer = await store.contents.create()
            await writer.write(b"x" * size)
            await writer.abandon()
            await writer.abandon()
        assert files(tmp_path) == []

    run_with_store(tmp_path, test)


def test_abandoning_after_finish_keeps_the_content(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        writer = await store.contents.create()
        content = await writer.finish()
        await writer.abandon()
        assert await stored(store) == {content}

    run_with_store(tmp_path, test)


def test_a_finish_that_is_cancelled_and_abandoned_leaves_no_file(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        for wait in (0, 0.0005, 0.002, 0.02):
            writer = await store.contents.create()
            await writer.write(b"x" * (2 << 20))
            task = asyncio.ensure_future(writer.finish())
            await asyncio.sleep(wait)
            if task.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await task
                await writer.abandon()
            else:
                await store.contents.delete(await task)
        assert files(tmp_path) == []

    run_with_store(tmp_path, test)


def test_deleting_is_quiet_about_what_is_gone(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        content = await add_content(store, b"x")
        await store.contents.delete(content)
        await store.contents.delete(content)
        assert files(tmp_path) == []

    run_with_store(tmp_path, test)


@pytest.mark.parametrize("content", ["", "../../objects.sqlite3", "a" * 31, "A" * 32, "/" * 32, "0" * 32 + "\n"])
def test_nothing_but_an_id_of_ours_becomes_a_path(tmp_path: Path, content: str) -> None:
    async def test(store: Store) -> None:
        with pytest.raises(StoreError, match="not the id of a content"):
            store.contents.read(content, 0, 1)
        with pytest.raises(StoreError, match="not the id of a content"):
            await store.contents.delete(content)

    run_with_store(tmp_path, test)


@pytest.mark.parametrize("chunk", [1 << 18, 8 << 20])
def test_a_disk_that_takes_no_more_is_an_error_that_leaves_no_file(tmp_path: Path, chunk: int) -> None:
    async def test(store: Store) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, before[1]))
        try:
            writer = await store.contents.create()
            with pytest.raises(StoreError, match="File too large"):
                for _ in range((8 << 20) // chunk):
                    await writer.write(b"x" * chunk)
                await writer.finish()
            await writer.abandon()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert files(tmp_path) == []

    run_with_store(tmp_path, test)


async def drop(store: Store, key: bytes, content: str, since: float) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM object_versions WHERE key = ?", key)
        await tx.execute("INSERT INTO unnamed_contents VALUES (?, ?)", content, since)

    await store.objects.write(work)


def test_the_sweeper_removes_orphans_once_they_are_old_but_never_a_named_content(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        await add_bucket(store)
        named = [await add_content(store, b"x") for _ in range(3)]
        orphans = [await add_content(store, b"x") for _ in range(300)]

        async def name(tx: Transaction) -> None:
            await tx.execute("INSERT INTO uploads VALUES ('u', 1, x'61', 0, '', '', '', '{}')")
            await tx.execute("INSERT INTO upload_parts VALUES ('u', 1, 1, '', NULL, NULL, ?, 0)", named[1])
            await tx.execute(
                "INSERT INTO object_parts SELECT id, 1, 0, 1, '', NULL, NULL, ? FROM object_versions",
                named[2],
            )

        await name_content(store, b"key", named[0], b"x")
        await store.objects.write(name)
        assert await sweep_orphans(store.objects, store.contents) == 0
        assert await stored(store) == {*named, *orphans}
        assert await sweep_orphans(store.objects, store.contents, older_than=0) == 300
        assert await stored(store) == set(named)

    run_with_store(tmp_path, test)


def test_a_dropped_content_is_removed_once_readers_had_their_time(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        await add_bucket(store)
        contents = [await add_content(store, b"x") for _ in range(250)]
        for number, content in enumerate(contents):
            await drop(store, b"none", content, since=1000 + (number % 2))
        # Listed ones are not orphans, however old: the list decides when they go.
        assert await sweep_orphans(store.objects, store.contents, older_than=0) == 0
        assert await sweep_dropped(store.objects, store.contents, 1500, 500) == 125
        assert await stored(store) == set(contents[1::2])
        assert await sweep_dropped(store.objects, store.contents, 1501, 500) == 125
        assert await store.objects.fetch_all("SELECT * FROM unnamed_contents") == []
        assert await stored(store) == set()

    run_with_store(tmp_path, test)


def test_a_dropped_content_that_is_named_again_stays_and_leaves_the_list(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        await add_bucket(store)
        contents = [await add_content(store, b"x") for _ in range(150)]
        for content in contents:
            await name_content(store, content.encode(), content, b"x")
            await drop(store, b"another", content, since=0)
        gone = await add_content(store, b"x")
        await drop(store, b"another", gone, since=0)
        assert await sweep_dropped(store.objects, store.contents, 10_000) == 1
        assert await stored(store) == set(contents)
        assert await store.objects.fetch_all("SELECT * FROM unnamed_contents") == []

    run_with_store(tmp_path, test)


def test_the_sweeper_keeps_away_from_what_a_living_process_is_writing(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        other = open_sqlite(tmp_path)
        writer = await store.contents.create()
        await writer.write(b"x" * (2 << 20))
        assert await sweep_orphans(other.objects, other.contents, older_than=0) == 0
        await other.close()
        content = await writer.finish()
        assert len(bytes_of(store, content, 3 << 20)) == 2 << 20

    run_with_store(tmp_path, test)
