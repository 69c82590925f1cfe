"""Write requirements/*.txt from requirements/*.in: versions and hashes, and no address of any registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "requirements"


def main() -> int:
    """Entry point."""
    for name in ("test", "runtime", "bench", "console", "clients"):
        command = [
            str(Path(sys.executable).parent / "pip-compile"), "--quiet", "--generate-hashes", "--strip-extras",
            "--no-header", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links",
            "--output-file", f"{name}.txt", f"{name}.in",
        ]  # fmt: skip
        if name == "runtime":
            command[1:1] = ["--constraint", "test.txt"]
        subprocess.run(command, cwd=FOLDER, check=True)
        lock = FOLDER / f"{name}.txt"
        # What asked for a package is told relative to this folder, whatever machine wrote the lock.
        lock.write_text(re.sub(r"-([rc]) \S*/(\w+\.(?:in|txt))", r"-\1 \2", lock.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
