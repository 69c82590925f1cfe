"""What a replication configuration must satisfy, and which of its rules apply to a version.

Two forms of rules exist. In the newer one a rule has a Filter and must say its priority and what becomes of delete
markers; in the older one it has a Prefix, and delete markers are always replicated. Of the rules that select a
version the one with the highest priority counts for each destination.

Sources: S3 User Guide, "Replication configuration file elements", "Backward compatibility"; PutBucketReplication in
the S3 API reference. Texts of errors are those S3 answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.wire import MALFORMED_XML, AwsError

KIND = "replication"
"""The bucket configuration, and the lanes of the outbox."""

_MOST_RULES = 1000
_ID_LENGTH = 255
_BUCKET_ARN = "arn:aws:s3:::"
_STORAGE_CLASSES = frozenset({
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
    "GLACIER", "DEEP_ARCHIVE",
})  # fmt: skip
_RTC_MINUTES = 15
_SCHEMA = (
    " for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more "
    "information."
)


@dataclass(frozen=True, slots=True)
class ReplicationRule:
    """One enabled rule.

    destination: a bucket's name. account: that it must belong to; None for any. owner_override: the replica belongs
    to the destination's account. storage_class: of the replica; None keeps the source's. replica_modifications:
    whether changes to tags, ACL and locks of replicas are replicated too. kms_key: for replicas of what KMS encrypts;
    None where the rule leaves that alone. tracked: whether it has metrics, without
    which S3 sends no replication events. minutes: after which a replica is late; None without such a threshold.
    """

    id: str
    priority: int
    prefix: str
    tags: Mapping[str, str]
    destination: str
    account: str | None
    owner_override: bool
    storage_class: str | None
    delete_markers: bool
    replica_modifications: bool
    kms_key: str | None
    tracked: bool
    minutes: int | None

    def selects(self, key: str, tags: Mapping[str, str]) -> bool:
        """Whether the filter selects a version with this key and these tags."""
        return key.startswith(self.prefix) and self.tags.items() <= tags.items()


@dataclass(frozen=True, slots=True)
class ReplicationConfiguration:
    """A bucket's configuration: the ARN of the role that replicates, and the enabled rules."""

    role: str
    rules: tuple[ReplicationRule, ...]

    def rules_for(self, key: str, tags: Mapping[str, str]) -> list[ReplicationRule]:
        """The rule that counts for each destination."""
        best: dict[str, ReplicationRule] = {}
        for rule in self.rules:
            if rule.selects(key, tags):
                other = best.get(rule.destination)
                if other is None or rule.priority > other.priority:
                    best[rule.destination] = rule
        return list(best.values())

    def rule(self, name: str) -> ReplicationRule | None:
        """The enabled rule of this id."""
        return next((rule for rule in self.rules if rule.id == name), None)


def replication_configuration(bucket: Bucket) -> ReplicationConfiguration | None:
    """The bucket's configuration; None without one, and while versioning is suspended."""
    text = bucket.configurations.get(KIND)
    return None if text is None or bucket.versioning != "Enabled" else _compiled(text)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> ReplicationConfiguration:
    value = json.loads(text)
    return ReplicationConfiguration(
        value["Role"], tuple(_rule(rule) for rule in value["Rules"] if rule["Status"] == "Enabled")
    )


def _rule(rule: dict[str, Any]) -> ReplicationRule:
    destination = rule["Destination"]
    criteria = _criteria(rule)
    tags = [*([criteria["Tag"]] if criteria.get("Tag") else []), *(criteria.get("Tags") or ())]
    time = destination.get("ReplicationTime") or {}
    metrics = destination.get("Metrics") or {}
    older = "Filter" not in rule
    markers = rule.get("DeleteMarkerReplication") or {}
    kms_key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    return ReplicationRule(
        id=rule["ID"],
        priority=rule.get("Priority") or 0,
        prefix=criteria.get("Prefix") or "",
        tags={tag["Key"]: tag["Value"] for tag in tags},
        destination=destination["Bucket"].removeprefix(_BUCKET_ARN),
        account=destination.get("Account"),
        owner_override="AccessControlTranslation" in destination,
        storage_class=destination.get("StorageClass"),
        delete_markers=older or markers.get("Status") == "Enabled",
        replica_modifications=_enabled(rule.get("SourceSelectionCriteria"), "ReplicaModifications"),
        kms_key=kms_key if _enabled(rule.get("SourceSelectionCriteria"), "SseKmsEncryptedObjects") else None,
        tracked=_on(metrics) or _on(time),
        minutes=(time.get("Time") or {}).get("Minutes") if _on(time) else None,
    )


def _criteria(rule: dict[str, Any]) -> dict[str, Any]:
    if "Filter" not in rule:
        return {"Prefix": rule.get("Prefix")}
    criteria: dict[str, Any] = rule["Filter"] or {}
    return criteria.get("And") or criteria


def _on(element: Mapping[str, Any] | None) -> bool:
    return (element or {}).get("Status") == "Enabled"


def _enabled(parent: Mapping[str, Any] | None, member: str) -> bool:
    return _on((parent or {}).get(member))


# What a new configuration must satisfy


def check_replication(bucket: Bucket, value: dict[str, Any]) -> None:
    """The rules of the document itself; that the destinations are there is `prepare_replication`'s to see.

    Raises InvalidRequest, InvalidArgument, MalformedXML.
    """
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidRequest",
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        )
    rules = value.get("Rules") or []
    if not 1 <= len(rules) <= _MOST_RULES:
        raise _malformed()
    _check_role(value.get("Role") or "")
    if any("ExistingObjectReplication" in rule for rule in rules):
        raise _malformed()  # as S3 answers since it replicates existing objects by Batch Operations only
    if len({"Filter" in rule for rule in rules}) > 1:
        raise _malformed()
    for rule in rules:
        _check_form(rule)
        _check_destination(rule)
    _check_distinct(rules)


def name_rules(value: dict[str, Any], entropy: Callable[[int], bytes]) -> None:
    """Give each rule without an ID one, as S3 does."""
    for rule in value["Rules"]:
        if not rule.get("ID"):
            rule["ID"] = entropy(18).hex()


def destinations_of(value: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Name and expected account of each destination."""
    found = [rule["Destination"] for rule in value["Rules"]]
    return [(one["Bucket"].removeprefix(_BUCKET_ARN), one.get("Account")) for one in found]


def check_destination_bucket(source: Bucket, destination: Bucket | None, account: str | None) -> None:
    """Raises InvalidRequest for a bucket that cannot take replicas."""
    if destination is None:
        raise AwsError("InvalidRequest", "Destination bucket must exist.")
    if destination.versioning != "Enabled":
        raise AwsError("InvalidRequest", "Destination bucket must have versioning enabled.")
    if destination.id == source.id:
        raise AwsError("InvalidRequest", "Destination bucket cannot be the same as the source bucket.")
    if account is not None and account != destination.account:
        raise AwsError("InvalidRequest", "Account does not match the owner of the destination bucket.")


def _check_role(text: str) -> None:
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        arn = None
    if arn is None or arn.service != "iam" or arn.resource_type != "role" or not is_account_id(arn.account):
        raise AwsError("InvalidArgument", "Invalid Role ARN", extra={"ArgumentName": "Role", "ArgumentValue": text})


def _check_form(rule: dict[str, Any]) -> None:
    if len(rule.get("ID") or "") > _ID_LENGTH:
        raise AwsError("InvalidArgument", "ID length should not exceed allowed limit of 255")
    if "Filter" not in rule:
        if "Prefix" not in rule:
            raise _malformed()
        for member in ("Priority", "DeleteMarkerReplication"):
            if member in rule:
                raise AwsError("InvalidRequest", f"{member} cannot be used{_SCHEMA}")
        return
    if "Prefix" in rule:
        raise _malformed()
    for member in ("Priority", "DeleteMarkerReplication"):
        if member not in rule:
            raise AwsError("InvalidRequest", f"{member} must be specified{_SCHEMA}")
    if rule["Priority"] < 0:
        raise _malformed()
    criteria = rule["Filter"] or {}
    both = criteria.get("And")
    if len(criteria) > 1 or (both is not None and len(both) + max(len(both.get("Tags") or ()) - 1, 0) < 2):
        raise _malformed()
    tags = [tag["Key"] for tag in (both or {}).get("Tags") or ()]
    if len(set(tags)) != len(tags):
        raise AwsError("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    if _on(rule["DeleteMarkerReplication"]) and (tags or "Tag" in criteria):
        raise AwsError(
            "InvalidRequest",
            "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 "
            "Developer Guide for more information.",
        )


def _check_destination(rule: dict[str, Any]) -> None:
    destination = rule["Destination"]
    name = destination["Bucket"]
    if not name.startswith(_BUCKET_ARN) or not name.removeprefix(_BUCKET_ARN) or "/" in name:
        raise AwsError("InvalidArgument", "Invalid bucket ARN", extra={"ArgumentName": "Bucket", "ArgumentValue": name})
    account = destination.get("Account")
    if account is not None and not is_account_id(account):
        raise AwsError(
            "InvalidArgument", "Invalid account ID", extra={"ArgumentName": "Account", "ArgumentValue": account}
        )
    if "AccessControlTranslation" in destination and account is None:
        raise AwsError("InvalidRequest", "Account must be specified if AccessControlTranslation is present.")
    storage_class = destination.get("StorageClass")
    if storage_class is not None and storage_class not in _STORAGE_CLASSES:
        raise _malformed()
    encrypted = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects")
    key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if key and encrypted is None:
        raise AwsError(
            "InvalidRequest", "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present."
        )
    if _on(encrypted) and not key:
        raise AwsError(
            "InvalidRequest", "EncryptionConfiguration must be specified if SseKmsEncryptedObjects tag is present."
        )
    _check_time(destination)


def _check_time(destination: dict[str, Any]) -> None:
    time, metrics = destination.get("ReplicationTime"), destination.get("Metrics")
    if _on(time) and not _on(metrics):
        raise AwsError("InvalidRequest", "Replication metrics must be enabled with Replication Time Control.")
    for element, member in ((time, "Time"), (metrics, "EventThreshold")):
        minutes = ((element or {}).get(member) or {}).get("Minutes")
        if minutes not in (None, _RTC_MINUTES):
            raise AwsError(
                "InvalidArgument",
                f"{member} must be {_RTC_MINUTES} minutes.",
                extra={"ArgumentName": "Minutes", "ArgumentValue": str(minutes)},
            )


def _check_distinct(rules: list[dict[str, Any]]) -> None:
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise AwsError("InvalidArgument", f"Rule Id must be unique. Found same Id for more than one rule: {twice}")
    if "Filter" in rules[0]:
        priorities = [rule["Priority"] for rule in rules]
        if len(set(priorities)) != len(priorities):
            twice = next(priority for priority in priorities if priorities.count(priority) > 1)
            raise AwsError("InvalidRequest", f"Found duplicate priority {twice} in the replication configuration.")
    elif len({rule["Destination"]["Bucket"] for rule in rules}) > 1:
        raise AwsError(
            "InvalidRequest",
            "The destination bucket must be the same for all rules; rules with a Filter may have several.",
        )


def _malformed() -> AwsError:
    return AwsError("MalformedXML", MALFORMED_XML)
