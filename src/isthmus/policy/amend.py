"""A request with one thing about it changed: another document in a layer, another statement, another context.

Nothing of the original is touched. `fix` uses it to try out what it proposes, and whoever wants to know what a
change would do before making it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .document import NEW_VERSION, PolicyDocument
from .model import AuthorizationRequest, ContextValue, NamedPolicy, PolicyType, PrincipalPolicies, ResourcePolicy

Json = dict[str, Any]
OF_THE_RESOURCE = (PolicyType.RESOURCE, PolicyType.TRUST)
"""The layers that are a resource's own policy, of which it has one."""


def levels_of(request: AuthorizationRequest, layer: PolicyType) -> tuple[tuple[NamedPolicy, ...], ...]:
    """The documents of a layer, level by level; one level but for SCPs and RCPs."""
    caller, owner = request.caller, request.owner
    if layer is PolicyType.SCP:
        return caller.scps
    if layer is PolicyType.RCP:
        return owner.rcps
    if layer is PolicyType.IDENTITY:
        return (caller.identity,)
    if layer is PolicyType.BOUNDARY:
        return ((caller.boundary,) if caller.boundary is not None else (),)
    if layer is PolicyType.SESSION:
        return (caller.session or (),)
    if layer in OF_THE_RESOURCE and owner.policy is not None:
        return ((NamedPolicy(owner.policy.document, owner.policy.type.value, None, request.resource),),)
    return ((),)


def places(request: AuthorizationRequest, layer: PolicyType) -> Iterator[tuple[int, int, NamedPolicy]]:
    """Every document of a layer with its level and its place there."""
    for level, policies in enumerate(levels_of(request, layer)):
        for at, policy in enumerate(policies):
            yield level, at, policy


def with_statements(
    request: AuthorizationRequest,
    layer: PolicyType,
    level: int,
    at: int,
    statements: Sequence[Json],
    *,
    ids: Mapping[str, str] | None = None,
) -> AuthorizationRequest:
    """The request with the document `at` that place made of other statements; a new document if there is none.

    ids: further principals of a resource's own policy, ARN -> unique id.
    """
    levels = [list(policies) for policies in levels_of(request, layer)] or [[]]
    policies = levels[level]
    old = policies[at] if at < len(policies) else None
    content: Json = {"Version": NEW_VERSION} if old is None else dict(old.document.value)
    document = PolicyDocument.made({**content, "Statement": list(statements)})
    if layer in OF_THE_RESOURCE:
        given = request.owner.policy
        known = {**(given.principal_ids if given is not None else {}), **(ids or {})}
        if given is None:
            made = ResourcePolicy(document, known, layer)
        else:
            made = ResourcePolicy(document, known, given.type, given.trusts_account)
        return request._replace(owner=request.owner._replace(policy=made))
    if old is None:
        policies.append(NamedPolicy(document, "the new policy"))
    else:
        policies[at] = NamedPolicy(document, old.name, old.arn, old.holder)
    return _with_levels(request, layer, tuple(tuple(policies) for policies in levels))


def _with_levels(
    request: AuthorizationRequest, layer: PolicyType, levels: tuple[tuple[NamedPolicy, ...], ...]
) -> AuthorizationRequest:
    caller = request.caller
    identity, boundary, session, scps = caller.identity, caller.boundary, caller.session, caller.scps
    if layer is PolicyType.RCP:
        return request._replace(owner=request.owner._replace(rcps=levels))
    if layer is PolicyType.SCP:
        scps = levels
    elif layer is PolicyType.IDENTITY:
        identity = levels[0]
    elif layer is PolicyType.BOUNDARY:
        boundary = levels[0][0]
    else:
        session = levels[0]
    return request._replace(caller=PrincipalPolicies(identity, boundary, session, scps))


def with_context(request: AuthorizationRequest, values: Mapping[str, ContextValue | None]) -> AuthorizationRequest:
    """The request with other context keys (lower case); None takes a key away."""
    context = {**request.context, **values}
    return request._replace(context={key: value for key, value in context.items() if value is not None})


def statements_of(policy: NamedPolicy) -> list[Json]:
    """A document's statements as they are written, as plain JSON and copies of their own."""
    written = json.loads(json.dumps(policy.document.value["Statement"]))
    return written if isinstance(written, list) else [written]
