"""The lifecycle configuration of a bucket: stored, returned, and checked as S3 checks it before it is stored.

One document serves both generations of the API: PutBucketLifecycleConfiguration, whose rules have a `Filter`, and the
older PutBucketLifecycle, whose rules have a `Prefix`; they share their address and their elements.

What the rules then do is in `lifecycle_rules` and `lifecycle`.

Sources: PutBucketLifecycleConfiguration, PutBucketLifecycle in the S3 API reference; S3 User Guide "Lifecycle
configuration elements", "Transitioning objects using Amazon S3 Lifecycle" (minimum days).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.wire import AwsError

from .bucket_rows import drop_document, store_document
from .document_rules import invalid, malformed
from .documents import from_text, to_text
from .lifecycle_rules import DAY, DAY_SETTING, KIND
from .resources import bucket_permission, the_bucket
from .storage_classes import LEAST_DAYS, may_move
from .tags import OBJECT_TAGS, check_tags

_MOST_RULES = 1000
_ID_LENGTH = 255
_PREFIX_LENGTH = 1024
_MOST_DAYS = 2**31 - 1
_MOST_NEWER = 100
_MINIMUM = "TransitionDefaultMinimumObjectSize"
_USUAL_MINIMUM = "all_storage_classes_128K"
_MINIMUMS = (_USUAL_MINIMUM, "varies_by_storage_class")
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)

Rule = Mapping[str, Any]


@operation("s3", "GetBucketLifecycleConfiguration", bucket_permission("s3:GetLifecycleConfiguration"), anonymous=True)
async def get_bucket_lifecycle_configuration(call: Call) -> dict[str, Any]:
    """The rules, as they were given."""
    bucket = await the_bucket(call)
    text = bucket.configurations.get(KIND)
    if text is None:
        raise AwsError(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
            extra={"BucketName": bucket.name},
        )
    value: dict[str, Any] = from_text(text)
    return value


@operation("s3", "PutBucketLifecycleConfiguration", bucket_permission("s3:PutLifecycleConfiguration"), anonymous=True)
async def put_bucket_lifecycle_configuration(call: Call) -> dict[str, Any]:
    """Replace the rules. A rule without an id gets one."""
    bucket = await the_bucket(call)
    value = call.input.get("LifecycleConfiguration")
    minimum = call.input.get(_MINIMUM) or _USUAL_MINIMUM
    if value is None:
        raise malformed()
    if minimum not in _MINIMUMS:
        raise invalid(
            "The value must be all_storage_classes_128K or varies_by_storage_class",
            "x-amz-transition-default-minimum-object-size",
            minimum,
        )
    day: float = await call.system.directory.setting(DAY_SETTING, DAY)
    check_lifecycle(bucket, value, minimums=day >= DAY)
    rules = [{**rule, "ID": rule.get("ID") or call.system.entropy(18).hex()} for rule in value["Rules"]]
    await store_document(call, bucket, KIND, to_text({"Rules": rules, _MINIMUM: minimum}))
    return {_MINIMUM: minimum}


@operation("s3", "DeleteBucketLifecycle", bucket_permission("s3:PutLifecycleConfiguration"), anonymous=True)
async def delete_bucket_lifecycle(call: Call) -> dict[str, Any]:
    """Remove the rules."""
    await drop_document(call, await the_bucket(call), KIND)
    return {"ResponseStatus": 204}


# What a configuration must satisfy


def check_lifecycle(bucket: Bucket, value: Mapping[str, Any], *, minimums: bool = True) -> None:
    """Raises the AwsError that S3 answers: MalformedXML, InvalidArgument, InvalidRequest, InvalidTag and others.

    minimums: whether the days are counted that an object must stay in a class; not on servers for tests, where
    days are shorter.
    """
    if bucket.mfa_delete == "Enabled":
        raise AwsError(
            "InvalidBucketState",
            "Lifecycle configurations are not supported on buckets with MFA delete. Disable MFA delete first.",
        )
    rules: Sequence[Rule] = value.get("Rules") or []
    if not 1 <= len(rules) <= _MOST_RULES:
        raise malformed()
    _check_ids(rules)
    filtered = any("Filter" in rule for rule in rules)
    for rule in rules:
        if filtered and "Prefix" in rule:
            raise AwsError(
                "InvalidRequest",
                "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
            )
        if rule.get("Status") not in ("Enabled", "Disabled") or not ("Filter" in rule or "Prefix" in rule):
            raise malformed()
        _check_filter(rule)
        if not any(rule.get(action) for action in _ACTIONS):
            raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
        _check_expiration(rule)
        _check_transitions(rule, minimums)
        _check_noncurrent(rule, minimums)
        abort = rule.get("AbortIncompleteMultipartUpload")
        if abort is not None:
            _positive(abort.get("DaysAfterInitiation"), "DaysAfterInitiation", "AbortIncompleteMultipartUpload")


def _check_ids(rules: Sequence[Rule]) -> None:
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if any(len(text) > _ID_LENGTH for text in ids):
        raise invalid("ID length should not exceed allowed limit of 255")
    if len(set(ids)) != len(ids):
        twice = next(text for text in ids if ids.count(text) > 1)
        raise invalid(f"Rule ID must be unique. Found same ID for more than one rule: {twice}", "ID", twice)


def _check_filter(rule: Rule) -> None:
    """A filter has one criterion; several go inside And."""
    criteria: Mapping[str, Any] = rule.get("Filter") or {}
    if len(criteria) > 1:
        raise malformed()
    both: Mapping[str, Any] | None = criteria.get("And")
    tags: list[dict[str, Any]] = [criteria["Tag"]] if criteria.get("Tag") else []
    if both is not None:
        tags = both.get("Tags") or []
        if len(both) + max(len(tags) - 1, 0) < 2:
            raise malformed()
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) != len(keys):
        raise AwsError("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    check_tags(tags, OBJECT_TAGS)
    sizes = both or criteria
    greater, less = sizes.get("ObjectSizeGreaterThan"), sizes.get("ObjectSizeLessThan")
    if (greater is not None and greater < 0) or (less is not None and less < 1):
        raise AwsError("InvalidRequest", "Object size filters must be positive numbers of bytes.")
    if greater is not None and less is not None and less <= greater + 1:
        raise AwsError("InvalidRequest", "'ObjectSizeLessThan' must be greater than 'ObjectSizeGreaterThan' plus one")
    prefix = (both or criteria).get("Prefix") or rule.get("Prefix") or ""
    if len(prefix.encode()) > _PREFIX_LENGTH:
        raise AwsError("InvalidRequest", f"The maximum size of a prefix is {_PREFIX_LENGTH}.")
    _check_unfiltered(rule, bool(tags), greater is not None or less is not None)


def _check_unfiltered(rule: Rule, tags: bool, sizes: bool) -> None:
    """Uploads and delete markers have neither tags nor sizes to select them by."""
    criterion = "Tags" if tags else "Object Size" if sizes else ""
    if not criterion:
        return
    if rule.get("AbortIncompleteMultipartUpload"):
        raise AwsError("InvalidRequest", f"AbortIncompleteMultipartUpload cannot be specified with {criterion}.")
    if (rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker"):
        raise AwsError("InvalidRequest", f"ExpiredObjectDeleteMarker cannot be specified with {criterion}.")


def _check_expiration(rule: Rule) -> None:
    expiration: Mapping[str, Any] | None = rule.get("Expiration")
    if expiration is None:
        return
    given = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if expiration.get(name) is not None]
    if len(given) != 1:
        raise malformed()
    if expiration.get("Days") is not None:
        _positive(expiration["Days"], "Days", "Expiration")
    _check_date(expiration.get("Date"))


def _check_transitions(rule: Rule, minimums: bool) -> None:
    transitions: Sequence[Mapping[str, Any]] = rule.get("Transitions") or []
    for transition in transitions:
        if ("Days" in transition) == ("Date" in transition) or not transition.get("StorageClass"):
            raise malformed()
        if "Days" in transition:
            _nonnegative(transition["Days"], "Days", "Transition")
            _check_least(transition, "Days", minimums)
        _check_date(transition.get("Date"))
    _check_different(rule, transitions, "Transition")
    timed = [("Expiration", rule.get("Expiration") or {}), *(("Transition", one) for one in transitions)]
    kinds = {name for _, action in timed for name in ("Days", "Date") if action.get(name) is not None}
    if len(kinds) > 1:
        raise AwsError(
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for "
            f"{_filter_text(rule)}",
        )
    for name in kinds:
        end = (rule.get("Expiration") or {}).get(name)
        if end is not None and any(end <= one[name] for one in transitions):
            raise invalid(
                f"'{name}' in the Expiration action for {_filter_text(rule)} must be greater than '{name}' in the "
                "Transition action"
            )
        _check_order(rule, transitions, name, "Transition", minimums)


def _check_noncurrent(rule: Rule, minimums: bool) -> None:
    expiration: Mapping[str, Any] | None = rule.get("NoncurrentVersionExpiration")
    if expiration is not None:
        _positive(expiration.get("NoncurrentDays"), "NoncurrentDays", "NoncurrentVersionExpiration")
        _check_newer(rule, expiration, "NoncurrentVersionExpiration")
    transitions: Sequence[Mapping[str, Any]] = rule.get("NoncurrentVersionTransitions") or []
    for transition in transitions:
        if transition.get("NoncurrentDays") is None or not transition.get("StorageClass"):
            raise malformed()
        _nonnegative(transition["NoncurrentDays"], "NoncurrentDays", "NoncurrentVersionTransition")
        _check_least(transition, "NoncurrentDays", minimums)
        _check_newer(rule, transition, "NoncurrentVersionTransition")
    _check_different(rule, transitions, "NoncurrentVersionTransition")
    if expiration is not None and any(expiration["NoncurrentDays"] <= one["NoncurrentDays"] for one in transitions):
        raise invalid(
            f"'NoncurrentDays' in the NoncurrentVersionExpiration action for {_filter_text(rule)} must be greater "
            "than 'NoncurrentDays' in the NoncurrentVersionTransition action"
        )
    _check_order(rule, transitions, "NoncurrentDays", "NoncurrentVersionTransition", minimums)


def _check_newer(rule: Rule, action: Mapping[str, Any], name: str) -> None:
    newer = action.get("NewerNoncurrentVersions")
    if newer is None:
        return
    if "Filter" not in rule:
        raise AwsError("InvalidRequest", "NewerNoncurrentVersions can only be used in rules with a Filter.")
    if not 1 <= newer <= _MOST_NEWER:
        raise invalid(f"'NewerNoncurrentVersions' for {name} action must be between 1 and {_MOST_NEWER}")


def _check_least(transition: Mapping[str, Any], name: str, minimums: bool) -> None:
    least = LEAST_DAYS.get(transition["StorageClass"], 0)
    if minimums and transition[name] < least:
        raise invalid(
            f"'{name}' in Transition action must be greater than or equal to {least} for storageClass "
            f"'{transition['StorageClass']}'"
        )


def _check_different(rule: Rule, transitions: Sequence[Mapping[str, Any]], name: str) -> None:
    classes = [one["StorageClass"] for one in transitions]
    if len(set(classes)) != len(classes):
        raise AwsError(
            "InvalidRequest",
            f"'StorageClass' must be different for '{name}' actions in same 'Rule' with {_filter_text(rule)}",
        )


def _check_order(rule: Rule, transitions: Sequence[Mapping[str, Any]], name: str, action: str, minimums: bool) -> None:
    """A lower class is reached later, and after the days that the class above it takes."""
    for upper, lower in permutations(transitions, 2):
        origin, target = upper["StorageClass"], lower["StorageClass"]
        if not may_move(origin, target):
            continue
        least = LEAST_DAYS.get(origin, 0) if minimums and name != "Date" else 0
        if lower[name] <= upper[name] or (least and lower[name] < upper[name] + least):
            more = f"{least} days more" if least else "greater"
            raise invalid(
                f"'{name}' in the '{target}' {action} action for {_filter_text(rule)} must be {more} than '{name}' "
                f"in the '{origin}' {action} action"
            )


def _positive(value: int | None, name: str, action: str) -> None:
    if value is None or value <= 0:
        raise invalid(f"'{name}' for {action} action must be a positive integer")
    if value > _MOST_DAYS:
        raise malformed()


def _nonnegative(value: int, name: str, action: str) -> None:
    if value < 0:
        raise invalid(f"'{name}' in {action} action must be nonnegative")
    if value > _MOST_DAYS:
        raise malformed()


def _check_date(date: datetime | None) -> None:
    if date is not None:
        moment = date.astimezone(UTC)
        if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
            raise invalid("'Date' must be at midnight GMT")


def _filter_text(rule: Rule) -> str:
    """The rule's filter, as S3 names a rule in its messages."""
    return f"filter '{' and '.join(_criteria(rule))}'"


def _criteria(rule: Rule) -> Iterator[str]:
    criteria: Mapping[str, Any] = rule.get("Filter") or {}
    both: Mapping[str, Any] = criteria.get("And") or criteria
    yield f"(prefix={both.get('Prefix') or rule.get('Prefix') or ''})"
    for tag in both.get("Tags") or ([both["Tag"]] if both.get("Tag") else []):
        yield f"(tag: key={tag['Key']}, value={tag['Value']})"
