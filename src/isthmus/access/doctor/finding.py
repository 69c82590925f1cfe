"""What a finding is, and the table of rules that make findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from isthmus.policy import PolicyDocument, Statement

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first. error: it cannot work, or lets in whom it must not. warning: it may. note: to be known."""
About = Literal["profiles", "policies", "callers", "buckets"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where: a line of a file, or an ARN with a statement of its policy. line, column: from 1, in file or policy."""

    file: Path | None = None
    arn: str | None = None
    statement: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        if self.file is not None:
            return f"{self.file}:{self.line}" if self.line is not None else str(self.file)
        statement = "" if self.statement is None else f", statement {self.statement} (line {self.line})"
        return f"{self.arn}{statement}"

    def to_json(self) -> Json:
        """For programs."""
        return {"file": None if self.file is None else str(self.file), "arn": self.arn, "statement": self.statement,
                "line": self.line, "column": self.column}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do. command: ready to run. document: policy JSON, ready to be put in the policy's place."""

    words: str = ""
    command: str | None = None
    document: Json | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule yields. severity: where it is not the rule's own."""

    place: Place
    what: str
    fix: Fix
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake, by the rule that found it."""

    rule: str
    severity: Severity
    place: Place
    what: str
    fix: Fix
    source: str

    def to_json(self) -> Json:
        """For programs."""
        return {
            "rule": self.rule, "severity": self.severity, "where": self.place.to_json(), "what": self.what,
            "fix": {"words": self.fix.words, "command": self.fix.command, "document": self.fix.document},
            "source": self.source,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NotChecked:
    """What could not be looked at. rules: that could therefore not be applied. needs: a permission or a profile."""

    rules: tuple[str, ...]
    about: str
    needs: str

    def to_json(self) -> Json:
        """For programs."""
        return {"rules": list(self.rules), "about": self.about, "needs": self.needs}


@dataclass(slots=True)
class Report:
    """What was found, what was not checked, and how many things of each kind were looked at."""

    findings: list[Finding] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)

    def worst(self, than: Severity) -> bool:
        """Whether there is a finding as grave as that, or graver."""
        bound = SEVERITIES.index(than)
        return any(SEVERITIES.index(one.severity) <= bound for one in self.findings)

    def to_json(self) -> Json:
        """For programs."""
        return {
            "findings": [one.to_json() for one in self.findings],
            "notChecked": [one.to_json() for one in self.not_checked],
            "lookedAt": self.looked_at,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. about: the kind of facts it looks at. title: the mistake in a few words. source: a public page.

    check: facts of that kind -> what it finds.
    """

    id: str
    about: About
    severity: Severity
    title: str
    source: str
    check: Callable[[Any], Iterator[Found]]

    def apply(self, facts: Any) -> Iterator[Finding]:
        """The findings in these facts."""
        for one in self.check(facts):
            yield Finding(self.id, one.severity or self.severity, one.place, one.what, one.fix, self.source)


RULES: dict[str, Rule] = {}
"""Every rule by its id."""
Check = Callable[[Any], Iterator[Found]]


def rule(identifier: str, about: About, severity: Severity, title: str, source: str) -> Callable[[Check], Check]:
    """Add a function to the table."""

    def add(check: Check) -> Check:
        RULES[identifier] = Rule(identifier, about, severity, title, source, check)
        return check

    return add


def statement_place(arn: str, statement: Statement) -> Place:
    """A statement of the policy of that ARN."""
    return Place(arn=arn, statement=statement.sid or f"number {statement.index + 1}", line=statement.line,
                 column=statement.column)  # fmt: skip


def with_statement(document: PolicyDocument, index: int, changed: Json) -> Json:
    """The whole document with another statement in one's place; behind the last one it is added."""
    value: Json = json.loads(json.dumps(document.value))
    statements = value["Statement"] if isinstance(value["Statement"], list) else [value["Statement"]]
    statements[index : index + 1] = [changed]
    return {**value, "Statement": statements}


def written_statement(document: PolicyDocument, index: int) -> Json:
    """A statement as it is written; a copy."""
    written = document.value["Statement"]
    statement: Json = json.loads(json.dumps(written[index] if isinstance(written, list) else written))
    return statement
