"""GetObject, HeadObject and GetObjectAttributes.

The way of a small object is short on purpose: one row, which holds the bytes, and one dict.

Sources: GetObject, HeadObject, GetObjectAttributes in the S3 API reference; RFC 9110 sections 13 and 14.
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, decide_for, operation
from isthmus.policy import PrincipalKind
from isthmus.store import Row
from isthmus.wire import AwsError

from .encryption import SSE_S3, refuse_on_reading
from .lifecycle_rules import KIND, expiration_header
from .object_bytes import opened_body
from .object_errors import exact_moment, existing, invalid_argument, moment
from .object_keys import checked_customer_key, encryption_answer, hides_md5, is_sse_s3, stored_object_key
from .object_settings import check_header_value, encoded_metadata
from .objects_table import ObjectRow
from .preconditions import check_read, range_counts
from .ranges import parse_range
from .resources import (
    has_version_id,
    lacks_version_id,
    object_permission,
    object_resource,
    the_bucket,
    the_object,
)
from .restore import check_active, restore_header
from .storage_classes import ARCHIVES

_OVERRIDES = (
    ("ResponseCacheControl", "CacheControl", "response-cache-control"),
    ("ResponseContentDisposition", "ContentDisposition", "response-content-disposition"),
    ("ResponseContentEncoding", "ContentEncoding", "response-content-encoding"),
    ("ResponseContentLanguage", "ContentLanguage", "response-content-language"),
    ("ResponseContentType", "ContentType", "response-content-type"),
)
_STORED = (
    "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType",
    "WebsiteRedirectLocation",
)  # fmt: skip
_READ_PERMISSIONS = (
    object_permission("s3:GetObject", lacks_version_id, "without versionId"),
    object_permission("s3:GetObjectVersion", has_version_id, "with versionId"),
)


@operation("s3", "GetObject", *_READ_PERMISSIONS, anonymous=True)
async def get_object(call: Call) -> dict[str, Any]:
    """An object's bytes and headers."""
    bucket, row = await _readable(call)
    if row.storage_class in ARCHIVES:
        check_active(row, call.now)
    answer, offset, length = await _describe(call, bucket, row)
    if answer.get("ResponseStatus") != 304:
        answer["Body"] = await opened_body(call, bucket, row, offset, length)
    return answer


@operation("s3", "HeadObject", *_READ_PERMISSIONS, anonymous=True)
async def head_object(call: Call) -> dict[str, Any]:
    """An object's headers."""
    bucket, row = await _readable(call)
    answer, _, _ = await _describe(call, bucket, row)
    if str(call.input.get("ChecksumMode", "")).upper() == "ENABLED" and hides_md5(row.encryption):
        # The checksum tells of the bytes: whoever is to be told it may open them ("HeadObject", Permissions).
        await stored_object_key(call, bucket, call.input["Key"], row.encryption)
    return answer


async def _readable(call: Call) -> tuple[Bucket, ObjectRow]:
    bucket = await the_bucket(call)
    row = await the_object(call)
    if row is None or row.is_delete_marker:
        row = await existing(call, bucket, call.input["Key"], call.input.get("VersionId"), row)
    return bucket, row


async def _describe(call: Call, bucket: Bucket, row: ObjectRow) -> tuple[dict[str, Any], int, int]:
    """The answer without its body, and which bytes to send: offset and length."""
    given = call.input
    refuse_on_reading(call)
    sse_s3 = is_sse_s3(row.encryption)
    if not sse_s3 or "SSECustomerAlgorithm" in given or "SSECustomerKey" in given:
        checked_customer_key(call, row.encryption)
    answer: dict[str, Any] = {"ETag": f'"{row.etag}"', "LastModified": int(row.modified)}
    if sse_s3:
        answer["ServerSideEncryption"] = SSE_S3
    elif row.encryption is not None:
        answer |= encryption_answer(row.encryption)
    if bucket.versioning:
        answer["VersionId"] = row.version_id
    if not check_read(given, row.etag, row.modified):
        answer["ResponseStatus"] = 304
        return answer, 0, 0
    offset, length = await _selected(call, row, answer)
    answer["AcceptRanges"] = "bytes"
    answer["ContentLength"] = length
    stored = row.metadata
    for name in _STORED:
        if name in stored:
            answer[name] = stored[name]
    extra: list[tuple[str, str]] = []
    if "Expires" in stored:
        extra.append(("Expires", stored["Expires"]))
    if "Metadata" in stored:
        answer["Metadata"] = encoded_metadata(stored["Metadata"])
    if row.storage_class != "STANDARD":
        answer["StorageClass"] = row.storage_class
        answer["Restore"] = restore_header(row, call.now)
    if KIND in bucket.configurations and row.is_current:
        answer["Expiration"] = expiration_header(bucket, row.key, row.modified, row.size, row.tags_json)
    if row.replication_status is not None:
        answer["ReplicationStatus"] = row.replication_status
    if row.tags_json is not None:
        suffix = "VersionTagging" if given.get("VersionId") else "Tagging"
        if await _allowed(call, "s3:GetObject" + suffix, bucket, row):
            answer["TagCount"] = len(row.tags)
    if row.lock_mode is not None or row.legal_hold:
        await _add_lock(call, bucket, row, answer)
    _override(call, answer, extra)
    if extra:
        answer["ResponseHeaders"] = extra
    return answer, offset, length


async def _selected(call: Call, row: ObjectRow, answer: dict[str, Any]) -> tuple[int, int]:
    """The bytes that Range or partNumber selects, noted in the answer. Raises InvalidRange and others."""
    given = call.input
    number = given.get("PartNumber")
    header = given.get("Range")
    wants_checksum = str(given.get("ChecksumMode", "")).upper() == "ENABLED"
    if number is not None:
        if header:
            raise AwsError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        offset, length, checksum = await _part(call, row, number, answer)
        if wants_checksum:
            add_checksum(answer, checksum)
            if checksum is not None and row.checksum_json is not None:
                answer["ChecksumType"] = json.loads(row.checksum_json).get("type", "FULL_OBJECT")
        return offset, length
    if header and range_counts(call.request.headers.get("if-range"), row.etag, row.modified):
        selected = parse_range(header, row.size)
        if selected is not None:
            _partial(answer, *selected, row.size)
            return selected
    if wants_checksum:
        add_checksum(answer, row.checksum_json)
    return 0, row.size


async def _part(call: Call, row: ObjectRow, number: int, answer: dict[str, Any]) -> tuple[int, int, str | None]:
    """Offset, length and stored checksum of a part; an object that has none is its own part 1."""
    if not 1 <= number <= 10_000:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", number)
    if row.parts is None:
        if number != 1:
            raise _no_part(number, 1)
        if row.size:
            _partial(answer, 0, row.size, row.size)
        return 0, row.size, row.checksum_json
    part: Row | None = await call.system.objects.fetch_one(
        "SELECT offset_in_object, size, checksum FROM object_parts WHERE object_id = ? AND number = ?",
        row.id,
        number,
    )
    if part is None:
        raise _no_part(number, row.parts)
    answer["PartsCount"] = row.parts
    _partial(answer, part[0], part[1], row.size)
    return part[0], part[1], part[2]


def _no_part(number: int, count: int) -> AwsError:
    return AwsError(
        "InvalidPart",
        "The requested partnumber is not satisfiable",
        extra={"PartNumberRequested": str(number), "ActualPartCount": str(count)},
    )


def _partial(answer: dict[str, Any], offset: int, length: int, size: int) -> None:
    answer["ResponseStatus"] = 206
    answer["ContentRange"] = f"bytes {offset}-{offset + length - 1}/{size}"


def add_checksum(answer: dict[str, Any], stored: str | None) -> None:
    """Put a stored checksum into an answer: `ChecksumCRC32` and such, and `ChecksumType`."""
    if stored is None:
        return
    checksum = json.loads(stored)
    answer["Checksum" + checksum["algorithm"]] = checksum["value"]
    if "type" in checksum:
        answer["ChecksumType"] = checksum["type"]


def _override(call: Call, answer: dict[str, Any], extra: list[tuple[str, str]]) -> None:
    """The response-… parameters, which only signed requests may use. Raises InvalidRequest, InvalidArgument."""
    given = call.input
    expires = given.get("ResponseExpires")
    used = [override for override in _OVERRIDES if given.get(override[0])]
    if not used and not expires:
        return
    if call.caller.principal.kind is PrincipalKind.ANONYMOUS:
        raise AwsError("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
    for name, target, parameter in used:
        value: str = given[name]
        check_header_value(parameter, value)
        if max(value) > "\xff":
            raise invalid_argument("Header value cannot be represented using ISO-8859-1.", parameter, value)
        answer[target] = value
    if expires:
        extra[:] = [item for item in extra if item[0] != "Expires"]
        answer["Expires"] = expires


async def _add_lock(call: Call, bucket: Bucket, row: ObjectRow, answer: dict[str, Any]) -> None:
    """Retention and legal hold, for callers that may read them."""
    if (
        row.lock_mode is not None
        and row.lock_until is not None
        and await _allowed(call, "s3:GetObjectRetention", bucket, row)
    ):
        answer["ObjectLockMode"] = row.lock_mode
        answer["ObjectLockRetainUntilDate"] = exact_moment(row.lock_until)
    if row.legal_hold and await _allowed(call, "s3:GetObjectLegalHold", bucket, row):
        answer["ObjectLockLegalHoldStatus"] = "ON"


async def _allowed(call: Call, action: str, bucket: Bucket, row: ObjectRow) -> bool:
    resource = await object_resource(call, action, bucket, call.input["Key"], row)
    return (await decide_for(call, action, resource)).allowed


_ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


@operation(
    "s3",
    "GetObjectAttributes",
    *_READ_PERMISSIONS,
    object_permission("s3:GetObjectAttributes", lacks_version_id, "without versionId"),
    object_permission("s3:GetObjectVersionAttributes", has_version_id, "with versionId"),
    anonymous=True,
)
async def get_object_attributes(call: Call) -> dict[str, Any]:
    """What the caller asks to know of an object, without its bytes."""
    bucket, row = await _readable(call)
    refuse_on_reading(call)
    checked_customer_key(call, row.encryption)
    wanted: set[str] = set()
    for name in call.input.get("ObjectAttributes", ()):
        wanted.update(item.strip() for item in name.split(","))
    if not wanted or not wanted <= _ATTRIBUTES:
        raise invalid_argument(
            "Invalid attribute name specified.",
            "x-amz-object-attributes",
            ", ".join(sorted(wanted - _ATTRIBUTES)),
        )
    if wanted & {"Checksum", "ObjectParts"} and hides_md5(row.encryption):
        await stored_object_key(call, bucket, call.input["Key"], row.encryption)
    answer: dict[str, Any] = {"LastModified": moment(row.modified)}
    if bucket.versioning:
        answer["VersionId"] = row.version_id
    if "ETag" in wanted:
        answer["ETag"] = row.etag
    if "ObjectSize" in wanted:
        answer["ObjectSize"] = row.size
    if "StorageClass" in wanted:
        answer["StorageClass"] = row.storage_class
    if "Checksum" in wanted and row.checksum_json is not None:
        checksum: dict[str, Any] = {}
        add_checksum(checksum, row.checksum_json)
        answer["Checksum"] = checksum
    if "ObjectParts" in wanted and row.parts is not None:
        answer["ObjectParts"] = await _parts_page(call, row)
    return answer


async def _parts_page(call: Call, row: ObjectRow) -> dict[str, Any]:
    given = call.input
    limit = min(int(given.get("MaxParts", 1000)), 1000)
    marker = int(given.get("PartNumberMarker", 0))
    if limit < 0 or marker < 0:
        raise invalid_argument("Argument max-parts must be an integer between 0 and 2147483647", "max-parts", limit)
    rows = await call.system.objects.fetch_all(
        "SELECT number, size, checksum FROM object_parts WHERE object_id = ? AND number > ? ORDER BY number LIMIT ?",
        row.id,
        marker,
        limit + 1,
    )
    page = rows[:limit]
    parts: list[dict[str, Any]] = []
    for number, size, checksum in page:
        part: dict[str, Any] = {"PartNumber": number, "Size": size}
        add_checksum(part, checksum)
        part.pop("ChecksumType", None)
        parts.append(part)
    return {
        "TotalPartsCount": row.parts,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1][0] if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(rows) > limit > 0,
        "Parts": parts,
    }
