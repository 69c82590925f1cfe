"""AssumeRole: who may, who may not, and for how long. Next to each allow stands its deny."""

from __future__ import annotations

import json
from typing import Any

import pytest
from assuming import ROLE, assume, denied, pair, refused

from builders import ANALYTICS, PRODUCTION, START, World, allow, deny, policy, statement, story, trusts

MFA_REQUIRED = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


@story
async def test_a_user_of_another_account_assumes_a_role_that_trusts_it(world: World) -> None:
    alice, reader = await pair(world)
    output = await assume(world, alice)
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
    await pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("s3:*"))
    assert await refused(world, bob) == denied(bob.arn)


@story
async def test_permission_through_a_group_counts(world: World) -> None:
    await pair(world)
    carol = await world.user(ANALYTICS, "carol")
    assert await refused(world, carol) == denied(carol.arn)
    await world.group(ANALYTICS, "analysts", allow("sts:AssumeRole", ROLE), members=[carol])
    assert await assume(world, carol)


@story
async def test_permission_for_another_role_does_not_count(world: World) -> None:
    await pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("sts:AssumeRole", ROLE + "-2"))
    assert await refused(world, bob) == denied(bob.arn)


@story
async def test_an_account_that_is_not_trusted_is_refused(world: World) -> None:
    alice, _ = await pair(world, trust=trusts("999999999999"))
    assert await refused(world, alice) == denied(alice.arn)


@story
async def test_a_role_that_trusts_one_user_refuses_the_others_of_its_account(world: World) -> None:
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    alice, _ = await pair(world, trust=trusts(bob.arn))
    assert await assume(world, bob)
    assert await refused(world, alice) == denied(alice.arn)


@story
async def test_a_user_made_anew_under_the_trusted_name_is_refused(world: World) -> None:
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    await pair(world, trust=trusts(bob.arn))
    await world.sql("DELETE FROM users WHERE id = ?", bob.id)
    again = await world.user(ANALYTICS, "bob", allow("sts:*"))
    assert await refused(world, again) == denied(bob.arn)


@story
async def test_an_explicit_deny_of_its_own_account_wins(world: World) -> None:
    await pair(world)
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"), deny("sts:AssumeRole", ROLE))
    code, message = await refused(world, bob)
    assert code == "AccessDenied"
    assert message.startswith(denied(bob.arn)[1])


@story
async def test_a_boundary_limits_whom_it_may_become(world: World) -> None:
    await pair(world)
    limit = await world.managed_policy(ANALYTICS, "limit", allow("s3:*"))
    wide = await world.managed_policy(ANALYTICS, "wide", allow("sts:*"))
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"), boundary=limit)
    carol = await world.user(ANALYTICS, "carol", allow("sts:*"), boundary=wide)
    assert await refused(world, bob) == denied(bob.arn)
    assert await assume(world, carol)


@story
async def test_in_one_account_a_role_that_names_the_user_needs_no_identity_policy(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob")
    carol = await world.user(PRODUCTION, "carol")
    await pair(world, trust=trusts(bob.arn))
    assert await assume(world, bob)
    reason = " because no role trust policy allows the sts:AssumeRole action"
    code, message = await refused(world, carol)
    assert (code, message[: len(denied(carol.arn)[1])]) == denied(carol.arn)
    assert " because no " in message
    admin = await world.user(PRODUCTION, "admin", allow("*"))
    assert await refused(world, admin) == denied(admin.arn, reason=reason)


@story
async def test_in_one_account_a_role_that_trusts_the_account_needs_an_identity_policy(world: World) -> None:
    await pair(world, trust=trusts(PRODUCTION))
    bob = await world.user(PRODUCTION, "bob", allow("sts:AssumeRole"))
    carol = await world.user(PRODUCTION, "carol")
    assert await assume(world, bob)
    reason = " because no identity-based policy allows the sts:AssumeRole action"
    assert await refused(world, carol) == denied(carol.arn, reason=reason)


@story
async def test_a_role_does_not_trust_itself_by_itself(world: World) -> None:
    alice, reader = await pair(world)
    session = await assume(world, alice)
    await world.sql("UPDATE inline_policies SET document = ?", json.dumps(allow("*")))
    code, _ = await refused(world, session)
    assert code == "AccessDenied"
    own = trusts({"AWS": [ANALYTICS, reader.arn]})
    ids = json.dumps({reader.arn: reader.id})
    await world.sql("UPDATE roles SET trust_policy = ?, trust_principal_ids = ?", json.dumps(own), ids)
    assert await assume(world, session)


@story
async def test_an_unknown_role_is_refused_like_one_that_does_not_trust(world: World) -> None:
    alice, _ = await pair(world)
    admin = await world.user(PRODUCTION, "admin", allow("*"))
    await world.role(PRODUCTION, "closed", trust=trusts("999999999999"))
    await world.role(PRODUCTION, "deep", trust=trusts(ANALYTICS), path="/team/")
    for who in (alice, admin):
        closed = await refused(world, who, f"arn:aws:iam::{PRODUCTION}:role/closed")
        for name in ("nobody", "deep", "team/Deep"):  # unknown, without its path, in another case
            code, message = await refused(world, who, f"arn:aws:iam::{PRODUCTION}:role/{name}")
            assert (code, message.replace(f"role/{name}", "role/closed")) == closed
    assert await assume(world, alice, f"arn:aws:iam::{PRODUCTION}:role/team/deep")
    assert (await refused(world, alice, "arn:aws:iam::999999999999:role/reader"))[0] == "AccessDenied"


@story
async def test_what_is_no_role_is_invalid(world: World) -> None:
    alice, _ = await pair(world)
    for arn in (
        "a role of Production",
        f"arn:aws:iam::{PRODUCTION}:user/reader",
        "arn:aws:s3:::reader-bucket-a",
    ):
        assert await refused(world, alice, arn) == ("ValidationError", f"{arn} is invalid")


@story
async def test_root_assumes_no_roles(world: World) -> None:
    await pair(world)
    assert await refused(world, ANALYTICS) == ("AccessDenied", "Roles may not be assumed by root accounts.")


@story
async def test_the_external_id_is_compared_where_the_trust_policy_asks_for_it(world: World) -> None:
    alice, _ = await pair(world, trust=trusts(ANALYTICS, Condition={"StringEquals": {"sts:ExternalId": "order-66"}}))
    assert await assume(world, alice, ExternalId="order-66")
    assert await refused(world, alice, ExternalId="order-67") == denied(alice.arn)
    assert await refused(world, alice) == denied(alice.arn)
    await world.role(PRODUCTION, "plain", trust=trusts(ANALYTICS))
    assert await assume(world, alice, f"arn:aws:iam::{PRODUCTION}:role/plain", ExternalId="unneeded")


@story
async def test_the_session_name_can_be_prescribed(world: World) -> None:
    only_alice = {"StringEquals": {"sts:RoleSessionName": "alice"}}
    alice, _ = await pair(world, trust=trusts(ANALYTICS, Condition=only_alice))
    bob = await world.user(ANALYTICS, "bob", allow("sts:*"))
    assert await assume(world, alice)
    error = await world.refused(bob, "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="bob")
    assert (error.code, error.message) == denied(bob.arn)


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "é", "a*b"])
def test_a_session_name_with_other_characters_is_invalid(name: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        alice, _ = await pair(world)
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
    alice, _ = await pair(world, trust=trusts(ANALYTICS, **MFA_REQUIRED))
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    assert await refused(world, alice) == denied(alice.arn)
    output = await assume(world, alice, SerialNumber=serial, TokenCode=world.code())
    assert world.session(output).mfa_at == START


@story
async def test_an_mfa_failure_says_what_failed(world: World) -> None:
    alice, _ = await pair(world)
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
    assert await refused(world, alice, SerialNumber=serial, TokenCode=world.code(steps=5)) == wrong
    assert await refused(world, bob, SerialNumber=serial, TokenCode=code) == not_theirs
    assert await refused(world, alice, SerialNumber=serial + "2", TokenCode=code) == not_theirs
    assert await refused(world, alice, SerialNumber=serial) == half
    assert await refused(world, alice, TokenCode=code) == half
    assert await assume(world, alice, SerialNumber=serial, TokenCode=code)
    assert await refused(world, alice, SerialNumber=serial, TokenCode=code) == wrong, "a code is good once"
    await world.sql("UPDATE mfa_devices SET enabled = NULL")
    assert await refused(world, alice, SerialNumber=serial, TokenCode=world.code(steps=1)) == not_theirs


@story
async def test_mfa_of_a_session_token_counts_for_the_roles_it_assumes(world: World) -> None:
    alice, _ = await pair(
        world, trust=trusts(ANALYTICS, Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "600"}})
    )
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    plain = await world.call(alice, "sts", "GetSessionToken")
    proven = await world.call(alice, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code())
    assert await refused(world, plain) == denied(alice.arn)
    assert world.session(await assume(world, proven)).mfa_at is None, "the code was not given in this call"
    world.now += 700
    assert await refused(world, proven) == denied(alice.arn), "too long ago"
    assert await assume(world, proven, SerialNumber=serial, TokenCode=world.code())


# Length of sessions


@story
async def test_a_session_is_as_long_as_asked_up_to_the_roles_maximum(world: World) -> None:
    alice, _ = await pair(world, max_session_duration=7200)
    for seconds in (900, 3600, 7200):
        output = await assume(world, alice, DurationSeconds=seconds)
        assert output["Credentials"]["Expiration"].timestamp() == START + seconds
    too_long = (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    assert await refused(world, alice, DurationSeconds=7201) == too_long
    for seconds in (899, 43201):
        code, message = await refused(world, alice, DurationSeconds=seconds)
        assert code == "ValidationError"
        assert message.startswith(f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed")


@story
async def test_who_may_not_assume_a_role_learns_nothing_of_its_maximum(world: World) -> None:
    await pair(world)
    bob = await world.user(ANALYTICS, "bob")
    assert await refused(world, bob, DurationSeconds=40000) == denied(bob.arn)


@story
async def test_a_chained_session_lasts_an_hour_at_most(world: World) -> None:
    alice, _ = await pair(world)
    hop = await world.role(ANALYTICS, "hop", allow("sts:*"), trust=trusts(ANALYTICS), max_session_duration=43200)
    reader = await world.role(PRODUCTION, "long", trust=trusts(hop.arn), max_session_duration=43200)
    first = await assume(world, alice, hop.arn, DurationSeconds=43200)
    assert world.session(await assume(world, first, reader.arn)).chained
    assert await assume(world, first, reader.arn, DurationSeconds=3600)
    assert await refused(world, first, reader.arn, DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )


# What the credentials are good for


@story
async def test_a_role_session_gets_no_session_or_federation_tokens(world: World) -> None:
    alice, _ = await pair(world, **{"trust": trusts(ANALYTICS)})
    await world.sql("UPDATE inline_policies SET document = ?", json.dumps(allow("*")))
    session = await assume(world, alice)
    for name, members in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "guest"})):
        error = await world.refused(session, "sts", name, **members)
        assert (error.code, error.message) == ("AccessDenied", f"Cannot call {name} with session credentials")
        assert await world.call(alice, "sts", name, **members)


@story
async def test_a_session_token_is_as_large_as_asked_for(world: World) -> None:
    alice, _ = await pair(world)
    output = await assume(world, alice, MinimumSessionTokenSize=3000)
    assert 3000 <= output["SessionTokenSize"] <= 3004
    assert output["SessionTokenUtilization"] == 74
    assert await world.call(output, "sts", "GetCallerIdentity")


@story
async def test_a_deny_in_the_trust_policy_wins(world: World) -> None:
    alice, _ = await pair(
        world,
        trust=policy(
            {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole",
             "Condition": {"StringNotEquals": {"aws:username": "alice"}}},
        ),
    )  # fmt: skip
    bob = await world.user(ANALYTICS, "bob", policy(statement("Allow", "sts:*")))
    assert await assume(world, alice)
    assert (await refused(world, bob))[0] == "AccessDenied"
