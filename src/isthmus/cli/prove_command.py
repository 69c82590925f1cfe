"""`isthmus prove`: what was agreed, proved from the policies and by trying it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from isthmus.access.access_file import read_access_file
from isthmus.access.checks import Check
from isthmus.access.link_plan import InvalidLink
from isthmus.access.mfa_session import CODE, MfaSessions, code_from_environment
from isthmus.access.proof_report import junit, proof_json
from isthmus.access.prove import Manner, Proof, Row, problems, prove_link, prove_words
from isthmus.access.setting import CannotProve
from isthmus.access.terminal_questions import SIX_DIGITS, six_digits

from .question_options import Organization
from .screen import Form, fail, out, table

_MARKS = {
    "proved": "[green]✓[/green]",
    "foretold": "[yellow]~[/yellow]",
    "observed": "[yellow]~[/yellow]",
    "unknown": "[red]?[/red]",
    "wrong": "[red]✗[/red]",
    "differs": "[bold red]‼[/bold red]",
    "fault": "[red]![/red]",
}

progress = Console(stderr=True, highlight=False)


def prove(
    what: Annotated[str, typer.Argument(help="Name of a link, or a YAML file of what was agreed.")],
    owner: Annotated[
        str | None, typer.Option("--owner", help="AWS profile of the account that owns the bucket; in a file `owner`.")
    ] = None,
    with_: Annotated[
        str | None,
        typer.Option("--with", help="AWS profile of an administrator of the other account; in a file `with`."),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="AWS profile of whom the link is for; in a file `as`.",
            show_default="the source_profile of the profile that link wrote",
        ),
    ] = None,
    probe_as: Annotated[
        list[str] | None,
        typer.Option(help="AWS profile of somebody else, who must be refused; repeatable; in a file `probe_as`."),
    ] = None,
    make_user: Annotated[
        bool,
        typer.Option(
            "--make-user", help="Make a user isthmus-probe-… in the other account, try as it, and delete it again."
        ),
    ] = False,
    organization: Organization = None,
    predict_only: Annotated[bool, typer.Option("--predict-only", help="Ask the policies and try nothing.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail also for what could be proved in one way only.")
    ] = False,
    junit_: Annotated[Path | None, typer.Option("--junit", help="File to write for a CI system.")] = None,
    output: Form = "text",
) -> None:
    """Prove who may do what: from both accounts' policies, and by trying it, also what must be refused.

    Exit status 0 if all is as agreed, 1 if not, 2 if it could not be tried. A code of an MFA device is asked for, or
    taken from ISTHMUS_MFA_CODE.

    Example: isthmus prove reports --owner production --with analytics-admin --as alice --make-user
    """
    proofs: list[Proof] = []
    problem: Exception | None = None
    try:
        with _interruptible(), _shown_progress() as watch:
            manner = Manner(MfaSessions(watch.ask_code), make_user, predict_only, organization, watch.told)
            for proof in _proofs(what, owner, with_, as_, tuple(probe_as or ()), manner):
                proofs.append(proof)
    except problems() as error:
        problem = error  # what was proved before is told all the same
    if output == "json":
        sys.stdout.write(json.dumps([proof_json(proof, strict) for proof in proofs], indent=2) + "\n")
    else:
        for proof in proofs:
            _show(proof, strict)
    try:
        if junit_ is not None:
            junit_.write_bytes(junit(proofs, strict))
    except OSError as error:
        problem = problem or error
    if problem is not None:
        fail(problem, 2)
    raise typer.Exit(0 if all(proof.holds(strict) for proof in proofs) else 1)


def _proofs(
    what: str, owner: str | None, with_: str | None, as_: str | None, probe_as: tuple[str, ...], manner: Manner
) -> Iterator[Proof]:
    now = datetime.now(UTC)
    if what.endswith((".yaml", ".yml")) or os.sep in what:
        if owner or with_ or as_ or probe_as:
            raise CannotProve("a file names the profiles itself: owner, with, as and probe_as of each link")
        for words in read_access_file(Path(what)):
            try:
                yield prove_words(words, now, manner)
            except (CannotProve, InvalidLink) as error:
                raise CannotProve(f"{words.place}: {error}") from error
        return
    if owner is None:
        raise CannotProve("say --owner PROFILE, the AWS profile of the account that owns the bucket")
    yield prove_link(what, owner, with_, as_, probe_as, now, manner)


def _ask_code(serial: str) -> str:
    if CODE in os.environ or not sys.stdin.isatty():
        return code_from_environment(serial)
    while (code := six_digits(typer.prompt(f"MFA code of {serial}", err=True))) is None:
        typer.echo(SIX_DIGITS, err=True)
    return code


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite end (SIGTERM) takes back what was made for the proof, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(slots=True)
class _Watch:
    """What is tried at the moment, shown where somebody looks on."""

    status: Status | None = None

    def told(self, check: Check, number: int, of: int) -> None:
        if self.status is not None:
            self.status.update(f"{number}/{of} {escape(check.title)}")

    def ask_code(self, serial: str) -> str:
        if self.status is None:
            return _ask_code(serial)
        self.status.stop()  # it would write over the question
        try:
            return _ask_code(serial)
        finally:
            self.status.start()


@contextmanager
def _shown_progress() -> Iterator[_Watch]:
    if not progress.is_terminal:
        yield _Watch()
        return
    with progress.status("reading the policies of both accounts") as status:
        yield _Watch(status)


def _show(proof: Proof, strict: bool) -> None:
    out.print(f"[bold]{escape(proof.name)}[/bold]: {escape(proof.sentence)}")
    shown = table("", "check", "expected", "foretold", "tried", "because")
    for row in proof.rows:
        shown.add_row(
            _MARKS[row.outcome],
            escape(row.check.title),
            row.check.word(row.check.expected),
            _word(row, row.foretold.allowed),
            _word(row, row.observed.allowed),
            escape(row.reason),
        )
    out.print(shown)
    _show_differences(proof)
    counts = {outcome: sum(1 for row in proof.rows if row.outcome == outcome) for outcome in _MARKS}
    said = ", ".join(f"{count} {_COUNTED[outcome]}" for outcome, count in counts.items() if count)
    verdict = "[green]holds[/green]" if proof.holds(strict) else "[red]does not hold[/red]"
    out.print(f"\n{verdict}: {said}\n")


def _show_differences(proof: Proof) -> None:
    differing = [row for row in proof.rows if row.outcome == "differs"]
    if not differing:
        return
    out.print(
        "\n[bold red]PREDICTION AND OBSERVATION DIFFER[/bold red]. One of the two has a bug, the policy engine or the "
        "service that answered:"
    )
    for row in differing:
        out.print(f"- {row.check.title}: {row.reason}", markup=False)
    refused = [row for row in proof.rows if row.observed.allowed is False]
    if not refused:
        out.print("The service enforces no policies, it seems: it refused nothing that was tried.")


_COUNTED = {
    "proved": "proved both ways",
    "foretold": "only foretold",
    "observed": "only tried",
    "unknown": "not known",
    "wrong": "not as expected",
    "differs": "where prediction and observation differ",
    "fault": "that could not be tried",
}


def _word(row: Row, allowed: bool | None) -> str:
    word = row.check.word(allowed) or "–"
    return f"[red]{word}[/red]" if allowed not in (None, row.check.expected) else word
