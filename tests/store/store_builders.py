"""Small stores and rows for tests, and the crash tests' child process."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.store import Store, Transaction, open_sqlite
from isthmus.store.fair_lock import FairLock

INSERT_VERSION = """
    INSERT INTO object_versions
        (bucket_id, key, sequence, version_id, is_current, is_delete_marker, size, etag,
         modified, owner, storage_class, content, metadata)
    VALUES (1, ?, 1, 'null', 1, 0, ?, ?, 1.0, '111122223333', 'STANDARD', ?, '{}')
"""


def run_with_store(directory: Path, test: Callable[[Store], Awaitable[Any]]) -> Any:
    """Open the store, run the test on a new event loop, close the store."""

    async def run() -> Any:
        store = open_sqlite(directory)
        try:
            return await test(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def add_bucket(store: Store, bucket: int = 1) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (?) ON CONFLICT (id) DO NOTHING", bucket)

    await store.objects.write(work)


async def add_content(store: Store, data: bytes) -> str:
    writer = await store.contents.create()
    await writer.write(data)
    return await writer.finish()


async def name_content(store: Store, key: bytes, content: str, data: bytes) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(INSERT_VERSION, key, len(data), hashlib.sha256(data).hexdigest(), content)

    await store.objects.write(work)


def bytes_of(store: Store, content: str, length: int) -> bytes:
    """The content as the front door would read it."""
    piece = store.contents.read(content, 0, length)
    return Path(piece.path).read_bytes()[piece.offset : piece.offset + piece.length]


async def stored(store: Store) -> set[str]:
    """Ids of all contents there are."""
    return {content async for batch in store.contents.found(0) for content in batch}


@contextmanager
def child(*arguments: object) -> Iterator[int]:
    """Run this file as a program; the descriptor of its output."""
    read, write = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, __file__, *map(str, arguments)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)],
    )
    os.close(write)
    try:
        yield read
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)


def data_of(key: str) -> bytes:
    """What the crash tests store under a key: long enough for several flushes."""
    return key.encode().ljust(8, b".") * 200_000


async def _put_and_die(directory: Path, step: str, lanes: int) -> None:
    """Put objects and print each key once it is acknowledged; die by SIGKILL at `step` of the fourth.

    Without a step (`never`) go on until killed from outside.
    """
    store = open_sqlite(directory)
    await add_bucket(store)

    def at(here: str, number: int) -> None:
        if here == step and number == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    async def lane(lane: int) -> None:
        for number in range(10_000):
            key = f"{lane}-{number}"
            data = data_of(key)
            at("before-bytes", number)
            writer = await store.contents.create()
            await writer.write(data[:1_200_000])
            at("within-bytes", number)
            await writer.write(data[1_200_000:])
            content = await writer.finish()
            at("before-row", number)

            async def work(
                tx: Transaction,
                key: str = key,
                number: int = number,
                data: bytes = data,
                content: str = content,
            ) -> None:
                digest = hashlib.sha256(data).hexdigest()
                await tx.execute(INSERT_VERSION, key.encode(), len(data), digest, content)
                at("before-commit", number)

            await store.objects.write(work)
            os.write(1, f"{key}\n".encode())
            at("after-acknowledgement", number)

    await asyncio.gather(*(lane(number) for number in range(lanes)))


async def _count(directory: Path, name: str, times: int) -> None:
    """Increment the row `name` in the objects database again and again, each in its own transaction."""
    store = open_sqlite(directory)
    for _ in range(times):

        async def work(tx: Transaction) -> None:
            row = await tx.fetch_one("SELECT used FROM last_used WHERE id = 'shared'")
            await tx.execute("UPDATE last_used SET used = ? WHERE id = 'shared'", row[0] + 1 if row else 1)
            await tx.execute("INSERT INTO completed_uploads VALUES (?, 0, ?)", os.urandom(8).hex(), name)

        await store.objects.write(work)
        os.write(1, f"{name}\n".encode())
    await store.close()


if __name__ == "__main__":
    if sys.argv[1] == "put":
        asyncio.run(_put_and_die(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    elif sys.argv[1] == "hold":
        with FairLock(Path(sys.argv[2])):
            os.write(1, b"held\n")
            signal.pause()
    else:
        asyncio.run(_count(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
