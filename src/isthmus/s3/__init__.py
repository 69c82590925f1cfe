"""S3: buckets, objects, multipart uploads, and their access control.

Importing the room fills `operation.OPERATIONS` with everything that is built.
"""

from . import (
    bucket_access,
    bucket_settings,
    buckets,
    complete,
    copy,
    delete,
    documents,
    get,
    list_objects,
    list_versions,
    multipart,
    object_subresources,
    put,
)
from .cors import cors_headers, preflight

__all__ = [
    "bucket_access",
    "bucket_settings",
    "buckets",
    "complete",
    "copy",
    "cors_headers",
    "delete",
    "documents",
    "get",
    "list_objects",
    "list_versions",
    "multipart",
    "object_subresources",
    "preflight",
    "put",
]
