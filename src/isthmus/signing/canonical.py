"""The canonical request of signature version 4 and the string of version 2: one form for equal requests.

Version 4, "Create a canonical request" (IAM User Guide):

    method \\n path \\n query \\n headers \\n\\n names of signed headers \\n payload hash

S3 encodes the path once and takes it as it is; every other service removes `.`, `..` and empty segments and
encodes what is left a second time. Clients disagree about characters that need no encoding but may have one
(`!`, `*`, `+` …). AWS decodes and encodes again, which is the usual form here too; `as_sent` keeps the bytes
of the request, which is what curl and a few SDKs sign. Both name exactly one request.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from isthmus.wire import Request

SAFE: Final = "-_.~"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9\-_.~/]*\Z")


def path_of(path: str, service: str) -> str:
    """The canonical path, decoded and encoded again as AWS does."""
    path = path or "/"
    if service == "s3":
        if _PLAIN_PATH.match(path):
            return path
        return quote(unquote_to_bytes(path), safe="/" + SAFE)
    return _normalised(path)


def raw_path_of(path: str, service: str) -> str:
    """The canonical path of clients that encode differently and sign what they send."""
    return (path or "/") if service == "s3" else _normalised(path)


def _normalised(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    joined = "/" + "/".join(segments)
    if segments and path.endswith("/"):
        joined += "/"
    return quote(joined, safe="/" + SAFE)


def query_of(query: str, without: str | None = None) -> str:
    """The canonical query: parameters decoded, encoded again, sorted by name and value.

    without: a parameter to leave out (`X-Amz-Signature` of a presigned URL).
    """
    if not query:
        return ""
    pairs = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name, value = _encoded_again(name), _encoded_again(value)
        if name != without:
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def raw_query_of(query: str, without: str | None = None) -> str:
    """The canonical query of clients that sign the encoding they send: only sorted."""
    pairs = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        if name != without:
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encoded_again(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    return quote(unquote_to_bytes(text.replace("+", " ")), safe=SAFE)


def header_lines(headers: dict[str, str], names: tuple[str, ...]) -> str:
    """`name:value` lines, in the order given; runs of blanks inside a value are one space."""
    lines = []
    for name in names:
        value = headers.get(name, "")
        value = " ".join(value.split()) if "  " in value or "\t" in value else value.strip()
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def canonical_request(
    request: Request,
    signed_headers: tuple[str, ...],
    payload_hash: str,
    service: str,
    *,
    presigned: bool = False,
    as_sent: bool = False,
) -> str:
    """The canonical request of signature version 4."""
    without = "X-Amz-Signature" if presigned else None
    if as_sent:
        path, query = raw_path_of(request.path, service), raw_query_of(request.query, without)
    else:
        path, query = path_of(request.path, service), query_of(request.query, without)
    return (
        f"{request.method}\n{path}\n{query}\n{header_lines(request.headers, signed_headers)}\n"
        f"{';'.join(signed_headers)}\n{payload_hash}"
    )


# The parameters that are part of the resource in signature version 2: sub-resources and response overrides.
_V2_PARAMETERS = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "defaultObjectAcl",
        "delete",
        "encryption",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "partNumber",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "legal-hold",
        "retention",
        "attributes",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
    ]
)
_V2_BLANKS = re.compile(r"\s*[\r\n]+\s*")


def string_to_sign_v2(request: Request, virtual_bucket: str | None, expires: int | None) -> str:
    """The string of signature version 2.

    virtual_bucket: the bucket named by the host, which is part of the resource but not of the path.
    expires: of a query string; it takes the place of the date.
    """
    headers = request.headers
    date = str(expires) if expires is not None else ("" if "x-amz-date" in headers else headers.get("date", ""))
    signed = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    kept = []
    for part in request.query.split("&"):
        name, equals, value = part.partition("=")
        # Version 2 signs the values decoded.
        decoded = unquote_to_bytes(value.replace("+", " ")).decode("utf-8", "surrogateescape")
        if name in _V2_PARAMETERS:
            kept.append((name, f"{name}={decoded}" if equals and value else name))
        elif expires is not None and name.lower().startswith("x-amz-"):
            # An address has no headers: what would be one stands among its parameters.
            signed.setdefault(name.lower(), decoded)
    amz = "".join(f"{name}:{_V2_BLANKS.sub(' ', signed[name]).strip()}\n" for name in sorted(signed))
    kept.sort()
    resource = (f"/{virtual_bucket}" if virtual_bucket else "") + (request.path or "/")
    if kept:
        resource += "?" + "&".join(text for _, text in kept)
    return (
        f"{request.method}\n{headers.get('content-md5', '').strip()}\n"
        f"{headers.get('content-type', '').strip()}\n{date}\n{amz}{resource}"
    )
