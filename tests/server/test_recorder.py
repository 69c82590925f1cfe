"""What a worker records of the requests it answers, and what it keeps of refusals."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

import isthmus.server.recorder as recorder_module
from builders import PRODUCTION, World, allow, policy, story
from isthmus.cloudtrail import known_logging_trails, logging_trails
from isthmus.cloudtrail.events_table import unpacked
from isthmus.operation import call_as_service
from isthmus.server.explanations import Explanations
from isthmus.server.pipeline import Pipeline
from isthmus.server.recorder import Recorder
from isthmus.signing.sign import sign_headers
from isthmus.wire import BytesBody, Request, Response

DATA = [{"IncludeManagementEvents": False,
         "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::reports/"]}]}]  # fmt: skip


class Worker:
    """A pipeline with its observers, and a user who signs."""

    def __init__(self, world: World, key: str, secret: str) -> None:
        self.world, self.key, self.secret = world, key, secret
        self.recorder, self.explanations = Recorder(world.system), Explanations(world.system)
        self.recorder.listen()
        self.pipeline = Pipeline(world.system, observers=(self.recorder.note, self.explanations.note))

    @classmethod
    async def of(cls, world: World, *policies: Any, name: str = "alice", account: str = PRODUCTION) -> Worker:
        user = await world.user(account, name, *(policies or (allow("*"),)))
        key = await world.access_key(account, user)
        return cls(world, key.id, key.secret)

    async def ask(
        self, method: str, target: str, service: str = "s3", body: bytes = b"", signed: bool = True
    ) -> Response:
        """One request through all doors."""
        path, _, query = target.partition("?")
        request = Request(method, path, query, {"host": "localhost"}, BytesBody(body), client="::ffff:192.0.2.7")
        if signed:
            digest = hashlib.sha256(body).hexdigest()
            request.headers |= sign_headers(
                request, self.key, self.secret, self.world.now, service=service, payload_hash=digest
            )
        return await self.pipeline.answer(request)

    async def iam(self, query: str) -> Response:
        """A call of IAM."""
        return await self.ask("GET", f"/?{query}&Version=2010-05-08", "iam")

    async def history(self) -> list[dict[str, Any]]:
        """Write what was noted; the records, in order."""
        await self.recorder.batches.write()
        self.world.directory.refresh()
        found = await self.world.call(PRODUCTION, "cloudtrail", "LookupEvents")
        return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]][::-1]

    async def queued(self) -> int:
        """Write what was noted; how many events wait for trails."""
        await self.recorder.batches.write()
        return len(await self.world.system.objects.fetch_all("SELECT id FROM trail_queue"))


async def data_trail(world: World, bucket: str = "logs") -> None:
    """A trail that is logging data events of `reports`."""
    await world.sql(
        "INSERT INTO trails (arn, account, region, name, bucket, global_events, multi_region, log_file_validation,"
        " event_selectors, logging, started, created)"
        " VALUES ('arn', ?, 'us-east-1', 'audit', ?, 1, 0, 0, ?, 1, 0, 0)",
        PRODUCTION, bucket, json.dumps(DATA),
    )  # fmt: skip


@story
async def test_answered_requests_are_recorded_with_their_ids_and_outcomes(world: World) -> None:
    worker = await Worker.of(world)
    good = await worker.iam("Action=CreateUser&UserName=bob")
    bad = await worker.iam("Action=CreateUser&UserName=bob")
    await worker.ask("PUT", "/reports")
    records = await worker.history()
    assert [one["eventName"] for one in records] == ["CreateUser", "CreateUser", "CreateBucket"]
    assert [one.get("errorCode") for one in records] == [None, "EntityAlreadyExistsException", None]
    assert [dict(answer.headers)["x-amzn-RequestId"] for answer in (good, bad)] == [
        one["requestID"] for one in records[:2]
    ]
    assert {one["sourceIPAddress"] for one in records} == {"192.0.2.7"}
    assert records[0]["responseElements"]["user"]["userName"] == "bob"
    assert records[2]["additionalEventData"]["SignatureVersion"] == "SigV4"


@story
async def test_who_did_not_prove_to_be_somebody_leaves_no_record(world: World) -> None:
    worker = await Worker.of(world)
    worker.secret = "wrong"
    assert (await worker.iam("Action=ListUsers")).status == 403
    assert await worker.history() == []


@story
async def test_objects_are_recorded_only_while_a_trail_wants_them(world: World) -> None:
    worker = await Worker.of(world)
    await worker.ask("PUT", "/reports")
    await worker.ask("PUT", "/reports/a", body=b"bytes")
    assert await worker.queued() == 0
    await data_trail(world)
    await worker.ask("GET", "/reports/a")  # from the very next request on
    await worker.ask("PUT", "/elsewhere")
    await worker.ask("PUT", "/elsewhere/a", body=b"bytes")
    assert await worker.queued() == 1
    await worker.ask("GET", "/reports/a")
    assert await worker.queued() == 2
    await world.sql("UPDATE trails SET logging = 0, stopped = ?", world.now)
    world.now += 1
    await worker.ask("GET", "/reports/a")
    await worker.ask("GET", "/reports/a")
    assert await worker.queued() == 2


@story
async def test_without_trails_for_data_events_nothing_is_made_of_them(world: World) -> None:
    worker = await Worker.of(world)
    await worker.ask("PUT", "/reports")
    await worker.recorder.batches.write()
    world.directory.refresh()
    await logging_trails(world.system)
    noted: list[Any] = []
    worker.recorder.note_events = noted.extend  # type: ignore[method-assign]
    await worker.ask("GET", "/reports/a")
    await worker.ask("GET", "/reports?list-type=2")
    assert noted == []
    assert known_logging_trails(world.directory) is not None
    await worker.ask("GET", "/reports?versioning")
    assert len(noted) == 1


@story
async def test_data_events_say_how_many_bytes_went_in_and_out(world: World) -> None:
    worker = await Worker.of(world)
    await worker.ask("PUT", "/reports")
    await data_trail(world)
    await worker.ask("PUT", "/reports/a", body=b"12345")
    await worker.ask("GET", "/reports/a")
    await worker.recorder.batches.write()
    rows = await world.system.objects.fetch_all("SELECT record FROM trail_queue ORDER BY id")
    put, get = (json.loads(unpacked(row[0])) for row in rows)
    assert put["additionalEventData"]["bytesTransferredIn"] == 5
    assert get["additionalEventData"]["bytesTransferredOut"] == 5
    assert (put["readOnly"], get["readOnly"]) == (False, True)


@story
async def test_what_services_do_is_recorded_but_not_the_deliveries_of_trails(world: World) -> None:
    worker = await Worker.of(world)
    await worker.ask("PUT", "/reports")
    services = ["cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"]
    document = policy({"Effect": "Allow", "Principal": {"Service": services}, "Action": "s3:PutObject",
                       "Resource": "arn:aws:s3:::reports/*"})  # fmt: skip
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="reports", Policy=json.dumps(document))
    await data_trail(world)
    for number, service in enumerate(services):
        await call_as_service(
            world.system, service, ("s3", "PutObject"), {"Bucket": "reports", "Key": str(number)},
            source_account=PRODUCTION, source_arn="arn",
        )  # fmt: skip
    assert await worker.queued() == 1


@story
async def test_a_flood_of_unsigned_requests_does_not_fill_a_history(world: World) -> None:
    worker = await Worker.of(world)
    await worker.ask("PUT", "/reports")
    for _ in range(recorder_module._MOST_ANONYMOUS + 20):
        assert (await worker.ask("GET", "/reports?versioning", signed=False)).status == 403
    records = await worker.history()
    assert sum(one["eventName"] == "GetBucketVersioning" for one in records) == recorder_module._MOST_ANONYMOUS


@story
async def test_a_record_that_cannot_be_made_does_not_cost_the_answer(world: World) -> None:
    worker = await Worker.of(world)
    request = Request("GET", "/", "Action=ListUsers&Version=2010-05-08", {"host": "localhost"}, client="192.0.2.7")
    request.headers |= sign_headers(request, worker.key, worker.secret, world.now, service="iam")

    def fault(*_: Any) -> Any:
        raise KeyError("a fault")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder_module, "events_of", fault)
        assert (await worker.pipeline.answer(request)).status == 200


# Explanations


@story
async def test_a_refusal_is_explained_by_its_request_id(world: World) -> None:
    worker = await Worker.of(world, allow("sts:*"))
    answer = await worker.ask("PUT", "/reports")
    request_id = dict(answer.headers)["x-amz-request-id"]
    error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=request_id)
    assert error.code == "InvalidAuthorizationMessageException"
    await worker.explanations.batches.write()
    for spelling in (request_id, request_id.lower()):
        output = await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=spelling)
        assert json.loads(output["DecodedMessage"])["context"]["action"] == "s3:CreateBucket"


@story
async def test_a_flood_of_refusals_is_noted_in_part_and_pushes_nobody_out(world: World) -> None:
    mallory = await Worker.of(world, allow("sts:*"), name="mallory", account="444455556666")
    alice = await Worker.of(world, allow("sts:*"))
    alice.pipeline, alice.explanations = mallory.pipeline, mallory.explanations
    for _ in range(150):
        assert (await mallory.ask("PUT", "/reports")).status == 403
    request_id = dict((await alice.ask("PUT", "/reports")).headers)["x-amz-request-id"]
    await mallory.explanations.batches.write()
    rows = await world.system.objects.fetch_all("SELECT asker FROM denials")
    assert len(rows) == 101
    output = await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=request_id)
    assert "s3:CreateBucket" in output["DecodedMessage"]


@story
async def test_only_refusals_by_policies_are_kept(world: World) -> None:
    worker = await Worker.of(world)
    await worker.iam("Action=GetUser&UserName=nobody")
    await worker.ask("GET", "/nothing-is-here/a")
    await worker.explanations.batches.write()
    assert await world.system.objects.fetch_all("SELECT 1 FROM denials") == []
