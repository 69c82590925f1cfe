"""An inventory report: the rows of a bucket as gzipped CSV, and the manifest that lists the files.

Rows are read a page of keys at a time and compressed as they come, so a report of any size takes the same memory.

Sources: S3 User Guide, "Amazon S3 Inventory list" (columns, values), "Locating your inventory list" (manifest,
symlink).
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from isthmus.store import Reader, Row

from ..object_keys import encryption_answer
from .event_records import event_moment

_PAGE = 1000  # rows read at once
_GZIP = 16 + zlib.MAX_WBITS  # zlib's sign for the gzip format

_SELECT = (
    "SELECT key, sequence, version_id, is_current, is_delete_marker, size, etag, modified, owner, storage_class, "
    "checksum, acl, parts, lock_mode, lock_until, legal_hold, replication_status, encryption FROM object_versions "
)


@dataclass(frozen=True, slots=True)
class Version:
    """A row of the report. owner: canonical id. acl: as it counts, JSON. encryption: as answers tell it."""

    bucket: str
    key: bytes
    version_id: str
    is_current: bool
    is_delete_marker: bool
    size: int
    etag: str
    modified: float
    owner: str
    storage_class: str
    checksum: str | None
    acl: str
    parts: int | None
    lock_mode: str | None
    lock_until: float | None
    legal_hold: bool
    replication_status: str | None
    encryption: Mapping[str, Any]


Column = Callable[[Version], str]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _of_object(value: Column) -> Column:
    """A column that delete markers leave empty."""
    return lambda version: "" if version.is_delete_marker else value(version)


# The columns that a configuration may ask for, in the order of the reports. What objects here do not have is empty.
OPTIONAL: dict[str, Column] = {
    "Size": _of_object(lambda version: str(version.size)),
    "LastModifiedDate": lambda version: event_moment(version.modified),
    "ETag": _of_object(lambda version: version.etag),
    "StorageClass": _of_object(lambda version: version.storage_class),
    "IsMultipartUploaded": _of_object(lambda version: _flag(version.parts is not None)),
    "ReplicationStatus": lambda version: version.replication_status or "",
    "EncryptionStatus": _of_object(lambda version: _encryption_status(version.encryption)),
    "ObjectLockRetainUntilDate": lambda version: "" if version.lock_until is None else event_moment(version.lock_until),
    "ObjectLockMode": lambda version: version.lock_mode or "",
    "ObjectLockLegalHoldStatus": _of_object(lambda version: "On" if version.legal_hold else "Off"),
    "IntelligentTieringAccessTier": lambda version: "",
    "BucketKeyStatus": _of_object(
        lambda version: "ENABLED" if version.encryption.get("BucketKeyEnabled") else "DISABLED"
    ),
    "ChecksumAlgorithm": lambda version: json.loads(version.checksum)["algorithm"] if version.checksum else "",
    "ObjectAccessControlList": _of_object(lambda version: _encoded_acl(version.acl)),
    "ObjectOwner": lambda version: version.owner,
    "LifecycleExpirationDate": lambda version: "",
    "ObjectLockEventHoldStatus": lambda version: "",
    "ObjectLockEventHoldDuration": lambda version: "",
    "IntelligentTieringReferenceDate": lambda version: "",
}


def _encryption_status(encryption: Mapping[str, Any]) -> str:
    if "SSECustomerAlgorithm" in encryption:
        return "SSE-C"
    return {"AES256": "SSE-S3", "aws:kms": "SSE-KMS"}.get(encryption.get("ServerSideEncryption", ""), "NOT-SSE")


def _encoded_acl(acl: str) -> str:
    """The ACL as inventory reports have it: JSON in base64."""
    value: dict[str, Any] = {"version": "2022-11-10", "status": "AVAILABLE", "grants": []}
    for grant in json.loads(acl)["Grants"]:
        grantee = grant["Grantee"]
        kind = "Group" if "URI" in grantee else "Canonical"
        name = {"uri": grantee["URI"]} if "URI" in grantee else {"canonicalId": grantee["ID"]}
        value["grants"].append({**name, "type": kind, "permission": grant["Permission"]})
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def columns(optional: list[str], *, versions: bool) -> dict[str, Column]:
    """The columns of a report: those it always has, then the optional ones in AWS's order."""
    found: dict[str, Column] = {
        "Bucket": lambda version: version.bucket,
        "Key": lambda version: quote(version.key, safe="/-_.~*"),
    }
    if versions:
        found["VersionId"] = lambda version: "" if version.version_id == "null" else version.version_id
        found["IsLatest"] = lambda version: _flag(version.is_current)
        found["IsDeleteMarker"] = lambda version: _flag(version.is_delete_marker)
    return found | {name: column for name, column in OPTIONAL.items() if name in optional}


class ReportFile:
    """One data file: a request body that reads the bucket as it is read, from where the file before ended.

    bucket: id and name. most: rows. owner_and_acl: canonical id and JSON of an account id and a stored ACL.
    position: key and sequence of the last row written, where the next file goes on. complete: no row is left.
    size, md5: of the compressed bytes, once they have been read.
    """

    def __init__(
        self,
        objects: Reader,
        bucket: tuple[int, str],
        prefix: str,
        chosen: dict[str, Column],
        *,
        versions: bool,
        after: tuple[bytes, int] | None,
        most: int,
        owner_and_acl: Callable[[str, str | None], Awaitable[tuple[str, str]]],
    ) -> None:
        self.length: int | None = None
        self.size = 0
        self.complete = False
        self.position = after
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._objects = objects
        self._bucket = bucket
        self._prefix = prefix.encode()
        self._columns = tuple(chosen.values())
        self._versions = versions
        self._most = most
        self._owner_and_acl = owner_and_acl

    @property
    def md5(self) -> str:
        """In hex."""
        return self._md5.hexdigest()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The compressed bytes."""
        packer = zlib.compressobj(wbits=_GZIP)
        left = self._most
        while left and not self.complete:
            rows = await self._page(min(left, _PAGE))
            left -= len(rows)
            lines = [await self._line(row) for row in rows]
            if data := packer.compress("".join(lines).encode()):
                yield self._counted(data)
        yield self._counted(packer.flush())

    def _counted(self, data: bytes) -> bytes:
        self.size += len(data)
        self._md5.update(data)
        return data

    async def _page(self, most: int) -> list[Row]:
        """The next rows; sets `complete` when they are the last."""
        number, _ = self._bucket
        which = "" if self._versions else "AND is_current = 1 AND is_delete_marker = 0 "
        end = f"{which}ORDER BY key, sequence DESC LIMIT ?"
        rows: list[Row] = []
        if self.position is None:
            rows = await self._objects.fetch_all(
                f"{_SELECT}WHERE bucket_id = ? AND key >= ? {end}", number, self._prefix, most
            )
        else:
            key, sequence = self.position
            if self._versions:
                rows = await self._objects.fetch_all(
                    f"{_SELECT}WHERE bucket_id = ? AND key = ? AND sequence < ? {end}", number, key, sequence, most
                )
            if len(rows) < most:
                rows += await self._objects.fetch_all(
                    f"{_SELECT}WHERE bucket_id = ? AND key > ? {end}", number, key, most - len(rows)
                )
        inside = [row for row in rows if row[0].startswith(self._prefix)]
        self.complete = len(inside) < most
        if inside:
            self.position = (inside[-1][0], inside[-1][1])
        return inside

    async def _line(self, row: Row) -> str:
        key, _, version_id, current, marker, *rest = row
        size, etag, modified, owner, storage_class, checksum, acl, parts, mode, until, hold, status, stored = rest
        canonical, acl_json = await self._owner_and_acl(owner, acl)
        version = Version(
            self._bucket[1], bytes(key), version_id, bool(current), bool(marker), size, etag, modified, canonical,
            storage_class, checksum, acl_json, parts, mode, until, bool(hold), status,
            encryption_answer(stored),
        )  # fmt: skip
        return ",".join('"' + column(version).replace('"', '""') + '"' for column in self._columns) + "\n"


def manifest(
    source: str, destination_arn: str, created: float, schema: list[str], files: list[tuple[str, int, str]]
) -> bytes:
    """manifest.json; files: key, size and MD5 of each."""
    return json.dumps(
        {
            "sourceBucket": source,
            "destinationBucket": destination_arn,
            "version": "2016-11-30",
            "creationTimestamp": str(int(created * 1000)),
            "fileFormat": "CSV",
            "fileSchema": ", ".join(schema),
            "files": [{"key": key, "size": size, "MD5checksum": md5} for key, size, md5 in files],
        },
        indent=2,
    ).encode()
