"""Whether a decision hangs on condition keys that nobody has told: of an organization, or of the request alone.

Such a key is absent where a decision is foretold, but not from the request itself. So the request is decided twice
more: as if each condition on it helped, and as if none did. Where both come to the same the key does not matter.

Source: IAM User Guide, "AWS global condition context keys", which says of each key when a request has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isthmus.policy import AuthorizationRequest, Decision, NamedPolicy, PolicyType, decide
from isthmus.policy.amend import OF_THE_RESOURCE, places, statements_of, with_statements

# Condition keys that nobody knows but the service that is asked.
_OF_REQUESTS = (
    "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:useragent", "aws:referer", "aws:tokenissuetime",
    "aws:requestedregion", "s3:existingobjecttag/",
)  # fmt: skip
_OF_ORGANIZATIONS = ("aws:principalorg", "aws:resourceorg")


def depends_on(decision: Decision, knows_organization: bool) -> tuple[str, ...]:
    """The keys that would have to be known for a decision to be sure, as they are written; none where it is.

    knows_organization: whether the organization was looked at, so that a key of it that is absent stays absent.
    """
    request = decision.request
    documents = list(_documents(request))
    keys = {key for _, _, _, policy in documents for key in _open_keys(request, policy, knows_organization)}
    if not keys:
        return ()
    most, least = request, request
    for kind, level, at, policy in documents:
        if any(_open_keys(request, policy, knows_organization)):
            most = with_statements(most, kind, level, at, _assumed(policy, keys, "Allow"))
            least = with_statements(least, kind, level, at, _assumed(policy, keys, "Deny"))
    return () if decide(most).allowed is decide(least).allowed else tuple(sorted(keys))


def what_tells(keys: tuple[str, ...]) -> str:
    """What a decision depends on, and what would tell."""
    if any(key.lower().startswith(_OF_ORGANIZATIONS) for key in keys):
        return f"it depends on {', '.join(keys)}: --organization tells of the organization"
    return f"it depends on {', '.join(keys)}, which only the request itself has"


def _documents(request: AuthorizationRequest) -> Iterator[tuple[PolicyType, int, int, NamedPolicy]]:
    """Every document with its place; the resource's own once, as the kind that it is."""
    resource = None if request.owner.policy is None else request.owner.policy.type
    for kind in PolicyType:
        if kind is resource or kind not in OF_THE_RESOURCE:
            yield from ((kind, *place) for place in places(request, kind))


def _open_keys(request: AuthorizationRequest, policy: NamedPolicy, knows_organization: bool) -> Iterator[str]:
    """The keys of a document's statements about the action that are not known."""
    for compiled in policy.document.compiled:
        if not compiled.matches_action(request.action.lower()):
            continue
        for entry in compiled.statement.conditions:
            key = entry.key.lower()
            of_organizations = key.startswith(_OF_ORGANIZATIONS)
            if key in request.context or (of_organizations and knows_organization):
                continue
            if of_organizations or key.startswith(_OF_REQUESTS):
                yield entry.key


def _assumed(policy: NamedPolicy, keys: set[str], effect: str) -> list[dict[str, Any]]:
    """A document's statements as if the conditions on these keys held in those of that effect, and in no others."""
    found = []
    for statement in statements_of(policy):
        conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
        if not any(key in keys for operator in conditions.values() for key in operator):
            found.append(statement)
        elif statement["Effect"] == effect:
            left = {
                name: kept
                for name, operator in conditions.items()
                if (kept := {key: value for key, value in operator.items() if key not in keys})
            }
            statement.pop("Condition")
            found.append(statement | {"Condition": left} if left else statement)
    return found
