"""Whom each layer binds and whom it leaves alone, and what an explanation shows of it.

IAM User Guide, "Policy evaluation logic"; Organizations User Guide, "Service control policies" and "Resource control
policies"; S3 User Guide, "Blocking public access to your Amazon S3 storage".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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

from isthmus.policy import NamedPolicy, PolicyType, Principal, PrincipalPolicies, ResourceSide
from isthmus.policy.layers import LAYERS, Verdict, acl, boundary, identity, public_access_block, rcp, resource, scp
from isthmus.policy.layers import session as session_layer
from isthmus.policy.model import AuthorizationRequest

ALL, SILENT, NONE_OF_IT = policy(allow("*")), policy(allow("ec2:*")), policy(allow("*"), deny("*"))
LINKED = replace(role_session(), entity_arn=f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/Linked")
ALICE, ANONYMOUS = user(), Principal.anonymous()
OUTSIDERS = [service(), web_identity(), ANONYMOUS]
PUBLIC = bucket_policy(allow("*", Principal="*"))
ALLOW, QUIET, DENY = Verdict.ALLOW, Verdict.SILENT, Verdict.DENY


def request(
    principal: Principal = ALICE, action: str = "s3:GetObject", side: dict[str, Any] | None = None, **caller: Any
) -> AuthorizationRequest:
    if isinstance(caller.get("identity"), NamedPolicy):
        caller["identity"] = (caller["identity"],)
    arn = "arn:aws:s3:::photos/cat.jpg"
    return AuthorizationRequest(principal, action, arn, ResourceSide(HOME, **(side or {})), PrincipalPolicies(**caller))


@pytest.mark.parametrize("principal", [user(), role_session(), federated_user(), root(), LINKED, *OUTSIDERS])
def test_scps_bind_the_accounts_users_roles_and_root(principal: Principal) -> None:
    free = principal in (LINKED, *OUTSIDERS)
    assert scp.verdict(request(principal, scps=((SILENT,),))) is (ALLOW if free else QUIET)
    assert scp.verdict(request(principal, scps=((NONE_OF_IT,),))) is (ALLOW if free else DENY)
    assert len(scp.levels(request(principal, scps=((SILENT,), (ALL,))))) == (0 if free else 2)


@pytest.mark.parametrize("principal", [user(), role_session(), federated_user(), root(), LINKED, *OUTSIDERS])
def test_rcps_bind_whoever_asks_but_service_linked_roles(principal: Principal) -> None:
    for level, said in (((SILENT,), QUIET), ((NONE_OF_IT,), DENY), ((ALL,), ALLOW)):
        asked = request(principal, side={"rcps": (level,)})
        assert rcp.verdict(asked) is (ALLOW if principal is LINKED else said)
        assert len(rcp.levels(asked)) == (0 if principal is LINKED else 1)


@pytest.mark.parametrize(
    ("action", "covered"),
    [
        ("s3:GetObject", True),
        ("S3:GetObject", True),
        ("sts:AssumeRole", True),
        ("kms:Decrypt", True),
        ("kms:RetireGrant", False),
        ("KMS:retiregrant", False),
        ("sqs:SendMessage", True),
        ("secretsmanager:GetSecretValue", True),
        ("iam:GetUser", False),
        ("ec2:RunInstances", False),
        ("s3express:CreateSession", False),
    ],
)
def test_rcps_cover_the_services_that_have_them(action: str, covered: bool) -> None:
    asked = request(action=action, side={"rcps": ((NONE_OF_IT,),)})
    assert rcp.verdict(asked) is (DENY if covered else ALLOW)
    assert rcp.applies(asked) is covered
    assert len(rcp.levels(asked)) == int(covered)


# Organizations User Guide, "List of AWS services that support RCPs", by the prefix of their actions.
THE_LIST = """
    aoss appconfig appstream autoscaling autoscaling-plans budgets clouddirectory cloudfront cloudsearch
    cloudtrail-data codeartifact codebuild codecommit codepipeline cognito-identity cognito-idp comprehend
    comprehendmedical compute-optimizer cost-optimization-hub dax dsql dynamodb ecr ecr-public events firehose
    fis fms gamelift health inspector-scan kendra kinesisvideo kms logs memorydb networkmonitor notifications
    opensearch pca-connector-ad personalize polly pricing resource-groups rolesanywhere s3 secretsmanager
    servicediscovery signin sqs sts support swf textract timestream-influxdb transcribe transfer translate wafv2
    workspaces xray
"""
UNDER_RCPS = THE_LIST.split()


def test_rcps_cover_the_services_of_awss_list_and_no_others() -> None:
    assert sorted(rcp.SERVICES) == UNDER_RCPS
    for prefix in (*UNDER_RCPS, "iam", "ec2", "organizations", "cloudtrail", "s3express"):
        assert rcp.applies(request(action=f"{prefix}:Get", side={"rcps": ((NONE_OF_IT,),)})) is (prefix in UNDER_RCPS)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ((), ALLOW),
        (((ALL,),), ALLOW),
        (((ALL,), (ALL,), (ALL,)), ALLOW),
        (((),), QUIET),
        (((ALL,), ()), QUIET),
        (((), (ALL,)), QUIET),
        (((ALL,), (SILENT,), (ALL,)), QUIET),
        (((SILENT, ALL),), ALLOW),
        (((ALL, SILENT),), ALLOW),
        (((ALL, NONE_OF_IT),), DENY),
        (((NONE_OF_IT, ALL),), DENY),
        (((SILENT,), (NONE_OF_IT,)), DENY),
        (((ALL,), (policy(deny("*")),)), DENY),
    ],
)
def test_every_level_of_an_organization_must_allow_and_any_may_deny(
    levels: tuple[tuple[NamedPolicy, ...], ...], said: Verdict
) -> None:
    assert scp.verdict(request(scps=levels)) is said
    assert rcp.verdict(request(side={"rcps": levels})) is said
    assert [level.policies for level in scp.levels(request(scps=levels))] == list(levels)
    assert {level.type for level in rcp.levels(request(side={"rcps": levels}))} <= {PolicyType.RCP}


@pytest.mark.parametrize("principal", [user(), role_session(), federated_user(), root(), *OUTSIDERS])
def test_a_boundary_binds_users_and_roles(principal: Principal) -> None:
    free = principal in (root(), *OUTSIDERS)
    for limit, said in ((SILENT, QUIET), (NONE_OF_IT, DENY), (ALL, ALLOW)):
        assert boundary.verdict(request(principal, boundary=limit)) is (ALLOW if free else said)
    assert len(boundary.levels(request(principal, boundary=ALL))) == (0 if free else 1)
    assert boundary.verdict(request(principal)) is ALLOW
    assert boundary.levels(request(principal)) == ()


@pytest.mark.parametrize("principal", [user(), role_session(), federated_user(), root(), *OUTSIDERS])
def test_identity_policies_are_asked_of_users_and_roles_and_root_needs_none(principal: Principal) -> None:
    outside = principal in OUTSIDERS
    for own, said in (((), QUIET), ((SILENT,), QUIET), ((SILENT, ALL), ALLOW), ((ALL, NONE_OF_IT), DENY)):
        found = identity.verdict(request(principal, identity=own))
        assert found is (ALLOW if principal == root() else QUIET if outside else said)
    levels = identity.levels(request(principal, identity=(ALL,)))
    assert [level.policies for level in levels] == ([] if outside or principal == root() else [(ALL,)])


@pytest.mark.parametrize("principal", [user(), role_session(), federated_user(), root(), *OUTSIDERS])
def test_session_policies_limit_sessions_and_a_federated_one_needs_some(principal: Principal) -> None:
    outside, federated = principal in OUTSIDERS, principal == federated_user()
    for limit, said in (((SILENT,), QUIET), ((), QUIET), ((SILENT, ALL), ALLOW), ((ALL, NONE_OF_IT), DENY)):
        assert session_layer.verdict(request(principal, session=limit)) is (ALLOW if outside else said)
        assert [level.policies for level in session_layer.levels(request(principal, session=limit))] == (
            [] if outside else [limit]
        )
    assert session_layer.verdict(request(principal)) is (QUIET if federated else ALLOW)
    assert len(session_layer.levels(request(principal))) == int(federated)


def test_a_resource_policy_says_what_its_statements_about_the_requester_say() -> None:
    alice = {"AWS": f"arn:aws:iam::{HOME}:user/alice"}
    for own, said in (
        (None, QUIET),
        (bucket_policy(allow("ec2:*", Principal="*")), QUIET),
        (bucket_policy(allow(Principal={"AWS": OTHER})), QUIET),
        (bucket_policy(allow(Principal=alice)), ALLOW),
        (bucket_policy(deny(Principal={"AWS": OTHER}), allow(Principal=alice)), ALLOW),
        (bucket_policy(allow(Principal=alice), deny(Principal=alice)), DENY),
        (bucket_policy(deny(Principal="*")), DENY),
    ):
        assert resource.verdict(request(side={"policy": own})) is said
        assert len(resource.levels(request(side={"policy": own}))) == int(own is not None)


def test_a_resource_policy_grants_nothing_on_another_accounts_object() -> None:
    for owner, foreign in ((None, False), (HOME, False), (OTHER, True)):
        asked = request(side={"policy": PUBLIC, "object_owner": owner})
        assert resource.is_foreign_object(asked) is foreign
        assert resource.verdict(asked) is (QUIET if foreign else ALLOW)
        shut = request(side={"policy": bucket_policy(deny("*", Principal="*")), "object_owner": owner})
        assert resource.verdict(shut) is DENY


@pytest.mark.parametrize(
    ("principal", "action", "unbound"),
    [
        (root(), "s3:GetBucketPolicy", True),
        (root(), "s3:PutBucketPolicy", True),
        (root(), "s3:DeleteBucketPolicy", True),
        (root(), "s3:PutBucketAcl", False),
        (root(OTHER), "s3:PutBucketPolicy", False),
        (user(), "s3:PutBucketPolicy", False),
        (role_session(), "s3:GetBucketPolicy", False),
    ],
)
def test_the_owners_root_is_not_bound_where_it_repairs_the_bucket_policy(
    principal: Principal, action: str, unbound: bool
) -> None:
    asked = request(principal, action, {"policy": bucket_policy(deny("*", Principal="*"))})
    assert resource.is_unbound(asked) is unbound
    assert resource.verdict(asked) is (QUIET if unbound else DENY)
    decision = ask(
        principal, identity=ALL, action=action, resource_policy=asked.owner.policy, resource="arn:aws:s3:::photos"
    )
    assert decision.allowed is unbound


@pytest.mark.parametrize("layer", ["scp", "rcp"])
def test_only_an_organization_stops_the_root_that_repairs_its_bucket_policy(layer: str) -> None:
    stopping = {f"{layer}s": ((NONE_OF_IT,),)}
    asked = {"action": "s3:PutBucketPolicy", "resource": "arn:aws:s3:::photos"}
    assert ask(root(), resource_policy=bucket_policy(deny("*", Principal="*")), **asked).allowed
    assert not ask(root(), resource_policy=PUBLIC, **asked, **stopping).allowed


@pytest.mark.parametrize(
    ("principal", "shut_out"),
    [
        (user(), False),
        (root(), False),
        (service(), False),
        (user(OTHER), True),
        (root(OTHER), True),
        (role_session(OTHER), True),
        (ANONYMOUS, True),
        (web_identity(), True),
    ],
)
def test_restrict_public_buckets_leaves_the_account_and_services(principal: Principal, shut_out: bool) -> None:
    asked = request(principal, side={"policy": PUBLIC, "public_access_blocked": "RestrictPublicBuckets"})
    assert public_access_block.shuts_out(asked) is shut_out
    assert public_access_block.verdict(asked) is (DENY if shut_out else ALLOW)
    assert resource.verdict(asked) is (QUIET if shut_out or principal == web_identity() else ALLOW)
    assert not public_access_block.shuts_out(request(principal, side={"policy": PUBLIC}))
    assert public_access_block.levels(asked) == ()


def test_an_access_control_list_grants_or_says_nothing() -> None:
    assert acl.verdict(request(side={"acl_allows": True})) is ALLOW
    assert acl.verdict(request()) is QUIET
    assert acl.levels(request(side={"acl_allows": True})) == ()


def shown(decision: Any) -> list[tuple[str, str, str, str]]:
    return [(one.type.value, one.side, one.account, one.verdict.value) for one in decision.layers]


def test_an_explanation_shows_every_layer_that_has_a_say_with_its_side_and_account() -> None:
    everything = {
        "identity": ALL,
        "boundary": ALL,
        "session": (SILENT,),
        "scps": ((ALL,),),
        "rcps": ((NONE_OF_IT,),),
        "owner": OTHER,
        "resource_policy": PUBLIC,
        "acl_allows": True,
        "public_access_blocked": "RestrictPublicBuckets",
    }
    assert shown(ask(user(), **everything)) == [
        ("service control policy", "caller", HOME, "allow"),
        ("resource control policy", "owner", OTHER, "explicit deny"),
        ("resource-based policy", "owner", OTHER, "implicit deny"),
        ("access control list", "owner", OTHER, "allow"),
        ("Block Public Access", "owner", OTHER, "explicit deny"),
        ("identity-based policy", "caller", HOME, "allow"),
        ("permissions boundary", "caller", HOME, "allow"),
        ("session policy", "caller", HOME, "implicit deny"),
    ]
    assert shown(ask(user())) == [("identity-based policy", "caller", HOME, "implicit deny")]
    assert shown(ask(ANONYMOUS, **{**everything, "acl_allows": False, "public_access_blocked": None})) == [
        ("resource control policy", "owner", OTHER, "explicit deny"),
        ("resource-based policy", "owner", OTHER, "allow"),
    ]
    trusting = ask(user(), action="sts:AssumeRole", resource_policy=trust({"AWS": OTHER}))
    assert shown(trusting)[0] == ("role trust policy", "owner", HOME, "implicit deny")


def test_layers_know_their_type_and_whose_documents_theirs_are() -> None:
    assert [(layer.TYPE, layer.SIDE) for layer in LAYERS] == [
        (PolicyType.SCP, "caller"),
        (PolicyType.RCP, "owner"),
        (PolicyType.RESOURCE, "owner"),
        (PolicyType.ACL, "owner"),
        (PolicyType.PUBLIC_ACCESS_BLOCK, "owner"),
        (PolicyType.IDENTITY, "caller"),
        (PolicyType.BOUNDARY, "caller"),
        (PolicyType.SESSION, "caller"),
    ]
    everything = request(identity=ALL, boundary=ALL, session=(ALL,), scps=((ALL,),), side={"policy": PUBLIC})
    for layer in LAYERS:
        assert {level.type for level in layer.levels(everything)} <= {layer.TYPE}
