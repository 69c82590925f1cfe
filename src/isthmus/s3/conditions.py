"""The `s3:` condition keys that a request fills, from its parsed input; absent where nothing was sent.

Sources: Service Authorization Reference, "Condition keys for Amazon S3": which key an action has; S3 User Guide,
"Amazon S3 condition key examples". A request may be checked for several actions (a copy reads and writes), and each
check sees the keys of its own action only. Keys that describe the connection (`s3:authtype`, `s3:signatureage` …) are
in the call's own context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.policy import ContextValue

# What writes an object, and what sets access control lists.
_WRITING = frozenset({"s3:PutObject", "s3:BypassGovernanceRetention"})
_ACL = _WRITING | {"s3:CreateBucket", "s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"}
_TAGGING = _WRITING | {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"}
_RETAINING = frozenset({"s3:PutObject", "s3:PutObjectRetention"})
_HOLDING = frozenset({"s3:PutObject", "s3:PutObjectLegalHold"})
_LISTING = frozenset({"s3:ListBucket", "s3:ListBucketVersions"})
_TAGGING_BUCKETS = frozenset({"s3:CreateBucket", "s3:TagResource", "s3:UntagResource"})

# Input member -> condition key and the actions that have it.
_KEYS: dict[str, tuple[str, frozenset[str]]] = {
    "ACL": ("s3:x-amz-acl", _ACL),
    "GrantRead": ("s3:x-amz-grant-read", _ACL),
    "GrantWrite": ("s3:x-amz-grant-write", _ACL),
    "GrantReadACP": ("s3:x-amz-grant-read-acp", _ACL),
    "GrantWriteACP": ("s3:x-amz-grant-write-acp", _ACL),
    "GrantFullControl": ("s3:x-amz-grant-full-control", _ACL),
    "MetadataDirective": ("s3:x-amz-metadata-directive", _WRITING),
    "ServerSideEncryption": ("s3:x-amz-server-side-encryption", _WRITING),
    "SSEKMSKeyId": ("s3:x-amz-server-side-encryption-aws-kms-key-id", _WRITING),
    "SSECustomerAlgorithm": ("s3:x-amz-server-side-encryption-customer-algorithm", _WRITING),
    "StorageClass": ("s3:x-amz-storage-class", _WRITING),
    "WebsiteRedirectLocation": ("s3:x-amz-website-redirect-location", _WRITING),
    "ObjectOwnership": ("s3:x-amz-object-ownership", frozenset({"s3:CreateBucket"})),
    "IfMatch": ("s3:if-match", frozenset({"s3:PutObject", "s3:DeleteObject"})),
    "IfNoneMatch": ("s3:if-none-match", frozenset({"s3:PutObject"})),
    "ObjectLockMode": ("s3:object-lock-mode", _RETAINING),
    "ObjectLockLegalHoldStatus": ("s3:object-lock-legal-hold", _HOLDING),
}
_DAY = 86400.0

# Whether the call itself makes an object: the parts of an upload do not, completing it does.
_CREATES = {
    "PutObject": "true",
    "PostObject": "true",
    "CopyObject": "true",
    "CompleteMultipartUpload": "true",
    "CreateMultipartUpload": "false",
    "UploadPart": "false",
    "UploadPartCopy": "false",
}


def request_keys(call: Call, action: str) -> dict[str, ContextValue]:
    """The `s3:…` keys of the request for a check of `action`; a new dict that the caller may add to."""
    given = call.input
    keys: dict[str, ContextValue] = {}
    if len(given) > 1 + ("Key" in given):  # more than a bucket and a key: most reads have no more
        _add_parameters(call, action, keys)
    if action in _LISTING:
        _add_listing(call, keys)
    elif action == "s3:PutObject":
        creates = _CREATES.get(call.operation.name)
        if creates is not None:
            keys["s3:objectcreationoperation"] = creates
    return keys


def existing_tag_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """`s3:ExistingObjectTag/…` of an object with these tags."""
    return {f"s3:existingobjecttag/{name.lower()}": value for name, value in tags.items()}


def bucket_tag_keys(bucket: Bucket) -> dict[str, ContextValue]:
    """`s3:BucketTag/…` and `aws:ResourceTag/…` of a bucket whose tags control access: only where that is enabled
    (S3 User Guide, "Enabling ABAC in general purpose buckets")."""
    keys: dict[str, ContextValue] = {}
    if tags_control_access(bucket):
        for tag in json.loads(bucket.configurations.get("tagging") or '{"TagSet":[]}')["TagSet"]:
            name = tag["Key"].lower()
            keys[f"s3:buckettag/{name}"] = keys[f"aws:resourcetag/{name}"] = tag["Value"]
    return keys


def tags_control_access(bucket: Bucket) -> bool:
    """Whether attribute-based access control is enabled for the bucket."""
    text = bucket.configurations.get("abac")
    return text is not None and json.loads(text).get("Status") == "Enabled"


def requested_tags(tagging: Any) -> dict[str, str]:
    """The tags of a `Tagging` input: a header like `a=1&b=2`, or the parsed TagSet of a body."""
    if isinstance(tagging, str):
        return dict(parse_qsl(tagging, keep_blank_values=True))
    return {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet") or () if "Key" in tag and "Value" in tag}


def _add_parameters(call: Call, action: str, keys: dict[str, ContextValue]) -> None:
    given = call.input
    for name in _KEYS.keys() & given.keys():
        key, actions = _KEYS[name]
        if action in actions:
            keys[key] = str(given[name])
    if action in _WRITING and "CopySource" in given:
        keys["s3:x-amz-copy-source"] = unquote(str(given["CopySource"])).removeprefix("/")
    if action in _TAGGING and given.get("Tagging"):
        _add_tags(keys, requested_tags(given["Tagging"]), "s3:requestobjecttag")
    if action in _RETAINING:
        _add_retention(call, keys)
    hold = given.get("LegalHold") or {}
    if action in _HOLDING and hold.get("Status"):
        keys["s3:object-lock-legal-hold"] = hold["Status"]
    if action in _TAGGING_BUCKETS:
        _add_bucket_settings(given, keys)
    fields = (given.get("InventoryConfiguration") or {}).get("OptionalFields")
    if action == "s3:PutInventoryConfiguration" and fields:
        keys["s3:inventoryaccessibleoptionalfields"] = tuple(fields)


def _add_listing(call: Call, keys: dict[str, ContextValue]) -> None:
    given = call.input
    if "Prefix" in given:
        keys["s3:prefix"] = str(given["Prefix"])
    if "Delimiter" in given:
        keys["s3:delimiter"] = str(given["Delimiter"])
    if call.operation.name.startswith("ListObject"):
        keys["s3:max-keys"] = str(given.get("MaxKeys", 1000))


def _add_tags(keys: dict[str, ContextValue], tags: Mapping[str, str], prefix: str) -> None:
    for name, value in tags.items():
        keys[f"{prefix}/{name.lower()}"] = value
    keys[f"{prefix}keys"] = tuple(tags)


def _add_retention(call: Call, keys: dict[str, ContextValue]) -> None:
    given = call.input
    retention = given.get("Retention") or {}
    if retention.get("Mode"):
        keys["s3:object-lock-mode"] = retention["Mode"]
    until = given.get("ObjectLockRetainUntilDate") or retention.get("RetainUntilDate")
    if isinstance(until, datetime):
        keys["s3:object-lock-retain-until-date"] = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        days = int((until.timestamp() - call.now) / _DAY)
        keys["s3:object-lock-remaining-retention-days"] = str(max(days, 0))


def _add_bucket_settings(given: Mapping[str, Any], keys: dict[str, ContextValue]) -> None:
    configuration = given.get("CreateBucketConfiguration") or {}
    if configuration.get("LocationConstraint"):
        keys["s3:locationconstraint"] = configuration["LocationConstraint"]
    # Of CreateBucket and of TagResource; UntagResource names keys only.
    tags = configuration.get("Tags") or given.get("Tags") or ()
    if given.get("TagKeys"):
        keys["aws:tagkeys"] = tuple(given["TagKeys"])
    if tags:
        for tag in tags:
            keys[f"aws:requesttag/{tag['Key'].lower()}"] = tag["Value"]
        keys["aws:tagkeys"] = tuple(tag["Key"] for tag in tags)
