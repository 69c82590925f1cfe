"""Every example that is marked runnable runs as it stands, against a server of its own."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from pages import PAGES, ROOT, examples, runnable

from isthmus.access.access_file import read_access_file
from isthmus.cli.terminal import aws_environment, find_aws
from isthmus.identity.mfa import code_at
from isthmus.server.configuration import Configuration
from isthmus.server.serve import apply_setup

README, SETUP_FILE, POLICY_ENGINE = (
    ROOT / "README.md",
    ROOT / "docs" / "setup-file.md",
    ROOT / "docs" / "policy-engine.md",
)
ADDRESS = "127.0.0.1:9000"  # what the pages say where a test's server has a port of its own


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """`isthmus serve` in a folder; the address it answers at."""
    process = subprocess.Popen(
        [sys.executable, "-m", "isthmus", "serve", "--listen", "127.0.0.1:0", "--workers", "1", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://(\S+)", process.stdout.readline())
        assert found is not None
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def write_setup_file(folder: Path) -> str:
    """The setup file example as `accounts.yaml`, with the folder of objects it names; its text."""
    (text,) = runnable(SETUP_FILE, "yaml")
    (folder / "accounts.yaml").write_text(text)
    (folder / "reports").mkdir()
    (folder / "reports" / "january.csv").write_text("1,2,3\n")
    return text


def test_the_setup_file_example_is_applied_and_applying_it_again_makes_nothing(tmp_path: Path) -> None:
    write_setup_file(tmp_path)
    configuration = Configuration(data=tmp_path / "data", durability="relaxed")
    first = apply_setup(configuration, tmp_path / "accounts.yaml")
    assert first == "2 accounts set up: 13 identities, buckets and keys made, 1 objects loaded"
    again = apply_setup(configuration, tmp_path / "accounts.yaml")
    assert again == "2 accounts set up: 0 identities, buckets and keys made, 0 objects loaded"


def test_the_shell_examples_of_the_readme_run_on_a_first_start(tmp_path: Path) -> None:
    aws = find_aws()
    assert aws is not None
    environment = aws_environment(tmp_path)
    environment["PATH"] = f"{Path(aws).parent}{os.pathsep}{environment['PATH']}"
    with server(tmp_path):
        for text in runnable(README, "sh"):
            done = subprocess.run(
                ["bash", "-e", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "hello.txt" in done.stdout
            assert '"UserName": "alice"' in done.stdout


def test_the_profiles_of_the_readme_reach_the_other_accounts_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write_setup_file(tmp_path)
    key_id, secret = re.findall(r"id: (AKIA\w+), secret: ([^}]+)}", text)[1]
    seed = re.findall(r"mfa_seed: (\w+)", text)[1]
    (profiles,) = runnable(README, "ini")
    with server(tmp_path, "--setup", "accounts.yaml") as address:
        (tmp_path / "config").write_text(profiles.replace(ADDRESS, address))
        (tmp_path / "credentials").write_text(f"[alice]\naws_access_key_id={key_id}\naws_secret_access_key={secret}\n")
        for name in list(os.environ):
            if name.startswith("AWS_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        with pytest.raises(ClientError, match="AccessDenied"):
            boto3.Session(profile_name="alice").client("s3").list_objects_v2(Bucket="production-reports")
        core = botocore.session.Session(profile="shared")
        provider = core.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = lambda _: code_at(base64.b32decode(seed), int(time.time() // 30))
        s3 = boto3.Session(botocore_session=core).client("s3")
        assert [one["Key"] for one in s3.list_objects_v2(Bucket="production-reports")["Contents"]] == ["january.csv"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket="production-reports", Key="january.csv")


def test_the_access_file_of_the_page_on_sharing_is_one(tmp_path: Path) -> None:
    (text,) = runnable(ROOT / "docs" / "sharing.md", "yaml")
    (tmp_path / "agreed.access.yaml").write_text(text)
    first, second = read_access_file(tmp_path / "agreed.access.yaml")
    assert (first.name, first.require_mfa, first.probe_as) == ("reports", True, ("bob",))
    assert (second.role, second.except_) == ("AuditorsRead", ("user/admin", "role/Auditor"))


def test_the_examples_of_the_policy_engine_run_one_after_the_other() -> None:
    exec("".join(runnable(POLICY_ENGINE, "python")), {})


def test_every_runnable_example_is_run_by_a_test_above() -> None:
    run = {
        ("README.md", "sh"), ("README.md", "ini"), ("setup-file.md", "yaml"), ("policy-engine.md", "python"),
        ("sharing.md", "sh"), ("sharing.md", "yaml"),  # the first by test_sharing_page.py
    }  # fmt: skip
    assert {(one.page, one.language) for page in PAGES for one in examples(page) if one.runnable} == run
