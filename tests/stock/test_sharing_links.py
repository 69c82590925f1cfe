"""`isthmus link` and `unlink` as a user runs them: proved with the stock AWS CLI, undone without a trace.

The commands run in this process, so that single calls can be counted and made to fail; what they talk to is a real
server.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from stage import PARTNER, Account, Stage, Terminal, contents, unique
from typer.testing import CliRunner

from isthmus.access.profiles import Side
from isthmus.cli import link_commands
from isthmus.cli.commands import app

Calls = list[str]


@dataclass
class Watch:
    """Every call the commands make, by profile and operation; `fail` is asked before each is sent."""

    calls: Calls = field(default_factory=list)
    fail: Callable[[int, str], str | None] = lambda _number, _call: None

    def side(self, profile: str) -> Side:
        watch = self

        class Watched(Side):
            def client(self, service: str, region: str | None = None) -> Any:
                known = (service, region) in self._clients
                client = super().client(service, region)
                if not known:
                    client.meta.events.register("before-send", self._note)
                return client

            def _note(self, request: Any, event_name: str, **_more: Any) -> Any:
                _, service, operation = event_name.split(".")
                call = f"{self.profile} {service} {operation}"
                watch.calls.append(call)
                code = watch.fail(len(watch.calls), call)
                if code is None:
                    return None
                status = 500 if code == "ServiceFailure" else 403
                text = (
                    f"<ErrorResponse><Error><Code>{code}</Code><Message>made to fail</Message></Error></ErrorResponse>"
                )
                if service == "s3":
                    text = f"<Error><Code>{code}</Code><Message>made to fail</Message></Error>"
                response = AWSResponse(request.url, status, {}, None)
                response._content = text.encode()
                return response

        return Watched(profile)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> Iterator[Watch]:
    """The commands in the terminal's home directory, with an administrator's profile of each account."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    made = Watch()
    monkeypatch.setattr(link_commands, "Side", made.side)
    monkeypatch.setattr("isthmus.access.steps._FIRST_WAIT", 0.0)
    yield made


def isthmus(*arguments: str, status: int = 0) -> str:
    """Run a command; all it printed."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, result.output
    return result.output


def told_links(*sides: str) -> Any:
    """What `links` tells, whatever the state of those that other tests left."""
    result = CliRunner().invoke(app, ["links", *sides, "--output", "json"])
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.output)


def everything(account: Account, *buckets: str) -> Any:
    """All identities of an account, and all configuration of buckets, as the API tells them."""
    details = account.iam.get_account_authorization_details()
    state: dict[str, Any] = {name: details[name] for name in details if name.endswith(("List", "Policies"))}
    for role in state["RoleDetailList"]:
        role.pop("RoleLastUsed", None)  # written a while after the request, also of other tests' roles
    for bucket in buckets:
        for question in ("acl", "encryption", "ownership_controls", "versioning"):
            answer = getattr(account.s3, f"get_bucket_{question}")(Bucket=bucket)
            answer.pop("ResponseMetadata")
            state[f"{bucket} {question}"] = answer
        state[f"{bucket} block"] = account.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return state


@dataclass(frozen=True)
class Share:
    """What a test shares, and with whom."""

    bucket: str
    group: str
    user: str
    name: str

    @property
    def link(self) -> list[str]:
        return [
            "link", f"s3://{self.bucket}/2026/", "--owner", "owner", "--with", "partner", "--to",
            f"{PARTNER}:group/{self.group}", "--name", self.name, "--source-profile", "me", "--yes",
        ]  # fmt: skip

    @property
    def unlink(self) -> list[str]:
        return ["unlink", self.name, "--owner", "owner", "--with", "partner", "--yes"]


@pytest.fixture
def share(stage: Stage, terminal: Terminal) -> Share:
    """A bucket with a shared and an unshared part; a group of the other account with a member."""
    bucket = stage.owner.new_bucket({"2026/report": b"shared", "2025/report": b"not shared"})
    group = unique("group")
    member = stage.partner.new_user()
    stage.partner.iam.create_group(GroupName=group)
    stage.partner.iam.add_user_to_group(GroupName=group, UserName=member.name)
    terminal.add_profile("me", member.keys)
    return Share(bucket, group, member.name, unique("link"))


def test_one_command_shares_and_one_takes_back_without_a_trace(
    share: Share, stage: Stage, terminal: Terminal, watch: Watch, tmp_path: Path
) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    config = terminal.home / ".aws" / "config"
    text = config.read_bytes()

    printed = isthmus(*share.link, "--external-id", "auto")
    assert f"role {'isthmus-link-' + share.name}" in printed

    assert "2026/" not in terminal.must(share.name, "s3", "ls", f"s3://{share.bucket}/2026/")
    copy = tmp_path / "copy"
    terminal.must(share.name, "s3", "cp", "--recursive", f"s3://{share.bucket}/2026/", str(copy))
    assert contents(copy) == {"report": b"shared"}
    for refused in (
        ("s3", "ls", f"s3://{share.bucket}/2025/"),
        ("s3", "cp", f"s3://{share.bucket}/2025/report", str(copy / "no")),
        ("s3", "cp", str(copy / "report"), f"s3://{share.bucket}/2026/new"),
        ("s3", "rm", f"s3://{share.bucket}/2026/report"),
    ):
        outcome = terminal.aws(share.name, *refused)
        assert outcome.status != 0
        assert "AccessDenied" in outcome.output or "Forbidden" in outcome.output

    listed = told_links("--owner", "owner", "--with", "partner")
    assert [one["state"] for one in listed if one["name"] == share.name] == ["intact"]
    isthmus(*share.unlink)
    assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before
    assert config.read_bytes() == text
    assert terminal.aws(share.name, "s3", "ls", f"s3://{share.bucket}/2026/").status != 0


def test_a_role_that_wants_mfa_is_not_taken_without(
    share: Share, stage: Stage, terminal: Terminal, watch: Watch
) -> None:
    isthmus(*share.link, "--require-mfa")
    config = (terminal.home / ".aws" / "config").read_text()
    assert f"mfa_serial = arn:aws:iam::{PARTNER}:mfa/{share.user}" in config
    sts = stage.partner.client("sts", stage.partner.admin)
    role = f"arn:aws:iam::{stage.owner.id}:role/isthmus-link-{share.name}"
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="without")
    isthmus(*share.unlink)


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_names_and_paths_have_characters_that_tags_have_not(
    kind: str, stage: Stage, terminal: Terminal, watch: Watch
) -> None:
    bucket, link = stage.owner.new_bucket({"a, b*/c": b"c"}), unique("odd")
    who, path, iam = unique("last,first+=.@"), "/team,a/(b)!/", stage.partner.iam
    if kind == "role":
        trusted = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": PARTNER},
                   "Action": "sts:AssumeRole"}]}  # fmt: skip
        iam.create_role(RoleName=who, Path=path, AssumeRolePolicyDocument=json.dumps(trusted))
    else:
        getattr(iam, f"create_{kind}")(**{f"{kind.capitalize()}Name": who, "Path": path})
    sides = ("--owner", "owner", "--with", "partner")
    command = ["link", f"s3://{bucket}/a, b*/", *sides, "--to", f"{PARTNER}:{kind}/{who}", "--name", link]
    isthmus(*command, "--yes")
    (mine,) = [one for one in told_links(*sides) if one["name"] == link]
    assert (mine["to"], mine["state"]) == (f"{PARTNER}:{kind}{path}{who}", "intact")
    assert mine["resource"] == f"s3://{bucket}/a, b*/"
    isthmus("unlink", link, *sides, "--yes")
    script = terminal.home / "link.sh"
    script.write_text(isthmus(*command, "--as", "awscli"))
    done = subprocess.run(["sh", str(script)], env=terminal.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (again,) = [one for one in told_links(*sides) if one["name"] == link]
    assert again == mine
    isthmus("unlink", link, *sides, "--yes")


@pytest.mark.parametrize("what", ["owner", "partner"])
def test_what_somebody_changed_by_hand_is_seen(what: str, share: Share, stage: Stage, watch: Watch) -> None:
    isthmus(*share.link)
    name = f"isthmus-link-{share.name}"
    if what == "owner":
        document = stage.owner.iam.get_role_policy(RoleName=name, PolicyName=name)["PolicyDocument"]
        document["Statement"][-1]["Resource"] = f"arn:aws:s3:::{share.bucket}/*"
        stage.owner.iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(document))
    else:
        stage.partner.iam.delete_group_policy(GroupName=share.group, PolicyName=name)
    listed = json.loads(isthmus("links", "--owner", "owner", "--with", "partner", "--output", "json", status=1))
    (mine,) = [one for one in listed if one["name"] == share.name]
    assert mine["state"] == ("changed by hand" if what == "owner" else "half gone")
    isthmus(*share.unlink)


@pytest.mark.parametrize("tag", ["isthmus:to", "isthmus:resource", "isthmus:access", "isthmus:digest"])
def test_a_link_whose_tag_somebody_took_away_is_listed_and_taken_back(
    tag: str, share: Share, stage: Stage, watch: Watch
) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    user = [*share.link[: share.link.index("--to")], "--to", f"{PARTNER}:user/{share.user}",
            *share.link[share.link.index("--name") :]]  # fmt: skip
    isthmus(*user)
    stage.owner.iam.untag_role(RoleName=f"isthmus-link-{share.name}", TagKeys=[tag])
    listed = json.loads(isthmus("links", "--owner", "owner", "--with", "partner", "--output", "json", status=1))
    (mine,) = [one for one in listed if one["name"] == share.name]
    assert mine["state"] == "changed by hand"
    assert f"the role has lost its tag {tag}" in mine["problems"]
    assert (mine["to"], mine["resource"]) == (f"{PARTNER}:user/{share.user}", f"s3://{share.bucket}/2026/")
    isthmus(*share.unlink)
    assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--profile", "partner"), "has a profile 'partner' already"),
        (("--source-profile", "nobody"), "there is no AWS profile 'nobody'"),
        (("--external-id", "x"), "is none that anybody could show"),
        (("--external-id", "white space"), "is none that anybody could show"),
        (("--kms", f"arn:aws:kms:us-east-1:{PARTNER}:key/0b1c2d3e-0000-4000-8000-000000000000"), "is of account"),
    ],
    ids=["a foreign profile", "no such profile", "too short", "not of an external id", "another account's key"],
)
def test_what_cannot_be_is_told_before_anything_is_made(
    more: tuple[str, ...], said: str, share: Share, stage: Stage, terminal: Terminal, watch: Watch
) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    config = (terminal.home / ".aws" / "config").read_bytes()
    assert said in isthmus(*share.link, *more, status=1)
    assert not [call for call in watch.calls if " Create" in call or " Put" in call]
    assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before
    assert (terminal.home / ".aws" / "config").read_bytes() == config


# Each call fails once; then it fails for good


def calls_of(share: Share, watch: Watch) -> tuple[int, int]:
    """How many calls `link` and `unlink` make."""
    isthmus(*share.link)
    linking = len(watch.calls)
    isthmus(*share.unlink)
    return linking, len(watch.calls) - linking


def test_a_call_that_fails_once_is_made_again(share: Share, stage: Stage, watch: Watch) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    linking, unlinking = calls_of(share, watch)
    for number in range(1, max(linking, unlinking) + 1):
        for command in (share.link, share.unlink):
            watch.calls.clear()
            watch.fail = lambda at, _call, number=number: "ServiceFailure" if at == number else None
            isthmus(*command)
        assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before


def test_a_call_that_fails_for_good_leaves_nothing_of_a_link(share: Share, stage: Stage, watch: Watch) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    linking, _ = calls_of(share, watch)
    for number in range(1, linking + 1):
        watch.calls.clear()
        watch.fail = lambda at, _call, number=number: "AccessDenied" if at == number else None
        said = isthmus(*share.link, status=1)
        if any(" Create" in call or " Put" in call for call in watch.calls):
            assert "nothing was changed" in said
        assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before


def test_a_call_that_fails_for_good_leaves_the_whole_link(share: Share, stage: Stage, watch: Watch) -> None:
    _, unlinking = calls_of(share, watch)
    isthmus(*share.link)
    whole = everything(stage.owner, share.bucket), everything(stage.partner)
    for number in range(1, unlinking + 1):
        watch.calls.clear()
        watch.fail = lambda at, _call, number=number: "AccessDenied" if at == number else None
        said = isthmus(*share.unlink, status=1)
        if any(" Delete" in call for call in watch.calls):
            assert "nothing was changed" in said
        assert (everything(stage.owner, share.bucket), everything(stage.partner)) == whole
    watch.fail = lambda _at, _call: None
    isthmus(*share.unlink)


def test_somebody_else_s_role_of_that_name_is_left_alone(share: Share, stage: Stage, watch: Watch) -> None:
    trusted = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": stage.owner.id},
               "Action": "sts:AssumeRole"}]}  # fmt: skip
    name = f"isthmus-link-{share.name}"
    stage.owner.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusted))
    assert "EntityAlreadyExists" in isthmus(*share.link, status=1)
    assert stage.owner.iam.get_role(RoleName=name)["Role"]["RoleName"] == name


def test_a_key_is_named_by_its_arn(share: Share, stage: Stage, watch: Watch) -> None:
    before = everything(stage.owner, share.bucket), everything(stage.partner)
    assert "is no ARN of a key" in isthmus(*share.link, "--kms", "alias/reports", status=1)
    assert (everything(stage.owner, share.bucket), everything(stage.partner)) == before
