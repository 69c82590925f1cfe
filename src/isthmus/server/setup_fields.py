"""Reading YAML nodes of a setup file: every getter checks, and names the line of what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from isthmus.policy import MalformedPolicy
from isthmus.wire import AwsError


class InvalidSetup(ValueError):
    """The file cannot be applied; the message begins with the line where it is wrong."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


def policy_text(node: yaml.Node, check: Callable[[str], Any]) -> str:
    """A policy: a YAML mapping becomes JSON, a string is taken as JSON text, byte for byte. Raises InvalidSetup."""
    line = node.start_mark.line + 1
    value = plain(node)
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    try:
        check(text)
    except MalformedPolicy as error:
        raise InvalidSetup(line, f"policy: {error}") from None
    return text


def plain(node: yaml.Node) -> Any:
    """The value of a node; dates and the like stay text, as JSON has it. A repeated key is refused."""
    if isinstance(node, yaml.MappingNode):
        value: dict[str, Any] = {}
        for key, item in node.value:
            if key.value in value:
                raise InvalidSetup(key.start_mark.line + 1, f"{key.value!r} stands twice")
            value[key.value] = plain(item)
        return value
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value.lower() in ("true", "yes", "on")
    if node.tag == "tag:yaml.org,2002:int" and re.fullmatch(r"-?[0-9]{1,11}", node.value):
        return int(node.value)
    return node.value


def scalar(node: yaml.Node, what: str) -> str:
    """The text of a node that is neither list nor mapping. Raises InvalidSetup."""
    if not isinstance(node, yaml.ScalarNode):
        raise InvalidSetup(node.start_mark.line + 1, f"{what} must be a text")
    return str(node.value)


class Fields:
    """A mapping node with known keys; every getter checks and names the line of what is wrong."""

    def __init__(self, node: yaml.Node, what: str, known: tuple[str, ...]) -> None:
        self.what = what
        self.line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise InvalidSetup(self.line, f"{what} must be a mapping with the keys {', '.join(known)}")
        self._nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value not in known:
                raise InvalidSetup(line, f"{what} has no key {key.value!r}; it may have {', '.join(known)}")
            if key.value in self._nodes:
                raise InvalidSetup(line, f"{key.value!r} stands twice in {what}")
            if value.tag != "tag:yaml.org,2002:null":
                self._nodes[key.value] = value

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def line_of(self, key: str) -> int:
        """The line of a key's value; of the mapping where it is missing."""
        return self._nodes[key].start_mark.line + 1 if key in self._nodes else self.line

    def node(self, key: str) -> yaml.Node:
        """The value of a key that must be there. Raises InvalidSetup."""
        if key not in self._nodes:
            raise InvalidSetup(self.line, f"{self.what} needs `{key}`")
        return self._nodes[key]

    def nodes(self, key: str, required: bool = False) -> list[yaml.Node]:
        """The items of a list; none where the key is missing. Raises InvalidSetup."""
        if key not in self._nodes and not required:
            return []
        node = self.node(key)
        if not isinstance(node, yaml.SequenceNode):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a list")
        return list(node.value)

    def items(self, key: str) -> list[tuple[str, yaml.Node]]:
        """The entries of a mapping; none where the key is missing. Raises InvalidSetup."""
        if key not in self._nodes:
            return []
        node = self._nodes[key]
        if not isinstance(node, yaml.MappingNode):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a mapping")
        return [(str(name.value), value) for name, value in node.value]

    def optional_text(self, key: str, check: Callable[[str], object] | None = None, want: str = "") -> str | None:
        """A text, None where the key is missing. check: what it must pass; want: that in words. Raises InvalidSetup."""
        if key not in self._nodes:
            return None
        text = scalar(self._nodes[key], f"`{key}`")
        if check is not None and not check(text):
            raise InvalidSetup(self.line_of(key), f"`{key}` is {text!r}; it must be {want}")
        return text

    def text(
        self,
        key: str,
        required: bool = False,
        default: str = "",
        check: Callable[[str], object] | None = None,
        want: str = "",
    ) -> str:
        """A text, or `default` where the key is missing and need not be there. Raises InvalidSetup."""
        if required:
            self.node(key)
        text = self.optional_text(key, check, want)
        return default if text is None else text

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; none where the key is missing. Raises InvalidSetup."""
        return tuple(scalar(node, f"each of `{key}`") for node in self.nodes(key))

    def number(self, key: str) -> float | None:
        """A number, None where the key is missing. Raises InvalidSetup."""
        text = self.optional_text(key)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a number") from None

    def flag(self, key: str) -> bool:
        """Whether the key is there and true. Raises InvalidSetup."""
        text = self.optional_text(key)
        if text is not None and text.lower() not in ("true", "false", "yes", "no", "on", "off"):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be true or false")
        return text is not None and text.lower() in ("true", "yes", "on")


class named:  # noqa: N801 - reads as a phrase
    """Errors of the domain inside it become InvalidSetup with the line of what was being made."""

    def __init__(self, line: int, what: str) -> None:
        self._line = line
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AwsError):
            raise InvalidSetup(self._line, f"{self._what}: {error.message}") from None
