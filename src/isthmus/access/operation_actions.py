"""From an API operation to the permission it needs, where the two have different names.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; S3 User Guide,
"Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

KEY_PERMISSIONS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
"""Permission on objects -> permission on the key that they are encrypted with (S3 User Guide, "SSE-KMS")."""

# The first permission of each; those of configurations drop `Bucket`, which the table tells one by one.
_S3 = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectAttributes": "GetObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PostObject": "PutObject",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_SERVICES = ("s3", "sts", "iam", "kms", "organizations", "cloudtrail")


def permission_of(service: str, operation: str) -> str:
    """The action that a policy must allow for an operation: `s3:ListBucket` for `s3`, `ListObjectsV2`."""
    return f"{service}:{_S3.get(operation, operation) if service == 's3' else operation}"


def action_of(operation: str) -> str | None:
    """The same for an operation whose service is not told; None where no service here has it.

    Where several have it (`TagResource`) it is the first of S3, STS, IAM, KMS, Organizations and CloudTrail.
    """
    import botocore.session  # noqa: PLC0415 - reading models takes a while, which most inputs need not

    if operation in _S3:
        return permission_of("s3", operation)
    session = botocore.session.Session()
    for service in _SERVICES:
        if operation in session.get_service_model(service).operation_names:
            return permission_of(service, operation)
    return None
