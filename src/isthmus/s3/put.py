"""PutObject.

Source: PutObject in the S3 API reference; "Add preconditions to S3 operations" in the User Guide.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .incoming import Received, commit, receive
from .object_settings import ObjectSettings, new_version_id, object_settings
from .objects_table import add_version, find_current, release
from .preconditions import check_write, check_write_headers
from .resources import (
    has_acl_headers,
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


def decided_inside(_call: Call) -> bool:
    """`when` of a permission that the operation decides itself: for each of its items, or after a look-up."""
    return False


@operation("s3", "PutObject", *WRITE_PERMISSIONS, anonymous=True, streams=True)
async def put_object(call: Call) -> dict[str, Any]:
    """Store an object."""
    bucket = await the_bucket(call)
    check_write_headers(call.input)
    if call.input.get("WriteOffsetBytes") is not None:
        raise AwsError(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented: only directory buckets let "
            "objects be appended to.",
            extra={"Header": "x-amz-write-offset-bytes"},
        )
    settings = await object_settings(call, bucket)
    received = await receive(call)
    return await store_object(call, bucket, settings, received)


async def store_object(call: Call, bucket: Bucket, settings: ObjectSettings, received: Received) -> dict[str, Any]:
    """Make received bytes the newest version of the input's key; PutObject's answer."""
    key: str = call.input["Key"]
    version_id = new_version_id(call, bucket)
    new = settings.version(
        size=received.size,
        etag=received.etag,
        content=received.content,
        inline_bytes=received.inline,
        checksum_json=received.checksum_json(),
    )

    async def work(tx: Transaction) -> None:
        current = await find_current(tx, bucket.id, key.encode())
        check_write(call.input, key, current)
        _, dropped = await add_version(tx, bucket.id, key.encode(), version_id, new, modified=call.now, current=current)
        if dropped:
            await release(tx, dropped, call.now)

    await commit(call, bucket, work, received.content)
    answer: dict[str, Any] = {
        "ETag": f'"{received.etag}"',
        "Checksum" + received.algorithm: received.value,
        "ChecksumType": "FULL_OBJECT",
    }
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version_id
    return answer
