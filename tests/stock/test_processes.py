"""Several processes on one data directory: changes are seen at once, and ends of every kind lose nothing."""

from __future__ import annotations

import base64
import configparser
import hashlib
import json
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import BotoCoreError, ClientError
from stage import (
    OWNER,
    PARTNER,
    READ_ONLY,
    Account,
    Client,
    Keys,
    Server,
    Someone,
    Stage,
    Terminal,
    allow,
    isthmus_command,
    new_keys,
    trust,
)
from workers import Connection, one_connection_to_each_worker, wait_until_one_ended, worker_pids

BIG_PART = 5 << 20  # bytes; S3's smallest part that is not the last


# Two workers


@pytest.fixture
def connections(stage: Stage) -> Iterator[list[Connection]]:
    """One connection to each worker of the stage."""
    made = one_connection_to_each_worker(stage.server)
    yield made
    for connection in made:
        connection.close()


def test_a_detached_policy_is_gone_for_both_workers_on_the_next_request(
    stage: Stage, connections: list[Connection]
) -> None:
    iam, user, bucket = stage.owner.iam, stage.owner.new_user(), stage.owner.new_bucket({"k": b"data"})
    for turn in range(10):
        first, second = connections if turn % 2 else connections[::-1]
        iam.attach_user_policy(UserName=user.name, PolicyArn=READ_ONLY)
        assert first.get(f"/{bucket}/k", user.keys) == (200, b"data")
        assert second.get(f"/{bucket}/k", user.keys) == (200, b"data")
        iam.detach_user_policy(UserName=user.name, PolicyArn=READ_ONLY)
        assert first.get(f"/{bucket}/k", user.keys)[0] == 403
        assert second.get(f"/{bucket}/k", user.keys)[0] == 403


def test_a_new_default_version_of_a_policy_counts_for_both_workers_on_the_next_request(
    stage: Stage, connections: list[Connection]
) -> None:
    iam, bucket = stage.owner.iam, stage.owner.new_bucket({"k": b"data"})
    arn = stage.owner.new_policy(allow("s3:GetObject", "*"))
    narrow = json.dumps(allow("s3:ListBucket", "*"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=narrow)
    user = stage.owner.new_user(managed=[arn])
    for version, status in [("v1", 200), ("v2", 403)] * 5:
        iam.set_default_policy_version(PolicyArn=arn, VersionId=version)
        assert [one.get(f"/{bucket}/k", user.keys)[0] for one in connections] == [status, status]


def test_a_deleted_key_never_works_again_with_either_worker(stage: Stage, connections: list[Connection]) -> None:
    user, bucket = stage.owner.new_user(managed=[READ_ONLY]), stage.owner.new_bucket({"k": b"data"})
    assert [one.get(f"/{bucket}/k", user.keys)[0] for one in connections] == [200, 200]
    stage.owner.iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.id)
    for _ in range(20):
        for connection in connections:
            status, body = connection.get(f"/{bucket}/k", user.keys)
            assert (status, b"<Code>InvalidAccessKeyId</Code>" in body) == (403, True)


def test_sessions_of_a_deleted_role_end_with_it_also_when_a_role_of_that_name_returns(
    stage: Stage, connections: list[Connection]
) -> None:
    iam, bucket = stage.owner.iam, stage.owner.new_bucket({"k": b"data"})
    everything = json.dumps(allow("s3:*", "*"))
    role = stage.owner.new_role(trust(OWNER), allow("s3:*", "*"))
    session = stage.owner.session_of(role)
    assert [one.get(f"/{bucket}/k", session.keys)[0] for one in connections] == [200, 200]
    iam.delete_role_policy(RoleName=session.name, PolicyName="p0")
    iam.delete_role(RoleName=session.name)
    assert [one.get(f"/{bucket}/k", session.keys)[0] for one in connections] == [403, 403]
    iam.create_role(RoleName=session.name, AssumeRolePolicyDocument=json.dumps(trust(OWNER)))
    iam.put_role_policy(RoleName=session.name, PolicyName="p0", PolicyDocument=everything)
    assert [one.get(f"/{bucket}/k", session.keys)[0] for one in connections] == [403, 403]
    again = stage.owner.session_of(role)
    assert [one.get(f"/{bucket}/k", again.keys)[0] for one in connections] == [200, 200]


def test_a_worker_that_is_killed_is_replaced_and_the_other_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--setup", str(_setup_file(tmp_path)))
    try:
        first, second = one_connection_to_each_worker(server)
        keys = _admin(server).admin.keys
        assert first.get("/", keys)[0] == second.get("/", keys)[0] == 200
        _kill_worker(first.worker)
        assert second.get("/", keys)[0] == 200
        # The listening socket outlives its worker: whoever connects now waits for the next one.
        assert first.worker not in {one.worker for one in one_connection_to_each_worker(server)}
    finally:
        assert server.stop() == 0


def _kill_worker(pid: int) -> None:
    descriptor = os.pidfd_open(pid)  # taken before, as the number is free again once the process is gone
    try:
        os.kill(pid, signal.SIGKILL)
        assert select.select([descriptor], [], [], 20)[0]
    finally:
        os.close(descriptor)


# Ends


class Writer:
    """Writes objects until the server is gone; knows what it began and what was acknowledged.

    The data of an object follows from its key, so that whatever is found later can be checked.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size, self.name = size, name
        self.begun: list[str] = []
        self.acknowledged: list[str] = []

    def data(self, key: str) -> bytes:
        """What stands under a key: different in every kilobyte, so a mixture would show."""
        block = hashlib.sha256(key.encode()).digest() * 32
        pieces = (number.to_bytes(8, "big") + block[8:] for number in range(-(-self.size // 1024)))
        return b"".join(pieces)[: self.size]

    def put(self, s3: Any, bucket: str, key: str) -> None:
        """Write one object, in two parts if it is large."""
        data = self.data(key)
        if self.size <= BIG_PART:
            s3.put_object(Bucket=bucket, Key=key, Body=data)
            return
        named = {"Bucket": bucket, "Key": key}
        named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
        parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**named, PartNumber=number, Body=part)["ETag"]}
            for number, part in ((1, data[:BIG_PART]), (2, data[BIG_PART:]))
        ]
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})

    def run(self, s3: Any, bucket: str, done: Callable[[], None]) -> None:
        """Write until the connection breaks; a refusal by the server is a failure of the test."""
        while True:
            key = f"{self.name}/{len(self.begun):05}"
            self.begun.append(key)
            try:
                self.put(s3, bucket, key)
            except BotoCoreError:
                return
            self.acknowledged.append(key)
            done()


def test_kill_9_during_writes_loses_nothing_acknowledged_and_shows_nothing_half(tmp_path: Path) -> None:
    setup, data = _setup_file(tmp_path), tmp_path / "data"
    writers: list[Writer] = []
    for turn, enough in enumerate(((40, 20, 2), (11, 7, 1))):
        server = Server(data, "--setup", str(setup))
        s3 = _admin(server).s3
        if turn == 0:
            s3.create_bucket(Bucket="crash")
        kinds = ((1024, "small"), (100 * 1024, "medium"), (BIG_PART + 70_000, "multipart"))
        running = [Writer(size, f"{name}-{turn}-{n}") for size, name in kinds for n in range(2)]
        _write_until_killed(server, running, [number for number in enough for _ in range(2)])
        writers += running
        assert "Traceback" not in server.errors.read_text()

    server = Server(data)
    try:
        s3 = _admin(server).s3
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="crash")
        listed = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
        for writer in writers:
            assert set(writer.acknowledged) <= set(listed)
        begun = {key: writer for writer in writers for key in writer.begun}
        assert set(listed) <= set(begun)
        for key, size in listed.items():
            answer = s3.get_object(Bucket="crash", Key=key)
            expected = begun[key].data(key)
            assert (size, answer["ContentLength"]) == (len(expected), len(expected))
            assert answer["Body"].read() == expected
        for key in set(begun) - set(listed):
            with pytest.raises(ClientError, match="404"):
                s3.head_object(Bucket="crash", Key=key)
        # And it goes on as if nothing had been.
        for writer in writers:
            writer.put(s3, "crash", writer.begun[-1])
            body = s3.get_object(Bucket="crash", Key=writer.begun[-1])["Body"].read()
            assert body == writer.data(writer.begun[-1])
    finally:
        assert server.stop() == 0


def _write_until_killed(server: Server, writers: list[Writer], enough: list[int]) -> None:
    """Run the writers at once, and kill the server in the middle of it when each has written enough."""
    progress = threading.Condition()

    def done() -> None:
        with progress:
            progress.notify()

    with ThreadPoolExecutor(len(writers)) as pool:
        keys = _admin(server).admin.keys
        clients = [Client.make("s3", server.endpoint, keys) for _ in writers]
        running = [pool.submit(writer.run, s3, "crash", done) for writer, s3 in zip(writers, clients, strict=True)]
        with progress:
            everybody = progress.wait_for(
                lambda: all(len(one.acknowledged) >= least for one, least in zip(writers, enough, strict=True)), 60
            )
        server.kill()
        for one in running:
            one.result(30)
    assert everybody, "the writers were too slow"


def test_an_overwritten_object_is_the_last_acknowledged_or_a_later_one_after_kill_9(tmp_path: Path) -> None:
    setup, data = _setup_file(tmp_path), tmp_path / "data"
    server = Server(data, "--setup", str(setup))
    s3 = _admin(server).s3
    s3.create_bucket(Bucket="crash")
    begun, acknowledged = [0], [0]
    enough = threading.Event()

    def body(number: int) -> bytes:
        return f"{number:08}".encode() * 6000  # 48 kB: a file, not inside the database

    def overwrite() -> None:
        while True:
            begun[0] += 1
            try:
                s3.put_object(Bucket="crash", Key="k", Body=body(begun[0]))
            except BotoCoreError:
                return
            acknowledged[0] = begun[0]
            if begun[0] == 30:
                enough.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(overwrite)
        assert enough.wait(30)
        server.kill()
        running.result(30)
    server = Server(data)
    try:
        found = _admin(server).s3.get_object(Bucket="crash", Key="k")["Body"].read()
        assert found in (body(acknowledged[0]), body(begun[0]))
    finally:
        assert server.stop() == 0


def test_sigterm_lets_an_upload_under_way_finish(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--setup", str(_setup_file(tmp_path)))
    s3 = _admin(server).s3
    s3.create_bucket(Bucket="upload")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "upload", "Key": "k"})
    target = url.removeprefix(server.endpoint)
    body = bytes(range(256)) * 400
    workers = worker_pids(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as upload:
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n"
        upload.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert upload.recv(100).startswith(b"HTTP/1.1 100 ")  # now a worker is in the middle of it
        upload.sendall(body[:50_000])
        server.process.terminate()
        # The worker without an upload ends at once, so the signal has reached them all.
        wait_until_one_ended(workers)
        server.process.terminate()  # impatience changes nothing
        assert server.process.poll() is None
        upload.sendall(body[50_000:])
        answer = b"".join(iter(lambda: upload.recv(4096), b""))  # until the server closes
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert server.stop() == 0

    server = Server(tmp_path / "data")
    try:
        assert _admin(server).s3.get_object(Bucket="upload", Key="k")["Body"].read() == body
    finally:
        assert server.stop() == 0


# Starts


def test_a_second_server_on_the_same_address_says_so_in_one_line(stage: Stage, tmp_path: Path) -> None:
    address = f"127.0.0.1:{stage.server.port}"
    ended = isthmus_command("serve", "--listen", address, "--data", str(tmp_path / "data"))
    assert ended.returncode == 1
    assert (ended.stdout, ended.stderr) == ("", f"isthmus: cannot listen on {address}: Address already in use\n")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--listen", "nowhere"), "isthmus: listen is 'nowhere'; it must be HOST:PORT, like 127.0.0.1:9000\n"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "x"), "isthmus: TLS needs both --tls-cert and --tls-key\n"),
        (
            ("--listen", "127.0.0.1:0", "--setup", "/nowhere.yaml"),
            "isthmus: cannot read /nowhere.yaml: [Errno 2] No such file or directory: '/nowhere.yaml'\n",
        ),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(options: tuple[str, ...], line: str, tmp_path: Path) -> None:
    ended = isthmus_command("serve", "--data", str(tmp_path / "data"), *options)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", line)


def test_the_first_start_leaves_root_credentials_that_only_the_owner_may_read(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    file = tmp_path / "data" / "credentials"
    try:
        assert file.stat().st_mode & 0o777 == 0o600
        profile = configparser.ConfigParser()
        profile.read(file)
        keys = Keys(profile["isthmus"]["aws_access_key_id"], profile["isthmus"]["aws_secret_access_key"])
        root = Client.make("sts", server.endpoint, keys).get_caller_identity()
        assert root["Arn"] == f"arn:aws:iam::{root['Account']}:root"

        terminal = Terminal(tmp_path / "home", server.endpoint)
        terminal.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(file)  # the file as it is: address included
        terminal.must("isthmus", "s3", "mb", "s3://first")
        assert terminal.must("isthmus", "s3", "ls").endswith(" first")
    finally:
        assert server.stop() == 0
    written = file.read_text()
    printed = server.output()
    again = Server(tmp_path / "data")
    assert again.stop() == 0
    assert file.read_text() == written.replace(server.endpoint, again.endpoint)
    assert f"Isthmus answers at {server.endpoint}" in printed
    assert str(file) in printed
    assert keys.secret not in printed + again.output()


# The setup file


def _setup_file(folder: Path, *more: dict[str, Any], **account: Any) -> Path:
    """A setup file with the owner's account and its administrator, who is the same in every one of a folder."""
    secret = hashlib.sha256(str(folder).encode()).digest()
    key = {"id": "AKIA" + base64.b32encode(secret[:10]).decode(), "secret": base64.b64encode(secret).decode()}
    admin = {"name": "admin", "access_keys": [key], "managed_policies": ["AdministratorAccess"]}
    owner = {"id": OWNER, "name": "owner", "email": "owner@example.com", "users": [admin], **account}
    path = folder / "accounts.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({"accounts": [owner, *more]}, sort_keys=False), encoding="utf-8")
    return path


def _admin(server: Server) -> Account:
    """The administrator of `_setup_file`."""
    secret = hashlib.sha256(str(server.data.parent).encode()).digest()
    keys = Keys("AKIA" + base64.b32encode(secret[:10]).decode(), base64.b64encode(secret).decode())
    return Account(OWNER, server.endpoint, Someone("admin", f"arn:aws:iam::{OWNER}:user/admin", keys), keys)


def _everything(account: Account) -> Any:
    """All identities and buckets of an account, as the API tells them."""
    details = account.iam.get_account_authorization_details(
        Filter=["User", "Role", "Group", "LocalManagedPolicy"], MaxItems=1000
    )
    details.pop("ResponseMetadata")
    return details, account.s3.list_buckets()["Buckets"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose setup may be changed."""
    folder = tmp_path_factory.mktemp("own")
    server = Server(folder / "data", "--setup", str(_setup_file(folder)))
    yield server
    assert server.stop() == 0


def test_a_setup_file_takes_effect_on_a_running_server_and_twice_is_as_once(own: Server, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    (reports / "2026").mkdir(parents=True)
    (reports / "2026" / "may.csv").write_bytes(b"a,b\n1,2\n")
    keys = new_keys()
    assert [one.get("/", keys)[0] for one in one_connection_to_each_worker(own)] == [403, 403]
    user = {
        "name": "carol",
        "access_keys": [{"id": keys.id, "secret": keys.secret}],
        "managed_policies": ["AmazonS3ReadOnlyAccess"],
        "inline_policies": {"assume": allow("sts:AssumeRole", "*")},
        "groups": ["analysts"],
        "tags": {"team": "data"},
    }
    file = _setup_file(
        tmp_path,
        users=[user],
        groups=[{"name": "analysts"}],
        roles=[{"name": "reader", "trust": trust(PARTNER), "max_session_duration": 7200}],
        policies=[{"name": "narrow", "document": allow("s3:ListBucket", "*")}],
        buckets=[{"name": "from-setup", "versioning": True, "objects": str(reports)}],
    )
    done = isthmus_command("setup", str(file), "--data", str(own.data))
    assert (done.returncode, done.stderr) == (0, "")
    assert keys.secret not in done.stdout
    path = "/from-setup/2026/may.csv"
    assert [one.get(path, keys) for one in one_connection_to_each_worker(own)] == [(200, b"a,b\n1,2\n")] * 2

    before = _everything(_admin(own))
    again = isthmus_command("setup", str(file), "--data", str(own.data))
    assert again.returncode == 0
    assert again.stdout == "1 accounts set up: 0 identities, buckets and keys made, 0 objects loaded\n"
    assert _everything(_admin(own)) == before
    versions = _admin(own).s3.list_object_versions(Bucket="from-setup")["Versions"]
    assert [version["Key"] for version in versions] == ["2026/may.csv"]


WRONG = [
    ('  - id: "1234"\n', "`id` is '1234'; it must be 12 digits in quotes"),
    ('  - id: "555566667777"\n    user: []\n', "an account has no key 'user'"),
    (
        '  - id: "555566667777"\n    users: [{name: dora}]\n    roles:\n      - name: r\n        trust:\n'
        "          Version: '2012-10-17'\n          Statement:\n"
        "            - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::111122223333:user/nobody'},"
        " Action: 'sts:AssumeRole'}\n",
        "nobody",
    ),
    (
        '  - id: "555566667777"\n    users:\n      - name: dora\n        managed_policies: [NoSuchAccess]\n',
        "NoSuchAccess",
    ),
    ('  - id: "555566667777"\n    buckets: [{name: Wrong_Name}]\n', "Wrong_Name"),
    ('  - id: "555566667777"\n    users: [{name: "dora\n', "not YAML"),
]


@pytest.mark.parametrize(("wrong", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_a_wrong_setup_file_names_the_line_and_changes_nothing(
    wrong: str, problem: str, own: Server, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.yaml"
    # The first account is right and would be changed, if anything were done before all is checked.
    right = f'accounts:\n  - id: "{OWNER}"\n    users: [{{name: never-made}}]\n    buckets: [{{name: never-made}}]\n'
    file.write_text(right + wrong, encoding="utf-8")
    before = _everything(_admin(own))
    ended = isthmus_command("setup", str(file), "--data", str(own.data))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"isthmus: {file}: line ")
    assert int(ended.stderr.removeprefix(f"isthmus: {file}: line ").split(":")[0]) >= 5
    assert problem in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert _everything(_admin(own)) == before
