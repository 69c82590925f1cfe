"""One connection of the front door: requests in, responses out in the same order, and every limit on the way.

One coroutine per burst of requests takes them from the queue, has them answered and writes the responses; it ends
when the queue is empty. It runs at once, and becomes a task only where it has to wait: most requests never do, and
a task costs a turn of the loop. See `http` for the whole picture.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import dataclass
from types import coroutine
from typing import TYPE_CHECKING, Any, cast

from isthmus.wire import AwsError, FileSlice, Request, Response

from .body import HIGH_WATER, ClientGone, SocketBody
from .parse import RequestParser
from .respond import Head, error_document, open_slice, read_slice, send_slice

if TYPE_CHECKING:
    from .http import Door

log = logging.getLogger("isthmus.server")

_NEVER = float("inf")
_SENDFILE_FROM = 64 * 1024  # below this read and write cost less than a sendfile
_STREAM_PIECE = 256 * 1024
_LINGER = 2.0  # seconds a client has to read the last answer and close
_INTERNAL = "We encountered an internal error. Please try again."


@dataclass(slots=True)
class _Waiting:
    """A request in line, or (answer given) a refusal that waits for the answers before it."""

    request: Request | None
    body: SocketBody | None
    keep_alive: bool
    old: bool
    refusal: Response | None = None


class Connection(asyncio.Protocol):
    """One client's connection: bytes to requests, responses to bytes."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._limits = door.limits
        self._loop = door.loop
        self._transport = cast(asyncio.Transport, None)
        self._parser = RequestParser(self, door.limits)
        self._client = ""
        self._secure = False
        self._tls_version = ""
        self._cipher_suite = ""
        self._queue: deque[_Waiting] = deque()
        self._busy = False
        self._task: asyncio.Task[None] | None = None  # held so that it is not collected
        self._incoming: SocketBody | None = None
        self._current: SocketBody | None = None
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
        """asyncio: a client connected."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else ""
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._secure = True
            self._tls_version = str(tls.version()).removeprefix("TLSv")
            self._cipher_suite = str((tls.cipher() or ("",))[0])
        self._door.connections.add(self)
        self.deadline = self._loop.time() + self._limits.idle_time

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone, by either side."""
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
        return self._busy and not self._secure

    def pause_writing(self) -> None:
        """asyncio: the client reads too slowly; whoever sends waits."""
        if self._drained is None:
            self._drained = self._loop.create_future()
            self.deadline = self._loop.time() + self._limits.write_time

    def resume_writing(self) -> None:
        """asyncio: the client has caught up."""
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
            self.deadline = _NEVER

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes for the parser."""
        if self._refused:
            return
        self._parser.feed(data)
        if len(self._queue) >= self._limits.requests_ahead:
            self._pause_reading()
        self._start()

    # --- parse.Receiver ---

    def request_began(self) -> None:
        """A client that is not waiting for an answer is on the clock from its first byte."""
        if not self._busy:
            self.deadline = self._loop.time() + self._limits.head_time

    def request_arrived(self, request: Request, length: int | None, keep_alive: bool, old: bool) -> None:
        """A request to answer; its body follows."""
        request.client = self._client
        if self._secure:
            request.secure, request.tls_version, request.cipher_suite = True, self._tls_version, self._cipher_suite
        if old:
            request.http_version = "1.0"
        body: SocketBody | None = None
        if length != 0:
            expects = not old and request.headers.get("expect", "").lower() == "100-continue"
            request.body = body = self._incoming = SocketBody(self, length, expects)
        self._queue.append(_Waiting(request, body, keep_alive, old))

    def body_arrived(self, data: bytes) -> None:
        """A piece of the body of the last request."""
        body = self._incoming
        if body is None:
            return
        body.feed(data)
        if body.buffered > HIGH_WATER:
            self._pause_reading()
        if body is self._current and self.deadline != _NEVER:
            self.deadline = self._loop.time() + self._limits.body_time

    def request_ended(self) -> None:
        """The body of the last request is whole."""
        if self._incoming is not None:
            self._incoming.end()
            self._incoming = None

    def refuse(self, status: int, message: str) -> None:
        """Answer an impossible request after those before it, then close."""
        self._refused = True
        if self._incoming is not None:
            self._incoming.fail(AwsError("IncompleteBody", "The request body terminated unexpectedly"))
            self._incoming = None
            return
        self._queue.append(_Waiting(None, None, False, False, error_document(status, message)))

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
        """Answer what is in the queue, unless that is under way; go on in a task from the first wait."""
        if self._busy or not self._queue:
            return
        self._busy = True
        work = self._work()
        try:
            awaited = work.send(None)
        except StopIteration:
            return
        self._task = self._loop.create_task(_go_on(work, awaited))

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
            self._busy = False
            self._task = None
            self._current = None
        if not keep or self._refused or self._door.closing:
            self._linger()
        else:
            limits = self._limits
            self.deadline = self._loop.time() + (limits.head_time if self._parser.in_head else limits.idle_time)

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
            elif len(content) < HIGH_WATER:
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

    def expire(self) -> None:
        """The deadline has passed: whatever the connection waits for has taken too long."""
        self.deadline = _NEVER
        if not self._busy:
            if self._parser.in_head and not self._lingering and not self._refused:
                self.refuse(408, "The headers of the request took too long.")
                self._start()
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
        if not self._busy and not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


async def _go_on(work: Coroutine[Any, None, None], awaited: Any) -> None:
    """The rest of a coroutine that has run, outside of any task, until it had to wait for `awaited`."""
    await _rest(work, awaited)


@coroutine
def _rest(work: Coroutine[Any, None, None], awaited: Any) -> Generator[Any, None, None]:
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:  # the task was cancelled: that is for the coroutine to hear
                awaited = work.throw(error)
            else:
                awaited = work.send(None)
    except StopIteration:
        return
