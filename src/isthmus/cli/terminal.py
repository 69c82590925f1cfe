"""Running the stock AWS CLI as a person would: its own files, its own prompts."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed (both streams) and its exit status."""

    status: int
    output: str


def find_aws() -> str | None:
    """The `aws` command beside this Python, else the one on the PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "aws"
    return str(beside) if beside.exists() else shutil.which("aws")


def aws_environment(home: Path) -> dict[str, str]:
    """An environment in which the AWS CLI and boto3 know nothing but the files under `home`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "BOTO_"))}
    return {
        **kept,
        "HOME": str(home),
        "AWS_CONFIG_FILE": str(home / ".aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def run(command: list[str], environment: dict[str, str], timeout: float = 60.0) -> Outcome:
    """Run without a terminal."""
    done = subprocess.run(  # noqa: S603 - the demo runs the commands it shows
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, (done.stdout + done.stderr).strip())


def run_with_code(command: list[str], environment: dict[str, str], code: str, timeout: float = 60.0) -> Outcome:
    """Run in a terminal of its own and type `code` when asked for an MFA code."""
    left = [code]

    def answer(shown: bytes) -> str | None:
        asked = b"MFA code" in shown and shown.rstrip().endswith(b":")
        return left.pop() if left and asked else None

    return run_at_terminal(command, environment, answer, timeout)


def run_at_terminal(
    command: list[str], environment: dict[str, str], answer: Callable[[bytes], str | None], timeout: float = 60.0
) -> Outcome:
    """Run in a terminal of its own. answer: what to type, if anything, by what was shown since it last typed.

    Raises TimeoutError when it has not ended after `timeout` seconds; it is killed then.
    """
    child, terminal = pty.fork()
    if child == 0:
        # Jobs in the background ignore the keys of a terminal, and what they start inherits that.
        for key in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(key, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)  # noqa: S606 - as above
    output, seen = b"", 0
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            readable, _, _ = select.select([terminal], [], [], 0.5)
            if not readable:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:  # the terminal closes with its last process
                break
            if not data:
                break
            output += data
            typed = answer(output[seen:])
            if typed is not None:
                seen = len(output)
                os.write(terminal, typed.encode() + b"\n")
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError(f"{command[0]} did not end in {timeout:g} seconds; it showed {output[-500:]!r}")
    finally:
        os.close(terminal)
    _, status = os.waitpid(child, 0)
    text = output.decode(errors="replace").replace("\r\n", "\n").strip()
    return Outcome(os.waitstatus_to_exitcode(status), text)
