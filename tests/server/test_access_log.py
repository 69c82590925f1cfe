"""Access log records: which requests have one, and every field of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from object_builders import bucket, rows, s3

from builders import ANALYTICS, PRODUCTION, START, World, allow, policy, statement, story, trusts
from isthmus.identity import User
from isthmus.names import canonical_id
from isthmus.operation import OPERATIONS
from isthmus.s3.deliveries.access_log import LANE, MOST_WAITING
from isthmus.server.access_log import AccessLog, operation_name
from isthmus.server.pipeline import Pipeline
from isthmus.signing.sign import sign_headers
from isthmus.store import StoreError
from isthmus.wire import BytesBody, Request, Response, service_model

OWNER = canonical_id(PRODUCTION)
# AWS's own description of the format: fields between spaces, some of them quoted or in brackets.
FIELD = re.compile(r'"[^"]*"|\[[^\]]*\]|\S+')
FIELDS = (
    "owner", "bucket", "time", "ip", "requester", "request_id", "operation", "key", "uri", "status", "error", "sent",
    "size", "total", "turn_around", "referer", "agent", "version", "host_id", "signature", "cipher", "auth", "host",
    "tls", "access_point", "acl_required", "source_region",
)  # fmt: skip


class Worker:
    """A worker with its log: requests go in, records come out."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log = AccessLog(world.system)
        self.pipeline = Pipeline(world.system, observers=(self.log.note,))

    async def ask(
        self,
        method: str,
        target: str,
        who: Any = PRODUCTION,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Response:
        """One request; who: a user, an account's root, credentials, None for nobody."""
        path, _, query = target.partition("?")
        request = Request(method, path, query, {"host": "localhost:9000", **(headers or {})}, BytesBody(body), **more)
        if body:
            request.headers["content-length"] = str(len(body))
        digest = hashlib.sha256(body).hexdigest()
        if isinstance(who, dict):
            keys = who["AccessKeyId"], who["SecretAccessKey"]
            request.headers |= sign_headers(request, *keys, self.world.now, session_token=who["SessionToken"])
        elif who is not None:
            user = who if isinstance(who, User) else None
            key = await self.world.access_key(who.account if user else who, user)
            request.headers |= sign_headers(request, key.id, key.secret, self.world.now, payload_hash=digest)
        return await self.pipeline.answer(request)

    async def records(self) -> list[dict[str, str]]:
        """Every record written so far."""
        await self.log.batches.write()
        found = await rows(
            self.world,
            "SELECT payload FROM outbox JOIN outbox_lanes l ON l.id = lane WHERE kind = ? ORDER BY outbox.id",
            LANE,
        )
        return [fields(payload) for (payload,) in found]


def fields(record: str) -> dict[str, str]:
    """A record by field; it must have all of them and nothing else."""
    values = FIELD.findall(record)
    assert " ".join(values) == record
    return dict(zip(FIELDS, values, strict=True))


async def logged(world: World, name: str = "photos", **columns: Any) -> Worker:
    """A bucket that logs, and a worker."""
    if await world.directory.bucket("logs") is None:
        await bucket(world, "logs")
    await bucket(world, name, **columns)
    enabled = {"TargetBucket": "logs", "TargetPrefix": ""}
    who = columns.get("account", PRODUCTION)
    await s3(world, "PutBucketLogging", who=who, Bucket=name, BucketLoggingStatus={"LoggingEnabled": enabled})
    return Worker(world)


@story
async def test_a_record_has_every_field_of_the_format(world: World) -> None:
    worker = await logged(world)
    await s3(world, "PutObject", Bucket="photos", Key="a b", body=b"four")
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"))
    answer = await worker.ask(
        "GET", "/photos/a%20b?x-id=GetObject", alice,
        headers={"user-agent": "Agent/1 (two words)", "referer": 'https://example.com/"x"'},
        client="::ffff:192.0.2.3", secure=True, tls_version="1.3", cipher_suite="TLS_AES_128_GCM_SHA256",
    )  # fmt: skip
    sent = dict(answer.headers)
    (record,) = await worker.records()
    assert int(record.pop("total")) >= 0
    assert int(record.pop("turn_around")) >= 0
    assert record == {
        "owner": OWNER,
        "bucket": "photos",
        "time": "[15/Jan/2027:08:00:00 +0000]",
        "ip": "192.0.2.3",
        "requester": f"arn:aws:iam::{PRODUCTION}:user/alice",
        "request_id": sent["x-amz-request-id"],
        "operation": "REST.GET.OBJECT",
        "key": "a%20b",
        "uri": '"GET /photos/a%20b?x-id=GetObject HTTP/1.1"',
        "status": "200",
        "error": "-",
        "sent": "4",
        "size": "4",
        "referer": '"https://example.com/%22x%22"',
        "agent": '"Agent/1 (two words)"',
        "version": "-",
        "host_id": sent["x-amz-id-2"],
        "signature": "SigV4",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "auth": "AuthHeader",
        "host": "localhost:9000",
        "tls": "TLSv1.3",
        "access_point": "-",
        "acl_required": "-",
        "source_region": "-",
    }


@story
async def test_a_bucket_that_does_not_log_has_no_records(world: World) -> None:
    worker = await logged(world)
    await bucket(world, "plain")
    assert (await worker.ask("PUT", "/plain/a", body=b"1")).status == 200
    assert (await worker.ask("GET", "/plain/a", None)).status == 403
    assert (await worker.ask("GET", "/")).status == 200
    assert await worker.records() == []


@story
async def test_logging_that_was_turned_off_meanwhile_writes_nothing(world: World) -> None:
    worker = await logged(world)
    await worker.ask("GET", "/photos")
    await s3(world, "PutBucketLogging", Bucket="photos", BucketLoggingStatus={})
    await worker.ask("GET", "/photos")
    assert len(await worker.records()) == 1


@story
async def test_who_asked_is_told_as_aws_tells_it(world: World) -> None:
    worker = await logged(world)
    alice = await world.user(PRODUCTION, "alice", allow("sts:AssumeRole"))
    await world.role(PRODUCTION, "reader", allow("s3:*"), trust=trusts(alice.arn))
    arn = f"arn:aws:iam::{PRODUCTION}:role/reader"
    given = (await world.call(alice, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="s"))["Credentials"]
    for who in (PRODUCTION, alice, given, None):
        await worker.ask("GET", "/photos", who)
    assert [(one["requester"], one["status"]) for one in await worker.records()] == [
        (OWNER, "200"),
        (alice.arn, "403"),
        (f"arn:aws:sts::{PRODUCTION}:assumed-role/reader/s", "200"),
        ("-", "403"),
    ]


@story
async def test_refusals_are_recorded_with_their_code_also_before_anybody_is_known(world: World) -> None:
    worker = await logged(world)
    await worker.ask("GET", "/photos/nothing")
    unknown = Request("GET", "/photos/a", "", {"host": "localhost:9000"})
    unknown.headers |= sign_headers(unknown, "AKIAIOSFODNN7EXAMPLE", "wrong", world.now)
    await worker.pipeline.answer(unknown)
    assert [(one["operation"], one["key"], one["status"], one["error"]) for one in await worker.records()] == [
        ("REST.GET.OBJECT", "nothing", "404", "NoSuchKey"),
        ("REST.GET.OBJECT", "a", "403", "InvalidAccessKeyId"),
    ]


@story
async def test_a_signature_in_the_query_and_the_version_asked_for_are_recorded(world: World) -> None:
    worker = await logged(world, versioning="Enabled")
    version = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1"))["VersionId"]
    await worker.ask("GET", f"/photos/a?versionId={version}")
    (record,) = await worker.records()
    assert record["version"] == version


@story
async def test_an_upload_is_recorded_with_its_size_and_how_long_its_answer_took(world: World) -> None:
    worker = await logged(world)
    await worker.ask("PUT", "/photos/a", body=b"12345")
    (record,) = await worker.records()
    assert (record["operation"], record["size"], record["sent"]) == ("REST.PUT.OBJECT", "5", "-")
    assert int(record["turn_around"]) <= int(record["total"])


@story
async def test_each_key_of_a_multiple_deletion_has_a_record_of_its_own(world: World) -> None:
    worker = await logged(world)
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1")
    body = b"<Delete><Object><Key>a</Key></Object><Object><Key>b c</Key></Object></Delete>"
    await worker.ask("POST", "/photos?delete", body=body, headers={"content-md5": _md5(body)})
    found = await worker.records()
    assert [(one["operation"], one["key"], one["status"], one["uri"]) for one in found] == [
        ("REST.POST.MULTI_OBJECT_DELETE", "-", "200", '"POST /photos?delete HTTP/1.1"'),
        ("BATCH.DELETE.OBJECT", "a", "204", "-"),
        ("BATCH.DELETE.OBJECT", "b%20c", "204", "-"),
    ]
    assert len({one["request_id"] for one in found}) == 1


@story
async def test_a_copy_is_recorded_for_source_and_destination(world: World) -> None:
    worker = await logged(world)
    await logged(world, "copies")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"123")
    await worker.ask("PUT", "/copies/b", headers={"x-amz-copy-source": "/photos/a"})
    found = {one["bucket"]: one for one in await worker.records()}
    assert (found["copies"]["operation"], found["copies"]["key"]) == ("REST.COPY.OBJECT", "b")
    source = found["photos"]
    assert (source["operation"], source["key"], source["size"]) == ("REST.COPY.OBJECT_GET", "a", "3")


@story
async def test_a_request_that_only_an_acl_lets_in_says_so(world: World) -> None:
    worker = await logged(world, ownership="ObjectWriter")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"1", ACL="authenticated-read")
    for who in (ANALYTICS, PRODUCTION):
        assert (await worker.ask("GET", "/photos/a", who)).status == 200
    assert [one["acl_required"] for one in await worker.records()] == ["Yes", "-"]


@story
async def test_line_breaks_and_spaces_in_a_request_do_not_break_the_record(world: World) -> None:
    worker = await logged(world)
    await worker.ask("GET", "/photos/a%0Ab%20c", headers={"user-agent": 'x"\ny'})
    (record,) = await worker.records()
    assert (record["key"], record["agent"]) == ("a%0Ab%20c", '"x%22%0Ay"')


@story
async def test_a_preflight_is_recorded(world: World) -> None:
    worker = await logged(world)
    headers = {"origin": "https://example.com", "access-control-request-method": "GET"}
    await worker.ask("OPTIONS", "/photos/a", None, headers=headers)
    (record,) = await worker.records()
    assert record["operation"] == "REST.OPTIONS.PREFLIGHT"


@story
async def test_visits_of_a_website_are_recorded_as_such(world: World) -> None:
    worker = await logged(world)
    readers = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::photos/*", Principal="*"))
    await world.sql("UPDATE buckets SET policy = ? WHERE name = 'photos'", json.dumps(readers))
    rule = {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}
    site = {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}, "RoutingRules": [rule]}
    await s3(world, "PutBucketWebsite", Bucket="photos", WebsiteConfiguration=site)
    for key in ("i.html", "e.html"):
        await s3(world, "PutObject", Bucket="photos", Key=key, body=b"page")
    for method, path in (("GET", "/"), ("HEAD", "/i.html"), ("GET", "/a"), ("GET", "/old/b"), ("POST", "/a")):
        await worker.ask(method, path, None, headers={"host": "photos.s3-website.localhost"})
    found = await worker.records()
    assert [(one["operation"], one["key"], one["status"], one["error"], one["size"]) for one in found] == [
        ("WEBSITE.GET.OBJECT", "i.html", "200", "-", "4"),
        ("WEBSITE.HEAD.OBJECT", "i.html", "200", "-", "4"),
        ("WEBSITE.GET.OBJECT", "a", "403", "AccessDenied", "-"),
        ("WEBSITE.GET.OBJECT", "old/b", "301", "-", "-"),
        ("WEBSITE.POST.OBJECT", "a", "405", "MethodNotAllowed", "-"),
    ]


@story
async def test_records_are_kept_while_the_database_does_not_take_them(world: World) -> None:
    worker = await logged(world)
    await worker.ask("GET", "/photos")
    objects = world.system.objects

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(objects, name)

        async def write(self, _work: Any) -> Any:
            raise StoreError("the disk is full")

    world.system.objects = Full()  # type: ignore[assignment]
    with pytest.raises(StoreError):
        await worker.log.batches.write()
    assert not await worker.log.batches.write_or_log()
    world.system.objects = objects
    assert len(await worker.records()) == 1


@story
async def test_records_for_a_target_that_refuses_do_not_pile_up_for_ever(world: World) -> None:
    worker = await logged(world)
    await worker.ask("GET", "/photos")
    await worker.log.batches.write()

    async def crowd(tx: Any) -> None:
        await tx.execute("UPDATE outbox_lanes SET failures = 1")
        await tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO outbox"
            " (id, lane, change, written, payload) SELECT 1000 + i, (SELECT id FROM outbox_lanes), 0, ?, '' FROM n",
            MOST_WAITING - 2,
            START,
        )

    await world.store.objects.write(crowd)
    for _ in range(3):
        await worker.ask("GET", "/photos")
        await worker.log.batches.write()
    ((count,),) = await rows(world, "SELECT COUNT(*) FROM outbox")
    assert count == MOST_WAITING


# Names of operations


@pytest.mark.parametrize(
    ("operation", "method", "name"),
    [
        ("GetBucketVersioning", "GET", "REST.GET.VERSIONING"),
        ("GetBucketLogging", "GET", "REST.GET.LOGGING_STATUS"),
        ("GetBucketPolicy", "GET", "REST.GET.BUCKETPOLICY"),
        ("GetBucketLocation", "GET", "REST.GET.LOCATION"),
        ("ListObjectVersions", "GET", "REST.GET.BUCKETVERSIONS"),
        ("ListObjectsV2", "GET", "REST.GET.BUCKET"),
        ("PutBucketNotificationConfiguration", "PUT", "REST.PUT.NOTIFICATION"),
        ("GetBucketRequestPayment", "GET", "REST.GET.REQUEST_PAYMENT"),
        ("GetBucketOwnershipControls", "GET", "REST.GET.OWNERSHIP_CONTROLS"),
        ("ListBucketInventoryConfigurations", "GET", "REST.GET.INVENTORY"),
        ("PutBucketMetricsConfiguration", "PUT", "REST.PUT.METRICS"),
        ("GetBucketIntelligentTieringConfiguration", "GET", "REST.GET.INTELLIGENT_TIERING"),
        ("DeleteBucketLifecycle", "DELETE", "REST.DELETE.LIFECYCLE"),
        ("GetPublicAccessBlock", "GET", "REST.GET.PUBLIC_ACCESS_BLOCK"),
        ("GetObjectTagging", "GET", "REST.GET.OBJECT_TAGGING"),
        ("PutObjectAcl", "PUT", "REST.PUT.ACL"),
        ("UploadPart", "PUT", "REST.PUT.PART"),
        ("CompleteMultipartUpload", "POST", "REST.POST.UPLOAD"),
        ("UploadPartCopy", "PUT", "REST.COPY.PART"),
    ],
)
def test_operations_have_the_names_of_s3_s_own_logs(operation: str, method: str, name: str) -> None:
    assert operation_name(operation, method) == name


def test_every_operation_has_a_name_of_the_form_of_aws_s() -> None:
    model = service_model("s3")
    for service, operation in OPERATIONS:
        if service == "s3" and operation in model.operation_names:
            method = model.operation_model(operation).http["method"]
            assert re.fullmatch(r"REST\.[A-Z]+\.[A-Z_]+", operation_name(operation, method)), operation


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
