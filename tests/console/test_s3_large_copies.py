"""Objects of more than 5 GB in a browser: what CopyObject refuses is copied in parts, with progress, or cancelled."""

from __future__ import annotations

import itertools
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect
from visitor import PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

BUCKET = "large-objects"
MIB = 1024 * 1024
SIZE = 5 * 1024 * MIB + 1  # what the browser is told; the object has 5 MiB, the least that a part may have
PARTS = 41


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    """Production's S3 with a bucket."""
    client = site.client(PRODUCTION, "s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def put(s3: Any, key: str) -> str:
    """An object with something of everything; its version."""
    made: str = s3.put_object(
        Bucket=BUCKET,
        Key=key,
        Body=bytes(5 * MIB),
        ContentType="text/csv",
        Metadata={"team": "data"},
        Tagging="kept=yes",
        ChecksumAlgorithm="CRC32",
    )["VersionId"]
    return made


class Large:
    """Makes a page see a large object: HEAD tells its size, and each range of it is a copy of the small one."""

    def __init__(self, page: Page, s3: Any) -> None:
        self.s3 = s3
        self.ranges: list[str] = []
        self.held: list[Route] = []
        self.hold_after = PARTS
        page.route(re.compile(rf"/{BUCKET}/[^?]+(\?.*)?$"), self._answer)

    def release(self) -> None:
        """Let go on what was held."""
        self.hold_after = PARTS
        while self.held:
            self._answer(self.held.pop())

    def _answer(self, route: Route) -> None:
        request = route.request
        query = parse_qs(urlsplit(request.url).query)
        if request.method == "HEAD":
            answered = route.fetch()
            route.fulfill(status=answered.status, headers={**answered.headers, "content-length": str(SIZE)})
        elif "partNumber" in query:
            self._copy(route, query)
        else:
            route.continue_()

    def _copy(self, route: Route, query: dict[str, list[str]]) -> None:
        headers = route.request.headers
        if len(self.ranges) >= self.hold_after:
            self.held.append(route)
            return
        self.ranges.append(headers["x-amz-copy-source-range"])
        part = self.s3.upload_part_copy(
            Bucket=BUCKET,
            Key=urlsplit(route.request.url).path.partition(f"{BUCKET}/")[2],
            UploadId=query["uploadId"][0],
            PartNumber=int(query["partNumber"][0]),
            CopySource=headers["x-amz-copy-source"],
            CopySourceIfMatch=headers["x-amz-copy-source-if-match"],
        )["CopyPartResult"]
        told = f"<ETag>{part['ETag']}</ETag><ChecksumCRC32>{part['ChecksumCRC32']}</ChecksumCRC32>"
        route.fulfill(status=200, content_type="application/xml", body=f"<CopyPartResult>{told}</CopyPartResult>")


@pytest.fixture
def admin(visit: Visit, s3: Any) -> Visitor:
    """Production's administrator."""
    return visit().sign_in("production", "admin", "s3")


def test_the_storage_class_of_a_large_object_is_changed_and_all_that_is_said_of_it_stays(
    admin: Visitor, s3: Any
) -> None:
    put(s3, "large.csv")
    large = Large(admin.page, s3)
    admin.open(f"s3/object/{BUCKET}?key=large.csv")
    admin.sees(f"5.0 GB ({SIZE} bytes)")
    admin.click("Edit storage class")
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Storage class").click()
    admin.page.get_by_role("option", name="STANDARD_IA").click()
    admin.save()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    done = admin.page.get_by_text("Storage class changed to STANDARD_IA.")
    expect(done).to_be_visible(timeout=90_000)  # 200 MiB are written, on a machine that is busy
    # All of it, each byte once.
    ends = sorted(tuple(map(int, one.removeprefix("bytes=").split("-"))) for one in large.ranges)
    assert (len(ends), ends[0][0], ends[-1][1]) == (PARTS, 0, SIZE - 1)
    assert all(start == before[1] + 1 for before, (start, _) in itertools.pairwise(ends))
    head = s3.head_object(Bucket=BUCKET, Key="large.csv", ChecksumMode="ENABLED")
    assert (head["StorageClass"], head["ContentType"], head["Metadata"]) == (
        "STANDARD_IA",
        "text/csv",
        {"team": "data"},
    )
    assert head["ETag"].endswith(f'-{PARTS}"')
    assert (head["ChecksumType"], "ChecksumCRC32" in head) == ("FULL_OBJECT", True)
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="large.csv")["TagSet"]
    assert tags == [{"Key": "kept", "Value": "yes"}]


def test_a_large_copy_that_is_cancelled_leaves_the_object_as_it_was_and_no_parts(admin: Visitor, s3: Any) -> None:
    version = put(s3, "cancelled.csv")
    large = Large(admin.page, s3)
    large.hold_after = 10
    admin.open(f"s3/object/{BUCKET}?key=cancelled.csv")
    admin.click("Edit metadata")
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Cache-Control").fill("no-cache")
    admin.save()
    expect(dialog.get_by_role("progressbar")).to_have_attribute("value", "24")
    with admin.page.expect_response(lambda response: response.request.method == "DELETE") as aborted:
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        # What is under way is waited for, and nothing is begun any more.
        large.release()
    assert aborted.value.status == 204
    assert len(large.ranges) < PARTS
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    head = s3.head_object(Bucket=BUCKET, Key="cancelled.csv")
    assert (head["VersionId"], "CacheControl" in head) == (version, False)
    expect(admin.page.get_by_text("Metadata saved.")).to_have_count(0)


def test_a_part_that_is_refused_is_told_and_leaves_nothing(admin: Visitor, s3: Any) -> None:
    put(s3, "changed.csv")
    Large(admin.page, s3)
    admin.open(f"s3/object/{BUCKET}?key=changed.csv")
    admin.click("Edit storage class")
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Storage class").click()
    admin.page.get_by_role("option", name="STANDARD_IA").click()
    # Its ranges are real now, and the object has none of those bytes.
    admin.page.unroute_all()
    admin.save()
    admin.sees("It was not saved")
    admin.sees(re.compile("InvalidArgument|InvalidRange"))
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
