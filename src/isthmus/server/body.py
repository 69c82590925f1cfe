"""The body of a request on its way from a connection to whoever reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

HIGH_WATER = 256 * 1024  # bytes of a request body kept before reading from the client pauses
LOW_WATER = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Reading(Protocol):
    """What a body asks of its connection."""

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        ...

    def resume_reading(self) -> None:
        """Take more bytes from the client again."""
        ...

    def expect_body(self) -> None:
        """Somebody waits for bytes of the body."""
        ...


class ClientGone(ConnectionError):
    """The client closed the connection before the request was complete."""


class SocketBody:
    """The body of a request as it arrives. Read once."""

    __slots__ = (
        "_connection",
        "_error",
        "_expects",
        "_waiter",
        "buffered",
        "complete",
        "discarded",
        "length",
        "pieces",
        "received",
    )

    def __init__(self, connection: Reading, length: int | None, expects_continue: bool) -> None:
        self._connection = connection
        self.length = length
        self.pieces: deque[bytes] = deque()
        self.buffered = 0
        self.received = 0
        self.complete = False
        self.discarded = False
        self._expects = expects_continue
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @property
    def awaits_continue(self) -> bool:
        """Whether the client may be waiting for `100 Continue` and has sent nothing."""
        return self._expects and not self.received

    @property
    def starved(self) -> bool:
        """Whether somebody is waiting for the next bytes."""
        return self._waiter is not None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive.

        Raises AwsError RequestTimeout (too slow) or IncompleteBody (malformed chunks), ClientGone.
        """
        if self._expects and not self.received and not self.complete:
            self._connection.write(_CONTINUE)
        self._expects = False
        while True:
            while self.pieces:
                piece = self.pieces.popleft()
                self.buffered -= len(piece)
                if self.buffered < LOW_WATER:
                    self._connection.resume_reading()
                yield piece
            if self.complete:
                return
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            self._connection.expect_body()
            await self._waiter

    def feed(self, data: bytes) -> None:
        """Bytes have arrived."""
        self.received += len(data)
        if self.discarded:
            return
        self.pieces.append(data)
        self.buffered += len(data)
        self._wake()

    def end(self) -> None:
        """The last byte has arrived."""
        self.complete = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """There will be no more bytes."""
        if self._error is None and not self.complete:
            self._error = error
            self._wake()

    def discard(self) -> None:
        """Whatever has come and will come is not wanted."""
        self.discarded = True
        self.pieces.clear()
        self.buffered = 0

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
