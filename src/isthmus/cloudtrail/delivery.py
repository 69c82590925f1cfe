"""Delivery of a trail's events: gzip files of JSON in AWS's layout, written as `cloudtrail.amazonaws.com`.

    PREFIX/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz

The trail of an organization has files for each member, below `AWSLogs/ORGANIZATION/`.

The policy of the bucket decides about each file, whoever owns the bucket. A bucket that refuses is asked again after
the same interval; meanwhile events wait, and GetTrailStatus says why. A server that dies between writing a file and
noting it writes its events once more: every event is delivered, some perhaps twice, as on AWS.

Source: CloudTrail User Guide, "Finding your CloudTrail log files", "CloudTrail log file examples".
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from datetime import UTC, datetime

from isthmus.operation import System
from isthmus.store import Row
from isthmus.wire import AwsError

from .delivery_rows import Chain, LogFile, note_delivered, note_failed, oldest_queued, queued, status_of_trail
from .destination import put_file
from .digests import deliver_digests
from .events_table import unpacked
from .trails_table import Trail, all_trails

SECONDS_SETTING, SECONDS = "cloudtrail_delivery_seconds", 300.0
"""The setting for how often trails are delivered, and AWS's "about every five minutes"."""
_MOST_EVENTS = 10_000  # in one file; a few megabytes


async def deliver_trails(system: System) -> int:
    """Deliver what is due of every trail; how many files were written. Run every second."""
    written = 0
    seconds = float(await system.directory.setting(SECONDS_SETTING, SECONDS))
    for trail in await all_trails(system.identity):
        if await _is_due(system, trail, seconds):
            written += await deliver(system, trail)
        await deliver_digests(system, trail, seconds)
    return written


async def deliver(system: System, trail: Trail) -> int:
    """Deliver all that waits for a trail; how many files were written. A refusal ends it until the next time."""
    written = 0
    while rows := await queued(system.objects, trail.arn, _MOST_EVENTS):
        files = []
        now = system.clock()
        try:
            for chain in dict.fromkeys((row[1], row[2]) for row in rows):
                files.append(await _write(system, trail, chain, [row for row in rows if (row[1], row[2]) == chain]))
        except AwsError as error:
            await note_failed(system.objects, trail.arn, error.code, now)
            return written
        await note_delivered(system.objects, trail.arn, rows[-1][0], files if trail.log_file_validation else [], now)
        written += len(files)
        if len(rows) < _MOST_EVENTS:
            break
    return written


async def _is_due(system: System, trail: Trail, seconds: float) -> bool:
    oldest = await oldest_queued(system.objects, trail.arn)
    if oldest is None:
        return False
    now = system.clock()
    attempted = (await status_of_trail(system.objects, trail.arn)).attempted
    return oldest + seconds <= now and (attempted is None or attempted + seconds <= now)


async def _write(system: System, trail: Trail, chain: Chain, rows: list[Row]) -> LogFile:
    account, region = chain
    now = system.clock()
    moment = datetime.fromtimestamp(now, UTC)
    unique = base64.b32encode(system.entropy(10)).decode()
    name = f"{account}_CloudTrail_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    key = trail.object_key("CloudTrail", account, region, f"{moment:%Y/%m/%d}", name)
    compressed, digest = await asyncio.to_thread(_packed, rows)
    await put_file(system, trail, key, compressed, {}, encrypt=True)
    times = [row[3] for row in rows]
    return LogFile(trail.arn, account, region, key, trail.bucket, digest, min(times), max(times), now)


def _packed(rows: list[Row]) -> tuple[bytes, str]:
    """The gzip file of these events, and the SHA-256 of what is in it."""
    content = b'{"Records":[' + b",".join(unpacked(row[4]) for row in rows) + b"]}"
    return gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()
