"""A Deny that stops denying one request and goes on denying what else it denied.

What S denies, but for action a on resource r by principal p, is what S denies with another action, or on another
resource, or to another principal. Each of the three is a statement where the language can say it: a list without the
entry, `NotAction` for `*`, a condition on `aws:PrincipalArn`. A wildcard such as `s3:Get*` cannot be written less one
of its actions; that part is then left out, and the request's principal gets a little more than it asked for. Others
never do, as long as `aws:PrincipalArn` (or what stands for it) tells them apart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .document import NEW_VERSION
from .model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind
from .patterns import arn_glob_of, glob, split_arn, tokens_of

Json = dict[str, Any]
_SHARED = frozenset({PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.SCP, PolicyType.RCP})
_WITHOUT_NOT_ACTION = frozenset({PolicyType.TRUST, PolicyType.RCP})


def narrowed(statement: Json, policy: NamedPolicy, layer: PolicyType, request: AuthorizationRequest) -> list[Json]:
    """The statements to put in the place of a Deny; none if it has to go."""
    others = [
        part
        for part in (
            _other_principals(statement, policy, layer, request),
            _other_actions(statement, layer, request.action),
            _other_resources(statement, policy, request.resource),
        )
        if part is not None
    ]
    sid = statement.get("Sid")
    for number, part in enumerate(others[1:], 2):
        if sid:
            part["Sid"] = f"{sid}{number}"
    return others


def _other_principals(
    statement: Json, policy: NamedPolicy, layer: PolicyType, request: AuthorizationRequest
) -> Json | None:
    """The statement for everybody else; None where there is nobody else, or no telling them apart."""
    if layer not in _SHARED and policy.arn is None and ":group/" not in policy.holder:
        return None
    named = statement.get("Principal")
    arn = request.principal.entity_arn
    if isinstance(named, dict) and set(named) == {"AWS"} and arn in _listed(named["AWS"]):
        rest = [one for one in _listed(named["AWS"]) if one != arn]
        return _with(statement, {"Principal": {"AWS": rest}}) if rest else None
    exemption = _exemption(request)
    if exemption is None:
        return None
    operator, key, value = exemption
    part = copy.deepcopy(statement)
    keys = part.setdefault("Condition", {}).setdefault(operator, {})
    written = next((one for one in keys if one.lower() == key.lower()), key)
    keys[written] = [*_listed(keys.get(written, [])), value]
    return part


def _exemption(request: AuthorizationRequest) -> tuple[str, str, str] | None:
    """Operator, key and value of a condition that holds for everybody but the requester."""
    principal, context = request.principal, request.context
    if principal.kind is PrincipalKind.ANONYMOUS:
        wanted = [("StringNotEquals", "aws:PrincipalType", principal.kind.value)]
    elif principal.kind is PrincipalKind.SERVICE:
        wanted = [("StringNotEquals", "aws:PrincipalServiceName", principal.entity_id)]
    else:
        wanted = [("ArnNotEquals", "aws:PrincipalArn", principal.entity_arn)]
    return next((one for one in wanted if context.get(one[1].lower()) == one[2]), None)


def _other_actions(statement: Json, layer: PolicyType, action: str) -> Json | None:
    """The statement for all other actions; None if there are none, or they cannot be written."""
    if "NotAction" in statement:
        return _with(statement, {"NotAction": [*_listed(statement["NotAction"]), action]})
    service = action.partition(":")[0].lower()
    of_the_service = f"{service}:*"

    def complement(pattern: str) -> bool:
        if layer in _WITHOUT_NOT_ACTION:
            return False
        return pattern == "*" or (pattern.lower() == of_the_service and _only_of(statement, service))

    return _less(statement, "Action", action, lambda one: glob(one.lower())(action.lower()), complement)


def _only_of(statement: Json, service: str) -> bool:
    """Whether the statement is about resources of one service only: no action of another can meet them."""
    resources = _listed(statement.get("Resource", []))
    return bool(resources) and all(
        one.startswith("arn:") and one.count(":") >= 5 and one.split(":")[2] == service for one in resources
    )


def _other_resources(statement: Json, policy: NamedPolicy, resource: str) -> Json | None:
    """The statement for all other resources; None if there are none, or they cannot be written."""
    if "Resource" not in statement and "NotResource" not in statement:
        return None
    written = resource
    if any(sign in resource for sign in "*?$"):
        if policy.document.version != NEW_VERSION:
            return None
        written = "".join(f"${{{sign}}}" if sign in "*?$" else sign for sign in resource)
    if "NotResource" in statement:
        return _with(statement, {"NotResource": [*_listed(statement["NotResource"]), written]})
    return _less(statement, "Resource", written, _may_be(resource), lambda one: one == "*")


def _may_be(resource: str) -> Callable[[str], bool]:
    """Whether a pattern matches the resource; one with variables always may."""
    return lambda one: "${" in one or arn_glob_of([tokens_of(field) for field in split_arn(one)])(resource)


def _less(
    statement: Json,
    element: str,
    value: str,
    matches: Callable[[str], bool],
    complement: Callable[[str], bool],
) -> Json | None:
    """The statement without `value` in a list of patterns."""
    patterns = _listed(statement[element])
    hits = [one for one in patterns if matches(one)]
    if any(complement(one) for one in hits):
        return _with(statement, {f"Not{element}": [value]}, without=element)
    rest = [one for one in patterns if one not in hits]
    if not rest or any("*" in one or "?" in one or "${" in one for one in hits):
        return None
    return _with(statement, {element: rest})


def _with(statement: Json, elements: Json, without: str = "") -> Json:
    """A copy with other elements; a list of one is written as that one."""
    changed = {key: copy.deepcopy(value) for key, value in statement.items() if key != without}
    for key, value in elements.items():
        changed[key] = value[0] if isinstance(value, list) and len(value) == 1 else value
    return changed


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
