"""S3: buckets, objects, multipart uploads, and their access control.

Importing the room fills `operation.OPERATIONS` with everything that is built.
"""

from . import (
    abac,
    account_settings,
    bucket_access,
    bucket_settings,
    buckets,
    complete,
    copy,
    delete,
    documents,
    get,
    lifecycle_configuration,
    list_objects,
    list_versions,
    multipart,
    object_lock,
    object_subresources,
    post,
    put,
    resource_tags,
    restore,
)
from .cors import cors_headers, preflight

__all__ = [
    "abac",
    "account_settings",
    "bucket_access",
    "bucket_settings",
    "buckets",
    "complete",
    "copy",
    "cors_headers",
    "delete",
    "documents",
    "get",
    "lifecycle_configuration",
    "list_objects",
    "list_versions",
    "multipart",
    "object_lock",
    "object_subresources",
    "post",
    "preflight",
    "put",
    "resource_tags",
    "restore",
]
