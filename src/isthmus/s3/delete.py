"""DeleteObject and DeleteObjects.

Without a version id a versioned bucket gets a delete marker and an unversioned one loses the object; with
one, exactly that version goes. Deleting what is not there succeeds.

Sources: DeleteObject, DeleteObjects in the S3 API reference; S3 User Guide "Deleting object versions from a
versioning-enabled bucket", "Managing delete markers", "How S3 Object Lock works".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.identity import Bucket, mfa
from isthmus.operation import Call, decide_for, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .deliveries.changes import note_marker, note_removed
from .incoming import commit
from .object_errors import check_version_id, malformed_xml, no_such_key, precondition_failed
from .object_settings import check_key, new_version_id
from .objects_table import (
    NULL_VERSION,
    NewVersion,
    ObjectRow,
    add_version,
    drop_row,
    find_current,
    find_version,
    promote_newest,
    release,
)
from .preconditions import etag_matches
from .put import decided_inside
from .resources import (
    both,
    bypasses_governance,
    compared_object,
    compares_entity_tag,
    comparing_permission,
    has_version_id,
    lacks_version_id,
    new_object_permission,
    object_resource,
    the_bucket,
)

_MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class _Deletion:
    """One deletion.

    conditions: IfMatch, IfMatchLastModifiedTime, IfMatchSize. marker_id: of a new delete marker.
    """

    key: str
    version_id: str | None
    conditions: Mapping[str, Any]
    bypass: bool
    marker_id: str


@operation(
    "s3",
    "DeleteObject",
    new_object_permission("s3:DeleteObject", lacks_version_id, "without versionId"),
    new_object_permission("s3:DeleteObjectVersion", has_version_id, "with versionId"),
    comparing_permission(
        lambda call: compares_entity_tag(call.input.get("IfMatch")), "with If-Match and an entity tag"
    ),
    new_object_permission(
        "s3:BypassGovernanceRetention",
        both(has_version_id, bypasses_governance),
        "with x-amz-bypass-governance-retention",
    ),
    anonymous=True,
)
async def delete_object(call: Call) -> dict[str, Any]:
    """Delete an object, or one version of it."""
    bucket = await the_bucket(call)
    version_id = call.input.get("VersionId") or None
    check_key(call.input["Key"])
    check_version_id(version_id)
    if version_id:
        await _check_mfa(call, bucket)
    deletion = _Deletion(
        call.input["Key"],
        version_id,
        call.input,
        bypasses_governance(call),
        new_version_id(call, bucket),
    )

    async def work(tx: Transaction) -> dict[str, Any]:
        answer, dropped = await _delete(tx, call, bucket, deletion)
        await release(tx, dropped, call.now)
        return answer

    answer = await commit(call, bucket, work)
    return {**answer, "ResponseStatus": 204}


async def _delete(tx: Transaction, call: Call, bucket: Bucket, deletion: _Deletion) -> tuple[dict[str, Any], list[str]]:
    """What was deleted (`VersionId`, `DeleteMarker`), and the contents that lost a name."""
    key = deletion.key.encode()
    if deletion.version_id:
        row = await find_version(tx, bucket.id, key, deletion.version_id)
        _check_conditions(deletion, row)
        answer: dict[str, Any] = {"VersionId": deletion.version_id}
        if row is None:
            return answer, []
        _check_lock(row, call.now, deletion.bypass)
        dropped = await drop_row(tx, row.id, row.content, row.parts)
        if row.is_current:
            await promote_newest(tx, bucket.id, key)
        await note_removed(tx, call, bucket, key, row.version_id)
        if row.is_delete_marker:
            answer["DeleteMarker"] = True
        return answer, dropped
    if any(name in deletion.conditions for name in _CONDITIONS):
        _check_conditions(deletion, await find_version(tx, bucket.id, key))
    current = await find_current(tx, bucket.id, key)
    if not bucket.versioning:
        if current is None:
            return {}, []
        dropped = await drop_row(tx, current.id, current.content, current.parts)
        if current.version_id != NULL_VERSION:  # written while versioning was about to be seen as on
            await promote_newest(tx, bucket.id, key)
        await note_removed(tx, call, bucket, key, current.version_id)
        return {}, dropped
    marker = NewVersion(size=0, etag="", owner=bucket.account, is_delete_marker=1)
    row_id, dropped = await add_version(
        tx, bucket.id, key, deletion.marker_id, marker, modified=call.now, current=current
    )
    await note_marker(tx, call, bucket, key, deletion.marker_id, row_id)
    return {"DeleteMarker": True, "VersionId": deletion.marker_id}, dropped


_CONDITIONS = ("IfMatch", "IfMatchLastModifiedTime", "IfMatchSize")


def _check_conditions(deletion: _Deletion, row: ObjectRow | None) -> None:
    """Raises PreconditionFailed, and NoSuchKey when there is nothing to compare with."""
    given = deletion.conditions
    matching: str | None = given.get("IfMatch")
    modified: datetime | None = given.get("IfMatchLastModifiedTime")
    size: int | None = given.get("IfMatchSize")
    if matching is None and modified is None and size is None:
        return
    if row is None or row.is_delete_marker:
        raise no_such_key(deletion.key)
    if matching and not etag_matches(matching, row.etag):
        raise precondition_failed("If-Match")
    if modified is not None and int(row.modified) != int(modified.timestamp()):
        raise precondition_failed("x-amz-if-match-last-modified-time")
    if size is not None and row.size != size:
        raise precondition_failed("x-amz-if-match-size")


def _check_lock(row: ObjectRow, now: float, bypass: bool) -> None:
    """Raises AccessDenied while Object Lock protects the version."""
    retained = row.lock_until is not None and row.lock_until > now
    if row.legal_hold or (retained and not (row.lock_mode == "GOVERNANCE" and bypass)):
        raise AwsError("AccessDenied", "Access Denied because object protected by object lock.")


async def _check_mfa(call: Call, bucket: Bucket) -> None:
    """Raises AccessDenied unless MFA delete is off or the request carries a good code.

    x-amz-mfa is a device's serial number, a space and its current code; the device must be that of the
    bucket owner's root user (S3 User Guide, "Configuring MFA delete").
    """
    if bucket.mfa_delete != "Enabled":
        return
    serial, _, code = (call.input.get("MFA") or "").partition(" ")
    device = await call.system.directory.mfa_device(serial) if serial else None
    if (
        device is None
        or device.owner_id != bucket.account
        or not await mfa.verify(call.system.objects, device, code.strip(), call.now)
    ):
        raise AwsError(
            "AccessDenied",
            "Mfa Authentication must be used for this request" if not serial else "Access Denied",
        )


@operation(
    "s3",
    "DeleteObjects",
    new_object_permission("s3:DeleteObject", decided_inside, "for each key without VersionId"),
    new_object_permission("s3:DeleteObjectVersion", decided_inside, "for each key with VersionId"),
    new_object_permission("s3:GetObject", decided_inside, "for each key with ETag"),
    new_object_permission(
        "s3:BypassGovernanceRetention",
        decided_inside,
        "for each VersionId, with x-amz-bypass-governance-retention",
    ),
    anonymous=True,
)
async def delete_objects(call: Call) -> dict[str, Any]:
    """Delete up to a thousand keys; each is decided, and answered, for itself."""
    bucket = await the_bucket(call)
    wanted = call.input["Delete"]
    objects: list[dict[str, Any]] = wanted.get("Objects") or []
    if not 1 <= len(objects) <= _MOST_KEYS:
        raise malformed_xml()
    if any(item.get("VersionId") for item in objects):
        await _check_mfa(call, bucket)
    errors: list[dict[str, Any]] = []
    deletions: list[_Deletion] = []
    for item in objects:
        try:
            deletions.append(await _authorised_item(call, bucket, item))
        except AwsError as error:
            errors.append(_error_entry(item.get("Key", ""), item.get("VersionId"), error))

    async def work(tx: Transaction) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        deleted: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        released: list[str] = []
        for deletion in deletions:
            try:
                answer, dropped = await _delete(tx, call, bucket, deletion)
            except AwsError as error:
                failed.append(_error_entry(deletion.key, deletion.version_id, error))
                continue
            released += dropped
            deleted.append(_deleted_entry(deletion, answer))
        await release(tx, released, call.now)
        return deleted, failed

    deleted: list[dict[str, Any]] = []
    if deletions:
        deleted, failed = await commit(call, bucket, work)
        errors += failed
    call.found["deleted"], call.found["not_deleted"] = deleted, errors
    answer: dict[str, Any] = {}
    if deleted and not wanted.get("Quiet"):
        answer["Deleted"] = deleted
    if errors:
        answer["Errors"] = errors
    return answer


async def _authorised_item(call: Call, bucket: Bucket, item: dict[str, Any]) -> _Deletion:
    """One entry of the request, allowed. Raises AccessDenied, InvalidArgument, KeyTooLongError, MalformedXML."""
    key = item.get("Key")
    if not key:
        raise malformed_xml()
    version_id = item.get("VersionId") or None
    check_key(key)
    check_version_id(version_id)
    actions = ["s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"]
    bypass = bypasses_governance(call)
    if version_id and bypass:
        actions.append("s3:BypassGovernanceRetention")
    resources = [
        (action, await object_resource(call, action, bucket, key, None, version_id=version_id)) for action in actions
    ]
    if compares_entity_tag(item.get("ETag")):
        resources.append(("s3:GetObject", await compared_object(call, bucket, key)))
    for action, resource in resources:
        decision = await decide_for(call, action, resource)
        if not decision.allowed:
            raise AwsError("AccessDenied", decision.s3_message)
    conditions = {
        condition: item[name]
        for condition, name in (
            ("IfMatch", "ETag"),
            ("IfMatchLastModifiedTime", "LastModifiedTime"),
            ("IfMatchSize", "Size"),
        )
        if item.get(name) is not None
    }
    return _Deletion(key, version_id, conditions, bypass, new_version_id(call, bucket))


def _deleted_entry(deletion: _Deletion, answer: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"Key": deletion.key}
    if deletion.version_id:
        entry["VersionId"] = deletion.version_id
    if answer.get("DeleteMarker"):
        entry["DeleteMarker"] = True
        entry["DeleteMarkerVersionId"] = answer["VersionId"]
    return entry


def _error_entry(key: str, version_id: str | None, error: AwsError) -> dict[str, Any]:
    entry = {"Key": key, "Code": error.code, "Message": error.message}
    if version_id:
        entry["VersionId"] = version_id
    return entry
