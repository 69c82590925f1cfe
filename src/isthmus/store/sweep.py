"""Removing contents that no row names.

Two kinds exist. Contents whose last name was dropped are listed in `unnamed_contents`, by the transaction
that dropped it. Contents that were finished but never named (the process died, or the transaction was
refused) are listed nowhere: they are found by comparing what is stored with what is named, which is done once
at start.

Both wait for a while first: a reader may just be sending the one, a transaction may just be about to name the
other.
"""

from __future__ import annotations

from collections.abc import Sequence

from .content import Contents
from .metadata import Metadata, Transaction

DROPPED_SECONDS = 900.0
"""How long a content whose last name was dropped is kept for readers that began before."""

ORPHAN_SECONDS = 3600.0
"""How old a content that nobody ever named must be: far longer than a transaction can wait for its turn."""

_BATCH = 100

_NAMING_TABLES = ("object_versions", "object_parts", "upload_parts")
"""Every table with a `content` column that keeps a content alive."""


async def sweep_dropped(objects: Metadata, contents: Contents, now: float, older_than: float = DROPPED_SECONDS) -> int:
    """Remove the contents that `unnamed_contents` lists since `older_than` seconds before `now`; how many.

    A content that a row names again is kept and leaves the list. The file goes before the row, so that a
    crash between the two is made good by the next sweep. Several processes may sweep at once.
    """
    removed = 0
    while True:
        doomed = await objects.write(_Doomed(now - older_than))
        for content in doomed:
            await contents.delete(content)
        if doomed:
            await objects.write(_Forget(doomed))
        removed += len(doomed)
        if len(doomed) < _BATCH:
            return removed


async def sweep_orphans(objects: Metadata, contents: Contents, older_than: float = ORPHAN_SECONDS) -> int:
    """Remove contents at least `older_than` seconds old that no row names or lists; how many."""
    removed = 0
    async for found in contents.found(older_than):
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            kept = await _named(objects, batch, (*_NAMING_TABLES, "unnamed_contents"))
            for content in batch:
                if content not in kept:
                    await contents.delete(content)
                    removed += 1
    return removed


async def _named(rows: Metadata | Transaction, contents: Sequence[str], tables: Sequence[str]) -> set[str]:
    """Those of `contents` that a row of one of the tables names."""
    marks = ", ".join("?" * len(contents))
    named: set[str] = set()
    for table in tables:
        sql = f"SELECT content FROM {table} WHERE content IN ({marks})"  # noqa: S608 (our own table names)
        named.update(row[0] for row in await rows.fetch_all(sql, *contents))
    return named


class _Doomed:
    """A work: the next contents to remove, after taking off the list those that are named again."""

    def __init__(self, before: float) -> None:
        self._before = before

    async def __call__(self, transaction: Transaction) -> list[str]:
        doomed: list[str] = []
        while len(doomed) < _BATCH:
            rows = await transaction.fetch_all(
                "SELECT content FROM unnamed_contents WHERE since <= ? ORDER BY content LIMIT ?",
                self._before,
                _BATCH,
            )
            listed = [row[0] for row in rows]
            named = await _named(transaction, listed, _NAMING_TABLES) if listed else set()
            if not named:
                return listed
            await _Forget(list(named))(transaction)
        return doomed


class _Forget:
    """A work: take contents off the list."""

    def __init__(self, contents: list[str]) -> None:
        self._contents = contents

    async def __call__(self, transaction: Transaction) -> None:
        for content in self._contents:
            await transaction.execute("DELETE FROM unnamed_contents WHERE content = ?", content)
