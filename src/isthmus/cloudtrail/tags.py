"""The tags of trails: AddTags, RemoveTags, ListTags. At most 50 on a trail; `aws:` belongs to AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.operation import AccessDenied, Call, Permission, Resource, decide_for, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .naming import home_trail, trail_permission, trail_resource
from .trails_table import Trail

_MOST_TAGS = 50
_MOST_LISTED = 20


@operation("cloudtrail", "AddTags", trail_permission("AddTags", "ResourceId"))
async def add_tags(call: Call) -> dict[str, Any]:
    """Add tags, in place of those with the same keys."""
    trail = _tagged(call)

    async def work(tx: Transaction) -> None:
        await set_tags(tx, trail.arn, call.input["TagsList"])

    await call.system.identity.write(work)
    return {}


@operation("cloudtrail", "RemoveTags", trail_permission("RemoveTags", "ResourceId"))
async def remove_tags(call: Call) -> dict[str, Any]:
    """Remove the tags with these keys; where a value is given too, only if it is the tag's."""
    trail = _tagged(call)

    async def work(tx: Transaction) -> None:
        for tag in call.input["TagsList"]:
            sql = "DELETE FROM tags WHERE resource = ? AND key = ?"
            if tag.get("Value"):
                await tx.execute(f"{sql} AND value = ?", trail.arn, tag["Key"], tag["Value"])
            else:
                await tx.execute(sql, trail.arn, tag["Key"])

    await call.system.identity.write(work)
    return {}


async def _first_listed(call: Call) -> Resource:
    return await trail_resource(call, call.input["ResourceIdList"][0] if call.input["ResourceIdList"] else "", {})


@operation("cloudtrail", "ListTags", Permission("cloudtrail:ListTags", on=_first_listed))
async def list_tags(call: Call) -> dict[str, Any]:
    """The tags of up to 20 trails of the account."""
    listed = []
    for arn in call.input["ResourceIdList"][:_MOST_LISTED]:
        decision = await decide_for(call, "cloudtrail:ListTags", await trail_resource(call, arn, {}))
        if not decision.allowed:
            raise AccessDenied(decision, decision.message)
        trail: Trail | None = call.found["trail"]
        if trail is None:
            raise _unknown(arn)
        tags = await call.system.directory.tags(trail.arn)
        shown = [{"Key": key, "Value": value} for key, value in tags.items()]
        listed.append({"ResourceId": trail.arn, "TagsList": shown})
    return {"ResourceTagList": listed}


async def set_tags(tx: Transaction, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Add tags to a trail. Raises InvalidTagParameterException, TagsLimitExceededException."""
    seen: set[str] = set()
    for tag in tags:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidTagParameterException", "Tag keys that begin with aws: are reserved for AWS.")
        if key.lower() in seen:
            raise AwsError("InvalidTagParameterException", f"The tag key {key} is given twice.")
        seen.add(key.lower())
        await tx.execute(
            "INSERT INTO tags (resource, key_folded, key, value) VALUES (?, ?, ?, ?) ON CONFLICT"
            " (resource, key_folded) DO UPDATE SET key = excluded.key, value = excluded.value",
            arn, key.lower(), key, tag.get("Value", ""),
        )  # fmt: skip
    row = await tx.fetch_one("SELECT COUNT(*) FROM tags WHERE resource = ?", arn)
    if row is not None and row[0] > _MOST_TAGS:
        raise AwsError("TagsLimitExceededException", f"A trail has at most {_MOST_TAGS} tags.")


async def remove_all_tags(tx: Transaction, arn: str) -> None:
    """Remove every tag of a trail."""
    await tx.execute("DELETE FROM tags WHERE resource = ?", arn)


def _tagged(call: Call) -> Trail:
    if call.found["trail"] is None:
        raise _unknown(call.input["ResourceId"])
    return home_trail(call, "ResourceId")


def _unknown(arn: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"There is no trail {arn} in this account.")
