"""A document as matchers: made once, asked for every request.

`candidates(action)` is the index that makes large policies fast: the statements whose Action element matches an
action, found once per action and document. What depends on the request (resource, principal, conditions) is tested
each time; no decision is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .conditions import Holds, compile_condition
from .document import Statement
from .model import Context
from .patterns import Test, arn_glob_of, glob, tokens_of
from .principals import Names, compile_principals
from .variables import is_constant, template_of, test_with_variables

if TYPE_CHECKING:
    from .document import PolicyDocument

_INDEX_SIZE = 1024  # actions remembered per document; there are fewer in any one service
Candidates = tuple[tuple["CompiledStatement", ...], tuple["CompiledStatement", ...]]


class CompiledStatement:
    """The matchers of one statement."""

    __slots__ = ("allows", "conditions", "matches_resource", "names", "statement")

    def __init__(self, statement: Statement, variables: bool) -> None:
        self.statement = statement
        self.allows = statement.effect == "Allow"
        self.names: Names = compile_principals(statement)
        self.matches_resource = _resource_test(statement, variables)
        self.conditions: tuple[Holds, ...] = tuple(
            compile_condition(entry, variables) for entry in statement.conditions
        )

    def applies(self, resource: str, context: Context) -> bool:
        """Whether resource and conditions match; action and principal are asked elsewhere."""
        if not self.matches_resource(resource, context):
            return False
        for holds in self.conditions:  # noqa: SIM110 - a generator would cost more than the tests
            if not holds(context):
                return False
        return True


class CompiledDocument:
    """The matchers of a document."""

    __slots__ = ("_index", "_statements")

    def __init__(self, document: PolicyDocument) -> None:
        self._statements = tuple(
            (_action_test(statement), CompiledStatement(statement, document.has_variables))
            for statement in document.statements
        )
        self._index: dict[str, Candidates] = {}

    def candidates(self, action: str) -> Candidates:
        """(denies, allows) whose Action element matches `action` (lower case)."""
        found = self._index.get(action)
        if found is None:
            matching = [compiled for test, compiled in self._statements if test(action)]
            found = (
                tuple(compiled for compiled in matching if not compiled.allows),
                tuple(compiled for compiled in matching if compiled.allows),
            )
            if len(self._index) >= _INDEX_SIZE:
                self._index.clear()
            self._index[action] = found
        return found


def _action_test(statement: Statement) -> Test:
    """Whether an action (lower case) is in the Action element, or not in NotAction."""
    tests = [glob(action.lower()) for action in statement.actions]
    negated = statement.negates_actions
    return lambda action: any(test(action) for test in tests) is not negated


def _resource_test(statement: Statement, variables: bool) -> Callable[[str, Context], bool]:
    """Whether a resource is in the Resource element, or not in NotResource. A trust policy has none: all are."""
    if statement.resources is None:
        return lambda resource, context: True
    constant: list[Test] = []
    literal: set[str] = set()
    filled: list[Callable[[str, Context], bool]] = []
    for pattern in statement.resources:
        # Variables stand only in the resource part of an ARN, after the fifth colon.
        head, tail = _resource_part(pattern)
        if variables and "${" in tail:
            template = (*tokens_of(head), *template_of(tail, wildcards=True))
            if not is_constant(template):
                filled.append(test_with_variables(template, arn_glob_of))
                continue
            constant.append(arn_glob_of(template))  # type: ignore[arg-type] - constant
        elif "*" in pattern or "?" in pattern:
            constant.append(arn_glob_of(tokens_of(pattern)))
        else:
            literal.add(pattern)
    negated = statement.negates_resources
    if not filled and not literal and len(constant) == 1:
        only = constant[0]
        return lambda resource, context: only(resource) is not negated

    def matches(resource: str, context: Context) -> bool:
        found = (
            resource in literal
            or any(test(resource) for test in constant)
            or any(test(resource, context) for test in filled)
        )
        return found is not negated

    return matches


def _resource_part(pattern: str) -> tuple[str, str]:
    at = -1
    for _ in range(5):
        at = pattern.find(":", at + 1)
        if at < 0:
            return "", pattern
    return pattern[: at + 1], pattern[at + 1 :]
