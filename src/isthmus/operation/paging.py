"""Lists in pages, whatever their service calls it: Marker, NextToken, ContinuationToken.

A token is the key of the last item shown, so pages stay right while items come and go between them. Its form is
nobody's business but ours.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def page_after(items: Iterable[T], key: Callable[[T], str], after: str, size: int) -> tuple[list[T], str | None]:
    """The items of a page, out of all in any order, and the token of the next one, None on the last.

    key: of an item; different for each and not empty. after: the key of the last item seen, empty for the first page.
    """
    rest = sorted((item for item in items if key(item) > after), key=key)
    shown = rest[:size]
    return shown, token_of(key(shown[-1])) if len(rest) > size else None


def token_of(key: str) -> str:
    """The token of the page after the item with that key."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """The key that a token of ours holds. Raises ValueError for any other text."""
    return base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode()
