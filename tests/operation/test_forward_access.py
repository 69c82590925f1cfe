"""S3 asks KMS in its caller's name: the caller's permissions decide, and policies see who asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

import isthmus.kms
import isthmus.s3
from builders import ANALYTICS, PRODUCTION, Json, World, allow, deny, policy, story
from isthmus.identity import User
from isthmus.operation import (
    OPERATIONS,
    AccessDenied,
    Call,
    authorise_for_caller,
    call_as_service,
    perform_for_caller,
)
from isthmus.wire import AwsError, Request

assert isthmus.kms and isthmus.s3  # importing them registers the operations
VIA = {"kms:viaservice": "s3.us-east-1.amazonaws.com"}


async def a_key(world: World, *statements: Json) -> str:
    own = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "kms:*", "Resource": "*"}
    text = json.dumps(policy(own, *statements))
    output = await world.call(PRODUCTION, "kms", "CreateKey", Policy=text)
    return str(output["KeyMetadata"]["Arn"])


async def a_call(world: World, who: User | str, **context: Any) -> Call:
    """A request to S3 as it stands when S3 needs a key."""
    world.directory.refresh()
    caller, found = await world._caller(who)
    return Call(
        operation=OPERATIONS["s3", "GetObject"],
        input={"Bucket": "reports", "Key": "k"},
        caller=caller,
        request=Request("GET", "/", "", {}),
        system=world.system,
        context={**found, "aws:sourceip": "10.0.0.1", "aws:useragent": "aws-cli", **context},
        request_id="outer",
        now=world.now,
        region="us-east-1",
    )


async def data_key(call: Call, key: str, region: str = "us-east-1") -> Any:
    given = {"KeyId": key, "KeySpec": "AES_256"}
    return await perform_for_caller(call, ("kms", "GenerateDataKey"), given, region=region, context=VIA)


@story
async def test_the_caller_s_permissions_decide(world: World) -> None:
    key = await a_key(world)
    may = await world.user(PRODUCTION, "may", allow("kms:GenerateDataKey", key))
    may_not = await world.user(PRODUCTION, "may-not", allow("kms:GenerateDataKey", key), deny("kms:*"))
    assert len((await data_key(await a_call(world, may), key))["Plaintext"]) == 32
    with pytest.raises(AccessDenied):
        await data_key(await a_call(world, may_not), key)


@story
async def test_policies_see_the_service_and_not_the_client(world: World) -> None:
    key = await a_key(world)
    for number, (condition, allowed) in enumerate((
        ({"StringEquals": {"kms:ViaService": VIA["kms:viaservice"]}}, True),
        ({"StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}, False),
        ({"Bool": {"aws:ViaAWSService": "true"}}, True),
        ({"Bool": {"aws:ViaAWSService": "false"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.1"}}, False),
        ({"Null": {"aws:SourceIp": "true", "aws:UserAgent": "true"}}, True),
        ({"Null": {"aws:CalledVia": "true"}}, True),
        ({"StringEquals": {"kms:CallerAccount": PRODUCTION}}, True),
        ({"StringEquals": {"kms:CallerAccount": ANALYTICS}}, False),
    )):  # fmt: skip
        user = await world.user(PRODUCTION, f"user{number}", allow("kms:GenerateDataKey", key, Condition=condition))
        call = await a_call(world, user)
        if allowed:
            await data_key(call, key)
        else:
            with pytest.raises(AccessDenied):
                await data_key(call, key)


@story
async def test_the_region_is_that_of_the_asked_service(world: World) -> None:
    key = await a_key(world)
    assert await data_key(await a_call(world, PRODUCTION), key)
    with pytest.raises(AwsError) as refused:
        await data_key(await a_call(world, PRODUCTION), key, region="eu-west-1")
    assert refused.value.code == "NotFoundException"


@story
async def test_what_was_performed_is_noted_with_its_outcome_and_what_was_only_decided_is_not(world: World) -> None:
    key = await a_key(world)
    call = await a_call(world, await world.user(PRODUCTION, "reader", allow("kms:Decrypt", key)))
    with pytest.raises(AccessDenied):
        await data_key(call, key)
    blob = (await world.call(PRODUCTION, "kms", "Encrypt", KeyId=key, Plaintext=b"x"))["CiphertextBlob"]
    given = {"KeyId": key, "CiphertextBlob": blob}
    await authorise_for_caller(call, ("kms", "Decrypt"), given, region="us-east-1", context=VIA)
    with pytest.raises(AccessDenied):
        await authorise_for_caller(call, ("kms", "GenerateDataKey"), {"KeyId": key}, region="us-east-1", context=VIA)
    (noted,) = call.performed
    assert noted.call.operation.name == "GenerateDataKey"
    assert noted.error is not None
    assert noted.error.code == "AccessDenied"
    allowed = await a_call(world, PRODUCTION)
    await data_key(allowed, key)
    assert [one.error for one in allowed.performed] == [None]


@story
async def test_a_service_that_acts_by_itself_needs_the_key_policy(world: World) -> None:
    service = "delivery.logs.amazonaws.com"
    delivery = {"Effect": "Allow", "Principal": {"Service": service}}
    its_key = {**delivery, "Action": "kms:GenerateDataKey", "Resource": "*"}
    its_key["Condition"] = {"StringEquals": {"aws:SourceAccount": PRODUCTION}}
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="logs")
    bucket_policy = policy({**delivery, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*"})
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="logs", Policy=json.dumps(bucket_policy))
    for key, source, allowed in (
        (await a_key(world), PRODUCTION, False),
        (await a_key(world, its_key), ANALYTICS, False),
        (await a_key(world, its_key), PRODUCTION, True),
    ):
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        await world.call(
            PRODUCTION, "s3", "PutBucketEncryption", Bucket="logs", ServerSideEncryptionConfiguration=rules
        )
        world.directory.refresh()
        put = call_as_service(
            world.system,
            service,
            ("s3", "PutObject"),
            {"Bucket": "logs", "Key": "1"},
            source_account=source,
            source_arn="arn:aws:s3:::reports",
            body=b"a line",
        )
        if allowed:
            await put
        else:
            with pytest.raises(AwsError) as refused:
                await put
            assert refused.value.code == "AccessDenied"
