"""What a new bucket configuration must satisfy before it is stored.

Each check takes the bucket and the parsed document and raises the AwsError that S3 answers. Shapes (names,
types, required members) were already held against the service model when the input was parsed; these are the
rules a model cannot say. Sources: the S3 API reference's page of each Put operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.wire import AwsError

_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
_MOST_CORS_RULES = 100
_MOST_LIFECYCLE_RULES = 1000
_ID_LENGTH = 255
_KMS = ("aws:kms", "aws:kms:dsse")
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)


def malformed() -> AwsError:
    """The document does not have the shape AWS asks for."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def _invalid(message: str, name: str = "", value: str = "") -> AwsError:
    extra = {"ArgumentName": name, "ArgumentValue": value} if name else None
    return AwsError("InvalidArgument", message, extra=extra)


def accept(bucket: Bucket, value: dict[str, Any]) -> None:
    """Nothing beyond the shape."""


def check_cors(bucket: Bucket, value: dict[str, Any]) -> None:
    """One to a hundred rules, known methods, one wildcard at most in an origin or header."""
    rules = value.get("CORSRules") or []
    if not 1 <= len(rules) <= _MOST_CORS_RULES:
        raise malformed()
    for rule in rules:
        methods, origins = rule.get("AllowedMethods") or [], rule.get("AllowedOrigins") or []
        if not methods or not origins or len(rule.get("ID") or "") > _ID_LENGTH:
            raise malformed()
        for method in methods:
            if method not in _METHODS:
                raise AwsError(
                    "InvalidRequest",
                    f"Found unsupported HTTP method in CORS config. Unsupported method is {method}",
                )
        _one_wildcard("AllowedOrigin", origins)
        _one_wildcard("AllowedHeader", rule.get("AllowedHeaders") or [])
        for header in rule.get("ExposeHeaders") or []:
            if "*" in header:
                raise AwsError(
                    "InvalidRequest",
                    f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for '
                    "ExposeHeader.",
                )


def _one_wildcard(element: str, texts: Iterable[str]) -> None:
    for text in texts:
        if text.count("*") > 1:
            raise AwsError("InvalidRequest", f'{element} "{text}" can not have more than one wildcard.')


def check_lifecycle(bucket: Bucket, value: dict[str, Any]) -> None:
    """Unique ids, an action and either a filter or a prefix in each rule, sensible times."""
    rules = value.get("Rules") or []
    if not 1 <= len(rules) <= _MOST_LIFECYCLE_RULES:
        raise malformed()
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if any(len(text) > _ID_LENGTH for text in ids):
        raise _invalid("ID length should not exceed allowed limit of 255")
    if len(set(ids)) != len(ids):
        twice = next(text for text in ids if ids.count(text) > 1)
        raise _invalid(f"Rule ID must be unique. Found same ID for more than one rule: {twice}", "ID", twice)
    for rule in rules:
        if rule.get("Status") not in ("Enabled", "Disabled"):
            raise malformed()
        if ("Filter" in rule) == ("Prefix" in rule):
            raise malformed()
        _check_filter(rule.get("Filter") or {})
        if not any(rule.get(action) for action in _ACTIONS):
            raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
        _check_times(rule)


def _check_filter(criteria: dict[str, Any]) -> None:
    """A filter has one criterion; several go inside And."""
    if len(criteria) > 1:
        raise malformed()
    both = criteria.get("And")
    if both is not None:
        tags = both.get("Tags") or []
        if len(both) + max(len(tags) - 1, 0) < 2:
            raise malformed()
        keys = [tag["Key"] for tag in tags]
        if len(set(keys)) != len(keys):
            raise AwsError("InvalidRequest", "Duplicate Tag Keys are not allowed.")


def _check_times(rule: dict[str, Any]) -> None:
    expiration = rule.get("Expiration")
    if expiration is not None:
        given = [name for name in ("Days", "Date") if expiration.get(name) is not None]
        marker = expiration.get("ExpiredObjectDeleteMarker")
        if len(given) + (marker is not None) != 1:
            raise malformed()
        _check_moment(expiration, "Expiration")
    for transition in rule.get("Transitions") or []:
        if ("Days" in transition) == ("Date" in transition) or not transition.get("StorageClass"):
            raise malformed()
        _check_moment(transition, "Transition", least=0)
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is not None and (noncurrent.get("NoncurrentDays") or 0) <= 0:
        raise _invalid("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
    for transition in rule.get("NoncurrentVersionTransitions") or []:
        if (transition.get("NoncurrentDays") or 0) < 0:
            raise _invalid("'NoncurrentDays' for NoncurrentVersionTransition action must be nonnegative")
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is not None and (abort.get("DaysAfterInitiation") or 0) <= 0:
        raise _invalid("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")


def _check_moment(action: dict[str, Any], name: str, least: int = 1) -> None:
    days, date = action.get("Days"), action.get("Date")
    if days is not None and days < least:
        kind = "a positive integer" if least else "nonnegative"
        raise _invalid(f"'Days' for {name} action must be {kind}")
    if isinstance(date, datetime):
        moment = date.astimezone(UTC)
        if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
            raise _invalid("'Date' must be at midnight GMT")


def name_rules(value: dict[str, Any], entropy: Callable[[int], bytes]) -> None:
    """Give each lifecycle rule without an ID one, as S3 does."""
    for rule in value.get("Rules") or []:
        if not rule.get("ID"):
            rule["ID"] = entropy(18).hex()


def check_encryption(bucket: Bucket, value: dict[str, Any]) -> None:
    """One rule; a KMS key only for KMS encryption."""
    rules = value.get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm")
    if default and algorithm not in ("AES256", *_KMS):
        raise malformed()
    if default.get("KMSMasterKeyID") and algorithm not in _KMS:
        raise _invalid("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")


def check_website(bucket: Bucket, value: dict[str, Any]) -> None:
    """Either everything is redirected, or there is an index document."""
    redirect, index = value.get("RedirectAllRequestsTo"), value.get("IndexDocument")
    if redirect is not None:
        if index is not None or value.get("ErrorDocument") or value.get("RoutingRules"):
            raise _invalid("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
        if not redirect.get("HostName"):
            raise malformed()
        return
    suffix = (index or {}).get("Suffix")
    if not suffix:
        raise _invalid(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null",
        )
    if "/" in suffix:
        raise _invalid("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    for rule in value.get("RoutingRules") or []:
        target = rule.get("Redirect") or {}
        if not target:
            raise malformed()
        if "ReplaceKeyWith" in target and "ReplaceKeyPrefixWith" in target:
            raise AwsError("InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")


def check_replication(bucket: Bucket, value: dict[str, Any]) -> None:
    """Replication copies versions: both need versioning; rules need a role and a destination."""
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidRequest",
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        )
    rules = value.get("Rules") or []
    if not value.get("Role") or not 1 <= len(rules) <= _MOST_LIFECYCLE_RULES:
        raise malformed()
    for rule in rules:
        if not (rule.get("Destination") or {}).get("Bucket", "").startswith("arn:aws:s3:::"):
            raise _invalid("Invalid bucket ARN")


def check_request_payment(bucket: Bucket, value: dict[str, Any]) -> None:
    """The payer is one of two."""
    if value.get("Payer") not in ("BucketOwner", "Requester"):
        raise malformed()


def check_accelerate(bucket: Bucket, value: dict[str, Any]) -> None:
    """Acceleration works by host names, which rules out dots."""
    if value.get("Status") not in ("Enabled", "Suspended"):
        raise malformed()
    if "." in bucket.name:
        raise AwsError(
            "InvalidRequest",
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        )
