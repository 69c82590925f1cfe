"""Policy variables: `${aws:username}`, with a default `${key, 'text'}`, and the literals `${*}`, `${?}`, `${$}`.

Source: IAM User Guide, "IAM policy elements: Variables and tags". Only documents of version 2012-10-17 have them. A
template is compiled once; filling it costs a lookup a variable. Substituted text is literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from .model import Context
from .patterns import ARN_FIELDS, STAR, Token, Wild, split_arn, tokens_of

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERALS = ("*", "?", "$")


@dataclass(frozen=True, slots=True)
class Variable:
    """A reference to a single-valued context key (lower case) and what stands for it when it is absent."""

    key: str
    default: str | None


Part = Token | Variable
Template = tuple[Part, ...]


def template_of(text: str, wildcards: bool) -> Template:
    """The parts of a text with variables. wildcards: whether `*` and `?` are wildcards in it."""
    parts: list[Part] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        parts.extend(_plain(text[at : found.start()], wildcards))
        parts.extend(_reference(found, wildcards))
        at = found.end()
    parts.extend(_plain(text[at:], wildcards))
    return _joined(parts)


def names_in(text: str) -> tuple[str, ...]:
    """The context keys that a text refers to, as they are written."""
    named = (_name_and_default(found.group(1)) for found in _VARIABLE.finditer(text))
    return tuple(found[0] for found in named if found is not None and found[0] not in _LITERALS)


def is_constant(template: Template) -> bool:
    """Whether no variable is left in it."""
    return not any(isinstance(part, Variable) for part in template)


def fill(template: Template, context: Context) -> tuple[Token, ...] | None:
    """The template with values in place; None when a key is absent (or multivalued) and has no default."""
    filled: list[Part] = []
    for part in template:
        if isinstance(part, Variable):
            value = context.get(part.key)
            if not isinstance(value, str):
                value = part.default
            if value is None:
                return None
            filled.append(value)
        else:
            filled.append(part)
    return cast(tuple[Token, ...], _joined(filled))


def arn_template(pattern: str, everywhere: bool) -> tuple[Template, ...]:
    """The fields of an ARN pattern with variables.

    everywhere: in conditions; in a Resource element variables stand only after the fifth colon.
    """
    fields = split_arn(pattern)
    return tuple(
        template_of(field, wildcards=True) if everywhere or at == ARN_FIELDS - 1 else tokens_of(field)
        for at, field in enumerate(fields)
    )


def fill_arn(fields: Sequence[Template], context: Context) -> list[tuple[Token, ...]] | None:
    """The fields with values in place; None when a key is absent and has no default."""
    filled = []
    for field in fields:
        tokens = fill(field, context)
        if tokens is None:
            return None
        filled.append(tokens)
    return filled


def literal_test(fields: Sequence[Template]) -> Callable[[str, Context], bool] | None:
    """A quick test for the usual form of a Resource with variables, which has no wildcard but a last `*`; None for
    others."""
    parts: list[Part] = []
    for at, field in enumerate(fields):
        if at:
            parts.append(":")
        parts.extend(field)
    open_ended = parts[-1] is STAR
    if open_ended:
        parts.pop()
    if any(isinstance(part, Wild) for part in parts):
        return None
    # No wildcard is left in it.
    joined = cast(tuple[str | Variable, ...], _joined(parts))

    def test(text: str, context: Context) -> bool:
        wanted = ""
        for part in joined:
            if isinstance(part, str):
                wanted += part
                continue
            value = context.get(part.key)
            if not isinstance(value, str):
                value = part.default
                if value is None:
                    return False
            wanted += value
        return text.startswith(wanted) if open_ended else text == wanted

    return test


def _plain(text: str, wildcards: bool) -> tuple[Part, ...]:
    return tokens_of(text) if wildcards else (text,)


def _reference(found: re.Match[str], wildcards: bool) -> tuple[Part, ...]:
    inside = found.group(1)
    if inside in _LITERALS:
        return (inside,)
    named = _name_and_default(inside)
    if named is None:  # what is no reference stays text
        return _plain(found.group(), wildcards)
    return (Variable(named[0].lower(), named[1]),)


def _name_and_default(inside: str) -> tuple[str, str | None] | None:
    """The key and the default, if any, of `${key, 'default'}`; None for what is no reference."""
    name, comma, default = inside.partition(",")
    name, default = name.strip(), default.strip()
    quoted = len(default) >= 2 and default[0] == default[-1] == "'" and "'" not in default[1:-1]
    if not name or "'" in name or (comma and not quoted):
        return None
    return name, default[1:-1] if comma else None


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbouring literal pieces made one, empty ones dropped."""
    joined: list[Part] = []
    run: list[str] = []
    for part in parts:
        if isinstance(part, str):
            run.append(part)
            continue
        if text := "".join(run):
            joined.append(text)
        joined.append(part)
        run.clear()
    if text := "".join(run):
        joined.append(text)
    return tuple(joined)
