"""The meaning of public."""

from __future__ import annotations

import pytest
from policy_builders import HOME, allow, deny, document

from isthmus.policy import is_public


@pytest.mark.parametrize(
    ("principal", "condition", "public"),
    [
        ("*", {}, True),
        ({"AWS": "*"}, {}, True),
        ({"AWS": HOME}, {}, False),
        ({"Federated": "graph.facebook.com"}, {}, True),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}, False),
        ("*", {"StringLike": {"aws:PrincipalOrgID": "o-*"}}, True),
        ("*", {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-example"}}, True),
        ("*", {"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}}, True),
        ("*", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ("*", {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"]}}, True),
        ("*", {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}, False),
        ("*", {"StringLike": {"aws:SourceVpc": "vpc-*"}}, True),
        ("*", {"StringLike": {"aws:userid": "AROAEXAMPLEREADER1234:*"}}, False),
        ("*", {"StringLike": {"aws:userid": "*"}}, True),
        ("*", {"StringEquals": {"aws:UserAgent": "mine"}}, True),
    ],
)
def test_a_policy_is_public_unless_every_allow_is_limited_to_fixed_values(
    principal: object, condition: dict[str, object], public: bool
) -> None:
    more = {"Condition": condition} if condition else {}
    assert is_public(document(allow(Principal=principal, **more))) is public


def test_denies_make_no_policy_public() -> None:
    assert not is_public(document(deny(Principal="*")))
    assert is_public(document(deny(Principal="*"), allow(Principal="*")))
