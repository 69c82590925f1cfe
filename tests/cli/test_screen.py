"""What others named never commands the terminal, nor is read as rich's markup."""

from __future__ import annotations

import io
import shlex
from datetime import UTC, datetime

import pytest
import typer
from botocore.exceptions import ClientError
from rich.table import Table

from isthmus.access.account_state import Identity
from isthmus.access.link_plan import Grantee, LinkRequest, plan_link
from isthmus.access.profiles import Side
from isthmus.access.question import PrincipalArn, Question, asker_of, request_of
from isthmus.cli import can_command, explain_command, link_commands, screen
from isthmus.policy import (
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

ESCAPED = "a\x1b]0;owned\x07\x9b31mb"
ALICE = "arn:aws:iam::444455556666:user/alice"


def shown(screen_: screen.Screen) -> str:
    file = screen_.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> screen.Screen:
    """A screen that believes to be a terminal, and that every command writes to."""
    made = screen.Screen(soft_wrap=True, highlight=False, file=io.StringIO(), force_terminal=True, width=200)
    for module in (can_command, link_commands):
        monkeypatch.setattr(module, "out", made)
    return made


def test_a_text_sends_no_command_to_the_terminal_and_styles_still_do(terminal: screen.Screen) -> None:
    terminal.print(ESCAPED, style="red", markup=False)
    table = Table("key")
    table.add_row(ESCAPED)
    terminal.print(table)
    assert "\x1b]0;" not in shown(terminal)
    assert "\x9b" not in shown(terminal)
    assert "\x07" not in shown(terminal)
    assert "\x1b[31m" in shown(terminal)


LONG = "arn:aws:iam::444455556666:role/" + "team/" * 30 + "Reader"


def test_what_is_piped_on_is_one_line_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    piped = screen.Screen(soft_wrap=True, highlight=False, file=io.StringIO())
    table = screen.table("who", "why")
    table.add_row(LONG, "because it is so " * 20)
    piped.print(table)
    (row,) = [line for line in shown(piped).splitlines() if "team" in line]
    assert row.split()[0] == LONG
    assert max(map(len, shown(piped).splitlines())) < 600, "no line is filled up with blanks"


def test_nothing_is_cut_off_where_it_is_narrow() -> None:
    narrow = screen.Screen(soft_wrap=True, highlight=False, file=io.StringIO(), width=40)
    table = screen.table("who", "why")
    table.add_row(LONG, "because it is so")
    narrow.print(table)
    column = "".join(line[1:].split("  ")[0].strip() for line in shown(narrow).splitlines()[1:])
    assert column == LONG


def test_an_error_of_a_server_sends_none_either(capsys: pytest.CaptureFixture[str]) -> None:
    error = ClientError({"Error": {"Code": "Oops", "Message": ESCAPED}}, "ListBuckets")
    with pytest.raises(typer.Exit):
        screen.fail(error, 2)
    assert "\x1b" not in (told := capsys.readouterr().err)
    assert "owned" in told


def test_a_key_in_brackets_is_shown_as_it_is_named(terminal: screen.Screen) -> None:
    question = Question(ALICE, "s3:GetObject", "arn:aws:s3:::reports/[/bold]/[red]x", {})
    principal = Principal(PrincipalKind.USER, "444455556666", ALICE, ALICE, "AIDAALICE")
    policy = PolicyDocument.made({"Version": "2012-10-17", "Statement": {
        "Sid": "[/odd]", "Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}})  # fmt: skip
    side = ResourceSide("111122223333", ResourcePolicy(policy))
    asker = asker_of(Identity(principal, PrincipalPolicies(), {}), PrincipalArn.parse(ALICE))
    can_command._show(decide(request_of(question, asker, side, datetime.now(UTC))))
    assert "reports/[/bold]/[red]x" in shown(terminal)
    assert "[/odd]" in shown(terminal)


def test_a_prefix_in_brackets_is_shown_as_it_is_named(terminal: screen.Screen) -> None:
    request = LinkRequest(
        "reports", "111122223333", "reports", "[/2026]/", Grantee.parse("444455556666:user/alice"), "read", "us-east-1"
    )
    link_commands._show_plan(plan_link(request), Side("production"), Side("analytics"))
    assert "s3://reports/[/2026]/ for" in shown(terminal)


@pytest.mark.parametrize(
    ("kind", "where", "resource", "word"),
    [
        ("resource-based policy", "", "arn:aws:s3:::a id/k", "a id"),
        ("resource-based policy", "", "arn:aws:kms:us-east-1:111122223333:key/a id", ":key/a id"),
        ("permissions boundary", "arn:aws:iam::111122223333:policy/a id", "*", ":policy/a id"),
        ("role trust policy", "", "arn:aws:iam::111122223333:role/a id", "a id"),
    ],
)
def test_a_name_is_one_word_of_the_command(kind: str, where: str, resource: str, word: str) -> None:
    change = {"document": {"Statement": []}, "policyType": kind, "where": where, "kind": "add"}
    command = explain_command.command_for(change, Question(ALICE, "s3:GetObject", resource, {}))
    assert command is not None
    assert any(one.endswith(word) for one in shlex.split(command))
