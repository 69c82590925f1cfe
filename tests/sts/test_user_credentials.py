"""GetSessionToken, GetFederationToken, GetCallerIdentity, GetAccessKeyInfo."""

from __future__ import annotations

import json
from typing import Any

import pytest

import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, deny, story, trusts
from isthmus.identity import Session
from isthmus.names import access_key_id

GUEST = f"arn:aws:sts::{PRODUCTION}:federated-user/guest"


def _lifetime(world: World, output: dict[str, Any]) -> float:
    session: Session = world.session(output)
    assert output["Credentials"]["Expiration"].timestamp() == session.expires
    return session.expires - session.issued


@story
async def test_a_user_needs_no_permission_for_a_session_token_and_no_deny_forbids_it(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", deny("*"))
    output = await world.call(bob, "sts", "GetSessionToken")
    assert _lifetime(world, output) == 43200
    assert world.session(output).principal.arn == bob.arn
    assert (await world.call(output, "sts", "GetCallerIdentity"))["Arn"] == bob.arn
    assert _lifetime(world, await world.call(bob, "sts", "GetSessionToken", DurationSeconds=900)) == 900
    assert _lifetime(world, await world.call(bob, "sts", "GetSessionToken", DurationSeconds=129600)) == 129600


@pytest.mark.parametrize("seconds", [899, 129601])
@pytest.mark.parametrize(("name", "members"), [("GetSessionToken", {}), ("GetFederationToken", {"Name": "guest"})])
def test_a_length_out_of_bounds_is_invalid(name: str, members: dict[str, str], seconds: int, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        bob = await world.user(PRODUCTION, "bob", allow("sts:*"))
        error = await world.refused(bob, "sts", name, DurationSeconds=seconds, **members)
        assert error.code == "ValidationError"
        assert f"Value '{seconds}' at 'durationSeconds'" in error.message

    tell(tmp_path)


@story
async def test_roots_tokens_last_an_hour_at_most(world: World) -> None:
    for name, members in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "guest"})):
        assert _lifetime(world, await world.call(PRODUCTION, "sts", name, **members)) == 3600
        longer = await world.call(PRODUCTION, "sts", name, DurationSeconds=7200, **members)
        assert _lifetime(world, longer) == 3600


@story
async def test_a_session_token_with_a_code_is_proven_by_mfa(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob")
    serial = await world.mfa_device(PRODUCTION, bob.id, "bob")
    output = await world.call(bob, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code())
    assert world.session(output).mfa_at == START
    assert world.session(await world.call(bob, "sts", "GetSessionToken")).mfa_at is None
    error = await world.refused(bob, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code())
    assert error.message == "MultiFactorAuthentication failed with invalid MFA one time pass code. "


@story
async def test_root_proves_mfa_with_its_own_device_only(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob")
    own = await world.mfa_device(PRODUCTION, PRODUCTION, "root-account-mfa-device", b"root's seed")
    bobs = await world.mfa_device(PRODUCTION, bob.id, "bob")
    code = world.code(b"root's seed")
    output = await world.call(PRODUCTION, "sts", "GetSessionToken", SerialNumber=own, TokenCode=code)
    assert world.session(output).mfa_at == START
    error = await world.refused(PRODUCTION, "sts", "GetSessionToken", SerialNumber=bobs, TokenCode=world.code())
    assert "unable to validate MFA code" in error.message


@story
async def test_session_token_credentials_only_assume_roles_and_ask_who_they_are(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("sts:*"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(PRODUCTION))
    output = await world.call(bob, "sts", "GetSessionToken")
    assert await world.call(output, "sts", "GetCallerIdentity")
    assert await world.call(output, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="bob")
    for name, members in (
        ("GetSessionToken", {}),
        ("GetFederationToken", {"Name": "guest"}),
        ("GetAccessKeyInfo", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
    ):
        error = await world.refused(output, "sts", name, **members)
        assert (error.code, error.message) == ("AccessDenied", f"Cannot call {name} with session credentials")


@story
async def test_a_federation_token_needs_permission_on_that_federated_user(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("sts:GetFederationToken", GUEST))
    output = await world.call(bob, "sts", "GetFederationToken", Name="guest")
    assert output["FederatedUser"] == {"FederatedUserId": f"{PRODUCTION}:guest", "Arn": GUEST}
    assert _lifetime(world, output) == 43200
    assert await world.call(output, "sts", "GetCallerIdentity") == {
        "UserId": f"{PRODUCTION}:guest",
        "Account": PRODUCTION,
        "Arn": GUEST,
    }
    error = await world.refused(bob, "sts", "GetFederationToken", Name="other")
    assert (error.code, error.message) == (
        "AccessDenied",
        f"User: {bob.arn} is not authorized to perform: sts:GetFederationToken on resource: {GUEST[:-5]}other"
        " because no identity-based policy allows the sts:GetFederationToken action",
    )


@story
async def test_a_federated_user_gets_its_session_policies_and_tags(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow(["sts:GetFederationToken", "sts:TagSession"]))
    carol = await world.user(PRODUCTION, "carol", allow("sts:GetFederationToken"))
    text = json.dumps(allow("s3:GetObject"))
    tags = [{"Key": "Team", "Value": "data"}]
    output = await world.call(bob, "sts", "GetFederationToken", Name="guest", Policy=text, Tags=tags)
    session = world.session(output)
    assert (session.limited, session.session_policy, session.tags) == (True, text, {"Team": "data"})
    assert 0 < output["PackedPolicySize"] < 100
    bare = world.session(await world.call(carol, "sts", "GetFederationToken", Name="guest"))
    assert (bare.limited, bare.session_policy) == (True, None)
    error = await world.refused(carol, "sts", "GetFederationToken", Name="guest", Tags=tags)
    assert "not authorized to perform: sts:TagSession" in error.message
    error = await world.refused(bob, "sts", "GetFederationToken", Name="guest", Policy="{")
    assert error.code == "MalformedPolicyDocument"


@story
async def test_federated_users_call_nothing_of_sts_but_who_they_are(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("*"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(PRODUCTION))
    text = json.dumps(allow("*"))
    output = await world.call(bob, "sts", "GetFederationToken", Name="guest", Policy=text)
    error = await world.refused(output, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="guest")
    assert (error.code, error.message) == ("AccessDenied", "Cannot call AssumeRole with session credentials")


@story
async def test_a_federated_name_with_other_characters_is_invalid(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("*"))
    error = await world.refused(bob, "sts", "GetFederationToken", Name="guest/*")
    assert error.code == "ValidationError"
    assert "at 'name'" in error.message


@story
async def test_everybody_may_ask_who_they_are(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", deny("*"), path="/team/")
    assert await world.call(bob, "sts", "GetCallerIdentity") == {
        "UserId": bob.id,
        "Account": PRODUCTION,
        "Arn": f"arn:aws:iam::{PRODUCTION}:user/team/bob",
    }
    assert await world.call(ANALYTICS, "sts", "GetCallerIdentity") == {
        "UserId": ANALYTICS,
        "Account": ANALYTICS,
        "Arn": f"arn:aws:iam::{ANALYTICS}:root",
    }


@story
async def test_a_key_id_tells_its_account_to_those_who_may_ask(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("sts:GetAccessKeyInfo"))
    carol = await world.user(PRODUCTION, "carol")
    await world.sql(
        "INSERT INTO access_keys (id, account, secret, active, created) VALUES (?, ?, ?, 1, 0)",
        "AKIAIOSFODNN7EXAMPLE", ANALYTICS, world.vault.seal(b"x", "access-key"),
    )  # fmt: skip
    deleted = access_key_id("AKIA", ANALYTICS, world.entropy(10))
    temporary = (await world.call(ANALYTICS, "sts", "GetSessionToken"))["Credentials"]["AccessKeyId"]
    for key in ("AKIAIOSFODNN7EXAMPLE", deleted, temporary):
        assert await world.call(bob, "sts", "GetAccessKeyInfo", AccessKeyId=key) == {"Account": ANALYTICS}
    strange = access_key_id("AKIA", "999999999999", world.entropy(10))
    for key in ("AKIAIOSFODNN8EXAMPLE", strange, "ASIA_NOT_A_KEY_AT_ALL"):
        assert (await world.refused(bob, "sts", "GetAccessKeyInfo", AccessKeyId=key)).code == "ValidationError"
    error = await world.refused(carol, "sts", "GetAccessKeyInfo", AccessKeyId=temporary)
    assert error.code == "AccessDenied"
