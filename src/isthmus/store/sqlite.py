"""Metadata in SQLite: reads in line, writes through one thread that commits them in groups.

A commit costs an fsync, which takes as long as a hundred transactions; so works that wait at the same time
share one. The writer thread takes what is queued, runs each work in a savepoint of one transaction, commits,
and only then tells the callers. A work that raises is rolled back to its savepoint and the others never
notice.

Between processes a fair lock is held around the transaction: SQLite's own way of waiting for the write lock
is to poll, which starves whoever is unlucky.

Reads happen on the event loop's thread: with the pages in memory one costs some 10 µs, less than a change of
thread. The reader finishes each statement before it returns and so never holds an old snapshot: what was
committed before a read began is seen by it.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

from .fair_lock import FairLock
from .metadata import IntegrityConflict, Row, StoreError, Transaction
from .migrations import migrate

T = TypeVar("T")

Durability = Literal["full", "relaxed"]
"""full: a write is on stable storage when it returns. relaxed: it survives the process, not a power cut."""

_SYNCHRONOUS = {"full": "FULL", "relaxed": "NORMAL"}

_GROUP_WORKS = 512
_GROUP_SECONDS = 0.02
"""One group takes no more works than this and no longer than this, so that other processes get their turn."""

_CHECKPOINT_WORKS = 1000
"""Works between two checkpoints. They run after the callers have been answered; SQLite's own run before."""

_BACKSTOP_PAGES = 16384
"""SQLite checkpoints by itself when the log is longer (64 MiB): a few works may write very much."""

_BUSY_SECONDS = 10.0
"""How long to wait for programs that do not know our lock (the sqlite3 shell, a backup)."""


class SqliteMetadata:
    """One SQLite database file of this process. Open it after a fork, never before."""

    def __init__(self, path: Path, database: str, durability: Durability = "full") -> None:
        """Open the file, made with mode 0600, and bring its schema to the present version.

        database: `identity` or `objects`.

        Raises StoreError, OSError, sqlite3.Error.
        """
        self._name = path.name
        self._process = os.getpid()
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._asked_to_stop = False
        self._works_since_checkpoint = 0
        _make_private(path)
        self._lock = FairLock(path)
        connections: list[sqlite3.Connection] = []
        try:
            with self._lock:
                self._writer = _connect(path)
                connections.append(self._writer)
                (mode,) = self._writer.execute("PRAGMA journal_mode = WAL").fetchone()
                if mode != "wal":
                    raise StoreError(f"{path}: the file system does not allow SQLite's write-ahead log")
                self._writer.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
                self._writer.execute(f"PRAGMA wal_autocheckpoint = {_BACKSTOP_PAGES}")
                self._writer.execute("PRAGMA foreign_keys = ON")
                migrate(self._writer, database)
            self._reader = _connect(path)
            connections.append(self._reader)
            self._reader.execute("PRAGMA query_only = ON")
            self._data_version = self._reader.cursor()
            self.generation()
        except BaseException:
            for connection in connections:
                connection.close()
            self._lock.close()
            raise

    async def fetch_one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        try:
            cursor = self._reader.execute(sql, values)
            row: Row | None = cursor.fetchone()
            cursor.close()  # ends the statement, and with it the snapshot, when there are more rows
        except sqlite3.Error as error:
            raise self._error(error) from error
        return row

    async def fetch_all(self, sql: str, *values: Any) -> list[Row]:
        """Every row."""
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def generation(self) -> int:
        """SQLite's `data_version` for the reader: another number after each commit, whoever made it."""
        try:
            number: int = self._data_version.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise self._error(error) from error
        return number

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in a transaction; see Metadata.write."""
        if self._closed:
            raise StoreError(f"{self._name} is closed")
        if self._thread is None:
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Work(work, loop, future))
        return await future

    def close(self) -> None:
        """Commit what is queued, end the writer thread and close the file. Blocks."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._reader.close()
        with self._lock:  # the last connection to close checkpoints
            self._writer.close()
        self._lock.close()

    def _start(self) -> None:
        if os.getpid() != self._process:
            raise StoreError(f"{self._name} was opened before a fork; open it in the process that uses it")
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"{self._name} writer", daemon=True)
                self._thread.start()

    def _error(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"{self._name}: {error}")

    # From here on: the writer thread.

    def _run(self) -> None:
        while not self._asked_to_stop and (first := self._queue.get()) is not None:
            group = [first]
            try:
                with self._lock:
                    self._commit_group(first, group)
                    _answer(group)
                    self._checkpoint(len(group))
            except BaseException as error:
                # The lock or the commit failed: nothing of the group is in the database.
                self._fail(group, error)
            del first, group  # their bodies need not wait in memory for the next write

    def _commit_group(self, first: _Work, group: list[_Work]) -> None:
        """Run `first` and what else is queued, adding it to `group`; commit."""
        self._writer.execute("BEGIN IMMEDIATE")
        until = time.monotonic() + _GROUP_SECONDS
        self._run_work(first)
        while len(group) < _GROUP_WORKS and time.monotonic() < until:
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                break
            if work is None:
                self._asked_to_stop = True
                break
            group.append(work)
            self._run_work(work)
        self._writer.execute("COMMIT")

    def _run_work(self, work: _Work) -> None:
        """Run one work in its savepoint. Raises only what ends the whole group."""
        if work.future.cancelled():
            return
        connection = self._writer
        connection.execute("SAVEPOINT work")
        transaction = _Savepoint(connection, self._error)
        try:
            work.result = _drive(work.function, transaction)
        except BaseException as error:
            work.error = error
        finally:
            transaction.ended = True
        if not connection.in_transaction:
            # SQLite itself rolled everything back (disk full, I/O error): the earlier works are gone as well.
            raise transaction.broken_by or StoreError(f"{self._name}: a work ended the transaction it ran in")
        if work.error is not None:
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")

    def _fail(self, group: list[_Work], error: BaseException) -> None:
        if self._writer.in_transaction:
            # If even that fails the connection says so at the next BEGIN; the file is as it was.
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
        cause = self._error(error) if isinstance(error, sqlite3.Error) else error
        for work in group:
            if work.error is None:
                work.error = cause if isinstance(cause, StoreError) else StoreError(f"{self._name}: {cause}")
        _answer(group)

    def _checkpoint(self, works: int) -> None:
        """Copy the log into the database now and then; it may fail, the log then just grows on."""
        self._works_since_checkpoint += works
        if self._works_since_checkpoint < _CHECKPOINT_WORKS:
            return
        self._works_since_checkpoint = 0
        with suppress(sqlite3.Error):
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


class _Work:
    """A queued function, and in the end its result or error."""

    __slots__ = ("error", "function", "future", "loop", "result")

    def __init__(
        self,
        function: Callable[[Transaction], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        self.function = function
        self.loop = loop
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class _Savepoint:
    """The Transaction a work gets. Its coroutines never suspend."""

    __slots__ = ("_connection", "_describe", "broken_by", "ended")

    def __init__(self, connection: sqlite3.Connection, describe: Callable[[sqlite3.Error], StoreError]) -> None:
        self._connection = connection
        self._describe = describe
        self.broken_by: StoreError | None = None
        self.ended = False

    async def fetch_one(self, sql: str, *values: Any) -> Row | None:
        cursor = self._execute(sql, values)
        if sql.lstrip()[:6].upper() == "SELECT":
            row: Row | None = cursor.fetchone()
            cursor.close()
            return row
        rows = cursor.fetchall()  # what writes (RETURNING) runs to its end
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, *values: Any) -> list[Row]:
        return self._execute(sql, values).fetchall()

    async def execute(self, sql: str, *values: Any) -> int:
        cursor = self._execute(sql, values)
        if cursor.description is not None:
            cursor.fetchall()
        return max(cursor.rowcount, 0)

    def _execute(self, sql: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        # After SQLite's own rollback a further statement would be committed at once, by itself.
        if self.ended or not self._connection.in_transaction:
            raise self.broken_by or StoreError("the transaction has ended")
        try:
            return self._connection.execute(sql, values)
        except sqlite3.IntegrityError as error:
            raise IntegrityConflict(str(error)) from error
        except sqlite3.Error as error:
            described = self._describe(error)
            if not self._connection.in_transaction:
                self.broken_by = described
            raise described from error


def _drive(function: Callable[[Transaction], Awaitable[Any]], transaction: Transaction) -> Any:
    """The result of `await function(transaction)`, without an event loop."""
    steps = function(transaction).__await__()
    try:
        next(steps)
    except StopIteration as stop:
        return stop.value
    if hasattr(steps, "close"):
        steps.close()
    raise RuntimeError("the work of a transaction awaited something other than its transaction")


def _answer(group: list[_Work]) -> None:
    """Tell each caller, on its own loop, with one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Work]] = {}
    for work in group:
        by_loop.setdefault(work.loop, []).append(work)
    for loop, works in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, works)


def _settle(works: list[_Work]) -> None:
    for work in works:
        if work.future.done():
            continue
        if work.error is None:
            work.future.set_result(work.result)
        else:
            work.future.set_exception(work.error)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )


def _make_private(path: Path) -> None:
    """Make a new database file with mode 0600; its log gets the same mode from SQLite.

    A file that exists is not opened: closing it would drop the locks that SQLite holds on it in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
