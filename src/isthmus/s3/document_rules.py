"""What a new bucket configuration must satisfy before it is stored.

Each check takes the bucket and the parsed document and raises the AwsError that S3 answers. Shapes (names,
types, required members) were already held against the service model when the input was parsed; these are the
rules a model cannot say. Sources: the S3 API reference's page of each Put operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from isthmus.identity import Bucket
from isthmus.wire import AwsError

from .encryption import dual_layer_not_implemented

_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
_MOST_CORS_RULES = 100
_MOST_ROUTING_RULES = 50
_REDIRECT_CODES = ("301", "302", "303", "304", "305", "307", "308")
_ID_LENGTH = 255
_KMS = ("aws:kms", "aws:kms:dsse")


def malformed() -> AwsError:
    """The document does not have the shape AWS asks for."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def invalid(message: str, name: str = "", value: str = "") -> AwsError:
    """400 InvalidArgument."""
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
            if not header.isprintable():  # it goes into every answer to a page, which could not be sent then
                raise AwsError(
                    "InvalidRequest", f'ExposeHeader "{header}" contains line breaks or other control characters.'
                )


def _one_wildcard(element: str, texts: Iterable[str]) -> None:
    for text in texts:
        if text.count("*") > 1:
            raise AwsError("InvalidRequest", f'{element} "{text}" can not have more than one wildcard.')


def check_encryption(bucket: Bucket, value: dict[str, Any]) -> None:
    """One rule; a KMS key only for KMS encryption; SSE-C or nothing blocked. What it leaves out is written into it."""
    rules = value.get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm")
    if default and algorithm not in ("AES256", *_KMS):
        raise malformed()
    blocked = (rules[0].get("BlockedEncryptionTypes") or {}).get("EncryptionType") or []
    if not set(blocked) <= {"SSE-C", "NONE"} or len(blocked) > 1:
        raise malformed()
    if algorithm == "aws:kms:dsse":
        raise dual_layer_not_implemented()
    if not default:
        rules[0]["ApplyServerSideEncryptionByDefault"] = {"SSEAlgorithm": "AES256"}
    rules[0].setdefault("BucketKeyEnabled", False)
    if default.get("KMSMasterKeyID") and algorithm not in _KMS:
        raise invalid(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault",
        )


def check_website(bucket: Bucket, value: dict[str, Any]) -> None:
    """Either everything is redirected, or there is an index document."""
    redirect, index = value.get("RedirectAllRequestsTo"), value.get("IndexDocument")
    if redirect is not None:
        if index is not None or value.get("ErrorDocument") or value.get("RoutingRules"):
            raise invalid("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
        if not redirect.get("HostName"):
            raise malformed()
        return
    suffix = (index or {}).get("Suffix")
    if not suffix:
        raise invalid(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null",
        )
    if "/" in suffix:
        raise invalid("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    error = value.get("ErrorDocument")
    if error is not None and not error.get("Key"):
        raise invalid("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    routing = value.get("RoutingRules") or []
    if len(routing) > _MOST_ROUTING_RULES:
        raise AwsError(
            "InvalidRequest",
            f"{len(routing)} routing rules provided, the number of routing rules in a website configuration is "
            f"limited to {_MOST_ROUTING_RULES}.",
        )
    for rule in routing:
        _check_routing_rule(rule)


def _check_routing_rule(rule: dict[str, Any]) -> None:
    target, condition = rule.get("Redirect") or {}, rule.get("Condition")
    if not target:
        raise malformed()
    if condition is not None and not condition:
        raise AwsError(
            "InvalidRequest",
            "Condition cannot be empty. To redirect all requests without a condition, the condition element "
            "shouldn't be present.",
        )
    if "ReplaceKeyWith" in target and "ReplaceKeyPrefixWith" in target:
        raise AwsError("InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    code = target.get("HttpRedirectCode")
    if code is not None and code not in _REDIRECT_CODES:
        raise AwsError(
            "InvalidRequest",
            f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300.",
        )
    code = (condition or {}).get("HttpErrorCodeReturnedEquals")
    if code is not None and not re.fullmatch("[45][0-9]{2}", code):
        raise AwsError(
            "InvalidRequest",
            f"The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX.",
        )


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
