"""ListObjectVersions, ListMultipartUploads and ListParts.

Sources: the operations in the S3 API reference. Versions of a key come newest first; uploads of a key in the
order they were begun.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Row

from .acl_requests import canonical_of, owner_output
from .get import add_checksum
from .key_scan import (
    Fetch,
    Page,
    after,
    common_prefix,
    common_prefixes,
    first_key,
    key_encoder,
    page_size,
    scan,
)
from .list_objects import add_algorithm, owners_of
from .multipart import abort_members
from .object_errors import invalid_argument, moment
from .put import decided_inside
from .resources import bucket_permission, new_object_permission, the_bucket
from .restore import restore_statuses
from .storage_classes import ARCHIVES
from .uploads_table import UploadRow, authorised_upload, upload_parts

_VERSIONS = (
    "SELECT key, version_id, is_current, is_delete_marker, size, etag, modified, owner, storage_class, "
    "checksum, sequence FROM object_versions "
)
_UPLOADS = "SELECT key, id, bucket_id, initiated, initiator_arn, initiator_account, owner, settings FROM uploads "


def _fetch(call: Call, bucket: Bucket, select: str, order: str) -> Fetch:
    async def fetch(start: bytes, end: bytes | None, most: int) -> list[Row]:
        bound, ends = ("", ()) if end is None else ("AND key < ? ", (end,))
        return await call.system.objects.fetch_all(
            f"{select}WHERE bucket_id = ? AND key >= ? {bound}ORDER BY {order} LIMIT ?", bucket.id, start, *ends, most
        )

    return fetch


async def _scan_groups(
    fetch: Fetch, rest: list[Row], start: bytes | None, *, prefix: bytes, delimiter: bytes, limit: int
) -> tuple[Page, bool]:
    """A page where a key may have several rows, and whether more follow.

    rest: rows of the marker's own key that are still to come. `scan` goes from key to key and would miss the
    rows of a key that a batch cuts in two, so batches end with whole keys here.
    """
    rows = rest[: limit + 1]
    if len(rows) > limit:
        return Page(rows[:limit], [], rows[limit][0], rows[limit - 1][0] if limit else b""), limit > 0

    async def whole_keys(first: bytes, end: bytes | None, most: int) -> list[Row]:
        found = await fetch(first, end, most)
        if len(found) == most:
            # The last key may have more rows; one page's worth of them is enough.
            last: bytes = found[-1][0]
            of_last = await fetch(last, after(last), LARGEST_GROUP)
            found = [row for row in found if row[0] != last] + of_last
        return found

    page = await scan(whole_keys, start, prefix, delimiter, limit - len(rows)) if limit > len(rows) else None
    if page is None:
        more = await fetch(start, None, 1) if start is not None else []
        more = [row for row in more if row[0].startswith(prefix)]
        return Page(rows, [], more[0][0] if more else None, rows[-1][0] if rows else b""), bool(more and limit)
    page = Page(rows + page.rows, page.prefixes, page.next_key, page.last or (rows[-1][0] if rows else b""))
    return page, page.next_key is not None


LARGEST_GROUP = 1001


@operation("s3", "ListObjectVersions", bucket_permission("s3:ListBucketVersions"), anonymous=True)
async def list_object_versions(call: Call) -> dict[str, Any]:
    """A page of versions and delete markers."""
    bucket = await the_bucket(call)
    given = call.input
    encode = key_encoder(given)
    limit = page_size(given, "MaxKeys", "maxKeys")
    prefix, delimiter = (given.get("Prefix") or ""), (given.get("Delimiter") or "")
    key_marker: str = given.get("KeyMarker") or ""
    version_marker: str = given.get("VersionIdMarker") or ""
    if version_marker and not key_marker:
        raise invalid_argument(
            "A version-id marker cannot be specified without a key marker.",
            "version-id-marker",
            version_marker,
        )
    fetch = _fetch(call, bucket, _VERSIONS, "key, sequence DESC")
    rest: list[Row] = []
    marker = key_marker.encode()
    rolled_up = bool(delimiter) and common_prefix(marker, prefix.encode(), delimiter.encode()) is not None
    if version_marker and marker.startswith(prefix.encode()) and not rolled_up:
        rest = await _versions_after(call, bucket, marker, version_marker, limit + 1)
    start = first_key(marker, prefix.encode(), delimiter.encode())
    page, more = await _scan_groups(
        fetch, rest, start, prefix=prefix.encode(), delimiter=delimiter.encode(), limit=limit
    )
    known = await owners_of(call, {row[7] for row in page.rows})
    restored = await restore_statuses(call, bucket.id, (row[0] for row in page.rows if row[8] in ARCHIVES))
    versions: list[dict[str, Any]] = []
    markers: list[dict[str, Any]] = []
    for (
        key,
        version_id,
        is_current,
        is_marker,
        size,
        etag,
        modified,
        owner,
        storage_class,
        checksum,
        _,
    ) in page.rows:
        entry: dict[str, Any] = {
            "Key": encode(key.decode()),
            "VersionId": version_id,
            "IsLatest": bool(is_current),
            "LastModified": moment(modified),
            "Owner": known[owner],
        }
        if is_marker:
            markers.append(entry)
            continue
        entry.update(ETag=f'"{etag}"', Size=size, StorageClass=storage_class)
        if (key, version_id) in restored:
            entry["RestoreStatus"] = restored[key, version_id]
        if checksum is not None:
            add_algorithm(entry, checksum)
        versions.append(entry)
    answer: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "KeyMarker": encode(key_marker),
        "VersionIdMarker": version_marker,
        "MaxKeys": limit,
        "IsTruncated": more,
        "Versions": versions,
        "DeleteMarkers": markers,
        "MarkersAmongVersions": [bool(row[3]) for row in page.rows],
    }
    if more:
        answer["NextKeyMarker"] = encode(page.last.decode())
        if page.rows and page.rows[-1][0] == page.last:
            answer["NextVersionIdMarker"] = page.rows[-1][1]
    _add_scan(answer, given, page, encode)
    return answer


async def _versions_after(call: Call, bucket: Bucket, key: bytes, version_id: str, limit: int) -> list[Row]:
    """Versions of `key` older than the marker's.

    A client that deletes what it lists names a version that is gone: then every version that is left is
    older or was not listed yet, and all of them come.
    """
    objects = call.system.objects
    found = await objects.fetch_one(
        "SELECT sequence FROM object_versions WHERE bucket_id = ? AND key = ? AND version_id = ?",
        bucket.id,
        key,
        version_id,
    )
    return await objects.fetch_all(
        _VERSIONS + "WHERE bucket_id = ? AND key = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
        bucket.id,
        key,
        2**62 if found is None else found[0],
        limit,
    )


@operation("s3", "ListMultipartUploads", bucket_permission("s3:ListBucketMultipartUploads"), anonymous=True)
async def list_multipart_uploads(call: Call) -> dict[str, Any]:
    """A page of uploads under way."""
    bucket = await the_bucket(call)
    given = call.input
    encode = key_encoder(given)
    limit = page_size(given, "MaxUploads", "max-uploads")
    prefix, delimiter = (given.get("Prefix") or ""), (given.get("Delimiter") or "")
    key_marker: str = given.get("KeyMarker") or ""
    id_marker: str = (given.get("UploadIdMarker") or "") if key_marker else ""  # void without a key marker
    fetch = _fetch(call, bucket, _UPLOADS, "key, initiated, id")
    rest: list[Row] = []
    if id_marker and key_marker.startswith(prefix):
        of_key = await fetch(key_marker.encode(), after(key_marker.encode()), LARGEST_GROUP * 10)
        ids = [row[1] for row in of_key]
        rest = of_key[ids.index(id_marker) + 1 :] if id_marker in ids else of_key
    start = first_key(key_marker.encode(), prefix.encode(), delimiter.encode())
    page, more = await _scan_groups(
        fetch, rest, start, prefix=prefix.encode(), delimiter=delimiter.encode(), limit=limit
    )
    rows = [UploadRow(row[1], row[2], row[0], *row[3:]) for row in page.rows]
    owners = await owners_of(call, {row.owner for row in rows})
    uploads: list[dict[str, Any]] = []
    for row in rows:
        settings = row.settings
        entry: dict[str, Any] = {
            "UploadId": row.id,
            "Key": encode(row.key.decode()),
            "Initiated": moment(row.initiated),
            "StorageClass": row.object_settings.storage_class,
            "Owner": owners[row.owner],
            "Initiator": await _initiator(call, row),
        }
        if settings["explicit"]:
            entry.update(ChecksumAlgorithm=settings["algorithm"], ChecksumType=settings["type"])
        uploads.append(entry)
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "KeyMarker": encode(key_marker),
        "UploadIdMarker": id_marker,
        "Prefix": encode(prefix),
        "MaxUploads": limit,
        "IsTruncated": more,
        "Uploads": uploads,
    }
    if more:
        answer["NextKeyMarker"] = encode(page.last.decode())
        if rows and rows[-1].key == page.last:
            answer["NextUploadIdMarker"] = rows[-1].id
    _add_scan(answer, given, page, encode)
    return answer


def _add_scan(answer: dict[str, Any], given: dict[str, Any], page: Page, encode: Any) -> None:
    if given.get("Delimiter"):
        answer["Delimiter"] = encode(given["Delimiter"])
    if given.get("EncodingType"):
        answer["EncodingType"] = given["EncodingType"]
    if page.prefixes:
        answer["CommonPrefixes"] = common_prefixes(page.prefixes, encode)


async def _initiator(call: Call, upload: UploadRow) -> dict[str, str]:
    """Who began an upload: an IAM principal by its ARN, an account (or nobody) by its canonical id."""
    arn = upload.initiator_arn
    if not arn or arn.endswith(":root"):
        return await owner_output(call, await canonical_of(call, upload.initiator_account))
    return {"ID": arn, "DisplayName": arn.rpartition("/")[2]}


@operation(
    "s3",
    "ListParts",
    new_object_permission("s3:ListMultipartUploadParts", decided_inside, "unless the caller began the upload"),
    anonymous=True,
)
async def list_parts(call: Call) -> dict[str, Any]:
    """A page of the parts of an upload."""
    bucket = await the_bucket(call)
    upload = await authorised_upload(call, "s3:ListMultipartUploadParts")
    given = call.input
    limit = page_size(given, "MaxParts", "max-parts")
    marker = int(given.get("PartNumberMarker") or 0)
    if marker < 0:
        raise invalid_argument(
            "Argument part-number-marker must be an integer between 0 and 2147483647", "part-number-marker", marker
        )
    found = await upload_parts(call.system.objects, upload.id, marker, limit + 1)
    page = found[:limit]
    parts: list[dict[str, Any]] = []
    settings = upload.settings
    for part in page:
        entry: dict[str, Any] = {
            "PartNumber": part.number,
            "LastModified": moment(part.modified),
            "ETag": f'"{part.etag}"',
            "Size": part.size,
        }
        if settings["explicit"]:
            add_checksum(entry, part.checksum_json)
        parts.append(entry)
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "Key": given["Key"],
        "UploadId": upload.id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit > 0,
        "Parts": parts,
        "Initiator": await _initiator(call, upload),
        "Owner": (await owners_of(call, {upload.owner}))[upload.owner],
        "StorageClass": upload.object_settings.storage_class,
    }
    if settings["explicit"]:
        answer.update(ChecksumAlgorithm=settings["algorithm"], ChecksumType=settings["type"])
    return answer | abort_members(bucket, upload.key, upload.initiated)
