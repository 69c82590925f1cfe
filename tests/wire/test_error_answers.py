"""A refusal in the form of each protocol, as botocore reads it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.parsers import create_parser

from isthmus.wire import AwsError, Response, operation_model, render_error, status_of

ODD = 'Say "no" & <never> é'


def read(response: Response, protocol: str, service: str, name: str) -> dict[str, Any]:
    headers = {key.lower(): value for key, value in response.headers}
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = create_parser(protocol).parse(answer, operation_model(service, name).output_shape)
    return parsed


def test_s3_says_what_is_meant_beside_code_and_message() -> None:
    error = AwsError("NoSuchKey", ODD, extra={"Key": "a&b"}, headers={"x-amz-delete-marker": "true"})
    response = render_error("s3", error, "request-1", "host-1")
    parsed = read(response, "rest-xml", "s3", "GetObject")
    assert response.status == 404
    assert parsed["Error"] == {"Code": "NoSuchKey", "Message": ODD, "Key": "a&b"}
    assert isinstance(response.body, bytes)
    assert b"<RequestId>request-1</RequestId><HostId>host-1</HostId></Error>" in response.body
    assert ("x-amz-delete-marker", "true") in response.headers


@pytest.mark.parametrize(("status", "fault"), [(400, "Sender"), (403, "Sender"), (500, "Receiver")])
def test_the_query_services_say_whose_fault_it_is(status: int, fault: str) -> None:
    response = render_error("iam", AwsError("SomeCode", ODD, status), "request-1", "host-1")
    parsed = read(response, "query", "iam", "GetUser")
    assert response.status == status
    assert parsed["Error"] == {"Code": "SomeCode", "Message": ODD, "Type": fault}
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"


def test_an_answer_to_head_and_not_modified_have_no_body() -> None:
    assert render_error("s3", AwsError("NoSuchKey", "x"), "1", "2", "HEAD").body == b""
    assert render_error("s3", AwsError("NotModified", "x", 304), "1", "2", "GET").body == b""
    assert render_error("s3", AwsError("NoSuchKey", "x"), "1", "2", "GET").body != b""


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDenied", 403), ("NoSuchBucket", 404), ("MethodNotAllowed", 405), ("BucketNotEmpty", 409),
     ("MissingContentLength", 411), ("PreconditionFailed", 412), ("InvalidRange", 416), ("InternalError", 500),
     ("NotImplemented", 501), ("SlowDown", 503), ("MalformedXML", 400), ("ExpiredToken", 400)],
)  # fmt: skip
def test_a_code_has_its_status(code: str, status: int) -> None:
    assert status_of(code) == AwsError(code, "").status == status
