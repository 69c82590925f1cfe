"""`isthmus link --from FILE`: what is wrong is told with its line, before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from isthmus.cli.commands import app

ENTRY = {"share": "s3://reports", "owner": "nobody-of-this-name", "to": "444455556666", "access": "read"}


def refused(tmp_path: Path, *options: str, links: list[dict[str, Any]] | None = None) -> str:
    """What `link --from` says of a file of these links."""
    file = tmp_path / "links.yaml"
    lines = [f"  - {json.dumps(entry)}\n" for entry in links or [ENTRY]]
    file.write_text("links:\n" + "".join(lines))
    result = CliRunner().invoke(app, ["link", "--from", str(file), *options])
    assert result.exit_code == 1, result.output
    return result.output


def test_a_profile_that_is_not_there_is_told_with_its_line(tmp_path: Path) -> None:
    said = refused(tmp_path, links=[ENTRY])
    assert "links.yaml:2: there is no AWS profile 'nobody-of-this-name'" in said


@pytest.mark.parametrize(
    "option",
    [("--to", "444455556666"), ("--owner", "production"), ("--with", "analytics"), ("--name", "x"), ("--require-mfa",),
     ("--external-id", "auto"), ("--source-ip", "203.0.113.0/24"), ("--expires", "2d"), ("--kms", "auto"),
     ("--access", "list")],
    ids=lambda option: option[0],
)  # fmt: skip
def test_a_file_is_not_overruled_in_silence(option: tuple[str, ...], tmp_path: Path) -> None:
    assert "a file says itself" in refused(tmp_path, *option)


def test_two_links_of_one_name_are_told_before_the_first_is_made(tmp_path: Path) -> None:
    other = ENTRY | {"share": "s3://archive", "name": "reports-444455556666"}
    assert "links.yaml:3: there is a link 'reports-444455556666' above" in refused(tmp_path, links=[ENTRY, other])


@pytest.mark.parametrize("form", ["terraform", "cloudformation"])
def test_several_links_are_not_written_out_as_one_template(form: str, tmp_path: Path) -> None:
    links = [ENTRY, ENTRY | {"share": "s3://archive"}]
    assert f"--as {form} writes one link out" in refused(tmp_path, "--as", form, links=links)


def test_several_links_have_no_profile_in_common(tmp_path: Path) -> None:
    links = [ENTRY, ENTRY | {"share": "s3://archive"}]
    assert "--profile names one profile" in refused(tmp_path, "--profile", "shared", links=links)


def test_programs_get_their_document_also_when_a_link_fails(tmp_path: Path) -> None:
    file = tmp_path / "links.yaml"
    file.write_text(f"links:\n  - {json.dumps(ENTRY)}\n")
    result = CliRunner().invoke(app, ["link", "--from", str(file), "--output", "json"])
    assert (result.exit_code, json.loads(result.stdout)) == (1, [])
