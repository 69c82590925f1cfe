"""The smallest changes that would allow a refused request, per account; made only when somebody asks.

Each layer that stands in the way gets one change: a statement to add where it is silent, a statement to
narrow where it denies, or a condition to satisfy where an allow was missed by nothing else. They are told as
policy JSON, ready to be put into the policy that `where` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .layers.shape import Side
from .model import AuthorizationRequest, PolicyType, PrincipalKind

if TYPE_CHECKING:
    from .decision import Decision
    from .explain import LayerVerdict

_OWNERS = frozenset(
    {PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP, PolicyType.PUBLIC_ACCESS_BLOCK, PolicyType.ACL}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change in one account.

    kind: `add` a statement, `narrow` the statement that denies, `satisfy` a condition, `unset` a setting.
    where: the policy (name or ARN) and who carries it, in words. statement: policy JSON, the one to add or
    the one at fault. line: of the statement at fault.
    """

    side: Side
    account: str
    kind: str
    type: PolicyType
    where: str
    statement: dict[str, Any] | None = None
    explanation: str = ""
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The change for DecodeAuthorizationMessage."""
        return {
            "side": self.side,
            "account": self.account,
            "kind": self.kind,
            "policyType": self.type.value,
            "where": self.where,
            "statement": self.statement,
            "explanation": self.explanation,
            "line": self.line,
        }


def changes_for(decision: Decision) -> tuple[Change, ...]:
    """One change for each layer that stands in the way."""
    said = {layer.type: layer for layer in decision.layers}
    return tuple(_change(decision.request, kind, said.get(kind)) for kind in decision.refused_by)


def _change(request: AuthorizationRequest, kind: PolicyType, said: LayerVerdict | None) -> Change:
    side: Side = "owner" if kind in _OWNERS else "caller"
    account = request.owner.account if side == "owner" else request.principal.account
    if kind is PolicyType.PUBLIC_ACCESS_BLOCK:
        setting = request.owner.public_access_blocked
        text = f"the bucket's policy is public, and {setting} leaves it to the owner's account"
        return Change(side, account, "unset", kind, request.resource, None, text)
    if said is not None and said.verdict.value == "explicit deny" and said.determining:
        by = said.determining[0]
        where = by.policy.arn or by.policy.name
        text = "this statement denies the request, and no allow outweighs a deny: narrow or remove it"
        return Change(
            side,
            account,
            "narrow",
            kind,
            where,
            _written(by.policy.document.value, by.statement.index),
            text,
            by.statement.line,
        )
    nearest = said.misses[0] if said is not None and said.misses else None
    if nearest is not None and all(element.startswith("Condition ") for element in nearest.elements):
        keys = ", ".join(element.removeprefix("Condition ") for element in nearest.elements)
        where = nearest.policy.arn or nearest.policy.name
        statement = _written(nearest.policy.document.value, nearest.statement.index)
        text = f"this statement would allow the request if its condition held: {keys}"
        return Change(side, account, "satisfy", kind, where, statement, text, nearest.statement.line)
    return Change(side, account, "add", kind, _where(request, kind), _statement(request, kind))


def _written(document: dict[str, Any], index: int) -> dict[str, Any]:
    statements = document["Statement"]
    found: dict[str, Any] = statements[index] if isinstance(statements, list) else statements
    return found


def _where(request: AuthorizationRequest, kind: PolicyType) -> str:
    """The policy to add to, in words."""
    if kind in (PolicyType.RESOURCE, PolicyType.TRUST):
        return f"the {kind.value} of {request.resource}"
    if kind is PolicyType.BOUNDARY and request.caller.boundary is not None:
        return request.caller.boundary.arn or request.caller.boundary.name
    if kind is PolicyType.SESSION:
        return "the policy passed when the session was made"
    if kind in (PolicyType.SCP, PolicyType.RCP):
        return f"a {kind.value} at each level of the organization"
    return f"an identity-based policy of {request.principal.entity_arn}"


def _statement(request: AuthorizationRequest, kind: PolicyType) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow"}
    if kind in (PolicyType.RESOURCE, PolicyType.TRUST):
        statement["Principal"] = _principal(request)
    statement["Action"] = request.action
    if kind is not PolicyType.TRUST:
        statement["Resource"] = request.resource
    return statement


def _principal(request: AuthorizationRequest) -> Any:
    principal = request.principal
    if principal.kind is PrincipalKind.ANONYMOUS:
        return "*"
    if principal.kind is PrincipalKind.SERVICE:
        return {"Service": principal.entity_id}
    if principal.kind is PrincipalKind.WEB_IDENTITY:
        return {"Federated": principal.entity_id}
    return {"AWS": principal.entity_arn}
