"""Calls of a World with the records they leave."""

from __future__ import annotations

import json
from typing import Any

import isthmus.cloudtrail
import isthmus.iam
import isthmus.organizations
import isthmus.s3
import isthmus.sts  # noqa: F401 - fills the table of operations
from builders import World, policy
from isthmus.cloudtrail import Answer, Event, events_of
from isthmus.operation import AccessDenied, Call, authorise
from isthmus.server.recorder import Recorder
from isthmus.wire import AwsError

KEY = "AKIAIOSFODNN7EXAMPLE"


async def events(world: World, who: Any, service: str, name: str, **members: Any) -> list[Event]:
    """The records of a call, whether it succeeds or not."""
    call = await world.new_call(who, service, name, **members)
    session = call.caller.session
    if who is not None:
        call.caller = call.caller._replace(access_key=KEY if session is None else session.access_key)
    call.request.headers |= {"user-agent": "test/1", "host": "localhost"}
    return events_of(call, Answer(await outcome(call)))


async def outcome(call: Call) -> AwsError | None:
    """Pass the last doors; the refusal, if it is one."""
    try:
        await authorise(call)
        call.output = await call.operation.execute(call)
    except AccessDenied as error:
        if call.operation.service == "s3":
            error.message = error.decision.s3_message
        return error
    except AwsError as error:
        return error
    return None


async def record_of(world: World, who: Any, service: str, name: str, **members: Any) -> dict[str, Any]:
    """The only record of a call."""
    (event,) = await events(world, who, service, name, **members)
    return event.record


class Trail:
    """A world whose calls are recorded, as a worker's are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.recorder = Recorder(world.system)

    async def call(self, who: Any, service: str, name: str, **members: Any) -> Any:
        """Make a call and write its records; its output, or None where it was refused."""
        call = await self.world.new_call(who, service, name, **members)
        error = await outcome(call)
        self.recorder.note_events(events_of(call, Answer(error)))
        await self.recorder.batches.write()
        self.world.directory.refresh()
        return None if error is not None else call.output

    async def lookup(self, account: str, **members: Any) -> list[dict[str, Any]]:
        """The records that an account finds."""
        found = await self.world.call(account, "cloudtrail", "LookupEvents", **members)
        return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def attribute(key: str, value: str) -> dict[str, Any]:
    """LookupAttributes with one attribute."""
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def bucket_policy(bucket: str, account: str, prefix: str = "", **condition: Any) -> str:
    """The bucket policy that AWS's documentation gives for trails of an account."""
    return json.dumps(
        policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{account}:trail/*"}},
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{account}/*",
                "Condition": {
                    "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **condition},
                    "StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{account}:trail/*"},
                },
            },
        )
    )


async def make_bucket(world: World, owner: str, trails_of: str, bucket: str = "logs", **more: Any) -> None:
    """A bucket that takes the trails of an account."""
    await world.call(owner, "s3", "CreateBucket", Bucket=bucket)
    await world.call(owner, "s3", "PutBucketPolicy", Bucket=bucket, Policy=bucket_policy(bucket, trails_of, **more))


async def make_trail(world: World, account: str, name: str = "audit", bucket: str = "logs", **more: Any) -> str:
    """A trail that is logging; its ARN."""
    made = await world.call(account, "cloudtrail", "CreateTrail", Name=name, S3BucketName=bucket, **more)
    await world.call(account, "cloudtrail", "StartLogging", Name=name)
    return str(made["TrailARN"])
