"""Tags and access control lists of objects that exist, and of their versions.

Sources: PutObjectTagging, GetObjectTagging, DeleteObjectTagging, PutObjectAcl, GetObjectAcl in the S3 API
reference. Permissions: those with versionId are the …Version… actions, and only those.
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction

from .acl_requests import acl_output, replacing_acl, stored_acl
from .deliveries.changes import note_altered
from .incoming import commit
from .object_errors import existing, no_such_key
from .object_tags import tags_from_body
from .objects_table import ObjectRow
from .resources import has_version_id, lacks_version_id, object_permission, the_bucket, the_object


def _permissions(action: str, version_action: str) -> tuple[Permission, Permission]:
    return (
        object_permission(action, lacks_version_id, "without versionId"),
        object_permission(version_action, has_version_id, "with versionId"),
    )


async def _addressed(call: Call) -> tuple[Bucket, ObjectRow]:
    bucket = await the_bucket(call)
    row = await the_object(call)
    return bucket, await existing(call, bucket, call.input["Key"], call.input.get("VersionId"), row)


def _version(bucket: Bucket, row: ObjectRow) -> dict[str, Any]:
    return {"VersionId": row.version_id} if bucket.versioning else {}


@operation(
    "s3",
    "GetObjectTagging",
    *_permissions("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
    anonymous=True,
)
async def get_object_tagging(call: Call) -> dict[str, Any]:
    """The tags; an empty set where there are none."""
    bucket, row = await _addressed(call)
    tag_set = [{"Key": name, "Value": value} for name, value in row.tags.items()]
    return {**_version(bucket, row), "TagSet": tag_set}


@operation(
    "s3",
    "PutObjectTagging",
    *_permissions("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
    anonymous=True,
)
async def put_object_tagging(call: Call) -> dict[str, Any]:
    """Replace all tags."""
    bucket, row = await _addressed(call)
    await _update(call, bucket, row, "tags", tags_from_body(call.input["Tagging"]), "ObjectTagging:Put")
    return _version(bucket, row)


@operation(
    "s3",
    "DeleteObjectTagging",
    *_permissions("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
    anonymous=True,
)
async def delete_object_tagging(call: Call) -> dict[str, Any]:
    """Remove all tags."""
    bucket, row = await _addressed(call)
    await _update(call, bucket, row, "tags", None, "ObjectTagging:Delete")
    return _version(bucket, row)


@operation("s3", "GetObjectAcl", *_permissions("s3:GetObjectAcl", "s3:GetObjectVersionAcl"), anonymous=True)
async def get_object_acl(call: Call) -> dict[str, Any]:
    """The ACL; in a bucket without ACLs the owner's full control and nothing else."""
    bucket, row = await _addressed(call)
    if bucket.ownership == "BucketOwnerEnforced":
        return await acl_output(call, await stored_acl(call, None, bucket.account))
    return await acl_output(call, await stored_acl(call, row.acl, row.owner))


@operation("s3", "PutObjectAcl", *_permissions("s3:PutObjectAcl", "s3:PutObjectVersionAcl"), anonymous=True)
async def put_object_acl(call: Call) -> dict[str, Any]:
    """Replace the ACL."""
    bucket, row = await _addressed(call)
    acl = await replacing_acl(call, bucket, "object", row.owner, "s3:PutObjectAcl")
    await _update(call, bucket, row, "acl", acl, "ObjectAcl:Put")
    return {}


async def _update(call: Call, bucket: Bucket, row: ObjectRow, column: str, value: str | None, event: str) -> None:
    """Set one column of a version that is still there, and note the event. Raises NoSuchKey."""
    tags = row.tags if column != "tags" else json.loads(value) if value else {}

    async def work(tx: Transaction) -> None:
        sql = f"UPDATE object_versions SET {column} = ? WHERE id = ?"  # noqa: S608 (our own column names)
        if await tx.execute(sql, value, row.id) == 0:
            raise no_such_key(call.input["Key"])
        await note_altered(tx, call, bucket, row, event, tags)

    await commit(call, bucket, work)
