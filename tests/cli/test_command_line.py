"""What holds for every command of `isthmus`: examples that parse, JSON for programs, colour for terminals alone."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from isthmus.cli.commands import app
from isthmus.cli.screen import words_of

GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = dict(GROUP.commands)
# Commands that answer nothing a program could use, or that alone: a server, its setup, a show, a script for shells,
# sessions as AWS's tools want them.
WITHOUT_JSON = {"serve", "setup", "demo", "completion", "login", "logout"}


def examples(name: str) -> list[str]:
    """The worked examples in a command's help."""
    text = COMMANDS[name].help or ""
    paragraphs = [" ".join(one.split()) for one in re.split(r"\n\s*\n", text)]
    return [one.removeprefix("Example: ") for one in paragraphs if one.startswith("Example: ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_has_an_example_that_parses(name: str) -> None:
    found = examples(name)
    assert found
    for text in found:
        words = shlex.split(text.rpartition(" | ")[2])
        assert words[:2] == ["isthmus", name]
        COMMANDS[name].make_context(name, words[2:])


def test_an_example_that_does_not_parse_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["can"].make_context("can", ["a", "s3:GetObject", "b", "--nonsense"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is(name: str) -> None:
    silent = {parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", None)}
    assert silent == set()


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_JSON))
def test_another_form_than_text_and_json_is_refused(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--output", "xml"])
    assert (result.exit_code, "'xml'" in result.output) == (2, True)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_JSON))
def test_every_command_that_answers_something_answers_programs_too(name: str) -> None:
    assert any("--output" in parameter.opts for parameter in COMMANDS[name].params)
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
    assert re.search(r"--output .*text(\||, | or )json", shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_secret_is_an_option_or_argument(name: str) -> None:
    words = [word for parameter in COMMANDS[name].params for word in (*parameter.opts, parameter.name or "")]
    secret = re.compile(r"secret|password|token|seed|master|credential|(?<!tls.)\bkey\b", re.IGNORECASE)
    assert [word for word in words if secret.search(word.lstrip("-"))] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_tells_of_every_command(name: str) -> None:
    root = Path(__file__).parents[2]
    pages = [root / "README.md", *(page for page in (root / "docs").glob("*.md") if page.name != "settings.md")]
    assert any(re.search(rf"`(?:isthmus )?{name}\b", page.read_text(encoding="utf-8")) for page in pages)


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    kept = {key: value for key, value in kept.items() if not key.startswith(("AWS_", "GITHUB_"))}
    files = {"AWS_CONFIG_FILE": str(home / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials")}
    return {**kept, **files, "HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "200", **more}


COMMAND = [sys.executable, "-m", "isthmus", "doctor", "--offline", "--only", "profiles", "--fail-on", "never"]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")


def on_a_terminal(home: Path, **more: str) -> str:
    """What the command shows on a terminal."""
    (home / "config").write_text("[profile alone]\nsource_profile = nobody\n")
    outside, inside = pty.openpty()
    process = subprocess.Popen(COMMAND, env=environment(home, **more), stdout=inside, stderr=subprocess.DEVNULL)
    os.close(inside)
    shown = b""
    while True:
        try:
            data = os.read(outside, 65536)
        except OSError:  # the terminal closes with its last process
            break
        if not data:
            break
        shown += data
    os.close(outside)
    assert process.wait(60) == 0
    return shown.decode()


def test_colour_is_for_terminals_that_want_it(tmp_path: Path) -> None:
    coloured, plain = on_a_terminal(tmp_path), on_a_terminal(tmp_path, NO_COLOR="1")
    assert COLOUR.search(coloured)
    assert "profile-source-missing" in plain
    assert not COLOUR.search(plain)
    piped = subprocess.run(COMMAND, env=environment(tmp_path), capture_output=True, text=True, check=True).stdout
    assert "profile-source-missing" in piped
    assert "\x1b" not in piped


def completed(*words: str, home: Path, shell: str = "bash") -> list[str]:
    """What a shell would offer for the last of these words."""
    if shell == "bash":
        asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        asked = {"_TYPER_COMPLETE_ARGS": " ".join(words), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    command = [str(Path(sys.executable).parent / "isthmus")]
    given = environment(home, _ISTHMUS_COMPLETE=f"complete_{shell}", **asked)
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_bash_completes_commands_options_and_profiles(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile production]\n[profile analytics]\n[sso-session x]\n")
    (tmp_path / "credentials").write_text("[prospects]\n")
    assert set(completed("isthmus", "", home=tmp_path)) == set(COMMANDS)
    assert completed("isthmus", "exp", home=tmp_path) == ["explain"]
    assert "--organization" in completed("isthmus", "can", "--o", home=tmp_path)
    for command in ("link", "can", "explain", "doctor"):
        assert completed("isthmus", command, "--owner", "pro", home=tmp_path) == ["production", "prospects"]
    assert completed("isthmus", "can", "--output", "", home=tmp_path) == ["text", "json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_for_what_completes(shell: str, tmp_path: Path) -> None:
    script = CliRunner().invoke(app, ["completion", shell])
    assert script.exit_code == 0
    assert f"_ISTHMUS_COMPLETE=complete_{shell}" in script.output
    assert completed("isthmus", "doc", home=tmp_path, shell=shell)


def test_the_bash_script_works_in_bash(tmp_path: Path) -> None:
    script = CliRunner().invoke(app, ["completion", "bash"]).output
    asking = (
        f'{script}\nCOMP_WORDS=(isthmus doc); COMP_CWORD=1; _isthmus_completion isthmus; echo "${{COMPREPLY[@]}}"\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", asking], env=environment(tmp_path, PATH=path), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["doctor"]


def test_an_error_says_what_to_do_next(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile away]\nendpoint_url = http://127.0.0.1:1\nregion = us-east-1\n")
    (tmp_path / "credentials").write_text(
        "[away]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
    )
    who = "arn:aws:iam::111122223333:user/a"
    for arguments, said in (
        (["can", who, "s3:GetObject", "*", "--profile", "nobody"], "aws configure --profile nobody"),
        (["explain", who, "s3:GetObject", "*", "--profile", "nobody"], "aws configure --profile nobody"),
        (["links", "--owner", "nobody"], "aws configure --profile nobody"),
        (["doctor", "--owner", "nobody"], "aws configure --profile nobody"),
        (["link", "s3://reports"], "--to ACCOUNT"),
    ):
        command = [sys.executable, "-m", "isthmus", *arguments]
        done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert done.stdout == ""


def test_aws_s_own_words_get_a_hint() -> None:
    from botocore.exceptions import ClientError, EndpointConnectionError  # noqa: PLC0415

    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetRole")
    assert "isthmus explain" in words_of(refused)
    assert "endpoint_url" in words_of(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
    assert words_of(ClientError({"Error": {"Code": "Other", "Message": "no"}}, "GetRole")).endswith("no")
