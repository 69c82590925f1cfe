"""The policy simulator through its operations: what is decided, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import isthmus.iam
import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, World, allow, deny, policy, statement, story, trusts
from simulations import ALL, COMPACT, READ_ONLY, A, B, arn, bucket, custom, levels, principal, sources

# Results as AWS writes them


@story
async def test_a_result_for_everything_has_no_resources_of_its_own(world: World) -> None:
    # Policy and positions of the example in the AWS CLI's reference of simulate-custom-policy.
    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
        '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )
    entry = {"ContextKeyName": "aws:CurrentTime", "ContextKeyType": "date"}
    later = {**entry, "ContextKeyValues": ["2019-04-25T11:00:00Z"]}
    found = await custom(world, text, ActionNames=["dynamodb:CreateBackup"], ContextEntries=[later])
    assert found == {
        "EvalActionName": "dynamodb:CreateBackup",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 167},
            }
        ],
        "MissingContextValues": [],
    }
    earlier = {**entry, "ContextKeyValues": ["2014-04-25T11:00:00Z"]}
    found = await custom(world, text, ActionNames=["dynamodb:CreateBackup"], ContextEntries=[earlier])
    assert (found["EvalDecision"], found["MatchedStatements"]) == ("implicitDeny", [])


@story
async def test_positions_can_be_cut_at_whatever_the_layout(world: World) -> None:
    several = json.dumps(policy(statement("Allow", "s3:Get*"), statement("Allow", "s3:*")), indent=4)
    compact = several.replace("\n", "").replace(" ", "")
    places = [
        (one["StartPosition"], one["EndPosition"])
        for text in (several, compact)
        for one in (await custom(world, text))["MatchedStatements"]
    ]
    assert places == [
        ({"Line": 3, "Column": 19}, {"Line": 8, "Column": 10}),
        ({"Line": 8, "Column": 10}, {"Line": 13, "Column": 10}),
        ({"Line": 1, "Column": 38}, {"Line": 1, "Column": 38 + 52}),
        ({"Line": 1, "Column": 38 + 52}, {"Line": 1, "Column": 38 + 52 + 1 + 49}),
    ]


@story
async def test_of_several_resources_the_most_restrictive_decision_is_the_result(world: World) -> None:
    text = COMPACT.replace('"*"', f'"{A}"')
    mixed = await custom(world, text, ResourceArns=[A, B])
    assert (mixed["EvalDecision"], sources(mixed)) == ("implicitDeny", ["PolicyInputList.1"])
    assert mixed["EvalResourceName"] == "arn:aws:s3:::${BucketName}/${KeyName}"
    assert mixed["EvalDecisionDetails"] == {}
    first, second = mixed["ResourceSpecificResults"]
    assert (first["EvalResourceName"], first["EvalResourceDecision"], sources(first)) == (
        A, "allowed", ["PolicyInputList.1"],
    )  # fmt: skip
    assert second == {"EvalResourceName": B, "EvalResourceDecision": "implicitDeny"}
    denied = await custom(world, text, json.dumps(deny("s3:*", B)), ResourceArns=[A, B])
    assert (denied["EvalDecision"], sources(denied)) == ("explicitDeny", ["PolicyInputList.2"])
    single = await custom(world, text, ResourceArns=[A])
    assert (single["EvalDecision"], single["EvalResourceName"]) == ("allowed", A)
    for action, name in (
        ("s3:ListBucket", "arn:aws:s3:::${BucketName}"),
        ("iam:GetUser", "arn:aws:iam::${Account}:${ResourceType}/${ResourceName}"),
        ("ec2:RunInstances", "*"),
    ):
        assert (await custom(world, text, ActionNames=[action], ResourceArns=[A, B]))["EvalResourceName"] == name


@story
async def test_a_statement_is_told_with_the_policy_it_stands_in(world: World) -> None:
    user = await world.user(PRODUCTION, "alice", allow("s3:GetObject"), path="/team/")
    group = await world.group(PRODUCTION, "readers", allow("s3:PutObject"), members=[user])
    await world.attach(PRODUCTION, user.id, READ_ONLY)
    mine = await world.managed_policy(PRODUCTION, "mine", deny("s3:DeleteObject"))
    await world.attach(PRODUCTION, group, mine)
    expected = {
        "s3:GetObject": ("allowed", ["AmazonS3ReadOnlyAccess", "user_alice_inline-0", "PolicyInputList.1"]),
        "s3:PutObject": ("allowed", ["group_readers_inline-0", "PolicyInputList.1"]),
        "s3:DeleteObject": ("explicitDeny", ["mine"]),
        "iam:GetUser": ("allowed", ["PolicyInputList.1"]),
    }
    for action, (decision, policies) in expected.items():
        found = await principal(world, user.arn, action, PolicyInputList=[ALL])
        assert (found["EvalDecision"], sources(found)) == (decision, policies)
    assert (await principal(world, user.arn, "iam:GetUser"))["EvalDecision"] == "implicitDeny"
    # The group alone has what is its own.
    found = await principal(world, arn("group", "readers"))
    assert (found["EvalDecision"], sources(found)) == ("implicitDeny", [])
    assert sources(await principal(world, arn("group", "readers"), "s3:PutObject")) == ["group_readers_inline-0"]
    role = await world.role(PRODUCTION, "job", allow("s3:GetObject"), trust=trusts(PRODUCTION))
    assert sources(await principal(world, role.arn)) == ["role_job_inline-0"]
    assert (await principal(world, role.arn, "s3:PutObject"))["EvalDecision"] == "implicitDeny"


# Layers


@story
async def test_a_boundary_limits_and_another_one_takes_its_place(world: World) -> None:
    limit = await world.managed_policy(PRODUCTION, "limit", policy(statement("Allow", "s3:Get*"),
                                                                   statement("Deny", "s3:PutObject")))  # fmt: skip
    user = await world.user(PRODUCTION, "bounded", allow("s3:*"), boundary=limit)
    allowed = {"AllowedByPermissionsBoundary": True}
    forbidden = {"AllowedByPermissionsBoundary": False}
    for action, decision, detail, told in (
        ("s3:GetObject", "allowed", allowed, ["user_bounded_inline-0"]),
        ("s3:ListBucket", "implicitDeny", forbidden, []),
        ("s3:PutObject", "explicitDeny", forbidden, ["limit"]),
        ("iam:GetUser", "implicitDeny", forbidden, []),
    ):
        found = await principal(world, user.arn, action, ResourceArns=[A])
        (specific,) = found["ResourceSpecificResults"]
        assert (found["EvalDecision"], sources(found)) == (decision, told)
        assert found["PermissionsBoundaryDecisionDetail"] == specific["PermissionsBoundaryDecisionDetail"] == detail
    denying = (await principal(world, user.arn, "s3:PutObject"))["MatchedStatements"]
    assert denying[0]["SourcePolicyType"] == "Permissions Boundary Policy"
    wider = await principal(world, user.arn, "s3:PutObject", PermissionsBoundaryPolicyInputList=[ALL])
    assert (wider["EvalDecision"], wider["PermissionsBoundaryDecisionDetail"]) == ("allowed", allowed)
    assert "PermissionsBoundaryDecisionDetail" not in await custom(world, ALL)
    narrow = await custom(world, ALL, PermissionsBoundaryPolicyInputList=[json.dumps(deny("s3:*"))])
    assert (narrow["EvalDecision"], sources(narrow)) == ("explicitDeny", ["PermissionsBoundaryPolicyInputList.1"])


@story
async def test_every_level_of_the_organization_must_allow_and_ends_the_simulation_otherwise(world: World) -> None:
    for given, decision, allowed in (
        (levels(allow("*"), allow("s3:*")), "allowed", True),
        (levels(allow("*"), allow("iam:*")), "implicitDeny", False),
        (levels(allow("*"), deny("s3:GetObject")), "explicitDeny", False),
    ):
        members = {"OrderedOrganizationPolicyInputList": given, "ResourceArns": [A]}
        found = await custom(world, ALL, json.dumps(allow("*", Condition={"Null": {"a:key": "false"}})), **members)
        assert (found["EvalDecision"], bool(found["MatchedStatements"])) == (decision, allowed)
        assert found["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}
        assert ("EvalDecisionDetails" in found, found["MissingContextValues"]) == (allowed, [])
    assert "OrganizationsDecisionDetail" not in await custom(world, ALL)


ALICE, STRANGER = arn("user", "alice"), arn("user", "stranger", ANALYTICS)
# Caller, whether its own policies allow, who owns the bucket, whom its policy names -> decision, and across accounts
# what each side says.
BUCKET_CASES: list[tuple[str, bool, str | None, Any, str, dict[str, str]]] = [
    (ALICE, False, None, {"AWS": ALICE}, "allowed", {}),
    (ALICE, False, None, {"AWS": PRODUCTION}, "implicitDeny", {}),
    (ALICE, True, None, {"AWS": PRODUCTION}, "allowed", {}),
    (ALICE, False, None, {"AWS": STRANGER}, "implicitDeny", {}),
    (ALICE, True, None, {"AWS": STRANGER}, "allowed", {}),
    (ALICE, True, ANALYTICS, {"AWS": ALICE}, "allowed", {"IAM Policy": "allowed", "Resource Policy": "allowed"}),
    (ALICE, False, ANALYTICS, "*", "implicitDeny", {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}),
    (ALICE, True, ANALYTICS, {"AWS": STRANGER}, "implicitDeny",
     {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}),
    (STRANGER, True, PRODUCTION, {"AWS": ANALYTICS}, "allowed",
     {"IAM Policy": "allowed", "Resource Policy": "allowed"}),
    (STRANGER, True, None, {"AWS": ANALYTICS}, "allowed", {}),
    (arn("role", "job"), False, None, {"AWS": arn("role", "job")}, "allowed", {}),
    (arn("role", "job"), False, None, {"AWS": arn("role", "other")}, "implicitDeny", {}),
]  # fmt: skip


@pytest.mark.parametrize(("caller", "own", "owner", "named", "decision", "details"), BUCKET_CASES)
def test_a_resource_policy_counts_as_in_a_real_request(
    tmp_path: Any, caller: str, own: bool, owner: str | None, named: Any, decision: str, details: dict[str, str]
) -> None:
    @story
    async def tell(world: World) -> None:
        members: dict[str, Any] = {"ResourceArns": [A], "ResourcePolicy": bucket(named), "CallerArn": caller}
        if owner is not None:
            members["ResourceOwner"] = f"arn:aws:iam::{owner}:root"
        found = await custom(world, *([COMPACT] if own else []), **members)
        assert (found["EvalDecision"], found["EvalDecisionDetails"]) == (decision, details)
        assert found["ResourceSpecificResults"][0].get("EvalDecisionDetails", {}) == details
        by_id = await custom(
            world, *([COMPACT] if own else []), **(members | ({"ResourceOwner": owner} if owner else {}))
        )
        assert by_id == found
        denied = await custom(world, ALL, **(members | {"ResourcePolicy": bucket(named, "Deny")}))
        names_caller = named in ("*", {"AWS": PRODUCTION}) or (decision == "allowed" and named != {"AWS": STRANGER})
        assert (denied["EvalDecision"] == "explicitDeny") is names_caller
        assert not names_caller or sources(denied) == ["ResourcePolicy"]

    tell(tmp_path)


@story
async def test_across_accounts_a_boundary_is_a_side_of_its_own(world: World) -> None:
    members = {
        "ResourceArns": [A],
        "ResourcePolicy": bucket({"AWS": ALICE}),
        "CallerArn": ALICE,
        "ResourceOwner": ANALYTICS,
        "PermissionsBoundaryPolicyInputList": [json.dumps(allow("iam:*"))],
    }
    found = await custom(world, COMPACT, **members)
    assert found["EvalDecision"] == "implicitDeny"
    assert found["EvalDecisionDetails"] == {
        "IAM Policy": "allowed", "Resource Policy": "allowed", "Permissions Boundary Policy": "implicitDeny",
    }  # fmt: skip
    members["PermissionsBoundaryPolicyInputList"] = [ALL]
    assert (await custom(world, COMPACT, **members))["EvalDecision"] == "allowed"


# Trust policies


@story
async def test_assuming_a_role_of_the_account_is_decided_with_its_trust_policy(world: World) -> None:
    may = allow("sts:AssumeRole")
    alice, bob = await world.user(PRODUCTION, "alice", may), await world.user(PRODUCTION, "bob", may)
    carol = await world.user(PRODUCTION, "carol")
    for_alice = await world.role(PRODUCTION, "for-alice", trust=trusts(alice.arn), path="/x/")
    for_account = await world.role(PRODUCTION, "for-account", trust=trusts(PRODUCTION))
    for_carol = await world.role(PRODUCTION, "for-carol", trust=trusts(carol.arn))
    for user, role, decision, told in (
        (alice, for_alice, "allowed", ["user_alice_inline-0", "AssumeRolePolicyDocument"]),
        (bob, for_alice, "implicitDeny", []),
        (bob, for_account, "allowed", ["user_bob_inline-0", "AssumeRolePolicyDocument"]),
        (carol, for_account, "implicitDeny", []),
        (carol, for_carol, "allowed", ["AssumeRolePolicyDocument"]),
    ):
        found = await principal(world, user.arn, "sts:AssumeRole", ResourceArns=[role.arn])
        assert (found["EvalDecision"], sorted(sources(found))) == (decision, sorted(told))
    # One that is given takes its place.
    given = json.dumps(trusts(bob.arn))
    for user, decision in ((alice, "implicitDeny"), (bob, "allowed")):
        found = await principal(world, user.arn, "sts:AssumeRole", ResourceArns=[for_alice.arn], ResourcePolicy=given)
        assert found["EvalDecision"] == decision
    # Somebody who only has the policies is trusted as the one whom CallerArn names.
    for caller, decision in ((alice, "allowed"), (carol, "implicitDeny")):
        found = await principal(world, bob.arn, "sts:AssumeRole", ResourceArns=[for_alice.arn], CallerArn=caller.arn)
        assert found["EvalDecision"] == decision


@story
async def test_trust_policies_stay_with_who_may_see_the_principals(world: World) -> None:
    may = json.dumps(allow("sts:AssumeRole"))
    alice = await world.user(PRODUCTION, "alice", allow("sts:AssumeRole"))
    own = await world.role(PRODUCTION, "own", trust=trusts(ANALYTICS))
    foreign = await world.role(ANALYTICS, "foreign", trust=trusts(ANALYTICS))
    asked = {"ActionNames": ["sts:AssumeRole"], "CallerArn": alice.arn}
    # SimulateCustomPolicy reads none, and of another account's role nothing is known.
    assert (await custom(world, may, **asked, ResourceArns=[own.arn]))["EvalDecision"] == "allowed"
    for resource, decision in ((own.arn, "implicitDeny"), (foreign.arn, "allowed"), (arn("role", "none"), "allowed")):
        found = await principal(world, alice.arn, "sts:AssumeRole", ResourceArns=[resource])
        assert (found["EvalDecision"], found["EvalDecisionDetails"]) == (decision, {})
    for trusted, decision in ((PRODUCTION, "allowed"), (ANALYTICS, "implicitDeny")):
        found = await principal(
            world, alice.arn, "sts:AssumeRole", ResourceArns=[foreign.arn], ResourcePolicy=json.dumps(trusts(trusted))
        )
        assert (found["EvalDecision"], found["EvalDecisionDetails"]["IAM Policy"]) == (decision, "allowed")


# The context


@story
async def test_the_principals_own_keys_are_there_and_can_be_given_otherwise(world: World) -> None:
    user = await world.user(PRODUCTION, "alice", path="/team/", tags={"Team": "blue"})
    role = await world.role(PRODUCTION, "job", trust=trusts(PRODUCTION), tags={"Team": "blue"})
    for source, key, value, other in (
        (user.arn, "aws:PrincipalArn", user.arn, arn("user", "alice")),
        (user.arn, "aws:PrincipalAccount", PRODUCTION, ANALYTICS),
        (user.arn, "aws:PrincipalType", "User", "AssumedRole"),
        (user.arn, "aws:username", "alice", "bob"),
        (user.arn, "aws:userid", user.id, "AIDA"),
        (user.arn, "aws:PrincipalTag/team", "blue", "red"),
        (role.arn, "aws:PrincipalArn", role.arn, user.arn),
        (role.arn, "aws:PrincipalTag/team", "blue", "red"),
        (role.arn, "aws:PrincipalType", "AssumedRole", "User"),
    ):
        guarded = json.dumps(allow("s3:*", Condition={"StringEquals": {key: value}}))
        assert (await principal(world, source, PolicyInputList=[guarded]))["EvalDecision"] == "allowed"
        entry = {"ContextKeyName": key, "ContextKeyValues": [other], "ContextKeyType": "string"}
        found = await principal(world, source, PolicyInputList=[guarded], ContextEntries=[entry])
        assert (found["EvalDecision"], found["MissingContextValues"]) == ("implicitDeny", [])


@story
async def test_keys_that_the_policies_ask_for_and_nobody_gave_are_missing_after_an_implicit_deny(world: World) -> None:
    user = await world.user(PRODUCTION, "alice")
    guarded = json.dumps(policy(
        statement("Allow", "s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        statement("Allow", "ec2:*", f"{A}/${{aws:PrincipalTag/team}}", Condition={
            "StringEquals": {"aws:username": "${aws:SourceIdentity}", "AWS:MULTIFACTORAUTHPRESENT": "true"}}),
    ))  # fmt: skip
    missing = ["aws:MultiFactorAuthPresent", "aws:PrincipalTag/team", "aws:SourceIdentity"]
    found = await principal(world, user.arn, PolicyInputList=[guarded])
    assert (found["EvalDecision"], found["MissingContextValues"]) == ("implicitDeny", missing)
    found = await principal(world, user.arn, PolicyInputList=[guarded], ResourceArns=[A, B])
    assert [one["MissingContextValues"] for one in found["ResourceSpecificResults"]] == [missing, missing]
    assert found["MissingContextValues"] == missing
    entry = {"ContextKeyName": "AWS:MultiFactorAuthPresent", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}
    found = await principal(world, user.arn, PolicyInputList=[guarded], ContextEntries=[entry])
    assert (found["EvalDecision"], found["MissingContextValues"]) == ("allowed", [])


@story
async def test_the_answer_to_one_question_carries_its_explanation_for_the_caller_alone(world: World) -> None:
    user = await world.user(PRODUCTION, "alice")
    question = {
        "PolicySourceArn": user.arn,
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [A],
        "PolicyInputList": [json.dumps(allow("s3:PutObject"))],
    }
    denied = await world.call(PRODUCTION, "iam", "SimulatePrincipalPolicy", **question)
    message = denied["EncodedAuthorizationMessage"]
    explained = await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    told = json.loads(explained["DecodedMessage"])
    (layer,) = told["layers"]["items"]
    assert told["simulated"] is True, "it does not pass for a refusal that was made"
    assert (told["allowed"], layer["type"], layer["verdict"]) == (False, "identity-based policy", "implicit deny")
    assert [one["sourcePolicyId"] for one in layer["nearest"]] == ["PolicyInputList.1"]
    (change,) = told["changes"]["items"]
    assert change["statement"] == {"Effect": "Allow", "Action": "s3:GetObject", "Resource": A}
    await world.refused(ANALYTICS, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    allowed = await world.call(
        PRODUCTION, "iam", "SimulatePrincipalPolicy", **question | {"PolicyInputList": [json.dumps(allow("s3:*"))]}
    )
    message = allowed["EncodedAuthorizationMessage"]
    explained = await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    assert json.loads(explained["DecodedMessage"])["allowed"]
    for more in ({"ActionNames": ["s3:GetObject", "s3:PutObject"]}, {"ResourceArns": [A, B]}):
        several = await world.call(PRODUCTION, "iam", "SimulatePrincipalPolicy", **question | more)
        assert "EncodedAuthorizationMessage" not in several
