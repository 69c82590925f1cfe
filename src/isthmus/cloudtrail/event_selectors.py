"""PutEventSelectors and GetEventSelectors. Basic and advanced selectors replace each other."""

from __future__ import annotations

import json
from typing import Any

from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .naming import found_trail, home_trail, trail_permission
from .selectors import DEFAULT, checked_advanced, checked_basic


@operation("cloudtrail", "PutEventSelectors", trail_permission("PutEventSelectors", "TrailName"))
async def put_event_selectors(call: Call) -> dict[str, Any]:
    """Replace the selectors. Raises InvalidEventSelectorsException."""
    trail = home_trail(call, "TrailName")
    basic, advanced = call.input.get("EventSelectors"), call.input.get("AdvancedEventSelectors")
    if bool(basic) == bool(advanced):
        raise AwsError(
            "InvalidEventSelectorsException", "Give either EventSelectors or AdvancedEventSelectors, at least one."
        )
    kept_basic = checked_basic(basic) if basic else None
    kept_advanced = checked_advanced(advanced) if advanced else None

    async def work(tx: Transaction) -> int:
        return await tx.execute(
            "UPDATE trails SET event_selectors = ?, advanced_event_selectors = ? WHERE arn = ?",
            None if kept_basic is None else json.dumps(kept_basic),
            None if kept_advanced is None else json.dumps(kept_advanced),
            trail.arn,
        )

    if not await call.system.identity.write(work):
        raise AwsError("TrailNotFoundException", f"Unknown trail: {trail.name} for the user: {call.account}")
    return {"TrailARN": trail.arn, "EventSelectors": kept_basic, "AdvancedEventSelectors": kept_advanced}


@operation("cloudtrail", "GetEventSelectors", trail_permission("GetEventSelectors", "TrailName"))
async def get_event_selectors(call: Call) -> dict[str, Any]:
    """The selectors; those in force for a trail that was given none."""
    trail = found_trail(call, "TrailName")
    basic = trail.event_selectors
    if basic is None and trail.advanced_event_selectors is None:
        basic = DEFAULT
    return {"TrailARN": trail.arn, "EventSelectors": basic, "AdvancedEventSelectors": trail.advanced_event_selectors}
