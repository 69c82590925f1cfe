"""The interface to bytes: whole contents with an id, written once, never changed.

A content is complete and on stable storage before the row that names it is committed; contents that no row
names are swept. Small contents live in the database instead (`INLINE_BYTES`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from isthmus.wire.http import FileSlice

INLINE_BYTES = 32 * 1024
"""Contents up to this size are stored inside the metadata database."""


class ContentWriter(Protocol):
    """One content being written."""

    async def write(self, data: bytes) -> None:
        """Append bytes; waits when the disk is behind."""
        ...

    async def finish(self) -> str:
        """Sync to stable storage; the content's id. It counts as unnamed until a row names it.

        Raises StoreError when the disk is full or broken; nothing is left behind then.
        """
        ...

    async def abandon(self) -> None:
        """Throw away what was written. After `finish` it does nothing: a row may name the content by then.

        (A transaction whose caller was cancelled may have been committed all the same. A content that no row
        came to name is swept.)
        """
        ...


class Contents(Protocol):
    """Where contents are kept."""

    async def create(self) -> ContentWriter:
        """Begin a new content."""
        ...

    def read(self, content: str, offset: int, length: int) -> FileSlice | AsyncIterator[bytes]:
        """`length` bytes from `offset`: a slice of a local file where there is one, else a stream."""
        ...

    async def delete(self, content: str) -> None:
        """Forget a content that no row names any more; no error if it is gone already.

        Only for contents that certainly no row names: the transaction that was to name it raised something
        other than a cancellation, or the sweeper checked.
        """
        ...

    def found(self, older_than: float) -> AsyncIterator[list[str]]:
        """Ids of the contents finished at least `older_than` seconds ago, in batches, for the sweeper.

        What writers that died left unfinished is removed on the way.
        """
        ...
