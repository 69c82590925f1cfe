"""Archived objects: what cannot be read until it is restored, and RestoreObject.

The bytes of an archived object (GLACIER, DEEP_ARCHIVE) are as near as any other's, so a restored copy is there the
moment it is asked for; everything a client can see of it is as on AWS: the object stays in its class, its copy can be
read until midnight after so many days, and asking again moves that midnight.

Sources: RestoreObject, GetObject in the S3 API reference; S3 User Guide "Working with archived objects".
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .deliveries.changes import note_event, shown_version
from .deliveries.event_records import Cause, EventObject
from .incoming import commit
from .lifecycle_rules import DAY, DAY_SETTING, Moment
from .object_errors import existing, invalid_argument, malformed_xml, moment, no_such_key
from .objects_table import ObjectRow
from .resources import object_permission, the_bucket, the_object
from .storage_classes import ARCHIVES

_MOST_DAYS = 2**31 - 1
_BATCH = 400  # values of one IN list
_RESTORED = "SELECT key, version_id, is_current, restored_until FROM object_versions "


def is_restored(row: ObjectRow, now: float) -> bool:
    """Whether a copy of an archived object can be read."""
    return row.restored_until is not None and row.restored_until > now


def check_active(row: ObjectRow, now: float) -> None:
    """Raises InvalidObjectState for an archived object without a restored copy."""
    if row.storage_class in ARCHIVES and not is_restored(row, now):
        raise _invalid_state("The operation is not valid for the object's storage class", row)


def check_active_source(row: ObjectRow, now: float) -> None:
    """Raises ObjectNotInActiveTierError for a copy's source that is archived and has no restored copy."""
    if row.storage_class in ARCHIVES and not is_restored(row, now):
        raise AwsError(
            "ObjectNotInActiveTierError",
            "The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier.",
        )


def restore_header(row: ObjectRow, now: float) -> str | None:
    """The value of x-amz-restore; None where there is no restored copy."""
    if row.storage_class not in ARCHIVES or row.restored_until is None or row.restored_until <= now:
        return None
    return f'ongoing-request="false", expiry-date="{formatdate(row.restored_until, usegmt=True)}"'


async def restore_statuses(
    call: Call, bucket_id: int, keys: Iterable[bytes]
) -> dict[tuple[bytes, str], dict[str, Any]]:
    """The member `RestoreStatus` of those versions of the keys that have a restored copy, if the listing asks for it.

    By key and version id; of current versions also by key and the empty text.
    """
    if "RestoreStatus" not in (call.input.get("OptionalObjectAttributes") or ()):
        return {}
    wanted = sorted(set(keys))
    found: dict[tuple[bytes, str], dict[str, Any]] = {}
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        marks = ", ".join("?" * len(batch))
        rows = await call.system.objects.fetch_all(
            _RESTORED + f"WHERE bucket_id = ? AND restored_until > ? AND key IN ({marks})",
            bucket_id,
            call.now,
            *batch,
        )
        for key, version_id, is_current, until in rows:
            status = {"IsRestoreInProgress": False, "RestoreExpiryDate": moment(until)}
            found[key, version_id] = status
            if is_current:
                found[key, ""] = status
    return found


@operation("s3", "RestoreObject", object_permission("s3:RestoreObject"), anonymous=True)
async def restore_object(call: Call) -> dict[str, Any]:
    """Make a copy of an archived object readable for some days: 202 for a new copy, 200 for a longer life."""
    bucket = await the_bucket(call)
    key: str = call.input["Key"]
    row = await existing(call, bucket, key, call.input.get("VersionId"), await the_object(call))
    days = _days(call.input.get("RestoreRequest"), row)
    day: float = await call.system.directory.setting(DAY_SETTING, DAY)
    until = Moment(days).due(call.now, day)

    async def work(tx: Transaction) -> bool:
        still = await tx.fetch_one("SELECT storage_class, restored_until FROM object_versions WHERE id = ?", row.id)
        if still is None:
            raise no_such_key(key)
        if still[0] not in ARCHIVES:
            raise _not_archived(row)
        await tx.execute("UPDATE object_versions SET restored_until = ? WHERE id = ?", until, row.id)
        again: bool = still[1] is not None and still[1] > call.now
        if not again:
            await _note_restored(tx, call, bucket, row, until)
        return again

    return {"ResponseStatus": 200 if await commit(call, bucket, work) else 202}


async def _note_restored(tx: Transaction, call: Call, bucket: Bucket, row: ObjectRow, until: float) -> None:
    """The events of a request and of its end, which here is at once."""
    about = EventObject(row.key.decode(), shown_version(bucket, row.version_id), row.etag, row.size)
    restored = {
        "lifecycleRestorationExpiryTime": moment(until).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "lifecycleRestoreStorageClass": row.storage_class,
    }
    await note_event(tx, bucket, Cause.of(call), "ObjectRestore:Post", about)
    more = {"glacierEventData": {"restoreEventData": restored}}
    await note_event(tx, bucket, Cause.of(call), "ObjectRestore:Completed", about, more)


def _days(request: dict[str, Any] | None, row: ObjectRow) -> int:
    """For how many days a copy is asked for. Raises MalformedXML, InvalidArgument, InvalidObjectState and others."""
    if request is None:
        raise malformed_xml()
    if request.get("Type") or request.get("SelectParameters") or request.get("OutputLocation"):
        raise AwsError("NotImplemented", "Archives cannot be queried here; leave out Type, SelectParameters and "
                       "OutputLocation to restore the object.")  # fmt: skip
    if row.storage_class not in ARCHIVES:
        raise _not_archived(row)
    days: int | None = request.get("Days")
    if days is None:
        raise malformed_xml()
    if not 1 <= days <= _MOST_DAYS:
        raise invalid_argument("restoration days should be at least 1", "Days", days)
    tier = (request.get("GlacierJobParameters") or {}).get("Tier") or request.get("Tier")
    if tier == "Expedited" and row.storage_class == "DEEP_ARCHIVE":
        raise AwsError("InvalidRequest", "Retrieval option is not supported by this storage class")
    return days


def _not_archived(row: ObjectRow) -> AwsError:
    return _invalid_state("Restore is not allowed for the object's current storage class", row)


def _invalid_state(message: str, row: ObjectRow) -> AwsError:
    return AwsError("InvalidObjectState", message, extra={"StorageClass": row.storage_class})
