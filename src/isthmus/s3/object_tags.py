"""Tags of objects: up to ten, from a header or a TagSet.

Source: S3 User Guide "Categorizing your objects using tags" (limits and allowed characters).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

from isthmus.wire import AwsError

_MOST_TAGS = 10
_KEY_CHARACTERS = 128
_VALUE_CHARACTERS = 256
_PUNCTUATION = frozenset("+-=._:/@")


def tags_from_header(text: str) -> str | None:
    """The stored form (JSON) of an x-amz-tagging header; None for an empty one.

    Raises InvalidArgument for text that is no query string, InvalidTag for bad tags.
    """
    pairs: list[tuple[str, str]] = []
    for item in text.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        try:
            pairs.append((unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")))
        except UnicodeDecodeError:
            raise AwsError(
                "InvalidArgument",
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                "without tag name duplicates.",
                extra={"ArgumentName": "x-amz-tagging", "ArgumentValue": text},
            ) from None
    return tags_json(pairs)


def tags_from_body(tagging: dict[str, Any]) -> str | None:
    """The stored form (JSON) of a Tagging document; None for no tags. Raises MalformedXML, InvalidTag."""
    pairs: list[tuple[str, str]] = []
    for tag in tagging.get("TagSet") or ():
        if "Key" not in tag or "Value" not in tag:
            raise AwsError(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            )
        pairs.append((tag["Key"], tag["Value"] or ""))
    return tags_json(pairs)


def tags_json(pairs: Iterable[tuple[str, str]]) -> str | None:
    """The stored form of these tags, in their order; None for none. Raises InvalidTag."""
    tags: dict[str, str] = {}
    for name, value in pairs:
        if not 1 <= len(name) <= _KEY_CHARACTERS or not _is_plain(name):
            raise _invalid("The TagKey you have provided is invalid", name)
        if len(value) > _VALUE_CHARACTERS or not _is_plain(value):
            raise _invalid("The TagValue you have provided is invalid", name)
        if name.lower().startswith("aws:"):
            raise _invalid("System tags cannot be added/updated by requester", name)
        if name in tags:
            raise _invalid("Cannot provide multiple Tags with the same key", name)
        tags[name] = value
    if len(tags) > _MOST_TAGS:
        raise AwsError("InvalidTag", "Object tags cannot be greater than 10")
    return json.dumps(tags, separators=(",", ":")) if tags else None


def _is_plain(text: str) -> bool:
    return all(
        character.isalnum() or character in _PUNCTUATION or character.isspace() or not character.isascii()
        for character in text
    )


def _invalid(message: str, name: str) -> AwsError:
    return AwsError("InvalidTag", message, extra={"TagKey": name})
