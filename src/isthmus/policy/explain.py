"""Why a decision came out as it did: each layer again, slowly, with the statements that mattered.

Nothing here runs while a request is decided. A statement that does not apply tells which of its elements did
not match, so that a near miss (right action, wrong condition) can be shown with its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .conditions import needs_key
from .layers import LAYERS, Layer, Level, Verdict, acl, public_access_block
from .layers import resource as resource_layer
from .layers.shape import Side, verdict_of
from .model import AuthorizationRequest, NamedPolicy, PolicyType
from .principals import NONE

if TYPE_CHECKING:
    from .compiled import CompiledStatement
    from .decision import Decision
    from .document import Statement

MISSES_TOLD = 5
"""Near misses shown per layer; the nearest ones."""
OTHER_ACCOUNT = "the other account does not allow it"
_OF_ORGANIZATIONS = (PolicyType.SCP, PolicyType.RCP)
_TAGS_OF_RESOURCES = ("aws:resourcetag/", "iam:resourcetag/", "s3:existingobjecttag/", "s3:buckettag/")


@dataclass(frozen=True, slots=True)
class Determining:
    """A statement that applied, and the policy it stands in."""

    statement: Statement
    policy: NamedPolicy


@dataclass(frozen=True, slots=True)
class Miss:
    """An Allow that did not apply. elements: which of its elements did not match (`Resource`,
    `Condition Bool aws:MultiFactorAuthPresent`). missing_keys: keys of those that the request lacks."""

    statement: Statement
    policy: NamedPolicy
    elements: tuple[str, ...]
    missing_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelVerdict:
    """What one level of an organization says. holder: ARN of the root, unit or account; empty without policies."""

    holder: str
    verdict: Verdict
    policies: tuple[NamedPolicy, ...]


@dataclass(frozen=True, slots=True)
class LayerVerdict:
    """What one layer says. account: whose documents they are. determining: denies if any, else allows.

    levels: of an organization's policies, from the root to the account; each must allow.
    """

    type: PolicyType
    side: Side
    account: str
    verdict: Verdict
    determining: tuple[Determining, ...] = ()
    misses: tuple[Miss, ...] = ()
    levels: tuple[LevelVerdict, ...] = ()


def verdicts(request: AuthorizationRequest) -> tuple[LayerVerdict, ...]:
    """What every layer says that has a say, in the order of evaluation."""
    return tuple(found for layer in LAYERS if (found := _verdict(layer, request)) is not None)


def _verdict(layer: Layer, request: AuthorizationRequest) -> LayerVerdict | None:
    account = request.principal.account if layer.SIDE == "caller" else request.owner.account
    if layer.TYPE is PolicyType.ACL:
        return (
            LayerVerdict(layer.TYPE, "owner", account, Verdict.ALLOW) if acl.verdict(request) is Verdict.ALLOW else None
        )
    if layer.TYPE is PolicyType.PUBLIC_ACCESS_BLOCK:
        if not public_access_block.shuts_out(request):
            return None
        return LayerVerdict(layer.TYPE, "owner", account, Verdict.DENY)
    levels = layer.levels(request)
    if not levels:
        return None
    denies: list[Determining] = []
    allows: list[Determining] = []
    misses: list[Miss] = []
    for level in levels:
        for by, elements, missing in _statements(level, request):
            if not elements:
                (allows if by.statement.effect == "Allow" else denies).append(by)
            elif by.statement.effect == "Allow":
                misses.append(Miss(by.statement, by.policy, elements, missing))
    # The nearest first: those with the right action, then those that failed in the fewest elements.
    misses.sort(key=lambda miss: ("Action" in miss.elements, len(miss.elements)))
    said = layer.verdict(request)
    told = denies if said is Verdict.DENY else allows if said is Verdict.ALLOW else ()
    of_levels: tuple[LevelVerdict, ...] = ()
    if layer.TYPE in _OF_ORGANIZATIONS:
        of_levels = tuple(_level(level, request) for level in levels)
    return LayerVerdict(levels[0].type, layer.SIDE, account, said, tuple(told), tuple(misses[:MISSES_TOLD]), of_levels)


def _level(level: Level, request: AuthorizationRequest) -> LevelVerdict:
    holder = level.policies[0].holder if level.policies else ""
    return LevelVerdict(holder, verdict_of(level.policies, request), level.policies)


def _statements(
    level: Level, request: AuthorizationRequest
) -> Iterator[tuple[Determining, tuple[str, ...], tuple[str, ...]]]:
    """Every statement with the elements that do not match and the context keys that are missing for them."""
    for policy in level.policies:
        for compiled in policy.document.compiled:
            elements, missing = _unmatched(compiled, level.type, request)
            yield Determining(compiled.statement, policy), elements, missing


def _unmatched(
    compiled: CompiledStatement, kind: PolicyType, request: AuthorizationRequest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    statement, context = compiled.statement, request.context
    elements: list[str] = []
    missing: list[str] = []
    policy = request.owner.policy
    if kind in (PolicyType.RESOURCE, PolicyType.TRUST) and policy is not None:
        bounded = request.caller.boundary is not None
        if compiled.names(request.principal, policy.principal_ids, bounded) is NONE:
            elements.append("NotPrincipal" if statement.negates_principals else "Principal")
        if statement.effect == "Deny" and resource_layer.is_unbound(request):
            elements.append("Principal")
        if statement.effect == "Allow" and resource_layer.is_foreign_object(request):
            elements.append("Resource")
    if not compiled.matches_action(request.action.lower()):
        elements.append("NotAction" if statement.negates_actions else "Action")
    if not compiled.matches_resource(request.resource, context):
        elements.append("NotResource" if statement.negates_resources else "Resource")
    for entry, holds in zip(statement.conditions, compiled.conditions, strict=True):
        if not holds(context):
            elements.append(f"Condition {entry.operator} {entry.key}")
            if entry.key.lower() not in context and needs_key(entry):
                missing.append(entry.key)
    return tuple(elements), tuple(missing)


def decision_json(decision: Decision, viewer: str | None) -> dict[str, Any]:
    """See `Decision.to_json`."""
    request = decision.request
    owner, caller = request.owner.account, request.principal.account
    sides: set[Side] = set()
    if viewer is None or viewer == owner:
        sides = {"caller", "owner"}
    elif viewer == caller:
        sides = {"caller"}
    layers = decision.layers
    shown = [layer for layer in layers if layer.side in sides]
    hidden = [] if sides == {"caller", "owner"} else [_hidden(decision)]
    by = [
        one
        for layer in shown
        for one in layer.determining
        if layer.verdict is (Verdict.ALLOW if decision.allowed else Verdict.DENY)
    ]
    result = {
        "allowed": decision.allowed,
        # Across accounts the caller is not told what kind of refusal the other side gave.
        "explicitDeny": decision.explicit_deny and ("owner" in sides or bool(by)),
        "matchedStatements": {"items": [_statement_json(one.statement, one.policy) for one in by]},
        "failures": {"items": []},
        "context": _context_json(request, both=sides == {"caller", "owner"}),
        "layers": {"items": [_layer_json(layer) for layer in shown] + [one for one in hidden if one]},
    }
    if not decision.allowed:
        result["changes"] = {"items": [change.to_json() for change in decision.changes if change.side in sides]}
    # Which layer of the other account refused is its own business.
    if any(layer.type is decision.layer for layer in shown) or "owner" in sides:
        result["decidedBy"] = decision.layer.value
    return result


def _hidden(decision: Decision) -> dict[str, Any] | None:
    """One line for the side that the viewer may not see, and only where it refuses."""
    owner_types = {
        PolicyType.RESOURCE,
        PolicyType.TRUST,
        PolicyType.RCP,
        PolicyType.PUBLIC_ACCESS_BLOCK,
        PolicyType.ACL,
    }
    if decision.allowed or not owner_types & set(decision.refused_by):
        return None
    return {"side": "owner", "account": decision.request.owner.account, "explanation": OTHER_ACCOUNT}


def _layer_json(layer: LayerVerdict) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": layer.type.value,
        "side": layer.side,
        "account": layer.account,
        "verdict": layer.verdict.value,
        "statements": [_statement_json(one.statement, one.policy) for one in layer.determining],
        "nearest": [
            {
                **_statement_json(miss.statement, miss.policy),
                "unmatched": list(miss.elements),
                "missingContextKeys": list(miss.missing_keys),
            }
            for miss in layer.misses
        ],
    }
    if layer.levels:
        shown["levels"] = [
            {
                "holder": level.holder,
                "verdict": level.verdict.value,
                "policies": [{"name": policy.name, "arn": policy.arn} for policy in level.policies],
            }
            for level in layer.levels
        ]
    return shown


def _statement_json(statement: Statement, policy: NamedPolicy) -> dict[str, Any]:
    return {
        "statementId": statement.sid,
        "effect": statement.effect.upper(),
        "index": statement.index,
        "line": statement.line,
        "column": statement.column,
        "endLine": statement.end_line,
        "endColumn": statement.end_column,
        "sourcePolicyId": policy.name,
        "sourcePolicyArn": policy.arn,
        "sourcePolicyHolder": policy.holder,
    }


def _context_json(request: AuthorizationRequest, both: bool) -> dict[str, Any]:
    items = []
    for key in sorted(request.context):
        if not both and key.startswith(_TAGS_OF_RESOURCES):
            continue
        value = request.context[key]
        values = (value,) if isinstance(value, str) else value
        items.append({"key": key, "values": {"items": [{"value": one} for one in values]}})
    return {
        "principal": {"id": _principal_id(request), "arn": request.principal.arn},
        "action": request.action,
        "resource": request.resource,
        "conditions": {"items": items},
    }


def _principal_id(request: AuthorizationRequest) -> str:
    principal = request.principal
    return f"{principal.entity_id}:{principal.session_name}" if principal.session_name else principal.entity_id
