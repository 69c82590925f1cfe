"""Who a Principal element names, and how directly.

Naming a principal in a resource policy is worth more or less (IAM User Guide, "Policy evaluation logic" and
"AWS JSON policy elements: Principal"), which decides what still limits it inside one account:

    DIRECT    the user's ARN, the session's ARN, or `*`
    ENTITY    the role of a role session, the user who issued a federated session
    ACCOUNT   the account: it delegates to the account's own policies

Three readings where AWS's text is open are the careful ones: `*` names a federated user's session as its
ENTITY, so that boundary and session policy go on limiting it; `*` grants nothing to a provider's unsigned
call, which `Federated` has to name; and `NotPrincipal` with `Deny` exempts only who is listed in full (a user
with its account; a session with its role and its account), with `Allow` already who is listed in part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from .model import Principal, PrincipalKind

if TYPE_CHECKING:
    from .document import Statement


class Naming(IntEnum):
    """How directly a statement names the requester; larger is more direct, NONE is not at all."""

    DENIED = -1  # of a whole policy: a Deny names the requester
    NONE = 0
    ACCOUNT = 1
    ENTITY = 2
    DIRECT = 3


NONE, ACCOUNT, ENTITY, DIRECT = Naming.NONE, Naming.ACCOUNT, Naming.ENTITY, Naming.DIRECT
_SERVICE, _WEB, _ANONYMOUS = PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY, PrincipalKind.ANONYMOUS
_ROOT, _USER, _FEDERATED = PrincipalKind.ROOT, PrincipalKind.USER, PrincipalKind.FEDERATED_USER

Ids = Mapping[str, str]
Names = Callable[[Principal, Ids, bool], Naming]
"""(requester, unique ids of the document's ARNs, whether the requester has a boundary) -> how it is named."""


def compile_principals(statement: Statement) -> Names:
    """The test of a statement's Principal or NotPrincipal; a statement without either names everybody."""
    principals = statement.principals
    allows = statement.effect == "Allow"
    if principals is None:
        return _everybody(allows)
    listed = _Listed(principals)
    if statement.negates_principals:
        return _all_but(listed, allows)
    if listed.everybody:
        return _everybody(allows, listed.federated)
    return lambda principal, ids, bounded: listed.naming(principal, ids)


def _everybody(allows: bool, federated: frozenset[str] = frozenset()) -> Names:
    if not allows:
        return lambda principal, ids, bounded: DIRECT

    def names(principal: Principal, ids: Ids, bounded: bool) -> Naming:
        kind = principal.kind
        if kind is _FEDERATED:
            return ENTITY
        if kind is _WEB and principal.entity_id not in federated:
            return NONE
        return DIRECT

    return names


def _all_but(listed: _Listed, allows: bool) -> Names:
    def denies(principal: Principal, ids: Ids, bounded: bool) -> Naming:
        # "IAM User Guide, Permissions boundaries": NotPrincipal with Deny always denies who has a boundary.
        return DIRECT if bounded or not listed.names_in_full(principal, ids) else NONE

    def grants(principal: Principal, ids: Ids, bounded: bool) -> Naming:
        if listed.everybody or listed.naming(principal, ids) is not NONE:
            return NONE
        return ENTITY if principal.kind is _FEDERATED else NONE if principal.kind is _WEB else DIRECT

    return grants if allows else denies


class _Listed:
    """The entries of a Principal or NotPrincipal element."""

    __slots__ = ("accounts", "canonical", "entities", "everybody", "federated", "services")

    def __init__(self, principals: Mapping[str, tuple[str, ...]]) -> None:
        aws = principals.get("AWS", ())
        self.everybody = "*" in principals or "*" in aws
        self.accounts = frozenset(account for name in aws if (account := account_named(name)))
        self.entities = tuple(name for name in aws if account_named(name) is None)
        self.services = frozenset(principals.get("Service", ()))
        self.federated = frozenset(principals.get("Federated", ()))
        self.canonical = tuple(principals.get("CanonicalUser", ()))

    def naming(self, principal: Principal, ids: Ids) -> Naming:
        """The most direct way in which an entry names the requester; `*` apart."""
        kind = principal.kind
        if kind is _SERVICE:
            return DIRECT if principal.entity_id in self.services else NONE
        if kind is _WEB:
            return DIRECT if principal.entity_id in self.federated else NONE
        if kind is _ANONYMOUS:
            return NONE
        best = NONE
        for name in self.entities:
            best = max(best, _entity(principal, name, ids))
        if best is NONE and self._names_account(principal, ids):
            return DIRECT if kind is _ROOT else ACCOUNT
        return best

    def names_in_full(self, principal: Principal, ids: Ids) -> bool:
        """Whether account, entity and session of the requester are all listed, as NotPrincipal asks."""
        kind = principal.kind
        if self.everybody:
            return True
        if kind in (_SERVICE, _WEB):
            return self.naming(principal, ids) is not NONE
        if not self._names_account(principal, ids):
            return False
        if kind is _ROOT:
            return True
        found = {_entity(principal, name, ids) for name in self.entities}
        return DIRECT in found and (kind is _USER or ENTITY in found)

    def _names_account(self, principal: Principal, ids: Ids) -> bool:
        account = principal.account
        if account in self.accounts:
            return True
        return any(ids.get(one) == account for one in self.canonical)


def account_named(name: str) -> str | None:
    """The account that a Principal value stands for: 12 digits, or its root ARN; None for other values."""
    if len(name) == 12 and name.isdigit():
        return name
    if name.startswith("arn:") and name.endswith(":root"):
        parts = name.split(":")
        if len(parts) == 6 and parts[2] == "iam" and len(parts[4]) == 12:
            return parts[4]
    return None


def _entity(principal: Principal, name: str, ids: Ids) -> Naming:
    kind = principal.kind
    if kind is _ROOT:
        return NONE
    # Session ARNs are never resolved to ids; they compare as they are.
    if kind is not _USER and name == principal.arn:
        return DIRECT
    # A user or role is known by the id its ARN meant when the document was saved; a bare id stands for
    # itself. An ARN that was never resolved names nobody: an entity made anew under an old name must not
    # match.
    if ids.get(name, name) != principal.entity_id:
        return NONE
    return DIRECT if kind is _USER else ENTITY
