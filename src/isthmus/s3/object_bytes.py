"""Sending bytes of an object: any range of it, in one piece where one piece holds it.

A multipart object is the parts it was uploaded in; nothing joins them on the disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from isthmus.store import Contents, Reader
from isthmus.wire import FileSlice, ResponseBody

from .object_errors import try_again
from .objects_table import ObjectRow

_READ_BYTES = 1024 * 1024
"""Bytes read from a file at a time where the front door cannot send the file itself."""

_Piece = tuple[bytes | None, str | None, int, int]
"""Bytes in the database or the id of a content, then offset in it and length."""


async def object_body(objects: Reader, contents: Contents, row: ObjectRow, offset: int, length: int) -> ResponseBody:
    """`length` bytes of the object from `offset`; the range must lie within it.

    Raises ServiceUnavailable when the parts of a multipart object are gone since its row was read.
    """
    if row.inline_bytes is not None:
        return row.inline_bytes if length == row.size else row.inline_bytes[offset : offset + length]
    if length == 0:
        return b""
    if row.content is not None:
        return contents.read(row.content, offset, length)
    pieces = await _pieces(objects, row.id, offset, length)
    if sum(piece[3] for piece in pieces) != length:
        raise try_again()
    if len(pieces) == 1:
        inline, content, start, count = pieces[0]
        if inline is not None:
            return inline[start : start + count]
        if content is not None:
            return contents.read(content, start, count)
    return _joined(contents, pieces)


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
        pieces.append((inline, content, start, end - start))
    return pieces


async def _joined(contents: Contents, pieces: list[_Piece]) -> AsyncIterator[bytes]:
    for inline, content, start, length in pieces:
        if inline is not None:
            yield inline[start : start + length]
        elif content is not None:
            async for data in read_all(contents.read(content, start, length)):
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
