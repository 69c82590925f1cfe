"""Keys of both kinds, and what is kept of objects, for tests of their encryption."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from object_builders import rows, s3

import isthmus.kms
import isthmus.sts
from builders import PRODUCTION, Json, World, policy
from isthmus.identity import User
from isthmus.operation import OPERATIONS, Call, authorise
from isthmus.wire import BytesBody, Request

assert isthmus.kms and isthmus.sts  # importing them registers the operations
SMALL, BIG = b"a small secret of some bytes", b"0123456789abcdef" * 20_000
MIB5 = 5 * 1024 * 1024
UUID_KEY = "arn:aws:kms:us-east-1:111122223333:key/134f2428-cec1-4b25-a1ae-9048164dba47"


def customer(key: bytes = b"k" * 32, prefix: str = "") -> dict[str, str]:
    """The members of a customer's key."""
    return {
        f"{prefix}SSECustomerAlgorithm": "AES256",
        f"{prefix}SSECustomerKey": base64.b64encode(key).decode(),
        f"{prefix}SSECustomerKeyMD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }


async def a_kms_key(world: World, account: str = PRODUCTION, *statements: Json) -> str:
    own = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
    text = json.dumps(policy(own, *statements))
    output = await world.call(account, "kms", "CreateKey", Policy=text, BypassPolicyLockoutSafetyCheck=True)
    return str(output["KeyMetadata"]["Arn"])


def kms(key: str | None = None, **more: Any) -> dict[str, Any]:
    """The members that ask for SSE-KMS."""
    return {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": key} if key else {}), **more}


async def default_encryption(world: World, name: str, algorithm: str, **more: Any) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **more.pop("default", {})}, **more}
    await s3(world, "PutBucketEncryption", Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


async def stored(world: World) -> bytes:
    """Everything that is kept of objects: rows and files."""
    kept = b""
    for table in ("object_versions", "object_parts", "upload_parts"):
        for (inline,) in await rows(world, f"SELECT inline_bytes FROM {table} WHERE inline_bytes IS NOT NULL"):
            kept += bytes(inline)
        for (name,) in await rows(world, f"SELECT content FROM {table} WHERE content IS NOT NULL"):
            found: Any = world.store.contents.read(name, 0, 1)
            kept += _bytes_of(found.path)
    return kept


def _bytes_of(path: str) -> bytes:
    return Path(path).read_bytes()


async def performed(world: World, who: User | Json | str, name: str, body: bytes = b"", **members: Any) -> list[str]:
    """Do an S3 operation; the KMS operations it led to."""
    world.directory.refresh()
    caller, context = await world._caller(who)
    request = Request("PUT", "/", "", {}, BytesBody(body))
    call = Call(OPERATIONS["s3", name], members, caller, request, world.system, context, "r", world.now, "us-east-1")
    await authorise(call)
    await call.operation.execute(call)
    return [one.call.operation.name for one in call.performed]


async def uploaded(world: World, key: str, parts: list[bytes], begin: Json, each: Json) -> dict[str, Any]:
    """A finished multipart upload into `photos`; the answer of completing it."""
    given = {"Bucket": "photos", "Key": key}
    begun = await s3(world, "CreateMultipartUpload", **given, **begin)
    given["UploadId"] = begun["UploadId"]
    listed = []
    for number, part in enumerate(parts, 1):
        sent = await s3(world, "UploadPart", **given, PartNumber=number, body=part, **each)
        listed.append({"PartNumber": number, "ETag": sent["ETag"]})
    return await s3(world, "CompleteMultipartUpload", **given, MultipartUpload={"Parts": listed})
