"""`aws iam simulate-principal-policy` foretells what the request itself is answered.

Each prediction is made by the stock AWS CLI and then put to the test: whoever is simulated sends the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from refusal_table import answer_of
from stage import (
    OWNER,
    PARTNER,
    READ_ONLY,
    Document,
    Someone,
    Stage,
    Terminal,
    allow,
    deny,
    keys_on,
    policy,
    statement,
    trust,
    unique,
)

Request = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A request and how it is simulated: whose policies, which action on what, and further options of the CLI."""

    source: str
    action: str
    resource: str
    request: Request
    context: dict[str, tuple[str, str]] = field(default_factory=dict)
    resource_policy: Document | None = None
    resource_owner: str | None = None


PREDICTIONS: list[tuple[str, str, Callable[[Stage], Prediction]]] = []


def foretold(decision: str) -> Callable[[Callable[[Stage], Prediction]], Callable[[Stage], Prediction]]:
    """Put a request into the table, with what both simulation and request must come to."""

    def put(arrange: Callable[[Stage], Prediction]) -> Callable[[Stage], Prediction]:
        PREDICTIONS.append((arrange.__name__.replace("_", " "), decision, arrange))
        return arrange

    return put


def _read(stage: Stage, who: Someone, source: str, bucket: str, key: str = "k", **more: Any) -> Prediction:
    client = stage.owner.client("s3", who)
    resource = f"arn:aws:s3:::{bucket}/{key}"
    return Prediction(source, "s3:GetObject", resource, lambda: client.get_object(Bucket=bucket, Key=key), **more)


def _assume(stage: Stage, who: Someone, role: str, **more: Any) -> Prediction:
    client = stage.owner.client("sts", who)
    context = {"sts:ExternalId": ("string", more["ExternalId"])} if more else {}
    return Prediction(
        who.arn,
        "sts:AssumeRole",
        role,
        lambda: client.assume_role(RoleArn=role, RoleSessionName="foretold", **more),
        context,
    )


# S3


@foretold("allowed")
def a_user_reads_by_a_managed_policy(stage: Stage) -> Prediction:
    user = stage.owner.new_user(managed=[READ_ONLY])
    return _read(stage, user, user.arn, stage.owner.new_bucket({"k": b"data"}))


@foretold("implicitDeny")
def a_user_without_policies_reads_nothing(stage: Stage) -> Prediction:
    user = stage.owner.new_user()
    return _read(stage, user, user.arn, stage.owner.new_bucket({"k": b"data"}))


@foretold("explicitDeny")
def a_deny_in_a_group_stops_its_member(stage: Stage) -> Prediction:
    bucket = stage.owner.new_bucket({"k": b"data"})
    user, group = stage.owner.new_user(managed=[READ_ONLY]), unique("group")
    stage.owner.iam.create_group(GroupName=group)
    document = json.dumps(deny("s3:Get*", keys_on(bucket)))
    stage.owner.iam.put_group_policy(GroupName=group, PolicyName="stop", PolicyDocument=document)
    stage.owner.iam.add_user_to_group(GroupName=group, UserName=user.name)
    return _read(stage, user, user.arn, bucket)


@foretold("implicitDeny")
def a_boundary_that_is_silent_stops_an_administrator(stage: Stage) -> Prediction:
    limit = stage.owner.new_policy(allow("s3:ListBucket", "*"))
    user = stage.owner.new_user(allow("*", "*"), boundary=limit)
    return _read(stage, user, user.arn, stage.owner.new_bucket({"k": b"data"}))


@foretold("allowed")
def a_user_reads_below_the_key_that_is_its_name(stage: Stage) -> Prediction:
    bucket = stage.owner.new_bucket()
    user = stage.owner.new_user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/${{aws:username}}/*"))
    stage.owner.s3.put_object(Bucket=bucket, Key=f"{user.name}/k", Body=b"mine")
    return _read(stage, user, user.arn, bucket, f"{user.name}/k")


@foretold("implicitDeny")
def a_user_does_not_read_below_the_name_of_another(stage: Stage) -> Prediction:
    bucket = stage.owner.new_bucket({"another/k": b"data"})
    user = stage.owner.new_user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/${{aws:username}}/*"))
    return _read(stage, user, user.arn, bucket, "another/k")


@foretold("explicitDeny")
def a_request_without_tls_is_denied_where_tls_is_asked_for(stage: Stage) -> Prediction:
    plain = statement("Deny", "s3:*", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    user = stage.owner.new_user(policy(statement("Allow", "s3:*", "*"), plain))
    context = {"aws:SecureTransport": ("boolean", "false")}
    return _read(stage, user, user.arn, stage.owner.new_bucket({"k": b"data"}), context=context)


def _list(stage: Stage, prefix: str) -> Prediction:
    bucket = stage.owner.new_bucket({"public/k": b"data"})
    only = {"StringLike": {"s3:prefix": "public/*"}}
    user = stage.owner.new_user(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=only))
    client = stage.owner.client("s3", user)
    return Prediction(
        user.arn,
        "s3:ListBucket",
        f"arn:aws:s3:::{bucket}",
        lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix),
        {"s3:prefix": ("string", prefix)},
    )


@foretold("allowed")
def a_listing_below_the_allowed_prefix(stage: Stage) -> Prediction:
    return _list(stage, "public/2026/")


@foretold("implicitDeny")
def a_listing_below_another_prefix(stage: Stage) -> Prediction:
    return _list(stage, "private/")


def _by_bucket_policy(stage: Stage, effect: str, named: str, *own: Document, foreign: bool = False) -> Prediction:
    """A bucket policy about one user: of the bucket's own account, or of another."""
    account = stage.partner if foreign else stage.owner
    user, bucket = account.new_user(*own), stage.owner.new_bucket({"k": b"data"})
    principal = {"AWS": user.arn if named == "user" else account.id}
    document = policy({**statement(effect, "s3:GetObject", keys_on(bucket)), "Principal": principal})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    owner = f"arn:aws:iam::{OWNER}:root" if foreign else None
    return _read(stage, user, user.arn, bucket, resource_policy=document, resource_owner=owner)


@foretold("allowed")
def a_bucket_policy_that_names_a_user_of_the_account_suffices(stage: Stage) -> Prediction:
    return _by_bucket_policy(stage, "Allow", "user")


@foretold("implicitDeny")
def a_bucket_policy_that_names_the_account_does_not(stage: Stage) -> Prediction:
    return _by_bucket_policy(stage, "Allow", "account")


@foretold("explicitDeny")
def a_bucket_policy_denies_whom_it_names(stage: Stage) -> Prediction:
    return _by_bucket_policy(stage, "Deny", "user", allow("s3:*", "*"))


@foretold("allowed")
def across_accounts_both_sides_allow(stage: Stage) -> Prediction:
    return _by_bucket_policy(stage, "Allow", "account", allow("s3:*", "*"), foreign=True)


@foretold("implicitDeny")
def across_accounts_the_bucket_alone_does_not_suffice(stage: Stage) -> Prediction:
    return _by_bucket_policy(stage, "Allow", "user", foreign=True)


@foretold("allowed")
def a_role_by_its_session(stage: Stage) -> Prediction:
    role = stage.owner.new_role(trust(OWNER), managed=[READ_ONLY])
    return _read(stage, stage.owner.session_of(role), role, stage.owner.new_bucket({"k": b"data"}))


@foretold("implicitDeny")
def a_role_that_may_only_list_by_its_session(stage: Stage) -> Prediction:
    role = stage.owner.new_role(trust(OWNER), allow("s3:List*", "*"))
    return _read(stage, stage.owner.session_of(role), role, stage.owner.new_bucket({"k": b"data"}))


# STS: the trust policy is known


@foretold("allowed")
def a_role_that_trusts_the_account_and_a_user_that_may(stage: Stage) -> Prediction:
    user = stage.owner.new_user(allow("sts:AssumeRole", "*"))
    return _assume(stage, user, stage.owner.new_role(trust(OWNER)))


@foretold("implicitDeny")
def a_role_that_trusts_another_account(stage: Stage) -> Prediction:
    user = stage.owner.new_user(allow("sts:AssumeRole", "*"))
    return _assume(stage, user, stage.owner.new_role(trust(PARTNER)))


@foretold("allowed")
def a_role_that_trusts_a_user_who_has_no_policies(stage: Stage) -> Prediction:
    user = stage.owner.new_user()
    return _assume(stage, user, stage.owner.new_role(trust(user.arn)))


@foretold("implicitDeny")
def a_role_that_trusts_the_account_and_a_user_that_may_not(stage: Stage) -> Prediction:
    return _assume(stage, stage.owner.new_user(), stage.owner.new_role(trust(OWNER)))


def _with_external_id(stage: Stage, given: str) -> Prediction:
    user = stage.owner.new_user(allow("sts:AssumeRole", "*"))
    role = stage.owner.new_role(trust(OWNER, StringEquals={"sts:ExternalId": "right"}))
    return _assume(stage, user, role, ExternalId=given)


@foretold("allowed")
def the_external_id_that_a_role_asks_for(stage: Stage) -> Prediction:
    return _with_external_id(stage, "right")


@foretold("implicitDeny")
def another_external_id(stage: Stage) -> Prediction:
    return _with_external_id(stage, "wrong")


# IAM


def _get_user(stage: Stage, tag: str) -> Prediction:
    asker = stage.owner.new_user(
        allow("iam:GetUser", "*", Condition={"StringEquals": {"iam:ResourceTag/team": "blue"}})
    )
    other, client = stage.owner.new_user(), stage.owner.client("iam", asker)
    stage.owner.iam.tag_user(UserName=other.name, Tags=[{"Key": "team", "Value": tag}])
    context = {"iam:ResourceTag/team": ("string", tag)}
    return Prediction(asker.arn, "iam:GetUser", other.arn, lambda: client.get_user(UserName=other.name), context)


@foretold("allowed")
def a_user_whose_tag_the_policy_asks_for(stage: Stage) -> Prediction:
    return _get_user(stage, "blue")


@foretold("implicitDeny")
def a_user_with_another_tag(stage: Stage) -> Prediction:
    return _get_user(stage, "red")


def _simulated(terminal: Terminal, stage: Stage, asked: Prediction) -> Document:
    account = stage.partner if f"::{PARTNER}:" in asked.source else stage.owner
    terminal.add_profile("admin", account.admin.keys)
    options = ["--resource-arns", asked.resource]
    if asked.context:
        entries = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": kind}
            for key, (kind, value) in asked.context.items()
        ]
        options += ["--context-entries", json.dumps(entries)]
    if asked.resource_policy is not None:
        options += ["--resource-policy", f"file://{terminal.file('policy.json', asked.resource_policy)}"]
    if asked.resource_owner is not None:
        options += ["--resource-owner", asked.resource_owner]
    answer = terminal.must(
        "admin", "iam", "simulate-principal-policy", "--policy-source-arn", asked.source,
        "--action-names", asked.action, *options, "--output", "json",
    )  # fmt: skip
    (found,) = json.loads(answer)["EvaluationResults"]
    return dict(found)


@pytest.mark.parametrize(("title", "decision", "arrange"), PREDICTIONS, ids=[row[0] for row in PREDICTIONS])
def test_the_request_is_answered_as_foretold(
    title: str, decision: str, arrange: Callable[[Stage], Prediction], stage: Stage, terminal: Terminal
) -> None:
    asked = arrange(stage)
    found = _simulated(terminal, stage, asked)
    (specific,) = found["ResourceSpecificResults"]
    assert found["EvalDecision"] == specific["EvalResourceDecision"] == decision
    assert bool(found["MatchedStatements"]) is (decision != "implicitDeny")
    refused = answer_of(asked.request)
    if decision == "allowed":
        assert refused is None
    else:
        assert refused is not None
        assert (refused.code, refused.status) == ("AccessDenied", 403)
        same_account = asked.resource_owner is None and asked.action != "sts:AssumeRole"
        assert not same_account or ("explicit deny" in (refused.text or "")) is (decision == "explicitDeny")


def test_the_cli_goes_through_the_pages_by_itself(stage: Stage, terminal: Terminal) -> None:
    user = stage.owner.new_user(managed=[READ_ONLY])
    terminal.add_profile("owner", stage.owner.admin.keys)
    actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:GetUser", "s3:GetObject"]
    command = ["iam", "simulate-principal-policy", "--policy-source-arn", user.arn, "--action-names", *actions]
    query = ["--query", "EvaluationResults[].[EvalActionName, EvalDecision]", "--output", "json"]
    whole = json.loads(terminal.must("owner", *command, *query))
    assert whole == [
        ["s3:GetObject", "allowed"], ["s3:PutObject", "implicitDeny"], ["s3:ListBucket", "allowed"],
        ["iam:GetUser", "implicitDeny"], ["s3:GetObject", "allowed"],
    ]  # fmt: skip
    assert json.loads(terminal.must("owner", *command, *query, "--page-size", "2")) == whole


def test_boto3_gets_the_members_of_the_model(stage: Stage) -> None:
    iam = stage.owner.iam
    document = (
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n'
        '    {"Effect": "Allow", "Action": "s3:*",\n     "Resource": "*"}\n  ]\n}'
    )
    limit = stage.owner.new_policy(allow("s3:GetObject", "*"))
    user = stage.owner.new_user(boundary=limit)
    iam.put_user_policy(UserName=user.name, PolicyName="inline", PolicyDocument=document)
    resources = ["arn:aws:s3:::b/1", "arn:aws:s3:::b/2"]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=user.arn, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=resources,
        PaginationConfig={"PageSize": 1},
    )  # fmt: skip
    read, written = (one for page in pages for one in page["EvaluationResults"])
    matched = [{
        "SourcePolicyId": f"user_{user.name}_inline", "SourcePolicyType": "IAM Policy",
        "StartPosition": {"Line": 3, "Column": 17}, "EndPosition": {"Line": 5, "Column": 22},
    }]  # fmt: skip
    allowed = {"AllowedByPermissionsBoundary": True}
    assert read == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "arn:aws:s3:::${BucketName}/${KeyName}",
        "EvalDecision": "allowed",
        "MatchedStatements": matched,
        "MissingContextValues": [],
        "PermissionsBoundaryDecisionDetail": allowed,
        "EvalDecisionDetails": {},
        "ResourceSpecificResults": [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": "allowed",
                "MatchedStatements": matched,
                "PermissionsBoundaryDecisionDetail": allowed,
            }
            for resource in resources
        ],
    }
    assert written["EvalDecision"] == "implicitDeny"
    assert written["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    custom = iam.simulate_custom_policy(PolicyInputList=[], ActionNames=["s3:GetObject"])
    assert [one["EvalDecision"] for one in custom["EvaluationResults"]] == ["implicitDeny"]
    excluded = iam.simulate_principal_policy(
        PolicySourceArn=user.arn, ActionNames=["s3:PutObject"],
        PolicyExclusionList=[{"PolicyType": "permission-boundary"}],
    )  # fmt: skip
    assert [one["EvalDecision"] for one in excluded["EvaluationResults"]] == ["allowed"]
    selector = {"PolicyName": "inline", "AttachmentType": "user", "AttachmentName": f"{user.name[:-1]}*"}
    excluded = iam.simulate_principal_policy(
        PolicySourceArn=user.arn, ActionNames=["s3:GetObject"],
        PolicyExclusionList=[{"InlinePolicyIdentifier": selector}],
    )  # fmt: skip
    assert [one["EvalDecision"] for one in excluded["EvaluationResults"]] == ["implicitDeny"]


def test_context_keys_are_listed_for_the_cli(stage: Stage, terminal: Terminal) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys)
    # The example of the AWS CLI's reference of get-context-keys-for-custom-policy.
    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:'
        'us-west-2:123456789012:table/${aws:username}","Condition":{"DateGreaterThan":{"aws:CurrentTime":'
        '"2015-08-16T12:00:00Z"}}}}'
    )
    output = ["--query", "ContextKeyNames", "--output", "json"]
    listed = terminal.must("owner", "iam", "get-context-keys-for-custom-policy", "--policy-input-list", text, *output)
    assert json.loads(listed) == ["aws:username", "aws:CurrentTime"]
    user = stage.owner.new_user(json.loads(text))
    listed = terminal.must(
        "owner", "iam", "get-context-keys-for-principal-policy", "--policy-source-arn", user.arn, *output
    )
    assert json.loads(listed) == ["aws:username", "aws:CurrentTime"]
    mistaken = terminal.aws("owner", "iam", "get-context-keys-for-custom-policy", "--policy-input-list", "{}")
    assert "(InvalidInput) when calling the GetContextKeysForCustomPolicy operation" in mistaken.output


@pytest.mark.parametrize(
    ("members", "constraint"),
    [
        ({"MaxItems": 1001}, "'maxItems' failed to satisfy constraint: Member must have value less than or equal"),
        ({"MaxItems": 0}, "'maxItems' failed to satisfy constraint: Member must have value greater than or equal"),
        ({"ActionNames": ["s3"]}, "'actionNames.1.member' failed to satisfy constraint: Member must have length"),
        ({"PolicyInputList": ["€"]}, "'policyInputList.1.member' failed to satisfy constraint: Member must satisfy"),
        (
            {"ContextEntries": [{"ContextKeyName": "a:key", "ContextKeyType": "any", "ContextKeyValues": ["a"]}]},
            "'contextEntries.1.member.contextKeyType' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        ({"ActionNames": None}, "'actionNames' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_what_the_model_forbids_is_a_validation_error(members: Document, constraint: str, stage: Stage) -> None:
    lenient = stage.owner.client("iam", stage.owner.admin, parameter_validation=False)
    given: Document = {"ActionNames": ["s3:GetObject"], "PolicyInputList": [], **members}
    refused = answer_of(lambda: lenient.simulate_custom_policy(**{k: v for k, v in given.items() if v is not None}))
    assert refused is not None
    assert (refused.code, refused.status) == ("ValidationError", 400)
    assert constraint in (refused.text or "")
