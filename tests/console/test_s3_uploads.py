"""Uploads in a browser: large files in parts, with progress; cancelled, failed and tried again; folders; refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from visitor import PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

BUCKET = "incoming-files"
MIB = 1024 * 1024
LARGE = 200 * MIB


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    """Production's S3 with an empty bucket."""
    client = site.client(PRODUCTION, "s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 200 MiB, with something at its beginning and end."""
    path = tmp_path_factory.mktemp("files") / "large.bin"
    with path.open("wb") as file:
        file.write(b"beginning")
        file.seek(LARGE - 3)
        file.write(b"end")
    return path


@pytest.fixture
def admin(visit: Visit, s3: Any) -> Visitor:
    """Production's administrator, on the upload page."""
    return visit().sign_in("production", "admin", f"s3/upload/{BUCKET}?prefix=in/")


def add(visitor: Visitor, path: Path | list[Path], button: str = "Add files") -> None:
    """Choose files, or a folder, as in the browser's dialog."""
    with visitor.page.expect_file_chooser() as chooser:
        visitor.click(button)
    chooser.value.set_files(path)


def upload(visitor: Visitor) -> None:
    """Press the button of the form, which opens the list of uploads."""
    visitor.page.get_by_role("main").get_by_role("button", name="Upload", exact=True).click()
    visitor.heading("Uploads")


def succeeds(visitor: Visitor) -> None:
    """All of what was uploaded arrives, on a machine that is busy too."""
    expect(visitor.page.get_by_role("table").get_by_text("Succeeded").first).to_be_visible(timeout=120_000)


def uploads_of(s3: Any) -> list[Any]:
    """The multipart uploads that are not completed."""
    found: list[Any] = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return found


def test_a_file_of_200_mb_is_uploaded_in_parts_with_its_progress(admin: Visitor, s3: Any, large: Path) -> None:
    page = admin.page
    shares: list[str] = []

    def saw(share: str) -> None:
        shares.append(share)

    page.expose_function("sawShare", saw)
    add(admin, large)
    admin.sees("200.0 MB in total")
    # From before it begins: nothing of it is missed.
    page.evaluate(
        "new MutationObserver(() => {"
        "  const bar = document.querySelector('[aria-label=\"Progress of in/large.bin\"] progress, table progress');"
        "  if (bar) sawShare(String(bar.value));"
        "}).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true})"
    )
    upload(admin)
    succeeds(admin)
    admin.sees("1 of 1 files, 200.0 MB of 200.0 MB")
    head = s3.head_object(Bucket=BUCKET, Key="in/large.bin", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ETag"][-4:]) == (LARGE, '-25"')
    assert "ChecksumCRC64NVME" in head
    assert s3.get_object(Bucket=BUCKET, Key="in/large.bin", Range="bytes=-3")["Body"].read() == b"end"
    assert uploads_of(s3) == []
    # It was seen to grow, step by step.
    seen = [float(share) for share in shares]
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3


def test_a_cancelled_upload_leaves_nothing_behind(admin: Visitor, s3: Any, tmp_path: Path) -> None:
    page = admin.page
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(40 * MIB))

    def hold(route: Route) -> None:
        """Neither let it go on nor answer it."""

    # All parts but the first are held on their way.
    page.route(re.compile(r"partNumber=(?!1&)\d"), hold)
    admin.open(f"s3/upload/{BUCKET}?prefix=cancelled/")
    add(admin, large)
    upload(admin)
    bar = page.get_by_role("table").get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "20")
    # It goes on while another page is visited.
    page.get_by_role("link", name="General purpose buckets").click()
    admin.heading("Buckets")
    admin.sees("0 of 1 files are through")
    assert [one["Key"] for one in uploads_of(s3)] == ["cancelled/large.bin"]
    page.get_by_role("link", name="View uploads").click()
    admin.click("Cancel all")
    admin.sees("Cancelled")
    expect(bar).to_have_count(0)
    assert uploads_of(s3) == []
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="cancelled/")["KeyCount"] == 0
    # And it can be begun anew.
    page.unroute_all()
    page.get_by_role("checkbox", name="Select s3://incoming-files/cancelled/large.bin").click()
    admin.click("Retry")
    succeeds(admin)
    assert s3.head_object(Bucket=BUCKET, Key="cancelled/large.bin")["ContentLength"] == 40 * MIB


def test_an_upload_that_fails_leaves_nothing_and_succeeds_when_it_is_tried_again(
    admin: Visitor, s3: Any, tmp_path: Path
) -> None:
    page = admin.page
    files = [tmp_path / "parts.bin", tmp_path / "note.txt"]
    files[0].write_bytes(bytes(20 * MIB))
    files[1].write_text("a note", encoding="utf-8")
    page.route(re.compile(r"partNumber=3&"), lambda route: route.abort())
    admin.open(f"s3/upload/{BUCKET}?prefix=retried/")
    add(admin, files)
    upload(admin)
    succeeds(admin)  # the other file
    admin.sees("1 file was not uploaded")
    admin.sees("The server did not answer.")
    assert uploads_of(s3) == []
    page.unroute_all()
    page.get_by_role("checkbox", name="Select s3://incoming-files/retried/parts.bin").click()
    admin.click("Retry")
    admin.sees("2 of 2 files uploaded")
    assert s3.head_object(Bucket=BUCKET, Key="retried/parts.bin")["ContentLength"] == 20 * MIB
    note = s3.get_object(Bucket=BUCKET, Key="retried/note.txt")
    assert (note["Body"].read(), note["ContentType"]) == (b"a note", "text/plain")
    page.get_by_role("main").get_by_role("link", name="Open folder").click()
    admin.sees("parts.bin")


def test_a_folder_keeps_its_structure_picked_or_dropped(admin: Visitor, s3: Any, tmp_path: Path) -> None:
    page = admin.page
    folder = tmp_path / "photos"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "a.txt").write_text("a", encoding="utf-8")
    (folder / "b.txt").write_text("b", encoding="utf-8")
    add(admin, folder, "Add folder")
    admin.sees("photos/2026/a.txt")
    page.get_by_role("checkbox", name="Select photos/b.txt").click()
    admin.click("Remove")
    upload(admin)
    admin.sees("Succeeded")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix="in/photos/")["Contents"]]
    assert keys == ["in/photos/2026/a.txt"]
    # A file that is dropped on the list of objects waits on the upload page.
    admin.open(f"s3/buckets/{BUCKET}?prefix=in/")
    admin.sees("photos/")
    transfer = page.evaluate_handle(
        "() => { const made = new DataTransfer(); made.items.add(new File(['dropped'], 'dropped.txt')); return made; }"
    )
    table = page.get_by_role("table")
    table.dispatch_event("dragover", {"dataTransfer": transfer})
    table.dispatch_event("drop", {"dataTransfer": transfer})
    admin.heading("Upload")
    admin.sees("dropped.txt")
    upload(admin)
    admin.sees("Succeeded")
    assert s3.get_object(Bucket=BUCKET, Key="in/dropped.txt")["Body"].read() == b"dropped"


def test_an_upload_gets_the_class_the_tags_and_the_metadata_that_were_chosen(
    admin: Visitor, s3: Any, tmp_path: Path
) -> None:
    page = admin.page
    file = tmp_path / "described.txt"
    file.write_text("x", encoding="utf-8")
    add(admin, file)
    admin.click("Properties - optional")
    page.get_by_role("button", name="Storage class").click()
    page.get_by_role("option", name="STANDARD_IA").click()
    page.get_by_role("button", name="Checksum").click()
    page.get_by_role("option", name="SHA256").click()
    admin.click("Add new tag")
    page.get_by_role("combobox").first.fill("team")
    page.get_by_role("combobox").last.fill("data = more")
    admin.click("Add metadata")
    page.get_by_role("textbox", name="Name").last.fill("Color")
    page.get_by_role("textbox", name="Value").last.fill("blue")
    upload(admin)
    admin.sees("Succeeded")
    head = s3.head_object(Bucket=BUCKET, Key="in/described.txt", ChecksumMode="ENABLED")
    assert (head["StorageClass"], head["Metadata"]) == ("STANDARD_IA", {"color": "blue"})
    assert "ChecksumSHA256" in head
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="in/described.txt")["TagSet"]
    assert tags == [{"Key": "team", "Value": "data = more"}]


def test_who_may_only_read_is_told_that_the_upload_needs_put_object(
    site: Site, visit: Visit, s3: Any, tmp_path: Path
) -> None:
    statement = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    site.client(PRODUCTION, "iam").put_user_policy(UserName="bob", PolicyName="read", PolicyDocument=document)
    files = [tmp_path / "small.txt", tmp_path / "in-parts.bin"]
    files[0].write_text("x", encoding="utf-8")
    files[1].write_bytes(bytes(9 * MIB))
    bob = visit().sign_in("production", "bob", f"s3/upload/{BUCKET}?prefix=bob/")
    add(bob, files)
    upload(bob)
    bob.sees("because no identity-based policy allows the s3:PutObject action")
    expect(bob.page.get_by_role("table").get_by_text("Access denied to s3:PutObject")).to_have_count(2)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="bob/")["KeyCount"] == 0
    assert uploads_of(s3) == []
    bob.open(f"s3/buckets/{BUCKET}")
    bob.click("Create folder")
    dialog = bob.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("mine")
    dialog.get_by_role("button", name="Create folder").click()
    expect(dialog.get_by_text("Access denied to s3:PutObject")).to_be_visible()
