"""S3's requests: parameters from path, query, headers and an XML (or raw) payload.

Source: Smithy specification, "AWS restXml protocol"; botocore's S3 model; error texts of the S3 API reference. How an
operation's input is read is worked out once per operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from botocore.model import OperationModel, Shape
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .errors import AwsError
from .http import Request
from .models import operation_model
from .route import S3Route
from .values import BadValue, read_scalar

MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"
_INTEGERS = "Provided {name} not an integer or within integer range"
_INVALID = {"encoding-type": "Invalid Encoding Method specified in Request"}
# Enumerations whose values the operation itself judges, with an error code of its own.
_OWN_ERROR = frozenset({"x-amz-storage-class", "x-amz-acl", "x-amz-server-side-encryption", "x-amz-object-ownership",
                        "x-amz-checksum-algorithm", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-type"})  # fmt: skip
# Elements whose unknown values are well-formed: their operations have errors of their own for them.
_JUDGED = frozenset({"BucketLocationConstraint", "FilterRuleName", "Event"})

# What S3 also reads from the query of a presigned URL, where several SDKs put the x-amz- headers of the request they
# sign. Of tags, encryption and checksums it takes no notice there.
_HOISTED = frozenset({"x-amz-acl", "x-amz-expected-bucket-owner"})
_HOISTED_PREFIX = "x-amz-meta-"

_ANY_CASE = frozenset({"x-amz-checksum-mode"})  # the SDK for C++ says `enabled`, the model `ENABLED`


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read an operation's input."""

    query: dict[str, tuple[str, Shape]]
    headers: dict[str, tuple[str, Shape]]
    header_maps: tuple[tuple[str, str], ...]
    payload: str | None
    payload_shape: Shape | None
    streams: bool
    required: frozenset[str]


def parse_s3_input(operation: OperationModel, route: S3Route, request: Request, body: bytes) -> dict[str, Any]:
    """The input of an S3 operation by the model's member names; a streaming payload is left out.

    Raises AwsError MalformedXML, InvalidArgument, MissingRequestBodyError.
    """
    plan = _plan(operation.name)
    given: dict[str, Any] = {}
    if route.bucket is not None:
        given["Bucket"] = route.bucket
    if route.key is not None:
        given["Key"] = route.key
    headers = _with_hoisted(request.headers, route.query)
    for sent, known in ((route.query, plan.query), (headers, plan.headers)):
        for name in sent.keys() & known.keys():
            member, shape = known[name]
            given[member] = _parameter(shape, name, sent[name])
    for prefix, member in plan.header_maps:
        given[member] = {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}
    if plan.payload is not None and not plan.streams:
        given.update(_payload(plan, body))
    return given


def _with_hoisted(headers: dict[str, str], query: dict[str, str]) -> dict[str, str]:
    """The headers, with those that a presigned URL carries in its query."""
    if "X-Amz-Signature" not in query and "Signature" not in query:
        return headers
    lower = {name.lower(): value for name, value in query.items()}
    hoisted = {name: lower[name] for name in lower if name in _HOISTED or name.startswith(_HOISTED_PREFIX)}
    return {**hoisted, **headers} if hoisted else headers


@cache
def _plan(name: str) -> _Plan:
    operation = operation_model("s3", name)
    shape = operation.input_shape
    query: dict[str, tuple[str, Shape]] = {}
    headers: dict[str, tuple[str, Shape]] = {}
    maps: list[tuple[str, str]] = []
    payload = shape.serialization.get("payload") if shape is not None else None
    for member, item in shape.members.items() if shape is not None else ():
        location = item.serialization.get("location")
        written = item.serialization.get("name", member)
        if location == "querystring":
            query[written] = (member, item)
        elif location == "header":
            headers[written.lower()] = (member, item)
        elif location == "headers":
            maps.append((written.lower(), member))
    payload_shape = shape.members[payload] if shape is not None and payload else None
    required = frozenset(shape.required_members if shape is not None else ())
    streams = payload_shape is not None and payload_shape.type_name == "blob"
    return _Plan(query, headers, tuple(maps), payload, payload_shape, streams, required)


def _parameter(shape: Any, name: str, text: str) -> Any:
    try:
        if shape.type_name == "list":
            return [read_scalar(shape.member, part.strip()) for part in text.split(",") if part.strip()]
        value = read_scalar(shape, text)
    except BadValue:
        if shape.type_name == "timestamp":
            return None  # an unreadable date in a condition counts as not sent (RFC 9110)
        message = _INTEGERS.format(name=name) if shape.type_name in ("integer", "long") else f"Invalid value for {name}"
        raise _invalid(message, name, text) from None
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**63:
        raise _invalid(_INTEGERS.format(name=name), name, text)
    if name in _ANY_CASE:
        value = str(value).upper()
    enum = shape.metadata.get("enum")
    if enum and value not in enum and name not in _OWN_ERROR:
        raise _invalid(_INVALID.get(name, f"Invalid value for {name}"), name, text)
    return value


def _invalid(message: str, name: str, value: str) -> AwsError:
    return AwsError("InvalidArgument", message, extra={"ArgumentName": name, "ArgumentValue": value})


def _payload(plan: _Plan, body: bytes) -> dict[str, Any]:
    assert plan.payload is not None
    shape: Any = plan.payload_shape
    if shape.type_name == "string":
        try:
            return {plan.payload: body.decode("utf-8")}
        except UnicodeDecodeError:
            raise AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'") from None
    if not body.strip():
        required = plan.payload in plan.required
        if required:
            raise AwsError("MissingRequestBodyError", "Request Body is empty")
        return {}
    return {plan.payload: read_xml(shape, body)}


def read_xml(shape: Shape, body: bytes) -> Any:
    """The value of an XML document; entities and DTDs are refused. Raises AwsError MalformedXML."""
    return _reader(shape)(_root(shape, body))


def read_members(shape: Any, body: bytes) -> dict[str, Any]:
    """Those members of an input that are elements of its body, where no single member is the whole of it.

    Raises AwsError MalformedXML.
    """
    root = _root(shape, body)
    value: dict[str, Any] = {}
    for name, member in shape.members.items():
        if "location" not in member.serialization:
            written = member.serialization.get("name", name)
            found = next((child for child in root if isinstance(child.tag, str) and _local(child) == written), None)
            if found is not None:
                value[name] = _reader(member)(found)
    return value


def _root(shape: Shape, body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise AwsError("MalformedXML", MALFORMED_XML) from None
    if _local(root) not in (shape.serialization.get("name", shape.name), shape.name):
        raise AwsError("MalformedXML", MALFORMED_XML)
    return root


Read = Callable[[Element], Any]


def _reader(shape: Shape) -> Read:
    kind = shape.type_name
    if kind == "structure":
        return lambda element: _structure(shape, element)
    if kind == "list":
        return lambda element: _list(shape, element)
    return lambda element: _scalar(shape, element)


def _structure(shape: Any, element: Element) -> dict[str, Any]:
    children: dict[str, list[Element]] = {}
    for child in element:
        if isinstance(child.tag, str):
            children.setdefault(_local(child), []).append(child)
    value: dict[str, Any] = {}
    for name, member in shape.members.items():
        serialization = member.serialization
        written = serialization.get("name", name)
        if serialization.get("xmlAttribute"):
            attribute = written.rpartition(":")[2]
            for key, text in element.attrib.items():
                if key.rpartition("}")[2] == attribute:
                    value[name] = text
        elif member.type_name == "list" and serialization.get("flattened"):
            item = member.member.serialization.get("name", written)
            elements = children.get(item) or children.get(written)
            if elements is not None:
                value[name] = [_reader(member.member)(child) for child in elements]
        elif written in children:
            value[name] = _reader(member)(children[written][0])
    for name in shape.required_members:
        if name not in value:
            raise AwsError("MalformedXML", MALFORMED_XML)
    return value


def _list(shape: Any, element: Element) -> list[Any]:
    read = _reader(shape.member)
    return [read(child) for child in element if isinstance(child.tag, str)]


def _scalar(shape: Shape, element: Element) -> Any:
    text = element.text or ""
    if len(element):
        raise AwsError("MalformedXML", MALFORMED_XML)
    try:
        value = read_scalar(shape, text if shape.type_name == "string" else text.strip())
    except BadValue:
        raise AwsError("MalformedXML", MALFORMED_XML) from None
    enum = shape.metadata.get("enum")
    if enum and value not in enum and shape.name not in _JUDGED:
        raise AwsError("MalformedXML", MALFORMED_XML)
    return value


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
