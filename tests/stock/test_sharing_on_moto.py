"""The same commands on another implementation of the AWS API: moto's server.

Nothing in them is special to ours. What moto does not do is told by the proof itself, row by row: it reads neither
conditions nor trust policies when it decides, and decides at all only when it is told to.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proofs import isthmus, outcomes, proved
from s3_commands import S3FS_PYTHON
from stage import OWNER, PARTNER, Client, Keys, Terminal, policy, statement

MOTO = S3FS_PYTHON.parent / "moto_server"
SIDES = ("--owner", "owner", "--with", "partner")
UNDECIDED = "inf"  # requests that moto lets pass before it begins to decide


@dataclass(frozen=True)
class Moto:
    """A running moto with two accounts, an administrator in each, and alice in the other one."""

    endpoint: str
    owner: Keys
    partner: Keys
    alice: Keys

    def client(self, service: str, keys: Keys) -> Any:
        return Client.make(service, self.endpoint, keys)

    def decide(self, from_now: bool) -> None:
        """Whether moto decides by identity policies, or lets everything pass."""
        body = b"0" if from_now else UNDECIDED.encode()
        address, headers = f"{self.endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(address, data=body, headers=headers)).close()

    def everything(self) -> Any:
        """All identities of both accounts, and the bucket's policy and objects."""
        details = [self.client("iam", keys).get_account_authorization_details() for keys in (self.owner, self.partner)]
        for one in details:
            one.pop("ResponseMetadata")
        s3 = self.client("s3", self.owner)
        objects = {
            bucket: [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
            for bucket in ("reports", "spare")
        }
        with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
            s3.get_bucket_policy(Bucket="reports")
        return details, objects


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """moto's server with its accounts. It begins with an account for whoever asks for a role of it."""
    log = tmp_path_factory.mktemp("moto") / "log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with log.open("wb") as errors:
        command = [str(MOTO), "-H", "127.0.0.1", "-p", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        assert process.stderr is not None
        line = ""
        while not (found := re.search(r"Running on (http://127\.0\.0\.1:[0-9]+)", line)):
            line = process.stderr.readline().decode()
            assert line, "moto did not start"
        drained = subprocess.Popen(["cat"], stdin=process.stderr, stdout=errors)
        try:
            yield _with_accounts(found[1])
        finally:
            process.kill()
            process.wait()
            drained.wait()


def _with_accounts(endpoint: str) -> Moto:
    sts = Client.make("sts", endpoint, Keys("begin", "begin"))
    admins = {}
    for account in (OWNER, PARTNER):
        session = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/begin", RoleSessionName="begin")
        iam = Client.make("iam", endpoint, Keys.of(session))
        iam.create_user(UserName="admin")
        document = json.dumps(policy(statement("Allow", "*", "*")))
        iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=document)
        admins[account] = Keys.of(iam.create_access_key(UserName="admin"))
    made = Moto(endpoint, admins[OWNER], admins[PARTNER], admins[PARTNER])
    iam, s3 = made.client("iam", made.partner), made.client("s3", made.owner)
    iam.create_user(UserName="alice")
    for bucket in ("reports", "spare"):
        s3.create_bucket(Bucket=bucket)
    for key in ("2026/report", "2025/report"):
        s3.put_object(Bucket="reports", Key=key, Body=b"moto")
    return Moto(endpoint, made.owner, made.partner, Keys.of(iam.create_access_key(UserName="alice")))


@pytest.fixture
def terminal(tmp_path: Path, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The commands and the stock AWS CLI in a home directory of their own."""
    made = Terminal(tmp_path / "home", moto.endpoint)
    for name, keys in (("owner", moto.owner), ("partner", moto.partner), ("alice", moto.alice)):
        made.add_profile(name, keys)
    for name in [name for name in os.environ if name.startswith(("AWS_", "ISTHMUS_"))]:
        monkeypatch.delenv(name)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("isthmus.access.prove._PATIENCE", 0.0)
    return made


def link(share: str, name: str, *options: str) -> None:
    to = ("--to", f"{PARTNER}:user/alice", "--name", name, "--source-profile", "alice")
    isthmus("link", share, *SIDES, *to, "--yes", *options)


def test_a_whole_bucket_is_shared_read_proved_and_taken_back(moto: Moto, terminal: Terminal, tmp_path: Path) -> None:
    before, config = moto.everything(), terminal.home / ".aws" / "config"
    profiles = config.read_bytes()
    moto.decide(from_now=True)
    try:
        link("s3://reports", "whole", "--access", "read-write")
        assert "intact" in isthmus("links", *SIDES)
        terminal.must("whole", "s3", "cp", "s3://reports/2026/report", str(tmp_path / "copy"))
        assert (tmp_path / "copy").read_bytes() == b"moto"
        rows = proved("whole", *SIDES, "--make-user", "--strict")
        assert outcomes(rows) == {}
        assert {row["observed"] for row in rows.values()} == {"intact", "allowed", "refused"}
        isthmus("unlink", "whole", *SIDES, "--yes")
    finally:
        moto.decide(from_now=False)
    assert moto.everything() == before
    assert config.read_bytes() == profiles


def test_conditions_and_trust_policies_which_moto_does_not_read_are_told_as_differences(
    moto: Moto, terminal: Terminal
) -> None:
    moto.decide(from_now=True)
    try:
        link("s3://reports/2026/", "part", "--external-id", "auto")
        rows = proved("part", *SIDES, "--make-user", status=1)
        isthmus("unlink", "part", *SIDES, "--yes")
    finally:
        moto.decide(from_now=False)
    differing = ("list-outside", "wrong-external-id", "no-external-id")
    assert outcomes(rows) == dict.fromkeys(differing, "differs")
    assert rows["read-outside"]["observed"] == "refused"


def test_a_service_that_refuses_nothing_is_told_as_such(moto: Moto, terminal: Terminal) -> None:
    before = moto.everything()
    link("s3://reports/2026/", "open")
    rows = proved("open", *SIDES, "--make-user", status=1)
    refusals = {check for check, row in rows.items() if row["expected"] == "refused"}
    assert outcomes(rows) == dict.fromkeys(refusals, "differs")
    assert "it refused nothing" in isthmus("prove", "open", *SIDES, status=1)
    isthmus("unlink", "open", *SIDES, "--yes")
    assert moto.everything() == before


def test_what_was_changed_by_hand_is_seen(moto: Moto, terminal: Terminal) -> None:
    link("s3://reports/2026/", "changed")
    role = "isthmus-link-changed"
    document = json.dumps(policy(statement("Allow", "s3:*", "*")))
    moto.client("iam", moto.owner).put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=document)
    assert "changed by hand" in isthmus("links", *SIDES, status=1)
    rows = proved("changed", *SIDES, "--predict-only", status=1)
    assert {"intact", "write", "delete", "read-outside", "other-bucket"} <= {
        check for check, outcome in outcomes(rows).items() if outcome == "wrong"
    }
    isthmus("unlink", "changed", *SIDES, "--yes")
