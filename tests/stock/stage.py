"""A real `isthmus serve` and the accounts on it, driven with nothing but the stock API.

`Server` is the process, `Account` one account with an administrator, `Stage` both together. Everything made here has
a name of its own, so tests do not see each other.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

import isthmus
from isthmus.cli.terminal import Outcome, aws_environment, find_aws, run, run_with_code
from isthmus.identity.mfa import code_at

OWNER, PARTNER, STRANGER = "111122223333", "444455556666", "777788889999"
MFA_USERS = ("mfa-cli", "mfa-boto3", "mfa-wrong", "mfa-reused", "mfa-missing", "mfa-prove", "mfa-calls", "mfa-typed")
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SOURCE = Path(isthmus.__file__).parent
STEP = 30.0  # seconds a one-time code is valid
_NUMBERS = itertools.count(1)
_RUN = f"{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}-{secrets.token_hex(2)}"

Document = dict[str, Any]


def unique(what: str) -> str:
    """A name that nothing else has."""
    return f"{what}-{_RUN}-{next(_NUMBERS)}"


def statement(effect: str, action: str | list[str], resource: str | list[str], **more: Any) -> Document:
    """One statement of an identity, session or bucket policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Document) -> Document:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> Document:
    """A policy that allows one thing."""
    return policy(statement("Allow", action, resource, **more))


def deny(action: str | list[str], resource: str | list[str], **more: Any) -> Document:
    """A policy that denies one thing."""
    return policy(statement("Deny", action, resource, **more))


def trust(principal: str, action: str | list[str] = "sts:AssumeRole", **condition: Any) -> Document:
    """A trust policy for an account id or an ARN; condition: operators by name."""
    document: Document = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}
    if condition:
        document["Condition"] = condition
    return policy(document)


def keys_on(bucket: str) -> str:
    """The ARN pattern of every object of a bucket."""
    return f"arn:aws:s3:::{bucket}/*"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials: long-term, or temporary with a token."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, answer: Document) -> Keys:
        """What CreateAccessKey or an STS operation answered."""
        found = answer.get("AccessKey") or answer["Credentials"]
        return cls(found["AccessKeyId"], found["SecretAccessKey"], found.get("SessionToken"))


def new_keys() -> Keys:
    """Long-term keys for a setup file."""
    return Keys(
        "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(), base64.b64encode(secrets.token_bytes(30)).decode()
    )


@dataclass(frozen=True, slots=True)
class Someone:
    """A user or role session with credentials."""

    name: str
    arn: str
    keys: Keys


class Server:
    """One `isthmus serve` in a process group of its own."""

    def __init__(self, data: Path, *options: str, listen: str = "127.0.0.1:0") -> None:
        self.data = data
        self.errors = data.parent / f"{data.name}-{next(_NUMBERS)}.stderr"
        command = [sys.executable, "-m", "isthmus", "serve", "--workers", "2", "--data", str(data)]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, "--listen", listen, *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=server_environment(),
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = re.search(r"^Isthmus answers at (https?://\S+?:(\d+))(?:\s|$)", self.line)
        assert found is not None, f"no start line: {self.line!r}\n{self.errors.read_text()}"
        self.endpoint, self.port = found[1], int(found[2])

    def kill(self) -> None:
        """SIGKILL to supervisor and workers at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> int:
        """SIGTERM; the exit status once everything has finished."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(45)

    def output(self) -> str:
        """Everything it printed, after it has ended."""
        assert self.process.stdout is not None
        return self.line + self.process.stdout.read() + self.errors.read_text()


def server_environment() -> dict[str, str]:
    """The environment of our own commands: this source tree, and no setting from outside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ISTHMUS_", "AWS_"))}
    return {**kept, "PYTHONPATH": str(SOURCE.parent)}


def isthmus_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an `isthmus` command that ends by itself."""
    return subprocess.run(  # noqa: PLW1510 - the status is the caller's
        [sys.executable, "-m", "isthmus", *arguments],
        env=server_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


class Client:
    """boto3 clients for one server; the session and its loaded models are shared, as making one is slow."""

    _session = boto3.Session()
    _lock = threading.Lock()

    @classmethod
    def make(cls, service: str, endpoint: str, keys: Keys, **config: Any) -> Any:
        """A client that does not retry, so that a refusal is one request."""
        settings = {"retries": {"max_attempts": 0}, "connect_timeout": 10, "read_timeout": 30, **config}
        with cls._lock:
            return cls._session.client(
                service,
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id=keys.id,
                aws_secret_access_key=keys.secret,
                aws_session_token=keys.token,
                config=Config(**settings),
            )


@dataclass(slots=True)
class Account:
    """An account, acted for by its administrator (a user with AdministratorAccess)."""

    id: str
    endpoint: str
    admin: Someone
    root: Keys
    iam: Any = field(init=False)
    s3: Any = field(init=False)
    sts: Any = field(init=False)

    def __post_init__(self) -> None:
        self.iam, self.s3, self.sts = (
            Client.make(service, self.endpoint, self.admin.keys) for service in ("iam", "s3", "sts")
        )

    def client(self, service: str, who: Someone | Keys, **config: Any) -> Any:
        """A client of somebody."""
        return Client.make(service, self.endpoint, who if isinstance(who, Keys) else who.keys, **config)

    def new_user(self, *documents: Document, managed: Sequence[str] = (), boundary: str | None = None) -> Someone:
        """A user with inline policies `p0`, `p1`, … and attached ones."""
        name = unique("user")
        limited = {} if boundary is None else {"PermissionsBoundary": boundary}
        arn = self.iam.create_user(UserName=name, **limited)["User"]["Arn"]
        for number, document in enumerate(documents):
            self.iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
        for attached in managed:
            self.iam.attach_user_policy(UserName=name, PolicyArn=attached)
        return Someone(name, arn, Keys.of(self.iam.create_access_key(UserName=name)))

    def new_role(self, trusted: Document, *documents: Document, managed: Sequence[str] = (), **more: Any) -> str:
        """A role; its ARN."""
        name = unique("role")
        answer = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusted), **more)
        for number, document in enumerate(documents):
            self.iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
        for attached in managed:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=attached)
        return str(answer["Role"]["Arn"])

    def new_policy(self, document: Document) -> str:
        """A customer managed policy; its ARN."""
        answer = self.iam.create_policy(PolicyName=unique("policy"), PolicyDocument=json.dumps(document))
        return str(answer["Policy"]["Arn"])

    def new_bucket(self, objects: dict[str, bytes] | None = None, **more: Any) -> str:
        """A bucket with objects."""
        name = unique("bucket")
        self.s3.create_bucket(Bucket=name, **more)
        for key, data in (objects or {}).items():
            self.s3.put_object(Bucket=name, Key=key, Body=data)
        return name

    def session_of(self, role_arn: str, who: Any = None, **more: Any) -> Someone:
        """Credentials of a role, assumed by the STS client `who` (the administrator unless told)."""
        answer = (who or self.sts).assume_role(RoleArn=role_arn, **{"RoleSessionName": "stock", **more})
        return Someone(role_arn.rpartition("/")[2], answer["AssumedRoleUser"]["Arn"], Keys.of(answer))


class Codes:
    """The one-time codes of one device: of three neighbouring steps, each used once."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._used: set[int] = set()

    def next(self) -> str:
        """A code that was not used and is accepted for a quarter of a minute at least; waits until there is one."""
        while True:
            now = int(time.time() // STEP)
            for step in (now - 1, now, now + 1):
                # Programs take their time to start: a code of the step before is begun only early in this one.
                if step in self._used or (step < now and time.time() % STEP > STEP / 2):
                    continue
                self._used.add(step)
                return code_at(self._seed, step)
            time.sleep(0.5)

    def pair(self) -> tuple[str, str]:
        """Two codes that follow each other, to enable the device with."""
        now = int(time.time() // STEP)
        self._used |= {now - 1, now}
        return code_at(self._seed, now - 1), code_at(self._seed, now)

    def wrong(self) -> str:
        """Six digits that are no code of this device for minutes around now."""
        now = int(time.time() // STEP)
        near = {code_at(self._seed, step) for step in range(now - 10, now + 10)}
        return next(code for code in (f"{number:06d}" for number in itertools.count()) if code not in near)


class Stage:
    """A server with three accounts: Owner has buckets and roles, Partner wants to use them, Stranger may not.

    options: of the server. more: keys of the setup file beside the accounts.
    """

    def __init__(self, folder: Path, *options: str, **more: Any) -> None:
        self.folder = folder
        admins = {account: new_keys() for account in (OWNER, PARTNER, STRANGER)}
        roots = {account: new_keys() for account in (OWNER, PARTNER, STRANGER)}
        users = {name: (new_keys(), secrets.token_bytes(20)) for name in MFA_USERS}
        setup = folder / "accounts.yaml"
        setup.touch(mode=0o600)
        setup.write_text(yaml.safe_dump({**_setup(admins, roots, users), **more}), encoding="utf-8")
        self.server = Server(folder / "data", "--setup", str(setup), *options)
        self.endpoint = self.server.endpoint
        self.owner, self.partner, self.stranger = (
            Account(
                account,
                self.endpoint,
                Someone("admin", f"arn:aws:iam::{account}:user/admin", admins[account]),
                roots[account],
            )
            for account in (OWNER, PARTNER, STRANGER)
        )
        self.mfa_users = {
            name: Someone(name, f"arn:aws:iam::{PARTNER}:user/{name}", keys) for name, (keys, _) in users.items()
        }
        self.codes = {name: Codes(seed) for name, (_, seed) in users.items()}

    def mfa_serial(self, name: str) -> str:
        """The device of one of the MFA users."""
        return f"arn:aws:iam::{PARTNER}:mfa/{name}"


class Terminal:
    """The stock AWS CLI in a home directory of its own. Secrets are in its files only."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home = home
        self.endpoint = endpoint
        self.environment = aws_environment(home)
        self._files = home / ".aws"
        self._files.mkdir(mode=0o700, parents=True)
        (self._files / "credentials").touch(mode=0o600)
        found = find_aws()
        assert found is not None, "the AWS CLI is needed: pip install awscli"
        self._aws = found

    def add_profile(self, name: str, keys: Keys | None = None, **settings: str) -> None:
        """A profile with credentials, or with `role_arn` and whatever else a user writes."""
        lines = {"region": "us-east-1", "endpoint_url": self.endpoint, **settings}
        _append(self._files / "config", f"profile {name}", lines)
        if keys is not None:
            secret = {"aws_access_key_id": keys.id, "aws_secret_access_key": keys.secret}
            _append(self._files / "credentials", name, {**secret, **_optional("aws_session_token", keys.token)})

    def file(self, name: str, content: Document | bytes) -> str:
        """A file in the home directory; its path."""
        path = self.home / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=2).encode())
        return str(path)

    def aws(self, profile: str, *arguments: str, code: str | None = None) -> Outcome:
        """Run `aws --profile PROFILE ARGUMENTS`; a code is typed when it asks for one."""
        command = [self._aws, "--profile", profile, *arguments]
        if code is not None:
            return run_with_code(command, self.environment, code)
        return run(command, self.environment)

    def must(self, profile: str, *arguments: str, code: str | None = None) -> str:
        """Run what has to succeed; its output."""
        outcome = self.aws(profile, *arguments, code=code)
        assert outcome.status == 0, outcome.output
        return outcome.output


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _optional(name: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {name: value}


def _append(file: Path, section: str, lines: dict[str, str]) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()) + "\n")


def _setup(admins: dict[str, Keys], roots: dict[str, Keys], users: dict[str, tuple[Keys, bytes]]) -> Document:
    accounts = []
    for account, name in ((OWNER, "owner"), (PARTNER, "partner"), (STRANGER, "stranger")):
        people = [
            {"name": "admin", "access_keys": [_written(admins[account])], "managed_policies": ["AdministratorAccess"]}
        ]
        if account == PARTNER:
            people += [
                {"name": user, "access_keys": [_written(keys)], "mfa_seed": base64.b32encode(seed).decode()}
                for user, (keys, seed) in users.items()
            ]
        accounts.append({
            "id": account,
            "name": name,
            "email": f"{name}@example.com",
            "root": {"access_keys": [_written(roots[account])]},
            "users": people,
        })  # fmt: skip
    return {"accounts": accounts, "cloudtrail_delivery_seconds": 1}


def _written(keys: Keys) -> dict[str, str]:
    return {"id": keys.id, "secret": keys.secret}
