"""Rows that are noted while requests are answered and written in batches, off every request's path.

A batch is written a moment after its first item. A worker that is killed loses at most what it noted in that moment;
one that stops writes everything first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from isthmus.store import StoreError

T = TypeVar("T")

INTERVAL = 0.25
"""Seconds from the first item of a batch until it is written."""
_IN_TRANSACTION = 1000  # items; other processes get their turn in between
_PAUSE = 1.0  # seconds until a database that could not be written is tried again

_log = logging.getLogger("isthmus")


class Batches(Generic[T]):
    """What one worker has still to write.

    what: for the log. write: writes up to 1000 items in one transaction. most: items that may wait while the database
    cannot be written; beyond that the oldest are dropped.
    """

    def __init__(self, what: str, write: Callable[[list[T]], Awaitable[None]], most: int) -> None:
        self._what = what
        self._write = write
        self._most = most
        self._noted: list[T] = []
        self._some = asyncio.Event()
        self._stopping = asyncio.Event()

    def note(self, items: Sequence[T]) -> None:
        """Take items that are to be written; without any, write what is there soon."""
        self._noted += items
        self._some.set()

    async def write(self) -> None:
        """Write what was noted. Raises StoreError; what is not written yet is then kept."""
        items, self._noted = self._noted, []
        self._some.clear()
        while items:
            try:
                await self._write(items[:_IN_TRANSACTION])
            except StoreError:
                self._keep(items)
                raise
            items = items[_IN_TRANSACTION:]

    async def keep_writing(self, interval: float = INTERVAL) -> None:
        """Write each batch `interval` seconds after its first item, until `stop` is called and all is written."""
        while not self._stopping.is_set():
            await self._some.wait()
            await self._stopped_within(interval)
            if not await self.write_or_log():
                await self._stopped_within(_PAUSE)
        await self.write_or_log()

    def stop(self) -> None:
        """Let `keep_writing` write what there is and end. It must not be cancelled: nobody would know what of a batch
        was written."""
        self._stopping.set()
        self._some.set()

    async def write_or_log(self) -> bool:
        """Write; a database that cannot is logged. Whether it could."""
        try:
            await self.write()
        except StoreError as error:
            _log.error("%s: %s", self._what, error)
            return False
        return True

    def _keep(self, items: list[T]) -> None:
        self._noted = [*items, *self._noted]
        over = len(self._noted) - self._most
        if over > 0:
            del self._noted[:over]
            _log.error("%s: %d items that could not be written were dropped", self._what, over)
        self._some.set()

    async def _stopped_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
