"""Tags of objects in their stored form, from a header or a TagSet. The rules for tags are in `tags`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from isthmus.wire import AwsError

from .tags import OBJECT_TAGS, check_tags


def tags_from_header(text: str) -> str | None:
    """The stored form (JSON) of an x-amz-tagging header; None for an empty one.

    Raises InvalidArgument for text that is no query string; see `check_tags` for bad tags.
    """
    tags: list[dict[str, Any]] = []
    for item in text.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        try:
            tags.append({"Key": unquote_plus(name, errors="strict"), "Value": unquote_plus(value, errors="strict")})
        except UnicodeDecodeError:
            raise AwsError(
                "InvalidArgument",
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                "without tag name duplicates.",
                extra={"ArgumentName": "x-amz-tagging", "ArgumentValue": text},
            ) from None
    # The parameters of a query string have no order; a TagSet keeps its own.
    return _stored(sorted(tags, key=lambda tag: str(tag["Key"])))


def tags_from_body(tagging: dict[str, Any]) -> str | None:
    """The stored form (JSON) of a parsed Tagging document; None for no tags. Raises as `check_tags`."""
    return _stored(tagging.get("TagSet") or [])


def _stored(tags: list[dict[str, Any]]) -> str | None:
    found = check_tags(tags, OBJECT_TAGS)
    return json.dumps(found, separators=(",", ":")) if found else None
