"""Rows of `object_versions`: how a version is found, added and dropped.

The newest version of a key is current, also when it is a delete marker; `sequence` orders the versions of one
key. A bucket that was never versioned holds one version of each key, the null version; suspending versioning
brings the null version back, once per key (S3 User Guide, "Working with objects in versioning-enabled and
versioning-suspended buckets").

A content may have several names (copies share it). Whoever drops the last name notes the content as unnamed
in the same transaction, and the sweeper removes its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from isthmus.store import Reader, Transaction

NULL_VERSION = "null"

_SELECT = (
    "SELECT id, key, sequence, version_id, is_current, is_delete_marker, size, etag, modified, owner, "
    "storage_class, content, metadata, checksum, tags, acl, parts, lock_mode, lock_until, legal_hold, "
    "inline_bytes, encryption, replication_status, restored_until FROM object_versions WHERE "
)
_NAMING_TABLES = ("object_versions", "object_parts", "upload_parts")
_BATCH = 400  # values of one IN list; SQLite's oldest limit is 999


class ObjectRow(NamedTuple):
    """One version of an object. A tuple, because a row becomes one in a third of a microsecond.

    etag: without quotes. modified, lock_until: seconds since the epoch. owner: account id.
    content: id of the content unless inline or multipart. parts: number of parts of a multipart object.
    acl: JSON; None is the owner's private ACL. inline_bytes, and what content names, are encrypted as `encryption`
    says (see `object_keys`); None for bytes that are kept as they are.
    replication_status: PENDING, COMPLETED, FAILED, REPLICA; None where no replication rule applies.
    restored_until: end of the readable copy of an archived object.
    """

    id: int
    key: bytes
    sequence: int
    version_id: str
    is_current: int
    is_delete_marker: int
    size: int
    etag: str
    modified: float
    owner: str
    storage_class: str
    content: str | None
    metadata_json: str
    checksum_json: str | None
    tags_json: str | None
    acl: str | None
    parts: int | None
    lock_mode: str | None
    lock_until: float | None
    legal_hold: int
    inline_bytes: bytes | None
    encryption: bytes | None
    replication_status: str | None
    restored_until: float | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The object's tags, in the order they were given; empty when there are none."""
        return json.loads(self.tags_json) if self.tags_json else {}

    @property
    def metadata(self) -> dict[str, Any]:
        """Stored headers: by input member name (`ContentType` …), user metadata under `Metadata`.

        Do not change it: rows with equal text share the value.
        """
        return _decoded(self.metadata_json)

    @property
    def checksum(self) -> dict[str, str] | None:
        """`algorithm`, `value` (base64) and `type` (FULL_OBJECT or COMPOSITE); None where none is stored."""
        return json.loads(self.checksum_json) if self.checksum_json else None


class NewVersion(NamedTuple):
    """What a write decides about a version; the fields of ObjectRow that the table does not decide itself."""

    size: int
    etag: str
    owner: str
    storage_class: str = "STANDARD"
    content: str | None = None
    metadata_json: str = "{}"
    checksum_json: str | None = None
    tags_json: str | None = None
    acl: str | None = None
    parts: int | None = None
    lock_mode: str | None = None
    lock_until: float | None = None
    legal_hold: int = 0
    inline_bytes: bytes | None = None
    is_delete_marker: int = 0
    encryption: bytes | None = None


@lru_cache(maxsize=1024)
def _decoded(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    return value


async def find_version(objects: Reader, bucket_id: int, key: bytes, version_id: str | None = None) -> ObjectRow | None:
    """The current version of `key` (it may be a delete marker), or the one with `version_id`.

    `null` names the null version: the one written while versioning was off or suspended.
    """
    if not version_id:
        row = await objects.fetch_one(_SELECT + "bucket_id = ? AND key = ? AND is_current = 1", bucket_id, key)
    else:
        row = await objects.fetch_one(
            _SELECT + "bucket_id = ? AND key = ? AND version_id = ?", bucket_id, key, version_id
        )
    return None if row is None else ObjectRow._make(row)


async def find_by_id(objects: Reader, row_id: int) -> ObjectRow | None:
    """The version with this row id, if it is still there."""
    row = await objects.fetch_one(_SELECT + "id = ?", row_id)
    return None if row is None else ObjectRow._make(row)


class Current(NamedTuple):
    """What a write needs to know of the version it follows, without its bytes."""

    id: int
    sequence: int
    version_id: str
    is_delete_marker: int
    etag: str
    size: int
    modified: float
    content: str | None
    parts: int | None


_SELECT_CURRENT = (
    "SELECT id, sequence, version_id, is_delete_marker, etag, size, modified, content, parts "
    "FROM object_versions WHERE bucket_id = ? AND key = ? AND "
)


async def find_current(tx: Reader, bucket_id: int, key: bytes) -> Current | None:
    """The newest version of `key`, delete marker or not."""
    row = await tx.fetch_one(_SELECT_CURRENT + "is_current = 1", bucket_id, key)
    return None if row is None else Current._make(row)


async def _find_null(tx: Reader, bucket_id: int, key: bytes) -> Current | None:
    row = await tx.fetch_one(_SELECT_CURRENT + "version_id = 'null'", bucket_id, key)
    return None if row is None else Current._make(row)


async def add_version(
    tx: Transaction,
    bucket_id: int,
    key: bytes,
    version_id: str,
    new: NewVersion,
    *,
    modified: float,
    current: Current | None,
    now: float | None = None,
) -> tuple[int, list[str]]:
    """Make `new` the current version; its row id, and the contents that lost a name (for `release`).

    version_id: NULL_VERSION replaces the null version. modified: seconds since the epoch. current: from
    `find_current` in the same transaction. now: when the version before it becomes noncurrent, if that is not
    `modified`. Raises IntegrityConflict when the bucket is gone.
    """
    dropped: list[str] = []
    sequence = 1
    if current is not None:
        sequence = current.sequence + 1
        if version_id == NULL_VERSION and current.version_id == NULL_VERSION:
            dropped = await drop_row(tx, current.id, current.content, current.parts)
        else:
            await tx.execute(
                "UPDATE object_versions SET is_current = 0, noncurrent_since = ? WHERE id = ?",
                modified if now is None else now,
                current.id,
            )
            if version_id == NULL_VERSION:
                old = await _find_null(tx, bucket_id, key)
                if old is not None:
                    dropped = await drop_row(tx, old.id, old.content, old.parts)
    row = await tx.fetch_one(
        "INSERT INTO object_versions (bucket_id, key, sequence, version_id, is_current, is_delete_marker, "
        "size, etag, modified, owner, storage_class, content, metadata, checksum, tags, acl, parts, "
        "lock_mode, lock_until, legal_hold, inline_bytes, encryption) "
        "VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        bucket_id,
        key,
        sequence,
        version_id,
        new.is_delete_marker,
        new.size,
        new.etag,
        modified,
        new.owner,
        new.storage_class,
        new.content,
        new.metadata_json,
        new.checksum_json,
        new.tags_json,
        new.acl,
        new.parts,
        new.lock_mode,
        new.lock_until,
        new.legal_hold,
        new.inline_bytes,
        new.encryption,
    )
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    return int(row[0]), dropped


async def drop_row(tx: Transaction, row_id: int, content: str | None, parts: int | None) -> list[str]:
    """Remove one version; the contents that lost a name, for `release` at the end of the transaction."""
    dropped = [content] if content is not None else []
    if parts is not None:
        rows = await tx.fetch_all(
            "SELECT content FROM object_parts WHERE object_id = ? AND content IS NOT NULL", row_id
        )
        dropped += [row[0] for row in rows]
        await tx.execute("DELETE FROM object_parts WHERE object_id = ?", row_id)
    await tx.execute("DELETE FROM object_versions WHERE id = ?", row_id)
    return dropped


async def promote_newest(tx: Transaction, bucket_id: int, key: bytes) -> None:
    """Make the newest remaining version of `key` the current one, after the current one was dropped."""
    await tx.execute(
        "UPDATE object_versions SET is_current = 1, noncurrent_since = NULL WHERE id = (SELECT id FROM object_versions "
        "WHERE bucket_id = ? AND key = ? ORDER BY sequence DESC LIMIT 1)",
        bucket_id,
        key,
    )


async def release(tx: Transaction, dropped: Iterable[str], now: float) -> None:
    """Note those of the `dropped` contents that no row names any more, for the sweeper.

    The last step of a transaction that dropped rows: by then every row that shares a content is there.
    """
    contents = sorted(set(dropped))
    for start in range(0, len(contents), _BATCH):
        batch = contents[start : start + _BATCH]
        marks = ", ".join("?" * len(batch))
        named: set[str] = set()
        for table in _NAMING_TABLES:
            sql = f"SELECT content FROM {table} WHERE content IN ({marks})"  # noqa: S608 (our own table names)
            named.update(row[0] for row in await tx.fetch_all(sql, *batch))
        for content in batch:
            if content not in named:
                await tx.execute(
                    "INSERT INTO unnamed_contents (content, since) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    content,
                    now,
                )
