"""What a signed S3 request says about its body, and a body that holds it to that.

`x-amz-content-sha256` is part of the signature: a SHA-256 in hex, or one of the words below. `verified_body`
wraps the body as it arrives; an exception from its iterator means that nothing of it may become visible.

Source: "Authenticating requests: using the Authorization header" in the S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator

from isthmus.wire import AwsError, Body, Request

from .chunks import ChunkDecoder, Seed
from .presented import V4, Presented, decoded_query

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_WORDS = frozenset((UNSIGNED, STREAMING, STREAMING_TRAILER, STREAMING_UNSIGNED_TRAILER))
_STREAMING_WORDS = _WORDS - {UNSIGNED}
_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
_LENGTH = re.compile(r"[0-9]{1,15}\Z")


def declared_payload(request: Request, presented: Presented | None) -> str:
    """The value of `x-amz-content-sha256`, as sent.

    Version 4 in the header requires it (InvalidRequest); anything but a hash or a known word is
    InvalidArgument.
    Without it everything else is UNSIGNED-PAYLOAD.
    """
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None and "X-Amz-Content-Sha256=" in request.query:
        declared = dict(decoded_query(request.query)).get("X-Amz-Content-Sha256")
    if declared is None:
        if presented is not None and presented.form == "REST-HEADER" and presented.version == V4:
            raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        return UNSIGNED
    if declared not in _WORDS and not _HEX.match(declared):
        raise AwsError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid "
            "sha256 value.",
            extra={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": declared},
        )
    return declared


class PlainBody:
    """A body taken as it is: unsigned, or of a version without payload hashes."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.length = body.length
        self.trailers: dict[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive. Raises AwsError IncompleteBody when fewer came than were announced."""
        received = 0
        async for data in self._body.chunks():
            received += len(data)
            yield data
        if self.length is not None and received != self.length:
            raise _too_short()


class HashedBody:
    """A body whose SHA-256 was signed."""

    def __init__(self, body: Body, sha256: str) -> None:
        self._body = body
        self._expected = sha256.lower()
        self.length = body.length
        self.trailers: dict[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive, then the check. Raises AwsError XAmzContentSHA256Mismatch,
        IncompleteBody.
        """
        digest = hashlib.sha256()
        received = 0
        async for data in self._body.chunks():
            digest.update(data)
            received += len(data)
            yield data
        if self.length is not None and received != self.length:
            raise _too_short()
        computed = digest.hexdigest()
        if not hmac.compare_digest(computed, self._expected):
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                extra={
                    "ClientComputedContentSHA256": self._expected,
                    "S3ComputedContentSHA256": computed,
                },
            )


class ChunkedBody:
    """A body in `aws-chunked` encoding, decoded."""

    def __init__(self, body: Body, decoder: ChunkDecoder, length: int) -> None:
        self._body = body
        self._decoder = decoder
        self.length: int | None = length

    @property
    def trailers(self) -> dict[str, str]:
        """Trailing headers, names lower case; complete once the body has been read."""
        return self._decoder.trailers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The decoded bytes. Raises what ChunkDecoder raises."""
        decoder = self._decoder
        async for data in self._body.chunks():
            for piece in decoder.feed(data):
                yield piece
        decoder.finish()


VerifiedBody = PlainBody | HashedBody | ChunkedBody


def verified_body(request: Request, presented: Presented | None, key: bytes | None) -> VerifiedBody:
    """The request's body, which raises at its end unless it is what was declared.

    key: the signing key (`signing_key`) of version 4; None for anonymous and version 2 requests.
    `length` is that of the decoded bytes, `trailers` are there after reading.
    Raises AwsError MissingContentLength, InvalidArgument, InvalidRequest.
    """
    declared = declared_payload(request, presented)
    if declared == UNSIGNED:
        return PlainBody(request.body)
    if declared not in _STREAMING_WORDS:
        return HashedBody(request.body, declared)
    written = request.headers.get("x-amz-decoded-content-length")
    if written is None:
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.")
    if not _LENGTH.match(written):
        raise AwsError(
            "InvalidArgument",
            "The x-amz-decoded-content-length header must be a non-negative integer.",
            extra={"ArgumentName": "x-amz-decoded-content-length", "ArgumentValue": written},
        )
    trailers = [name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",") if name.strip()]
    seed = None
    if declared != STREAMING_UNSIGNED_TRAILER:
        if presented is None or presented.version != V4 or presented.form == "POST" or key is None:
            raise AwsError("InvalidRequest", f"{declared} is only possible in a request signed with {V4}.")
        seed = Seed(key, presented.timestamp, presented.scope, presented.signature)
        if declared == STREAMING and trailers:
            raise AwsError(
                "InvalidRequest",
                f"x-amz-trailer is only possible with x-amz-content-sha256: {STREAMING_TRAILER}.",
            )
    length = int(written)
    return ChunkedBody(request.body, ChunkDecoder(length, seed, trailers), length)


def without_aws_chunked(content_encoding: str) -> str:
    """A `Content-Encoding` header as S3 stores it: `aws-chunked` is a matter of the transfer alone."""
    if "aws-chunked" not in content_encoding.lower():
        return content_encoding
    kept = [part.strip() for part in content_encoding.split(",")]
    return ",".join(part for part in kept if part and part.lower() != "aws-chunked")


def _too_short() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
