"""Options of a question, which `isthmus can` and `isthmus explain` both ask."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from isthmus.access.dependence import what_tells
from isthmus.access.question import CannotForetell, Question
from isthmus.policy import ContextValue

from .screen import profile_names

Context = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE of the request; repeatable, also for more values of a key.", show_default="none"),
]
Organization = Annotated[
    str | None,
    typer.Option(
        help="AWS profile of the organization's management account.",
        show_default="no SCPs and RCPs",
        autocompletion=profile_names,
    ),
]


def question_of(principal: str, action: str, resource: str, context: list[str]) -> Question:
    """A question as it was typed. Raises CannotForetell for words that would be denied whatever the policies say."""
    if re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", action) is None:
        raise CannotForetell(f"{action!r} is no action: say SERVICE:NAME, like s3:GetObject, of one at a time")
    place = re.fullmatch(r"s3://([^/]+)(/.+)?/?", resource, re.DOTALL)
    if place is not None:
        raise CannotForetell(f"{resource!r} is no ARN: say arn:aws:s3:::{place[1]}{place[2] or ''}")
    if resource != "*" and (not resource.startswith("arn:") or resource.count(":") < 5):
        raise CannotForetell(f"{resource!r} is no ARN: say arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME, or * for none")
    return Question(principal, action, resource, context_of(context))


def what_is_missing(keys: tuple[str, ...]) -> str:
    """What an answer depends on, and the option that tells it."""
    told = what_tells(keys)
    return told if "--organization" in told else f"{told}: say it with --context KEY=VALUE"


def context_of(given: list[str]) -> dict[str, ContextValue]:
    """Keys in lower case; a key that is given more than once has several values. Raises CannotForetell."""
    found: dict[str, ContextValue] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or ":" not in key:
            raise CannotForetell(f"--context {text!r} must be KEY=VALUE, like aws:MultiFactorAuthPresent=true")
        name = key.strip().lower()
        before = found.get(name)
        found[name] = value if before is None else (*((before,) if isinstance(before, str) else before), value)
    return found
