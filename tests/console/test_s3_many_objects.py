"""A bucket of 100,000 objects in a browser: a page of it is asked for and shown, never all of it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, Route, expect
from test_iam_pages import confirm
from visitor import PRODUCTION, Site, Visit

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.timeout(600)]  # 100,000 objects are put first

BUCKET = "many-objects"
KEYS = [f"year-{number // 10_000}-{number:06}.csv" for number in range(100_000)]
CONNECTIONS, BATCH = 16, 100
PAGE = 100


def put_all(endpoint: str, keys: Sequence[str]) -> None:
    """Empty objects, put by anybody and pipelined: the fastest way there is through the API."""
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port)) as connection:
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            head = f"HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 0\r\n\r\n"
            connection.sendall("".join(f"PUT /{BUCKET}/{key} {head}" for key in batch).encode())
            answers = b""
            while answers.count(b"\r\n\r\n") < len(batch):
                received = connection.recv(65_536)
                assert received != b""
                answers += received
            assert answers.count(b"HTTP/1.1 200") == len(batch), answers[:500]


@pytest.fixture(scope="module")
def filled(site: Site) -> Any:
    """The bucket."""
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    putting = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [putting]}))
    shares = [KEYS[share::CONNECTIONS] for share in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda share: put_all(site.endpoint, share), shares))
    return s3


def test_a_hundred_thousand_objects_are_walked_page_by_page_and_found_by_prefix(visit: Visit, filled: Any) -> None:
    visitor = visit().sign_in("production", "admin", "s3")
    page = visitor.page
    asked: list[dict[str, list[str]]] = []

    def note(request: Request) -> None:
        query = parse_qs(urlsplit(request.url).query)
        if "list-type" in query:
            asked.append(query)

    page.on("request", note)
    visitor.follow(BUCKET)
    rows = page.get_by_role("table").get_by_role("row")
    visitor.sees(KEYS[0])
    expect(rows).to_have_count(PAGE + 1)  # with the head
    assert [query["max-keys"] for query in asked] == [[str(PAGE)]]
    for number in (2, 3):
        visitor.click("Next page")
        visitor.sees(KEYS[(number - 1) * PAGE])
        expect(rows).to_have_count(PAGE + 1)
    visitor.click("Page 1")
    visitor.sees(KEYS[0])
    expect(page.get_by_text(KEYS[2 * PAGE])).to_have_count(0)
    # Each page was one request, which began where the one before it had ended.
    assert [len(query.get("continuation-token", [])) for query in asked] == [0, 1, 1, 0]
    page.get_by_role("searchbox", name="Find objects by prefix").fill("year-9-09999")
    visitor.sees("year-9-099999.csv")
    expect(rows).to_have_count(11)
    page.get_by_role("searchbox", name="Find objects by prefix").fill("year-7")
    visitor.sees("year-7-070000.csv")
    expect(rows).to_have_count(PAGE + 1)
    page.get_by_text("Show versions").click()
    visitor.sees(re.compile("^null"))
    expect(rows).to_have_count(PAGE + 1)
    visitor.click("Next page")
    visitor.sees("year-7-070100.csv")


def test_thousands_are_deleted_in_batches_and_what_is_refused_is_told(visit: Visit, filled: Any) -> None:
    keeping = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{KEYS[-1]}",
    }
    filled.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [keeping]}))
    visitor = visit().sign_in("production", "admin", f"s3/buckets/{BUCKET}")
    page = visitor.page
    page.get_by_role("searchbox", name="Find objects by prefix").fill(KEYS[-1])
    visitor.sees(KEYS[-1])
    page.get_by_role("checkbox", name=f"Select {KEYS[-1]}").click()
    visitor.click("Delete")
    confirm(visitor, "delete")
    visitor.sees("0 deleted, 1 not deleted")
    visitor.sees("with an explicit deny in a resource-based policy")
    visitor.click("Close")
    visitor.open("s3")
    page.get_by_role("radio", name=f"Select {BUCKET}").click()
    visitor.click("Empty")
    batches: list[Route] = []

    def answer_three(route: Route) -> None:
        batches.append(route)
        if len(batches) <= 3:
            route.continue_()

    page.route(re.compile(r"\?delete=$"), answer_three)
    confirm(visitor, "permanently delete", "Empty")
    visitor.sees("3000 deleted, 0 not deleted")
    while len(batches) < 4:
        page.wait_for_timeout(50)
    # The window can be closed in the middle of it: what was deleted is, the rest stays.
    visitor.click("Stop")
    expect(page.get_by_role("dialog")).to_have_count(0)
    left = filled.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [one["Key"] for one in left] == KEYS[3000:4000]
    assert filled.list_objects_v2(Bucket=BUCKET, StartAfter=KEYS[-1001])["KeyCount"] == 1000
    # The one that was under way comes through, and none after it.
    with page.expect_response(re.compile(r"\?delete=$")):
        batches[3].continue_()
    page.unroute_all()
    visitor.open("s3")
    visitor.heading("Buckets")
    assert len(batches) == 4
