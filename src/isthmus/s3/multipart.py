"""CreateMultipartUpload, UploadPart, AbortMultipartUpload.

What the create request says about the object is kept with the upload until it is completed, its encryption with it: all
parts are encrypted under the object's one key. A part may be sent again under its number: the last one that was
committed counts.

Sources: the operations in the S3 API reference; S3 User Guide "Uploading and copying objects using multipart
upload", "Multipart upload limits", "Checking object integrity" (checksum types).
"""

from __future__ import annotations

import base64
import json
import string
from typing import Any
from urllib.parse import quote

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .checksums import DEFAULT_ALGORITHM, algorithm_named, checksum_type
from .incoming import Received, commit, receive
from .lifecycle_rules import abort_date
from .object_errors import invalid_argument, moment
from .object_keys import as_text, new_object_key, part_key
from .object_settings import object_settings
from .objects_table import release
from .put import WRITE_PERMISSIONS, decided_inside
from .resources import new_object_permission, the_bucket
from .uploads_table import (
    UploadRow,
    authorised_upload,
    drop_upload,
    find_upload,
    initiator_arn,
    no_such_upload,
    the_upload,
)

MOST_PARTS = 10_000


@operation("s3", "CreateMultipartUpload", *WRITE_PERMISSIONS, anonymous=True)
async def create_multipart_upload(call: Call) -> dict[str, Any]:
    """Begin an upload in parts."""
    bucket = await the_bucket(call)
    key: str = call.input["Key"]
    settings = await object_settings(call, bucket)
    named = call.input.get("ChecksumAlgorithm")
    asked_type = call.input.get("ChecksumType")
    if asked_type and not named:
        raise AwsError(
            "InvalidRequest",
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )
    algorithm = algorithm_named(named or DEFAULT_ALGORITHM)
    kind = checksum_type(algorithm, asked_type)
    object_key = await new_object_key(call, bucket, key)
    upload_id = base64.b64encode(call.system.entropy(48), b"._").decode()
    stored = json.dumps(
        {
            "object": settings,
            "algorithm": algorithm.name,
            "type": kind,
            "explicit": bool(named),
            "encryption": None if object_key is None else as_text(object_key.stored),
        },
        separators=(",", ":"),
    )

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO uploads (id, bucket_id, key, initiated, initiator_arn, initiator_account, owner, "
            "settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            upload_id,
            bucket.id,
            key.encode(),
            call.now,
            initiator_arn(call),
            call.account,
            settings.owner,
            stored,
        )

    await commit(call, bucket, work)
    answer: dict[str, Any] = {"Bucket": bucket.name, "Key": key, "UploadId": upload_id}
    if object_key is not None:
        answer |= object_key.answer
    if named:
        answer["ChecksumAlgorithm"] = algorithm.name
        answer["ChecksumType"] = kind
    return answer | abort_members(bucket, key.encode(), call.now)


def abort_members(bucket: Bucket, key: bytes, initiated: float) -> dict[str, Any]:
    """`AbortDate` and `AbortRuleId` of an upload that a lifecycle rule will abort; empty where none will."""
    found = abort_date(bucket, key, initiated)
    if found is None:
        return {}
    # An id may hold anything; a header may not.
    return {"AbortDate": moment(found[0]), "AbortRuleId": quote(found[1], safe=string.punctuation + " ")}


@operation("s3", "UploadPart", new_object_permission("s3:PutObject"), anonymous=True, streams=True)
async def upload_part(call: Call) -> dict[str, Any]:
    """Store one part."""
    bucket = await the_bucket(call)
    number = part_number(call)
    upload = await the_upload(call)
    settings = upload.settings
    object_key = await part_key(call, bucket, call.input["Key"], upload.encryption)
    received = await receive(call, object_key, part=True, keep=settings["algorithm"])
    sent = received.sent
    if sent is not None and settings["explicit"] and sent[0] != settings["algorithm"]:
        if received.content is not None:
            await call.system.contents.delete(received.content)
        raise AwsError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {settings['algorithm'].lower()}, "
            f"actual checksum Type: {sent[0].lower()}",
        )
    await store_part(call, bucket, upload, number, received)
    answer: dict[str, Any] = {"ETag": f'"{received.etag}"'}
    name, value = sent if sent is not None else (received.algorithm, received.value)
    answer["Checksum" + name] = value
    if object_key is not None:
        answer |= object_key.answer
    return answer


def part_number(call: Call) -> int:
    """The part number of the request. Raises InvalidArgument."""
    number: int = call.input["PartNumber"]
    if not 1 <= number <= MOST_PARTS:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", number)
    return number


async def store_part(call: Call, bucket: Bucket, upload: UploadRow, number: int, received: Received) -> None:
    """Make received bytes the part `number`. Raises NoSuchUpload when the upload ended meanwhile."""
    checksum: dict[str, Any] = {"algorithm": received.algorithm, "value": received.value}
    if received.sent is not None and received.sent[0] != received.algorithm:
        # So that completing may name the part by the checksum it was sent with.
        checksum["sent"] = list(received.sent)

    async def work(tx: Transaction) -> None:
        if await find_upload(tx, bucket.id, upload.key, upload.id) is None:
            raise no_such_upload(upload.id)
        old = await tx.fetch_one(
            "SELECT content FROM upload_parts WHERE upload_id = ? AND number = ?", upload.id, number
        )
        await tx.execute(
            "INSERT INTO upload_parts (upload_id, number, size, etag, checksum, inline_bytes, content, "
            "modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upload_id, number) DO UPDATE SET "
            "size = excluded.size, etag = excluded.etag, checksum = excluded.checksum, "
            "inline_bytes = excluded.inline_bytes, content = excluded.content, modified = excluded.modified",
            upload.id,
            number,
            received.size,
            received.etag,
            json.dumps(checksum, separators=(",", ":")),
            received.inline,
            received.content,
            call.now,
        )
        if old is not None and old[0] is not None:
            await release(tx, [old[0]], call.now)

    await commit(call, bucket, work, received.content)


@operation(
    "s3",
    "AbortMultipartUpload",
    new_object_permission("s3:AbortMultipartUpload", decided_inside, "unless the caller began the upload"),
    anonymous=True,
)
async def abort_multipart_upload(call: Call) -> dict[str, Any]:
    """Give up an upload and its parts."""
    bucket = await the_bucket(call)
    upload = await authorised_upload(call, "s3:AbortMultipartUpload")
    initiated = call.input.get("IfMatchInitiatedTime")
    if initiated is not None and int(initiated.timestamp()) != int(upload.initiated):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            extra={"Condition": "x-amz-if-match-initiated-time"},
        )

    async def work(tx: Transaction) -> None:
        if await find_upload(tx, bucket.id, upload.key, upload.id) is None:
            raise no_such_upload(upload.id)
        await release(tx, await drop_upload(tx, upload.id), call.now)

    await commit(call, bucket, work)
    return {"ResponseStatus": 204}
