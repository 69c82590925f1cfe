"""Rules for tags of buckets and objects.

Source: S3 User Guide "Categorizing your storage using tags"; texts as S3 answers them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from isthmus.wire import AwsError

OBJECT_TAGS = 10
BUCKET_TAGS = 50
_KEY_LENGTH = 128
_VALUE_LENGTH = 256
# Letters, white space and numbers of any script, and these signs.
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*\Z")


def check_tags(tags: Sequence[dict[str, Any]], most: int) -> dict[str, str]:
    """The tags of a TagSet in order. Raises InvalidTag, BadRequest (more than `most` of a bucket)."""
    if len(tags) > most:
        if most == BUCKET_TAGS:
            raise AwsError("BadRequest", f"Bucket tag count cannot be greater than {most}")
        raise AwsError("InvalidTag", f"Object tags cannot be greater than {most}")
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not 0 < len(key) <= _KEY_LENGTH or not _ALLOWED.match(key):
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid", extra={"TagKey": key})
        if len(value) > _VALUE_LENGTH or not _ALLOWED.match(value):
            raise AwsError(
                "InvalidTag",
                "The TagValue you have provided is invalid",
                extra={"TagKey": key, "TagValue": value},
            )
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester", extra={"TagKey": key})
        if key in found:
            raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", extra={"TagKey": key})
        found[key] = value
    return found
