"""Every refusal has AWS's code, status and text, changes nothing, and has its allow beside it."""

from __future__ import annotations

import bucket_refusals  # noqa: F401 - importing a table fills it
import iam_refusals  # noqa: F401
import pytest
import s3_refusals  # noqa: F401
import sts_refusals  # noqa: F401
from refusal_table import REFUSALS, Answer, Refusal, answer_of
from stage import Stage


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.title)
def test_it_is_refused_for_exactly_this_reason_and_allowed_otherwise(row: Refusal, stage: Stage) -> None:
    attempt = row.arrange(stage)
    before = attempt.state() if attempt.state is not None else None
    text = None if row.text is None else row.text.format_map(attempt.named)
    assert answer_of(attempt.refused) == Answer(row.code, row.status, text)
    if attempt.state is not None:
        assert attempt.state() == before
    assert answer_of(attempt.allowed) is None


def test_the_table_is_as_long_as_promised() -> None:
    assert len(REFUSALS) >= 36
    assert len({row.title for row in REFUSALS}) == len(REFUSALS)
