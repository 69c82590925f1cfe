"""What the lifecycle rules of a bucket say about one object: pure functions of the rules and the object.

Rules count in days, and everything they do becomes due at midnight UTC: the days are added to the moment something
began (an object was written, a version became noncurrent, an upload was begun), and the sum is rounded up to the
next midnight. A rule with a date is due at that date, for every object it selects.

`day` is the length of a day in seconds. It is 86400 but on servers for tests, whose days are shorter and begin at
multiples of their length since 1970, as real ones do.

Sources: S3 User Guide "Lifecycle configuration elements", "Expiring objects", "Transitioning objects using Amazon S3
Lifecycle", "How Amazon S3 handles conflicts in lifecycle configurations"; GetObject in the S3 API reference (the form
of x-amz-expiration).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from isthmus.identity import Bucket

from .storage_classes import SMALLEST_BYTES, may_move, preferred

KIND = "lifecycle"
"""Under which kind a bucket's configurations hold the document."""

DAY = 86400.0
DAY_SETTING = "lifecycle_day_seconds"
"""The operator's setting for the length of a day."""

_VARIES = "varies_by_storage_class"


class Subject(NamedTuple):
    """What rules look at.

    since: when an object was written, a version became noncurrent or an upload was begun; seconds since the epoch.
    tags_json: as stored; None for none.
    """

    key: bytes
    since: float
    size: int = 0
    tags_json: str | None = None
    storage_class: str = "STANDARD"
    is_delete_marker: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which objects a rule selects: all conditions hold. greater, less: bytes, exclusive."""

    prefix: bytes = b""
    tags: tuple[tuple[str, str], ...] = ()
    greater: int | None = None
    less: int | None = None

    @property
    def by_size(self) -> bool:
        """Whether the size of objects is asked for."""
        return self.greater is not None or self.less is not None

    def selects(self, subject: Subject) -> bool:
        """Whether the object is one of the rule's."""
        if not subject.key.startswith(self.prefix):
            return False
        if self.greater is not None and subject.size <= self.greater:
            return False
        if self.less is not None and subject.size >= self.less:
            return False
        if not self.tags:
            return True
        has: dict[str, str] = json.loads(subject.tags_json) if subject.tags_json else {}
        return all(has.get(name) == value for name, value in self.tags)


@dataclass(frozen=True, slots=True)
class Moment:
    """When an action is due: some days after a beginning, or at a date (seconds since the epoch)."""

    days: int = 0
    date: float | None = None

    def due(self, since: float, day: float = DAY) -> float:
        """The midnight at which it is due, for what began at `since`."""
        return self.date if self.date is not None else (math.floor(since / day + self.days) + 1) * day


@dataclass(frozen=True, slots=True)
class Noncurrent:
    """An action on noncurrent versions. newer: how many newer noncurrent versions there are at least."""

    moment: Moment
    newer: int = 0
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule. transitions: when to which class. abort: of uploads that are not completed."""

    id: str
    filter: Filter
    expiration: Moment | None = None
    expired_marker: bool = False
    transitions: tuple[tuple[Moment, str], ...] = ()
    noncurrent_expiration: Noncurrent | None = None
    noncurrent_transitions: tuple[Noncurrent, ...] = ()
    abort: Moment | None = None

    @property
    def acts_on_current(self) -> bool:
        """Whether current versions can be due by it."""
        return self.expiration is not None or self.expired_marker or bool(self.transitions)

    @property
    def acts_on_noncurrent(self) -> bool:
        """Whether noncurrent versions can be due by it."""
        return self.noncurrent_expiration is not None or bool(self.noncurrent_transitions)


class NoncurrentDue(NamedTuple):
    """What is due for a noncurrent version, each if enough newer noncurrent versions are there.

    expire: how many it takes to expire it; None when no rule does. moves: classes, and how many it takes.
    """

    expire: int | None
    moves: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The enabled rules of a bucket. varies: whether small objects may move to archives without being asked for."""

    rules: tuple[Rule, ...]
    varies: bool = False

    # Current versions

    def expires(self, subject: Subject, now: float, day: float = DAY) -> bool:
        """Whether a current version is due to expire; for a delete marker, whether its age is enough."""
        return any(
            rule.expiration is not None and rule.expiration.due(subject.since, day) <= now
            for rule in self._selecting(subject)
        )

    def removes_marker(self, subject: Subject, now: float, day: float = DAY) -> bool:
        """Whether a delete marker goes once no other version is left."""
        return self.expires(subject, now, day) or any(rule.expired_marker for rule in self._selecting(subject))

    def moves_to(self, subject: Subject, now: float, day: float = DAY) -> str | None:
        """The class that a current version is due to move to, if any."""
        return preferred({
            name
            for rule in self._selecting(subject)
            for moment, name in rule.transitions
            if moment.due(subject.since, day) <= now and self._may_move(rule, subject, name, day)
        })  # fmt: skip

    def expiration(self, subject: Subject) -> tuple[float, str] | None:
        """When a current version will expire, and by which rule; the earliest if several say so."""
        return min(
            (
                (rule.expiration.due(subject.since), rule.id)
                for rule in self._selecting(subject)
                if rule.expiration is not None
            ),
            default=None,
        )

    # Noncurrent versions

    def due_when_noncurrent(self, subject: Subject, now: float, day: float = DAY) -> NoncurrentDue:
        """What is due for a version that is noncurrent since `subject.since`."""
        expire: int | None = None
        moves: list[tuple[str, int]] = []
        for rule in self._selecting(subject):
            action = rule.noncurrent_expiration
            if action is not None and action.moment.due(subject.since, day) <= now:
                expire = action.newer if expire is None else min(expire, action.newer)
            moves += (
                (move.storage_class, move.newer)
                for move in rule.noncurrent_transitions
                if move.moment.due(subject.since, day) <= now and self._may_move(rule, subject, move.storage_class, day)
            )
        return NoncurrentDue(expire, tuple(moves))

    def earliest_noncurrent(self, since: float, day: float = DAY) -> float:
        """The first moment at which any rule could act on a version that is noncurrent since then."""
        return min(
            (
                action.moment.due(since, day)
                for rule in self.rules
                for action in (rule.noncurrent_expiration, *rule.noncurrent_transitions)
                if action is not None
            ),
            default=math.inf,
        )

    # Uploads

    def aborts(self, key: bytes, initiated: float, day: float = DAY) -> tuple[float, str] | None:
        """When an upload that is still not completed is aborted, and by which rule."""
        return min(
            (
                (rule.abort.due(initiated, day), rule.id)
                for rule in self.rules
                if rule.abort is not None and key.startswith(rule.filter.prefix)
            ),
            default=None,
        )

    # Common to all

    def prefixes(self, rules: Iterable[Rule]) -> list[bytes]:
        """The prefixes under which the rules select anything, in order, none within another."""
        found: list[bytes] = []
        for prefix in sorted({rule.filter.prefix for rule in rules}):
            if not found or not prefix.startswith(found[-1]):
                found.append(prefix)
        return found

    def _selecting(self, subject: Subject) -> Iterable[Rule]:
        return (rule for rule in self.rules if rule.filter.selects(subject))

    def _may_move(self, rule: Rule, subject: Subject, target: str, day: float) -> bool:
        if subject.is_delete_marker or not may_move(subject.storage_class, target):
            return False
        # A day that is shortened is for tests, whose objects are small.
        if subject.size >= SMALLEST_BYTES or rule.filter.by_size or day < DAY:
            return True
        return self.varies and target in ("GLACIER", "DEEP_ARCHIVE")


@lru_cache(maxsize=1024)
def rules_in(text: str) -> Lifecycle:
    """The enabled rules of a stored configuration; remembered by text."""
    document: dict[str, Any] = json.loads(text)
    rules = tuple(_rule(rule) for rule in document.get("Rules") or () if rule.get("Status") == "Enabled")
    return Lifecycle(rules, document.get("TransitionDefaultMinimumObjectSize") == _VARIES)


def lifecycle_of(bucket: Bucket) -> Lifecycle | None:
    """The enabled rules of a bucket; None where it has no configuration."""
    text = bucket.configurations.get(KIND)
    return None if text is None else rules_in(text)


def _rule(rule: Mapping[str, Any]) -> Rule:
    expiration: Mapping[str, Any] = rule.get("Expiration") or {}
    noncurrent: Mapping[str, Any] | None = rule.get("NoncurrentVersionExpiration")
    abort: Mapping[str, Any] | None = rule.get("AbortIncompleteMultipartUpload")
    return Rule(
        id=rule["ID"],
        filter=_filter(rule),
        expiration=_moment(expiration) if "Days" in expiration or "Date" in expiration else None,
        expired_marker=bool(expiration.get("ExpiredObjectDeleteMarker")),
        transitions=tuple((_moment(one), one["StorageClass"]) for one in rule.get("Transitions") or ()),
        noncurrent_expiration=None if noncurrent is None else _noncurrent(noncurrent),
        noncurrent_transitions=tuple(_noncurrent(one) for one in rule.get("NoncurrentVersionTransitions") or ()),
        abort=None if abort is None else Moment(abort["DaysAfterInitiation"]),
    )


def _filter(rule: Mapping[str, Any]) -> Filter:
    given: Mapping[str, Any] = rule.get("Filter") or {}
    both: Mapping[str, Any] = given.get("And") or given
    tags = both.get("Tags") or ([both["Tag"]] if both.get("Tag") else [])
    return Filter(
        prefix=(both.get("Prefix") or rule.get("Prefix") or "").encode(),
        tags=tuple((tag["Key"], tag["Value"]) for tag in tags),
        greater=both.get("ObjectSizeGreaterThan"),
        less=both.get("ObjectSizeLessThan"),
    )


def _moment(action: Mapping[str, Any]) -> Moment:
    date: str | None = action.get("Date")
    if date is None:
        return Moment(action["Days"])
    return Moment(date=datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp())


def _noncurrent(action: Mapping[str, Any]) -> Noncurrent:
    return Noncurrent(
        Moment(action.get("NoncurrentDays") or 0),
        action.get("NewerNoncurrentVersions") or 0,
        action.get("StorageClass") or "",
    )


# What clients are told. Dates are those of the calendar, however short the server's days are.


def expiration_header(bucket: Bucket, key: bytes, modified: float, size: int, tags_json: str | None) -> str | None:
    """The value of x-amz-expiration for a current version; None when no rule will expire it."""
    lifecycle = lifecycle_of(bucket)
    if lifecycle is None:
        return None
    found = lifecycle.expiration(Subject(key, modified, size, tags_json))
    if found is None:
        return None
    when, rule = found
    return f'expiry-date="{formatdate(when, usegmt=True)}", rule-id="{quote(rule, safe="")}"'


def abort_date(bucket: Bucket, key: bytes, initiated: float) -> tuple[float, str] | None:
    """When an upload will be aborted (seconds since the epoch), and the id of the rule; None if it will not be."""
    lifecycle = lifecycle_of(bucket)
    return None if lifecycle is None else lifecycle.aborts(key, initiated)
