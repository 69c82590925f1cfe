"""Rules that act while the server runs, archived objects, and websites as a browser asks for them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from stage import OWNER, Client, Server, Stage, keys_on, new_keys, policy, statement

DAY = 2  # seconds; of the server of these tests


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Server]]:
    """S3 of a server whose days are two seconds long, and the server."""
    folder, keys = tmp_path_factory.mktemp("quick"), new_keys()
    account = {"id": OWNER, "root": {"access_keys": [{"id": keys.id, "secret": keys.secret}]}}
    setup = folder / "setup.yaml"
    setup.touch(mode=0o600)
    setup.write_text(yaml.safe_dump({"lifecycle_day_seconds": DAY, "accounts": [account]}), encoding="utf-8")
    server = Server(folder / "data", "--setup", str(setup))
    yield Client.make("s3", server.endpoint, keys), server
    assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def keys(s3: Any, bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def configure(s3: Any, bucket: str, *rules: dict[str, Any]) -> None:
    given = [{"ID": f"r{number}", "Status": "Enabled", "Filter": {}, **rule} for number, rule in enumerate(rules)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": given})


def test_objects_expire_versions_go_and_uploads_are_aborted(quick: tuple[Any, Server]) -> None:
    s3, _ = quick
    s3.create_bucket(Bucket="logs")
    for key in ("old/a", "old/b", "kept"):
        s3.put_object(Bucket="logs", Key=key, Body=b"x" * 50_000)
    s3.create_multipart_upload(Bucket="logs", Key="old/upload")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3"):
        s3.put_object(Bucket="versions", Key="k", Body=body)
    configure(
        s3,
        "logs",
        {"Filter": {"Prefix": "old/"}, "Expiration": {"Days": 1}},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    )
    configure(s3, "versions", {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}})
    assert eventually(lambda: keys(s3, "logs") == ["kept"])
    assert eventually(lambda: not s3.list_multipart_uploads(Bucket="logs").get("Uploads"))
    assert eventually(lambda: len(s3.list_object_versions(Bucket="versions")["Versions"]) == 2)
    time.sleep(2 * DAY)
    assert keys(s3, "logs") == ["kept"]
    assert len(s3.list_object_versions(Bucket="versions")["Versions"]) == 2


def test_the_older_operation_sets_the_same_rules(quick: tuple[Any, Server]) -> None:
    s3, _ = quick
    s3.create_bucket(Bucket="older")
    s3.put_object(Bucket="older", Key="tmp/a")
    rule = {"ID": "r", "Prefix": "tmp/", "Status": "Enabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle(Bucket="older", LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle(Bucket="older")["Rules"] == [rule]
    assert s3.get_bucket_lifecycle_configuration(Bucket="older")["Rules"] == [rule]
    assert eventually(lambda: keys(s3, "older") == [])


def test_an_object_is_archived_by_a_rule_restored_and_archived_again(quick: tuple[Any, Server]) -> None:
    s3, _ = quick
    s3.create_bucket(Bucket="archive")
    s3.put_object(Bucket="archive", Key="k", Body=b"cold")
    configure(s3, "archive", {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]})
    assert eventually(lambda: s3.head_object(Bucket="archive", Key="k").get("StorageClass") == "GLACIER")
    with pytest.raises(ClientError, match="InvalidObjectState"):
        s3.get_object(Bucket="archive", Key="k")
    answer = s3.restore_object(Bucket="archive", Key="k", RestoreRequest={"Days": 2})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.get_object(Bucket="archive", Key="k")["Body"].read() == b"cold"
    assert 'ongoing-request="false"' in s3.head_object(Bucket="archive", Key="k")["Restore"]

    def archived() -> bool:
        try:
            s3.get_object(Bucket="archive", Key="k")
        except ClientError as error:
            return error.response["Error"]["Code"] == "InvalidObjectState"
        return False

    assert eventually(archived)


# Websites


def test_a_browser_sees_pages_and_a_program_the_same_objects(stage: Stage, tmp_path: Path) -> None:
    s3, bucket = stage.owner.s3, stage.owner.new_bucket()
    for key, body in (("index.html", b"<h1>home</h1>"), ("docs/index.html", b"docs"), ("404.html", b"sorry")):
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="large.bin", Body=b"x" * 300_000)
    s3.put_object(Bucket=bucket, Key="old", WebsiteRedirectLocation="/docs/")
    s3.put_bucket_website(
        Bucket=bucket,
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}},
    )

    def visit(path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", stage.server.port, timeout=10)
        connection.request(method, path, headers={"Host": f"{bucket}.s3-website.localhost"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()

    assert visit("/")[0] == 403
    s3.delete_public_access_block(Bucket=bucket)
    document = policy(
        statement("Allow", "s3:GetObject", keys_on(bucket), Principal="*"),
        statement("Allow", "s3:ListBucket", f"arn:aws:s3:::{bucket}", Principal="*"),
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    assert visit("/") == (200, None, b"<h1>home</h1>")
    assert visit("/docs/") == (200, None, b"docs")
    assert visit("/docs")[:2] == (302, "/docs/")
    assert visit("/old")[:2] == (301, "/docs/")
    assert visit("/large.bin") == (200, None, b"x" * 300_000)
    assert visit("/large.bin", "HEAD") == (200, None, b"")
    assert visit("/nowhere") == (404, None, b"sorry")
    assert visit("/", "POST")[0] == 405
    s3.delete_bucket_website(Bucket=bucket)
    assert b"NoSuchWebsiteConfiguration" in visit("/")[2]
