"""The condition keys of who asks, and of real requests to STS and IAM: exactly these, with these values."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from contexts import MOMENT, NETWORK, ON_OWNER, S3, SECONDS, Context, check, of_session, of_user, seen
from stage import OWNER, PARTNER, READ_ONLY, Keys, Someone, Stage, allow, policy, statement, trust, unique

# Who asks


def _reads(stage: Stage, keys: Keys) -> tuple[str, Context]:
    bucket = stage.owner.new_bucket({"k": b"data"})
    client = stage.owner.client("s3", keys)
    return seen(stage, lambda: client.get_object(Bucket=bucket, Key="k"))


def test_the_root_user_of_another_account_is_its_account(stage: Stage) -> None:
    root = {
        "aws:principalaccount": PARTNER, "aws:principalarn": f"arn:aws:iam::{PARTNER}:root",
        "aws:principalisawsservice": "false", "aws:principaltype": "Account", "aws:userid": PARTNER,
    }  # fmt: skip
    check(_reads(stage, stage.partner.root), "s3:GetObject", NETWORK, S3, root)


def test_a_users_tags_are_keys_whatever_their_case(stage: Stage, nobody: Someone) -> None:
    stage.owner.iam.tag_user(UserName=nobody.name, Tags=[{"Key": "Team", "Value": "Blue"}, {"Key": "x", "Value": ""}])
    tags = {"aws:principaltag/team": "Blue", "aws:principaltag/x": ""}
    check(_reads(stage, nobody.keys), "s3:GetObject", NETWORK, of_user(nobody), S3, tags)


def test_a_users_temporary_credentials_say_whether_there_was_a_code(stage: Stage, nobody: Someone) -> None:
    session = Keys.of(stage.owner.client("sts", nobody).get_session_token())
    plain = {"aws:tokenissuetime": MOMENT, "aws:multifactorauthpresent": "false"}
    check(_reads(stage, session), "s3:GetObject", NETWORK, of_user(nobody), S3, plain)
    user = stage.mfa_users["mfa-missing"]
    code = {"SerialNumber": stage.mfa_serial("mfa-missing"), "TokenCode": stage.codes["mfa-missing"].next()}
    session = Keys.of(stage.partner.client("sts", user).get_session_token(**code))
    proven = {"aws:tokenissuetime": MOMENT, "aws:multifactorauthpresent": "true", "aws:multifactorauthage": SECONDS}
    check(_reads(stage, session), "s3:GetObject", NETWORK, of_user(user), S3, proven)


def test_a_federated_user_is_named_by_its_account(stage: Stage) -> None:
    issuer = stage.owner.new_user(allow(["sts:GetFederationToken", "sts:TagSession"], "*"))
    sts = stage.owner.client("sts", issuer)
    session = Keys.of(sts.get_federation_token(Name="bob", Tags=[{"Key": "Team", "Value": "blue"}]))
    federated = {
        "aws:multifactorauthpresent": "false", "aws:principalaccount": OWNER,
        "aws:principalarn": f"arn:aws:sts::{OWNER}:federated-user/bob", "aws:principalisawsservice": "false",
        "aws:principaltag/team": "blue", "aws:principaltype": "FederatedUser", "aws:tokenissuetime": MOMENT,
        "aws:userid": f"{OWNER}:bob",
    }  # fmt: skip
    check(_reads(stage, session), "s3:GetObject", NETWORK, S3, federated)


def test_tags_and_source_identity_go_along_a_chain_of_roles(stage: Stage) -> None:
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    more = {"Tags": [{"Key": "Team", "Value": "role"}, {"Key": "Own", "Value": "1"}]}
    first = stage.owner.new_role(trust(OWNER, actions), allow(actions, "*"), **more)
    second = stage.owner.new_role(trust(OWNER, actions), Path="/deep/er/")
    session = stage.owner.session_of(
        first,
        Tags=[{"Key": "TEAM", "Value": "session"}, {"Key": "Stays", "Value": "2"}],
        TransitiveTagKeys=["TEAM"],
        SourceIdentity="alice",
    )
    tags = {"aws:principaltag/team": "session", "aws:principaltag/own": "1", "aws:principaltag/stays": "2"}
    known = {"aws:sourceidentity": "alice"}
    check(_reads(stage, session.keys), "s3:GetObject", NETWORK, of_session(first), S3, tags, known)
    chained = stage.owner.session_of(second, stage.owner.client("sts", session), RoleSessionName="next")
    tags = {"aws:principaltag/team": "session"}
    check(_reads(stage, chained.keys), "s3:GetObject", NETWORK, of_session(second, "next"), S3, tags, known)


# STS


def test_assuming_a_role_has_the_keys_of_its_parameters(stage: Stage, nobody: Someone) -> None:
    role = stage.owner.new_role(trust(OWNER), Tags=[{"Key": "Stage", "Value": "test"}])
    sts = stage.owner.client("sts", nobody)
    always = {"sts:rolesessionname": "me", "aws:resourcetag/stage": "test", "iam:resourcetag/stage": "test"}
    given: dict[str, Any] = {"RoleArn": role, "RoleSessionName": "me"}
    found = seen(stage, lambda: sts.assume_role(**given))
    check(found, "sts:AssumeRole", NETWORK, of_user(nobody), ON_OWNER, always)
    more: dict[str, Any] = {
        "ExternalId": "a-2", "SourceIdentity": "alice", "TransitiveTagKeys": ["b"],
        "Tags": [{"Key": "A", "Value": "1"}, {"Key": "b", "Value": ""}],
    }  # fmt: skip
    passed = {
        "sts:externalid": "a-2", "sts:sourceidentity": "alice", "sts:transitivetagkeys": "b", "aws:requesttag/a": "1",
        "aws:requesttag/b": "", "aws:tagkeys": ["A", "b"],
    }  # fmt: skip
    found = seen(stage, lambda: sts.assume_role(**given, **more))
    check(found, "sts:AssumeRole", NETWORK, of_user(nobody), ON_OWNER, always, passed)


def test_a_federated_user_to_be_has_the_keys_of_its_tags(stage: Stage, nobody: Someone) -> None:
    sts = stage.owner.client("sts", nobody)
    found = seen(stage, lambda: sts.get_federation_token(Name="bob", Tags=[{"Key": "A", "Value": "1"}]))
    passed = {"aws:requesttag/a": "1", "aws:tagkeys": "A"}
    check(found, "sts:GetFederationToken", NETWORK, of_user(nobody), ON_OWNER, passed)


def test_an_action_without_a_resource_has_no_account_of_one(stage: Stage, nobody: Someone) -> None:
    found = seen(stage, lambda: stage.owner.client("iam", nobody).get_account_summary())
    check(found, "iam:GetAccountSummary", NETWORK, of_user(nobody))


# IAM


@pytest.fixture
def things(stage: Stage) -> dict[str, str]:
    """A tagged and bounded user and role, a group, a tagged policy, an instance profile."""
    iam, tags = stage.owner.iam, [{"Key": "Team", "Value": "blue"}]
    made = {what: unique(what) for what in ("user", "role", "group", "policy", "profile")}
    limited: dict[str, Any] = {"Tags": tags, "PermissionsBoundary": READ_ONLY}
    iam.create_user(UserName=made["user"], **limited)
    iam.create_role(RoleName=made["role"], AssumeRolePolicyDocument=json.dumps(trust(OWNER)), **limited)
    iam.create_group(GroupName=made["group"])
    document = json.dumps(allow("s3:*", "*"))
    made["arn"] = iam.create_policy(PolicyName=made["policy"], PolicyDocument=document, Tags=tags)["Policy"]["Arn"]
    iam.create_instance_profile(InstanceProfileName=made["profile"])
    return made


TAGS = {"aws:resourcetag/team": "blue", "iam:resourcetag/team": "blue"}
NEW_TAGS = [{"Key": "Stage", "Value": "test"}]
TAGGED = {"aws:requesttag/stage": "test", "aws:tagkeys": "Stage"}
BOUND = {"iam:permissionsboundary": READ_ONLY}
DOCUMENT = json.dumps(allow("s3:*", "*"))
IAM_CASES: list[tuple[str, dict[str, Any], str, Context]] = [
    ("get_user", {"UserName": "{user}"}, "iam:GetUser", TAGS),
    ("get_user", {"UserName": "ghost"}, "iam:GetUser", {}),
    ("get_group", {"GroupName": "{group}"}, "iam:GetGroup", {}),
    ("list_users", {}, "iam:ListUsers", {}),
    ("create_user", {"UserName": "new", "Tags": NEW_TAGS, "PermissionsBoundary": READ_ONLY}, "iam:CreateUser",
     {**TAGGED, **BOUND}),
    ("create_user", {"UserName": "new"}, "iam:CreateUser", {}),
    ("create_role", {"RoleName": "new", "AssumeRolePolicyDocument": json.dumps(trust(OWNER)), "Tags": NEW_TAGS},
     "iam:CreateRole", TAGGED),
    ("tag_user", {"UserName": "{user}", "Tags": NEW_TAGS}, "iam:TagUser", {**TAGS, **TAGGED}),
    ("untag_user", {"UserName": "{user}", "TagKeys": ["Team", "x"]}, "iam:UntagUser",
     {**TAGS, "aws:tagkeys": ["Team", "x"]}),
    ("tag_policy", {"PolicyArn": "{arn}", "Tags": NEW_TAGS}, "iam:TagPolicy",
     {"aws:resourcetag/team": "blue", **TAGGED}),
    ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": NEW_TAGS}, "iam:CreatePolicy", TAGGED),
    ("get_policy", {"PolicyArn": "{arn}"}, "iam:GetPolicy", {"aws:resourcetag/team": "blue"}),
    ("attach_user_policy", {"UserName": "{user}", "PolicyArn": "{arn}"}, "iam:AttachUserPolicy",
     {**TAGS, **BOUND, "iam:policyarn": "{arn}"}),
    ("detach_role_policy", {"RoleName": "{role}", "PolicyArn": "{arn}"}, "iam:DetachRolePolicy",
     {**TAGS, **BOUND, "iam:policyarn": "{arn}"}),
    ("attach_group_policy", {"GroupName": "{group}", "PolicyArn": "{arn}"}, "iam:AttachGroupPolicy",
     {"iam:policyarn": "{arn}"}),
    ("put_user_policy", {"UserName": "{user}", "PolicyName": "p", "PolicyDocument": DOCUMENT}, "iam:PutUserPolicy",
     {**TAGS, **BOUND}),
    ("delete_role_policy", {"RoleName": "{role}", "PolicyName": "p"}, "iam:DeleteRolePolicy", {**TAGS, **BOUND}),
    ("get_user_policy", {"UserName": "{user}", "PolicyName": "p"}, "iam:GetUserPolicy", TAGS),
    ("put_role_permissions_boundary", {"RoleName": "{role}", "PermissionsBoundary": "{arn}"},
     "iam:PutRolePermissionsBoundary", {**TAGS, "iam:permissionsboundary": "{arn}"}),
    ("delete_user_permissions_boundary", {"UserName": "{user}"}, "iam:DeleteUserPermissionsBoundary",
     {**TAGS, **BOUND}),
    ("update_assume_role_policy", {"RoleName": "{role}", "PolicyDocument": json.dumps(trust(OWNER))},
     "iam:UpdateAssumeRolePolicy", {**TAGS, **BOUND}),
    ("update_role", {"RoleName": "{role}"}, "iam:UpdateRole", {**TAGS, **BOUND}),
    ("get_role", {"RoleName": "{role}"}, "iam:GetRole", {**TAGS, **BOUND}),
    ("delete_role", {"RoleName": "{role}"}, "iam:DeleteRole", {**TAGS, **BOUND}),
    ("delete_user", {"UserName": "{user}"}, "iam:DeleteUser", TAGS),
    ("create_service_linked_role", {"AWSServiceName": "autoscaling.amazonaws.com"}, "iam:CreateServiceLinkedRole",
     {"iam:awsservicename": "autoscaling.amazonaws.com"}),
    ("simulate_principal_policy", {"PolicySourceArn": f"arn:aws:iam::{OWNER}:user/{{user}}",
                                   "ActionNames": ["s3:GetObject"]}, "iam:SimulatePrincipalPolicy", TAGS),
]  # fmt: skip


def _named(value: Any, names: dict[str, str]) -> Any:
    """`{user}` and the like in a parameter or an expected value."""
    if isinstance(value, str) and re.search(r"\{\w+\}", value):
        return value.format(**names)
    return value


@pytest.mark.parametrize(("operation", "members", "action", "keys"), IAM_CASES)
def test_a_request_to_iam_has_the_keys_of_what_it_is_about(
    operation: str, members: dict[str, Any], action: str, keys: Context, stage: Stage, nobody: Someone,
    things: dict[str, str],
) -> None:  # fmt: skip
    client = stage.owner.client("iam", nobody)
    given = {name: _named(value, things) for name, value in members.items()}
    expected = {key: _named(value, things) for key, value in keys.items()}
    found = seen(stage, lambda: getattr(client, operation)(**given))
    check(found, action, NETWORK, of_user(nobody), ON_OWNER, expected)


def test_a_role_is_passed_to_the_instances_of_its_profile(stage: Stage, things: dict[str, str]) -> None:
    adds = statement("Allow", "iam:AddRoleToInstanceProfile", "*")
    passed = {"iam:passedtoservice": "ec2.amazonaws.com",
              "iam:associatedresourcearn": f"arn:aws:ec2:*:{OWNER}:instance/*"}  # fmt: skip
    user = stage.owner.new_user(policy(adds))
    given = {"InstanceProfileName": things["profile"], "RoleName": things["role"]}
    client = stage.owner.client("iam", user)
    found = seen(stage, lambda: client.add_role_to_instance_profile(**given))
    check(found, "iam:PassRole", NETWORK, of_user(user), ON_OWNER, TAGS, passed)
    for service, allowed in (("s3.amazonaws.com", False), ("ec2.amazonaws.com", True)):
        only = statement("Allow", "iam:PassRole", "*", Condition={"StringEquals": {"iam:PassedToService": service}})
        other = stage.owner.client("iam", stage.owner.new_user(policy(adds, only)))
        if allowed:
            other.add_role_to_instance_profile(**given)
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                other.add_role_to_instance_profile(**given)
