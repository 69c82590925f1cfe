"""The bytes of a response: status line, headers, and files sent by the kernel."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol
from xml.sax.saxutils import escape

from isthmus.wire import FileSlice, Response

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_SENDFILE_AT_ONCE = 8 * 1024 * 1024  # bytes per call, so that one fast client does not keep the loop


class _DateLine:
    """The Date header, rendered once a second."""

    second = 0
    text = ""


def date_line() -> str:
    """`Date: …` and the line break, of now."""
    second = int(time.time())
    if second != _DateLine.second:
        _DateLine.second = second
        _DateLine.text = f"Date: {formatdate(second, usegmt=True)}\r\n"
    return _DateLine.text


def error_document(status: int, message: str, code: str = "BadRequest") -> Response:
    """The door's own refusals, before it is known which service was meant."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(status, [("Content-Type", "application/xml")], body.encode())


class Head:
    """The head of one response.

    bodiless: nothing may follow (HEAD, 1xx, 204, 304). chunked: known after `encode_stream`.
    """

    __slots__ = ("_keep", "_old", "_response", "bodiless", "chunked")

    def __init__(self, response: Response, method: str, keep: bool, old: bool) -> None:
        self._response = response
        self._keep = keep
        self._old = old
        self.bodiless = method == "HEAD" or response.status in (204, 304) or response.status < 200
        self.chunked = False

    def encode(self, length: int) -> bytes:
        """The head of a response whose body has `length` bytes; a Content-Length given goes before (HEAD)."""
        framing = ""
        if self._response.status not in (204, 304) and not (self.bodiless and self._given_length() is not None):
            framing = f"Content-Length: {length}\r\n"
        return self._bytes(framing, drop_length=not self.bodiless)

    def encode_stream(self) -> tuple[bytes, int | None]:
        """The head of a streamed response, and the length it announces."""
        length = self._given_length()
        if self.bodiless or length is not None:
            return self._bytes("", drop_length=False), length
        if self._old:
            self._keep = False
            return self._bytes("", drop_length=False), None
        self.chunked = True
        return self._bytes("Transfer-Encoding: chunked\r\n", drop_length=False), None

    def _given_length(self) -> int | None:
        for name, value in self._response.headers:
            if name == "Content-Length":
                return int(value)
        return None

    def _bytes(self, framing: str, drop_length: bool) -> bytes:
        status = self._response.status
        lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n", date_line()]
        for name, value in self._response.headers:
            if drop_length and name == "Content-Length":
                continue
            lines.append(f"{name}: {value}\r\n")
        expected = len(lines)
        if framing:
            lines.append(framing)
            expected += 1
        if not self._keep:
            lines.append("Connection: close\r\n")
            expected += 1
        elif self._old:
            lines.append("Connection: keep-alive\r\n")
            expected += 1
        text = "".join(lines)
        # A line break inside a value would let whoever chose it write headers or a second response.
        if text.count("\n") != expected or text.count("\r") != expected:
            raise ValueError("a response header contains a line break")
        text += "\r\n"
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text.encode("utf-8")


def open_slice(content: FileSlice) -> BinaryIO:
    """The file of a slice, for reading. Raises OSError."""
    return Path(content.path).open("rb", buffering=0)


def read_slice(content: FileSlice, file: BinaryIO | None = None) -> bytes:
    """The bytes of a slice. Raises OSError, also when the file is shorter."""
    opened = file or open_slice(content)
    try:
        data = os.pread(opened.fileno(), content.length, content.offset)
        while len(data) < content.length:
            more = os.pread(opened.fileno(), content.length - len(data), content.offset + len(data))
            if not more:
                raise OSError(f"{content.path} ends before byte {content.offset + content.length}")
            data += more
        return data
    finally:
        if file is None:
            opened.close()


class Sending(Protocol):
    """Whoever owns the socket."""

    def sending(self) -> socket.socket:
        """The socket; raises ConnectionError once the client is gone."""
        ...


async def send_slice(
    loop: asyncio.AbstractEventLoop, owner: Sending, head: bytes, file: BinaryIO, content: FileSlice
) -> None:
    """Send `head` and a slice of `file` on a non-blocking socket without copying the file.

    Raises ConnectionError, OSError.
    """
    view = memoryview(head)
    while view:
        try:
            view = view[owner.sending().send(view, socket.MSG_MORE) :]
        except BlockingIOError:
            await _writable(loop, owner)
    offset, end = content.offset, content.offset + content.length
    while offset < end:
        try:
            sent = os.sendfile(owner.sending().fileno(), file.fileno(), offset, min(end - offset, _SENDFILE_AT_ONCE))
        except BlockingIOError:
            await _writable(loop, owner)
            continue
        if not sent:
            raise OSError(f"{content.path} ends before byte {end}")
        offset += sent
        if offset < end:
            await asyncio.sleep(0)


async def _writable(loop: asyncio.AbstractEventLoop, owner: Sending) -> None:
    """Wait until the socket takes more; looks up now and then whether it still exists."""
    descriptor = owner.sending().fileno()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    loop.add_writer(descriptor, wake)
    try:
        done = False
        while not done:
            finished, _ = await asyncio.wait((waiter,), timeout=1.0)
            done = bool(finished)
            if not done and getattr(owner, "raw", None) is None:
                raise ConnectionResetError("the client closed the connection")
    finally:
        if getattr(owner, "raw", None) is not None:
            loop.remove_writer(descriptor)
