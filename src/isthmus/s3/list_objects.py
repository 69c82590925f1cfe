"""ListObjects (version 1) and ListObjectsV2.

Sources: the operations in the S3 API reference. Keys come in the order of their UTF-8 bytes; delete markers
are not listed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Row

from .acl_requests import canonical_of, owner_output
from .key_scan import Fetch, Page, common_prefixes, first_key, key_encoder, page_size, scan
from .object_errors import invalid_argument, moment
from .resources import bucket_permission, the_bucket
from .restore import restore_statuses
from .storage_classes import ARCHIVES

_COLUMNS = "SELECT key, size, etag, modified, storage_class, checksum, owner FROM object_versions "
_LISTED = "WHERE bucket_id = ? AND is_current = 1 AND is_delete_marker = 0 AND key >= ? "


def _current_objects(call: Call, bucket: Bucket) -> Fetch:
    objects = call.system.objects

    async def fetch(start: bytes, end: bytes | None, limit: int) -> list[Row]:
        if end is None:
            return await objects.fetch_all(_COLUMNS + _LISTED + "ORDER BY key LIMIT ?", bucket.id, start, limit)
        return await objects.fetch_all(
            _COLUMNS + _LISTED + "AND key < ? ORDER BY key LIMIT ?", bucket.id, start, end, limit
        )

    return fetch


@operation("s3", "ListObjects", bucket_permission("s3:ListBucket"), anonymous=True)
async def list_objects(call: Call) -> dict[str, Any]:
    """A page of keys after a marker, which is a key."""
    bucket = await the_bucket(call)
    given = call.input
    encode = key_encoder(given)
    limit = page_size(given, "MaxKeys", "maxKeys")
    marker: str = given.get("Marker") or ""
    prefix, delimiter = _texts(given)
    start = first_key(marker.encode(), prefix.encode(), delimiter.encode())
    page = await scan(_current_objects(call, bucket), start, prefix.encode(), delimiter.encode(), limit)
    answer = _common(bucket, given, page, limit, encode)
    # Version 1 gives the prefix back as it was sent: its clients decode the markers, but not the prefix.
    answer["Prefix"] = prefix
    answer["Marker"] = encode(marker)
    answer["Contents"] = await _contents(call, bucket, page.rows, encode, owners=True)
    if page.next_key is not None and delimiter:
        # Without a delimiter the last key is the marker, and S3 does not repeat it.
        answer["NextMarker"] = encode(page.last.decode())
    return answer


@operation("s3", "ListObjectsV2", bucket_permission("s3:ListBucket"), anonymous=True)
async def list_objects_v2(call: Call) -> dict[str, Any]:
    """A page of keys after a continuation token, which only we can read."""
    bucket = await the_bucket(call)
    given = call.input
    encode = key_encoder(given)
    limit = page_size(given, "MaxKeys", "maxKeys")
    prefix, delimiter = _texts(given)
    token: str | None = given.get("ContinuationToken")
    start_after: str = given.get("StartAfter") or ""
    start: bytes | None
    if token:
        start = max(_key_of_token(token), prefix.encode())
    else:
        start = first_key(start_after.encode(), prefix.encode(), delimiter.encode())
    page = await scan(_current_objects(call, bucket), start, prefix.encode(), delimiter.encode(), limit)
    answer = _common(bucket, given, page, limit, encode)
    answer["KeyCount"] = len(page.rows) + len(page.prefixes)
    answer["Contents"] = await _contents(call, bucket, page.rows, encode, owners=bool(given.get("FetchOwner")))
    if token is not None:
        answer["ContinuationToken"] = token
    if start_after:
        answer["StartAfter"] = encode(start_after)
    if page.next_key is not None:
        answer["NextContinuationToken"] = _token_of_key(page.next_key)
    return answer


def _texts(given: dict[str, Any]) -> tuple[str, str]:
    return given.get("Prefix") or "", given.get("Delimiter") or ""


def _common(
    bucket: Bucket, given: dict[str, Any], page: Page, limit: int, encode: Callable[[str], str]
) -> dict[str, Any]:
    prefix, delimiter = _texts(given)
    answer: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "MaxKeys": limit,
        "IsTruncated": page.next_key is not None,
    }
    if delimiter:
        answer["Delimiter"] = encode(delimiter)
    if given.get("EncodingType"):
        answer["EncodingType"] = given["EncodingType"]
    if page.prefixes:
        answer["CommonPrefixes"] = common_prefixes(page.prefixes, encode)
    return answer


async def _contents(
    call: Call, bucket: Bucket, rows: list[Row], encode: Callable[[str], str], *, owners: bool
) -> list[dict[str, Any]]:
    known = await owners_of(call, {row[6] for row in rows}) if owners else {}
    restored = await restore_statuses(call, bucket.id, (row[0] for row in rows if row[4] in ARCHIVES))
    contents: list[dict[str, Any]] = []
    moments: dict[int, datetime] = {}
    for key, size, etag, modified, storage_class, checksum, owner in rows:
        second = int(modified)
        shown = moments.get(second)
        if shown is None:
            shown = moments[second] = moment(second)
        entry: dict[str, Any] = {
            "Key": encode(key.decode()),
            "LastModified": shown,
            "ETag": f'"{etag}"',
            "Size": size,
            "StorageClass": storage_class,
        }
        if checksum is not None:
            add_algorithm(entry, checksum)
        if owners:
            entry["Owner"] = known[owner]
        if (key, "") in restored:
            entry["RestoreStatus"] = restored[key, ""]
        contents.append(entry)
    return contents


def add_algorithm(entry: dict[str, Any], checksum_json: str) -> None:
    """Say in a listing which checksum an object has."""
    checksum = json.loads(checksum_json)
    entry["ChecksumAlgorithm"] = [checksum["algorithm"]]
    entry["ChecksumType"] = checksum["type"]


async def owners_of(call: Call, accounts: set[str]) -> dict[str, dict[str, str]]:
    """The member `Owner` for each account."""
    return {account: await owner_output(call, await canonical_of(call, account)) for account in accounts}


def _token_of_key(key: bytes) -> str:
    return base64.urlsafe_b64encode(b"1" + key).decode()


def _key_of_token(token: str) -> bytes:
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw.startswith(b"1"):
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    return raw[1:]
