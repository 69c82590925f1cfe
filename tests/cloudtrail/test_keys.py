"""KMS in the audit trail: who is told of the use of a key, and trails whose files are encrypted with one."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from recording import KEY, Trail, events, make_bucket, make_trail, record_of

import isthmus.kms  # noqa: F401 - fills the table of operations
from builders import ANALYTICS, PRODUCTION, World, allow, policy, story
from isthmus.cloudtrail import deliver_trails
from isthmus.server.recorder import Recorder

OWNER = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "kms:*", "Resource": "*"}
CLOUDTRAIL = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "kms:GenerateDataKey*",
    "Resource": "*",
    "Condition": {
        "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{PRODUCTION}:trail/audit"},
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{PRODUCTION}:trail/*"},
    },
}


async def key(world: World, *statements: Any) -> str:
    """A key of Production; its ARN."""
    made = await world.call(PRODUCTION, "kms", "CreateKey", Policy=json.dumps(policy(OWNER, *statements)))
    return str(made["KeyMetadata"]["Arn"])


# Records


@story
async def test_the_owner_of_a_key_is_told_of_its_use_by_another_account(world: World) -> None:
    alice = await world.user(ANALYTICS, "alice", allow("kms:*"))
    arn = await key(world, {**OWNER, "Principal": {"AWS": alice.arn}})
    own, other = await events(
        world, alice, "kms", "Encrypt", KeyId=arn, Plaintext=b"the secret", EncryptionContext={"team": "data"}
    )
    assert (own.account, other.account) == (ANALYTICS, PRODUCTION)
    assert own.record["sharedEventID"] == other.record["sharedEventID"]
    assert other.record["userIdentity"] == {"type": "AWSAccount", "principalId": alice.id, "accountId": ANALYTICS}
    for event in (own, other):
        assert event.record["resources"] == [{"accountId": PRODUCTION, "type": "AWS::KMS::Key", "ARN": arn}]
        assert event.record["requestParameters"]["encryptionContext"] == {"team": "data"}
        assert (event.record["readOnly"], event.record["responseElements"]) == (True, None)
        assert "the secret" not in json.dumps(event.record)
        assert ("AWS::KMS::Key", arn) in event.resources


@story
async def test_a_refused_use_is_told_to_both_without_the_caller_s_name(world: World) -> None:
    alice = await world.user(ANALYTICS, "alice", allow("kms:*"))
    arn = await key(world)
    own, other = await events(world, alice, "kms", "Encrypt", KeyId=arn, Plaintext=b"x")
    assert own.record["errorCode"] == other.record["errorCode"] == "AccessDenied"
    assert alice.arn in own.record["errorMessage"]
    assert "alice" not in json.dumps(other.record)
    nothing = arn[:-12] + "000000000000"
    assert [one.account for one in await events(world, alice, "kms", "Encrypt", KeyId=nothing, Plaintext=b"x")] == [
        ANALYTICS
    ]


@story
async def test_the_record_of_a_new_key_names_the_key(world: World) -> None:
    (event,) = await events(world, PRODUCTION, "kms", "CreateKey")
    arn = event.record["responseElements"]["keyMetadata"]["arn"]
    assert event.record["resources"] == [{"accountId": PRODUCTION, "type": "AWS::KMS::Key", "ARN": arn}]
    assert event.resources == (("AWS::KMS::Key", arn),)
    eve = await world.user(PRODUCTION, "eve")
    (refused,) = await events(world, eve, "kms", "CreateKey")
    assert (refused.record["errorCode"], "resources" in refused.record) == ("AccessDenied", False)


@story
async def test_what_is_asked_of_all_keys_is_about_none(world: World) -> None:
    await key(world)
    for name, members in (("ListKeys", {}), ("ListAliases", {}), ("GenerateRandom", {"NumberOfBytes": 8})):
        assert "resources" not in await record_of(world, PRODUCTION, "kms", name, **members)


@story
async def test_the_records_of_some_changes_name_the_key_that_their_answers_do_not(world: World) -> None:
    arn, other = await key(world), await key(world)
    grant = {"GranteePrincipal": f"arn:aws:iam::{PRODUCTION}:root", "Operations": ["Encrypt"]}
    for name, members, told in (
        ("EnableKeyRotation", {"KeyId": arn}, {"keyId": arn}),
        ("DisableKeyRotation", {"KeyId": arn}, None),
        ("CreateAlias", {"AliasName": "alias/a", "TargetKeyId": other}, {"keyId": other}),
        ("UpdateAlias", {"AliasName": "alias/a", "TargetKeyId": arn}, {"keyId": arn}),
        ("DeleteAlias", {"AliasName": "alias/a"}, {"keyId": arn}),
        ("DisableKey", {"KeyId": arn}, {"keyId": arn}),
        ("CreateGrant", {"KeyId": arn, **grant}, None),  # refused: the key is disabled
        ("EnableKey", {"KeyId": arn}, {"keyId": arn}),
    ):
        assert (await record_of(world, PRODUCTION, "kms", name, **members))["responseElements"] == told, name
    granted = await record_of(world, PRODUCTION, "kms", "CreateGrant", KeyId=arn, **grant)
    assert granted["responseElements"]["keyId"] == arn
    assert len(granted["responseElements"]["grantId"]) == 64


@story
async def test_records_have_the_id_of_a_grant_and_never_its_token(world: World) -> None:
    arn, root = await key(world), f"arn:aws:iam::{PRODUCTION}:root"
    grant = {"KeyId": arn, "GranteePrincipal": root, "Operations": ["Encrypt"], "RetiringPrincipal": root}
    created = await record_of(world, PRODUCTION, "kms", "CreateGrant", **grant)
    assert created["responseElements"] == {"grantId": created["responseElements"]["grantId"], "keyId": arn}
    made = await world.call(PRODUCTION, "kms", "CreateGrant", **grant)
    retired = await record_of(world, PRODUCTION, "kms", "RetireGrant", GrantToken=made["GrantToken"])
    assert retired["additionalEventData"] == {"grantId": made["GrantId"]}
    assert (retired["requestParameters"], retired["responseElements"]) == (None, None)
    assert retired["resources"] == [{"accountId": PRODUCTION, "type": "AWS::KMS::Key", "ARN": arn}]


@story
async def test_what_is_encrypted_and_signed_is_left_out_of_records(world: World) -> None:
    arn = await key(world)
    record = await record_of(world, PRODUCTION, "kms", "Encrypt", KeyId=arn, Plaintext=b"x")
    assert record["requestParameters"] == {"keyId": arn}


@story
async def test_what_s3_asks_of_kms_for_its_caller_is_recorded_as_that_caller_s_through_s3(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow(["s3:*", "kms:*"]))
    arn = await key(world)
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    call = await world.new_call(alice, "s3", "PutObject", Bucket="reports", Key="a", ServerSideEncryption="aws:kms",
                                SSEKMSKeyId=arn)  # fmt: skip
    call.caller = call.caller._replace(access_key=KEY)
    for permission in call.operation.permissions[:1]:
        await permission.on(call)
    await call.operation.execute(call)
    recorder = Recorder(world.system)
    recorder.note_service_call(call, None)
    await recorder.batches.write()
    found = await world.call(PRODUCTION, "cloudtrail", "LookupEvents")
    records = [json.loads(one["CloudTrailEvent"]) for one in found["Events"]]
    (record,) = [one for one in records if one["eventSource"] == "kms.amazonaws.com"]
    assert record["eventName"] == "GenerateDataKey"
    assert record["userIdentity"]["userName"] == "alice"
    assert record["userIdentity"]["invokedBy"] == "s3.amazonaws.com"
    assert (record["sourceIPAddress"], record["userAgent"]) == ("s3.amazonaws.com", "s3.amazonaws.com")
    assert "tlsDetails" not in record


# Trails


@story
async def test_files_are_encrypted_with_the_trail_s_key_and_digests_are_not(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    arn = await key(world, CLOUDTRAIL)
    trail = Trail(world)
    await make_trail(world, PRODUCTION, KmsKeyId=arn.rpartition("/")[2], EnableLogFileValidation=True)
    assert (await world.call(PRODUCTION, "cloudtrail", "GetTrail", Name="audit"))["Trail"]["KmsKeyId"] == arn
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    for _ in range(2):
        world.now += 3600
        world.directory.refresh()
        await deliver_trails(world.system)
    listed = await world.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="logs")
    keys = {one["Key"].split("/")[2]: one["Key"] for one in listed["Contents"]}
    log = await world.call(PRODUCTION, "s3", "HeadObject", Bucket="logs", Key=keys["CloudTrail"])
    assert (log["ServerSideEncryption"], log["SSEKMSKeyId"]) == ("aws:kms", arn)
    digest = await world.call(PRODUCTION, "s3", "HeadObject", Bucket="logs", Key=keys["CloudTrail-Digest"])
    assert digest.get("SSEKMSKeyId") is None
    reader = await world.user(PRODUCTION, "reader", allow(["s3:GetObject", "kms:Decrypt"]))
    body = (await world.call(reader, "s3", "GetObject", Bucket="logs", Key=keys["CloudTrail"]))["Body"]
    content = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
    assert json.loads(gzip.decompress(content))["Records"][0]["eventName"] == "CreateUser"
    other = await world.user(PRODUCTION, "other", allow("s3:GetObject"))
    error = await world.refused(other, "s3", "GetObject", Bucket="logs", Key=keys["CloudTrail"])
    assert error.code == "AccessDenied"


@pytest.mark.parametrize(
    ("statement", "named", "code"),
    [
        (None, None, "InsufficientEncryptionPolicyException"),
        ({**CLOUDTRAIL, "Principal": {"Service": "logging.s3.amazonaws.com"}}, None,
         "InsufficientEncryptionPolicyException"),
        ({**CLOUDTRAIL, "Condition": {"StringEquals": {"aws:SourceAccount": ANALYTICS}}}, None,
         "InsufficientEncryptionPolicyException"),
        (CLOUDTRAIL, "12345678-1234-1234-1234-123456789012", "KmsKeyNotFoundException"),
        (CLOUDTRAIL, "alias/nothing", "KmsKeyNotFoundException"),
        (CLOUDTRAIL, f"arn:aws:kms:us-east-1:{ANALYTICS}:key/12345678-1234-1234-1234-123456789012",
         "InsufficientEncryptionPolicyException"),
        (CLOUDTRAIL, "no key is called this", "KmsKeyNotFoundException"),
    ],
)  # fmt: skip
def test_keys_that_cloudtrail_may_not_use(statement: Any, named: Any, code: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        await make_bucket(world, PRODUCTION, PRODUCTION)
        arn = await key(world, *([] if statement is None else [statement]))
        make = {"Name": "audit", "S3BucketName": "logs", "KmsKeyId": named or arn}
        assert (await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)).code == code

    tell(tmp_path)


@story
async def test_a_key_that_is_disabled_is_refused_and_fails_deliveries(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    arn = await key(world, CLOUDTRAIL)
    trail = Trail(world)
    await make_trail(world, PRODUCTION, KmsKeyId=arn)
    await trail.call(PRODUCTION, "kms", "DisableKey", KeyId=arn)
    error = await world.refused(PRODUCTION, "cloudtrail", "UpdateTrail", Name="audit", KmsKeyId=arn)
    assert error.code == "KmsKeyDisabledException"
    world.now += 300
    await deliver_trails(world.system)
    status = await world.call(PRODUCTION, "cloudtrail", "GetTrailStatus", Name="audit")
    assert status["LatestDeliveryError"].startswith("KMS")
    changed = await world.call(PRODUCTION, "cloudtrail", "UpdateTrail", Name="audit", KmsKeyId="")
    assert changed["KmsKeyId"] is None
    world.now += 300
    world.directory.refresh()
    assert await deliver_trails(world.system) == 1
