"""Bucket names and object keys.

Sources: S3 User Guide "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

from __future__ import annotations

import re

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_IPV4 = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}\Z")
_RESERVED_PREFIXES = ("xn--", "sthree-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
KEY_BYTES = 1024  # longest key in UTF-8 bytes


def is_bucket_name(text: str) -> bool:
    """Whether a new general purpose bucket may be called `text`.

    AWS reserves `amzn-s3-demo-` for its documentation; tutorials are pasted here, so we let it be used.
    """
    return (
        _BUCKET.match(text) is not None
        and ".." not in text
        and _IPV4.match(text) is None
        and not text.startswith(_RESERVED_PREFIXES)
        and not text.endswith(_RESERVED_SUFFIXES)
    )


def object_key_problem(key: str) -> str | None:
    """The AWS error code that a key deserves (`KeyTooLongError`), or None for a good key."""
    return "KeyTooLongError" if len(key.encode("utf-8", "surrogatepass")) > KEY_BYTES else None


def bucket_arn(bucket: str) -> str:
    """The ARN of a bucket: it has neither region nor account."""
    return f"arn:aws:s3:::{bucket}"


def object_arn(bucket: str, key: str) -> str:
    """The ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"
