"""Digest files: which log files were delivered, with their hashes, signed, each naming the one before it.

    PREFIX/AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/
        ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHmmssZ.json.gz

One for each twelve intervals of delivery, which is AWS's hour, also when nothing was delivered, so that a missing file
shows; never encrypted with the trail's key, so that whoever may read the bucket can check them, with
`aws cloudtrail validate-logs`. Source: CloudTrail User Guide, "CloudTrail digest file structure", "CloudTrail digest
file signature".
"""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from isthmus.operation import System
from isthmus.wire import AwsError

from .delivery_rows import (
    Chain,
    LastDigest,
    LogFile,
    forget_log_files,
    last_digests,
    log_files,
    note_digest,
    note_digest_failed,
    status_of_trail,
)
from .destination import put_file
from .event import iso_second
from .signing_keys import signing_key
from .trails_table import Trail

DELIVERIES = 12
"""Intervals of delivery between two digests."""
_ALGORITHM = "SHA256withRSA"


async def deliver_digests(system: System, trail: Trail, seconds: float) -> int:
    """Write the digests of a trail that are due, one for each account and region; how many.

    seconds: the interval of delivery.
    """
    status = await status_of_trail(system.objects, trail.arn)
    if not trail.log_file_validation:
        if status.digest_delivered is not None:
            await forget_log_files(system.objects, trail.arn)
        return 0
    end = float(int(system.clock()))
    files = await log_files(system.objects, trail.arn, end)
    if not (trail.logging or files):
        return 0
    chains = await last_digests(system.objects, trail.arn)
    began = trail.created if trail.started is None else trail.started
    since = max((one.ended for one in chains.values()), default=began)
    attempted = status.digest_attempted
    if end < max(since, began) + DELIVERIES * seconds or (attempted is not None and end < attempted + seconds):
        return 0
    written = 0
    for chain in sorted({(trail.account, trail.region), *((one.account, one.region) for one in files)}):
        last = chains.get(chain)
        if last is not None and last.ended < began:
            last = None  # the trail was stopped meanwhile: a new chain begins
        named = [one for one in files if (one.account, one.region) == chain]
        try:
            digest = await _write(system, trail, chain, last, began, end, named)
        except AwsError as error:
            await note_digest_failed(system.objects, trail.arn, error.code, end)
            return written
        await note_digest(system.objects, trail.arn, chain, digest, named)
        written += 1
    return written


async def _write(
    system: System, trail: Trail, chain: Chain, last: LastDigest | None, began: float, end: float, files: list[LogFile]
) -> LastDigest:
    """Write one digest; what the next one says of it. Raises AwsError: what PutObject answers."""
    account, region = chain
    key = await signing_key(system)
    moment = datetime.fromtimestamp(end, UTC)
    name = f"{account}_CloudTrail-Digest_{region}_{trail.name}_{trail.region}_{moment:%Y%m%dT%H%M%SZ}.json.gz"
    place = trail.object_key("CloudTrail-Digest", account, region, f"{moment:%Y/%m/%d}", name)
    document: dict[str, Any] = {
        "awsAccountId": account,
        "digestStartTime": iso_second(began if last is None else last.ended),
        "digestEndTime": iso_second(end),
        "digestS3Bucket": trail.bucket,
        "digestS3Object": place,
        "digestPublicKeyFingerprint": key.fingerprint,
        "digestSignatureAlgorithm": _ALGORITHM,
        "newestEventTime": iso_second(max(one.newest for one in files)) if files else None,
        "oldestEventTime": iso_second(min(one.oldest for one in files)) if files else None,
        "previousDigestS3Bucket": None if last is None else last.bucket,
        "previousDigestS3Object": None if last is None else last.key,
        "previousDigestHashValue": None if last is None else last.hash,
        "previousDigestHashAlgorithm": None if last is None else "SHA-256",
        "previousDigestSignature": None if last is None else last.signature,
        "logFiles": [
            {
                "s3Bucket": one.bucket,
                "s3Object": one.key,
                "hashValue": one.hash,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": iso_second(one.newest),
                "oldestEventTime": iso_second(one.oldest),
            }
            for one in files
        ],
    }
    content = json.dumps(document, separators=(",", ":")).encode()
    content_hash = hashlib.sha256(content).hexdigest()
    previous = "null" if last is None else last.signature
    signature = key.sign(f"{document['digestEndTime']}\n{trail.bucket}/{place}\n{content_hash}\n{previous}")
    metadata = {"signature": signature, "signature-algorithm": _ALGORITHM}
    await put_file(system, trail, place, gzip.compress(content, mtime=0), metadata, encrypt=False)
    return LastDigest(end, trail.bucket, place, content_hash, signature)
