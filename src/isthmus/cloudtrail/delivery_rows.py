"""What trails have still to deliver, how their deliveries went, and the chain of their digests: rows of the objects
database. Only the worker that runs the jobs changes them, but for what a deleted trail leaves."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.store import Metadata, Reader, Row, Transaction

KEPT_SECONDS = 30 * 86400
"""How long events wait for a bucket that does not take them ("Working with CloudTrail log files": 30 days)."""
MOST_QUEUED = 500_000
"""Events that one trail may have waiting; then the oldest are dropped."""

_TABLES = ("trail_queue", "trail_deliveries", "trail_log_files", "trail_digests")
_STATUS = "attempted, delivered, error, digest_attempted, digest_delivered, digest_error"


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """How a trail's deliveries went; times in seconds since the epoch. error: AWS's code of the last failure, None if
    the last delivery succeeded."""

    attempted: float | None = None
    delivered: float | None = None
    error: str | None = None
    digest_attempted: float | None = None
    digest_delivered: float | None = None
    digest_error: str | None = None


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file in a bucket.

    account: whose events it has. hash: SHA-256 of the uncompressed content, hex. oldest, newest: times of its events.
    """

    trail: str
    account: str
    region: str
    key: str
    bucket: str
    hash: str
    oldest: float
    newest: float
    delivered: float


Chain = tuple[str, str]
"""Account and region: each has digests that follow one another."""


@dataclass(frozen=True, slots=True)
class LastDigest:
    """The digest before the next one of a chain. ended: its end, which is the next one's start."""

    ended: float
    bucket: str
    key: str
    hash: str
    signature: str


async def status_of_trail(reader: Reader, arn: str) -> DeliveryStatus:
    """How a trail's deliveries went."""
    row = await reader.fetch_one(f"SELECT {_STATUS} FROM trail_deliveries WHERE trail = ?", arn)  # noqa: S608
    return DeliveryStatus() if row is None else DeliveryStatus(*row)


async def oldest_queued(reader: Reader, arn: str) -> float | None:
    """When the event was queued that waits longest; None if none waits."""
    row = await reader.fetch_one("SELECT queued FROM trail_queue WHERE trail = ? ORDER BY id LIMIT 1", arn)
    return None if row is None else float(row[0])


async def queued(reader: Reader, arn: str, limit: int) -> list[Row]:
    """What waits longest: id, account, region, time and stored record."""
    return await reader.fetch_all(
        "SELECT id, account, region, time, record FROM trail_queue WHERE trail = ? ORDER BY id LIMIT ?", arn, limit
    )


async def note_delivered(objects: Metadata, arn: str, last: int, files: list[LogFile], now: float) -> None:
    """Take delivered events off the queue, up to the id `last`, and remember their files for the next digest."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM trail_queue WHERE trail = ? AND id <= ?", arn, last)
        for one in files:
            await tx.execute(
                "INSERT INTO trail_log_files (trail, account, region, key, bucket, hash, oldest, newest, delivered)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                one.trail, one.account, one.region, one.key, one.bucket, one.hash, one.oldest, one.newest,
                one.delivered,
            )  # fmt: skip
        await _set(tx, arn, attempted=now, delivered=now, error=None)

    await objects.write(work)


async def note_failed(objects: Metadata, arn: str, error: str, now: float) -> None:
    """Remember that a delivery failed, and drop what has waited too long."""

    async def work(tx: Transaction) -> None:
        await _set(tx, arn, attempted=now, error=error)
        await tx.execute("DELETE FROM trail_queue WHERE trail = ? AND queued < ?", arn, now - KEPT_SECONDS)
        row = await tx.fetch_one(
            "SELECT id FROM trail_queue WHERE trail = ? ORDER BY id DESC LIMIT 1 OFFSET ?", arn, MOST_QUEUED
        )
        if row is not None:
            await tx.execute("DELETE FROM trail_queue WHERE trail = ? AND id <= ?", arn, row[0])

    await objects.write(work)


async def log_files(reader: Reader, arn: str, before: float) -> list[LogFile]:
    """The log files that no digest names yet, delivered before a moment, in the order of delivery."""
    rows = await reader.fetch_all(
        "SELECT trail, account, region, key, bucket, hash, oldest, newest, delivered FROM trail_log_files"
        " WHERE trail = ? AND delivered < ? ORDER BY delivered, key",
        arn,
        before,
    )
    return [LogFile(*row) for row in rows]


async def last_digests(reader: Reader, arn: str) -> dict[Chain, LastDigest]:
    """The last digest of each chain."""
    rows = await reader.fetch_all(
        "SELECT account, region, ended, bucket, key, hash, signature FROM trail_digests WHERE trail = ?", arn
    )
    return {(row[0], row[1]): LastDigest(*row[2:]) for row in rows}


async def note_digest(objects: Metadata, arn: str, chain: Chain, digest: LastDigest, named: list[LogFile]) -> None:
    """A digest is in the bucket: the next one follows it, and the files it names need no other."""

    async def work(tx: Transaction) -> None:
        for one in named:
            await tx.execute("DELETE FROM trail_log_files WHERE trail = ? AND account = ? AND region = ? AND key = ?",
                             arn, *chain, one.key)  # fmt: skip
        await tx.execute(
            "INSERT INTO trail_digests (trail, account, region, ended, bucket, key, hash, signature)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (trail, account, region) DO UPDATE SET ended = excluded.ended, bucket = excluded.bucket,"
            " key = excluded.key, hash = excluded.hash, signature = excluded.signature",
            arn, *chain, digest.ended, digest.bucket, digest.key, digest.hash, digest.signature,
        )  # fmt: skip
        await _set(tx, arn, digest_attempted=digest.ended, digest_delivered=digest.ended, digest_error=None)

    await objects.write(work)


async def note_digest_failed(objects: Metadata, arn: str, error: str, now: float) -> None:
    """Remember that a digest could not be delivered."""

    async def work(tx: Transaction) -> None:
        await _set(tx, arn, digest_attempted=now, digest_error=error)

    await objects.write(work)


async def forget_log_files(objects: Metadata, arn: str) -> None:
    """Of a trail without digests: forget the files, and the chain, which a later digest would begin anew."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM trail_log_files WHERE trail = ?", arn)
        await tx.execute("DELETE FROM trail_digests WHERE trail = ?", arn)

    await objects.write(work)


async def forget_trail(objects: Metadata, arn: str) -> None:
    """Remove everything about a trail that is gone."""

    async def work(tx: Transaction) -> None:
        for table in _TABLES:
            await tx.execute(f"DELETE FROM {table} WHERE trail = ?", arn)  # noqa: S608 - names are ours

    await objects.write(work)


async def _set(tx: Transaction, arn: str, **values: float | str | None) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    await tx.execute("INSERT INTO trail_deliveries (trail) VALUES (?) ON CONFLICT (trail) DO NOTHING", arn)
    await tx.execute(
        f"UPDATE trail_deliveries SET {assignments} WHERE trail = ?",  # noqa: S608 - names are ours
        *values.values(),
        arn,
    )
