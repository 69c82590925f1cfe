"""The `aws-chunked` content encoding, decoded without I/O: bytes in, bytes out.

    hex-length [;chunk-signature=hex] CRLF  data CRLF   …   0 [;chunk-signature=hex] CRLF
    [name:value CRLF …] [x-amz-trailer-signature:hex CRLF] CRLF

Each signature covers the one before it, the first that of the request ("seed"), so chunks can be neither
changed nor left out nor put in another order. Decoded bytes are handed out before their chunk's signature
has been seen; who consumes them must forget them when `feed` or `finish` raises.

Source: "Signature calculations for the Authorization header: transferring payload in multiple chunks", and
the page on trailing headers, in the S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection
from typing import NamedTuple

from isthmus.wire import AwsError

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_HEADER_LIMIT = 1024  # a length and a signature need about a hundred bytes
_TRAILER_LIMIT = 16 * 1024
_MIN_CHUNK = 8192  # bytes; every chunk but the last must have them
_LENGTH = re.compile(rb"[0-9a-fA-F]{1,13}\Z")
_TRAILER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+\Z")


class Seed(NamedTuple):
    """What the chunks' signatures start from: the request's own signature, its key, moment and scope."""

    key: bytes
    timestamp: str
    scope: str
    signature: str


class ChunkDecoder:
    """Decodes one body.

    length: bytes there must be after decoding (`x-amz-decoded-content-length`).
    seed: None for STREAMING-UNSIGNED-PAYLOAD-TRAILER.
    trailers: names announced in `x-amz-trailer`; they and no others must follow the last chunk.
    """

    def __init__(self, length: int, seed: Seed | None = None, trailers: Collection[str] = ()) -> None:
        self.trailers: dict[str, str] = {}
        self._length = length
        self._seed = seed
        self._previous = seed.signature if seed else ""
        self._announced = {name.lower() for name in trailers}
        self._signed_trailer = seed is not None and bool(trailers)
        self._buffer = bytearray()
        self._state = "header"
        self._left = 0
        self._chunk = 0
        self._short_chunk = False
        self._decoded = 0
        self._signature = ""
        self._digest = hashlib.sha256()

    @property
    def complete(self) -> bool:
        """Whether the end has been seen."""
        return self._state == "done"

    def feed(self, data: bytes) -> list[bytes]:
        """The decoded pieces in `data`.

        Raises AwsError IncompleteBody, InvalidChunkSizeError, SignatureDoesNotMatch, MalformedTrailerError.
        """
        pieces: list[bytes] = []
        buffer = self._buffer
        position, end = 0, len(data)
        while position < end:
            if self._state == "data":
                take = min(self._left, end - position)
                piece = data if take == end else data[position : position + take]
                position += take
                self._left -= take
                if self._seed:
                    self._digest.update(piece)
                pieces.append(piece)
                if not self._left:
                    self._state = "data-end"
            elif self._state == "done":
                raise _incomplete()
            else:
                newline = data.find(b"\n", position)
                stop = end if newline < 0 else newline + 1
                buffer += data[position:stop]
                position = stop
                limit = _TRAILER_LIMIT if self._state == "trailer" else _HEADER_LIMIT
                if len(buffer) > limit:
                    raise _incomplete() if self._state != "trailer" else _malformed_trailer()
                if newline >= 0:
                    line = bytes(buffer).rstrip(b"\r\n")
                    buffer.clear()
                    self._line(line)
        return pieces

    def finish(self) -> None:
        """The body has ended. Raises AwsError IncompleteBody unless it was whole."""
        if self._state == "trailer" and not self._buffer and not self._announced and not self.trailers:
            # Some clients leave out the empty line after the last chunk; nothing is missing then.
            self._end()
        if self._state != "done":
            raise _incomplete()

    def _line(self, line: bytes) -> None:
        if self._state == "header":
            self._chunk_header(line)
        elif self._state == "data-end":
            if line:
                raise _incomplete()
            self._check_chunk()
            self._state = "header"
        elif line:
            self._trailer_line(line)
        else:
            self._end()

    def _chunk_header(self, line: bytes) -> None:
        size, _, extension = line.partition(b";")
        if not _LENGTH.match(size):
            raise _incomplete()
        length = int(size, 16)
        self._signature = ""
        if self._seed:
            name, _, value = extension.strip().partition(b"=")
            if name != b"chunk-signature":
                raise _incomplete()
            self._signature = value.decode("latin-1")
        if length and self._short_chunk:
            raise AwsError(
                "InvalidChunkSizeError",
                "Only the last chunk is allowed to have a size less than 8192 bytes",
                extra={"Chunk": str(self._chunk + 1), "BadChunkSize": str(length)},
            )
        self._chunk += 1
        self._short_chunk = length < _MIN_CHUNK
        self._decoded += length
        if self._decoded > self._length:
            raise _incomplete()
        self._left = length
        if length:
            self._state = "data"
        else:
            self._check_chunk()
            self._state = "trailer"

    def _check_chunk(self) -> None:
        seed = self._seed
        if seed is None:
            return
        text = (
            f"AWS4-HMAC-SHA256-PAYLOAD\n{seed.timestamp}\n{seed.scope}\n{self._previous}\n{_EMPTY_SHA256}\n"
            f"{self._digest.hexdigest()}"
        )
        self._check_signature(seed, text, self._signature)
        self._digest = hashlib.sha256()

    def _check_signature(self, seed: Seed, text: str, signature: str) -> None:
        ours = hmac.digest(seed.key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(ours.encode(), signature.encode("utf-8", "surrogateescape")):
            raise AwsError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key "
                "and signing method.",
                extra={"StringToSign": text, "SignatureProvided": signature},
            )
        self._previous = ours

    def _trailer_line(self, line: bytes) -> None:
        try:
            name, colon, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            raise _malformed_trailer() from None
        name, value = name.strip().lower(), value.strip()
        if not colon or not _TRAILER_NAME.match(name) or name in self.trailers:
            raise _malformed_trailer()
        if sum(len(key) + len(text) for key, text in self.trailers.items()) + len(line) > _TRAILER_LIMIT:
            raise _malformed_trailer()
        self.trailers[name] = value

    def _end(self) -> None:
        signature = self.trailers.pop("x-amz-trailer-signature", None)
        if set(self.trailers) != self._announced:
            raise _malformed_trailer()
        if self._seed is not None and self._signed_trailer:
            if signature is None:
                raise _malformed_trailer()
            seed = self._seed
            text = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            self._check_signature(
                seed,
                f"AWS4-HMAC-SHA256-TRAILER\n{seed.timestamp}\n{seed.scope}\n{self._previous}\n"
                f"{hashlib.sha256(text.encode()).hexdigest()}",
                signature,
            )
        if self._decoded != self._length:
            raise _incomplete()
        self._state = "done"


def _incomplete() -> AwsError:
    return AwsError("IncompleteBody", "The request body terminated unexpectedly")


def _malformed_trailer() -> AwsError:
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
