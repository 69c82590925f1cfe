"""What lifecycle rules and restored copies tell of, and to whom."""

from __future__ import annotations

from typing import Any

from delivery_builders import BUS, QUEUE, deliver, lines, names, open_targets, records
from object_builders import bucket, s3
from test_notifications import configure, queue, target

from builders import World, story
from isthmus.s3.deliveries.notifications import NOTIFICATIONS
from isthmus.s3.lifecycle import run_lifecycle

DAY = 86400.0
EVENTS = ("s3:LifecycleExpiration:*", "s3:LifecycleTransition", "s3:ObjectRestore:*")
LARGE = b"x" * 200_000


async def rules(world: World, name: str, *given: dict[str, Any]) -> None:
    named = [{"ID": f"r{number}", "Status": "Enabled", "Filter": {}, **rule} for number, rule in enumerate(given)]
    await s3(world, "PutBucketLifecycleConfiguration", Bucket=name, LifecycleConfiguration={"Rules": named})


@story
async def test_rules_tell_of_what_they_delete_mark_and_move(world: World) -> None:
    file = target(world)
    await open_targets(world, {QUEUE: file.as_uri()})
    await bucket(world, "plain")
    await bucket(world, "versions", versioning="Enabled")
    for name in ("plain", "versions"):
        await configure(world, name, queue(*EVENTS))
        await s3(world, "PutObject", Bucket=name, Key="k", body=LARGE)
        await rules(world, name, {"Expiration": {"Days": 2}}, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    await rules(
        world, "versions", {"Expiration": {"Days": 2}}, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}]},
    )  # fmt: skip
    for _ in range(8):
        world.now += DAY
        await run_lifecycle(world.system)
    await deliver(world, NOTIFICATIONS, turns=3)
    told = [(record["s3"]["bucket"]["name"], record["eventName"]) for record in records(file)]
    assert [event for name, event in told if name == "plain"] == ["LifecycleExpiration:Delete"]
    assert [event for name, event in told if name == "versions"] == [
        "LifecycleTransition",
        "LifecycleExpiration:DeleteMarkerCreated",
        "LifecycleExpiration:Delete",  # the version, noncurrent since the marker
        "LifecycleExpiration:Delete",  # the marker, alone since
    ]
    moved = next(record for record in records(file) if record["eventName"] == "LifecycleTransition")
    assert moved["lifecycleEventData"] == {"transitionEventData": {"destinationStorageClass": "GLACIER"}}
    assert moved["userIdentity"] == {"principalId": "s3.amazonaws.com"}
    assert moved["s3"]["object"]["size"] == len(LARGE)


@story
async def test_a_restored_copy_is_told_of_when_it_is_asked_for_and_when_it_is_there(world: World) -> None:
    file = target(world)
    await open_targets(world, {QUEUE: file.as_uri()})
    await bucket(world, "archive")
    await configure(world, "archive", queue(*EVENTS))
    await s3(world, "PutObject", Bucket="archive", Key="k", body=b"cold", StorageClass="GLACIER")
    for days in (1, 3):  # the second time the copy only lives longer
        await s3(world, "RestoreObject", Bucket="archive", Key="k", RestoreRequest={"Days": days})
    await deliver(world, NOTIFICATIONS)
    assert names(file) == [("ObjectRestore:Post", "k"), ("ObjectRestore:Completed", "k")]
    assert records(file)[1]["glacierEventData"]["restoreEventData"] == {
        "lifecycleRestorationExpiryTime": "2027-01-17T00:00:00.000Z",
        "lifecycleRestoreStorageClass": "GLACIER",
    }


@story
async def test_event_bridge_is_told_the_storage_classes(world: World) -> None:
    file = target(world)
    await open_targets(world, {BUS: file.as_uri()})
    await bucket(world, "archive")
    await configure(world, "archive", EventBridgeConfiguration={})
    await s3(world, "PutObject", Bucket="archive", Key="k", body=LARGE)
    await rules(world, "archive", {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}]})
    world.now += DAY
    await run_lifecycle(world.system)
    await s3(world, "RestoreObject", Bucket="archive", Key="k", RestoreRequest={"Days": 1})
    await deliver(world, NOTIFICATIONS)
    told = {message["detail-type"]: message["detail"] for message in lines(file)}
    assert told["Object Storage Class Changed"]["destination-storage-class"] == "GLACIER"
    assert told["Object Storage Class Changed"]["requester"] == "s3.amazonaws.com"
    completed = told["Object Restore Completed"]
    assert completed["source-storage-class"] == "GLACIER"
    assert completed["restore-expiry-time"] == "2027-01-18T00:00:00.000Z"
