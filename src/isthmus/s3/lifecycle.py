"""Carrying out lifecycle rules: what is due of a bucket is expired, moved or aborted, a little at a time.

All that rules do becomes due at a midnight, so each bucket is gone through once a day, and once more when its rules
were changed. A pass walks the bucket's keys in order through indexes and reads a few hundred rows at a time; what is
due among them is done in small transactions, each of which reads the row again and decides again, as it may have
been replaced, tagged or locked meanwhile. The place reached is kept in `lifecycle_passes`: a server that is stopped
half-way goes on from there, and what is done twice changes nothing the second time.

A pass has three phases, in this order, so that a delete marker goes on the same day as the last version below it:

    noncurrent   versions that are not the newest of their key
    current      the newest version of each key, delete markers among them
    uploads      multipart uploads that were not completed

Sources: S3 User Guide "Lifecycle configuration elements", "How S3 Lifecycle interacts with other bucket
configurations" (versioning, Object Lock), "Deleting incomplete multipart uploads".
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from isthmus.identity import Bucket
from isthmus.operation import System
from isthmus.store import Reader, Row, Transaction

from .deliveries.changes import note_event, shown_version
from .deliveries.event_records import Cause, EventObject
from .key_scan import after, behind
from .lifecycle_rules import DAY, DAY_SETTING, KIND, Lifecycle, Rule, Subject, rules_in
from .object_settings import fresh_version_id
from .objects_table import NewVersion, add_version, drop_row, find_current, promote_newest, release
from .storage_classes import preferred
from .uploads_table import drop_upload

_BATCH = 256  # rows read at a time: about a millisecond
_DOOMED = 50  # actions in one transaction: a few milliseconds during which other writers wait
_REST = 3.0  # times as long as a batch took, a pass then waits: requests come first
_KEEP_PLACE = 64  # batches without anything to do after which the place is noted all the same
_BUCKETS = 100
_DONE = ("lifecycle", "done")  # in the directory's cache: the day whose passes are all done

_PHASES = ("noncurrent", "current", "uploads", "done")

# Columns before the bytes of small objects, which need not be read.
_SELECT = (
    "SELECT id, key, size, etag, modified, tags, storage_class, is_delete_marker, version_id, is_current, content, "
    "parts, lock_until, legal_hold FROM object_versions WHERE "
)
_NONCURRENT = "SELECT id, key, sequence, noncurrent_since FROM object_versions "
_UPLOADS = "SELECT key, id, initiated FROM uploads "


class _Version(NamedTuple):
    """What a pass knows of a version."""

    id: int
    key: bytes
    size: int
    etag: str
    modified: float
    tags_json: str | None
    storage_class: str
    is_delete_marker: int
    version_id: str
    is_current: int
    content: str | None
    parts: int | None
    lock_until: float | None
    legal_hold: int

    def subject(self, since: float) -> Subject:
        return Subject(self.key, since, self.size, self.tags_json, self.storage_class, bool(self.is_delete_marker))

    def locked(self, now: float) -> bool:
        """Whether Object Lock keeps the version."""
        return bool(self.legal_hold) or (self.lock_until is not None and self.lock_until > now)


class _Place(NamedTuple):
    """How far a pass has come: all before it is done."""

    phase: str = _PHASES[0]
    key: bytes = b""
    sequence: int = 0
    upload_id: str = ""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over one bucket. today: midnight, of which everything that is due by then is done."""

    system: System
    bucket: Bucket
    rules: Lifecycle
    fingerprint: str
    number: int
    today: float
    day: float


async def run_lifecycle(system: System) -> None:
    """Do what is due by now in every bucket that has rules. Raises StoreError."""
    system.directory.refresh()
    day: float = await system.directory.setting(DAY_SETTING, DAY)
    number = math.floor(system.clock() / day)
    # What is done stays done until the next midnight, or until somebody changes a bucket's rules.
    kept = system.directory.cache
    if kept.get(_DONE) == number:
        return
    name = ""
    while True:
        rows = await system.identity.fetch_all(
            "SELECT b.name FROM buckets b JOIN bucket_configurations c ON c.bucket_id = b.id "
            "WHERE c.kind = ? AND b.name > ? ORDER BY b.name LIMIT ?",
            KIND,
            name,
            _BUCKETS,
        )
        for (name,) in rows:
            await run_bucket(system, name, day)
        if len(rows) < _BUCKETS:
            break
    kept[_DONE] = number


async def run_bucket(system: System, name: str, day: float = DAY) -> None:
    """Do what is due in one bucket, from where the last run left off; nothing if today's pass is done."""
    while True:
        system.directory.refresh()
        bucket = await system.directory.bucket(name)
        text = None if bucket is None else bucket.configurations.get(KIND)
        # Lifecycle and MFA delete exclude each other on AWS.
        if bucket is None or text is None or bucket.mfa_delete == "Enabled":
            return
        number = math.floor(system.clock() / day)
        one = _Pass(
            system,
            bucket,
            rules_in(text),
            hashlib.sha256(text.encode()).hexdigest()[:32],
            number,
            number * day,
            day,
        )
        place = await _place(one)
        if place.phase == "done":
            return
        # Rules, or versioning, that change under way are seen before the next batch.
        await _batches(one, place)


async def _place(one: _Pass) -> _Place:
    """Where today's pass by these rules goes on."""
    row = await one.system.objects.fetch_one(
        "SELECT configuration, day, phase, key, sequence, upload_id FROM lifecycle_passes WHERE bucket_id = ?",
        one.bucket.id,
    )
    if row is None or row[0] != one.fingerprint or row[1] != one.number:
        return _Place()
    return _Place._make(row[2:])


async def _batches(one: _Pass, place: _Place) -> None:
    """Batch after batch until something was done, a phase has ended, or the place is worth noting."""
    loop = asyncio.get_running_loop()
    for _ in range(_KEEP_PLACE):
        began = loop.time()
        due, place = await _STEPS[place.phase](one, place)
        for start in range(0, len(due), _DOOMED):
            await one.system.objects.write(_Work(one, due[start : start + _DOOMED]))
        # Zero too lets the requests that arrived meanwhile go first.
        await asyncio.sleep((loop.time() - began) * _REST)
        if due or place.phase == "done" or not place.key:
            break
    await one.system.objects.write(_Note(one, place))


class _Note:
    """A work: keep the place."""

    def __init__(self, one: _Pass, place: _Place) -> None:
        self._one = one
        self._place = place

    async def __call__(self, tx: Transaction) -> None:
        if await tx.fetch_one("SELECT 1 FROM live_buckets WHERE id = ?", self._one.bucket.id) is None:
            return
        await tx.execute(
            "INSERT INTO lifecycle_passes (bucket_id, configuration, day, phase, key, sequence, upload_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bucket_id) DO UPDATE SET "
            "configuration = excluded.configuration, day = excluded.day, phase = excluded.phase, "
            "key = excluded.key, sequence = excluded.sequence, upload_id = excluded.upload_id",
            self._one.bucket.id,
            self._one.fingerprint,
            self._one.number,
            *self._place,
        )


# Finding what may be due: a batch of rows, and the place after it


class _Due(NamedTuple):
    """Something to look at again in a transaction: a version by its row id, or an upload by its own."""

    phase: str
    row_id: int = 0
    upload_id: str = ""


_Step = tuple[list[_Due], _Place]


async def _noncurrent(one: _Pass, place: _Place) -> _Step:
    start = _start(one, place, [rule for rule in one.rules.rules if rule.acts_on_noncurrent])
    if start is None:
        return [], _Place("current")
    key, end = start
    bound, ends = _bound(end)
    rows = await one.system.objects.fetch_all(
        _NONCURRENT
        + f"WHERE bucket_id = ? AND is_current = 0 AND (key, sequence) > (?, ?){bound} ORDER BY key, sequence LIMIT ?",
        one.bucket.id,
        key,
        place.sequence if key == place.key else 0,
        *ends,
        _BATCH,
    )
    waiting = [
        _Due("noncurrent", row_id)
        for row_id, _, _, since in rows
        if since is not None and one.rules.earliest_noncurrent(since, one.day) <= one.today
    ]
    if len(rows) == _BATCH:
        return waiting, _Place("noncurrent", rows[-1][1], rows[-1][2])
    return waiting, _behind(end, "noncurrent", "current")


async def _current(one: _Pass, place: _Place) -> _Step:
    start = _start(one, place, [rule for rule in one.rules.rules if rule.acts_on_current])
    if start is None:
        return [], _Place("uploads")
    key, end = start
    bound, ends = _bound(end)
    rows = await one.system.objects.fetch_all(
        _SELECT + f"bucket_id = ? AND is_current = 1 AND key >= ?{bound} ORDER BY key LIMIT ?",
        one.bucket.id,
        key,
        *ends,
        _BATCH,
    )
    versions = [_Version._make(row) for row in rows]
    due = [_Due("current", version.id) for version in versions if _is_due(one, version)]
    if len(versions) == _BATCH:
        return due, _Place("current", after(versions[-1].key))
    return due, _behind(end, "current", "uploads")


def _is_due(one: _Pass, version: _Version) -> bool:
    subject = version.subject(version.modified)
    if version.is_delete_marker:
        return one.rules.removes_marker(subject, one.today, one.day)
    return one.rules.expires(subject, one.today, one.day) or one.rules.moves_to(subject, one.today, one.day) is not None


async def _uploads(one: _Pass, place: _Place) -> _Step:
    start = _start(one, place, [rule for rule in one.rules.rules if rule.abort is not None])
    if start is None:
        return [], _Place("done")
    key, end = start
    bound, ends = _bound(end)
    first = key == place.key and place.upload_id
    rows = await one.system.objects.fetch_all(
        _UPLOADS + f"WHERE bucket_id = ? AND key >= ? AND (key > ? OR id > ?){bound} ORDER BY key, id LIMIT ?",
        one.bucket.id,
        key,
        key,
        place.upload_id if first else "",
        *ends,
        _BATCH,
    )
    due = [
        _Due("uploads", upload_id=upload_id)
        for key, upload_id, initiated in rows
        if _is_before(one.rules.aborts(key, initiated, one.day), one.today)
    ]
    if len(rows) == _BATCH:
        return due, _Place("uploads", rows[-1][0], upload_id=rows[-1][1])
    return due, _behind(end, "uploads", "done")


def _is_before(found: tuple[float, str] | None, now: float) -> bool:
    return found is not None and found[0] <= now


_STEPS = {"noncurrent": _noncurrent, "current": _current, "uploads": _uploads}


def _start(one: _Pass, place: _Place, rules: list[Rule]) -> tuple[bytes, bytes | None] | None:
    """The next range of keys that the rules select from: its first key and the key it ends before.

    None when nothing is left for them.
    """
    for prefix in one.rules.prefixes(rules):
        end = behind(prefix) if prefix else None
        if end is None or place.key < end:
            return max(prefix, place.key), end
    return None


def _bound(end: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    return ("", ()) if end is None else (" AND key < ?", (end,))


def _behind(end: bytes | None, phase: str, following: str) -> _Place:
    """Where a phase goes on behind a range that is done: in the next one, or with the next phase."""
    return _Place(following) if end is None else _Place(phase, end)


# Doing it


class _Work:
    """A work: do what is still due of a batch."""

    def __init__(self, one: _Pass, due: list[_Due]) -> None:
        self._one = one
        self._due = due

    async def __call__(self, tx: Transaction) -> None:
        dropped: list[str] = []
        for item in self._due:
            if item.phase == "uploads":
                dropped += await self._abort(tx, item.upload_id)
                continue
            row = await tx.fetch_one(_SELECT + "id = ?", item.row_id)
            if row is None:
                continue
            version = _Version._make(row)
            if bool(version.is_current) == (item.phase == "current"):
                dropped += await (self._act_on_current if version.is_current else self._act_on_noncurrent)(tx, version)
        await release(tx, dropped, self._one.system.clock())

    async def _abort(self, tx: Transaction, upload_id: str) -> list[str]:
        return await drop_upload(tx, upload_id)

    async def _act_on_current(self, tx: Transaction, version: _Version) -> list[str]:
        one = self._one
        subject = version.subject(version.modified)
        if version.is_delete_marker:
            if not one.rules.removes_marker(subject, one.today, one.day) or await _has_others(tx, one, version):
                return []
            return await self._drop(tx, version)
        expires = one.rules.expires(subject, one.today, one.day)
        if expires and not one.bucket.versioning:
            if version.locked(one.system.clock()):
                return []
            dropped = await self._drop(tx, version)
            await promote_newest(tx, one.bucket.id, version.key)
            return dropped
        target = one.rules.moves_to(subject, one.today, one.day)
        if target is not None:
            await self._move(tx, version, target)
        return await self._mark_deleted(tx, version.key) if expires else []

    async def _mark_deleted(self, tx: Transaction, key: bytes) -> list[str]:
        one = self._one
        marker = NewVersion(size=0, etag="", owner=one.bucket.account, is_delete_marker=1)
        version_id = fresh_version_id(one.system, one.bucket)
        _, dropped = await add_version(
            tx,
            one.bucket.id,
            key,
            version_id,
            marker,
            modified=one.system.clock(),
            current=await find_current(tx, one.bucket.id, key),
        )
        about = EventObject(key.decode(), shown_version(one.bucket, version_id))
        await self._tell(tx, "LifecycleExpiration:DeleteMarkerCreated", about)
        return dropped

    async def _drop(self, tx: Transaction, version: _Version) -> list[str]:
        dropped = await drop_row(tx, version.id, version.content, version.parts)
        about = EventObject(version.key.decode(), shown_version(self._one.bucket, version.version_id))
        await self._tell(tx, "LifecycleExpiration:Delete", about)
        return dropped

    async def _move(self, tx: Transaction, version: _Version, target: str) -> None:
        await tx.execute("UPDATE object_versions SET storage_class = ? WHERE id = ?", target, version.id)
        shown = shown_version(self._one.bucket, version.version_id)
        about = EventObject(version.key.decode(), shown, version.etag, version.size)
        moved = {"lifecycleEventData": {"transitionEventData": {"destinationStorageClass": target}}}
        await self._tell(tx, "LifecycleTransition", about, moved)

    async def _tell(
        self, tx: Transaction, event: str, about: EventObject, more: Mapping[str, Any] | None = None
    ) -> None:
        system = self._one.system
        cause = Cause.lifecycle(system.entropy(8).hex().upper(), system.clock())
        await note_event(tx, self._one.bucket, cause, event, about, more)

    async def _act_on_noncurrent(self, tx: Transaction, version: _Version) -> list[str]:
        one = self._one
        row = await tx.fetch_one("SELECT noncurrent_since, sequence FROM object_versions WHERE id = ?", version.id)
        if row is None or row[0] is None:
            return []
        due = one.rules.due_when_noncurrent(version.subject(row[0]), one.today, one.day)
        if due.expire is not None and await _newer(tx, one, version.key, row[1], due.expire):
            if version.locked(one.system.clock()):
                return []
            return await self._drop(tx, version)
        target = preferred({
            name for name, newer in due.moves if await _newer(tx, one, version.key, row[1], newer)
        })  # fmt: skip
        if target is not None:
            await self._move(tx, version, target)
        return []


async def _has_others(tx: Reader, one: _Pass, version: _Version) -> bool:
    """Whether the key has another version."""
    row: Row | None = await tx.fetch_one(
        "SELECT 1 FROM object_versions WHERE bucket_id = ? AND key = ? AND id <> ? LIMIT 1",
        one.bucket.id,
        version.key,
        version.id,
    )
    return row is not None


async def _newer(tx: Reader, one: _Pass, key: bytes, sequence: int, count: int) -> bool:
    """Whether the key has at least `count` noncurrent versions newer than the one with this sequence."""
    if not count:
        return True
    row = await tx.fetch_one(
        "SELECT 1 FROM object_versions WHERE bucket_id = ? AND key = ? AND sequence > ? AND is_current = 0 "
        "LIMIT 1 OFFSET ?",
        one.bucket.id,
        key,
        sequence,
        count - 1,
    )
    return row is not None
