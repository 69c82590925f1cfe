"""Condition operators: what compares what, and what a missing key means.

The table (IAM User Guide, "IAM JSON policy elements: Condition operators"):

    family                      values compare as              missing key
    String*                     text; Like has globs           false; negated: true
    Numeric*, Date*             numbers; moments               false; negated: true
    Bool                        true/false, any case           false
    BinaryEquals                bytes (base64)                 false
    IpAddress, NotIpAddress     address in network             false; negated: true
    Arn*                        globs field by field           false; negated: true
    Null                        presence only                  "true" holds

`…IfExists` holds whenever the key is missing. Values of one key are alternatives; of a negated operator all
must differ. `ForAllValues:` holds for an empty or missing set, `ForAnyValue:` does not. Without a set prefix
a multivalued key behaves as ForAnyValue for positive operators and as "no value matches" for negated ones:
AWS leaves that open, and this reading never grants more through a Deny or less safe an Allow than the set
operators do.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from .model import Context, ContextValue
from .patterns import Token, arn_glob_of, glob_of, split_arn, tokens_of
from .variables import Template, arn_template, fill, fill_arn, is_constant, template_of

if TYPE_CHECKING:
    from .document import ConditionEntry

Holds = Callable[[Context], bool]
Compare = Callable[[str], bool]

# Positive operator -> its comparison's name, whether it is negated.
OPERATORS: dict[str, tuple[str, bool]] = {
    "StringEquals": ("string", False),
    "StringNotEquals": ("string", True),
    "StringEqualsIgnoreCase": ("folded", False),
    "StringNotEqualsIgnoreCase": ("folded", True),
    "StringLike": ("glob", False),
    "StringNotLike": ("glob", True),
    "NumericEquals": ("number ==", False),
    "NumericNotEquals": ("number ==", True),
    "NumericLessThan": ("number <", False),
    "NumericLessThanEquals": ("number <=", False),
    "NumericGreaterThan": ("number >", False),
    "NumericGreaterThanEquals": ("number >=", False),
    "DateEquals": ("date ==", False),
    "DateNotEquals": ("date ==", True),
    "DateLessThan": ("date <", False),
    "DateLessThanEquals": ("date <=", False),
    "DateGreaterThan": ("date >", False),
    "DateGreaterThanEquals": ("date >=", False),
    "Bool": ("bool", False),
    "BinaryEquals": ("binary", False),
    "IpAddress": ("address", False),
    "NotIpAddress": ("address", True),
    "ArnEquals": ("arn", False),
    "ArnLike": ("arn", False),
    "ArnNotEquals": ("arn", True),
    "ArnNotLike": ("arn", True),
    "Null": ("null", False),
}
_BY_FOLDED_NAME = {name.lower(): name for name in OPERATORS}
_WITH_VARIABLES = frozenset({"string", "folded", "glob", "arn", "bool"})
# Python's own reader of numbers would take `1_000`, ` 10` and `infinity` too.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_YEAR, _YEAR_AND_MONTH = re.compile(r"[0-9]{4}\Z"), re.compile(r"[0-9]{4}-[0-9]{2}\Z")


def split_operator(written: str) -> tuple[str, str, bool] | None:
    """Set prefix ('' or lower-case), operator as in OPERATORS and whether `IfExists` follows; None if
    unknown."""
    prefix, colon, name = written.rpartition(":")
    prefix = prefix.lower()
    if colon and prefix not in ("forallvalues", "foranyvalue"):
        return None
    folded = name.lower()
    if_exists = folded.endswith("ifexists")
    operator = _BY_FOLDED_NAME.get(folded.removesuffix("ifexists") if if_exists else folded)
    if operator is None or (operator == "Null" and (if_exists or colon)):
        return None
    return prefix, operator, if_exists


def compile_condition(entry: ConditionEntry, variables: bool) -> Holds:
    """The test of one key of one operator. variables: whether the document's version has policy variables."""
    split = split_operator(entry.operator)
    if split is None:
        return lambda context: False
    prefix, operator, if_exists = split
    comparison, negated = OPERATORS[operator]
    key = entry.key.lower()
    if comparison == "null":
        return _null(key, entry.values)
    matches = _any_value(comparison, entry.values, variables)
    return _quantified(key, prefix, negated, if_exists, matches)


def _null(key: str, values: tuple[str, ...]) -> Holds:
    wants_absent = any(value.lower() == "true" for value in values)
    wants_present = any(value.lower() == "false" for value in values)

    def holds(context: Context) -> bool:
        value = context.get(key)
        return wants_absent if value is None or value == () else wants_present

    return holds


def _quantified(
    key: str, prefix: str, negated: bool, if_exists: bool, matches: Callable[[str, Context], bool]
) -> Holds:
    for_all, for_any = prefix == "forallvalues", prefix == "foranyvalue"

    def holds(context: Context) -> bool:
        value: ContextValue | None = context.get(key)
        if value is None or value == ():
            return if_exists or for_all or (negated and not for_any)
        if isinstance(value, str):
            return matches(value, context) is not negated
        if for_all:
            return all(matches(one, context) is not negated for one in value)
        if for_any:
            return any(matches(one, context) is not negated for one in value)
        return any(matches(one, context) for one in value) is not negated

    return holds


def _any_value(comparison: str, values: tuple[str, ...], variables: bool) -> Callable[[str, Context], bool]:
    """Whether a request's value matches any of the policy's."""
    constant: list[Compare] = []
    equal: set[str] = set()
    filled: list[tuple[Template, str]] = []
    by_arn: list[Callable[[str, Context], bool]] = []
    for value in values:
        if comparison == "arn":
            by_arn.append(_arn_compare(value, variables))
            continue
        template: Template = (value,)
        if variables and "${" in value and comparison in _WITH_VARIABLES:
            template = template_of(value, wildcards=comparison == "glob")
        elif comparison == "glob":
            template = tokens_of(value)
        if not is_constant(template):
            filled.append((template, comparison))
        elif comparison == "string":
            equal.add("".join(str(part) for part in template))
        else:
            constant.append(_compare(comparison, template))
    if by_arn:
        if len(by_arn) == 1:
            return by_arn[0]
        return lambda value, context: any(test(value, context) for test in by_arn)
    if not filled and not constant:
        return lambda value, context: value in equal
    if not filled and not equal and len(constant) == 1:
        only = constant[0]
        return lambda value, context: only(value)

    def matches(value: str, context: Context) -> bool:
        if value in equal:
            return True
        for compare in constant:
            if compare(value):
                return True
        for template, kind in filled:
            tokens = fill(template, context)
            # An absent variable is null: nothing equals it, so negated operators hold.
            if tokens is not None and _compare(kind, tokens)(value):
                return True
        return False

    return matches


def _arn_compare(pattern: str, variables: bool) -> Callable[[str, Context], bool]:
    """Field by field; a value that is not an ARN matches nothing, not even `*`."""
    if not (variables and "${" in pattern):
        test = arn_glob_of([tokens_of(field) for field in split_arn(pattern)])
        return lambda value, context: value.count(":") >= 5 and value.startswith("arn:") and test(value)
    fields = arn_template(pattern, everywhere=True)

    def matches(value: str, context: Context) -> bool:
        filled = fill_arn(fields, context)
        return filled is not None and value.count(":") >= 5 and value.startswith("arn:") and arn_glob_of(filled)(value)

    return matches


def _compare(comparison: str, template: Template) -> Compare:
    """The comparison with one constant value of the policy."""
    if comparison == "glob":
        return glob_of(cast(Sequence[Token], template))
    text = "".join(str(part) for part in template)
    if comparison == "string":
        return text.__eq__
    if comparison in ("folded", "bool"):
        folded = text.casefold()
        return lambda value: value.casefold() == folded
    if comparison == "binary":
        wanted = _bytes(text)
        return lambda value: wanted is not None and _bytes(value) == wanted
    if comparison == "address":
        return _in_network(text)
    kind, sign = comparison.split(" ")
    return _ordered(_number if kind == "number" else _moment, sign, text)


def _ordered(read: Callable[[str], float | None], sign: str, text: str) -> Compare:
    bound = read(text)

    def compare(value: str) -> bool:
        given = read(value)
        if given is None or bound is None:
            return False
        if sign == "==":
            return given == bound
        if sign == "<":
            return given < bound
        if sign == "<=":
            return given <= bound
        return given > bound if sign == ">" else given >= bound

    return compare


def is_moment(text: str) -> bool:
    """Whether a date condition can read the text: ISO 8601, also a year or a month alone, or epoch seconds."""
    return _moment(text) is not None


@lru_cache(maxsize=4096)
def _number(text: str) -> float | None:
    """The number; None for what Python would read as one and a policy does not mean as one (`1_0`, `nan`)."""
    if not _NUMBER.match(text):
        return None
    number = float(text)
    return number if isfinite(number) else None


@lru_cache(maxsize=4096)
def _moment(text: str) -> float | None:
    """Seconds since the epoch of epoch seconds or of a moment in W3C's profile of ISO 8601, down from a year."""
    if _YEAR.match(text):
        text += "-01"
    if _YEAR_AND_MONTH.match(text):
        text += "-01"
    number = _number(text)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=4096)
def _address(text: str) -> Any:
    """The address, IPv4-mapped IPv6 ones as IPv4; None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def _in_network(text: str) -> Compare:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return lambda value: False

    def compare(value: str) -> bool:
        address = _address(value)
        return address is not None and address.version == network.version and address in network

    return compare


def needs_key(entry: ConditionEntry) -> bool:
    """Whether a condition that did not hold asks for its key to be there."""
    split = split_operator(entry.operator)
    if split is None:
        return False
    return split[1] != "Null" or any(value.lower() == "false" for value in entry.values)


def operator_problem(entry: ConditionEntry) -> str | None:
    """Why a condition cannot be stored: an unknown operator, or values its type cannot read. None if it
    can."""
    split = split_operator(entry.operator)
    if split is None:
        return f"unknown operator {entry.operator}"
    if not entry.values:
        return "no values"
    comparison, _ = OPERATORS[split[1]]
    reads = {
        "bool": lambda value: value.lower() in ("true", "false") or "${" in value,
        "null": lambda value: value.lower() in ("true", "false"),
        "binary": lambda value: _bytes(value) is not None,
        "address": _is_network,
    }.get(comparison)
    if reads is None and comparison.startswith("number"):
        reads = lambda value: _number(value) is not None  # noqa: E731 - a row of the table above
    if reads is None and comparison.startswith("date"):
        reads = lambda value: _moment(value) is not None  # noqa: E731
    for value in entry.values:
        if reads is not None and not reads(value):
            return f"{value} is not a value of {entry.operator}"
    return None


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
