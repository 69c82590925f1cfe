"""A trail's bucket: whether it takes files, which is asked when the trail is made or changed, and putting them there.

The service principal `cloudtrail.amazonaws.com` must be allowed `s3:GetBucketAcl` on the bucket and `s3:PutObject` with
the ACL `bucket-owner-full-control` below `PREFIX/AWSLogs/ACCOUNT/`, with the trail's ARN as `aws:SourceArn`
(CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"). The bucket's policy decides, whoever owns it.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from isthmus.names import is_bucket_name
from isthmus.operation import AccessDenied, System, authorise, call_as_service, service_call
from isthmus.wire import AwsError

from .encryption import encryption_context
from .trails_table import Trail

SERVICE = "cloudtrail.amazonaws.com"
_LONGEST_PREFIX = 200
_PREFIX = re.compile(r"[\w!.*'()/=+@:,& -]*\Z")


def check_names(bucket: str, prefix: str) -> None:
    """Raises InvalidS3BucketNameException, InvalidS3PrefixException."""
    if not is_bucket_name(bucket):
        raise AwsError("InvalidS3BucketNameException", f"Bucket name is not valid: {bucket}")
    if len(prefix) > _LONGEST_PREFIX or not _PREFIX.match(prefix) or prefix.startswith("/") or "//" in prefix:
        raise AwsError(
            "InvalidS3PrefixException",
            f"A prefix has at most {_LONGEST_PREFIX} characters safe in keys, and does not begin with a slash.",
        )


async def check_destination(system: System, arn: str, account: str, bucket: str, key: str) -> None:
    """Raises S3BucketDoesNotExistException, InsufficientS3BucketPolicyException."""
    if await system.directory.bucket(bucket) is None:
        raise AwsError("S3BucketDoesNotExistException", f"S3 bucket {bucket} does not exist!")
    tries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("GetBucketAcl", {"Bucket": bucket}),
        ("PutObject", {"Bucket": bucket, "Key": key, "ACL": "bucket-owner-full-control"}),
    )
    for name, given in tries:
        call = await service_call(system, SERVICE, ("s3", name), given, source_account=account, source_arn=arn)
        try:
            await authorise(call)
        except AccessDenied:
            raise AwsError(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {bucket}. It must allow {SERVICE} "
                f"s3:GetBucketAcl, and s3:PutObject on arn:aws:s3:::{bucket}/{key.rpartition('/')[0]}/*.",
            ) from None


async def put_file(
    system: System, trail: Trail, key: str, content: bytes, metadata: dict[str, str], encrypt: bool
) -> None:
    """Write one file into the trail's bucket. encrypt: with the trail's key, if it has one.

    Raises AwsError: what PutObject answers.
    """
    given: dict[str, Any] = {
        "Bucket": trail.bucket,
        "Key": key,
        "ACL": "bucket-owner-full-control",
        "ContentType": "application/json",
        "ContentEncoding": "gzip",
        "Metadata": metadata,
    }
    if encrypt and trail.kms_key is not None:
        given |= {
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": trail.kms_key,
            "SSEKMSEncryptionContext": base64.b64encode(json.dumps(encryption_context(trail.arn)).encode()).decode(),
        }
    await call_as_service(
        system, SERVICE, ("s3", "PutObject"), given, source_account=trail.account, source_arn=trail.arn, body=content
    )
