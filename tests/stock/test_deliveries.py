"""What S3 delivers by itself, seen by stock clients: access logs, notifications, replicas, inventory reports.

Between two accounts, and each refusal beside what is allowed.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from stage import OWNER, PARTNER, Account, Client, Document, Server, Stage, keys_on, policy, statement
from workers import one_connection_to_each_worker

T = TypeVar("T")

QUEUE = f"arn:aws:sqs:us-east-1:{OWNER}:uploads"
FILE_QUEUE = f"arn:aws:sqs:us-east-1:{OWNER}:spool"
BUS = f"arn:aws:events:us-east-1:{OWNER}:event-bus/default"
PARTNERS = f"arn:aws:sqs:us-east-1:{PARTNER}:uploads"


class Webhook(ThreadingHTTPServer):
    """Takes messages while it is open; answers 503 while it is not."""

    daemon_threads = True

    def __init__(self) -> None:
        webhook = self
        self.open = True
        self.messages: list[Document] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if webhook.open:
                    webhook.messages.append(json.loads(body))
                self.send_response(200 if webhook.open else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"

    def told(self, bucket: str) -> list[tuple[str, str]]:
        """Event and key of each record about a bucket, in the order of arrival."""
        records = [record for message in list(self.messages) for record in message.get("Records", ())]
        return [
            (record["eventName"], record["s3"]["object"]["key"])
            for record in records
            if record["s3"]["bucket"]["name"] == bucket
        ]


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, webhook: Webhook) -> Iterator[Stage]:
    """A server of its own: logs are delivered after a second, a day has an hour, two queues are mapped."""
    folder = tmp_path_factory.mktemp("deliveries")
    config = folder / "isthmus.toml"
    config.write_text("access_log_seconds = 1\n")
    targets = {
        QUEUE: webhook.url,
        FILE_QUEUE: (folder / "events.jsonl").as_uri(),
        BUS: webhook.url,
        PARTNERS: webhook.url,
    }
    made = Stage(folder, "--config", str(config), event_targets=targets, lifecycle_day_seconds=3600)
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


def until(look: Callable[[], T], seconds: float = 30.0) -> T:
    """What `look` finds once it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def contents_of(account: Account, bucket: str, prefix: str = "") -> dict[str, bytes]:
    listed = account.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return {one["Key"]: account.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


def let_in(account: Account, bucket: str, service: str, source: str, source_account: str = OWNER) -> None:
    """The policy that AWS's guides show for a bucket that a service writes into."""
    condition = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
        "StringEquals": {"aws:SourceAccount": source_account},
    }
    allowed = statement("Allow", "s3:PutObject", keys_on(bucket), Condition=condition, Principal={"Service": service})
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(allowed)))


def code_of(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**given)
    return str(refused.value.response["Error"]["Code"])


# Server access logging


def log_to(account: Account, bucket: str, target: str, **more: Any) -> None:
    enabled = {"TargetBucket": target, "TargetPrefix": "log/", **more}
    account.s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})


def log_lines(account: Account, target: str) -> list[str]:
    return [line for text in contents_of(account, target, "log/").values() for line in text.decode().splitlines()]


def test_requests_to_every_worker_come_into_the_log(stage: Stage) -> None:
    owner = stage.owner
    source, target = owner.new_bucket({"a": b"four"}), owner.new_bucket()
    let_in(owner, target, "logging.s3.amazonaws.com", source)
    log_to(owner, source, target)
    for connection in one_connection_to_each_worker(stage.server):
        assert connection.get(f"/{source}/a", owner.admin.keys) == (200, b"four")
        connection.close()
    assert code_of(owner.s3.get_object, Bucket=source, Key="nothing") == "NoSuchKey"
    wanted = 3

    def look() -> list[str]:
        found = [line for line in log_lines(owner, target) if "REST.GET.OBJECT" in line]
        return found if len(found) >= wanted else []

    found = until(look)
    assert len(found) == wanted
    assert sum(f" {source} [" in line and f"arn:aws:iam::{OWNER}:user/admin" in line for line in found) == wanted
    assert sum(" 200 - 4 4 " in line for line in found) == 2
    assert sum(" 404 NoSuchKey " in line for line in found) == 1
    assert all(len(line.split('"')[0].split()) == 9 for line in found)


def test_logs_go_to_another_account_s_bucket_only_as_its_policy_says(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    source, target = owner.new_bucket(), partner.new_bucket()
    status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "log/"}}
    given = {"Bucket": source, "BucketLoggingStatus": status}
    assert code_of(owner.s3.put_bucket_logging, **given) == "InvalidTargetBucketForLogging"
    let_in(partner, target, "logging.s3.amazonaws.com", "another-bucket")
    assert code_of(owner.s3.put_bucket_logging, **given) == "InvalidTargetBucketForLogging"
    let_in(partner, target, "logging.s3.amazonaws.com", source)
    owner.s3.put_bucket_logging(**given)
    owner.s3.put_object(Bucket=source, Key="k", Body=b"1")
    assert until(lambda: [line for line in log_lines(partner, target) if "REST.PUT.OBJECT k " in line])
    (key, *_) = contents_of(partner, target)
    assert code_of(owner.s3.get_object, Bucket=target, Key=key) == "AccessDenied"


def test_logs_come_only_once_the_target_s_policy_allows_them(stage: Stage) -> None:
    owner = stage.owner
    source, target = owner.new_bucket(), owner.new_bucket()
    log_to(owner, source, target, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})
    owner.s3.put_object(Bucket=source, Key="early", Body=b"1")
    time.sleep(3)
    assert contents_of(owner, target) == {}
    let_in(owner, target, "logging.s3.amazonaws.com", source)
    assert until(lambda: [line for line in log_lines(owner, target) if "REST.PUT.OBJECT early " in line])
    (key, *_) = contents_of(owner, target)
    assert key.startswith(f"log/{OWNER}/us-east-1/{source}/20")


# Event notifications


def watch(account: Account, bucket: str, queue: str = QUEUE, *events: str, **more: Any) -> None:
    entry = {"QueueArn": queue, "Events": list(events or ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))}
    account.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry], **more}
    )


def test_a_webhook_is_told_of_changes_in_their_order(stage: Stage, webhook: Webhook) -> None:
    owner = stage.owner
    bucket = owner.new_bucket()
    watch(owner, bucket)
    assert [one["Event"] for one in webhook.messages if one.get("Bucket") == bucket] == ["s3:TestEvent"]
    for number in range(3):
        owner.s3.put_object(Bucket=bucket, Key="a", Body=str(number).encode())
    owner.s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    owner.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    expected = [
        *[("ObjectCreated:Put", "a")] * 3,
        ("ObjectCreated:Copy", "b"),
        ("ObjectRemoved:Delete", "a"),
        ("ObjectRemoved:Delete", "b"),
    ]
    until(lambda: len(webhook.told(bucket)) == len(expected))
    assert webhook.told(bucket) == expected


def test_an_arn_without_a_target_or_of_another_account_is_refused(stage: Stage) -> None:
    owner = stage.owner
    bucket = owner.new_bucket()
    unmapped = QUEUE.replace("uploads", "nothing")
    for queue, reason in (
        (unmapped, "The destination queue does not exist"),
        (PARTNERS, "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"),
    ):
        with pytest.raises(ClientError) as refused:
            watch(owner, bucket, queue)
        error = refused.value.response["Error"]
        assert (error["Code"], error["ArgumentName1"], error["ArgumentValue1"]) == ("InvalidArgument", queue, reason)
        assert error["Message"] == "Unable to validate the following destination configurations"
    assert "QueueConfigurations" not in owner.s3.get_bucket_notification_configuration(Bucket=bucket)


def test_a_file_and_event_bridge_hear_of_the_same_change(stage: Stage, webhook: Webhook) -> None:
    owner = stage.owner
    bucket = owner.new_bucket()
    watch(owner, bucket, FILE_QUEUE, EventBridgeConfiguration={})
    owner.s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    file = stage.folder / "events.jsonl"

    def look() -> bool:
        in_file = any('"ObjectCreated:Put"' in line and bucket in line for line in file.read_text().splitlines())
        return in_file and any(
            one.get("detail-type") == "Object Created" and one["detail"]["bucket"]["name"] == bucket
            for one in list(webhook.messages)
        )

    assert until(look)


def test_a_target_that_is_down_holds_up_no_other_and_hears_everything_later(stage: Stage, webhook: Webhook) -> None:
    owner = stage.owner
    down, up = owner.new_bucket(), owner.new_bucket()
    watch(owner, down)
    watch(owner, up, FILE_QUEUE)
    webhook.open = False
    try:
        owner.s3.put_object(Bucket=down, Key="a", Body=b"1")
        owner.s3.put_object(Bucket=up, Key="a", Body=b"1")
        file = stage.folder / "events.jsonl"
        assert until(lambda: any(up in line and "Records" in line for line in file.read_text().splitlines()))
        assert webhook.told(down) == []
        assert code_of(watch, account=owner, bucket=up) == "InvalidArgument"  # the test message is not taken either
    finally:
        webhook.open = True
    assert until(lambda: webhook.told(down)) == [("ObjectCreated:Put", "a")]


def test_no_event_of_an_acknowledged_write_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    webhook = Webhook()
    made = Stage(tmp_path, event_targets={QUEUE: webhook.url})
    owner = made.owner
    bucket = owner.new_bucket()
    watch(owner, bucket)
    webhook.open = False
    acknowledged: list[tuple[str, str]] = []
    enough = threading.Event()

    def write(name: str) -> None:
        client = Client.make("s3", made.endpoint, owner.admin.keys)
        number = 0
        while True:
            key = f"{name}-{number // 2}"
            try:
                if number % 2:
                    client.delete_object(Bucket=bucket, Key=key)
                    event = "ObjectRemoved:Delete"
                else:
                    client.put_object(Bucket=bucket, Key=key, Body=b"x")
                    event = "ObjectCreated:Put"
            except (BotoCoreError, ClientError):
                return
            acknowledged.append((event, key))
            number += 1
            if number == 20:
                enough.set()

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(write, name) for name in "abc"]
        assert enough.wait(60)
        made.server.kill()
        for one in running:
            one.result(30)
    assert webhook.told(bucket) == []
    webhook.open = True
    again = Server(tmp_path / "data")
    try:
        until(lambda: set(webhook.told(bucket)) >= set(acknowledged))
        told = webhook.told(bucket)
        assert set(acknowledged) <= set(told)
        # One more of each writer may have been committed without an answer; nothing else was.
        assert len(set(told)) <= len(acknowledged) + 3
        first = {event: told.index(event) for event in set(told)}
        for event, key in told:
            if event == "ObjectRemoved:Delete":
                assert first["ObjectCreated:Put", key] < first[event, key]
    finally:
        assert again.stop() == 0
        webhook.shutdown()
        webhook.server_close()


# Replication

READS = ["s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersionForReplication",
         "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]  # fmt: skip
WRITES = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]


def versioned(account: Account) -> str:
    bucket = account.new_bucket()
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def replication_role(account: Account, source: str, destination: str, trusted: str = "s3.amazonaws.com") -> str:
    """The role of the User Guide's walk-through."""
    trust = policy({"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"})
    allowed = policy(
        statement("Allow", READS[:2], f"arn:aws:s3:::{source}"),
        statement("Allow", READS[2:], keys_on(source)),
        statement("Allow", WRITES, keys_on(destination)),
    )
    return account.new_role(trust, allowed)


def replicate(account: Account, source: str, destination: str, role: str) -> None:
    rule = {
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
    }  # fmt: skip
    account.s3.put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": role, "Rules": [rule]})


def settled(account: Account, bucket: str, key: str) -> str:
    """The replication status once it is no longer PENDING."""

    def look() -> str:
        status = str(account.s3.head_object(Bucket=bucket, Key=key)["ReplicationStatus"])
        return "" if status == "PENDING" else status

    return until(look)


def test_versions_are_replicated_to_another_account_s_bucket_whose_policy_lets_the_role_in(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    source, destination = versioned(owner), versioned(partner)
    role = replication_role(owner, source, destination)
    replicate(owner, source, destination, role)
    owner.s3.put_object(Bucket=source, Key="refused", Body=b"1")
    assert settled(owner, source, "refused") == "FAILED"

    allowed = statement("Allow", WRITES, keys_on(destination), Principal={"AWS": role})
    partner.s3.put_bucket_policy(Bucket=destination, Policy=json.dumps(policy(allowed)))
    body = bytes(range(256)) * 500
    put = owner.s3.put_object(
        Bucket=source, Key="taken", Body=body, Tagging="a=1", Metadata={"m": "v"}, ContentType="text/x"
    )
    assert settled(owner, source, "taken") == "COMPLETED"
    replica = partner.s3.get_object(Bucket=destination, Key="taken")
    assert replica["Body"].read() == body
    assert replica["VersionId"] == put["VersionId"]
    assert (replica["ReplicationStatus"], replica["Metadata"], replica["ContentType"]) == (
        "REPLICA",
        {"m": "v"},
        "text/x",
    )
    assert partner.s3.get_object_tagging(Bucket=destination, Key="taken")["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert code_of(partner.s3.get_object, Bucket=destination, Key="refused") == "NoSuchKey"

    owner.s3.delete_object(Bucket=source, Key="taken")
    until(lambda: "DeleteMarkers" in partner.s3.list_object_versions(Bucket=destination))
    assert code_of(partner.s3.get_object, Bucket=destination, Key="taken") == "NoSuchKey"
    owner.s3.delete_object(Bucket=source, Key="taken", VersionId=put["VersionId"])
    time.sleep(2)
    assert partner.s3.get_object(Bucket=destination, Key="taken", VersionId=put["VersionId"])["Body"].read() == body


def test_a_role_that_s3_may_not_assume_replicates_nothing(stage: Stage) -> None:
    owner = stage.owner
    source, destination = versioned(owner), versioned(owner)
    replicate(owner, source, destination, replication_role(owner, source, destination, "ec2.amazonaws.com"))
    owner.s3.put_object(Bucket=source, Key="a", Body=b"1")
    assert settled(owner, source, "a") == "FAILED"
    replicate(owner, source, destination, replication_role(owner, source, destination))
    owner.s3.put_object(Bucket=source, Key="b", Body=b"1")
    assert settled(owner, source, "b") == "COMPLETED"
    listed = owner.s3.list_objects_v2(Bucket=destination)["Contents"]
    assert [one["Key"] for one in listed] == ["b"]


def test_who_may_not_pass_the_role_cannot_configure_replication(stage: Stage) -> None:
    owner = stage.owner
    source, destination = versioned(owner), versioned(owner)
    role = replication_role(owner, source, destination)
    configuring = statement("Allow", "s3:PutReplicationConfiguration", f"arn:aws:s3:::{source}")
    passing = statement("Allow", "iam:PassRole", role)
    some, both = owner.new_user(policy(configuring)), owner.new_user(policy(configuring, passing))
    as_some = Account(owner.id, owner.endpoint, some, owner.root)
    as_both = Account(owner.id, owner.endpoint, both, owner.root)
    with pytest.raises(ClientError) as refused:
        replicate(as_some, source, destination, role)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert "iam:PassRole" in refused.value.response["Error"]["Message"]
    replicate(as_both, source, destination, role)


def test_what_was_to_be_replicated_when_the_server_was_killed_is_replicated(tmp_path: Path) -> None:
    made = Stage(tmp_path)
    owner = made.owner
    source, destination = versioned(owner), versioned(owner)
    replicate(owner, source, destination, replication_role(owner, source, destination))
    keys = [f"k{number}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: owner.s3.put_object(Bucket=source, Key=key, Body=key.encode()), keys))
    made.server.kill()
    again = Server(tmp_path / "data")
    try:
        client = Client.make("s3", again.endpoint, owner.admin.keys)
        until(lambda: len(client.list_objects_v2(Bucket=destination).get("Contents", ())) == len(keys))
        listed = client.list_object_versions(Bucket=destination)["Versions"]
        assert sorted(one["Key"] for one in listed) == sorted(keys)  # each once
        status = {client.head_object(Bucket=source, Key=key)["ReplicationStatus"] for key in keys}
        assert status == {"COMPLETED"}
    finally:
        assert again.stop() == 0


# Inventory


def list_to(account: Account, source: str, target: str) -> None:
    destination = {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV", "Prefix": "lists"}
    account.s3.put_bucket_inventory_configuration(
        Bucket=source, Id="daily",
        InventoryConfiguration={
            "Id": "daily", "IsEnabled": True, "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Daily"}, "OptionalFields": ["Size", "ETag"],
            "Destination": {"S3BucketDestination": destination},
        },
    )  # fmt: skip


def test_an_inventory_is_delivered_to_another_account_s_bucket_whose_policy_allows_it(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    source, target, closed = owner.new_bucket({"a b": b"1", "c": b"22"}), partner.new_bucket(), partner.new_bucket()
    let_in(partner, target, "s3.amazonaws.com", source)
    let_in(partner, closed, "s3.amazonaws.com", source, source_account=PARTNER)
    list_to(owner, source, target)
    other = owner.new_bucket({"x": b"1"})
    list_to(owner, other, closed)
    found = until(lambda: {k: v for k, v in contents_of(partner, target).items() if k.endswith("manifest.checksum")})
    assert len(found) == 1
    files = contents_of(partner, target)
    manifest = json.loads(next(text for key, text in files.items() if key.endswith("manifest.json")))
    (data,) = manifest["files"]
    rows = gzip.decompress(files[data["key"]]).decode().splitlines()
    assert manifest["fileSchema"] == "Bucket, Key, Size, ETag"
    assert [row.split(",")[:3] for row in rows] == [[f'"{source}"', '"a%20b"', '"1"'], [f'"{source}"', '"c"', '"2"']]
    assert contents_of(partner, closed) == {}


def test_an_inventory_in_a_format_that_is_not_written_is_refused(stage: Stage) -> None:
    owner = stage.owner
    source, target = owner.new_bucket(), owner.new_bucket()
    value = {
        "Id": "orc", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Weekly"},
        "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", "Format": "ORC"}},
    }  # fmt: skip
    put = owner.s3.put_bucket_inventory_configuration
    assert code_of(put, Bucket=source, Id="orc", InventoryConfiguration=value) == "NotImplemented"
