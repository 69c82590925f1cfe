"""CompleteMultipartUpload: the parts become an object, without a byte being copied.

Everything is decided inside the transaction that does it, so that parts sent again and conditional writes
at the same moment have one outcome. A repeated request gets the answer of the first.

Sources: CompleteMultipartUpload in the S3 API reference; S3 User Guide "Multipart upload limits" and
"Checking object integrity" (composite and full object checksums).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from isthmus.identity import Bucket
from isthmus.operation import Call, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .checksums import ALGORITHMS, check, composite, full_object
from .deliveries.changes import note_created
from .incoming import commit, stored_checksum
from .lifecycle_rules import expiration_header
from .multipart import MOST_PARTS
from .object_errors import malformed_xml
from .object_keys import encryption_answer, hides_md5, part_key
from .object_settings import new_version_id
from .objects_table import add_version, find_current, release
from .preconditions import check_write
from .put import IF_MATCH_PERMISSION
from .resources import new_object_permission, the_bucket
from .uploads_table import PartRow, UploadRow, find_upload, no_such_upload, upload_parts

SMALLEST_PART = 5 * 1024**2
LARGEST_OBJECT = 5 * 1024**4

_KEPT_SECONDS = 86400.0
"""How long the answer of a completed upload is kept for a client that asks again."""


@operation("s3", "CompleteMultipartUpload", new_object_permission("s3:PutObject"), IF_MATCH_PERMISSION, anonymous=True)
async def complete_multipart_upload(call: Call) -> dict[str, Any]:
    """Make an object of the listed parts."""
    bucket = await the_bucket(call)
    given = call.input
    key: str = given["Key"]
    listed = _listed_parts(given)
    await _check_encryption(call, bucket, key)
    version_id = new_version_id(call, bucket)

    async def work(tx: Transaction) -> dict[str, Any]:
        upload = await find_upload(tx, bucket.id, key.encode(), given["UploadId"])
        if upload is None:
            return await _answer_again(tx, call, bucket, listed)
        return await _complete(tx, call, bucket, upload, listed=listed, version_id=version_id)

    return await commit(call, bucket, work)


async def _check_encryption(call: Call, bucket: Bucket, key: str) -> None:
    """Who completes an upload whose client chose a checksum must be able to open its parts.

    Source: CompleteMultipartUpload in the S3 API reference, Permissions and `SSECustomerAlgorithm`. A customer's key
    that need not be sent must still be the right one. Raises InvalidRequest, AccessDenied, KMS.….
    """
    upload = await find_upload(call.system.objects, bucket.id, key.encode(), call.input["UploadId"])
    if upload is None:
        return
    stored = upload.encryption
    if call.input.get("SSECustomerAlgorithm") or (upload.settings["explicit"] and hides_md5(stored)):
        await part_key(call, bucket, key, stored)


def _listed_parts(given: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the request. Raises MalformedXML, InvalidPartOrder, InvalidPart."""
    listed: list[dict[str, Any]] = (given.get("MultipartUpload") or {}).get("Parts") or []
    if not 1 <= len(listed) <= MOST_PARTS:
        raise malformed_xml()
    last = 0
    for part in listed:
        if "PartNumber" not in part or "ETag" not in part:
            raise malformed_xml()
        if part["PartNumber"] <= last:
            raise AwsError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. The parts list must be specified in order by "
                "part number.",
                extra={"UploadId": given["UploadId"]},
            )
        last = part["PartNumber"]
    return listed


async def _answer_again(tx: Transaction, call: Call, bucket: Bucket, listed: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer of the request that completed this upload before. Raises NoSuchUpload."""
    upload_id: str = call.input["UploadId"]
    row = await tx.fetch_one("SELECT answer FROM completed_uploads WHERE upload_id = ?", upload_id)
    if row is None:
        raise no_such_upload(upload_id)
    kept: dict[str, Any] = json.loads(row[0])
    if kept["for"] != [bucket.id, call.input["Key"], _fingerprint(listed)]:
        raise no_such_upload(upload_id)
    answer: dict[str, Any] = kept["answer"]
    return answer


def _fingerprint(listed: list[dict[str, Any]]) -> str:
    text = ",".join(f"{part['PartNumber']}:{part['ETag'].strip(chr(34))}" for part in listed)
    return hashlib.sha256(text.encode()).hexdigest()


async def _complete(
    tx: Transaction,
    call: Call,
    bucket: Bucket,
    upload: UploadRow,
    *,
    listed: list[dict[str, Any]],
    version_id: str,
) -> dict[str, Any]:
    given = call.input
    settings = upload.settings
    stored = {part.number: part for part in await upload_parts(tx, upload.id)}
    parts = _checked_parts(upload, listed, stored)
    size = sum(part.size for part in parts)
    if size > LARGEST_OBJECT:
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            extra={"ProposedSize": str(size), "MaxSizeAllowed": str(LARGEST_OBJECT)},
        )
    if given.get("MpuObjectSize") is not None and given["MpuObjectSize"] != size:
        raise AwsError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {given['MpuObjectSize']} does not match "
            f"what was computed: {size}",
        )
    checksum = _whole_checksum(given, settings, parts)
    md5 = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    etag = f"{md5.hexdigest()}-{len(parts)}"
    key = upload.key
    current = await find_current(tx, bucket.id, key)
    check_write(given, given["Key"], current)
    new = upload.object_settings.version(
        size=size,
        etag=etag,
        parts=len(parts),
        checksum_json=stored_checksum(settings["algorithm"], checksum, settings["type"]),
        encryption=upload.encryption,
    )
    row_id, dropped = await add_version(
        tx, bucket.id, key, version_id, new, modified=upload.initiated, current=current, now=call.now
    )
    await note_created(tx, call, bucket, key, version_id, new, row_id)
    await _move_parts(tx, upload.id, row_id, parts, len(stored))
    left_over = {part.content for part in stored.values()} - {part.content for part in parts}
    await tx.execute("DELETE FROM upload_parts WHERE upload_id = ?", upload.id)
    await tx.execute("DELETE FROM uploads WHERE id = ?", upload.id)
    await release(tx, [*dropped, *(content for content in left_over if content)], call.now)
    answer: dict[str, Any] = {
        "Location": _location(call, bucket),
        "Bucket": bucket.name,
        "Key": given["Key"],
        "ETag": f'"{etag}"',
        "Checksum" + settings["algorithm"]: checksum,
        "ChecksumType": settings["type"],
    }
    encryption = encryption_answer(upload.encryption)
    if "ServerSideEncryption" in encryption:
        answer |= encryption
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version_id
    answer["Expiration"] = expiration_header(bucket, key, upload.initiated, size, new.tags_json)
    await _remember(tx, call, bucket, listed, answer)
    return answer


def _checked_parts(upload: UploadRow, listed: list[dict[str, Any]], stored: dict[int, PartRow]) -> list[PartRow]:
    """The stored parts of the list. Raises InvalidPart, EntityTooSmall."""
    parts: list[PartRow] = []
    for item in listed:
        part = stored.get(item["PartNumber"])
        if part is None or part.etag != item["ETag"].strip('"') or not _same_checksum(item, part):
            raise AwsError(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been "
                "uploaded, or the specified entity tag may not match the part's entity tag.",
                extra={"UploadId": upload.id, "PartNumber": str(item["PartNumber"]), "ETag": item["ETag"]},
            )
        parts.append(part)
    for part in parts[:-1]:
        if part.size < SMALLEST_PART:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                extra={
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(SMALLEST_PART),
                    "PartNumber": str(part.number),
                    "ETag": part.etag,
                },
            )
    return parts


def _same_checksum(item: dict[str, Any], part: PartRow) -> bool:
    """Whether the checksums the list gives for a part are those it has."""
    checksum: dict[str, Any] = json.loads(part.checksum_json)
    known = {checksum["algorithm"]: checksum["value"]}
    if "sent" in checksum:
        known[checksum["sent"][0]] = checksum["sent"][1]
    for name in ALGORITHMS:
        given = item.get("Checksum" + name)
        if given and known.get(name) != given:
            return False
    return True


def _whole_checksum(given: dict[str, Any], settings: dict[str, Any], parts: list[PartRow]) -> str:
    """The object's checksum, equal to the one the request gives. Raises InvalidRequest, BadDigest."""
    algorithm = ALGORITHMS[settings["algorithm"]]
    asked_type = given.get("ChecksumType")
    if asked_type and asked_type != settings["type"]:
        raise AwsError(
            "InvalidRequest",
            f"The upload was created using the {settings['type']} checksum mode. "
            "The complete request must use the same checksum mode.",
        )
    values = [json.loads(part.checksum_json)["value"] for part in parts]
    if settings["type"] == "COMPOSITE":
        whole = composite(algorithm, values)
    else:
        whole = full_object(algorithm, zip(values, (part.size for part in parts), strict=True))
    expected = given.get(algorithm.member)
    if expected:
        # Older clients leave the number of parts out of a composite checksum.
        check(algorithm, expected, whole if "-" in expected else whole.partition("-")[0])
    return whole


async def _move_parts(tx: Transaction, upload_id: str, row_id: int, parts: list[PartRow], stored: int) -> None:
    """The listed parts of the upload become the parts of the object, each at its offset."""
    if len(parts) != stored:
        listed = {part.number for part in parts}
        rows = await tx.fetch_all("SELECT number FROM upload_parts WHERE upload_id = ?", upload_id)
        for (number,) in rows:
            if number not in listed:
                await tx.execute("DELETE FROM upload_parts WHERE upload_id = ? AND number = ?", upload_id, number)
    await tx.execute(
        "INSERT INTO object_parts (object_id, number, offset_in_object, size, etag, checksum, inline_bytes, "
        "content) SELECT ?, number, SUM(size) OVER (ORDER BY number) - size, size, etag, checksum, "
        "inline_bytes, content "
        "FROM upload_parts WHERE upload_id = ?",
        row_id,
        upload_id,
    )


async def _remember(
    tx: Transaction, call: Call, bucket: Bucket, listed: list[dict[str, Any]], answer: dict[str, Any]
) -> None:
    kept = {"for": [bucket.id, call.input["Key"], _fingerprint(listed)], "answer": answer}
    await tx.execute(
        "INSERT INTO completed_uploads (upload_id, completed, answer) VALUES (?, ?, ?)",
        call.input["UploadId"],
        call.now,
        json.dumps(kept, separators=(",", ":")),
    )
    await tx.execute("DELETE FROM completed_uploads WHERE completed < ?", call.now - _KEPT_SECONDS)


def _location(call: Call, bucket: Bucket) -> str:
    """The object's address, as the client reached the server."""
    scheme = "https" if call.request.secure else "http"
    host = call.request.headers.get("host", "localhost")
    path = quote(call.input["Key"])
    if host.startswith(bucket.name + "."):
        return f"{scheme}://{host}/{path}"
    return f"{scheme}://{host}/{bucket.name}/{path}"
