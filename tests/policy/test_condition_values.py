"""Which texts conditions read as numbers and moments."""

from __future__ import annotations

import pytest
from policy_builders import allow, ask, policy, user

from isthmus.policy.conditions import is_moment

NUMBERS = [
    ("10", True), ("10.0", True), ("1e1", True), ("+10", True), (" 10 ", False), ("010", True), ("10.", True),
    ("1_0", False), ("0xA", False), ("ten", False), ("", False), ("nan", False), ("inf", False), ("1e999", False),
    ("\u0661\u0660", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "is_ten"), NUMBERS)
def test_a_number_is_written_in_ascii_digits(text: str, is_ten: bool) -> None:
    def allowed(operator: str) -> bool:
        guarded = policy(allow(Condition={operator: {"s3:max-keys": "10"}}))
        return ask(user(), identity=guarded, context={"s3:max-keys": text}).allowed

    assert allowed("NumericEquals") is is_ten
    assert allowed("NumericNotEquals") is not is_ten
    assert allowed("NumericLessThanEquals") is is_ten


MOMENTS = [
    ("2026", True), ("2026-02", True), ("2026-02-03", True), ("2026-02-03T04:05Z", True),
    ("2026-02-03T04:05:06.789+02:00", True), ("1770091506", True), ("tomorrow", False), ("2026-13", False),
    ("2026-02-30", False), ("", False), ("26-2-3", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "readable"), MOMENTS)
def test_a_moment_is_iso_8601_or_seconds(text: str, readable: bool) -> None:
    assert is_moment(text) is readable


def test_a_month_alone_is_its_first_moment() -> None:
    guarded = policy(allow(Condition={"DateEquals": {"aws:CurrentTime": "2026-02"}}))
    for moment, allowed in (("2026-02-01T00:00:00Z", True), ("2026-02-01T00:00:01Z", False)):
        assert ask(user(), identity=guarded, context={"aws:currenttime": moment}).allowed is allowed
