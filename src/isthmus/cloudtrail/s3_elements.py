"""What records say of S3 requests: their names, parameters and resources.

Bucket-level operations are management events, object-level ones (and the listings and HeadBucket) data events; some
carry other names than the API's (S3 User Guide, "Amazon S3 CloudTrail events"). Parameters are those of the HTTP
request: the bucket and key, the query, `x-amz-` headers, and the document of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from isthmus.identity import Bucket
from isthmus.names import bucket_arn, object_arn
from isthmus.operation import Call
from isthmus.wire import operation_model, service_model

from .elements import is_hidden, written_time

_LISTINGS = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})
_NAMES = {
    "ListObjectsV2": "ListObjects",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
}
# Of a presigned URL's parameters these are told; its credential, token and signature are not.
_SIGNATURE_PARAMETERS = ("X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders")
_HIDDEN_HEADERS = frozenset({"x-amz-mfa", "x-amz-security-token"})
_MAIL = re.compile(r'emailaddress="?[^",]*"?,? ?', re.IGNORECASE)


def _data_operations() -> frozenset[str]:
    model = service_model("s3")
    of_objects = {
        name
        for name in model.operation_names
        if (shape := model.operation_model(name).input_shape) is not None and "Key" in shape.members
    }
    return frozenset(of_objects | _LISTINGS | {"HeadBucket", "DeleteObjects", "PostObject"})


DATA_OPERATIONS = _data_operations()
"""S3 operations whose records are data events."""


def event_name(operation: str) -> str:
    """What records call an operation."""
    return _NAMES.get(operation, operation)


def request_parameters(call: Call, mail: bool = True) -> dict[str, Any]:
    """The parameters of a request. mail: whether the e-mail addresses of ACL grantees are told, which the bucket's
    owner is not (S3 User Guide, "Object-level actions in a cross-account scenario")."""
    given, query = call.input, call.request.query
    shown: dict[str, Any] = {}
    if given.get("Bucket"):
        shown["bucketName"] = given["Bucket"]
    host = call.request.headers.get("host")
    if host:
        shown["Host"] = host
    if given.get("Key"):
        shown["key"] = given["Key"]
    if "X-Amz-" in query:
        sent = dict(parse_qsl(query, keep_blank_values=True))
        shown |= {name: sent[name] for name in _SIGNATURE_PARAMETERS if name in sent}
    if call.operation.name in service_model("s3").operation_names:
        shown |= _from_model(call)
    return shown if mail else without_mail(shown)


def resources(call: Call) -> list[dict[str, str]]:
    """The objects and buckets of a request, with the accounts of the buckets."""
    bucket = call.found.get("bucket")
    if not isinstance(bucket, Bucket):
        name = call.input.get("Bucket")
        if not name or call.operation.name != "CreateBucket":
            return []
        return [{"accountId": call.account, "type": "AWS::S3::Bucket", "ARN": bucket_arn(name)}]
    shown = [_object(bucket, call)] if call.operation.name in DATA_OPERATIONS else []
    if call.operation.name == "DeleteObjects":
        shown = [
            {"type": "AWS::S3::Object", "ARN": object_arn(bucket.name, one["Key"])}
            for one in (call.input.get("Delete") or {}).get("Objects") or ()
            if one.get("Key")
        ]
    shown.append(_bucket(bucket))
    source, copied = call.found.get("source_bucket"), call.found.get("copy_source")
    if isinstance(source, Bucket) and copied is not None:
        shown += [{"type": "AWS::S3::Object", "ARN": object_arn(source.name, copied.key)}, _bucket(source)]
    return shown


def owners(call: Call) -> list[str]:
    """The accounts of the buckets that a request is about, each once: those that receive a record of it.

    Of an object that another account owns, the bucket's owner receives records only if the object's ACL names it.
    """
    found: list[str] = []
    bucket, source = call.found.get("bucket"), call.found.get("source_bucket")
    if isinstance(bucket, Bucket) and _may_know(call, bucket, call.found.get("object")):
        found.append(bucket.account)
    if isinstance(source, Bucket) and _may_know(call, source, call.found.get("source")):
        found.append(source.account)
    return found


def additional_event_data(call: Call, host_id: str, bytes_out: int) -> dict[str, Any]:
    """`additionalEventData` of S3."""
    shown: dict[str, Any] = {}
    version = call.context.get("s3:signatureversion")
    if version is not None:
        shown["SignatureVersion"] = "SigV2" if version == "AWS" else "SigV4"
        shown["AuthenticationMethod"] = _AUTHENTICATION.get(str(call.context.get("s3:authtype")), "AuthHeader")
    length = call.request.headers.get("content-length", "")
    shown["bytesTransferredIn"] = int(length) if length.isdecimal() else call.request.body.length or 0
    shown["bytesTransferredOut"] = bytes_out
    if host_id:
        shown["x-amz-id-2"] = host_id
    return shown


def without_mail(shown: dict[str, Any]) -> dict[str, Any]:
    """Parameters without the e-mail addresses of grantees."""
    cleaned: dict[str, Any] = {}
    for name, value in shown.items():
        if name.startswith("x-amz-grant"):
            cleaned[name] = _MAIL.sub("", str(value)).rstrip(", ")
        elif name != "EmailAddress":
            cleaned[name] = _without(value)
    return cleaned


_AUTHENTICATION = {"REST-HEADER": "AuthHeader", "REST-QUERY-STRING": "QueryString", "POST": "Post"}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return without_mail(value)
    return [_without(item) for item in value] if isinstance(value, list) else value


def _may_know(call: Call, bucket: Bucket, row: Any) -> bool:
    if bucket.ownership == "BucketOwnerEnforced" or bucket.account == call.account:
        return True
    if row is not None:
        if row.owner == bucket.account:
            return True
        canonical = call.system.directory.cache.get(("account", bucket.account))
        return canonical is not None and row.acl is not None and canonical.canonical_id in row.acl
    if call.operation.name not in ("PutObject", "PostObject", "CopyObject"):
        return True
    # A new object belongs to its writer here, unless the writer shares it with the bucket's owner.
    return str(call.input.get("ACL") or "").startswith(("bucket-owner", "public-read"))


def _object(bucket: Bucket, call: Call) -> dict[str, str]:
    key = call.input.get("Key")
    if key:
        return {"type": "AWS::S3::Object", "ARN": object_arn(bucket.name, key)}
    return {"type": "AWS::S3::Object", "ARNPrefix": object_arn(bucket.name, call.input.get("Prefix") or "")}


def _bucket(bucket: Bucket) -> dict[str, str]:
    return {"accountId": bucket.account, "type": "AWS::S3::Bucket", "ARN": bucket_arn(bucket.name)}


@cache
def _plan(operation: str) -> tuple[tuple[str, ...], dict[str, tuple[str, str, Any]]]:
    """Query parameters that the operation always has, and each input member's place, name there and shape."""
    model = operation_model("s3", operation)
    always = tuple(
        part.partition("=")[0] for part in model.http["requestUri"].partition("?")[2].split("&") if "x-id" not in part
    )
    places = {
        name: (shape.serialization.get("location", "body"), shape.serialization.get("name", name), shape)
        for name, shape in (model.input_shape.members.items() if model.input_shape is not None else ())
        if name not in ("Bucket", "Key", "Body")
    }
    return tuple(name for name in always if name), places


def _from_model(call: Call) -> dict[str, Any]:
    always, places = _plan(call.operation.name)
    shown: dict[str, Any] = dict.fromkeys(always, "")
    for member, value in call.input.items():
        location, name, shape = places.get(member, ("", "", None))
        if value is None or shape is None or location == "headers":
            continue
        if location == "header" and (not name.startswith("x-amz-") or name in _HIDDEN_HEADERS or _is_secret(name)):
            continue
        if member == "Policy":
            shown["bucketPolicy"] = _policy(value)
        else:
            shown[name] = _value(shape, value)
    return shown


def _is_secret(header: str) -> bool:
    """Keys of SSE-C and what is derived from them."""
    return "customer-key" in header


def _policy(value: Any) -> Any:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _value(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return {
            name: _value(shape.members[name], item)
            for name, item in value.items()
            if item is not None and name in shape.members and not is_hidden(shape.members[name], name)
        }
    if kind == "list":
        return [_value(shape.member, item) for item in value]
    if kind == "map":
        return dict(value)
    if kind == "timestamp":
        return written_time(value)
    if kind == "blob":
        return ""
    return unquote(value) if isinstance(value, str) and shape.name == "CopySource" else value


def response_elements(headers: Mapping[str, str] | list[tuple[str, str]]) -> dict[str, str] | None:
    """The `x-amz-` headers of an answer to a write."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    shown = {
        name: value
        for name, value in pairs
        if name.startswith("x-amz-") and not _is_secret(name) and name not in ("x-amz-request-id", "x-amz-id-2")
    }
    return shown or None
