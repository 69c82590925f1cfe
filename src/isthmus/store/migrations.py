"""The schema of each database, and how an older one becomes the present one.

`schema/DATABASE/0001.sql`, `0002.sql` … are applied in order, each once, each in a transaction together with
its row in `schema_version`. A file that was released is never edited: the next change is the next file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources

from .metadata import StoreError


def migrations(database: str) -> list[tuple[int, str]]:
    """(version, SQL) of each step for `identity` or `objects`, from the first."""
    folder = resources.files(__package__).joinpath("schema", database)
    return sorted(
        (int(file.name.removesuffix(".sql")), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


def migrate(connection: sqlite3.Connection, database: str, steps: list[tuple[int, str]] | None = None) -> int:
    """Bring a database to the present version; returns it. The caller holds the database's write lock.

    Raises StoreError for a database written by a newer release, sqlite3.Error; either leaves it as it was.
    """
    steps = migrations(database) if steps is None else steps
    newest = steps[-1][0]
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        (present,) = connection.execute("SELECT COALESCE(MAX(version), 0) FROM schema_version").fetchone()
        if present > newest:
            raise StoreError(
                f"the {database} database has schema version {present}, but this release knows only up to "
                f"{newest}: start the release that wrote it, or a newer one"
            )
        for version, script in steps:
            if version > present:
                for statement in statements(script):
                    connection.execute(statement)
                connection.execute("INSERT INTO schema_version (version) VALUES (?)", (version,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return newest


def statements(script: str) -> Iterator[str]:
    """The single statements of a script (sqlite3's own `executescript` would commit before it starts)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in pending.splitlines()):
        raise ValueError("the script ends inside a statement")
