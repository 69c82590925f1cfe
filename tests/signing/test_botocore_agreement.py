"""What botocore signs, we verify; what anybody changes afterwards, we refuse."""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import (
    HmacV1Auth,
    HmacV1QueryAuth,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpchecksum import AwsChunkedWrapper, CrtCrc32cChecksum

from isthmus.signing import credentials_of, signing_key_of, verified_body, verify
from isthmus.wire import AwsError, BytesBody, Request

KEY, SECRET, TOKEN = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "token/with+odd=characters",
)

PATHS = [
    "/",
    "/bucket",
    "/bucket/key",
    "/bucket/" + quote("ключ и пробел"),
    "/bucket/a//b",
    "/bucket/./b/../c",
    "/bucket/a%2Fb",
    "/bucket/a%2fb",
    "/bucket/a+b",
    "/bucket/a%2Bb",
    "/bucket/a%252Fb",
    "/bucket/!*'();:@&=$,~-_.",
    "/bucket/tail/",
    "/bucket/%F0%9F%98%80",
    "//bucket//",
]
QUERIES = [
    "",
    "acl",
    "list-type=2&prefix=a%20b%2Fc&delimiter=%2F",
    "prefix=a%2Bb",
    "prefix=a+b",
    "z=1&a=2&a=1&a-b=3&a=",
    "prefix=%D1%8F&encoding-type=url",
    "empty=&=&x==y",
    "prefix=%7e~*",
]


def as_received(prepared: AWSRequest) -> Request:
    sent = prepared.prepare()
    parts = urlsplit(sent.url)
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in sent.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    body = sent.body or b""
    return Request(
        sent.method,
        parts.path,
        parts.query,
        headers,
        BytesBody(body if isinstance(body, bytes) else body.read()),
    )


def request_for(path: str, query: str, **kwargs: object) -> AWSRequest:
    url = "http://s3.example.com:9000" + path + ("?" + query if query else "")
    kwargs.setdefault("method", "GET")
    return AWSRequest(url=url, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", PATHS)
def test_s3_headers_and_urls_signed_by_botocore_are_verified(path: str, query: str, token: str | None) -> None:
    credentials = Credentials(KEY, SECRET, token)
    by_header = request_for(path, query, headers={"X-Amz-Meta-Spaces": "  a   b "})
    S3SigV4Auth(credentials, "s3", "eu-west-1").add_auth(by_header)
    by_url = request_for(path, query)
    S3SigV4QueryAuth(credentials, "s3", "eu-west-1", expires=60).add_auth(by_url)
    for form, signed in (("REST-HEADER", by_header), ("REST-QUERY-STRING", by_url)):
        request = as_received(signed)
        presented = credentials_of(request, "s3")
        assert presented is not None
        assert (presented.form, presented.access_key, presented.region) == (form, KEY, "eu-west-1")
        assert presented.session_token == token
        verify(presented, request, SECRET, time.time())
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            verify(presented, request, SECRET + "x", time.time())
        request.path += "x"
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            verify(presented, request, SECRET, time.time())


@pytest.mark.parametrize("query", ["", "Action=ListUsers&Version=2010-05-08", "a=b%20c&a=%2F"])
@pytest.mark.parametrize("path", ["/", "", "/a/../b//c/", "/a%20b", "/./"])
def test_other_services_are_normalised_and_encoded_twice_as_botocore_does(path: str, query: str) -> None:
    body = b"Action=GetUser&Version=2010-05-08"
    for signer in (SigV4Auth, SigV4QueryAuth):
        signed = request_for(path, query, method="POST", data=body)
        if signer is SigV4QueryAuth:
            signed = request_for(path, query)
        signer(Credentials(KEY, SECRET), "iam", "us-east-1").add_auth(signed)
        request = as_received(signed)
        presented = credentials_of(request, "iam")
        assert presented is not None
        sent = b"" if signer is SigV4QueryAuth else body
        verify(presented, request, SECRET, time.time(), payload_hash=hashlib.sha256(sent).hexdigest())
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            verify(presented, request, SECRET, time.time(), payload_hash=hashlib.sha256(b"other").hexdigest())


@pytest.mark.parametrize("query", ["", "acl", "uploadId=a%2Bb&partNumber=1", "prefix=x", "response-content-type=a%2Fb"])
@pytest.mark.parametrize("path", ["/bucket/key", "/bucket/a%20b", "/bucket/"])
def test_version_2_of_botocore_is_verified(path: str, query: str) -> None:
    for signer in (
        HmacV1Auth(Credentials(KEY, SECRET, TOKEN)),
        HmacV1QueryAuth(Credentials(KEY, SECRET), expires=60),
    ):
        signed = request_for(path, query, headers={"x-amz-meta-a": "b", "content-type": "text/plain"})
        signer.add_auth(signed)
        request = as_received(signed)
        presented = credentials_of(request)
        assert presented is not None
        assert presented.version == "AWS"
        verify(presented, request, SECRET, time.time())
        request.headers["x-amz-meta-a"] = "c"
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            verify(presented, request, SECRET, time.time())


def test_version_2_signs_the_headers_that_stand_in_an_address() -> None:
    signed = request_for("/bucket/key", "", headers={"x-amz-request-payer": "requester"})
    HmacV1QueryAuth(Credentials(KEY, SECRET), expires=60).add_auth(signed)
    request = as_received(signed)
    del request.headers["x-amz-request-payer"]
    presented = credentials_of(request)
    assert presented is not None
    verify(presented, request, SECRET, time.time())
    request.query = request.query.replace("x-amz-request-payer=requester", "x-amz-request-payer=nobody")
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        verify(presented, request, SECRET, time.time())


def test_version_2_signs_the_bucket_of_a_virtual_host() -> None:
    signed = AWSRequest(method="GET", url="http://bucket.s3.example.com/key")
    signed.auth_path = "/bucket/key"
    HmacV1Auth(Credentials(KEY, SECRET)).add_auth(signed)
    request = as_received(signed)
    presented = credentials_of(request)
    assert presented is not None
    verify(presented, request, SECRET, time.time(), virtual_bucket="bucket")
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        verify(presented, request, SECRET, time.time())


@pytest.mark.parametrize("size", [0, 1, 8192, 100_000])
def test_an_unsigned_trailer_made_by_botocore_is_decoded(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    wrapped = AwsChunkedWrapper(
        io.BytesIO(data),
        checksum_cls=CrtCrc32cChecksum,
        checksum_name="x-amz-checksum-crc32c",
        chunk_size=16384,
    ).read()
    request = Request(
        "PUT",
        "/bucket/key",
        "",
        {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-trailer": "x-amz-checksum-crc32c",
            "x-amz-decoded-content-length": str(size),
        },
        BytesBody(wrapped),
    )
    body = verified_body(request, None, None)

    async def read() -> bytes:
        return b"".join([chunk async for chunk in body.chunks()])

    assert asyncio.run(read()) == data
    checksum = CrtCrc32cChecksum()
    checksum.update(data)
    assert body.trailers == {"x-amz-checksum-crc32c": checksum.b64digest()}


def test_a_signed_body_must_have_the_signed_hash() -> None:
    signed = request_for("/bucket/key", "", method="PUT", data=b"hello")
    S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(signed)
    request = as_received(signed)
    presented = credentials_of(request)
    assert presented is not None
    verify(presented, request, SECRET, time.time())

    async def read() -> bytes:
        body = verified_body(request, presented, signing_key_of(presented, SECRET))
        return b"".join([chunk async for chunk in body.chunks()])

    assert asyncio.run(read()) == b"hello"
    request.body = BytesBody(b"jello")
    with pytest.raises(AwsError, match="XAmzContentSHA256Mismatch"):
        asyncio.run(read())
