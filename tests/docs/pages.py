"""The Markdown pages of the repository, and the fenced examples in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A fenced block. `language runnable` behind the fence marks one that the tests run."""

    page: str
    language: str
    runnable: bool
    text: str


def examples(page: Path) -> list[Example]:
    """The fenced blocks of a page, in order."""
    found = []
    for _, info, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        language, *marks = info.split() or [""]
        found.append(Example(page.name, language, "runnable" in marks, text))
    return found


def runnable(page: Path, language: str) -> list[str]:
    """The texts of a page's runnable examples in one language."""
    return [one.text for one in examples(page) if one.runnable and one.language == language]
