"""The keys that objects are encrypted with: one for each object, kept only under another key.

    SSE-S3    data key, sealed under a key of the bucket, which is derived from the master key
    SSE-KMS   data key, encrypted by KMS; with a bucket key, sealed under that, which is encrypted by KMS
    SSE-C     data key, sealed under the customer's key; of that only a salted HMAC is kept

The row of an SSE-S3 object holds the sealed data key, those of the others JSON.

A sealed data key opens for its own bucket and key only, so no row can borrow another's. KMS is asked on behalf of the
caller, whose policies and those of the KMS key decide, with the object's ARN (the bucket's, for a bucket key) in the
encryption context.

A bucket key is remembered for five minutes for each requester, and forgotten whenever anything changes in IAM or KMS.
As long as it is, KMS is not called for the requester's further objects; whether it may is still decided every time.

Sources: S3 User Guide "Using server-side encryption with AWS KMS keys (SSE-KMS)", "Reducing the cost of SSE-KMS with
Amazon S3 Bucket Keys", "Using server-side encryption with customer-provided keys".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.identity import Bucket, InvalidToken, Vault
from isthmus.names import bucket_arn, object_arn
from isthmus.operation import AccessDenied, Call, authorise_for_caller, perform_for_caller
from isthmus.store import StoreError
from isthmus.wire import AwsError

from .encryption import (
    NONE,
    SSE_C,
    SSE_KMS,
    SSE_S3,
    CustomerKey,
    Wanted,
    customer_key_of,
    require_version_4,
    wanted_encryption,
)
from .sealed_content import DATA_KEY_BYTES

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_CIPHERS_KEPT = 4096  # under half a KiB each: the small objects that one worker sends again and again
_NONCE = 12
_SALT = 16
_BUCKET_KEY_SECONDS = 300.0
_MANAGED_KEY = "alias/aws/s3"
_CONTEXT_KEY = "aws:s3:arn"
_ANSWERED = ("NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException")
"""Errors of KMS that S3 passes on, with `KMS.` before their code."""


class ObjectKey(NamedTuple):
    """How an object is encrypted. data_key: opened, 32 bytes. stored: for the object's row.

    answer: the members of answers that tell of it. hides_md5: whether the entity tag must not be the MD5.
    """

    data_key: bytes
    stored: bytes
    answer: Mapping[str, Any]
    hides_md5: bool


async def new_object_key(call: Call, bucket: Bucket, key: str) -> ObjectKey | None:
    """A key for a new object, as the request or the bucket's default wants it; None where it stays as it is.

    Raises what `wanted_encryption` raises, AccessDenied and KMS.… of KMS.
    """
    return await key_as_wanted(call, bucket, key, await wanted_encryption(call, bucket))


async def key_as_wanted(call: Call, bucket: Bucket, key: str, wanted: Wanted) -> ObjectKey | None:
    """A new key of the kind that `wanted_encryption` found. Raises AccessDenied and KMS.… of KMS."""
    if wanted.kind == NONE:
        return None
    if wanted.kind == SSE_S3:
        data_key = call.system.entropy(DATA_KEY_BYTES)
        return _sse_s3(call, bucket, key, data_key)
    if wanted.kind == SSE_C:
        assert wanted.customer_key is not None
        return _sse_c(call, bucket, key, wanted.customer_key)
    return await _sse_kms(call, bucket, key, wanted)


async def stored_object_key(
    call: Call, bucket: Bucket, key: str, stored: bytes | None, prefix: str = ""
) -> bytes | None:
    """The data key of an object in `bucket` that is there; None for bytes that are kept as they are.

    stored: of its row. prefix: `CopySource` where the request's headers for the object have that prefix.
    Raises InvalidRequest, AccessDenied and others for SSE-C; AccessDenied and KMS.… of KMS.
    """
    if stored is None or is_sse_s3(stored):
        refuse_customer_key(call, prefix)
        return None if stored is None else _opened_sse_s3(call.system.vault, bucket.id, key.encode(), stored)
    found = orjson.loads(stored)
    if found["t"] == SSE_C:
        customer_key = checked_customer_key(call, stored, prefix)
        assert customer_key is not None
        return _unwrapped(_key_of_customer(customer_key, base64.b64decode(found["salt"])), found["k"], bucket, key)
    refuse_customer_key(call, prefix)
    return await _opened_sse_kms(call, bucket, key, found)


async def part_key(call: Call, bucket: Bucket, key: str, stored: bytes | None) -> ObjectKey | None:
    """The key of an upload under way, for one of its parts. stored: as CreateMultipartUpload decided.

    Raises InvalidRequest for headers that are not those of the create request; AccessDenied and KMS.… of KMS.
    """
    customer_key = customer_key_of(call.input)
    found = None if stored is None or is_sse_s3(stored) else orjson.loads(stored)
    if (customer_key is not None) != (found is not None and found["t"] == SSE_C):
        raise AwsError(
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the "
            "appropriate encryption parameters.",
        )
    if customer_key is not None and found is not None and not is_customer_key_of(customer_key, found):
        raise AwsError("InvalidRequest", "The provided encryption parameters did not match the ones used originally.")
    if stored is None:
        return None
    data_key = await stored_object_key(call, bucket, key, stored)
    assert data_key is not None
    return ObjectKey(data_key, stored, encryption_answer(stored), hides_md5(stored))


def resealed(call: Call, source: Bucket, source_key: bytes, stored: bytes, bucket: Bucket, key: str) -> ObjectKey:
    """The key of an SSE-S3 object for a copy that shares its bytes."""
    data_key = _opened_sse_s3(call.system.vault, source.id, source_key, stored)
    return _sse_s3(call, bucket, key, data_key)


def is_sse_s3(stored: bytes | None) -> TypeGuard[bytes]:
    """Whether an object is encrypted with keys of S3 itself."""
    return stored is not None and stored[:1] != b"{"


def encryption_answer(stored: bytes | None) -> dict[str, Any]:
    """The members of answers that tell how an object is encrypted."""
    if stored is None:
        return {}
    if is_sse_s3(stored):
        return dict(_SSE_S3_ANSWER)
    found = orjson.loads(stored)
    if found["t"] == SSE_C:
        return {"SSECustomerAlgorithm": SSE_S3, "SSECustomerKeyMD5": found["md5"]}
    answer = {"ServerSideEncryption": SSE_KMS, "SSEKMSKeyId": found["shown"]}
    if "b" in found:
        answer["BucketKeyEnabled"] = True
    return answer


def hides_md5(stored: bytes | None) -> bool:
    """Whether the entity tag of an object with this encryption must not be the MD5 of its bytes."""
    return stored is not None and not is_sse_s3(stored)


# SSE-S3


def _sse_s3(call: Call, bucket: Bucket, key: str, data_key: bytes) -> ObjectKey:
    stored = call.system.vault.seal(data_key, _purpose(bucket.id), key.encode())
    return ObjectKey(data_key, stored, _SSE_S3_ANSWER, False)


_SSE_S3_ANSWER: Mapping[str, Any] = {"ServerSideEncryption": SSE_S3}


def _opened_sse_s3(vault: Vault, bucket_id: int, key: bytes, stored: bytes) -> bytes:
    try:
        return vault.unseal(stored, _purpose(bucket_id), key)
    except InvalidToken:
        raise _does_not_open(bucket_id, key) from None


@lru_cache(maxsize=_CIPHERS_KEPT)
def cipher_of_sse_s3(vault: Vault, bucket_id: int, key: bytes, stored: bytes) -> AESGCM:
    """The cipher of an SSE-S3 object's data key, kept for the next request for it."""
    return AESGCM(_opened_sse_s3(vault, bucket_id, key, stored))


def _purpose(bucket_id: int) -> str:
    return f"s3-bucket/{bucket_id}"


def _does_not_open(bucket_id: int, key: bytes) -> StoreError:
    return StoreError(
        f"the data key of {key!r} in bucket number {bucket_id} does not open: was it written under another master key?"
    )


# SSE-C


def _sse_c(call: Call, bucket: Bucket, key: str, customer_key: CustomerKey) -> ObjectKey:
    data_key, salt = call.system.entropy(DATA_KEY_BYTES), call.system.entropy(_SALT)
    stored = _text(
        t=SSE_C,
        md5=customer_key.md5,
        salt=salt,
        hmac=_hmac_of_customer(customer_key, salt),
        k=_wrapped(_key_of_customer(customer_key, salt), data_key, bucket, key, call.system.entropy),
    )
    return ObjectKey(data_key, stored, encryption_answer(stored), True)


def checked_customer_key(call: Call, stored: bytes | None, prefix: str = "") -> CustomerKey | None:
    """The request's key for an object, where it is the object's; None where the object needs none.

    Raises InvalidRequest without the key, or with one for an object that has none; AccessDenied for a wrong one.
    """
    customer_key = customer_key_of(call.input, prefix)
    found = None if stored is None or is_sse_s3(stored) else orjson.loads(stored)
    if found is None or found["t"] != SSE_C:
        if customer_key is not None:
            raise AwsError("InvalidRequest", "The encryption parameters are not applicable to this object.")
        return None
    if customer_key is None:
        raise AwsError(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
            "retrieve the object.",
        )
    if not is_customer_key_of(customer_key, found):
        # AWS says 403; clients and the public test suite of S3 servers expect a bad request.
        raise AwsError(
            "AccessDenied",
            "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret "
            "key.",
            400,
        )
    return customer_key


def refuse_customer_key(call: Call, prefix: str = "") -> None:
    """Raises InvalidRequest for a customer's key on an object that has none."""
    if call.input.get(f"{prefix}SSECustomerAlgorithm") or call.input.get(f"{prefix}SSECustomerKey"):
        checked_customer_key(call, None, prefix)


def is_customer_key_of(customer_key: CustomerKey, found: Mapping[str, Any]) -> bool:
    """Whether it is the key that an object, or an upload, was begun with."""
    expected = base64.b64decode(found["hmac"])
    return hmac.compare_digest(_hmac_of_customer(customer_key, base64.b64decode(found["salt"])), expected)


def _hmac_of_customer(customer_key: CustomerKey, salt: bytes) -> bytes:
    return hmac.digest(salt, b"isthmus check" + customer_key.key, hashlib.sha256)


def _key_of_customer(customer_key: CustomerKey, salt: bytes) -> bytes:
    return hmac.digest(customer_key.key, b"isthmus wrap" + salt, hashlib.sha256)


# SSE-KMS


async def _sse_kms(call: Call, bucket: Bucket, key: str, wanted: Wanted) -> ObjectKey:
    named = wanted.kms_key or _MANAGED_KEY
    if wanted.bucket_key:
        made = await _bucket_key(call, bucket, named, wanted.context)
        data_key = call.system.entropy(DATA_KEY_BYTES)
        wrapped = _wrapped(made["Plaintext"], data_key, bucket, key, call.system.entropy)
        parts = {"k": wrapped, "b": made["CiphertextBlob"]}
    else:
        made = await _generated(call, bucket, named, _with_arn(wanted.context, object_arn(bucket.name, key)))
        data_key = made["Plaintext"]
        parts = {"k": made["CiphertextBlob"]}
    arn = made["KeyId"]
    stored = _text(t=SSE_KMS, arn=arn, shown=_shown(arn, named), c=dict(wanted.context), **parts)
    return ObjectKey(data_key, stored, encryption_answer(stored), True)


def _shown(arn: str, named: str) -> str:
    """How answers name the key: by its ARN, but one whose id the operator chose as the request named it."""
    key_id = arn.rpartition("/")[2]
    return named if named == key_id and not _UUID.match(key_id) else arn


async def _generated(call: Call, bucket: Bucket, named: str, context: Mapping[str, str]) -> dict[str, Any]:
    given = {"KeyId": named, "KeySpec": "AES_256", "EncryptionContext": dict(context)}
    answer: dict[str, Any] = await _asked(call, bucket, perform_for_caller, "GenerateDataKey", given)
    return answer


async def _bucket_key(call: Call, bucket: Bucket, named: str, context: Mapping[str, str]) -> dict[str, Any]:
    """A key of the bucket for this requester: the one of the last minutes, or a new one."""
    cache = call.system.directory.cache
    text = orjson.dumps([bucket.id, named, sorted(context.items())]).decode()
    kept = ("s3 bucket key", f"{call.caller.principal.arn} {text}")
    known = cache.get(kept)
    full = _with_arn(context, bucket_arn(bucket.name))
    if known is not None and known[0] > call.now:
        given = {"KeyId": named, "KeySpec": "AES_256", "EncryptionContext": full}
        await _asked(call, bucket, authorise_for_caller, "GenerateDataKey", given)
        answer: dict[str, Any] = known[1]
        return answer
    made = await _generated(call, bucket, named, full)
    call.system.directory.cache[kept] = (call.now + _BUCKET_KEY_SECONDS, made)
    return made


async def _opened_sse_kms(call: Call, bucket: Bucket, key: str, found: Mapping[str, Any]) -> bytes:
    require_version_4(call)
    blob, arn, context = found.get("b", found["k"]), found["arn"], found["c"]
    given = {"KeyId": arn, "CiphertextBlob": base64.b64decode(blob)}
    if "b" not in found:
        given["EncryptionContext"] = _with_arn(context, object_arn(bucket.name, key))
        opened: bytes = (await _asked(call, bucket, perform_for_caller, "Decrypt", given))["Plaintext"]
        return opened
    given["EncryptionContext"] = _with_arn(context, bucket_arn(bucket.name))
    cache = call.system.directory.cache
    kept = ("s3 bucket key opened", f"{call.caller.principal.arn} {blob}")
    known = cache.get(kept)
    if known is not None and known[0] > call.now:
        await _asked(call, bucket, authorise_for_caller, "Decrypt", given)
        bucket_key: bytes = known[1]
    else:
        bucket_key = (await _asked(call, bucket, perform_for_caller, "Decrypt", given))["Plaintext"]
        cache[kept] = (call.now + _BUCKET_KEY_SECONDS, bucket_key)
    return _unwrapped(bucket_key, found["k"], bucket, key)


def _with_arn(context: Mapping[str, str], arn: str) -> dict[str, str]:
    """The encryption context with the ARN that S3 adds. Raises InvalidArgument where the request gave another one."""
    if context.get(_CONTEXT_KEY, arn) != arn:
        raise AwsError(
            "InvalidArgument", f"The encryption context's {_CONTEXT_KEY} is reserved for the ARN that S3 adds: {arn}"
        )
    return {**context, _CONTEXT_KEY: arn}


async def _asked(
    call: Call, bucket: Bucket, ask: Callable[..., Awaitable[Any]], name: str, given: dict[str, Any]
) -> Any:
    """Ask KMS in the bucket's region, in its caller's name. Raises AccessDenied, KMS.…Exception."""
    context = {"kms:viaservice": f"s3.{bucket.region}.amazonaws.com"}
    try:
        return await ask(call, ("kms", name), given, region=bucket.region, context=context)
    except AccessDenied:
        raise
    except AwsError as error:
        if error.code in _ANSWERED:
            raise AwsError(f"KMS.{error.code}", error.message, 400) from None
        if error.code in ("InvalidCiphertextException", "IncorrectKeyException"):
            raise AwsError("AccessDenied", "The ciphertext refers to a customer master key that does not exist, does "
                           "not exist in this region, or you are not allowed to access.") from None  # fmt: skip
        raise


# Wrapping under keys that are no purposes of the vault


def _wrapped(wrapping: bytes, data_key: bytes, bucket: Bucket, key: str, entropy: Callable[[int], bytes]) -> bytes:
    nonce = entropy(_NONCE)
    return nonce + AESGCM(wrapping).encrypt(nonce, data_key, _bound(bucket, key))


def _unwrapped(wrapping: bytes, text: str, bucket: Bucket, key: str) -> bytes:
    wrapped = base64.b64decode(text)
    try:
        return AESGCM(wrapping).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound(bucket, key))
    except InvalidTag:
        raise _does_not_open(bucket.id, key.encode()) from None


def _bound(bucket: Bucket, key: str) -> bytes:
    return f"{bucket.id}/{key}".encode()


def _text(**members: Any) -> bytes:
    """A stored encryption that is JSON; bytes are base64."""
    return orjson.dumps(
        {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in members.items()
        }
    )


def as_text(stored: bytes | None) -> str | None:
    """A stored encryption among the settings of an upload, which are JSON."""
    return None if stored is None else base64.b64encode(stored).decode()


def of_text(text: str | None) -> bytes | None:
    """The inverse of `as_text`."""
    return None if text is None else base64.b64decode(text)
