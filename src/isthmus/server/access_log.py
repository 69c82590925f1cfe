"""Records of server access logging: one line for each request to a bucket that logs, from every worker.

A worker notes a finished request in memory and writes what it noted to the outbox a moment later (`batches`); the
delivery is `s3.deliveries.access_log`'s. As AWS says of these logs, they are made at the best effort: nothing on a
request's path waits for them, and nobody may take them for a complete account.

Source: S3 User Guide, "Amazon S3 server access log format". Operation names beyond the guide's examples are those
that S3's own logs show.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from isthmus.identity import Bucket
from isthmus.names import canonical_id
from isthmus.operation import Call, System
from isthmus.policy import Principal, PrincipalKind
from isthmus.s3.deliveries.access_log import KIND, log_address, put_records
from isthmus.wire import AwsError, FileSlice, Response, S3Route, route_s3, website_bucket

from .answered import Answered
from .batches import Batches

_MOST_NOTED = 50_000  # records a worker holds while the database cannot take them

# What follows the method in an operation's name, where it is not the operation's name in capitals.
_RESOURCES = {
    "GetObject": "OBJECT", "HeadObject": "OBJECT", "PutObject": "OBJECT", "DeleteObject": "OBJECT",
    "PostObject": "OBJECT", "OptionsObject": "PREFLIGHT",
    "GetObjectAttributes": "OBJECT_ATTRIBUTES", "RestoreObject": "RESTORE",
    "DeleteObjects": "MULTI_OBJECT_DELETE",
    "CreateMultipartUpload": "UPLOADS", "UploadPart": "PART", "CompleteMultipartUpload": "UPLOAD",
    "AbortMultipartUpload": "UPLOAD", "ListParts": "UPLOAD", "ListMultipartUploads": "UPLOADS",
    "ListObjects": "BUCKET", "ListObjectsV2": "BUCKET", "ListObjectVersions": "BUCKETVERSIONS",
    "HeadBucket": "BUCKET", "CreateBucket": "BUCKET", "DeleteBucket": "BUCKET",
    "GetObjectAcl": "ACL", "PutObjectAcl": "ACL", "GetBucketAcl": "ACL", "PutBucketAcl": "ACL",
    "GetObjectTagging": "OBJECT_TAGGING", "PutObjectTagging": "OBJECT_TAGGING",
    "DeleteObjectTagging": "OBJECT_TAGGING",
    "GetObjectRetention": "OBJECT_LOCK_RETENTION", "PutObjectRetention": "OBJECT_LOCK_RETENTION",
    "GetObjectLegalHold": "OBJECT_LOCK_LEGALHOLD", "PutObjectLegalHold": "OBJECT_LOCK_LEGALHOLD",
    "GetObjectLockConfiguration": "OBJECT_LOCK_CONFIGURATION",
    "PutObjectLockConfiguration": "OBJECT_LOCK_CONFIGURATION",
    "GetBucketPolicy": "BUCKETPOLICY", "PutBucketPolicy": "BUCKETPOLICY", "DeleteBucketPolicy": "BUCKETPOLICY",
    "GetBucketPolicyStatus": "POLICY_STATUS",
    "GetBucketLogging": "LOGGING_STATUS", "PutBucketLogging": "LOGGING_STATUS",
    "GetBucketNotificationConfiguration": "NOTIFICATION", "PutBucketNotificationConfiguration": "NOTIFICATION",
    "GetBucketLifecycleConfiguration": "LIFECYCLE", "PutBucketLifecycleConfiguration": "LIFECYCLE",
    "DeleteBucketLifecycle": "LIFECYCLE",
    "GetBucketAccelerateConfiguration": "ACCELERATE", "PutBucketAccelerateConfiguration": "ACCELERATE",
    "GetPublicAccessBlock": "PUBLIC_ACCESS_BLOCK", "PutPublicAccessBlock": "PUBLIC_ACCESS_BLOCK",
    "DeletePublicAccessBlock": "PUBLIC_ACCESS_BLOCK",
}  # fmt: skip
_BUCKET_NAME = re.compile(r"(?:Get|Put|Delete|List)Bucket(\w+?)(?:Configurations?)?\Z")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COPIES = {"CopyObject": "OBJECT", "UploadPartCopy": "PART"}
_AUTH_TYPES = {"REST-HEADER": "AuthHeader", "REST-QUERY-STRING": "QueryString"}
_SIGNATURES = {"AWS4-HMAC-SHA256": "SigV4", "AWS": "SigV2"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def operation_name(operation: str, method: str) -> str:
    """AWS's name of an API operation in access logs: `REST.GET.OBJECT`."""
    if operation in _COPIES:
        return f"REST.COPY.{_COPIES[operation]}"
    resource = _RESOURCES.get(operation)
    if resource is None:
        found = _BUCKET_NAME.match(operation)
        resource = _WORDS.sub("_", found[1] if found is not None else operation).upper()
    return f"REST.{method}.{resource or 'OBJECT'}"


class _Noted(NamedTuple):
    """A record to be written.

    bucket: None where only its name is known yet, because the request was refused early. at: when the request was
    received. fields: those from the request id on; the ones before need the directory.
    """

    bucket: Bucket | None
    name: str
    at: float
    address: str
    requester: Principal | None
    fields: str


class AccessLog:
    """What one worker has still to write is in `batches`."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._domains = system.settings.domains
        self.batches: Batches[_Noted] = Batches("writing access log records", self._write, _MOST_NOTED)

    def note(self, answered: Answered) -> None:
        """A finished request; an observer."""
        if answered.service != "s3":
            return
        call = answered.call
        site = website_bucket(answered.request.headers.get("host", ""), self._domains)
        if site is not None:
            self._note_visit(answered, site)
            return
        if call is None:
            self._note_early(answered)
            return
        found = call.found
        bucket: Bucket | None = found.get("bucket")
        if bucket is not None and KIND in bucket.configurations:
            self._note_call(answered, call, bucket)
        source: Bucket | None = found.get("source_bucket")
        if source is not None and KIND in source.configurations:
            operation = f"REST.COPY.{_COPIES.get(answered.operation, 'OBJECT')}_GET"
            row, asked = found.get("source"), found["copy_source"]
            fields = _fields(answered, operation, asked.key, size=None if row is None else row.size, apart=True)
            self._add(answered, source, source.name, fields)

    def _note_call(self, answered: Answered, call: Call, bucket: Bucket) -> None:
        operation = operation_name(answered.operation, answered.request.method)
        fields = _fields(answered, operation, call.input.get("Key"), size=_object_size(call))
        self._add(answered, bucket, bucket.name, fields)
        for entry in (*call.found.get("deleted", ()), *call.found.get("not_deleted", ())):
            code = entry.get("Code", "")
            status = AwsError(code, "").status if code else 204
            fields = _fields(answered, "BATCH.DELETE.OBJECT", entry["Key"], apart=True, status=status, code=code)
            self._add(answered, bucket, bucket.name, fields)

    def _note_early(self, answered: Answered) -> None:
        """A request that was refused before anybody looked for its bucket, or a preflight."""
        try:
            route: S3Route = route_s3(answered.request, self._domains)
        except AwsError:
            return
        if route.bucket is not None and self._may_log(route.bucket):
            operation = operation_name(answered.operation or route.operation, answered.request.method)
            self._add(answered, None, route.bucket, _fields(answered, operation, route.key))

    def _note_visit(self, answered: Answered, site: str) -> None:
        """A visit to the website of a bucket. The pages it answers with show what went wrong, not `answered.error`."""
        if not self._may_log(site):
            return
        call, response = answered.call, answered.response
        key: str | None = unquote(answered.request.path.removeprefix("/")) or None
        size, code = None, ""
        if response.status >= 400:
            code = next((value for name, value in response.headers if name == "x-amz-error-code"), "")
        elif call is not None and response.status < 300:
            key, size = call.input.get("Key"), _object_size(call)
        operation = f"WEBSITE.{answered.request.method}.OBJECT"
        self._add(answered, None, site, _fields(answered, operation, key, size=size, code=code))

    def _may_log(self, name: str) -> bool:
        """False for a bucket that is known not to log."""
        known = self._system.directory.cache.get(("bucket", name), _UNKNOWN)
        return known is _UNKNOWN or (known is not None and KIND in known.configurations)

    def _add(self, answered: Answered, bucket: Bucket | None, name: str, fields: str) -> None:
        call = answered.call
        address = answered.request.client.removeprefix("::ffff:")
        requester = None if call is None else call.caller.principal
        self.batches.note([_Noted(bucket, name, answered.received, address, requester, fields)])

    async def _write(self, noted: list[_Noted]) -> None:
        records = [found for one in noted if (found := await self._record(one)) is not None]
        await put_records(self._system, records)

    async def _record(self, noted: _Noted) -> tuple[str, float, str] | None:
        """Where a record goes, the time of its request, and the record; None if the bucket does not log."""
        bucket = noted.bucket or await self._system.directory.bucket(noted.name)
        address = None if bucket is None else log_address(bucket)
        if bucket is None or address is None:
            return None
        owner = await self._canonical(bucket.account)
        requester = await self._requester(noted.requester)
        record = f"{owner} {bucket.name} [{_moment(noted.at)}] {noted.address or '-'} {requester} {noted.fields}"
        return address, noted.at, record

    async def _canonical(self, account: str) -> str:
        found = await self._system.directory.account(account)
        return canonical_id(account) if found is None else found.canonical_id

    async def _requester(self, principal: Principal | None) -> str:
        """The canonical id of an account, the ARN of a user or session, `-` for nobody."""
        if principal is None or principal.kind is PrincipalKind.ANONYMOUS:
            return "-"
        return await self._canonical(principal.account) if principal.kind is PrincipalKind.ROOT else principal.arn


_UNKNOWN: Any = object()


def _fields(
    answered: Answered,
    operation: str,
    key: str | None,
    *,
    size: int | None = None,
    apart: bool = False,
    status: int | None = None,
    code: str | None = None,
) -> str:
    """The fields of a record from the request id on.

    size: of the object. apart: a record beside that of the request itself, for one key of DeleteObjects or the
    reading half of a copy; it has no request line, client or times of its own.
    """
    request, response, call = answered.request, answered.response, answered.call
    context: Mapping[str, Any] = {} if call is None else call.context
    given: Mapping[str, Any] = {} if call is None else call.input
    headers = request.headers
    if code is None:
        code = "" if answered.error is None else answered.error.code
    target = request.path + (f"?{request.query}" if request.query else "")
    total, turn_around = _milliseconds(answered)
    return " ".join((
        answered.request_id,
        operation,
        "-" if key is None else quote(key, safe="/-_.~*"),
        "-" if apart else _quoted(f"{request.method} {target} HTTP/{request.http_version}"),
        str(response.status if status is None else status),
        code or "-",
        "-" if apart else _number(_bytes_sent(response) if request.method != "HEAD" else 0),
        "-" if size is None else str(size),
        "-" if apart else str(total),
        "-" if apart else str(turn_around),
        "-" if apart else _quoted(headers.get("referer", "-")),
        "-" if apart else _quoted(headers.get("user-agent", "-")),
        quote(given.get("VersionId") or "-"),
        answered.host_id,
        _SIGNATURES.get(str(context.get("s3:signatureversion")), "-"),
        request.cipher_suite or "-",
        _AUTH_TYPES.get(str(context.get("s3:authtype")), "-"),
        quote(headers.get("host") or "-", safe=":.-[]"),
        f"TLSv{request.tls_version}" if request.tls_version else "-",
        "-",  # access point
        "Yes" if call is not None and call.found.get("acl_required") else "-",
        "-",  # source region: where a request comes from is not known
    ))  # fmt: skip


def _object_size(call: Call) -> int | None:
    """The size of the object that was read, or of the bytes that were written."""
    row = call.found.get("object") or call.found.get("source")
    if row is not None:
        return int(row.size)
    received: tuple[int, float] | None = call.found.get("received")
    return None if received is None else received[0]


def _milliseconds(answered: Answered) -> tuple[int, int]:
    """From the first byte of the request to the answer, and from its last byte to the answer."""
    total = int(answered.seconds * 1000)
    received: tuple[int, float] | None = None if answered.call is None else answered.call.found.get("received")
    if received is None:
        return total, total
    waited = int((received[1] - answered.received) * 1000)
    return total, max(0, total - max(0, waited))


def _bytes_sent(response: Response) -> int:
    body = response.body
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, FileSlice):
        return body.length
    return int(next((value for name, value in response.headers if name.lower() == "content-length"), 0))


def _number(value: int) -> str:
    return str(value) if value else "-"


def _quoted(text: str) -> str:
    """A field that may hold spaces. What would end it, or the line, is percent-encoded."""
    if '"' in text or not text.isprintable():
        text = "".join(quote(one) if one == '"' or not one.isprintable() else one for one in text)
    return f'"{text}"'


def _moment(seconds: float) -> str:
    at = time.gmtime(seconds)
    day = f"{at.tm_mday:02d}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}"
    return f"{day}:{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} +0000"
