"""Malformed, expired and forged credentials get AWS's codes and texts; a good request beside each passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isthmus.signing import credentials_of, presign, sign_headers, verify
from isthmus.wire import AwsError, Request

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = 1_440_938_160.0  # 2015-08-30T12:36:00Z


def plain(query: str = "") -> Request:
    return Request("GET", "/bucket/key", query, {"host": "s3.example.com"})


def signed(service: str = "s3") -> Request:
    request = plain()
    request.headers.update(sign_headers(request, KEY, SECRET, NOW, service=service))
    return request


def presigned(expires: int = 60) -> Request:
    request = plain()
    request.query = presign(request, KEY, SECRET, NOW, expires=expires)
    return request


def refusal(request: Request, service: str = "s3", now: float = NOW) -> AwsError:
    with pytest.raises(AwsError) as caught:
        presented = credentials_of(request, service)
        assert presented is not None
        verify(presented, request, SECRET, now)
    return caught.value


def test_the_request_the_refusals_start_from_passes() -> None:
    for request, service in ((signed(), "s3"), (presigned(), "s3"), (signed("sts"), "sts")):
        presented = credentials_of(request, service)
        assert presented is not None
        verify(presented, request, SECRET, NOW + 59)


def test_a_request_without_credentials_is_anonymous() -> None:
    assert credentials_of(plain()) is None
    assert credentials_of(plain("prefix=Signature")) is None


def _authorization(old: str, new: str) -> Callable[[Request], None]:
    def change(request: Request) -> None:
        assert old in request.headers["authorization"]
        request.headers["authorization"] = request.headers["authorization"].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        (
            "Signature=",
            "Signatur=",
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the authorization header requires three "
            "components: Credential, "
            "SignedHeaders, and Signature.",
        ),
        (
            "/aws4_request",
            "",
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the Credential is mal-formed; expecting "
            '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        ),
        (
            KEY + "/",
            "/",
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; a non-empty Access Key (AKID) must be provided in the credential.",
        ),
        (
            "/s3/",
            "/ec2/",
            "AuthorizationHeaderMalformed",
            'The authorization header is malformed; incorrect service "ec2". This endpoint belongs to "s3".',
        ),
        (
            "20150830/",
            "20150829/",
            "AuthorizationHeaderMalformed",
            'The authorization header is malformed; Invalid credential date "20150829". This date is '
            "not the same "
            'as X-Amz-Date: "20150830".',
        ),
        ("AWS4-HMAC-SHA256 ", "Bearer ", "InvalidArgument", "Unsupported Authorization Type"),
        (
            "host;",
            "",
            "AccessDenied",
            "There were headers present in the request which were not signed",
        ),
    ],
)
def test_a_malformed_authorization_header(old: str, new: str, code: str, message: str) -> None:
    request = signed()
    _authorization(old, new)(request)
    error = refusal(request)
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("old", "new", "code", "start"),
    [
        (
            "Signature=",
            "Signatur=",
            "IncompleteSignature",
            "Authorization header requires 'Signature' parameter.",
        ),
        ("Signature=", "Signature", "IncompleteSignature", "Invalid key=value pair (missing equal-sign)"),
        (
            "/aws4_request",
            "",
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements",
        ),
        (
            "/aws4_request",
            "/aws3_request",
            "SignatureDoesNotMatch",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'.",
        ),
        ("/sts/", "/s3/", "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'. "),
        (
            "20150830/",
            "20150829/",
            "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '20150829' != "
            "'20150830', from '20150830T123600Z'.",
        ),
        ("host;", "", "SignatureDoesNotMatch", "'Host' or ':authority' must be a 'SignedHeader'"),
        ("AWS4-HMAC-SHA256 ", "Bearer ", "IncompleteSignature", "Invalid key=value pair"),
    ],
)
def test_a_malformed_authorization_header_at_a_query_service(old: str, new: str, code: str, start: str) -> None:
    request = signed("sts")
    _authorization(old, new)(request)
    error = refusal(request, "sts")
    assert error.code == code
    assert error.message.startswith(start)


def test_clocks_may_differ_by_fifteen_minutes_and_no_more() -> None:
    presented = credentials_of(signed())
    assert presented is not None
    for offset in (-900, 900):
        verify(presented, signed(), SECRET, NOW + offset)
        error = refusal(signed(), now=NOW + offset * 1.01)
        assert (error.code, error.status) == ("RequestTimeTooSkewed", 403)
        assert error.extra["MaxAllowedSkewMilliseconds"] == "900000"
    late = refusal(signed("sts"), "sts", NOW + 1380)
    assert late.message == (
        "Signature expired: 20150830T123600Z is now earlier than 20150830T124400Z (20150830T125900Z - 15 min.)"
    )
    assert late.code == "SignatureDoesNotMatch"
    assert refusal(signed("sts"), "sts", NOW - 1380).message.startswith("Signature not yet current: 2015")


def test_a_presigned_url_expires() -> None:
    error = refusal(presigned(60), now=NOW + 60)
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    assert error.extra == {
        "X-Amz-Expires": "60",
        "Expires": "2015-08-30T12:37:00Z",
        "ServerTime": "2015-08-30T12:37:00Z",
    }
    assert refusal(presigned(60), now=NOW - 1000).message == "Request is not valid yet"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=-7", "X-Amz-Expires must be non-negative"),
        ("X-Amz-Expires=60", "X-Amz-Expires=abc", "X-Amz-Expires should be a number"),
        (
            "X-Amz-Expires=60",
            "X-Amz-Expires=604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
            "must be less "
            "than 604800 seconds",
        ),
        (
            "X-Amz-Expires=60",
            "x=1",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        (
            "X-Amz-Date=20150830T123600Z",
            "X-Amz-Date=yesterday",
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ),
    ],
)
def test_malformed_presigned_urls(old: str, new: str, message: str) -> None:
    request = presigned()
    assert old in request.query
    request.query = request.query.replace(old, new)
    error = refusal(request)
    assert (error.code, error.message) == ("AuthorizationQueryParametersError", message)
    # An address that is valid for too long, or was never, is refused as one that has expired.
    assert error.status == (403 if "non-negative" in message or "a week" in message else 400)


def test_a_mismatch_at_s3_shows_what_was_signed() -> None:
    request = signed()
    request.headers["x-amz-date"] = "20150830T123601Z"
    error = refusal(request)
    assert error.code == "SignatureDoesNotMatch"
    assert error.status == 403
    assert error.extra["AWSAccessKeyId"] == KEY
    assert error.extra["StringToSign"].startswith("AWS4-HMAC-SHA256\n20150830T123601Z\n20150830/us-east-1/s3/")
    assert error.extra["CanonicalRequest"].startswith("GET\n/bucket/key\n\nhost:s3.example.com\n")
    assert set(error.extra) >= {"SignatureProvided", "StringToSignBytes", "CanonicalRequestBytes"}


def test_an_added_amz_header_must_be_signed() -> None:
    request = signed()
    request.headers["x-amz-acl"] = "public-read"
    error = refusal(request)
    assert error.code == "AccessDenied"
    assert error.extra == {"HeadersNotSigned": "x-amz-acl"}


def test_two_mechanisms_at_once_are_refused() -> None:
    request = signed()
    request.query = presigned().query
    assert refusal(request).code == "InvalidArgument"


def test_the_payload_declaration_is_required_and_checked() -> None:
    request = signed()
    del request.headers["x-amz-content-sha256"]
    assert refusal(request).message == "Missing required header for this request: x-amz-content-sha256"
    request.headers["x-amz-content-sha256"] = "nonsense"
    assert refusal(request).code == "InvalidArgument"


@pytest.mark.parametrize("date", [None, "nonsense", "2015-13-45"])
def test_a_date_is_required(date: str | None) -> None:
    request = signed()
    del request.headers["x-amz-date"]
    if date is not None:
        request.headers["date"] = date
    assert refusal(request).message == "AWS authentication requires a valid Date or x-amz-date header"


def test_an_empty_x_amz_date_is_no_date_though_another_header_has_one() -> None:
    headers = {"date": "Sun, 30 Aug 2015 12:36:00 GMT", "x-amz-date": "", "authorization": "AWS a:b"}
    request = Request("GET", "/bucket/key", "", headers)
    assert refusal(request).message == "AWS authentication requires a valid Date or x-amz-date header"


@pytest.mark.parametrize("authorization", ["AWS ", "AWS a", "AWS a:", "AWS :b"])
def test_a_malformed_version_2_header(authorization: str) -> None:
    request = plain()
    request.headers["authorization"] = authorization
    assert refusal(request).code == "InvalidArgument"
