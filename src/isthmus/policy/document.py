"""A policy document: JSON text, read once with the position of everything that may have to be pointed at.

The text is kept byte for byte. Grammar: IAM User Guide, "Grammar of the IAM JSON policy language". This module
reads any document whose shape can be evaluated at all; what AWS would refuse to store is `validate`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from json.decoder import JSONDecodeError, py_scanstring, scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiled import CompiledDocument

MAX_DEPTH = 32
"""Deeper nesting than any policy needs; it bounds recursion."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_scan_string = scanstring or py_scanstring


class MalformedPolicy(ValueError):
    """A document that cannot be stored. message: AWS's text; line, column: where, from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class ConditionEntry:
    """One key of one operator: `operator` as written, `values` as strings."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. principals: `{"AWS": ("*",)}`-like; None where the element is missing.

    `negates_*` tell NotPrincipal, NotAction and NotResource. resources is None in a trust policy.
    """

    index: int
    sid: str
    effect: str
    actions: tuple[str, ...]
    negates_actions: bool
    resources: tuple[str, ...] | None
    negates_resources: bool
    principals: Mapping[str, tuple[str, ...]] | None
    negates_principals: bool
    conditions: tuple[ConditionEntry, ...]
    line: int = 1
    column: int = 1
    positions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Element name (`Action`, `Condition` …) -> its line and column."""


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A parsed document; `parse` is the way to get one."""

    text: str
    version: str
    id: str | None
    statements: tuple[Statement, ...]
    value: Any = field(repr=False, compare=False)
    """The JSON value; for validation and explanation."""
    _compiled: list[CompiledDocument] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> PolicyDocument:
        """The document of a JSON text; equal texts share one document. Raises MalformedPolicy."""
        return _parse(text)

    @property
    def has_variables(self) -> bool:
        """Whether `${…}` is a variable: only in version 2012-10-17."""
        return self.version == "2012-10-17"

    @property
    def compiled(self) -> CompiledDocument:
        """The matchers of this document, made at first use."""
        if not self._compiled:
            from .compiled import CompiledDocument  # noqa: PLC0415 - compiled documents hold statements

            self._compiled.append(CompiledDocument(self))
        return self._compiled[0]

    def principal_arns(self) -> tuple[str, ...]:
        """User and role ARNs and raw unique ids in Principal and NotPrincipal, to be resolved when it is saved."""
        found: dict[str, None] = {}
        for statement in self.statements:
            for value in (statement.principals or {}).get("AWS", ()):
                if _NAMES_ENTITY.match(value):
                    found[value] = None
        return tuple(found)


_NAMES_ENTITY = re.compile(r"(arn:[^:]+:iam::[0-9]{12}:(?:user|role)/|AIDA[A-Z0-9]{12,}\Z|AROA[A-Z0-9]{12,}\Z)")


@lru_cache(maxsize=8192)
def _parse(text: str) -> PolicyDocument:
    reader = _Reader(text)
    value = reader.read()
    if not isinstance(value, dict):
        raise MalformedPolicy("Syntax errors in policy.", *reader.place(0))
    raw = value.get("Statement")
    items = raw if isinstance(raw, list) else [raw]
    if raw is None:
        raise MalformedPolicy("Syntax errors in policy.", *reader.place(0))
    statements = []
    for index, item in enumerate(items):
        path = ("Statement", index) if isinstance(raw, list) else ("Statement",)
        place = reader.place(reader.positions.get(path, 0))
        if not isinstance(item, dict):
            raise MalformedPolicy("Syntax errors in policy.", *place)
        positions = {name: reader.place(reader.positions.get((*path, name), 0)) for name in item}
        statements.append(_statement(index, item, place, positions))
    version = value.get("Version", "2008-10-17")
    if not isinstance(version, str):
        raise MalformedPolicy("Syntax errors in policy.", *reader.place(reader.positions.get(("Version",), 0)))
    identifier = value.get("Id")
    return PolicyDocument(text, version, identifier if isinstance(identifier, str) else None, tuple(statements), value)


def _statement(
    index: int, item: dict[str, Any], place: tuple[int, int], positions: dict[str, tuple[int, int]]
) -> Statement:
    def strings(name: str) -> tuple[str, ...]:
        value = item[name]
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in values):
            raise MalformedPolicy("Syntax errors in policy.", *positions[name])
        return tuple(values)

    effect = item.get("Effect")
    sid = item.get("Sid", "")
    if effect not in ("Allow", "Deny") or not isinstance(sid, str):
        raise MalformedPolicy("Syntax errors in policy.", *place)
    resources = None
    for name in ("Resource", "NotResource"):
        if name in item:
            resources = strings(name)
    principals = None
    for name in ("Principal", "NotPrincipal"):
        if name in item:
            principals = _principals(item[name], positions[name])
    actions = strings("Action") if "Action" in item else strings("NotAction") if "NotAction" in item else ()
    return Statement(
        index=index,
        sid=sid,
        effect=effect,
        actions=actions,
        negates_actions="NotAction" in item,
        resources=resources,
        negates_resources="NotResource" in item,
        principals=principals,
        negates_principals="NotPrincipal" in item,
        conditions=_conditions(item.get("Condition", {}), positions.get("Condition", place)),
        line=place[0],
        column=place[1],
        positions=positions,
    )


def _principals(value: Any, place: tuple[int, int]) -> Mapping[str, tuple[str, ...]]:
    if value == "*":
        return {"*": ("*",)}
    if not isinstance(value, dict):
        raise MalformedPolicy("Syntax errors in policy.", *place)
    principals: dict[str, tuple[str, ...]] = {}
    for kind, named in value.items():
        names = named if isinstance(named, list) else [named]
        if not all(isinstance(name, str) for name in names):
            raise MalformedPolicy("Syntax errors in policy.", *place)
        principals[kind] = tuple(names)
    return principals


def _conditions(value: Any, place: tuple[int, int]) -> tuple[ConditionEntry, ...]:
    if not isinstance(value, dict):
        raise MalformedPolicy("Syntax errors in policy.", *place)
    entries = []
    for operator, keys in value.items():
        if not isinstance(keys, dict):
            raise MalformedPolicy("Syntax errors in policy.", *place)
        for key, given in keys.items():
            values = given if isinstance(given, list) else [given]
            if any(isinstance(one, dict | list) or one is None for one in values):
                raise MalformedPolicy("Syntax errors in policy.", *place)
            entries.append(ConditionEntry(operator, key, tuple(_text(one) for one in values)))
    return tuple(entries)


def _text(value: Any) -> str:
    """Strings, numbers and booleans are all compared as the text that was written (or would be)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class _Reader:
    """A JSON reader that refuses repeated keys and remembers where the upper levels stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.positions: dict[tuple[str | int, ...], int] = {}

    def read(self) -> Any:
        try:
            value, end = self._value(self._skip(0), (), 0)
        except (JSONDecodeError, IndexError, StopIteration) as error:
            offset = getattr(error, "pos", len(self._text))
            raise self._broken(offset) from None
        if self._skip(end) != len(self._text):
            raise self._broken(end)
        return value

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        before = self._text[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")

    def _broken(self, offset: int) -> MalformedPolicy:
        return MalformedPolicy("This policy contains invalid Json", *self.place(offset))

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, path: tuple[str | int, ...], depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise MalformedPolicy("Syntax errors in policy.", *self.place(at))
        if len(path) <= 3:
            self.positions[path] = at
        text = self._text
        first = text[at]
        if first == '"':
            string, end = _scan_string(text, at + 1, True)
            return string, end
        if first == "{":
            return self._object(at, path, depth)
        if first == "[":
            return self._array(at, path, depth)
        for word, value in _WORDS.items():
            if text.startswith(word, at):
                return value, at + len(word)
        number = _NUMBER.match(text, at)
        if number is None:
            raise self._broken(at)
        written = number.group()
        if len(written) > 40:
            raise self._broken(at)
        return (int(written) if written.lstrip("-").isdigit() else _Decimal(written)), number.end()

    def _object(self, at: int, path: tuple[str | int, ...], depth: int) -> tuple[dict[str, Any], int]:
        text, value = self._text, {}
        at = self._skip(at + 1)
        if text[at] == "}":
            return value, at + 1
        while True:
            if text[at] != '"':
                raise self._broken(at)
            name, end = _scan_string(text, at + 1, True)
            if name in value:
                raise MalformedPolicy(f"Syntax errors in policy. (duplicate element {name})", *self.place(at))
            colon = self._skip(end)
            if text[colon] != ":":
                raise self._broken(colon)
            value[name], end = self._value(self._skip(colon + 1), (*path, name), depth + 1)
            at = self._skip(end)
            if text[at] == "}":
                return value, at + 1
            if text[at] != ",":
                raise self._broken(at)
            at = self._skip(at + 1)

    def _array(self, at: int, path: tuple[str | int, ...], depth: int) -> tuple[list[Any], int]:
        text: str = self._text
        values: list[Any] = []
        at = self._skip(at + 1)
        if text[at] == "]":
            return values, at + 1
        while True:
            value, end = self._value(at, (*path, len(values)), depth + 1)
            values.append(value)
            at = self._skip(end)
            if text[at] == "]":
                return values, at + 1
            if text[at] != ",":
                raise self._broken(at)
            at = self._skip(at + 1)


class _Decimal(float):
    """A number that keeps the text it was written as: condition values are compared by it."""

    _written: str

    def __new__(cls, written: str) -> _Decimal:
        number = super().__new__(cls, written)
        number._written = written
        return number

    def __str__(self) -> str:
        return self._written
