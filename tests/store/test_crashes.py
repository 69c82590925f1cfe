"""A process killed at each step of a write: what was acknowledged is there, whole; the rest is invisible."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from store_builders import bytes_of, child, data_of, run_with_store, stored

from isthmus.store import Store, sweep_orphans


def acknowledged(output: int, stop_after: int | None = None) -> list[str]:
    """The keys the child printed, until it died or had printed so many."""
    text = b""
    while (stop_after is None or text.count(b"\n") < stop_after) and (more := os.read(output, 4096)):
        text += more
    return [line.decode() for line in text.split(b"\n")[:-1]]


async def visible(store: Store) -> set[str]:
    """The keys of all rows, after checking that each one's bytes are whole; then the sweeper runs."""
    rows = await store.objects.fetch_all("SELECT key, size, etag, content FROM object_versions")
    for key, size, etag, content in rows:
        data = bytes_of(store, content, size + 1)
        assert data == data_of(key.decode())
        assert hashlib.sha256(data).hexdigest() == etag
    assert await store.objects.fetch_all("PRAGMA integrity_check") == [("ok",)]
    await sweep_orphans(store.objects, store.contents, older_than=0)
    assert await stored(store) == {row[3] for row in rows}
    return {row[0].decode() for row in rows}


@pytest.mark.parametrize(
    ("step", "fourth_is_there"),
    [
        ("before-bytes", False),
        ("within-bytes", False),
        ("before-row", False),
        ("before-commit", False),
        ("after-acknowledgement", True),
    ],
)
def test_after_a_kill_exactly_what_was_acknowledged_is_there(tmp_path: Path, step: str, fourth_is_there: bool) -> None:
    with child("put", tmp_path / "data", step, 1) as output:
        keys = acknowledged(output)
    assert keys == ["0-0", "0-1", "0-2", "0-3"][: 4 if fourth_is_there else 3]
    assert run_with_store(tmp_path / "data", visible) == set(keys)
    leftovers = [path for path in (tmp_path / "data" / "contents" / "tmp").rglob("*") if path.exists()]
    assert leftovers == []


@pytest.mark.parametrize("acknowledgements", [1, 7, 20, 33])
def test_a_kill_amid_group_commits_loses_nothing_acknowledged(tmp_path: Path, acknowledgements: int) -> None:
    with child("put", tmp_path / "data", "never", 4) as output:
        keys = acknowledged(output, acknowledgements)
        # The child goes on writing until it is killed here.
    assert len(keys) >= acknowledgements
    assert set(keys) <= run_with_store(tmp_path / "data", visible)
