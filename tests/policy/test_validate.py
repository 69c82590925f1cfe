"""What AWS refuses to store, with its words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from policy_builders import HOME, allow

from isthmus.policy import (
    MalformedPolicy,
    PolicyDocument,
    check_bucket_policy,
    check_identity_policy,
    check_rcp,
    check_scp,
    check_session_policy,
    check_trust_policy,
)


def text(*statements: Any, version: str = "2012-10-17", **more: Any) -> str:
    return json.dumps({"Version": version, "Statement": list(statements), **more})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ('{"Statement":[],"Statement":[]}', "Syntax errors in policy."),
        ("[]", "Syntax errors in policy."),
        ("[" * 100_000, "This policy contains invalid Json"),
        (text(version="2020-01-01"), "Syntax errors in policy."),
        (text({"Effect": "allow", "Action": "*", "Resource": "*"}), "Syntax errors in policy."),
        (text({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (text({"Effect": "Allow", "Action": "*"}), "Policy statement must contain resources."),
        (text(allow(resource="photos")), 'Resource photos must be in ARN format or "*".'),
        (text(allow(resource="arn:no:s3:::b")), 'Partition "no" is not valid for resource "arn:no:s3:::b".'),
        (text(allow(resource="arn:aws:s*:::b")),
         "Resource vendor must be fully qualified and cannot contain regexes."),
        (text(allow(resource="arn:aws:iam:us-east-1:1:user/a")),
         "IAM resource arn:aws:iam:us-east-1:1:user/a cannot contain region information."),
        (text(allow(resource="arn:aws:s3:us-east-1::b")),
         "Resource arn:aws:s3:us-east-1::b can not contain region information."),
        (text(allow("GetObject")),
         "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (text(allow("s3:Get:Object")), "Actions/Condition can contain only one colon."),
        (text(allow("s*:GetObject")), "Vendor s* is not valid"),
        (text(allow(Principal="*")), "Policy document should not specify a principal."),
        (text(allow(Sid="A"), allow(Sid="A")), "Statement IDs (SID) in a single policy must be unique."),
        (text(allow(Condition={"StringSimilar": {"aws:username": "a"}})), "Syntax errors in policy."),
        (text(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/99"}})), "Syntax errors in policy."),
        (text(allow(), extra=1), "Syntax errors in policy."),
        (text(allow(Sid="é\u0100")).replace("\\u0100", "\u0100"), "Syntax errors in policy."),
    ],
)  # fmt: skip
def test_identity_policies_are_refused_with_iams_words(document: str, message: str) -> None:
    for check in (check_identity_policy, check_session_policy):
        with pytest.raises(MalformedPolicy) as refused:
            check(document)
        assert refused.value.message == message


def test_good_identity_policies_are_kept_byte_for_byte() -> None:
    document = ' {"Version": "2012-10-17",\n "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'
    checked = check_identity_policy(document)
    assert checked.text == document
    assert checked is PolicyDocument.parse(document)
    assert checked.statements[0].line == 2


def test_a_refusal_knows_its_place() -> None:
    with pytest.raises(MalformedPolicy) as refused:
        check_identity_policy('{"Statement": [\n  {"Effect": "Allow", "Action": "nothing",\n   "Resource": "*"}]}')
    assert (refused.value.line, refused.value.column) == (2, 33)


def trusting(**change: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole", **change}
    return text({name: value for name, value in statement.items() if value is not None})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (trusting(Resource="*"), "Has prohibited field Resource"),
        (trusting(Principal=None), "Missing required field Principal"),
        (trusting(Principal="*"), 'AssumeRole policy contained an invalid principal: "STAR":"*".'),
        (trusting(Principal={"AWS": f"arn:aws:iam::{HOME}:user/*"}),
         f'Invalid principal in policy: "AWS":"arn:aws:iam::{HOME}:user/*"'),
        (trusting(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
    ],
)  # fmt: skip
def test_trust_policies_are_refused_with_iams_words(document: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as refused:
        check_trust_policy(document)
    assert refused.value.message == message


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": HOME},
        {"AWS": "*"},
        {"AWS": [f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{HOME}:role/a/b"]},
        {"Service": "ec2.amazonaws.com"},
        {"Federated": "accounts.google.com"},
    ],
)
def test_trust_policies_take_all_kinds_of_principals(principal: object) -> None:
    assert check_trust_policy(trusting(Principal=principal)).statements[0].principals


def test_principals_to_resolve_are_users_and_roles_and_raw_ids() -> None:
    role = f"arn:aws:iam::{HOME}:role/a/b"
    named = [HOME, role, "AROAEXAMPLEREADER1234", f"arn:aws:sts::{HOME}:assumed-role/b/s"]
    assert check_trust_policy(trusting(Principal={"AWS": named})).principal_arns() == (
        role,
        "AROAEXAMPLEREADER1234",
    )


def on_bucket(**change: Any) -> str:
    statement = {**allow("s3:GetObject", "arn:aws:s3:::photos/*", Principal="*"), **change}
    return text({name: value for name, value in statement.items() if value is not None})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("not json", "Policies must be valid JSON and the first byte must be '{'"),
        (" {}", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        (on_bucket(Effect=None), "Missing required field Effect"),
        (on_bucket(Action=None), "Missing required field Action"),
        (on_bucket(Resource=None), "Missing required field Resource"),
        (text(allow()), "Missing required field Principal"),
        (on_bucket(Effect="Maybe"), "Invalid effect: Maybe"),
        (on_bucket(Resource="arn:aws:s3:::docs/*"), "Policy has invalid resource"),
        (on_bucket(Resource="*"), "Policy has invalid resource"),
        (on_bucket(Resource="arn:aws:s3:::photos"), "Action does not apply to any resource(s) in statement"),
        (on_bucket(Action="s3:ListBucket"), "Action does not apply to any resource(s) in statement"),
        (on_bucket(Action="iam:GetUser"), "Policy has invalid action"),
        (on_bucket(Principal={"AWS": "AIDA"}), "Invalid principal in policy"),
        (on_bucket(Condition={"Bool": {"nothing": "true"}}), "Policy has an invalid condition key"),
        ("{" + " " * 20480 + "}", "Policy document exceeds the maximum allowed document size of 20480 bytes"),
    ],
)
def test_bucket_policies_are_refused_with_s3s_words(document: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as refused:
        check_bucket_policy(document, "photos")
    assert refused.value.message == message


def test_good_bucket_policies_pass() -> None:
    assert check_bucket_policy(on_bucket(Principal={"CanonicalUser": "a" * 64}), "photos")
    both = ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"]
    assert check_bucket_policy(on_bucket(Action="s3:*", Resource=both), "photos")
    assert check_bucket_policy(on_bucket(Sid="with spaces, and more"), "photos")


def test_organization_policies_have_their_own_rules() -> None:
    assert check_scp(text(allow("*")))
    closing = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert check_rcp(text(closing))
    for wrong in ({"Effect": "Allow"}, {"Principal": {"AWS": HOME}}, {"Action": "ec2:*"}):
        with pytest.raises(MalformedPolicy):
            check_rcp(text({**closing, **wrong}))
    with pytest.raises(MalformedPolicy):
        check_scp(text(allow("*")) + " " * 5120)
