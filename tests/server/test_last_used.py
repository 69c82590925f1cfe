"""When keys and roles were last used is seen by IAM, and nothing is noted for a signature that is wrong."""

from __future__ import annotations

import asyncio

from builders import PRODUCTION, World, allow, story, trusts
from isthmus.server.pipeline import Pipeline
from isthmus.signing.sign import sign_headers
from isthmus.wire import Request


def signed(world: World, key: str, secret: str, token: str | None = None) -> Request:
    request = Request("GET", "/", "", {"host": "localhost"})
    request.headers |= sign_headers(request, key, secret, world.now, session_token=token)
    return request


@story
async def test_a_use_of_an_access_key_is_shown_once_written(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"))
    key, other = await world.access_key(PRODUCTION, alice), await world.access_key(PRODUCTION, alice)
    pipeline = Pipeline(world.system)
    assert (await pipeline.answer(signed(world, key.id, key.secret))).status == 200
    assert (await pipeline.answer(signed(world, other.id, "wrong"))).status == 403
    writing = asyncio.create_task(pipeline.last_used.keep_writing(world.store.objects, 0.01))
    await asyncio.sleep(0.2)
    writing.cancel()
    used = await world.call(PRODUCTION, "iam", "GetAccessKeyLastUsed", AccessKeyId=key.id)
    assert used["AccessKeyLastUsed"]["ServiceName"] == "s3"
    assert used["AccessKeyLastUsed"]["LastUsedDate"].timestamp() == world.now
    unused = await world.call(PRODUCTION, "iam", "GetAccessKeyLastUsed", AccessKeyId=other.id)
    assert unused["AccessKeyLastUsed"]["ServiceName"] == "N/A"


@story
async def test_a_use_of_a_role_is_shown_once_written(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("sts:AssumeRole"))
    await world.role(PRODUCTION, "reader", allow("s3:*"), trust=trusts(alice.arn))
    arn = f"arn:aws:iam::{PRODUCTION}:role/reader"
    given = (await world.call(alice, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="s"))["Credentials"]
    pipeline = Pipeline(world.system)
    request = signed(world, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert (await pipeline.answer(request)).status == 200
    assert (await world.call(PRODUCTION, "iam", "GetRole", RoleName="reader"))["Role"]["RoleLastUsed"] == {}
    await pipeline.last_used.write(world.store.objects)
    role = (await world.call(PRODUCTION, "iam", "GetRole", RoleName="reader"))["Role"]
    assert role["RoleLastUsed"]["Region"] == "us-east-1"
