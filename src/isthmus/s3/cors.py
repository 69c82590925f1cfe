"""Cross-origin resource sharing: which browser pages may read a bucket's answers.

Two callers outside the doors: every answer to a request with an Origin header gets `cors_headers`; an OPTIONS
request, which browsers send unsigned before the real one, is answered by `preflight`.

Sources: S3 User Guide "Using cross-origin resource sharing (CORS)"; Fetch standard, "CORS protocol".
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from isthmus.identity import Bucket
from isthmus.wire import AwsError, Request, Response

_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
    "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by "
    "the resource's CORS spec."
)
_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")


def cors_headers(bucket: Bucket | None, request: Request) -> list[tuple[str, str]]:
    """The headers that let the page of the Origin header read the answer; empty where none may."""
    origin = request.headers.get("origin")
    if origin is None or bucket is None or "cors" not in bucket.configurations:
        return []
    method = request.headers.get("access-control-request-method", request.method)
    rule = _rule_for(_rules(bucket.configurations["cors"]), origin, method, ())
    return [] if rule is None else _headers(rule, origin)


def preflight(bucket: Bucket | None, request: Request) -> Response:
    """The answer to OPTIONS. Raises BadRequest, AccessForbidden (also where there is no such bucket)."""
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if not origin:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.")
    if not method:
        raise AwsError("BadRequest", "Invalid Access-Control-Request-Method: null")
    if bucket is None or "cors" not in bucket.configurations:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method)
    wanted = tuple(
        name.strip().lower()
        for name in request.headers.get("access-control-request-headers", "").split(",")
        if name.strip()
    )
    rule = _rule_for(_rules(bucket.configurations["cors"]), origin, method, wanted)
    if rule is None:
        raise _forbidden(_NOT_ALLOWED, method)
    headers = _headers(rule, origin)
    if wanted:
        headers.append(("Access-Control-Allow-Headers", ", ".join(wanted)))
    return Response(200, headers)


def _forbidden(message: str, method: str) -> AwsError:
    return AwsError("AccessForbidden", message, status=403, extra={"Method": method, "ResourceType": "OBJECT"})


@lru_cache(maxsize=256)
def _rules(text: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(text).get("CORSRules") or ())


def _rule_for(
    rules: tuple[dict[str, Any], ...], origin: str, method: str, headers: tuple[str, ...]
) -> dict[str, Any] | None:
    """The first rule that allows origin, method and every header."""
    for rule in rules:
        if method not in rule["AllowedMethods"]:
            continue
        if not any(_matches(pattern, origin) for pattern in rule["AllowedOrigins"]):
            continue
        allowed = [pattern.lower() for pattern in rule.get("AllowedHeaders") or ()]
        if all(any(_matches(pattern, name) for pattern in allowed) for name in headers):
            return rule
    return None


def _headers(rule: dict[str, Any], origin: str) -> list[tuple[str, str]]:
    anyone = "*" in rule["AllowedOrigins"]
    headers = [
        ("Access-Control-Allow-Origin", "*" if anyone else origin),
        ("Access-Control-Allow-Methods", ", ".join(rule["AllowedMethods"])),
    ]
    if rule.get("ExposeHeaders"):
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule["ExposeHeaders"])))
    if rule.get("MaxAgeSeconds") is not None:
        headers.append(("Access-Control-Max-Age", str(rule["MaxAgeSeconds"])))
    if not anyone:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    headers.append(_VARY)
    return headers


def _matches(pattern: str, text: str) -> bool:
    """`*` in a pattern stands for any run of characters; there is one at most."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
