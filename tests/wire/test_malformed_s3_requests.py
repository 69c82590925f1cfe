"""S3 requests that are no operation, parameters that are no values, documents that are not what they should be."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.wire import AwsError, Request, operation_model, parse_s3_input, route_s3

LOCAL = {"host": "localhost:9000"}
DOMAINS = ("localhost",)


def parsed(method: str, target: str, body: bytes = b"", **headers: str) -> dict[str, object]:
    path, _, query = target.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(method, path, query, LOCAL | named)
    route = route_s3(request, DOMAINS)
    return parse_s3_input(operation_model("s3", route.operation), route, request, body)


def refused(method: str, target: str, body: bytes = b"", **headers: str) -> AwsError:
    with pytest.raises(AwsError) as refusal:
        parsed(method, target, body, **headers)
    return refusal.value


VERSIONING = b"<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>"


def test_the_document_that_the_others_are_variants_of_is_read() -> None:
    assert parsed("PUT", "/bucket?versioning", VERSIONING % b"Enabled") == {
        "Bucket": "bucket", "VersioningConfiguration": {"Status": "Enabled"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        b"Enabled",
        b"<VersioningConfiguration>",
        b"<VersioningConfiguration></Versioning>",
        b"<Versioning><Status>Enabled</Status></Versioning>",
        VERSIONING % b"Sometimes",
        VERSIONING % b"<b>Enabled</b>",
        VERSIONING % b"\xff",
        VERSIONING % b"&undefined;",
        VERSIONING % b"\x00",
        b'<!DOCTYPE a [<!ENTITY b "Enabled">]>' + VERSIONING % b"&b;",
        b'<!DOCTYPE a SYSTEM "http://example.com/a.dtd">' + VERSIONING % b"Enabled",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + VERSIONING % b"&b;",
        b'<?xml version="1.0" encoding="nonsense"?>' + VERSIONING % b"Enabled",
        b"<a>" * 100_000,
        (VERSIONING % b"Enabled") * 2,
    ],
)
def test_a_document_that_is_not_the_schemas_is_malformed(document: bytes) -> None:
    refusal = refused("PUT", "/bucket?versioning", document)
    assert (refusal.code, refusal.status) == ("MalformedXML", 400)
    assert refusal.message.startswith("The XML you provided was not well-formed")


def test_a_required_member_may_not_be_missing_from_a_document() -> None:
    delete = b"<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>"
    assert parsed("POST", "/bucket?delete", delete)["Delete"] == {"Objects": [{"Key": "a"}], "Quiet": True}
    for broken in (b"<Delete></Delete>", delete.replace(b"Key", b"Name"), delete.replace(b"true", b"perhaps")):
        assert refused("POST", "/bucket?delete", broken).code == "MalformedXML"


def test_an_empty_body_is_told_apart_from_a_malformed_one() -> None:
    assert refused("POST", "/bucket?delete").code == "MissingRequestBodyError"
    assert refused("PUT", "/bucket?versioning", b"  ").code == "MissingRequestBodyError"
    assert "CreateBucketConfiguration" not in parsed("PUT", "/bucket")


def test_namespaces_do_not_matter_and_unknown_elements_are_passed_over() -> None:
    """Clients write S3's namespace, an older one or none."""
    for space in (b"http://s3.amazonaws.com/doc/2006-03-01/", b"http://doc.s3.amazonaws.com/2006-03-01", b"x"):
        document = (VERSIONING % b"Enabled").replace(b"ation>", b'ation xmlns="' + space + b'"><!-- c --><New/>', 1)
        assert parsed("PUT", "/bucket?versioning", document)["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("/bucket?max-keys=many", "max-keys", "many"),
        ("/bucket?max-keys=", "max-keys", ""),
        ("/bucket?max-keys=1.5", "max-keys", "1.5"),
        ("/bucket?max-keys=99999999999999999999", "max-keys", "99999999999999999999"),
        ("/bucket?encoding-type=base64", "encoding-type", "base64"),
        ("/bucket/key?partNumber=one", "partNumber", "one"),
    ],
)
def test_a_parameter_that_is_no_value_is_named(target: str, name: str, value: str) -> None:
    refusal = refused("GET", target)
    assert (refusal.code, refusal.status) == ("InvalidArgument", 400)
    assert refusal.extra == {"ArgumentName": name, "ArgumentValue": value}


def test_a_checksum_mode_is_taken_in_any_case_and_no_other_word_is() -> None:
    for sent in ("ENABLED", "enabled", "Enabled"):
        assert parsed("GET", "/bucket/key", x_amz_checksum_mode=sent)["ChecksumMode"] == "ENABLED"
    assert refused("GET", "/bucket/key", x_amz_checksum_mode="disabled").code == "InvalidArgument"


def test_an_unreadable_date_of_a_condition_counts_as_not_sent() -> None:
    assert parsed("GET", "/bucket/key", if_modified_since="yesterday")["IfModifiedSince"] is None
    assert refused("PUT", "/bucket/key", x_amz_object_lock_mode="FOREVER").code == "InvalidArgument"


def test_a_policy_is_taken_as_it_is_sent() -> None:
    """Its bytes are kept; what they mean is the operation's question."""
    text = '{ "Version" : "2012-10-17" , "ö": 1 }'
    assert parsed("PUT", "/bucket?policy", text.encode())["Policy"] == text
    assert refused("PUT", "/bucket?policy", b"\xff{}").code == "MalformedPolicy"


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/"), ("DELETE", "/"), ("PATCH", "/bucket"), ("BREW", "/bucket/key"), ("POST", "/bucket"),
     ("POST", "/bucket/key"), ("TRACE", "/bucket/key")],
)  # fmt: skip
def test_a_method_without_an_operation_is_not_allowed(method: str, target: str) -> None:
    refusal = refused(method, target)
    assert (refusal.code, refusal.status, refusal.extra["Method"]) == ("MethodNotAllowed", 405, method)


@pytest.mark.parametrize("target", ["/bucket/%ff", "/bucket/key?prefix=%ff", "/bucket/%c0%ae", "*", "relative"])
def test_what_is_not_utf8_or_not_a_path_is_no_uri(target: str) -> None:
    assert refused("GET", target).code == "InvalidURI"


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), st.text(max_size=5))
def test_any_key_and_prefix_arrive(key: str, prefix: str) -> None:
    assert parsed("HEAD", "/bucket/" + quote(key, safe="/"))["Key"] == key
    listing = parsed("GET", "/bucket?list-type=2&prefix=" + quote(prefix, safe=""))
    assert listing["Prefix"] == prefix


@given(st.binary(max_size=200))
def test_no_bytes_of_a_document_do_anything_but_read_or_be_refused(document: bytes) -> None:
    try:
        parsed("PUT", "/bucket?versioning", document)
    except AwsError as error:
        assert error.code in ("MalformedXML", "MissingRequestBodyError")
