"""Whether a bucket policy is public, as S3 Block Public Access means it.

Source: S3 User Guide, "The meaning of 'public'". A policy is public unless every Allow is limited to fixed principals,
or to fixed values of the keys below: no wildcard, no policy variable.
"""

from __future__ import annotations

import ipaddress

from .conditions import split_operator
from .document import ConditionEntry, PolicyDocument, Statement

# Keys whose fixed values make a statement for everybody non-public.
_LIMITING = frozenset({
    "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourcearn",
    "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
})  # fmt: skip
_POSITIVE = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"})
_WIDEST = {4: 8, 6: 32}
"""A network wider than this many bits is the public."""
_PRIVATE = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def is_public(document: PolicyDocument) -> bool:
    """Whether any Allow of the policy reaches everybody."""
    return any(_is_public(statement) for statement in document.statements if statement.effect == "Allow")


def _is_public(statement: Statement) -> bool:
    principals = statement.principals or {}
    everybody = (
        statement.negates_principals
        or "*" in principals
        or "*" in principals.get("AWS", ())
        or "Federated" in principals
    )
    return everybody and not any(_limits(entry) for entry in statement.conditions)


def _limits(entry: ConditionEntry) -> bool:
    split = split_operator(entry.operator)
    if split is None:
        return False
    prefix, operator, if_exists = split
    # Both let a request pass that lacks the key.
    if if_exists or prefix == "forallvalues":
        return False
    key = entry.key.lower()
    if key == "aws:sourceip":
        return operator == "IpAddress" and all(_is_narrow(value) for value in entry.values)
    if key not in _LIMITING or operator not in _POSITIVE:
        return False
    return all(_is_fixed(key, value) for value in entry.values)


def _is_fixed(key: str, value: str) -> bool:
    if "${" in value:
        return False
    if key == "aws:userid" and value.startswith("AROA") and value.endswith(":*"):
        return "*" not in value[:-1] and "?" not in value
    if key == "s3:dataaccesspointarn":  # the account must be fixed, the access point's name need not
        fields = value.split(":", 5)
        return len(fields) == 6 and fields[4].isdigit()
    return "*" not in value and "?" not in value


def _is_narrow(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    if network.version == 4 and any(network.subnet_of(private) for private in _PRIVATE):  # type: ignore[arg-type]
        return True
    return network.prefixlen >= _WIDEST[network.version]
