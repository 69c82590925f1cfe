"""Trails: making, changing, listing, starting and stopping them, and how their deliveries went.

Source: CloudTrail API reference. What trails can have on AWS beyond buckets (SNS topics, CloudWatch Logs, Insights) is
refused in words. The trail of an organization is made by its management account and logs what its members do; members
see it and cannot change it (CloudTrail User Guide, "Creating a trail for an organization").
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .delivery import deliver
from .delivery_rows import forget_trail, status_of_trail
from .destination import check_destination, check_names
from .encryption import usable_key
from .event import iso_second
from .naming import found_trail, home_trail, new_trail, sees, trail_permission, trail_resource
from .organization_trails import organization_to_log
from .tags import remove_all_tags, set_tags
from .trails_table import Trail, columns, trail_arn, trails_of, trails_seen_by

_MOST_TRAILS = 5  # in a region ("Quotas in AWS CloudTrail")


@operation(
    "cloudtrail",
    "CreateTrail",
    new_trail("CreateTrail"),
    new_trail("AddTags", lambda call: bool(call.input.get("TagsList")), "with tags"),
)
async def create_trail(call: Call) -> dict[str, Any]:
    """Make a trail, which does not log before StartLogging."""
    given = call.input
    _refuse_what_is_missing(given)
    name, bucket, prefix = given["Name"], given["S3BucketName"], given.get("S3KeyPrefix") or ""
    global_events = given.get("IncludeGlobalServiceEvents", True)
    multi_region = given.get("IsMultiRegionTrail", False)
    _check_regions(multi_region, global_events)
    check_names(bucket, prefix)
    arn = trail_arn(call.account, call.region, name)
    trail = Trail(
        arn=arn, account=call.account, region=call.region, name=name, bucket=bucket, prefix=prefix,
        global_events=global_events, multi_region=multi_region, organization=await organization_to_log(call, None),
        log_file_validation=given.get("EnableLogFileValidation", False), kms_key=await _key(call, arn, None),
        event_selectors=None, advanced_event_selectors=None, logging=False, started=None, stopped=None,
        created=call.now,
    )  # fmt: skip
    await _check_destination(call, trail)

    async def work(tx: Transaction) -> None:
        present = await trails_of(tx, call.account)
        if any(one.name == name and (one.region == call.region or one.multi_region) for one in present):
            raise _already(name, call.account)
        if sum(one.region == call.region for one in present) >= _MOST_TRAILS:
            raise AwsError(
                "MaximumNumberOfTrailsExceededException",
                f"User: {call.account} already has {_MOST_TRAILS} trails in {call.region}.",
            )
        await tx.execute(
            "INSERT INTO trails (arn, account, region, name, bucket, prefix, global_events, multi_region,"
            " organization, log_file_validation, kms_key, logging, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            arn, call.account, call.region, name, bucket, prefix, int(global_events), int(multi_region),
            trail.organization, int(trail.log_file_validation), trail.kms_key, call.now,
        )  # fmt: skip
        await set_tags(tx, arn, given.get("TagsList") or ())

    try:
        await call.system.identity.write(work)
    except IntegrityConflict:
        raise _already(name, call.account) from None
    # What a trail of the same name left behind is not this one's.
    await forget_trail(call.system.objects, arn)
    return _settings(trail)


@operation("cloudtrail", "UpdateTrail", trail_permission("UpdateTrail"))
async def update_trail(call: Call) -> dict[str, Any]:
    """Change what is given of a trail's settings."""
    given = call.input
    _refuse_what_is_missing(given)
    trail = home_trail(call)
    bucket, prefix = given.get("S3BucketName", trail.bucket), given.get("S3KeyPrefix", trail.prefix)
    global_events = given.get("IncludeGlobalServiceEvents", trail.global_events)
    multi_region = given.get("IsMultiRegionTrail", trail.multi_region)
    _check_regions(multi_region, global_events)
    check_names(bucket, prefix)
    key = await _key(call, trail.arn, trail.kms_key)
    organization = await organization_to_log(call, trail.organization)
    changed = {
        "bucket": bucket,
        "prefix": prefix,
        "global_events": int(global_events),
        "multi_region": int(multi_region),
        "organization": organization,
        "log_file_validation": int(given.get("EnableLogFileValidation", trail.log_file_validation)),
        "kms_key": key,
    }
    await _check_destination(call, replace(trail, bucket=bucket, prefix=prefix, organization=organization))
    return _settings(await _change(call, trail, changed))


@operation("cloudtrail", "DeleteTrail", trail_permission("DeleteTrail"))
async def delete_trail(call: Call) -> dict[str, Any]:
    """Remove a trail, after a last delivery of what waits; what its bucket then refuses is lost. Its files stay."""
    trail = home_trail(call)
    await deliver(call.system, trail)

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM trails WHERE arn = ?", trail.arn)
        await remove_all_tags(tx, trail.arn)

    await call.system.identity.write(work)
    await forget_trail(call.system.objects, trail.arn)
    return {}


@operation("cloudtrail", "GetTrail", trail_permission("GetTrail"))
async def get_trail(call: Call) -> dict[str, Any]:
    """The settings of a trail."""
    return {"Trail": _described(found_trail(call))}


@operation("cloudtrail", "DescribeTrails", Permission("cloudtrail:DescribeTrails", on=on_anything))
async def describe_trails(call: Call) -> dict[str, Any]:
    """The settings of the account's trails that are seen from this region, or of those named."""
    named = call.input.get("trailNameList") or []
    if not named:
        shadows = call.input.get("includeShadowTrails", True)
        trails = await trails_seen_by(call.system.identity, call.account)
        shown = [one for one in trails if one.region == call.region or (shadows and one.multi_region)]
        return {"trailList": [_described(one) for one in shown]}
    found = []
    for name in named:
        await trail_resource(call, name, {})
        trail: Trail | None = call.found["trail"]
        if trail is not None and await sees(call, trail):  # what is not there is left out, as on AWS
            found.append(_described(trail))
    return {"trailList": found}


@operation("cloudtrail", "ListTrails", Permission("cloudtrail:ListTrails", on=on_anything))
async def list_trails(call: Call) -> dict[str, Any]:
    """The account's trails of all regions; there are too few for a second page."""
    trails = await trails_seen_by(call.system.identity, call.account)
    return {"Trails": [{"TrailARN": one.arn, "Name": one.name, "HomeRegion": one.region} for one in trails]}


@operation("cloudtrail", "StartLogging", trail_permission("StartLogging"))
async def start_logging(call: Call) -> dict[str, Any]:
    """From the next record on, events go to the trail."""
    trail = home_trail(call)
    if not trail.logging:
        await _change(call, trail, {"logging": 1, "started": call.now})
    return {}


@operation("cloudtrail", "StopLogging", trail_permission("StopLogging"))
async def stop_logging(call: Call) -> dict[str, Any]:
    """No further events go to the trail; what it has is delivered."""
    trail = home_trail(call)
    if trail.logging:
        await _change(call, trail, {"logging": 0, "stopped": call.now})
    return {}


@operation("cloudtrail", "GetTrailStatus", trail_permission("GetTrailStatus"))
async def get_trail_status(call: Call) -> dict[str, Any]:
    """Whether the trail is logging, and how its latest deliveries went."""
    trail = found_trail(call)
    status = await status_of_trail(call.system.objects, trail.arn)
    succeeded = status.attempted if status.attempted is not None and status.error is None else status.delivered
    return {
        "IsLogging": trail.logging,
        "LatestDeliveryError": status.error,
        "LatestDeliveryTime": _moment(status.delivered),
        "StartLoggingTime": _moment(trail.started),
        "StopLoggingTime": _moment(trail.stopped),
        "LatestDigestDeliveryTime": _moment(status.digest_delivered),
        "LatestDigestDeliveryError": status.digest_error,
        "LatestDeliveryAttemptTime": _text(status.attempted),
        "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "",
        "LatestDeliveryAttemptSucceeded": _text(succeeded),
        "TimeLoggingStarted": _text(trail.started),
        "TimeLoggingStopped": _text(trail.stopped),
    }


def _refuse_what_is_missing(given: dict[str, Any]) -> None:
    if given.get("SnsTopicName"):
        raise AwsError("UnsupportedOperationException", "Isthmus has no SNS: leave SnsTopicName out.")
    if given.get("CloudWatchLogsLogGroupArn") or given.get("CloudWatchLogsRoleArn"):
        raise AwsError(
            "CloudWatchLogsDeliveryUnavailableException",
            "Isthmus has no CloudWatch Logs: leave CloudWatchLogsLogGroupArn and CloudWatchLogsRoleArn out.",
        )
    if given.get("RecursiveLogging"):
        raise AwsError(
            "UnsupportedOperationException",
            "Deliveries of trails are not recorded in trails: leave RecursiveLogging out, or false.",
        )


async def _key(call: Call, arn: str, before: str | None) -> str | None:
    """The ARN of the key that files shall be encrypted with; an empty `KmsKeyId` is none."""
    named = call.input.get("KmsKeyId")
    if named is None:
        return before
    return await usable_key(call.system, arn, call.account, named) if named else None


def _check_regions(multi_region: bool, global_events: bool) -> None:
    if multi_region and not global_events:
        raise AwsError("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")


async def _check_destination(call: Call, trail: Trail) -> None:
    day = iso_second(call.now)[:10].replace("-", "/")
    for organization in dict.fromkeys((None, trail.organization)):
        # The policy for an organization allows the files of the management account in both places.
        at = replace(trail, organization=organization)
        key = at.object_key("CloudTrail", trail.account, trail.region, day, "x")
        await check_destination(call.system, trail.arn, trail.account, trail.bucket, key)


async def _change(call: Call, trail: Trail, changed: dict[str, Any]) -> Trail:
    """Write columns of a trail; the trail as it is then. Raises TrailNotFoundException if it was deleted meanwhile."""
    assignments, values = columns(changed)

    async def work(tx: Transaction) -> list[Trail]:
        await tx.execute(f"UPDATE trails SET {assignments} WHERE arn = ?", *values, trail.arn)  # noqa: S608
        return [one for one in await trails_of(tx, trail.account) if one.arn == trail.arn]

    after = await call.system.identity.write(work)
    if not after:
        raise AwsError("TrailNotFoundException", f"Unknown trail: {trail.name} for the user: {call.account}")
    return after[0]


def _already(name: str, account: str) -> AwsError:
    return AwsError("TrailAlreadyExistsException", f"Trail {name} already exists for customer: {account}")


def _settings(trail: Trail) -> dict[str, Any]:
    return {
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "S3KeyPrefix": trail.prefix or None,
        "IncludeGlobalServiceEvents": trail.global_events,
        "IsMultiRegionTrail": trail.multi_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.log_file_validation,
        "KmsKeyId": trail.kms_key,
        "IsOrganizationTrail": trail.organization is not None,
        "RecursiveLogging": False,
    }


def _described(trail: Trail) -> dict[str, Any]:
    return _settings(trail) | {
        "HomeRegion": trail.region,
        "HasCustomEventSelectors": trail.event_selectors is not None or trail.advanced_event_selectors is not None,
        "HasInsightSelectors": False,
    }


def _moment(time: float | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time, UTC)


def _text(time: float | None) -> str:
    return "" if time is None else iso_second(time)
