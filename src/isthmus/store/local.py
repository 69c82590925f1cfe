"""The embedded store: two SQLite files and a folder of contents in one data directory.

DATA/identity.sqlite3   accounts, IAM, organizations, KMS keys, trails, bucket configuration
DATA/objects.sqlite3    object versions, uploads, small contents; what is noted and owed: audit trail, outbox
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
from .disk import DiskContents, sync_folder
from .metadata import Metadata, StoreError
from .sqlite import Durability, SqliteMetadata

_OLDEST_SQLITE = (3, 35)
"""The first release with RETURNING."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. identity, objects: its databases. contents: its bytes."""

    identity: Metadata
    objects: Metadata
    contents: Contents
    _closing: ExitStack

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
        sync_folder(data_directory)
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
        sync_folder(path.absolute().parent)
