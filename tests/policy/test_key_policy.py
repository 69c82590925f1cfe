"""What KMS refuses to store as a key policy, beside what it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.policy import MalformedPolicy, check_key_policy

ROOT = {"AWS": "arn:aws:iam::111122223333:root"}


def text(**changes: Any) -> str:
    """A key policy of one statement, with members changed; None takes one out."""
    statement = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*", **changes}
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


@pytest.mark.parametrize(
    "document",
    [
        text(),
        text(Principal="*"),
        text(Principal={"AWS": ["111122223333", "arn:aws:iam::444455556666:role/reader"]}),
        text(Principal={"Service": "logs.us-east-1.amazonaws.com"}),
        text(Effect="Deny", Principal=None, NotPrincipal=ROOT),
        text(Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}),
        text(Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        text(Resource="arn:aws:kms:us-east-1:111122223333:key/134f2428-cec1-4b25-a1ae-9048164dba47"),
    ],
)
def test_a_key_policy_is_taken(document: str) -> None:
    assert len(check_key_policy(document).statements) == 1


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("", "Policy is not valid"),
        ("[]", "Policy is not valid"),
        ('{"Version": "2012-10-17", "Statement": []}', "no statement"),
        (text(Principal=None), "no principal"),
        (text(Action=None), "no action"),
        (text(Resource=None), "no resource"),
        (text(Principal=None, NotPrincipal=ROOT), "Allow statement with NotPrincipal"),
        (text(Principal={"AWS": "somebody"}), "invalid principals"),
        (text(Principal={"AWS": "arn:aws:iam::1:root"}), "invalid principals"),
        (text(Principal={"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
         "invalid principals"),
        (text(Condition={"StringSimilar": {"kms:ViaService": "x"}}), "invalid condition"),
        (text(Condition={"StringEquals": {"ViaService": "x"}}), "invalid condition"),
    ],
)  # fmt: skip
def test_what_is_no_key_policy_is_refused(document: str, problem: str) -> None:
    with pytest.raises(MalformedPolicy) as refused:
        check_key_policy(document)
    assert problem in refused.value.message
