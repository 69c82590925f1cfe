"""The lock between processes."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

from store_builders import child

from isthmus.store.fair_lock import FairLock


def wait_until_somebody_queues(path: Path) -> None:
    queue = os.open(path.with_suffix(".queue"), os.O_RDWR)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(queue, fcntl.LOCK_UN)
            time.sleep(0.001)
        raise AssertionError("nobody came")
    finally:
        os.close(queue)


def test_a_holder_that_comes_straight_back_queues_behind_who_waits(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    holder, waiter = FairLock(path), FairLock(path)
    order: list[str] = []

    def wait() -> None:
        with waiter:
            order.append("waiter")

    for _ in range(20):
        with holder:
            thread = threading.Thread(target=wait)
            thread.start()
            wait_until_somebody_queues(path)
        with holder:
            order.append("holder")
        thread.join()
    assert order == ["waiter", "holder"] * 20
    holder.close()
    waiter.close()


def test_a_process_that_is_killed_with_the_lock_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with child("hold", path) as output:
        assert os.read(output, 10) == b"held\n"
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            raise AssertionError("it is not held")
        finally:
            os.close(lock)
    with FairLock(path):
        pass
