"""The smallest changes that would allow a refused request, per account; made only when somebody asks.

The layer that decides gets one change: a condition to satisfy by asking differently, a statement to add where it is
silent, a deny to narrow. Then the request is decided again with the change in place, until it is allowed; so what is
told has been tried, and nothing is told that does not help. A change is policy JSON, ready for the policy that
`where` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from .amend import OF_THE_RESOURCE, levels_of, places, statements_of, with_context, with_statements
from .layers import Verdict
from .layers.resource import is_foreign_object
from .layers.shape import Side, verdict_of
from .model import AuthorizationRequest, ContextValue, PolicyType, PrincipalKind
from .narrow import narrowed
from .satisfy import not_to_apply, to_apply

if TYPE_CHECKING:
    from .decision import Decision
    from .explain import Determining, LayerVerdict

_OWNERS = frozenset(
    {PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP, PolicyType.PUBLIC_ACCESS_BLOCK, PolicyType.ACL}
)
_MOST = 100  # changes looked for: as many denies as anybody may have in the way


@dataclass(frozen=True, slots=True)
class Change:
    """One change in one account.

    kind: `add` the statement, `narrow` it to `replacement`, `remove` it, `satisfy` it by asking with `context`,
        `unset` the setting of Block Public Access, `grant` by an access control list.
    type: the layer. where: the policy (name or ARN) and who carries it, in words.
    statement: policy JSON: the one to add, or the one at fault, which stands at `line` and `index`.
    context: keys and values to ask with; None leaves a key out.
    level, place: which document of the layer, from 0; the level is of the organization.
    """

    side: Side
    account: str
    kind: str
    type: PolicyType
    where: str
    statement: dict[str, Any] | None = None
    replacement: tuple[dict[str, Any], ...] = ()
    context: Mapping[str, ContextValue | None] = field(default_factory=dict)
    explanation: str = ""
    line: int | None = None
    level: int = 0
    place: int = 0
    index: int = 0

    def apply(self, request: AuthorizationRequest) -> AuthorizationRequest:
        """The request as it would be decided after the change."""
        if self.kind == "satisfy":
            return with_context(request, self.context)
        if self.kind == "unset":
            return request._replace(owner=request.owner._replace(public_access_blocked=None))
        if self.kind == "grant":
            return request._replace(owner=request.owner._replace(acl_allows=True))
        policies = (levels_of(request, self.type) or ((),))[self.level]
        written = statements_of(policies[self.place]) if self.place < len(policies) else []
        principal = request.principal
        if self.type in OF_THE_RESOURCE and request.owner.policy is not None:
            meant = request.owner.policy.principal_ids.get(principal.entity_arn)
            if meant not in (None, principal.entity_id):
                written = [_naming(statement, principal.entity_arn, str(meant)) for statement in written]
        if self.kind == "add":
            written.append(self.statement or {})
        else:
            written[self.index : self.index + 1] = self.replacement
        ids = {principal.entity_arn: principal.entity_id}
        return with_statements(request, self.type, self.level, self.place, written, ids=ids)

    def to_json(self) -> dict[str, Any]:
        """The change for DecodeAuthorizationMessage."""
        return {
            "side": self.side,
            "account": self.account,
            "kind": self.kind,
            "policyType": self.type.value,
            "where": self.where,
            "statement": self.statement,
            "replacement": list(self.replacement),
            "context": {key: list(value) if isinstance(value, tuple) else value for key, value in self.context.items()},
            "explanation": self.explanation,
            "line": self.line,
            "index": self.index,
        }


def changes_for(decision: Decision) -> tuple[Change, ...]:
    """Changes that together allow the request, to be made in this order; empty when it is allowed."""
    changes: list[Change] = []
    known = {id(policy.document) for layer in PolicyType for _, _, policy in places(decision.request, layer)}
    while not decision.allowed and len(changes) < _MOST:
        before = len(changes)
        for alternatives in _steps(decision, known):
            found = _first_that_helps(alternatives, decision)
            if found is not None:
                change, decision = found
                changes.append(change)
        if len(changes) == before:
            break
    return tuple(changes)


def apply_changes(request: AuthorizationRequest, changes: tuple[Change, ...]) -> AuthorizationRequest:
    """The request as it would be decided after all of them, made in this order."""
    for change in changes:
        request = change.apply(request)
    return request


def _naming(statement: Mapping[str, Any], arn: str, entity_id: str) -> dict[str, Any]:
    """A statement that names a principal that is gone: by its unique id, as AWS shows it, so that it does not become
    one about whoever has the ARN now (IAM User Guide, "AWS JSON policy elements: Principal")."""
    written = dict(statement)
    for element in ("Principal", "NotPrincipal"):
        named = written.get(element)
        if isinstance(named, dict) and "AWS" in named:
            listed = named["AWS"] if isinstance(named["AWS"], list) else [named["AWS"]]
            written[element] = {**named, "AWS": [entity_id if one == arn else one for one in listed]}
    return written


def _first_that_helps(alternatives: Iterator[Change], decision: Decision) -> tuple[Change, Decision] | None:
    """The first change that brings the request nearer to an allow, and the decision after it."""
    from .decide import decide  # noqa: PLC0415 - decisions know their changes

    before = _obstacles(decision)
    for change in alternatives:
        after = decide(change.apply(decision.request))
        if after.allowed or _obstacles(after) < before:
            return change, after
    return None


def _obstacles(decision: Decision) -> tuple[int, int]:
    """How much stands in the way: denies, then layers (of an organization: levels) that are silent."""
    request = decision.request
    denies = sum(len(said.determining) for said in decision.layers if said.verdict is Verdict.DENY)
    silent = 0
    for layer in decision.refused_by:
        levels = levels_of(request, layer) if layer in (PolicyType.SCP, PolicyType.RCP) else ()
        silent += 1 + sum(verdict_of(level, request) is Verdict.SILENT for level in levels)
    return denies, silent


def _steps(decision: Decision, known: set[int]) -> Iterator[Iterator[Change]]:
    """What to change in the layer that decides, step by step; of each step the alternatives, the smallest first.

    known: the documents as they were asked about; a line in another one is nobody's line.
    """
    request, layer = decision.request, decision.layer
    said = next((one for one in decision.layers if one.type is layer), None)
    if layer is PolicyType.PUBLIC_ACCESS_BLOCK:
        setting = request.owner.public_access_blocked
        text = f"the bucket's policy is public, and {setting} leaves it to the owner's account"
        yield iter((_change(request, layer, "unset", request.resource, explanation=text),))
    elif decision.explicit_deny and said is not None:
        # From the last statement of a document to its first: what is put in the place of one moves those behind it.
        for by in sorted(said.determining, key=lambda one: one.statement.index, reverse=True):
            yield _against_a_deny(request, layer, by, id(by.policy.document) in known)
    elif layer is PolicyType.RESOURCE and is_foreign_object(request):
        owner = request.owner.object_owner or ""
        text = "the object belongs to another account than its bucket, whose policy can only deny"
        grant = _change(request, PolicyType.ACL, "grant", f"the ACL of {request.resource}", explanation=text)
        yield iter((replace(grant, account=owner),))
    else:
        yield chain(_near_misses(request, layer, said), _additions(request, layer))


def _against_a_deny(request: AuthorizationRequest, layer: PolicyType, by: Determining, known: bool) -> Iterator[Change]:
    """Asking so that the deny does not apply; narrowing it; removing it."""
    where, index = by.policy.arn or by.policy.name, by.statement.index
    document, arn = by.policy.document, by.policy.arn
    level, place, policy = next(
        found for found in places(request, layer) if found[2].document is document and found[2].arn == arn
    )
    at = {"line": by.statement.line if known else None, "level": level, "place": place, "index": index}
    written = statements_of(policy)[index]
    for values in not_to_apply(document.compiled[index], request.context):
        text = f"this statement denies the request; it would not with {_told(values)}"
        yield _change(request, layer, "satisfy", where, written, context=values, explanation=text, **at)
    rest = tuple(narrowed(written, policy, layer, request))
    if rest:
        text = "this statement denies the request, and no allow outweighs a deny: this in its place denies all the rest"
        yield _change(request, layer, "narrow", where, written, replacement=rest, explanation=text, **at)
    text = "this statement denies the request, and no allow outweighs a deny"
    yield _change(request, layer, "remove", where, written, explanation=text, **at)


def _near_misses(request: AuthorizationRequest, layer: PolicyType, said: LayerVerdict | None) -> Iterator[Change]:
    """Allows that lack nothing but a condition, where it is up to the one who asks."""
    for miss in said.misses if said is not None else ():
        if not all(element.startswith("Condition ") for element in miss.elements):
            continue
        values = to_apply(miss.policy.document.compiled[miss.statement.index], request.context)
        if values:
            yield _change(
                request,
                layer,
                "satisfy",
                miss.policy.arn or miss.policy.name,
                statements_of(miss.policy)[miss.statement.index],
                context=values,
                explanation=f"this statement would allow the request with {_told(values)}",
                line=miss.statement.line,
                index=miss.statement.index,
            )


def _told(values: Mapping[str, ContextValue | None]) -> str:
    return ", ".join(
        f"no {key}" if value is None else f"{key} = {value if isinstance(value, str) else ', '.join(value)}"
        for key, value in values.items()
    )


def _additions(request: AuthorizationRequest, layer: PolicyType) -> Iterator[Change]:
    """A statement of its own; where an organization's level is silent, for the first that is."""
    level = 0
    if layer in (PolicyType.SCP, PolicyType.RCP):
        levels = levels_of(request, layer)
        level = next(at for at, policies in enumerate(levels) if verdict_of(policies, request) is Verdict.SILENT)
    # What a boundary is silent about is added to the boundary; everywhere else a policy of its own does.
    place = 0 if layer in (PolicyType.BOUNDARY, PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.SESSION) else _MOST
    there = [policy for at, _, policy in places(request, layer) if at == level]
    # A key may hold what would be a wildcard in a pattern; documents of the old version cannot say that.
    plain = place == 0 and bool(there) and not there[0].document.has_variables
    statement = _statement(request, layer, request.resource if plain else _literal(request.resource))
    text = ""
    if statement.get("Principal") == "*" and layer is PolicyType.RESOURCE:
        text = "a public policy, which can be stored only where Block Public Access does not forbid it"
    where = _where(request, layer)
    if layer in (PolicyType.SCP, PolicyType.RCP) and there and there[0].holder:
        where = f"a {layer.value} at {there[0].holder}"
    yield _change(request, layer, "add", where, statement, level=level, place=place, explanation=text)


def _change(
    request: AuthorizationRequest,
    layer: PolicyType,
    kind: str,
    where: str,
    statement: dict[str, Any] | None = None,
    **more: Any,
) -> Change:
    side: Side = "owner" if layer in _OWNERS else "caller"
    account = request.owner.account if side == "owner" else request.principal.account
    return Change(side, account, kind, layer, where, statement, **more)


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


def _statement(request: AuthorizationRequest, kind: PolicyType, resource: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow"}
    if kind in (PolicyType.RESOURCE, PolicyType.TRUST):
        statement["Principal"] = _principal(request)
    elif kind is PolicyType.RCP:
        statement["Principal"] = "*"
    statement["Action"] = request.action
    if kind is not PolicyType.TRUST:
        statement["Resource"] = resource
    return statement


def _literal(resource: str) -> str:
    if resource == "*":
        return resource
    return "".join(f"${{{sign}}}" if sign in "*?$" else sign for sign in resource)


def _principal(request: AuthorizationRequest) -> Any:
    principal = request.principal
    if principal.kind is PrincipalKind.ANONYMOUS:
        return "*"
    if principal.kind is PrincipalKind.SERVICE:
        return {"Service": principal.entity_id}
    if principal.kind is PrincipalKind.WEB_IDENTITY:
        return {"Federated": principal.entity_id}
    return {"AWS": principal.entity_arn}
