"""`isthmus can`: whether somebody may do something, why, and what would help."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.syntax import Syntax

from isthmus.access.dependence import depends_on
from isthmus.access.foretell import foretell
from isthmus.access.profiles import NoSide, Side
from isthmus.access.question import CannotForetell
from isthmus.policy import Decision

from .question_options import Context, Organization, question_of, what_is_missing
from .screen import Form, fail, out, print_json, profile_names, table


def can(
    principal: Annotated[str, typer.Argument(help="ARN of a user, a role or a role's session.")],
    action: Annotated[str, typer.Argument(help="s3:GetObject, sts:AssumeRole …")],
    resource: Annotated[str, typer.Argument(help="ARN of the resource; * for an action without one.")],
    context: Context = None,
    profile: Annotated[
        str, typer.Option(help="AWS profile of the principal's account.", autocompletion=profile_names)
    ] = "default",
    owner: Annotated[
        str | None,
        typer.Option(
            help="AWS profile of the resource's account.", show_default="--profile", autocompletion=profile_names
        ),
    ] = None,
    organization: Organization = None,
    output: Form = "text",
) -> None:
    """Say whether a principal may do something, from both accounts' policies; exit status 1 if not, 2 if unknown.

    Example: isthmus can arn:aws:iam::444455556666:user/alice s3:GetObject arn:aws:s3:::reports/2026.csv --owner prod
    """
    try:
        question = question_of(principal, action, resource, context or [])
        caller = Side(profile)
        decision = foretell(
            question,
            caller,
            Side(owner) if owner else caller,
            datetime.now(UTC),
            Side(organization) if organization else None,
        )
    except (CannotForetell, NoSide, ClientError, BotoCoreError) as error:
        fail(error, 2)
    unsure = depends_on(decision, organization is not None)
    outcome = "unknown" if unsure else "allowed" if decision.allowed else "denied"
    if output == "json":
        told: dict[str, Any] = {"outcome": outcome, "dependsOn": list(unsure), **decision.to_json()}
        print_json(told | {"allowed": None} if unsure else told)
    else:
        _show(decision, unsure)
    raise typer.Exit({"allowed": 0, "denied": 1, "unknown": 2}[outcome])


def _show(decision: Decision, unsure: tuple[str, ...] = ()) -> None:
    if unsure:
        out.print(f"[yellow]not known[/yellow]: {escape(what_is_missing(unsure))}")
    else:
        out.print("[green]allowed[/green]" if decision.allowed else f"[red]denied[/red]: {escape(decision.message)}")
    shown = table("account", "layer", "says", "by")
    for layer in decision.layers:
        lines = [
            f"{one.policy.name}, {one.statement.sid or one.statement.effect}, line {one.statement.line}"
            for one in layer.determining
        ]
        lines += [
            f"{miss.policy.name}, line {miss.statement.line}: not {', '.join(miss.elements)}" for miss in layer.misses
        ]
        shown.add_row(layer.account, layer.type.value, layer.verdict.value, escape("\n".join(lines)))
    out.print(shown)
    for change in () if unsure else decision.changes:
        described: dict[str, Any] = change.to_json()
        out.print(f"\nWould help, in account {change.account}:", style="bold")
        out.print(Syntax(json.dumps(described, indent=2), "json", background_color="default"))
