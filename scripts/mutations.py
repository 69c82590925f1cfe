"""What can be changed about a module: every small mistake that somebody could have made in it.

A mutation is a place in the syntax tree and what to put there. The kinds are those of the known tools (comparisons
swapped, `and` for `or`, a `not` or an operand lost, a guard always or never true, numbers off by one, other strings,
statements and match cases lost, methods swapped) and two for code like ours, whose rules are tables and verdicts: an
entry lost from a table, also at module level, and a member of an enumeration taken for its neighbour.

Left alone is what decides nothing: annotations, type aliases, imports, decorators, docstrings, messages, `__slots__`,
`__all__`, `__repr__`, protocols.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}
_ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
_METHODS = {
    "startswith": "endswith",
    "endswith": "startswith",
    "removesuffix": "removeprefix",
    "removeprefix": "removesuffix",
    "find": "rfind",
    "partition": "rpartition",
    "rpartition": "partition",
    "match": "search",
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
}
_NORMALIZING = frozenset({"lower", "casefold", "strip", "removesuffix", "removeprefix"})
_SILENT_FUNCTIONS = frozenset({"__repr__"})
_SILENT_NAMES = frozenset({"__slots__", "__all__"})
Members = Mapping[str, tuple[str, ...]]
"""Enumeration -> its members, in order."""
Aliases = Mapping[str, tuple[str, str]]
"""Name of a constant -> the enumeration and the member it stands for."""


@dataclass(frozen=True)
class Mutation:
    """One change of one module's tree. line: where. before, after: of the smallest piece of code around it."""

    line: int
    before: str
    after: str
    apply: Callable[[], None]


def enumerations(trees: Iterable[ast.Module]) -> Members:
    """The enumerations of a package."""
    nodes = [node for tree in trees for node in tree.body]
    return {
        node.name: tuple(
            target.id for one in node.body if isinstance(one, ast.Assign) for target in one.targets
            if isinstance(target, ast.Name)
        )
        for node in nodes
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases)
    }  # fmt: skip


def aliases_in(trees: Iterable[ast.Module], members: Members) -> Aliases:
    """The names that modules give to members; of several by one name the last module's."""
    aliases = {}
    for node in (node for tree in trees for node in tree.body):
        if isinstance(node, ast.Assign):
            for name, value in _pairs(node.targets[0], node.value):
                if isinstance(name, ast.Name) and isinstance(value, ast.Attribute):
                    kind = ast.unparse(value.value)
                    if value.attr in members.get(kind, ()):
                        aliases[name.id] = (kind, value.attr)
    return members, aliases


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value


def mutations(tree: ast.Module, members: Members, aliases: Aliases) -> Iterator[Mutation]:
    """Every mutation of a module. At most one may be applied to a tree."""
    for place in _places(tree):
        for new in _alternatives(place, members, aliases):
            yield place.mutation(new)


@dataclass(frozen=True)
class _Place:
    """A node, where it hangs, and the pieces of code that it stands in, from the outermost."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    around: tuple[ast.AST, ...]

    def put(self, node: ast.AST | None) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        elif node is None:
            del getattr(self.parent, self.field)[self.index]
        else:
            getattr(self.parent, self.field)[self.index] = node

    def mutation(self, new: ast.AST | None) -> Mutation:
        """The change, told by the innermost statement or clause around it."""
        shown = next(one for one in reversed((*self.around, self.node)) if isinstance(one, ast.stmt | ast.match_case))
        whole = _first_lines(shown)
        if new is not None:
            ast.copy_location(new, self.node)
            ast.fix_missing_locations(new)
        # Tried for the description, then taken back; the caller applies it in a process of its own.
        if new is None and shown is self.node:
            return Mutation(_line(self.node), whole, "(nothing)", lambda: self.put(None))
        self.put(new)
        after = _first_lines(new if shown is self.node and new is not None else shown)
        if self.index is not None and new is None:
            getattr(self.parent, self.field).insert(self.index, self.node)
        else:
            self.put(self.node)
        return Mutation(_line(self.node), whole, after, lambda: self.put(new))


def _line(node: ast.AST) -> int:
    return next(inner.lineno for inner in ast.walk(node) if hasattr(inner, "lineno"))


def _first_lines(node: ast.AST) -> str:
    """A statement's own code, without the body of a block."""
    return ast.unparse(node).strip().partition("\n")[0] if hasattr(node, "body") else ast.unparse(node)


def _places(tree: ast.Module) -> Iterator[_Place]:
    def walk(node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[_Place]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_params", "ctx"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.AST) and not _decides_nothing(child, node, index):
                    yield _Place(child, node, field, index, (*around, node))
                    yield from walk(child, (*around, node))

    yield from walk(tree, ())


def _decides_nothing(node: ast.AST, parent: ast.AST, index: int | None) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.FunctionDef(name=name):
            return name in _SILENT_FUNCTIONS
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            alias = name[0].isupper() and not name.isupper() and isinstance(value, ast.Subscript | ast.BinOp)
            return name in _SILENT_NAMES or (alias and isinstance(parent, ast.Module))
    # The type that `cast` is told.
    return isinstance(parent, ast.Call) and ast.unparse(parent.func) == "cast" and index == 0 and node is parent.args[0]


def _alternatives(place: _Place, members: Members, aliases: Aliases) -> Iterator[ast.AST | None]:
    """What could stand in a place instead; None for nothing."""
    node, parent = place.node, place.parent
    yield from _of_conditions(place)
    yield from _of_tables(place)
    yield from _of_statements(place)
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(value + "~")
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield ast.BinOp(node.left, _ARITHMETIC[type(op)](), node.right)
        case ast.UnaryOp(op=ast.USub()):
            yield node.operand
        case ast.Slice():
            if node.lower is not None:
                yield ast.Slice(None, node.upper, node.step)
            if node.upper is not None:
                yield ast.Slice(node.lower, None, node.step)
        case ast.Call(func=ast.Attribute(attr=name)) if name in _NORMALIZING:
            yield node.func.value
        case ast.Attribute(value=ast.Name(id=kind), attr=name) if name in members.get(kind, ()):
            for other in _neighbours(name, members[kind]):
                yield ast.Attribute(node.value, other, ast.Load())
        case ast.Name(id=name, ctx=ast.Load()) if name in aliases:
            kind, member = aliases[name]
            for other in _neighbours(member, members[kind]):
                enumeration = ast.Call(ast.Name("type", ast.Load()), [ast.Name(name, ast.Load())], [])
                yield ast.Subscript(enumeration, ast.Constant(other), ast.Load())
        case ast.Name(id="STAR" | "ONE", ctx=ast.Load()):
            yield ast.Name("ONE" if node.id == "STAR" else "STAR", ast.Load())
    if isinstance(parent, ast.Call) and place.field == "func":
        if isinstance(node, ast.Attribute) and node.attr in _METHODS:
            yield ast.Attribute(node.value, _METHODS[node.attr], ast.Load())
        if isinstance(node, ast.Name) and node.id in _METHODS:
            yield ast.Name(_METHODS[node.id], ast.Load())


def _neighbours(member: str, members: Sequence[str]) -> tuple[str, ...]:
    at = members.index(member)
    return tuple(dict.fromkeys((members[at - 1], members[(at + 1) % len(members)])))


def _of_conditions(place: _Place) -> Iterator[ast.AST | None]:
    node, parent, field = place.node, place.parent, place.field
    match node:
        case ast.Compare(ops=[op]):
            for other in _COMPARISONS[type(op)]:
                yield ast.Compare(node.left, [other()], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            for at in range(len(node.values)):
                rest = [*node.values[:at], *node.values[at + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
    if field == "test" and isinstance(parent, ast.If | ast.IfExp):
        yield ast.Constant(True)
    if (field == "test" and isinstance(parent, ast.If | ast.IfExp | ast.While)) or field == "guard":
        yield ast.Constant(False)
    if field == "ifs" or field == "guard":
        yield ast.Constant(True)


def _of_tables(place: _Place) -> Iterator[ast.AST | None]:
    """The table without one of its entries."""
    node, parent = place.node, place.parent
    if isinstance(node, ast.Dict):
        for at in range(len(node.keys)):
            yield ast.Dict([*node.keys[:at], *node.keys[at + 1 :]], [*node.values[:at], *node.values[at + 1 :]])
    table = isinstance(node, ast.Set | ast.List) or (
        isinstance(node, ast.Tuple)
        and not isinstance(parent, ast.Subscript | ast.For | ast.comprehension | ast.Return)
        and not (isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple))
    )
    if table and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and len(node.elts) > 1:
        for at in range(len(node.elts)):
            rest = [*node.elts[:at], *node.elts[at + 1 :]]
            yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, ast.Load())


def _of_statements(place: _Place) -> Iterator[ast.AST | None]:
    node = place.node
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Continue | ast.Break):
        yield ast.Pass()
    if isinstance(node, ast.match_case) and len(place.parent.cases) > 1:
        yield None
    # A name that has a value already keeps it.
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        function = next((one for one in reversed(place.around) if isinstance(one, ast.FunctionDef)), None)
        if function is not None and node.targets[0].id in _bound_before(function, node.lineno):
            yield ast.Pass()


def _bound_before(function: ast.FunctionDef, line: int) -> set[str]:
    names = {argument.arg for argument in function.args.args}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.lineno < line:
            names.add(node.id)
    return names
