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
from functools import lru_cache
from typing import Any, NamedTuple

from isthmus.store import Reader

NULL_VERSION = "null"

# The column names differ from the field names where the field holds undecoded JSON.
_SELECT = (
    "SELECT id, key, sequence, version_id, is_current, is_delete_marker, size, etag, modified, owner, "
    "storage_class, content, metadata, checksum, tags, acl, parts, lock_mode, lock_until, legal_hold, inline_bytes "
    "FROM object_versions WHERE "
)


class ObjectRow(NamedTuple):
    """One version of an object. A tuple, because a row becomes one in a third of a microsecond.

    etag: without quotes. modified, lock_until: seconds since the epoch. owner: account id.
    content: id of the content unless inline or multipart. parts: number of parts of a multipart object.
    acl: JSON; None is the owner's private ACL.
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


@lru_cache(maxsize=1024)
def _decoded(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    return value


async def find_version(
    objects: Reader, bucket_id: int, key: bytes, version_id: str | None = None
) -> ObjectRow | None:
    """The current version of `key` (it may be a delete marker), or the one with `version_id`.

    `null` names the null version: the one written while versioning was off or suspended.
    """
    if not version_id:
        row = await objects.fetch_one(
            _SELECT + "bucket_id = ? AND key = ? AND is_current = 1", bucket_id, key
        )
    else:
        row = await objects.fetch_one(
            _SELECT + "bucket_id = ? AND key = ? AND version_id = ?", bucket_id, key, version_id
        )
    return None if row is None else ObjectRow._make(row)


async def find_by_id(objects: Reader, row_id: int) -> ObjectRow | None:
    """The version with this row id, if it is still there."""
    row = await objects.fetch_one(_SELECT + "id = ?", row_id)
    return None if row is None else ObjectRow._make(row)
