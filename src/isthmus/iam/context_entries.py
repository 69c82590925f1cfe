"""ContextEntries: the condition keys of a simulated request, each with its type.

IAM API reference, "ContextEntry". A type ending in `List` makes a multivalued key, also of one value; the others make
a single-valued one. Values must be readable as their type; conditions then compare the text that was given.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isthmus.policy import ContextValue
from isthmus.policy.conditions import is_moment

from .errors import invalid_input

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def context_of(entries: Iterable[Mapping[str, Any]]) -> dict[str, ContextValue]:
    """The keys, in lower case, and their values. Raises InvalidInput."""
    context: dict[str, ContextValue] = {}
    for entry in entries:
        if not entry:
            continue
        name = entry.get("ContextKeyName") or ""
        if not name:
            raise invalid_input("ContextKeyName cannot be null or empty.")
        if name.lower() in context:
            raise invalid_input(f"Duplicate context key: {name}.")
        context[name.lower()] = _value(name, entry.get("ContextKeyType"), entry.get("ContextKeyValues") or [])
    return context


def _value(name: str, kind: str | None, values: list[str]) -> ContextValue:
    if kind is None:
        raise invalid_input(f"Context key {name} has invalid type null.")
    if not values:
        raise invalid_input(f"Context values for context key {name} cannot be null or empty.")
    is_list = kind.endswith("List")
    if not is_list and len(values) > 1:
        raise invalid_input(f"Context key {name} expected a single value, but received {len(values)}.")
    can_read, form = _TYPES[kind.removesuffix("List")]
    if not all(can_read(value) for value in values):
        raise invalid_input(f"Invalid context value for key {name}: expected {form}.")
    return tuple(values) if is_list else values[0]


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _is_boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False


_TYPES: dict[str, tuple[Callable[[str], bool], str]] = {
    "string": (lambda text: True, "text"),
    "numeric": (_is_number, "numeric format"),
    "boolean": (_is_boolean, "true or false"),
    "ip": (_is_address, "IP address"),
    "binary": (_is_base64, "base-64 encoded binary format"),
    "date": (is_moment, "DateTime format"),
}
