"""Which calls of AWS's API the sharing commands make, and with which permissions: exactly what the docs' table says."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from proofs import isthmus, profiles  # noqa: F401 - the commands' profiles, in every test
from stage import OWNER, PARTNER, Stage, Terminal, allow, policy, statement, trust, unique

from isthmus.access.profiles import HeldSide, Side
from isthmus.operation import OPERATIONS
from isthmus.server import pipeline  # noqa: F401 - importing the services fills the table of operations

PAGE = Path(__file__).parents[2] / "docs" / "sharing-calls.md"
COMMANDS = ("link", "links", "unlink", "can", "prove")
SIDES = ("--owner", "owner", "--with", "partner")
NAMES = {
    "owner": "owner", "partner": "other", "caller": "caller", "mfa-caller": "caller", "stranger": "stranger",
    "management": "organization", "role-caller": "caller",
}  # fmt: skip
Call = tuple[str, str]
"""Who calls, and what: `("owner", "iam:CreateRole")`."""


@dataclass
class Recorder:
    """Every call of the commands, by who makes it."""

    calls: set[Call] = field(default_factory=set)
    interrupt: Call | None = None
    """The call that is interrupted, Ctrl-C, when its answer has come."""
    _keys: dict[str, str] = field(default_factory=dict)

    def watch(self, side: Side, client: Any) -> None:
        client.meta.events.register("before-sign", lambda **more: self._called(side, more["operation_name"], client))
        client.meta.events.register(
            "after-call", lambda **more: self._answered(side, more["model"], more["parsed"], client)
        )

    def _called(self, side: Side, operation: str, client: Any) -> None:
        key = client._request_signer._credentials.access_key
        who = self._keys.get(key) or NAMES["" if isinstance(side, HeldSide) else side.profile]
        self.calls.add((who, f"{client.meta.service_model.service_name}:{operation}"))

    def _answered(self, side: Side, model: Any, parsed: Any, client: Any) -> None:
        made = {"AssumeRole": "role", "GetSessionToken": "caller", "CreateAccessKey": "stranger"}
        if model.name in made:
            found = parsed.get("Credentials") or parsed.get("AccessKey")
            if found:
                self._keys[found["AccessKeyId"]] = made[model.name]
        if (NAMES.get(side.profile), f"{client.meta.service_model.service_name}:{model.name}") == self.interrupt:
            self.interrupt = None
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server of this module's own: its accounts are in an organization."""
    made = Stage(tmp_path_factory.mktemp("calls"))
    management = made.owner.client("organizations", made.owner.admin)
    member = made.partner.client("organizations", made.partner.admin)
    management.create_organization(FeatureSet="ALL")
    invited = management.invite_account_to_organization(Target={"Id": PARTNER, "Type": "ACCOUNT"})["Handshake"]
    member.accept_handshake(HandshakeId=invited["Id"])
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    real = Side.client

    def client(self: Side, service: str, region: str | None = None) -> Any:
        known = (service, region) in self._clients
        found = real(self, service, region)
        if not known:
            made.watch(self, found)
        return found

    monkeypatch.setattr(Side, "client", client)
    return made


@dataclass
class Scene:
    """One sharing with everything in it: how the commands are called for it."""

    stage: Stage
    terminal: Terminal
    bucket: str
    user: str
    group: str
    role: str
    key: str
    mfa_user: str = "mfa-calls"

    def link(self, name: str, kind: str, *options: str) -> list[str]:
        to = {
            "user": f"{PARTNER}:user/{self.user}", "mfa": f"{PARTNER}:user/{self.mfa_user}",
            "group": f"{PARTNER}:group/{self.group}", "role": f"{PARTNER}:role/{self.role}", "account": PARTNER,
        }[kind]  # fmt: skip
        source = {"mfa": "mfa-caller", "role": "role-caller"}.get(kind, "caller")
        return [
            "link", f"s3://{self.bucket}/in/", *SIDES, "--to", to, "--name", name, "--source-profile", source, "--kms",
            "auto", "--access", "read-write", "--external-id", "auto", "--yes", *options,
        ]  # fmt: skip

    def prove_options(self, kind: str) -> list[str]:
        """A proof of a link as such, or of what its side needs alone."""
        return {
            "user": ["--probe-as", "stranger", "--organization", "management"], "mfa": ["--make-user"],
        }.get(kind, [])  # fmt: skip

    @contextlib.contextmanager
    def allowed_by(self, name: str, kind: str) -> Iterator[None]:
        """A link for an account is for whom its administrator gives the policy."""
        if kind != "account":
            yield
            return
        iam, arn = self.stage.partner.iam, f"arn:aws:iam::{PARTNER}:policy/isthmus-link-{name}"
        iam.attach_user_policy(UserName=self.user, PolicyArn=arn)
        yield
        iam.detach_user_policy(UserName=self.user, PolicyArn=arn)

    def as_file(self, name: str) -> str:
        """The role of a link as one that no link made, in an access file: nothing is known of it but what that says."""
        entry = {
            "share": f"s3://{self.bucket}/in/", "owner": "owner", "with": "partner", "as": "mfa-caller", "kms": "auto",
            "to": f"{PARTNER}:user/{self.mfa_user}", "access": "read-write", "role": f"isthmus-link-{name}",
            "require_mfa": True,
        }  # fmt: skip
        file = self.terminal.home / "roles.access.yaml"
        file.write_text(yaml.safe_dump({"links": [entry]}))
        return str(file)


@pytest.fixture
def scene(stage: Stage, terminal: Terminal) -> Scene:
    """A bucket with a key of KMS and versions; a user, a group and a role of the other account."""
    kms, s3 = stage.owner.client("kms", stage.owner.admin), stage.owner.s3
    key = kms.create_key()["KeyMetadata"]["Arn"]
    bucket, _ = stage.owner.new_bucket(), stage.owner.new_bucket()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps(
            policy(
                statement("Deny", "s3:GetObject", f"arn:aws:s3:::{bucket}/secret", Principal={"AWS": STRANGE}),
                statement("Allow", "s3:GetBucketTagging", f"arn:aws:s3:::{bucket}", Principal="*"),
            )
        ),
    )
    user, group = stage.partner.new_user(), unique("group")
    stage.partner.iam.create_group(GroupName=group)
    stage.partner.iam.add_user_to_group(GroupName=group, UserName=user.name)
    role = stage.partner.new_role(trust(PARTNER))
    terminal.add_profile("role-caller", role_arn=role, source_profile="partner")
    other = stage.partner.new_user()
    terminal.add_profile("caller", user.keys)
    terminal.add_profile("mfa-caller", stage.mfa_users["mfa-calls"].keys)
    terminal.add_profile("stranger", other.keys)
    terminal.add_profile("management", stage.owner.admin.keys)
    return Scene(stage, terminal, bucket, user.name, group, role.rpartition("/")[2], key)


STRANGE = f"arn:aws:iam::{OWNER}:user/admin"


def run_all(scene: Scene, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Call]]:
    """Every command in every way it goes; the calls of each."""
    made: dict[str, set[Call]] = {command: set() for command in COMMANDS}

    def run(*arguments: str, status: int = 0) -> None:
        recorder.calls.clear()
        isthmus(*arguments, status=status)
        made[arguments[0]] |= recorder.calls

    last = {
        "user": "iam:PutUserPolicy", "mfa": "iam:PutUserPolicy", "group": "iam:PutGroupPolicy",
        "role": "iam:PutRolePolicy", "account": "iam:CreatePolicy",
    }  # fmt: skip
    for kind, call in last.items():
        name = unique(f"calls-{kind}")
        options = ("--require-mfa",) if kind == "mfa" else ()
        recorder.interrupt = ("other", call)
        run(*scene.link(name, kind, *options), status=130)
        run(*scene.link(name, kind, *options))
        run("links", *SIDES)
        if kind == "mfa":
            monkeypatch.setenv("ISTHMUS_MFA_CODE", scene.stage.codes["mfa-calls"].next())
        with scene.allowed_by(name, kind):
            run("prove", name, *SIDES, *scene.prove_options(kind))
        if kind == "mfa":
            monkeypatch.setenv("ISTHMUS_MFA_CODE", scene.stage.codes["mfa-calls"].next())
            run("prove", scene.as_file(name), status=1)
        run("unlink", name, *SIDES, "--yes")
    caller = f"arn:aws:iam::{PARTNER}:user/{scene.user}"
    accounts = ("--profile", "partner", "--owner", "owner", "--organization", "management")
    for action, resource in (("s3:GetObject", f"arn:aws:s3:::{scene.bucket}/in/x"), ("kms:Decrypt", scene.key)):
        run("can", caller, action, resource, *accounts, status=1)
    return made


@dataclass(frozen=True)
class Documented:
    """A row of the docs' table. callers: of each command."""

    call: str
    permissions: tuple[str, ...]
    callers: dict[str, frozenset[str]]


def documented() -> list[Documented]:
    """The table of calls."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 + len(COMMANDS) or not cells[0].startswith("`"):
            continue
        who = {
            command: frozenset(filter(None, cell.replace("¹", "").split(", ")))
            for command, cell in zip(COMMANDS, cells[2:-1], strict=True)
        }
        rows.append(Documented(cells[0].strip("`"), tuple(re.findall("`([^`]+)`", cells[1])), who))
    return rows


@pytest.mark.timeout(400)  # some forty commands, one after the other
def test_the_table_has_exactly_the_calls_that_are_made(
    scene: Scene, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run_all(scene, recorder, monkeypatch)
    for command in COMMANDS:
        told = {(who, row.call) for row in documented() for who in row.callers[command]}
        assert sorted(made[command] - told) == [], f"{command} makes calls that the table has not"
        assert sorted(told - made[command]) == [], f"the table has calls that {command} does not make"


def test_each_permission_is_one_that_its_call_asks_for() -> None:
    for row in documented():
        service, _, name = row.call.partition(":")
        asked = {permission.action for permission in OPERATIONS[service, name].permissions}
        also = {"kms:GenerateDataKey"} if row.call == "s3:PutObject" else set()
        also |= {"sts:AssumeRole"} if row.call == "sts:AssumeRole" else set()
        assert set(row.permissions) <= asked | also, row.call


def permissions(command: str, who: str) -> list[str]:
    """What the table says that somebody needs for a command, taking back too."""
    return sorted({one for row in documented() if who in row.callers[command] for one in row.permissions})


@pytest.mark.parametrize("kind", ["user", "group", "role", "account"])
def test_these_permissions_are_enough(kind: str, scene: Scene, terminal: Terminal) -> None:
    name = unique(f"least-{kind}")
    for command in COMMANDS:
        for side, account in (("owner", scene.stage.owner), ("other", scene.stage.partner)):
            who = account.new_user(allow(permissions(command, side), "*"))
            terminal.add_profile(f"{command}-{side}", who.keys)

    def run(command: str, *arguments: str, status: int = 0) -> None:
        sides = {"owner": f"{command}-owner", "partner": f"{command}-other"}
        isthmus(command, *(sides.get(one, one) for one in arguments), status=status)

    run(*scene.link(name, kind))
    run("links", *SIDES)
    caller = f"arn:aws:iam::{PARTNER}:user/{scene.user}"
    for action, resource in (("s3:GetObject", f"arn:aws:s3:::{scene.bucket}/in/x"), ("kms:Decrypt", scene.key)):
        run("can", caller, action, resource, "--profile", "partner", "--owner", "owner", status=1)
    with scene.allowed_by(name, kind):
        run("prove", name, *SIDES, "--make-user")
    run("unlink", name, *SIDES, "--yes")
