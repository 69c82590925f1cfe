"""What operations on providers, instance profiles and certificates are authorised on: an ARN and its tags."""

from __future__ import annotations

from isthmus.operation import Call, Resource

from .permissions import request_tags


async def tagged_resource(call: Call, arn: str, tags_under: str | None) -> Resource:
    """The resource `arn` of the caller's account, with `aws:ResourceTag/…` and the tags of the request.

    tags_under: what its tags are stored under; None for a resource that does not exist.
    """
    context = request_tags(call)
    if tags_under is not None:
        for key, value in (await call.system.directory.tags(tags_under)).items():
            context[f"aws:resourcetag/{key.lower()}"] = value
    return Resource(arn, call.account, context=context)
