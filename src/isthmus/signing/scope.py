"""The credential scope of version 4, and the other parts of a signature that one client sends again and again.

Source: "Elements of an AWS API request signature" in the IAM User Guide.
"""

from __future__ import annotations

import re
from functools import lru_cache

from isthmus.wire import Request

from .dates import parse_iso_basic

_SCOPE = re.compile(r"Credential=[^,\s]*/[0-9]{8}/[^/,\s]*/([a-z0-9-]+)/aws4_request")
_QUERY_SCOPE = re.compile(r"X-Amz-Credential=[^&]*%2F[0-9]{8}%2F[^&]*%2F([a-z0-9-]+)%2Faws4_request", re.IGNORECASE)
_SHAPE = 'expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'


@lru_cache(maxsize=4096)
def scope_of(credential: str) -> tuple[str, str, str, str] | str:
    """Access key, date, region and service of a credential; or what is wrong with it, in S3's words."""
    parts = credential.split("/")
    if len(parts) < 5:
        return f"the Credential is mal-formed; {_SHAPE}"
    # Access keys made by others may contain slashes; the last four parts are the scope.
    access_key = "/".join(parts[:-4])
    date, region, service, terminal = parts[-4:]
    if not access_key:
        return "a non-empty Access Key (AKID) must be provided in the credential."
    if parse_iso_basic(date + "T000000Z") is None:
        return f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".'
    if terminal != "aws4_request":
        return f'incorrect terminal "{terminal}". This endpoint uses "aws4_request".'
    return access_key, date, region, service


@lru_cache(maxsize=1024)
def signed_headers_of(text: str) -> tuple[str, ...]:
    """The names in a `SignedHeaders`, in lower case."""
    return tuple(name for name in text.lower().split(";") if name)


@lru_cache(maxsize=1024)
def authorization_parts(text: str) -> tuple[str, str, str, str]:
    """Credential, SignedHeaders and Signature of an Authorization header; last, the first part without `=`."""
    found = {"Credential": "", "SignedHeaders": "", "Signature": ""}
    odd = ""
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if name in found:
            found[name] = value
        elif name and not equals:
            odd = odd or name
    return found["Credential"], found["SignedHeaders"], found["Signature"], odd


def scope_service(request: Request) -> str | None:
    """The service that the credential scope of a version 4 signature names, in the header or the query."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        service = _service_ofscope_of(authorization.rpartition("Signature=")[0])
        if service is not None:
            return service
    found = _SCOPE.search(authorization or "") or _QUERY_SCOPE.search(request.query)
    return None if found is None else found[1]


@lru_cache(maxsize=1024)
def _service_ofscope_of(authorization: str) -> str | None:
    found = _SCOPE.search(authorization)
    return None if found is None else found[1]
