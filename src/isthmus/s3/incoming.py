"""Taking in the bytes of an upload: counted, hashed and checked before anything of them can be seen.

Small ones stay in memory and go into the database with their row; larger ones go to a content of their own
while they arrive. Nothing is kept of an upload that fails.

Source: "Checking object integrity in Amazon S3" in the S3 User Guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import INLINE_BYTES, ContentWriter, IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .checksums import (
    DEFAULT_ALGORITHM,
    Algorithm,
    Checksum,
    ChecksumType,
    Declared,
    check,
    check_md5,
    content_md5,
    declared,
    trailing_value,
)
from .object_errors import no_such_bucket

T = TypeVar("T")

LARGEST_PUT = 5 * 1024**3
"""The most bytes one PutObject or UploadPart may carry."""

_HASH_BYTES = 512 * 1024
"""Bytes collected before they are written and hashed."""

_THREAD_BYTES = 128 * 1024
"""Bytes whose hashing is worth a thread, which lets other requests go on meanwhile."""


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that arrived whole. md5: 16 bytes. Either `inline` or `content` (an id) holds them.

    algorithm, value: the checksum to keep (base64). sent: algorithm and value that the client gave, None if
    it gave none.
    """

    size: int
    md5: bytes
    algorithm: str
    value: str
    inline: bytes | None
    content: str | None
    sent: tuple[str, str] | None = None

    @property
    def etag(self) -> str:
        """The MD5 in hex."""
        return self.md5.hex()

    def checksum_json(self, kind: ChecksumType = "FULL_OBJECT") -> str:
        """The checksum as stored with a row."""
        return stored_checksum(self.algorithm, self.value, kind)


def stored_checksum(algorithm: str, value: str, kind: ChecksumType) -> str:
    """A checksum as stored with a row."""
    return json.dumps({"algorithm": algorithm, "value": value, "type": kind}, separators=(",", ":"))


class Hashes:
    """MD5 and the checksums of one upload."""

    def __init__(self, *algorithms: str) -> None:
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.checksums = {name: Checksum(name) for name in algorithms}

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self.md5.update(data)
        for checksum in self.checksums.values():
            checksum.update(data)

    async def update_in_thread(self, data: bytes) -> None:
        """Take many bytes while other requests go on."""
        await asyncio.to_thread(self.update, data)


async def receive(call: Call, keep: str | None = None, most: int | None = None) -> Received:
    """Read the request's body to its end and check it.

    keep: the algorithm whose value is to be kept; None keeps what the client sent, else CRC64NVME.
    most: given for a body of unknown length, the bytes it may have at most.
    Raises AwsError: MissingContentLength, EntityTooLarge, IncompleteBody, BadDigest, InvalidDigest,
    InvalidRequest, and what the body itself raises (signatures of chunks, XAmzContentSHA256Mismatch).
    """
    headers = call.request.headers
    announced = declared(headers)
    wanted_md5 = content_md5(headers)
    length = call.request.body.length
    if most is None:
        if length is None:
            raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.")
        if length > LARGEST_PUT:
            raise _too_large(length, LARGEST_PUT)
    kept = keep or (announced.algorithm.name if announced.algorithm else DEFAULT_ALGORITHM)
    hashes = Hashes(*{kept, announced.algorithm.name if announced.algorithm else kept})
    writer: ContentWriter | None = None
    inline: bytes | None = None
    content: str | None = None
    waiting: list[bytes] = []
    size = waiting_bytes = 0
    try:
        async for data in call.request.body.chunks():
            size += len(data)
            if most is not None and size > most:
                raise _too_large(size, most)
            waiting.append(data)
            waiting_bytes += len(data)
            if size > INLINE_BYTES and waiting_bytes >= _HASH_BYTES:
                writer = writer or await call.system.contents.create()
                await _write(writer, hashes, b"".join(waiting))
                waiting, waiting_bytes = [], 0
        if length is not None and most is None and size != length:
            raise AwsError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            )
        rest = b"".join(waiting)
        if writer is None and size > INLINE_BYTES:
            writer = await call.system.contents.create()
        if writer is None:
            hashes.update(rest)
            inline = rest
        else:
            await _write(writer, hashes, rest)
        sent = _check_digests(call, announced, wanted_md5, hashes)
        if writer is not None:
            content = await writer.finish()
    except BaseException:
        if writer is not None:
            await writer.abandon()
        raise
    value = sent[1] if sent is not None and sent[0] == kept else hashes.checksums[kept].base64()
    return Received(size, hashes.md5.digest(), kept, value, inline, content, sent)


async def _write(writer: ContentWriter, hashes: Hashes, data: bytes) -> None:
    await writer.write(data)
    if len(data) < _THREAD_BYTES:
        hashes.update(data)
    else:
        await hashes.update_in_thread(data)


def _too_large(size: int, most: int) -> AwsError:
    return AwsError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        extra={"ProposedSize": str(size), "MaxSizeAllowed": str(most)},
    )


def _check_digests(call: Call, announced: Declared, wanted_md5: bytes | None, hashes: Hashes) -> tuple[str, str] | None:
    """Compare what the client said with what came; the algorithm and value it gave."""
    check_md5(wanted_md5, hashes.md5.digest())
    algorithm: Algorithm | None = announced.algorithm
    if algorithm is None:
        return None
    if announced.trailer:
        value = trailing_value(algorithm, getattr(call.request.body, "trailers", {}))
    elif announced.value is not None:
        value = announced.value
    else:
        return None
    check(algorithm, value, hashes.checksums[algorithm.name].base64())
    return algorithm.name, value


async def commit(
    call: Call,
    bucket: Bucket,
    work: Callable[[Transaction], Awaitable[T]],
    content: str | None = None,
) -> T:
    """Run the transaction that makes bytes visible; a content of a refused one is removed at once.

    Raises what `work` raises, and NoSuchBucket when the bucket went away meanwhile.
    """
    try:
        return await call.system.objects.write(work)
    except Exception as error:
        # Not on cancellation: the transaction may have been committed all the same.
        if content is not None:
            await call.system.contents.delete(content)
        if isinstance(error, IntegrityConflict):
            alive = await call.system.objects.fetch_one("SELECT 1 FROM live_buckets WHERE id = ?", bucket.id)
            if alive is None:
                raise no_such_bucket(bucket.name) from error
        raise
