"""Keys: made, named, switched off, deleted, rotated."""

from __future__ import annotations

import json

import pytest
from kms_builders import REGION, a_key, account_policy, an_alias, encrypted, grants_to

from builders import ANALYTICS, PRODUCTION, World, allow, policy, statement, story
from isthmus.kms import delete_due_keys, rotate_due_keys

DAY = 86400.0
UNKNOWN = "134f2428-cec1-4b25-a1ae-9048164dba47"


@story
async def test_a_key_is_described_as_aws_describes_it(world: World) -> None:
    made = await world.call(
        PRODUCTION, "kms", "CreateKey", Description="reports", Tags=[{"TagKey": "team", "TagValue": "a"}]
    )
    described = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId=made["KeyMetadata"]["KeyId"]))["KeyMetadata"]
    assert described == made["KeyMetadata"]
    assert described["Arn"] == f"arn:aws:kms:{REGION}:{PRODUCTION}:key/{described['KeyId']}"
    assert (described["KeyManager"], described["KeyState"], described["Enabled"]) == ("CUSTOMER", "Enabled", True)
    assert (described["KeyUsage"], described["KeySpec"]) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
    assert described["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    assert len(described["CurrentKeyMaterialId"]) == 64
    assert described["Description"] == "reports"


@story
async def test_the_default_policy_lets_the_account_decide(world: World) -> None:
    key = await a_key(world)
    answer = await world.call(PRODUCTION, "kms", "GetKeyPolicy", KeyId=key)
    assert json.loads(answer["Policy"])["Statement"] == [
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{PRODUCTION}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    assert (await world.call(PRODUCTION, "kms", "ListKeyPolicies", KeyId=key))["PolicyNames"] == ["default"]


@story
async def test_a_key_is_found_by_id_arn_alias_and_alias_arn(world: World) -> None:
    arn = await a_key(world)
    await an_alias(world, "alias/reports", arn)
    for name in (
        arn,
        arn.rpartition("/")[2],
        "alias/reports",
        f"arn:aws:kms:{REGION}:{PRODUCTION}:alias/reports",
    ):
        assert (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId=name))["KeyMetadata"]["Arn"] == arn


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (UNKNOWN, f"Key 'arn:aws:kms:{REGION}:{PRODUCTION}:key/{UNKNOWN}' does not exist"),
        ("no-id", "Invalid keyId 'no-id'"),
        (f"arn:aws:kms:eu-west-1:{PRODUCTION}:key/{UNKNOWN}", "Invalid arn eu-west-1"),
        ("alias/none", f"Alias arn:aws:kms:{REGION}:{PRODUCTION}:alias/none is not found."),
    ],
)
def test_what_names_no_key_is_not_found(named: str, message: str, tmp_path: object) -> None:
    @story
    async def tell(world: World) -> None:
        error = await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId=named)
        assert (error.code, error.message) == ("NotFoundException", message)

    tell(tmp_path)  # type: ignore[arg-type]


@story
async def test_who_may_not_use_keys_does_not_learn_which_exist(world: World) -> None:
    eve = await world.user(PRODUCTION, "eve")
    for named in (await a_key(world), UNKNOWN):
        assert (await world.refused(eve, "kms", "DescribeKey", KeyId=named)).code == "AccessDenied"


@story
async def test_a_disabled_key_is_not_used_until_it_is_enabled(world: World) -> None:
    key = await a_key(world)
    blob = await encrypted(world, PRODUCTION, key)
    await world.call(PRODUCTION, "kms", "DisableKey", KeyId=key)
    error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob)
    assert (error.code, error.message) == ("DisabledException", f"{key} is disabled.")
    await world.call(PRODUCTION, "kms", "EnableKey", KeyId=key)
    assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"secret"


@story
async def test_a_key_scheduled_for_deletion_is_gone_after_its_waiting_period(world: World) -> None:
    key = await a_key(world)
    await an_alias(world, "alias/old", key)
    blob = await encrypted(world, PRODUCTION, key)
    answer = await world.call(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion"
    assert answer["DeletionDate"] == world.now + 7 * DAY
    error = await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob)
    assert (error.code, error.message) == ("KMSInvalidStateException", f"{key} is pending deletion.")
    world.now += 7 * DAY - 1
    assert await delete_due_keys(world.system) == 0
    world.now += 1
    assert await delete_due_keys(world.system) == 1
    assert await delete_due_keys(world.system) == 0
    assert (await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId=key)).code == "NotFoundException"
    assert (await world.refused(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob)).code == "InvalidCiphertextException"
    assert (await world.call(PRODUCTION, "kms", "ListAliases"))["Aliases"] == []


@story
async def test_a_deletion_can_be_cancelled_and_leaves_the_key_disabled(world: World) -> None:
    key = await a_key(world)
    error = await world.refused(PRODUCTION, "kms", "CancelKeyDeletion", KeyId=key)
    assert error.code == "KMSInvalidStateException"
    await world.call(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key)
    await world.call(PRODUCTION, "kms", "CancelKeyDeletion", KeyId=key)
    world.now += 40 * DAY
    assert await delete_due_keys(world.system) == 0
    assert (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId=key))["KeyMetadata"]["KeyState"] == "Disabled"
    error = await world.refused(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=6)
    assert error.code == "ValidationError"


@story
async def test_rotated_keys_still_decrypt_what_old_material_encrypted(world: World) -> None:
    key = await a_key(world)
    old = await encrypted(world, PRODUCTION, key, b"old")
    first = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId=key))["KeyMetadata"]["CurrentKeyMaterialId"]
    await world.call(PRODUCTION, "kms", "RotateKeyOnDemand", KeyId=key)
    new = await encrypted(world, PRODUCTION, key, b"new")
    for blob, plaintext in ((old, b"old"), (new, b"new")):
        assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == plaintext
    rotations = (await world.call(PRODUCTION, "kms", "ListKeyRotations", KeyId=key))["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["ON_DEMAND"]
    assert (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=old))["KeyMaterialId"] == first
    assert (
        rotations[0]["KeyMaterialId"]
        == (await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=new))["KeyMaterialId"]
    )


@story
async def test_a_key_rotates_by_itself_when_its_day_has_come(world: World) -> None:
    key = await a_key(world)
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert status["KeyRotationEnabled"] is False
    await world.call(PRODUCTION, "kms", "EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert (status["KeyRotationEnabled"], status["NextRotationDate"]) == (True, world.now + 90 * DAY)
    world.now += 90 * DAY - 1
    assert await rotate_due_keys(world.system) == 0
    world.now += 1
    assert await rotate_due_keys(world.system) == 1
    assert await rotate_due_keys(world.system) == 0
    rotations = (await world.call(PRODUCTION, "kms", "ListKeyRotations", KeyId=key))["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["AUTOMATIC"]
    await world.call(PRODUCTION, "kms", "DisableKeyRotation", KeyId=key)
    world.now += 1000 * DAY
    assert await rotate_due_keys(world.system) == 0


@story
async def test_a_key_that_waits_for_its_deletion_tells_that_it_is_not_rotated(world: World) -> None:
    key = await a_key(world)
    await world.call(PRODUCTION, "kms", "EnableKeyRotation", KeyId=key)
    await world.call(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key)
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert status == {"KeyId": key.rpartition("/")[2], "KeyRotationEnabled": False}
    await world.call(PRODUCTION, "kms", "CancelKeyDeletion", KeyId=key)
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)


@story
async def test_a_key_that_cannot_be_rotated_tells_its_status_in_the_same_form(world: World) -> None:
    key = await a_key(world, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    status = await world.call(PRODUCTION, "kms", "GetKeyRotationStatus", KeyId=key)
    assert status == {"KeyId": key.rpartition("/")[2], "KeyRotationEnabled": False}


@story
async def test_a_key_can_be_rotated_on_demand_twenty_five_times(world: World) -> None:
    key = await a_key(world)
    for _ in range(25):
        await world.call(PRODUCTION, "kms", "RotateKeyOnDemand", KeyId=key)
    assert (await world.refused(PRODUCTION, "kms", "RotateKeyOnDemand", KeyId=key)).code == "LimitExceededException"


@story
async def test_aliases_are_made_moved_listed_and_deleted(world: World) -> None:
    first, second = await a_key(world), await a_key(world)
    await an_alias(world, "alias/app", first)
    error = await world.refused(PRODUCTION, "kms", "CreateAlias", AliasName="alias/app", TargetKeyId=second)
    arn = f"arn:aws:kms:{REGION}:{PRODUCTION}:alias/app"
    assert (error.code, error.message) == ("AlreadyExistsException", f"An alias with the name {arn} already exists")
    await world.call(PRODUCTION, "kms", "UpdateAlias", AliasName="alias/app", TargetKeyId=second)
    assert (await world.call(PRODUCTION, "kms", "ListAliases", KeyId=first))["Aliases"] == []
    (listed,) = (await world.call(PRODUCTION, "kms", "ListAliases", KeyId=second))["Aliases"]
    assert (listed["AliasName"], listed["AliasArn"]) == ("alias/app", arn)
    assert second.endswith(listed["TargetKeyId"])
    await world.call(PRODUCTION, "kms", "DeleteAlias", AliasName="alias/app")
    assert (await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId="alias/app")).code == "NotFoundException"
    assert (await world.refused(PRODUCTION, "kms", "DeleteAlias", AliasName="alias/app")).code == "NotFoundException"


@pytest.mark.parametrize(
    ("name", "code"),
    [("app", "ValidationError"), ("alias/aws/app", "NotAuthorizedException"), ("alias/", "InvalidAliasNameException")],
)
def test_some_alias_names_are_refused(name: str, code: str, tmp_path: object) -> None:
    @story
    async def tell(world: World) -> None:
        key = await a_key(world)
        assert (await world.refused(PRODUCTION, "kms", "CreateAlias", AliasName=name, TargetKeyId=key)).code == code

    tell(tmp_path)  # type: ignore[arg-type]


@story
async def test_an_alias_needs_permission_on_the_alias_and_on_the_key(world: World) -> None:
    key = await a_key(world)
    alias = f"arn:aws:kms:{REGION}:{PRODUCTION}:alias/app"
    for resources, may in (((alias,), False), ((key,), False), ((alias, key), True)):
        statements = [statement("Allow", "kms:CreateAlias", one) for one in resources]
        user = await world.user(PRODUCTION, f"user{len(resources)}{resources[0][-3:]}", policy(*statements))
        if may:
            await world.call(user, "kms", "CreateAlias", AliasName="alias/app", TargetKeyId=key)
        else:
            error = await world.refused(user, "kms", "CreateAlias", AliasName="alias/app", TargetKeyId=key)
            assert error.code == "AccessDenied"


@story
async def test_keys_and_aliases_are_listed_page_by_page(world: World) -> None:
    keys = {await a_key(world) for _ in range(5)}
    await a_key(world, ANALYTICS)
    seen: set[str] = set()
    given: dict[str, object] = {"Limit": 2}
    while True:
        answer = await world.call(PRODUCTION, "kms", "ListKeys", **given)
        seen |= {one["KeyArn"] for one in answer["Keys"]}
        if not answer["Truncated"]:
            break
        given["Marker"] = answer["NextMarker"]
    assert seen == keys
    error = await world.refused(PRODUCTION, "kms", "ListKeys", Marker="nothing we said")
    assert error.code == "InvalidMarkerException"


@story
async def test_keys_have_tags_that_policies_see(world: World) -> None:
    key = await a_key(world, Tags=[{"TagKey": "team", "TagValue": "data"}])
    condition = {"StringEquals": {"aws:ResourceTag/team": "data"}}
    alice = await world.user(PRODUCTION, "alice", allow("kms:Encrypt", Condition=condition))
    await encrypted(world, alice, key)
    await world.call(PRODUCTION, "kms", "TagResource", KeyId=key, Tags=[{"TagKey": "team", "TagValue": "web"}])
    error = await world.refused(alice, "kms", "Encrypt", KeyId=key, Plaintext=b"x")
    assert error.code == "AccessDenied"
    await world.call(PRODUCTION, "kms", "UntagResource", KeyId=key, TagKeys=["team"])
    assert (await world.call(PRODUCTION, "kms", "ListResourceTags", KeyId=key))["Tags"] == []


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([("aws:x", "1")], "Tags beginning with aws: are reserved"),
        ([("a", "1"), ("a", "2")], "Duplicate tag keys"),
        ([(str(number), "") for number in range(51)], "Too many tags"),
    ],
)
def test_bad_tags_are_refused_and_nothing_is_made(tags: list[tuple[str, str]], message: str, tmp_path: object) -> None:
    @story
    async def tell(world: World) -> None:
        given = [{"TagKey": name, "TagValue": value} for name, value in tags]
        error = await world.refused(PRODUCTION, "kms", "CreateKey", Tags=given)
        assert (error.code, error.message) == ("TagException", message)
        assert (await world.call(PRODUCTION, "kms", "ListKeys"))["Keys"] == []

    tell(tmp_path)  # type: ignore[arg-type]


@story
async def test_what_is_not_supported_is_refused(world: World) -> None:
    for given in ({"MultiRegion": True}, {"Origin": "EXTERNAL"}, {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}):
        assert (await world.refused(PRODUCTION, "kms", "CreateKey", **given)).code == "UnsupportedOperationException"
    error = await world.refused(PRODUCTION, "kms", "CreateKey", KeySpec="HMAC_256")
    assert error.code == "ValidationError"


@story
async def test_a_policy_that_locks_its_author_out_is_refused_unless_the_author_insists(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("kms:*"))
    bob = await world.user(PRODUCTION, "bob")
    locked = json.dumps(policy(grants_to(bob.arn)))
    error = await world.refused(alice, "kms", "CreateKey", Policy=locked)
    assert error.code == "MalformedPolicyDocumentException"
    assert error.message == "The new key policy will not allow you to update the key policy in the future."
    made = await world.call(alice, "kms", "CreateKey", Policy=locked, BypassPolicyLockoutSafetyCheck=True)
    key = made["KeyMetadata"]["Arn"]
    assert (await world.refused(alice, "kms", "DescribeKey", KeyId=key)).code == "AccessDenied"
    await world.call(
        bob, "kms", "PutKeyPolicy", KeyId=key, Policy=json.dumps(account_policy(PRODUCTION, grants_to(bob.arn)))
    )
    await world.call(alice, "kms", "DescribeKey", KeyId=key)


@story
async def test_a_policy_that_names_nobody_who_exists_is_refused(world: World) -> None:
    key = await a_key(world)
    nobody = account_policy(PRODUCTION, grants_to(f"arn:aws:iam::{PRODUCTION}:user/nobody"))
    error = await world.refused(PRODUCTION, "kms", "PutKeyPolicy", KeyId=key, Policy=json.dumps(nobody))
    assert error.code == "MalformedPolicyDocumentException"
    assert error.message == "Policy contains a statement with one or more invalid principals."
    for text in (
        "{",
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}',
    ):
        error = await world.refused(PRODUCTION, "kms", "PutKeyPolicy", KeyId=key, Policy=text)
        assert error.code == "MalformedPolicyDocumentException"
