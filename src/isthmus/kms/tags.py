"""Tags of keys.

Source: KMS Developer Guide, "Tags in AWS KMS"; TagResource, UntagResource, ListResourceTags in the API reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.operation import Call, operation
from isthmus.wire import AwsError

from .keys_table import AWS, Key, update_key
from .paging import page
from .resources import alive, key_permission, the_key

MOST_TAGS = 50


def checked_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags of a request by key. Raises TagException."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag["TagKey"].lower().startswith("aws:"):
            raise _tag_exception("Tags beginning with aws: are reserved")
        if tag["TagKey"] in found:
            raise _tag_exception("Duplicate tag keys")
        found[tag["TagKey"]] = tag["TagValue"]
    if len(found) > MOST_TAGS:
        raise _tag_exception("Too many tags")
    return found


def _tag_exception(message: str) -> AwsError:
    return AwsError("TagException", message)


def _taggable(call: Call) -> Key:
    key = alive(the_key(call))
    if key.manager == AWS:
        raise AwsError("AccessDenied", f"{key.arn} is an AWS managed key, whose tags cannot be changed.", 403)
    return key


@operation("kms", "TagResource", key_permission("kms:TagResource"))
async def tag_resource(call: Call) -> None:
    """Add tags, or give new values to those that are there."""
    key = _taggable(call)
    tags = {**key.tags, **checked_tags(call.input["Tags"])}
    if len(tags) > MOST_TAGS:
        raise _tag_exception("Too many tags")
    await update_key(call.system, key.arn, tags=json.dumps(tags))


@operation("kms", "UntagResource", key_permission("kms:UntagResource"))
async def untag_resource(call: Call) -> None:
    """Remove tags; one that is not there is no error."""
    key = _taggable(call)
    removed = set(call.input["TagKeys"])
    tags = {name: value for name, value in key.tags.items() if name not in removed}
    await update_key(call.system, key.arn, tags=json.dumps(tags))


@operation("kms", "ListResourceTags", key_permission("kms:ListResourceTags"))
async def list_resource_tags(call: Call) -> dict[str, Any]:
    """A page of a key's tags."""
    shown, more = page(call.input, the_key(call).tags.items(), lambda tag: tag[0], default=50)
    return {"Tags": [{"TagKey": name, "TagValue": value} for name, value in shown], **more}
