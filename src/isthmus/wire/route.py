"""Which S3 operation a request asks for: a table made once from the service model.

The model gives each operation its method, its level (service, bucket, object), the query arguments in its URI
(`?acl`) and those parameters that only it requires (`uploadId`, `x-amz-copy-source`). Of the operations whose signs
are all there, the one with most signs is meant. Queries that no sign names (`x-id`, `X-Amz-…`, `response-…`) do not
matter.

Source: botocore's S3 model; "PostObject" and "OptionsObject" are in the S3 API reference but not in the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from .errors import AwsError
from .hosts import host_bucket
from .http import Request
from .models import service_model

# Operations of other endpoints (directory buckets, Object Lambda): their paths would shadow general ones.
_ELSEWHERE = frozenset({"WriteGetObjectResponse", "CreateSession", "ListDirectoryBuckets"})
# Several operations share the sign of a deprecated twin; the newer one is meant.
_SUPERSEDED = frozenset({
    "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification",
})  # fmt: skip


class S3Route(NamedTuple):
    """Where a request goes. query: its parameters, decoded; the first value of each name.

    virtual_bucket: the bucket when the Host header named it.
    """

    operation: str
    bucket: str | None
    key: str | None
    query: dict[str, str]
    virtual_bucket: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    operation: str
    signs: tuple[tuple[str, str | None], ...]  # query arguments, with a value where the URI fixes it
    headers: tuple[str, ...]

    def matches(self, query: dict[str, str], headers: dict[str, str]) -> bool:
        return all(name in query and value in (None, query[name]) for name, value in self.signs) and all(
            name in headers for name in self.headers
        )


def route_s3(request: Request, domains: tuple[str, ...]) -> S3Route:
    """The route of an S3 request. Raises AwsError MethodNotAllowed, InvalidURI, NotImplemented."""
    virtual = host_bucket(request.headers.get("host", ""), domains)
    path = request.path
    if not path.startswith("/"):
        raise _invalid_uri()
    if virtual is not None:
        bucket: str | None = virtual
        encoded_key = path[1:]
    else:
        encoded_bucket, _, encoded_key = path[1:].partition("/")
        bucket = (unquote(encoded_bucket) if "%" in encoded_bucket else encoded_bucket) or None
    key = _decode(encoded_key) or None
    query = parse_query(request.query)
    level = "service" if bucket is None else "bucket" if key is None else "object"
    operation = _operation(request, level, query)
    return S3Route(operation, bucket, key, query, virtual)


def _operation(request: Request, level: str, query: dict[str, str]) -> str:
    method = request.method
    if method == "OPTIONS":
        return "OptionsObject"
    form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    if method == "POST" and level == "bucket" and "delete" not in query and form:
        return "PostObject"
    for candidate in (_table() if query else _table_without_query()).get((method, level), ()):
        if candidate.matches(query, request.headers):
            return candidate.operation
    raise AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        extra={"Method": method, "ResourceType": level.upper()},
    )


@cache
def _table() -> dict[tuple[str, str], list[_Candidate]]:
    """Candidates by method and level, the most telling first."""
    model = service_model("s3")
    table: dict[tuple[str, str], list[_Candidate]] = {}
    for name in model.operation_names:
        if name in _ELSEWHERE or name in _SUPERSEDED:
            continue
        operation = model.operation_model(name)
        path, _, arguments = operation.http["requestUri"].partition("?")
        level = "object" if "{Key+}" in path else "bucket" if "{Bucket}" in path else "service"
        signs: dict[str, str | None] = {}
        for argument in filter(None, arguments.split("&")):
            sign, equals, value = argument.partition("=")
            signs[sign] = value if equals else None
        headers = []
        shape: Any = operation.input_shape
        for member in shape.required_members if shape is not None else ():
            serialization = shape.members[member].serialization
            if serialization.get("location") == "querystring":
                signs[serialization["name"]] = None
            elif serialization.get("location") == "header" and not arguments:  # else the URI tells it apart
                headers.append(serialization["name"].lower())
        candidate = _Candidate(name, tuple(signs.items()), tuple(headers))
        table.setdefault((operation.http["method"], level), []).append(candidate)
    for candidates in table.values():
        candidates.sort(key=lambda one: (-len(one.signs) - len(one.headers), one.operation))
    return table


@cache
def _table_without_query() -> dict[tuple[str, str], list[_Candidate]]:
    """The candidates that need no query: most requests have none."""
    return {place: [one for one in candidates if not one.signs] for place, candidates in _table().items()}


def parse_query(query: str) -> dict[str, str]:
    """Decoded parameters of a query string; the first of a repeated name counts, `+` is a space."""
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                name, value = _decode(name.replace("+", " ")), _decode(value.replace("+", " "))
            found.setdefault(name, value)
    return found


def _decode(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid_uri() from None


def _invalid_uri() -> AwsError:
    return AwsError("InvalidURI", "Couldn't parse the specified URI.")
