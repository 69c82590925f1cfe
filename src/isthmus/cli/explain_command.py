"""`isthmus explain`: why a request was refused, on both sides, with the lines that decided and what to change."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.syntax import Syntax

from isthmus.access.denial_text import Denial, is_request_id, read_denial
from isthmus.access.explanation import Explainer, Explanation, changed_policy
from isthmus.access.profile_lines import configured_profiles
from isthmus.access.profiles import NoSide, Side
from isthmus.access.question import CannotForetell, Question

from .question_options import Context, Organization, context_of, question_of, what_is_missing
from .screen import Form, busy, fail, out, print_json, profile_names

Json = dict[str, Any]
_MARKS = {
    "allow": "[green]allows[/green]",
    "explicit deny": "[red]denies[/red]",
    "implicit deny": "[yellow]is silent[/yellow]",
}


def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REQUEST-ID | TEXT | PRINCIPAL ACTION RESOURCE]",
            help="A request id, the text of a refusal (standard input if left out), or three ARNs and names.",
            show_default=False,
        ),
    ] = None,
    context: Context = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "--with",
            help="AWS profile of the principal's account.",
            show_default="AWS_PROFILE or default",
            autocompletion=profile_names,
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            help="AWS profile of the resource's account.",
            show_default="its side stays unknown",
            autocompletion=profile_names,
        ),
    ] = None,
    organization: Organization = None,
    principal: Annotated[
        str | None, typer.Option(help="Who asked, if the text does not say.", show_default="--profile's identity")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="SERVICE:NAME, if the text does not say.", show_default="the text's")
    ] = None,
    resource: Annotated[
        str | None, typer.Option(help="ARN, if the text does not say.", show_default="the text's")
    ] = None,
    output: Form = "text",
) -> None:
    """Explain a refusal: both sides, every layer, the statement that decided, and the smallest change.

    Exit status 0 if it was explained, whatever was decided; 2 if it could not be.

    Example: isthmus explain 0B02452448D8ED4F --profile analytics --owner production

    Example: aws --profile shared s3 ls s3://reports 2>&1 | isthmus explain --profile analytics --owner production

    Example: isthmus explain arn:aws:iam::444455556666:user/alice s3:GetObject arn:aws:s3:::reports/2026.csv
    """
    try:
        keys = context_of(context or [])
        asked = _asked(what or [], context or [], principal, action, resource)
        with busy("reading policies …"):
            management = Side(organization) if organization else None
            explainer = Explainer(_sides(profile, owner), datetime.now(UTC), management)
            found = explainer.question(asked) if isinstance(asked, Question) else explainer.refusal(asked, keys)
    except (CannotForetell, NoSide, ClientError, BotoCoreError) as error:
        fail(error, 2)
    if output == "json":
        print_json(found.to_json())
    else:
        _show(found)


def _sides(profile: str | None, owner: str | None) -> list[Side]:
    """The sides that were named; for the principal's else the usual profile, where that one works."""
    sides = [Side(name) for name in dict.fromkeys((profile, owner)) if name]
    usual = os.environ.get("AWS_PROFILE") or "default"
    if profile is None and (not sides or usual in configured_profiles()):
        implied = Side(usual)
        try:
            return [implied, *sides] if implied.account else sides
        except NoSide:
            if not sides:
                raise
    return sides


def _asked(
    what: list[str], context: list[str], principal: str | None, action: str | None, resource: str | None
) -> Question | Denial:
    """A question, or what a refusal says with what it leaves out filled in."""
    if len(what) == 3 and ":" in what[1]:
        return question_of(what[0], what[1], what[2], context)
    if len(what) == 1 and is_request_id(what[0]):
        return Denial(request_id=what[0])
    if what and what != ["-"]:
        text = " ".join(what)
    else:
        if sys.stdin.isatty():
            typer.echo("Paste the refusal, then press Ctrl-D:", err=True)
        text = sys.stdin.read()
    denial = read_denial(text)
    return replace(
        denial,
        principal=principal or denial.principal,
        action=action or denial.action,
        resource=resource or denial.resource,
    )


def _show(found: Explanation) -> None:
    question, decision = found.question, found.decision
    told = {"allowed": "[green]allowed[/green]", "denied": "[red]denied[/red]", "unknown": "[yellow]not known[/yellow]"}
    out.print(f"[bold]{told[found.outcome]}[/bold]: {escape(question.principal)}", markup=True)
    out.print(f"  {question.action} on {question.resource}", markup=False)
    when = "as the server decided it then" if found.as_it_was else "by the policies as they are now"
    by = f", by the {decision['decidedBy']}" if decision.get("decidedBy") else ""
    out.print(f"  {when}{by}", markup=False)
    for side, title in (("caller", "The principal's side"), ("owner", "The resource's side")):
        _show_side(found, side, title)
    _show_changes(found)
    if found.depends_on:
        out.print(f"\nNote: {what_is_missing(found.depends_on)}", markup=False)
    for note in found.notes:
        out.print(f"\nNote: {note}", markup=False)


def _show_side(found: Explanation, side: str, title: str) -> None:
    layers = [layer for layer in found.decision["layers"]["items"] if layer["side"] == side]
    unknown = [one for one in found.unknown if one.side == side]
    if not layers and not unknown:
        return
    account = next((layer["account"] for layer in layers), None) or next((one.account for one in unknown), None)
    out.print(f"\n{title}, account {account or 'not known'}", style="bold", markup=False)
    for one in unknown:
        out.print(f"  [yellow]unknown[/yellow]: {escape(one.why)}")
    for layer in layers:
        if "type" not in layer:
            continue
        out.print(f"  {layer['type']} {_MARKS.get(layer['verdict'], layer['verdict'])}")
        for statement in layer["statements"]:
            _show_statement(found, layer["type"], statement)
        if layer["verdict"] != "allow":
            for miss in layer["nearest"]:
                _show_statement(found, layer["type"], miss)
        for level in layer.get("levels", ()):
            names = ", ".join(policy["name"] for policy in level["policies"]) or "no policy"
            out.print(f"    {level['holder'] or 'level'}: {level['verdict']} ({names})", markup=False)


def _show_statement(found: Explanation, kind: str, statement: Json) -> None:
    name = statement["sourcePolicyArn"] or statement["sourcePolicyId"]
    holder = f" of {statement['sourcePolicyHolder']}" if statement["sourcePolicyHolder"] else ""
    sid = f", statement {statement['statementId']}" if statement["statementId"] else ""
    place = f"line {statement['line']}, column {statement['column']}"
    unmatched = statement.get("unmatched")
    why = f": not {', '.join(unmatched)}" if unmatched else f": {statement['effect'].capitalize()}"
    out.print(f"    {name}{holder}{sid}, {place}{why}", markup=False)
    excerpt = found.excerpt(kind, statement)
    if excerpt is not None:
        for marked, line in excerpt.drawn():
            out.print(f"      {line}", style="red" if marked else "dim", markup=False)


def _show_changes(found: Explanation) -> None:
    changes = found.decision.get("changes", {}).get("items", [])
    if found.outcome == "denied" and not changes and not found.unknown:
        out.print("\nNo change to a policy that was looked at would allow it.", markup=False)
    last = {changed_policy(change): number for number, change in enumerate(changes) if change.get("document")}
    for number, change in enumerate(changes):
        where = "" if change["kind"] == "satisfy" else f", in account {change['account']}"
        out.print(f"\nWould help{where}: {_what_to_do(change)}", style="bold", markup=False)
        if change["explanation"]:
            out.print(f"  {change['explanation']}", markup=False)
        if last.get(changed_policy(change), number) != number:
            out.print("  in the document below, which has this change too", markup=False)
            continue
        shown = change.get("document") or change["statement"] if change["kind"] != "satisfy" else None
        if shown:
            out.print(Syntax(json.dumps(shown, indent=2), "json", background_color="default"))
        command = command_for(change, found.question)
        if command:
            out.print(f"  {command}", markup=False)


def _what_to_do(change: Json) -> str:
    where, kind = change["where"], change["kind"]
    place = where if change["policyType"] in where else f"the {change['policyType']} {where}"
    if kind == "satisfy":
        wanted = ", ".join(
            f"no {key}" if value is None else f"{key}={value if isinstance(value, str) else ','.join(value)}"
            for key, value in change["context"].items()
        )
        return f"ask with {wanted}"
    if kind == "unset":
        return f"turn off the setting of Block Public Access of {where}"
    if kind == "grant":
        return f"grant it in {where}"
    return {"add": f"add a statement to {place}", "narrow": f"narrow the deny in {place}",
            "remove": f"remove the deny from {place}"}[kind]  # fmt: skip


def command_for(change: Json, question: Question) -> str | None:
    """The `aws` command that stores the changed document, saved as policy.json; None where there is no one command."""
    if not change.get("document"):
        return None
    kind, where, resource = change["policyType"], change["where"], question.resource
    name = shlex.quote(resource.rpartition("/")[2])
    if kind == "role trust policy":
        return f"aws iam update-assume-role-policy --role-name {name} --policy-document file://policy.json"
    if kind == "resource-based policy" and resource.startswith("arn:aws:s3:::"):
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        return f"aws s3api put-bucket-policy --bucket {shlex.quote(bucket)} --policy file://policy.json"
    if kind == "resource-based policy" and ":kms:" in resource:
        return (
            f"aws kms put-key-policy --key-id {shlex.quote(resource)} --policy-name default --policy file://policy.json"
        )
    if where.startswith("arn:") and ":policy/" in where and kind != "service control policy":
        return (
            f"aws iam create-policy-version --policy-arn {shlex.quote(where)} --policy-document file://policy.json "
            "--set-as-default"
        )
    if kind == "identity-based policy" and change["kind"] == "add":
        who = question.principal.split(":", 5)[5].split("/")
        if who[0] == "user":
            return (
                f"aws iam put-user-policy --user-name {shlex.quote(who[-1])} --policy-name NAME "
                "--policy-document file://policy.json"
            )
        return (
            f"aws iam put-role-policy --role-name {shlex.quote(who[1] if who[0] == 'assumed-role' else who[-1])} "
            "--policy-name NAME --policy-document file://policy.json"
        )
    return None
