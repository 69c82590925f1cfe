"""`isthmus demo`: the cross-account walk-through of AWS's tutorials, run with the stock AWS CLI and boto3.

Production owns a bucket and a role; Analytics has a user, a group and a role. Each command is printed with its
answer. What must work works, what must fail fails for the right reason, or the demo's exit status is 1.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import ClientError
from rich.console import Console

import isthmus
from isthmus.identity.mfa import code_at

from .terminal import Outcome, aws_environment, find_aws, run, run_with_code

PRODUCTION, ANALYTICS, STRANGER = "111122223333", "444455556666", "777788889999"
BUCKET = "production-reports"
ROLE_ARN = f"arn:aws:iam::{PRODUCTION}:role/AnalyticsReader"
PARTNER_ARN = f"arn:aws:iam::{PRODUCTION}:role/PartnerReader"
EXTERNAL_ID = "analytics-2026"
STEP = 30.0  # seconds a one-time code is valid


@dataclass(slots=True)
class _Walk:
    """The state of one run. One-time codes are taken from neighbouring steps, as each is accepted once."""

    console: Console
    environment: dict[str, str]
    home: Path
    aws: str
    endpoint: str
    seed: bytes
    used_steps: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def code(self) -> str:
        while True:
            now = int(time.time() // STEP)
            for step in (now - 1, now, now + 1):
                if step not in self.used_steps:
                    self.used_steps.add(step)
                    return code_at(self.seed, step)
            time.sleep(1)

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold]# {text}[/bold]")

    def expect(self, title: str, outcome: Outcome, fails_with: str | None = None, prints: str | None = None) -> None:
        if outcome.output:
            self.console.print(outcome.output, markup=False, highlight=False, soft_wrap=True)
        right = (outcome.status == 0) if fails_with is None else (outcome.status != 0 and fails_with in outcome.output)
        if prints is not None:
            right = right and prints in outcome.output
        self.verdict(title, right)

    def verdict(self, title: str, right: bool) -> None:
        mark = "[green]✓[/green]" if right else "[red]✗[/red]"
        self.console.print(f"{mark} {title}", highlight=False)
        if not right:
            self.wrong.append(title)

    def run(self, title: str, arguments: str, *, code: bool = False, **expectation: Any) -> Outcome:
        """Run `aws ARGUMENTS`, print both, check."""
        self.console.print(f"$ aws {arguments}", style="cyan", markup=False, highlight=False, soft_wrap=True)
        command = [self.aws, *shlex.split(arguments)]
        environment = self.environment
        outcome = run_with_code(command, environment, self.code()) if code else run(command, environment)
        self.expect(title, outcome, **expectation)
        return outcome

    def attempt(self, title: str, shown: str, action: Callable[[], Any], fails_with: str | None = None) -> Any:
        """Run a boto3 call, print it and its answer, check."""
        self.console.print(f">>> {shown}", style="cyan", markup=False, highlight=False, soft_wrap=True)
        answer: Any = None
        try:
            answer = action()
            outcome = Outcome(0, "")
        except ClientError as error:
            outcome = Outcome(1, f"{type(error).__name__}: {error}")
        self.expect(title, outcome, fails_with)
        return answer

    def client(self, service: str, profile: str) -> Any:
        session: Any = boto3.Session(profile_name=profile)
        return session.client(service, endpoint_url=self.endpoint)


def run_demo(stay: bool) -> int:
    """Run the walk-through; 0 if every step came out as it should. `stay` leaves the server running at the end."""
    console = Console(soft_wrap=True)
    aws = find_aws()
    if aws is None:
        console.print("isthmus demo needs the AWS CLI: pip install awscli")
        return 1
    with tempfile.TemporaryDirectory(prefix="isthmus-demo-") as folder:
        home = Path(folder)
        seed = secrets.token_bytes(20)
        keys = {name: _new_key() for name in ("owner", "admin", "alice", "bob", "stranger")}
        setup = home / "accounts.yaml"
        setup.touch(mode=0o600)
        setup.write_text(yaml.safe_dump(_setup(keys, seed, _reports(home)), sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "isthmus", "serve", "--listen", "127.0.0.1:0", "--workers", "2"]
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--data", str(home / "data"), "--setup", str(setup)], stdout=subprocess.PIPE, text=True
        )
        try:
            line = server.stdout.readline() if server.stdout else ""
            found = re.search(r"https?://\S+", line)
            if found is None:
                console.print("the server did not start")
                return 1
            console.print(line.strip(), highlight=False)
            endpoint = found.group().rstrip("/").replace("/-/console", "")
            environment = aws_environment(home)
            _write_profiles(home, keys, endpoint)
            os.environ.update({key: environment[key] for key in environment if key.startswith(("AWS_", "HOME"))})
            walk = _Walk(console, environment, home, aws, endpoint, seed)
            _share(walk)
            _use(walk)
            _refusals(walk)
            console.print()
            if walk.wrong:
                console.print(f"[red]{len(walk.wrong)} steps did not come out as they should:[/red]")
                for title in walk.wrong:
                    console.print(f"  ✗ {title}", highlight=False)
                return 1
            console.print("[green]Every step came out as it should.[/green]")
            if stay:
                _leave_running(console, endpoint, home)
            return 0
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _share(walk: _Walk) -> None:
    """Production makes the role, Analytics allows its group to assume it."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ANALYTICS}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        }],
    }  # fmt: skip
    permission = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": [ROLE_ARN, PARTNER_ARN]}],
    }
    partner = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": ANALYTICS},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }],
    }  # fmt: skip
    walk.heading("Production: a role for another account, with MFA required")
    for name, document in (("trust.json", trust), ("partner.json", partner), ("assume.json", permission)):
        (walk.home / name).write_text(json.dumps(document, indent=2), encoding="utf-8")
    walk.console.print((walk.home / "trust.json").read_text(), markup=False, highlight=False)
    walk.run(
        "the role is created",
        f"--profile production iam create-role --role-name AnalyticsReader "
        f"--assume-role-policy-document file://{walk.home}/trust.json --query Role.Arn --output text",
        prints=ROLE_ARN,
    )
    walk.run(
        "it may read S3",
        "--profile production iam attach-role-policy --role-name AnalyticsReader "
        "--policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    )
    walk.heading("Analytics: the group may assume that role")
    walk.run(
        "analysts may call sts:AssumeRole on its ARN",
        f"--profile analytics-admin iam put-group-policy --group-name analysts --policy-name assume-reader "
        f"--policy-document file://{walk.home}/assume.json",
    )


def _use(walk: _Walk) -> None:
    """Alice uses the bucket of the other account, by CLI and by boto3."""
    walk.heading("Alice of Analytics: a profile with role_arn, source_profile and mfa_serial")
    profile = (
        f"\n[profile shared]\nrole_arn = {ROLE_ARN}\nsource_profile = alice\n"
        f"mfa_serial = arn:aws:iam::{ANALYTICS}:mfa/alice\nregion = us-east-1\nendpoint_url = {walk.endpoint}\n"
    )
    with (walk.home / ".aws" / "config").open("a", encoding="utf-8") as config:
        config.write(profile)
    walk.console.print(profile.strip(), markup=False, highlight=False)
    walk.run("she lists the other account's bucket", f"--profile shared s3 ls s3://{BUCKET}/", code=True, prints="PRE")
    walk.run(
        "she is the role now",
        "--profile shared sts get-caller-identity --output text",
        prints=f"arn:aws:sts::{PRODUCTION}:assumed-role/AnalyticsReader/",
    )
    walk.run("she downloads all of it", f"--profile shared s3 sync s3://{BUCKET} {walk.home}/copy --no-progress")
    original, copy = _contents(walk.home / "reports"), _contents(walk.home / "copy")
    walk.verdict(f"the {len(copy)} files are the same, byte for byte", original == copy and bool(copy))
    walk.heading("The same with boto3")
    sts = walk.client("sts", "alice")
    code = walk.code()
    answer = walk.attempt(
        "boto3 assumes the role with a code",
        f"sts.assume_role(RoleArn={ROLE_ARN!r}, SerialNumber=…, TokenCode=…)",
        lambda: sts.assume_role(
            RoleArn=ROLE_ARN,
            RoleSessionName="boto3",
            SerialNumber=f"arn:aws:iam::{ANALYTICS}:mfa/alice",
            TokenCode=code,
        ),
    )
    if answer is None:
        return
    s3 = _s3(walk, answer["Credentials"])
    count = len(original)
    listed = walk.attempt(
        "it lists", f"s3.list_objects_v2(Bucket={BUCKET!r})", lambda: s3.list_objects_v2(Bucket=BUCKET)
    )
    walk.verdict(f"and sees {count} objects", listed is not None and listed["KeyCount"] == count)


def _refusals(walk: _Walk) -> None:
    """Each thing that must fail, failing for its own reason."""
    denied = "AccessDenied"
    walk.heading("What must fail")
    walk.run(
        "Bob, who is not in the group, has no permission to call AssumeRole",
        f"--profile bob sts assume-role --role-arn {ROLE_ARN} --role-session-name demo",
        fails_with=denied,
    )
    walk.run(
        "an administrator of a third account is not trusted",
        f"--profile stranger sts assume-role --role-arn {ROLE_ARN} --role-session-name demo",
        fails_with=denied,
    )
    walk.run(
        "Alice without MFA",
        f"--profile alice sts assume-role --role-arn {ROLE_ARN} --role-session-name demo",
        fails_with=denied,
    )
    walk.run(
        "writing with a read-only role",
        f"--profile shared s3 cp {walk.home}/trust.json s3://{BUCKET}/new.json",
        fails_with=denied,
    )
    walk.run("Alice as herself, without the role", f"--profile alice s3 ls s3://{BUCKET}", fails_with=denied)
    walk.run(
        "Production makes a second role, for who knows the external id",
        f"--profile production iam create-role --role-name PartnerReader "
        f"--assume-role-policy-document file://{walk.home}/partner.json --query Role.Arn --output text",
        prints=PARTNER_ARN,
    )
    assume = f"--profile alice sts assume-role --role-arn {PARTNER_ARN} --role-session-name demo"
    arn = "--query AssumedRoleUser.Arn --output text"
    walk.run(
        "with the external id", f"{assume} --external-id {EXTERNAL_ID} {arn}", prints="assumed-role/PartnerReader/demo"
    )
    walk.run("with a wrong external id", f"{assume} --external-id guessed", fails_with=denied)
    walk.run("with no external id", assume, fails_with=denied)
    sts = walk.client("sts", "alice")
    credentials = sts.assume_role(RoleArn=PARTNER_ARN, RoleSessionName="demo", ExternalId=EXTERNAL_ID)["Credentials"]
    token = credentials["SessionToken"]
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    s3 = _s3(walk, {**credentials, "SessionToken": changed})
    walk.attempt(
        "a session token with one letter changed", "s3.list_buckets()", s3.list_buckets, fails_with="InvalidToken"
    )


def _s3(walk: _Walk, credentials: dict[str, str]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=walk.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _new_key() -> dict[str, str]:
    return {
        "id": "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
        "secret": base64.b64encode(secrets.token_bytes(30)).decode(),
    }


def _reports(home: Path) -> Path:
    """A real folder of files: the text of this package's own policy engine and service rooms."""
    source, folder = Path(isthmus.__file__).parent, home / "reports"
    for room in ("policy", "sts"):
        (folder / room).mkdir(parents=True)
        for file in sorted((source / room).glob("*.py")):
            (folder / room / file.name).write_bytes(file.read_bytes())
    return folder


def _setup(keys: dict[str, dict[str, str]], seed: bytes, reports: Path) -> dict[str, Any]:
    administrator = ["AdministratorAccess"]
    return {
        "accounts": [
            {
                "id": PRODUCTION,
                "name": "production",
                "email": "production@example.com",
                "users": [{"name": "owner", "access_keys": [keys["owner"]], "managed_policies": administrator}],
                "buckets": [{"name": BUCKET, "objects": str(reports)}],
            },
            {
                "id": ANALYTICS,
                "name": "analytics",
                "email": "analytics@example.com",
                "groups": [{"name": "analysts"}],
                "users": [
                    {"name": "admin", "access_keys": [keys["admin"]], "managed_policies": administrator},
                    {
                        "name": "alice",
                        "access_keys": [keys["alice"]],
                        "groups": ["analysts"],
                        "mfa_seed": base64.b32encode(seed).decode(),
                    },
                    {"name": "bob", "access_keys": [keys["bob"]]},
                ],
                "roles": [{
                    "name": "nightly-report",
                    "trust": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"}
                        ],
                    },
                }],
            },
            {
                "id": STRANGER,
                "name": "stranger",
                "email": "stranger@example.com",
                "users": [{"name": "admin", "access_keys": [keys["stranger"]], "managed_policies": administrator}],
            },
        ]
    }  # fmt: skip


def _write_profiles(home: Path, keys: dict[str, dict[str, str]], endpoint: str) -> None:
    names = {"owner": "production", "admin": "analytics-admin", "alice": "alice", "bob": "bob", "stranger": "stranger"}
    folder = home / ".aws"
    folder.mkdir(mode=0o700)
    config, credentials = folder / "config", folder / "credentials"
    credentials.touch(mode=0o600)
    config.write_text(
        "".join(f"[profile {name}]\nregion = us-east-1\nendpoint_url = {endpoint}\n\n" for name in names.values()),
        encoding="utf-8",
    )
    credentials.write_text(
        "".join(
            f"[{names[user]}]\naws_access_key_id = {key['id']}\naws_secret_access_key = {key['secret']}\n\n"
            for user, key in keys.items()
        ),
        encoding="utf-8",
    )


def _leave_running(console: Console, endpoint: str, home: Path) -> None:
    console.print(f"\nThe server goes on at {endpoint} until Ctrl-C. In another terminal:", highlight=False)
    console.print(f"  export AWS_CONFIG_FILE={home}/.aws/config", highlight=False)
    console.print(f"  export AWS_SHARED_CREDENTIALS_FILE={home}/.aws/credentials", highlight=False)
    console.print("  aws --profile production s3 ls", highlight=False)
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("stopping")
