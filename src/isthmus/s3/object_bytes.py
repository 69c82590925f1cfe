"""Sending bytes of an object: any range of it, in one piece where one piece holds it.

A multipart object is the parts it was uploaded in; nothing joins them on the disk. What is encrypted is opened on the
way, all parts with the object's one data key.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import Contents, Reader
from isthmus.wire import FileSlice, ResponseBody

from .object_errors import try_again
from .object_keys import cipher_of_sse_s3, is_sse_s3, stored_object_key
from .objects_table import ObjectRow
from .sealed_content import opened_range, unseal, unseal_only

_READ_BYTES = 1024 * 1024
"""Bytes read from a file at a time where the front door cannot send the file itself."""

_Piece = tuple[bytes | None, str | None, int, int, int]
"""Bytes in the database or the id of a content, its size, then offset in it and length."""


async def opened_body(call: Call, bucket: Bucket, row: ObjectRow, offset: int, length: int) -> ResponseBody:
    """`length` bytes of an object of `bucket` from `offset`, with the key that the caller may use. Raises what
    `stored_object_key` and `object_body` raise."""
    if row.inline_bytes is not None and is_sse_s3(row.encryption):
        # Most requests are for a small object, whose cipher is at hand; `_describe` has looked at the headers.
        cipher = cipher_of_sse_s3(call.system.vault, bucket.id, row.key, row.encryption)
        plaintext = unseal_only(cipher, row.inline_bytes)
        return plaintext if length == row.size else plaintext[offset : offset + length]
    data_key = await stored_object_key(call, bucket, row.key.decode(), row.encryption)
    return await object_body(call.system.objects, call.system.contents, row, offset, length, data_key)


async def object_body(
    objects: Reader, contents: Contents, row: ObjectRow, offset: int, length: int, data_key: bytes | None
) -> ResponseBody:
    """`length` bytes of the object from `offset`; the range must lie within it. data_key: of `stored_object_key`.

    Raises ServiceUnavailable when the parts of a multipart object are gone since its row was read, StoreError for bytes
    that do not open.
    """
    if row.inline_bytes is not None:
        plaintext = row.inline_bytes if data_key is None else unseal(data_key, row.inline_bytes)
        return plaintext if length == row.size else plaintext[offset : offset + length]
    if length == 0:
        return b""
    if row.content is not None:
        return await _stored(contents, row.content, row.size, offset, length, data_key)
    pieces = await _pieces(objects, row.id, offset, length)
    if sum(piece[4] for piece in pieces) != length:
        raise try_again()
    if len(pieces) == 1:
        return await _piece(contents, pieces[0], data_key)
    return _joined(contents, pieces, data_key)


async def _stored(
    contents: Contents, content: str, size: int, offset: int, length: int, data_key: bytes | None
) -> ResponseBody:
    if data_key is None:
        return contents.read(content, offset, length)
    return await opened_range(contents, content, data_key, size, offset, length)


async def _piece(contents: Contents, piece: _Piece, data_key: bytes | None) -> ResponseBody:
    inline, content, size, start, count = piece
    if inline is not None:
        return (inline if data_key is None else unseal(data_key, inline))[start : start + count]
    if content is None or count == 0:
        return b""
    return await _stored(contents, content, size, start, count, data_key)


async def _pieces(objects: Reader, row_id: int, offset: int, length: int) -> list[_Piece]:
    """What of which parts makes up the range."""
    rows = await objects.fetch_all(
        "SELECT inline_bytes, content, offset_in_object, size FROM object_parts "
        "WHERE object_id = ? AND offset_in_object < ? AND offset_in_object + size > ? ORDER BY number",
        row_id,
        offset + length,
        offset,
    )
    pieces: list[_Piece] = []
    for inline, content, part_offset, size in rows:
        start = max(offset - part_offset, 0)
        end = min(offset + length - part_offset, size)
        pieces.append((inline, content, size, start, end - start))
    return pieces


async def _joined(contents: Contents, pieces: list[_Piece], data_key: bytes | None) -> AsyncIterator[bytes]:
    for piece in pieces:
        async for data in read_all(await _piece(contents, piece, data_key)):
            yield data


async def read_all(body: ResponseBody) -> AsyncIterator[bytes]:
    """The bytes of a body, a megabyte at a time where it is a file."""
    if isinstance(body, bytes):
        yield body
    elif isinstance(body, FileSlice):
        file = await asyncio.to_thread(os.open, body.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            offset, end = body.offset, body.offset + body.length
            while offset < end:
                data = await asyncio.to_thread(os.pread, file, min(_READ_BYTES, end - offset), offset)
                if not data:
                    raise OSError(f"{body.path} ends before byte {end}")
                offset += len(data)
                yield data
        finally:
            os.close(file)
    else:
        async for data in body:
            yield data
