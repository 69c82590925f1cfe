"""The `s3:…` condition keys of a request, taken from its parsed input.

A parameter that was not sent leaves its key out: "must encrypt" policies rely on the rules for missing keys.
Keys and the actions they belong to: Service Authorization Reference, "Condition keys for Amazon S3".
Keys that describe the connection (`s3:authtype`, `s3:signatureage` …) are in the call's own context.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from isthmus.operation import Call
from isthmus.policy import ContextValue

# Input member -> condition key. A member name means the same in every operation that has it, except the
# listing parameters, which only the listing actions see.
_KEYS = {
    "ACL": "s3:x-amz-acl",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "StorageClass": "s3:x-amz-storage-class",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
    "ObjectOwnership": "s3:x-amz-object-ownership",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "ObjectLockMode": "s3:object-lock-mode",
    "ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold",
}
_LISTING = frozenset({"s3:ListBucket", "s3:ListBucketVersions"})
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
    keys: dict[str, ContextValue] = {_KEYS[name]: str(given[name]) for name in _KEYS.keys() & given.keys()}
    if action in _LISTING:
        _add_listing(call, keys)
    elif action == "s3:PutObject":
        creates = _CREATES.get(call.operation.name)
        if creates is not None:
            keys["s3:objectcreationoperation"] = creates
    if "CopySource" in given:
        keys["s3:x-amz-copy-source"] = unquote(str(given["CopySource"])).removeprefix("/")
    if given.get("Tagging"):
        _add_tags(keys, requested_tags(given["Tagging"]), "s3:requestobjecttag")
    _add_lock(call, keys)
    _add_bucket_settings(given, keys)
    return keys


def existing_tag_keys(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """`s3:ExistingObjectTag/…` of an object with these tags."""
    return {f"s3:existingobjecttag/{name.lower()}": value for name, value in tags.items()}


def requested_tags(tagging: Any) -> dict[str, str]:
    """The tags of a `Tagging` input: a header like `a=1&b=2`, or the parsed TagSet of a body."""
    if isinstance(tagging, str):
        return dict(parse_qsl(tagging, keep_blank_values=True))
    return {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet") or () if "Key" in tag and "Value" in tag}


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


def _add_lock(call: Call, keys: dict[str, ContextValue]) -> None:
    given = call.input
    retention = given.get("Retention") or {}
    if retention.get("Mode"):
        keys["s3:object-lock-mode"] = retention["Mode"]
    hold = given.get("LegalHold") or {}
    if hold.get("Status"):
        keys["s3:object-lock-legal-hold"] = hold["Status"]
    until = given.get("ObjectLockRetainUntilDate") or retention.get("RetainUntilDate")
    if isinstance(until, datetime):
        keys["s3:object-lock-retain-until-date"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        days = int((until.timestamp() - call.now) / _DAY)
        keys["s3:object-lock-remaining-retention-days"] = str(max(days, 0))


def _add_bucket_settings(given: Mapping[str, Any], keys: dict[str, ContextValue]) -> None:
    configuration = given.get("CreateBucketConfiguration") or {}
    if configuration.get("LocationConstraint"):
        keys["s3:locationconstraint"] = configuration["LocationConstraint"]
    tags = configuration.get("Tags") or ()
    if tags:
        for tag in tags:
            keys[f"aws:requesttag/{tag['Key'].lower()}"] = tag["Value"]
        keys["aws:tagkeys"] = tuple(tag["Key"] for tag in tags)
    rules = (given.get("OwnershipControls") or {}).get("Rules") or ()
    if rules and rules[0].get("ObjectOwnership"):
        keys["s3:x-amz-object-ownership"] = rules[0]["ObjectOwnership"]
