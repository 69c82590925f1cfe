"""S3: buckets, objects, multipart uploads, and their access control.

Importing the room fills `operation.OPERATIONS` with everything that is built.
"""

from . import bucket_access, bucket_settings, buckets, documents
from .cors import cors_headers, preflight

__all__ = ["bucket_access", "bucket_settings", "buckets", "cors_headers", "documents", "preflight"]
