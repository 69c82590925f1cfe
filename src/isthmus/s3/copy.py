"""CopyObject and UploadPartCopy.

CopyObject copies no bytes: the new version names the same contents (or carries the same inline bytes), and a
multipart object stays in its parts. UploadPartCopy writes its bytes again, as a content of the part.

Both are decided twice: reading by the source's bucket, writing by the destination's.

Sources: CopyObject and UploadPartCopy in the S3 API reference; S3 User Guide "Copying, moving, and renaming
objects".
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import INLINE_BYTES, Transaction
from isthmus.wire import AwsError

from .checksums import Checksum, algorithm_named
from .get import add_checksum
from .incoming import LARGEST_PUT, Hashes, Received, commit, stored_checksum
from .multipart import part_number, store_part
from .object_bytes import object_body, read_all
from .object_errors import existing, invalid_argument, moment, try_again
from .object_settings import ObjectSettings, new_version_id, object_settings, refuse_encryption
from .objects_table import ObjectRow, add_version, find_by_id, find_current, release
from .preconditions import check_copy_source, check_write, check_write_headers
from .put import WRITE_PERMISSIONS
from .ranges import parse_copy_range
from .resources import (
    CopySource,
    both,
    copies_tags,
    copy_source,
    new_object_permission,
    source_has_version,
    source_lacks_version,
    source_permission,
    the_bucket,
    the_source,
)
from .uploads_table import the_upload

_READ_PERMISSIONS = (
    source_permission("s3:GetObject", source_lacks_version, "source without versionId"),
    source_permission("s3:GetObjectVersion", source_has_version, "source with versionId"),
)


@operation(
    "s3",
    "CopyObject",
    *_READ_PERMISSIONS,
    source_permission("s3:GetObjectTagging", both(copies_tags, source_lacks_version), "when tags are copied"),
    source_permission("s3:GetObjectVersionTagging", both(copies_tags, source_has_version), "when tags are copied"),
    *WRITE_PERMISSIONS,
    new_object_permission("s3:PutObjectTagging", copies_tags, "when tags are copied"),
    anonymous=True,
)
async def copy_object(call: Call) -> dict[str, Any]:
    """Make an object, or another version, of an existing one."""
    bucket = await the_bucket(call)
    given = call.input
    _check_directives(given)
    check_write_headers(given)
    settings = await object_settings(call, bucket)
    row = await _source(call)
    source: CopySource = copy_source(call)
    check_copy_source(given, row.etag, row.modified)
    _check_self_copy(call, bucket, source, row)
    if row.size > LARGEST_PUT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_PUT}",
        )
    settings = _settings_of_copy(given, settings, row)
    checksum_json = await _checksum_of_copy(call, row)
    key: str = given["Key"]
    version_id = new_version_id(call, bucket)

    async def work(tx: Transaction) -> None:
        # Read again: the bytes must not have lost their last name since.
        still = await find_by_id(tx, row.id)
        if still is None:
            raise try_again()
        parts = await tx.fetch_all(
            "SELECT number, offset_in_object, size, etag, checksum, inline_bytes, content FROM object_parts "
            "WHERE object_id = ? ORDER BY number",
            row.id,
        )
        current = await find_current(tx, bucket.id, key.encode())
        check_write(given, key, current)
        new = settings.version(
            size=row.size,
            etag=row.etag,
            content=still.content,
            inline_bytes=still.inline_bytes,
            parts=row.parts,
            checksum_json=checksum_json,
        )
        row_id, dropped = await add_version(
            tx, bucket.id, key.encode(), version_id, new, modified=call.now, current=current
        )
        for part in parts:
            await tx.execute(
                "INSERT INTO object_parts (object_id, number, offset_in_object, size, etag, checksum, "
                "inline_bytes, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row_id,
                *part,
            )
        # Last, because the version that was replaced may be the source itself.
        await release(tx, dropped, call.now)

    await commit(call, bucket, work)
    result: dict[str, Any] = {"ETag": f'"{row.etag}"', "LastModified": moment(call.now)}
    add_checksum(result, checksum_json)
    answer: dict[str, Any] = {"CopyObjectResult": result}
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version_id
    if call.found["source_bucket"].versioning:
        answer["CopySourceVersionId"] = row.version_id
    return answer


async def _source(call: Call) -> ObjectRow:
    """The source object. Raises NoSuchKey, NoSuchVersion, AccessDenied, InvalidRequest (a delete marker)."""
    row = await the_source(call)
    source = copy_source(call)
    if row is not None and row.is_delete_marker and source.version_id:
        raise AwsError(
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        )
    return await existing(call, call.found["source_bucket"], source.key, source.version_id, row)


def _check_directives(given: dict[str, Any]) -> None:
    for member, header in (
        ("MetadataDirective", "x-amz-metadata-directive"),
        ("TaggingDirective", "x-amz-tagging-directive"),
    ):
        value = given.get(member)
        if value and value not in ("COPY", "REPLACE"):
            raise invalid_argument(f"Unknown {member[:-9].lower()} directive.", header, value)


def _check_self_copy(call: Call, bucket: Bucket, source: CopySource, row: ObjectRow) -> None:
    """Raises InvalidRequest for a copy onto itself that would change nothing."""
    given = call.input
    if source.bucket != bucket.name or source.key != given["Key"] or not row.is_current:
        return
    if (
        given.get("MetadataDirective") == "REPLACE"
        or (given.get("StorageClass") or row.storage_class) != row.storage_class
        or given.get("WebsiteRedirectLocation")
        or given.get("ChecksumAlgorithm")
        or given.get("TaggingDirective") == "REPLACE"
    ):
        return
    raise AwsError(
        "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the "
        "object's metadata, storage class, website redirect location or encryption attributes.",
    )


def _settings_of_copy(given: dict[str, Any], asked: ObjectSettings, row: ObjectRow) -> ObjectSettings:
    """The request's settings, with what is copied from the source.

    The ACL, the storage class, locks and the website redirect are never copied.
    """
    if given.get("MetadataDirective") != "REPLACE":
        metadata = {name: value for name, value in row.metadata.items() if name != "WebsiteRedirectLocation"}
        if given.get("WebsiteRedirectLocation"):
            metadata["WebsiteRedirectLocation"] = given["WebsiteRedirectLocation"]
        asked = asked._replace(metadata_json=json.dumps(metadata, separators=(",", ":"), sort_keys=True))
    if given.get("TaggingDirective") != "REPLACE":
        asked = asked._replace(tags_json=row.tags_json)
    return asked


async def _checksum_of_copy(call: Call, row: ObjectRow) -> str | None:
    """The source's checksum, or one by the algorithm the request names (which reads all bytes, once)."""
    name = call.input.get("ChecksumAlgorithm")
    if not name:
        return row.checksum_json
    algorithm = algorithm_named(name)
    known = row.checksum
    if known is not None and known["algorithm"] == algorithm.name and known["type"] == "FULL_OBJECT":
        return row.checksum_json
    checksum = Checksum(algorithm.name)
    body = await object_body(call.system.objects, call.system.contents, row, 0, row.size)
    async for data in read_all(body):
        checksum.update(data)
    return stored_checksum(algorithm.name, checksum.base64(), "FULL_OBJECT")


@operation("s3", "UploadPartCopy", *_READ_PERMISSIONS, new_object_permission("s3:PutObject"), anonymous=True)
async def upload_part_copy(call: Call) -> dict[str, Any]:
    """Make a part of an object, or of a range of it."""
    bucket = await the_bucket(call)
    given = call.input
    number = part_number(call)
    refuse_encryption(call)
    upload = await the_upload(call)
    row = await _source(call)
    check_copy_source(given, row.etag, row.modified)
    offset, length = 0, row.size
    if given.get("CopySourceRange"):
        offset, length = parse_copy_range(given["CopySourceRange"], row.size)
    if length > LARGEST_PUT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_PUT}",
        )
    received = await _copied_bytes(call, row, offset, length, upload.settings["algorithm"])
    await store_part(call, bucket, upload, number, received)
    result = {"ETag": f'"{received.etag}"', "LastModified": moment(call.now)}
    if upload.settings["explicit"]:
        result["Checksum" + received.algorithm] = received.value
    answer: dict[str, Any] = {"CopyPartResult": result}
    if call.found["source_bucket"].versioning:
        answer["CopySourceVersionId"] = row.version_id
    return answer


async def _copied_bytes(call: Call, row: ObjectRow, offset: int, length: int, algorithm: str) -> Received:
    """A range of the source as a content of its own.

    A part of a file cannot be named, and a shared file could lose its last name before the part's row names
    it; so the bytes are written again. The whole of an object is best copied with CopyObject.
    """
    hashes = Hashes(algorithm)
    body = await object_body(call.system.objects, call.system.contents, row, offset, length)
    inline: bytes | None = None
    content: str | None = None
    if length <= INLINE_BYTES:
        inline = b"".join([data async for data in read_all(body)])
        hashes.update(inline)
    else:
        writer = await call.system.contents.create()
        try:
            async for data in read_all(body):
                await hashes.update_in_thread(data)
                await writer.write(data)
            content = await writer.finish()
        except BaseException:
            await writer.abandon()
            raise
    return Received(length, hashes.md5.digest(), algorithm, hashes.checksums[algorithm].base64(), inline, content)
