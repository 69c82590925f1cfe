"""Who a Principal element names, and how directly.

Naming a principal in a resource policy is worth more or less (IAM User Guide, "Policy evaluation logic" and "AWS JSON
policy elements: Principal"), which decides what still limits it inside one account:

    DIRECT    the user's ARN, the session's ARN, or `*`
    ENTITY    the role of a role session, the user who issued a federated session
    ACCOUNT   the account: it delegates to the account's own policies

A `CanonicalUser` stands for its account; which one is told by the same table of ids as for ARNs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from .document import Statement
from .model import Principal, PrincipalKind


class Naming(IntEnum):
    """How directly a statement names the requester; larger is more direct, NONE is not at all."""

    NONE = 0
    ACCOUNT = 1
    ENTITY = 2
    DIRECT = 3


Ids = Mapping[str, str]
Names = Callable[[Principal, Ids, bool], Naming]
"""(requester, unique ids of the document's ARNs, whether the requester has a boundary) -> how it is named."""


def compile_principals(statement: Statement) -> Names:
    """The test of a statement's Principal or NotPrincipal; a statement without either names everybody."""
    principals = statement.principals
    if principals is None or "*" in principals or "*" in principals.get("AWS", ()):
        everybody = Naming.NONE if statement.negates_principals else Naming.DIRECT
        return lambda principal, ids, bounded: everybody
    aws = principals.get("AWS", ())
    accounts = frozenset(account for name in aws if (account := account_named(name)))
    entities = tuple(name for name in aws if account_named(name) is None)
    services = frozenset(principals.get("Service", ()))
    federated = frozenset(principals.get("Federated", ()))
    canonical = frozenset(principals.get("CanonicalUser", ()))

    def naming(principal: Principal, ids: Ids) -> Naming:
        kind = principal.kind
        if kind is PrincipalKind.SERVICE:
            return Naming.DIRECT if principal.arn in services else Naming.NONE
        if kind is PrincipalKind.WEB_IDENTITY:
            return Naming.DIRECT if principal.entity_id in federated else Naming.NONE
        if kind is PrincipalKind.ANONYMOUS:
            return Naming.NONE
        best = Naming.NONE
        for name in entities:
            best = max(best, _entity(principal, name, ids))
        if best is Naming.NONE and (
            principal.account in accounts or any(ids.get(one) == principal.account for one in canonical)
        ):
            best = Naming.DIRECT if kind is PrincipalKind.ROOT else Naming.ACCOUNT
        return best

    if not statement.negates_principals:
        return lambda principal, ids, bounded: naming(principal, ids)

    def not_named(principal: Principal, ids: Ids, bounded: bool) -> Naming:
        if bounded and statement.effect == "Deny":
            return Naming.DIRECT
        exempt = naming(principal, ids)
        return Naming.DIRECT if exempt < _least_exempt(principal) else Naming.NONE

    return not_named


def _least_exempt(principal: Principal) -> Naming:
    """What NotPrincipal must list to exempt a requester: itself. Its account alone exempts only the root user."""
    return Naming.ENTITY if principal.kind is PrincipalKind.FEDERATED_USER else Naming.DIRECT


def account_named(name: str) -> str | None:
    """The account that a Principal value stands for: 12 digits, or its root ARN; None for other values."""
    if len(name) == 12 and name.isdigit():
        return name
    if name.startswith("arn:") and name.endswith(":root"):
        parts = name.split(":")
        if len(parts) == 6 and parts[2] == "iam":
            return parts[4]
    return None


def _entity(principal: Principal, name: str, ids: Ids) -> Naming:
    kind = principal.kind
    if name == principal.arn and ":sts:" in name:
        return Naming.DIRECT
    # A user or role is known by the id its ARN meant when the document was saved; a bare id stands for itself.
    identifier = ids.get(name, name)
    if identifier != principal.entity_id:
        return Naming.NONE
    return Naming.DIRECT if kind is PrincipalKind.USER else Naming.ENTITY
