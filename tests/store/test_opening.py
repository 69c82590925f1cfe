"""The data directory and the schema: first start, later starts, what cannot be opened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from store_builders import add_bucket, add_content, run_with_store

from isthmus.store import Store, StoreError, open_sqlite
from isthmus.store.migrations import migrate, migrations, statements


def test_everything_in_the_data_directory_is_private(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"

    async def test(store: Store) -> None:
        await add_bucket(store)
        await add_content(store, b"secret")
        for path in [data, *data.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path

    before = os.umask(0)
    try:
        run_with_store(data, test)
    finally:
        os.umask(before)


def test_an_empty_directory_is_closed_to_others_but_a_shared_one_is_left(tmp_path: Path) -> None:
    for name, content, mode in (("empty", None, 0o700), ("shared", "notes.txt", 0o755)):
        directory = tmp_path / name
        directory.mkdir()
        directory.chmod(0o755)
        if content:
            (directory / content).touch()
        asyncio.run(open_sqlite(directory).close())
        assert stat.S_IMODE(directory.stat().st_mode) == mode


@pytest.mark.parametrize("database", ["identity", "objects"])
def test_migrations_are_numbered_in_order_and_applied_once(tmp_path: Path, database: str) -> None:
    versions = [version for version, _ in migrations(database)]
    assert versions == sorted(set(versions))
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None)
    assert migrate(connection, database) == migrate(connection, database) == versions[-1]


def test_a_later_migration_is_applied_to_an_older_database(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None)
    first = [(1, "CREATE TABLE a (x INTEGER);")]
    migrate(connection, "objects", first)
    connection.execute("INSERT INTO a VALUES (5)")
    second = [*first, (2, "ALTER TABLE a ADD COLUMN y TEXT; -- why\nUPDATE a SET y = ';';\n")]
    assert migrate(connection, "objects", second) == 2
    assert connection.execute("SELECT * FROM a").fetchall() == [(5, ";")]


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None)
    steps = [
        (1, "CREATE TABLE a (x INTEGER);"),
        (2, "CREATE TABLE b (x INTEGER);\nCREATE TABLE a (x INTEGER);"),
    ]
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "objects", steps)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert migrate(connection, "objects", steps[:1]) == 1


def test_a_script_that_ends_inside_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="inside a statement"):
        list(statements("CREATE TABLE a (x);\nCREATE TABLE"))
    assert len(list(statements("CREATE TABLE a (x);\n-- the end; really\n"))) == 1


def test_a_database_of_a_newer_release_is_refused_with_one_line(tmp_path: Path) -> None:
    asyncio.run(open_sqlite(tmp_path / "data").close())
    with sqlite3.connect(tmp_path / "data" / "objects.sqlite3") as connection:
        connection.execute("INSERT INTO schema_version VALUES (999)")
    connection.close()
    with pytest.raises(StoreError, match="schema version 999, but this release knows only up to") as refused:
        open_sqlite(tmp_path / "data")
    assert "\n" not in str(refused.value)


def test_several_that_open_a_new_directory_at_once_all_succeed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(lambda _: open_sqlite(tmp_path / "data"), range(6)))
    for store in stores:
        asyncio.run(store.close())


def test_what_cannot_be_opened_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StoreError, match=r"cannot open the data directory .*file: "):
        open_sqlite(tmp_path / "file")
    with pytest.raises(StoreError, match="Not a directory"):
        open_sqlite(tmp_path / "file" / "below")
    asyncio.run(open_sqlite(tmp_path / "data").close())
    (tmp_path / "data" / "objects.sqlite3").write_bytes(b"this is no database, whatever it is named" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        open_sqlite(tmp_path / "data")
