"""Which events of a bucket go where: what a notification configuration must satisfy, and what it selects.

Source: S3 User Guide, "Amazon S3 Event Notifications" (event types, filtering by object key names, overlapping
configurations); PutBucketNotificationConfiguration in the S3 API reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import Arn, InvalidArn
from isthmus.wire import AwsError

from ..document_rules import invalid

KIND = "notification"
"""The bucket configuration, and the lanes of the outbox."""

# Member of the configuration, member of an entry with its target, AWS's word for the target, service of its ARN.
TARGETS = (
    ("TopicConfigurations", "TopicArn", "Topic", "sns"),
    ("QueueConfigurations", "QueueArn", "Queue", "sqs"),
    ("LambdaFunctionConfigurations", "LambdaFunctionArn", "CloudFunction", "lambda"),
)

EVENTS = frozenset({
    "s3:ReducedRedundancyLostObject", "s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ObjectAcl:Put",
    "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
    "s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete",
    "s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:ObjectAnnotation:*", "s3:ObjectAnnotation:Put", "s3:ObjectAnnotation:Delete", "s3:ObjectRetention:Put",
})  # fmt: skip
_VALUE_BYTES = 1024
_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """One entry of a configuration.

    events: with the leading `s3:`, wildcards as given; empty for EventBridge, which takes all it knows.
    """

    id: str
    arn: str
    events: frozenset[str] = frozenset()
    prefix: str = ""
    suffix: str = ""
    event_bridge: bool = False

    def takes(self, event: str, key: str) -> bool:
        """Whether an event (`ObjectCreated:Put`) on `key` is for this target."""
        if self.event_bridge:
            return True
        if not key.startswith(self.prefix) or not key.endswith(self.suffix):
            return False
        return f"s3:{event}" in self.events or f"s3:{event.partition(':')[0]}:*" in self.events


def notification_rules(bucket: Bucket) -> tuple[NotificationRule, ...]:
    """The entries of the bucket's configuration; none without one."""
    text = bucket.configurations.get(KIND)
    return () if text is None else _compiled(text, event_bus(bucket))


def event_bus(bucket: Bucket) -> str:
    """The ARN of what `EventBridgeConfiguration` means: the default event bus of the bucket's account and region."""
    return f"arn:aws:events:{bucket.region}:{bucket.account}:event-bus/default"


@lru_cache(maxsize=1024)
def _compiled(text: str, bus: str) -> tuple[NotificationRule, ...]:
    value = json.loads(text)
    rules = [_rule(entry, target) for entry, target, _ in _entries(value)]
    if "EventBridgeConfiguration" in value:
        rules.append(NotificationRule("EventBridge", bus, event_bridge=True))
    return tuple(rules)


def _rule(entry: dict[str, Any], target: str) -> NotificationRule:
    criteria = {rule["Name"].lower(): rule["Value"] for rule in _filter_rules(entry)}
    return NotificationRule(
        entry["Id"],
        entry[target],
        frozenset(entry["Events"]),
        criteria.get("prefix", ""),
        criteria.get("suffix", ""),
    )


def _entries(value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Every entry that names a target, the member that does, and the target's kind in AWS's words."""
    for member, target, word, _ in TARGETS:
        for entry in value.get(member) or ():
            yield entry, target, word


def _filter_rules(entry: dict[str, Any]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []
    return rules


# What a new configuration must satisfy


def check_notification(bucket: Bucket, value: dict[str, Any]) -> None:
    """Known events, filters and ARNs; no two entries that would both be told of one event.

    Raises InvalidArgument. The names of filter rules become `Prefix` and `Suffix`, as AWS gives them back.
    """
    seen: set[str] = set()
    services = {target: service for _, target, _, service in TARGETS}
    for entry, target, word in _entries(value):
        _check_arn(bucket, entry[target], word, services[target])
        for event in entry["Events"]:
            if event not in EVENTS:
                raise invalid("A specified event is not supported for notifications.", "Event", event)
        if not entry["Events"]:
            raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate")
        _check_filter(entry)
        name = entry.get("Id")
        if name is not None:
            if len(name) > _ID_LENGTH:
                raise invalid("Configuration ID length should not exceed allowed limit of 255", "Id", name)
            if name in seen:
                raise invalid(f"Same ID used for multiple configurations. IDs must be unique: {name}", "Id", name)
            seen.add(name)
    _check_overlaps([_rule({"Id": "", **entry}, target) for entry, target, _ in _entries(value)])


def name_entries(value: dict[str, Any], entropy: Callable[[int], bytes]) -> None:
    """Give each entry without an Id one, as S3 does."""
    for entry, _, _ in _entries(value):
        if not entry.get("Id"):
            entry["Id"] = entropy(18).hex()


def targets_of(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Each target's ARN and its kind in AWS's words, once."""
    return list(dict.fromkeys((entry[target], word) for entry, target, word in _entries(value)))


def _check_arn(bucket: Bucket, text: str, word: str, service: str) -> None:
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        raise invalid("The ARN could not be parsed", word, text) from None
    if arn.service != service or not arn.account or not arn.region:
        raise invalid("The ARN is not well formed", word, text)
    if arn.region != bucket.region:
        raise invalid(
            "The notification destination service region is not valid for the bucket location constraint", word, text
        )


def _check_filter(entry: dict[str, Any]) -> None:
    seen: set[str] = set()
    for rule in _filter_rules(entry):
        name = str(rule.get("Name", "")).lower()
        if name not in ("prefix", "suffix"):
            raise invalid(
                "filter rule name must be either prefix or suffix", "FilterRule.Name", str(rule.get("Name", ""))
            )
        if name in seen:
            raise invalid(f"Cannot specify more than one {name} rule in a filter.", "FilterRule.Name", name)
        seen.add(name)
        value = rule.setdefault("Value", "")
        if len(value.encode()) > _VALUE_BYTES:
            raise invalid(
                "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation", "FilterRule.Value", value
            )
        rule["Name"] = name.capitalize()


def _check_overlaps(rules: list[NotificationRule]) -> None:
    for number, one in enumerate(rules):
        for other in rules[number + 1 :]:
            if _share_events(one.events, other.events) and _share_keys(one, other):
                message = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
                if (one.prefix, one.suffix, other.prefix, other.suffix) != ("", "", "", ""):
                    message = (
                        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the "
                        "prefixes are overlapping for the same event type."
                    )
                raise invalid(message)


def _share_events(some: frozenset[str], others: frozenset[str]) -> bool:
    def wide(events: frozenset[str]) -> set[str]:
        return {event[:-1] for event in events if event.endswith("*")}

    return (
        bool(some & others)
        or any(event.startswith(group) for group in wide(some) for event in others)
        or any(event.startswith(group) for group in wide(others) for event in some)
    )


def _share_keys(one: NotificationRule, other: NotificationRule) -> bool:
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return prefixes and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
