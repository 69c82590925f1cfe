"""Which bytes a copy gets.

A copy of an SSE-S3 object into SSE-S3 copies no bytes: the new version names the same contents (or carries the same
inline bytes), and the data key is sealed anew for it. So does a copy of bytes that are kept as they are into such.
Under any other key, one of KMS or of a customer on either side, the bytes are opened and written again.

Source: CopyObject in the S3 API reference; S3 User Guide "Copying, moving, and renaming objects" (the entity tag).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import INLINE_BYTES, Reader, Row, Transaction
from isthmus.wire import ResponseBody

from .checksums import DEFAULT_ALGORITHM, Checksum, algorithm_named
from .encryption import NONE, SSE_S3, Wanted
from .incoming import Hashes, Kept, Received, stored_checksum
from .object_bytes import object_body, read_all
from .object_errors import try_again
from .object_keys import ObjectKey, hides_md5, is_sse_s3, refuse_customer_key, resealed, stored_object_key
from .object_settings import ObjectSettings
from .objects_table import Current, NewVersion, ObjectRow, add_version, find_by_id

_PARTS = (
    "SELECT number, offset_in_object, size, etag, checksum, inline_bytes, content FROM object_parts "
    "WHERE object_id = ? ORDER BY number"
)


@dataclass(slots=True)
class CopiedBytes:
    """What the new version gets.

    parts: rows of `object_parts` without the object's id. written: contents that were written for it and that nobody
    names yet. check: to be awaited in the transaction that names them; it fills `content`, `inline` and `parts` of a
    copy that shares its source's.
    """

    etag: str
    checksum_json: str | None
    encryption: bytes | None
    content: str | None
    inline: bytes | None
    parts: list[Row]
    written: list[str]
    check: Callable[[Transaction], Awaitable[None]]


def shares_bytes(stored: bytes | None, wanted: Wanted) -> bool:
    """Whether a copy of an object with this encryption can share its bytes. stored: of the source's row."""
    return wanted.kind == SSE_S3 if is_sse_s3(stored) else stored is None and wanted.kind == NONE


async def key_of_source(call: Call, bucket: Bucket, row: ObjectRow) -> bytes | None:
    """The data key of a copy's source, which the request's x-amz-copy-source-… headers open."""
    return await stored_object_key(call, bucket, row.key.decode(), row.encryption, "CopySource")


async def shared_copy(call: Call, source_bucket: Bucket, row: ObjectRow, bucket: Bucket, key: str) -> CopiedBytes:
    """The source's own bytes under another name. Raises InvalidRequest for a customer's key that the source lacks."""
    refuse_customer_key(call, "CopySource")
    encryption = None
    if row.encryption is not None:
        encryption = resealed(call, source_bucket, row.key, row.encryption, bucket, key).stored
    checksum_json = await _checksum(call, source_bucket, row)
    copied: CopiedBytes

    async def check(tx: Transaction) -> None:
        # Read again: the bytes must not have lost their last name since.
        still = await find_by_id(tx, row.id)
        if still is None:
            raise try_again()
        copied.content, copied.inline, copied.parts = still.content, still.inline_bytes, await _parts(tx, row)

    copied = CopiedBytes(row.etag, checksum_json, encryption, None, None, [], [], check)
    return copied


async def rewritten_copy(
    call: Call, source_bucket: Bucket, row: ObjectRow, object_key: ObjectKey | None
) -> CopiedBytes:
    """The source's bytes, opened and written again under another key. Raises what `stored_object_key` raises."""
    data_key = await key_of_source(call, source_bucket, row)
    encryption = None if object_key is None else object_key.stored

    async def check(tx: Transaction) -> None:
        """What was written is ours: nobody can take it away."""

    copied = CopiedBytes(row.etag, row.checksum_json, encryption, None, None, [], [], check)
    try:
        if row.parts is None:
            known = row.checksum or {}
            algorithm = call.input.get("ChecksumAlgorithm") or known.get("algorithm") or DEFAULT_ALGORITHM
            body = await _body(call, row, 0, row.size, data_key)
            name = algorithm_named(algorithm).name
            received = await rewritten(call, body, row.size, name, object_key, part=False)
            copied.etag, copied.content, copied.inline = received.etag, received.content, received.inline
            copied.checksum_json = received.checksum_json()
            copied.written = [received.content] if received.content is not None else []
            return copied
        copied.checksum_json = await _checksum(call, source_bucket, row)
        if hides_md5(encryption):
            copied.etag = f"{call.system.entropy(16).hex()}-{row.parts}"
        for number, offset, size, etag, checksum, _, _ in await _parts(call.system.objects, row):
            body = await _body(call, row, offset, size, data_key)
            received = await rewritten(call, body, size, DEFAULT_ALGORITHM, object_key, part=True)
            if received.content is not None:
                copied.written.append(received.content)
            copied.parts.append((number, offset, size, etag, checksum, received.inline, received.content))
    except BaseException:
        for content in copied.written:
            await call.system.contents.delete(content)
        raise
    return copied


async def add_copied(
    tx: Transaction,
    copied: CopiedBytes,
    settings: ObjectSettings,
    row: ObjectRow,
    bucket_id: int,
    key: bytes,
    version_id: str,
    *,
    modified: float,
    current: Current | None,
    now: float | None = None,
) -> tuple[int, NewVersion, list[str]]:
    """Make the new version of bytes that were copied from `row`, after `copied.check`.

    Its row id, the version, and the contents that lost a name (for `release`); otherwise as `add_version`.
    """
    new = settings.version(
        size=row.size,
        etag=copied.etag,
        content=copied.content,
        inline_bytes=copied.inline,
        parts=row.parts,
        checksum_json=copied.checksum_json,
        encryption=copied.encryption,
    )
    row_id, dropped = await add_version(
        tx, bucket_id, key, version_id, new, modified=modified, current=current, now=now
    )
    for part in copied.parts:
        await tx.execute(
            "INSERT INTO object_parts (object_id, number, offset_in_object, size, etag, checksum, "
            "inline_bytes, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row_id,
            *part,
        )
    return row_id, new, dropped


async def rewritten(
    call: Call, body: ResponseBody, length: int, algorithm: str, object_key: ObjectKey | None, *, part: bool
) -> Received:
    """`length` bytes of a body, kept anew and encrypted under `object_key`. part: see Kept."""
    hashes = Hashes(algorithm)
    kept = Kept(call, object_key, part=part)
    inline: bytes | None = None
    content: str | None = None
    if length <= INLINE_BYTES:
        data = b"".join([piece async for piece in read_all(body)])
        hashes.update(data)
        inline = kept.inline(data)
    else:
        try:
            async for piece in read_all(body):
                await hashes.update_in_thread(piece)
                await kept.write(piece)
            content = await kept.finish()
        except BaseException:
            await kept.abandon()
            raise
    value = hashes.checksums[algorithm].base64()
    return Received(length, kept.etag(hashes.md5.digest()), algorithm, value, inline, content)


async def _body(call: Call, row: ObjectRow, offset: int, length: int, data_key: bytes | None) -> ResponseBody:
    return await object_body(call.system.objects, call.system.contents, row, offset, length, data_key)


async def _parts(reader: Reader, row: ObjectRow) -> list[Row]:
    return [] if row.parts is None else await reader.fetch_all(_PARTS, row.id)


async def _checksum(call: Call, source_bucket: Bucket, row: ObjectRow) -> str | None:
    """The source's checksum, or one by the algorithm the request names (which reads all bytes, once)."""
    name = call.input.get("ChecksumAlgorithm")
    if not name:
        return row.checksum_json
    algorithm = algorithm_named(name)
    known: dict[str, Any] | None = json.loads(row.checksum_json) if row.checksum_json else None
    if known is not None and known["algorithm"] == algorithm.name and known["type"] == "FULL_OBJECT":
        return row.checksum_json
    checksum = Checksum(algorithm.name)
    data_key = await key_of_source(call, source_bucket, row)
    async for data in read_all(await _body(call, row, 0, row.size, data_key)):
        checksum.update(data)
    return stored_checksum(algorithm.name, checksum.base64(), "FULL_OBJECT")
