"""The policy of an HTML form: what whoever signed it allows a browser to upload.

Source: "Browser-based uploads using POST" in the S3 API reference.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from isthmus.wire import AwsError

_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")
# Fields that need no condition: those of the signature itself, and the file.
_FREE_FIELDS = frozenset(("x-amz-signature", "signature", "awsaccesskeyid", "policy", "file", "x-amz-security-token"))
# A checksum says nothing about the object that its bytes do not say.
_FREE_PREFIXES = ("x-ignore-", "x-amz-checksum-", "x-amz-sdk-checksum-")


def check_post_policy(policy: str, fields: Mapping[str, str], bucket: str, now: float) -> tuple[int, int] | None:
    """Whether the form's fields (names lower case) meet its base64 `policy` at `now`.

    Returns the bounds of `content-length-range`, which the caller checks with `check_length`; None if
    unbounded.
    Raises AwsError InvalidPolicyDocument, and AccessDenied for a condition that fails or a field without one.
    """
    document = _parse(policy)
    if _expiration(document) <= now:
        raise _denied("Policy expired.")
    conditions = document.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Policy missing conditions.")
    values = {**fields, "bucket": bucket}
    met = set(_FREE_FIELDS)
    bounds: tuple[int, int] | None = None
    for condition in conditions:
        if isinstance(condition, dict):
            if len(condition) != 1:
                raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
            ((name, value),) = condition.items()
            _compare("eq", name, value, values, condition)
            met.add(name.lower())
        elif isinstance(condition, list):
            if len(condition) != 3 or not isinstance(condition[0], str):
                raise _invalid("Invalid Condition: expected an operator and two operands.")
            operator = condition[0].lower()
            if operator == "content-length-range":
                bounds = _range(condition, bounds)
            elif operator in ("eq", "starts-with"):
                name = condition[1]
                if not isinstance(name, str) or not name.startswith("$"):
                    raise _invalid(f"Invalid {operator} condition: the field must begin with '$'.")
                _compare(operator, name[1:], condition[2], values, condition)
                met.add(name[1:].lower())
            else:
                raise _invalid(f"Invalid Condition: unknown operation '{condition[0]}'.")
        else:
            raise _invalid("Invalid Condition: a condition must be an object or a list.")
    extra = sorted(name for name in fields if name not in met and not name.startswith(_FREE_PREFIXES))
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")
    return bounds


def check_length(length: int, bounds: tuple[int, int] | None) -> None:
    """Whether a file of `length` bytes is within the policy's bounds. Raises EntityTooLarge or
    EntityTooSmall.
    """
    if bounds is None:
        return
    if length > bounds[1]:
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            extra={"ProposedSize": str(length), "MaxSizeAllowed": str(bounds[1])},
        )
    if length < bounds[0]:
        raise AwsError(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            extra={"ProposedSize": str(length), "MinSizeAllowed": str(bounds[0])},
        )


def _parse(policy: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(policy, validate=False).decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for name in document:
        if name not in ("expiration", "conditions"):
            raise _invalid(f"Unexpected: '{name}'.")
    return document


def _expiration(document: dict[str, Any]) -> float:
    text = document.get("expiration")
    if text is None:
        raise _invalid("Policy missing expiration.")
    if not isinstance(text, str) or not _EXPIRATION.match(text):
        raise _invalid(f"Invalid 'expiration' value: '{text}'")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None
    return calendar.timegm(moment.utctimetuple())


def _compare(operator: str, name: str, wanted: object, values: Mapping[str, str], condition: object) -> None:
    if not isinstance(wanted, str):
        raise _invalid("Invalid Condition: a value must be a string.")
    value = values.get(name.lower())
    if value is None and operator == "starts-with" and not wanted:
        return  # whatever stands there is good, and so is nothing
    if value is not None:
        if operator == "eq" and value == wanted:
            return
        if operator == "starts-with":
            # A list of content types is met if each of them is.
            parts = value.split(",") if name.lower() == "content-type" else [value]
            if all(part.strip().startswith(wanted) or part.startswith(wanted) for part in parts):
                return
    shown = condition if isinstance(condition, list) else ["eq", f"${name}", wanted]
    raise _denied(f"Policy Condition failed: {json.dumps(shown)}")


def _range(condition: list[Any], before: tuple[int, int] | None) -> tuple[int, int]:
    bounds = []
    for bound in condition[1:]:
        if isinstance(bound, bool) or not (
            isinstance(bound, int)
            or (isinstance(bound, str) and bound.isascii() and bound.isdigit() and len(bound) < 20)
        ):
            raise _invalid("Invalid content-length-range: the bounds must be whole numbers.")
        bounds.append(int(bound))
    low, high = bounds
    if low < 0 or high < low:
        raise _invalid("Invalid content-length-range: the bounds must be ascending and not negative.")
    return (low, high) if before is None else (max(low, before[0]), min(high, before[1]))


def _denied(what: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {what}")


def _invalid(what: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {what}")
