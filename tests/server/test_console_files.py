"""The console's files as browsers ask for them, and the ways that lead to it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from builders import PRODUCTION, World, story
from isthmus.server.console import console_address
from isthmus.server.pipeline import Pipeline
from isthmus.wire import FileSlice, Request, Response

PAGE, SCRIPT = b"<!doctype html>the page", b"the script"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "index.html.gz").write_bytes(gzip.compress(PAGE, mtime=0))
    (assets / "main-abc.js").write_bytes(SCRIPT)
    (assets / "main-abc.js.br").write_bytes(b"brotli")
    (assets / "main-abc.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (assets / "font.woff2").write_bytes(b"font")
    return tmp_path


def ask(folder: Path, path: str, accepted: str = "", method: str = "GET") -> tuple[Response, dict[str, str]]:
    headers = {"accept-encoding": accepted} if accepted else {}
    response = console_address(Request(method, f"/-/console/{path}", "", headers), folder)
    return response, dict(response.headers)


def content(response: Response) -> bytes:
    assert isinstance(response.body, FileSlice)
    data = Path(response.body.path).read_bytes()
    assert (response.body.offset, response.body.length) == (0, len(data))
    return data


@pytest.mark.parametrize("path", ["", "index.html", "iam/roles", "s3/buckets/a%2Fb", "../index.html", "..%2f..%2fetc"])
def test_every_path_that_is_no_file_is_the_page(folder: Path, path: str) -> None:
    response, headers = ask(folder, path)
    assert (response.status, content(response)) == (200, PAGE)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"


def test_named_by_their_content_files_are_kept_for_good(folder: Path) -> None:
    response, headers = ask(folder, "assets/main-abc.js")
    assert content(response) == SCRIPT
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert ask(folder, "assets/font.woff2")[1]["Content-Type"] == "font/woff2"


def test_a_file_of_another_release_is_not_the_page(folder: Path) -> None:
    assert ask(folder, "assets/main-old.js")[0].status == 404


@pytest.mark.parametrize(
    ("accepted", "encoding", "data"),
    [
        ("", None, SCRIPT),
        ("identity", None, SCRIPT),
        ("gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("GZIP;q=0.5, br;q=0", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("gzip; q=0, br; q=0.0", None, SCRIPT),
    ],
)
def test_the_smallest_form_that_the_client_takes_is_sent(
    folder: Path, accepted: str, encoding: str | None, data: bytes
) -> None:
    response, headers = ask(folder, "assets/main-abc.js", accepted)
    assert headers.get("Content-Encoding") == encoding
    assert headers["Vary"] == "Accept-Encoding"
    assert len(content(response)) == len(data)


@pytest.mark.parametrize("path", ["", "assets/main-abc.js"])
def test_every_file_forbids_what_is_not_the_consoles_own(folder: Path, path: str) -> None:
    headers = ask(folder, path)[1]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_only_reading_is_allowed(folder: Path) -> None:
    assert ask(folder, "", method="HEAD")[0].status == 200
    response, headers = ask(folder, "", method="POST")
    assert (response.status, headers["Allow"]) == (405, "GET, HEAD")


def test_an_installation_without_the_console_says_so(tmp_path: Path) -> None:
    response, _ = ask(tmp_path, "")
    assert response.status == 503
    assert isinstance(response.body, bytes)
    assert b"make console" in response.body


# The ways to the console

BROWSER = {"host": "127.0.0.1:9000", "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def location(world: World, path: str, query: str = "", **headers: str) -> str | None:
    request = Request("GET", path, query, {**BROWSER, **headers})
    response = await Pipeline(world.system).answer(request)
    return dict(response.headers).get("Location")


@story
async def test_a_browser_at_the_servers_address_is_sent_to_the_console_and_nothing_else_is(world: World) -> None:
    assert await location(world, "/") == "/-/console/"
    assert await location(world, "/-/console") == "/-/console/"
    assert await location(world, "/", accept="*/*") is None
    assert await location(world, "/", authorization="AWS4-HMAC-SHA256 Credential=x") is None
    assert await location(world, "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256") is None
    assert await location(world, "/", host="bucket.s3.localhost") is None
    assert await location(world, "/", host="iam.localhost") is None
    assert await location(world, "/bucket") is None


@story
async def test_a_switch_role_link_of_aws_shape_leads_to_the_console_unless_a_bucket_is_there(world: World) -> None:
    query = "account=111122223333&roleName=Reader&displayName=R"
    assert await location(world, "/switchrole", query) == f"/-/console/switchrole?{query}"
    assert await location(world, "/switchrole", "account=111122223333") is None
    assert await location(world, "/switchrole") is None
    assert await location(world, "/switchrole", query, accept="*/*") is None
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="switchrole")
    assert await location(world, "/switchrole", query) is None


async def opened(world: World, kind: str, **headers: str) -> str | None:
    """The content security policy of a public object that a browser opens."""
    await world.sql("UPDATE buckets SET public_access_block = NULL, policy = ?", PUBLIC)
    given = {"Bucket": "pages", "Key": "page", "ContentType": kind}
    await world.call(PRODUCTION, "s3", "PutObject", **given)
    response = await Pipeline(world.system).answer(Request("GET", "/pages/page", "", {**BROWSER, **headers}))
    assert response.status == 200
    return dict(response.headers).get("Content-Security-Policy")


PUBLIC = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
    '"Resource":"arn:aws:s3:::pages/*"}]}'
)


@story
async def test_an_object_opened_on_the_consoles_origin_is_in_a_sandbox_and_elsewhere_is_not(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="pages")
    for kind in ("text/html", "image/svg+xml", "text/xml", "text/plain"):
        policy = await opened(world, kind)
        assert policy is not None
        assert policy.split()[0] == "sandbox"
        assert "allow-same-origin" not in policy
    assert await opened(world, "application/pdf") is None
    assert await opened(world, "text/html", accept="*/*") is None
