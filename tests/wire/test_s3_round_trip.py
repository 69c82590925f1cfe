"""Every S3 operation as botocore writes it and reads it: what goes in comes out, in both directions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from samples import sample

from isthmus.wire import (
    AwsError,
    Request,
    Response,
    operation_model,
    parse_s3_input,
    render,
    route_s3,
    service_model,
)

# Of other endpoints; the deprecated name of another operation with the same address; S3 Select, which is not served
# and alone has a body without a payload member and answers in a stream of events.
ELSEWHERE = {"WriteGetObjectResponse", "CreateSession", "ListDirectoryBuckets", "GetBucketLifecycle",
             "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification",
             "SelectObjectContent"}  # fmt: skip
OPERATIONS = sorted(set(service_model("s3").operation_names) - ELSEWHERE)


def sent_by_botocore(name: str, given: dict[str, Any]) -> tuple[Request, bytes]:
    """The request botocore would send. It leaves out members whose location it fills in itself."""
    serialized = create_serializer("rest-xml", include_validation=False).serialize_to_request(
        given, operation_model("s3", name)
    )
    path, _, query = serialized["url_path"].partition("?")
    more = serialized["query_string"]
    pairs = [query] if query else []
    pairs += [f"{key}={_quoted(value)}" for key, value in more.items()]
    headers = {key.lower(): str(value) for key, value in serialized["headers"].items()}
    headers["host"] = "localhost:9000"
    body = serialized["body"]
    data = body if isinstance(body, bytes) else str(body or "").encode()
    return Request(serialized["method"], path, "&".join(pairs), headers), data


def _quoted(value: Any) -> str:
    return quote(str(value), safe="-_.~")


def expected_input(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the parser promises: the same, without the streamed payload."""
    shape: Any = operation_model("s3", name).input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    streamed = payload if payload is not None and shape.members[payload].type_name == "blob" else None
    return {member: value for member, value in given.items() if member != streamed}


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_input_arrives_as_it_was_given(name: str, complete: bool) -> None:
    model = operation_model("s3", name)
    given = sample(model.input_shape, complete=complete) if model.input_shape is not None else {}
    if model.input_shape is not None and "Key" in model.input_shape.members:
        given["Key"] = "folder/a key+with %ö/.."
    if model.input_shape is not None and "Bucket" in model.input_shape.members:
        given["Bucket"] = "example-bucket"
    request, body = sent_by_botocore(name, given)
    route = route_s3(request, ("localhost",))
    assert route.operation == name
    assert full(parse_s3_input(model, route, request, body)) == full(expected_input(name, given))


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_output_is_read_as_it_was_given(name: str, complete: bool) -> None:
    model = operation_model("s3", name)
    output = sample(model.output_shape, complete=complete) if model.output_shape is not None else {}
    shape: Any = model.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    streamed = payload is not None and shape.members[payload].type_name == "blob"
    response = render(model, output, "0123456789ABCDEF")
    if streamed:
        assert response.body == output.pop(payload, b"")
        response.body = b""
    parsed = parsed_by_botocore(model, response)
    if name == "GetBucketLocation":  # botocore reads this one by hand: its only member is the root's text
        assert b'/2006-03-01/">%s</Loc' % output.pop("LocationConstraint", "").encode() in response.body
    assert full(parsed) == full(output)


def full(value: Any) -> Any:
    """A value without empty members: XML cannot tell an empty structure or text from none, and botocore does not."""
    if isinstance(value, dict):
        # botocore takes an element called Error for the envelope of a refusal and leaves it empty.
        inner = {name: full(item) for name, item in value.items() if name != "Error"}
        return {name: item for name, item in inner.items() if item not in ({}, [], "", None)}
    return [full(item) for item in value] if isinstance(value, list) else value


def parsed_by_botocore(model: Any, response: Response) -> dict[str, Any]:
    shape = model.output_shape
    answer = {"status_code": response.status, "headers": _Headers(response.headers), "body": response.body}
    if shape is None:
        return {}
    parsed = create_parser("rest-xml").parse(answer, shape)
    parsed.pop("ResponseMetadata")
    return dict(parsed)


class _Headers(dict[str, str]):
    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__({name.lower(): value for name, value in pairs})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


def test_an_operation_of_another_endpoint_has_no_route() -> None:
    with pytest.raises(AwsError) as refusal:
        route_s3(Request("POST", "/", "", {"host": "localhost"}), ("localhost",))
    assert (refusal.value.code, refusal.value.status) == ("MethodNotAllowed", 405)
