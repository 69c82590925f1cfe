"""The rules that are most often got wrong, each allow with its deny beside it."""

from __future__ import annotations

import pytest
from policy_builders import (
    HOME,
    OTHER,
    allow,
    ask,
    bucket_policy,
    deny,
    federated_user,
    policy,
    role_session,
    root,
    service,
    trust,
    user,
    web_identity,
)

from isthmus.policy import PolicyType, Principal

ALICE = f"arn:aws:iam::{HOME}:user/alice"
READER = f"arn:aws:iam::{HOME}:role/jobs/reader"
NIGHTLY = f"arn:aws:sts::{HOME}:assumed-role/reader/nightly"
GUEST = f"arn:aws:sts::{HOME}:federated-user/guest"
SILENT = policy(allow("ec2:*"))
ALL = policy(allow("*"))
WITH_MFA = policy(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))


@pytest.mark.parametrize(
    ("principal", "named", "limit", "allowed"),
    [
        (user(), {"AWS": ALICE}, "none", True),
        (user(), {"AWS": ALICE}, "boundary", True),
        (user(), "*", "boundary", True),
        (user(), {"AWS": HOME}, "none", False),
        (role_session(), {"AWS": READER}, "none", True),
        (role_session(), {"AWS": READER}, "boundary", False),
        (role_session(), {"AWS": READER}, "session", False),
        (role_session(), {"AWS": NIGHTLY}, "boundary", True),
        (role_session(), {"AWS": NIGHTLY}, "session", True),
        (role_session(), {"AWS": "*"}, "session", True),
        (role_session(), {"AWS": f"arn:aws:iam::{HOME}:root"}, "none", False),
        (federated_user(), {"AWS": GUEST}, "none", True),
        (federated_user(), {"AWS": ALICE}, "none", False),
        (federated_user(), {"AWS": GUEST}, "session", True),
        (federated_user(), "*", "session", False),
    ],
)
def test_how_a_resource_policy_names_the_principal_decides_what_limits_it(
    principal: Principal, named: object, limit: str, allowed: bool
) -> None:
    decision = ask(
        principal,
        boundary=SILENT if limit == "boundary" else None,
        session=(SILENT,) if limit == "session" else None,
        resource_policy=bucket_policy(allow(Principal=named)),
    )
    assert decision.allowed is allowed


def test_naming_the_user_bypasses_no_limit_across_accounts() -> None:
    named = bucket_policy(allow(Principal={"AWS": ALICE}))
    assert not ask(user(), owner=OTHER, resource_policy=named).allowed
    assert ask(user(), owner=OTHER, resource_policy=named, identity=ALL).allowed
    assert not ask(user(), owner=OTHER, resource_policy=named, identity=ALL, boundary=SILENT).allowed
    assert not ask(role_session(), owner=OTHER, resource_policy=named, identity=ALL).allowed


def test_both_accounts_must_allow() -> None:
    account = bucket_policy(allow(Principal={"AWS": HOME}))
    assert ask(user(), owner=OTHER, resource_policy=account, identity=ALL).allowed
    assert not ask(user(), owner=OTHER, identity=ALL).allowed
    assert ask(user(), owner=OTHER, identity=ALL, acl_allows=True).allowed
    assert not ask(user(), owner=OTHER, acl_allows=True).allowed
    assert ask(root(), owner=OTHER, resource_policy=account).allowed
    assert not ask(root(), owner=OTHER).allowed


@pytest.mark.parametrize(
    ("named", "identity", "allowed"),
    [
        ({"AWS": ALICE}, (), True),
        ({"AWS": "*"}, (), True),
        ({"AWS": HOME}, (), False),
        ({"AWS": HOME}, ALL, True),
        ({"AWS": OTHER}, ALL, False),
    ],
)
def test_a_trust_policy_is_needed_and_suffices_only_when_it_names_the_user(
    named: object, identity: object, allowed: bool
) -> None:
    role = f"arn:aws:iam::{HOME}:role/target"
    decision = ask(user(), identity=identity, resource_policy=trust(named), action="sts:AssumeRole", resource=role)
    assert decision.allowed is allowed


def test_across_accounts_assuming_a_role_needs_the_callers_own_allow() -> None:
    role = f"arn:aws:iam::{OTHER}:role/target"
    asked = {
        "resource_policy": trust({"AWS": ALICE}),
        "action": "sts:AssumeRole",
        "resource": role,
        "owner": OTHER,
    }
    assert not ask(user(), **asked).allowed
    assert ask(user(), identity=policy(allow("sts:AssumeRole", role)), **asked).allowed


def test_a_boundary_limits_a_user_whom_a_trust_policy_names() -> None:
    asked = {
        "resource_policy": trust({"AWS": ALICE}),
        "action": "sts:AssumeRole",
        "resource": "arn:aws:iam::1:role/x",
    }
    assert ask(user(), boundary=ALL, **asked).allowed
    assert ask(user(), boundary=SILENT, **asked).layer is PolicyType.BOUNDARY


def test_a_provider_assumes_a_role_only_where_it_is_named() -> None:
    provider = "arn:aws:iam::111122223333:oidc-provider/idp.example.com"
    action = "sts:AssumeRoleWithWebIdentity"
    audience = {"StringEquals": {"idp.example.com:aud": "app"}}
    asked = {"action": action, "resource": f"arn:aws:iam::{HOME}:role/target"}
    named = trust({"Federated": provider}, action, Condition=audience)
    assert ask(web_identity(provider), resource_policy=named, context={"idp.example.com:aud": "app"}, **asked).allowed
    assert not ask(
        web_identity(provider), resource_policy=named, context={"idp.example.com:aud": "no"}, **asked
    ).allowed
    assert not ask(web_identity(provider), resource_policy=trust({"AWS": "*"}, action), **asked).allowed
    assert not ask(web_identity("accounts.google.com"), resource_policy=named, **asked).allowed


def test_every_level_of_scps_must_allow() -> None:
    full = (ALL,)
    assert ask(user(), identity=ALL, scps=(full, full)).allowed
    refused = ask(user(), identity=ALL, scps=(full, (SILENT,)))
    assert not refused.allowed
    assert refused.layer is PolicyType.SCP
    assert ask(user(), identity=ALL, scps=(full, (SILENT, ALL))).allowed
    assert not ask(root(), scps=((policy(deny("s3:*"), allow("*")),),)).allowed


def test_service_linked_roles_are_beyond_scps() -> None:
    linked = f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/Linked"
    principal = Principal(role_session().kind, HOME, NIGHTLY, linked, "AROAEXAMPLELINKED123")
    assert ask(principal, identity=ALL, scps=((SILENT,),)).allowed
    assert not ask(role_session(), identity=ALL, scps=((SILENT,),)).allowed


def test_rcps_bind_strangers_and_cover_some_services_only() -> None:
    public = bucket_policy(allow(Principal="*"))
    closed = ((ALL,), (ALL, policy(deny("*", Principal="*"))))
    assert ask(Principal.anonymous(), resource_policy=public, rcps=((ALL,),)).allowed
    assert ask(Principal.anonymous(), resource_policy=public, rcps=closed).layer is PolicyType.RCP
    assert ask(user(), identity=ALL, action="iam:GetUser", rcps=closed).allowed


def test_not_principal_with_deny_exempts_who_is_listed_with_its_account_and_nobody_with_a_boundary() -> None:
    listed = bucket_policy({**deny(), "NotPrincipal": {"AWS": [ALICE, HOME]}})
    assert ask(user(), identity=ALL, resource_policy=listed).allowed
    assert not ask(user(), identity=ALL, boundary=ALL, resource_policy=listed).allowed
    assert not ask(user(name="bob", unique_id="AIDAEXAMPLEBOB1234567"), identity=ALL, resource_policy=listed).allowed
    assert ask(root(), resource_policy=listed).allowed


def test_a_principal_made_anew_under_the_old_name_does_not_match() -> None:
    named = bucket_policy(allow(Principal={"AWS": READER}))
    assert ask(role_session(), resource_policy=named).allowed
    assert not ask(role_session(unique_id="AROAEXAMPLESECOND1234"), resource_policy=named).allowed
    assert not ask(role_session(), resource_policy=bucket_policy(allow(Principal={"AWS": READER}), ids={})).allowed


def test_multi_factor_conditions_do_not_hold_for_long_term_keys() -> None:
    assert ask(user(), identity=WITH_MFA, context={"aws:multifactorauthpresent": "true"}).allowed
    assert not ask(user(), identity=WITH_MFA).allowed
    unless_false = policy(allow(), deny(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}))
    assert ask(user(), identity=unless_false).allowed
    if_exists = policy(allow(), deny(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}))
    assert not ask(user(), identity=if_exists).allowed


def test_root_may_take_back_a_bucket_policy_that_shuts_it_out() -> None:
    shut = bucket_policy(deny("s3:*", Principal="*"))
    bucket = "arn:aws:s3:::photos"
    assert ask(root(), resource_policy=shut, action="s3:DeleteBucketPolicy", resource=bucket).allowed
    assert not ask(root(), resource_policy=shut, action="s3:ListBucket", resource=bucket).allowed
    assert not ask(user(), identity=ALL, resource_policy=shut, action="s3:DeleteBucketPolicy", resource=bucket).allowed


def test_a_restricted_public_bucket_leaves_its_policys_grants_to_its_account_and_services() -> None:
    public = bucket_policy(allow(Principal="*"))
    asked = {"resource_policy": public, "public_access_blocked": "RestrictPublicBuckets"}
    assert ask(user(), **asked).allowed
    assert ask(service(), **asked).allowed
    assert not ask(Principal.anonymous(), **asked).allowed
    refused = ask(user(), owner=OTHER, identity=ALL, same_organization=True, **asked)
    assert refused.layer is PolicyType.PUBLIC_ACCESS_BLOCK


def test_a_bucket_policy_can_only_deny_about_another_accounts_object() -> None:
    public = bucket_policy(allow(Principal="*"))
    assert not ask(user(), identity=ALL, resource_policy=public, object_owner=OTHER).allowed
    assert ask(user(), identity=ALL, resource_policy=public, object_owner=OTHER, acl_allows=True).allowed
    shut = bucket_policy(deny(Principal="*"))
    assert not ask(user(), identity=ALL, resource_policy=shut, object_owner=OTHER, acl_allows=True).allowed


def test_who_one_is_can_always_be_asked() -> None:
    nothing = policy(deny("*"))
    assert ask(user(), identity=nothing, action="sts:GetCallerIdentity", resource="*").allowed
    assert not ask(Principal.anonymous(), action="sts:GetCallerIdentity", resource="*").allowed


def test_an_action_without_resources_needs_a_star() -> None:
    assert ask(user(), identity=ALL, action="iam:ListUsers", resource="*").allowed
    assert not ask(
        user(), identity=policy(allow("*", "arn:aws:s3:::photos")), action="iam:ListUsers", resource="*"
    ).allowed


def test_variables_exist_only_in_the_new_version() -> None:
    own = allow(resource="arn:aws:s3:::photos/${aws:username}/*")
    asked = {"context": {"aws:username": "alice"}, "resource": "arn:aws:s3:::photos/alice/cat.jpg"}
    assert ask(user(), identity=policy(own), **asked).allowed
    assert not ask(user(), identity=policy(own, version="2008-10-17"), **asked).allowed
    assert not ask(user(), identity=policy(own, version=None), **asked).allowed
    assert not ask(user(), identity=policy(own), resource=asked["resource"]).allowed


def test_a_wildcard_inside_a_variables_value_is_literal() -> None:
    own = policy(allow(resource="arn:aws:s3:::photos/${aws:username}/*"))
    asked = {"identity": own, "context": {"aws:username": "*"}}
    assert not ask(user(), resource="arn:aws:s3:::photos/bob/cat.jpg", **asked).allowed
    assert ask(user(), resource="arn:aws:s3:::photos/*/cat.jpg", **asked).allowed


@pytest.mark.parametrize(
    ("operator", "values", "given", "holds"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ("a",), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringEquals", ["a"], (), True),
        ("ForAllValues:StringEquals", ["a"], None, True),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAnyValue:StringEquals", ["a"], ("b", "a"), True),
        ("ForAnyValue:StringNotEquals", ["a"], ("a",), False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "a"), False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("NumericLessThan", "10", "9.5", True),
        ("NumericLessThan", "10", "ten", False),
        ("NumericNotEquals", "10", "ten", True),
        ("NotIpAddress", "10.0.0.0/8", None, True),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.1.1", True),
        ("IpAddress", "10.0.0.0/8", "2001:db8::1", False),
        ("DateGreaterThan", "2030-01-01T00:00:00Z", "1893456001", True),
        ("BinaryEquals", "QUI=", "QUI=", True),
        ("ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::1:user/a/b:c", True),
        ("ArnLike", "arn:aws:*:user/x", "arn:aws:iam::1:user/x", False),
        ("StringLike", "arn:aws:*:user/x", "arn:aws:iam::1:user/x", True),
        ("Null", "true", None, True),
        ("Null", "false", (), False),
        ("Null", "false", "a", True),
        ("StringSimilar", "a", "a", False),
    ],
)
def test_condition_operators(operator: str, values: object, given: object, holds: bool) -> None:
    guarded = policy(allow(Condition={operator: {"Test:Key": values}}))
    context = {} if given is None else {"test:key": given}
    assert ask(user(), identity=guarded, context=context).allowed is holds
