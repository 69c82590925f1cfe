"""Configurations come back as they were given, and impossible ones are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from builders import ANALYTICS, PRODUCTION, World, story
from isthmus import s3
from isthmus.s3 import cors_headers, preflight
from isthmus.wire import AwsError, Request

assert s3.documents

LIFECYCLE = {"ID": "old", "Filter": {"Prefix": "log/"}, "Status": "Enabled", "Expiration": {"Days": 3}}
CORS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"]}
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}

STORED: list[tuple[str, str, str, Any]] = [
    ("BucketCors", "CORSConfiguration", "DeleteBucketCors", {"CORSRules": [CORS]}),
    (
        "BucketWebsite",
        "WebsiteConfiguration",
        "DeleteBucketWebsite",
        {"IndexDocument": {"Suffix": "index.html"}},
    ),
    ("BucketRequestPayment", "RequestPaymentConfiguration", "", {"Payer": "Requester"}),
    ("BucketAccelerateConfiguration", "AccelerateConfiguration", "", {"Status": "Enabled"}),
    ("BucketTagging", "Tagging", "DeleteBucketTagging", {"TagSet": [{"Key": "a", "Value": "b"}]}),
]

REFUSED: list[tuple[str, str, Any, str]] = [
    ("BucketCors", "CORSConfiguration", {"CORSRules": []}, "MalformedXML"),
    (
        "BucketCors",
        "CORSConfiguration",
        {"CORSRules": [CORS | {"AllowedMethods": ["FLY"]}]},
        "InvalidRequest",
    ),
    ("BucketCors", "CORSConfiguration", {"CORSRules": [CORS | {"AllowedOrigins": ["**"]}]}, "InvalidRequest"),
    ("BucketCors", "CORSConfiguration", {"CORSRules": [CORS | {"ExposeHeaders": ["x-*"]}]}, "InvalidRequest"),
    ("BucketCors", "CORSConfiguration", {"CORSRules": [CORS | {"ExposeHeaders": ["a\nb"]}]}, "InvalidRequest"),
    ("BucketWebsite", "WebsiteConfiguration", {}, "InvalidArgument"),
    ("BucketLifecycleConfiguration", "LifecycleConfiguration", {"Rules": [LIFECYCLE] * 2}, "InvalidArgument"),
    (
        "BucketLifecycleConfiguration",
        "LifecycleConfiguration",
        {"Rules": [{**LIFECYCLE, "Expiration": {"Days": 0}}]},
        "InvalidArgument",
    ),
    (
        "BucketLifecycleConfiguration",
        "LifecycleConfiguration",
        {"Rules": [{**LIFECYCLE, "Expiration": {"Date": datetime(2027, 1, 1, 5, tzinfo=UTC)}}]},
        "InvalidArgument",
    ),
    ("BucketVersioning", "VersioningConfiguration", {}, "IllegalVersioningConfigurationException"),
    ("BucketVersioning", "VersioningConfiguration", {"Status": "enabled"}, "MalformedXML"),
    ("ObjectLockConfiguration", "ObjectLockConfiguration", LOCK, "InvalidBucketState"),
    ("BucketReplication", "ReplicationConfiguration", {"Role": "r", "Rules": []}, "InvalidRequest"),
    ("BucketTagging", "Tagging", {"TagSet": [{"Key": "aws:x", "Value": "b"}]}, "InvalidTag"),
    ("BucketTagging", "Tagging", {"TagSet": [{"Key": "a", "Value": "b"}] * 2}, "InvalidTag"),
    ("BucketLogging", "BucketLoggingStatus", {"LoggingEnabled": {"TargetBucket": "no", "TargetPrefix": ""}},
     "InvalidTargetBucketForLogging"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "member", "delete", "value"), STORED)
def test_what_was_put_is_got(tmp_path: Any, suffix: str, member: str, delete: str, value: Any) -> None:
    @story
    async def run(world: World) -> None:
        await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
        refused = await world.refused(ANALYTICS, "s3", f"Put{suffix}", Bucket="photos", **{member: value})
        assert refused.code == "AccessDenied"
        await world.call(PRODUCTION, "s3", f"Put{suffix}", Bucket="photos", **{member: value})
        assert await world.call(PRODUCTION, "s3", f"Get{suffix}", Bucket="photos") == value
        if delete:
            await world.call(PRODUCTION, "s3", delete, Bucket="photos")
            assert (await world.refused(PRODUCTION, "s3", f"Get{suffix}", Bucket="photos")).status == 404

    run(tmp_path)


@pytest.mark.parametrize(("suffix", "member", "value", "code"), REFUSED)
def test_impossible_configurations_are_refused(tmp_path: Any, suffix: str, member: str, value: Any, code: str) -> None:
    @story
    async def run(world: World) -> None:
        await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
        error = await world.refused(PRODUCTION, "s3", f"Put{suffix}", Bucket="photos", **{member: value})
        assert error.code == code

    run(tmp_path)


@story
async def test_lifecycle_dates_come_back_as_dates_and_rules_get_ids(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    date = datetime(2027, 6, 1, tzinfo=UTC)
    rule = {"Filter": {}, "Status": "Enabled", "Expiration": {"Date": date}}
    await world.call(
        PRODUCTION, "s3", "PutBucketLifecycleConfiguration", Bucket="photos",
        LifecycleConfiguration={"Rules": [rule]},
    )  # fmt: skip
    got = await world.call(PRODUCTION, "s3", "GetBucketLifecycleConfiguration", Bucket="photos")
    assert got["Rules"][0]["Expiration"] == {"Date": date}
    assert got["Rules"][0]["ID"]


@story
async def test_a_bucket_with_object_lock_stays_versioned(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos", ObjectLockEnabledForBucket=True)
    assert (await world.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="photos")) == {"Status": "Enabled"}
    off = {"Status": "Suspended"}
    error = await world.refused(PRODUCTION, "s3", "PutBucketVersioning", Bucket="photos", VersioningConfiguration=off)
    assert (error.code, error.status) == ("InvalidBucketState", 409)
    await world.call(PRODUCTION, "s3", "PutObjectLockConfiguration", Bucket="photos", ObjectLockConfiguration=LOCK)
    got = await world.call(PRODUCTION, "s3", "GetObjectLockConfiguration", Bucket="photos")
    assert got["ObjectLockConfiguration"] == LOCK


@story
async def test_mfa_delete_asks_the_root_user_for_a_fresh_code(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    serial = await world.mfa_device(PRODUCTION, PRODUCTION, "root")
    on = {"Status": "Enabled", "MFADelete": "Enabled"}
    put = {"Bucket": "photos", "VersioningConfiguration": on}
    error = await world.refused(PRODUCTION, "s3", "PutBucketVersioning", **put)
    assert error.message == "Mfa Authentication must be used for this request"
    await world.call(PRODUCTION, "s3", "PutBucketVersioning", **put, MFA=f"{serial} {world.code()}")
    assert (await world.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="photos")) == on
    off = {"Bucket": "photos", "VersioningConfiguration": {"Status": "Suspended"}}
    assert (await world.refused(PRODUCTION, "s3", "PutBucketVersioning", **off)).code == "AccessDenied"


@story
async def test_configurations_with_ids_are_listed_by_id(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    name = "BucketMetricsConfiguration"
    for number in ("b", "a"):
        await world.call(
            PRODUCTION, "s3", "Put" + name, Bucket="photos", Id=number, MetricsConfiguration={"Id": number}
        )
    got = await world.call(PRODUCTION, "s3", f"List{name}s", Bucket="photos")
    assert got == {"MetricsConfigurationList": [{"Id": "a"}, {"Id": "b"}], "IsTruncated": False}
    await world.call(PRODUCTION, "s3", "Delete" + name, Bucket="photos", Id="a")
    for verb in ("Get", "Delete"):
        error = await world.refused(PRODUCTION, "s3", verb + name, Bucket="photos", Id="a")
        assert (error.code, error.status) == ("NoSuchConfiguration", 404)


@story
async def test_browsers_are_answered_for_pages_the_bucket_allows(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    await world.call(PRODUCTION, "s3", "PutBucketCors", Bucket="photos", CORSConfiguration={"CORSRules": [CORS]})
    world.directory.refresh()
    bucket = await world.directory.bucket("photos")

    def asked(origin: str, method: str = "GET", headers: str = "X-Amz-Date") -> Request:
        return Request("OPTIONS", "/photos/k", "", {
            "origin": origin,
            "access-control-request-method": method,
            "access-control-request-headers": headers,
        })  # fmt: skip

    answer = dict(preflight(bucket, asked("https://a.example.com")).headers)
    assert answer["Access-Control-Allow-Origin"] == "https://a.example.com"
    assert answer["Access-Control-Allow-Headers"] == "x-amz-date"
    for request in (
        asked("https://a.example.org"),
        asked("https://a.example.com", "PUT"),
        asked("https://a.example.com", headers="x-other"),
    ):
        with pytest.raises(AwsError) as caught:
            preflight(bucket, request)
        assert (caught.value.code, caught.value.status) == ("AccessForbidden", 403)
    get = Request("GET", "/photos/k", "", {"origin": "https://b.example.com"})
    assert ("Access-Control-Allow-Origin", "https://b.example.com") in cors_headers(bucket, get)
    assert cors_headers(bucket, Request("GET", "/photos/k", "", {})) == []
