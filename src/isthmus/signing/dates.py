"""The dates a request may carry: ISO 8601 basic (`20150830T123600Z`) and the HTTP formats of RFC 9110.

All moments are seconds since the epoch.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from email.utils import parsedate_tz
from functools import lru_cache

SKEW_SECONDS = 15 * 60
"""How far a request's clock may be from ours, either way (S3 and the query services alike)."""


@lru_cache(maxsize=1024)
def parse_iso_basic(text: str) -> int | None:
    """The moment of `yyyyMMdd'T'HHmmss'Z'`; None for any other shape or an impossible date."""
    if len(text) != 16 or text[8] != "T" or text[15] != "Z":
        return None
    digits = text[:8] + text[9:15]
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        moment = datetime(
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[9:11]),
            int(text[11:13]),
            int(text[13:15]),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return calendar.timegm(moment.timetuple())


@lru_cache(maxsize=1024)
def parse_date(text: str) -> int | None:
    """The moment of an `x-amz-date` or `Date` header in any format AWS reads; None if it is none of them."""
    moment = parse_iso_basic(text)
    if moment is not None:
        return moment
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        naive = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return calendar.timegm(naive.timetuple()) - (fields[9] or 0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def iso_basic(moment: float) -> str:
    """`20150830T123600Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def iso_seconds(moment: float) -> str:
    """`2015-08-30T12:36:00Z`, the form of S3's error documents."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
