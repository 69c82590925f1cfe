"""CopyObject and UploadPartCopy.

A multipart object stays in its parts. Which bytes a copy gets, those of its source or its own under another key, is
decided in `copied_bytes`. UploadPartCopy writes its bytes again, as a content of the part: a part of a file cannot be
named, and a shared file could lose its last name before the part's row names it.

Both are decided twice: reading by the source's bucket, writing by the destination's.

Sources: CopyObject and UploadPartCopy in the S3 API reference; S3 User Guide "Copying, moving, and renaming
objects".
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .copied_bytes import add_copied, key_of_source, rewritten, rewritten_copy, shared_copy, shares_bytes
from .deliveries.changes import note_created
from .encryption import asks_for_encryption, wanted_encryption
from .get import add_checksum
from .incoming import LARGEST_PUT, commit
from .lifecycle_rules import expiration_header
from .multipart import part_number, store_part
from .object_bytes import object_body
from .object_errors import existing, invalid_argument, moment
from .object_keys import encryption_answer, key_as_wanted, part_key
from .object_settings import ObjectSettings, new_version_id, object_settings
from .objects_table import ObjectRow, find_current, release
from .preconditions import check_copy_source, check_write
from .put import IF_MATCH_PERMISSION, WRITE_PERMISSIONS
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
from .restore import check_active_source
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
    IF_MATCH_PERMISSION,
    new_object_permission("s3:PutObjectTagging", copies_tags, "when tags are copied"),
    anonymous=True,
)
async def copy_object(call: Call) -> dict[str, Any]:
    """Make an object, or another version, of an existing one."""
    bucket = await the_bucket(call)
    given = call.input
    _check_directives(given)
    settings = await object_settings(call, bucket)
    row = await _source(call)
    check_active_source(row, call.now)
    source: CopySource = copy_source(call)
    source_bucket: Bucket = call.found["source_bucket"]
    check_copy_source(given, row.etag, row.modified)
    _check_self_copy(call, bucket, source, row)
    if row.size > LARGEST_PUT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_PUT}",
        )
    settings = _settings_of_copy(given, settings, row)
    key: str = given["Key"]
    version_id = new_version_id(call, bucket)
    wanted = await wanted_encryption(call, bucket)
    if shares_bytes(row.encryption, wanted):
        copied = await shared_copy(call, source_bucket, row, bucket, key)
    else:
        copied = await rewritten_copy(call, source_bucket, row, await key_as_wanted(call, bucket, key, wanted))

    async def work(tx: Transaction) -> None:
        await copied.check(tx)
        current = await find_current(tx, bucket.id, key.encode())
        check_write(given, key, current)
        row_id, new, dropped = await add_copied(
            tx, copied, settings, row, bucket.id, key.encode(), version_id, modified=call.now, current=current
        )
        await note_created(tx, call, bucket, key.encode(), version_id, new, row_id)
        # Last, because the version that was replaced may be the source itself.
        await release(tx, dropped, call.now)

    await commit(call, bucket, work, *copied.written)
    result: dict[str, Any] = {"ETag": f'"{copied.etag}"', "LastModified": moment(call.now)}
    add_checksum(result, copied.checksum_json)
    answer: dict[str, Any] = {"CopyObjectResult": result, **encryption_answer(copied.encryption)}
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version_id
    if source_bucket.versioning:
        answer["CopySourceVersionId"] = row.version_id
    answer["Expiration"] = expiration_header(bucket, key.encode(), call.now, row.size, settings.tags_json)
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
        or asks_for_encryption(given)
        # Copying anew is how objects get the default that was set since.
        or "encryption" in bucket.configurations
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


@operation("s3", "UploadPartCopy", *_READ_PERMISSIONS, new_object_permission("s3:PutObject"), anonymous=True)
async def upload_part_copy(call: Call) -> dict[str, Any]:
    """Make a part of an object, or of a range of it."""
    bucket = await the_bucket(call)
    given = call.input
    number = part_number(call)
    upload = await the_upload(call)
    row = await _source(call)
    check_active_source(row, call.now)
    check_copy_source(given, row.etag, row.modified)
    offset, length = 0, row.size
    if given.get("CopySourceRange"):
        offset, length = parse_copy_range(given["CopySourceRange"], row.size)
    if length > LARGEST_PUT:
        raise AwsError(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_PUT}",
        )
    object_key = await part_key(call, bucket, given["Key"], upload.encryption)
    data_key = await key_of_source(call, call.found["source_bucket"], row)
    body = await object_body(call.system.objects, call.system.contents, row, offset, length, data_key)
    received = await rewritten(call, body, length, upload.settings["algorithm"], object_key, part=True)
    await store_part(call, bucket, upload, number, received)
    result = {"ETag": f'"{received.etag}"', "LastModified": moment(call.now)}
    if upload.settings["explicit"]:
        result["Checksum" + received.algorithm] = received.value
    answer: dict[str, Any] = {"CopyPartResult": result}
    if object_key is not None:
        answer |= object_key.answer
    if call.found["source_bucket"].versioning:
        answer["CopySourceVersionId"] = row.version_id
    return answer
