"""Rows of `uploads` and `upload_parts`: multipart uploads under way.

An upload is found by its id together with its bucket and key, as a request names all three.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from isthmus.operation import AccessDenied, Call, decide_for
from isthmus.policy import PolicyType
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from .object_keys import of_text
from .object_settings import ObjectSettings
from .resources import object_resource, the_bucket

_OF_THE_ORGANIZATION = (PolicyType.SCP, PolicyType.RCP)


class UploadRow(NamedTuple):
    """A multipart upload. initiated: seconds since the epoch. settings_json: see `settings`."""

    id: str
    bucket_id: int
    key: bytes
    initiated: float
    initiator_arn: str
    initiator_account: str
    owner: str
    settings_json: str

    @property
    def settings(self) -> dict[str, Any]:
        """`object` (ObjectSettings as a list), `algorithm`, `type`, `explicit` (whether the client chose them),
        `encryption`."""
        value: dict[str, Any] = json.loads(self.settings_json)
        return value

    @property
    def object_settings(self) -> ObjectSettings:
        """What CreateMultipartUpload decided about the object."""
        return ObjectSettings._make(self.settings["object"])

    @property
    def encryption(self) -> bytes | None:
        """How the parts are encrypted, as in the object's row."""
        return of_text(self.settings.get("encryption"))


class PartRow(NamedTuple):
    """An uploaded part. etag: MD5 in hex. checksum_json: `algorithm`, `value`."""

    number: int
    size: int
    etag: str
    checksum_json: str
    modified: float
    content: str | None


_SELECT_UPLOAD = "SELECT id, bucket_id, key, initiated, initiator_arn, initiator_account, owner, settings FROM uploads "


async def find_upload(objects: Reader, bucket_id: int, key: bytes, upload_id: str) -> UploadRow | None:
    """The upload, if it is under way in this bucket and for this key."""
    row = await objects.fetch_one(
        _SELECT_UPLOAD + "WHERE id = ? AND bucket_id = ? AND key = ?", upload_id, bucket_id, key
    )
    return None if row is None else UploadRow._make(row)


async def the_upload(call: Call) -> UploadRow:
    """The upload that the input names. Raises NoSuchUpload."""
    bucket = await the_bucket(call)
    row = await find_upload(call.system.objects, bucket.id, call.input["Key"].encode(), call.input["UploadId"])
    if row is None:
        raise no_such_upload(call.input["UploadId"])
    return row


async def authorised_upload(call: Call, action: str) -> UploadRow:
    """The upload, for its initiator or for whom the policies allow `action`.

    The initiator needs no permission for its own upload, but an explicit deny holds for it too (S3 User
    Guide, "Multipart upload API and permissions"), and so does what its organization does not allow. Raises
    AccessDenied before NoSuchUpload.
    """
    bucket = await the_bucket(call)
    key: str = call.input["Key"]
    row = await find_upload(call.system.objects, bucket.id, key.encode(), call.input["UploadId"])
    decision = await decide_for(call, action, await object_resource(call, action, bucket, key, None))
    if not decision.allowed:
        is_initiator = row is not None and row.initiator_arn != "" and row.initiator_arn == initiator_arn(call)
        if decision.explicit_deny or decision.layer in _OF_THE_ORGANIZATION or not is_initiator:
            raise AccessDenied(decision, decision.s3_message)
    if row is None:
        raise no_such_upload(call.input["UploadId"])
    return row


def initiator_arn(call: Call) -> str:
    """Who the caller is as an initiator: the principal's ARN, empty for anonymous."""
    return call.caller.principal.arn


def no_such_upload(upload_id: str) -> AwsError:
    """404 NoSuchUpload."""
    return AwsError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
        "aborted or completed.",
        extra={"UploadId": upload_id},
    )


async def upload_parts(objects: Reader, upload_id: str, after: int = 0, limit: int = 10_000) -> list[PartRow]:
    """Parts with numbers above `after`, in order."""
    rows = await objects.fetch_all(
        "SELECT number, size, etag, checksum, modified, content FROM upload_parts "
        "WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?",
        upload_id,
        after,
        limit,
    )
    return [PartRow._make(row) for row in rows]


async def drop_upload(tx: Transaction, upload_id: str) -> list[str]:
    """Remove an upload and its parts; the contents that lost a name, for `release`."""
    rows = await tx.fetch_all("SELECT content FROM upload_parts WHERE upload_id = ? AND content IS NOT NULL", upload_id)
    await tx.execute("DELETE FROM upload_parts WHERE upload_id = ?", upload_id)
    await tx.execute("DELETE FROM uploads WHERE id = ?", upload_id)
    return [row[0] for row in rows]
