"""Events as JSON: what S3 sends to queues, topics and functions, and what it sends to EventBridge.

What is known when the event happens is kept in the outbox (`kept_event`); the two formats are made of that when it
is delivered.

Sources: S3 User Guide, "Event message structure" and "EventBridge event message structure".
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.policy import PrincipalKind

# Event versions by group: 2.1 unless said otherwise. Same page: 2.2 for replication, 2.3 for the later ones.
_VERSIONS = {
    "Replication": "2.2",
    "LifecycleExpiration": "2.3",
    "LifecycleTransition": "2.3",
    "IntelligentTiering": "2.3",
    "ObjectAcl": "2.3",
    "ObjectTagging": "2.3",
    "ObjectRetention": "2.3",
    "ObjectRestore:Delete": "2.3",
}

# What EventBridge calls an event, and what it says of it beyond the object. Events that are not here do not go there.
_DETAIL_TYPES: dict[str, tuple[str, dict[str, str]]] = {
    "ObjectCreated": ("Object Created", {}),
    "ObjectRemoved:Delete": ("Object Deleted", {"deletion-type": "Permanently Deleted"}),
    "ObjectRemoved:DeleteMarkerCreated": ("Object Deleted", {"deletion-type": "Delete Marker Created"}),
    "LifecycleExpiration:Delete": ("Object Deleted", {"deletion-type": "Permanently Deleted"}),
    "LifecycleExpiration:DeleteMarkerCreated": ("Object Deleted", {"deletion-type": "Delete Marker Created"}),
    "LifecycleTransition": ("Object Storage Class Changed", {}),
    "ObjectRestore:Post": ("Object Restore Initiated", {}),
    "ObjectRestore:Completed": ("Object Restore Completed", {}),
    "ObjectRestore:Delete": ("Object Restore Expired", {}),
    "ObjectTagging:Put": ("Object Tags Added", {}),
    "ObjectTagging:Delete": ("Object Tags Deleted", {}),
    "ObjectAcl:Put": ("Object ACL Updated", {}),
}
# Groups whose events name their reason (PutObject, DeleteObject …) in EventBridge, and have a sequencer.
_WITH_REASON = frozenset({"ObjectCreated", "ObjectRemoved", "LifecycleExpiration"})
_CLASS_AS = {"LifecycleTransition": "destination-storage-class", "ObjectRestore": "source-storage-class"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Who made a change and by which request.

    principal: `AWS:` and the unique id as in aws:userid, or a service's name. account: of the requester; a service's
    name. address: the client's; a service's name. reason: the API operation, or what a service did.
    """

    principal: str
    account: str
    address: str
    request_id: str
    host_id: str
    reason: str
    now: float

    @classmethod
    def lifecycle(cls, request_id: str, now: float) -> Cause:
        """What caused a change is a lifecycle rule, which S3 carries out itself."""
        service = "s3.amazonaws.com"
        return cls(service, service, service, request_id, "", "Lifecycle Expiration", now)

    @classmethod
    def of(cls, call: Call) -> Cause:
        """What caused a change is this call."""
        user = call.context.get("aws:userid")
        principal = call.caller.principal.arn if user is None else f"AWS:{user}"
        is_service = call.caller.principal.kind is PrincipalKind.SERVICE
        return cls(
            principal,
            principal if is_service else call.account,
            call.request.client.removeprefix("::ffff:"),
            call.request_id,
            call.host_id,
            call.operation.name,
            call.now,
        )


@dataclass(frozen=True, slots=True)
class EventObject:
    """The object of an event. Members that its kind of event does not have are None.

    storage_class: that an object was moved to, or restored from; only EventBridge is told it as such.
    """

    key: str
    version_id: str | None = None
    etag: str | None = None
    size: int | None = None
    storage_class: str | None = None


def kept_event(
    bucket: Bucket, cause: Cause, event: str, about: EventObject, rule_id: str, more: Mapping[str, Any]
) -> str:
    """The event as the outbox keeps it. more: members of S3's record beside `s3`, like `replicationEventData`."""
    kept = {
        "bucket": bucket.name,
        "account": bucket.account,
        "region": bucket.region,
        "cause": asdict(cause),
        "event": event,
        "object": {name: value for name, value in asdict(about).items() if value is not None},
        "rule": rule_id,
        "more": dict(more),
    }
    return json.dumps(kept, separators=(",", ":"))


def goes_to_event_bridge(event: str) -> bool:
    """Whether EventBridge has a name for the event."""
    return _detail_type(event) is not None


def s3_message(kept: str, change: int, owner: str) -> bytes:
    """The message to a queue, topic or function. owner: canonical id of the bucket's owner."""
    event = json.loads(kept)
    name, about, cause = event["event"], event["object"], event["cause"]
    group = name.partition(":")[0]
    described: dict[str, Any] = {"key": quote_plus(about["key"], safe="/")}
    if "size" in about:
        described["size"] = about["size"]
    if "etag" in about:
        described["eTag"] = about["etag"]
    if "version_id" in about:
        described["versionId"] = about["version_id"]
    if group in _WITH_REASON:
        described["sequencer"] = _sequencer(change)
    record = {
        "eventVersion": _VERSIONS.get(name) or _VERSIONS.get(group, "2.1"),
        "eventSource": "aws:s3",
        "awsRegion": event["region"],
        "eventTime": event_moment(cause["now"]),
        "eventName": name,
        "userIdentity": {"principalId": cause["principal"]},
        "requestParameters": {"sourceIPAddress": cause["address"]},
        "responseElements": {"x-amz-request-id": cause["request_id"], "x-amz-id-2": cause["host_id"]},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": event["rule"],
            "bucket": {
                "name": event["bucket"],
                "ownerIdentity": {"principalId": owner},
                "arn": f"arn:aws:s3:::{event['bucket']}",
            },
            "object": described,
        },
        **event["more"],
    }
    return _json({"Records": [record]})


def event_bridge_message(kept: str, change: int) -> bytes:
    """The event for EventBridge. Its id is the same however often it is delivered."""
    event = json.loads(kept)
    name, about, cause = event["event"], event["object"], event["cause"]
    found = _detail_type(name)
    if found is None:
        raise ValueError(f"EventBridge has no event {name}")
    detail_type, said = found
    described: dict[str, Any] = {"key": about["key"]}
    for member, written in (("size", "size"), ("etag", "etag"), ("version_id", "version-id")):
        if member in about:
            described[written] = about[member]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": event["bucket"]},
        "object": described,
        "request-id": cause["request_id"],
        "requester": cause["account"],
    }
    if cause["address"] != cause["principal"]:
        detail["source-ip-address"] = cause["address"]
    group = name.partition(":")[0]
    if group in _WITH_REASON:
        described["sequencer"] = _sequencer(change)
        detail["reason"] = cause["reason"]
    if "storage_class" in about:
        detail[_CLASS_AS[group]] = about["storage_class"]
    if "glacierEventData" in event["more"]:
        expiry = event["more"]["glacierEventData"]["restoreEventData"]["lifecycleRestorationExpiryTime"]
        detail["restore-expiry-time"] = expiry[:19] + "Z"
    digest = hashlib.sha256(f"{event['account']} {event['bucket']} {change}".encode()).digest()
    return _json(
        {
            "version": "0",
            "id": str(uuid.UUID(bytes=digest[:16], version=4)),
            "detail-type": detail_type,
            "source": "aws.s3",
            "account": event["account"],
            "time": event_moment(cause["now"])[:19] + "Z",
            "region": event["region"],
            "resources": [f"arn:aws:s3:::{event['bucket']}"],
            "detail": {**detail, **said, **_of_storage_class(event["more"])},
        }
    )


def _of_storage_class(more: Mapping[str, Any]) -> dict[str, str]:
    """What EventBridge is told of a transition or a restored copy, from the members of S3's own record."""
    moved = (more.get("lifecycleEventData") or {}).get("transitionEventData") or {}
    restored = (more.get("glacierEventData") or {}).get("restoreEventData") or {}
    told = {
        "destination-storage-class": moved.get("destinationStorageClass"),
        "source-storage-class": restored.get("lifecycleRestoreStorageClass"),
        "restore-expiry-time": restored.get("lifecycleRestorationExpiryTime"),
    }
    return {name: value for name, value in told.items() if value is not None}


def test_message(bucket: Bucket, request_id: str, host_id: str, now: float) -> bytes:
    """What S3 sends to each queue and topic of a new configuration."""
    return _json(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": event_moment(now),
            "Bucket": bucket.name,
            "RequestId": request_id,
            "HostId": host_id,
        }
    )


def _detail_type(event: str) -> tuple[str, dict[str, str]] | None:
    return _DETAIL_TYPES.get(event) or _DETAIL_TYPES.get(event.partition(":")[0])


def _sequencer(change: int) -> str:
    """Larger as text for later changes, as long as both have 16 digits."""
    return f"{change:016X}"


def event_moment(seconds: float) -> str:
    """A time as S3's messages and reports write it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
