"""Signing requests: what a client does, for tests and for tools that call a server.

`sign_headers` returns the headers to add; `presign` the query that replaces the request's own.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from urllib.parse import quote

from isthmus.wire import Request

from .canonical import SAFE, canonical_request
from .dates import iso_basic
from .payload import EMPTY_SHA256, UNSIGNED
from .presented import V4, Presented
from .verify import signing_key, string_to_sign


def sign_headers(
    request: Request,
    access_key: str,
    secret: str,
    now: float,
    *,
    region: str = "us-east-1",
    service: str = "s3",
    session_token: str | None = None,
    payload_hash: str = EMPTY_SHA256,
) -> dict[str, str]:
    """The headers that make `request` a signed one at `now`; it must have a `host` header already."""
    added = {"x-amz-date": iso_basic(now)}
    if service == "s3":
        added["x-amz-content-sha256"] = payload_hash
    if session_token is not None:
        added["x-amz-security-token"] = session_token
    signed = replace(request, headers={**request.headers, **added})
    names = tuple(sorted(name for name in signed.headers if name == "host" or name.startswith("x-amz-")))
    presented = _unsigned(access_key, session_token, now, region, service, names)
    canonical = canonical_request(signed, names, payload_hash, service)
    signature = _signature(secret, presented, canonical)
    added["authorization"] = (
        f"{V4} Credential={access_key}/{presented.scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added


def presign(
    request: Request,
    access_key: str,
    secret: str,
    now: float,
    *,
    expires: int = 3600,
    region: str = "us-east-1",
    service: str = "s3",
    session_token: str | None = None,
) -> str:
    """The query string that makes `request` a presigned one for `expires` seconds."""
    names = tuple(sorted(name for name in request.headers if name == "host" or name.startswith("x-amz-")))
    presented = _unsigned(access_key, session_token, now, region, service, names)
    parameters = {
        "X-Amz-Algorithm": V4,
        "X-Amz-Credential": f"{access_key}/{presented.scope}",
        "X-Amz-Date": presented.timestamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": ";".join(names),
    }
    if session_token is not None:
        parameters["X-Amz-Security-Token"] = session_token
    query = "&".join(
        ([request.query] if request.query else [])
        + [f"{name}={quote(value, safe=SAFE)}" for name, value in parameters.items()]
    )
    payload_hash = UNSIGNED if service == "s3" else EMPTY_SHA256
    canonical = canonical_request(replace(request, query=query), names, payload_hash, service)
    return f"{query}&X-Amz-Signature={_signature(secret, presented, canonical)}"


def _unsigned(
    access_key: str, token: str | None, now: float, region: str, service: str, names: tuple[str, ...]
) -> Presented:
    timestamp = iso_basic(now)
    return Presented(
        access_key, token, "REST-HEADER", V4, "", timestamp[:8], region, service, names, int(now), timestamp
    )


def _signature(secret: str, presented: Presented, canonical: str) -> str:
    key = signing_key(secret, presented.date, presented.region, presented.service)
    return hmac.digest(key, string_to_sign(presented, canonical).encode(), "sha256").hex()


def encode_chunks(
    data: bytes,
    presented: Presented,
    key: bytes,
    *,
    size: int = 65536,
    trailers: dict[str, str] | None = None,
) -> bytes:
    """`data` as a signed `aws-chunked` body, with signed trailers where there are any."""
    previous = presented.signature
    encoded = bytearray()
    head = f"AWS4-HMAC-SHA256-PAYLOAD\n{presented.timestamp}\n{presented.scope}\n"
    for start in [*range(0, len(data), size), len(data)]:
        piece = data[start : start + size]
        text = f"{head}{previous}\n{EMPTY_SHA256}\n{hashlib.sha256(piece).hexdigest()}"
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        encoded += f"{len(piece):x};chunk-signature={previous}\r\n".encode() + piece
        if piece:
            encoded += b"\r\n"
    if trailers:
        lines = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        text = (
            f"AWS4-HMAC-SHA256-TRAILER\n{presented.timestamp}\n{presented.scope}\n{previous}\n"
            f"{hashlib.sha256(lines.encode()).hexdigest()}"
        )
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        encoded += lines.replace("\n", "\r\n").encode() + f"x-amz-trailer-signature:{signature}\r\n".encode()
    return bytes(encoded + b"\r\n")
