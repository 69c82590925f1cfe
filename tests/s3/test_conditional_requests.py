"""If-Match, If-None-Match and the dates, of reads and writes; and writers of one key at the same moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from object_builders import bucket, content, refusal, rows, s3

from builders import World, story


@story
async def test_conditional_reads_follow_the_entity_tag_before_the_date(world: World) -> None:
    await bucket(world, "photos")
    etag = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"one"))["ETag"]
    written = datetime.fromtimestamp(world.now, UTC)
    before, at = written - timedelta(seconds=9), written
    cases: list[tuple[dict[str, Any], int]] = [
        ({"IfMatch": etag}, 200),
        ({"IfMatch": '"other"'}, 412),
        ({"IfMatch": etag, "IfUnmodifiedSince": before}, 200),
        ({"IfUnmodifiedSince": before}, 412),
        ({"IfUnmodifiedSince": at}, 200),
        ({"IfNoneMatch": etag}, 304),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfNoneMatch": '"other"', "IfModifiedSince": at}, 200),
        ({"IfNoneMatch": etag, "IfModifiedSince": before}, 304),
        ({"IfModifiedSince": at}, 304),
        ({"IfModifiedSince": before}, 200),
    ]
    for members, status in cases:
        if status == 412:
            error = await refusal(world, "GetObject", Bucket="photos", Key="a", **members)
            assert (error.code, error.status) == ("PreconditionFailed", 412)
        else:
            got = await s3(world, "GetObject", Bucket="photos", Key="a", **members)
            assert got.get("ResponseStatus", 200) == status, members


@story
async def test_conditional_writes_compare_with_the_current_object(world: World) -> None:
    await bucket(world, "photos")
    put = {"Bucket": "photos", "Key": "a"}
    assert (await refusal(world, "PutObject", **put, IfMatch='"x"')).code == "NoSuchKey"
    etag = (await s3(world, "PutObject", **put, body=b"one", IfNoneMatch="*"))["ETag"]
    error = await refusal(world, "PutObject", **put, body=b"two", IfNoneMatch="*")
    assert (error.code, error.extra["Condition"]) == ("PreconditionFailed", "If-None-Match")
    error = await refusal(world, "PutObject", **put, body=b"two", IfMatch='"x"')
    assert (error.code, error.extra["Condition"]) == ("PreconditionFailed", "If-Match")
    assert await content(world, "photos", "a") == b"one"
    await s3(world, "PutObject", **put, body=b"two", IfMatch=etag)
    assert await content(world, "photos", "a") == b"two"
    etag = (await s3(world, "HeadObject", **put))["ETag"]
    error = await refusal(world, "PutObject", **put, body=b"three", IfNoneMatch=etag)
    assert (error.code, error.extra["Condition"]) == ("PreconditionFailed", "If-None-Match")
    await s3(world, "PutObject", **put, body=b"three", IfNoneMatch='"x"')
    assert await content(world, "photos", "a") == b"three"


@story
async def test_of_two_writers_that_want_to_be_first_one_wins(world: World) -> None:
    await bucket(world, "photos")
    outcomes = await asyncio.gather(
        *(s3(world, "PutObject", Bucket="photos", Key="a", body=b"%d" % n * 50_000, IfNoneMatch="*") for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    [(content_id,)] = await rows(world, "SELECT content FROM object_versions")
    # What the others had written is gone.
    assert [batch async for batch in world.store.contents.found(0)] == [[content_id]]


@pytest.mark.parametrize("status", ["", "Enabled", "Suspended"])
def test_many_writers_of_one_key_leave_exactly_one_current_version(tmp_path: Any, status: str) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos", versioning=status)
        await asyncio.gather(*(s3(world, "PutObject", Bucket="photos", Key="a", body=b"%d" % n) for n in range(50)))
        found = await rows(world, "SELECT sequence, is_current, version_id FROM object_versions")
        assert len(found) == (50 if status == "Enabled" else 1)
        assert len({row[0] for row in found}) == len({row[2] for row in found}) == len(found)
        assert [row for row in found if row[1]] == [max(found)]

    told(tmp_path)


@story
async def test_a_range_counts_only_for_the_object_that_if_range_names(world: World) -> None:
    await bucket(world, "photos")
    etag = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"0123456789"))["ETag"]
    written = datetime.fromtimestamp(world.now, UTC)
    of_it = [etag, format_datetime(written, usegmt=True)]
    of_another = ['"other"', f"W/{etag}", format_datetime(written - timedelta(seconds=1), usegmt=True), "nonsense"]
    for said in of_it + of_another:
        read = {"Bucket": "photos", "Key": "a", "Range": "bytes=8-", "headers": {"if-range": said}}
        got = await s3(world, "GetObject", **read)
        assert (got["ContentLength"], "ContentRange" in got) == ((2, True) if said in of_it else (10, False)), said
