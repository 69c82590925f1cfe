"""The console judges a policy while it is typed as the server does when it is saved: both read the same examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isthmus.policy import MalformedPolicy
from isthmus.policy.validate import check_bucket_policy, check_identity_policy, check_trust_policy

# console/tests/check.test.ts asks the console about them.
EXAMPLES = json.loads((Path(__file__).parents[2] / "console" / "tests" / "policies.json").read_text(encoding="utf-8"))
CHECKS: dict[str, Any] = {
    "identity": check_identity_policy,
    "trust": check_trust_policy,
    "bucket": lambda text: check_bucket_policy(text, "pages"),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['kind']}-{example['text'][:80]}")
def test_the_server_stores_what_the_console_finds_no_error_in(example: dict[str, Any]) -> None:
    check = CHECKS[example["kind"]]
    if example["stored"]:
        check(example["text"])
        return
    with pytest.raises(MalformedPolicy) as refused:
        check(example["text"])
    if "line" in example:
        assert (refused.value.line, refused.value.column) == (example["line"], example["column"])
