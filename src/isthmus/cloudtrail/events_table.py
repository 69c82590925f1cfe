"""The event history in the objects database: management events of 90 days, and what trails have yet to deliver.

Rows come in batches, one transaction for each (`store`). Every index begins with the account, so one account's
lookups never see, nor wait for, what others do.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

import orjson

from isthmus.store import Metadata, Reader, Row, Transaction

from .event import Event

HISTORY_SECONDS = 90 * 86400
"""How long management events are kept (CloudTrail User Guide, "Working with CloudTrail Event history")."""

_PURGED_AT_ONCE = 500
_SHOWN = "e.time, e.id, e.event_id, e.name, e.source, e.read_only, e.username, e.access_key, e.resources, e.record"
_CONDITIONS = {
    "EventId": "e.event_id = ?",
    "EventName": "e.name = ?",
    "ReadOnly": "e.read_only = ?",
    "Username": "e.username = ?",
    "EventSource": "e.source = ?",
    "AccessKeyId": "e.access_key = ? AND e.access_key <> ''",
}
_KINDS = {"ResourceType": "t", "ResourceName": "n"}


def packed(record: dict[str, Any]) -> bytes:
    """A record as it is stored."""
    return zlib.compress(orjson.dumps(record, default=str), 1)


def unpacked(stored: bytes) -> bytes:
    """The JSON of a stored record."""
    return zlib.decompress(stored)


async def store(tx: Transaction, event: Event, record: bytes) -> None:
    """Add a management event to the history of its account. record: `packed`."""
    row = await tx.fetch_one(
        "INSERT INTO trail_events (account, region, time, event_id, name, source, read_only, username, access_key,"
        " resources, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        event.account, event.region, event.time, event.event_id, event.name, event.source, int(event.read_only),
        event.username, event.access_key, json.dumps(event.resources), record,
    )  # fmt: skip
    assert row is not None
    values = {("t", kind) for kind, _ in event.resources} | {("n", name) for _, name in event.resources}
    for kind, value in values:
        await tx.execute(
            "INSERT INTO trail_event_resources (account, kind, value, time, event) VALUES (?, ?, ?, ?, ?)",
            event.account, kind, value, event.time, row[0],
        )  # fmt: skip


async def enqueue(tx: Transaction, trails: Iterable[str], event: Event, record: bytes, now: float) -> None:
    """Put an event into the queues of trails, by ARN."""
    for arn in trails:
        await tx.execute(
            "INSERT INTO trail_queue (trail, account, region, time, queued, record) VALUES (?, ?, ?, ?, ?, ?)",
            arn, event.account, event.region, event.time, now, record,
        )  # fmt: skip


async def look_up(
    reader: Reader,
    account: str,
    region: str,
    attribute: tuple[str, str] | None,
    since: float,
    before: float,
    after: tuple[float, int] | None,
    limit: int,
) -> list[Row]:
    """Events of an account and region in a time range, the newest first.

    attribute: LookupEvents' key and value. since, before: seconds, the second exclusive. after: time and id of the
    last event seen. Rows: time, id, event id, name, source, read only, username, access key, resources, record.
    """
    tables, where = "trail_events e", ["e.account = ?", "e.region = ?"]
    time, number = "e.time", "e.id"
    values: list[Any] = [account, region]
    if attribute is not None:
        key, value = attribute
        if key in _KINDS:
            # In the order of the resources' own index: the events are looked up one by one.
            tables = "trail_event_resources r JOIN trail_events e ON e.id = r.event"
            time, number = "r.time", "r.event"
            where.append("r.account = ? AND r.kind = ? AND r.value = ?")
            values += [account, _KINDS[key], value]
        else:
            where.append(_CONDITIONS[key])
            values.append(int(value == "true") if key == "ReadOnly" else value)
    where.append(f"{time} >= ? AND {time} < ?")
    values += [since, before]
    if after is not None:
        where.append(f"({time} < ? OR ({time} = ? AND {number} < ?))")
        values += [after[0], after[0], after[1]]
    return await reader.fetch_all(
        f"SELECT {_SHOWN} FROM {tables} WHERE {' AND '.join(where)}"  # noqa: S608 - names are ours
        f" ORDER BY {time} DESC, {number} DESC LIMIT ?",
        *values,
        limit,
    )


async def purge(objects: Metadata, now: float) -> int:
    """Remove events older than the history; how many."""
    removed = 0
    while True:

        async def work(tx: Transaction) -> int:
            rows = await tx.fetch_all(
                "SELECT id FROM (SELECT id, time FROM trail_events ORDER BY id LIMIT ?) AS oldest WHERE time < ?",
                _PURGED_AT_ONCE,
                now - HISTORY_SECONDS,
            )
            for (number,) in rows:
                await tx.execute("DELETE FROM trail_event_resources WHERE event = ?", number)
                await tx.execute("DELETE FROM trail_events WHERE id = ?", number)
            return len(rows)

        gone = await objects.write(work)
        removed += gone
        if gone < _PURGED_AT_ONCE:
            return removed
