"""A lock between processes (and threads) in which everybody has their turn.

A process that waits for a plain `flock` is woken when the holder lets go, but a holder that comes straight
back takes the lock again before the woken one runs: a busy writer would starve the others. So there are two
locks, as at a counter with one place to stand behind it: whoever wants the counter first takes the place
behind it, waits there, and gives the place up on reaching the counter. A holder that comes back has to queue
behind.

The kernel frees both locks when a process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FairLock:
    """A blocking lock on two small files; `with lock:` holds it. One thread uses one instance at a time."""

    def __init__(self, path: Path) -> None:
        """Open `PATH.lock` and `PATH.queue`, made with mode 0600. Raises OSError."""
        self._counter = _open(path.with_suffix(".lock"))
        self._place_behind = _open(path.with_suffix(".queue"))

    def __enter__(self) -> None:
        fcntl.flock(self._place_behind, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._counter, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._place_behind, fcntl.LOCK_UN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._counter, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files, which frees the lock if it is held."""
        os.close(self._counter)
        os.close(self._place_behind)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
