"""A decision told in full: every layer of both sides, what determined it, and the smallest change that would allow it.

Off the hot path: everything is evaluated again, this time without stopping at the first answer.
"""

from __future__ import annotations

from typing import Any

from .decide import first_match, resource_matches
from .decision import Decision, Determining, LayerVerdict
from .model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind, ResourcePolicy

_HIDDEN = "the other account does not allow it"


def verdicts(request: AuthorizationRequest) -> tuple[LayerVerdict, ...]:
    """What each layer that applies says, the caller's side first."""
    caller, owner, account = request.caller, request.owner, request.principal.account
    action = request.action.lower()
    found: list[LayerVerdict] = []

    def add(kind: PolicyType, policies: tuple[NamedPolicy, ...]) -> None:
        found.append(_verdict(kind, "caller", account, policies, request, action))

    for level in caller.scps:
        add(PolicyType.SCP, level)
    if request.principal.kind not in (PrincipalKind.ROOT, PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
        add(PolicyType.IDENTITY, caller.identity)
    if caller.boundary is not None:
        add(PolicyType.BOUNDARY, (caller.boundary,))
    if caller.session is not None:
        add(PolicyType.SESSION, caller.session)
    for level in owner.rcps:
        found.append(_verdict(PolicyType.RCP, "owner", owner.account, level, request, action))
    if owner.policy is not None:
        found.append(_resource_verdict(owner.policy, request, action))
    elif account != owner.account:
        found.append(LayerVerdict(PolicyType.RESOURCE, "owner", owner.account, "implicit deny"))
    if owner.acl_allows:
        found.append(LayerVerdict(PolicyType.ACL, "owner", owner.account, "allow"))
    if owner.public_access_blocked:
        found.append(LayerVerdict(PolicyType.PUBLIC_ACCESS_BLOCK, "owner", owner.account, "implicit deny"))
    return tuple(found)


def _verdict(
    kind: PolicyType,
    side: str,
    account: str,
    policies: tuple[NamedPolicy, ...],
    request: AuthorizationRequest,
    action: str,
) -> LayerVerdict:
    for effect, word in ((0, "explicit deny"), (1, "allow")):
        by = first_match(policies, request, action, effect)
        if by is not None:
            return LayerVerdict(kind, side, account, word, (by,))
    return LayerVerdict(kind, side, account, "implicit deny")


def _resource_verdict(policy: ResourcePolicy, request: AuthorizationRequest, action: str) -> LayerVerdict:
    for effect, word in ((0, "explicit deny"), (1, "allow")):
        matching = tuple(by for by, _ in resource_matches(policy, request, action, effect))
        if matching:
            return LayerVerdict(policy.type, "owner", request.owner.account, word, matching)
    return LayerVerdict(policy.type, "owner", request.owner.account, "implicit deny")


def changes(decision: Decision) -> list[dict[str, Any]]:
    """The smallest changes that would allow the request, one per layer that stands in its way."""
    if decision.allowed:
        return []
    request = decision.request
    layers = verdicts(request)
    wanted: list[dict[str, Any]] = []
    for layer in layers:
        if layer.verdict == "explicit deny":
            wanted.append(_change(layer, "remove or narrow this statement", _statement_json(layer.determining[0])))
    crossing = decision.cross_account
    for layer in layers:
        needed = layer.type in (PolicyType.SCP, PolicyType.RCP, PolicyType.BOUNDARY, PolicyType.SESSION) or (
            layer.type is PolicyType.IDENTITY and (crossing or decision.layer is PolicyType.IDENTITY)
        ) or (
            layer.type in (PolicyType.RESOURCE, PolicyType.TRUST)
            and (crossing or decision.layer in (PolicyType.RESOURCE, PolicyType.TRUST))
        )  # fmt: skip
        if layer.verdict == "implicit deny" and needed:
            statement: dict[str, Any] = {"Effect": "Allow"}
            if layer.type in (PolicyType.RESOURCE, PolicyType.TRUST):
                statement["Principal"] = _principal_element(request)
            statement["Action"] = request.action
            if layer.type is not PolicyType.TRUST:
                statement["Resource"] = request.resource
            wanted.append(_change(layer, "add this statement", statement))
    return wanted


def _principal_element(request: AuthorizationRequest) -> Any:
    principal = request.principal
    if principal.kind is PrincipalKind.ANONYMOUS:
        return "*"
    kind = {PrincipalKind.SERVICE: "Service", PrincipalKind.WEB_IDENTITY: "Federated"}.get(principal.kind, "AWS")
    return {kind: principal.entity_arn or principal.entity_id}


def _change(layer: LayerVerdict, do: str, statement: dict[str, Any]) -> dict[str, Any]:
    return {"account": layer.account, "side": layer.side, "policyType": layer.type.value, "do": do,
            "statement": statement}  # fmt: skip


def decision_json(decision: Decision, viewer: str | None) -> dict[str, Any]:
    """The JSON of DecodeAuthorizationMessage with `layers` and `changes` of both sides beside AWS's members."""
    request = decision.request
    owner = request.owner.account
    whole = viewer is None or viewer == owner or request.principal.account == owner
    layers = [_layer_json(layer) for layer in decision.layers if whole or layer.account == viewer]
    wanted = [change for change in changes(decision) if whole or change["account"] == viewer]
    if not whole and decision.layer in (
        PolicyType.RESOURCE,
        PolicyType.TRUST,
        PolicyType.RCP,
        PolicyType.ACL,
    ):
        layers.append({"side": "owner", "account": owner, "verdict": _HIDDEN})
    matched = [] if decision.by is None else [_determining_json(decision.by)]
    hidden = not whole and decision.layer in (PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP)
    return {
        "allowed": decision.allowed,
        "explicitDeny": decision.explicit_deny,
        "matchedStatements": {"items": [] if hidden else matched},
        "failures": {"items": []},
        "context": {
            "principal": {"id": request.principal.entity_id, "arn": request.principal.arn},
            "action": request.action,
            "resource": request.resource,
            "conditions": {"items": [
                {"key": key, "values": {"items": [{"value": one} for one in _values(value)]}}
                for key, value in sorted(request.context.items())
            ]},
        },
        "layers": layers,
        "changes": wanted,
    }  # fmt: skip


def _values(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _layer_json(layer: LayerVerdict) -> dict[str, Any]:
    return {
        "policyType": layer.type.value,
        "side": layer.side,
        "account": layer.account,
        "verdict": layer.verdict,
        "statements": [_determining_json(by) for by in layer.determining],
    }


def _determining_json(by: Determining) -> dict[str, Any]:
    statement = by.statement
    shown: dict[str, Any] = {
        "index": statement.index,
        "line": statement.line,
        "column": statement.column,
        "statement": _statement_json(by),
    }
    if by.policy is not None:
        shown |= {"policy": by.policy.name, "arn": by.policy.arn, "holder": by.policy.holder}
    return shown


def _statement_json(by: Determining) -> dict[str, Any]:
    statement = by.statement
    shown: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    shown["Effect"] = statement.effect
    if statement.principals is not None:
        everyone = "*" in statement.principals
        named = "*" if everyone else {kind: list(names) for kind, names in statement.principals.items()}
        shown["NotPrincipal" if statement.negates_principals else "Principal"] = named
    shown["NotAction" if statement.negates_actions else "Action"] = list(statement.actions)
    if statement.resources is not None:
        shown["NotResource" if statement.negates_resources else "Resource"] = list(statement.resources)
    conditions: dict[str, dict[str, list[str]]] = {}
    for entry in statement.conditions:
        conditions.setdefault(entry.operator, {})[entry.key] = list(entry.values)
    if conditions:
        shown["Condition"] = conditions
    return shown
