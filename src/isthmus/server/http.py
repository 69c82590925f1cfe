"""The front door: HTTP/1.1 on a socket, a request value in, a response value out.

httptools (llhttp) reads, uvloop carries, and in between stands one asyncio.Protocol per connection. A request is
handed to `answer` as soon as its headers are complete; its body follows through `SocketBody`. Requests that a
client sends ahead wait in a queue and are answered in order.

What a good HTTP server owes its users and where it is done here:

    ambiguous lengths refused          _Connection._framing_problem
    limits on head, idle, slow clients Limits, _Connection._check_head, Door._sweep
    back pressure from client to us    SocketBody (pause_reading), and from us to client: _drain
    Expect: 100-continue               SocketBody.chunks
    unread bodies                      _Connection._settle_body

Timeouts are a moment per connection that a sweep looks at once a second: a timer per request would cost more than
parsing the request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as tls
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import httptools

from isthmus.wire import AwsError, BytesBody, FileSlice, Request, Response

from .respond import Head, error_document, open_slice, read_slice, send_slice

Answer = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("isthmus.server")

_NO_BODY = BytesBody()
_NEVER = float("inf")
_HIGH_WATER = 256 * 1024  # bytes of a request body kept before reading pauses
_LOW_WATER = 64 * 1024
_SENDFILE_FROM = 64 * 1024  # below this read and write cost less than a sendfile
_STREAM_PIECE = 256 * 1024
_LINGER = 2.0  # seconds a client has to read the last answer and close
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_INTERNAL = "We encountered an internal error. Please try again."
_KNOWN_NAMES: dict[bytes, str] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may do to us. Sizes in bytes, times in seconds.

    request_line: longest target (a key of 1024 bytes is 3 KiB encoded, a presigned URL a few more).
    head: all headers together. head_time: from the first byte of a request to the end of its headers.
    idle_time: between requests. body_time: between two pieces of a body. write_time: without the client taking
    anything. drain: how much of a body nobody read is swallowed to keep the connection.
    """

    request_line: int = 32 * 1024
    head: int = 64 * 1024
    head_time: float = 20.0
    idle_time: float = 75.0
    body_time: float = 30.0
    write_time: float = 60.0
    drain: int = 256 * 1024
    requests_ahead: int = 64


class ClientGone(ConnectionError):
    """The client closed the connection before the request was complete."""


class SocketBody:
    """The body of a request as it arrives. Read once."""

    __slots__ = ("_connection", "_error", "_expects", "_waiter", "buffered", "complete", "discarded", "length",
                 "pieces", "received")  # fmt: skip

    def __init__(self, connection: _Connection, length: int | None, expects_continue: bool) -> None:
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
                if self.buffered < _LOW_WATER:
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


@dataclass(slots=True)
class _Waiting:
    """A request in line, or (answer given) a refusal that waits for the answers before it."""

    request: Request | None
    body: SocketBody | None
    keep_alive: bool
    old: bool
    refusal: Response | None = None


class _Connection(asyncio.Protocol):
    def __init__(self, door: Door) -> None:
        self._door = door
        self._limits = door.limits
        self._loop = door.loop
        self._transport = cast(asyncio.Transport, None)
        self._parser = httptools.HttpRequestParser(self)
        self._client = ""
        self._secure = False
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._incoming: SocketBody | None = None
        self._current: SocketBody | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._head_fed = 0
        self._head_began_before = False
        self._in_head = False
        self._headers_done = False
        self._problem: tuple[int, str] | None = None
        self._reading_paused = False
        self._refused = False
        self._drained: asyncio.Future[None] | None = None
        self._gone = False
        self._lingering = False
        self._head_sent = False
        self.deadline = _NEVER
        self.raw: socket.socket | None = None

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else ""
        self._secure = transport.get_extra_info("sslcontext") is not None
        self._door.connections.add(self)
        self.deadline = self._loop.time() + self._limits.idle_time

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._door.connections.discard(self)
        if self.raw is not None:
            self._loop.remove_writer(self.raw.fileno())
            self.raw.close()
            self.raw = None
        for body in (self._incoming, self._current, *(waiting.body for waiting in self._queue)):
            if body is not None:
                body.fail(ClientGone("the client closed the connection"))
        self._queue.clear()
        self.resume_writing()

    def eof_received(self) -> bool:
        """A client may close its half once it has asked everything: what it asked is still answered."""
        if self._incoming is not None:
            self._incoming.fail(ClientGone("the client closed the connection"))
        self._refused = True
        return self._task is not None and not self._secure

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = self._loop.create_future()
            self.deadline = self._loop.time() + self._limits.write_time

    def resume_writing(self) -> None:
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
            self.deadline = _NEVER

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            if not self._refused:
                self._refuse(400, "The request is not well-formed HTTP/1.1.")
            return
        if self._in_head and not self._headers_done:
            # The piece in which a head begins may hold the end of an earlier body: it is not counted.
            if self._head_began_before:
                self._head_fed += len(data)
                self._check_head()
            self._head_began_before = True
        if len(self._queue) >= self._limits.requests_ahead:
            self._pause_reading()

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._problem = None
        self._head_bytes = 0
        self._head_fed = 0
        self._head_began_before = False
        self._in_head = True
        self._headers_done = False
        if self._task is None:
            self.deadline = self._loop.time() + self._limits.head_time

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        known = _KNOWN_NAMES.get(name)
        if known is None:
            known = name.decode("latin-1").lower()
            if len(_KNOWN_NAMES) < 1024:
                _KNOWN_NAMES[name] = known
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        headers = self._headers
        before = headers.get(known)
        if before is not None:
            if self._headers_done:  # trailers of chunked transfer encoding are dropped
                return
            if known in ("content-length", "transfer-encoding", "host"):
                self._problem = (400, f"There is more than one {known} header.")
            text = f"{before},{text}"
        elif self._headers_done:
            return
        headers[known] = text
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._limits.head:
            self._problem = (431, "The headers of the request are too large.")

    def on_headers_complete(self) -> None:
        self._headers_done = True
        self._in_head = False
        if self._refused:
            return
        headers = self._headers
        parser = self._parser
        old = parser.get_http_version() != "1.1"
        problem = self._framing_problem(headers, old)
        if problem is not None:
            self._refuse(*problem)
            return
        target = self._target(headers)
        if target is None:
            self._refuse(400, "The request target is neither a path nor an http URL.")
            return
        path, _, query = target.partition("?")
        body: SocketBody | None = None
        length = headers.get("content-length")
        chunked = "transfer-encoding" in headers
        if chunked or (length is not None and length != "0"):
            expects = not old and headers.get("expect", "").lower() == "100-continue"
            body = SocketBody(self, None if chunked else int(length or 0), expects)
            self._incoming = body
        request = Request(
            parser.get_method().decode("latin-1"),
            path,
            query,
            headers,
            body or _NO_BODY,
            self._client,
            self._secure,
        )
        self._queue.append(_Waiting(request, body, parser.should_keep_alive(), old))
        if self._task is None:
            self._start()

    def on_body(self, data: bytes) -> None:
        body = self._incoming
        if body is None:
            return
        body.feed(data)
        if body.buffered > _HIGH_WATER:
            self._pause_reading()
        if body is self._current and self.deadline != _NEVER:
            self.deadline = self._loop.time() + self._limits.body_time

    def on_message_complete(self) -> None:
        if self._incoming is not None:
            self._incoming.end()
            self._incoming = None

    # --- reading ---

    def _check_head(self) -> None:
        if len(self._url) > self._limits.request_line or (
            not self._url and not self._headers and self._head_fed > self._limits.request_line
        ):
            self._refuse(414, "The request target is too long.")
        elif self._head_fed > self._limits.head + self._limits.request_line:
            self._refuse(431, "The headers of the request are too large.")

    def _framing_problem(self, headers: dict[str, str], old: bool) -> tuple[int, str] | None:
        """What makes it unclear, or dangerous, where this request ends (RFC 9112, section 6.3)."""
        if self._problem is not None:
            return self._problem
        if len(self._url) > self._limits.request_line:
            return 414, "The request target is too long."
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is not None:
            if length is not None:
                return 400, "Content-Length and Transfer-Encoding contradict each other."
            if old:
                return 400, "HTTP/1.0 has no Transfer-Encoding."
            if coding.strip().lower() != "chunked":
                return 501, "The only supported Transfer-Encoding is chunked."
        elif length is not None and not (length.isascii() and length.isdigit() and len(length) < 16):
            return 400, "Content-Length is not a number."
        if "host" not in headers and not old:
            return 400, "The Host header is missing."
        expect = headers.get("expect")
        if expect is not None and expect.lower() != "100-continue":
            return 417, "The only expectation that can be met is 100-continue."
        return None

    def _target(self, headers: dict[str, str]) -> str | None:
        try:
            target = self._url.decode()
        except UnicodeDecodeError:
            target = self._url.decode("latin-1")
        if target.startswith("/") or target == "*":
            return target
        scheme, found, rest = target.partition("://")
        if not found or scheme.lower() not in ("http", "https"):
            return None
        authority, slash, path = rest.partition("/")
        if not slash:
            authority, mark, query = rest.partition("?")
            path = mark + query
        headers["host"] = authority
        return "/" + path

    def _after_upgrade(self, rest: bytes) -> None:
        """Nobody here speaks another protocol; RFC 9110 lets a server go on in this one."""
        if self._parser.get_method() == b"CONNECT":
            self._refuse(405, "This is not a proxy.")
            return
        self._parser = httptools.HttpRequestParser(self)
        if rest:
            self.data_received(rest)

    def _refuse(self, status: int, message: str) -> None:
        """Answer an impossible request after those before it, then close: nothing behind it can be trusted."""
        self._refused = True
        if self._incoming is not None:
            self._incoming.fail(AwsError("IncompleteBody", "The request body terminated unexpectedly"))
            self._incoming = None
            return
        self._queue.append(_Waiting(None, None, False, False, error_document(status, message)))
        if self._task is None:
            self._start()

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more bytes from the client again."""
        if self._reading_paused and not self._gone and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()

    def expect_body(self) -> None:
        """The handler waits for bytes of the body: from now on the client is on the clock."""
        self.resume_reading()
        self.deadline = self._loop.time() + self._limits.body_time

    # --- answering ---

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        keep = True
        try:
            while self._queue and keep and not self._gone:
                waiting = self._queue.popleft()
                self._current = waiting.body
                self.deadline = _NEVER
                response = waiting.refusal or await self._answered(cast(Request, waiting.request))
                if self._gone:
                    break
                keep = await self._respond(waiting, response)
                self._current = None
                if not self._queue:
                    self.resume_reading()
        except ConnectionError:
            keep = False
        except Exception:
            log.exception("a response could not be sent")
            keep = False
            if self._head_sent:
                # There is no way left to say so but to break off.
                self._transport.abort()
            else:
                response = error_document(500, _INTERNAL, "InternalError")
                self.write(Head(response, "", False, False).encode(len(cast(bytes, response.body))))
                self.write(cast(bytes, response.body))
        finally:
            self._task = None
            self._current = None
        if not keep or self._refused or self._door.closing:
            self._linger()
        else:
            incomplete = self._in_head and not self._headers_done
            self.deadline = self._loop.time() + (
                self._limits.head_time if incomplete else self._limits.idle_time
            )

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._door.answer(request)
        except ClientGone:
            raise
        except Exception:
            log.exception("unhandled error answering %s %s", request.method, request.path)
            return error_document(500, _INTERNAL, "InternalError")

    async def _respond(self, waiting: _Waiting, response: Response) -> bool:
        """Send one response; whether another may follow on this connection."""
        body = waiting.body
        keep = waiting.keep_alive and not self._door.closing and not (self._refused and not self._queue)
        if body is not None and not body.complete:
            keep = keep and self._can_drain(body)
        self._head_sent = False
        method = waiting.request.method if waiting.request is not None else ""
        content = response.body
        head = Head(response, method, keep, waiting.old)
        if isinstance(content, bytes):
            data = head.encode(len(content))
            if head.bodiless or not content:
                self.write(data)
            elif len(content) < _HIGH_WATER:
                self.write(data + content)
            else:
                self._head_sent = True
                self._transport.writelines((data, content))
            if self._drained is not None:
                await self._drain()
        elif isinstance(content, FileSlice):
            await self._respond_file(head, content)
        else:
            keep = await self._respond_stream(head, content) and keep
        if body is not None and not body.complete:
            keep = await self._settle_body(body) if keep else False
        return keep

    async def _respond_file(self, head: Head, content: FileSlice) -> None:
        if head.bodiless:
            self.write(head.encode(content.length))
            return
        if content.length < _SENDFILE_FROM:
            self.write(head.encode(content.length) + read_slice(content))
            if self._drained is not None:
                await self._drain()
            return
        file = open_slice(content)
        try:
            data = head.encode(content.length)
            if self._secure:
                self.write(data)
                offset, left = content.offset, content.length
                while left:
                    piece = read_slice(FileSlice(content.path, offset, min(left, _STREAM_PIECE)), file)
                    self.write(piece)
                    offset += len(piece)
                    left -= len(piece)
                    await self._drain()
            else:
                await self._empty_buffer()
                if self.raw is None:
                    fd = self._transport.get_extra_info("socket").fileno()
                    self.raw = socket.socket(fileno=socket.dup(fd))
                self._head_sent = True
                await send_slice(self._loop, self, data, file, content)
        finally:
            file.close()
            self.deadline = _NEVER

    def sending(self) -> socket.socket:
        """The socket for sendfile; each call puts the client on the clock anew. Raises ClientGone."""
        if self.raw is None or self._gone:
            raise ClientGone("the client closed the connection")
        self.deadline = self._loop.time() + self._limits.write_time
        return self.raw

    async def _respond_stream(self, head: Head, content: AsyncIterator[bytes]) -> bool:
        """Send a response of unknown origin; whether its end is where the head said it would be."""
        close = getattr(content, "aclose", None)
        try:
            data, length = head.encode_stream()
            if head.bodiless:
                self.write(data)
                return True
            sent = 0
            # The head waits for the first piece: an error before that can still be an error response.
            async for piece in content:
                if not piece:
                    continue
                sent += len(piece)
                if length is not None and sent > length:
                    raise RuntimeError(f"a response body is longer than its Content-Length of {length}")
                if head.chunked:
                    self.write(b"%s%x\r\n%s\r\n" % (data, len(piece), piece))
                else:
                    self.write(data + piece if data else piece)
                data = b""
                await self._drain()
            if length is not None and sent < length:
                raise RuntimeError(f"a response body ended after {sent} of {length} bytes")
            if head.chunked:
                self.write(data + b"0\r\n\r\n")
            elif data:
                self.write(data)
            return length is not None or head.chunked
        finally:
            if close is not None:
                await close()

    def _can_drain(self, body: SocketBody) -> bool:
        """Whether what is left of a body is little enough to swallow for the sake of the connection."""
        if body.awaits_continue or body.length is None:
            return False
        return body.length - body.received <= self._limits.drain

    async def _settle_body(self, body: SocketBody) -> bool:
        """Swallow the rest of a body nobody read; whether the connection can go on."""
        body.discard()
        try:
            async for _ in body.chunks():
                pass
        except (AwsError, ConnectionError):
            return False
        finally:
            self.deadline = _NEVER
        return True

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens when the client is gone."""
        if not self._gone:
            self._head_sent = True
            self._transport.write(data)

    async def _drain(self) -> None:
        if self._drained is not None:
            await self._drained
        if self._gone:
            raise ClientGone("the client closed the connection")

    async def _empty_buffer(self) -> None:
        """Wait until the transport has sent everything, so that we may write behind its back."""
        if not self._transport.get_write_buffer_size():
            return
        # The transport sends at the end of a turn of the loop; if that was not enough the client is slow.
        self.deadline = self._loop.time() + self._limits.write_time
        pause = 0.0
        while not self._gone and self._transport.get_write_buffer_size():
            await asyncio.sleep(pause)
            pause = min(pause + 0.001, 0.02)
        if self._gone:
            raise ClientGone("the client closed the connection")

    # --- ending ---

    def _linger(self) -> None:
        """Close so that the client reads the answer: a reset would take it away while it still sends."""
        self._refused = True
        if self._gone or self._transport.is_closing():
            return
        if self._secure:
            self._transport.close()
            return
        self._lingering = True
        self.resume_reading()
        self._transport.write_eof()
        self.deadline = self._loop.time() + _LINGER

    def expire(self, now: float) -> None:
        """The deadline has passed: whatever the connection waits for has taken too long."""
        self.deadline = _NEVER
        if self._task is None:
            if self._in_head and not self._headers_done and not self._lingering and not self._refused:
                self._refuse(408, "The headers of the request took too long.")
            else:
                self._transport.abort() if self._lingering else self._transport.close()
        elif self._current is not None and self._current.starved:
            self._refused = True
            self._current.fail(
                AwsError(
                    "RequestTimeout",
                    "Your socket connection to the server was not read from or written to within the timeout "
                    "period. Idle connections will be closed.",
                )
            )
        else:
            self._transport.abort()

    def stop(self) -> None:
        """Close now if nothing is being answered, else after the answer."""
        if self._task is None and not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


class Door:
    """Accepts connections and hands their requests to `answer`.

    Must be made inside a running event loop. `answer` should not raise; if it does the client gets a plain 500.
    """

    def __init__(self, answer: Answer, limits: Limits | None = None) -> None:
        self.answer = answer
        self.limits = limits or Limits()
        self.loop = asyncio.get_running_loop()
        self.connections: set[_Connection] = set()
        self.closing = False
        self._servers: list[asyncio.Server] = []
        self._sweeper = self.loop.call_later(1.0, self._sweep)

    async def listen(self, listener: socket.socket, ssl: tls.SSLContext | None = None) -> None:
        """Accept connections on a bound socket, over TLS if there is a context."""
        self._servers.append(
            await self.loop.create_server(
                lambda: _Connection(self),
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
        while self.connections and self.loop.time() < end:
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.abort()
        self._sweeper.cancel()

    def _sweep(self) -> None:
        now = self.loop.time()
        for connection in [one for one in self.connections if one.deadline < now]:
            connection.expire(now)
        self._sweeper = self.loop.call_later(min(1.0, self.limits.head_time / 4), self._sweep)
