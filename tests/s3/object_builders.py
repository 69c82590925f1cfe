"""Buckets, and S3 calls with bodies and headers, for tests of objects.

@story
async def test_an_object_comes_back(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one")
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import isthmus.s3
from builders import PRODUCTION, START, World
from isthmus.identity import User
from isthmus.operation import OPERATIONS, Call, authorise
from isthmus.s3.object_bytes import read_all
from isthmus.store import Transaction
from isthmus.wire import AwsError, BytesBody, Request

assert isthmus.s3  # importing it registers the operations
_ids = itertools.count(1)


async def bucket(world: World, name: str, account: str = PRODUCTION, **columns: Any) -> int:
    """A bucket of the account, BucketOwnerEnforced and unversioned unless columns say otherwise."""
    number = next(_ids)
    values: dict[str, Any] = {
        "id": number, "name": name, "account": account, "region": "us-east-1",
        "ownership": "BucketOwnerEnforced", "created": START, **columns,
    }  # fmt: skip
    if isinstance(values.get("policy"), dict):
        values["policy"] = json.dumps(values["policy"])
    marks = ", ".join("?" * len(values))
    await world.sql(f"INSERT INTO buckets ({', '.join(values)}) VALUES ({marks})", *values.values())

    async def live(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (?)", number)

    await world.store.objects.write(live)
    return number


async def versioning(world: World, name: str, status: str) -> None:
    await world.sql("UPDATE buckets SET versioning = ? WHERE name = ?", status, name)


class TrailingBody(BytesBody):
    """A body as the server hands it over: with trailers."""

    def __init__(self, data: bytes, trailers: Mapping[str, str]) -> None:
        super().__init__(data)
        self.trailers = dict(trailers)


async def s3(
    world: World,
    name: str,
    *,
    who: User | str | None = PRODUCTION,
    body: bytes | BytesBody = b"",
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Pass the doors from authorisation on, as the owner's root unless `who` says otherwise."""
    world.directory.refresh()
    operation = OPERATIONS["s3", name]
    caller, context = await world._caller(who)
    call = Call(
        operation=operation,
        input=members,
        caller=caller,
        request=Request("PUT", "/", "", dict(headers or {}), body if isinstance(body, BytesBody) else BytesBody(body)),
        system=world.system,
        context=context,
        request_id="request-1",
        now=world.now,
        region="us-east-1",
    )
    await authorise(call)
    output: dict[str, Any] = await operation.execute(call)
    return output


async def refusal(world: World, name: str, **more: Any) -> AwsError:
    """The error of a call that must not succeed."""
    try:
        output = await s3(world, name, **more)
    except AwsError as error:
        return error
    raise AssertionError(f"{name} was not refused: {output}")


async def content(world: World, name: str, key: str, **more: Any) -> bytes:
    """What GetObject sends."""
    output = await s3(world, "GetObject", Bucket=name, Key=key, **more)
    return b"".join([data async for data in read_all(output["Body"])])


async def rows(world: World, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the objects database."""
    return await world.store.objects.fetch_all(sql, *values)
