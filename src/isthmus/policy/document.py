"""A policy document: JSON text, read once with the position of everything that may have to be pointed at.

The text is kept byte for byte. Grammar: IAM User Guide, "Grammar of the IAM JSON policy language". This
module reads any document whose shape can be evaluated at all; what AWS would refuse to store is `validate`'s
matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .compiled import CompiledStatement, Index, ResourceIndex, compile_statements
from .json_text import BrokenJson, JsonText

DOCUMENTS_KEPT = 4096
"""Parsed documents that are remembered by their text."""
OLD_VERSION, NEW_VERSION = "2008-10-17", "2012-10-17"
SYNTAX_ERRORS = "Syntax errors in policy."

_NAMES_ENTITY = re.compile(r"arn:[^:]+:iam::[0-9]{12}:(?:user|role)/|(?:AIDA|AROA)[A-Z0-9]{12,}\Z")


class MalformedPolicy(ValueError):
    """A document that cannot be stored. message: AWS's text; line, column: where, from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class ConditionEntry:
    """One key of one operator: `operator` and `key` as written, `values` as strings."""

    operator: str
    key: str
    values: tuple[str, ...]
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    principals: `{"AWS": ("123456789012",)}`, `{"*": ("*",)}` for a bare `"*"`; None where the element is
    missing. resources: None in a trust policy. negates_*: the element is NotPrincipal, NotAction,
    NotResource. line, column: where the statement begins, from 1. end_line, end_column: just behind its last
    brace. positions: element name -> its line and column.
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
    end_line: int = 1
    end_column: int = 1
    positions: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PolicyDocument:
    """A parsed document; `parse` is the way to get one, so that equal texts share their matchers.

    index, resource_index: the matchers by action, without and with principals (see `compiled`).
    value: the JSON value, for validation and explanation.
    statements_at: line and column of the value of the Statement element.
    """

    text: str
    version: str
    id: str | None
    statements: tuple[Statement, ...]
    value: Any = field(repr=False)
    statements_at: tuple[int, int] = (1, 1)
    index: Index = field(init=False, repr=False)
    resource_index: ResourceIndex = field(init=False, repr=False)
    _compiled: list[tuple[CompiledStatement, ...]] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", Index(self))
        object.__setattr__(self, "resource_index", ResourceIndex(self))

    @classmethod
    def parse(cls, text: str) -> PolicyDocument:
        """The document of a JSON text; equal texts share one document. Raises MalformedPolicy."""
        return _remembered(text)

    @classmethod
    def tried(cls, text: str) -> PolicyDocument:
        """The document of a JSON text that is needed once; it is not remembered. Raises MalformedPolicy."""
        return _parse(text)

    @classmethod
    def made(cls, value: dict[str, Any]) -> PolicyDocument:
        """The document of a JSON value that a program made up; it is not remembered. Raises MalformedPolicy."""
        return _parse(json.dumps(value))

    @property
    def has_variables(self) -> bool:
        """Whether `${…}` is a variable: only in version 2012-10-17."""
        return self.version == NEW_VERSION

    @property
    def compiled(self) -> tuple[CompiledStatement, ...]:
        """The matchers of the statements, made at first use."""
        if not self._compiled:
            self._compiled.append(compile_statements(self))
        return self._compiled[0]

    def principal_arns(self) -> tuple[str, ...]:
        """User and role ARNs and raw unique ids in Principal and NotPrincipal, to be resolved when it is
        saved."""
        found: dict[str, None] = {}
        for statement in self.statements:
            for value in (statement.principals or {}).get("AWS", ()):
                if _NAMES_ENTITY.match(value):
                    found[value] = None
        return tuple(found)


def read_json(text: str) -> JsonText:
    """The JSON of a policy text. Raises MalformedPolicy with IAM's words."""
    try:
        return JsonText(text)
    except BrokenJson as error:
        message = "This policy contains invalid Json" if error.repeated is None else SYNTAX_ERRORS
        raise MalformedPolicy(message, error.line, error.column) from None


def _parse(text: str) -> PolicyDocument:
    read = read_json(text)
    value = read.value
    if not isinstance(value, dict) or not isinstance(value.get("Statement"), dict | list):
        raise MalformedPolicy(SYNTAX_ERRORS, *read.place(()))
    version = value.get("Version", OLD_VERSION)
    identifier = value.get("Id")
    if not isinstance(version, str) or not isinstance(identifier, str | None):
        raise MalformedPolicy(SYNTAX_ERRORS, *read.place(("Version",)))
    raw = value["Statement"]
    if isinstance(raw, dict):
        statements = [_Elements(read, raw, ("Statement",)).statement(0)]
    else:
        statements = [_Elements(read, item, ("Statement", index)).statement(index) for index, item in enumerate(raw)]
    return PolicyDocument(text, version, identifier, tuple(statements), value, read.place(("Statement",)))


_remembered = lru_cache(maxsize=DOCUMENTS_KEPT)(_parse)


class _Elements:
    """The elements of one statement on their way from JSON to a Statement."""

    def __init__(self, read: JsonText, item: Any, path: tuple[str | int, ...]) -> None:
        self._json = read
        self._path = path
        if not isinstance(item, dict):
            raise self._error()
        self._item = item

    def statement(self, index: int) -> Statement:
        item = self._item
        effect, sid = item.get("Effect"), item.get("Sid", "")
        if effect not in ("Allow", "Deny"):
            raise self._error("Effect")
        if not isinstance(sid, str):
            raise self._error("Sid")
        line, column = self._json.place(self._path)
        end_line, end_column = self._json.end(self._path)
        return Statement(
            index=index,
            sid=sid,
            effect=effect,
            actions=self._strings("Action", "NotAction") or (),
            negates_actions="NotAction" in item,
            resources=self._strings("Resource", "NotResource"),
            negates_resources="NotResource" in item,
            principals=self._principals(),
            negates_principals="NotPrincipal" in item,
            conditions=self._conditions(),
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            positions={name: self._json.place((*self._path, name)) for name in item},
        )

    def _error(self, *inside: str) -> MalformedPolicy:
        return MalformedPolicy(SYNTAX_ERRORS, *self._json.place((*self._path, *inside)))

    def _one_of(self, name: str, negated: str) -> str | None:
        if name in self._item and negated in self._item:
            raise self._error(negated)
        return name if name in self._item else negated if negated in self._item else None

    def _strings(self, name: str, negated: str) -> tuple[str, ...] | None:
        element = self._one_of(name, negated)
        if element is None:
            return None
        values = _listed(self._item[element])
        if not all(isinstance(value, str) for value in values):
            raise self._error(element)
        return tuple(values)

    def _principals(self) -> Mapping[str, tuple[str, ...]] | None:
        element = self._one_of("Principal", "NotPrincipal")
        if element is None:
            return None
        value = self._item[element]
        if value == "*":
            return {"*": ("*",)}
        if not isinstance(value, dict):
            raise self._error(element)
        principals = {kind: tuple(_listed(named)) for kind, named in value.items()}
        if not all(isinstance(name, str) for names in principals.values() for name in names):
            raise self._error(element)
        return principals

    def _conditions(self) -> tuple[ConditionEntry, ...]:
        block = self._item.get("Condition", {})
        if not isinstance(block, dict):
            raise self._error("Condition")
        entries = []
        for operator, keys in block.items():
            if not isinstance(keys, dict):
                raise self._error("Condition", operator)
            for key, given in keys.items():
                values = _listed(given)
                if not all(isinstance(one, str | bool | int | float) for one in values):
                    raise self._error("Condition", operator, key)
                place = self._json.place((*self._path, "Condition", operator, key))
                entries.append(ConditionEntry(operator, key, tuple(_text(one) for one in values), *place))
        return tuple(entries)


def _listed(value: Any) -> list[Any]:
    """Every list may be a single value."""
    return value if isinstance(value, list) else [value]


def _text(value: str | bool | int | float) -> str:
    """Strings, numbers and booleans are compared as the text that was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
