"""A browser's view of a bucket: index pages, error pages, redirects, and who may see what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from builders import PRODUCTION, World, policy, statement, story
from isthmus.s3.object_bytes import read_all
from isthmus.server.pipeline import Pipeline
from isthmus.wire import Request
from s3.object_builders import bucket, s3

INDEX = {"IndexDocument": {"Suffix": "index.html"}}


class Page:
    """An answer as a browser has it."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.text = body.decode()

    @property
    def location(self) -> tuple[int, str | None]:
        return self.status, self.headers.get("location")


async def visit(
    world: World, path: str, method: str = "GET", site: str = "site", query: str = "", **headers: str
) -> Page:
    sent = {"host": f"{site}.s3-website.localhost:9000", **{name.replace("_", "-"): headers[name] for name in headers}}
    answer = await Pipeline(world.system).answer(Request(method, path, query, sent))
    return Page(answer.status, answer.headers, b"".join([data async for data in read_all(answer.body)]))


def readable(name: str, *actions: str, **more: Any) -> dict[str, Any]:
    """A bucket policy that lets anybody read, and list too if asked."""
    statements = [statement("Allow", "s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*", **more)]
    statements += [statement("Allow", action, f"arn:aws:s3:::{name}", Principal="*") for action in actions]
    return policy(*statements)


async def site(
    world: World,
    configuration: Mapping[str, Any] = INDEX,
    *,
    listable: bool = True,
    pages: Mapping[str, bytes] | None = None,
    **more: Any,
) -> None:
    document = readable("site", *(["s3:ListBucket"] if listable else []))
    await bucket(world, "site", policy=document, **more)
    await s3(world, "PutBucketWebsite", Bucket="site", WebsiteConfiguration=configuration)
    for key, body in (pages or {}).items():
        await s3(world, "PutObject", Bucket="site", Key=key, body=body, ContentType="text/html")


PAGES = {"index.html": b"home", "docs/index.html": b"docs", "a b.html": b"spaced"}


@pytest.mark.parametrize(
    ("path", "body"), [("/", "home"), ("/index.html", "home"), ("/docs/", "docs"), ("/a%20b.html", "spaced")]
)
def test_a_page_or_the_index_of_its_folder_is_shown(path: str, body: str, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await site(world, pages=PAGES)
        page = await visit(world, path)
        assert (page.status, page.text, page.headers["content-type"]) == (200, body, "text/html")

    run(tmp_path)


@pytest.mark.parametrize("listable", [True, False])
def test_a_folder_without_its_slash_is_redirected_to_it(listable: bool, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await site(world, pages=PAGES, listable=listable)
        assert (await visit(world, "/docs")).location == (302, "/docs/")
        assert (await visit(world, "/doc")).status == (404 if listable else 403)

    run(tmp_path)


@story
async def test_what_is_missing_is_told_to_those_who_may_list_and_refused_to_others(world: World) -> None:
    await site(world, pages=PAGES)
    page = await visit(world, "/nowhere")
    assert page.status == 404
    for line in ("<h1>404 Not Found</h1>", "<li>Code: NoSuchKey</li>", "<li>Key: nowhere</li>", "<li>RequestId: "):
        assert line in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-amz-error-code"] == "NoSuchKey"
    await world.sql("UPDATE buckets SET policy = ? WHERE name = 'site'", json.dumps(readable("site")))
    page = await visit(world, "/nowhere")
    assert page.status == 403
    assert "<li>Code: AccessDenied</li>\n<li>Message: Access Denied</li>" in page.text
    assert "arn:aws" not in page.text


@story
async def test_the_bucket_policy_decides_what_visitors_see(world: World) -> None:
    await site(world, pages=PAGES)
    secret = readable("site", Condition={"StringNotEquals": {"aws:Referer": "https://example.com/"}})
    secret["Statement"].append(statement("Deny", "s3:GetObject", "arn:aws:s3:::site/docs/*", Principal="*"))
    await world.sql("UPDATE buckets SET policy = ? WHERE name = 'site'", json.dumps(secret))
    assert (await visit(world, "/")).status == 200
    assert (await visit(world, "/", referer="https://example.com/")).status == 403
    assert (await visit(world, "/docs/")).status == 403
    await world.sql("UPDATE buckets SET policy = NULL WHERE name = 'site'")
    assert (await visit(world, "/")).status == 403


@story
async def test_a_bucket_that_is_no_website_says_so(world: World) -> None:
    await bucket(world, "site", policy=readable("site"))
    page = await visit(world, "/")
    assert (page.status, page.headers["x-amz-error-code"]) == (404, "NoSuchWebsiteConfiguration")
    page = await visit(world, "/", site="nobody-has-it")
    assert (page.status, page.headers["x-amz-error-code"]) == (404, "NoSuchBucket")


@story
async def test_a_website_is_only_read(world: World) -> None:
    await site(world, pages=PAGES)
    for method in ("POST", "PUT", "DELETE"):
        page = await visit(world, "/", method=method)
        assert (page.status, page.headers["allow"]) == (405, "GET, HEAD")
    page = await visit(world, "/", method="HEAD")
    assert (page.status, page.body, page.headers["content-length"]) == (200, b"", "4")
    assert (await visit(world, "/nowhere", method="HEAD")).status == 404


@story
async def test_a_signature_makes_no_difference(world: World) -> None:
    await bucket(world, "site")
    await s3(world, "PutBucketWebsite", Bucket="site", WebsiteConfiguration=INDEX)
    key = await world.access_key(PRODUCTION)
    assert (await visit(world, "/", authorization=f"AWS {key.id}:{key.secret}")).status == 403


@story
async def test_conditions_and_ranges_are_those_of_the_object(world: World) -> None:
    await site(world, pages=PAGES)
    etag = (await visit(world, "/")).headers["etag"]
    assert (await visit(world, "/", if_none_match=etag)).status == 304
    assert (await visit(world, "/", if_match='"other"')).status == 412
    part = await visit(world, "/", range="bytes=1-2")
    assert (part.status, part.text, part.headers["content-range"]) == (206, "om", "bytes 1-2/4")
    assert (await visit(world, "/", range="bytes=9-")).status == 416


# Error documents


@story
async def test_the_error_document_is_shown_with_the_status_of_the_error(world: World) -> None:
    await site(world, {**INDEX, "ErrorDocument": {"Key": "sorry.html"}}, pages={**PAGES, "sorry.html": b"sorry"})
    page = await visit(world, "/nowhere", range="bytes=0-0", if_none_match="*")
    assert (page.status, page.text, page.headers["x-amz-error-code"]) == (404, "sorry", "NoSuchKey")
    assert (await visit(world, "/sorry.html")).status == 200


@story
async def test_an_error_document_that_cannot_be_read_is_an_error_of_its_own(world: World) -> None:
    await site(world, {**INDEX, "ErrorDocument": {"Key": "sorry.html"}}, pages=PAGES)
    page = await visit(world, "/nowhere")
    assert page.status == 404
    first, second = page.text.split("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>")
    assert "<li>Key: nowhere</li>" in first
    assert "<li>Key: sorry.html</li>" in second


@story
async def test_what_visitors_send_is_written_as_text(world: World) -> None:
    await site(world, pages=PAGES)
    page = await visit(world, "/%3Cscript%3E%0d%0aSet-Cookie:%20a")
    assert "<script>" not in page.text
    assert "\n" not in "".join(page.headers.values())


# Redirects


@story
async def test_all_requests_are_redirected_with_path_and_query(world: World) -> None:
    await site(world, {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}})
    assert (await visit(world, "/a/b%20c", query="x=1")).location == (301, "https://example.com/a/b%20c?x=1")
    assert (await visit(world, "/")).location == (301, "https://example.com/")


@story
async def test_an_object_may_lead_elsewhere(world: World) -> None:
    await site(world, pages=PAGES)
    for key, target in (("old", "/new"), ("out", "https://example.com/x")):
        await s3(world, "PutObject", Bucket="site", Key=key, WebsiteRedirectLocation=target)
        assert (await visit(world, f"/{key}")).location == (301, target)


RULES: list[dict[str, Any]] = [
    {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
    {"Condition": {"KeyPrefixEquals": "gone.html"}, "Redirect": {"ReplaceKeyWith": "error.html"}},
    {
        "Condition": {"KeyPrefixEquals": "reports/", "HttpErrorCodeReturnedEquals": "404"},
        "Redirect": {"HostName": "reports.example.com", "Protocol": "https", "ReplaceKeyPrefixWith": "404/"},
    },
    {
        "Condition": {"HttpErrorCodeReturnedEquals": "404"},
        "Redirect": {"HttpRedirectCode": "307", "ReplaceKeyPrefixWith": "resize?key="},
    },
]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/docs/a.html", (301, "http://site.s3-website.localhost:9000/documents/a.html")),
        ("/gone.html", (301, "http://site.s3-website.localhost:9000/error.html")),
        ("/reports/2026", (301, "https://reports.example.com/404/2026")),
        ("/x y.png", (307, "http://site.s3-website.localhost:9000/resize?key=x%20y.png")),
        ("/reports/kept", (200, None)),
        ("/", (200, None)),
    ],
)
def test_the_first_rule_that_holds_decides(path: str, location: tuple[int, str | None], tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await site(world, {**INDEX, "RoutingRules": RULES}, pages={"index.html": b"", "reports/kept": b""})
        assert (await visit(world, path)).location == location

    run(tmp_path)


@story
async def test_a_rule_without_a_condition_holds_for_everything(world: World) -> None:
    await site(world, {**INDEX, "RoutingRules": [{"Redirect": {"HostName": "other.example"}}]}, pages=PAGES)
    assert (await visit(world, "/index.html")).location == (301, "http://other.example/index.html")


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({}, "InvalidArgument"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
        ({**INDEX, "ErrorDocument": {"Key": ""}}, "InvalidArgument"),
        ({**INDEX, "RedirectAllRequestsTo": {"HostName": "x"}}, "InvalidArgument"),
        ({**INDEX, "RoutingRules": [{"Redirect": {}}]}, "MalformedXML"),
        ({**INDEX, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]}, "InvalidRequest"),
        ({**INDEX, "RoutingRules": [{"Redirect": {"HostName": "x"}, "Condition": {}}]}, "InvalidRequest"),
        (
            {
                **INDEX,
                "RoutingRules": [{"Redirect": {"HostName": "x"}, "Condition": {"HttpErrorCodeReturnedEquals": "302"}}],
            },
            "InvalidRequest",
        ),
        ({**INDEX, "RoutingRules": [{"Redirect": {"HostName": "x"}}] * 51}, "InvalidRequest"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(configuration: dict[str, Any], code: str, tmp_path: Any) -> None:
    @story
    async def run(world: World) -> None:
        await bucket(world, "site")
        error = await world.refused(
            PRODUCTION, "s3", "PutBucketWebsite", Bucket="site", WebsiteConfiguration=configuration
        )
        assert error.code == code
        await s3(world, "PutBucketWebsite", Bucket="site", WebsiteConfiguration=INDEX)

    run(tmp_path)


# Other pages' scripts


@story
async def test_other_pages_may_read_it_where_cors_allows(world: World) -> None:
    await site(world, pages=PAGES)
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example"]}
    await s3(world, "PutBucketCors", Bucket="site", CORSConfiguration={"CORSRules": [rule]})
    allowed = "access-control-allow-origin"
    assert (await visit(world, "/", origin="https://app.example")).headers[allowed] == "https://app.example"
    assert allowed not in (await visit(world, "/", origin="https://other.example")).headers
    asked = {"origin": "https://app.example", "access_control_request_method": "GET"}
    assert (await visit(world, "/", method="OPTIONS", **asked)).headers[allowed] == "https://app.example"
