"""Links to one user of the other account, `isthmus prove` of them, and what is left afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from stage import PARTNER, Someone, Stage, Terminal, unique
from typer.testing import CliRunner

from isthmus.cli.commands import app

Rows = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> None:
    """The commands in the terminal's home directory, with an administrator's profile of each account."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    for name in [name for name in os.environ if name.startswith(("AWS_", "ISTHMUS_"))]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("isthmus.access.prove._PATIENCE", 0.0)


def isthmus(*arguments: str, status: int = 0) -> str:
    """Run a command; all it printed."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, result.output
    return result.output


def proved(*arguments: str, status: int = 0) -> Rows:
    """The rows of a proof, by check."""
    (proof,) = json.loads(isthmus("prove", *arguments, "--output", "json", status=status))
    return {row["check"]: row for row in proof["rows"]}


def outcomes(rows: Rows) -> dict[str, str]:
    """What each check came to, but for those that were proved."""
    return {check: row["outcome"] for check, row in rows.items() if row["outcome"] != "proved"}


@dataclass(frozen=True)
class Link:
    """A link to one user of the other account, and how to prove it."""

    name: str
    bucket: str
    user: Someone

    @property
    def prove(self) -> list[str]:
        return [self.name, "--owner", "owner", "--with", "partner", "--make-user"]

    @property
    def role(self) -> str:
        return f"isthmus-link-{self.name}"


@pytest.fixture(name="link")
def linked_user(stage: Stage, terminal: Terminal) -> Iterator[Link]:
    """`2026/` of a bucket, for one user of the other account."""
    made = new_link(stage, terminal)
    yield made
    remove_link(made)


def new_link(stage: Stage, terminal: Terminal, *options: str, objects: bool = True) -> Link:
    kept = {"2026/report": b"shared", "2025/report": b"not shared"} if objects else {}
    bucket = stage.owner.new_bucket(kept)
    stage.owner.new_bucket()
    user = stage.partner.new_user()
    terminal.add_profile(user.name, user.keys)
    name = unique("proved")
    isthmus(
        "link", f"s3://{bucket}/2026/", "--owner", "owner", "--with", "partner", "--to", f"{PARTNER}:user/{user.name}",
        "--name", name, "--source-profile", user.name, "--yes", *options,
    )  # fmt: skip
    return Link(name, bucket, user)


def remove_link(link: Link) -> None:
    isthmus("unlink", link.name, "--owner", "owner", "--with", "partner", "--yes")


def kept_in(stage: Stage, bucket: str) -> Any:
    """Everything a bucket holds, versions and delete markers too."""
    found = stage.owner.s3.list_object_versions(Bucket=bucket)
    return found.get("Versions", []), found.get("DeleteMarkers", [])
