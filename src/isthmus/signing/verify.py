"""Whether the one who signed a request knows the secret.

`verify` checks, in this order: that everything which must be signed is signed, that the clocks agree and a
presigned URL has not expired, and the signature itself in constant time. It answers by returning or raising.
What the signature says about the body is checked while the body is read: see `payload`.

Sources: as `presented`; "Troubleshooting Signature Version 4" for the texts of the query services.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from functools import lru_cache

from isthmus.wire import AwsError, Request

from .canonical import canonical_request, path_of, query_of, raw_path_of, raw_query_of, string_to_sign_v2
from .dates import SKEW_SECONDS, iso_basic, iso_seconds
from .payload import EMPTY_SHA256, UNSIGNED, declared_payload
from .presented import V2, V4, Presented

_MISMATCH_S3 = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access "
    "Key and signing method. Consult the service documentation for details."
)


@lru_cache(maxsize=4096)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service, derived from the secret as version 4 prescribes."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signing_key_of(presented: Presented, secret: str) -> bytes | None:
    """The key that the chunks of `presented`'s body are signed with; None for version 2."""
    if presented.version == V2:
        return None
    return signing_key(secret, presented.date, presented.region, presented.service)


def string_to_sign(presented: Presented, canonical: str) -> str:
    """The string of version 4 that the signing key signs."""
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{V4}\n{presented.timestamp}\n{presented.scope}\n{digest}"


def verify(
    presented: Presented,
    request: Request,
    secret: str,
    now: float,
    *,
    payload_hash: str | None = None,
    virtual_bucket: str | None = None,
) -> None:
    """Return if the request was signed with `secret` and is fresh at `now` (seconds since the epoch).

    payload_hash: hex SHA-256 of the body, for services other than S3, whose bodies are read first; the empty
        body's when not given. For S3 what `declared_payload` found, where the caller has asked it already.
    virtual_bucket: the bucket named by the host (version 2 only).
    Raises AwsError: SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied (expired, or unsigned headers),
    InvalidRequest and InvalidArgument for the payload declaration.
    """
    if presented.form == "POST":
        _verify_form(presented, secret)
    elif presented.version == V2:
        _verify_v2(presented, request, secret, now, virtual_bucket)
    else:
        _verify_v4(presented, request, secret, now, payload_hash)


def _verify_v4(presented: Presented, request: Request, secret: str, now: float, payload_hash: str | None) -> None:
    s3 = presented.service == "s3"
    _check_signed_headers(presented, request, s3)
    presigned = presented.form == "REST-QUERY-STRING"
    if s3 and presigned:
        _check_lifetime(presented, now)
    else:
        _check_skew(presented, now, s3)
    if not s3:
        payload_hash = payload_hash or EMPTY_SHA256
    elif presigned:
        payload_hash = UNSIGNED
        if "x-amz-content-sha256" in presented.signed_headers or "X-Amz-Content-Sha256=" in request.query:
            payload_hash = declared_payload(request, presented)
    elif payload_hash is None:
        payload_hash = declared_payload(request, presented)
    key = signing_key(secret, presented.date, presented.region, presented.service)
    canonical = canonical_request(
        request, presented.signed_headers, payload_hash, presented.service, presigned=presigned
    )
    text = string_to_sign(presented, canonical)
    if _same(hmac.digest(key, text.encode(), "sha256").hex(), presented.signature):
        return
    if _differs_as_sent(request, presented.service):
        as_sent = canonical_request(
            request,
            presented.signed_headers,
            payload_hash,
            presented.service,
            presigned=presigned,
            as_sent=True,
        )
        signature = hmac.digest(key, string_to_sign(presented, as_sent).encode(), "sha256").hex()
        if _same(signature, presented.signature):
            return
    raise _mismatch(presented, text, canonical, s3)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogateescape"))


def _differs_as_sent(request: Request, service: str) -> bool:
    return path_of(request.path, service) != raw_path_of(request.path, service) or query_of(
        request.query
    ) != raw_query_of(request.query)


def _check_signed_headers(presented: Presented, request: Request, s3: bool) -> None:
    """`host` and every `x-amz-` header must be signed, or whoever carries the request could change them."""
    signed = presented.signed_headers
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed and ":authority" not in signed:
        if not s3:
            raise AwsError(
                "SignatureDoesNotMatch",
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            )
        unsigned.insert(0, "host")
    if not unsigned:
        return
    if s3:
        raise AwsError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            extra={"HeadersNotSigned": ", ".join(unsigned)},
        )
    # The query services look only at what their own signature rests on.
    for name in unsigned:
        if name in ("x-amz-date", "x-amz-target", "x-amz-security-token"):
            raise AwsError("SignatureDoesNotMatch", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _check_lifetime(presented: Presented, now: float) -> None:
    lifetime = presented.lifetime or 0
    expires_at = presented.moment + lifetime
    if now >= expires_at:
        message = "Request has expired"
    elif presented.moment > now + SKEW_SECONDS:
        message = "Request is not valid yet"
    else:
        return
    raise AwsError(
        "AccessDenied",
        message,
        extra={
            "X-Amz-Expires": str(lifetime),
            "Expires": iso_seconds(expires_at),
            "ServerTime": iso_seconds(now),
        },
    )


def _check_skew(presented: Presented, now: float, s3: bool) -> None:
    moment = presented.moment
    if abs(now - moment) <= SKEW_SECONDS:
        return
    if s3:
        raise AwsError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            extra={
                "RequestTime": presented.timestamp,
                "ServerTime": iso_seconds(now),
                "MaxAllowedSkewMilliseconds": str(SKEW_SECONDS * 1000),
            },
        )
    minutes = SKEW_SECONDS // 60
    if moment < now:
        raise AwsError(
            "SignatureDoesNotMatch",
            f"Signature expired: {presented.timestamp} is now earlier than {iso_basic(now - SKEW_SECONDS)} "
            f"({iso_basic(now)} - {minutes} min.)",
        )
    raise AwsError(
        "SignatureDoesNotMatch",
        f"Signature not yet current: {presented.timestamp} is still later than "
        f"{iso_basic(now + SKEW_SECONDS)} ({iso_basic(now)} + {minutes} min.)",
    )


def _mismatch(presented: Presented, text: str, canonical: str | None, s3: bool) -> AwsError:
    if not s3:
        return AwsError("SignatureDoesNotMatch", _MISMATCH)
    extra = {
        "AWSAccessKeyId": presented.access_key,
        "StringToSign": text,
        "SignatureProvided": presented.signature,
        "StringToSignBytes": text.encode("utf-8", "surrogateescape").hex(" "),
    }
    if canonical is not None:
        extra["CanonicalRequest"] = canonical
        extra["CanonicalRequestBytes"] = canonical.encode("utf-8", "surrogateescape").hex(" ")
    return AwsError("SignatureDoesNotMatch", _MISMATCH_S3, extra=extra)


def signature_v2(secret: str, text: str) -> str:
    """The base64 HMAC-SHA1 of version 2."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()


def _verify_v2(presented: Presented, request: Request, secret: str, now: float, virtual_bucket: str | None) -> None:
    expires = None
    if presented.form == "REST-QUERY-STRING":
        expires = presented.moment
        if now >= expires:
            raise AwsError(
                "AccessDenied",
                "Request has expired",
                extra={
                    "Expires": iso_seconds(max(0, expires)),
                    "ServerTime": iso_seconds(now),
                },
            )
    else:
        _check_skew(presented, now, s3=True)
    text = string_to_sign_v2(request, virtual_bucket, expires)
    if _same(signature_v2(secret, text), presented.signature):
        return
    # boto3 signs the bucket with the slash it has in virtual-host style, whatever the path it sends.
    if request.path.count("/") == 1 and request.path != "/":
        with_slash = replace(request, path=request.path + "/")
        if _same(signature_v2(secret, string_to_sign_v2(with_slash, virtual_bucket, expires)), presented.signature):
            return
    raise _mismatch(presented, text, None, s3=True)


def _verify_form(presented: Presented, secret: str) -> None:
    """A form signs nothing but its policy; the policy's own expiration bounds its life (see
    `post_policy`).
    """
    policy = presented.policy or ""
    if presented.version == V2:
        ours = signature_v2(secret, policy)
    else:
        key = signing_key(secret, presented.date, presented.region, presented.service)
        ours = hmac.digest(key, policy.encode("utf-8", "surrogateescape"), "sha256").hex()
    if not _same(ours, presented.signature):
        raise _mismatch(presented, policy, None, s3=True)
