"""What a change to an object makes the server owe: events to be told, versions to be replicated.

The operations that change objects call these functions inside their transaction, so that nothing owed is lost. For
a bucket without such configurations they cost two look-ups in a dictionary.

Sources: S3 User Guide, "Event notification types and destinations" (which event an operation causes), "What does
Amazon S3 replicate?".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import Transaction

from ..encryption import SSE_KMS
from ..object_keys import encryption_answer
from ..objects_table import NULL_VERSION, NewVersion, ObjectRow
from ..storage_classes import ARCHIVES
from . import notification_rules, replication_rules
from .event_records import Cause, EventObject
from .notifications import notify
from .outbox import next_number, put
from .replication_rules import ReplicationConfiguration, replication_configuration

_CREATED = {
    "PutObject": "ObjectCreated:Put",
    "PostObject": "ObjectCreated:Post",
    "CopyObject": "ObjectCreated:Copy",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
}
_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"  # the ETag of a delete marker in its event


def is_watched(bucket: Bucket) -> bool:
    """Whether anybody is to hear of changes in the bucket."""
    kinds = bucket.configurations
    return notification_rules.KIND in kinds or replication_rules.KIND in kinds


async def note_created(
    tx: Transaction, call: Call, bucket: Bucket, key: bytes, version_id: str, new: NewVersion, row_id: int
) -> None:
    """A version was written, by the operation of the call."""
    if not is_watched(bucket):
        return
    event = _CREATED.get(call.operation.name, "ObjectCreated:Put")
    about = EventObject(key.decode(), shown_version(bucket, version_id), new.etag, new.size)
    change = await next_number(tx)
    await notify(tx, bucket, Cause.of(call), event, about, change)
    configuration = replication_configuration(bucket)
    if configuration is not None and new.storage_class not in ARCHIVES:  # these are not replicated
        tags = json.loads(new.tags_json) if new.tags_json else {}
        configuration = _for_encryption(configuration, new.encryption)
        if await _replicate(tx, call, bucket, configuration, key.decode(), version_id, tags, change):
            await set_replication_status(tx, row_id, "PENDING")


async def note_marker(tx: Transaction, call: Call, bucket: Bucket, key: bytes, version_id: str, row_id: int) -> None:
    """A delete marker was written."""
    if not is_watched(bucket):
        return
    change = await next_number(tx)
    about = EventObject(key.decode(), shown_version(bucket, version_id), _EMPTY_MD5)
    await notify(tx, bucket, Cause.of(call), "ObjectRemoved:DeleteMarkerCreated", about, change)
    configuration = replication_configuration(bucket)
    if configuration is not None:
        marking = ReplicationConfiguration(
            configuration.role, tuple(rule for rule in configuration.rules if rule.delete_markers)
        )
        if await _replicate(tx, call, bucket, marking, key.decode(), version_id, {}, change):
            await set_replication_status(tx, row_id, "PENDING")


async def note_removed(tx: Transaction, call: Call, bucket: Bucket, key: bytes, version_id: str) -> None:
    """A version is gone for good. That is not replicated: whoever deletes by accident keeps the replica."""
    if is_watched(bucket):
        about = EventObject(key.decode(), shown_version(bucket, version_id))
        await notify(tx, bucket, Cause.of(call), "ObjectRemoved:Delete", about, await next_number(tx))


async def note_altered(
    tx: Transaction, call: Call, bucket: Bucket, row: ObjectRow, event: str | None, tags: Mapping[str, str]
) -> None:
    """Tags, ACL or lock of a version were changed. event: `ObjectTagging:Put` …; None where S3 has none for it.

    tags: those the version has now.
    """
    if not is_watched(bucket):
        return
    key = row.key.decode()
    change = await next_number(tx)
    if event is not None:
        about = EventObject(key, shown_version(bucket, row.version_id), row.etag)
        await notify(tx, bucket, Cause.of(call), event, about, change)
    configuration = replication_configuration(bucket)
    if configuration is None or row.storage_class in ARCHIVES:
        return
    if row.replication_status == "REPLICA":
        again = tuple(rule for rule in configuration.rules if rule.replica_modifications)
        configuration = ReplicationConfiguration(configuration.role, again)
    elif row.replication_status is None:
        return  # it was there before the rules: only what they applied to when it was written is replicated
    configuration = _for_encryption(configuration, row.encryption)
    owed = await _replicate(tx, call, bucket, configuration, key, row.version_id, tags, change, alters=True)
    if owed and row.replication_status != "REPLICA":
        await set_replication_status(tx, row.id, "PENDING")


def _for_encryption(configuration: ReplicationConfiguration, stored: bytes | None) -> ReplicationConfiguration:
    """The rules that replicate a version with this encryption.

    What a key of KMS protects is replicated only by rules that say under which key. What a customer's key protects
    is not: the bytes cannot be opened without it, and a data key belongs to its bucket.
    """
    answer = encryption_answer(stored)
    if "SSECustomerAlgorithm" in answer:
        return ReplicationConfiguration(configuration.role, ())
    if answer.get("ServerSideEncryption") != SSE_KMS:
        return configuration
    rules = tuple(rule for rule in configuration.rules if rule.kms_key is not None)
    return ReplicationConfiguration(configuration.role, rules)


async def note_event(
    tx: Transaction,
    bucket: Bucket,
    cause: Cause,
    event: str,
    about: EventObject,
    more: Mapping[str, Any] | None = None,
) -> None:
    """An event of what is not replicated (`LifecycleExpiration:Delete`, `ObjectRestore:Completed` …).

    more: members of its record beside `s3`.
    """
    if is_watched(bucket):
        await notify(tx, bucket, cause, event, about, await next_number(tx), more)


async def set_replication_status(tx: Transaction, row_id: int, status: str) -> None:
    """PENDING, COMPLETED, FAILED or REPLICA."""
    await tx.execute("UPDATE object_versions SET replication_status = ? WHERE id = ?", status, row_id)


async def _replicate(
    tx: Transaction,
    call: Call,
    bucket: Bucket,
    configuration: ReplicationConfiguration,
    key: str,
    version_id: str,
    tags: Mapping[str, str],
    change: int,
    *,
    alters: bool = False,
) -> bool:
    """Owe the version to each destination that a rule names; whether there is one. alters: see Replica."""
    rules = configuration.rules_for(key, tags)
    for rule in rules:
        address = json.dumps({"source": bucket.name, "source_id": bucket.id, "destination": rule.destination})
        task = json.dumps(
            {"key": key, "version_id": version_id, "rule": rule.id, "alters": alters}, separators=(",", ":")
        )
        await put(
            tx, replication_rules.KIND, address, task,
            now=call.now, change=change, subject=replication_subject(bucket.id, key, version_id),
        )  # fmt: skip
    return bool(rules)


def replication_subject(bucket_id: int, key: str, version_id: str) -> str:
    """By what the entries about one version are found."""
    return f"{bucket_id} {version_id} {key}"


def shown_version(bucket: Bucket, version_id: str) -> str | None:
    """The version id as events tell it: not at all where there is no versioning."""
    return version_id if bucket.versioning and version_id != NULL_VERSION else None
