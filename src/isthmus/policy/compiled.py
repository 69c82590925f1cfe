"""A document as matchers: made once, asked for every request.

`index[action]` is what makes large policies fast: the statements whose Action element matches an action are
found once per action and document, those of one effect become one test, and a test of many statements looks
only at those whose resource patterns can begin as the resource does. What depends on the request (resource,
principal, conditions) is tested each time; no decision is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from .conditions import Holds, compile_condition
from .model import Context, Principal
from .patterns import STAR, Test, Token, arn_glob_of, glob, split_arn, tokens_of
from .principals import DIRECT, NONE, Names, Naming, compile_principals
from .variables import Template, arn_template, fill_arn, is_constant, literal_test

if TYPE_CHECKING:
    from .document import PolicyDocument, Statement

_ACTIONS_REMEMBERED = 1024  # per document; more than any one service has
_FEW = 6  # up to so many statements are tried one by one

Applies = Callable[[str, Context], bool]
"""(resource, context) -> whether a statement (or one of several) applies."""
Grants = Callable[[str, Context, Principal, Mapping[str, str], bool], Naming]
"""(resource, context, principal, ids, bounded) -> how directly statements that apply name the principal."""


class CompiledStatement:
    """The matchers of one statement."""

    __slots__ = ("applies", "conditions", "heads", "matches_action", "matches_resource", "names", "statement")

    def __init__(self, statement: Statement, variables: bool) -> None:
        self.statement = statement
        self.matches_action = _action_test(statement)
        self.matches_resource, self.heads = _resource_test(statement, variables)
        self.names: Names = compile_principals(statement)
        self.conditions: tuple[Holds, ...] = tuple(
            compile_condition(entry, variables) for entry in statement.conditions
        )
        self.applies = _conditional(self.matches_resource, self.conditions)


class Index(dict[str, tuple[Applies | None, Applies | None]]):
    """Action, as requested -> the tests (of the denies, of the allows); None where no statement has the
    action."""

    def __init__(self, document: PolicyDocument) -> None:
        super().__init__()
        self._document = document

    def __missing__(self, action: str) -> tuple[Applies | None, Applies | None]:
        denies, allows = _with_action(self._document, action)
        if len(self) >= _ACTIONS_REMEMBERED:
            self.clear()
        found = self[action] = (any_applies(denies), any_applies(allows))
        return found


class ResourceIndex(dict[str, tuple[Grants | None, Grants | None]]):
    """The same for a document with principals."""

    def __init__(self, document: PolicyDocument) -> None:
        super().__init__()
        self._document = document

    def __missing__(self, action: str) -> tuple[Grants | None, Grants | None]:
        denies, allows = _with_action(self._document, action)
        if len(self) >= _ACTIONS_REMEMBERED:
            self.clear()
        found = self[action] = (most_direct(denies), most_direct(allows))
        return found


def compile_statements(document: PolicyDocument) -> tuple[CompiledStatement, ...]:
    """The matchers of every statement, in order."""
    return tuple(CompiledStatement(statement, document.has_variables) for statement in document.statements)


def _with_action(document: PolicyDocument, action: str) -> tuple[list[CompiledStatement], list[CompiledStatement]]:
    folded = action.lower()
    matching = [compiled for compiled in document.compiled if compiled.matches_action(folded)]
    denies = [compiled for compiled in matching if compiled.statement.effect == "Deny"]
    return denies, [compiled for compiled in matching if compiled.statement.effect == "Allow"]


def any_applies(statements: Sequence[CompiledStatement]) -> Applies | None:
    """One test for several statements: whether any of them applies."""
    if not statements:
        return None
    tests = tuple(compiled.applies for compiled in statements)
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda resource, context: first(resource, context) or second(resource, context)

    def try_all(resource: str, context: Context) -> bool:
        for applies in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if applies(resource, context):
                return True
        return False

    if len(statements) <= _FEW:
        return try_all
    by_head, lengths = _by_head(statements)

    def try_those_that_may(resource: str, context: Context) -> bool:
        for length in lengths:
            for compiled in by_head.get(resource[:length], ()):
                if compiled.applies(resource, context):
                    return True
        return False

    return try_those_that_may


def most_direct(statements: Sequence[CompiledStatement]) -> Grants | None:
    """One test for several statements with principals: the most direct naming among those that apply."""
    if not statements:
        return None
    if len(statements) == 1:
        names, applies = statements[0].names, statements[0].applies

        def one(resource: str, context: Context, principal: Principal, ids: Mapping[str, str], bounded: bool) -> Naming:
            naming = names(principal, ids, bounded)
            return naming if naming is not NONE and applies(resource, context) else NONE

        return one
    by_head, lengths = _by_head(statements) if len(statements) > _FEW else ({"": list(statements)}, (0,))

    def best(resource: str, context: Context, principal: Principal, ids: Mapping[str, str], bounded: bool) -> Naming:
        found = NONE
        for length in lengths:
            for compiled in by_head.get(resource[:length], ()):
                naming = compiled.names(principal, ids, bounded)
                if naming > found and compiled.applies(resource, context):
                    if naming is DIRECT:
                        return naming
                    found = naming
        return found

    return best


def _by_head(
    statements: Sequence[CompiledStatement],
) -> tuple[dict[str, list[CompiledStatement]], tuple[int, ...]]:
    """Statements by the literal text their resource patterns begin with, and the lengths of those texts."""
    by_head: dict[str, list[CompiledStatement]] = {}
    for compiled in statements:
        for head in compiled.heads:
            by_head.setdefault(head, []).append(compiled)
    return by_head, tuple(sorted({len(head) for head in by_head}))


def _conditional(matches_resource: Applies, conditions: tuple[Holds, ...]) -> Applies:
    if not conditions:
        return matches_resource
    if len(conditions) == 1:
        only = conditions[0]
        return lambda resource, context: matches_resource(resource, context) and only(context)

    def applies(resource: str, context: Context) -> bool:
        if not matches_resource(resource, context):
            return False
        for holds in conditions:  # noqa: SIM110 - a generator would cost more than the tests
            if not holds(context):
                return False
        return True

    return applies


def _action_test(statement: Statement) -> Test:
    """Whether an action (lower case) is in the Action element, or not in NotAction."""
    tests = [glob(action.lower()) for action in statement.actions if is_action_pattern(action)]
    negated = statement.negates_actions
    return lambda action: any(test(action) for test in tests) is not negated


def is_action_pattern(text: str) -> bool:
    """Whether a text can be an action: `*`, or a service without wildcards, one colon and a name."""
    if text == "*":
        return True
    service, colon, name = text.partition(":")
    return bool(colon and service and name and ":" not in name and "*" not in service and "?" not in service)


def _resource_test(statement: Statement, variables: bool) -> tuple[Applies, frozenset[str]]:
    """Whether a resource is in the Resource element, or not in NotResource, and what such a resource begins
    with.

    A trust policy has neither: it is about one resource.
    """
    if statement.resources is None:
        return _always, frozenset({""})
    literals: set[str] = set()
    prefixes: list[str] = []
    others: list[Applies] = []
    heads: set[str] = set()
    for pattern in statement.resources:
        fields: list[Template] = list(arn_template(pattern, everywhere=False)) if variables else _plain(pattern)
        heads.add(_head(fields))
        if all(is_constant(field) for field in fields):
            _sort_constant(fields, literals, prefixes, others)
        else:
            others.append(literal_test(fields) or _filled_test(fields))
    test = _one_of(literals, tuple(prefixes), tuple(others))
    if statement.negates_resources:
        return lambda resource, context: not test(resource, context), frozenset({""})
    return test, frozenset(heads)


def _always(resource: str, context: Context) -> bool:
    return True


def _plain(pattern: str) -> list[Template]:
    return [tokens_of(field) for field in split_arn(pattern)]


def _head(fields: Sequence[Template]) -> str:
    """The literal text before the first wildcard or variable."""
    head = ""
    for at, field in enumerate(fields):
        if at:
            head += ":"
        for token in field:
            if not isinstance(token, str):
                return head
            head += token
    # An incomplete ARN is completed with wildcards: the text goes on with a colon, or as it stands.
    return head


def _sort_constant(fields: Sequence[Template], literals: set[str], prefixes: list[str], others: list[Applies]) -> None:
    tokens = cast(Sequence[Sequence[Token]], fields)
    heads = [token for field in tokens[:5] for token in field]
    if len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0][0] is STAR:
        prefixes.append("")
        return
    if len(tokens) == 6 and all(isinstance(token, str) for token in heads):
        front = ":".join("".join(map(str, field)) for field in tokens[:5]) + ":"
        match tokens[5]:
            case []:
                literals.add(front)
                return
            case [str(rest)]:
                literals.add(front + rest)
                return
            case [last] if last is STAR:
                prefixes.append(front)
                return
            case [str(rest), last] if last is STAR:
                prefixes.append(front + rest)
                return
    test = arn_glob_of(tokens)
    others.append(lambda resource, context: test(resource))


def _one_of(literals: set[str], prefixes: tuple[str, ...], others: tuple[Applies, ...]) -> Applies:
    """The cheapest test for what there is."""
    if "" in prefixes:
        return _always
    if not others and not prefixes:
        if len(literals) == 1:
            (literal,) = literals
            return lambda resource, context: resource == literal
        return lambda resource, context: resource in literals
    if not others and not literals:
        # str.startswith tries a whole tuple without coming back to Python.
        start = prefixes[0] if len(prefixes) == 1 else prefixes
        return lambda resource, context: resource.startswith(start)
    if not others:
        return lambda resource, context: resource in literals or resource.startswith(prefixes)
    if len(others) == 1 and not literals and not prefixes:
        return others[0]

    def matches(resource: str, context: Context) -> bool:
        if resource in literals or resource.startswith(prefixes):
            return True
        for test in others:  # noqa: SIM110 - a generator would cost more than the tests
            if test(resource, context):
                return True
        return False

    return matches


def _filled_test(fields: Sequence[Template]) -> Applies:
    def test(resource: str, context: Context) -> bool:
        filled = fill_arn(fields, context)
        return filled is not None and arn_glob_of(filled)(resource)

    return test
