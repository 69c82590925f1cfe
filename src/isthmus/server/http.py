"""The front door: HTTP/1.1 on a socket, a request value in, a response value out.

httptools (llhttp) reads, uvloop carries, and in between stands one asyncio.Protocol per connection. A
request is handed to `answer` as soon as its headers are complete; its body follows through `SocketBody`.
Requests that a client sends ahead wait in a queue and are answered in order.

What a good HTTP server owes its users and where it is done here:

    ambiguous lengths refused          RequestParser._framing_problem
    limits on head, idle, slow clients Limits, RequestParser._check_head, Door._sweep
    back pressure                      of bodies: Connection._pause_reading; of answers: Connection._drain
    Expect: 100-continue               SocketBody.chunks
    unread bodies                      Connection._settle_body

Timeouts are a moment per connection that a sweep looks at once a second: a timer per request would cost
more than parsing the request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl as tls
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from isthmus.wire import Request, Response

from .body import ClientGone, SocketBody
from .connection import Connection

__all__ = ["Answer", "ClientGone", "Door", "Limits", "SocketBody"]

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may do to us. Sizes in bytes, times in seconds.

    request_line: longest target (a key of 1024 bytes is 3 KiB encoded, a presigned URL a few more).
    head: all headers together. head_time: from the first byte of a request to the end of its headers.
    idle_time: between requests. body_time: between two pieces of a body. write_time: without the client
    taking anything. drain: how much of a body nobody read is swallowed to keep the connection.
    """

    request_line: int = 32 * 1024
    head: int = 64 * 1024
    head_time: float = 20.0
    idle_time: float = 75.0
    body_time: float = 30.0
    write_time: float = 60.0
    drain: int = 256 * 1024
    requests_ahead: int = 64


class Door:
    """Accepts connections and hands their requests to `answer`.

    Must be made inside a running event loop. `answer` should not raise; if it does the client gets a plain
    500.
    """

    def __init__(self, answer: Answer, limits: Limits | None = None) -> None:
        self.answer = answer
        self.limits = limits or Limits()
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.closing = False
        self._servers: list[asyncio.Server] = []
        self._sweeper = self.loop.call_later(1.0, self._sweep)

    async def listen(self, listener: socket.socket, ssl: tls.SSLContext | None = None) -> None:
        """Accept connections on a bound socket, over TLS if there is a context."""
        self._servers.append(
            await self.loop.create_server(
                lambda: Connection(self),
                sock=listener,
                ssl=ssl,
                backlog=1024,
                ssl_handshake_timeout=self.limits.head_time if ssl is not None else None,
            )
        )

    async def close(self, grace: float = 30.0) -> None:
        """Stop accepting, let requests in flight finish for `grace` seconds, then break off the rest."""
        self.closing = True
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.stop()
        end = self.loop.time() + grace
        while self.connections and self.loop.time() < end:  # noqa: ASYNC110 - it happens once
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.abort()
        self._sweeper.cancel()

    def _sweep(self) -> None:
        now = self.loop.time()
        for connection in [one for one in self.connections if one.deadline < now]:
            connection.expire()
        self._sweeper = self.loop.call_later(min(1.0, self.limits.head_time / 4), self._sweep)
