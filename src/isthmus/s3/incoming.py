"""Taking in the bytes of an upload: counted, hashed and checked before anything of them can be seen.

Small ones stay in memory and go into the database with their row; larger ones go to a content of their own
while they arrive, encrypted on the way. Nothing is kept of an upload that fails.

Source: "Checking object integrity in Amazon S3" in the S3 User Guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import INLINE_BYTES, ContentWriter, IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .bucket_rows import no_such_bucket
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
from .object_keys import ObjectKey
from .sealed_content import SealedBytes, SealingWriter, new_salt, seal

T = TypeVar("T")

LARGEST_PUT = 5 * 1024**3
"""The most bytes one PutObject or UploadPart may carry."""

_HASH_BYTES = 512 * 1024
"""Bytes collected before they are written and hashed."""

_THREAD_BYTES = 128 * 1024
"""Bytes whose hashing is worth a thread, which lets other requests go on meanwhile."""


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that arrived whole. Either `inline` or `content` (an id) holds them, encrypted under the object's key.

    etag: MD5 in hex, or an HMAC of it where the encryption hides it. algorithm, value: the checksum to keep (base64).
    sent: algorithm and value that the client gave, None if it gave none.
    """

    size: int
    etag: str
    algorithm: str
    value: str
    inline: bytes | None
    content: str | None
    sent: tuple[str, str] | None = None

    def checksum_json(self) -> str:
        """The checksum as stored with a row."""
        return stored_checksum(self.algorithm, self.value, "FULL_OBJECT")


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


class Kept:
    """Bytes being kept for an object or a part: in memory while they are few, else in a content, encrypted.

    object_key: None keeps them as they are. part: whether they are one of several pieces under that key.
    """

    def __init__(self, call: Call, object_key: ObjectKey | None, *, part: bool) -> None:
        self._call = call
        self._object_key = object_key
        self._salt = new_salt(call.system.entropy) if part else b""
        self._writer: ContentWriter | None = None

    @property
    def is_content(self) -> bool:
        """Whether a content of its own was begun."""
        return self._writer is not None

    async def write(self, data: bytes) -> None:
        """Append to the content, which is begun with the first bytes."""
        if self._writer is None:
            writer = await self._call.system.contents.create()
            if self._object_key is not None:
                writer = SealingWriter(writer, SealedBytes(self._object_key.data_key, self._salt))
            self._writer = writer
        await self._writer.write(data)

    async def finish(self) -> str:
        """The id of the content, which is on stable storage."""
        assert self._writer is not None
        return await self._writer.finish()

    async def abandon(self) -> None:
        """Throw away what was written."""
        if self._writer is not None:
            await self._writer.abandon()

    def inline(self, data: bytes) -> bytes:
        """A small content whole, as it goes into the database."""
        if self._object_key is None:
            return data
        return seal(self._object_key.data_key, data, self._salt)

    def etag(self, md5: bytes) -> str:
        """The entity tag of bytes with this MD5."""
        if self._object_key is not None and self._object_key.hides_md5:
            # The same for a part that is sent again, so that a client may complete the upload with either tag.
            return hmac.digest(self._object_key.data_key, b"isthmus etag" + md5, hashlib.sha256)[:16].hex()
        return md5.hex()


async def receive(
    call: Call, object_key: ObjectKey | None, *, part: bool = False, keep: str | None = None, most: int | None = None
) -> Received:
    """Read the request's body to its end, check it and keep it encrypted under `object_key`.

    part: whether it is one of several pieces under that key.
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
    kept_bytes = Kept(call, object_key, part=part)
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
                await _write(kept_bytes, hashes, b"".join(waiting))
                waiting, waiting_bytes = [], 0
        if length is not None and most is None and size != length:
            raise AwsError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            )
        rest = b"".join(waiting)
        if size > INLINE_BYTES:
            await _write(kept_bytes, hashes, rest)
        else:
            hashes.update(rest)
            inline = kept_bytes.inline(rest)
        sent = _check_digests(call, announced, wanted_md5, hashes)
        if kept_bytes.is_content:
            content = await kept_bytes.finish()
    except BaseException:
        await kept_bytes.abandon()
        raise
    call.found["received"] = size, call.system.clock()
    value = sent[1] if sent is not None and sent[0] == kept else hashes.checksums[kept].base64()
    return Received(size, kept_bytes.etag(hashes.md5.digest()), kept, value, inline, content, sent)


async def _write(kept: Kept, hashes: Hashes, data: bytes) -> None:
    await kept.write(data)
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
    *contents: str | None,
) -> T:
    """Run the transaction that makes bytes visible; the contents of a refused one are removed at once.

    Raises what `work` raises, and NoSuchBucket when the bucket went away meanwhile.
    """
    try:
        return await call.system.objects.write(work)
    except Exception as error:
        # Not on cancellation: the transaction may have been committed all the same.
        for content in contents:
            if content is not None:
                await call.system.contents.delete(content)
        if isinstance(error, IntegrityConflict):
            alive = await call.system.objects.fetch_one("SELECT 1 FROM live_buckets WHERE id = ?", bucket.id)
            if alive is None:
                raise no_such_bucket(bucket.name) from error
        raise
