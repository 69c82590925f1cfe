"""LookupEvents: the management events of the calling account in a region, the newest first.

Source: LookupEvents in the CloudTrail API reference. One attribute at a time, a page of at most 50. Events of IAM,
Organizations and the sign-in page are of `us-east-1`, like on AWS.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.operation.paging import key_of, token_of
from isthmus.store import Row
from isthmus.wire import AwsError

from .events_table import HISTORY_SECONDS, look_up, unpacked

PAGE = 50


@operation("cloudtrail", "LookupEvents", Permission("cloudtrail:LookupEvents", on=on_anything))
async def lookup_events(call: Call) -> dict[str, Any]:
    """A page of events. Raises InvalidLookupAttributesException, InvalidTimeRangeException,
    InvalidNextTokenException."""
    given = call.input
    attributes = given.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise AwsError("InvalidLookupAttributesException", "You can use only one lookup attribute in a request.")
    attribute = (attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]) if attributes else None
    if attribute is not None and attribute[0] == "ReadOnly" and attribute[1] not in ("true", "false"):
        raise AwsError("InvalidLookupAttributesException", "The value of ReadOnly must be true or false.")
    start, end = given.get("StartTime"), given.get("EndTime")
    if start is not None and end is not None and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time must not be after the end time.")
    if given.get("EventCategory") is not None:  # the only category that may be named is that of Insights events
        return {"Events": []}
    since = max(call.now - HISTORY_SECONDS, start.timestamp() if start is not None else 0.0)
    # Events show whole seconds: one within the last second asked for is in the range.
    before = (int(end.timestamp()) if end is not None else int(call.now)) + 1.0
    size = given.get("MaxResults") or PAGE
    after = _after(given.get("NextToken"))
    rows = await look_up(call.system.objects, call.account, call.region, attribute, since, before, after, size + 1)
    output: dict[str, Any] = {"Events": [_shown(row) for row in rows[:size]]}
    if len(rows) > size:
        output["NextToken"] = token_of(json.dumps(rows[size - 1][:2]))
    return output


def _shown(row: Row) -> dict[str, Any]:
    time, _, event_id, name, source, read_only, username, access_key, resources, record = row
    return {
        "EventId": event_id,
        "EventName": name,
        "ReadOnly": "true" if read_only else "false",
        "AccessKeyId": access_key or None,
        "EventTime": datetime.fromtimestamp(int(time), UTC),
        "EventSource": source,
        "Username": username or None,
        "Resources": [{"ResourceType": kind, "ResourceName": value} for kind, value in json.loads(resources)],
        "CloudTrailEvent": unpacked(record).decode(),
    }


def _after(token: str | None) -> tuple[float, int] | None:
    if token is None:
        return None
    try:
        time, number = json.loads(key_of(token))
        return float(time), int(number)
    except (ValueError, TypeError):
        raise AwsError("InvalidNextTokenException", "The token is not one of an earlier page.") from None
