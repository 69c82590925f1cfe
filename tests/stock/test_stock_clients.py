"""Each stock S3 client works in a bucket of another account, through a role of that account, and is refused the rest.

Every client uploads, downloads, lists, copies and deletes; what differs between them:

| client                      | who assumes the role       | parts of 20 MiB | presigned addresses |
|-----------------------------|----------------------------|-----------------|---------------------|
| AWS CLI                     | its profile (`role_arn`)   | 8 MiB           | yes                 |
| boto3                       | its profile                | 8 MiB           | yes                 |
| s5cmd                       | given the session's keys   | 8 MiB           | yes                 |
| rclone                      | given the session's keys   | 8 MiB           | yes                 |
| minio-py                    | its `AssumeRoleProvider`   | 8 MiB           | yes                 |
| pyarrow (SDK for C++)       | given the session's keys   | 10 MiB          | it has none         |
| obstore (Rust)              | its boto3 provider         | 8 MiB           | yes                 |
| AWS SDK for JavaScript v3   | its STS client             | 8 MiB           | yes                 |
| s3fs (fsspec)               | its profile                | 8 MiB           | yes                 |

Those that are given keys have no setting for the address of STS.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from refusal_table import answer_of, fetch
from s3_client import MIB, PROFILE, Access, S3Client
from s3_commands import AwsCli, JavaScript, Rclone, S3fs, S5cmd
from s3_libraries import Boto3, MinioPy, Obstore, PyArrow
from stage import Someone, Stage, Terminal, policy, statement, trust, unique

CLIENTS: list[type[S3Client]] = [AwsCli, Boto3, S5cmd, Rclone, MinioPy, PyArrow, Obstore, JavaScript, S3fs]
MANY = [f"shared/many/{number:04}" for number in range(1005)]
"""More keys than a page of ListObjectsV2 has."""

pytestmark = pytest.mark.xdist_group("stock-clients")


@dataclass(frozen=True, slots=True)
class Shared:
    """A bucket of the owner, and who of the partner reaches what begins with `shared/` in it through two roles."""

    stage: Stage
    bucket: str
    member: Someone
    writer: str
    reader: str

    def client(self, kind: type[S3Client], role: str, home: Path) -> S3Client:
        """A client with a session of a role."""
        terminal = Terminal(home, self.stage.endpoint)
        terminal.add_profile("member", self.member.keys)
        terminal.add_profile(PROFILE, role_arn=role, source_profile="member", role_session_name="profile")
        sts = self.stage.partner.client("sts", self.member)
        session = self.stage.owner.session_of(role, sts)
        return kind(Access(self.bucket, role, self.member.keys, session.keys, terminal))

    def head(self, key: str) -> Any:
        """What the owner sees of an object. Raises ClientError."""
        return self.stage.owner.s3.head_object(Bucket=self.bucket, Key=key)

    def body(self, key: str) -> bytes:
        """What the owner reads."""
        return bytes(self.stage.owner.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def put(self, key: str, body: bytes) -> None:
        """The owner writes."""
        self.stage.owner.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


@pytest.fixture(scope="module")
def shared(stage: Stage) -> Shared:
    """The bucket, with `MANY` keys and one that is not shared."""
    owner, bucket = stage.owner, stage.owner.new_bucket({"private/k": b"private"})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: owner.s3.put_object(Bucket=bucket, Key=key, Body=b"x"), MANY))
    listing = statement(
        "Allow", "s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "shared/*"}}
    )
    objects = f"arn:aws:s3:::{bucket}/shared/*"
    reading = statement("Allow", ["s3:GetObject", "s3:GetObjectTagging"], objects)
    writing = statement(
        "Allow", ["s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload"], objects
    )
    trusted = trust(stage.partner.id)
    writer = owner.new_role(trusted, policy(listing, reading, writing))
    reader = owner.new_role(trusted, policy(listing, reading))
    member = stage.partner.new_user(policy(statement("Allow", "sts:AssumeRole", [writer, reader])))
    return Shared(stage, bucket, member, writer, reader)


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> S3Client:
    """Each client, with the role that writes."""
    return shared.client(request.param, shared.writer, tmp_path_factory.mktemp("home"))


@pytest.fixture
def reader(client: S3Client, shared: Shared, tmp_path: Path) -> S3Client:
    """The same client with the role that only reads."""
    return shared.client(type(client), shared.reader, tmp_path / "home")


@pytest.fixture
def key(client: S3Client) -> Callable[[str], str]:
    """Keys of this client alone."""
    folder = unique(f"shared/{client.name}")
    return lambda name: f"{folder}/{name}"


def new_file(folder: Path, size: int) -> Path:
    """A file of random bytes."""
    path = folder / "source"
    path.write_bytes(random.Random(size).randbytes(size))
    return path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_small_file_goes_up_and_comes_down_the_same(
    client: S3Client, shared: Shared, key: Any, tmp_path: Path
) -> None:
    source, target = new_file(tmp_path, 1000), tmp_path / "target"
    client.put(key("a +ü.bin"), source)
    assert digest(shared.body(key("a +ü.bin"))) == digest(source.read_bytes())
    client.get(key("a +ü.bin"), target)
    assert digest(target.read_bytes()) == digest(source.read_bytes())


def test_a_large_file_goes_up_in_parts_and_comes_down_the_same(
    client: S3Client, shared: Shared, key: Any, tmp_path: Path
) -> None:
    source, target = new_file(tmp_path, 20 * MIB), tmp_path / "target"
    client.put(key("large"), source)
    head = shared.head(key("large"))
    assert head["ContentLength"] == 20 * MIB
    assert head["ETag"].strip('"').partition("-")[2] == str(client.parts)
    client.get(key("large"), target)
    assert digest(target.read_bytes()) == digest(source.read_bytes())
    uploads = shared.stage.owner.s3.list_multipart_uploads(Bucket=shared.bucket, Prefix=key(""))
    assert uploads.get("Uploads", []) == []


def test_more_than_a_page_is_listed(client: S3Client) -> None:
    assert sorted(client.list("shared/many/")) == MANY


def test_a_copy_is_another_object_of_the_same_bytes(client: S3Client, shared: Shared, key: Any) -> None:
    shared.put(key("source"), b"data")
    client.copy(key("source"), key("target"))
    shared.put(key("source"), b"changed")
    assert shared.body(key("target")) == b"data"


def test_what_is_deleted_is_gone_and_nothing_else(client: S3Client, shared: Shared, key: Any) -> None:
    shared.put(key("gone"), b"data")
    shared.put(key("stays"), b"data")
    client.delete(key("gone"))
    with pytest.raises(ClientError, match="404"):
        shared.head(key("gone"))
    assert shared.body(key("stays")) == b"data"


def test_a_presigned_address_gives_the_object_to_anybody_and_only_that_object(
    client: S3Client, shared: Shared, key: Any
) -> None:
    if not client.presigns:
        pytest.skip(f"{client.name} does not presign")
    shared.put(key("one"), b"one")
    shared.put(key("two"), b"two")
    address = client.presign(key("one"))
    assert fetch(address) == b"one"
    answer = answer_of(lambda: fetch(address.replace(key("one"), key("two"))))
    assert answer is not None
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)


def test_a_presigned_address_of_what_the_role_may_not_read_is_refused(client: S3Client) -> None:
    if not client.presigns:
        pytest.skip(f"{client.name} does not presign")
    address = client.presign("private/k")
    answer = answer_of(lambda: fetch(address))
    assert answer is not None
    assert (answer.code, answer.status) == ("AccessDenied", 403)


def test_writing_outside_the_prefix_is_refused_in_the_clients_own_words(
    client: S3Client, shared: Shared, tmp_path: Path
) -> None:
    with pytest.raises(client.error, match=client.denied):
        client.put("private/k", new_file(tmp_path, 10))
    assert shared.body("private/k") == b"private"


def test_the_role_that_reads_does_not_write(reader: S3Client, shared: Shared, key: Any, tmp_path: Path) -> None:
    shared.put(key("k"), b"data")
    target = tmp_path / "target"
    reader.get(key("k"), target)
    assert target.read_bytes() == b"data"
    with pytest.raises(reader.error, match=reader.denied):
        reader.put(key("k"), new_file(tmp_path, 10))
    assert shared.body(key("k")) == b"data"
