"""Retention and legal hold of versions that exist.

A retention may be made longer by whoever may set it. Shorter, off, or another mode, only in governance mode, by who
may bypass governance and says so.

Sources: PutObjectRetention, PutObjectLegalHold in the S3 API reference; S3 User Guide "How S3 Object Lock
works".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .deliveries.changes import note_altered
from .incoming import commit
from .object_errors import exact_moment, existing, malformed_xml
from .objects_table import ObjectRow, find_by_id
from .resources import bypasses_governance, object_permission, the_bucket, the_object


async def _lockable(call: Call) -> tuple[Bucket, ObjectRow]:
    bucket = await the_bucket(call)
    if not bucket.object_lock:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration")
    row = await the_object(call)
    return bucket, await existing(call, bucket, call.input["Key"], call.input.get("VersionId"), row)


def _nothing_configured() -> AwsError:
    return AwsError(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )


@operation("s3", "GetObjectRetention", object_permission("s3:GetObjectRetention"), anonymous=True)
async def get_object_retention(call: Call) -> dict[str, Any]:
    """Mode and end of the retention."""
    _, row = await _lockable(call)
    if row.lock_mode is None or row.lock_until is None:
        raise _nothing_configured()
    return {"Retention": {"Mode": row.lock_mode, "RetainUntilDate": exact_moment(row.lock_until)}}


@operation(
    "s3",
    "PutObjectRetention",
    object_permission("s3:PutObjectRetention"),
    object_permission("s3:BypassGovernanceRetention", bypasses_governance, "with x-amz-bypass-governance-retention"),
    anonymous=True,
)
async def put_object_retention(call: Call) -> dict[str, Any]:
    """Set, prolong or (in governance mode, bypassing it) shorten or remove the retention."""
    bucket, row = await _lockable(call)
    wanted = call.input.get("Retention") or {}
    mode: str | None = wanted.get("Mode")
    date: datetime | None = wanted.get("RetainUntilDate")
    if (mode is None) != (date is None) or mode not in (None, "GOVERNANCE", "COMPLIANCE"):
        raise malformed_xml()
    until = None if date is None else date.timestamp()
    if until is not None and until <= call.now:
        raise AwsError("InvalidArgument", "The retain until date must be in the future!")

    async def work(tx: Transaction) -> None:
        still = await find_by_id(tx, row.id)
        if still is not None and still.lock_until is not None and still.lock_until > call.now:
            longer = until is not None and until >= still.lock_until
            bypassed = still.lock_mode == "GOVERNANCE" and bypasses_governance(call)
            if not (longer and mode == still.lock_mode) and not bypassed:
                raise AwsError("AccessDenied", "Access Denied because object protected by object lock.")
        sql = "UPDATE object_versions SET lock_mode = ?, lock_until = ? WHERE id = ?"
        if await tx.execute(sql, mode, until, row.id):
            await note_altered(tx, call, bucket, row, "ObjectRetention:Put", row.tags)

    await commit(call, bucket, work)
    return {}


@operation("s3", "GetObjectLegalHold", object_permission("s3:GetObjectLegalHold"), anonymous=True)
async def get_object_legal_hold(call: Call) -> dict[str, Any]:
    """Whether the hold is on."""
    _, row = await _lockable(call)
    return {"LegalHold": {"Status": "ON" if row.legal_hold else "OFF"}}


@operation("s3", "PutObjectLegalHold", object_permission("s3:PutObjectLegalHold"), anonymous=True)
async def put_object_legal_hold(call: Call) -> dict[str, Any]:
    """Turn the hold on or off."""
    bucket, row = await _lockable(call)
    status = (call.input.get("LegalHold") or {}).get("Status")
    if status not in ("ON", "OFF"):
        raise malformed_xml()

    async def work(tx: Transaction) -> None:
        if await tx.execute("UPDATE object_versions SET legal_hold = ? WHERE id = ?", int(status == "ON"), row.id):
            await note_altered(tx, call, bucket, row, None, row.tags)

    await commit(call, bucket, work)
    return {}
