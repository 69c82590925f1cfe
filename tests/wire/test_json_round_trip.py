"""Every operation of KMS, Organizations and CloudTrail as botocore writes and reads it, and bodies that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from samples import sample

from isthmus.wire import AwsError, json_action, operation_model, parse_json_input, render, render_error, service_model

OPERATIONS = [
    (service, name)
    for service in ("kms", "organizations", "cloudtrail")
    for name in sorted(service_model(service).operation_names)
]


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_input_arrives_as_it_was_given(service: str, name: str, complete: bool) -> None:
    model = operation_model(service, name)
    given = sample(model.input_shape, complete=complete) if model.input_shape is not None else {}
    sent = create_serializer("json", include_validation=False).serialize_to_request(given, model)
    headers = {header.lower(): value for header, value in sent["headers"].items()}
    assert json_action(service_model(service), headers) == name
    assert parse_json_input(model, sent["body"]) == given


@pytest.mark.parametrize("complete", [False, True], ids=["required members", "all members"])
@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_output_is_read_as_it_was_given(service: str, name: str, complete: bool) -> None:
    model = operation_model(service, name)
    output = sample(model.output_shape, complete=complete) if model.output_shape is not None else {}
    response = render(model, output, "request-1")
    answer = {"status_code": response.status, "headers": dict(response.headers), "body": response.body}
    parsed: dict[str, Any] = create_parser("json").parse(answer, model.output_shape)
    parsed.pop("ResponseMetadata")
    assert parsed == output


def refused(name: str, body: bytes) -> AwsError:
    with pytest.raises(AwsError) as refusal:
        parse_json_input(operation_model("kms", name), body)
    return refusal.value


@pytest.mark.parametrize(
    ("name", "body", "code", "said"),
    [
        ("ListKeys", b"{", "SerializationException", "not JSON"),
        ("ListKeys", b"[]", "SerializationException", "must be a JSON object"),
        ("ListKeys", b'{"Limit": "ten"}', "SerializationException", "Limit must be an integer"),
        ("ListKeys", b'{"Limit": true}', "SerializationException", "Limit must be an integer"),
        ("ListKeys", b'{"Limit": 0}', "ValidationError", "Value '0' at 'limit' failed to satisfy constraint"),
        ("DescribeKey", b"{}", "ValidationError", "Value null at 'keyId' failed to satisfy constraint"),
        ("DescribeKey", b'{"KeyId": 5}', "SerializationException", "KeyId must be a string"),
        ("DescribeKey", b'{"KeyId": "a", "GrantTokens": "b"}', "SerializationException", "GrantTokens must be a list"),
        ("Decrypt", b'{"CiphertextBlob": "*"}', "SerializationException", "CiphertextBlob must be base64"),
        ("Decrypt", b'{"EncryptionContext": []}', "SerializationException", "EncryptionContext must be an object"),
        ("CreateKey", b'{"MultiRegion": "yes"}', "SerializationException", "MultiRegion must be true or false"),
    ],
)
def test_a_malformed_body_is_refused(name: str, body: bytes, code: str, said: str) -> None:
    refusal = refused(name, body)
    assert (refusal.code, refusal.status) == (code, 400)
    assert said in refusal.message


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("DescribeAccount", b"{}", "INPUT_REQUIRED"),
        ("DescribeAccount", b'{"AccountId": "1111"}', "INVALID_PATTERN"),
        ("ListPolicies", b'{"Filter": "NO_SUCH_POLICY"}', "INVALID_ENUM"),
        ("CreateOrganizationalUnit", b'{"ParentId": "r-ab12", "Name": ""}', "MIN_LENGTH_EXCEEDED"),
        ("ListRoots", b'{"MaxResults": 21}', "MAX_VALUE_EXCEEDED"),
        ("ListRoots", b'{"MaxResults": 0}', "MIN_VALUE_EXCEEDED"),
    ],
)
def test_organizations_gives_a_reason_for_what_its_model_forbids(name: str, body: bytes, reason: str) -> None:
    with pytest.raises(AwsError) as refusal:
        parse_json_input(operation_model("organizations", name), body)
    assert (refusal.value.code, refusal.value.extra) == ("InvalidInputException", {"Reason": reason})


def test_the_text_of_an_error_is_called_as_its_model_says() -> None:
    for service, code, text in (
        ("organizations", "AccessDenied", "Message"),
        ("organizations", "UnknownOperationException", "message"),
        ("kms", "NotFoundException", "message"),
    ):
        response = render_error(service, AwsError(code, "what is wrong"), "request-1", "host-1")
        assert isinstance(response.body, bytes)
        assert json.loads(response.body)[text] == "what is wrong"


@pytest.mark.parametrize("prefix", ["", "com.amazonaws.cloudtrail.v20131101."], ids=["Smithy", "botocore"])
def test_cloudtrails_operations_are_named_as_either_family_of_sdks_does(prefix: str) -> None:
    target = {"x-amz-target": f"{prefix}CloudTrail_20131101.LookupEvents"}
    assert json_action(service_model("cloudtrail"), target) == "LookupEvents"
    with pytest.raises(AwsError):
        json_action(service_model("cloudtrail"), {"x-amz-target": f"other.{target['x-amz-target']}"})


@pytest.mark.parametrize("target", ["", "TrentService", "TrentService.Nothing", "OtherService.ListKeys"])
def test_a_target_that_names_no_operation_is_refused(target: str) -> None:
    with pytest.raises(AwsError) as refusal:
        json_action(service_model("kms"), {"x-amz-target": target})
    assert refusal.value.code == "InvalidAction"
    assert json_action(service_model("kms"), {"x-amz-target": "TrentService.ListKeys"}) == "ListKeys"


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("AccessDenied", 400, "AccessDeniedException"),
        ("SignatureDoesNotMatch", 400, "InvalidSignatureException"),
        ("InvalidClientTokenId", 400, "UnrecognizedClientException"),
        ("InvalidAction", 400, "UnknownOperationException"),
        ("NotFoundException", 400, "NotFoundException"),
        ("InternalFailure", 500, "InternalFailure"),
    ],
)
def test_an_error_has_the_name_that_this_protocol_gives_it(code: str, status: int, name: str) -> None:
    response = render_error("kms", AwsError(code, "what is wrong"), "request-1", "host-1")
    assert response.status == status
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"__type": name, "message": "what is wrong"}
