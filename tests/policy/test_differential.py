"""The engine against the literal evaluator, on policies that nearly match.

A disagreement prints its request as JSON; with the sentence that settles it, it goes into disagreements.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from generators import requests
from hypothesis import HealthCheck, given, note, settings
from policy_builders import OTHER
from reference import is_allowed
from request_json import from_json, to_json

from isthmus.policy import AuthorizationRequest, apply_changes, decide

PROFILE = settings.get_profile("policy")
SETTLED = json.loads((Path(__file__).parent / "disagreements.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.timeout(120 + PROFILE.max_examples // 10)


@settings(PROFILE)
@given(requests())
def test_the_engine_decides_as_the_literal_evaluator(request: AuthorizationRequest) -> None:
    decision = decide(request)
    note(f"{decision!r}\n{json.dumps(to_json(request))}")
    assert decision.allowed is is_allowed(request)


@settings(PROFILE, max_examples=PROFILE.max_examples // 5, suppress_health_check=list(HealthCheck))
@given(requests())
def test_every_decision_can_be_explained_and_every_refusal_has_a_layer(request: AuthorizationRequest) -> None:
    note(json.dumps(to_json(request)))
    decision = decide(request)
    assert decision.message
    assert decision.to_json()["allowed"] is decision.allowed
    assert decision.to_json(OTHER)["allowed"] is decision.allowed
    assert bool(decision.refused_by) is not decision.allowed
    if not decision.allowed:
        assert decision.layer in decision.refused_by
        changed = apply_changes(request, decision.changes)
        assert decide(changed).allowed
        assert is_allowed(changed)
    if decision.explicit_deny:
        assert decision.by is not None
        assert decision.by.statement.effect == "Deny"


@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case["rule"])
def test_what_was_disagreed_about_stays_settled(case: dict[str, Any]) -> None:
    request = from_json(case["request"])
    assert decide(request).allowed is case["allowed"]
    assert is_allowed(request) is case["allowed"]
    if not case["allowed"]:
        assert decide(apply_changes(request, decide(request).changes)).allowed
