"""Attribute-based access control of a bucket: whether its tags are condition keys of the requests to it.

Off by default. While it is on, requests to the bucket and its objects have `s3:BucketTag/…` and `aws:ResourceTag/…`,
and PutBucketTagging and DeleteBucketTagging are closed, so that nobody changes by a tag what a policy lets him do (S3
User Guide, "Enabling ABAC in general purpose buckets").
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.wire import AwsError

from .bucket_rows import store_document
from .conditions import tags_control_access
from .document_rules import malformed
from .resources import bucket_permission, the_bucket

_STATES = ("Enabled", "Disabled")


@operation("s3", "GetBucketAbac", bucket_permission("s3:GetBucketAbac"), anonymous=True)
async def get_bucket_abac(call: Call) -> dict[str, Any]:
    """Whether it is on."""
    on = tags_control_access(await the_bucket(call))
    return {"AbacStatus": {"Status": "Enabled" if on else "Disabled"}}


@operation("s3", "PutBucketAbac", bucket_permission("s3:PutBucketAbac"), anonymous=True)
async def put_bucket_abac(call: Call) -> dict[str, Any]:
    """Turn it on or off."""
    bucket = await the_bucket(call)
    status = (call.input.get("AbacStatus") or {}).get("Status")
    if status not in _STATES:
        raise malformed()
    await store_document(call, bucket, "abac", json.dumps({"Status": status}))
    return {}


def check_tags_are_free(bucket: Bucket) -> None:
    """Raises InvalidRequest where tags control access and cannot be set as if they were mere labels."""
    if tags_control_access(bucket):
        raise AwsError(
            "InvalidRequest",
            "ABAC is enabled for this bucket: its tags are managed by TagResource and UntagResource only. Disable ABAC"
            " to change them here.",
            400,
        )
