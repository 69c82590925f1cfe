"""The query protocol of IAM and STS: a form in, XML out.

Source: Smithy specification, "AWS query protocol"; botocore's models. Lists are `Name.member.1`, maps
`Name.entry.1.key`, structures `Name.Member`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from botocore.model import OperationModel, ServiceModel, Shape

from .errors import AwsError
from .http import Request
from .values import BadValue, read_scalar, violations

_MOST_PARAMETERS = 10_000
_DEEPEST = 8


def form_of(request: Request, body: bytes) -> dict[str, str]:
    """The parameters of a request, from its query string and its form body. Raises AwsError MalformedQueryString."""
    text = request.query
    if body and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = f"{text}&{body.decode('latin-1')}" if text else body.decode("latin-1")
    pairs = text.split("&") if text else []
    if len(pairs) > _MOST_PARAMETERS:
        raise AwsError("MalformedQueryString", f"A request has at most {_MOST_PARAMETERS} parameters.")
    form: dict[str, str] = {}
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            form[_decode(name)] = _decode(value)
    return form


def query_action(model: ServiceModel, form: Mapping[str, str]) -> str:
    """The operation's name. Raises AwsError MissingAction, InvalidAction."""
    action = form.get("Action")
    if not action:
        raise AwsError("MissingAction", "Missing Action", 400)
    version = form.get("Version", model.api_version)
    if action not in model.operation_names or version != model.api_version:
        raise AwsError("InvalidAction", f"Could not find operation {action} for version {version}")
    return action


def parse_query_input(operation: OperationModel, form: Mapping[str, str]) -> dict[str, Any]:
    """The input of an operation, checked against its model. Raises AwsError ValidationError."""
    shape = operation.input_shape
    if shape is None:
        return {}
    given = _structure(shape, _tree(form), "") or {}
    problems = violations(shape, given, "")
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise AwsError("ValidationError", f"{len(problems)} validation {errors} detected: {'; '.join(problems)}")
    return given


Tree = dict[str, Any]


def _tree(form: Mapping[str, str]) -> Tree:
    """Dotted names as nested dictionaries; a leaf is its text."""
    root: Tree = {}
    for name, value in form.items():
        parts = name.split(".")
        if len(parts) > 2 * _DEEPEST:
            raise AwsError("MalformedInput", f"The parameter {name[:100]} is nested too deeply.")
        node = root
        for part in parts[:-1]:
            inner = node.get(part)
            if not isinstance(inner, dict):
                inner = node[part] = {}
            node = inner
        node[parts[-1]] = value
    return root


def _value(shape: Shape, node: Any, path: str) -> Any:
    if shape.type_name == "structure":
        return _structure(shape, node, path)
    if shape.type_name == "list":
        return _list(shape, node, path)
    if shape.type_name == "map":
        return _map(shape, node, path)
    if isinstance(node, dict):
        raise AwsError("MalformedInput", f"Unexpected complex element at '{path}'")
    try:
        return read_scalar(shape, node)
    except BadValue as error:
        raise AwsError("MalformedInput", f"The value of {path} {error}") from None


def _structure(shape: Any, node: Any, path: str) -> dict[str, Any] | None:
    if not isinstance(node, dict):
        return None if node in (None, "") else _unexpected(path)
    value: dict[str, Any] = {}
    for name, member in shape.members.items():
        written = member.serialization.get("name", name)
        if written in node:
            item = _value(member, node[written], f"{path}.{name}" if path else name)
            if item is not None:
                value[name] = item
    return value


def _list(shape: Any, node: Any, path: str) -> Any:
    if not isinstance(node, dict):
        return [] if node in (None, "") else _unexpected(path)
    name = shape.member.serialization.get("name", "member")
    items = node if shape.serialization.get("flattened") else node.get(name, node.get("member", {}))
    if not isinstance(items, dict):
        return _unexpected(path)
    numbered = sorted((int(number), item) for number, item in items.items() if re.fullmatch("[0-9]{1,6}", number))
    return [_value(shape.member, item, f"{path}.member.{number}") for number, item in numbered]


def _map(shape: Any, node: Any, path: str) -> Any:
    entries = node.get("entry", {}) if isinstance(node, dict) else {}
    found = {}
    for number, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict) or "key" not in entry:
            return _unexpected(f"{path}.entry.{number}")
        found[_value(shape.key, entry["key"], path)] = _value(shape.value, entry.get("value", ""), path)
    return found


def _unexpected(path: str) -> Any:
    raise AwsError("MalformedInput", f"Unexpected value at '{path}'")


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise AwsError("MalformedQueryString", "A parameter is not UTF-8.") from None
