"""Retention and legal hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from object_builders import bucket, refusal, s3

from builders import PRODUCTION, World, allow, story

KEY: dict[str, Any] = {"Bucket": "photos", "Key": "a"}


def later(world: World, seconds: float) -> datetime:
    return datetime.fromtimestamp(world.now + seconds, UTC)


async def retain(world: World, mode: str | None, seconds: float = 0, **more: Any) -> None:
    wanted = {"Mode": mode, "RetainUntilDate": later(world, seconds)} if mode else {}
    await s3(world, "PutObjectRetention", **KEY, Retention=wanted, **more)


async def not_retained(world: World, mode: str, seconds: float, **more: Any) -> str:
    wanted = {"Mode": mode, "RetainUntilDate": later(world, seconds)}
    return (await refusal(world, "PutObjectRetention", **KEY, Retention=wanted, **more)).code


@story
async def test_compliance_can_only_be_prolonged(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    version = (await s3(world, "PutObject", **KEY))["VersionId"]
    assert (await refusal(world, "GetObjectRetention", **KEY)).code == "NoSuchObjectLockConfiguration"
    await retain(world, "COMPLIANCE", 100)
    await retain(world, "COMPLIANCE", 200)
    for bypass in (False, True):
        more = {"BypassGovernanceRetention": bypass}
        assert await not_retained(world, "COMPLIANCE", 150, **more) == "AccessDenied"
        assert await not_retained(world, "GOVERNANCE", 300, **more) == "AccessDenied"
        error = await refusal(world, "DeleteObject", **KEY, VersionId=version, **more)
        assert error.code == "AccessDenied"
    shown = (await s3(world, "GetObjectRetention", **KEY))["Retention"]
    assert shown == {"Mode": "COMPLIANCE", "RetainUntilDate": later(world, 200)}
    world.now += 201
    await s3(world, "DeleteObject", **KEY, VersionId=version)


@story
async def test_governance_can_be_bypassed_by_who_may_and_says_so(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    await s3(world, "PutObject", **KEY)
    await retain(world, "GOVERNANCE", 100)
    assert await not_retained(world, "GOVERNANCE", 50) == "AccessDenied"
    clerk = await world.user(PRODUCTION, "clerk", allow("s3:PutObjectRetention"))
    code = await not_retained(world, "GOVERNANCE", 50, who=clerk, BypassGovernanceRetention=True)
    assert code == "AccessDenied"
    await retain(world, "GOVERNANCE", 50, BypassGovernanceRetention=True)
    await retain(world, None, BypassGovernanceRetention=True)
    assert (await refusal(world, "GetObjectRetention", **KEY)).code == "NoSuchObjectLockConfiguration"
    assert await not_retained(world, "GOVERNANCE", -1) == "InvalidArgument"
    assert await not_retained(world, "FOREVER", 1) == "MalformedXML"


@story
async def test_a_legal_hold_protects_until_it_is_off(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    await bucket(world, "plain")
    version = (await s3(world, "PutObject", **KEY))["VersionId"]
    await s3(world, "PutObjectLegalHold", **KEY, LegalHold={"Status": "ON"})
    assert (await s3(world, "HeadObject", **KEY))["ObjectLockLegalHoldStatus"] == "ON"
    error = await refusal(world, "DeleteObject", **KEY, VersionId=version, BypassGovernanceRetention=True)
    assert error.code == "AccessDenied"
    await s3(world, "PutObjectLegalHold", **KEY, LegalHold={"Status": "OFF"})
    await s3(world, "DeleteObject", **KEY, VersionId=version)
    error = await refusal(world, "GetObjectLegalHold", Bucket="plain", Key="a")
    assert error.code == "InvalidRequest"


@story
async def test_new_objects_get_the_retention_of_their_bucket(world: World) -> None:
    number = await bucket(world, "photos", versioning="Enabled", object_lock=1)
    await world.sql(
        "INSERT INTO bucket_configurations (bucket_id, kind, document) VALUES (?, 'object-lock', ?)",
        number,
        '{"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}',
    )
    await s3(world, "PutObject", **KEY)
    shown = (await s3(world, "GetObjectRetention", **KEY))["Retention"]
    assert shown == {"Mode": "GOVERNANCE", "RetainUntilDate": later(world, 2 * 86400)}


@story
async def test_the_mode_is_changed_only_by_who_may_bypass_governance(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    await s3(world, "PutObject", **KEY)
    await retain(world, "GOVERNANCE", 100)
    assert await not_retained(world, "COMPLIANCE", 100) == "AccessDenied"
    await retain(world, "COMPLIANCE", 100, BypassGovernanceRetention=True)
    assert await not_retained(world, "GOVERNANCE", 100, BypassGovernanceRetention=True) == "AccessDenied"


@story
async def test_a_default_retention_is_a_positive_number_of_days_or_years(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled", object_lock=1)
    for period, code in (
        ({"Days": 0}, "InvalidRetentionPeriod"),
        ({"Years": -1}, "InvalidRetentionPeriod"),
        ({"Days": 36_501}, "InvalidRetentionPeriod"),
        ({"Days": 1, "Years": 1}, "MalformedXML"),
    ):
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", **period}}
        given = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        error = await refusal(world, "PutObjectLockConfiguration", Bucket="photos", ObjectLockConfiguration=given)
        assert (error.code, error.status) == (code, 400)
