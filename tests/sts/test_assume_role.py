"""AssumeRole: who may, who may not, and what the session is. Next to each allow stands its deny."""

from __future__ import annotations

import json
from typing import Any

import pytest

import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, deny, policy, statement, story, trusts
from isthmus.identity import Role, User

ROLE = f"arn:aws:iam::{PRODUCTION}:role/reader"
MFA_REQUIRED = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


async def _assume(world: World, who: Any, arn: str = ROLE, **more: Any) -> dict[str, Any]:
    return await world.call(who, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="alice", **more)


async def _refused(world: World, who: Any, arn: str = ROLE, **more: Any) -> tuple[str, str]:
    error = await world.refused(who, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="alice", **more)
    return error.code, error.message


def _denied(who: str, action: str = "sts:AssumeRole", arn: str = ROLE, reason: str = "") -> tuple[str, str]:
    return "AccessDenied", f"User: {who} is not authorized to perform: {action} on resource: {arn}{reason}"


async def _pair(world: World, **role: Any) -> tuple[User, Role]:
    """Alice of Analytics, who may assume everything, and a role of Production that trusts her account."""
    alice = await world.user(ANALYTICS, "alice", allow("sts:*"))
    reader = await world.role(
        PRODUCTION,
        "reader",
        allow("s3:GetObject"),
        **{"trust": trusts(ANALYTICS, ["sts:AssumeRole"]), **role},
    )
    return alice, reader


TAGGABLE = {"trust": trusts(ANALYTICS, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])}


@story
async def test_a_user_of_another_account_assumes_a_role_that_trusts_it(world: World) -> None:
    alice, reader = await _pair(world)
    output = await _assume(world, alice)
    arn = f"arn:aws:sts::{PRODUCTION}:assumed-role/reader/alice"
    assert output["AssumedRoleUser"] == {"AssumedRoleId": f"{reader.id}:alice", "Arn": arn}
    assert output["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert output["Credentials"]["Expiration"].timestamp() == START + 3600
    assert output["SessionTokenSize"] == len(output["Credentials"]["SessionToken"])
    assert "PackedPolicySize" not in output
    assert "SourceIdentity" not in output
    assert (await world.call(output, "sts", "GetCallerIdentity"))["Arn"] == arn
    session = world.session(output)
    assert (session.mfa_at, session.limited, session.chained) == (None, False, False)


@story
async def test_without_permission_of_its_own_account_it_does_not(world: World) -> None:
    await _pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("s3:*"))
    assert await _refused(world, bob) == _denied(bob.arn)


@story
async def test_permission_through_a_group_counts(world: World) -> None:
    await _pair(world)
    carol = await world.user(ANALYTICS, "carol")
    assert await _refused(world, carol) == _denied(carol.arn)
    await world.group(ANALYTICS, "analysts", allow("sts:AssumeRole", ROLE), members=[carol])
    assert await _assume(world, carol)


@story
async def test_permission_for_another_role_does_not_count(world: World) -> None:
    await _pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole", ROLE + "-2"))
    assert await _refused(world, bob) == _denied(bob.arn)


@story
async def test_an_account_that_is_not_trusted_is_refused(world: World) -> None:
    alice, _ = await _pair(world, trust=trusts("999999999999"))
    assert await _refused(world, alice) == _denied(alice.arn)


@story
async def test_a_role_that_trusts_one_user_refuses_the_others_of_its_account(world: World) -> None:
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    alice, _ = await _pair(world, trust=trusts(bob.arn))
    assert await _assume(world, bob)
    assert await _refused(world, alice) == _denied(alice.arn)


@story
async def test_a_user_made_anew_under_the_trusted_name_is_refused(world: World) -> None:
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    await _pair(world, trust=trusts(bob.arn))
    await world.sql("DELETE FROM users WHERE id = ?", bob.id)
    again = await world.user(ANALYTICS, "bob", allow("sts:*"))
    assert await _refused(world, again) == _denied(bob.arn)


@story
async def test_an_explicit_deny_of_its_own_account_wins(world: World) -> None:
    await _pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"), deny("sts:AssumeRole", ROLE))
    code, message = await _refused(world, bob)
    assert code == "AccessDenied"
    assert message.startswith(_denied(bob.arn)[1])


@story
async def test_a_boundary_limits_whom_it_may_become(world: World) -> None:
    await _pair(world)
    limit = await world.managed_policy(ANALYTICS, "limit", allow("s3:*"))
    wide = await world.managed_policy(ANALYTICS, "wide", allow("sts:*"))
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"), boundary=limit)
    carol = await world.user(ANALYTICS, "carol", allow("sts:*"), boundary=wide)
    assert await _refused(world, bob) == _denied(bob.arn)
    assert await _assume(world, carol)


@story
async def test_in_one_account_a_role_that_names_the_user_needs_no_identity_policy(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob")
    carol = await world.user(PRODUCTION, "carol")
    await _pair(world, trust=trusts(bob.arn))
    assert await _assume(world, bob)
    reason = " because no role trust policy allows the sts:AssumeRole action"
    code, message = await _refused(world, carol)
    assert (code, message[: len(_denied(carol.arn)[1])]) == _denied(carol.arn)
    assert " because no " in message
    admin = await world.user(PRODUCTION, "admin", allow("*"))
    assert await _refused(world, admin) == _denied(admin.arn, reason=reason)


@story
async def test_in_one_account_a_role_that_trusts_the_account_needs_an_identity_policy(world: World) -> None:
    await _pair(world, trust=trusts(PRODUCTION))
    bob = await world.user(PRODUCTION, "bob", allow("sts:AssumeRole"))
    carol = await world.user(PRODUCTION, "carol")
    assert await _assume(world, bob)
    reason = " because no identity-based policy allows the sts:AssumeRole action"
    assert await _refused(world, carol) == _denied(carol.arn, reason=reason)


@story
async def test_a_role_does_not_trust_itself_by_itself(world: World) -> None:
    alice, reader = await _pair(world)
    session = await _assume(world, alice)
    await world.sql("UPDATE inline_policies SET document = ?", json.dumps(allow("*")))
    code, _ = await _refused(world, session)
    assert code == "AccessDenied"
    own = trusts({"AWS": [ANALYTICS, reader.arn]})
    ids = json.dumps({reader.arn: reader.id})
    await world.sql("UPDATE roles SET trust_policy = ?, trust_principal_ids = ?", json.dumps(own), ids)
    assert await _assume(world, session)


@story
async def test_an_unknown_role_is_refused_like_one_that_does_not_trust(world: World) -> None:
    alice, _ = await _pair(world)
    admin = await world.user(PRODUCTION, "admin", allow("*"))
    await world.role(PRODUCTION, "closed", trust=trusts("999999999999"))
    await world.role(PRODUCTION, "deep", trust=trusts(ANALYTICS), path="/team/")
    for who in (alice, admin):
        closed = await _refused(world, who, f"arn:aws:iam::{PRODUCTION}:role/closed")
        for name in ("nobody", "deep", "team/Deep"):  # unknown, without its path, in another case
            code, message = await _refused(world, who, f"arn:aws:iam::{PRODUCTION}:role/{name}")
            assert (code, message.replace(f"role/{name}", "role/closed")) == closed
    assert await _assume(world, alice, f"arn:aws:iam::{PRODUCTION}:role/team/deep")
    assert (await _refused(world, alice, "arn:aws:iam::999999999999:role/reader"))[0] == "AccessDenied"


@story
async def test_what_is_no_role_is_invalid(world: World) -> None:
    alice, _ = await _pair(world)
    for arn in (
        "a role of Production",
        f"arn:aws:iam::{PRODUCTION}:user/reader",
        "arn:aws:s3:::reader-bucket-a",
    ):
        assert await _refused(world, alice, arn) == ("ValidationError", f"{arn} is invalid")


@story
async def test_root_assumes_no_roles(world: World) -> None:
    await _pair(world)
    assert await _refused(world, ANALYTICS) == ("AccessDenied", "Roles may not be assumed by root accounts.")


@story
async def test_the_external_id_is_compared_where_the_trust_policy_asks_for_it(world: World) -> None:
    alice, _ = await _pair(world, trust=trusts(ANALYTICS, Condition={"StringEquals": {"sts:ExternalId": "order-66"}}))
    assert await _assume(world, alice, ExternalId="order-66")
    assert await _refused(world, alice, ExternalId="order-67") == _denied(alice.arn)
    assert await _refused(world, alice) == _denied(alice.arn)
    await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    assert await _assume(world, alice, f"arn:aws:iam::{PRODUCTION}:role/plain", ExternalId="unneeded")


@story
async def test_the_session_name_can_be_prescribed(world: World) -> None:
    only_alice = {"StringEquals": {"sts:RoleSessionName": "alice"}}
    alice, _ = await _pair(world, trust=trusts(ANALYTICS, Condition=only_alice))
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    assert await _assume(world, alice)
    error = await world.refused(bob, "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="bob")
    assert (error.code, error.message) == _denied(bob.arn)


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "é", "a*b"])
def test_a_session_name_with_other_characters_is_invalid(name: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        alice, _ = await _pair(world)
        error = await world.refused(alice, "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName=name)
        assert error.code == "ValidationError"
        assert error.message == (
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
        )

    tell(tmp_path)


# MFA


@story
async def test_a_role_that_asks_for_mfa_is_assumed_with_a_code_only(world: World) -> None:
    alice, _ = await _pair(world, trust=trusts(ANALYTICS, **MFA_REQUIRED))
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    assert await _refused(world, alice) == _denied(alice.arn)
    output = await _assume(world, alice, SerialNumber=serial, TokenCode=world.code())
    assert world.session(output).mfa_at == START


@story
async def test_an_mfa_failure_says_what_failed(world: World) -> None:
    alice, _ = await _pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    wrong = "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    not_theirs = (
        "AccessDenied",
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number"
        " is valid and associated with this user.",
    )
    half = (
        "AccessDenied",
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
    )
    code = world.code()
    assert await _refused(world, alice, SerialNumber=serial, TokenCode=world.code(steps=5)) == wrong
    assert await _refused(world, bob, SerialNumber=serial, TokenCode=code) == not_theirs
    assert await _refused(world, alice, SerialNumber=serial + "2", TokenCode=code) == not_theirs
    assert await _refused(world, alice, SerialNumber=serial) == half
    assert await _refused(world, alice, TokenCode=code) == half
    assert await _assume(world, alice, SerialNumber=serial, TokenCode=code)
    assert await _refused(world, alice, SerialNumber=serial, TokenCode=code) == wrong, "a code is good once"
    await world.sql("UPDATE mfa_devices SET enabled = NULL")
    assert await _refused(world, alice, SerialNumber=serial, TokenCode=world.code(steps=1)) == not_theirs


@story
async def test_mfa_of_a_session_token_counts_for_the_roles_it_assumes(world: World) -> None:
    alice, _ = await _pair(
        world, trust=trusts(ANALYTICS, Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "600"}})
    )
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    plain = await world.call(alice, "sts", "GetSessionToken")
    proven = await world.call(alice, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code())
    assert await _refused(world, plain) == _denied(alice.arn)
    assert world.session(await _assume(world, proven)).mfa_at is None, "the code was not given in this call"
    world.now += 700
    assert await _refused(world, proven) == _denied(alice.arn), "too long ago"
    assert await _assume(world, proven, SerialNumber=serial, TokenCode=world.code())


# Length of sessions


@story
async def test_a_session_is_as_long_as_asked_up_to_the_roles_maximum(world: World) -> None:
    alice, _ = await _pair(world, max_session_duration=7200)
    for seconds in (900, 3600, 7200):
        output = await _assume(world, alice, DurationSeconds=seconds)
        assert output["Credentials"]["Expiration"].timestamp() == START + seconds
    too_long = (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    assert await _refused(world, alice, DurationSeconds=7201) == too_long
    for seconds in (899, 43201):
        code, message = await _refused(world, alice, DurationSeconds=seconds)
        assert code == "ValidationError"
        assert message.startswith(f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed")


@story
async def test_who_may_not_assume_a_role_learns_nothing_of_its_maximum(world: World) -> None:
    await _pair(world)
    bob = await world.user(ANALYTICS, "bob")
    assert await _refused(world, bob, DurationSeconds=40000) == _denied(bob.arn)


@story
async def test_a_chained_session_lasts_an_hour_at_most(world: World) -> None:
    alice, _ = await _pair(world)
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS), max_session_duration=43200)
    reader = await world.role(PRODUCTION, "long", trust=trusts(hop.arn), max_session_duration=43200)
    first = await _assume(world, alice, hop.arn, DurationSeconds=43200)
    assert world.session(await _assume(world, first, reader.arn)).chained
    assert await _assume(world, first, reader.arn, DurationSeconds=3600)
    assert await _refused(world, first, reader.arn, DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )


# Session policies


@story
async def test_session_policies_go_into_the_session_and_tell_their_size(world: World) -> None:
    alice, _ = await _pair(world)
    own = await world.managed_policy(PRODUCTION, "own", allow("s3:GetObject"))
    text = json.dumps(allow("s3:ListBucket"))
    arns = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"arn": own}]
    output = await _assume(world, alice, Policy=text, PolicyArns=arns)
    session = world.session(output)
    assert session.limited
    assert session.session_policy == text
    assert session.session_policy_arns == ("arn:aws:iam::aws:policy/ReadOnlyAccess", own)
    assert 0 < output["PackedPolicySize"] < 100


@story
async def test_a_session_policy_limits_what_the_session_may_assume(world: World) -> None:
    alice, _ = await _pair(world)
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS))
    free = await _assume(world, alice, hop.arn)
    limited = await _assume(world, alice, hop.arn, Policy=json.dumps(allow("s3:*")))
    assert await _assume(world, free)
    assert await _refused(world, limited) == _denied(f"arn:aws:sts::{ANALYTICS}:assumed-role/hop/alice")


@story
async def test_session_policies_that_are_wrong_are_refused(world: World) -> None:
    alice, _ = await _pair(world)
    foreign = await world.managed_policy(ANALYTICS, "foreign", allow("s3:*"))
    gone = "arn:aws:iam::aws:policy/NoSuchPolicy"
    assert (await _refused(world, alice, Policy="{"))[0] == "MalformedPolicyDocument"
    code, message = await _refused(world, alice, Policy=" " * 2049)
    assert code == "ValidationError"
    assert message.endswith("Member must have length less than or equal to 2048")
    assert (await _refused(world, alice, Policy="{\u4e2d}"))[0] == "ValidationError"
    for arn in (foreign, gone):
        expected = "ValidationError", f"Policy {arn} does not exist or is not attachable."
        assert await _refused(world, alice, PolicyArns=[{"arn": arn}]) == expected
    many = [{"arn": f"arn:aws:iam::aws:policy/{number}"} for number in range(11)]
    assert (await _refused(world, alice, PolicyArns=many))[0] == "ValidationError"


@story
async def test_policies_and_tags_that_do_not_fit_are_refused_with_their_size(world: World) -> None:
    alice, _ = await _pair(world, **TAGGABLE)
    tags = [{"Key": f"key-{number}", "Value": world.entropy(120).hex()} for number in range(25)]
    code, message = await _refused(world, alice, Tags=tags)
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed size of session tags consumes 1")
    assert message.endswith("% of allotted space.")
    code, message = await _refused(world, alice, Tags=tags, Policy=json.dumps(allow("s3:*")))
    assert message.startswith("Packed policy consumes 1")
    assert message.endswith("% of allotted space, please use smaller policy.")
    output = await _assume(world, alice, Tags=tags[:10])
    assert 0 < output["PackedPolicySize"] <= 100
    assert output["SessionTokenSize"] <= 4096


# Session tags


@story
async def test_session_tags_need_tag_session_on_both_sides(world: World) -> None:
    tags = [{"Key": "Team", "Value": "data"}]
    alice, _ = await _pair(world, **TAGGABLE)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole"))
    plain = await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    output = await _assume(world, alice, Tags=tags)
    assert world.session(output).tags == {"Team": "data"}
    assert world.session(output).transitive_tag_keys == ()
    assert await _refused(world, bob, Tags=tags) == _denied(bob.arn, "sts:TagSession")
    assert await _refused(world, alice, plain.arn, Tags=tags) == _denied(alice.arn, "sts:TagSession", plain.arn)


@story
async def test_trust_policies_can_prescribe_the_tags(world: World) -> None:
    asked = {
        "StringEquals": {"aws:RequestTag/team": "data"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]},
    }
    alice, _ = await _pair(world, trust=trusts(ANALYTICS, ["sts:AssumeRole", "sts:TagSession"], Condition=asked))
    assert await _assume(world, alice, Tags=[{"Key": "Team", "Value": "data"}])
    assert await _refused(world, alice, Tags=[{"Key": "Team", "Value": "sales"}]) == _denied(alice.arn)
    both = [{"Key": "Team", "Value": "data"}, {"Key": "Cost", "Value": "1"}]
    assert await _refused(world, alice, Tags=both) == _denied(alice.arn)
    assert await _refused(world, alice) == _denied(alice.arn)


@story
async def test_the_roles_tags_are_the_resources_tags(world: World) -> None:
    await _pair(world, tags={"Team": "data"})
    same = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "data"}}}
    other = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "sales"}}}
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole", **same))
    carol = await world.user(ANALYTICS, "carol", allow("sts:AssumeRole", **other))
    assert await _assume(world, bob)
    assert await _refused(world, carol) == _denied(carol.arn)


@story
async def test_transitive_tags_go_on_along_the_chain_and_cannot_be_given_again(world: World) -> None:
    alice, _ = await _pair(world)
    actions = ["sts:AssumeRole", "sts:TagSession"]
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS, actions))
    end = await world.role(PRODUCTION, "end", trust=trusts(hop.arn, actions))
    untaggable = await world.role(PRODUCTION, "untaggable", trust=trusts(hop.arn))
    tags = [{"Key": "Team", "Value": "data"}, {"Key": "Cost", "Value": "1"}]
    first = await _assume(world, alice, hop.arn, Tags=tags, TransitiveTagKeys=["team"])
    second = await _assume(world, first, end.arn, Tags=[{"Key": "Stage", "Value": "2"}])
    assert world.session(second).tags == {"Team": "data", "Stage": "2"}
    assert world.session(second).transitive_tag_keys == ("Team",)
    assert await _refused(world, first, end.arn, Tags=[{"Key": "TEAM", "Value": "sales"}]) == (
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key"
        " from the calling session.",
    )
    hop_session = f"arn:aws:sts::{ANALYTICS}:assumed-role/hop/alice"
    expected = _denied(hop_session, "sts:TagSession", untaggable.arn)
    assert await _refused(world, first, untaggable.arn) == expected
    assert await _assume(world, await _assume(world, alice, hop.arn), untaggable.arn)


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
        alice, _ = await _pair(world, **TAGGABLE)
        assert await _refused(world, alice, **members) == ("InvalidParameterValue", message)

    tell(tmp_path)


# Source identity


@story
async def test_a_source_identity_needs_permission_on_both_sides(world: World) -> None:
    alice, _ = await _pair(world, **TAGGABLE)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole"))
    plain = await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    output = await _assume(world, alice, SourceIdentity="alice")
    assert output["SourceIdentity"] == "alice"
    assert await _refused(world, bob, SourceIdentity="bob") == _denied(bob.arn, "sts:SetSourceIdentity")
    expected = _denied(alice.arn, "sts:SetSourceIdentity", plain.arn)
    assert await _refused(world, alice, plain.arn, SourceIdentity="alice") == expected


@story
async def test_a_source_identity_stays_along_the_chain(world: World) -> None:
    alice, _ = await _pair(world)
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS, actions))
    end = await world.role(
        PRODUCTION,
        "end",
        trust=trusts(hop.arn, actions, Condition={"StringEquals": {"sts:SourceIdentity": "alice"}}),
    )
    closed = await world.role(PRODUCTION, "closed", trust=trusts(hop.arn))
    first = await _assume(world, alice, hop.arn, SourceIdentity="alice")
    assert (await _assume(world, first, end.arn))["SourceIdentity"] == "alice"
    assert await _assume(world, first, end.arn, SourceIdentity="alice")
    code, message = await _refused(world, first, end.arn, SourceIdentity="bob")
    assert code == "AccessDenied"
    assert message.startswith("The source identity of the calling session cannot be changed")
    without = await _assume(world, alice, hop.arn)
    assert (await _refused(world, without, end.arn))[0] == "AccessDenied"
    assert (await _refused(world, first, closed.arn))[0] == "AccessDenied", "an inherited one needs permission too"
    assert await _assume(world, without, closed.arn)


# What the credentials are good for


@story
async def test_a_role_session_gets_no_session_or_federation_tokens(world: World) -> None:
    alice, _ = await _pair(world, **{"trust": trusts(ANALYTICS)})
    await world.sql("UPDATE inline_policies SET document = ?", json.dumps(allow("*")))
    session = await _assume(world, alice)
    for name, members in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "guest"})):
        error = await world.refused(session, "sts", name, **members)
        assert (error.code, error.message) == ("AccessDenied", f"Cannot call {name} with session credentials")
        assert await world.call(alice, "sts", name, **members)


@story
async def test_a_session_token_is_as_large_as_asked_for(world: World) -> None:
    alice, _ = await _pair(world)
    output = await _assume(world, alice, MinimumSessionTokenSize=3000)
    assert 3000 <= output["SessionTokenSize"] <= 3004
    assert output["SessionTokenUtilization"] == 74
    assert await world.call(output, "sts", "GetCallerIdentity")


@story
async def test_a_deny_in_the_trust_policy_wins(world: World) -> None:
    alice, _ = await _pair(
        world,
        trust=policy(
            {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole",
             "Condition": {"StringNotEquals": {"aws:username": "alice"}}},
        ),
    )  # fmt: skip
    bob = await world.user(ANALYTICS, "bob", policy(statement("Allow", "sts:*")))
    assert await _assume(world, alice)
    assert (await _refused(world, bob))[0] == "AccessDenied"
