"""A record of the audit trail, for one account, beside what it is selected and found by.

`record` is what users see: the JSON of CloudTrail ("CloudTrail record contents" in the CloudTrail User Guide).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Category = Literal["Management", "Data"]

EVENT_VERSION = "1.11"


@dataclass(frozen=True, slots=True)
class Event:
    """One record.

    account: who receives it (`recipientAccountId`). time: seconds since the epoch.
    username, access_key: empty where the record has none. resources: (type, name) pairs, as LookupEvents tells them.
    arns: of the data resources (`resources.ARN` of event selectors). principal: `userIdentity.arn`, or empty.
    refused_at_the_door: kept only for accounts that asked for such records.
    """

    account: str
    event_id: str
    time: float
    region: str
    category: Category
    source: str
    name: str
    read_only: bool
    record: dict[str, Any]
    username: str = ""
    access_key: str = ""
    principal: str = ""
    error_code: str = ""
    event_type: str = "AwsApiCall"
    resources: tuple[tuple[str, str], ...] = ()
    arns: tuple[str, ...] = ()
    refused_at_the_door: bool = False


def event_uuid(entropy: bytes) -> str:
    """A version 4 UUID from 16 random bytes."""
    digits = bytearray(entropy[:16])
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def iso_second(time: float) -> str:
    """A moment as records write it: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def distinct(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The pairs in order, each once, without those that name nothing."""
    return tuple(dict.fromkeys(pair for pair in pairs if pair[1]))
