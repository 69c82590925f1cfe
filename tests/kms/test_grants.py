"""Grants: permissions that no policy gives."""

from __future__ import annotations

from typing import Any

from kms_builders import a_key, account_policy, encrypted, grants_to

from builders import ANALYTICS, PRODUCTION, Json, World, allow, deny, story, trusts
from isthmus.identity import User

SUBSET = {"EncryptionContextSubset": {"Department": "IT"}}
EQUALS = {"EncryptionContextEquals": {"Department": "IT"}}


async def grant(
    world: World, who: User | Json | str, key: str, grantee: str, *operations: str, **more: Any
) -> dict[str, Any]:
    return await world.call(
        who, "kms", "CreateGrant", KeyId=key, GranteePrincipal=grantee, Operations=list(operations), **more
    )


async def opens(world: World, who: User | Json | str, blob: bytes, **more: Any) -> bool:
    """Whether Decrypt is allowed; any other refusal fails the test."""
    error: Any = None
    try:
        output = await world.call(who, "kms", "Decrypt", CiphertextBlob=blob, **more)
    except Exception as problem:
        error = problem
    if error is None:
        assert output["Plaintext"] == b"secret"
        return True
    assert error.code == "AccessDenied", error
    return False


@story
async def test_a_grant_allows_by_itself_until_it_is_revoked(world: World) -> None:
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    bob, eve = await world.user(PRODUCTION, "bob"), await world.user(PRODUCTION, "eve")
    assert not await opens(world, bob, blob)
    made = await grant(world, PRODUCTION, key, bob.arn, "Decrypt")
    assert await opens(world, bob, blob)
    assert await opens(world, bob, blob, GrantTokens=[made["GrantToken"]])
    assert not await opens(world, eve, blob)
    assert (await world.refused(bob, "kms", "Encrypt", KeyId=key, Plaintext=b"x")).code == "AccessDenied"
    await world.call(PRODUCTION, "kms", "RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    assert not await opens(world, bob, blob)
    error = await world.refused(PRODUCTION, "kms", "RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    assert error.code == "NotFoundException"


@story
async def test_a_grant_does_not_win_over_a_deny(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", deny("kms:Decrypt"))
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    await grant(world, PRODUCTION, key, bob.arn, "Decrypt")
    assert not await opens(world, bob, blob)


@story
async def test_a_grant_to_another_account_s_role_needs_no_identity_policy(world: World) -> None:
    analyst = await world.user(ANALYTICS, "analyst", allow("sts:AssumeRole"))
    reader = await world.role(ANALYTICS, "reader", trust=trusts(analyst.arn))
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    session = await world.call(analyst, "sts", "AssumeRole", RoleArn=reader.arn, RoleSessionName="s")
    assert not await opens(world, session, blob)
    await grant(world, PRODUCTION, key, reader.arn, "Decrypt")
    assert await opens(world, session, blob)
    nothing = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
    limited = await world.call(analyst, "sts", "AssumeRole", RoleArn=reader.arn, RoleSessionName="s", Policy=nothing)
    assert not await opens(world, limited, blob)
    assert not await opens(world, analyst, blob)


@story
async def test_constraints_on_the_encryption_context_hold(world: World) -> None:
    key = await a_key(world)
    subset, equals = await world.user(PRODUCTION, "subset"), await world.user(PRODUCTION, "equals")
    await grant(world, PRODUCTION, key, subset.arn, "Decrypt", "DescribeKey", Constraints=SUBSET)
    await grant(world, PRODUCTION, key, equals.arn, "Decrypt", Constraints=EQUALS)
    for context, by_subset, by_equals in (
        ({"Department": "IT"}, True, True),
        ({"Department": "IT", "file": "1"}, True, False),
        ({"department": "IT"}, False, False),
        ({}, False, False),
    ):
        blob = await encrypted(world, PRODUCTION, key, EncryptionContext=context)
        assert await opens(world, subset, blob, EncryptionContext=context) is by_subset
        assert await opens(world, equals, blob, EncryptionContext=context) is by_equals
    await world.call(subset, "kms", "DescribeKey", KeyId=key)


@story
async def test_a_grant_made_by_permission_of_a_grant_reaches_no_further(world: World) -> None:
    key = await a_key(world)
    bob, carol = await world.user(PRODUCTION, "bob"), await world.user(PRODUCTION, "carol")
    await grant(world, PRODUCTION, key, bob.arn, "CreateGrant", "Decrypt", Constraints=SUBSET)
    given = {"KeyId": key, "GranteePrincipal": carol.arn}
    for operations, constraints in (
        (["Encrypt"], SUBSET),
        (["Decrypt"], {}),
        (["Decrypt"], {"EncryptionContextEquals": {"Department": "HR"}}),
    ):
        error = await world.refused(bob, "kms", "CreateGrant", Operations=operations, Constraints=constraints, **given)
        assert error.code == "AccessDenied"
    await world.call(bob, "kms", "CreateGrant", Operations=["Decrypt"], Constraints=EQUALS, **given)
    # Who may make grants by a policy is not limited.
    alice = await world.user(PRODUCTION, "alice", allow("kms:CreateGrant"))
    await world.call(alice, "kms", "CreateGrant", Operations=["Encrypt"], **given)


@story
async def test_policies_see_what_a_grant_gives_to_whom(world: World) -> None:
    key = await a_key(world)
    bob = await world.user(PRODUCTION, "bob")
    condition = {
        "StringEquals": {"kms:GranteePrincipal": bob.arn},
        "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
        "Bool": {"kms:GrantIsForAWSResource": "false"},
    }
    alice = await world.user(PRODUCTION, "alice", allow("kms:CreateGrant", Condition=condition))
    await grant(world, alice, key, bob.arn, "Decrypt")
    for grantee, operations in ((bob.arn, ["Encrypt"]), (alice.arn, ["Decrypt"])):
        error = await world.refused(
            alice, "kms", "CreateGrant", KeyId=key, GranteePrincipal=grantee, Operations=operations
        )
        assert error.code == "AccessDenied"
    service = await world.user(
        PRODUCTION, "service", allow("kms:CreateGrant", Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}})
    )
    error = await world.refused(
        service, "kms", "CreateGrant", KeyId=key, GranteePrincipal=bob.arn, Operations=["Decrypt"]
    )
    assert error.code == "AccessDenied"


@story
async def test_a_grant_is_retired_by_whom_it_names_and_by_its_account(world: World) -> None:
    key = await a_key(world)
    bob, carol = await world.user(PRODUCTION, "bob"), await world.user(PRODUCTION, "carol")
    dave = await world.user(ANALYTICS, "dave", allow("kms:*"))

    async def made(**more: Any) -> dict[str, Any]:
        return await grant(world, PRODUCTION, key, bob.arn, "Decrypt", **more)

    one = await made(RetiringPrincipal=carol.arn)
    listed = await world.call(PRODUCTION, "kms", "ListRetirableGrants", RetiringPrincipal=carol.arn)
    assert [entry["GrantId"] for entry in listed["Grants"]] == [one["GrantId"]]
    for who in (bob, dave):
        error = await world.refused(who, "kms", "RetireGrant", KeyId=key, GrantId=one["GrantId"])
        assert error.code == "AccessDenied"
    await world.call(carol, "kms", "RetireGrant", GrantToken=one["GrantToken"])
    two = await made()
    assert (await world.refused(carol, "kms", "RetireGrant", KeyId=key, GrantId=two["GrantId"])).code == "AccessDenied"
    await world.call(PRODUCTION, "kms", "RetireGrant", KeyId=key, GrantId=two["GrantId"])
    three = await grant(world, PRODUCTION, key, bob.arn, "Decrypt", "RetireGrant")
    await world.call(bob, "kms", "RetireGrant", KeyId=key, GrantId=three["GrantId"])
    assert (await world.call(PRODUCTION, "kms", "ListGrants", KeyId=key))["Grants"] == []


@story
async def test_a_request_repeated_under_a_name_makes_one_grant(world: World) -> None:
    key = await a_key(world)
    bob = await world.user(PRODUCTION, "bob")
    first = await grant(world, PRODUCTION, key, bob.arn, "Decrypt", Name="job")
    again = await grant(world, PRODUCTION, key, bob.arn, "Decrypt", Name="job")
    other = await grant(world, PRODUCTION, key, bob.arn, "Encrypt", Name="job")
    assert first["GrantId"] == again["GrantId"] != other["GrantId"]
    listed = (await world.call(PRODUCTION, "kms", "ListGrants", KeyId=key, GranteePrincipal=bob.arn))["Grants"]
    assert {entry["GrantId"] for entry in listed} == {first["GrantId"], other["GrantId"]}
    assert listed[0]["IssuingAccount"] == f"arn:aws:iam::{PRODUCTION}:root"


@story
async def test_bad_grants_are_refused(world: World) -> None:
    key = await a_key(world)
    bob = await world.user(PRODUCTION, "bob")
    for given, code in (
        (
            {"GranteePrincipal": f"arn:aws:iam::{PRODUCTION}:user/nobody", "Operations": ["Decrypt"]},
            "InvalidArnException",
        ),
        ({"GranteePrincipal": bob.arn, "Operations": ["Sign"]}, "ValidationError"),
        ({"GranteePrincipal": bob.arn, "Operations": []}, "ValidationError"),
        ({"Operations": ["Decrypt"]}, "ValidationError"),
    ):
        assert (await world.refused(PRODUCTION, "kms", "CreateGrant", KeyId=key, **given)).code == code
    blob = await encrypted(world, PRODUCTION, key)
    error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob, GrantTokens=["made up"])
    assert error.code == "InvalidGrantTokenException"


@story
async def test_a_user_made_anew_is_not_the_grantee(world: World) -> None:
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    bob = await world.user(PRODUCTION, "bob")
    await grant(world, PRODUCTION, key, bob.arn, "Decrypt")
    assert await opens(world, bob, blob)
    await world.sql("DELETE FROM users WHERE id = ?", bob.id)
    again = await world.user(PRODUCTION, "bob")
    assert not await opens(world, again, blob)


@story
async def test_another_account_makes_grants_where_the_key_policy_lets_it(world: World) -> None:
    shared = await a_key(world, key_policy=account_policy(PRODUCTION, grants_to(ANALYTICS, "kms:CreateGrant")))
    closed = await a_key(world)
    bob = await world.user(ANALYTICS, "bob")
    await grant(world, ANALYTICS, shared, bob.arn, "Decrypt")
    given = {"GranteePrincipal": bob.arn, "Operations": ["Decrypt"]}
    assert (await world.refused(ANALYTICS, "kms", "CreateGrant", KeyId=closed, **given)).code == "AccessDenied"
    blob = await encrypted(world, PRODUCTION, shared)
    assert await opens(world, bob, blob)


@story
async def test_the_grants_and_the_policy_of_a_key_that_waits_for_its_deletion_can_still_be_changed(
    world: World,
) -> None:
    key = await a_key(world)
    bob = await world.user(PRODUCTION, "bob")
    first = await grant(world, PRODUCTION, key, bob.arn, "Decrypt", RetiringPrincipal=bob.arn)
    second = await grant(world, PRODUCTION, key, bob.arn, "Encrypt")
    text = (await world.call(PRODUCTION, "kms", "GetKeyPolicy", KeyId=key))["Policy"]
    await world.call(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key)
    error = await world.refused(
        PRODUCTION, "kms", "CreateGrant", KeyId=key, GranteePrincipal=bob.arn, Operations=["Decrypt"]
    )
    assert error.code == "KMSInvalidStateException"
    assert len((await world.call(PRODUCTION, "kms", "ListGrants", KeyId=key))["Grants"]) == 2
    await world.call(bob, "kms", "RetireGrant", GrantToken=first["GrantToken"])
    await world.call(PRODUCTION, "kms", "RevokeGrant", KeyId=key, GrantId=second["GrantId"])
    assert (await world.call(PRODUCTION, "kms", "ListGrants", KeyId=key))["Grants"] == []
    await world.call(PRODUCTION, "kms", "PutKeyPolicy", KeyId=key, Policy=text)
