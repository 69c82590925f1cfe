"""The JSON protocol of KMS, Organizations and CloudTrail: a target header and a JSON body in, JSON out.

Source: Smithy specification, "AWS JSON 1.1 protocol"; botocore's models. Timestamps are seconds since the epoch,
blobs base64. Errors are named by `__type`; what the query services call `InvalidClientTokenId` is
`UnrecognizedClientException` here ("Common errors" in the KMS, Organizations and CloudTrail API references). The text
of an error is `message` or `Message`, as the model of that error has it. Organizations has an error of its own for
input that the model forbids: `InvalidInputException` with a `Reason`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel, Shape

from .errors import AwsError
from .http import Response
from .values import BadValue, read_timestamp, violations

_TYPE = ("Content-Type", "application/x-amz-json-1.1")
_DEEPEST = 32

# Errors that every service raises -> their names in this protocol.
_NAMES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "InternalFailure": "InternalFailure",
    "InvalidAction": "UnknownOperationException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "RequestTimeTooSkewed": "InvalidSignatureException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "ServiceUnavailable": "ServiceUnavailableException",
    "ValidationError": "ValidationException",
}
_INVALID_INPUT = "InvalidInputException"
# What `violations` says -> the Reason that the Organizations API reference has for it.
_REASONS = (
    ("must not be null", "INPUT_REQUIRED"),
    ("enum value set", "INVALID_ENUM"),
    ("regular expression", "INVALID_PATTERN"),
    ("length less than", "MAX_LENGTH_EXCEEDED"),
    ("length greater than", "MIN_LENGTH_EXCEEDED"),
    ("value less than", "MAX_VALUE_EXCEEDED"),
    ("value greater than", "MIN_VALUE_EXCEEDED"),
)


def json_action(model: ServiceModel, headers: Mapping[str, str]) -> str:
    """The operation that `X-Amz-Target` names. Raises AwsError InvalidAction.

    botocore qualifies CloudTrail's name there (`com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`); the SDKs made
    from AWS's Smithy models (JavaScript, Go, Rust) write the bare one. AWS takes both.
    """
    prefix, _, action = headers.get("x-amz-target", "").rpartition(".")
    qualified = model.metadata["targetPrefix"]
    if prefix not in (qualified, qualified.rpartition(".")[2]) or action not in model.operation_names:
        raise AwsError("InvalidAction", f"{model.service_name} has no operation {action or 'without a target'}.")
    return action


def parse_json_input(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """The input of an operation, checked against its model. Raises AwsError SerializationException, ValidationError."""
    shape = operation.input_shape
    if not body:
        body = b"{}"
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from None
    if not isinstance(sent, dict):
        raise AwsError("SerializationException", "The body must be a JSON object.")
    if shape is None:
        return {}
    given: dict[str, Any] = _read(shape, sent, "", 0)
    problems = violations(shape, given, "")
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        message = f"{len(problems)} validation {errors} detected: {'; '.join(problems)}"
        errors_of_it: list[Any] = operation.error_shapes
        if any("Reason" in error.members for error in errors_of_it if error.name == _INVALID_INPUT):
            raise AwsError(_INVALID_INPUT, message, extra={"Reason": _reason(problems[0])})
        raise AwsError("ValidationError", message)
    return given


def render_json(operation: OperationModel, output: Mapping[str, Any]) -> Response:
    """The response of a successful operation; one without output answers an empty body."""
    shape = operation.output_shape
    if shape is None:
        return Response(200, [_TYPE])
    return Response(200, [_TYPE], orjson.dumps(_written(shape, output)))


def render_json_error(model: ServiceModel, error: AwsError) -> Response:
    """The response of a refusal. Further elements of the error stand beside its message."""
    status = error.status if error.status >= 500 else 400
    name = _NAMES.get(error.code, error.code)
    shape: Any = model.shape_for(name) if name in model.shape_names else None
    text = "Message" if shape is not None and "Message" in shape.members else "message"
    said = {"__type": name, text: error.message, **error.extra}
    return Response(status, [*error.headers.items(), _TYPE], orjson.dumps(said))


def _reason(problem: str) -> str:
    """The Reason of an InvalidInputException for what `violations` says."""
    return next((reason for words, reason in _REASONS if words in problem), "INVALID_PATTERN")


def _read(shape: Any, value: Any, path: str, depth: int) -> Any:
    kind = shape.type_name
    if depth > _DEEPEST:
        raise _unexpected(path, "is nested too deeply")
    if kind == "structure":
        if not isinstance(value, dict):
            raise _unexpected(path, "must be an object")
        return {
            name: _read(member, value[name], f"{path}.{name}" if path else name, depth + 1)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        if not isinstance(value, list):
            raise _unexpected(path, "must be a list")
        return [_read(shape.member, item, f"{path}.{number}", depth + 1) for number, item in enumerate(value, 1)]
    if kind == "map":
        if not isinstance(value, dict):
            raise _unexpected(path, "must be an object")
        return {key: _read(shape.value, item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    return _read_scalar(kind, value, path)


def _read_scalar(kind: str, value: Any, path: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("integer", "long"):
        if not number or value != int(value):
            raise _unexpected(path, "must be an integer")
        return int(value)
    if kind in ("float", "double"):
        if not number:
            raise _unexpected(path, "must be a number")
        return float(value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _unexpected(path, "must be true or false")
        return value
    if kind == "timestamp":
        try:
            return datetime.fromtimestamp(value, UTC) if number else read_timestamp(str(value))
        except (BadValue, ValueError, OverflowError, OSError):
            raise _unexpected(path, "must be a timestamp") from None
    if not isinstance(value, str):
        raise _unexpected(path, "must be a string")
    if kind == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise _unexpected(path, "must be base64") from None
    return value


def _written(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return {
            name: _written(shape.members[name], item)
            for name, item in value.items()
            if name in shape.members and item is not None
        }
    if kind == "list":
        return [_written(shape.member, item) for item in value]
    if kind == "map":
        return {key: _written(shape.value, item) for key, item in value.items()}
    return _written_scalar(shape, value)


def _written_scalar(shape: Shape, value: Any) -> Any:
    if shape.type_name == "timestamp":
        return value.timestamp() if isinstance(value, datetime) else value
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def _unexpected(path: str, problem: str) -> AwsError:
    return AwsError("SerializationException", f"{path or 'The body'} {problem}.")
