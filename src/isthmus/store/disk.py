"""Contents as files on a local disk, each named by a random id that nobody chose.

    CONTENTS/4f/4f0c…   complete contents, in 256 folders
    CONTENTS/tmp/a1b2…/ what one process is writing; it holds a lock on the folder as long as it lives

A file is written under tmp, synced, renamed to its place and the folder synced; only then its id is given
out. So a complete file stands at its place or none does, whenever the machine stops. What a dead process left
in tmp is known by its lock being free.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from isthmus.wire.http import FileSlice

from .content import ContentWriter
from .metadata import StoreError

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{32}")

_FLUSH_BYTES = 1024 * 1024
"""Bytes collected before a thread writes them: a change of thread costs as much as writing some 100 KiB."""

_THREADS = 16
"""Threads mostly wait for fsync, so there are more of them than cores."""

_VECTORS = 512
"""Pieces for one writev; Linux takes 1024."""


class DiskContents:
    """Contents in a folder. Open it after a fork, never before."""

    def __init__(self, folder: Path, sync: bool = True) -> None:
        """Make what is missing of the folders, mode 0700. sync: whether `finish` waits for stable storage.

        Raises OSError.
        """
        self._folder = str(folder)
        self._sync = sync
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="contents")
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(256):
            (folder / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        self._tmp = folder / "tmp"
        self._tmp.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._folder)
        self._own_tmp, self._own_tmp_lock = _claim_folder(self._tmp)

    async def create(self) -> ContentWriter:
        """Begin a new content; nothing is on disk before the first megabyte or `finish`."""
        return _FileWriter(self)

    def read(self, content: str, offset: int, length: int) -> FileSlice:
        """`length` bytes from `offset` of the content's file."""
        return FileSlice(self._path(content), offset, length)

    async def delete(self, content: str) -> None:
        """Remove the file; no error if it is gone already. Raises StoreError."""
        path = self._path(content)
        await self._in_thread(lambda: _unlink(path))

    async def found(self, older_than: float) -> AsyncIterator[list[str]]:
        """Ids of contents finished at least `older_than` seconds ago, a batch for each folder.

        Ages are by the files' own change times, so by the machine's clock. Removes the leftovers of dead
        processes first. Raises StoreError.
        """
        await self._in_thread(self._remove_leftovers)
        for number in range(256):
            folder = f"{self._folder}/{number:02x}"
            ids = await self._in_thread(partial(_old_files, folder, older_than))
            if ids:
                yield ids

    def close(self) -> None:
        """Wait for running writes and give up the folder for unfinished ones. Blocks."""
        self._threads.shutdown()
        if self._own_tmp_lock >= 0:
            shutil.rmtree(self._own_tmp, ignore_errors=True)
            os.close(self._own_tmp_lock)
            self._own_tmp_lock = -1

    def _path(self, content: str) -> str:
        # Ids come from our own rows; a damaged one must still not lead out of the folder.
        if not _ID.fullmatch(content):
            raise StoreError(f"{content[:40]!r} is not the id of a content")
        return f"{self._folder}/{content[:2]}/{content}"

    async def _in_thread(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        except OSError as error:
            raise StoreError(f"contents: {error.strerror or error}") from error

    def _remove_leftovers(self) -> None:
        for folder in self._tmp.iterdir():
            if folder == self._own_tmp:
                continue
            try:
                lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue  # gone meanwhile
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                pass  # its process lives
            finally:
                os.close(lock)


class _FileWriter:
    """One content being written: collects a megabyte while a thread writes the megabyte before."""

    def __init__(self, contents: DiskContents) -> None:
        self._contents = contents
        self._id = secrets.token_hex(16)
        self._tmp_path = f"{contents._own_tmp}/{self._id}"
        self._file = -1
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._flushing: asyncio.Future[None] | None = None
        self._done = False

    async def write(self, data: bytes) -> None:
        """Append bytes; waits when the disk is behind. Raises StoreError."""
        if self._done:
            raise StoreError("the content is finished")
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _FLUSH_BYTES:
            await self._flushed()
            pieces, self._pending, self._pending_bytes = self._pending, [], 0
            self._flushing = asyncio.ensure_future(self._contents._in_thread(lambda: self._append(pieces)))

    async def finish(self) -> str:
        """Sync to stable storage and give the content its place; its id. Raises StoreError."""
        try:
            await self._flushed()
            self._flushing = asyncio.ensure_future(self._contents._in_thread(self._finish))
            await self._flushed()
        except StoreError:
            await self.abandon()
            raise
        self._done = True
        return self._id

    async def abandon(self) -> None:
        """Throw away what was written; after `finish` it does nothing."""
        if self._done:
            return
        self._done = True
        self._pending = []
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
            if not self._flushing.cancelled():
                self._flushing.exception()  # looked at, so that asyncio does not report it as forgotten
        await self._contents._in_thread(self._remove)

    async def _flushed(self) -> None:
        if self._flushing is not None:
            # Shielded: a caller that is cancelled here still has to wait for the thread in `abandon`.
            await asyncio.shield(self._flushing)
            self._flushing = None

    # In a thread:

    def _append(self, pieces: list[bytes]) -> None:
        if self._file < 0:
            self._file = os.open(self._tmp_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        for start in range(0, len(pieces), _VECTORS):
            _write_whole(self._file, pieces[start : start + _VECTORS])

    def _finish(self) -> None:
        self._append(self._pending)
        self._pending = []
        if self._contents._sync:
            os.fsync(self._file)
        self._close()
        path = self._contents._path(self._id)
        Path(self._tmp_path).rename(path)
        if self._contents._sync:
            try:
                sync_folder(str(Path(path).parent))
            except OSError:
                _unlink(path)
                raise

    def _remove(self) -> None:
        self._close()
        _unlink(self._tmp_path)
        # There if `finish` was cancelled while its thread came to the end; nobody was told the id.
        _unlink(self._contents._path(self._id))

    def _close(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)


def _write_whole(file: int, pieces: list[bytes]) -> None:
    """writev, again for what it left: it may stop short when the disk is nearly full."""
    written = os.writev(file, pieces)
    for piece in pieces:
        if written >= len(piece):
            written -= len(piece)
            continue
        rest = memoryview(piece)[written:]
        written = 0
        while rest:
            rest = rest[os.write(file, rest) :]


def _unlink(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _old_files(folder: str, older_than: float) -> list[str]:
    """Names of files whose last change, the rename to their place, is that many seconds ago."""
    before = time.time() - older_than
    with os.scandir(folder) as entries:
        return [e.name for e in entries if _ID.fullmatch(e.name) and _changed(e) <= before]


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except FileNotFoundError:
        return float("inf")


def _claim_folder(tmp: Path) -> tuple[Path, int]:
    """A new folder under `tmp` and the descriptor whose lock keeps sweepers away from it."""
    while True:
        folder = tmp / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # a sweeper came between
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)


def sync_folder(path: str | Path) -> None:
    """Make what was created in a folder, renamed into it or removed from it last."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
