"""Changes in two accounts as a list of steps, of which all are made or none stays.

AWS has no transaction over several calls, let alone over two accounts. So each step knows how to take itself back,
the last change first; and what cannot be brought back the same (a deleted role made anew has another id) is the last
step of all. AWS's IAM is eventually consistent and any call may fail once: calls that may be repeated are.

Source: IAM User Guide, "Troubleshoot IAM: changes that I make are not always immediately visible".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

T = TypeVar("T")

_ATTEMPTS = 6
_FIRST_WAIT = 0.5  # seconds; doubled each time: about 15 s in all, which IAM's delay needs
# What AWS answers where a principal, role or policy made a moment ago is not known everywhere yet, or somebody else
# changes the same thing, or it is busy. The same call may pass later.
_PASSING = frozenset({
    "InternalFailure", "InternalError", "ServiceUnavailable", "ServiceFailure", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "SlowDown", "RequestTimeout", "ConcurrentModification", "OperationAborted",
    "EntityTemporarilyUnmodifiable",
})  # fmt: skip
# The same, but only where the caller knows that what the call names exists.
NOT_KNOWN_YET = frozenset({"MalformedPolicyDocument", "MalformedPolicyDocumentException", "NoSuchEntity"})

Failure = (ClientError, BotoCoreError)


@dataclass(frozen=True, slots=True)
class Step:
    """One change. account: whose. do, undo: may be called again when they failed; undo also after half of `do`."""

    account: str
    what: str
    do: Callable[[], object]
    undo: Callable[[], object]


@dataclass(slots=True)
class Stopped(Exception):
    """A step failed. left: what could not be taken back, in words; empty when nothing was left."""

    step: Step
    cause: Exception
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcome = "nothing was changed" if not self.left else "these stay and need your hand: " + "; ".join(self.left)
        return f"{self.step.what} in account {self.step.account} failed: {self.cause} ({outcome})"


def run_steps(steps: Sequence[Step], done: Callable[[Step], None] = lambda _step: None) -> None:
    """Make every step, in order. Raises Stopped after taking back what was made, the last first."""
    for number, step in enumerate(steps):
        try:
            step.do()
            done(step)
        except Failure as error:
            left = _take_back(steps[number : number + 1])
            if _changed_nothing(error):
                left = []  # what could not be undone either was never done
            raise Stopped(step, error, left + _take_back(steps[:number])) from error
        except BaseException:  # the user's Ctrl-C too leaves the whole or nothing, and so does `| head`
            _take_back(steps[: number + 1])
            raise


def _changed_nothing(error: Exception) -> bool:
    """Whether a step that failed so has changed nothing: its call was refused, not lost on the way.

    A list is asked for where a lost call has made something already.
    """
    if not isinstance(error, ClientError) or error.operation_name.startswith("List"):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return 400 <= status < 500 and not _may_pass(error, frozenset())


def _take_back(steps: Sequence[Step]) -> list[str]:
    left = []
    for step in reversed(steps):
        try:
            step.undo()
        except Failure as error:
            left.append(f"{step.what} in account {step.account} ({error})")
    return left


def patiently(
    call: Callable[[], T], passing: frozenset[str] = frozenset(), sleep: Callable[[float], None] = time.sleep
) -> T:
    """The answer of a call that may be repeated. passing: further error codes that a delay explains.

    Raises what the last attempt raised.
    """
    wait = _FIRST_WAIT
    for attempt in range(_ATTEMPTS):
        try:
            return call()
        except Failure as error:
            if attempt == _ATTEMPTS - 1 or not _may_pass(error, passing):
                raise
        sleep(wait)
        wait *= 2
    raise AssertionError("the last attempt returns or raises")


def unless(code: str, call: Callable[[], T]) -> T | None:
    """The answer of a call, or None where AWS answers `code`: what is to go is gone, what is to be is not there."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None


def _may_pass(error: Exception, passing: frozenset[str]) -> bool:
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in _PASSING or code in passing or status >= 500
    return isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError)
