"""Replicas: a version of one bucket made again in another, by S3 in the role that replicates.

A replica has its source's version id, time, metadata, tags, lock and, where the destination takes ACLs, ACL. It
shares the source's contents, as a copy does, where the encryption of both sides allows that.

Sources: S3 User Guide, "What does Amazon S3 replicate?", "Changing the replica owner", "Replicating encrypted objects".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import Transaction
from isthmus.wire import AwsError

from ..copied_bytes import CopiedBytes, add_copied, rewritten_copy, shared_copy, shares_bytes
from ..encryption import SSE_KMS, wanted_encryption
from ..object_errors import try_again
from ..object_keys import encryption_answer, key_as_wanted
from ..object_settings import ObjectSettings
from ..objects_table import NewVersion, ObjectRow, add_version, find_current, find_version, promote_newest, release
from .changes import note_created, note_marker, set_replication_status
from .replication_rules import KIND, ReplicationRule


class ReplicationFails(Exception):
    """The version cannot be replicated. The first word is AWS's name for the reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Replica:
    """One version to be replicated to one bucket. call: of S3 in the role, for the destination.

    alters: whether only tags, ACL or lock changed, so that the replica must be there.
    """

    source: Bucket
    destination: Bucket
    rule: ReplicationRule
    row: ObjectRow
    call: Call
    alters: bool


async def bytes_for(task: Replica) -> CopiedBytes | None:
    """The source's bytes for the replica, under the key that it is to have; None where none are needed.

    The one place that knows how bytes get from one bucket into another: shared where both are under keys of S3.
    Raises ReplicationFails.
    """
    call, source, destination, row, key = task.call, task.source, task.destination, task.row, task.row.key.decode()
    there = await find_version(call.system.objects, destination.id, row.key, row.version_id)
    if there is not None or row.is_delete_marker:
        return None
    if task.alters:  # deleted there for good: a change of tags must not bring it back
        raise ReplicationFails("DstVersionNotFound")
    try:
        wanted = await wanted_encryption(call, destination)
        if shares_bytes(row.encryption, wanted):
            return await shared_copy(call, source, row, destination, key)
        object_key = await key_as_wanted(call, destination, key, wanted)
    except AwsError as error:
        reason = _KMS_REASONS.get(error.code, "DstKmsKeyNotPermitted")
        raise ReplicationFails(reason, f"{error.code}: {error.message}") from error
    try:
        return await rewritten_copy(call, source, row, object_key)
    except AwsError as error:
        raise ReplicationFails("SrcGetObjNotPermitted", f"{error.code}: {error.message}") from error


_KMS_REASONS = {
    "KMS.NotFoundException": "DstKmsKeyNotFound",
    "KMS.DisabledException": "DstKmsKeyInvalidState",
    "KMS.KMSInvalidStateException": "DstKmsKeyInvalidState",
}


def encryption_of(rule: ReplicationRule, row: ObjectRow) -> dict[str, str]:
    """What PutObject would be asked for the replica; what is kept as it is gets the destination's default."""
    algorithm = encryption_answer(row.encryption).get("ServerSideEncryption")
    if algorithm == SSE_KMS:
        return {"ServerSideEncryption": SSE_KMS, "SSEKMSKeyId": rule.kms_key or ""}
    return {} if algorithm is None else {"ServerSideEncryption": algorithm}


def _settings(task: Replica, row: ObjectRow) -> ObjectSettings:
    """What is decided about the replica apart from its bytes."""
    destination, rule = task.destination, task.rule
    owner, acl = row.owner, row.acl
    if rule.owner_override or destination.ownership == "BucketOwnerEnforced":
        owner, acl = destination.account, None
    return ObjectSettings(
        owner=owner,
        storage_class=rule.storage_class or row.storage_class,
        metadata_json=row.metadata_json,
        tags_json=row.tags_json,
        acl=acl,
        lock_mode=row.lock_mode,
        lock_until=row.lock_until,
        legal_hold=row.legal_hold,
    )


async def make(tx: Transaction, task: Replica, row: ObjectRow, copied: CopiedBytes | None) -> bool:
    """Make the replica of `row`, or give the one that is there what its source has now; whether `copied` was used.

    row: read in this transaction. copied: from `bytes_for`. Raises ServiceUnavailable if the replica, or the source's
    bytes, went away in between.
    """
    there = await find_version(tx, task.destination.id, row.key, row.version_id)
    if there is None:
        if copied is None and not row.is_delete_marker:
            raise try_again()
        await release(tx, await _add(tx, task, row, copied), task.call.now)
        return True
    if not row.is_delete_marker:
        settings = _settings(task, row)
        await tx.execute(
            "UPDATE object_versions SET tags = ?, acl = ?, lock_mode = ?, lock_until = ?, legal_hold = ? WHERE id = ?",
            settings.tags_json,
            settings.acl,
            settings.lock_mode,
            settings.lock_until,
            settings.legal_hold,
            there.id,
        )
    return False


async def _add(tx: Transaction, task: Replica, row: ObjectRow, copied: CopiedBytes | None) -> list[str]:
    """The new version; the contents that lost a name. copied: None for a delete marker."""
    destination, key, call = task.destination, row.key, task.call
    current = await find_current(tx, destination.id, key)
    # Told of like any other new version, but a replica is not replicated again.
    kinds = {kind: text for kind, text in destination.configurations.items() if kind != KIND}
    untold = replace(destination, configurations=kinds)
    if copied is None:
        new = NewVersion(size=0, etag="", owner=destination.account, is_delete_marker=1)
        row_id, dropped = await add_version(
            tx, destination.id, key, row.version_id, new, modified=row.modified, current=current, now=call.now
        )
        await note_marker(tx, call, untold, key, row.version_id, row_id)
    else:
        await copied.check(tx)
        row_id, new, dropped = await add_copied(
            tx, copied, _settings(task, row), row, destination.id, key, row.version_id,
            modified=row.modified, current=current, now=call.now,
        )  # fmt: skip
        await note_created(tx, call, untold, key, row.version_id, new, row_id)
    await _put_in_order(tx, destination.id, row, row_id, call.now)
    await set_replication_status(tx, row_id, "REPLICA")
    return dropped


async def _put_in_order(tx: Transaction, bucket_id: int, row: ObjectRow, row_id: int, now: float) -> None:
    """Behind the versions that are newer than the replica: two buckets that replicate to each other agree."""
    row_of = "bucket_id = ? AND key = ? AND id <> ?"
    first = await tx.fetch_one(
        f"SELECT MIN(sequence) FROM object_versions WHERE {row_of} AND modified > ?",  # noqa: S608 (our own text)
        bucket_id,
        row.key,
        row_id,
        row.modified,
    )
    if first is None or first[0] is None:
        return
    behind = await tx.fetch_all(
        f"SELECT id, sequence FROM object_versions WHERE {row_of} AND sequence >= ? ORDER BY sequence DESC",  # noqa: S608
        bucket_id,
        row.key,
        row_id,
        first[0],
    )
    # Number 0 is free: the first version of a key has 1.
    await tx.execute(
        "UPDATE object_versions SET sequence = 0, is_current = 0, noncurrent_since = ? WHERE id = ?", now, row_id
    )
    for number, sequence in behind:
        await tx.execute("UPDATE object_versions SET sequence = ? WHERE id = ?", sequence + 1, number)
    await tx.execute("UPDATE object_versions SET sequence = ? WHERE id = ?", first[0], row_id)
    await promote_newest(tx, bucket_id, row.key)
