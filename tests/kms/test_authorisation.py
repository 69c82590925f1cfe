"""Who may use a key: its policy first, identity policies where it lets them count, and both accounts across."""

from __future__ import annotations

import json

from kms_builders import REGION, a_key, account_policy, an_alias, encrypted, grants_to

from builders import ANALYTICS, PRODUCTION, World, allow, deny, policy, statement, story, trusts

USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


@story
async def test_identity_policies_count_only_where_the_key_policy_lets_the_account_decide(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("kms:*"))
    bob = await world.user(PRODUCTION, "bob")
    await encrypted(world, alice, await a_key(world))
    closed = await a_key(world, key_policy=policy(grants_to(bob.arn)))
    error = await world.refused(alice, "kms", "Encrypt", KeyId=closed, Plaintext=b"x")
    assert error.code == "AccessDenied"
    assert error.message == (
        f"User: {alice.arn} is not authorized to perform: kms:Encrypt on resource: {closed} because no "
        "resource-based policy allows the kms:Encrypt action"
    )
    # Not even the root user of the account, whom the policy does not name.
    assert (await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId=closed)).code == "AccessDenied"
    await encrypted(world, bob, closed)


@story
async def test_without_an_identity_policy_the_denial_says_so(world: World) -> None:
    key = await a_key(world)
    eve = await world.user(PRODUCTION, "eve")
    error = await world.refused(eve, "kms", "Encrypt", KeyId=key, Plaintext=b"x")
    assert error.message == (
        f"User: {eve.arn} is not authorized to perform: kms:Encrypt on resource: {key} because no "
        "identity-based policy allows the kms:Encrypt action"
    )


@story
async def test_another_account_needs_the_key_policy_and_its_own_identity_policy(world: World) -> None:
    shared = await a_key(world, key_policy=account_policy(PRODUCTION, grants_to(ANALYTICS, USE)))
    closed = await a_key(world)
    both = await world.user(ANALYTICS, "both", allow(USE, f"arn:aws:kms:*:{PRODUCTION}:key/*"))
    none = await world.user(ANALYTICS, "none")
    blob = await encrypted(world, both, shared)
    assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"secret"
    assert (await world.call(both, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"secret"
    error = await world.refused(both, "kms", "Encrypt", KeyId=closed, Plaintext=b"x")
    assert error.message == (
        f"User: {both.arn} is not authorized to perform: kms:Encrypt on this resource because the resource does not "
        "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies "
        "access"
    )
    error = await world.refused(none, "kms", "Encrypt", KeyId=shared, Plaintext=b"x")
    assert error.message.endswith("because no identity-based policy allows the kms:Encrypt action")
    # What is not shared is not told from what is not there.
    missing = f"arn:aws:kms:{REGION}:{PRODUCTION}:key/134f2428-cec1-4b25-a1ae-9048164dba47"
    assert (await world.refused(both, "kms", "DescribeKey", KeyId=missing)).code == "AccessDenied"


@story
async def test_another_account_reaches_a_key_by_arn_alone(world: World) -> None:
    key = await a_key(world, key_policy=account_policy(PRODUCTION, grants_to(ANALYTICS, USE)))
    await an_alias(world, "alias/shared", key)
    assert (await world.call(ANALYTICS, "kms", "DescribeKey", KeyId=key))["KeyMetadata"]["Arn"] == key
    arn = f"arn:aws:kms:{REGION}:{PRODUCTION}:alias/shared"
    assert (await world.call(ANALYTICS, "kms", "DescribeKey", KeyId=arn))["KeyMetadata"]["Arn"] == key
    for name in (key.rpartition("/")[2], "alias/shared"):
        assert (await world.refused(ANALYTICS, "kms", "DescribeKey", KeyId=name)).code == "NotFoundException"


@story
async def test_what_aws_keeps_inside_an_account_no_key_policy_opens(world: World) -> None:
    key = await a_key(world, key_policy=account_policy(PRODUCTION, grants_to(ANALYTICS)))
    for name, members in (
        ("DisableKey", {}), ("ScheduleKeyDeletion", {}), ("GetKeyPolicy", {}), ("ListResourceTags", {}),
        ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}), ("EnableKeyRotation", {}),
        ("PutKeyPolicy", {"Policy": json.dumps(account_policy(ANALYTICS))}),
    ):  # fmt: skip
        assert (await world.refused(ANALYTICS, "kms", name, KeyId=key, **members)).code == "AccessDenied"
    await encrypted(world, ANALYTICS, key)


@story
async def test_a_role_of_another_account_that_the_key_policy_names_still_needs_its_identity_policy(
    world: World,
) -> None:
    analyst = await world.user(ANALYTICS, "analyst", allow("sts:AssumeRole"))
    may = await world.role(ANALYTICS, "may", allow("kms:Decrypt"), trust=trusts(analyst.arn))
    may_not = await world.role(ANALYTICS, "may-not", trust=trusts(analyst.arn))
    key = await a_key(world, key_policy=account_policy(PRODUCTION, grants_to({"AWS": [may.arn, may_not.arn]}, USE)))
    blob = await encrypted(world, PRODUCTION, key)
    for role, opens in ((may, True), (may_not, False)):
        session = await world.call(analyst, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
        if opens:
            assert (await world.call(session, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"secret"
        else:
            assert (await world.refused(session, "kms", "Decrypt", CiphertextBlob=blob)).code == "AccessDenied"


@story
async def test_a_user_made_anew_is_not_the_one_the_key_policy_named(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob")
    text = json.dumps(policy(grants_to(bob.arn)))
    made = await world.call(PRODUCTION, "kms", "CreateKey", Policy=text, BypassPolicyLockoutSafetyCheck=True)
    key = made["KeyMetadata"]["Arn"]
    await encrypted(world, bob, key)
    await world.sql("DELETE FROM users WHERE id = ?", bob.id)
    again = await world.user(PRODUCTION, "bob")
    assert again.arn == bob.arn
    assert (await world.refused(again, "kms", "Encrypt", KeyId=key, Plaintext=b"x")).code == "AccessDenied"


@story
async def test_a_deny_wins_on_both_sides(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("kms:*"))
    denied = {"Effect": "Deny", "Principal": {"AWS": alice.arn}, "Action": "kms:Decrypt", "Resource": "*"}
    key = await a_key(world, key_policy=account_policy(PRODUCTION, denied))
    blob = await encrypted(world, alice, key)
    error = await world.refused(alice, "kms", "Decrypt", CiphertextBlob=blob)
    assert error.message.endswith("with an explicit deny in a resource-based policy")
    bob = await world.user(PRODUCTION, "bob", allow("kms:*"), deny("kms:Encrypt"))
    assert (await world.refused(bob, "kms", "Encrypt", KeyId=key, Plaintext=b"x")).code == "AccessDenied"
    assert (await world.call(bob, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"secret"


@story
async def test_conditions_on_the_encryption_context_hold(world: World) -> None:
    condition = {
        "StringEquals": {"kms:EncryptionContext:department": "IT"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["department", "file"]},
    }
    alice = await world.user(PRODUCTION, "alice", allow("kms:Encrypt", Condition=condition))
    key = await a_key(world)
    await encrypted(world, alice, key, EncryptionContext={"department": "IT", "file": "1"})
    for context in ({}, {"department": "HR"}, {"department": "IT", "other": "x"}):
        error = await world.refused(alice, "kms", "Encrypt", KeyId=key, Plaintext=b"x", EncryptionContext=context)
        assert error.code == "AccessDenied"


@story
async def test_conditions_on_aliases_kind_and_caller_hold(world: World) -> None:
    key, mac = await a_key(world), await a_key(world, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    await an_alias(world, "alias/app", key)
    for name, condition in (
        ("by-request-alias", {"StringEquals": {"kms:RequestAlias": "alias/app"}}),
        ("by-alias", {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/a*"}}),
        ("by-spec", {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT"}}),
        ("by-origin", {"StringEquals": {"kms:KeyOrigin": "AWS_KMS", "kms:CallerAccount": PRODUCTION}}),
    ):
        user = await world.user(PRODUCTION, name, allow("kms:DescribeKey", Condition=condition))
        await world.call(user, "kms", "DescribeKey", KeyId="alias/app")
        by_id = key.rpartition("/")[2]
        if name == "by-request-alias":
            assert (await world.refused(user, "kms", "DescribeKey", KeyId=by_id)).code == "AccessDenied"
        else:
            await world.call(user, "kms", "DescribeKey", KeyId=by_id)
        if name in ("by-alias", "by-spec"):
            assert (await world.refused(user, "kms", "DescribeKey", KeyId=mac)).code == "AccessDenied"


@story
async def test_conditions_on_creating_keys_hold(world: World) -> None:
    condition = {
        "StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "aws:RequestTag/team": "data"},
        "Bool": {"kms:MultiRegion": "false"},
    }
    alice = await world.user(
        PRODUCTION, "alice", policy(statement("Allow", ["kms:CreateKey", "kms:TagResource"], "*", Condition=condition)),
        policy({**statement("Deny", "kms:*"), "Condition": {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}}),
    )  # fmt: skip
    tags = [{"TagKey": "team", "TagValue": "data"}]
    await world.call(alice, "kms", "CreateKey", Tags=tags)
    for given in (
        {},
        {"Tags": [{"TagKey": "team", "TagValue": "web"}]},
        {"Tags": tags, "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"Tags": tags, "BypassPolicyLockoutSafetyCheck": True},
    ):
        assert (await world.refused(alice, "kms", "CreateKey", **given)).code == "AccessDenied"


@story
async def test_re_encrypt_needs_from_on_one_key_and_to_on_the_other(world: World) -> None:
    source, destination = await a_key(world), await a_key(world)
    blob = await encrypted(world, PRODUCTION, source)
    given = {"CiphertextBlob": blob, "DestinationKeyId": destination}
    source_only = statement("Allow", "kms:ReEncryptFrom", source)
    both = await world.user(PRODUCTION, "both", policy(source_only, statement("Allow", "kms:ReEncryptTo", destination)))
    half = await world.user(PRODUCTION, "half", policy(source_only))
    same = {"Bool": {"kms:ReEncryptOnSameKey": "true"}}
    careful = await world.user(PRODUCTION, "careful", allow("kms:ReEncrypt*", Condition=same))
    await world.call(both, "kms", "ReEncrypt", **given)
    assert (await world.refused(half, "kms", "ReEncrypt", **given)).code == "AccessDenied"
    assert (await world.refused(careful, "kms", "ReEncrypt", **given)).code == "AccessDenied"
    await world.call(careful, "kms", "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=source)


@story
async def test_the_aws_managed_key_is_made_on_first_use_and_used_through_s3_alone(world: World) -> None:
    described = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId="alias/aws/s3"))["KeyMetadata"]
    assert (described["KeyManager"], described["KeyState"]) == ("AWS", "Enabled")
    again = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId="alias/aws/s3"))["KeyMetadata"]
    assert again["Arn"] == described["Arn"]
    other = (await world.call(ANALYTICS, "kms", "DescribeKey", KeyId="alias/aws/s3"))["KeyMetadata"]
    assert other["Arn"] != described["Arn"]
    key = described["Arn"]
    alice = await world.user(PRODUCTION, "alice", allow("kms:*"))
    for who in (PRODUCTION, alice):
        assert (await world.refused(who, "kms", "Encrypt", KeyId=key, Plaintext=b"x")).code == "AccessDenied"
    for name, members in (
        ("PutKeyPolicy", {"Policy": json.dumps(account_policy())}), ("DisableKey", {}), ("ScheduleKeyDeletion", {}),
        ("CreateGrant", {"GranteePrincipal": alice.arn, "Operations": ["Decrypt"]}), ("RotateKeyOnDemand", {}),
    ):  # fmt: skip
        assert (await world.refused(PRODUCTION, "kms", name, KeyId=key, **members)).code == "AccessDenied"
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
