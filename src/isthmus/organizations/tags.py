"""Tags of accounts, the root, units, policies and the resource-based policy.

At most 50 on one; keys are unique whatever their case; `aws:` belongs to AWS (Organizations User Guide, "Tagging
AWS Organizations resources"). What leaves the organization loses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.iam.tag_rows import MOST_TAGS, remove_tags, set_tags, tags_of
from isthmus.identity import FULL_ACCESS
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from .access import as_administrator, on_tagged
from .errors import invalid_input, not_found, violated
from .paging import Page
from .tree import Organization, node


def checked_tags(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """The `Tags` of a request, by key. Raises InvalidInputException."""
    checked: dict[str, str] = {}
    folded: set[str] = set()
    for tag in tags or ():
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            message = "You provided a tag key that begins with aws:, which is reserved for AWS."
            raise invalid_input("INVALID_SYSTEM_TAGS_PARAMETER", message)
        if key.lower() in folded:
            raise invalid_input("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to one resource.")
        folded.add(key.lower())
        checked[key] = tag["Value"]
    return checked


async def put_tags(tx: Transaction, organization: Organization, name: str, tags: Mapping[str, str]) -> None:
    """Add tags, in place of those with the same keys. Raises ConstraintViolationException."""
    under = organization.tagged(name)
    there = {tag["Key"].lower() for tag in await tags_of(tx, under)}
    if len(there | {key.lower() for key in tags}) > MOST_TAGS:
        raise violated("MAX_TAG_LIMIT_EXCEEDED", f"A resource may have {MOST_TAGS} tags.")
    await set_tags(tx, under, tags, "Resource")


async def _check_taggable(reader: Reader, organization: Organization, name: str) -> None:
    """Raises TargetNotFoundException; InvalidInputException for a policy of AWS."""
    if name in {policy.id for policy in FULL_ACCESS.values()}:
        raise invalid_input("TARGET_NOT_SUPPORTED", "The policies of AWS cannot be tagged.")
    table = {"rp": "organization_resource_policies", "p": "organization_policies"}.get(name.partition("-")[0])
    if table is None:
        found: object = await node(reader, organization, name)
    else:
        found = await reader.fetch_one(
            f"SELECT 1 FROM {table} WHERE organization = ? AND id = ?",  # noqa: S608
            organization.id,
            name,
        )
    if found is None:
        raise not_found("Target")


@operation("organizations", "TagResource", Permission("organizations:TagResource", on=on_tagged))
async def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags, or give them other values. Raises TargetNotFoundException, InvalidInputException,
    ConstraintViolationException."""
    organization, name = as_administrator(call), call.input["ResourceId"]
    tags = checked_tags(call.input["Tags"])

    async def work(tx: Transaction) -> None:
        await _check_taggable(tx, organization, name)
        await put_tags(tx, organization, name, tags)

    await call.system.identity.write(work)
    return {}


@operation("organizations", "UntagResource", Permission("organizations:UntagResource", on=on_tagged))
async def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags; those that are not there are no error. Raises TargetNotFoundException."""
    organization, name = as_administrator(call), call.input["ResourceId"]

    async def work(tx: Transaction) -> None:
        await _check_taggable(tx, organization, name)
        await remove_tags(tx, organization.tagged(name), call.input["TagKeys"])

    await call.system.identity.write(work)
    return {}


@operation("organizations", "ListTagsForResource", Permission("organizations:ListTagsForResource", on=on_tagged))
async def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """The tags, by key. Raises TargetNotFoundException."""
    organization, name = as_administrator(call), call.input["ResourceId"]
    await _check_taggable(call.system.identity, organization, name)
    tags = await tags_of(call.system.identity, organization.tagged(name))
    found, more = Page.of(call.input).cut(tags, lambda tag: tag["Key"].lower())
    return {"Tags": found, **more}
