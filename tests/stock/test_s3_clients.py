"""What people do with the stock S3 clients: large files, folders, addresses to hand out, copies, versions."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError
from refusal_table import Answer, answer_of, fetch
from stage import SOURCE, Client, Stage, Terminal, contents, keys_on, policy, statement

MIB = 1 << 20


def _random(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.fixture
def mine(stage: Stage, terminal: Terminal) -> Terminal:
    """A terminal whose profile `owner` is the owner's administrator."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    return terminal


# AWS CLI


def test_twenty_megabytes_go_up_in_parts_and_come_down_the_same(stage: Stage, mine: Terminal) -> None:
    bucket, data = stage.owner.new_bucket(), _random(20 * MIB + 1)
    source, target = mine.file("large", data), mine.home / "back"
    mine.must("owner", "s3", "cp", source, f"s3://{bucket}/large", "--no-progress")
    head = stage.owner.s3.head_object(Bucket=bucket, Key="large")
    assert (head["ContentLength"], head["ETag"][-3:]) == (len(data), '-3"')  # parts of 8 MiB
    mine.must("owner", "s3", "cp", f"s3://{bucket}/large", str(target), "--no-progress")
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(data).digest()
    assert stage.owner.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_a_folder_is_synchronised_up_and_down_and_deletions_with_it(stage: Stage, mine: Terminal) -> None:
    bucket = stage.owner.new_bucket()
    folder, back = mine.home / "folder", mine.home / "back"
    (folder / "room" / "ümlaut & plus+").mkdir(parents=True)
    for file in (SOURCE / "names").glob("*.py"):
        (folder / "room" / file.name).write_bytes(file.read_bytes())
    (folder / "room" / "ümlaut & plus+" / "a=b %41.txt").write_bytes(b"x")
    for file in folder.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # the CLI goes by whole seconds; none of these is new
    mine.must("owner", "s3", "sync", str(folder), f"s3://{bucket}/to/", "--no-progress")
    mine.must("owner", "s3", "sync", f"s3://{bucket}/to/", str(back), "--no-progress")
    assert contents(back) == contents(folder)
    (folder / "room" / "arn.py").unlink()
    (folder / "room" / "buckets.py").write_bytes(b"changed")
    done = mine.must("owner", "s3", "sync", str(folder), f"s3://{bucket}/to/", "--no-progress", "--delete")
    assert sorted(line.split(":")[0] for line in done.splitlines()) == ["delete", "upload"]
    listed = stage.owner.s3.list_objects_v2(Bucket=bucket, Prefix="to/")["Contents"]
    assert [entry["Key"] for entry in listed] == sorted(f"to/{name}" for name in contents(folder))


def test_an_address_signed_by_the_cli_works_without_credentials_and_only_as_signed(
    stage: Stage, mine: Terminal
) -> None:
    bucket = stage.owner.new_bucket({"k": b"data"})
    url = mine.must("owner", "s3", "presign", f"s3://{bucket}/k", "--expires-in", "60")
    assert fetch(url) == b"data"
    name = "Signature=" if "&Signature=" in url or "?Signature=" in url else "X-Amz-Signature="
    start = url.index(name) + len(name)
    changed = url[:start] + ("0" if url[start] != "0" else "1") + url[start + 1 :]
    answer = answer_of(lambda: fetch(changed))
    assert answer is not None
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)


# boto3


def test_a_stream_goes_up_and_comes_down_in_parts(stage: Stage) -> None:
    bucket, data = stage.owner.new_bucket(), _random(11 * MIB)
    transfer = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    stage.owner.s3.upload_fileobj(
        io.BytesIO(data), bucket, "k", Config=transfer, ExtraArgs={"ContentType": "text/x-data", "Metadata": {"a": "b"}}
    )
    back = io.BytesIO()
    stage.owner.s3.download_fileobj(bucket, "k", back, Config=transfer)
    assert back.getvalue() == data
    head = stage.owner.s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentType"], head["Metadata"], head["ETag"][-3:]) == ("text/x-data", {"a": "b"}, '-3"')


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=65530-131079", 65530, 131080)],
)
def test_a_range_is_exactly_that_part(wanted: str, start: int, end: int | None, stage: Stage) -> None:
    data = _random(200_000)
    bucket = stage.owner.new_bucket({"k": data})
    answer = stage.owner.s3.get_object(Bucket=bucket, Key="k", Range=wanted)
    part = data[start:end]
    first = start % len(data)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes {first}-{first + len(part) - 1}/{len(data)}"
    assert answer["Body"].read() == part


def test_an_object_is_copied_from_the_other_account_and_belongs_to_who_copied_it(stage: Stage) -> None:
    data = _random(100_000)
    source, target = stage.owner.new_bucket({"k": data}), stage.partner.new_bucket()
    copy: dict[str, Any] = {"Bucket": target, "Key": "copy", "CopySource": {"Bucket": source, "Key": "k"}}
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.partner.s3.copy_object(**copy)
    reading = statement(
        "Allow", ["s3:GetObject", "s3:GetObjectTagging"], keys_on(source), Principal={"AWS": stage.partner.id}
    )
    stage.owner.s3.put_bucket_policy(Bucket=source, Policy=json.dumps(policy(reading)))
    assert stage.partner.s3.copy_object(**copy)["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert stage.partner.s3.get_object(Bucket=target, Key="copy")["Body"].read() == data
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.owner.s3.get_object(Bucket=target, Key="copy")


def test_many_objects_are_deleted_at_once_each_with_its_own_answer(stage: Stage) -> None:
    keys = [f"{number:03}" for number in range(300)]
    bucket = stage.owner.new_bucket({"kept": b"x", "000": b"x", "299": b"x"})
    denying = statement("Deny", "s3:DeleteObject", f"arn:aws:s3:::{bucket}/kept", Principal="*")
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(denying)))
    named = [{"Key": key} for key in [*keys, "kept"]]
    answer = stage.owner.s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert [entry["Key"] for entry in answer["Deleted"]] == keys
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("kept", "AccessDenied")]
    assert [entry["Key"] for entry in stage.owner.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]


def test_versions_are_kept_hidden_by_a_marker_and_brought_back(stage: Stage) -> None:
    s3, bucket = stage.owner.s3, stage.owner.new_bucket({"k": b"before"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"one", b"two"))
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    bodies = {
        version: s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read()
        for version in ("null", first, second)
    }
    assert bodies == {"null": b"before", first: b"one", second: b"two"}
    listed = s3.list_object_versions(Bucket=bucket)
    assert [one["VersionId"] for one in listed["Versions"]] == [second, first, "null"]
    assert [one["VersionId"] for one in listed["DeleteMarkers"]] == [marker["VersionId"]]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"


def test_the_bucket_may_stand_in_the_host_name(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    port, look_up = stage.server.port, socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        return look_up("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)  # every resolver does not know *.localhost
    bucket = stage.owner.new_bucket()
    s3 = Client.make("s3", f"http://s3.localhost:{port}", stage.owner.admin.keys, s3={"addressing_style": "virtual"})
    key = "a folder/ümlaut+.txt"
    asked: list[str] = []
    s3.meta.events.register("before-send.s3", lambda request, **_: asked.append(request.url))
    s3.put_object(Bucket=bucket, Key=key, Body=b"data")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"data"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert all(url.startswith(f"http://{bucket}.s3.localhost:{port}/") for url in asked)
    assert len(asked) == 3
    assert stage.owner.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"data"
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket=f"{bucket}-not")


@pytest.mark.parametrize("host", ["{bucket}.s3.amazonaws.com", "{bucket}.s3.eu-west-1.amazonaws.com"])
def test_awss_own_host_names_are_understood(host: str, stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"k": b"data"})
    stage.owner.s3.delete_public_access_block(Bucket=bucket)
    reading = statement("Allow", "s3:GetObject", keys_on(bucket), Principal="*")
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(reading)))
    request = urllib.request.Request(f"{stage.endpoint}/k", headers={"Host": host.format(bucket=bucket)})
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.read() == b"data"
    missing = urllib.request.Request(f"{stage.endpoint}/k", headers={"Host": host.format(bucket=f"{bucket}-not")})
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(missing, timeout=20)
    assert refused.value.code == 404


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_checksum_is_checked_kept_and_given_back(algorithm: str, stage: Stage) -> None:
    bucket, data = stage.owner.new_bucket(), _random(300_000)
    put = stage.owner.s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    got = stage.owner.s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    assert got["Body"].read() == data  # botocore compares the checksum here


def _checksum_behind_the_body(params: Any, **_: Any) -> None:
    """botocore sends the checksum as a trailer over TLS only; here it does so without."""
    params["context"]["checksum"]["request_algorithm"]["in"] = "trailer"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", "SHA256"])
def test_a_checksum_may_follow_the_body_and_a_body_that_it_does_not_fit_is_refused(
    algorithm: str, stage: Stage
) -> None:
    bucket, data = stage.owner.new_bucket({"k": b"before"}), _random(300_000)
    sent: list[Any] = []

    def look(request: Any, **_: Any) -> None:
        sent.append(request.headers)

    def change(request: Any, **_: Any) -> None:
        body = bytearray(request.body.read())
        body[150_000] ^= 1
        request.body = bytes(body)

    def client(before_send: Any) -> Any:
        made = stage.owner.client("s3", stage.owner.admin)
        made.meta.events.register("before-call.s3.PutObject", _checksum_behind_the_body)
        made.meta.events.register("before-send.s3", before_send)
        return made

    put = {"Bucket": bucket, "Key": "k", "Body": data, "ChecksumAlgorithm": algorithm}
    answer = answer_of(lambda: client(change).put_object(**put))
    text = f"The {algorithm} you specified did not match the calculated checksum."
    assert answer == Answer("BadDigest", 400, text)
    assert stage.owner.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"before"

    client(look).put_object(**put)
    trailer = sent[0]["x-amz-trailer"]
    assert (trailer if isinstance(trailer, str) else trailer.decode()) == f"x-amz-checksum-{algorithm.lower()}"
    assert stage.owner.s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == data


def test_boto3_sends_a_checksum_by_default_and_it_is_kept(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"k": b"123456789"})
    head = stage.owner.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == ("y/Q5Jg==", "FULL_OBJECT")  # CRC-32's check value


def test_of_many_who_write_only_if_there_is_nothing_one_succeeds(stage: Stage) -> None:
    bucket = stage.owner.new_bucket()
    clients = [stage.owner.client("s3", stage.owner.admin) for _ in range(6)]

    def write(number: int) -> str:
        try:
            clients[number].put_object(Bucket=bucket, Key="lock", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(len(clients)) as pool:
        outcomes = list(pool.map(write, range(len(clients))))
    assert outcomes.count("written") == 1
    assert set(outcomes) <= {"written", "PreconditionFailed", "ConditionalRequestConflict"}
    body = stage.owner.s3.get_object(Bucket=bucket, Key="lock")["Body"].read()
    assert outcomes[int(body)] == "written"
