"""Server access logging: where a bucket's records go, and writing them there as objects.

Records arrive in the outbox in batches, from every worker, in a lane for each target. A lane collects for a while;
then S3's log delivery writes what it holds as one object, and the target's policy (or, where the target takes ACLs,
its grants to the log delivery group) decides about that. What a target refuses is tried again for a day.

AWS takes targets of the same account only. Here another account's bucket may be one, if its policy lets log delivery
write for this bucket already when it is configured.

Sources: S3 User Guide, "Logging requests with server access logging" (object keys, requirements of the target),
"Enabling Amazon S3 server access logging" (permissions); PutBucketLogging in the S3 API reference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import bucket_arn
from isthmus.operation import Call, System, decide_for, service_call
from isthmus.store import Transaction
from isthmus.wire import AwsError, BytesBody

from ..acl import Grant
from ..acl_requests import grantee_of
from ..encryption import SSE_S3, default_algorithm
from ..resources import object_resource
from .courier import Courier, TryLater
from .outbox import Entry, Lane, crowded, put_all
from .service_objects import put_as_service

KIND = "logging"
"""The bucket configuration."""
LANE = "access-log"
"""The lanes of the outbox."""

SERVICE = "logging.s3.amazonaws.com"
MOST_WAITING = 100_000
"""Records that wait for one target that refuses them; more are dropped."""

_RECORDS = 5000  # in one object
_PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "WRITE"})


# Configuring it


async def prepare_logging(call: Call, bucket: Bucket, value: dict[str, Any]) -> dict[str, Any]:
    """A checked configuration as it is stored; an empty one turns logging off.

    Raises InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted, AccessControlListNotSupported,
    MalformedXML, InvalidArgument.
    """
    enabled = value.get("LoggingEnabled")
    if enabled is None:
        return {}
    target = await call.system.directory.bucket(enabled["TargetBucket"])
    if target is None:
        raise _invalid_target(enabled, "The target bucket for logging does not exist")
    if target.account != bucket.account and not await _allows(call, bucket, target, enabled["TargetPrefix"]):
        raise _invalid_target(enabled, "The owner for the bucket to be logged and the target bucket must be the same.")
    if target.region != bucket.region:
        # AWS spells the code so.
        raise AwsError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403)
    problem = _unfit(target)
    if problem is not None:
        raise _invalid_target(enabled, f"The target bucket for logging {problem}.")
    if len(enabled.get("TargetObjectKeyFormat") or {}) > 1:
        raise AwsError("MalformedXML", "TargetObjectKeyFormat is either a SimplePrefix or a PartitionedPrefix.")
    grants = enabled.get("TargetGrants") or []
    if grants and target.ownership == "BucketOwnerEnforced":
        raise AwsError("AccessControlListNotSupported", "Target grants not allowed for bucket owner enforced buckets")
    for grant in grants:
        if grant.get("Permission") not in _PERMISSIONS:
            raise AwsError("MalformedXML", "A target grant needs a Permission: FULL_CONTROL, READ or WRITE.")
        grantee = await grantee_of(call, grant.get("Grantee") or {})
        if grant["Grantee"]["Type"] == "AmazonCustomerByEmail":
            grant["Grantee"] = {"Type": "CanonicalUser", "ID": grantee}
    return value


def _invalid_target(enabled: dict[str, Any], message: str) -> AwsError:
    return AwsError("InvalidTargetBucketForLogging", message, extra={"TargetBucket": enabled["TargetBucket"]})


def _unfit(target: Bucket) -> str | None:
    """What keeps a bucket from being a target, whatever its policy says."""
    if json.loads(target.configurations.get("request-payment", "{}")).get("Payer") == "Requester":
        return "has Requester Pays on"
    if (json.loads(target.configurations.get("object-lock", "{}")).get("Rule") or {}).get("DefaultRetention"):
        return "has a default retention period"
    if default_algorithm(target) not in (None, SSE_S3):
        return "encrypts by default with a key of KMS"
    return None


async def _allows(call: Call, bucket: Bucket, target: Bucket, prefix: str) -> bool:
    """Whether log delivery may write there for this bucket now."""
    writing = await service_call(
        call.system, SERVICE, ("s3", "PutObject"), {"Bucket": target.name, "Key": prefix},
        source_account=bucket.account, source_arn=bucket_arn(bucket.name),
    )  # fmt: skip
    resource = await object_resource(writing, "s3:PutObject", target, prefix, None)
    return (await decide_for(writing, "s3:PutObject", resource)).allowed


# Records


def log_address(bucket: Bucket) -> str | None:
    """Where the bucket's records go, as the outbox names the lane; None where logging is off."""
    text = bucket.configurations.get(KIND)
    if text is None or text == "{}":
        return None
    return json.dumps({"bucket": bucket.name, "account": bucket.account, "region": bucket.region, "logging": text})


async def put_records(system: System, records: Sequence[tuple[str, float, str]]) -> None:
    """Write records: where each goes, when its request was received, its text. Raises StoreError.

    What a target has not taken for long is dropped rather than kept for ever: see MOST_WAITING.
    """
    by_address: dict[str, list[tuple[float, str]]] = {}
    for address, at, record in records:
        by_address.setdefault(address, []).append((at, record))
    full = {one for one in by_address if await crowded(system.objects, LANE, one, MOST_WAITING)}
    due = system.clock() + system.settings.access_log_seconds

    async def work(tx: Transaction) -> None:
        for address, found in by_address.items():
            if address not in full:
                await put_all(tx, LANE, address, found, due=due)

    await system.objects.write(work)


# Delivering


async def _deliver(system: System, lane: Lane, entries: list[Entry]) -> int:
    address = json.loads(lane.address)
    enabled = json.loads(address["logging"])["LoggingEnabled"]
    target = await system.directory.bucket(enabled["TargetBucket"])
    if target is not None and (problem := _unfit(target)) is not None:
        raise TryLater(f"the target bucket {problem}")
    partition = (enabled.get("TargetObjectKeyFormat") or {}).get("PartitionedPrefix")
    by_event = partition is not None and partition.get("PartitionDateSource") == "EventTime"
    chosen = _of_first_day(entries) if by_event else entries
    at = datetime.fromtimestamp(chosen[0].written if by_event else system.clock(), UTC)
    key = enabled["TargetPrefix"]
    if partition is not None:
        key += f"{address['account']}/{address['region']}/{address['bucket']}/{at:%Y/%m/%d}/"
    key += f"{at:%Y-%m-%d-}{'00-00-00' if by_event else f'{at:%H-%M-%S}'}-{system.entropy(8).hex().upper()}"
    text = "".join(entry.payload + "\n" for entry in chosen)
    try:
        await put_as_service(
            system, SERVICE, enabled["TargetBucket"], key, BytesBody(text.encode()),
            source_bucket=address["bucket"], source_account=address["account"], content_type="text/plain",
            grants=_grants(enabled),
        )  # fmt: skip
    except AwsError as error:
        raise TryLater(f"{error.code}: {error.message}") from error
    return len(chosen)


def _of_first_day(entries: Sequence[Entry]) -> list[Entry]:
    """The entries up to the first that is of another day than the first one."""
    day = entries[0].written // 86400
    chosen = []
    for entry in entries:
        if entry.written // 86400 != day:
            break
        chosen.append(entry)
    return chosen


def _grants(enabled: dict[str, Any]) -> list[Grant]:
    found = []
    for grant in enabled.get("TargetGrants") or ():
        grantee = grant["Grantee"]
        found.append(Grant(grantee.get("URI") or grantee["ID"], grant["Permission"]))
    return found


ACCESS_LOGS = Courier(
    LANE, "access log records", _deliver, batch=_RECORDS, collects=lambda system: system.settings.access_log_seconds
)
