"""PostObject: an upload by an HTML form.

The form's fields say what headers say elsewhere. The server reads the form, checks its signature and policy
document, and makes the call: `form_input` gives its input, `form_headers` what counts as its headers, the
file is its body, and `call.found["length_range"]` the bounds of the policy's content-length-range (None:
unbounded).
The answer is a whole `Response`, because botocore's model does not know this operation.

Source: "POST Object" in the S3 API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from isthmus.operation import Call, operation
from isthmus.signing.post_policy import check_length
from isthmus.wire import AwsError, Response

from .incoming import LARGEST_PUT, receive
from .object_errors import malformed_xml
from .object_keys import new_object_key
from .object_settings import object_settings
from .put import WRITE_PERMISSIONS, store_object
from .resources import the_bucket

_MEMBERS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-type": "ContentType",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-context": "SSEKMSEncryptionContext",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-server-side-encryption-customer-key": "SSECustomerKey",
    "x-amz-server-side-encryption-customer-key-md5": "SSECustomerKeyMD5",
    "success_action_redirect": "SuccessActionRedirect",
    "redirect": "SuccessActionRedirect",
    "success_action_status": "SuccessActionStatus",
}
_BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"
_HEADERS = ("expires", "content-md5", "x-amz-request-payer")
# Members of PutObject's answer -> the headers that tell of the encryption.
_ENCRYPTION_HEADERS = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "BucketKeyEnabled": _BUCKET_KEY,
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    "SSECustomerKeyMD5": "x-amz-server-side-encryption-customer-key-MD5",
}


def check_key_field(fields: Mapping[str, str]) -> str:
    """The form's key, as written. Raises InvalidArgument without one."""
    key = fields.get("key")
    if not key:
        raise AwsError(
            "InvalidArgument",
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
            extra={"ArgumentName": "key", "ArgumentValue": ""},
        )
    return key


def form_input(fields: Mapping[str, str], filename: str, bucket: str) -> dict[str, Any]:
    """The call's input: PutObject's members from a form's fields (names lower case).

    `${filename}` in the key stands for the file's name. Raises InvalidArgument without a key, MalformedXML.
    """
    key = check_key_field(fields)
    given: dict[str, Any] = {"Bucket": bucket, "Key": key.replace("${filename}", filename)}
    for name, member in _MEMBERS.items():
        if fields.get(name) and member not in given:
            given[member] = fields[name]
    if fields.get(_BUCKET_KEY):
        given["BucketKeyEnabled"] = fields[_BUCKET_KEY].strip().lower() == "true"
    metadata = {
        name.removeprefix("x-amz-meta-"): value for name, value in fields.items() if name.startswith("x-amz-meta-")
    }
    if metadata:
        given["Metadata"] = metadata
    if fields.get("tagging"):
        given["Tagging"] = _tagging_header(fields["tagging"])
    return given


def form_headers(headers: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    """The request's headers for the operation: checksums and dates of the object come from the fields."""
    kept = {
        name: value
        for name, value in headers.items()
        if name not in _HEADERS and not name.startswith(("x-amz-checksum-", "x-amz-trailer", "x-amz-sdk-"))
    }
    kept |= {name: value for name, value in fields.items() if name in _HEADERS or name.startswith("x-amz-checksum-")}
    return kept


def _tagging_header(document: str) -> str:
    """A Tagging document as the header form of the same tags."""
    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise malformed_xml() from None
    pairs: list[tuple[str, str]] = []
    for tag in root.iter():
        if tag.tag.rpartition("}")[2] == "Tag":
            values = {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
            if values.keys() != {"Key", "Value"}:
                raise malformed_xml()
            pairs.append((values["Key"], values["Value"]))
    return urlencode(pairs)


@operation("s3", "PostObject", *WRITE_PERMISSIONS, anonymous=True, streams=True)
async def post_object(call: Call) -> Response:
    """Store the file of a form."""
    bucket = await the_bucket(call)
    given = call.input
    settings = await object_settings(call, bucket)
    bounds: tuple[int, int] | None = call.found.get("length_range")
    most = LARGEST_PUT if bounds is None else min(bounds[1], LARGEST_PUT)
    object_key = await new_object_key(call, bucket, given["Key"])
    received = await receive(call, object_key, most=most)
    try:
        check_length(received.size, bounds)
    except AwsError:
        if received.content is not None:
            await call.system.contents.delete(received.content)
        raise
    answer = await store_object(call, bucket, settings, object_key, received)
    scheme = "https" if call.request.secure else "http"
    host = call.request.headers.get("host", "localhost")
    path = quote(given["Key"])
    if not host.startswith(bucket.name + "."):
        path = f"{bucket.name}/{path}"
    location = f"{scheme}://{host}/{path}"
    headers = [("ETag", answer["ETag"])]
    headers += [
        (header, "true" if answer[member] is True else answer[member])
        for member, header in _ENCRYPTION_HEADERS.items()
        if member in answer
    ]
    if "VersionId" in answer:
        headers.append(("x-amz-version-id", answer["VersionId"]))
    if "Expiration" in answer:
        headers.append(("x-amz-expiration", answer["Expiration"]))
    redirect = _redirect(given, bucket.name, answer["ETag"])
    if redirect is not None:
        return Response(303, [*headers, ("Location", redirect)])
    headers.append(("Location", location))
    status = given.get("SuccessActionStatus")
    if status == "201":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<PostResponse><Location>{escape(location)}</Location><Bucket>{bucket.name}</Bucket>"
            f"<Key>{escape(given['Key'])}</Key><ETag>{escape(answer['ETag'])}</ETag></PostResponse>"
        )
        return Response(201, [*headers, ("Content-Type", "application/xml")], body.encode())
    return Response(200 if status == "200" else 204, headers)


def _redirect(given: Mapping[str, Any], bucket: str, etag: str) -> str | None:
    """Where the form wants the browser to go; an address that is none is as good as none."""
    text: str | None = given.get("SuccessActionRedirect")
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or not text.isprintable():
        return None
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("bucket", bucket), ("key", given["Key"])]
    return urlunsplit(parts._replace(query=urlencode([*query, ("etag", etag)], quote_via=quote)))
