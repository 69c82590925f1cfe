"""XML of an output by its shape: one writer per shape, made once, that appends text to a list.

Elements are named by the model (`locationName`), lists are flattened where it says so, absent members are left out.
Characters that XML 1.0 cannot hold are written as character references, as S3 does; clients that need them ask for
`encoding-type=url`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.model import Shape

from .values import write_scalar

Write = Callable[[list[str], Any], None]
_ESCAPED = re.compile(r"[&<>\"\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def escape(text: str) -> str:
    """Text as XML character data or attribute value."""
    if _ESCAPED.search(text) is None:
        return text
    return _ESCAPED.sub(lambda found: _NAMED.get(found[0]) or f"&#x{ord(found[0]):X};", text)


class XmlWriters:
    """Writers by shape."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Write] = {}

    def element(self, shape: Shape, name: str, attributes: str = "") -> Write:
        """A writer of `<name>value</name>`."""
        content = self.content(shape)
        start, end = f"<{name}{attributes}>", f"</{name}>"
        namespace = shape.serialization.get("xmlNamespace")
        typed = self._attribute(shape)
        if typed is not None:
            member, attribute = typed
            prefix = namespace["prefix"] if isinstance(namespace, dict) and "prefix" in namespace else "xsi"

            def write_typed(out: list[str], value: Any) -> None:
                kind = escape(str(value.get(member, "")))
                out.append(f'<{name} xmlns:{prefix}="{_XSI}" {attribute}="{kind}">')
                content(out, value)
                out.append(end)

            return write_typed

        def write(out: list[str], value: Any) -> None:
            out.append(start)
            content(out, value)
            out.append(end)

        return write

    def content(self, shape: Shape) -> Write:
        """A writer of a value without the element around it."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        if kind == "string":
            return lambda out, value: out.append(escape(str(value)))
        return lambda out, value: out.append(escape(write_scalar(shape, value, "iso8601")))

    def _attribute(self, shape: Any) -> tuple[str, str] | None:
        if shape.type_name == "structure":
            for name, member in shape.members.items():
                if member.serialization.get("xmlAttribute"):
                    return name, member.serialization.get("name", name)
        return None

    def _structure(self, shape: Any) -> Write:
        members: list[tuple[str, Write]] = []
        for name, member in shape.members.items():
            if member.serialization.get("xmlAttribute") or "location" in member.serialization:
                continue
            members.append((name, self._member(member, name)))

        def write(out: list[str], value: Any) -> None:
            for name, write_member in members:
                item = value.get(name)
                if item is not None:
                    write_member(out, item)

        return write

    def _member(self, member: Any, name: str) -> Write:
        written = member.serialization.get("name", name)
        if member.type_name not in ("structure", "list", "map"):
            return self._scalar(member, written)
        if member.type_name == "list" and member.serialization.get("flattened"):
            each = self._lazily(member.member, member.member.serialization.get("name", written))

            def write_flat(out: list[str], items: Any) -> None:
                for item in items:
                    each(out, item)

            return write_flat
        return self._lazily(member, written)

    def _scalar(self, shape: Shape, name: str) -> Write:
        """A whole element in one piece: most of any answer is of these."""
        start, end = f"<{name}>", f"</{name}>"
        if shape.type_name == "string":
            return lambda out, value: out.append(f"{start}{escape(str(value))}{end}")
        if shape.type_name in ("integer", "long"):
            return lambda out, value: out.append(f"{start}{value}{end}")
        return lambda out, value: out.append(f"{start}{escape(write_scalar(shape, value, 'iso8601'))}{end}")

    def _list(self, shape: Any) -> Write:
        each = self._lazily(shape.member, shape.member.serialization.get("name", "member"))

        def write(out: list[str], items: Any) -> None:
            for item in items:
                each(out, item)

        return write

    def _map(self, shape: Any) -> Write:
        key = self._lazily(shape.key, shape.key.serialization.get("name", "key"))
        item = self._lazily(shape.value, shape.value.serialization.get("name", "value"))

        def write(out: list[str], value: Any) -> None:
            for name, one in value.items():
                out.append("<entry>")
                key(out, name)
                item(out, one)
                out.append("</entry>")

        return write

    def _lazily(self, shape: Shape, name: str) -> Write:
        """Shapes may contain themselves, so an element's writer is made when it is first used."""
        key = (shape.name, f"{name}|{sorted(shape.serialization)}")

        def write(out: list[str], value: Any) -> None:
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = self.element(shape, name)
            made(out, value)

        return write
