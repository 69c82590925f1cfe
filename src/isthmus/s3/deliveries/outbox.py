"""The outbox: what is owed to somebody outside of a request, kept until it is delivered.

Whoever changes something puts an entry for each that is to hear of it, in the same transaction: so there is an
entry for every change that was committed and for none that was not, whenever the process dies. Entries of a lane
are delivered in the order of the changes. Delivering comes before removing: a crash in between delivers again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from isthmus.store import Reader, Transaction


class Lane(NamedTuple):
    """Where entries go: a kind of delivery and an address of that kind. failures: in a row, so far."""

    id: int
    kind: str
    address: str
    failures: int


class Entry(NamedTuple):
    """One thing owed. change: number of the change it tells of. written: seconds since the epoch."""

    id: int
    change: int
    written: float
    payload: str


async def next_number(tx: Transaction, count: int = 1) -> int:
    """The last of `count` numbers for changes, lanes or entries: larger than every one before."""
    row = await tx.fetch_one("UPDATE outbox_sequence SET value = value + ? WHERE one = 1 RETURNING value", count)
    if row is None:
        raise RuntimeError("the outbox's sequence has no row")
    return int(row[0])


async def put(
    tx: Transaction, kind: str, address: str, payload: str, *, now: float, change: int = 0, subject: str | None = None
) -> None:
    """Owe `payload` to `address`. change: its number, for what tells changes apart. subject: see `others_about`."""
    number = await next_number(tx)
    lane = await _lane(tx, kind, address, now, number)
    await tx.execute(_INSERT, number, lane, change, now, subject, payload)


async def put_all(
    tx: Transaction, kind: str, address: str, payloads: Sequence[tuple[float, str]], *, due: float
) -> None:
    """Owe many things to one address, each with the time it is from.

    due: when a lane that had no entries is to be looked at.
    """
    number = await next_number(tx, len(payloads)) - len(payloads) + 1
    lane = await _lane(tx, kind, address, due, number)
    for place, (written, payload) in enumerate(payloads):
        await tx.execute(_INSERT, number + place, lane, 0, written, None, payload)


_INSERT = "INSERT INTO outbox (id, lane, change, written, subject, payload) VALUES (?, ?, ?, ?, ?, ?)"


async def _lane(tx: Transaction, kind: str, address: str, due: float, number: int) -> int:
    """The id of a lane, made if there is none."""
    row = await tx.fetch_one(
        "INSERT INTO outbox_lanes (id, kind, address, due, failures) VALUES (?, ?, ?, ?, 0)"
        " ON CONFLICT (kind, address) DO UPDATE SET kind = excluded.kind RETURNING id",
        number,
        kind,
        address,
        due,
    )
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    return int(row[0])


async def due_lanes(objects: Reader, kind: str, now: float, most: int) -> list[Lane]:
    """Lanes of a kind whose time has come, those that wait longest first."""
    rows = await objects.fetch_all(
        "SELECT id, kind, address, failures FROM outbox_lanes WHERE kind = ? AND due <= ? ORDER BY due LIMIT ?",
        kind,
        now,
        most,
    )
    return [Lane._make(row) for row in rows]


async def first_entries(objects: Reader, lane: Lane, most: int) -> list[Entry]:
    """The entries of a lane that come next."""
    rows = await objects.fetch_all(
        "SELECT id, change, written, payload FROM outbox WHERE lane = ? ORDER BY id LIMIT ?", lane.id, most
    )
    return [Entry._make(row) for row in rows]


async def crowded(objects: Reader, kind: str, address: str, most: int) -> bool:
    """Whether a lane that fails has `most` entries or more: what cannot be delivered must not pile up for ever."""
    lane = await objects.fetch_one(
        "SELECT id, failures FROM outbox_lanes WHERE kind = ? AND address = ?", kind, address
    )
    if lane is None or not lane[1]:
        return False
    row = await objects.fetch_one("SELECT id FROM outbox WHERE lane = ? LIMIT 1 OFFSET ?", lane[0], most - 1)
    return row is not None


async def others_about(tx: Transaction, subject: str, entry: Entry) -> bool:
    """Whether entries besides `entry` have this subject."""
    row = await tx.fetch_one("SELECT 1 FROM outbox WHERE subject = ? AND id <> ? LIMIT 1", subject, entry.id)
    return row is not None


async def forget(tx: Transaction, entries: Iterable[Entry]) -> None:
    """Remove entries that are delivered, or given up. Those that are gone already do not matter."""
    for entry in entries:
        await tx.execute("DELETE FROM outbox WHERE id = ?", entry.id)


async def settle(tx: Transaction, lane: Lane, *, due: float, failures: int = 0) -> None:
    """The lane's next turn; a lane without entries goes."""
    await tx.execute("UPDATE outbox_lanes SET due = ?, failures = ? WHERE id = ?", due, failures, lane.id)
    await tx.execute(
        "DELETE FROM outbox_lanes WHERE id = ? AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = ?)", lane.id, lane.id
    )
