"""The meaning of public (S3 User Guide, "Blocking public access to your Amazon S3 storage")."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import HOME, allow, deny, document

from isthmus.policy import is_public

ROLE, ROLE_ID = f"arn:aws:iam::{HOME}:role/reader", "AROAEXAMPLEREADER1234"


def public(condition: dict[str, Any] | None = None, principal: Any = "*") -> bool:
    more = {"Condition": condition} if condition else {}
    return is_public(document(allow(Principal=principal, **more)))


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": [HOME, "*"]}, True),
        ({"AWS": HOME}, False),
        ({"AWS": ROLE}, False),
        ({"AWS": f"arn:aws:iam::{HOME}:role/*"}, True),
        ({"CanonicalUser": "a" * 64}, False),
        ({"CanonicalUser": "*"}, True),
        ({"Service": "logging.s3.amazonaws.com"}, False),
        ({"Service": "*"}, True),
        ({"Federated": "graph.facebook.com"}, True),
        ({"AWS": HOME, "Federated": "graph.facebook.com"}, True),
    ],
)
def test_a_principal_is_public_unless_it_is_a_fixed_one(principal: Any, expected: bool) -> None:
    assert public(principal=principal) is expected
    fixed = {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}
    assert not public(fixed, principal)


def test_a_statement_about_all_but_somebody_is_public() -> None:
    assert is_public(document({**allow(), "NotPrincipal": {"AWS": HOME}}))
    assert is_public(document(allow()))
    assert not is_public(document({**deny(), "NotPrincipal": {"AWS": HOME}}))


@pytest.mark.parametrize(
    ("key", "fixed"),
    [
        ("aws:PrincipalOrgID", "o-example"),
        ("aws:PrincipalOrgPaths", "o-example/r-root/ou-root-1/"),
        ("aws:PrincipalAccount", HOME),
        ("aws:PrincipalArn", ROLE),
        ("aws:SourceArn", "arn:aws:sns:eu-west-1:111122223333:topic"),
        ("aws:SourceVpc", "vpc-91237329"),
        ("aws:SourceVpce", "vpce-1a2b3c4d"),
        ("aws:SourceOwner", HOME),
        ("aws:SourceAccount", HOME),
        ("aws:userid", ROLE_ID + ":session"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu-west-1:111122223333:key/1"),
        ("s3:DataAccessPointAccount", HOME),
        ("S3:dataaccesspointarn", f"arn:aws:s3:eu-west-1:{HOME}:accesspoint/mine"),
    ],
)
def test_a_key_pinned_to_a_fixed_value_makes_a_statement_not_public(key: str, fixed: str) -> None:
    for operator in ("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"):
        assert not public({operator: {key: fixed}})
        assert not public({operator: {key: [fixed, fixed]}})
        assert not public({f"ForAnyValue:{operator}": {key: fixed}})
        # These hold for a request without the key: that is everybody.
        assert public({f"{operator}IfExists": {key: fixed}})
        assert public({f"ForAllValues:{operator}": {key: fixed}})
        for open_ended in ("*", "?", "${aws:username}", ""):
            assert public({operator: {key: open_ended}})
            assert public({operator: {key: [fixed, open_ended]}})
        assert public({operator: {key: []}})
    for operator in ("StringNotEquals", "StringNotLike", "ArnNotLike", "Null", "StringSimilar", "IpAddress"):
        assert public({operator: {key: fixed}})


def test_other_keys_pin_nothing() -> None:
    assert public({"StringEquals": {"aws:UserAgent": "mine"}})
    assert public({"Bool": {"aws:SecureTransport": "true"}})
    both = {"StringEquals": {"aws:UserAgent": "mine", "aws:SourceVpc": "vpc-91237329"}}
    assert not public(both)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("203.0.113.0/24", False),
        ("203.0.113.7", False),
        ("10.0.0.0/8", False),
        ("12.0.0.0/8", False),
        ("12.0.0.0/7", True),
        ("0.0.0.0/0", True),
        ("2001:db8::/32", False),
        ("2001:db8::/33", False),
        ("2001:db8::1", False),
        ("2001:d00::/24", True),
        ("2001:db8::/31", True),
        ("::/0", True),
        ("203.0.113.7/24", False),
        ("somewhere", True),
    ],
)
def test_an_address_range_is_public_when_it_is_wide(network: str, expected: bool) -> None:
    assert public({"IpAddress": {"aws:SourceIp": network}}) is expected
    assert public({"IpAddress": {"AWS:SourceIP": ["203.0.113.0/24", network]}}) is expected
    assert public({"NotIpAddress": {"aws:SourceIp": network}})
    assert public({"StringEquals": {"aws:SourceIp": network}})
    assert public({"IpAddressIfExists": {"aws:SourceIp": network}})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ROLE_ID + ":*", False),
        ([ROLE_ID + ":*", ROLE_ID + ":nightly"], False),
        ("*", True),
        ("AROA*", True),
        ("AROA:*", True),
        (ROLE_ID + ":*x", True),
        ("x" + ROLE_ID + ":*", True),
        (ROLE_ID + ":n*", True),
        ("AIDAEXAMPLEALICE12345:*", True),
        ([ROLE_ID + ":*", "*"], True),
    ],
)
def test_all_sessions_of_one_role_are_not_the_public(value: Any, expected: bool) -> None:
    assert public({"StringLike": {"aws:userid": value}}) is expected


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (f"arn:aws:s3:eu-west-1:{HOME}:accesspoint/*", False),
        (f"arn:aws:s3:*:{HOME}:*", False),
        ("arn:aws:s3:eu-west-1:*:accesspoint/mine", True),
        ("arn:aws:s3:eu-west-1:${aws:PrincipalAccount}:accesspoint/mine", True),
        ("arn:aws:s3:eu-west-1::accesspoint/mine", True),
        (f"arn:aws:s3:eu-west-1:{HOME}", True),
        ("*", True),
    ],
)
def test_an_access_point_is_pinned_by_its_account(arn: str, expected: bool) -> None:
    assert public({"StringLike": {"s3:DataAccessPointArn": arn}}) is expected


def test_denies_make_no_policy_public_and_one_public_allow_does() -> None:
    assert not is_public(document(deny(Principal="*")))
    assert is_public(document(deny(Principal="*"), allow(Principal="*")))
    assert is_public(document(allow(Principal={"AWS": HOME}), allow(Principal="*")))
    assert not is_public(document(allow(Principal={"AWS": HOME}), allow(Principal={"AWS": ROLE})))
