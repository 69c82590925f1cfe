"""What a row of a proof proves, how long an observation is doubted, and what machines are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from isthmus.access import prove
from isthmus.access.checks import Check
from isthmus.access.predict import Answer
from isthmus.access.proof_report import junit, proof_json
from isthmus.access.prove import Proof, Row

MAY, MAY_NOT = Check("read", "she reads", expected=True), Check("write", "she writes", expected=False)
INTACT = Check("intact", "the link is as it was made", expected=True, foretold=False, words=("intact", "changed"))


def row(check: Check, foretold: bool | None, observed: bool | None, fault: bool = False) -> Row:
    return Row(check, Answer(foretold, "by the policies"), Answer(observed, "by the service", fault))


@pytest.mark.parametrize(
    ("made", "outcome", "holds", "strictly"),
    [
        (row(MAY, True, True), "proved", True, True),
        (row(MAY_NOT, False, False), "proved", True, True),
        (row(INTACT, None, True), "proved", True, True),
        (row(INTACT, None, False), "wrong", False, False),
        (row(MAY, False, False), "wrong", False, False),
        (row(MAY_NOT, True, True), "wrong", False, False),
        (row(MAY_NOT, None, True), "wrong", False, False),
        (row(MAY_NOT, True, None), "wrong", False, False),
        (row(MAY, True, False), "differs", False, False),
        (row(MAY_NOT, False, True), "differs", False, False),
        (row(MAY_NOT, False, None), "foretold", True, False),
        (row(MAY, None, True), "observed", True, False),
        (row(MAY, None, None), "unknown", False, False),
        (row(MAY, True, None, fault=True), "fault", False, False),
    ],
)
def test_only_both_ways_together_are_a_proof(made: Row, outcome: str, holds: bool, strictly: bool) -> None:
    proof = Proof("reports", "she reads", (row(MAY, True, True), made))
    assert made.outcome == outcome
    assert (proof.holds(), proof.holds(strict=True)) == (holds, strictly)


class Moods:
    """Answers one after the other, the last one for good."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    def observe(self, _check: str) -> Answer:
        return Answer(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], "")


@pytest.mark.parametrize(
    ("answers", "foretold", "waited", "believed"),
    [
        ((True,), True, [], True),
        ((False,), None, [], False),
        ((False, False, True), True, [1.0, 2.0], True),
        ((True, False), False, [1.0], False),
        ((False,), True, [1.0, 2.0, 4.0, 8.0], False),
    ],
    ids=["as foretold", "nothing foretold", "allowed after a while", "refused after a while", "never"],
)
def test_what_contradicts_the_prediction_is_tried_again_for_a_while(
    answers: tuple[bool, ...], foretold: bool | None, waited: list[float], believed: bool, monkeypatch: Any
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(prove.time, "sleep", slept.append)
    probes: Any = Moods(*answers)
    left = [20.0]
    assert prove._observed(MAY, Answer(foretold, ""), probes, left).allowed is believed
    assert slept == waited
    assert left == [20.0 - sum(waited)]


@pytest.mark.parametrize(
    ("check", "foretold", "outcome"), [(MAY_NOT, True, "wrong"), (MAY_NOT, False, "proved"), (MAY, True, "wrong")]
)
def test_a_refusal_of_this_address_hides_no_hole_at_the_allowed_one(
    check: Check, foretold: bool, outcome: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(prove.time, "sleep", lambda _seconds: None)
    setting: Any = SimpleNamespace(address="203.0.113.0", words=SimpleNamespace(source_ip=("203.0.113.0/24",)))
    predictor: Any = SimpleNamespace(predict=lambda _check: Answer(foretold, "by the policies"))
    made = prove._row(check, setting, predictor, {}, Moods(False), [1.0])  # type: ignore[arg-type]
    assert made.outcome == outcome


def test_ci_systems_are_told_failures_errors_and_what_was_skipped() -> None:
    rows = (
        row(MAY, True, True), row(MAY, False, False), row(MAY, True, False), row(MAY, True, None),
        row(INTACT, None, False),
    )  # fmt: skip
    document = junit([Proof("reports", "she reads", rows)])
    (suite,) = ElementTree.fromstring(document)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}
    messages = [one.get("message") for case in suite for one in case]
    assert messages == [
        "she reads: expected to be allowed, wrong: by the policies; by the service",
        "she reads: expected to be allowed, differs: the policies say allowed (by the policies), but it was refused "
        "(by the service)",
        "she reads: expected to be allowed, foretold: by the policies; by the service",
        "the link is as it was made: expected to be intact, wrong: by the policies; by the service",
    ]
    (strict,) = ElementTree.fromstring(junit([Proof("reports", "she reads", rows)], strict=True))
    assert (strict.get("failures"), strict.get("skipped")) == ("3", "0")


def test_an_odd_key_makes_no_odd_xml() -> None:
    odd = Row(MAY, Answer(False, "a\x00b\x1b]\uffff"), Answer(False, ""))
    (suite,) = ElementTree.fromstring(junit([Proof("reports", "", (odd,))]))
    assert "a\ufffdb\ufffd]\ufffd" in (suite[0][0].get("message") or "")


def test_programs_are_told_both_answers_and_why() -> None:
    told = proof_json(Proof("reports", "she reads", (row(MAY, True, None),), "agreed.access.yaml:2"))
    assert told == {
        "name": "reports",
        "sentence": "she reads",
        "place": "agreed.access.yaml:2",
        "holds": True,
        "rows": [{
            "check": "read", "title": "she reads", "outcome": "foretold", "expected": "allowed",
            "foretold": "allowed", "observed": None, "foretoldBecause": "by the policies",
            "observedBecause": "by the service",
        }],
    }  # fmt: skip
