"""The interface to metadata: SQL with `?` placeholders, reads at once, writes as whole transactions.

Callers never know whether SQLite answers in line or PostgreSQL over the network, so everything is awaited.
SQL is the common part of both: `INSERT … ON CONFLICT`, `RETURNING`, no vendor functions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]


class Reader(Protocol):
    """Reads of committed data. Each raises StoreError if the database cannot answer."""

    async def fetch_one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def fetch_all(self, sql: str, *values: Any) -> list[Row]:
        """Every row."""
        ...


class Transaction(Reader, Protocol):
    """Reads and writes that become visible together or not at all."""

    async def execute(self, sql: str, *values: Any) -> int:
        """Run one statement; the number of rows it touched."""
        ...


class StoreError(Exception):
    """The store cannot be opened, read or written; the message is one line for the operator."""


class IntegrityConflict(Exception):
    """A uniqueness or foreign-key rule of the schema refused a write."""


class Metadata(Reader, Protocol):
    """One database: `identity` (accounts, IAM, bucket configuration) or `objects` (versions, uploads)."""

    def generation(self) -> int:
        """A number that changes whenever anybody committed to this database; costs about a microsecond."""
        ...

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in a transaction and return its result once that is on stable storage.

        `work` awaits nothing but the transaction's own methods (many transactions share one commit, and
        SQLite runs it on a thread of its own). An exception from `work` rolls back exactly what it did and
        is raised here. Raises IntegrityConflict; StoreError when the disk is full or broken, and then nothing
        of it is kept. A caller that is cancelled while it waits does not know the outcome: the work was done
        whole or not at all.
        """
        ...
