"""A person at a terminal: runs a command in one of its own and types an answer at each prompt."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.cli.terminal import Outcome, run_at_terminal


def typed(command: list[str], environment: dict[str, str], answers: Sequence[tuple[str, str]]) -> Outcome:
    """Run a command; each answer is typed when its prompt stands at the end of what came since the one before."""
    left = list(answers)

    def answer(shown: bytes) -> str | None:
        return left.pop(0)[1] if left and shown.rstrip().endswith(left[0][0].encode()) else None

    outcome = run_at_terminal(command, environment, answer)
    assert not left, f"never asked: {left}\n{outcome.output}"
    return outcome
