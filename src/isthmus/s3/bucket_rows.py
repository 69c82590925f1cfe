"""Writes to a bucket's row and its stored documents in the identity database."""

from __future__ import annotations

from typing import Any

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError

_COLUMNS = frozenset({
    "versioning", "mfa_delete", "ownership", "acl", "policy", "policy_principal_ids", "public_access_block",
    "object_lock",
})  # fmt: skip


async def update_bucket(call: Call, bucket: Bucket, **columns: Any) -> None:
    """Set columns of the bucket's row. Raises NoSuchBucket if it was deleted meanwhile."""
    assert columns.keys() <= _COLUMNS
    names = ", ".join(f"{name} = ?" for name in columns)

    async def work(tx: Transaction) -> int:
        return await tx.execute(f"UPDATE buckets SET {names} WHERE id = ?", *columns.values(), bucket.id)  # noqa: S608 - names are ours

    if not await call.system.identity.write(work):
        raise no_such_bucket(bucket.name)


async def store_document(call: Call, bucket: Bucket, kind: str, text: str) -> None:
    """Put the document of `kind` in the place of the one before. Raises NoSuchBucket."""

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO bucket_configurations (bucket_id, kind, document) VALUES (?, ?, ?)"
            " ON CONFLICT (bucket_id, kind) DO UPDATE SET document = excluded.document",
            bucket.id,
            kind,
            text,
        )

    try:
        await call.system.identity.write(work)
    except IntegrityConflict:
        raise no_such_bucket(bucket.name) from None


async def drop_document(call: Call, bucket: Bucket, kind: str) -> bool:
    """Remove the document of `kind`; whether there was one."""

    async def work(tx: Transaction) -> int:
        return await tx.execute("DELETE FROM bucket_configurations WHERE bucket_id = ? AND kind = ?", bucket.id, kind)

    return bool(await call.system.identity.write(work))


def no_such_bucket(name: str) -> AwsError:
    """404 NoSuchBucket: there is none of that name, or it was deleted while the request was under way."""
    return AwsError("NoSuchBucket", "The specified bucket does not exist", extra={"BucketName": name})
