"""Lists in pages: Limit, Marker, Truncated, NextMarker (any List operation of the AWS KMS API reference)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from isthmus.operation.paging import key_of, page_after
from isthmus.wire import AwsError

T = TypeVar("T")


def page(
    given: Mapping[str, Any], items: Iterable[T], key: Callable[[T], str], default: int = 100
) -> tuple[list[T], dict[str, Any]]:
    """The items of the page that was asked for, and the members that say whether there are more.

    key: of an item, different for each. Raises InvalidMarkerException.
    """
    try:
        after = key_of(given.get("Marker") or "")
    except ValueError:
        raise AwsError("InvalidMarkerException", "Could not deserialize marker") from None
    shown, marker = page_after(items, key, after, given.get("Limit") or default)
    return shown, {"Truncated": False} if marker is None else {"Truncated": True, "NextMarker": marker}
