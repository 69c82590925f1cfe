"""Scalar values between text and Python, as the models type them; and the limits the models set."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from botocore.model import Shape


class BadValue(ValueError):
    """A text that is no value of its type; the message says what it should be."""


def read_scalar(shape: Shape, text: str) -> Any:
    """The value of a text. Raises BadValue."""
    kind = shape.type_name
    if kind in ("integer", "long"):
        if not re.fullmatch(r"\s*[-+]?[0-9]{1,20}\s*", text):
            raise BadValue("must be an integer")
        return int(text)
    if kind == "boolean":
        folded = text.strip().lower()
        if folded not in ("true", "false"):
            raise BadValue("must be true or false")
        return folded == "true"
    if kind in ("float", "double"):
        try:
            return float(text)
        except ValueError:
            raise BadValue("must be a number") from None
    if kind == "timestamp":
        return read_timestamp(text)
    if kind == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise BadValue("must be base64") from None
    return text


def read_timestamp(text: str) -> datetime:
    """A moment in ISO 8601, RFC 822 or epoch seconds. Raises BadValue."""
    text = text.strip()
    try:
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError, TypeError):
        raise BadValue("must be a timestamp") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def write_scalar(shape: Shape, value: Any, timestamps: str) -> str:
    """The text of a value. timestamps: `iso8601`, `rfc822` or `unixTimestamp` where the shape says nothing."""
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return write_timestamp(value, shape.serialization.get("timestampFormat", timestamps))
    if kind == "blob":
        return base64.b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()
    return str(value)


@lru_cache(maxsize=16384)
def write_timestamp(value: datetime | float, form: str) -> str:
    """A moment (aware datetime, or seconds since the epoch) as text."""
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(float(value), UTC)
    if form == "rfc822":
        return format_datetime(moment.astimezone(UTC), usegmt=True)
    if form == "unixTimestamp":
        return str(int(moment.timestamp()))
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# The limits of the model, in the words of AWS's validation


# Shapes whose documentation allows what their pattern does not: wildcards in AttachmentName (IAM API reference,
# InlinePolicyIdentifierType).
_PATTERNS_BESIDE_THE_TEXT = frozenset({"AttachmentName"})


def violations(shape: Any, value: Any, path: str) -> list[str]:
    """What is wrong with a value by the model's limits, each as AWS words it; empty when all is well."""
    if shape.type_name == "structure":
        return _structure(shape, value, path)
    if shape.type_name == "list":
        found = _bounds(shape, len(value), value, path, "length")
        for index, item in enumerate(value, 1):
            found += violations(shape.member, item, f"{path}.{index}.member")
        return found
    if shape.type_name == "map":
        return [
            problem
            for key, item in value.items()
            for problem in (*violations(shape.key, key, path), *violations(shape.value, item, f"{path}.{key}"))
        ]
    if shape.type_name in ("integer", "long", "float", "double"):
        return _bounds(shape, value, value, path, "value")
    if not isinstance(value, str):
        return []
    found = []
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        found.append(_failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]"))
    found += _bounds(shape, len(value), value, path, "length")
    pattern = None if shape.name in _PATTERNS_BESIDE_THE_TEXT else shape.metadata.get("pattern")
    if pattern is not None and (test := _pattern(pattern)) is not None and not test(value):
        found.append(_failed(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return found


def _structure(shape: Any, value: dict[str, Any], path: str) -> list[str]:
    found = []
    for name in shape.required_members:
        if value.get(name) is None:
            found.append(_failed(None, _join(path, name), "Member must not be null"))
    for name, item in value.items():
        if name in shape.members and item is not None:
            found += violations(shape.members[name], item, _join(path, name))
    return found


def _bounds(shape: Shape, size: float, value: Any, path: str, what: str) -> list[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        return [_failed(value, path, f"Member must have {what} greater than or equal to {least}")]
    if most is not None and size > most:
        return [_failed(value, path, f"Member must have {what} less than or equal to {most}")]
    return []


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    camel = name[:1].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


# Java's Unicode categories as ranges for Python's character classes; symbols and punctuation approximately.
_CATEGORIES = {
    "L": r"\w",
    "Z": "\u0020\u00a0\u2000-\u200a\u3000",
    "N": r"\d",
    "M": "\u0300-\u036f",
    "P": r"!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u205e",
    "S": r"$+<=>^`|~\u20a0-\u2bff",
    "C": "",
}


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Callable[[str], object] | None:
    """Whether a text fits a Java pattern; None for one that cannot be said in Python's.

    A pattern is about the whole text, but for one that says itself where it begins.
    """
    translated = re.sub(r"\\p\{(\w)\w*\}", lambda found: _CATEGORIES.get(found[1], ""), text)
    translated = translated.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")  # Java's pairs of halves
    # Java's \w and \d are of ASCII; what stands for its Unicode categories is not.
    flags = 0 if r"\p{" in text else re.ASCII
    try:
        compiled = re.compile(translated, flags)
    except re.error:
        return None
    return compiled.search if text.startswith("^") else compiled.fullmatch
