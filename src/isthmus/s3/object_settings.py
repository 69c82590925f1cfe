"""All that the headers of PutObject, CopyObject and CreateMultipartUpload decide about a new object.

Sources: S3 User Guide "Working with object metadata" (limits, RFC 2047), "Using Amazon S3 storage classes",
"Using S3 Object Lock"; S3 API reference, PutObject.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Any, NamedTuple

from isthmus.identity import Bucket
from isthmus.names import object_key_problem
from isthmus.operation import Call, System
from isthmus.signing.payload import without_aws_chunked
from isthmus.wire import AwsError

from .acl_requests import new_object_acl
from .object_errors import invalid_argument
from .object_tags import tags_from_header
from .objects_table import NULL_VERSION, NewVersion
from .resources import new_object_owner
from .storage_classes import STANDARD, STORAGE_CLASSES

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
_METADATA_BYTES = 2048
_DAY = 86400.0

# RFC 9110, sections 5.6.2 and 5.5: what a header's name is made of, and what is in no value.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEADER_OF = {
    "CacheControl": "cache-control", "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding", "ContentLanguage": "content-language", "ContentType": "content-type",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
}  # fmt: skip
_HEADER_MEMBERS = ("CacheControl", "ContentDisposition", "ContentLanguage", "ContentType")


class ObjectSettings(NamedTuple):
    """What a request decides about the object, apart from its bytes. Fields as in NewVersion."""

    owner: str
    storage_class: str
    metadata_json: str
    tags_json: str | None
    acl: str | None
    lock_mode: str | None = None
    lock_until: float | None = None
    legal_hold: int = 0

    def version(self, **content: Any) -> NewVersion:
        """A version with these settings and the given bytes (fields of NewVersion)."""
        return NewVersion(**self._asdict(), **content)


async def object_settings(call: Call, bucket: Bucket) -> ObjectSettings:
    """The settings in the headers of an upload.

    Raises AwsError: KeyTooLongError, MetadataTooLarge, InvalidStorageClass, InvalidTag, InvalidArgument,
    AccessControlListNotSupported and others of `new_object_acl`.
    """
    check_key(call.input["Key"])
    mode, until, hold = lock_settings(call, bucket)
    tagging = call.input.get("Tagging")
    return ObjectSettings(
        owner=new_object_owner(call, bucket),
        storage_class=storage_class(call.input),
        metadata_json=metadata_json(call),
        tags_json=tags_from_header(tagging) if tagging else None,
        acl=await new_object_acl(call, bucket),
        lock_mode=mode,
        lock_until=until,
        legal_hold=hold,
    )


def new_version_id(call: Call, bucket: Bucket) -> str:
    """The id a new version gets: 32 characters where versioning is on, else the null version's."""
    return fresh_version_id(call.system, bucket)


def fresh_version_id(system: System, bucket: Bucket) -> str:
    """The same, without a call."""
    if bucket.versioning != "Enabled":
        return NULL_VERSION
    return base64.b64encode(system.entropy(24), b"._").decode()


def check_key(key: str) -> None:
    """Raises KeyTooLongError."""
    code = object_key_problem(key)
    if code is not None:
        raise AwsError(code, "Your key is too long", extra={"Size": str(len(key.encode())), "MaxSizeAllowed": "1024"})


def storage_class(given: Mapping[str, Any]) -> str:
    """The storage class asked for. Raises InvalidStorageClass."""
    name: str = given.get("StorageClass") or STANDARD
    if name not in STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            extra={"StorageClassRequested": name},
        )
    return name


def metadata_json(call: Call) -> str:
    """System headers and user metadata of the request, as stored. Raises MetadataTooLarge, InvalidArgument and others.

    Names and values that no header can carry do not come in headers, but in the fields of a form or in a query.
    """
    given = call.input
    stored: dict[str, Any] = {name: given[name] for name in _HEADER_MEMBERS if given.get(name)}
    stored.setdefault("ContentType", DEFAULT_CONTENT_TYPE)
    encoding = given.get("ContentEncoding")
    if encoding:
        encoding = without_aws_chunked(encoding)
        if encoding:
            stored["ContentEncoding"] = encoding
    expires = call.request.headers.get("expires")
    if expires:
        stored["Expires"] = expires  # S3 gives it back as it came, valid date or not
    redirect = given.get("WebsiteRedirectLocation")
    if redirect:
        if not redirect.startswith(("/", "http://", "https://")):
            raise AwsError(
                "InvalidRedirectLocation",
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            )
        stored["WebsiteRedirectLocation"] = redirect
    for name, value in stored.items():
        check_header_value(_HEADER_OF.get(name, name.lower()), value)
    metadata = {name.lower(): _decoded(value) for name, value in (given.get("Metadata") or {}).items()}
    if metadata:
        for name, value in metadata.items():
            if not _TOKEN.match(name):
                raise invalid_argument(
                    "The name of user-defined metadata may have letters, digits and the signs !#$%&'*+-.^_`|~ only",
                    "x-amz-meta-" + name,
                    value,
                )
        size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
        if size > _METADATA_BYTES:
            raise AwsError(
                "MetadataTooLarge",
                "Your metadata headers exceed the maximum allowed metadata size",
                extra={"Size": str(size), "MaxSizeAllowed": str(_METADATA_BYTES)},
            )
        stored["Metadata"] = metadata
    return json.dumps(stored, separators=(",", ":"), sort_keys=True)


def check_header_value(name: str, value: str) -> None:
    """Raises InvalidArgument for a value that no header can carry (RFC 9110, section 5.5): one with a line break."""
    if _CONTROL.search(value):
        raise invalid_argument("Header value must not contain line breaks or other control characters.", name, value)


def _decoded(value: str) -> str:
    """User metadata as text: RFC 2047 words decoded, and UTF-8 bytes that were read as Latin-1."""
    if not value.isascii():
        try:
            return value.encode("latin-1").decode()
        except UnicodeError:
            return value
    if "=?" not in value:
        return value
    try:
        return "".join(
            part.decode(charset or "ascii") if isinstance(part, bytes) else part
            for part, charset in decode_header(value)
        )
    except (HeaderParseError, LookupError, ValueError):
        return value


def encoded_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """User metadata as headers: text outside ASCII as one RFC 2047 word."""
    return {
        name: value
        if value.isascii() and value.isprintable()
        else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
        for name, value in metadata.items()
    }


def lock_settings(call: Call, bucket: Bucket) -> tuple[str | None, float | None, int]:
    """Retention mode, its end (seconds since the epoch) and legal hold of a new version.

    From the request's headers, else the bucket's default retention. Raises InvalidRequest, InvalidArgument.
    """
    given = call.input
    mode: str | None = given.get("ObjectLockMode") or None
    until: datetime | None = given.get("ObjectLockRetainUntilDate")
    hold = given.get("ObjectLockLegalHoldStatus")
    if not bucket.object_lock:
        if mode or until or hold:
            raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration")
        return None, None, 0
    if bool(mode) != (until is not None):
        raise AwsError(
            "InvalidArgument",
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        )
    if mode and mode not in ("GOVERNANCE", "COMPLIANCE"):
        raise AwsError("InvalidArgument", "Unknown wormMode directive.")
    if hold and hold not in ("ON", "OFF"):
        raise AwsError("InvalidArgument", "Unknown legal hold status.")
    if until is not None and until.timestamp() <= call.now:
        raise AwsError("InvalidArgument", "The retain until date must be in the future!")
    if mode and until is not None:
        return mode, until.timestamp(), int(hold == "ON")
    default = _default_retention(bucket)
    if default:
        days = default.get("Days") or 365 * (default.get("Years") or 0)
        return default["Mode"], call.now + days * _DAY, int(hold == "ON")
    return None, None, int(hold == "ON")


def _default_retention(bucket: Bucket) -> dict[str, Any] | None:
    text = bucket.configurations.get("object-lock")
    if not text:
        return None
    rule = json.loads(text).get("Rule") or {}
    retention: dict[str, Any] | None = rule.get("DefaultRetention")
    return retention
