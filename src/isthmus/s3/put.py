"""PutObject.

Source: PutObject in the S3 API reference; "Add preconditions to S3 operations" in the User Guide.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .deliveries.changes import note_created
from .incoming import Received, commit, receive
from .lifecycle_rules import expiration_header
from .object_keys import ObjectKey, new_object_key
from .object_settings import ObjectSettings, new_version_id, object_settings
from .objects_table import add_version, find_current, release
from .preconditions import check_write
from .resources import (
    comparing_permission,
    has_acl_headers,
    has_if_match,
    has_legal_hold,
    has_retention,
    has_tagging,
    new_object_permission,
    the_bucket,
)

WRITE_PERMISSIONS = (
    new_object_permission("s3:PutObject"),
    new_object_permission("s3:PutObjectAcl", has_acl_headers, "with an ACL header"),
    new_object_permission("s3:PutObjectTagging", has_tagging, "with x-amz-tagging"),
    new_object_permission("s3:PutObjectRetention", has_retention, "with x-amz-object-lock-mode"),
    new_object_permission("s3:PutObjectLegalHold", has_legal_hold, "with x-amz-object-lock-legal-hold"),
)
"""What writing an object needs, whichever way it is written."""

IF_MATCH_PERMISSION = comparing_permission(has_if_match, "with If-Match or If-None-Match and an entity tag")
"""What making an object needs besides where it takes If-Match."""


def decided_inside(_call: Call) -> bool:
    """`when` of a permission that the operation decides itself: for each of its items, or after a look-up."""
    return False


@operation("s3", "PutObject", *WRITE_PERMISSIONS, IF_MATCH_PERMISSION, anonymous=True, streams=True)
async def put_object(call: Call) -> dict[str, Any]:
    """Store an object."""
    bucket = await the_bucket(call)
    if call.input.get("WriteOffsetBytes") is not None:
        raise AwsError(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented: only directory buckets let "
            "objects be appended to.",
            extra={"Header": "x-amz-write-offset-bytes"},
        )
    settings = await object_settings(call, bucket)
    object_key = await new_object_key(call, bucket, call.input["Key"])
    received = await receive(call, object_key)
    return await store_object(call, bucket, settings, object_key, received)


async def store_object(
    call: Call, bucket: Bucket, settings: ObjectSettings, object_key: ObjectKey | None, received: Received
) -> dict[str, Any]:
    """Make received bytes the newest version of the input's key; PutObject's answer."""
    key: str = call.input["Key"]
    version_id = new_version_id(call, bucket)
    new = settings.version(
        size=received.size,
        etag=received.etag,
        content=received.content,
        inline_bytes=received.inline,
        checksum_json=received.checksum_json(),
        encryption=None if object_key is None else object_key.stored,
    )

    async def work(tx: Transaction) -> None:
        current = await find_current(tx, bucket.id, key.encode())
        check_write(call.input, key, current)
        row_id, dropped = await add_version(
            tx, bucket.id, key.encode(), version_id, new, modified=call.now, current=current
        )
        await note_created(tx, call, bucket, key.encode(), version_id, new, row_id)
        if dropped:
            await release(tx, dropped, call.now)

    await commit(call, bucket, work, received.content)
    answer: dict[str, Any] = {
        "ETag": f'"{received.etag}"',
        "Checksum" + received.algorithm: received.value,
        "ChecksumType": "FULL_OBJECT",
    }
    if object_key is not None:
        answer |= object_key.answer
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version_id
    expiration = expiration_header(bucket, key.encode(), call.now, new.size, new.tags_json)
    if expiration is not None:
        answer["Expiration"] = expiration
    return answer
