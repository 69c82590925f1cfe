"""An HTML form uploads through the whole pipeline, as far as its policy and the bucket allow."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from isthmus.server.configuration import Configuration
from isthmus.server.pipeline import Pipeline
from isthmus.server.setup import apply
from isthmus.server.setup_file import parse_setup
from isthmus.server.system import open_system
from isthmus.wire import BytesBody, Request, Response

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "not-a-secret-only-a-test"
SETUP = f"""
default_encryption: none
accounts:
  - id: "111122223333"
    root: {{access_keys: [{{id: {KEY}, secret: {SECRET}}}]}}
    buckets: [{{name: form-bucket}}]
"""


def signed_fields(conditions: list[object], secret: str = SECRET) -> dict[str, str]:
    fields: dict[str, str] = {}
    expiration = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = AWSRequest(method="POST", url="http://localhost/form-bucket")
    request.context["s3-presign-post-fields"] = fields
    request.context["s3-presign-post-policy"] = {"expiration": expiration, "conditions": list(conditions)}
    S3SigV4PostAuth(Credentials(KEY, secret), "s3", "us-east-1").add_auth(request)
    return fields


def form(fields: dict[str, str], content: bytes) -> Request:
    boundary = "a-boundary"
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="report.txt"\r\n'
    body = (parts + head + "Content-Type: text/plain\r\n\r\n").encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"host": "localhost", "content-type": f"multipart/form-data; boundary={boundary}"}
    return Request("POST", "/form-bucket", "", headers, BytesBody(body))


async def post(
    folder: Path, fields: dict[str, str], content: bytes = b"hello", column: str = "inline_bytes"
) -> tuple[Response, Any]:
    """The answer, and what a column of the object holds; None without an object."""
    async with open_system(Configuration(data=folder / "data", durability="relaxed"), {}) as system:
        await apply(parse_setup(SETUP, folder), system)
        answer = await Pipeline(system).answer(form(fields, content))
        row = await system.objects.fetch_one(f"SELECT {column} FROM object_versions")
        return answer, row and row[0]


CONDITIONS: list[object] = [{"bucket": "form-bucket"}, ["starts-with", "$key", "in/"]]


def test_a_signed_form_uploads_its_file(tmp_path: Path) -> None:
    fields = {"key": "in/${filename}", **signed_fields(CONDITIONS)}
    answer, stored = asyncio.run(post(tmp_path, fields))
    assert answer.status == 204
    assert stored == b"hello"


def test_the_type_of_the_object_is_a_field_of_the_form_and_not_what_the_file_s_part_says(tmp_path: Path) -> None:
    answer, stored = asyncio.run(post(tmp_path, {"key": "in/x", **signed_fields(CONDITIONS)}, column="metadata"))
    assert (answer.status, json.loads(stored)["ContentType"]) == (204, "binary/octet-stream")
    fields = signed_fields([*CONDITIONS, {"Content-Type": "image/png"}])
    typed = {"key": "in/x", "Content-Type": "image/png", **fields}
    answer, stored = asyncio.run(post(tmp_path, typed, column="metadata"))
    assert (answer.status, json.loads(stored)["ContentType"]) == (204, "image/png")


def test_a_form_that_its_policy_does_not_cover_uploads_nothing(tmp_path: Path) -> None:
    answer, stored = asyncio.run(post(tmp_path, {"key": "out/x", **signed_fields(CONDITIONS)}))
    assert (answer.status, stored) == (403, None)
    assert isinstance(answer.body, bytes)
    assert b"<Code>AccessDenied</Code>" in answer.body


def test_a_form_signed_with_another_secret_uploads_nothing(tmp_path: Path) -> None:
    answer, stored = asyncio.run(post(tmp_path, {"key": "in/x", **signed_fields(CONDITIONS, "another")}))
    assert (answer.status, stored) == (403, None)
    assert isinstance(answer.body, bytes)
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer.body


def test_a_form_larger_than_its_policy_allows_uploads_nothing(tmp_path: Path) -> None:
    fields = signed_fields([*CONDITIONS, ["content-length-range", 0, 3]])
    answer, stored = asyncio.run(post(tmp_path, {"key": "in/x", **fields}))
    assert (answer.status, stored) == (400, None)
    assert isinstance(answer.body, bytes)
    assert b"<Code>EntityTooLarge</Code>" in answer.body


def test_an_anonymous_form_uploads_nothing_to_a_private_bucket(tmp_path: Path) -> None:
    answer, stored = asyncio.run(post(tmp_path, {"key": "in/x"}))
    assert (answer.status, stored) == (403, None)


def test_the_policy_is_what_was_signed(tmp_path: Path) -> None:
    fields = signed_fields(CONDITIONS)
    document = json.loads(base64.b64decode(fields["policy"]))
    document["conditions"] = [{"bucket": "form-bucket"}, ["starts-with", "$key", ""]]
    fields["policy"] = base64.b64encode(json.dumps(document).encode()).decode()
    answer, stored = asyncio.run(post(tmp_path, {"key": "out/x", **fields}))
    assert (answer.status, stored) == (403, None)


def test_a_form_without_a_key_is_no_upload_whatever_its_policy_says(tmp_path: Path) -> None:
    answer, stored = asyncio.run(post(tmp_path, signed_fields([{"bucket": "form-bucket"}])))
    assert (answer.status, stored) == (400, None)
    assert isinstance(answer.body, bytes)
    assert b"<Code>InvalidArgument</Code>" in answer.body


def test_a_checksum_needs_no_condition_and_must_be_right(tmp_path: Path) -> None:
    for name, value, status in (("good", "NhCmhg==", 204), ("bad", "AAAAAA==", 400)):
        fields = {"key": "in/x", "x-amz-checksum-crc32": value, **signed_fields(CONDITIONS)}
        answer, stored = asyncio.run(post(tmp_path / name, fields))
        assert (answer.status, stored is None) == (status, status != 204)
