"""Policy variables: `${aws:username}`, with a default `${key, 'text'}`, and the literals `${*}`, `${?}`, `${$}`.

Source: IAM User Guide, "IAM policy elements: Variables and tags". Only documents of version 2012-10-17 have them.
A template is compiled once; filling it costs a lookup a variable. Substituted text is literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .model import Context
from .patterns import Test, Token, tokens_of

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAMED = re.compile(r"\s*([^,'\s][^,']*?)\s*(?:,\s*'([^']*)'\s*)?\Z")


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
        if found.start() > at:
            parts.extend(_plain(text[at : found.start()], wildcards))
        parts.extend(_reference(found, wildcards))
        at = found.end()
    if at < len(text):
        parts.extend(_plain(text[at:], wildcards))
    return _joined(parts)


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
    return _joined(filled)  # type: ignore[return-value] - no Variable is left


def test_with_variables(template: Template, make: Callable[[Sequence[Token]], Test]) -> Callable[[str, Context], bool]:
    """A test of a text that fills the template first; an unfilled one matches nothing."""

    def test(text: str, context: Context) -> bool:
        tokens = fill(template, context)
        return tokens is not None and make(tokens)(text)

    return test


def _plain(text: str, wildcards: bool) -> tuple[Part, ...]:
    return tokens_of(text) if wildcards else (text,)


def _reference(found: re.Match[str], wildcards: bool) -> tuple[Part, ...]:
    inside = found.group(1)
    if inside in ("*", "?", "$"):
        return (inside,)
    named = _NAMED.match(inside)
    if named is None:
        return _plain(found.group(), wildcards)
    return (Variable(named.group(1).lower(), named.group(2)),)


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbouring literal pieces made one, empty ones dropped."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)
