"""Batches: written soon, all of them at the end, and bounded while they cannot be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from isthmus.server.batches import Batches
from isthmus.store import StoreError


class Sink:
    """Where a test's batches go; it fails while `broken`."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.broken = False
        self.wrote = asyncio.Event()

    async def write(self, items: list[int]) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.written.append(items)
        self.wrote.set()


def run(coroutine: Any) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 20))


def test_items_noted_together_are_written_together_and_soon() -> None:
    async def tell() -> None:
        sink = Sink()
        batches = Batches("test", sink.write, 100)
        writing = asyncio.create_task(batches.keep_writing(0.01))
        batches.note([1, 2])
        batches.note([3])
        await sink.wrote.wait()
        sink.wrote.clear()
        batches.note([4])
        await sink.wrote.wait()
        assert sink.written == [[1, 2, 3], [4]]
        batches.stop()
        await writing

    run(tell())


def test_stopping_writes_what_is_left_without_waiting() -> None:
    async def tell() -> None:
        sink = Sink()
        batches = Batches("test", sink.write, 100)
        writing = asyncio.create_task(batches.keep_writing(3600))
        batches.note([1])
        await asyncio.sleep(0.01)
        batches.note([2])
        batches.stop()
        await writing
        assert sink.written == [[1, 2]]

    run(tell())


def test_a_long_batch_is_written_in_several_transactions() -> None:
    async def tell() -> None:
        sink = Sink()
        batches = Batches("test", sink.write, 10_000)
        batches.note(range(2500))
        await batches.write()
        assert [len(part) for part in sink.written] == [1000, 1000, 500]
        assert [one for part in sink.written for one in part] == list(range(2500))

    run(tell())


def test_what_cannot_be_written_is_kept_up_to_a_limit(caplog: pytest.LogCaptureFixture) -> None:
    async def tell() -> None:
        sink = Sink()
        sink.broken = True
        batches = Batches("test", sink.write, 3)
        batches.note([1, 2])
        assert not await batches.write_or_log()
        batches.note([3, 4])
        assert not await batches.write_or_log()
        sink.broken = False
        assert await batches.write_or_log()
        assert sink.written == [[2, 3, 4]]

    run(tell())
    assert "the disk is full" in caplog.text
    assert "1 items that could not be written were dropped" in caplog.text
