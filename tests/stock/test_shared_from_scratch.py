"""On a server that has only its accounts: one command shares, the stock AWS CLI reads, the proof is green, and taking
back leaves both accounts and the bucket exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from proofs import isthmus, outcomes, profiles, proved  # noqa: F401 - the commands' profiles, in every test
from stage import OWNER, PARTNER, Stage, Terminal, allow
from test_sharing_links import everything

SIDES = ("--owner", "owner", "--with", "partner")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server of this module's own."""
    made = Stage(tmp_path_factory.mktemp("fresh"))
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


def bucket_configuration(stage: Stage, bucket: str) -> dict[str, Any]:
    """Everything that can be said of a bucket, and what it holds."""
    questions = (
        "acl", "cors", "encryption", "lifecycle_configuration", "location", "logging", "notification_configuration",
        "ownership_controls", "policy", "policy_status", "replication", "request_payment", "tagging", "versioning",
        "website",
    )  # fmt: skip
    answers: dict[str, Any] = {}
    for question in questions:
        try:
            answer = getattr(stage.owner.s3, f"get_bucket_{question}")(Bucket=bucket)
        except stage.owner.s3.exceptions.ClientError as error:
            answer = error.response["Error"]["Code"]
        else:
            answer.pop("ResponseMetadata")
        answers[question] = answer
    answers["block"] = stage.owner.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    answers["versions"] = stage.owner.s3.list_object_versions(Bucket=bucket).get("Versions", [])
    return answers


def everything_there_is(stage: Stage, bucket: str) -> Any:
    return everything(stage.owner), everything(stage.partner), bucket_configuration(stage, bucket)


@pytest.mark.parametrize("kind", ["user", "group"])
def test_shared_read_proved_and_taken_back_without_a_trace(
    kind: str, stage: Stage, terminal: Terminal, tmp_path: Path
) -> None:
    bucket = stage.owner.new_bucket({"2026/report": b"shared", "2025/report": b"not shared"})
    spare = stage.owner.new_bucket()
    alice, bob = stage.partner.new_user(), stage.partner.new_user()
    group = f"analysts-{kind}"
    stage.partner.iam.create_group(GroupName=group)
    stage.partner.iam.add_user_to_group(GroupName=group, UserName=alice.name)
    for one in (alice, bob):
        terminal.add_profile(one.name, one.keys)
    config = terminal.home / ".aws" / "config"
    before, profiles_before = everything_there_is(stage, bucket), config.read_bytes()

    to = f"{PARTNER}:user/{alice.name}" if kind == "user" else f"{PARTNER}:group/{group}"
    isthmus(
        "link", f"s3://{bucket}/2026/", *SIDES, "--to", to, "--name", f"reports-{kind}",
        "--source-profile", alice.name, "--external-id", "auto", "--yes",
    )  # fmt: skip

    terminal.must(f"reports-{kind}", "s3", "cp", f"s3://{bucket}/2026/report", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"shared"

    rows = proved(f"reports-{kind}", *SIDES, "--make-user", "--probe-as", bob.name, "--strict")
    assert outcomes(rows) == {}
    assert {row["observed"] for check, row in rows.items() if check in ("take", "list", "read")} == {"allowed"}
    shown = isthmus("prove", f"reports-{kind}", *SIDES, "--make-user")
    assert "holds: 15 proved both ways" in shown
    assert "✗" not in shown

    isthmus("unlink", f"reports-{kind}", *SIDES, "--yes")
    assert everything_there_is(stage, bucket) == before
    assert config.read_bytes() == profiles_before
    assert stage.owner.s3.list_object_versions(Bucket=spare).get("Versions", []) == []


def test_a_group_s_link_is_for_its_members(stage: Stage, terminal: Terminal) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    member, other = stage.partner.new_user(), stage.partner.new_user()
    stage.partner.iam.create_group(GroupName="members")
    stage.partner.iam.add_user_to_group(GroupName="members", UserName=member.name)
    for one in (member, other):
        terminal.add_profile(one.name, one.keys)
    to = ("--to", f"{PARTNER}:group/members", "--name", "members", "--source-profile", member.name)
    isthmus("link", f"s3://{bucket}", *SIDES, *to, "--yes")
    rows = proved("members", *SIDES, "--probe-as", other.name)
    assert set(outcomes(rows)) <= {"other-bucket"}
    assert "not a member of the group" in isthmus("prove", "members", *SIDES, "--as", other.name, status=2)

    # Somebody else is given the permission: the prediction finds her, without trying.
    role = f"arn:aws:iam::{OWNER}:role/isthmus-link-members"
    document = json.dumps(allow("sts:AssumeRole", role))
    stage.partner.iam.put_user_policy(UserName=other.name, PolicyName="too", PolicyDocument=document)
    rows = proved("members", *SIDES, status=1)
    assert rows["others"]["outcome"] == "wrong"
    assert rows["others"]["foretoldBecause"] == f"these may too: user/{other.name}"
    isthmus("unlink", "members", *SIDES, "--yes")
