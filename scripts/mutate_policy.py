"""Mutation testing of the policy engine's core: does every small mistake in it fail a test?

    make mutation [ARGS="[conditions layers/scp …] [--survivors] [--jobs N]"]

Each mutant is the engine with one change of `mutations`. A process of its own, forked from one that has loaded pytest
but nothing of the engine, imports the mutant and runs tests/policy with few and fixed examples until something fails.
A mutant is survived when everything passes; it is killed when a test fails, or when it takes several times the CPU
the engine itself takes (a loop that does not end).

The usual tools were tried. They change functions only, where our rules are tables of modules; they leave decorated
functions out; and they pick the tests of a mutant by who called the function before, which matchers made once per
document defeat.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutations import Mutation, aliases_in, enumerations, mutations

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "isthmus" / "policy"
# Module -> its own tests, which are tried first: most of its mutants get no further.
MODULES = {
    "decide": "test_refusing_layers.py",
    "compiled": "test_compiled.py",
    "conditions": "test_conditions.py",
    "principals": "test_principals.py",
    "patterns": "test_patterns.py",
    "variables": "test_variables.py",
    "public_access": "test_public_access.py",
    "layers/acl": "test_layers.py",
    "layers/boundary": "test_layers.py",
    "layers/identity": "test_layers.py",
    "layers/public_access_block": "test_layers.py",
    "layers/rcp": "test_layers.py",
    "layers/resource": "test_layers.py",
    "layers/scp": "test_layers.py",
    "layers/session": "test_layers.py",
    "layers/shape": "test_layers.py",
}
WANTED = 0.9
LAST = ("test_fix.py", "test_matching_cost.py", "test_differential.py")
LEFT_OUT = "not costs_no_more_than"  # it measures time
SETTINGS = {
    "ISTHMUS_POLICY_EXAMPLES": "100",
    "ISTHMUS_POLICY_FIXED": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # only those named below: to look for others takes as long as most tests do
}
QUIETLY = ("-x", "-q", "--tb=no", "-p", "pytest_timeout", "-p", "no:cacheprovider", "-p", "no:unraisableexception")
PASSED, MANY_TIMES = 0, 5


@dataclass
class Tally:
    """The mutants of one module: how many, and those that no test noticed."""

    mutants: int
    survivors: list[Mutation]


def main() -> None:
    """Tests the mutants and prints the score of each module and of all."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE", help=", ".join(MODULES))
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time (default: one per core)")
    options.add_argument("--survivors", action="store_true", help="show the mutants that no test noticed")
    options.add_argument("--line", type=int, help="only the mutants of this line")
    asked = options.parse_args()
    prepare()
    seconds = cpu_of_the_engine_itself()
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    members = enumerations(trees)
    tallies: dict[str, Tally] = {}
    print(f"{'module':28}{'mutants':>9}{'killed':>9}{'survived':>10}{'score':>9}")
    for module in asked.modules:
        tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
        aliases = aliases_in([*trees, tree], members)
        found = [one for one in mutations(tree, members, aliases) if asked.line in (None, one.line)]
        tallies[module] = Tally(len(found), test(module, tree, found, asked.jobs, MANY_TIMES * seconds))
        print(row(module, [tallies[module]]), flush=True)
        for survivor in tallies[module].survivors if asked.survivors else ():
            print(f"    {module}.py:{survivor.line}\n      - {survivor.before}\n      + {survivor.after}")
    print(row("all", list(tallies.values())))
    sys.exit(score(list(tallies.values())) < WANTED)


def prepare() -> None:
    """Loads what every mutant's process needs, but nothing of the engine."""
    os.environ.update(SETTINGS)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT / "src"))
    import hypothesis.strategies  # noqa: F401, PLC0415 - loaded for those that are forked
    import pytest  # noqa: F401, PLC0415
    import pytest_timeout  # noqa: F401, PLC0415

    # What is here stays: no process has to look through it for garbage, which would copy all of it.
    gc.freeze()


def cpu_of_the_engine_itself() -> float:
    """Seconds of CPU the tests take when nothing is changed; they must pass."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pid = fork_tests(None, 600)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != PASSED:
        sys.exit("the tests of the policy engine fail as it is")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test(module: str, tree: ast.Module, found: Sequence[Mutation], jobs: int, seconds: float) -> list[Mutation]:
    """The mutants that survive, in the order of their lines."""
    waiting, running, survivors = list(found), {}, []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutation = waiting.pop(0)
            running[fork_tests((module, tree, mutation), seconds)] = mutation
        pid, status = os.wait()
        mutation = running.pop(pid)
        if os.waitstatus_to_exitcode(status) == PASSED:
            survivors.append(mutation)
    return sorted(survivors, key=lambda one: one.line)


def fork_tests(mutant: tuple[str, ast.Module, Mutation] | None, seconds: float) -> int:
    """A process that runs the tests against a mutant and ends with pytest's status; its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if mutant is not None:
            module, tree, mutation = mutant
            mutation.apply()
            sys.meta_path.insert(0, Mutated(module, tree))
        status = run_tests("" if mutant is None else MODULES[mutant[0]])
    finally:
        os._exit(status)


def run_tests(first: str) -> int:
    """pytest's exit status: 0 when all tests pass. first: a file that is tried before the others are read."""
    import pytest  # noqa: PLC0415 - loaded before

    folder = ROOT / "tests" / "policy"
    quick = {path.name for path in folder.glob("test_*.py")} - {first, *LAST}
    for names in ([first] if first else [], sorted(quick), LAST):
        files = [str(folder / name) for name in names]
        if files and (status := pytest.main([*QUIETLY, "-k", LEFT_OUT, *files])) != PASSED:
            return int(status)
    return PASSED


class Mutated(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds one module of the engine and loads it from a changed tree."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.tree = tree
        super().__init__("isthmus.policy." + module.replace("/", "."), str(PACKAGE / f"{module}.py"))

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the changed module; others are found elsewhere."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_code(self, fullname: str) -> object:
        """The code of the changed tree, never a cached one."""
        return compile(self.tree, self.path, "exec", dont_inherit=True)


def score(tallies: Sequence[Tally]) -> float:
    """The share of mutants that were killed."""
    mutants = sum(tally.mutants for tally in tallies)
    return 1 - sum(len(tally.survivors) for tally in tallies) / mutants if mutants else 1.0


def row(title: str, tallies: Sequence[Tally]) -> str:
    """One line of the table."""
    mutants = sum(tally.mutants for tally in tallies)
    survived = sum(len(tally.survivors) for tally in tallies)
    return f"{title:28}{mutants:9}{mutants - survived:9}{survived:10}{score(tallies):9.1%}"


if __name__ == "__main__":
    main()
