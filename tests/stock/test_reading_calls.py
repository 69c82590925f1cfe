"""Which calls `isthmus explain` and `doctor` make: those of the table of their page, and none that changes anything."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import OWNER, PARTNER, Stage, Terminal, keys_on, policy, statement, trust
from typer.testing import CliRunner

from isthmus.access.operation_actions import permission_of
from isthmus.access.profiles import Side
from isthmus.cli.commands import app

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
ACCOUNTS = {"owner": "owner", "partner": "caller", "management": "management"}
Call = tuple[str, str]
"""Whose account, and what: `("owner", "iam:GetRole")`."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server of this module's own: its accounts are in an organization."""
    made = Stage(tmp_path_factory.mktemp("reading"))
    management = made.stranger.client("organizations", made.stranger.admin)
    management.create_organization(FeatureSet="ALL")
    for account in (made.owner, made.partner):
        target = {"Id": account.id, "Type": "ACCOUNT"}
        invited = management.invite_account_to_organization(Target=target)["Handshake"]
        account.client("organizations", account.admin).accept_handshake(HandshakeId=invited["Id"])
    yield made
    assert made.server.stop() == 0


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> set[Call]:
    """The calls that are made from now on."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    terminal.add_profile("management", stage.stranger.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    made: set[Call] = set()
    real = Side.client

    def client(side: Side, service: str, region: str | None = None) -> Any:
        found = real(side, service, region)
        note = lambda operation_name, **_: made.add((ACCOUNTS[side.profile], f"{service}:{operation_name}"))  # noqa: E731
        found.meta.events.register("before-sign", note, unique_id="note")
        return found

    monkeypatch.setattr(Side, "client", client)
    return made


def run(*arguments: str, status: tuple[int, ...] = (0,)) -> None:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code in status, result.output


ROW = re.compile(r"^\| `([a-z0-9]+:\w+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)


def told(command: str) -> set[Call]:
    """The table's calls of a command."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert rows
    found = set()
    for call, _, commands, account in rows:
        if commands == "both" or f"`{command}`" in commands:
            found |= {(one, call) for one in (("owner", "caller") if account == "both" else (account,))}
    return found


def shared(stage: Stage) -> tuple[str, str, str, str]:
    """A bucket whose objects are under a key, a role, the key, and a user of the other account."""
    bucket = stage.owner.new_bucket({"a": b"a"}, ObjectOwnership="ObjectWriter")
    grant = statement("Allow", "s3:GetObject", keys_on(bucket), Principal={"AWS": PARTNER})
    everybody = statement("Allow", "s3:GetBucketTagging", f"arn:aws:s3:::{bucket}", Principal="*")
    stage.owner.s3.delete_public_access_block(Bucket=bucket)
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant, everybody)))
    key = str(stage.owner.client("kms", stage.owner.admin).create_key()["KeyMetadata"]["Arn"])
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    stage.owner.s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    )
    return bucket, stage.owner.new_role(trust(PARTNER)), key, stage.partner.new_user().arn


def test_explain_makes_the_calls_of_the_table(calls: set[Call], stage: Stage) -> None:
    bucket, role, key, who = shared(stage)
    both = ("--profile", "partner", "--owner", "owner")
    for action, resource in (
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/a"), ("sts:AssumeRole", role), ("kms:Decrypt", key),
    ):  # fmt: skip
        run("explain", who, action, resource, *both, "--organization", "management")
    run("explain", f"arn:aws:iam::{OWNER}:user/admin", "s3:GetObject", f"arn:aws:s3:::{bucket}/a", *both)
    own = stage.partner.new_bucket()
    grant = statement("Allow", "s3:GetObject", keys_on(own), Principal="*")
    stage.partner.s3.delete_public_access_block(Bucket=own)
    stage.partner.s3.put_bucket_policy(Bucket=own, Policy=json.dumps(policy(grant)))
    run("explain", who, "s3:GetObject", f"arn:aws:s3:::{own}/a", *both)
    run("explain", "0B02452448D8ED4F", *both, status=(2,))
    assert calls == told("explain")


def test_a_service_control_policy_is_shown_with_its_level_and_its_line(calls: set[Call], stage: Stage) -> None:
    management = stage.stranger.client("organizations", stage.stranger.admin)
    forbid = json.dumps(policy(statement("Deny", "sqs:*", "*", Sid="NoQueues")), indent=2)
    made = management.create_policy(Content=forbid, Description="", Name="no-queues", Type="SERVICE_CONTROL_POLICY")[
        "Policy"
    ]["PolicySummary"]
    management.attach_policy(PolicyId=made["Id"], TargetId=PARTNER)
    queue = f"arn:aws:sqs:us-east-1:{PARTNER}:q"
    text = (
        f"User: {stage.partner.admin.arn} is not authorized to perform: sqs:SendMessage on resource: {queue} with an "
    )
    text += "explicit deny in a service control policy"

    def explained(*more: str) -> Any:
        arguments = ["explain", "--profile", "partner", "--output", "json", *more]
        result = CliRunner().invoke(app, arguments, input=text)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    without = explained()
    assert without["outcome"] == "allowed"
    assert any("--organization" in note and "service control policy" in note for note in without["notes"])
    told_ = explained("--organization", "management")
    assert (told_["outcome"], told_["decidedBy"]) == ("denied", "service control policy")
    (scp,) = [layer for layer in told_["layers"]["items"] if layer["type"] == "service control policy"]
    (denies,) = scp["statements"]
    assert (denies["statementId"], denies["sourcePolicyId"], denies["line"]) == ("NoQueues", "no-queues", 4)
    assert denies["excerpt"]["lines"][1]["text"] == '      "Effect": "Deny",'
    assert scp["levels"][-1]["verdict"] == "explicit deny"
    management.detach_policy(PolicyId=made["Id"], TargetId=PARTNER)


def test_doctor_makes_the_calls_of_the_table(calls: set[Call], stage: Stage, terminal: Terminal) -> None:
    shared(stage)
    role = stage.owner.new_role(trust(PARTNER, Bool={"aws:MultiFactorAuthPresent": "true"}))
    terminal.add_profile("shared", None, role_arn=role, source_profile="partner")
    only = ("--profile", "owner", "--profile", "shared")
    run("doctor", "--owner", "owner", "--with", "partner", *only, status=(0, 1))
    assert calls == told("doctor")


def test_every_call_of_the_table_reads(stage: Stage) -> None:
    names = {call.partition(":")[2] for _, call in told("explain") | told("doctor")}
    assert {name for name in names if not re.match(r"Get|List|Describe|Decode", name)} == set()


def test_the_permissions_of_the_table_are_those_that_are_asked_for(stage: Stage) -> None:
    rows = re.findall(r"^\| `([a-z0-9]+):(\w+)` \| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows
    for service, operation, permission in rows:
        wanted = "s3:GetAccountPublicAccessBlock" if service == "s3control" else permission_of(service, operation)
        assert permission == wanted


def test_what_may_not_be_read_of_the_organization_is_told_and_the_rest_explained(
    calls: set[Call], stage: Stage
) -> None:
    who = stage.partner.admin.arn
    arguments = ["explain", who, "s3:ListAllMyBuckets", "*", "--profile", "partner", "--organization", "owner"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "allowed" in result.output
    assert "organizations:" in result.output
