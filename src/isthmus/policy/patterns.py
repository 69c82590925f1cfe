"""Globs of the policy language: `*` is any run of characters, `?` any one; matched without backtracking blow-up.

A pattern becomes a test made for its form: most are a literal, a prefix or a suffix. The general form walks text
and pattern with one remembered star, so it costs at most pattern length times text length. Text that came from a
policy variable is literal, also when it holds `*` (IAM User Guide, "Policy variables").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

Test = Callable[[str], bool]


class Wild:
    """A wildcard among literal characters; compared by identity."""

    def __init__(self, sign: str) -> None:
        self.sign = sign


STAR, ONE = Wild("*"), Wild("?")
Token = str | Wild
"""A literal piece of text or a wildcard."""


def tokens_of(pattern: str) -> tuple[Token, ...]:
    """The pattern with its wildcards told apart from literal text; runs of `*` become one."""
    tokens: list[Token] = []
    start = 0
    for at, sign in enumerate(pattern):
        if sign in "*?":
            if at > start:
                tokens.append(pattern[start:at])
            wild = STAR if sign == "*" else ONE
            if not (wild is STAR and tokens and tokens[-1] is STAR):
                tokens.append(wild)
            start = at + 1
    if start < len(pattern):
        tokens.append(pattern[start:])
    return tuple(tokens)


@lru_cache(maxsize=16384)
def glob(pattern: str) -> Test:
    """The test of a pattern as written."""
    return glob_of(tokens_of(pattern))


def glob_of(tokens: Sequence[Token]) -> Test:
    """The test of a pattern of tokens."""
    match tokens:
        case []:
            return lambda text: not text
        case [str(literal)]:
            return literal.__eq__
        case [Wild() as wild] if wild is STAR:
            return lambda text: True
        case [str(prefix), Wild() as wild] if wild is STAR:
            return lambda text: text.startswith(prefix)
        case [Wild() as wild, str(suffix)] if wild is STAR:
            return lambda text: text.endswith(suffix)
        case [Wild() as first, str(inner), Wild() as last] if first is STAR and last is STAR:
            return lambda text: inner in text
        case [str(prefix), Wild() as wild, str(suffix)] if wild is STAR:
            least = len(prefix) + len(suffix)
            return lambda text: len(text) >= least and text.startswith(prefix) and text.endswith(suffix)
    signs: list[Token] = []
    for token in tokens:
        signs.extend(token) if isinstance(token, str) else signs.append(token)
    return lambda text: _walk(signs, text)


def _walk(signs: list[Token], text: str) -> bool:
    """Match sign by sign; on a mismatch go back to the last star and let it take one character more."""
    at, position, star, resume = 0, 0, -1, 0
    size = len(signs)
    while position < len(text):
        if at < size and (signs[at] is ONE or signs[at] == text[position]):
            at += 1
            position += 1
        elif at < size and signs[at] is STAR:
            star, resume = at, position
            at += 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    while at < size and signs[at] is STAR:
        at += 1
    return at == size


def arn_glob_of(tokens: Sequence[Token]) -> Test:
    """The test of an ARN pattern: field by field for the first five, the rest as one glob.

    A lone `*` matches everything. A pattern with fewer than six fields matches as one glob.
    """
    if len(tokens) == 1 and tokens[0] is STAR:
        return lambda text: True
    fields = _split_fields(tokens)
    if fields is None:
        return glob_of(tokens)
    heads, rest = fields[:5], fields[5]
    if all(not isinstance(token, Wild) for head in heads for token in head):
        prefix = ":".join("".join(str(token) for token in head) for head in heads) + ":"
        return glob_of((prefix, *rest) if not rest or isinstance(rest[0], Wild) else (prefix + rest[0], *rest[1:]))
    tests = [glob_of(head) for head in heads]
    last = glob_of(rest)

    def by_field(text: str) -> bool:
        parts = text.split(":", 5)
        return len(parts) == 6 and all(map(lambda test, part: test(part), tests, parts)) and last(parts[5])

    return by_field


def _split_fields(tokens: Sequence[Token]) -> list[list[Token]] | None:
    """Tokens split at the first five colons of literal text; None when there are fewer."""
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if isinstance(token, Wild) or len(fields) == 6:
            fields[-1].append(token)
            continue
        pieces = token.split(":", 6 - len(fields))
        if pieces[0]:
            fields[-1].append(pieces[0])
        for piece in pieces[1:]:
            fields.append([piece] if piece else [])
    return fields if len(fields) == 6 else None
