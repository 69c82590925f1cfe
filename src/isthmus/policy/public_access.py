"""Is a bucket policy public, as S3 Block Public Access means it?

A policy is public unless every Allow is limited to fixed values: a principal other than `*`, or `*` with a
condition that pins one of the keys below to a value without wildcard or variable. Source: S3 User Guide,
"Blocking public access to your Amazon S3 storage", "The meaning of public".
"""

from __future__ import annotations

import ipaddress
import re

from .conditions import split_operator
from .document import ConditionEntry, PolicyDocument, Statement
from .patterns import split_arn

_FIXED_KEYS = frozenset(
    {
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:dataaccesspointaccount",
    }
)
# Operators under which a key's values are the only ones that pass.
_PINNING = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"})
_SESSIONS_OF_A_ROLE = re.compile(r"AROA[A-Z0-9]+:\*\Z")
_WIDEST_V4, _WIDEST_V6 = 8, 32  # prefix lengths; wider networks are the public


def is_public(document: PolicyDocument) -> bool:
    """Whether any Allow of a bucket policy lets the public in."""
    return any(_lets_public_in(statement) for statement in document.statements if statement.effect == "Allow")


def _lets_public_in(statement: Statement) -> bool:
    principals = statement.principals
    everybody = (
        principals is None
        or statement.negates_principals
        or "*" in principals
        or any("*" in name for kind in ("AWS", "CanonicalUser", "Service") for name in principals.get(kind, ()))
        # AWS's own example of a public policy: a federated principal is not a fixed one.
        or "Federated" in principals
    )
    return everybody and not any(_pins(entry) for entry in statement.conditions)


def _pins(entry: ConditionEntry) -> bool:
    """Whether a condition limits the statement to fixed values. Several are alternatives: all must be
    fixed."""
    split = split_operator(entry.operator)
    if split is None or not entry.values:
        return False
    prefix, operator, if_exists = split
    # `IfExists` and `ForAllValues` hold where the key is missing: that is everybody.
    if if_exists or prefix == "forallvalues":
        return False
    key = entry.key.lower()
    if key == "aws:sourceip":
        return operator == "IpAddress" and all(_is_narrow(value) for value in entry.values)
    if operator not in _PINNING:
        return False
    if key == "aws:userid":
        return all(_is_fixed(value) or _SESSIONS_OF_A_ROLE.match(value) for value in entry.values)
    if key == "s3:dataaccesspointarn":
        return all(_has_fixed_account(value) for value in entry.values)
    return key in _FIXED_KEYS and all(_is_fixed(value) for value in entry.values)


def _is_fixed(value: str) -> bool:
    return bool(value) and "*" not in value and "?" not in value and "${" not in value


def _has_fixed_account(value: str) -> bool:
    fields = split_arn(value)
    return len(fields) == 6 and _is_fixed(fields[4])


def _is_narrow(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen >= _WIDEST_V4
    return network.prefixlen >= _WIDEST_V6
