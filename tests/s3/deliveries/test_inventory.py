"""Inventory reports: their files, their columns, when they are due, and who lets them be delivered."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
from typing import Any
from urllib.parse import unquote

import pytest
from delivery_builders import deliver, owed
from object_builders import bucket, content, refusal, rows, s3, versioning

from builders import ANALYTICS, PRODUCTION, START, World, policy, statement, story
from isthmus.names import canonical_id
from isthmus.s3.deliveries import inventory
from isthmus.s3.deliveries.inventory import INVENTORY, KIND, schedule_reports
from isthmus.s3.deliveries.inventory_report import OPTIONAL
from isthmus.wire import operation_model

DAY = 86400.0


def report_policy(account: str = PRODUCTION, source: str = "photos") -> dict[str, Any]:
    """The policy that the User Guide shows for a destination bucket."""
    condition = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
        "StringEquals": {"aws:SourceAccount": account},
    }
    allowed = statement("Allow", "s3:PutObject", "arn:aws:s3:::lists/*", Condition=condition)
    return policy({**allowed, "Principal": {"Service": "s3.amazonaws.com"}})


def configuration(*fields: str, name: str = "all", **more: Any) -> dict[str, Any]:
    destination = {"Bucket": "arn:aws:s3:::lists", "Format": "CSV", "Prefix": "inv", **more.pop("destination", {})}
    return {
        "Id": name, "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"},
        "OptionalFields": list(fields), "Destination": {"S3BucketDestination": destination}, **more,
    }  # fmt: skip


async def configure(world: World, *fields: str, **more: Any) -> None:
    value = configuration(*fields, **more)
    await s3(world, "PutBucketInventoryConfiguration", Bucket="photos", Id=value["Id"], InventoryConfiguration=value)


async def ready(world: World, *fields: str, account: str = PRODUCTION, **more: Any) -> None:
    """`photos`, whose inventory goes to `lists`."""
    await bucket(world, "photos")
    await bucket(world, "lists", account, policy=report_policy())
    await configure(world, *fields, **more)


async def put(world: World, *keys: str) -> None:
    for key in keys:
        await s3(world, "PutObject", Bucket="photos", Key=key, body=b"four")


async def turn(world: World) -> None:
    """What the jobs do in one turn."""
    world.directory.refresh()
    await schedule_reports(world.system)
    await deliver(world, INVENTORY)


async def delivered(world: World, who: str = PRODUCTION) -> dict[str, bytes]:
    listed = await s3(world, "ListObjectsV2", who=who, Bucket="lists")
    return {one["Key"]: await content(world, "lists", one["Key"], who=who) for one in listed.get("Contents") or ()}


async def report(world: World, who: str = PRODUCTION) -> list[dict[str, str]]:
    """The rows of the newest report, found by its manifest as a reader would."""
    files = await delivered(world, who)
    newest = max(key for key in files if key.endswith("manifest.json"))
    manifest = json.loads(files[newest])
    names = manifest["fileSchema"].split(", ")
    found: list[dict[str, str]] = []
    for file in manifest["files"]:
        packed = files[file["key"]]
        assert (len(packed), hashlib.md5(packed, usedforsecurity=False).hexdigest()) == (
            file["size"],
            file["MD5checksum"],
        )
        text = gzip.decompress(packed).decode()
        found += [dict(zip(names, row, strict=True)) for row in csv.reader(io.StringIO(text))]
    return found


@story
async def test_a_report_has_aws_s_files_in_aws_s_places(world: World) -> None:
    await ready(world, "Size")
    await put(world, "a", 'b "c"/d,ü')
    await turn(world)
    files = await delivered(world)
    data, symlink, checksum, manifest = sorted(files, key=lambda key: (not key.endswith("gz"), "hive" not in key, key))
    assert data.startswith("inv/photos/all/data/")
    assert data.endswith(".csv.gz")
    assert symlink == "inv/photos/all/hive/dt=2027-01-15-08-00/symlink.txt"
    assert checksum == "inv/photos/all/2027-01-15T08-00Z/manifest.checksum"
    assert manifest == "inv/photos/all/2027-01-15T08-00Z/manifest.json"
    assert files[symlink].decode() == f"s3://lists/{data}"
    assert files[checksum].decode() == hashlib.md5(files[manifest], usedforsecurity=False).hexdigest()
    assert json.loads(files[manifest]) == {
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::lists",
        "version": "2016-11-30",
        "creationTimestamp": str(int(START * 1000)),
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": json.loads(files[manifest])["files"],
    }
    assert gzip.decompress(files[data]).decode() == ('"photos","a","4"\n"photos","b%20%22c%22/d%2C%C3%BC","4"\n')
    assert [unquote(row["Key"]) for row in await report(world)] == ["a", 'b "c"/d,ü']


@story
async def test_all_versions_are_told_apart_and_current_ones_come_without_delete_markers(world: World) -> None:
    await ready(world, "Size", "ETag")
    await configure(world, "Size", name="versions", IncludedObjectVersions="All", destination={"Prefix": "zzz"})
    await put(world, "plain")
    await versioning(world, "photos", "Enabled")
    await put(world, "a", "a", "b")
    await s3(world, "DeleteObject", Bucket="photos", Key="b")
    await turn(world)
    found = await report(world)
    assert [(row["Key"], row["IsLatest"], row["IsDeleteMarker"], row["Size"]) for row in found] == [
        ("a", "true", "false", "4"),
        ("a", "false", "false", "4"),
        ("b", "true", "true", ""),
        ("b", "false", "false", "4"),
        ("plain", "true", "false", "4"),
    ]
    assert [bool(row["VersionId"]) for row in found] == [True, True, True, True, False]
    current = next(text for key, text in (await delivered(world)).items() if key.startswith("inv/photos/all/data"))
    assert [line.split(",")[1] for line in gzip.decompress(current).decode().splitlines()] == ['"a"', '"plain"']


@story
async def test_every_optional_field_of_the_model_is_a_column(world: World) -> None:
    shape: Any = operation_model("s3", "PutBucketInventoryConfiguration").input_shape
    member = shape.members["InventoryConfiguration"].members["OptionalFields"].member
    assert set(OPTIONAL) == set(member.metadata["enum"])
    await ready(world, *OPTIONAL)
    await world.sql("UPDATE buckets SET ownership = 'ObjectWriter' WHERE name = 'photos'")
    await s3(
        world, "PutObject", Bucket="photos", Key="a", body=b"four", StorageClass="STANDARD_IA", ACL="authenticated-read"
    )
    await turn(world)
    (row,) = await report(world)
    acl = json.loads(base64.b64decode(row.pop("ObjectAccessControlList")))
    assert [grant["permission"] for grant in acl["grants"]] == ["FULL_CONTROL", "READ"]
    assert acl["grants"][0]["canonicalId"] == canonical_id(PRODUCTION)
    assert {name: value for name, value in row.items() if value} == {
        "Bucket": "photos",
        "Key": "a",
        "Size": "4",
        "LastModifiedDate": "2027-01-15T08:00:00.000Z",
        "ETag": "8cbad96aced40b3838dd9f07f6ef5772",
        "StorageClass": "STANDARD_IA",
        "IsMultipartUploaded": "false",
        "EncryptionStatus": "SSE-S3",
        "ObjectLockLegalHoldStatus": "Off",
        "BucketKeyStatus": "DISABLED",
        "ChecksumAlgorithm": "CRC64NVME",
        "ObjectOwner": canonical_id(PRODUCTION),
    }


@story
async def test_a_filter_limits_the_report_to_a_prefix(world: World) -> None:
    await ready(world, Filter={"Prefix": "in/"})
    await put(world, "in/a", "in/b", "in", "io", "a")
    await turn(world)
    assert [row["Key"] for row in await report(world)] == ["in/a", "in/b"]


@pytest.mark.parametrize("versions", ["Current", "All"])
def test_a_long_report_is_in_several_files_without_a_gap(
    versions: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_ROWS", 3)
    monkeypatch.setattr("isthmus.s3.deliveries.inventory_report._PAGE", 2)

    async def test(world: World) -> None:
        await ready(world, IncludedObjectVersions=versions)
        await versioning(world, "photos", "Enabled")
        await put(world, *"aaaabbcdefg")
        await turn(world)
        expected = sorted("aaaabbcdefg") if versions == "All" else sorted(set("aaaabbcdefg"))
        assert [row["Key"] for row in await report(world)] == expected
        files = json.loads(next(text for key, text in (await delivered(world)).items() if key.endswith(".json")))
        assert len(files["files"]) == -(-len(expected) // 3)

    story(test)(tmp_path)


@story
async def test_an_empty_bucket_has_a_report_of_no_rows(world: World) -> None:
    await ready(world)
    await turn(world)
    assert await report(world) == []


# When


async def reports(world: World) -> int:
    return sum(key.endswith("manifest.json") for key in await delivered(world))


@story
async def test_a_daily_report_comes_at_once_and_then_with_each_day(world: World) -> None:
    await ready(world)
    for _ in range(3):
        await turn(world)
    assert await reports(world) == 1
    world.now += DAY
    await turn(world)
    assert await reports(world) == 2


@story
async def test_a_weekly_report_comes_every_seven_days(world: World) -> None:
    await ready(world, Schedule={"Frequency": "Weekly"})
    counts = []
    for _ in range(15):
        await turn(world)
        counts.append(await reports(world))
        world.now += DAY
    assert counts[-1] == 3
    assert counts[:7].count(1) >= 1


@story
async def test_the_operator_s_day_is_the_inventory_s(world: World) -> None:
    await ready(world)
    await world.sql("INSERT INTO settings (name, value) VALUES ('lifecycle_day_seconds', '120')")
    await turn(world)
    world.now += 120
    await turn(world)
    assert await reports(world) == 2


@story
async def test_a_disabled_or_deleted_configuration_has_no_reports(world: World) -> None:
    await ready(world, IsEnabled=False)
    await turn(world)
    assert await delivered(world) == {}
    await configure(world)
    await turn(world)
    assert await reports(world) == 1
    await s3(world, "DeleteBucketInventoryConfiguration", Bucket="photos", Id="all")
    await configure(world, name="other")
    world.now += DAY
    await turn(world)
    assert await reports(world) == 2
    assert await rows(world, "SELECT configuration FROM inventory_periods") == [("other",)]


# Who


@story
async def test_a_destination_that_refuses_gets_one_report_once_it_allows(world: World) -> None:
    await ready(world)
    await s3(world, "DeleteBucketPolicy", Bucket="lists")
    for _ in range(2):
        await turn(world)
        world.now += DAY / 3
    assert await delivered(world) == {}
    document = json.dumps(report_policy())
    await s3(world, "PutBucketPolicy", Bucket="lists", Policy=document)
    world.now += DAY / 3
    await turn(world)
    assert await reports(world) == 1
    assert await owed(world, KIND) == []


@pytest.mark.parametrize("wrong", [{"account": ANALYTICS}, {"source": "other"}], ids=["account", "bucket"])
def test_a_policy_for_another_source_does_not_let_the_report_in(wrong: dict[str, str], tmp_path: Any) -> None:
    async def test(world: World) -> None:
        await ready(world)
        await s3(world, "PutBucketPolicy", Bucket="lists", Policy=json.dumps(report_policy(**wrong)))
        await turn(world)
        assert await delivered(world) == {}

    story(test)(tmp_path)


@story
async def test_a_report_goes_to_another_account_s_bucket_whose_policy_allows_it_and_is_its_owner_s(
    world: World,
) -> None:
    await ready(world, account=ANALYTICS)
    await world.sql("UPDATE buckets SET ownership = 'ObjectWriter' WHERE name = 'lists'")
    await put(world, "a")
    await turn(world)
    assert [row["Key"] for row in await report(world, ANALYTICS)] == ["a"]
    owners = await rows(world, "SELECT DISTINCT owner FROM object_versions WHERE CAST(key AS TEXT) LIKE 'inv/%'")
    assert owners == [(ANALYTICS,)]


@story
async def test_one_destination_that_refuses_does_not_hold_up_another(world: World) -> None:
    await ready(world)
    await bucket(world, "closed")
    await configure(world, name="a-closed", destination={"Bucket": "arn:aws:s3:::closed"})
    await turn(world)
    assert await reports(world) == 1
    assert len(await owed(world, KIND)) == 1


# Configuring


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"destination": {"Format": "ORC"}}, "NotImplemented"),
        ({"destination": {"Format": "Parquet"}}, "NotImplemented"),
        ({"destination": {"Bucket": "lists"}}, "InvalidS3DestinationBucket"),
        ({"destination": {"Bucket": "arn:aws:s3:::lists/a"}}, "InvalidS3DestinationBucket"),
        ({"destination": {"Bucket": "arn:aws:s3:::nowhere"}}, "InvalidS3DestinationBucket"),
        ({"destination": {"AccountId": ANALYTICS}}, "InvalidS3DestinationBucket"),
        ({"destination": {"AccountId": "me"}}, "InvalidArgument"),
    ],
)
def test_a_report_that_cannot_be_made_is_refused(change: dict[str, Any], code: str, tmp_path: Any) -> None:
    async def test(world: World) -> None:
        await bucket(world, "photos")
        await bucket(world, "lists")
        value = configuration(**json.loads(json.dumps(change)))
        given = {"Bucket": "photos", "Id": "all", "InventoryConfiguration": value}
        assert (await refusal(world, "PutBucketInventoryConfiguration", **given)).code == code
        assert (await refusal(world, "GetBucketInventoryConfiguration", Bucket="photos", Id="all")).status == 404

    story(test)(tmp_path)


@story
async def test_a_configuration_has_the_id_of_its_address_and_comes_back_as_given(world: World) -> None:
    await ready(world)
    found = await s3(world, "GetBucketInventoryConfiguration", Bucket="photos", Id="all")
    assert found["InventoryConfiguration"] == configuration()
    given = {"Bucket": "photos", "Id": "other", "InventoryConfiguration": configuration()}
    assert (await refusal(world, "PutBucketInventoryConfiguration", **given)).code == "IdMismatch"
