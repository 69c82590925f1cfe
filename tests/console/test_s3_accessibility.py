"""The S3 pages as axe-core sees them, in light on a desktop and in dark at 400 pixels; and with the keyboard alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from test_accessibility import PHONE, inspect
from visitor import DESKTOP, PRODUCTION, Site, Visit, Visitor

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.timeout(600)]  # all pages in one test

BUCKET = "production-reports"
KEY = "2026/summary.csv"
LOOKS = pytest.mark.parametrize(("kind", "size", "dark"), [("light", DESKTOP, False), ("dark-400", PHONE, True)])

PAGES = {
    "buckets": ("s3", BUCKET),
    "create-bucket": ("s3/bucket/create", "Block all public access"),
    "objects": (f"s3/buckets/{BUCKET}?prefix=2026/", "summary.csv"),
    "properties": (f"s3/buckets/{BUCKET}?tab=properties", "Index document"),
    "permissions": (f"s3/buckets/{BUCKET}?tab=permissions", "Bucket owner enforced"),
    "management": (f"s3/buckets/{BUCKET}?tab=management", "Expire after 30 days"),
    "object": (f"s3/object/{BUCKET}?key={KEY}", "x-amz-meta-source"),
    "preview": (f"s3/object/{BUCKET}?key={KEY}&tab=preview", "north"),
    "preview-text": (f"s3/object/{BUCKET}?key=a%20text.txt&tab=preview", "a very long line"),
    "object-permissions": (f"s3/object/{BUCKET}?key={KEY}&tab=permissions", "FULL_CONTROL"),
    "object-versions": (f"s3/object/{BUCKET}?key={KEY}&tab=versions", "(current version)"),
    "upload": (f"s3/upload/{BUCKET}", "No files were added yet."),
    "uploads": ("s3/uploads", "No uploads"),
    "no-bucket": ("s3/buckets/there-is-no-such-bucket", "The specified bucket does not exist"),
}


@pytest.fixture(scope="module", autouse=True)
def furnished(site: Site) -> Any:
    """Something of everything, so that no page is empty."""
    s3 = site.client(PRODUCTION, "s3")
    bucket = {"Bucket": BUCKET}
    s3.create_bucket(**bucket)
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(**bucket, Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
    s3.put_bucket_website(**bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": [rule]})
    own = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}"}
    s3.put_bucket_policy(**bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    s3.put_bucket_cors(**bucket, CORSConfiguration=cors)
    for body in (b"old", b"region,amount\nnorth,1\n"):
        s3.put_object(**bucket, Key=KEY, Body=body, ContentType="text/csv", Metadata={"source": "a-" * 60})
    s3.put_object(**bucket, Key="2026/a-very-long-name-" + "x" * 150, Body=b"")
    s3.put_object(**bucket, Key="a text.txt", Body=b"a very long line " * 50)
    s3.put_object(**bucket, Key="gone.txt", Body=b"")
    s3.delete_object(**bucket, Key="gone.txt")
    return s3


@LOOKS
def test_no_s3_page_has_a_serious_finding_or_sticks_out(
    visit: Visit, axe: str, kind: str, size: tuple[int, int], dark: bool
) -> None:
    visitor = visit(size, dark).sign_in("production", "admin")
    for name, (path, shows) in PAGES.items():
        visitor.open(path)
        visitor.sees(shows)
        expect(visitor.page.get_by_text("Loading", exact=True)).to_have_count(0)
        inspect(visitor, axe, f"s3-{name}-{kind}")


@LOOKS
def test_nothing_that_opens_on_an_s3_page_has_a_serious_finding(
    visit: Visit, axe: str, kind: str, size: tuple[int, int], dark: bool, tmp_path: Path
) -> None:
    visitor = visit(size, dark).sign_in("production", "admin", f"s3/buckets/{BUCKET}")
    page = visitor.page
    page.get_by_text("Show versions").click()
    visitor.sees("gone.txt (delete marker)")
    inspect(visitor, axe, f"s3-versions-{kind}")
    page.get_by_role("checkbox", name="Select 2026/").click()
    visitor.click("Delete")
    visitor.sees("To confirm, enter")
    inspect(visitor, axe, f"s3-delete-{kind}")
    visitor.open(f"s3/buckets/{BUCKET}?prefix=2026/")
    page.get_by_role("checkbox", name="Select summary.csv").click()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Share with a presigned URL").click()
    page.get_by_role("dialog").get_by_role("button", name="Create presigned URL").click()
    visitor.sees("Works until")
    inspect(visitor, axe, f"s3-presigned-{kind}")
    visitor.open(f"s3/buckets/{BUCKET}?tab=permissions")
    visitor.click("Edit bucket policy")
    visitor.sees("No findings")
    inspect(visitor, axe, f"s3-edit-policy-{kind}")
    visitor.open(f"s3/buckets/{BUCKET}?tab=properties")
    visitor.click("Edit default encryption")
    page.get_by_role("dialog").get_by_role("radio", name="AWS KMS keys (SSE-KMS)").click()
    inspect(visitor, axe, f"s3-edit-encryption-{kind}")
    visitor.open(f"s3/buckets/{BUCKET}?tab=management")
    visitor.click("Create lifecycle rule")
    expect(page.get_by_role("dialog")).to_be_visible()
    inspect(visitor, axe, f"s3-lifecycle-rule-{kind}")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("radio", name="Select old").click()
    visitor.click("Edit JSON")
    visitor.sees("No findings")
    inspect(visitor, axe, f"s3-lifecycle-json-{kind}")
    upload_is_seen(visitor, axe, kind, tmp_path)


def upload_is_seen(visitor: Visitor, axe: str, kind: str, tmp_path: Path) -> None:
    page = visitor.page
    file = tmp_path / "parts.bin"
    file.write_bytes(bytes(9 * 1024 * 1024))
    page.route("**/*partNumber=2*", lambda route: None)
    visitor.open(f"s3/upload/{BUCKET}?prefix={kind}/")
    with page.expect_file_chooser() as chooser:
        visitor.click("Add files")
    chooser.value.set_files(file)
    visitor.click("Properties - optional")
    visitor.sees("9.0 MB in total")
    inspect(visitor, axe, f"s3-upload-{kind}")
    page.get_by_role("main").get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("table").get_by_role("progressbar")).to_have_attribute("value", "88")
    inspect(visitor, axe, f"s3-uploading-{kind}")
    visitor.click("Cancel all")
    visitor.sees("Cancelled")
    inspect(visitor, axe, f"s3-cancelled-{kind}")


def tab_to(page: Page, name: str, role: str) -> None:
    """Press Tab until what has this role and name has the focus."""
    dialog = page.get_by_role("dialog")
    within = dialog if dialog.count() > 0 else page.get_by_role("main")
    wanted = within.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    expect(wanted.first).to_be_visible()
    for _ in range(60):
        if wanted.first.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not get to {role} {name}")


def test_objects_are_found_opened_and_deleted_with_the_keyboard_alone(visit: Visit, furnished: Any) -> None:
    furnished.put_object(Bucket=BUCKET, Key="keyboard/to-delete.txt", Body=b"typed")
    visitor = visit().sign_in("production", "admin", "s3")
    page = visitor.page
    tab_to(page, BUCKET, "link")
    page.keyboard.press("Enter")
    tab_to(page, "Find objects by prefix", "searchbox")
    page.keyboard.type("key")
    # The list that was searched is there: a link of the one before would lose the focus.
    expect(page.get_by_role("link", name="2026/")).to_have_count(0)
    visitor.sees("keyboard/")
    tab_to(page, "keyboard/", "link")
    page.keyboard.press("Enter")
    tab_to(page, "to-delete.txt", "link")
    page.keyboard.press("Enter")
    visitor.heading("to-delete.txt")
    tab_to(page, "Properties", "tab")
    page.keyboard.press("ArrowRight")
    visitor.sees("typed")
    page.go_back()
    page.go_back()
    tab_to(page, "Select to-delete.txt", "checkbox")
    page.keyboard.press("Space")
    # The buttons stand before the rows.
    page.keyboard.press("Shift+Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.innerText") == "Delete":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "To confirm, enter delete in the text input field.", "textbox")
    page.keyboard.type("delete")
    page.keyboard.press("Enter")
    visitor.sees("1 object deleted.")
    assert furnished.list_objects_v2(Bucket=BUCKET, Prefix="keyboard/")["KeyCount"] == 0
