"""Lists in pages: NextToken and MaxResults (Organizations API reference, any List operation)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from isthmus.operation.paging import key_of, page_after

from .errors import invalid_input

T = TypeVar("T")

MOST_ITEMS = 20  # also the default


@dataclass(frozen=True, slots=True)
class Page:
    """Which page was asked for. after: key of the last item seen, empty for the first page."""

    after: str
    size: int

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Page:
        """From an operation's input. Raises InvalidInputException for a token that we did not make."""
        token = members.get("NextToken")
        try:
            return cls("" if token is None else key_of(token), members.get("MaxResults") or MOST_ITEMS)
        except ValueError:
            message = "You provided a value for NextToken that is not one: use the one of the page before."
            raise invalid_input("INVALID_NEXT_TOKEN", message) from None

    def cut(self, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], dict[str, Any]]:
        """The items of this page, out of all in any order, and `NextToken` if there are more. Keys must be different
        and not empty."""
        shown, token = page_after(items, key, self.after, self.size)
        return shown, {} if token is None else {"NextToken": token}


def by_time(seconds: float, name: str) -> str:
    """A key that sorts by time, then by name."""
    return f"{seconds:020.6f}/{name}"
