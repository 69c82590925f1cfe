"""Listings: order, prefixes, delimiters, pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from object_builders import bucket, refusal, rows, s3

from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus.s3.key_scan import after, behind, common_prefix, first_key, scan
from isthmus.store import Row, Transaction


async def fill(world: World, name: str, *keys: str) -> None:
    for key in keys:
        await s3(world, "PutObject", Bucket=name, Key=key, body=b"x")


async def pages(world: World, name: str, operation: str, **members: Any) -> list[list[str]]:
    """The keys and common prefixes of each page, to the last."""
    found: list[list[str]] = []
    more: dict[str, Any] = {}
    while True:
        page = await s3(world, operation, Bucket=name, **members, **more)
        keys = [item["Key"] for item in page["Contents"]]
        found.append(sorted(keys + [item["Prefix"] for item in page.get("CommonPrefixes", ())]))
        if not page["IsTruncated"]:
            return found
        if operation == "ListObjectsV2":
            more = {"ContinuationToken": page["NextContinuationToken"]}
        else:
            more = {"Marker": page.get("NextMarker") or keys[-1]}


@pytest.mark.parametrize("operation", ["ListObjects", "ListObjectsV2"])
def test_pages_join_up_with_and_without_a_delimiter(tmp_path: Any, operation: str) -> None:
    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        await fill(world, "photos", "a", "b/1", "b/2", "b/3", "c", "d/1", "d/x/2", "e")
        flat = await pages(world, "photos", operation, MaxKeys=3)
        assert flat == [["a", "b/1", "b/2"], ["b/3", "c", "d/1"], ["d/x/2", "e"]]
        rolled = await pages(world, "photos", operation, MaxKeys=2, Delimiter="/")
        assert rolled == [["a", "b/"], ["c", "d/"], ["e"]]
        assert await pages(world, "photos", operation, Prefix="d/", Delimiter="/") == [["d/1", "d/x/"]]
        assert await pages(world, "photos", operation, Prefix="zz") == [[]]
        assert await pages(world, "photos", operation, MaxKeys=0) == [[]]

    told(tmp_path)


@story
async def test_keys_come_in_the_order_of_their_bytes(world: World) -> None:
    await bucket(world, "photos")
    keys = ["Z", "a", "\u00e9", "\uffee", "\U0001f600"]
    await fill(world, "photos", *reversed(keys))
    page = await s3(world, "ListObjectsV2", Bucket="photos")
    assert [item["Key"] for item in page["Contents"]] == keys
    assert page["KeyCount"] == 5
    rolled = await s3(world, "ListObjectsV2", Bucket="photos", Delimiter="\u00e9")
    assert rolled["CommonPrefixes"] == [{"Prefix": "\u00e9"}]


@story
async def test_markers_are_exclusive_and_keys_can_be_url_encoded(world: World) -> None:
    await bucket(world, "photos")
    await fill(world, "photos", "a b", "a+b", "c/d")
    page = await s3(world, "ListObjectsV2", Bucket="photos", StartAfter="a b", EncodingType="url")
    assert [item["Key"] for item in page["Contents"]] == ["a%2Bb", "c/d"]
    assert "Owner" not in page["Contents"][0]
    with_owner = await s3(world, "ListObjectsV2", Bucket="photos", FetchOwner=True)
    assert with_owner["Contents"][0]["Owner"]["DisplayName"] == "production"
    first = await s3(world, "ListObjects", Bucket="photos", Marker="a+b")
    assert [item["Key"] for item in first["Contents"]] == ["c/d"]
    assert first["Contents"][0]["Owner"]


@story
async def test_what_a_listing_may_not_ask(world: World) -> None:
    await bucket(world, "photos")
    for members in (
        {"MaxKeys": -1},
        {"EncodingType": "morse"},
        {"ContinuationToken": "%%"},
        {"ContinuationToken": "abcd"},
    ):
        assert (await refusal(world, "ListObjectsV2", Bucket="photos", **members)).code == "InvalidArgument"
    error = await refusal(world, "ListObjectVersions", Bucket="photos", VersionIdMarker="x")
    assert error.code == "InvalidArgument"
    assert (await s3(world, "ListObjects", Bucket="photos", MaxKeys=5000))["MaxKeys"] == 1000


@story
async def test_listing_needs_the_permission_for_its_prefix(world: World) -> None:
    await bucket(world, "photos")
    only = allow("s3:ListBucket", Condition={"StringEquals": {"s3:prefix": "home/"}})
    alice = await world.user(PRODUCTION, "alice", only)
    await s3(world, "ListObjectsV2", who=alice, Bucket="photos", Prefix="home/")
    for members in ({}, {"Prefix": "other/"}):
        error = await refusal(world, "ListObjectsV2", who=alice, Bucket="photos", **members)
        assert error.code == "AccessDenied"
    assert (await refusal(world, "ListObjects", who=ANALYTICS, Bucket="photos")).code == "AccessDenied"
    assert (await refusal(world, "ListObjectVersions", who=alice, Bucket="photos")).code == "AccessDenied"


@story
async def test_delete_markers_hide_keys_from_listings_but_not_from_versions(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await fill(world, "photos", "a", "a", "b")
    await s3(world, "DeleteObject", Bucket="photos", Key="a")
    page = await s3(world, "ListObjectsV2", Bucket="photos")
    assert [item["Key"] for item in page["Contents"]] == ["b"]
    page = await s3(world, "ListObjectVersions", Bucket="photos")
    assert [(item["Key"], item["IsLatest"]) for item in page["Versions"]] == [
        ("a", False), ("a", False), ("b", True),
    ]  # fmt: skip
    assert [(item["Key"], item["IsLatest"]) for item in page["DeleteMarkers"]] == [("a", True)]


async def all_versions(world: World, **members: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    more: dict[str, Any] = {}
    while True:
        page = await s3(world, "ListObjectVersions", Bucket="photos", **members, **more)
        items = page["Versions"] + page["DeleteMarkers"]
        assert len(items) + len(page.get("CommonPrefixes", ())) <= members.get("MaxKeys", 1000)
        found += [(item["Key"], item["VersionId"]) for item in items]
        found += [(item["Prefix"], "") for item in page.get("CommonPrefixes", ())]
        if not page["IsTruncated"]:
            return found
        more = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            more["VersionIdMarker"] = page["NextVersionIdMarker"]


@story
async def test_versions_come_newest_first_across_pages(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await fill(world, "photos", *["a"] * 5, "b/1", "b/1", "b/2", *["c"] * 3)
    expected = [
        (key.decode(), version)
        for key, version in await rows(world, "SELECT key, version_id FROM object_versions ORDER BY key, sequence DESC")
    ]
    for size in (1, 2, 3, 4, 5, 100):
        assert await all_versions(world, MaxKeys=size) == expected
        rolled = await all_versions(world, MaxKeys=size, Delimiter="/")
        assert sorted(rolled) == sorted([item for item in expected if item[0] in "ac"] + [("b/", "")])


@story
async def test_versions_can_be_deleted_page_by_page(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    await fill(world, "photos", *["a"] * 7, "b")
    more: dict[str, Any] = {}
    while True:
        page = await s3(world, "ListObjectVersions", Bucket="photos", MaxKeys=2, **more)
        for item in page["Versions"]:
            await s3(world, "DeleteObject", Bucket="photos", Key=item["Key"], VersionId=item["VersionId"])
        if not page["IsTruncated"]:
            break
        more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert await rows(world, "SELECT 1 FROM object_versions") == []


@story
async def test_uploads_are_listed_by_key_and_then_by_age(world: World) -> None:
    await bucket(world, "photos")
    ids = []
    for key in ("a", "a", "a", "b/1", "b/2"):
        world.now += 1
        answer = await s3(world, "CreateMultipartUpload", Bucket="photos", Key=key)
        ids.append(answer["UploadId"])
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = await s3(world, "ListMultipartUploads", Bucket="photos", MaxUploads=2, **more)
        found += [item["UploadId"] for item in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert found == ids
    rolled = await s3(world, "ListMultipartUploads", Bucket="photos", Delimiter="/")
    assert (len(rolled["Uploads"]), rolled["CommonPrefixes"]) == (3, [{"Prefix": "b/"}])


@story
async def test_a_page_of_common_prefixes_does_not_read_what_it_rolls_up(world: World) -> None:
    number = await bucket(world, "photos")

    async def many(tx: Transaction) -> None:
        await tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) "
            "INSERT INTO object_versions (bucket_id, key, sequence, version_id, is_current, "
            "is_delete_marker, size, etag, modified, owner, storage_class, metadata) "
            "SELECT ?, CAST(printf('%d/%06d', i % 4, i) AS BLOB), 1, 'null', 1, 0, 1, 'e', 0, ?, "
            "'STANDARD', '{}' FROM n",
            number,
            PRODUCTION,
        )

    await world.store.objects.write(many)
    read = 0
    fetch_all = world.store.objects.fetch_all

    async def counted(sql: str, *values: Any) -> list[Row]:
        nonlocal read
        found = await fetch_all(sql, *values)
        read += len(found)
        return found

    world.store.objects.fetch_all = counted  # type: ignore[method-assign]
    page = await s3(world, "ListObjectsV2", Bucket="photos", Delimiter="/")
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["0/", "1/", "2/", "3/"]
    assert read < 100
    flat = await s3(world, "ListObjectsV2", Bucket="photos", Prefix="1/")
    assert len(flat["Contents"]) == 1000


_text = st.text(alphabet="ab/\u00e9", max_size=5)


@given(st.sets(_text.filter(bool), max_size=25), _text, st.sampled_from(["", "/", "a", "b/"]), _text,
       st.integers(1, 7))  # fmt: skip
def test_the_walk_agrees_with_a_plain_one(keys: set[str], prefix: str, delimiter: str, marker: str, limit: int) -> None:
    stored = sorted(key.encode() for key in keys)
    start_at, cut = prefix.encode(), delimiter.encode()

    async def fetch(start: bytes, end: bytes | None, most: int) -> list[Row]:
        return [(key,) for key in stored if start <= key and (end is None or key < end)][:most]

    async def walk() -> list[bytes]:
        found: list[bytes] = []
        start = first_key(marker.encode(), start_at, cut)
        while start is not None:
            page = await scan(fetch, start, start_at, cut, limit)
            assert len(page.rows) + len(page.prefixes) <= limit
            found += sorted([row[0] for row in page.rows] + page.prefixes)
            start = page.next_key
        return found

    expected: list[bytes] = []
    for key in stored:
        if not key.startswith(start_at):
            continue
        shown = (common_prefix(key, start_at, cut) if cut else None) or key
        rolled_marker = common_prefix(marker.encode(), start_at, cut) if cut else None
        if marker and marker.encode().startswith(start_at) and rolled_marker is not None:
            if key < rolled_marker or key.startswith(rolled_marker):
                continue
        elif marker and key <= marker.encode():
            continue
        if shown not in expected:
            expected.append(shown)
    assert asyncio.run(walk()) == expected


def test_ranges_of_keys() -> None:
    assert behind(b"a/") == b"a0"
    assert behind(b"a\xff") == b"b"
    assert behind(b"\xff") is None
    assert after(b"a") == b"a\0"
