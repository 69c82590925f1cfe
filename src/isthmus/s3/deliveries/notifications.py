"""Event notifications: telling an event to whom the bucket's configuration says, and how it gets there.

An event is put into the outbox in the transaction of the change, once for each target, in a lane for each account
and ARN. So a target hears of every change, in order, at least once, and one that is down holds up no other.

Source: S3 User Guide, "Amazon S3 Event Notifications"; PutBucketNotificationConfiguration in the S3 API reference
(the test message, destinations that cannot be validated).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import Arn, canonical_id
from isthmus.operation import Call, System
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .courier import Courier, TryLater
from .event_records import (
    Cause,
    EventObject,
    event_bridge_message,
    goes_to_event_bridge,
    kept_event,
    s3_message,
    test_message,
)
from .event_targets import Opened, TargetFailed, opened_targets, target_of
from .notification_rules import KIND, event_bus, name_entries, notification_rules, targets_of
from .outbox import Entry, Lane, put


async def notify(
    tx: Transaction,
    bucket: Bucket,
    cause: Cause,
    event: str,
    about: EventObject,
    change: int,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Owe an event (`ObjectCreated:Put`) to each target that the bucket's configuration names for it.

    change: its number. more: members of the record beside `s3`.
    """
    for rule in notification_rules(bucket):
        if rule.takes(event, about.key) and (not rule.event_bridge or goes_to_event_bridge(event)):
            kept = kept_event(bucket, cause, event, about, rule.id, more or {})
            await put(tx, KIND, _lane_address(bucket.account, rule.arn), kept, now=cause.now, change=change)


async def prepare_notification(call: Call, bucket: Bucket, value: dict[str, Any]) -> dict[str, Any]:
    """A checked configuration as it is stored, its targets having taken the test message.

    Raises InvalidArgument for targets that are not there, not for this account, or do not take it.
    """
    name_entries(value, call.system.entropy)
    if call.input.get("SkipDestinationValidation"):
        return value
    targets = targets_of(value)
    if "EventBridgeConfiguration" in value:
        targets.append((event_bus(bucket), "EventBridge"))
    opened = await opened_targets(call.system)
    message = test_message(bucket, call.request_id, call.host_id, call.now)
    problems = await asyncio.gather(*(_problem(bucket, opened, arn, word, message) for arn, word in targets))
    found = [(arn, problem) for (arn, _), problem in zip(targets, problems, strict=True) if problem is not None]
    if found:
        extra: dict[str, str] = {}
        for number, (arn, problem) in enumerate(found, 1):
            extra |= {f"ArgumentName{number}": arn, f"ArgumentValue{number}": problem}
        raise AwsError("InvalidArgument", "Unable to validate the following destination configurations", extra=extra)
    return value


_NAMES = {"Topic": "topic", "Queue": "queue", "CloudFunction": "Lambda", "EventBridge": "event bus"}


async def _problem(bucket: Bucket, opened: Mapping[str, Opened], arn: str, word: str, message: bytes) -> str | None:
    """Why events cannot be sent to an ARN, in AWS's words where it has some."""
    name = _NAMES[word]
    target = opened.get(arn)
    if target is None:
        return f"The destination {name} does not exist"
    if not target.is_open_to(arn, bucket.account):
        return f"Permissions on the destination {name} do not allow S3 to publish notifications from this bucket"
    if word in ("Topic", "Queue"):  # S3 sends no test message to functions and buses
        try:
            await target_of(target.url).send([message])
        except TargetFailed as failure:
            return f"The destination {name} did not take the test message: {failure}"
    return None


def _lane_address(account: str, arn: str) -> str:
    """Accounts do not share lanes, so that none can hold up another by what it sends to an ARN not open to it."""
    return f"{account} {arn}"


async def _deliver(system: System, lane: Lane, entries: list[Entry]) -> int:
    account, _, arn = lane.address.partition(" ")
    target = (await opened_targets(system)).get(arn)
    if target is None:
        raise TryLater("no target is set up for this ARN")
    if not target.is_open_to(arn, account):
        raise TryLater("the target is not open to this account")
    if Arn.parse(arn).service == "events":
        messages = [event_bridge_message(entry.payload, entry.change) for entry in entries]
    else:
        found = await system.directory.account(account)
        owner = canonical_id(account) if found is None else found.canonical_id
        messages = [s3_message(entry.payload, entry.change, owner) for entry in entries]
    try:
        return await target_of(target.url).send(messages)
    except TargetFailed as failure:
        raise TryLater(str(failure), failure.taken) from failure


NOTIFICATIONS = Courier(KIND, "event notifications", _deliver)
