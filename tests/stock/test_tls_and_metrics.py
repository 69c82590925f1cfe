"""What an operator sees of a server: TLS that stock clients verify, and what it counts."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError
from stage import OWNER, Keys, Server, Stage, new_keys

from certificates import certificate_for_localhost


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[Server, Path, Keys]]:
    """A server with a certificate for localhost, the certificate, and the root's keys."""
    certificate, key = certificate_for_localhost(tmp_path)
    keys = new_keys()
    setup = {"accounts": [{"id": OWNER, "root": {"access_keys": [{"id": keys.id, "secret": keys.secret}]}}]}
    (tmp_path / "setup.yaml").write_text(yaml.safe_dump(setup))
    server = Server(
        tmp_path / "data",
        "--setup",
        str(tmp_path / "setup.yaml"),
        "--tls-cert",
        str(certificate),
        "--tls-key",
        str(key),
    )
    yield server, certificate, keys
    assert server.stop() == 0


def test_boto3_talks_tls_and_policies_can_require_it(tls: tuple[Server, Path, Keys], stage: Stage) -> None:
    server, certificate, keys = tls
    assert server.endpoint.startswith("https://")

    def client(service: str, verify: str | None) -> object:
        return boto3.client(
            service, endpoint_url=f"https://localhost:{server.port}", region_name="us-east-1",
            aws_access_key_id=keys.id, aws_secret_access_key=keys.secret, verify=verify,
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    s3 = client("s3", str(certificate))
    s3.create_bucket(Bucket="over-tls")
    only_tls = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::{}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]}  # fmt: skip
    s3.put_bucket_policy(Bucket="over-tls", Policy=json.dumps(only_tls).replace("{}", "over-tls"))
    body = b"x" * 300_000
    s3.put_object(Bucket="over-tls", Key="key", Body=body)
    assert s3.get_object(Bucket="over-tls", Key="key")["Body"].read() == body
    assert client("sts", str(certificate)).get_caller_identity()["Account"] == OWNER
    with pytest.raises(SSLError):
        client("s3", None).list_buckets()
    for version, refused in ((1.2, False), (1.4, True)):  # a policy for the lowest version of TLS
        newer = {"NumericLessThan": {"s3:TlsVersion": version}}
        text = json.dumps({**only_tls, "Statement": [{**only_tls["Statement"][0], "Condition": newer}]})
        s3.put_bucket_policy(Bucket="over-tls", Policy=text.replace("{}", "over-tls"))
        if refused:
            with pytest.raises(ClientError, match="explicit deny"):
                s3.get_object(Bucket="over-tls", Key="key")
        else:
            s3.get_object(Bucket="over-tls", Key="key")

    plain = stage.owner.new_bucket()
    stage.owner.s3.put_bucket_policy(Bucket=plain, Policy=json.dumps(only_tls).replace("{}", plain))
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        stage.owner.s3.put_object(Bucket=plain, Key="key", Body=b"x")


def metric(stage: Stage, *marks: str) -> float:
    """The sum of the sample lines that contain all marks."""
    with urllib.request.urlopen(f"{stage.endpoint}/-/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#" and all(mark in line for mark in marks)
    )


def test_both_workers_answers_are_counted_by_operation_and_status(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"key": b"bytes"})
    found = 'operation="GetObjectTagging",service="s3",status="200"'
    missing = 'operation="GetObjectTagging",service="s3",status="404"'
    before = metric(stage, found), metric(stage, missing), metric(stage, "isthmus_request_seconds_count", '"s3"')
    for _ in range(5):
        stage.owner.s3.get_object_tagging(Bucket=bucket, Key="key")
        with pytest.raises(ClientError):
            stage.owner.s3.get_object_tagging(Bucket=bucket, Key="another")
    # A worker hands over what it counted every few seconds, and when it is scraped itself.
    until = time.monotonic() + 20
    while time.monotonic() < until and metric(stage, found) + metric(stage, missing) < before[0] + before[1] + 10:
        time.sleep(0.2)
    assert metric(stage, found) - before[0] == 5
    assert metric(stage, missing) - before[1] == 5
    assert metric(stage, "isthmus_request_seconds_count", '"s3"') - before[2] >= 10


def test_health_is_answered_to_anybody_and_nothing_else_is_there(stage: Stage) -> None:
    for address, said in (("live", b"live\n"), ("ready", b"ready\n")):
        with urllib.request.urlopen(f"{stage.endpoint}/-/health/{address}") as answer:
            assert (answer.status, answer.read()) == (200, said)
    for address, method, status in (("health/other", "GET", 404), ("metrics", "POST", 405)):
        request = urllib.request.Request(f"{stage.endpoint}/-/{address}", method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == status
