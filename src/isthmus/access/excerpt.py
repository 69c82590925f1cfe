"""The lines of a statement in its document, with marks where it matters.

Of a statement that decided, its beginning is marked; of one that nearly applied, the elements that did not match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from isthmus.policy import MalformedPolicy, PolicyDocument, Statement

Json = dict[str, Any]
_LONG = 120  # characters; a document that somebody stored as one line has longer ones


class Line(NamedTuple):
    """One line of a document. number: from 1. cut: how many characters in front of `text` are left out."""

    number: int
    text: str
    cut: int = 0


class Mark(NamedTuple):
    """A place to look at. what: the element that did not match; empty for the statement itself. From 1."""

    line: int
    column: int
    what: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A statement's lines, and the marks in them in order. line, column: where the statement begins, from 1."""

    line: int
    column: int
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]

    def to_json(self) -> Json:
        """For programs."""
        return {
            "line": self.line,
            "column": self.column,
            "lines": [{"line": one.number, "text": one.text, "cut": one.cut} for one in self.lines],
            "marks": [one._asdict() for one in self.marks],
        }

    def drawn(self) -> list[tuple[bool, str]]:
        """For people: each line, and whether it is marked; below a marked one an arrow to each place."""
        marked = {mark.line for mark in self.marks}
        width = len(str(self.lines[-1].number)) if self.lines else 1
        drawn = []
        for line in self.lines:
            drawn.append(
                (line.number in marked, f"{'>' if line.number in marked else ' '} {line.number:>{width}} │ {line.text}")
            )
            for mark in self.marks:
                if mark.line == line.number and mark.what:
                    drawn.append((True, f"  {'':>{width}} │ {' ' * (mark.column - 1 - line.cut)}^ {mark.what}"))
        return drawn


def excerpt_of(text: str, told: Json) -> Excerpt | None:
    """The lines of a statement that a decision tells of; None where the document has another one there now.

    told: `line`, `column`, `index`, `statementId` and `effect` of it, and `unmatched` of one that did not apply.
    """
    try:
        statements = PolicyDocument.parse(text).statements
    except MalformedPolicy:
        return None
    if told["index"] >= len(statements):
        return None
    statement = statements[told["index"]]
    here = (statement.line, statement.column, statement.sid, statement.effect.upper())
    if here != (told["line"], told["column"], told["statementId"], told["effect"]):
        return None
    unmatched = told.get("unmatched", ())
    marks = [Mark(*_place(statement, element), f"does not match: {element}") for element in unmatched]
    lines = _lines(text, statement)
    return Excerpt(
        statement.line, statement.column, lines,
        tuple(sorted(marks)) or (Mark(statement.line, statement.column, ""),),
    )  # fmt: skip


def _lines(text: str, statement: Statement) -> tuple[Line, ...]:
    lines = text.splitlines()
    if statement.line == statement.end_line and len(lines[statement.line - 1]) > _LONG:
        cut = statement.column - 1
        return (Line(statement.line, lines[statement.line - 1][cut : statement.end_column - 1], cut),)
    numbers = range(statement.line, min(statement.end_line, len(lines)) + 1)
    return tuple(Line(number, lines[number - 1]) for number in numbers)


def _place(statement: Statement, element: str) -> tuple[int, int]:
    """Where `Resource`, or `Condition OPERATOR KEY`, stands; the statement where it has no such element."""
    words = element.split(" ", 2)
    if words[0] == "Condition" and len(words) == 3:
        for entry in statement.conditions:
            if [entry.operator, entry.key] == words[1:]:
                return entry.line, entry.column
    return statement.positions.get(words[0], (statement.line, statement.column))
