"""Alice of one account and the role of another that she assumes."""

from __future__ import annotations

from typing import Any

import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, World, allow, trusts
from isthmus.identity import Role, User

ROLE = f"arn:aws:iam::{PRODUCTION}:role/reader"
TAGGABLE = {"trust": trusts(ANALYTICS, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])}


async def assume(world: World, who: Any, arn: str = ROLE, **more: Any) -> dict[str, Any]:
    """What AssumeRole answers to somebody who may."""
    return await world.call(who, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="alice", **more)


async def refused(world: World, who: Any, arn: str = ROLE, **more: Any) -> tuple[str, str]:
    """Code and message of the answer to somebody who may not."""
    error = await world.refused(who, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="alice", **more)
    return error.code, error.message


def denied(who: str, action: str = "sts:AssumeRole", arn: str = ROLE, reason: str = "") -> tuple[str, str]:
    """The same, as it is worded for a decision about an action."""
    return "AccessDenied", f"User: {who} is not authorized to perform: {action} on resource: {arn}{reason}"


async def pair(world: World, **role: Any) -> tuple[User, Role]:
    """Alice of Analytics, who may assume everything, and a role of Production that trusts her account."""
    alice = await world.user(ANALYTICS, "alice", allow("sts:*"))
    reader = await world.role(
        PRODUCTION,
        "reader",
        allow("s3:GetObject"),
        **{"trust": trusts(ANALYTICS, ["sts:AssumeRole"]), **role},
    )
    return alice, reader
