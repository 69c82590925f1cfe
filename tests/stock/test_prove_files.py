"""Access files: one file makes the links, `isthmus prove` and pytest prove them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from proofs import (
    isthmus,
    outcomes,
    profiles,  # noqa: F401 - the commands' profiles, in every test
    proved,
)
from stage import PARTNER, SOURCE, Stage, Terminal, allow, trust, unique

PLUGIN = "isthmus.access.pytest_plugin"


@dataclass(frozen=True)
class Agreed:
    """An access file, and whom it is about."""

    file: Path
    name: str
    user: str
    stranger: str


@pytest.fixture
def agreed(stage: Stage, terminal: Terminal, tmp_path: Path) -> Agreed:
    """One link, agreed but not made."""
    bucket = stage.owner.new_bucket({"2026/report": b"shared", "2025/report": b"not shared"})
    stage.owner.new_bucket()
    alice, bob = stage.partner.new_user(), stage.partner.new_user(allow("sts:AssumeRole", "*"))
    for one in (alice, bob):
        terminal.add_profile(one.name, one.keys)
    entry = {
        "name": unique("agreed"), "share": f"s3://{bucket}/2026/", "owner": "owner", "with": "partner",
        "to": f"{PARTNER}:user/{alice.name}", "access": "read", "external_id": "auto", "as": alice.name,
        "probe_as": [bob.name],
    }  # fmt: skip
    file = tmp_path / "agreed.access.yaml"
    file.write_text(yaml.safe_dump({"links": [entry]}))
    return Agreed(file, str(entry["name"]), alice.name, bob.name)


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest in a folder, in a process of its own, with our plug-in."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-rfs", *options, "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_file_that_made_the_links_proves_them(agreed: Agreed, terminal: Terminal) -> None:
    isthmus("link", "--from", str(agreed.file), "--yes")
    assert f"source_profile = {agreed.user}" in (terminal.home / ".aws" / "config").read_text()
    rows = proved(str(agreed.file), "--strict")
    assert outcomes(rows) == {}
    assert rows[f"probe-as:{agreed.stranger}"]["observed"] == "refused"


def test_a_link_that_was_agreed_and_not_made_is_told_with_the_line_of_the_file(agreed: Agreed) -> None:
    assert f"{agreed.file}:2: account" in isthmus("prove", str(agreed.file), status=2)


def test_what_was_proved_before_something_failed_is_told(agreed: Agreed, tmp_path: Path) -> None:
    isthmus("link", "--from", str(agreed.file), "--yes")
    (entry,) = yaml.safe_load(agreed.file.read_text())["links"]
    agreed.file.write_text(yaml.safe_dump({"links": [entry, {**entry, "name": "never-made"}]}))
    said = isthmus("prove", str(agreed.file), "--junit", str(tmp_path / "report.xml"), status=2)
    assert "holds: 16 proved both ways" in said
    assert "has no role isthmus-link-never-made" in said
    assert [suite.get("name") for suite in ElementTree.parse(tmp_path / "report.xml").getroot()] == [agreed.name]


def test_a_role_that_no_link_made_is_proved_by_its_name(agreed: Agreed, stage: Stage) -> None:
    entry = yaml.safe_load(agreed.file.read_text())["links"][0]
    bucket = entry["share"].split("/")[2]
    role = stage.owner.new_role(
        trust(PARTNER, StringEquals={"sts:ExternalId": "agreed"}),
        allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "2026/*"}}),
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/2026/*"),
    )
    may = json.dumps(allow("sts:AssumeRole", role))
    stage.partner.iam.put_user_policy(UserName=agreed.user, PolicyName="may", PolicyDocument=may)
    entry |= {"role": role.rpartition("/")[2], "external_id": "agreed"}
    agreed.file.write_text(yaml.safe_dump({"links": [entry]}))
    assert "`role` is for `isthmus prove` alone" in isthmus("link", "--from", str(agreed.file), "--yes", status=1)
    # It trusts the whole account, where others may take any role.
    rows = proved(str(agreed.file), status=1)
    assert outcomes(rows) == {f"probe-as:{agreed.stranger}": "wrong", "others": "wrong"}
    assert "these may too: user/" in rows["others"]["foretoldBecause"]


def test_pytest_runs_each_check_of_an_access_file(agreed: Agreed, tmp_path: Path) -> None:
    isthmus("link", "--from", str(agreed.file), "--yes")
    folder = tmp_path / "suite"
    folder.mkdir()
    agreed.file.rename(folder / "agreed.access.yaml")
    (folder / "test_more.py").write_text(
        "def test_more(isthmus_prove):\n"
        "    (proof,) = isthmus_prove('agreed.access.yaml')\n"
        "    assert proof.holds(strict=True)\n"
    )
    done = run_pytest(folder, "--junit-xml=report.xml")
    assert done.returncode == 0, done.stdout + done.stderr
    cases = {case.get("name") for case in ElementTree.parse(folder / "report.xml").iter("testcase")}
    assert {"intact", "take", "read", "write", "others", "test_more"} <= cases

    done = run_pytest(folder, "--isthmus-predict-only", "-k", "read-outside")
    assert "1 skipped" in done.stdout, done.stdout + done.stderr
    isthmus("unlink", agreed.name, "--owner", "owner", "--with", "partner", "--yes")
    done = run_pytest(folder, "-k", "take or test_more")
    assert done.returncode == 1
    assert "has no role isthmus-link-" in done.stdout
    assert "1 failed, 1 error" in done.stdout or "2 failed" in done.stdout


def test_pytest_shows_a_check_that_fails_with_its_reason(agreed: Agreed, stage: Stage, tmp_path: Path) -> None:
    isthmus("link", "--from", str(agreed.file), "--yes")
    role = f"isthmus-link-{agreed.name}"
    stage.owner.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust(PARTNER)))
    done = run_pytest(agreed.file.parent)
    assert done.returncode == 1
    assert f"FAILED agreed.access.yaml::{agreed.name}::others" in done.stdout, done.stdout
    assert "expected to be refused, wrong: these may too" in done.stdout
    assert "Traceback" not in done.stdout


def test_pytest_tells_the_line_of_a_file_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.access.yaml").write_text("links:\n  - share: s3://bucket\n")
    done = run_pytest(tmp_path)
    assert done.returncode == 2
    assert "bad.access.yaml:2: link 1 lacks owner, to, access" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_plug_in_loads_nothing_until_it_is_used() -> None:
    code = (
        f"import sys, pytest; known = set(sys.modules); import {PLUGIN}; "
        "print(*(set(sys.modules) - known))"
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"isthmus", "isthmus.access", PLUGIN}


def test_the_package_offers_the_plug_in_to_pytest() -> None:
    text = (SOURCE.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["project"]["entry-points"]["pytest11"] == {"isthmus": PLUGIN}
