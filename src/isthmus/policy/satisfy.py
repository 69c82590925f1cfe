"""Sending a request differently: values of the context that make a statement apply, or a deny not apply.

Only keys that the one who asks decides about come into question (an MFA code, an external id, a prefix, a header);
that somebody's tags or name were others is no way to ask. Values are not computed from the operator but tried:
whatever a condition holds for is a good value, and the test of the condition itself says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from .compiled import CompiledStatement
from .conditions import split_operator
from .document import ConditionEntry
from .model import Context, ContextValue

_OF_THE_CALLER = re.compile(
    r"aws:(?:multifactorauthpresent|multifactorauthage|sourceip|securetransport|useragent|referer|requesttag/.*|tagkeys)"
    r"|aws:requestedregion"
    r"|sts:(?:externalid|rolesessionname|sourceidentity|transitivetagkeys)"
    r"|s3:(?:prefix|delimiter|max-keys|versionid|x-amz-.*|requestobjecttag/.*|requestobjecttagkeys|object-lock-.*"
    r"|signatureage|signatureversion|authtype|if-match|if-none-match|locationconstraint)"
    r"|iam:(?:policyarn|permissionsboundary|passedtoservice)"
)
_VARIABLE = re.compile(r"\$\{([^{},]*)(?:,\s*'([^']*)')?\}")
_TRUTHS = frozenset({"aws:multifactorauthpresent", "aws:securetransport"})
_NUMBERS = frozenset({"aws:multifactorauthage", "s3:max-keys", "s3:signatureage"})
_SOME_ADDRESSES = ("192.0.2.1", "198.51.100.1", "2001:db8::1")  # for documentation (RFC 5737, RFC 3849)

Values = dict[str, ContextValue | None]


def is_of_the_caller(key: str) -> bool:
    """Whether whoever asks chooses the value of this context key (any case)."""
    return _OF_THE_CALLER.fullmatch(key.lower()) is not None


def to_apply(statement: CompiledStatement, context: Context) -> Values | None:
    """What to send for all conditions of the statement to hold; None where that is not up to the one who asks."""
    values: Values = {}
    for entry, holds in zip(statement.statement.conditions, statement.conditions, strict=True):
        tried = _overlaid(context, values)
        if holds(tried):
            continue
        key = entry.key.lower()
        if key in values or not is_of_the_caller(key):
            return None
        for value in _candidates(entry, context):
            if holds(_overlaid(tried, {key: value})):
                values[key] = value
                break
        else:
            return None
    return values if all(holds(_overlaid(context, values)) for holds in statement.conditions) else None


def not_to_apply(statement: CompiledStatement, context: Context) -> Iterator[Values]:
    """What to send for one of the conditions not to hold any more."""
    for entry, holds in zip(statement.statement.conditions, statement.conditions, strict=True):
        key = entry.key.lower()
        if is_of_the_caller(key):
            for value in _candidates(entry, context):
                if not holds(_overlaid(context, {key: value})):
                    yield {key: value}
                    break


def _overlaid(context: Context, values: Values) -> dict[str, ContextValue]:
    return {key: value for key, value in {**context, **values}.items() if value is not None}


def _candidates(entry: ConditionEntry, context: Context) -> Iterator[ContextValue | None]:
    """Values of the key's kind that are worth trying, the most telling first."""
    key = entry.key.lower()
    if key in _TRUTHS:
        yield from ("true", "false", None)
        return
    split = split_operator(entry.operator)
    several = split is not None and bool(split[0])
    texts = _addresses if key == "aws:sourceip" else _numbers if key in _NUMBERS else _texts
    for value in entry.values:
        for text in texts(_filled(value, context)):
            yield (text,) if several else text
    if key == "aws:sourceip":
        yield from _SOME_ADDRESSES
        return
    if key not in _NUMBERS:
        yield "x"
    yield None


def _filled(value: str, context: Context) -> str:
    def replaced(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name in ("*", "?", "$"):
            return name
        known = context.get(name.lower())
        return known if isinstance(known, str) else found[2] or ""

    return _VARIABLE.sub(replaced, value)


def _texts(value: str) -> Iterator[str]:
    yield value
    if "*" in value or "?" in value:
        yield value.replace("*", "").replace("?", "x")
        yield value.replace("*", "x").replace("?", "x")


def _addresses(value: str) -> Iterator[str]:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return
    yield str(network[1] if network.num_addresses > 1 else network[0])


def _numbers(value: str) -> Iterator[str]:
    try:
        number = float(value)
    except ValueError:
        return
    yield value
    for near in (number - 1, number + 1):
        if near >= 0:
            yield f"{near:g}"
