"""Walking the keys of a bucket in order, a page at a time, with prefix and delimiter.

Keys between the prefix and the first delimiter after it are rolled up into one common prefix. The walk does
not read what is rolled up: past a common prefix it goes on behind the whole range of keys that begin with it,
so that a page costs the same whether ten or ten million keys lie under a prefix.

Sources: ListObjectsV2, ListObjectVersions and ListMultipartUploads in the S3 API reference; S3 User Guide
"Organizing objects using prefixes".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from isthmus.store import Row

from .object_errors import invalid_argument

Fetch = Callable[[bytes, bytes | None, int], Awaitable[list[Row]]]
"""(first key, key to end before or None, most rows) -> rows in order; each begins with its key."""

LARGEST_PAGE = 1000


class Page(NamedTuple):
    """One page. next_key: where the next one begins (that key included); None when this is the last.

    last: the last row's key or the last common prefix, empty on an empty page.
    """

    rows: list[Row]
    prefixes: list[bytes]
    next_key: bytes | None
    last: bytes


def after(key: bytes) -> bytes:
    """The first key behind `key`."""
    return key + b"\0"


def behind(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with `prefix`; None when nothing can be behind them."""
    end = prefix.rstrip(b"\xff")
    return end[:-1] + bytes((end[-1] + 1,)) if end else None


def first_key(marker: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """Where a page begins that follows `marker`; None when nothing can follow.

    A marker at or below a common prefix has that common prefix behind it: it was, or sorts, before it.
    """
    if not marker:
        return prefix
    if delimiter and marker.startswith(prefix):
        common = common_prefix(marker, prefix, delimiter)
        if common is not None:
            return behind(common)
    return max(prefix, after(marker))


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """What `key` is rolled up into, if it is."""
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


async def scan(fetch: Fetch, start: bytes | None, prefix: bytes, delimiter: bytes, limit: int) -> Page:
    """At most `limit` rows and common prefixes from the key `start` on."""
    end = behind(prefix) if prefix else None
    rows: list[Row] = []
    prefixes: list[bytes] = []
    if start is None or limit == 0:
        return Page(rows, prefixes, None, b"")
    if not delimiter:
        found = await fetch(start, end, limit + 1)
        page = found[:limit]
        next_key = found[limit][0] if len(found) > limit else None
        return Page(page, prefixes, next_key, page[-1][0] if page else b"")
    last = b""
    position: bytes | None = start
    batch = 32
    while position is not None:
        asked = min(batch, limit + 1)
        found = await fetch(position, end, asked)
        common: bytes | None = None
        for row in found:
            key: bytes = row[0]
            if common is not None and key.startswith(common):
                continue
            if len(rows) + len(prefixes) == limit:
                return Page(rows, prefixes, key, last)
            common = common_prefix(key, prefix, delimiter)
            if common is None:
                rows.append(row)
                last = key
            else:
                prefixes.append(common)
                last = common
        if len(found) < asked:
            break
        # In a run of objects more rows at once are cheaper; in a run of common prefixes most would be waste.
        if common is None:
            position, batch = after(last), batch * 4
        else:
            position, batch = behind(common), 2
    return Page(rows, prefixes, None, last)


def page_size(given: Mapping[str, Any], member: str, argument: str) -> int:
    """The page size asked for, at most a thousand. Raises InvalidArgument."""
    value = given.get(member)
    if value is None:
        return LARGEST_PAGE
    if not 0 <= value <= 2**31 - 1:
        raise invalid_argument(f"Argument {argument} must be an integer between 0 and 2147483647", argument, value)
    return min(int(value), LARGEST_PAGE)


def key_encoder(given: Mapping[str, Any]) -> Callable[[str], str]:
    """How keys are written in the answer: as they are, or with encoding-type=url. Raises InvalidArgument."""
    kind = given.get("EncodingType")
    if not kind:
        return str
    if kind != "url":
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", kind)
    return _url_encoded


def _url_encoded(text: str) -> str:
    return quote(text, safe="/-_.~*")


def common_prefixes(prefixes: list[bytes], encode: Callable[[str], str]) -> list[dict[str, str]]:
    """The member `CommonPrefixes`."""
    return [{"Prefix": encode(prefix.decode())} for prefix in prefixes]
