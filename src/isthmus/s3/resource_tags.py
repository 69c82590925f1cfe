"""Tags of a bucket, one by one, through S3 Control; and whether a bucket's tags count in policies.

The tags are the same as those of PutBucketTagging, which replaces all of them. A bucket whose attribute-based access
control is on has its tags in the condition keys of every request to it, and then only these operations change them:
so that who may tag is who has s3:TagResource.

Sources: ListTagsForResource, TagResource, UntagResource of S3 Control, PutBucketAbac and GetBucketAbac in the S3 API
reference; S3 User Guide "Using tags with S3 general purpose buckets".
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import Arn, InvalidArn
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .bucket_rows import no_such_bucket
from .resources import bucket_named, bucket_resource
from .tags import BUCKET_TAGS, check_tags

KIND = "tagging"


def _tag_permission(action: str) -> Permission:
    async def on(call: Call) -> Resource:
        return await bucket_resource(call, action, await _the_bucket(call))

    return Permission(action, on)


async def _the_bucket(call: Call) -> Bucket:
    """The bucket whose ARN the request names. Raises InvalidRequest, NotImplemented, NoSuchBucket, AccessDenied."""
    found: Bucket | None = call.found.get("bucket")
    if found is None:
        text: str = call.input["ResourceArn"]
        try:
            arn = Arn.parse(text)
        except InvalidArn as error:
            raise AwsError("InvalidRequest", f"The ResourceArn is not valid: {error}") from None
        if arn.service != "s3" or arn.account or arn.region or "/" in arn.resource:
            raise AwsError(
                "NotImplemented", f"Isthmus has tags of buckets only (arn:aws:s3:::BUCKET), not of {text}.", 501
            )
        found = await bucket_named(call, arn.resource)
        if found.account != call.input["AccountId"]:
            raise AwsError("AccessDenied", "Access Denied")
        call.found["bucket"] = found
    return found


@operation("s3control", "ListTagsForResource", _tag_permission("s3:ListTagsForResource"))
async def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """The bucket's tags; none where there are none."""
    text = (await _the_bucket(call)).configurations.get(KIND)
    return {"Tags": json.loads(text)["TagSet"] if text else []}


@operation("s3control", "TagResource", _tag_permission("s3:TagResource"))
async def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags, or change their values; the others stay."""
    given = check_tags(call.input["Tags"], BUCKET_TAGS)
    await _change(call, lambda tags: tags.update(given))
    return {"ResponseStatus": 204}


@operation("s3control", "UntagResource", _tag_permission("s3:UntagResource"))
async def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags by key; keys that are not there are no error."""
    keys = set(call.input["TagKeys"])

    def remove(tags: dict[str, str]) -> None:
        for key in keys & tags.keys():
            del tags[key]

    await _change(call, remove)
    return {"ResponseStatus": 204}


async def _change(call: Call, change: Any) -> None:
    """Read, change and write the tags in one transaction. Raises NoSuchBucket, BadRequest (too many)."""
    bucket = await _the_bucket(call)

    async def work(tx: Transaction) -> None:
        row = await tx.fetch_one(
            "SELECT document FROM bucket_configurations WHERE bucket_id = ? AND kind = ?", bucket.id, KIND
        )
        tags = {tag["Key"]: tag["Value"] for tag in json.loads(row[0])["TagSet"]} if row is not None else {}
        change(tags)
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        check_tags(tag_set, BUCKET_TAGS)
        if not tag_set:
            await tx.execute("DELETE FROM bucket_configurations WHERE bucket_id = ? AND kind = ?", bucket.id, KIND)
            return
        await tx.execute(
            "INSERT INTO bucket_configurations (bucket_id, kind, document) VALUES (?, ?, ?)"
            " ON CONFLICT (bucket_id, kind) DO UPDATE SET document = excluded.document",
            bucket.id,
            KIND,
            json.dumps({"TagSet": tag_set}),
        )

    try:
        await call.system.identity.write(work)
    except IntegrityConflict:
        raise no_such_bucket(bucket.name) from None
