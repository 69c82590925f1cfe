"""What holds for the repository as a whole: its files, its dependencies, its docstrings, its wheel."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES = 500
# Files that are longer than a file should be, each with its reason.
LONGER: dict[str, str] = {}
# Data that is text, but nobody wrote or reads it line by line.
DATA = ("src/isthmus/identity/managed_policies/policies.jsonl",)


@cache
def tracked() -> tuple[str, ...]:
    """The files under version control; those of an unpacked archive where there is none."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())
    folders = (ROOT / name for name in ("src", "tests", "scripts", "docs", "requirements", "benchmarks"))
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".md", ".txt", ".in"))
    return tuple(path.relative_to(ROOT).as_posix() for path in files)


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every tracked file but data, pictures and this one."""
    for name in tracked():
        if name not in DATA and name != "tests/test_repository.py" and not name.endswith(".webp"):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def sources() -> list[Path]:
    return sorted((ROOT / "src").rglob("*.py"))


def test_the_locked_dependencies_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
    locked = {line.strip().lower() for line in lines if line.strip() and not line.startswith("#")}
    assert locked == {one.lower() for one in project["dependencies"]}


@pytest.mark.parametrize("name", ["runtime", "test", "bench", "console", "clients"])
def test_every_requirement_has_a_lock_with_hashes(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==", lock, re.MULTILINE)
    assert pins
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", lock)) >= len(pins)
    wanted = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / "requirements" / f"{name}.in").read_text("utf-8"), re.MULTILINE)
    assert {one.lower().replace("_", "-") for one in wanted} <= {pin.lower().replace("_", "-") for pin in pins}


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        (
            "a package registry's address",
            r"(?<!emit-)index-url|registry[.]npm|pypi[.]org|python[h]osted|npmjs[.](?:org|com)/-/|[a]rtifactory",
        ),
        ("a path of one machine", r"(?<![.\w])/home/\w+|/Users/\w+|/root/|/work/|(?<!\w)/tmp/\w"),
        ("unfinished work", r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError"),
    ],
    ids=["registry", "machine", "unfinished"],
)
def test_no_tracked_file_has(what: str, pattern: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == [], what


def test_source_files_are_short_or_say_why_not() -> None:
    long = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == set(LONGER)


def test_everything_public_has_a_docstring() -> None:
    missing = []
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = path.relative_to(ROOT / "src" / "isthmus").as_posix()
        if ast.get_docstring(tree) is None and path.stat().st_size:
            missing.append(name)
        missing += [f"{name}: {one}" for one in undocumented(tree, "")]
    assert missing == []


def undocumented(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    """Public classes, functions and methods without a docstring; what is inside private classes is private."""
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node, f"{prefix}{node.name}.")


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_wheel_has_the_data_the_package_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        wanted = [
            path.relative_to(ROOT / "src").as_posix()
            for path in (ROOT / "src" / "isthmus").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ]
        assert set(wanted) <= names
        assert {"isthmus/py.typed", "isthmus/store/schema/identity/0001.sql"} <= set(wanted)
        policies = "isthmus/identity/managed_policies/policies.jsonl"
        original = (ROOT / "src" / policies).read_bytes()
        assert hashlib.sha256(archive.read(policies)).digest() == hashlib.sha256(original).digest()
        assert any(name.endswith("licenses/LICENSE") for name in names)
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert b"[pytest11]\nisthmus = isthmus.access.pytest_plugin" in archive.read(entry_points)
