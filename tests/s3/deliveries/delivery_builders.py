"""What tests of deliveries arrange: targets of events, turns of couriers, what is left in the outbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from object_builders import bucket, rows, s3

from builders import PRODUCTION, World
from isthmus.s3.deliveries.courier import Courier, deliver_due
from isthmus.s3.deliveries.event_targets import SETTING, Opened, check_target, sealed_table

QUEUE = f"arn:aws:sqs:us-east-1:{PRODUCTION}:uploads"
TOPIC = f"arn:aws:sns:us-east-1:{PRODUCTION}:news"
FUNCTION = f"arn:aws:lambda:us-east-1:{PRODUCTION}:function:resize"
BUS = f"arn:aws:events:us-east-1:{PRODUCTION}:event-bus/default"

EVERYTHING = [
    "s3:ObjectCreated:*",
    "s3:ObjectRemoved:*",
    "s3:ObjectTagging:*",
    "s3:ObjectAcl:Put",
    "s3:ObjectRetention:Put",
]


async def open_targets(world: World, table: Mapping[str, str | Opened]) -> None:
    """Set up the operator's table: ARN to address."""
    opened = {arn: check_target(arn, one, ()) if isinstance(one, str) else one for arn, one in table.items()}
    await world.sql("DELETE FROM settings WHERE name = ?", SETTING)
    sealed = json.dumps(sealed_table(world.system, opened))
    await world.sql("INSERT INTO settings (name, value) VALUES (?, ?)", SETTING, sealed)


def queue(*events: str, arn: str = QUEUE, prefix: str | None = None, suffix: str | None = None) -> dict[str, Any]:
    """An entry for a queue."""
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    entry: dict[str, Any] = {"QueueArn": arn, "Events": list(events)}
    return entry | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})


async def configure(world: World, name: str, *queues: dict[str, Any], **more: Any) -> None:
    """Tell these queues, and what more says, of the bucket's events."""
    configuration = {"QueueConfigurations": list(queues), **more}
    await s3(world, "PutBucketNotificationConfiguration", Bucket=name, NotificationConfiguration=configuration)


def target(world: World, name: str = "events") -> Path:
    """A file beside the world's databases."""
    return Path(world.store.contents._folder).parent / f"{name}.jsonl"  # type: ignore[attr-defined]


async def watched(world: World, name: str, *events: str, **columns: Any) -> Path:
    """A bucket whose queue is a file."""
    await bucket(world, name, **columns)
    file = target(world)
    await open_targets(world, {QUEUE: file.as_uri()})
    await configure(world, name, queue(*(events or EVERYTHING)))
    return file


async def upload_in_parts(world: World, name: str, key: str) -> None:
    """Write an object in one part."""
    begun = await s3(world, "CreateMultipartUpload", Bucket=name, Key=key)
    where = {"Bucket": name, "Key": key, "UploadId": begun["UploadId"]}
    part = await s3(world, "UploadPart", **where, PartNumber=1, body=b"part")
    listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    await s3(world, "CompleteMultipartUpload", **where, MultipartUpload=listed)


async def deliver(world: World, courier: Courier, turns: int = 1) -> None:
    """So many turns of a courier."""
    for _ in range(turns):
        await deliver_due(world.system, courier)


async def owed(world: World, kind: str) -> list[str]:
    """The payloads that wait, in the order of delivery."""
    found = await rows(
        world,
        "SELECT payload FROM outbox JOIN outbox_lanes l ON l.id = lane WHERE l.kind = ? ORDER BY outbox.id",
        kind,
    )
    return [payload for (payload,) in found]


def lines(path: Path) -> list[dict[str, Any]]:
    """The messages in a target file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def records(path: Path) -> list[dict[str, Any]]:
    """The event records in a target file, without test messages."""
    return [record for message in lines(path) for record in message.get("Records", ())]


def names(path: Path) -> list[tuple[str, str]]:
    """Event and key of each record in a target file."""
    return [(record["eventName"], record["s3"]["object"]["key"]) for record in records(path)]
