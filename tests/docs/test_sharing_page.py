"""The tutorial of docs/sharing.md, by commands and by `isthmus link`: each as it stands in the page, then used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pages import ROOT, runnable

from isthmus.cli.terminal import Outcome, aws_environment, find_aws, run, run_with_code
from isthmus.identity.mfa import code_at

PAGE = ROOT / "docs" / "sharing.md"
SEED = b"12345678901234567890"
KEYS = {name: (f"AKIA{name.upper():A<16}"[:20], f"not-a-secret-of-{name}") for name in ("production", "admin", "alice")}


def setup(folder: Path) -> str:
    """Production with the bucket, Analytics with the group; a text of the setup file."""
    (folder / "reports" / "2026").mkdir(parents=True)
    (folder / "reports" / "2025").mkdir()
    (folder / "reports" / "2026" / "january.csv").write_text("1,2,3\n")
    (folder / "reports" / "2025" / "old.csv").write_text("0\n")
    administrator = {"name": "admin", "managed_policies": ["AdministratorAccess"]}

    def keys(name: str) -> list[dict[str, str]]:
        return [dict(zip(("id", "secret"), KEYS[name], strict=True))]

    return yaml.safe_dump({
        "accounts": [
            {
                "id": "111122223333", "name": "production",
                "users": [{**administrator, "access_keys": keys("production")}],
                "buckets": [{"name": "reports", "objects": "./reports"}],
            },
            {
                "id": "444455556666", "name": "analytics",
                "groups": [{"name": "analysts"}],
                "users": [
                    {**administrator, "access_keys": keys("admin")},
                    {"name": "alice", "groups": ["analysts"], "access_keys": keys("alice"),
                     "mfa_seed": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
                ],
            },
        ]
    })  # fmt: skip


class Shell:
    """A folder with the three profiles, and the server's address in the place of the page's."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.environment = aws_environment(folder)
        aws = find_aws()
        assert aws is not None
        self.aws = aws
        path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(aws).parent), self.environment["PATH"]])
        self.environment |= {"PATH": path, "PYTHONPATH": str(ROOT / "src")}
        files = folder / ".aws"
        files.mkdir()
        for profile, name in (("production", "production"), ("analytics-admin", "admin"), ("alice", "alice")):
            with (files / "config").open("a") as config:
                config.write(f"[profile {profile}]\nregion = us-east-1\nendpoint_url = http://{address}\n")
            with (files / "credentials").open("a") as credentials:
                id_, secret = KEYS[name]
                credentials.write(f"[{profile}]\naws_access_key_id = {id_}\naws_secret_access_key = {secret}\n")
        self.used = 0

    def script(self, text: str) -> None:
        """Run an example as it stands."""
        done = subprocess.run(
            ["bash", "-e", "-c", text.replace("127.0.0.1:9000", self.address)],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def as_alice(self, profile: str, *arguments: str) -> Outcome:
        """The AWS CLI, with a code of her device when it asks for one; each code is used once."""
        step = max(int(time.time() // 30), self.used + 1)
        outcome = run_with_code([self.aws, "--profile", profile, *arguments], self.environment, code_at(SEED, step))
        self.used = step if "MFA code" in outcome.output else self.used
        return outcome


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "accounts.yaml").write_text(setup(tmp_path))
    command = [sys.executable, "-m", "isthmus", "serve", "--listen", "127.0.0.1:0", "--workers", "1", "--setup"]
    process = subprocess.Popen([*command, "accounts.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://(\S+)", process.stdout.readline())
    assert found is not None
    yield Shell(tmp_path, found[1])
    process.terminate()
    process.wait(20)


def uses(shell: Shell, profile: str) -> None:
    """What was shared is there through that profile, and nothing else is."""
    assert "january.csv" in shell.as_alice(profile, "s3", "ls", "s3://reports/2026/").output
    copied = shell.as_alice(profile, "s3", "cp", "s3://reports/2026/january.csv", "-")
    assert copied.status == 0, copied.output
    assert "1,2,3" in copied.output
    for refused in (("ls", "s3://reports/2025/"), ("rm", "s3://reports/2026/january.csv")):
        outcome = shell.as_alice(profile, "s3", *refused)
        assert outcome.status != 0
        assert "AccessDenied" in outcome.output
    assert run([shell.aws, "--profile", "alice", "s3", "ls", "s3://reports/2026/"], shell.environment).status != 0


def test_by_commands_and_by_link_alice_reads_the_same(shell: Shell) -> None:
    commands, link = runnable(PAGE, "sh")
    shell.script(commands)
    uses(shell, "shared")
    shell.script(link)
    uses(shell, "reports")


def test_the_clicks_of_the_page_are_those_of_the_console_s_test() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## By commands")[0]
    clicks = re.findall(r"(?<!\*)\*([A-Z][^*]+)\*", table)
    assert len(clicks) >= 8
    tested = (ROOT / "tests" / "console" / "test_tutorial_clicks.py").read_text(encoding="utf-8").lower()
    assert [one for one in clicks if one.lower() not in tested] == []
