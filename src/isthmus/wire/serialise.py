"""Answers: an output by botocore's member names, or an error, as an HTTP response.

Source: Smithy specification, "AWS restXml protocol" and "AWS query protocol"; "Error responses" in the S3 API
reference. How an operation's output is written is worked out once per operation.

Four members of an output are not the model's: `ResponseHeaders`, further headers as (name, value) pairs,
`ResponseStatus`, a status other than the model's, `EncodedAuthorizationMessage`, an element beside the result of
the query protocol, as it stands in errors, and `MarkersAmongVersions`, which of the entries that ListObjectVersions
found, in their order, are delete markers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.model import OperationModel, Shape

from .errors import AwsError
from .http import Response
from .json_protocol import render_json, render_json_error
from .models import operation_model, service_model
from .values import write_scalar
from .xml_writer import Write, XmlWriters, escape

_S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_NAMESPACES = {"s3": _S3_NAMESPACE, "s3control": "http://awss3control.amazonaws.com/doc/2018-08-20/"}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XML = ("Content-Type", "application/xml")
_WRITERS = XmlWriters()
# Root elements where S3's name is not the output shape's.
_ROOTS = {"GetBucketAcl": "AccessControlPolicy", "GetObjectAcl": "AccessControlPolicy",
          "ListBuckets": "ListAllMyBucketsResult", "ListObjects": "ListBucketResult",
          "ListObjectsV2": "ListBucketResult", "ListObjectVersions": "ListVersionsResult",
          "ListMultipartUploads": "ListMultipartUploadsResult", "ListParts": "ListPartsResult",
          "DeleteObjects": "DeleteResult", "CopyObject": "CopyObjectResult", "UploadPartCopy": "CopyPartResult",
          "CreateMultipartUpload": "InitiateMultipartUploadResult",
          "CompleteMultipartUpload": "CompleteMultipartUploadResult", "GetBucketTagging": "Tagging",
          "GetObjectTagging": "Tagging", "GetBucketVersioning": "VersioningConfiguration",
          "GetBucketCors": "CORSConfiguration", "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
          "GetBucketWebsite": "WebsiteConfiguration", "GetBucketLogging": "BucketLoggingStatus",
          "GetBucketRequestPayment": "RequestPaymentConfiguration",
          "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
          "GetBucketNotificationConfiguration": "NotificationConfiguration",
          "GetObjectAttributes": "GetObjectAttributesResponse"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to write an operation's output."""

    status: int
    headers: dict[str, tuple[str, Shape, bool]]  # name, shape and whether that is a string's
    header_maps: dict[str, str]
    stream: str | None
    text: str | None
    write: Write | None
    payload: str | None


def render(operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
    """The response of a successful operation of any service."""
    protocol = operation.service_model.metadata["protocol"]
    if protocol == "rest-xml":
        return _render_rest(_rest_plan(operation.service_model.service_name, operation.name), output)
    if protocol == "json":
        return render_json(operation, output)
    return _render_query(operation, output, request_id)


def _render_rest(plan: _Plan, output: dict[str, Any]) -> Response:
    headers: list[tuple[str, str]] = []
    for member, value in output.items():
        if value is None:
            continue
        header = plan.headers.get(member)
        if header is not None:
            headers.append((header[0], value if type(value) is str and header[2] else _header_text(header[1], value)))
        elif member in plan.header_maps:
            prefix = plan.header_maps[member]
            headers += [(prefix + name, text) for name, text in value.items()]
    headers += output.get("ResponseHeaders", ())
    status = output.get("ResponseStatus", plan.status)
    if plan.stream is not None:
        return Response(status, headers, output.get(plan.stream, b""))
    if plan.text is not None:
        text = output.get(plan.text) or ""
        return Response(status, [*headers, ("Content-Type", "application/json")], text.encode())
    if plan.write is None:
        return Response(status, headers)
    out = [_DECLARATION]
    value = output if plan.payload is None else output.get(plan.payload)
    if value is None:
        return Response(status, headers)
    plan.write(out, value)
    return Response(status, [*headers, _XML], "".join(out).encode("utf-8", "surrogatepass"))


@cache
def _rest_plan(service: str, name: str) -> _Plan:
    operation = operation_model(service, name)
    shape: Any = operation.output_shape
    status = operation.http.get("responseCode", 200)
    if shape is None:
        return _Plan(204 if operation.http["method"] == "DELETE" else status, {}, {}, None, None, None, None)
    headers: dict[str, tuple[str, Shape, bool]] = {}
    maps: dict[str, str] = {}
    body = []
    for member, item in shape.members.items():
        location = item.serialization.get("location")
        written = item.serialization.get("name", member)
        if location == "header":
            headers[member] = (written, item, item.type_name == "string")
        elif location == "headers":
            maps[member] = written
        elif location is None:
            body.append(member)
    payload = shape.serialization.get("payload")
    stream = text = None
    write: Write | None = None
    namespace = f' xmlns="{_NAMESPACES[service]}"'
    if name == "GetBucketLocation":
        write = _location
    elif name == "ListObjectVersions":
        write = _versions(shape, namespace)
    elif payload is not None:
        item = shape.members[payload]
        if item.type_name == "blob":
            stream = payload
        elif item.type_name == "string":
            text = payload
        else:
            root = _ROOTS.get(name) or item.serialization.get("name") or item.name
            write = _WRITERS.element(item, root, namespace)
    elif body:
        write = _WRITERS.element(shape, _ROOTS.get(name) or shape.name, namespace)
    if name == "HeadObject" or (operation.http["method"] == "DELETE" and write is None):
        status = 200 if name == "HeadObject" else 204
    return _Plan(status, headers, maps, stream, text, write, payload)


def _location(out: list[str], output: dict[str, Any]) -> None:
    """The one answer whose only member is the text of its root element."""
    region = escape(output.get("LocationConstraint") or "")
    out.append(f'<LocationConstraint xmlns="{_S3_NAMESPACE}">{region}</LocationConstraint>')


def _versions(shape: Any, namespace: str) -> Write:
    """Versions and delete markers in one order, newest first, as S3 writes them: clients read them in a stream."""
    outline = _WRITERS.element(shape, _ROOTS["ListObjectVersions"], namespace)
    version = _WRITERS.element(shape.members["Versions"].member, "Version")
    marker = _WRITERS.element(shape.members["DeleteMarkers"].member, "DeleteMarker")

    def write(out: list[str], output: dict[str, Any]) -> None:
        outline(out, output | {"Versions": None, "DeleteMarkers": None})
        end = out.pop()
        versions, markers = output.get("Versions") or (), output.get("DeleteMarkers") or ()
        order = output.get("MarkersAmongVersions") or [False] * len(versions) + [True] * len(markers)
        left = {False: iter(versions), True: iter(markers)}
        for is_marker in order:
            (marker if is_marker else version)(out, next(left[is_marker]))
        out.append(end)

    return write


def _header_text(shape: Shape, value: Any) -> str:
    if shape.type_name == "list":
        return ",".join(str(item) for item in value)
    return write_scalar(shape, value, "rfc822")


def _render_query(operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
    write, namespace = _query_writer(operation.service_model.service_name, operation.name)
    out = [f'<{operation.name}Response xmlns="{namespace}">']
    if write is not None:
        write(out, output)
    if (message := output.get("EncodedAuthorizationMessage")) is not None:
        out.append(f"<EncodedAuthorizationMessage>{escape(message)}</EncodedAuthorizationMessage>")
    out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>")
    return Response(200, [("Content-Type", "text/xml")], "".join(out).encode("utf-8", "replace"))


@cache
def _query_writer(service: str, name: str) -> tuple[Write | None, str]:
    operation = operation_model(service, name)
    shape: Any = operation.output_shape
    namespace = operation.metadata.get("xmlNamespace", "")
    if shape is None:
        return None, namespace
    return _WRITERS.element(shape, shape.serialization.get("resultWrapper", f"{name}Result")), namespace


def render_error(service: str, error: AwsError, request_id: str, host_id: str, method: str = "GET") -> Response:
    """The response of a refusal in the form of the service's protocol; HEAD and 304 have no body."""
    model = service_model(service)
    if model.metadata["protocol"] == "json":
        return render_json_error(model, error)
    headers = list(error.headers.items())
    if method == "HEAD" or error.status == 304:
        return Response(error.status, headers)
    extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in error.extra.items())
    said = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{extra}"
    if service == "s3":
        text = f"{_DECLARATION}<Error>{said}<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>"
        return Response(error.status, [*headers, _XML], text.encode("utf-8", "replace"))
    if service == "s3control":
        inner = f"<Error>{said}</Error><RequestId>{request_id}</RequestId><HostId>{host_id}</HostId>"
        text = f'{_DECLARATION}<ErrorResponse xmlns="{_NAMESPACES[service]}">{inner}</ErrorResponse>'
        return Response(error.status, [*headers, _XML], text.encode("utf-8", "replace"))
    namespace = model.metadata.get("xmlNamespace", "")
    fault = "Receiver" if error.status >= 500 else "Sender"
    text = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{fault}</Type>{said}</Error>'
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Response(error.status, [*headers, ("Content-Type", "text/xml")], text.encode("utf-8", "replace"))
