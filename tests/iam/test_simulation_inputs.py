"""What the policy simulator is given: context entries, exclusions, pages, permissions, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, World, allow, deny, story, trusts
from simulations import ALL, COMPACT, READ_ONLY, A, B, arn, bucket, custom, levels, principal

ROOT = PRODUCTION


# Context entries


# Type, values; a condition that they meet, one that they do not.
TYPES = [
    ("string", ["a b"], {"StringEquals": {"a:key": "a b"}}, {"StringEquals": {"a:key": "a"}}),
    ("stringList", ["a", "b"], {"ForAllValues:StringEquals": {"a:key": ["a", "b"]}},
     {"ForAllValues:StringEquals": {"a:key": "a"}}),
    ("stringList", ["a"], {"ForAnyValue:StringLike": {"a:key": "?"}}, {"ForAnyValue:StringLike": {"a:key": "?*?"}}),
    ("numeric", ["10.0"], {"NumericEquals": {"a:key": 10}}, {"NumericLessThan": {"a:key": 10}}),
    ("numericList", ["1", "1e2"], {"ForAnyValue:NumericGreaterThan": {"a:key": "99"}},
     {"ForAllValues:NumericGreaterThan": {"a:key": "99"}}),
    ("boolean", ["TRUE"], {"Bool": {"a:key": True}}, {"Bool": {"a:key": "false"}}),
    ("booleanList", ["true", "false"], {"ForAnyValue:Bool": {"a:key": "false"}},
     {"ForAllValues:Bool": {"a:key": "false"}}),
    ("ip", ["203.0.113.7"], {"IpAddress": {"a:key": "203.0.113.0/24"}}, {"NotIpAddress": {"a:key": "203.0.113.0/24"}}),
    ("ipList", ["2001:db8::1", "10.0.0.1"], {"ForAnyValue:IpAddress": {"a:key": "2001:db8::/32"}},
     {"ForAllValues:IpAddress": {"a:key": "2001:db8::/32"}}),
    ("binary", ["eWVz"], {"BinaryEquals": {"a:key": "eWVz"}}, {"BinaryEquals": {"a:key": "bm8="}}),
    ("binaryList", ["eWVz", "bm8="], {"ForAnyValue:BinaryEquals": {"a:key": "bm8="}},
     {"ForAllValues:BinaryEquals": {"a:key": "bm8="}}),
    ("date", ["2026-01-31T12:00:00+02:00"], {"DateEquals": {"a:key": "2026-01-31T10:00:00Z"}},
     {"DateLessThan": {"a:key": "2026-01-31T10:00:00Z"}}),
    ("date", ["2026-02"], {"DateEquals": {"a:key": "2026-02-01"}}, {"DateNotEquals": {"a:key": "2026-02-01"}}),
    ("dateList", ["2026", "1800000000"], {"ForAnyValue:DateEquals": {"a:key": "2027-01-15T08:00:00Z"}},
     {"ForAllValues:DateEquals": {"a:key": "2027-01-15T08:00:00Z"}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "meets", "misses"), TYPES)
def test_a_value_of_each_type_reaches_the_conditions_as_what_it_is(
    tmp_path: Any, kind: str, values: list[str], meets: dict[str, Any], misses: dict[str, Any]
) -> None:
    @story
    async def tell(world: World) -> None:
        entry = {"ContextKeyName": "A:Key", "ContextKeyValues": values, "ContextKeyType": kind}
        for condition, decision in ((meets, "allowed"), (misses, "implicitDeny")):
            guarded = json.dumps(allow("s3:*", Condition=condition))
            assert (await custom(world, guarded, ContextEntries=[entry]))["EvalDecision"] == decision

    tell(tmp_path)


# Exclusions


@story
async def test_excluded_policies_have_no_say(world: World) -> None:
    limit = await world.managed_policy(PRODUCTION, "limit", deny("s3:*"))
    mine = await world.managed_policy(PRODUCTION, "mine-1", deny("s3:*"))
    user = await world.user(PRODUCTION, "alice", deny("s3:*"), boundary=limit)
    group = await world.group(PRODUCTION, "team", deny("s3:*"), members=[user])
    await world.attach(PRODUCTION, user.id, mine)
    await world.attach(PRODUCTION, user.id, limit, 1)
    await world.attach(PRODUCTION, group, "arn:aws:iam::aws:policy/AWSDenyAll")
    everything = ["AWSDenyAll", "group_team_inline-0", "limit", "mine-1", "user_alice_inline-0"]
    inline = {"PolicyName": "inline-0", "AttachmentType": "user", "AttachmentName": "alice"}

    async def remaining(*identifiers: dict[str, Any]) -> list[str]:
        found = await principal(world, user.arn, PolicyInputList=[ALL], PolicyExclusionList=list(identifiers))
        told = found["MatchedStatements"]
        boundary = ["boundary"] if any(one["SourcePolicyType"].startswith("Perm") for one in told) else []
        return sorted({one["SourcePolicyId"] for one in told if one["SourcePolicyType"] == "IAM Policy"}) + boundary

    assert await remaining() == [*everything, "boundary"]
    for identifier, gone in (
        ({"PolicyType": "inline"}, {"group_team_inline-0", "user_alice_inline-0"}),
        ({"PolicyType": "aws-managed"}, {"AWSDenyAll"}),
        ({"PolicyType": "user-managed"}, {"limit", "mine-1"}),
        ({"PolicyType": "permission-boundary"}, {"boundary"}),
        ({"PolicyType": "rcp"}, set()),
        ({"PolicyArn": mine}, {"mine-1"}),
        ({"PolicyArn": mine.replace("mine-1", "m*-?")}, {"mine-1"}),
        ({"PolicyArn": limit}, {"limit"}),  # not as the boundary
        ({"PolicyArn": mine.replace("mine", "other")}, set()),
        ({"InlinePolicyIdentifier": inline}, {"user_alice_inline-0"}),
        ({"InlinePolicyIdentifier": inline | {"AttachmentType": "group", "AttachmentName": "te*"}},
         {"group_team_inline-0"}),
        ({"InlinePolicyIdentifier": inline | {"AttachmentName": "bob"}}, set()),
    ):  # fmt: skip
        assert await remaining(identifier) == [one for one in [*everything, "boundary"] if one not in gone]
    all_gone = [{"PolicyType": kind} for kind in ("inline", "aws-managed", "user-managed", "permission-boundary")]
    assert await remaining(*all_gone) == ["PolicyInputList.1"]


# Pages


@story
async def test_pages_are_of_actions_each_with_all_its_resources(world: World) -> None:
    actions = ["s3:GetObject", "s3:PutObject", "s3:GetObject", "iam:GetUser", "s3:ListBucket"]
    asked: dict[str, Any] = {"ActionNames": actions, "PolicyInputList": [COMPACT], "ResourceArns": [A, B]}
    shown: list[str] = []
    marker: dict[str, str] = {}
    for size in (2, 2, 1):
        page = await world.call(ROOT, "iam", "SimulateCustomPolicy", **asked, MaxItems=2, **marker)
        assert len(page["EvaluationResults"]) == size
        assert all(len(one["ResourceSpecificResults"]) == 2 for one in page["EvaluationResults"])
        shown += [one["EvalActionName"] for one in page["EvaluationResults"]]
        marker = {"Marker": page["Marker"]} if page["IsTruncated"] else {}
    assert (shown, marker) == (actions, {})
    whole = await world.call(ROOT, "iam", "SimulateCustomPolicy", **asked)
    assert [one["EvalDecision"] for one in whole["EvaluationResults"]] == [
        "allowed", "implicitDeny", "allowed", "implicitDeny", "implicitDeny",
    ]  # fmt: skip
    assert "Marker" not in whole


@story
async def test_a_page_has_at_most_a_hundred_actions_and_a_thousand_decisions(world: World) -> None:
    asked: dict[str, Any] = {"ActionNames": ["s3:GetObject"] * 250, "PolicyInputList": [COMPACT]}
    page = await world.call(ROOT, "iam", "SimulateCustomPolicy", **asked)
    assert (len(page["EvaluationResults"]), page["IsTruncated"]) == (100, True)
    page = await world.call(ROOT, "iam", "SimulateCustomPolicy", **asked, ResourceArns=[A] * 300)
    assert (len(page["EvaluationResults"]), page["IsTruncated"]) == (3, True)
    page = await world.call(ROOT, "iam", "SimulateCustomPolicy", **asked, ResourceArns=[A] * 1000)
    assert (len(page["EvaluationResults"]), page["IsTruncated"]) == (1, True)


# The context keys of policies


@story
async def test_context_keys_are_those_of_all_policies_of_a_principal(world: World) -> None:
    def asks(key: str) -> dict[str, Any]:
        return allow("s3:*", Condition={"Null": {key: "false"}})

    limit = await world.managed_policy(PRODUCTION, "limit", asks("a:boundary"))
    user = await world.user(PRODUCTION, "alice", asks("a:user"), asks("A:USER"), boundary=limit)
    await world.group(PRODUCTION, "team", asks("a:group"), members=[user])
    await world.role(PRODUCTION, "job", asks("a:role"), trust=trusts(PRODUCTION))
    mine = json.dumps(allow("dynamodb:*", "arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}"))

    async def keys(source: str, *texts: str) -> list[str]:
        asked = {"PolicySourceArn": source, "PolicyInputList": list(texts)}
        found = await world.call(ROOT, "iam", "GetContextKeysForPrincipalPolicy", **asked)
        return list(found["ContextKeyNames"])

    assert await keys(user.arn) == ["a:user", "a:group", "a:boundary"]
    assert await keys(user.arn, mine) == ["a:user", "a:group", "a:boundary", "aws:username"]
    assert await keys(arn("group", "team")) == ["a:group"]
    assert await keys(arn("role", "job")) == ["a:role"]
    found = await world.call(ROOT, "iam", "GetContextKeysForCustomPolicy", PolicyInputList=[mine, COMPACT])
    assert found == {"ContextKeyNames": ["aws:username"]}


# Who may ask


@story
async def test_simulating_needs_permission_on_the_principal_and_stays_in_the_account(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", path="/team/", tags={"team": "blue"})
    bob = await world.user(PRODUCTION, "bob")
    for name, more in (
        ("SimulatePrincipalPolicy", {"ActionNames": ["s3:GetObject"]}),
        ("GetContextKeysForPrincipalPolicy", {}),
    ):
        asker = await world.user(PRODUCTION, f"a-{name}"[:60], allow(f"iam:{name}", alice.arn))
        assert await world.call(asker, "iam", name, PolicySourceArn=alice.arn, **more)
        error = await world.refused(asker, "iam", name, PolicySourceArn=bob.arn, **more)
        reason = f"because no identity-based policy allows the iam:{name} action"
        assert error.code == "AccessDenied"
        assert error.message.endswith(f"to perform: iam:{name} on resource: {bob.arn} {reason}")
        tagged = allow(f"iam:{name}", Condition={"StringEquals": {"iam:ResourceTag/team": "blue"}})
        asker = await world.user(PRODUCTION, f"t-{name}"[:60], tagged)
        assert await world.call(asker, "iam", name, PolicySourceArn=alice.arn, **more)
        assert (await world.refused(asker, "iam", name, PolicySourceArn=bob.arn, **more)).code == "AccessDenied"
        # Not even root learns about another account, nor whether somebody is there.
        foreign = await world.user(ANALYTICS, f"f-{name}"[:60], allow("s3:*"))
        for source in (foreign.arn, arn("user", "ghost", ANALYTICS), arn("role", "ghost", ANALYTICS)):
            assert (await world.refused(ROOT, "iam", name, PolicySourceArn=source, **more)).code == "AccessDenied"
    for name, more in (
        ("SimulateCustomPolicy", {"ActionNames": ["s3:GetObject"], "PolicyInputList": [COMPACT]}),
        ("GetContextKeysForCustomPolicy", {"PolicyInputList": [COMPACT]}),
    ):
        asker = await world.user(PRODUCTION, f"c-{name}"[:60], allow(f"iam:{name}"))
        assert await world.call(asker, "iam", name, **more)
        assert (await world.refused(bob, "iam", name, **more)).code == "AccessDenied"


# Refusals


ONE = {"ActionNames": ["s3:GetObject"]}
PRINCIPAL_REFUSALS = [
    ({"PolicySourceArn": arn("user", "ghost")}, "NoSuchEntity", "The user with name ghost cannot be found."),
    ({"PolicySourceArn": arn("group", "ghost")}, "NoSuchEntity", "The group with name ghost cannot be found."),
    ({"PolicySourceArn": arn("role", "x/ghost")}, "NoSuchEntity", "The role with name ghost cannot be found."),
    ({"PolicySourceArn": f"arn:aws:iam::{PRODUCTION}:root"}, "InvalidInput",
     f"Invalid Entity Arn: arn:aws:iam::{PRODUCTION}:root does not clearly define entity type and name."),
    ({"PolicySourceArn": f"arn:aws:sts::{PRODUCTION}:assumed-role/job/s"}, "InvalidInput", None),
    ({"PolicySourceArn": arn("policy", "mine")}, "InvalidInput", None),
    ({"PolicySourceArn": "not an ARN, but long enough"}, "InvalidInput", None),
    ({"PolicyExclusionList": [{}]}, "InvalidInput", None),
    ({"PolicyExclusionList": [{"PolicyType": "inline", "PolicyArn": READ_ONLY}]}, "InvalidInput", None),
    ({"PolicyExclusionList": [{"PolicyArn": READ_ONLY.replace("Amazon", "*").replace("Access", "*")}]},
     "InvalidInput", None),
    ({"PolicyExclusionList": [{"PolicyArn": "arn:aws:iam::*:policy/AmazonS3"}]}, "InvalidInput", None),
    ({"PolicyExclusionList": [{"PolicyArn": "arn:aws:s3:::policy/AmazonS3"}]}, "InvalidInput", None),
    ({"CallerArn": f"arn:aws:iam::{PRODUCTION}:root"}, "InvalidInput",
     "Invalid caller - Caller must be an IAM user, role or group in this context."),
    ({"CallerArn": f"arn:aws:sts::{PRODUCTION}:assumed-role/job/s"}, "InvalidInput", None),
    ({"PolicyInputList": [COMPACT, "{"]}, "InvalidInput",
     "Policy input list item 2 has invalid content: This policy contains invalid Json (line 1, column 2)"),
    ({"PolicyInputList": [COMPACT.replace('"*"', '"reports"')]}, "InvalidInput",
     'Policy input list item 1 has invalid content: Resource reports must be in ARN format or "*". '
     "(line 1, column 91)"),
    ({"PermissionsBoundaryPolicyInputList": [ALL, ALL]}, "InvalidInput",
     "The list of Permissions Boundary policies cannot exceed 1 items."),
    ({"PermissionsBoundaryPolicyInputList": ["[]"]}, "InvalidInput", None),
    ({"ResourceOwner": "1234"}, "InvalidInput",
     "'1234' is not a valid as a Resource Owner. Use an account's ARN: arn:aws:iam::123456789012:root."),
    ({"ResourceArns": ["reports"]}, "InvalidInput", "ResourceNames are not in a valid ARN format: reports."),
    ({"ResourceArns": [A, "*"]}, "InvalidInput", "ResourceNames are not in a valid ARN format: *."),
    ({"ResourceArns": [A] * 1001}, "InvalidInput", "The list of ResourceArns cannot exceed 1000 items."),
    ({"ResourcePolicy": bucket("*")}, "InvalidInput",
     "Invalid Entity Arn: * does not clearly define entity type and name. A ResourcePolicy needs ResourceArns."),
    ({"ResourcePolicy": bucket("*"), "ResourceArns": ["arn:aws:s3:::other/a"]}, "InvalidInput", None),
    ({"ResourcePolicy": ALL, "ResourceArns": [A]}, "InvalidInput", None),
    ({"ResourcePolicy": ALL, "ResourceArns": ["arn:aws:sqs:us-east-1:111122223333:queue"]}, "InvalidInput",
     "Resource policy has invalid content: Missing required field Principal (line 1, column 41)"),
    ({"ResourcePolicy": bucket("*"), "ResourceArns": [arn("role", "job")]}, "InvalidInput", None),
    ({"ActionNames": ["GetObject"]}, "InvalidInput", None),
    ({"ActionNames": ["s3:"]}, "InvalidInput", None),
    ({"Marker": "not a marker"}, "InvalidInput", "Invalid marker for pagination."),
    ({"Marker": "Zm9v"}, "InvalidInput", "Invalid marker for pagination."),
    ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "InvalidInput", None),
    ({"ResourceHandlingOption": "none"}, "InvalidInput", None),
    ({"ResourceHandlingOption": "EC2-VPC-EBS", "ActionNames": ["ec2:RunInstances"],
      "ResourceArns": ["arn:aws:ec2:us-east-1:111122223333:instance/i-1"]}, "InvalidInput",
     "Invalid input resource handling options. EC2-VPC-EBS needs resources of the types image, security-group, "
     "network-interface, volume too."),
]  # fmt: skip


@pytest.mark.parametrize(("members", "code", "message"), PRINCIPAL_REFUSALS)
def test_what_cannot_be_simulated_is_refused(
    tmp_path: Any, members: dict[str, Any], code: str, message: str | None
) -> None:
    @story
    async def tell(world: World) -> None:
        await world.user(PRODUCTION, "alice")
        good: dict[str, Any] = {**ONE, "PolicySourceArn": arn("user", "alice")}
        error = await world.refused(ROOT, "iam", "SimulatePrincipalPolicy", **(good | members))
        assert (error.code, error.status) == (code, 404 if code == "NoSuchEntity" else 400)
        assert message is None or error.message == message
        assert await world.call(ROOT, "iam", "SimulatePrincipalPolicy", **good)

    tell(tmp_path)


def entry(*values: str, kind: str | None = "string", name: str = "a:key") -> dict[str, Any]:
    given: dict[str, Any] = {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": kind}
    return {member: value for member, value in given.items() if value not in (None, "", [])}


CUSTOM_REFUSALS = [
    ({"ResourcePolicy": bucket("*"), "ResourceArns": [A]}, "Invalid caller - Caller cannot be null or empty."),
    ({"OrderedOrganizationPolicyInputList": [{}]},
     "Organization policy at index 1 must contain at least one service control policy"),
    ({"OrderedOrganizationPolicyInputList": [*levels(allow("*")), {"ServiceControlPolicyInputList": ["{"]}]},
     "Organization policy at index 2 has invalid content: This policy contains invalid Json (line 1, column 2)"),
    ({"ContextEntries": [entry("a", name="")]}, "ContextKeyName cannot be null or empty."),
    ({"ContextEntries": [entry()]}, "Context values for context key a:key cannot be null or empty."),
    ({"ContextEntries": [entry("a", kind=None)]}, "Context key a:key has invalid type null."),
    ({"ContextEntries": [entry("a"), entry("b", name="A:KEY")]}, "Duplicate context key: A:KEY."),
    ({"ContextEntries": [entry("a", "b")]}, "Context key a:key expected a single value, but received 2."),
    *(({"ContextEntries": [entry(value, kind=kind)]}, f"Invalid context value for key a:key: expected {form}.")
      for kind, form, values in (
        ("numeric", "numeric format", ("0x10", " 1 ", "Infinity", "nan", "1_0", "ten")),
        ("numericList", "numeric format", ("1,5",)),
        ("date", "DateTime format", ("tomorrow", "2026-13-01")),
        ("ip", "IP address", ("999.0.0.1", "192.0.2.0/24", "fe80::1%eth0")),
        ("binary", "base-64 encoded binary format", ("!base64", "YQ", "YR==", "eWVz\n")),
        ("boolean", "true or false", ("yes", "1")),
      ) for value in values),
]  # fmt: skip


@pytest.mark.parametrize(("members", "message"), CUSTOM_REFUSALS)
def test_what_a_custom_simulation_cannot_read_is_refused(tmp_path: Any, members: dict[str, Any], message: str) -> None:
    @story
    async def tell(world: World) -> None:
        good: dict[str, Any] = {**ONE, "PolicyInputList": [COMPACT]}
        error = await world.refused(ROOT, "iam", "SimulateCustomPolicy", **(good | members))
        assert (error.code, error.message) == ("InvalidInput", message)
        assert await world.call(ROOT, "iam", "SimulateCustomPolicy", **good)

    tell(tmp_path)


@story
async def test_a_scenario_of_ec2_has_all_its_resources(world: World) -> None:
    place = "arn:aws:ec2:us-east-1:111122223333:"
    resources = [f"{place}{kind}/x" for kind in ("instance", "image", "security-group", "network-interface", "volume")]
    asked = {"ActionNames": ["ec2:RunInstances"], "ResourceHandlingOption": "EC2-VPC-EBS"}
    found = await custom(world, json.dumps(allow("ec2:*")), **asked, ResourceArns=resources)
    assert (found["EvalDecision"], len(found["ResourceSpecificResults"])) == ("allowed", 5)
    assert (await custom(world, json.dumps(allow("s3:*")), **asked))["EvalDecision"] == "implicitDeny"
