"""Lists in pages: Marker, MaxItems, IsTruncated (IAM API reference, any List operation)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from isthmus.operation.paging import key_of, page_after

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
        try:
            return cls("" if marker is None else key_of(marker), size)
        except ValueError:
            raise invalid_value("Invalid Marker: use the one of the page before, or leave it out.") from None

    def cut(self, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], dict[str, Any]]:
        """The items of this page, out of all in any order, and the members that say whether there are more.
        Keys must be different and not empty."""
        shown, marker = page_after(items, key, self.after, self.size)
        return shown, {"IsTruncated": False} if marker is None else {"IsTruncated": True, "Marker": marker}
