"""Every operation of IAM and STS as botocore writes and reads it, and forms that are no operation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from samples import sample

from isthmus.wire import (
    AwsError,
    Request,
    form_of,
    operation_model,
    parse_query_input,
    query_action,
    render,
    service_model,
)

OPERATIONS = [(service, name) for service in ("iam", "sts") for name in sorted(service_model(service).operation_names)]
FORM = {"host": "localhost", "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
VERSION = "2010-05-08"


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_input_arrives_as_it_was_given(service: str, name: str, complete: bool) -> None:
    model = operation_model(service, name)
    given = sample(model.input_shape, complete=complete) if model.input_shape is not None else {}
    sent = create_serializer("query", include_validation=False).serialize_to_request(given, model)["body"]
    form = form_of(Request("POST", "/", "", FORM), urlencode(sent).encode())
    assert query_action(service_model(service), form) == name
    assert parse_query_input(model, form) == given
    # The same in the query string of a GET.
    assert form_of(Request("GET", "/", urlencode(sent), {"host": "localhost"}), b"") == form


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_output_is_read_as_it_was_given(service: str, name: str, complete: bool) -> None:
    model = operation_model(service, name)
    output = sample(model.output_shape, complete=complete) if model.output_shape is not None else {}
    response = render(model, output, "request-1")
    answer = {"status_code": response.status, "headers": dict(response.headers), "body": response.body}
    parsed: dict[str, Any] = create_parser("query").parse(answer, model.output_shape)
    assert parsed.pop("ResponseMetadata")["RequestId"] == "request-1"
    assert parsed == output


def refused(service: str, action: str, text: str, headers: dict[str, str] = FORM) -> AwsError:
    with pytest.raises(AwsError) as refusal:
        form = form_of(Request("POST", "/", "", headers), text.encode())
        named = query_action(service_model(service), form)
        assert named == action
        parse_query_input(operation_model(service, named), form)
    return refusal.value


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "MissingAction", "Missing Action"),
        ("Version=2010-05-08", "MissingAction", "Missing Action"),
        ("Action=", "MissingAction", "Missing Action"),
        ("Action=Nothing&Version=" + VERSION, "InvalidAction", "Could not find operation Nothing"),
        ("Action=CreateUser&Version=2009-01-01", "InvalidAction", "for version 2009-01-01"),
        ("Action=createuser&Version=" + VERSION, "InvalidAction", "Could not find operation createuser"),
        ("Action=CreateUser&" + "a=b&" * 10_000, "MalformedQueryString", "at most 10000 parameters"),
        ("Action=CreateUser&UserName=%FF", "MalformedQueryString", "not UTF-8"),
        ("Action=CreateUser&" + ".".join("a" * 40) + "=1", "MalformedInput", "nested too deeply"),
        ("Action=CreateUser&UserName.member.1=alice", "MalformedInput", "UserName"),
        ("Action=CreateUser&UserName=a&Tags=x", "MalformedInput", "Tags"),
        ("Action=ListUsers&MaxItems=many", "MalformedInput", "MaxItems must be an integer"),
        ("Action=ListUsers&MaxItems=0", "ValidationError", "Value '0' at 'maxItems' failed to satisfy constraint: "
         "Member must have value greater than or equal to 1"),
        ("Action=CreateUser", "ValidationError", "Value null at 'userName' failed to satisfy constraint: Member must "
         "not be null"),
        ("Action=CreateUser&UserName=" + "a" * 200, "ValidationError", "Member must have length less than or equal to"),
        ("Action=CreateUser&UserName=a%20b", "ValidationError", "Member must satisfy regular expression pattern"),
        ("Action=CreateUser&UserName=a&Tags.member.1.Value=x", "ValidationError", "Member must not be null"),
    ],
)  # fmt: skip
def test_a_malformed_form_is_refused(text: str, code: str, said: str) -> None:
    action = text.partition("Action=")[2].partition("&")[0]
    refusal = refused("iam", action, text)
    assert (refusal.code, refusal.status) == (code, 400)
    assert said in refusal.message


def test_all_violations_are_told_at_once() -> None:
    refusal = refused("sts", "AssumeRole", "Action=AssumeRole&Version=2011-06-15&DurationSeconds=1")
    assert refusal.message.startswith("3 validation errors detected: ")
    for member in ("roleArn", "roleSessionName", "durationSeconds"):
        assert f"at '{member}'" in refusal.message


def test_a_body_that_is_no_form_is_not_read_as_one() -> None:
    headers = {"host": "localhost", "content-type": "text/plain"}
    assert refused("iam", "", "Action=ListUsers", headers).code == "MissingAction"


def test_lists_are_ordered_by_number_and_maps_keep_their_keys() -> None:
    text = "Action=TagUser&UserName=a&Tags.member.10.Key=ten&Tags.member.10.Value=&Tags.member.2.Key=two&" \
           "Tags.member.2.Value=2"  # fmt: skip
    form = form_of(Request("POST", "/", "", FORM), text.encode())
    tags = parse_query_input(operation_model("iam", "TagUser"), form)["Tags"]
    assert tags == [{"Key": "two", "Value": "2"}, {"Key": "ten", "Value": ""}]


def test_an_encoded_authorization_message_stands_beside_the_result_and_clients_pass_over_it() -> None:
    model = operation_model("iam", "SimulatePrincipalPolicy")
    output = {"EvaluationResults": [], "IsTruncated": False, "EncodedAuthorizationMessage": "AbC-_"}
    response = render(model, output, "request-1")
    assert isinstance(response.body, bytes)
    assert b"</SimulatePrincipalPolicyResult><EncodedAuthorizationMessage>AbC-_<" in response.body
    parsed = create_parser("query").parse(
        {"status_code": 200, "headers": {}, "body": response.body}, model.output_shape
    )
    assert parsed["EvaluationResults"] == []
    del output["EncodedAuthorizationMessage"]
    response = render(model, output, "request-1")
    assert isinstance(response.body, bytes)
    assert b"EncodedAuthorizationMessage" not in response.body
