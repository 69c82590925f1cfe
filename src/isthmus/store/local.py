"""The embedded store: two SQLite files and a folder of contents in one data directory.

DATA/identity.sqlite3   accounts, IAM, bucket configuration
DATA/objects.sqlite3    object versions, uploads, small contents
DATA/contents/          large contents
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .content import Contents
from .disk import DiskContents
from .metadata import Metadata, StoreError
from .sqlite import Durability, SqliteMetadata
from .sweep import DROPPED_SECONDS, ORPHAN_SECONDS, Swept, sweep_dropped, sweep_orphans

_OLDEST_SQLITE = (3, 35)
"""The first release with RETURNING."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. identity, objects: its databases. contents: its bytes."""

    identity: Metadata
    objects: Metadata
    contents: Contents
    _closing: ExitStack

    async def sweep(
        self,
        now: float,
        dropped_older_than: float = DROPPED_SECONDS,
        orphans_older_than: float = ORPHAN_SECONDS,
    ) -> Swept:
        """Remove everything that no row names; for the start of a server, in one of its processes.

        now: the clock by which rows were written. Between starts `sweep_dropped` is enough.
        """
        dropped = await sweep_dropped(self.objects, self.contents, now, dropped_older_than)
        return Swept(dropped, await sweep_orphans(self.objects, self.contents, orphans_older_than))

    async def close(self) -> None:
        """Finish what is being written and close everything. May be called again."""
        await asyncio.get_running_loop().run_in_executor(None, self._closing.close)


def open_sqlite(data_directory: Path, durability: Durability = "full") -> Store:
    """Open the store in `data_directory`, making what is missing; several processes may do so at once.

    A server that forks calls it in each worker, after the fork. Raises StoreError.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: Python needs 3.35 or newer")
    closing = ExitStack()
    try:
        _make_directory(data_directory)
        contents = DiskContents(data_directory / "contents", sync=durability == "full")
        closing.callback(contents.close)
        identity = SqliteMetadata(data_directory / "identity.sqlite3", "identity", durability)
        closing.callback(identity.close)
        objects = SqliteMetadata(data_directory / "objects.sqlite3", "objects", durability)
        closing.callback(objects.close)
        _sync(data_directory)
    except (OSError, sqlite3.Error, StoreError) as error:
        closing.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(f"cannot open the data directory {data_directory}: {reason}") from error
    return Store(identity, objects, contents, closing)


def _make_directory(path: Path) -> None:
    """Make the data directory, or close an existing one to others if it is empty or already ours.

    A directory with other things in it may be shared on purpose; all we put there is private anyway.
    """
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        status = path.stat()
        ours = (path / "objects.sqlite3").exists() or not any(path.iterdir())
        if ours and status.st_mode & 0o077 and status.st_uid == os.geteuid():
            path.chmod(0o700)
    else:
        _sync(path.absolute().parent)


def _sync(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
