"""Globs of the policy language: `*` is any run of characters, `?` any one; matched without backtracking.

A pattern becomes a test made for its form: most are a literal, a prefix or a suffix. The general form is cut
at its stars into segments. A segment has a fixed length, so the leftmost place where it fits is always as
good as any later one: each is looked for once, from where the one before ended, and the whole costs at most
pattern length times text length. Text that came from a policy variable is literal, also when it holds `*`
(IAM User Guide, "IAM policy elements: Variables and tags").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

Test = Callable[[str], bool]


class Wild:
    """A wildcard among literal characters; there are two, compared by identity."""

    __slots__ = ("sign",)

    def __init__(self, sign: str) -> None:
        self.sign = sign

    def __repr__(self) -> str:
        return f"<{self.sign}>"


STAR, ONE = Wild("*"), Wild("?")
Token = str | Wild
"""A literal piece of text or a wildcard."""

ARN_FIELDS = 6


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


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Test:
    """The test of a pattern as written."""
    return glob_of(tokens_of(pattern))


def glob_of(tokens: Sequence[Token]) -> Test:
    """The test of a pattern of tokens (neighbouring literals joined, as `tokens_of` gives them)."""
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
    return _by_segments(tokens)


class _Segment:
    """What stands between two stars: literal pieces at fixed offsets, the rest any characters."""

    __slots__ = ("literal", "pieces", "size")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.pieces: list[tuple[int, str]] = []
        self.size = 0
        for token in tokens:
            if isinstance(token, str):
                self.pieces.append((self.size, token))
                self.size += len(token)
            else:
                self.size += 1
        # Without a `?` the segment is one literal, which str.find looks for in linear time.
        self.literal = self.pieces[0][1] if len(self.pieces) == 1 and len(self.pieces[0][1]) == self.size else None

    def fits(self, text: str, at: int) -> bool:
        """Whether the segment stands in `text` at `at`; the caller has made sure of the length."""
        for offset, piece in self.pieces:  # noqa: SIM110 - a generator would cost more than the tests
            if not text.startswith(piece, at + offset):
                return False
        return True

    def find(self, text: str, start: int, end: int) -> int:
        """The first place from `start` where the segment fits before `end`; -1 if there is none."""
        if self.literal is not None:
            return text.find(self.literal, start, end)
        last = end - self.size
        if not self.pieces:
            return start if start <= last else -1
        offset, piece = self.pieces[0]
        at = start
        while at <= last:
            found = text.find(piece, at + offset, last + offset + len(piece))
            if found < 0:
                return -1
            at = found - offset
            if self.fits(text, at):
                return at
            at += 1
        return -1


def _by_segments(tokens: Sequence[Token]) -> Test:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token is STAR:
            parts.append([])
        else:
            parts[-1].append(token)
    segments = [_Segment(part) for part in parts]
    least = sum(segment.size for segment in segments)
    first = segments[0]
    if len(segments) == 1:
        return lambda text: len(text) == least and first.fits(text, 0)
    last = segments[-1]
    middle = [segment for segment in segments[1:-1] if segment.size]

    def matches(text: str) -> bool:
        size = len(text)
        if size < least or not first.fits(text, 0):
            return False
        end = size - last.size
        if not last.fits(text, end):
            return False
        at = first.size
        for segment in middle:
            at = segment.find(text, at, end)
            if at < 0:
                return False
            at += segment.size
        return True

    return matches


def arn_glob_of(fields: Sequence[Sequence[Token]]) -> Test:
    """The test of an ARN pattern of up to six fields: field by field, the last as one glob that crosses `/`
    and `:`.

    Missing fields are completed with `*` (IAM User Guide, "IAM JSON policy elements: Resource": an incomplete
    ARN).
    """
    if len(fields) == 1 and len(fields[0]) == 1 and fields[0][0] is STAR:
        return lambda text: True
    complete = [*fields, *([(STAR,)] * (ARN_FIELDS - len(fields)))]
    heads, rest = complete[:5], complete[5]
    if all(isinstance(token, str) for head in heads for token in head):
        prefix = ":".join("".join(map(str, head)) for head in heads) + ":"
        if prefix.count(":") >= ARN_FIELDS:
            # The value of a variable cannot move the fields behind it.
            return lambda text: False
        # Literal heads and the rest are one glob: nothing before the fifth colon can vary.
        if rest and isinstance(rest[0], str):
            return glob_of((prefix + rest[0], *rest[1:]))
        return glob_of((prefix, *rest))
    tests = [glob_of(tuple(head)) for head in heads]
    last = glob_of(tuple(rest))

    def by_field(text: str) -> bool:
        parts = text.split(":", 5)
        if len(parts) != ARN_FIELDS:
            return False
        for test, part in zip(tests, parts, strict=False):
            if not test(part):
                return False
        return last(parts[5])

    return by_field


def split_arn(pattern: str) -> list[str]:
    """An ARN pattern cut at its first five colons that do not stand inside `${…}`."""
    fields: list[str] = []
    start = depth = at = 0
    while at < len(pattern) and len(fields) < ARN_FIELDS - 1:
        sign = pattern[at]
        if sign == "{" and at and pattern[at - 1] == "$":
            depth = 1
        elif sign == "}":
            depth = 0
        elif sign == ":" and not depth:
            fields.append(pattern[start:at])
            start = at + 1
        at += 1
    fields.append(pattern[start:])
    return fields
