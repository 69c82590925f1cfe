"""The tags of a resource in the database, and what AWS demands of them.

At most 50 on a resource; keys are unique whatever their case; `aws:` belongs to AWS (IAM User Guide, "Tags
for IAM resources").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.store import Reader, Transaction

from .errors import exceeds_quota, invalid_input

MOST_TAGS = 50


def checked_tags(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """The `Tags` of a request, by key. Raises InvalidInput."""
    checked: dict[str, str] = {}
    folded: set[str] = set()
    for tag in tags or ():
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise invalid_input("aws: prefixed tag key names are not allowed for external use.")
        if key.lower() in folded:
            raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        folded.add(key.lower())
        checked[key] = tag["Value"]
    return checked


async def set_tags(tx: Transaction, resource: str, tags: Mapping[str, str], word: str) -> None:
    """Add tags, in place of those with the same keys. Raises LimitExceeded.

    resource: a unique id, or an MFA device's serial number. word: what it is, for the quota's name.
    """
    for key, value in tags.items():
        await tx.execute(
            "INSERT INTO tags (resource, key_folded, key, value) VALUES (?, ?, ?, ?) ON CONFLICT"
            " (resource, key_folded) DO UPDATE SET key = excluded.key, value = excluded.value",
            resource, key.lower(), key, value,
        )  # fmt: skip
    if len(await tags_of(tx, resource)) > MOST_TAGS:
        raise exceeds_quota(f"TagsPer{word}", MOST_TAGS)


async def remove_tags(tx: Transaction, resource: str, keys: Iterable[str] | None = None) -> None:
    """Remove the tags with these keys, whatever their case; all of them without `keys`."""
    if keys is None:
        await tx.execute("DELETE FROM tags WHERE resource = ?", resource)
        return
    for key in keys:
        await tx.execute("DELETE FROM tags WHERE resource = ? AND key_folded = ?", resource, key.lower())


async def tags_of(reader: Reader, resource: str) -> list[dict[str, str]]:
    """The tags of a resource as AWS lists them, by key."""
    rows = await reader.fetch_all("SELECT key, value FROM tags WHERE resource = ? ORDER BY key_folded", resource)
    return [{"Key": key, "Value": value} for key, value in rows]


async def add_shown_tags(reader: Reader, resource: str, shape: dict[str, Any]) -> dict[str, Any]:
    """`shape` with its `Tags`, where there are any."""
    tags = await tags_of(reader, resource)
    return shape | {"Tags": tags} if tags else shape
