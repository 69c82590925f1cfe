"""All steps of a change or none, and the truth about what could not be taken back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from isthmus.access.steps import Step, Stopped, run_steps


def refused(operation: str, status: int = 403) -> ClientError:
    code = "AccessDenied" if status == 403 else "ServiceFailure"
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class World:
    """What is made and taken back, by name; `fails` says what each call raises."""

    def __init__(self, **fails: Exception) -> None:
        self.made: list[str] = []
        self._fails = fails

    def step(self, name: str) -> Step:
        return Step("111122223333", name, lambda: self._do(name), lambda: self._undo(name))

    def _do(self, name: str) -> None:
        if f"do_{name}" in self._fails:
            raise self._fails[f"do_{name}"]
        self.made.append(name)

    def _undo(self, name: str) -> None:
        if f"undo_{name}" in self._fails:
            raise self._fails[f"undo_{name}"]
        if name in self.made:
            self.made.remove(name)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, BrokenPipeError])
def test_who_cannot_be_told_of_a_step_any_more_finds_nothing_made(number: int, error: type[BaseException]) -> None:
    world = World()
    all_steps = [world.step(name) for name in "abc"]

    def told(step: Step) -> None:
        if step is all_steps[number]:
            raise error

    with pytest.raises(error):
        run_steps(all_steps, told)
    assert world.made == []
    run_steps(all_steps)
    assert world.made == ["a", "b", "c"]


def test_a_step_that_was_refused_has_left_nothing_even_if_taking_it_back_is_refused_too() -> None:
    world = World(do_b=refused("CreateRole"), undo_b=refused("ListRoleTags"))
    with pytest.raises(Stopped, match="nothing was changed") as told:
        run_steps([world.step("a"), world.step("b")])
    assert (told.value.left, world.made) == ([], [])


@pytest.mark.parametrize(
    "lost",
    [refused("CreateRole", 500), refused("ListRoleTags"), ReadTimeoutError(endpoint_url="http://127.0.0.1")],
    ids=["a fault", "not to be looked at", "no answer"],
)
def test_a_step_that_may_have_been_made_is_named_where_it_cannot_be_taken_back(lost: Exception) -> None:
    world = World(do_b=lost, undo_b=refused("ListRoleTags"))
    with pytest.raises(Stopped, match="need your hand: b in account") as told:
        run_steps([world.step("a"), world.step("b")])
    assert (len(told.value.left), world.made) == (1, [])


def test_what_was_made_before_is_named_where_it_cannot_be_taken_back() -> None:
    world = World(do_b=refused("PutRolePolicy"), undo_a=refused("DeleteRole"))
    with pytest.raises(Stopped, match="need your hand: a in account"):
        run_steps([world.step("a"), world.step("b")])
    assert world.made == ["a"]
