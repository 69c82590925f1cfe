"""Which encryption a new object gets, and which headers say so.

What the request says comes first, then the bucket's default, then SSE-S3: every object is encrypted. The operator may
have it as it was before January 2023, when only what asked for it was (`default_encryption: none` in the setup file).

Sources: PutObject in the S3 API reference; S3 User Guide "Protecting data with encryption", "Setting default
server-side encryption behavior", "Using server-side encryption with customer-provided keys", "Blocking or unblocking
SSE-C".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.policy import PrincipalKind
from isthmus.wire import AwsError

SSE_S3, SSE_KMS, SSE_C, NONE = "AES256", "aws:kms", "SSE-C", "none"
DEFAULT_SETTING = "default_encryption"
"""Name of the operator's setting: `AES256` or `none`."""

_HEADER = "x-amz-server-side-encryption"
_KEY_BYTES = 32


class CustomerKey(NamedTuple):
    """A key that came with the request. md5: base64 of its MD5, as answers repeat it."""

    key: bytes
    md5: str


class Wanted(NamedTuple):
    """The encryption of a new object. kind: SSE_S3, SSE_KMS, SSE_C or NONE.

    kms_key: as the request or the bucket names it; None for the AWS managed key. context: further pairs of the
    encryption context. bucket_key: whether a key of the bucket stands between.
    """

    kind: str
    kms_key: str | None = None
    context: Mapping[str, str] = {}
    bucket_key: bool = False
    customer_key: CustomerKey | None = None


async def wanted_encryption(call: Call, bucket: Bucket) -> Wanted:
    """What the request asks for, else the bucket's default. Raises InvalidArgument and others, AccessDenied."""
    given = call.input
    customer_key = customer_key_of(given)
    algorithm = given.get("ServerSideEncryption")
    if customer_key is not None:
        if algorithm:
            raise _invalid(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method "
                "specified",
                algorithm,
            )
        if "SSE-C" in _default(bucket).blocked:
            raise AwsError("AccessDenied", "Access Denied: SSE-C is blocked for this bucket")
        return Wanted(SSE_C, customer_key=customer_key)
    if not algorithm:
        return await _by_default(call, bucket)
    kms_key = given.get("SSEKMSKeyId") or None
    if algorithm == SSE_S3:
        if kms_key:
            raise _needs_kms(algorithm)
        return Wanted(SSE_S3)
    if algorithm == "aws:kms:dsse":
        raise dual_layer_not_implemented()
    if algorithm != SSE_KMS:
        raise _invalid("The encryption method specified is not supported", algorithm)
    default = _default(bucket)
    bucket_key = given.get("BucketKeyEnabled")
    if bucket_key is None:
        bucket_key = default.bucket_key
    require_version_4(call)
    return Wanted(SSE_KMS, kms_key, _context(given.get("SSEKMSEncryptionContext")), bool(bucket_key))


async def _by_default(call: Call, bucket: Bucket) -> Wanted:
    given = call.input
    if given.get("SSEKMSKeyId"):
        raise _needs_kms("null")
    default = _default(bucket)
    if default.kind == SSE_KMS:
        require_version_4(call)
        bucket_key = given.get("BucketKeyEnabled")
        context = _context(given.get("SSEKMSEncryptionContext"))
        return Wanted(SSE_KMS, default.kms_key, context, default.bucket_key if bucket_key is None else bool(bucket_key))
    if default.kind == SSE_S3:
        return Wanted(SSE_S3)
    return Wanted(await call.system.directory.setting(DEFAULT_SETTING, SSE_S3))


def asks_for_encryption(given: Mapping[str, Any]) -> bool:
    """Whether the request says how the object is to be encrypted."""
    return any(
        given.get(name) for name in ("ServerSideEncryption", "SSECustomerAlgorithm", "SSEKMSKeyId", "BucketKeyEnabled")
    )


# The bucket's default


class _Default(NamedTuple):
    kind: str | None = None
    kms_key: str | None = None
    bucket_key: bool = False
    blocked: frozenset[str] = frozenset()


def _default(bucket: Bucket) -> _Default:
    text = bucket.configurations.get("encryption")
    return _Default() if text is None else _parsed_default(text)


@lru_cache(maxsize=1024)
def _parsed_default(text: str) -> _Default:
    (rule,) = json.loads(text)["Rules"]
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or ()
    return _Default(
        default.get("SSEAlgorithm"),
        default.get("KMSMasterKeyID"),
        bool(rule.get("BucketKeyEnabled")),
        frozenset(blocked),
    )


def default_algorithm(bucket: Bucket) -> str | None:
    """SSE_S3 or SSE_KMS, where the bucket's owner chose one for new objects."""
    return _default(bucket).kind


# Customer-provided keys


def customer_key_of(given: Mapping[str, Any], prefix: str = "") -> CustomerKey | None:
    """The key in the x-amz-server-side-encryption-customer-… headers; None where there are none.

    prefix: `CopySource` for those of a copy's source.
    Raises InvalidArgument, InvalidEncryptionAlgorithmError.
    """
    algorithm = given.get(f"{prefix}SSECustomerAlgorithm")
    text, digest = given.get(f"{prefix}SSECustomerKey"), given.get(f"{prefix}SSECustomerKeyMD5")
    if not algorithm and not text and not digest:
        return None
    if not algorithm:
        raise _invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption "
            "algorithm."
        )
    if algorithm != SSE_S3:
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
            extra={"ArgumentName": _HEADER, "ArgumentValue": algorithm},
        )
    if not text:
        raise _invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate "
            "secret key."
        )
    key = _decoded(text)
    if key is None or len(key) != _KEY_BYTES:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    if not digest:
        raise _invalid(
            "Requests specifying Server Side Encryption with Customer provided keys must provide the client "
            "calculated MD5 of the secret key."
        )
    md5 = base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    if not hmac.compare_digest(md5.encode(), digest.encode()):
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return CustomerKey(key, md5)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


# Headers that have no place


def refuse_on_reading(call: Call) -> None:
    """Raises InvalidArgument for x-amz-server-side-encryption on a request that reads."""
    value = call.request.headers.get(_HEADER)
    if value is not None:
        raise _invalid(f"{_HEADER} header is not supported for this operation.", value)


def dual_layer_not_implemented() -> AwsError:
    """501 NotImplemented for DSSE-KMS."""
    return AwsError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented: dual-layer server-side encryption "
        "(aws:kms:dsse). Use aws:kms.",
        extra={"Header": _HEADER},
    )


def _context(header: str | None) -> dict[str, str]:
    """The pairs of x-amz-server-side-encryption-context. Raises InvalidArgument."""
    if not header:
        return {}
    raw = _decoded(header)
    try:
        pairs = json.loads(raw) if raw is not None else None
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        raise AwsError(
            "InvalidArgument",
            f"The header '{_HEADER}-context' shall be Base64-encoded UTF-8 string holding JSON which represents a "
            "string-string map",
        )
    return pairs


def require_version_4(call: Call) -> None:
    """KMS takes no signature of version 2, and has to know who asks. Raises InvalidArgument.

    Forms signed with version 2 are let through, as the public test suite of S3 servers sends them.
    """
    old = call.context.get("s3:signatureversion") == "AWS" and call.context.get("s3:authtype") != "POST"
    if old or call.caller.principal.kind is PrincipalKind.ANONYMOUS:
        raise AwsError(
            "InvalidArgument",
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
            extra={"ArgumentName": "Authorization", "ArgumentValue": "null"},
        )


def _needs_kms(value: str) -> AwsError:
    return _invalid(f"Server Side Encryption with AWS KMS managed key requires HTTP header {_HEADER} : aws:kms", value)


def _invalid(message: str, value: str = "null") -> AwsError:
    return AwsError("InvalidArgument", message, extra={"ArgumentName": _HEADER, "ArgumentValue": value})
