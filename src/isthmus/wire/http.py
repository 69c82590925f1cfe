"""A request and a response as values: what the front door hands in and gets back.

Nothing here reads a socket. A body is anything with the two methods of `Body`; tests use `BytesBody`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class Body(Protocol):
    """The bytes of a request, read once."""

    length: int | None
    """Announced length in bytes (Content-Length); None for chunked transfer encoding."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive; reading sends a pending `100 Continue`."""
        ...


class BytesBody:
    """A body that is already in memory."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self.length: int | None = len(data)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole body as one chunk."""
        if self._data:
            yield self._data


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are lower case; repeated headers are joined with `,`."""

    method: str
    path: str
    """The path as sent, still percent-encoded, without the query."""
    query: str
    """The query as sent, still percent-encoded, without `?`; empty when there is none."""
    headers: dict[str, str]
    body: Body = field(default_factory=BytesBody)
    client: str = "127.0.0.1"
    """The client's IP address."""
    secure: bool = False
    """Whether it came over TLS."""
    tls_version: str = ""
    """`1.2` or `1.3` where TLS ends here."""
    cipher_suite: str = ""
    """OpenSSL's name of the cipher suite where TLS ends here."""
    http_version: str = "1.1"


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`length` bytes of the file at `path`, from `offset`: the front door may use sendfile for it."""

    path: str
    offset: int
    length: int


ResponseBody = bytes | FileSlice | AsyncIterator[bytes]


@dataclass(slots=True)
class Response:
    """One HTTP response. `Content-Length` is set by the front door for bytes and FileSlice bodies."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: ResponseBody = b""
