"""Uploads by HTML forms."""

from __future__ import annotations

from typing import Any

import pytest
from encryption_builders import BIG, UUID_KEY, a_kms_key, customer, stored
from object_builders import TrailingBody, bucket, content, refusal, rows, s3

from builders import World, story
from isthmus.operation import OPERATIONS, Call, authorise
from isthmus.s3.post import form_headers, form_input
from isthmus.wire import AwsError, Request, Response


async def post(
    world: World, fields: dict[str, str], file: bytes, length_range: tuple[int, int] | None = None
) -> Response:
    world.directory.refresh()
    caller, context = await world._caller("111122223333")
    body = TrailingBody(file, {})
    body.length = None
    call = Call(
        operation=OPERATIONS["s3", "PostObject"],
        input=form_input(fields, "me.jpg", "photos"),
        caller=caller,
        request=Request("POST", "/photos", "", form_headers({"host": "localhost"}, fields), body),
        system=world.system,
        context=context,
        request_id="request-1",
        now=world.now,
        region="us-east-1",
        found={"length_range": length_range},
    )
    await authorise(call)
    answer: Response = await call.operation.execute(call)
    return answer


@story
async def test_a_form_stores_its_file_under_its_name(world: World) -> None:
    await bucket(world, "photos")
    fields = {
        "key": "up/${filename}", "content-type": "image/jpeg", "x-amz-meta-by": "me",
        "tagging": "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
    }  # fmt: skip
    answer = await post(world, fields, b"x" * 100_000)
    assert answer.status == 204
    assert ("Location", "http://localhost/photos/up/me.jpg") in answer.headers
    assert await content(world, "photos", "up/me.jpg") == b"x" * 100_000
    head = await s3(world, "HeadObject", Bucket="photos", Key="up/me.jpg")
    assert (head["ContentType"], head["Metadata"], head["TagCount"]) == ("image/jpeg", {"by": "me"}, 1)


@story
async def test_the_form_says_how_to_answer(world: World) -> None:
    await bucket(world, "photos")
    created = await post(world, {"key": "a&b", "success_action_status": "201"}, b"x")
    assert created.status == 201
    assert b"<Key>a&amp;b</Key>" in (created.body if isinstance(created.body, bytes) else b"")
    assert (await post(world, {"key": "a", "success_action_status": "200"}, b"x")).status == 200
    assert (await post(world, {"key": "a", "success_action_status": "404"}, b"x")).status == 204
    away = await post(world, {"key": "a", "success_action_redirect": "http://example.com/?x=1"}, b"x")
    assert away.status == 303
    location = dict(away.headers)["Location"]
    assert location.startswith("http://example.com/?x=1&bucket=photos&key=a&etag=%22")
    assert (await post(world, {"key": "a", "success_action_redirect": "javascript:x"}, b"x")).status == 204


@story
async def test_a_form_says_how_its_file_is_encrypted(world: World) -> None:
    await bucket(world, "photos")
    given = customer()
    sse_c = "x-amz-server-side-encryption-customer-"
    fields = {
        f"{sse_c}algorithm": "AES256",
        f"{sse_c}key": given["SSECustomerKey"],
        f"{sse_c}key-md5": given["SSECustomerKeyMD5"],
    }
    answer = await post(world, {"key": "theirs", **fields}, BIG)
    assert (f"{sse_c}algorithm", "AES256") in answer.headers
    assert BIG[:100] not in await stored(world)
    assert await content(world, "photos", "theirs", **given) == BIG
    assert (await refusal(world, "GetObject", Bucket="photos", Key="theirs")).code == "InvalidRequest"
    key = await a_kms_key(world)
    kms = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": key}
    await post(world, {"key": "k", **kms}, b"x")
    head = await s3(world, "HeadObject", Bucket="photos", Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    with pytest.raises(AwsError) as caught:
        await post(world, {"key": "k", **kms, "x-amz-server-side-encryption-aws-kms-key-id": UUID_KEY}, b"y")
    assert caught.value.code == "KMS.NotFoundException"
    assert await content(world, "photos", "k") == b"x"


@story
async def test_metadata_of_a_form_may_say_what_no_header_can(world: World) -> None:
    await bucket(world, "photos")
    await post(world, {"key": "a", "x-amz-meta-note": "one\r\ntwo"}, b"x")
    head = await s3(world, "HeadObject", Bucket="photos", Key="a")
    assert head["Metadata"] == {"note": "=?UTF-8?B?b25lDQp0d28=?="}


@story
async def test_what_a_form_may_not_do(world: World) -> None:
    await bucket(world, "photos")
    cases: list[tuple[dict[str, str], Any, str]] = [
        ({}, None, "InvalidArgument"),
        ({"key": "a", "tagging": "<Tagging"}, None, "MalformedXML"),
        ({"key": "a"}, (0, 2), "EntityTooLarge"),
        ({"key": "a"}, (100, 200), "EntityTooSmall"),
        ({"key": "a", "acl": "public-read"}, None, "AccessControlListNotSupported"),
        ({"key": "a", "x-amz-server-side-encryption": "aes"}, None, "InvalidArgument"),
        ({"key": "a", "x-amz-checksum-crc32": "AAAAAA=="}, None, "BadDigest"),
        # What no header could give back.
        ({"key": "a", "content-type": "text/plain\r\nX-Other: b"}, None, "InvalidArgument"),
        ({"key": "a", "cache-control": "a\nb"}, None, "InvalidArgument"),
        ({"key": "a", "content-disposition": "a\rb"}, None, "InvalidArgument"),
        ({"key": "a", "content-encoding": "a\0b"}, None, "InvalidArgument"),
        ({"key": "a", "expires": "a\nb"}, None, "InvalidArgument"),
        ({"key": "a", "x-amz-website-redirect-location": "/a\nb"}, None, "InvalidArgument"),
        ({"key": "a", "x-amz-meta-a\r\nx-other": "b"}, None, "InvalidArgument"),
        ({"key": "a", "x-amz-meta-": "b"}, None, "InvalidArgument"),
    ]
    for fields, bounds, code in cases:
        with pytest.raises(AwsError) as caught:
            await post(world, fields, b"file", bounds)
        assert caught.value.code == code
    assert await rows(world, "SELECT 1 FROM object_versions") == []
