"""The context keys that a document refers to: in its conditions, and as policy variables.

What GetContextKeysForCustomPolicy lists (IAM API reference). Names are compared regardless of case; each is told once,
as it is written first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .document import PolicyDocument, Statement
from .variables import names_in


def context_keys(documents: Iterable[PolicyDocument]) -> tuple[str, ...]:
    """The keys of the documents in the order in which they stand there."""
    found: dict[str, str] = {}
    for document in documents:
        for statement in document.statements:
            for key in _keys_of(statement, document.has_variables):
                found.setdefault(key.lower(), key)
    return tuple(found.values())


def _keys_of(statement: Statement, variables: bool) -> Iterator[str]:
    if variables:
        for resource in statement.resources or ():
            yield from names_in(resource)
    for entry in statement.conditions:
        yield entry.key
        if variables:
            for value in entry.values:
                yield from names_in(value)
