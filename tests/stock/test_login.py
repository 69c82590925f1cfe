"""`isthmus login` as credential_process of the stock AWS CLI and boto3, with a person at a terminal."""

from __future__ import annotations

import base64
import json
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from stage import Client, Codes, Keys, Server, Terminal, new_keys, policy
from typist import typed

from isthmus.cli.terminal import Outcome, run

ACCOUNT = "444455556666"
PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
LOGIN = [sys.executable, "-m", "isthmus", "login"]


@dataclass(frozen=True)
class Person:
    """A user with a password, an MFA device and a key; frank has no device."""

    name: str
    password: str
    codes: Codes
    keys: Keys

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:user/{self.name}"

    @property
    def serial(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:mfa/{self.name}"


@dataclass(frozen=True)
class Office:
    """The server, who works there, and keys of an administrator. Whoever has used an MFA code may take the role
    `auditor`."""

    server: Server
    people: dict[str, Person]
    admin: Keys


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    seeds = {name: secrets.token_bytes(20) for name in PEOPLE}
    people = {
        name: Person(name, f"Right-horse-{secrets.token_hex(6)}", Codes(seeds[name]), new_keys()) for name in PEOPLE
    }
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole", "Condition": MFA}
    may = policy(
        {"Effect": "Allow", "Action": ["sts:*", "iam:ChangePassword"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": MFA},
    )
    setup = folder / "accounts.yaml"
    setup.touch(mode=0o600)
    users = [
        {
            "name": one.name,
            "password": one.password,
            "access_keys": [{"id": one.keys.id, "secret": one.keys.secret}],
            **({} if one.name == "frank" else {"mfa_seed": base64.b32encode(seeds[one.name]).decode()}),
            "inline_policies": {"own": may},
        }
        for one in people.values()
    ]
    admin = new_keys()
    users.append({
        "name": "admin",
        "access_keys": [{"id": admin.id, "secret": admin.secret}],
        "managed_policies": ["AdministratorAccess"],
    })  # fmt: skip
    roles = [{"name": "auditor", "trust": policy(trust), "managed_policies": ["IAMReadOnlyAccess"]}]
    account = {"id": ACCOUNT, "name": "analytics", "email": "analytics@example.com", "alias": "analytics"}
    setup.write_text(yaml.safe_dump({"accounts": [account | {"users": users, "roles": roles}]}), encoding="utf-8")
    server = Server(folder / "data", "--setup", str(setup))
    yield Office(server, people, admin)
    assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Terminal:
    """A home directory without any profile."""
    return Terminal(tmp_path / "home", office.server.endpoint)


def configure(desk: Terminal, name: str, *more: str) -> None:
    options = more or ("--account", "analytics", "--user", name, "--endpoint", desk.endpoint)
    done = run([*LOGIN, "--configure", "--profile", name, *options], desk.environment)
    assert done.status == 0, done.output


def asked(office: Office, person: Person) -> list[tuple[str, str]]:
    """What a person types who makes no mistake."""
    place = office.server.endpoint.partition("://")[2]
    first = (f"Password of {person.name} (analytics) at {place}:", person.password)
    return [first, ("MFA code:", person.codes.next())]


def sessions(desk: Terminal) -> list[Path]:
    return sorted((desk.home / ".aws" / "isthmus" / "cache").glob("*.json"))


def caller(desk: Terminal, profile: str) -> Outcome:
    """`aws sts get-caller-identity` without any terminal."""
    command = [desk._aws, "--profile", profile, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    return without_terminal(desk, command)


def without_terminal(desk: Terminal, command: list[str]) -> Outcome:
    done = subprocess.run(
        command, check=False, env=desk.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, start_new_session=True,
    )  # fmt: skip
    return Outcome(done.returncode, (done.stdout + done.stderr).strip())


def boto3_says(desk: Terminal, profile: str, expression: str) -> Outcome:
    """What an expression of the boto3 session `s` gives, in a process without a terminal."""
    text = f"import boto3; s = boto3.Session(profile_name={profile!r}); print({expression})"
    return without_terminal(desk, [sys.executable, "-c", text])


def test_the_aws_cli_asks_once_and_the_session_serves_every_tool_and_role(office: Office, desk: Terminal) -> None:
    alice = office.people["alice"]
    configure(desk, "alice")
    desk.add_profile("audit", role_arn=f"arn:aws:iam::{ACCOUNT}:role/auditor", source_profile="alice")
    command = [desk._aws, "--profile", "alice", "sts", "get-caller-identity", "--output", "json"]
    first = typed(command, desk.environment, asked(office, alice))
    assert first.status == 0 and f'"Arn": "{alice.arn}"' in first.output
    assert alice.password not in first.output, "the password is not shown"
    (file,) = sessions(desk)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert alice.password not in file.read_text() + (desk.home / ".aws" / "config").read_text()
    assert caller(desk, "alice") == Outcome(0, alice.arn)
    assert boto3_says(desk, "alice", "len(s.client('iam').list_users()['Users'])").output == str(len(PEOPLE) + 1)
    role = caller(desk, "audit")
    assert role.status == 0 and role.output.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/"), role.output
    assert "auditor" in boto3_says(desk, "audit", "s.client('sts').get_caller_identity()['Arn']").output
    forgotten = run([sys.executable, "-m", "isthmus", "logout", "--profile", "alice"], desk.environment)
    assert forgotten.output == "1 session forgotten" and not sessions(desk)
    refused = caller(desk, "alice")
    assert refused.status != 0 and "isthmus login --profile alice" in refused.output, refused.output


def test_without_a_device_there_is_no_code_and_the_role_that_wants_one_is_refused(
    office: Office, desk: Terminal
) -> None:
    frank = office.people["frank"]
    configure(desk, "frank")
    desk.add_profile("audit", role_arn=f"arn:aws:iam::{ACCOUNT}:role/auditor", source_profile="frank")
    done = typed([*LOGIN, "--profile", "frank"], desk.environment, asked(office, frank)[:1])
    assert done.status == 0 and f"signed in as {frank.arn} until" in done.output
    kept = json.loads(sessions(desk)[0].read_text())
    assert kept["secret_key"] not in done.output, "a person at a terminal has no use for the credentials"
    assert caller(desk, "frank").output == frank.arn
    refused = caller(desk, "audit")
    assert refused.status != 0 and "AccessDenied" in refused.output


def test_wrong_passwords_and_codes_are_asked_again_and_three_end_it(office: Office, desk: Terminal) -> None:
    bob = office.people["bob"]
    configure(desk, "bob")
    (prompt, right), (code_prompt, code) = asked(office, bob)
    wrong = [(prompt, "wrong-horse-1")] * 3
    refused = typed([*LOGIN, "--profile", "bob"], desk.environment, wrong)
    assert refused.status == 1 and refused.output.count("authentication information is incorrect") == 3
    assert not sessions(desk)
    mistaken = [(prompt, "wrong-horse-2"), (prompt, right), (code_prompt, bob.codes.wrong()), (code_prompt, "12345"),
                (code_prompt, f"{code[:3]} {code[3:]}")]  # fmt: skip
    done = typed([*LOGIN, "--profile", "bob"], desk.environment, mistaken)
    assert done.status == 0 and "The MFA code is wrong" in done.output and "has six digits" in done.output
    assert len(sessions(desk)) == 1
    assert right not in done.output


def test_a_session_is_renewed_before_its_end_and_used_until_then_where_nobody_can_be_asked(
    office: Office, desk: Terminal
) -> None:
    carol = office.people["carol"]
    configure(desk, "carol")
    assert typed([*LOGIN, "--profile", "carol"], desk.environment, asked(office, carol)).status == 0
    (file,) = sessions(desk)
    kept = json.loads(file.read_text())
    assert 11.9 * 3600 < kept["expires"] - time.time() < 12.1 * 3600
    file.write_text(json.dumps(kept | {"expires": time.time() + 600}))
    assert caller(desk, "carol").output == carol.arn
    renewed = typed([*LOGIN, "--profile", "carol"], desk.environment, asked(office, carol))
    assert renewed.status == 0 and json.loads(file.read_text())["access_key"] != kept["access_key"]
    for spoiled in (json.dumps(kept | {"expires": time.time() - 1}), "no JSON", "{}", "[]"):
        file.write_text(spoiled)
        refused = caller(desk, "carol")
        assert refused.status != 0 and "isthmus login --profile carol" in refused.output


def test_of_many_programs_at_once_one_asks_and_all_go_on(office: Office, desk: Terminal) -> None:
    dave = office.people["dave"]
    configure(desk, "dave")
    one = shlex.join([*LOGIN, "--profile", "dave"])
    script = "".join(f"{one} > {desk.home}/out-{number} & " for number in range(4)) + "wait"
    done = typed(["sh", "-c", script], desk.environment, asked(office, dave))
    assert done.status == 0 and done.output.count("Password of") == 1
    told = {(desk.home / f"out-{number}").read_text() for number in range(4)}
    assert len(told) == 1
    output = json.loads(told.pop())
    assert set(output) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert output["Version"] == 1


def test_long_lived_keys_with_a_device_are_asked_for_a_code_once(office: Office, desk: Terminal) -> None:
    erin = office.people["erin"]
    desk.add_profile("keys", erin.keys)
    more = ("--source-profile", "keys", "--mfa-serial", erin.serial, "--endpoint", desk.endpoint)
    configure(desk, "erin", *more)
    prompt = f"MFA code for {erin.serial}:"
    command = [desk._aws, "--profile", "erin", "sts", "get-caller-identity", "--output", "json"]
    done = typed(command, desk.environment, [(prompt, erin.codes.wrong()), (prompt, erin.codes.next())])
    assert done.status == 0 and erin.arn in done.output and "MultiFactorAuthentication failed" in done.output
    assert caller(desk, "erin").output == erin.arn
    # The AWS CLI keeps sessions of a role whoever took it: the refusal comes first.
    desk.add_profile("plain", role_arn=f"arn:aws:iam::{ACCOUNT}:role/auditor", source_profile="keys")
    assert "AccessDenied" in caller(desk, "plain").output
    desk.add_profile("audit", role_arn=f"arn:aws:iam::{ACCOUNT}:role/auditor", source_profile="erin")
    assert "assumed-role/auditor/" in caller(desk, "audit").output


def test_without_any_profile_everything_may_stand_in_the_command(office: Office, desk: Terminal) -> None:
    grace = office.people["grace"]
    command = [*LOGIN, "--account", ACCOUNT, "--user", "grace", "--endpoint", desk.endpoint]
    place = office.server.endpoint.partition("://")[2]
    steps = [(f"Password of grace ({ACCOUNT}) at {place}:", grace.password), ("MFA code:", grace.codes.next())]
    assert typed(command, desk.environment, steps).status == 0
    assert json.loads(run(command, desk.environment).output)["Version"] == 1


def test_the_profile_that_is_written_is_the_one_in_the_documentation(desk: Terminal) -> None:
    page = (Path(__file__).parents[2] / "docs" / "login.md").read_text(encoding="utf-8")
    told = page.split("```ini\n")[1].split("```")[0]
    configure(desk, "alice")
    configure(desk, "alice")
    written = desk._files.joinpath("config").read_text()
    assert written == told.replace("http://127.0.0.1:9000", desk.endpoint)


def test_what_a_profile_lacks_is_said(office: Office, desk: Terminal) -> None:
    for settings, words in (
        ({}, "does not say whom to sign in"),
        ({"isthmus_account": "analytics"}, "does not say whom to sign in"),
        ({"isthmus_source_profile": "keys"}, "needs mfa_serial"),
        ({"isthmus_source_profile": "p2", "mfa_serial": "x"}, "is itself"),
        ({"isthmus_account": "a", "isthmus_user": "b", "duration_seconds": "long"}, "not a number of seconds"),
    ):
        desk._files.joinpath("config").unlink(missing_ok=True)
        desk.add_profile("p2", **settings)
        done = run([*LOGIN, "--profile", "p2"], desk.environment)
        assert done.status == 1 and words in done.output, (settings, done.output)
    missing = run([*LOGIN, "--profile", "nobody"], desk.environment)
    assert missing.status == 1 and "--configure --profile nobody" in missing.output
    theirs = run([*LOGIN, "--configure", "--profile", "p2", "--email", "x@example.com", "--endpoint", desk.endpoint],
                 desk.environment)  # fmt: skip
    assert theirs.status == 1 and "has a profile 'p2' already" in theirs.output
    for name in ("a b", "x]\n[profile admin", ""):
        done = run([*LOGIN, "--configure", "--profile", name, "--email", "x@example.com", "--endpoint", desk.endpoint],
                   desk.environment)  # fmt: skip
        assert done.status == 1, name


def test_a_password_that_must_be_changed_is_changed_on_the_way(office: Office, desk: Terminal) -> None:
    iam = Client.make("iam", desk.endpoint, office.admin)
    first, second = (f"Another-horse-{secrets.token_hex(6)}" for _ in range(2))
    iam.create_user(UserName="newcomer")
    may = policy({"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": "*"})
    iam.put_user_policy(UserName="newcomer", PolicyName="own", PolicyDocument=json.dumps(may))
    iam.create_login_profile(UserName="newcomer", Password=first, PasswordResetRequired=True)
    place = desk.endpoint.partition("://")[2]
    configure(desk, "newcomer")
    start = (f"Password of newcomer (analytics) at {place}:", first)
    mistaken = [("Old password:", first), ("New password:", second), ("New password again:", second + "x")]
    right = [("New password:", second), ("New password again:", second)]
    done = typed([*LOGIN, "--profile", "newcomer"], desk.environment, [start, *mistaken, *right])
    assert done.status == 0 and "two different passwords" in done.output
    assert first not in done.output and second not in done.output
    assert caller(desk, "newcomer").output == f"arn:aws:iam::{ACCOUNT}:user/newcomer"
    run([sys.executable, "-m", "isthmus", "logout"], desk.environment)
    assert typed([*LOGIN, "--profile", "newcomer"], desk.environment, [(start[0], second)]).status == 0


def test_a_password_that_would_travel_readable_is_asked_for_with_a_warning(desk: Terminal) -> None:
    for host, warned in (("isthmus.invalid", True), ("127.0.0.2", False), ("s3.localhost", False)):
        command = [*LOGIN, "--account", ACCOUNT, "--user", "alice", "--endpoint", f"http://{host}:1"]
        done = typed(command, desk.environment, [(f"at {host}:1:", "some-password")])
        assert done.status == 1 and "cannot be reached" in done.output
        assert ("travels readable" in done.output) is warned, host


def test_who_goes_away_at_the_prompt_leaves_nothing(office: Office, desk: Terminal) -> None:
    configure(desk, "heidi")
    prompt, _ = asked(office, office.people["heidi"])[0]
    for key in ("\x04", "\x03"):
        done = typed([*LOGIN, "--profile", "heidi"], desk.environment, [(prompt, key)])
        assert done.status == 130 and not sessions(desk)


def test_a_server_that_is_not_there_or_has_no_sign_in_is_named(desk: Terminal) -> None:
    command = [*LOGIN, "--account", ACCOUNT, "--user", "alice", "--endpoint", "http://127.0.0.1:1"]
    done = typed(command, desk.environment, [("at 127.0.0.1:1:", "some-password")])
    assert done.status == 1 and "http://127.0.0.1:1 cannot be reached" in done.output
