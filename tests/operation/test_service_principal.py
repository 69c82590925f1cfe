"""Services as callers: the bucket's policy decides, and sees for whom they act."""

from __future__ import annotations

import json

import pytest

import isthmus.s3  # noqa: F401 - fills the table of operations
from builders import ANALYTICS, PRODUCTION, World, story
from isthmus.operation import call_as_service
from isthmus.wire import AwsError

LOGGING = "logging.s3.amazonaws.com"


async def put(world: World, service: str = LOGGING, source: str = PRODUCTION) -> None:
    world.directory.refresh()
    await call_as_service(
        world.system,
        service,
        ("s3", "PutObject"),
        {"Bucket": "logs", "Key": "access/1"},
        source_account=source,
        source_arn="arn:aws:s3:::reports",
        body=b"a line",
    )


async def allow_logging(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="logs")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": LOGGING},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/access/*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": PRODUCTION},
            "ArnLike": {"aws:SourceArn": "arn:aws:s3:::reports"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="logs", Policy=document)


@story
async def test_a_service_may_what_the_resource_s_policy_allows_it(world: World) -> None:
    await allow_logging(world)
    await put(world)
    answer = await world.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="logs")
    assert [one["Key"] for one in answer["Contents"]] == ["access/1"]


@story
async def test_a_service_may_nothing_by_itself(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="logs")
    with pytest.raises(AwsError) as refusal:
        await put(world)
    assert refusal.value.code == "AccessDenied"


@story
async def test_a_service_is_no_deputy_of_another_account_nor_another_service(world: World) -> None:
    await allow_logging(world)
    for service, source in ((LOGGING, ANALYTICS), ("cloudtrail.amazonaws.com", PRODUCTION)):
        with pytest.raises(AwsError) as refusal:
            await put(world, service, source)
        assert refusal.value.code == "AccessDenied"
