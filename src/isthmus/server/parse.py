"""From bytes to the heads of requests: llhttp's callbacks, and what no server should accept.

Ambiguous lengths are refused before anybody acts on a request (RFC 9112, section 6.3), and a head may be no larger
than the limits say. What arrives is told to the `Receiver` as it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httptools

from isthmus.wire import BytesBody, Request

if TYPE_CHECKING:
    from .http import Limits

_NO_BODY = BytesBody()
_KNOWN_NAMES: dict[bytes, str] = {}


class Receiver(Protocol):
    """Whoever answers."""

    def request_began(self) -> None:
        """The first byte of a request is there."""
        ...

    def request_arrived(self, request: Request, length: int | None, keep_alive: bool, old: bool) -> None:
        """A head is whole. length: of the body, 0 for none, None for chunks. old: HTTP/1.0."""
        ...

    def body_arrived(self, data: bytes) -> None:
        """A piece of the body of the last request."""
        ...

    def request_ended(self) -> None:
        """The body of the last request is whole."""
        ...

    def refuse(self, status: int, message: str) -> None:
        """What comes is no request that can be answered; nothing after it is parsed."""
        ...


class RequestParser:
    """The bytes of one connection, in order."""

    def __init__(self, receiver: Receiver, limits: Limits) -> None:
        self._receiver = receiver
        self._limits = limits
        self._native = httptools.HttpRequestParser(self)
        self._refused = False
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._head_fed = 0
        self._head_began_before = False
        self._headers_done = True
        self._problem: tuple[int, str] | None = None

    @property
    def in_head(self) -> bool:
        """Whether a request has begun whose head is not whole."""
        return not self._headers_done

    def feed(self, data: bytes) -> None:
        """More bytes from the client; raises nothing."""
        if self._refused:
            return
        try:
            self._native.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(400, "The request is not well-formed HTTP/1.1.")
            return
        if not self._headers_done:
            # The piece in which a head begins may hold the end of an earlier body: it is not counted.
            if self._head_began_before:
                self._head_fed += len(data)
                self._check_head()
            self._head_began_before = True

    def _refuse(self, status: int, message: str) -> None:
        if not self._refused:
            self._refused = True
            self._receiver.refuse(status, message)

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._url = b""
        self._headers = {}
        self._problem = None
        self._head_bytes = 0
        self._head_fed = 0
        self._head_began_before = False
        self._headers_done = False
        self._receiver.request_began()

    def on_url(self, url: bytes) -> None:
        """httptools: a piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header."""
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
        """httptools: the head is whole."""
        self._headers_done = True
        if self._refused:
            return
        headers = self._headers
        native = self._native
        old = native.get_http_version() != "1.1"
        problem = self._framing_problem(headers, old)
        if problem is not None:
            self._refuse(*problem)
            return
        target = self._target(headers)
        if target is None:
            self._refuse(400, "The request target is neither a path nor an http URL.")
            return
        path, _, query = target.partition("?")
        length = None if "transfer-encoding" in headers else int(headers.get("content-length", 0))
        request = Request(native.get_method().decode("latin-1"), path, query, headers, _NO_BODY)
        self._receiver.request_arrived(request, length, native.should_keep_alive(), old)

    def on_body(self, data: bytes) -> None:
        """httptools: a piece of the body."""
        self._receiver.body_arrived(data)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        self._receiver.request_ended()

    # --- what is refused ---

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
        if self._native.get_method() == b"CONNECT":
            self._refuse(405, "This is not a proxy.")
            return
        self._native = httptools.HttpRequestParser(self)
        if rest:
            self.feed(rest)
