"""`isthmus link`, `links` and `unlink`: options, questions and tables; what they do is in `isthmus.access`."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.syntax import Syntax

from isthmus.access.access_file import Words, read_access_file
from isthmus.access.checks import name_of
from isthmus.access.link import link_steps, unlink_steps
from isthmus.access.link_as_code import caller_commands, link_as
from isthmus.access.link_plan import InvalidLink, LinkPlan, plan_link
from isthmus.access.link_profile import profile_settings, remember_endpoint, switch_role_link, try_commands
from isthmus.access.link_request import understand
from isthmus.access.linked import Linked, find_link, find_links
from isthmus.access.profile_file import (
    ForeignProfile,
    check_profile,
    config_file,
    profiles_of,
    remove_profile,
    write_profile,
)
from isthmus.access.profiles import NoSide, Side
from isthmus.access.steps import Step, Stopped, run_steps

from .screen import Form, fail, out, print_json, profile_names, table, words_of

Owner = Annotated[
    str,
    typer.Option("--owner", help="AWS profile of the account that owns the bucket.", autocompletion=profile_names),
]
With = Annotated[
    str | None,
    typer.Option("--with", help="AWS profile of an administrator of the other account.", autocompletion=profile_names),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_PROBLEMS = (InvalidLink, NoSide, Stopped, ForeignProfile, ClientError, BotoCoreError, OSError)


def register(app: typer.Typer) -> None:
    """Add the commands to the `isthmus` command."""
    app.command("link")(link)
    app.command("links")(links)
    app.command("unlink")(unlink)


def link(
    share: Annotated[str | None, typer.Argument(help="s3://BUCKET or s3://BUCKET/PREFIX.")] = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", help="AWS profile of the account that owns the bucket.", autocompletion=profile_names),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="ACCOUNT, ACCOUNT:user/NAME, ACCOUNT:group/NAME or ACCOUNT:role/NAME.")
    ] = None,
    with_: With = None,
    access: Annotated[str, typer.Option(help="read, write, read-write or list.")] = "read",
    require_mfa: Annotated[bool, typer.Option("--require-mfa", help="Only with a code of an MFA device.")] = False,
    external_id: Annotated[
        str | None, typer.Option(help="What the caller must name; auto makes one.", show_default="none")
    ] = None,
    source_ip: Annotated[
        list[str] | None, typer.Option(help="CIDR block that requests must come from; repeatable.", show_default="any")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="12h, 30d, 2w, or a day or moment in ISO 8601.", show_default="never")
    ] = None,
    kms: Annotated[
        str | None, typer.Option(help="ARN of the bucket's key; auto looks it up.", show_default="none")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the link.", show_default="from bucket and grantee")] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile to write.", show_default="the link's name")] = None,
    source_profile: Annotated[
        str | None, typer.Option(help="AWS profile of the user who will take the role.", show_default="--with")
    ] = None,
    from_: Annotated[Path | None, typer.Option("--from", help="YAML file of reviewed links.")] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="Write it out instead: terraform, cloudformation or awscli.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    output: Form = "text",
) -> None:
    """Share a bucket, or a part of it, with another account: role, permissions and profile in one step.

    Example: isthmus link s3://reports/2026 --owner production --to 444455556666:user/alice --with analytics
    """
    made: list[dict[str, Any]] = []
    problem: Exception | None = None
    try:
        said = _words(share, owner, to, with_, access, require_mfa, external_id, source_ip, expires, kms, name, from_)
        if profile is not None and len(said) > 1:
            raise InvalidLink("--profile names one profile, and the file has several links: each gets its own name's")
        if as_ in ("terraform", "cloudformation") and len(said) > 1:
            raise InvalidLink(
                f"--as {as_} writes one link out, and the file has {len(said)}: give each a file of its own"
            )
        for words in said:
            with _naming_place(words):
                made.append(_link_one(words, profile, source_profile, as_, dry_run, yes or output == "json", output))
    except _PROBLEMS as error:
        problem = error
    if output == "json" and as_ is None and (from_ is not None or problem is None):
        print_json(made if from_ is not None else made[0])  # also what was made before another one could not be
    if problem is not None:
        fail(problem, 1)


def links(owner: Owner, with_: With = None, output: Form = "text") -> None:
    """List the links of an account and what became of each; exit status 1 if one is not intact.

    Example: isthmus links --owner production --with analytics-admin
    """
    try:
        found = list(find_links(Side(owner), Side(with_) if with_ else None))
    except _PROBLEMS as error:
        fail(error, 1)
    if output == "json":
        print_json([_link_json(one) for one in found])
    elif not found:
        out.print("no links")
    else:
        shown = table("link", "shares", "with", "access", "state")
        for one in found:
            state = "\n".join([one.state, *one.problems])
            row = (one.name, one.plan.request.resource, str(one.plan.request.to), one.plan.request.access, state)
            shown.add_row(*map(escape, row))
        out.print(shown)
    if any(one.state != "intact" for one in found):
        raise typer.Exit(1)


def unlink(
    name: Annotated[str, typer.Argument(help="Name of the link.")],
    owner: Owner,
    with_: With = None,
    yes: Yes = False,
    output: Form = "text",
) -> None:
    """Take a link back on both sides, and nothing else.

    Example: isthmus unlink reports --owner production --with analytics-admin
    """
    try:
        side, other = Side(owner), Side(with_) if with_ else None
        found = find_link(name, side, other)
        if found is None:
            raise InvalidLink(
                f"account {side.account} has no link {name!r}; `isthmus links --owner {owner}` lists them"
            )
        if other is not None and other.account != found.plan.request.to.account:
            raise InvalidLink(f"the link is for account {found.plan.request.to.account}, not for {other.account}")
        foreign = [problem for problem in found.problems if problem.startswith("the role has a further policy")]
        if foreign:
            raise InvalidLink(f"{'; '.join(foreign)}: take that away first, it is not the link's")
        steps = unlink_steps(found.plan, side, other)
        if output != "json":
            _show_steps(steps)
        _ask(yes or output == "json")
        run_steps(steps, _done if output != "json" else lambda _step: None)
        removed = [
            profile for profile in profiles_of(config_file(), name) if remove_profile(config_file(), name, profile)
        ]
    except _PROBLEMS as error:
        fail(error, 1)
    if output == "json":
        print_json({"unlinked": name, "profilesRemoved": removed, "otherSideToDo": _left_to_other(found.plan, other)})
        return
    for profile in removed:
        out.print(f"✓ removed the profile {profile}", markup=False)
    for line in _left_to_other(found.plan, other):
        out.print(f"the other account's administrator still has to remove: {line}", markup=False)


def _words(
    share: str | None,
    owner: str | None,
    to: str | None,
    with_: str | None,
    access: str,
    require_mfa: bool,
    external_id: str | None,
    source_ip: list[str] | None,
    expires: str | None,
    kms: str | None,
    name: str | None,
    file: Path | None,
) -> list[Words]:
    if file is not None:
        told = (share, owner, to, with_, external_id, source_ip, expires, kms, name)
        if any(told) or require_mfa or access != "read":
            raise InvalidLink("a file says itself what is shared, with whom and how: give --from FILE without these")
        found = read_access_file(file)
        names = [name_of(words) for words in found]
        for number, words in enumerate(found):
            if names[number] in names[:number]:
                raise InvalidLink(
                    f"{words.place}: there is a link {names[number]!r} above: give this one another `name`"
                )
        return found
    if share is None or owner is None or to is None:
        raise InvalidLink("say what to share (s3://BUCKET/PREFIX), --owner PROFILE and --to ACCOUNT, or --from FILE")
    return [
        Words(share, owner, to, access, with_, name, require_mfa, external_id, tuple(source_ip or ()), expires, kms)
    ]


@contextmanager
def _naming_place(words: Words) -> Iterator[None]:
    """Errors name the place of the words, where they have one."""
    try:
        yield
    except (InvalidLink, NoSide) as error:
        if not words.place or str(error).startswith(words.place):
            raise
        raise InvalidLink(f"{words.place}: {words_of(error)}") from error


def _link_one(
    words: Words,
    profile: str | None,
    source_profile: str | None,
    as_: str | None,
    dry_run: bool,
    yes: bool,
    output: str,
) -> dict[str, Any]:
    """Make one link, or tell what it would be; the same for programs."""
    owner, other = Side(words.owner), Side(words.with_) if words.with_ else None
    plan = plan_link(understand(words, owner, other, lambda: datetime.now(UTC)))
    if as_ is not None:
        if as_ not in ("terraform", "cloudformation", "awscli"):
            raise InvalidLink(f"--as is {as_!r}; it is terraform, cloudformation or awscli")
        form: Any = as_
        sys.stdout.write(link_as(form, plan, words.owner, words.with_ or "OTHER"))
        return {}
    if find_link(plan.request.name, owner) is not None:
        raise InvalidLink(f"there is a link {plan.request.name!r} already: unlink it first, or choose another --name")
    profile_name = profile or plan.request.name
    source = source_profile or words.as_ or words.with_
    if source_profile is not None:
        _ = Side(source_profile).session  # one that is not there is told before anything is made for it
    if source is not None:
        check_profile(config_file(), plan.request.name, profile_name)
    steps = link_steps(plan, owner, other)
    if output != "json":
        _show_plan(plan, owner, other)
    if dry_run:
        return _plan_json(plan, other)
    _ask(yes)
    run_steps(steps, _done if output != "json" else lambda _step: None)
    written: dict[str, str] | None = None
    if source is not None:
        settings = profile_settings(plan, owner, Side(source))
        write_profile(config_file(), plan.request.name, profile_name, settings)
        remember_endpoint(config_file(), source, settings)
        written = settings
    if output != "json":
        _show_next(plan, owner, other, profile_name, written)
    switch = switch_role_link(plan, owner)
    return _plan_json(plan, other) | {"profile": profile_name if written else None, "switchRole": switch}


def _show_plan(plan: LinkPlan, owner: Side, other: Side | None) -> None:
    request = plan.request
    out.print(
        f"[bold]{request.access}[/bold] access to {escape(request.resource)} for {request.to}: link {request.name}"
    )
    out.print(f"\nAccount {request.owner} (profile {owner.profile})", style="bold", markup=False)
    _show_new(f"role {plan.role_name}, trust policy", plan.trust_policy)
    _show_new(f"role {plan.role_name}, permissions", plan.role_policy)
    if plan.key_statement is not None:
        _show_new(f"statement in the policy of the key {request.key_arn}", plan.key_statement)
    by = "its administrator" if other is None else f"profile {other.profile}"
    out.print(f"\nAccount {request.to.account} ({by})", style="bold", markup=False)
    if other is None:
        for line in caller_commands(plan, None):
            out.print(line, markup=False)
    else:
        what = (
            "policy to attach" if request.to.kind == "account" else f"{request.to.kind} {request.to.short_name}, policy"
        )
        _show_new(f"{what} {plan.role_name}", plan.caller_policy)


def _show_new(what: str, document: dict[str, Any]) -> None:
    """What is added, as a diff shows it."""
    out.print(f"+ {what}", style="green", markup=False)
    text = json.dumps(document, indent=2)
    out.print(Syntax("\n".join(f"+ {line}" for line in text.splitlines()), "diff", background_color="default"))


def _show_steps(steps: list[Step]) -> None:
    for step in steps:
        out.print(f"- {step.what} (account {step.account})", style="red", markup=False)


def _done(step: Step) -> None:
    out.print(f"✓ {step.what} (account {step.account})", markup=False)


def _show_next(plan: LinkPlan, owner: Side, other: Side | None, profile: str, written: dict[str, str] | None) -> None:
    if written is not None:
        out.print(f"✓ wrote the profile {profile} to {config_file()}", markup=False)
    out.print(f"\nConsole: {switch_role_link(plan, owner)}", markup=False)
    if other is None:
        out.print("\nThe other account's administrator has to run:", style="bold")
        for line in caller_commands(plan, None):
            out.print(line, markup=False)
    if written is None:
        out.print("\nThe user's profile, to be put into the AWS configuration file:", style="bold")
        for key, value in profile_settings(plan, owner, None).items():
            out.print(f"  {key} = {value}", markup=False)
    out.print("\nTo try it:", style="bold")
    for line in try_commands(plan, profile):
        out.print(f"  {line}", markup=False)
    if other is not None and written is not None:
        sides = f"--owner {shlex.quote(owner.profile)} --with {shlex.quote(other.profile)}"
        out.print("\nTo prove it:", style="bold")
        out.print(f"  isthmus prove {plan.request.name} {sides}", markup=False)


def _ask(yes: bool) -> None:
    if not yes and not typer.confirm("\nApply?"):
        raise typer.Exit(1)


def _left_to_other(plan: LinkPlan, other: Side | None) -> list[str]:
    if other is not None:
        return []
    to = plan.request.to
    where = "managed policy" if to.kind == "account" else f"inline policy of {to.kind} {to.short_name}"
    return [f"{where} {plan.role_name} in account {to.account}"]


def _plan_json(plan: LinkPlan, other: Side | None) -> dict[str, Any]:
    return {
        "name": plan.request.name,
        "roleArn": plan.role_arn,
        "trustPolicy": plan.trust_policy,
        "rolePolicy": plan.role_policy,
        "callerPolicy": plan.caller_policy,
        "keyStatement": plan.key_statement,
        "otherSideToDo": [] if other is not None else caller_commands(plan, None),
    }


def _link_json(one: Linked) -> dict[str, Any]:
    return {
        "name": one.name,
        "resource": one.plan.request.resource,
        "to": str(one.plan.request.to),
        "access": one.plan.request.access,
        "roleArn": one.plan.role_arn,
        "state": one.state,
        "problems": list(one.problems),
        "checkedOtherSide": one.checked_other_side,
    }
