"""Metadata in SQLite: transactions, group commit, several processes."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from store_builders import child, run_with_store

from isthmus.store import IntegrityConflict, Store, StoreError, Transaction, open_sqlite


def insert(bucket: int) -> Any:
    async def work(tx: Transaction) -> int:
        row = await tx.fetch_one("INSERT INTO live_buckets (id) VALUES (?) RETURNING id", bucket)
        assert row is not None
        return int(row[0])

    return work


async def buckets(store: Store) -> list[int]:
    return [row[0] for row in await store.objects.fetch_all("SELECT id FROM live_buckets ORDER BY id")]


def test_a_write_is_read_as_soon_as_it_returned(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        for bucket in range(1, 50):
            assert await store.objects.write(insert(bucket)) == bucket
            assert await store.objects.fetch_one("SELECT id FROM live_buckets WHERE id = ?", bucket) == (bucket,)

    run_with_store(tmp_path / "data", test)


def test_an_integer_primary_key_is_given_out_by_returning(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> Any:
        return await tx.fetch_one("INSERT INTO live_buckets DEFAULT VALUES RETURNING id")

    async def test(store: Store) -> None:
        assert [await store.objects.write(work) for _ in range(3)] == [(1,), (2,), (3,)]

    run_with_store(tmp_path / "data", test)


def test_execute_tells_how_many_rows_it_touched(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> list[int]:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (1), (2)")
        return [await tx.execute("DELETE FROM live_buckets WHERE id < ?", n) for n in (1, 3)]

    async def test(store: Store) -> None:
        assert await store.objects.write(work) == [0, 2]

    run_with_store(tmp_path / "data", test)


def test_a_failing_work_among_a_group_takes_back_only_what_it_did(tmp_path: Path) -> None:
    gate = threading.Event()

    async def slow(tx: Transaction) -> None:
        gate.wait(10)  # so that the others are queued and share this transaction

    async def failing(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (100)")
        raise LookupError("changed its mind")

    async def test(store: Store) -> None:
        before = store.objects.generation()
        works = [slow, insert(1), failing, insert(2), insert(1), insert(3)]
        tasks = [asyncio.ensure_future(store.objects.write(work)) for work in works]
        await asyncio.sleep(0.01)
        assert await buckets(store) == []
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[1] == 1 and results[3] == 2 and results[5] == 3
        assert isinstance(results[2], LookupError)
        assert isinstance(results[4], IntegrityConflict)
        assert await buckets(store) == [1, 2, 3]
        assert store.objects.generation() != before

    run_with_store(tmp_path / "data", test)


def test_a_work_may_catch_a_conflict_and_go_on(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> str:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (1)")
        try:
            await tx.execute("INSERT INTO live_buckets (id) VALUES (1)")
        except IntegrityConflict:
            await tx.execute("INSERT INTO live_buckets (id) VALUES (2)")
        return "went on"

    async def test(store: Store) -> None:
        assert await store.objects.write(work) == "went on"
        assert await buckets(store) == [1, 2]

    run_with_store(tmp_path / "data", test)


def test_a_missing_reference_is_a_conflict(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO uploads VALUES ('u', 7, x'61', 0, 'arn', '1', '1', '{}')")

    async def test(store: Store) -> None:
        with pytest.raises(IntegrityConflict, match="FOREIGN KEY"):
            await store.objects.write(work)

    run_with_store(tmp_path / "data", test)


def test_a_work_that_awaits_anything_else_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (1)")
        await asyncio.sleep(0)

    async def test(store: Store) -> None:
        with pytest.raises(RuntimeError, match="other than its transaction"):
            await store.objects.write(work)
        assert await buckets(store) == []

    run_with_store(tmp_path / "data", test)


def test_a_transaction_is_of_no_use_after_its_work_ended(tmp_path: Path) -> None:
    kept: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        kept.append(tx)

    async def test(store: Store) -> None:
        await store.objects.write(work)
        with pytest.raises(StoreError, match="ended"):
            await kept[0].execute("INSERT INTO live_buckets (id) VALUES (1)")

    run_with_store(tmp_path / "data", test)


def test_a_work_that_commits_by_itself_is_refused(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("COMMIT")

    async def test(store: Store) -> None:
        with pytest.raises(StoreError):
            await store.objects.write(work)
        assert await store.objects.write(insert(1)) == 1

    run_with_store(tmp_path / "data", test)


def test_a_full_disk_is_an_error_that_leaves_nothing_and_passes(tmp_path: Path) -> None:
    async def big(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (50)")
        await tx.execute("INSERT INTO completed_uploads VALUES ('u', 0, ?)", "x" * 1_000_000)

    async def big_and_stubborn(tx: Transaction) -> None:
        try:
            await big(tx)
        except StoreError:
            await tx.execute("INSERT INTO live_buckets (id) VALUES (51)")

    async def test(store: Store) -> None:
        connection = store.objects._writer  # type: ignore[attr-defined]
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 10}")
        for work in (big, big_and_stubborn):
            with pytest.raises(StoreError, match=r"objects\.sqlite3: database or disk is full"):
                await store.objects.write(work)
        assert await buckets(store) == []
        assert await store.objects.write(insert(1)) == 1
        connection.execute("PRAGMA max_page_count = 100000")
        await store.objects.write(big)
        assert await buckets(store) == [1, 50]

    run_with_store(tmp_path / "data", test)


def test_the_generation_changes_with_every_commit_and_with_nothing_else(tmp_path: Path) -> None:
    async def nothing(tx: Transaction) -> None:
        await tx.fetch_all("SELECT name FROM sqlite_master")

    async def test(store: Store) -> None:
        seen = [store.objects.generation()]
        for bucket in range(1, 20):
            await store.objects.write(insert(bucket))
            seen.append(store.objects.generation())
            await store.objects.fetch_one("SELECT id FROM live_buckets")  # leaves rows unread
            await store.objects.write(nothing)
            await store.identity.write(nothing)
            assert store.objects.generation() == seen[-1]
        assert len(set(seen)) == len(seen)

    run_with_store(tmp_path / "data", test)


def test_reading_holds_no_snapshot_afterwards(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        for bucket in range(1, 20):
            await store.objects.write(insert(bucket))
        await store.objects.fetch_one("SELECT id FROM live_buckets")
        await store.objects.fetch_all("SELECT id FROM live_buckets")
        store.objects.generation()
        with pytest.raises(StoreError):
            await store.objects.fetch_one("SELECT abs(-9223372036854775808)")
        # The log can be emptied only when no connection reads from it.
        connection = store.objects._writer  # type: ignore[attr-defined]
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)

    run_with_store(tmp_path / "data", test)


def test_a_commit_of_another_process_changes_the_generation_and_is_read(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        before = store.objects.generation()
        with child("count", tmp_path / "data", "other", 1) as output:
            assert os.read(output, 100) == b"other\n"
            assert store.objects.generation() != before
            row = await store.objects.fetch_one("SELECT answer FROM completed_uploads")
            assert row == ("other",)

    run_with_store(tmp_path / "data", test)


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    times = 150

    async def test(store: Store) -> None:
        async def start(tx: Transaction) -> None:
            await tx.execute("INSERT INTO last_used VALUES ('shared', 0, '', '')")

        await store.objects.write(start)
        with (
            child("count", tmp_path / "data", "one", times) as one,
            child("count", tmp_path / "data", "two", times) as two,
        ):
            for output in (one, two):
                while os.read(output, 1000):
                    pass
        total = await store.objects.fetch_one("SELECT used FROM last_used")
        assert total == (2.0 * times,)
        order = [row[0] for row in await store.objects.fetch_all("SELECT answer FROM completed_uploads ORDER BY rowid")]
        assert len(order) == 2 * times
        assert set(order) == {"one", "two"}

    run_with_store(tmp_path / "data", test)


def test_a_store_serves_several_event_loops_one_after_the_other(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "data")
    for bucket in (1, 2, 3):
        assert asyncio.run(store.objects.write(insert(bucket))) == bucket
    asyncio.run(store.close())


def test_a_cancelled_caller_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def test(store: Store) -> None:
        tasks = [asyncio.ensure_future(store.objects.write(insert(n))) for n in range(1, 5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [results[0], results[2], results[3]] == [1, 3, 4]
        assert await store.objects.write(insert(9)) == 9

    run_with_store(tmp_path / "data", test)


def test_a_closed_store_refuses_writes_after_finishing_those_it_had(tmp_path: Path) -> None:
    async def test() -> None:
        store = open_sqlite(tmp_path / "data")
        tasks = [asyncio.ensure_future(store.objects.write(insert(n))) for n in range(1, 30)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*tasks) == list(range(1, 30))
        with pytest.raises(StoreError, match="closed"):
            await store.objects.write(insert(100))
        await store.close()

    asyncio.run(test())


def test_a_store_opened_before_a_fork_refuses_to_write_after_it(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "data")
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(store.objects.write(insert(1)))
        except StoreError as error:
            os._exit(0 if "before a fork" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    asyncio.run(store.close())


def test_workers_that_open_after_a_fork_each_write(tmp_path: Path) -> None:
    pids = []
    for worker in (1, 2):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                store = open_sqlite(tmp_path / "data")
                asyncio.run(store.objects.write(insert(worker)))
                asyncio.run(store.close())
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0, 0]
    assert run_with_store(tmp_path / "data", buckets) == [1, 2]
