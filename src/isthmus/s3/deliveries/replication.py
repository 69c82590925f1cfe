"""Replication: versions of one bucket made again in another, by S3 in a role that the bucket's owner named.

Three parties decide, as on AWS: the role's trust policy, whether S3 may act in it; the role's own policies, what it
may read here and write there; the destination's bucket policy, where that is another account's. A refusal fails the
version for good, with AWS's name for the reason; what fails by itself (the disk is full) is tried again.

The replica (`replicas`), the source's status and the end of the task are one transaction: nothing is replicated twice,
or half.

Sources: S3 User Guide, "Replicating objects", "Setting up permissions for live replication", "Replication failure
reasons".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import Arn, bucket_arn
from isthmus.operation import (
    OPERATIONS,
    Call,
    Caller,
    Permission,
    Resource,
    RoleNotAssumed,
    System,
    assume_role_as_service,
    decide_for,
    service_call,
)
from isthmus.policy import ContextValue
from isthmus.store import Transaction
from isthmus.wire import AwsError, Request

from ..incoming import commit
from ..objects_table import ObjectRow, find_by_id, find_version
from ..resources import object_resource
from .changes import replication_subject, set_replication_status
from .courier import Courier, TryLater
from .event_records import Cause, EventObject, event_moment
from .notifications import notify
from .outbox import Entry, Lane, forget, next_number, others_about
from .replicas import Replica, ReplicationFails, bytes_for, encryption_of, make
from .replication_rules import (
    KIND,
    ReplicationRule,
    check_destination_bucket,
    destinations_of,
    name_rules,
    replication_configuration,
)

SERVICE = "s3.amazonaws.com"
_SESSION = "s3-replication"
_log = logging.getLogger("isthmus")


# Configuring it


async def _role_to_pass(call: Call) -> Resource:
    role = (call.input.get("ReplicationConfiguration") or {}).get("Role") or ""
    account = role.split(":")[4] if role.count(":") >= 5 else ""
    return Resource(role or "*", account or call.account, context={"iam:passedtoservice": SERVICE})


PASS_ROLE = Permission("iam:PassRole", on=_role_to_pass)
"""Whoever lets S3 act in a role must be allowed to hand it over (IAM User Guide, "Pass a role to an AWS service")."""


async def prepare_replication(call: Call, bucket: Bucket, value: dict[str, Any]) -> dict[str, Any]:
    """A checked configuration as it is stored.

    Raises InvalidRequest for destinations that cannot take replicas, AccessDenied for a role of another account.
    """
    if Arn.parse(value["Role"]).account != bucket.account:
        raise AwsError("AccessDenied", "Cross-account pass role is not allowed.")
    for name, account in destinations_of(value):
        check_destination_bucket(bucket, await call.system.directory.bucket(name), account)
    name_rules(value, call.system.entropy)
    return value


# Delivering


async def _deliver(system: System, lane: Lane, entries: list[Entry]) -> int:
    """Versions of different keys side by side, so that they share commits; those of one key one after the other."""
    address = json.loads(lane.address)
    together: dict[str, Entry] = {}
    for entry in entries:
        key = json.loads(entry.payload)["key"]
        if key in together:
            break
        together[key] = entry
    system.directory.refresh()
    # All come to their end, also where one fails: what they did is committed.
    outcomes = await asyncio.gather(
        *(_replicate(system, address, entry) for entry in together.values()), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, AwsError):
            raise TryLater(f"{outcome.code}: {outcome.message}") from outcome
        if outcome is not None:
            raise outcome
    return len(together)


async def _replicate(system: System, address: Mapping[str, Any], entry: Entry) -> None:
    task = json.loads(entry.payload)
    key, version_id = task["key"], task["version_id"]
    source = await system.directory.bucket(address["source"])
    row: ObjectRow | None = None
    if source is not None and source.id == address["source_id"]:
        row = await find_version(system.objects, source.id, key.encode(), version_id)
    if source is None or row is None:
        return  # deleted meanwhile
    configuration = replication_configuration(source)
    rule = None if configuration is None else configuration.rule(task["rule"])
    try:
        if configuration is None or rule is None:
            raise ReplicationFails("SrcBucketReplicationConfigMissing")
        destination = await system.directory.bucket(address["destination"])
        if destination is None or rule.account not in (None, destination.account):
            raise ReplicationFails("DstBucketNotFound")
        _check_destination(destination, row)
        caller, context = await _role(system, configuration.role, source)
        read, write = (_call(system, caller, context, bucket, key, version_id) for bucket in (source, destination))
        write.input.update(encryption_of(rule, row))
        await _authorise(read, source, write, destination, rule, row)
        await _write(Replica(source, destination, rule, row, write, task["alters"]), entry)
    except ReplicationFails as failure:
        _log.warning("%s of %s is not replicated to %s: %s", key, source.name, address["destination"], failure)
        await _fail(system, source, rule, row, address["destination"], failure.reason, entry)


def _check_destination(destination: Bucket, row: ObjectRow) -> None:
    if destination.versioning != "Enabled":
        raise ReplicationFails("DstBucketUnversioned")
    if (row.lock_mode or row.legal_hold) and not destination.object_lock:
        raise ReplicationFails("DstBucketObjectLockConfigMissing")
    payer = json.loads(destination.configurations.get("request-payment", "{}")).get("Payer")
    if payer == "Requester":
        raise ReplicationFails("DstPutObjNotPermitted", "the destination has Requester Pays on")


async def _role(system: System, role: str, source: Bucket) -> tuple[Caller, dict[str, ContextValue]]:
    try:
        return await assume_role_as_service(
            system, SERVICE, role, _SESSION, source_account=source.account, source_arn=bucket_arn(source.name)
        )
    except RoleNotAssumed as refusal:
        raise ReplicationFails("AssumeRoleNotPermitted", str(refusal)) from None


def _call(
    system: System, caller: Caller, context: dict[str, ContextValue], bucket: Bucket, key: str, version_id: str
) -> Call:
    call = Call(
        operation=OPERATIONS["s3", "PutObject"],
        input={"Bucket": bucket.name, "Key": key, "VersionId": version_id},
        caller=caller,
        request=Request("PUT", "/", "", {}, client=SERVICE, secure=True),
        system=system,
        context=context,
        request_id=system.entropy(8).hex().upper(),
        now=system.clock(),
        region=bucket.region,
    )
    call.found["bucket"] = bucket
    return call


async def _authorise(
    read: Call, source: Bucket, write: Call, destination: Bucket, rule: ReplicationRule, row: ObjectRow
) -> None:
    """Every permission that the version needs, in both buckets. Raises ReplicationFails."""
    if row.is_delete_marker:
        needed = [(write, destination, "s3:ReplicateDelete", "DstDelObjNotPermitted")]
    else:
        needed = [
            (read, source, "s3:GetObjectVersionForReplication", "SrcGetObjNotPermitted"),
            (read, source, "s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"),
            (write, destination, "s3:ReplicateObject", "DstPutObjNotPermitted"),
        ]
        if row.tags:
            needed += [
                (read, source, "s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted"),
                (write, destination, "s3:ReplicateTags", "DstPutTaggingNotPermitted"),
            ]
        if row.lock_mode:
            needed.append((read, source, "s3:GetObjectRetention", "SrcGetObjNotPermitted"))
        if row.legal_hold:
            needed.append((read, source, "s3:GetObjectLegalHold", "SrcGetObjNotPermitted"))
        if rule.owner_override and destination.ownership != "BucketOwnerEnforced":
            needed.append((write, destination, "s3:ObjectOwnerOverrideToBucketOwner", "DstPutAclNotPermitted"))
    key = row.key.decode()
    for call, bucket, action, reason in needed:
        resource = await object_resource(call, action, bucket, key, row if bucket is source else None)
        try:
            decision = await decide_for(call, action, resource)
        except AwsError as error:
            raise ReplicationFails(reason, error.message) from error
        if not decision.allowed:
            raise ReplicationFails(reason, decision.message)


async def _write(task: Replica, entry: Entry) -> None:
    """The replica as it has to be now, its source's status, and the end of the task. Raises ReplicationFails."""
    call, source, row = task.call, task.source, task.row
    copied = await bytes_for(task)

    async def work(tx: Transaction) -> bool:
        await forget(tx, (entry,))
        # Read again: only what is there in this transaction can be shared.
        still = await find_by_id(tx, row.id)
        if still is None or still.version_id != row.version_id or still.key != row.key:
            return False
        used = await make(tx, task, still, copied)
        if still.replication_status == "PENDING":
            subject = replication_subject(source.id, row.key.decode(), row.version_id)
            if not await others_about(tx, subject, entry):
                await set_replication_status(tx, still.id, "COMPLETED")
        minutes = task.rule.minutes
        if minutes is not None and call.now - entry.written > minutes * 60:
            await _tell(tx, call, source, task.rule, still, "OperationReplicatedAfterThreshold", {})
        return used

    written = () if copied is None else tuple(copied.written)
    if not await commit(call, task.destination, work, *written):
        for content in written:
            await call.system.contents.delete(content)


async def _fail(
    system: System,
    source: Bucket,
    rule: ReplicationRule | None,
    row: ObjectRow,
    destination: str,
    reason: str,
    entry: Entry,
) -> None:
    call = await service_call(
        system, SERVICE, ("s3", "PutObject"), {}, source_account=source.account, source_arn=bucket_arn(source.name)
    )

    async def work(tx: Transaction) -> None:
        await forget(tx, (entry,))
        still = await find_by_id(tx, row.id)
        if still is None or still.version_id != row.version_id or still.key != row.key:
            return
        if still.replication_status in ("PENDING", "COMPLETED"):
            await set_replication_status(tx, still.id, "FAILED")
        if rule is not None and rule.tracked:
            more = {"failureReason": reason, "destinationBucket": bucket_arn(destination)}
            await _tell(tx, call, source, rule, still, "OperationFailedReplication", more)

    await system.objects.write(work)


async def _tell(
    tx: Transaction,
    call: Call,
    source: Bucket,
    rule: ReplicationRule,
    row: ObjectRow,
    event: str,
    more: Mapping[str, str],
) -> None:
    data = {
        "replicationRuleId": rule.id,
        "destinationBucket": bucket_arn(rule.destination),
        "s3Operation": "OBJECT_DELETE" if row.is_delete_marker else "OBJECT_PUT",
        "requestTime": event_moment(row.modified),
        **more,
    }
    about = EventObject(row.key.decode(), row.version_id, row.etag or None, row.size)
    change = await next_number(tx)
    await notify(tx, source, Cause.of(call), f"Replication:{event}", about, change, {"replicationEventData": data})


REPLICATION = Courier(KIND, "replicas", _deliver, keeps=None)
