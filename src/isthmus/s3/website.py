"""A bucket as a static website: pages for browsers instead of objects for programs.

A request to a website host names a page. What is answered is decided in this order:

    1. the bucket redirects all requests elsewhere;
    2. the first routing rule whose condition is a prefix of the key, or that has no condition;
    3. the object, or for a key that ends in `/` (or is empty) the index document below it; an object may itself
       redirect (x-amz-website-redirect-location);
    4. where there is no such object but an index document below it: the same address with a slash at its end;
    5. the first routing rule whose condition is the error;
    6. the error document, with the status of the error;
    7. a page that says what was wrong.

Websites are read by anybody: nothing is signed, and the bucket's policy and ACLs decide as for every unsigned request.

Sources: S3 User Guide "Hosting a static website using Amazon S3", "Configuring an index document", "Configuring a
custom error document", "(Optional) Configuring a webpage redirect".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, unquote

from isthmus.identity import Bucket
from isthmus.wire import AwsError, Request, Response

from .bucket_rows import no_such_bucket

KIND = "website"
"""Under which kind a bucket's configurations hold the document."""

_METHODS = ("GET", "HEAD")
_REDIRECT_HEADER = "x-amz-website-redirect-location"
# Readable in an address as they are; everything else, line breaks above all, is percent-encoded.
_SAFE = "/?#&=:;,@+$!~*'()%-._"


class Read(Protocol):
    """GetObject (HeadObject for HEAD) of a key of the bucket, through the doors, as nobody in particular.

    bare: without the conditions and range of the request. head: only whether it can be read. Raises AwsError.
    """

    async def __call__(self, key: str, *, bare: bool = False, head: bool = False) -> Response:
        """The answer."""
        ...


class _Failed(Exception):
    """The page cannot be shown; carries AWS's error."""

    def __init__(self, error: AwsError) -> None:
        super().__init__(error.code)
        self.error = error


async def answer_website(
    name: str, bucket: Bucket | None, request: Request, read: Read, ids: tuple[str, str]
) -> Response:
    """The answer to a request to the website of the bucket `name`; raises nothing that is the visitor's fault.

    ids: request id and host id, which error pages show.
    """
    try:
        site = _site(name, bucket)
        if request.method not in _METHODS:
            raise _Failed(
                AwsError(
                    "MethodNotAllowed",
                    "The specified method is not allowed against this resource.",
                    extra={"Method": request.method, "ResourceType": "OBJECT"},
                    headers={"Allow": ", ".join(_METHODS)},
                )
            )
    except _Failed as failed:
        return _error_page(failed.error, None, ids)
    everything = site.get("RedirectAllRequestsTo")
    if everything is not None:
        query = f"?{request.query}" if request.query else ""
        return _redirect(301, _address(request, everything, request.path.removeprefix("/") + query), ids)
    return await _page(site, request, read, ids)


def _site(name: str, bucket: Bucket | None) -> Mapping[str, Any]:
    if bucket is None:
        raise _Failed(no_such_bucket(name))
    text = bucket.configurations.get(KIND)
    if text is None:
        raise _Failed(
            AwsError(
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
                extra={"BucketName": name},
            )
        )
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Mapping[str, Any]:
    site: Mapping[str, Any] = json.loads(text)
    return site


async def _page(site: Mapping[str, Any], request: Request, read: Read, ids: tuple[str, str]) -> Response:
    asked = unquote(request.path.removeprefix("/"))
    rules: Sequence[Mapping[str, Any]] = site.get("RoutingRules") or ()
    found = _rule_for(rules, asked, None)
    if found is not None:
        return _follow(found, request, asked, ids)
    suffix: str = site["IndexDocument"]["Suffix"]
    key = asked + suffix if not asked or asked.endswith("/") else asked
    try:
        answer = await read(key)
    except AwsError as error:
        return await _without_object(site, request, read, asked, error, ids)
    location = next((value for header, value in answer.headers if header == _REDIRECT_HEADER), None)
    return answer if location is None else _redirect(301, location, ids)


async def _without_object(
    site: Mapping[str, Any], request: Request, read: Read, asked: str, error: AwsError, ids: tuple[str, str]
) -> Response:
    """Steps 4 to 7."""
    if asked and not asked.endswith("/") and error.status in (403, 404):
        try:
            await read(f"{asked}/{site['IndexDocument']['Suffix']}", bare=True, head=True)
        except AwsError:
            pass
        else:
            return _redirect(302, quote(f"/{asked}/", safe=_SAFE), ids)
    found = _rule_for(site.get("RoutingRules") or (), asked, error.status)
    if found is not None:
        return _follow(found, request, asked, ids)
    document: str | None = (site.get("ErrorDocument") or {}).get("Key")
    if document is None or not 400 <= error.status < 500:
        return _error_page(error, None, ids)
    try:
        answer = await read(document, bare=True)
    except AwsError as second:
        return _error_page(error, second, ids)
    location = next((value for header, value in answer.headers if header == _REDIRECT_HEADER), None)
    if location is not None:
        return _redirect(301, location, ids)
    return Response(error.status, [*answer.headers, *_error_headers(error)], answer.body)


# Routing rules


def _rule_for(rules: Sequence[Mapping[str, Any]], key: str, status: int | None) -> Mapping[str, Any] | None:
    """The first rule that holds: before the object was looked for (status None), or for an error."""
    for rule in rules:
        condition: Mapping[str, Any] = rule.get("Condition") or {}
        code: str | None = condition.get("HttpErrorCodeReturnedEquals")
        if (code is None) != (status is None) or (code is not None and code != str(status)):
            continue
        if key.startswith(condition.get("KeyPrefixEquals") or ""):
            return rule
    return None


def _follow(rule: Mapping[str, Any], request: Request, key: str, ids: tuple[str, str]) -> Response:
    redirect: Mapping[str, Any] = rule["Redirect"]
    prefix: str = (rule.get("Condition") or {}).get("KeyPrefixEquals") or ""
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        key = redirect["ReplaceKeyPrefixWith"] + key[len(prefix) :]
    return _redirect(int(redirect.get("HttpRedirectCode") or 301), _address(request, redirect, key), ids)


def _address(request: Request, target: Mapping[str, Any], path: str) -> str:
    """The address that a redirect leads to; host and protocol are the request's unless it names others."""
    protocol = target.get("Protocol") or ("https" if request.secure else "http")
    host = target.get("HostName") or request.headers.get("host", "")
    return f"{protocol}://{host}/{path}"


# Pages


def _redirect(status: int, location: str, ids: tuple[str, str]) -> Response:
    phrase = HTTPStatus(status).phrase
    code = "Found" if status == HTTPStatus.FOUND else phrase.replace(" ", "")
    facts = {"Code": code, "Message": f"Resource {phrase}"}
    return Response(status, [("Location", quote(location, safe=_SAFE)), _HTML], _document(status, facts, {}, ids))


_HTML = ("Content-Type", "text/html; charset=utf-8")


def _error_page(error: AwsError, second: AwsError | None, ids: tuple[str, str]) -> Response:
    """What was wrong, and what was wrong with the error document."""
    body = _document(error.status, _facts(error), {} if second is None else _facts(second), ids)
    return Response(error.status, [*error.headers.items(), *_error_headers(error), _HTML], body)


def _facts(error: AwsError) -> dict[str, str]:
    """Code, message and details; a visitor is not told why a policy refused."""
    if error.code == "AccessDenied":
        return {"Code": error.code, "Message": "Access Denied"}
    return {"Code": error.code, "Message": error.message, **error.extra}


def _error_headers(error: AwsError) -> list[tuple[str, str]]:
    facts = _facts(error)
    headers = [("x-amz-error-code", facts.pop("Code")), ("x-amz-error-message", facts.pop("Message"))]
    headers += ((f"x-amz-error-detail-{name}", quote(value, safe=_SAFE + " ")) for name, value in facts.items())
    return headers


def _document(status: int, facts: Mapping[str, str], second: Mapping[str, str], ids: tuple[str, str]) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    lines = [f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"]
    lines.append(_list({**facts, "RequestId": ids[0], "HostId": ids[1]}))
    if second:
        lines.append("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n")
        lines.append(_list(second))
    lines.append("<hr/>\n</body>\n</html>\n")
    return "".join(lines).encode()


def _list(facts: Mapping[str, str]) -> str:
    items = "".join(f"<li>{name}: {escape(value)}</li>\n" for name, value in facts.items())
    return f"<ul>\n{items}</ul>\n"
