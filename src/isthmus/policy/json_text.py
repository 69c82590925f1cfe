"""JSON with a memory: the value of a text, where its elements stand, and no repeated keys.

The standard library's reader forgets positions and lets the last of two equal keys win; a policy whose second
`Effect` overrides its first must be refused (IAM User Guide, "Grammar of the IAM JSON policy language").
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

MAX_DEPTH = 32
"""Deeper nesting than any policy needs; it bounds recursion."""
_PLACES_DEPTH = 5
"""How deep positions are remembered: document, statement, element, operator, key."""
_NUMBER_DIGITS = 40

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}

Path = tuple[str | int, ...]


class BrokenJson(ValueError):
    """Not JSON, or JSON with a repeated key or too deep. repeated: the key that stands twice, if that is
    it."""

    def __init__(self, line: int, column: int, repeated: str | None = None) -> None:
        super().__init__(f"line {line}, column {column}")
        self.line = line
        self.column = column
        self.repeated = repeated


class Number(float):
    """A number with a fraction or exponent that keeps the text it was written as: conditions compare by
    it."""

    written: str

    def __new__(cls, written: str) -> Number:
        number = super().__new__(cls, written)
        number.written = written
        return number

    def __str__(self) -> str:
        return self.written


class JsonText:
    """A JSON text and its `value`. Raises BrokenJson."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._offsets: dict[Path, int] = {}
        self._ends: dict[Path, int] = {}
        try:
            self.value, end = self._value(self._skip(0), (), 0)
        except JSONDecodeError as error:
            raise self._broken(error.pos) from None
        except IndexError:
            raise self._broken(len(text)) from None
        if self._skip(end) != len(text):
            raise self._broken(end)

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the value at a path; of the nearest value around it if it is not
        there."""
        while path and path not in self._offsets:
            path = path[:-1]
        return self._place(self._offsets.get(path, 0))

    def end(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, just behind the object at a path. Raises KeyError where there is none."""
        return self._place(self._ends[path])

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _broken(self, offset: int, repeated: str | None = None) -> BrokenJson:
        return BrokenJson(*self._place(offset), repeated)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, path: Path, depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise self._broken(at)
        if depth <= _PLACES_DEPTH:
            self._offsets[path] = at
        text = self._text
        first = text[at]
        if first == '"':
            string, end = scanstring(text, at + 1, True)
            return string, end
        if first == "{":
            members, end = self._object(at, path, depth)
            if depth <= _PLACES_DEPTH:
                self._ends[path] = end
            return members, end
        if first == "[":
            return self._array(at, path, depth)
        for word, value in _WORDS.items():
            if text.startswith(word, at):
                return value, at + len(word)
        number = _NUMBER.match(text, at)
        if number is None or len(number.group()) > _NUMBER_DIGITS:
            raise self._broken(at)
        written = number.group()
        return (int(written) if written.lstrip("-").isdigit() else Number(written)), number.end()

    def _object(self, at: int, path: Path, depth: int) -> tuple[dict[str, Any], int]:
        text = self._text
        value: dict[str, Any] = {}
        at = self._skip(at + 1)
        if text[at] == "}":
            return value, at + 1
        while True:
            if text[at] != '"':
                raise self._broken(at)
            name, end = scanstring(text, at + 1, True)
            if name in value:
                raise self._broken(at, name)
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

    def _array(self, at: int, path: Path, depth: int) -> tuple[list[Any], int]:
        text = self._text
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
