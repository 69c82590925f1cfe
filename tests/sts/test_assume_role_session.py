"""AssumeRole: what goes into the session. Session policies, session tags, the source identity."""

from __future__ import annotations

import json
from typing import Any

import pytest
from assuming import TAGGABLE, assume, denied, pair, refused

from builders import ANALYTICS, PRODUCTION, World, allow, story, trusts

# Session policies


@story
async def test_session_policies_go_into_the_session_and_tell_their_size(world: World) -> None:
    alice, _ = await pair(world)
    own = await world.managed_policy(PRODUCTION, "own", allow("s3:GetObject"))
    text = json.dumps(allow("s3:ListBucket"))
    arns = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"arn": own}]
    output = await assume(world, alice, Policy=text, PolicyArns=arns)
    session = world.session(output)
    assert session.limited
    assert session.session_policy == text
    assert session.session_policy_arns == ("arn:aws:iam::aws:policy/ReadOnlyAccess", own)
    assert 0 < output["PackedPolicySize"] < 100


@story
async def test_a_session_policy_limits_what_the_session_may_assume(world: World) -> None:
    alice, _ = await pair(world)
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS))
    free = await assume(world, alice, hop.arn)
    limited = await assume(world, alice, hop.arn, Policy=json.dumps(allow("s3:*")))
    assert await assume(world, free)
    assert await refused(world, limited) == denied(f"arn:aws:sts::{ANALYTICS}:assumed-role/hop/alice")


@story
async def test_session_policies_that_are_wrong_are_refused(world: World) -> None:
    alice, _ = await pair(world)
    foreign = await world.managed_policy(ANALYTICS, "foreign", allow("s3:*"))
    gone = "arn:aws:iam::aws:policy/NoSuchPolicy"
    assert (await refused(world, alice, Policy="{"))[0] == "MalformedPolicyDocument"
    code, message = await refused(world, alice, Policy=" " * 2049)
    assert code == "ValidationError"
    assert message.endswith("Member must have length less than or equal to 2048")
    assert (await refused(world, alice, Policy="{\u4e2d}"))[0] == "ValidationError"
    for arn in (foreign, gone):
        expected = "ValidationError", f"Policy {arn} does not exist or is not attachable."
        assert await refused(world, alice, PolicyArns=[{"arn": arn}]) == expected
    many = [{"arn": f"arn:aws:iam::aws:policy/{number}"} for number in range(11)]
    assert (await refused(world, alice, PolicyArns=many))[0] == "ValidationError"


@story
async def test_policies_and_tags_that_do_not_fit_are_refused_with_their_size(world: World) -> None:
    alice, _ = await pair(world, **TAGGABLE)
    tags = [{"Key": f"key-{number}", "Value": world.entropy(120).hex()} for number in range(25)]
    code, message = await refused(world, alice, Tags=tags)
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed size of session tags consumes 1")
    assert message.endswith("% of allotted space.")
    code, message = await refused(world, alice, Tags=tags, Policy=json.dumps(allow("s3:*")))
    assert message.startswith("Packed policy consumes 1")
    assert message.endswith("% of allotted space, please use smaller policy.")
    output = await assume(world, alice, Tags=tags[:10])
    assert 0 < output["PackedPolicySize"] <= 100
    assert output["SessionTokenSize"] <= 4096


# Session tags


@story
async def test_session_tags_need_tag_session_on_both_sides(world: World) -> None:
    tags = [{"Key": "Team", "Value": "data"}]
    alice, _ = await pair(world, **TAGGABLE)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole"))
    plain = await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    output = await assume(world, alice, Tags=tags)
    assert world.session(output).tags == {"Team": "data"}
    assert world.session(output).transitive_tag_keys == ()
    assert await refused(world, bob, Tags=tags) == denied(bob.arn, "sts:TagSession")
    assert await refused(world, alice, plain.arn, Tags=tags) == denied(alice.arn, "sts:TagSession", plain.arn)


@story
async def test_trust_policies_can_prescribe_the_tags(world: World) -> None:
    asked = {
        "StringEquals": {"aws:RequestTag/team": "data"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]},
    }
    alice, _ = await pair(world, trust=trusts(ANALYTICS, ["sts:AssumeRole", "sts:TagSession"], Condition=asked))
    assert await assume(world, alice, Tags=[{"Key": "Team", "Value": "data"}])
    assert await refused(world, alice, Tags=[{"Key": "Team", "Value": "sales"}]) == denied(alice.arn)
    both = [{"Key": "Team", "Value": "data"}, {"Key": "Cost", "Value": "1"}]
    assert await refused(world, alice, Tags=both) == denied(alice.arn)
    assert await refused(world, alice) == denied(alice.arn)


@story
async def test_the_roles_tags_are_the_resources_tags(world: World) -> None:
    await pair(world, tags={"Team": "data"})
    same = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "data"}}}
    other = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "sales"}}}
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole", **same))
    carol = await world.user(ANALYTICS, "carol", allow("sts:AssumeRole", **other))
    assert await assume(world, bob)
    assert await refused(world, carol) == denied(carol.arn)


@story
async def test_transitive_tags_go_on_along_the_chain_and_cannot_be_given_again(world: World) -> None:
    alice, _ = await pair(world)
    actions = ["sts:AssumeRole", "sts:TagSession"]
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS, actions))
    end = await world.role(PRODUCTION, "end", trust=trusts(hop.arn, actions))
    untaggable = await world.role(PRODUCTION, "untaggable", trust=trusts(hop.arn))
    tags = [{"Key": "Team", "Value": "data"}, {"Key": "Cost", "Value": "1"}]
    first = await assume(world, alice, hop.arn, Tags=tags, TransitiveTagKeys=["team"])
    second = await assume(world, first, end.arn, Tags=[{"Key": "Stage", "Value": "2"}])
    assert world.session(second).tags == {"Team": "data", "Stage": "2"}
    assert world.session(second).transitive_tag_keys == ("Team",)
    assert await refused(world, first, end.arn, Tags=[{"Key": "TEAM", "Value": "sales"}]) == (
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key"
        " from the calling session.",
    )
    hop_session = f"arn:aws:sts::{ANALYTICS}:assumed-role/hop/alice"
    expected = denied(hop_session, "sts:TagSession", untaggable.arn)
    assert await refused(world, first, untaggable.arn) == expected
    assert await assume(world, await assume(world, alice, hop.arn), untaggable.arn)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"Tags": [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]},
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            {"Tags": [{"Key": "AWS:team", "Value": "a"}]},
            "Tag keys that begin with 'aws:' are reserved for AWS; choose another key.",
        ),
        (
            {"Tags": [{"Key": "team", "Value": "a*"}]},
            "Tag keys and values can contain only letters, digits, spaces and _.:/=+-@",
        ),
        (
            {"Tags": [{"Key": "team", "Value": "a"}], "TransitiveTagKeys": ["cost"]},
            "The specified transitive tag key must be included in the requested tags.",
        ),
    ],
)
def test_tags_that_are_wrong_are_refused(members: dict[str, Any], message: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        alice, _ = await pair(world, **TAGGABLE)
        assert await refused(world, alice, **members) == ("InvalidParameterValue", message)

    tell(tmp_path)


# Source identity


@story
async def test_a_source_identity_needs_permission_on_both_sides(world: World) -> None:
    alice, _ = await pair(world, **TAGGABLE)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole"))
    plain = await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    output = await assume(world, alice, SourceIdentity="alice")
    assert output["SourceIdentity"] == "alice"
    assert await refused(world, bob, SourceIdentity="bob") == denied(bob.arn, "sts:SetSourceIdentity")
    expected = denied(alice.arn, "sts:SetSourceIdentity", plain.arn)
    assert await refused(world, alice, plain.arn, SourceIdentity="alice") == expected


@story
async def test_a_source_identity_stays_along_the_chain(world: World) -> None:
    alice, _ = await pair(world)
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS, actions))
    end = await world.role(
        PRODUCTION,
        "end",
        trust=trusts(hop.arn, actions, Condition={"StringEquals": {"sts:SourceIdentity": "alice"}}),
    )
    closed = await world.role(PRODUCTION, "closed", trust=trusts(hop.arn))
    first = await assume(world, alice, hop.arn, SourceIdentity="alice")
    assert (await assume(world, first, end.arn))["SourceIdentity"] == "alice"
    assert await assume(world, first, end.arn, SourceIdentity="alice")
    code, message = await refused(world, first, end.arn, SourceIdentity="bob")
    assert code == "AccessDenied"
    assert message.startswith("The source identity of the calling session cannot be changed")
    without = await assume(world, alice, hop.arn)
    assert (await refused(world, without, end.arn))[0] == "AccessDenied"
    assert (await refused(world, first, closed.arn))[0] == "AccessDenied", "an inherited one needs permission too"
    assert await assume(world, without, closed.arn)
