"""Lists in pages: Marker, MaxItems, IsTruncated (IAM API reference, any List operation).

A marker is the key of the last item shown, so pages stay right while items come and go between them. Its
form is nobody's business but ours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .errors import invalid_value

T = TypeVar("T")

DEFAULT_ITEMS = 100
MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Which page was asked for. after: key of the last item seen, empty for the first page."""

    after: str
    size: int

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Page:
        """From an operation's input. Raises ValidationError for a marker that we did not make."""
        size = min(members.get("MaxItems") or DEFAULT_ITEMS, MOST_ITEMS)
        marker = members.get("Marker")
        return cls("" if marker is None else _key_of(marker), size)

    def cut(self, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], dict[str, Any]]:
        """The items of this page, out of all in any order, and the members that say whether there are more.
        Keys must be different and not empty."""
        rest = sorted((item for item in items if key(item) > self.after), key=key)
        shown = rest[: self.size]
        if len(rest) <= self.size:
            return shown, {"IsTruncated": False}
        return shown, {"IsTruncated": True, "Marker": _marker_of(key(shown[-1]))}


def _marker_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key_of(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise invalid_value("Invalid Marker: use the one of the page before, or leave it out.") from None
