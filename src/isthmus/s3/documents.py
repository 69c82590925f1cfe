"""Bucket configurations that S3 keeps as documents and returns as they were given.

One row of the tables below is one configuration: which input member carries it, what a bucket without one
answers, and which check a new one must pass (`document_rules`). Stored is the JSON of the parsed input.

AWS names most permissions after the Put action: deleting asks for the same one as writing. Sources: S3 API
reference; Service Authorization Reference.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, Permission, operation
from isthmus.wire import AwsError

from . import document_rules as rules
from .bucket_rows import drop_document, store_document
from .deliveries.access_log import prepare_logging
from .deliveries.inventory import prepare_inventory
from .deliveries.notification_rules import check_notification
from .deliveries.notifications import prepare_notification
from .deliveries.replication import PASS_ROLE, prepare_replication
from .deliveries.replication_rules import check_replication
from .encryption import DEFAULT_SETTING, NONE
from .request_payment import KIND as REQUEST_PAYMENT
from .resources import bucket_permission, the_bucket
from .website import KIND as WEBSITE

Check = Callable[[Bucket, dict[str, Any]], None]
Prepare = Callable[[Call, Bucket, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Document:
    """One configuration of a bucket.

    kind: under which it is stored. suffix: what follows Get, Put (and Delete) in the operations' names.
    action: what follows s3:Get and s3:Put. member: of Put's input.
    wrapped: whether Get's answer holds it under `member` again, instead of its members side by side.
    absent: what Get answers without one, or the error's code and message.
    delete, delete_action: the Delete operation and its action; empty where AWS has none.
    prepare: turns a checked document into the one to be stored, where that takes more than the document itself.
    more: permissions beside that of the Put action. may_be_empty: an empty document turns these off.
    """

    kind: str
    suffix: str
    action: str
    member: str
    check: Check
    absent: dict[str, Any] | tuple[str, str]
    wrapped: bool = False
    delete: str = ""
    delete_action: str = ""
    prepare: Prepare | None = None
    more: tuple[Permission, ...] = ()
    may_be_empty: bool = False


# Since January 2023 every bucket encrypts at rest with keys of S3 (S3 User Guide, "Default encryption FAQ").
_AES256 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}

DOCUMENTS = (
    Document(
        "cors", "BucketCors", "BucketCORS", "CORSConfiguration", rules.check_cors,
        ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        delete="DeleteBucketCors", delete_action="s3:PutBucketCORS",
    ),
    Document(
        "encryption", "BucketEncryption", "EncryptionConfiguration", "ServerSideEncryptionConfiguration",
        rules.check_encryption, {"ServerSideEncryptionConfiguration": _AES256}, wrapped=True,
        delete="DeleteBucketEncryption", delete_action="s3:PutEncryptionConfiguration",
    ),
    Document(
        WEBSITE, "BucketWebsite", "BucketWebsite", "WebsiteConfiguration", rules.check_website,
        ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
        delete="DeleteBucketWebsite", delete_action="s3:DeleteBucketWebsite",
    ),
    Document(
        "replication", "BucketReplication", "ReplicationConfiguration", "ReplicationConfiguration",
        check_replication,
        ("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        wrapped=True, delete="DeleteBucketReplication", delete_action="s3:PutReplicationConfiguration",
        prepare=prepare_replication, more=(PASS_ROLE,),
    ),
    Document(
        "logging", "BucketLogging", "BucketLogging", "BucketLoggingStatus", rules.accept, {},
        prepare=prepare_logging, may_be_empty=True,
    ),
    Document(
        "notification", "BucketNotificationConfiguration", "BucketNotification", "NotificationConfiguration",
        check_notification, {}, prepare=prepare_notification, may_be_empty=True,
    ),
    Document(
        REQUEST_PAYMENT, "BucketRequestPayment", "BucketRequestPayment", "RequestPaymentConfiguration",
        rules.check_request_payment, {"Payer": "BucketOwner"},
    ),
    Document(
        "accelerate", "BucketAccelerateConfiguration", "AccelerateConfiguration", "AccelerateConfiguration",
        rules.check_accelerate, {},
    ),
)  # fmt: skip

# Configurations of which a bucket has several, each with an id: kind, infix of the operations' names (also
# the member of the input and the prefix of the list's name), what follows s3:Get and s3:Put, and `prepare`.
LISTED: tuple[tuple[str, str, str, Prepare | None], ...] = (
    ("analytics", "AnalyticsConfiguration", "AnalyticsConfiguration", None),
    ("intelligent-tiering", "IntelligentTieringConfiguration", "IntelligentTieringConfiguration", None),
    ("inventory", "InventoryConfiguration", "InventoryConfiguration", prepare_inventory),
    ("metrics", "MetricsConfiguration", "MetricsConfiguration", None),
)
_MOST_LISTED = 1000  # S3 User Guide: "up to 1,000" metrics, analytics, inventory configurations each
_PAGE = 100


def to_text(value: Any) -> str:
    """The stored form of a parsed input."""
    return json.dumps(value, default=_moment, separators=(",", ":"))


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(type(value))


def from_text(text: str) -> Any:
    """The inverse of `to_text`. `Date` is the only member of these documents that is a timestamp."""
    return json.loads(text, object_hook=_dates)


def _dates(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("Date"), str):
        value["Date"] = datetime.fromisoformat(value["Date"].replace("Z", "+00:00"))
    return value


def _register(document: Document) -> None:
    async def get(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        text = bucket.configurations.get(document.kind)
        if text is None:
            if document.kind == "encryption" and await call.system.directory.setting(DEFAULT_SETTING, "") == NONE:
                raise AwsError(
                    "ServerSideEncryptionConfigurationNotFoundError",
                    "The server side encryption configuration was not found",
                    extra={"BucketName": bucket.name},
                )
            if isinstance(document.absent, tuple):
                raise AwsError(*document.absent, extra={"BucketName": bucket.name})
            return dict(document.absent)
        value: dict[str, Any] = from_text(text)
        return {document.member: value} if document.wrapped else value

    async def put(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        value = call.input.get(document.member)
        if value is None and document.may_be_empty:
            value = {}
        if value is None:
            raise rules.malformed()
        document.check(bucket, value)
        if document.prepare is not None:
            value = await document.prepare(call, bucket, value)
        await store_document(call, bucket, document.kind, to_text(value))
        return {}

    async def delete(call: Call) -> dict[str, Any]:
        await drop_document(call, await the_bucket(call), document.kind)
        return {"ResponseStatus": 204}

    get.__doc__ = f"The bucket's {document.member}, as it was given."
    put.__doc__ = f"Replace the bucket's {document.member}."
    delete.__doc__ = f"Remove the bucket's {document.member}."
    read, write = bucket_permission("s3:Get" + document.action), bucket_permission("s3:Put" + document.action)
    operation("s3", "Get" + document.suffix, read, anonymous=True)(get)
    operation("s3", "Put" + document.suffix, write, *document.more, anonymous=True)(put)
    if document.delete:
        operation("s3", document.delete, bucket_permission(document.delete_action), anonymous=True)(delete)


def _register_listed(kind: str, name: str, action: str, prepare: Prepare | None) -> None:
    def entry(number: str) -> str:
        return f"{kind}:{number}"

    def missing(bucket: Bucket) -> AwsError:
        return AwsError(
            "NoSuchConfiguration",
            "The specified configuration does not exist.",
            extra={"BucketName": bucket.name},
        )

    def entries(bucket: Bucket) -> list[str]:
        return sorted(key for key in bucket.configurations if key.startswith(entry("")))

    async def get(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        text = bucket.configurations.get(entry(call.input["Id"]))
        if text is None:
            raise missing(bucket)
        return {name: from_text(text)}

    async def put(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        value = call.input.get(name) or {}
        if value.get("Id") != call.input["Id"]:
            raise AwsError("IdMismatch", "Document ID does not match the specified configuration ID.")
        if prepare is not None:
            value = await prepare(call, bucket, value)
        there = entries(bucket)
        if len(there) >= _MOST_LISTED and entry(value["Id"]) not in there:
            raise AwsError(
                "TooManyConfigurations",
                "You are attempting to create a new configuration but have already reached the "
                "1,000-configuration limit.",
            )
        await store_document(call, bucket, entry(value["Id"]), to_text(value))
        return {}

    async def delete(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        if not await drop_document(call, bucket, entry(call.input["Id"])):
            raise missing(bucket)
        return {"ResponseStatus": 204}

    async def page(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        token = call.input.get("ContinuationToken") or ""
        keys = [key for key in entries(bucket) if key > entry(token)]
        output: dict[str, Any] = {
            f"{name}List": [from_text(bucket.configurations[key]) for key in keys[:_PAGE]],
            "IsTruncated": len(keys) > _PAGE,
        }
        if token:
            output["ContinuationToken"] = token
        if len(keys) > _PAGE:
            output["NextContinuationToken"] = keys[_PAGE - 1].removeprefix(entry(""))
        return output

    get.__doc__ = f"One {name} of the bucket, as it was given."
    put.__doc__ = f"Add or replace one {name} of the bucket."
    delete.__doc__ = f"Remove one {name} of the bucket."
    page.__doc__ = f"A page of the bucket's {name} entries, by id."
    read, write = bucket_permission("s3:Get" + action), bucket_permission("s3:Put" + action)
    operation("s3", "GetBucket" + name, read, anonymous=True)(get)
    operation("s3", "PutBucket" + name, write, anonymous=True)(put)
    operation("s3", "DeleteBucket" + name, write, anonymous=True)(delete)
    operation("s3", f"ListBucket{name}s", read, anonymous=True)(page)


for _document in DOCUMENTS:
    _register(_document)
for _listed in LISTED:
    _register_listed(*_listed)
