"""The doors without a socket: who is let in, and how the others are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from unittest.mock import patch

from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus.identity import AccessKey
from isthmus.operation import OPERATIONS
from isthmus.server.pipeline import Pipeline
from isthmus.signing.sign import presign, sign_headers
from isthmus.store import StoreError
from isthmus.wire import BytesBody, Request, Response


async def ask(world: World, key: str, secret: str, service: str = "s3", token: str | None = None) -> Response:
    host = "localhost" if service == "s3" else f"{service}.localhost"
    request = Request("GET", "/", "" if service == "s3" else "Action=ListUsers&Version=2010-05-08", {"host": host})
    if key:
        request.headers |= sign_headers(request, key, secret, world.now, service=service, session_token=token)
    return await Pipeline(world.system).answer(request)


@story
async def test_only_the_whole_of_the_credentials_opens(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow(["s3:*", "iam:*"]))
    key = await world.access_key(PRODUCTION, alice)
    given = (await world.call(alice, "sts", "GetSessionToken"))["Credentials"]
    temporary, secret, token = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    assert (await ask(world, key.id, key.secret)).status == 200
    assert (await ask(world, temporary, secret, token=token)).status == 200
    for answer, code in (
        (await ask(world, temporary, secret), b"<Code>InvalidAccessKeyId</Code>"),
        (await ask(world, key.id, key.secret, token=token), b"<Code>InvalidToken</Code>"),
        (await ask(world, key.id, "wrong"), b"<Code>SignatureDoesNotMatch</Code>"),
        (await ask(world, temporary, secret, "iam"), b"<Code>InvalidClientTokenId</Code>"),
        (await ask(world, "", "", "iam"), b"<Code>MissingAuthenticationToken</Code>"),
    ):
        assert isinstance(answer.body, bytes)
        assert code in answer.body
        assert answer.status in (400, 403)


class Asker:
    """A pipeline, and one user of Production who may do everything there."""

    def __init__(self, world: World, key: AccessKey, pipeline: Pipeline) -> None:
        self.world, self.key, self.pipeline = world, key, pipeline

    @classmethod
    async def of(cls, world: World, *policies: Any, proxies: tuple[str, ...] = ()) -> Asker:
        user = await world.user(PRODUCTION, f"user-{len(policies)}", *(policies or (allow("*"),)))
        return cls(world, await world.access_key(PRODUCTION, user), Pipeline(world.system, proxies))

    async def send(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None,
        client: str = "192.0.2.7", service: str = "s3",
    ) -> Response:  # fmt: skip
        """A request signed in its header."""
        path, _, query = target.partition("?")
        request = Request(method, path, query, {"host": "localhost", **(headers or {})}, BytesBody(body), client)
        digest = hashlib.sha256(body).hexdigest()
        request.headers |= sign_headers(
            request, self.key.id, self.key.secret, self.world.now, service=service, payload_hash=digest
        )
        return await self.pipeline.answer(request)

    async def presigned(
        self, method: str, target: str, late: float = 0, expires: int = 60, body: bytes = b"", origin: str = ""
    ) -> Response:
        """A request by a presigned URL, `late` seconds after it was made; `origin` is that of a browser's page."""
        path, _, query = target.partition("?")
        request = Request(method, path, query, {"host": "localhost"}, BytesBody(body))
        request.query = presign(request, self.key.id, self.key.secret, self.world.now, expires=expires)
        if origin:
            request.headers["origin"] = origin
        self.world.now += late
        try:
            return await self.pipeline.answer(request)
        finally:
            self.world.now -= late


def code_of(response: Response) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode().partition("<Code>")[2].partition("</Code>")[0]


@story
async def test_a_presigned_url_works_until_it_expires(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    assert (await asker.presigned("PUT", "/data/key", body=b"bytes")).status == 200
    assert (await asker.presigned("GET", "/data/key", late=59)).body == b"bytes"
    late = await asker.presigned("GET", "/data/key", late=60)
    assert (late.status, code_of(late)) == (403, "AccessDenied")
    assert isinstance(late.body, bytes)
    assert b"<Message>Request has expired</Message>" in late.body
    with_parameter = await asker.presigned("GET", "/data/key?response-content-type=text%2Fplain")
    assert ("Content-Type", "text/plain") in with_parameter.headers


@story
async def test_versions_and_delete_markers_are_listed_in_one_order(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    enabled = {"Status": "Enabled"}
    await world.call(PRODUCTION, "s3", "PutBucketVersioning", Bucket="data", VersioningConfiguration=enabled)
    for method, key in (("PUT", "a"), ("DELETE", "a"), ("PUT", "a"), ("PUT", "b"), ("DELETE", "b")):
        assert (await asker.send(method, f"/data/{key}", b"x" if method == "PUT" else b"")).status < 300
    listed = await asker.send("GET", "/data?versions")
    assert isinstance(listed.body, bytes)
    found = re.findall("<(Version|DeleteMarker)>.*?<Key>(.)</Key>", listed.body.decode())
    assert found == [("Version", "a"), ("DeleteMarker", "a"), ("Version", "a"), ("DeleteMarker", "b"), ("Version", "b")]


@story
async def test_a_store_that_fails_is_said_to_fail_and_only_then(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    await asker.send("PUT", "/data/key", b"bytes")

    async def broken(*_: object) -> None:
        raise StoreError("the disk is broken")

    with patch.object(type(world.system.directory), "bucket", broken):
        failed = await asker.send("GET", "/data/key", headers={"origin": "https://app.example"})
    assert (failed.status, code_of(failed)) == (503, "ServiceUnavailable")
    assert isinstance(failed.body, bytes)
    assert b"cannot read or write its data" in failed.body
    assert b"the disk is broken" not in failed.body
    assert (await asker.send("GET", "/data/key")).body == b"bytes"


@story
async def test_a_page_may_read_refusals_as_it_may_read_answers(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    await asker.send("PUT", "/data/key", b"bytes")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example"]}
    configuration = {"CORSRules": [rule]}
    await world.call(PRODUCTION, "s3", "PutBucketCors", Bucket="data", CORSConfiguration=configuration)
    for late, status in ((0, 200), (60, 403)):
        read = await asker.presigned("GET", "/data/key", late, origin="https://app.example")
        assert read.status == status
        assert [value for name, value in read.headers if name == "Access-Control-Allow-Origin"] == [
            "https://app.example"
        ]
        other = await asker.presigned("GET", "/data/key", late, origin="https://other.example")
        assert other.status == status
        assert "Access-Control-Allow-Origin" not in dict(other.headers)


@story
async def test_a_presigned_url_carries_headers_in_its_query(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    put = await asker.presigned("PUT", "/data/key?x-amz-meta-by=me&X-Amz-Meta-Note=a%20b", body=b"bytes")
    assert put.status == 200
    head = await asker.send("HEAD", "/data/key")
    assert {("x-amz-meta-by", "me"), ("x-amz-meta-note", "a b")} <= set(head.headers)
    # An access control list counts as if it were a header: this bucket has none.
    refused = await asker.presigned("PUT", "/data/key?x-amz-acl=public-read", body=b"other")
    assert (refused.status, code_of(refused)) == (400, "AccessControlListNotSupported")
    elsewhere = await asker.presigned("GET", f"/data/key?x-amz-expected-bucket-owner={ANALYTICS}")
    assert (elsewhere.status, code_of(elsewhere)) == (403, "AccessDenied")
    assert (await asker.presigned("GET", f"/data/key?x-amz-expected-bucket-owner={PRODUCTION}")).body == b"bytes"
    injected = await asker.presigned("PUT", "/data/key?x-amz-meta-a%0D%0Ab=c", body=b"other")
    assert (injected.status, code_of(injected)) == (400, "InvalidArgument")
    # Only a presigned URL: a query beside a signature in a header is a query.
    await asker.send("PUT", "/data/plain?x-amz-meta-by=me", b"bytes")
    head = await asker.send("HEAD", "/data/plain")
    assert not [name for name, _ in head.headers if name.startswith("x-amz-meta-")]


@story
async def test_a_presigned_url_is_for_one_request(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    await asker.send("PUT", "/data/key", b"bytes")
    made = Request("GET", "/data/key", "", {"host": "localhost"})
    query = presign(made, asker.key.id, asker.key.secret, world.now)
    for method, path, changed in (
        ("GET", "/data/key", query.replace("X-Amz-Expires=3600", "X-Amz-Expires=36000")),
        ("GET", "/data/another", query),
        ("DELETE", "/data/key", query),
        ("GET", "/data/key", query + "&versionId=1"),
    ):
        answer = await asker.pipeline.answer(Request(method, path, changed, {"host": "localhost"}))
        assert (answer.status, code_of(answer)) == (403, "SignatureDoesNotMatch")
    extra = await asker.pipeline.answer(Request("GET", "/data/key", query, {"host": "localhost", "x-amz-acl": "x"}))
    assert (extra.status, code_of(extra)) == (403, "AccessDenied")
    assert (await asker.pipeline.answer(Request("GET", "/data/key", query, {"host": "localhost"}))).status == 200


@story
async def test_signature_version_2_opens_s3_and_nothing_else(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    date = formatdate(world.now, usegmt=True)
    text = f"GET\n\n\n{date}\n/data"
    made = base64.b64encode(hmac.digest(asker.key.secret.encode(), text.encode(), "sha1")).decode()
    for signature, status in ((made, 200), (made[::-1], 403)):
        headers = {"host": "localhost", "date": date, "authorization": f"AWS {asker.key.id}:{signature}"}
        assert (await asker.pipeline.answer(Request("GET", "/data", "", headers))).status == status
    headers = {"host": "iam.localhost", "date": date, "authorization": f"AWS {asker.key.id}:{made}"}
    refused = await asker.pipeline.answer(Request("GET", "/", "Action=ListUsers&Version=2010-05-08", headers))
    assert (refused.status, code_of(refused)) == (403, "IncompleteSignature")


@story
async def test_a_fault_is_an_internal_error_and_takes_nothing_else_down(world: World) -> None:
    asker = await Asker.of(world)
    healthy = OPERATIONS["s3", "ListBuckets"]

    async def faulty(call: Any) -> Any:
        raise ZeroDivisionError("the secret is in this message")

    OPERATIONS["s3", "ListBuckets"] = replace(healthy, execute=faulty)
    try:
        answer = await asker.send("GET", "/")
    finally:
        OPERATIONS["s3", "ListBuckets"] = healthy
    assert (answer.status, code_of(answer)) == (500, "InternalError")
    assert isinstance(answer.body, bytes)
    assert b"secret" not in answer.body
    assert (await asker.send("GET", "/")).status == 200


@story
async def test_a_denial_is_sealed_for_whoever_may_open_it(world: World) -> None:
    """The message names the decision; only the accounts that had a part in it are told."""
    asker = await Asker.of(world, allow("sts:DecodeAuthorizationMessage"), allow("s3:ListAllMyBuckets"))
    refused = await asker.send("GET", "/?Action=ListUsers&Version=2010-05-08", service="iam")
    assert (refused.status, code_of(refused)) == (403, "AccessDenied")
    assert isinstance(refused.body, bytes)
    sealed = refused.body.decode().partition("<EncodedAuthorizationMessage>")[2].partition("</Enc")[0]
    told = (await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=sealed))["DecodedMessage"]
    assert json.loads(told)["allowed"] is False
    assert "iam:ListUsers" in told
    error = await world.refused(ANALYTICS, "sts", "DecodeAuthorizationMessage", EncodedMessage=sealed)
    assert error.code == "InvalidAuthorizationMessageException"
    error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=sealed[:-4] + "AAAA")
    assert error.code == "InvalidAuthorizationMessageException"


@story
async def test_a_document_must_be_what_its_digest_says(world: World) -> None:
    asker = await Asker.of(world)
    await asker.send("PUT", "/data")
    document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    md5 = base64.b64encode(hashlib.md5(document).digest()).decode()
    crc = base64.b64encode(zlib.crc32(document).to_bytes(4, "big")).decode()
    for headers, status, code in (
        ({"content-md5": md5[4:8] + md5[:4] + md5[8:]}, 400, "BadDigest"),
        ({"content-md5": "short"}, 400, "InvalidDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, 400, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAA"}, 400, "BadDigest"),
        ({"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": crc}, 400, "InvalidRequest"),
        ({"content-md5": md5, "x-amz-checksum-crc32": crc}, 200, ""),
    ):
        answer = await asker.send("PUT", "/data?versioning", document, headers)
        assert (answer.status, code_of(answer)) == (status, code)


@story
async def test_a_trusted_proxy_says_who_the_client_is(world: World) -> None:
    office = allow("s3:ListAllMyBuckets", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    behind = await Asker.of(world, office, proxies=("10.0.0.0/8",))
    for sent, client, status in (
        ("203.0.113.9", "10.1.1.1", 200),
        ("203.0.113.9", "::ffff:10.1.1.1", 200),
        ("203.0.113.9, 10.2.2.2", "10.1.1.1", 200),
        ("203.0.113.9, 198.51.100.1", "10.1.1.1", 403),  # the client wrote the first address itself
        ("203.0.113.9, nonsense", "10.1.1.1", 403),
        ("203.0.113.9", "192.0.2.1", 403),  # nobody's proxy
        ("", "10.1.1.1", 403),
    ):
        answer = await behind.send("GET", "/", headers={"x-forwarded-for": sent}, client=client)
        assert answer.status == status, (sent, client)
    assert (await behind.send("GET", "/", client="203.0.113.9")).status == 200


@story
async def test_tls_that_ends_at_a_trusted_proxy_counts(world: World) -> None:
    tls = allow("s3:ListAllMyBuckets", Condition={"Bool": {"aws:SecureTransport": "true"}})
    behind = await Asker.of(world, tls, proxies=("10.0.0.1",))
    for headers, client, status in (
        ({"x-forwarded-proto": "https"}, "10.0.0.1", 200),
        ({"x-forwarded-proto": "http"}, "10.0.0.1", 403),
        ({"x-forwarded-proto": "https"}, "10.0.0.2", 403),
        ({}, "10.0.0.1", 403),
    ):
        assert (await behind.send("GET", "/", headers=headers, client=client)).status == status


@story
async def test_every_answer_names_its_request(world: World) -> None:
    asker = await Asker.of(world)
    answers = [await asker.send("GET", "/") for _ in range(300)]
    ids = {dict(answer.headers)["x-amz-request-id"] for answer in answers}
    assert len(ids) == 300
    assert all(len(one) == 16 and set(one) <= set("0123456789ABCDEF") for one in ids)
    refused = await asker.send("GET", "/no-such-bucket")
    assert isinstance(refused.body, bytes)
    assert f"<RequestId>{dict(refused.headers)['x-amz-request-id']}</RequestId>".encode() in refused.body
    query = await asker.send("GET", "/?Action=GetUser&Version=2010-05-08", service="iam")
    assert isinstance(query.body, bytes)
    assert dict(query.headers)["x-amzn-RequestId"].encode() in query.body
