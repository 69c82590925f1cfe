"""`isthmus doctor`: the usual mistakes of profiles, trust policies, callers and buckets, each with its fix."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.syntax import Syntax

from isthmus.access.doctor import RULES, SEVERITIES, Finding, Report, Scope, examine
from isthmus.access.profiles import NoSide, Side

from .screen import Form, fail, out, print_json, profile_names

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
_AREAS = ("profiles", "policies", "callers", "buckets")


def doctor(
    owner: Annotated[
        str | None,
        typer.Option(
            help="AWS profile of the account that owns roles and buckets.",
            show_default="none",
            autocompletion=profile_names,
        ),
    ] = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with", help="AWS profile of the account that calls.", show_default="none", autocompletion=profile_names
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Look at this AWS profile alone; repeatable.", show_default="all", autocompletion=profile_names
        ),
    ] = None,
    bucket: Annotated[
        list[str] | None,
        typer.Option(help="Look at this bucket, and at no role unless named; repeatable.", show_default="all"),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Look at this role, and at no bucket unless named; repeatable.", show_default="all"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Apply this rule, or the rules of an area, alone; repeatable.", show_default="all"),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(help="Do not apply this rule or area; repeatable.", show_default="none")
    ] = None,
    objects: Annotated[int, typer.Option(min=0, help="Objects of each bucket to ask for their owner.")] = 1000,
    offline: Annotated[bool, typer.Option("--offline", help="Read the profiles and ask no server about them.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "note", "never"],
        typer.Option(help="Exit with status 1 from this severity on."),
    ] = "warning",
    rules: Annotated[bool, typer.Option("--rules", help="List the rules and do nothing.")] = False,
    output: Form = "text",
) -> None:
    """Find the usual mistakes of cross-account access, without changing anything.

    Exit status 1 if there is a finding as grave as --fail-on, 2 if it could not look at all.

    Example: isthmus doctor --owner production --with analytics-admin

    Example: isthmus doctor --profile shared --offline --output json
    """
    if rules:
        _list_rules(output)
        return
    if owner is None and (bucket or role):
        fail("--bucket and --role are of an account: say whose with --owner PROFILE", 2)
    try:
        scope = Scope(
            owner=Side(owner) if owner else None,
            other=Side(with_) if with_ else None,
            profiles=profile or (),
            buckets=bucket or (),
            roles=role or (),
            rules=_chosen(only or [], skip or []),
            objects=objects,
            offline=offline,
            side=Side,
        )
        report = _examined(scope)
    except (NoSide, ClientError, BotoCoreError, OSError, ValueError) as error:
        fail(error, 2)
    if output == "json":
        print_json(report.to_json())
    else:
        _show(report)
    if fail_on != "never" and report.worst(fail_on):
        raise typer.Exit(1)


def _chosen(only: list[str], skip: list[str]) -> frozenset[str]:
    """The ids of rules and areas. Raises ValueError for a word that is neither."""
    for word in (*only, *skip):
        if word not in RULES and word not in _AREAS:
            raise ValueError(
                f"{word!r} is no rule and no area ({', '.join(_AREAS)}): `isthmus doctor --rules` lists all"
            )

    def named(words: list[str]) -> set[str]:
        return {one.id for one in RULES.values() if one.id in words or one.about in words}

    return frozenset((named(only) if only else set(RULES)) - named(skip))


def _examined(scope: Scope) -> Report:
    """The report; a terminal sees how far it is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return examine(scope)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        return examine(
            scope,
            lambda what, done, total: progress.update(
                task, description=f"{what} {done + 1}/{total}", completed=done, total=total
            ),
        )


def _show(report: Report) -> None:
    for one in report.findings:
        _show_finding(one)
    if report.not_checked:
        out.print("\nNot checked:", style="bold")
        for missing in report.not_checked:
            out.print(f"  {missing.about}: needs {missing.needs} ({', '.join(missing.rules)})", markup=False)
    looked = ", ".join(_counted(count, what.removesuffix("s")) for what, count in report.looked_at.items()) or "nothing"
    counts = {severity: sum(one.severity == severity for one in report.findings) for severity in SEVERITIES}
    told = ", ".join(_counted(count, severity) for severity, count in counts.items() if count)
    out.print(f"\nLooked at {looked}: {told or 'nothing found'}.", markup=False)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _show_finding(one: Finding) -> None:
    colour = _COLOURS[one.severity]
    out.print(f"[{colour}]{one.severity}[/{colour}] {escape(str(one.place))} [dim]({one.rule})[/dim]")
    out.print(f"  {one.what}", markup=False)
    if one.fix.words:
        out.print(f"  fix: {one.fix.words}", markup=False)
    if one.fix.command:
        out.print(f"  {one.fix.command}", style="cyan", markup=False)
    if one.fix.document is not None:
        out.print(Syntax(json.dumps(one.fix.document, indent=2), "json", background_color="default"))


def _list_rules(output: str) -> None:
    if output == "json":
        print_json([
            {"rule": one.id, "area": one.about, "severity": one.severity, "title": one.title, "source": one.source}
            for one in RULES.values()
        ])  # fmt: skip
        return
    for one in RULES.values():
        out.print(f"{one.id} ({one.about}, {one.severity}): {one.title}", markup=False)
