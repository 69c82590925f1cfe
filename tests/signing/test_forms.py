"""HTML forms: read however they are cut, signed by their policy, allowed only what it says."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.auth import HmacV1PostAuth, S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from isthmus.signing import check_length, check_post_policy, credentials_of_form, read_form, verify
from isthmus.wire import AwsError, BytesBody, Request

NOW = 1_440_938_160.0
FORM = (
    b'preamble\r\n--xyz\r\nContent-Disposition: form-data; name="Key"\r\n\r\n\xd0\xba/${filename}\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="acl"\r\nContent-Type: text/plain\r\n\r\n\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a b.txt"\r\nContent-Type: '
    b"text/html\r\n\r\n"
    b"hel\r\n--xy\r\nlo\r\n--xyz\r\nContent-Disposition: form-data; "
    b'name="late"\r\n\r\nignored\r\n--xyz--\r\n'
)


class Pieces:
    """A body that arrives in pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size
        self.length: int | None = len(data)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), self._size):
            yield self._data[start : start + self._size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_a_form_is_read_however_it_is_cut(size: int) -> None:
    async def main() -> None:
        form = await read_form(Pieces(FORM, size), 'multipart/form-data; boundary="xyz"')
        assert form.fields == {"key": "к/${filename}", "acl": ""}
        assert form.filename == "a b.txt"
        assert b"".join([piece async for piece in form.file.chunks()]) == b"hel\r\n--xy\r\nlo"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (FORM, "text/plain", "PreconditionFailed"),
        (FORM, "multipart/form-data; boundary=other", "MalformedPOSTRequest"),
        (FORM[:60], "multipart/form-data; boundary=xyz", "MalformedPOSTRequest"),
        (FORM[:-80], "multipart/form-data; boundary=xyz", "MalformedPOSTRequest"),
        (b"--xyz--\r\n", "multipart/form-data; boundary=xyz", "InvalidArgument"),
        (b"--xyz\r\n\r\n\r\nvalue", "multipart/form-data; boundary=xyz", "MalformedPOSTRequest"),
        (
            b'--xyz\r\nContent-Disposition: form-data; name="key"\r\n\r\n' + b"x" * 90_000,
            "multipart/form-data; boundary=xyz",
            "MaxPostPreDataLengthExceededError",
        ),
    ],
)
def test_malformed_forms(body: bytes, content_type: str, code: str) -> None:
    async def main() -> None:
        form = await read_form(BytesBody(body), content_type)
        async for _ in form.file.chunks():
            pass

    with pytest.raises(AwsError) as caught:
        asyncio.run(main())
    assert caught.value.code == code


@pytest.mark.parametrize("signer", [S3SigV4PostAuth, HmacV1PostAuth])
def test_forms_signed_by_botocore_are_verified(signer: Any) -> None:
    request = AWSRequest(method="POST", url="http://h/bucket")
    fields: dict[str, str] = {"key": "k"}
    request.context["s3-presign-post-fields"] = fields
    request.context["s3-presign-post-policy"] = {"expiration": "2099-01-01T00:00:00Z", "conditions": []}
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "secret", "token")
    (signer(credentials, "s3", "us-east-1") if signer is S3SigV4PostAuth else signer(credentials)).add_auth(request)
    lower = {name.lower(): value for name, value in fields.items()}
    presented = credentials_of_form(lower)
    assert presented is not None
    assert (presented.form, presented.session_token) == ("POST", "token")
    verify(presented, Request("POST", "/bucket", "", {}), "secret", NOW)
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        verify(presented, Request("POST", "/bucket", "", {}), "other", NOW)
    del lower["policy"]
    with pytest.raises(AwsError, match="InvalidArgument"):
        credentials_of_form(lower)
    assert credentials_of_form({"key": "k"}) is None


def policy(**changes: Any) -> str:
    document = {
        "expiration": "2015-08-30T13:00:00.000Z",
        "conditions": [
            {"bucket": "bucket"},
            ["StArTs-WiTh", "$KeY", "user/"],
            ["eq", "$acl", "private"],
            ["content-length-range", 1, "100"],
        ],
    }
    document.update(changes)
    kept = {name: value for name, value in document.items() if value is not None}
    return base64.b64encode(json.dumps(kept).encode()).decode()


FIELDS = {"key": "user/a", "acl": "private", "policy": "…", "x-amz-signature": "…", "x-ignore-me": "1"}


def test_a_form_that_meets_its_policy_passes() -> None:
    bounds = check_post_policy(policy(), FIELDS, "bucket", NOW)
    assert bounds == (1, 100)
    check_length(100, bounds)
    for length, code in ((101, "EntityTooLarge"), (0, "EntityTooSmall")):
        with pytest.raises(AwsError, match=code):
            check_length(length, bounds)


def test_a_condition_that_any_value_meets_is_met_by_none() -> None:
    conditions = [{"bucket": "bucket"}, ["starts-with", "$key", ""], ["starts-with", "$acl", ""]]
    for beginning, passes in (("", True), ("aws:", False)):
        text = policy(conditions=[*conditions, ["starts-with", "$x-amz-server-side-encryption", beginning]])
        if passes:
            assert check_post_policy(text, FIELDS, "bucket", NOW) is None
        else:
            with pytest.raises(AwsError, match="AccessDenied"):
                check_post_policy(text, FIELDS, "bucket", NOW)
        encrypted = {**FIELDS, "x-amz-server-side-encryption": "aws:kms"}
        assert check_post_policy(text, encrypted, "bucket", NOW) is None


@pytest.mark.parametrize(
    ("text", "fields", "code", "message"),
    [
        (
            policy(expiration="2015-08-30T12:00:00Z"),
            {},
            "AccessDenied",
            "Invalid according to Policy: Policy expired.",
        ),
        (
            policy(),
            {"key": "other/a"},
            "AccessDenied",
            'Invalid according to Policy: Policy Condition failed: ["StArTs-WiTh", "$KeY", "user/"]',
        ),
        (
            policy(conditions=[{"bucket": "elsewhere"}]),
            {},
            "AccessDenied",
            'Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "elsewhere"]',
        ),
        (
            policy(),
            {"x-amz-meta-a": "b"},
            "AccessDenied",
            "Invalid according to Policy: Extra input fields: x-amz-meta-a",
        ),
        ("bm9uc2Vuc2U=", {}, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."),
        (policy(expiration=None), {}, "InvalidPolicyDocument", "Invalid Policy: Policy missing expiration."),
        (
            policy(expiration="soon"),
            {},
            "InvalidPolicyDocument",
            "Invalid Policy: Invalid 'expiration' value: 'soon'",
        ),
        (policy(conditions=None), {}, "InvalidPolicyDocument", "Invalid Policy: Policy missing conditions."),
        (policy(conditions=[{}]), {}, "InvalidPolicyDocument", "Invalid Policy: Invalid Simple-Condition: "),
        (policy(conditions=[["content-length-range", 1]]), {}, "InvalidPolicyDocument", "Invalid Policy: "),
        (
            policy(conditions=[["content-length-range", -1, 3]]),
            {},
            "InvalidPolicyDocument",
            "Invalid Policy: ",
        ),
        (policy(CONDITIONS=[]), {}, "InvalidPolicyDocument", "Invalid Policy: Unexpected: 'CONDITIONS'."),
    ],
)
def test_a_form_its_policy_does_not_allow(text: str, fields: dict[str, str], code: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        check_post_policy(text, {**FIELDS, **fields}, "bucket", NOW)
    assert caught.value.code == code
    assert caught.value.message.startswith(message)
