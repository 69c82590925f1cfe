"""Encryption under keys of KMS: whose policies decide, and what they see."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from encryption_builders import BIG, SMALL, UUID_KEY, a_kms_key, customer, kms, performed, stored
from object_builders import bucket, content, refusal, s3

from builders import ANALYTICS, PRODUCTION, World, allow, policy, statement, story, trusts


@story
async def test_an_object_under_a_kms_key_is_opened_by_who_may_decrypt(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    reader = await world.user(PRODUCTION, "reader", allow("s3:*"), allow("kms:Decrypt", key))
    blind = await world.user(PRODUCTION, "blind", allow("s3:*"))
    for name, body in (("small", SMALL), ("big", BIG)):
        put = await s3(world, "PutObject", Bucket="photos", Key=name, body=body, **kms(key))
        assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", key)
        assert put["ETag"] != f'"{hashlib.md5(body).hexdigest()}"'
        assert await content(world, "photos", name, who=reader) == body
        error = await refusal(world, "GetObject", who=blind, Bucket="photos", Key=name)
        assert (error.code, error.status) == ("AccessDenied", 403)
        assert error.message == (
            f"User: {blind.arn} is not authorized to perform: kms:Decrypt on resource: {key} because no "
            "identity-based policy allows the kms:Decrypt action"
        )
        await s3(world, "HeadObject", who=blind, Bucket="photos", Key=name)
        error = await refusal(world, "HeadObject", who=blind, Bucket="photos", Key=name, ChecksumMode="ENABLED")
        assert error.code == "AccessDenied"
    error = await refusal(world, "PutObject", who=reader, Bucket="photos", Key="x", body=SMALL, **kms(key))
    assert "kms:GenerateDataKey" in error.message
    assert SMALL not in await stored(world)


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        (UUID_KEY, "KMS.NotFoundException", f"Key '{UUID_KEY}' does not exist"),
        ("fake-key-id", "KMS.NotFoundException", "Invalid keyId 'fake-key-id'"),
        (UUID_KEY.replace("us-east-1", "eu-west-1"), "KMS.NotFoundException", "Invalid arn eu-west-1"),
        ("alias/none", "KMS.NotFoundException", "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found."),
    ],
)
def test_a_kms_key_that_is_not_there_is_told_in_the_words_of_kms(
    named: str, code: str, message: str, tmp_path: Any
) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        for name in ("PutObject", "CreateMultipartUpload"):
            error = await refusal(world, name, Bucket="photos", Key="a", **kms(named))
            assert (error.code, error.status, error.message) == (code, 400, message)

    told(tmp_path)


@story
async def test_the_state_of_a_kms_key_counts_at_once(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **kms(key, BucketKeyEnabled=True))
    assert await content(world, "photos", "a") == SMALL
    await world.call(PRODUCTION, "kms", "DisableKey", KeyId=key)
    for name, given in (("GetObject", {}), ("PutObject", kms(key))):
        error = await refusal(world, name, Bucket="photos", Key="a", **given)
        assert (error.code, error.message) == ("KMS.DisabledException", f"{key} is disabled.")
    await world.call(PRODUCTION, "kms", "ScheduleKeyDeletion", KeyId=key)
    error = await refusal(world, "GetObject", Bucket="photos", Key="a")
    assert (error.code, error.message) == ("KMS.KMSInvalidStateException", f"{key} is pending deletion.")
    await world.call(PRODUCTION, "kms", "CancelKeyDeletion", KeyId=key)
    await world.call(PRODUCTION, "kms", "EnableKey", KeyId=key)
    await world.call(PRODUCTION, "kms", "RotateKeyOnDemand", KeyId=key)
    assert await content(world, "photos", "a") == SMALL


@story
async def test_a_key_of_another_account_needs_both_accounts(world: World) -> None:
    await bucket(world, "photos")
    use = {"Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Effect": "Allow", "Resource": "*"}
    shared = await a_kms_key(world, ANALYTICS, {**use, "Principal": {"AWS": PRODUCTION}})
    closed = await a_kms_key(world, ANALYTICS)
    writer = await world.user(
        PRODUCTION, "writer", allow("s3:*"), allow(use["Action"], shared), allow(use["Action"], closed)
    )
    blind = await world.user(PRODUCTION, "blind", allow("s3:*"))
    await s3(world, "PutObject", who=writer, Bucket="photos", Key="a", body=SMALL, **kms(shared))
    assert await content(world, "photos", "a", who=writer) == SMALL
    error = await refusal(world, "PutObject", who=writer, Bucket="photos", Key="b", body=SMALL, **kms(closed))
    assert error.code == "AccessDenied"
    assert "no resource-based policies allow access" in error.message
    for name, given in (("GetObject", {}), ("PutObject", kms(shared))):
        error = await refusal(world, name, who=blind, Bucket="photos", Key="a", **given)
        action = "Decrypt" if name == "GetObject" else "GenerateDataKey"
        assert error.message.endswith(f"because no identity-based policy allows the kms:{action} action")


@story
async def test_a_role_of_another_account_reads_where_bucket_policy_key_policy_and_identity_allow(world: World) -> None:
    analyst = await world.user(ANALYTICS, "analyst", allow("sts:AssumeRole"))
    reading = policy(statement("Allow", "s3:GetObject"), statement("Allow", "kms:Decrypt"))
    reader = await world.role(ANALYTICS, "reader", reading, trust=trusts(analyst.arn))
    half = await world.role(ANALYTICS, "half", allow("s3:GetObject"), trust=trusts(analyst.arn))
    both = {"AWS": [reader.arn, half.arn]}
    open_to = statement("Allow", "s3:GetObject", "arn:aws:s3:::photos/*", Principal=both)
    await bucket(world, "photos")
    await s3(world, "PutBucketPolicy", Bucket="photos", Policy=json.dumps(policy(open_to)))
    shared = await a_kms_key(world, PRODUCTION, statement("Allow", "kms:Decrypt", Principal=both))
    closed = await a_kms_key(world)
    await s3(world, "PutObject", Bucket="photos", Key="shared", body=SMALL, **kms(shared))
    await s3(world, "PutObject", Bucket="photos", Key="closed", body=SMALL, **kms(closed))
    await s3(world, "PutObject", Bucket="photos", Key="managed", body=SMALL, **kms())
    session = await world.call(analyst, "sts", "AssumeRole", RoleArn=reader.arn, RoleSessionName="s")
    other = await world.call(analyst, "sts", "AssumeRole", RoleArn=half.arn, RoleSessionName="s")
    assert await content(world, "photos", "shared", who=session) == SMALL  # type: ignore[arg-type]
    for who, name in ((session, "closed"), (session, "managed"), (other, "shared")):
        error = await refusal(world, "GetObject", who=who, Bucket="photos", Key=name)
        assert error.code == "AccessDenied"
        assert "kms:Decrypt" in error.message


@story
async def test_the_managed_key_is_the_requester_s_own_account_s(world: World) -> None:
    await bucket(world, "photos")
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"))
    put = await s3(world, "PutObject", who=alice, Bucket="photos", Key="a", body=SMALL, **kms())
    described = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId="alias/aws/s3"))["KeyMetadata"]
    assert put["SSEKMSKeyId"] == described["Arn"]
    assert await content(world, "photos", "a", who=alice) == SMALL


@story
async def test_a_condition_on_the_service_holds_through_s3_alone(world: World) -> None:
    await bucket(world, "photos")
    through = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}, "Bool": {"aws:ViaAWSService": "true"}}
    elsewhere = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    key = await a_kms_key(world)
    use = ["kms:GenerateDataKey", "kms:Decrypt"]
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), allow(use, Condition=through))
    bob = await world.user(PRODUCTION, "bob", allow("s3:*"), allow(use, Condition=elsewhere))
    await s3(world, "PutObject", who=alice, Bucket="photos", Key="a", body=SMALL, **kms(key))
    assert await content(world, "photos", "a", who=alice) == SMALL
    error = await world.refused(alice, "kms", "GenerateDataKey", KeyId=key, KeySpec="AES_256")
    assert error.code == "AccessDenied"
    assert (await refusal(world, "GetObject", who=bob, Bucket="photos", Key="a")).code == "AccessDenied"


@story
async def test_a_condition_on_the_encryption_context_sees_the_object_or_the_bucket(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    use = ["kms:GenerateDataKey", "kms:Decrypt"]

    def only(arn: str) -> Mapping[str, Any]:
        return allow(use, Condition={"StringLike": {"kms:EncryptionContext:aws:s3:arn": arn}})

    objects = await world.user(PRODUCTION, "objects", allow("s3:*"), only("arn:aws:s3:::photos/public/*"))
    buckets = await world.user(PRODUCTION, "buckets", allow("s3:*"), only("arn:aws:s3:::photos"))
    for who, name, more, may in (
        (objects, "public/a", {}, True), (objects, "private/a", {}, False),
        (objects, "public/a", {"BucketKeyEnabled": True}, False),
        (buckets, "public/b", {}, False), (buckets, "public/b", {"BucketKeyEnabled": True}, True),
    ):  # fmt: skip
        given = {"Bucket": "photos", "Key": name, "body": SMALL, **kms(key, **more)}
        if may:
            await s3(world, "PutObject", who=who, **given)
            assert await content(world, "photos", name, who=who) == SMALL
        else:
            assert (await refusal(world, "PutObject", who=who, **given)).code == "AccessDenied"


@story
async def test_further_pairs_of_the_encryption_context_are_kept(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    context = base64.b64encode(json.dumps({"team": "data"}).encode()).decode()
    only = {"StringEquals": {"kms:EncryptionContext:team": "data"}}
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), allow("kms:*", Condition=only))
    given = {"Bucket": "photos", "Key": "a", "body": SMALL}
    await s3(world, "PutObject", who=alice, **given, **kms(key, SSEKMSEncryptionContext=context))
    assert await content(world, "photos", "a", who=alice) == SMALL
    assert (await refusal(world, "PutObject", who=alice, **given, **kms(key))).code == "AccessDenied"
    for text in (b"[]", b'{"a": 1}', b'{"aws:s3:arn": "x"}', b"{"):
        wrong = base64.b64encode(text).decode()
        error = await refusal(world, "PutObject", **given, **kms(key, SSEKMSEncryptionContext=wrong))
        assert error.code == "InvalidArgument"


@story
async def test_a_bucket_key_saves_calls_of_kms_but_no_decision(world: World) -> None:
    await bucket(world, "photos")
    key = await a_kms_key(world)
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), allow("kms:*"))
    given = {"Bucket": "photos", "body": SMALL, **kms(key)}
    assert await performed(world, alice, "PutObject", Key="1", **given) == ["GenerateDataKey"]
    assert await performed(world, alice, "PutObject", Key="2", **given) == ["GenerateDataKey"]
    assert await performed(world, alice, "GetObject", Bucket="photos", Key="1") == ["Decrypt"]
    given |= {"BucketKeyEnabled": True}
    assert await performed(world, alice, "PutObject", Key="3", **given) == ["GenerateDataKey"]
    assert await performed(world, alice, "PutObject", Key="4", **given) == []
    assert await performed(world, PRODUCTION, "PutObject", Key="5", **given) == ["GenerateDataKey"]
    assert await performed(world, alice, "GetObject", Bucket="photos", Key="3") == ["Decrypt"]
    assert await performed(world, alice, "GetObject", Bucket="photos", Key="4") == []
    assert (await s3(world, "HeadObject", Bucket="photos", Key="4"))["BucketKeyEnabled"] is True
    world.now += 301
    assert await performed(world, alice, "GetObject", Bucket="photos", Key="4") == ["Decrypt"]
    # What changes in IAM is in force at once, whatever is remembered.
    deny = json.dumps(policy(statement("Deny", "kms:Decrypt")))
    await world.sql("INSERT INTO inline_policies (entity_id, name, document) VALUES (?, 'no', ?)", alice.id, deny)
    assert (await refusal(world, "GetObject", who=alice, Bucket="photos", Key="4")).code == "AccessDenied"


@story
async def test_headers_that_contradict_each_other_are_refused(world: World) -> None:
    await bucket(world, "photos")
    for given in (
        {"SSEKMSKeyId": UUID_KEY}, {"ServerSideEncryption": "AES256", "SSEKMSKeyId": UUID_KEY},
        {"ServerSideEncryption": "aes:kms"}, {**customer(), **kms(UUID_KEY)},
    ):  # fmt: skip
        error = await refusal(world, "PutObject", Bucket="photos", Key="a", body=SMALL, **given)
        assert (error.code, error.status) == ("InvalidArgument", 400)
    await s3(world, "PutObject", Bucket="photos", Key="a", body=SMALL)
    for name in ("GetObject", "HeadObject"):
        error = await refusal(world, name, Bucket="photos", Key="a", headers={"x-amz-server-side-encryption": "AES256"})
        assert error.message == "x-amz-server-side-encryption header is not supported for this operation."


@story
async def test_an_unsigned_request_gets_nothing_that_kms_protects(world: World) -> None:
    open_to_all = statement("Allow", "s3:*", "arn:aws:s3:::photos/*", Principal="*")
    await bucket(world, "photos", policy=policy(open_to_all))
    key = await a_kms_key(world, PRODUCTION, statement("Allow", "kms:*", Principal="*"))
    await s3(world, "PutObject", Bucket="photos", Key="plain", body=SMALL)
    await s3(world, "PutObject", Bucket="photos", Key="kms", body=SMALL, **kms(key))
    assert await content(world, "photos", "plain", who=None) == SMALL
    for name, given in (("GetObject", {}), ("PutObject", kms(key))):
        error = await refusal(world, name, who=None, Bucket="photos", Key="kms", **given)
        assert error.code == "InvalidArgument"
        assert "AWS Signature Version 4" in error.message
