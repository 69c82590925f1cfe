"""Versioning, object lock and tags of a bucket, with the rules between them.

Sources: S3 API reference; S3 User Guide "Retaining multiple versions of objects", "Configuring MFA delete",
"Locking objects with Object Lock".
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket, mfa
from isthmus.operation import Call, operation
from isthmus.policy import PrincipalKind
from isthmus.wire import AwsError

from .abac import check_tags_are_free
from .bucket_rows import drop_document, store_document, update_bucket
from .resources import bucket_permission, the_bucket
from .tags import BUCKET_TAGS, check_tags

_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
_MOST_DAYS = 36_500
_MOST_YEARS = 100


# Versioning


async def require_mfa(call: Call, bucket: Bucket) -> None:
    """Refuse unless the root user of the bucket's account sent `x-amz-mfa: SERIAL CODE` with a fresh code.

    For what MFA delete protects: changing the versioning state and deleting versions for good.
    """
    principal = call.caller.principal
    serial, _, code = (call.input.get("MFA") or "").strip().rpartition(" ")
    if principal.kind is PrincipalKind.ROOT and principal.account == bucket.account and serial:
        device = await call.system.directory.mfa_device(serial)
        if (
            device is not None
            and device.owner_id == bucket.account
            and device.enabled is not None
            and await mfa.verify(call.system.objects, device, code, call.now)
        ):
            return
    raise AwsError("AccessDenied", "Mfa Authentication must be used for this request")


@operation("s3", "GetBucketVersioning", bucket_permission("s3:GetBucketVersioning"), anonymous=True)
async def get_bucket_versioning(call: Call) -> dict[str, Any]:
    """The versioning state; empty for a bucket that was never versioned."""
    bucket = await the_bucket(call)
    output = {"Status": bucket.versioning, "MFADelete": bucket.mfa_delete}
    return {name: value for name, value in output.items() if value}


@operation("s3", "PutBucketVersioning", bucket_permission("s3:PutBucketVersioning"), anonymous=True)
async def put_bucket_versioning(call: Call) -> dict[str, Any]:
    """Turn versioning on or suspend it; MFA delete on or off."""
    bucket = await the_bucket(call)
    given = call.input.get("VersioningConfiguration") or {}
    status, mfa_delete = given.get("Status"), given.get("MFADelete")
    if status not in (None, "Enabled", "Suspended") or mfa_delete not in (None, "Enabled", "Disabled"):
        raise AwsError("MalformedXML", _MALFORMED)
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning configuration specified in the request is invalid: "
            "The Versioning element must be specified",
        )
    if status == "Suspended" and bucket.object_lock:
        raise _locked()
    # Saying again that it is off needs no code; everything else that touches MFA delete does.
    if bucket.mfa_delete == "Enabled" or mfa_delete == "Enabled":
        await require_mfa(call, bucket)
    if mfa_delete == "Enabled" and bucket.object_lock:
        raise _locked()
    columns = {"versioning": status}
    if mfa_delete is not None:
        columns["mfa_delete"] = mfa_delete
    await update_bucket(call, bucket, **columns)
    return {}


def _locked() -> AwsError:
    return AwsError(
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )


# Object lock


@operation(
    "s3",
    "GetObjectLockConfiguration",
    bucket_permission("s3:GetBucketObjectLockConfiguration"),
    anonymous=True,
)
async def get_object_lock_configuration(call: Call) -> dict[str, Any]:
    """Whether objects of the bucket can be locked, and for how long new ones are."""
    bucket = await the_bucket(call)
    if not bucket.object_lock:
        raise AwsError(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
            extra={"BucketName": bucket.name},
        )
    stored = json.loads(bucket.configurations.get("object-lock", "{}"))
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **stored}}


@operation(
    "s3",
    "PutObjectLockConfiguration",
    bucket_permission("s3:PutBucketObjectLockConfiguration"),
    anonymous=True,
)
async def put_object_lock_configuration(call: Call) -> dict[str, Any]:
    """Turn object lock on (it stays on) and set or remove the default retention."""
    bucket = await the_bucket(call)
    given = call.input.get("ObjectLockConfiguration") or {}
    if given.get("ObjectLockEnabled") != "Enabled":
        raise AwsError("MalformedXML", _MALFORMED)
    rule = given.get("Rule")
    if rule is not None:
        _check_retention(rule.get("DefaultRetention") or {})
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        )
    await store_document(call, bucket, "object-lock", json.dumps({} if rule is None else {"Rule": rule}))
    if not bucket.object_lock:
        await update_bucket(call, bucket, object_lock=1)
    return {}


def _check_retention(retention: dict[str, Any]) -> None:
    days, years = retention.get("Days"), retention.get("Years")
    if retention.get("Mode") not in ("GOVERNANCE", "COMPLIANCE") or (days is None) == (years is None):
        raise AwsError("MalformedXML", _MALFORMED)
    period: int = retention["Years"] if days is None else days
    if period <= 0:
        raise AwsError("InvalidRetentionPeriod", "Default retention period must be a positive integer value.")
    if period > (_MOST_DAYS if days is not None else _MOST_YEARS):
        raise AwsError("InvalidRetentionPeriod", "Default retention period too large. Maximum is 36500 days.")


# Tags


@operation("s3", "GetBucketTagging", bucket_permission("s3:GetBucketTagging"), anonymous=True)
async def get_bucket_tagging(call: Call) -> dict[str, Any]:
    """The bucket's tags."""
    bucket = await the_bucket(call)
    text = bucket.configurations.get("tagging")
    if text is None:
        raise AwsError("NoSuchTagSet", "The TagSet does not exist", extra={"BucketName": bucket.name})
    output: dict[str, Any] = json.loads(text)
    return output


@operation("s3", "PutBucketTagging", bucket_permission("s3:PutBucketTagging"), anonymous=True)
async def put_bucket_tagging(call: Call) -> dict[str, Any]:
    """Replace all tags."""
    bucket = await the_bucket(call)
    check_tags_are_free(bucket)
    tags = check_tags((call.input.get("Tagging") or {}).get("TagSet") or [], BUCKET_TAGS)
    tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
    await store_document(call, bucket, "tagging", json.dumps({"TagSet": tag_set}))
    return {}


@operation("s3", "DeleteBucketTagging", bucket_permission("s3:PutBucketTagging"), anonymous=True)
async def delete_bucket_tagging(call: Call) -> dict[str, Any]:
    """Remove all tags."""
    bucket = await the_bucket(call)
    check_tags_are_free(bucket)
    await drop_document(call, bucket, "tagging")
    return {"ResponseStatus": 204}
