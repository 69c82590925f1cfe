"""S3 in a browser: buckets, objects and versions; what is done by clicking is there for every other client."""

from __future__ import annotations

import json
import re
import struct
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect
from test_iam_pages import confirm
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

REPORTS, PARTNER = "production-reports", "analytics-shared"
CSV = b'region,amount\nnorth,"1,5"\nsouth,2\n'
# It would change the title of the page if it ran.
SCRIPT = '<script>top.document.title = "ran"</script>'
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40"/>{SCRIPT}</svg>'
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 144]>>endobj\ntrailer<</Root 1 0 R/Size 4>>\n"
)


def png(width: int, height: int) -> bytes:
    """A blue picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x20\x80\xf0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    """Production's S3, with a bucket of files."""
    client = site.client(PRODUCTION, "s3")
    client.create_bucket(Bucket=REPORTS)
    for key, body, kind in (
        ("2026/summary.csv", CSV, "text/csv"),
        ("2026/logo.png", png(60, 30), "image/png"),
        ("2026/drawing.svg", SVG.encode(), "image/svg+xml"),
        ("2026/page.html", f"<h1>Stored page</h1>{SCRIPT}".encode(), "text/html"),
        ("2026/paper.pdf", PDF, "application/pdf"),
        ("2026/data.bin", b"\0\1", "application/octet-stream"),
        ("readme.txt", b"first line\nsecond line", "text/plain"),
    ):
        client.put_object(Bucket=REPORTS, Key=key, Body=body, ContentType=kind)
    return client


@pytest.fixture
def admin(visit: Visit, s3: Any) -> Visitor:
    """Production's administrator, on the buckets."""
    return visit().sign_in("production", "admin", "s3")


def test_a_bucket_is_made_with_its_settings_filled_emptied_and_deleted(admin: Visitor, s3: Any) -> None:
    page = admin.page
    admin.follow("Create bucket")
    admin.heading("Create bucket")
    admin.click("Create bucket")
    admin.sees("Bucket names have 3 to 63 characters.")
    admin.field("Bucket name").fill(REPORTS)
    admin.click("Create bucket")
    admin.sees(f"There is a bucket {REPORTS} already")
    admin.field("Bucket name").fill("made-by-clicking")
    page.get_by_role("button", name="AWS Region").click()
    page.get_by_role("option", name="eu-west-1").click()
    admin.choose("Bucket owner preferred")
    admin.choose("Block public access granted through new public bucket policies")
    admin.choose("Enable")
    admin.click("Create bucket")
    admin.heading("made-by-clicking")
    assert s3.get_bucket_location(Bucket="made-by-clicking")["LocationConstraint"] == "eu-west-1"
    ownership = s3.get_bucket_ownership_controls(Bucket="made-by-clicking")["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    block = s3.get_public_access_block(Bucket="made-by-clicking")["PublicAccessBlockConfiguration"]
    assert block == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }
    assert s3.get_bucket_versioning(Bucket="made-by-clicking")["Status"] == "Enabled"
    for number in range(3):
        s3.put_object(Bucket="made-by-clicking", Key=f"key-{number}")
    s3.delete_object(Bucket="made-by-clicking", Key="key-0")
    admin.open("s3")
    page.get_by_role("radio", name="Select made-by-clicking").click()
    admin.click("Delete")
    confirm(admin, "made-by-clicking")
    admin.sees("BucketNotEmpty")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    admin.click("Empty")
    confirm(admin, "permanently delete", "Empty")
    admin.sees("4 object versions and delete markers deleted.")
    page.get_by_role("radio", name="Select made-by-clicking").click()
    admin.click("Delete")
    confirm(admin, "made-by-clicking")
    admin.sees("Bucket made-by-clicking deleted.")
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket="made-by-clicking")


def test_a_name_that_is_taken_is_refused_and_the_form_stays(site: Site, admin: Visitor) -> None:
    site.client(ANALYTICS, "s3").create_bucket(Bucket="taken-elsewhere")
    admin.follow("Create bucket")
    admin.heading("Create bucket")
    admin.field("Bucket name").fill("taken-elsewhere")
    admin.click("Create bucket")
    admin.sees("The bucket was not created")
    admin.sees(re.compile("BucketAlreadyExists"))
    expect(admin.field("Bucket name")).to_have_value("taken-elsewhere")


def test_a_bucket_of_another_account_is_opened_by_name_and_kept_for_this_identity(
    site: Site, admin: Visitor, visit: Visit
) -> None:
    other = site.client(ANALYTICS, "s3")
    other.create_bucket(Bucket=PARTNER)
    other.put_object(Bucket=PARTNER, Key="for-you/letter.txt", Body=b"hello")
    grant = {
        "Effect": "Allow",
        "Principal": {"AWS": PRODUCTION},
        "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{PARTNER}", f"arn:aws:s3:::{PARTNER}/*"],
    }
    other.put_bucket_policy(Bucket=PARTNER, Policy=json.dumps({"Version": "2012-10-17", "Statement": [grant]}))
    expect(admin.page.get_by_role("link", name=PARTNER)).to_have_count(0)
    admin.field("Bucket name").fill("Not A Bucket")
    admin.click("Open")
    admin.sees("Enter the name of a bucket")
    admin.field("Bucket name").fill(f"s3://{PARTNER}/for-you/")
    admin.click("Open")
    admin.follow("letter.txt")
    admin.tab("Preview")
    admin.sees("hello")
    # Tabs that may not be read say what is missing, each for itself.
    admin.open(f"s3/buckets/{PARTNER}?tab=properties")
    admin.sees("Access denied to s3:GetBucketVersioning")
    admin.sees("Access denied to s3:GetEncryptionConfiguration")
    admin.open("s3")
    admin.sees("Opened lately")
    admin.follow(PARTNER)
    admin.heading(PARTNER)
    admin.open("s3")
    admin.click(f"Forget {PARTNER}")
    expect(admin.page.get_by_role("link", name=PARTNER)).to_have_count(0)
    # Another identity in the same browser would not have seen it.
    assert admin.page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('isthmus.buckets.'))") == [
        f"isthmus.buckets.arn:aws:iam::{PRODUCTION}:user/admin"
    ]


def test_folders_are_walked_found_by_prefix_made_and_deleted(admin: Visitor, s3: Any) -> None:
    page = admin.page
    admin.follow(REPORTS)
    admin.follow("2026/")
    admin.sees("summary.csv")
    expect(page.get_by_role("navigation", name="Folders")).to_contain_text("2026")
    page.get_by_role("searchbox", name="Find objects by prefix").fill("dra")
    expect(page.get_by_role("link", name="summary.csv")).to_have_count(0)
    admin.sees("drawing.svg")
    page.get_by_role("searchbox", name="Find objects by prefix").fill("nothing-like-that")
    admin.sees("Nothing here begins like that")
    page.get_by_role("navigation", name="Folders").get_by_role("link", name=REPORTS).click()
    admin.sees("readme.txt")
    admin.click("Create folder")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("a/b")
    dialog.get_by_role("button", name="Create folder").click()
    admin.sees("Create one folder in the other")
    dialog.get_by_role("textbox").fill("drafts")
    dialog.get_by_role("button", name="Create folder").click()
    admin.sees("Folder drafts created.")
    assert s3.head_object(Bucket=REPORTS, Key="drafts/")["ContentLength"] == 0
    admin.follow("drafts/")
    admin.sees("No objects")  # what stands for the folder is not in it
    s3.put_object(Bucket=REPORTS, Key="drafts/deep/er.txt", Body=b"x")
    s3.put_object(Bucket=REPORTS, Key="extra.txt", Body=b"x")
    page.get_by_role("navigation", name="Folders").get_by_role("link", name=REPORTS).click()
    admin.select("drafts/")
    admin.select("extra.txt")
    admin.click("Delete")
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text(["drafts/", "extra.txt"])
    confirm(admin, "delete")
    admin.sees("3 objects deleted.")
    assert s3.list_objects_v2(Bucket=REPORTS, Prefix="drafts/")["KeyCount"] == 0


def test_keys_with_strange_names_are_listed_opened_and_downloaded(admin: Visitor, s3: Any) -> None:
    s3.create_bucket(Bucket="strange-keys")
    for key in ("a b+c?.txt", "ü&ö=%20.txt", "//slashes/x.txt", "'quoted\".txt"):
        s3.put_object(Bucket="strange-keys", Key=key, Body=key.encode())
    for key, name in (("a b+c?.txt", "a b+c?.txt"), ("ü&ö=%20.txt", "ü&ö=%20.txt"), ("'quoted\".txt", "'quoted\".txt")):
        admin.open("s3/buckets/strange-keys")
        admin.follow(name)
        admin.tab("Preview")
        expect(admin.page.get_by_label(f"Content of {name}")).to_have_text(key)
        with admin.page.expect_download() as downloaded:
            admin.click("Download")
        assert downloaded.value.path().read_text(encoding="utf-8") == key
    admin.open("s3/buckets/strange-keys")
    for step in ("/", "/", "slashes/", "x.txt"):
        admin.page.get_by_role("table").get_by_role("link", name=step, exact=True).click()
    admin.heading("x.txt")


def test_a_key_that_browsers_cannot_send_is_listed_and_deleted_and_says_so_when_it_is_opened(
    admin: Visitor, s3: Any
) -> None:
    s3.create_bucket(Bucket="dotted-keys")
    s3.put_object(Bucket="dotted-keys", Key="a/../b.txt", Body=b"dots")
    s3.put_object(Bucket="dotted-keys", Key="b.txt", Body=b"another object")
    assert s3.get_object(Bucket="dotted-keys", Key="a/../b.txt")["Body"].read() == b"dots"
    admin.open("s3/buckets/dotted-keys?prefix=a/../")
    admin.follow("b.txt")
    admin.sees('Browsers cannot send keys with a part "." or ".."')
    admin.click("Download")
    admin.sees("The object was not downloaded")
    admin.open("s3/buckets/dotted-keys?prefix=a/../")
    admin.select("b.txt")
    admin.click("Delete")
    confirm(admin, "delete")
    admin.sees("1 object deleted.")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="dotted-keys")["Contents"]] == ["b.txt"]


def test_an_object_is_previewed_as_what_it_is_and_nothing_of_it_runs(admin: Visitor) -> None:
    page = admin.page

    def preview(key: str) -> None:
        admin.open(f"s3/object/{REPORTS}?key={key}&tab=preview")
        admin.heading(key.rpartition("/")[2])

    preview("2026/summary.csv")
    table = page.get_by_role("table", name="Content of summary.csv")
    expect(table.get_by_role("columnheader")).to_have_text(["region", "amount"])
    expect(table.get_by_role("row", name="north 1,5")).to_be_visible()
    preview("readme.txt")
    expect(page.get_by_label("Content of readme.txt")).to_have_text("first line\nsecond line")
    preview("2026/logo.png")
    picture = page.get_by_role("img", name="logo.png")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 60)
    expect(picture).to_have_js_property("naturalHeight", 30)
    preview("2026/drawing.svg")
    drawing = page.get_by_role("img", name="drawing.svg")
    expect(drawing).to_be_visible()
    expect(drawing).to_have_js_property("naturalWidth", 80)
    preview("2026/page.html")
    # The source, as text.
    expect(page.get_by_label("Content of page.html")).to_have_text(f"<h1>Stored page</h1>{SCRIPT}")
    preview("2026/paper.pdf")
    frame = page.get_by_title("Content of paper.pdf")
    expect(frame).to_have_attribute("src", re.compile("^blob:"))
    inside = frame.element_handle().content_frame()
    assert inside is not None
    inside.wait_for_function("document.contentType === 'application/pdf'")
    preview("2026/data.bin")
    admin.sees("There is no preview of objects of this type.")
    assert page.title() != "ran"


def test_an_object_is_downloaded_and_shared_and_no_secret_is_in_the_address(admin: Visitor) -> None:
    page = admin.page
    admin.open(f"s3/buckets/{REPORTS}?prefix=2026/")
    admin.select("summary.csv")
    with page.expect_download() as downloaded:
        admin.click("Download")
    assert downloaded.value.suggested_filename == "summary.csv"
    assert downloaded.value.path().read_bytes() == CSV
    assert "X-Amz" not in page.url
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Copy S3 URI").click()
    admin.sees("S3 URI copied.")
    assert page.evaluate("navigator.clipboard.readText()") == f"s3://{REPORTS}/2026/summary.csv"
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Share with a presigned URL").click()
    admin.sees("It ends with your session at the latest")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("9999")
    dialog.get_by_role("button", name="Create presigned URL").click()
    admin.sees("Enter a whole number, at most 12 hours.")
    dialog.get_by_role("textbox").fill("5")
    dialog.get_by_role("button", name="Create presigned URL").click()
    admin.click("Copy Presigned URL")
    admin.sees("Presigned URL copied")
    link: str = page.evaluate("navigator.clipboard.readText()")
    assert "X-Amz-Expires=300" in link
    assert page.request.get(link).body() == CSV
    assert page.request.get(link.replace("X-Amz-Expires=300", "X-Amz-Expires=301")).status == 403


def test_versions_are_listed_restored_and_deleted(admin: Visitor, s3: Any) -> None:
    page = admin.page
    s3.create_bucket(Bucket="versioned-files")
    s3.put_bucket_versioning(Bucket="versioned-files", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versioned-files", Key="plan.txt", Body=b"first", Metadata={"by": "us"})["VersionId"]
    second = s3.put_object(Bucket="versioned-files", Key="plan.txt", Body=b"second plan")["VersionId"]
    s3.put_object(Bucket="versioned-files", Key="plan.txt.old", Body=b"another key")
    admin.open("s3/object/versioned-files?key=plan.txt&tab=versions")
    admin.sees(second)
    expect(page.get_by_role("row")).to_have_count(3)  # the head and two versions, none of the other key
    admin.select(first)
    admin.click("Restore")
    admin.sees(f"Version {first} restored")
    restored = s3.get_object(Bucket="versioned-files", Key="plan.txt")
    assert (restored["Body"].read(), restored["Metadata"]) == (b"first", {"by": "us"})
    expect(page.get_by_role("row")).to_have_count(4)
    # The object is hidden by a delete marker, which is deleted.
    admin.open("s3/buckets/versioned-files")
    admin.select("plan.txt")
    admin.click("Delete")
    admin.sees("a delete marker hides each object")
    confirm(admin, "delete")
    admin.sees("1 object deleted.")
    expect(page.get_by_role("link", name="plan.txt", exact=True)).to_have_count(0)
    page.get_by_text("Show versions").click()
    admin.sees("plan.txt (delete marker)")
    page.get_by_role("row", name="delete marker").get_by_role("checkbox").click()
    admin.click("Delete")
    confirm(admin, "permanently delete")
    # What the deletion before said may still be there.
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("plan.txt (delete marker)")).to_have_count(0)
    assert s3.get_object(Bucket="versioned-files", Key="plan.txt")["Body"].read() == b"first"
    admin.select(f"plan.txt (version {second})")
    admin.click("Delete")
    confirm(admin, "permanently delete")
    expect(page.get_by_role("checkbox", name=f"Select plan.txt (version {second})")).to_have_count(0)
    with pytest.raises(ClientError, match="NoSuchVersion"):
        s3.get_object(Bucket="versioned-files", Key="plan.txt", VersionId=second)


def test_an_object_gets_metadata_tags_and_a_storage_class_by_a_copy_of_itself(admin: Visitor, s3: Any) -> None:
    page = admin.page
    s3.create_bucket(Bucket="edited-objects")
    s3.put_object(
        Bucket="edited-objects", Key="note.txt", Body=b"note", ContentType="text/plain", Metadata={"team": "data"}
    )
    s3.put_object_tagging(
        Bucket="edited-objects", Key="note.txt", Tagging={"TagSet": [{"Key": "kept", "Value": "yes"}]}
    )
    admin.open("s3/object/edited-objects?key=note.txt")
    admin.sees("x-amz-meta-team")
    admin.click("Edit metadata")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Cache-Control").fill("no-cache")
    dialog.get_by_role("button", name="Add metadata").click()
    dialog.get_by_role("textbox", name="Name").last.fill("strange name")
    admin.save()
    admin.sees("names have letters, digits, dots and hyphens")
    dialog.get_by_role("textbox", name="Name").last.fill("color")
    dialog.get_by_role("textbox", name="Value").last.fill("blue")
    admin.save()
    admin.sees("Metadata saved.")
    admin.click("Edit storage class")
    dialog.get_by_role("button", name="Storage class").click()
    page.get_by_role("option", name="STANDARD_IA").click()
    admin.save()
    admin.sees("Storage class changed to STANDARD_IA.")
    head = s3.head_object(Bucket="edited-objects", Key="note.txt")
    assert (head["Metadata"], head["CacheControl"], head["ContentType"], head["StorageClass"]) == (
        {"team": "data", "color": "blue"},
        "no-cache",
        "text/plain",
        "STANDARD_IA",
    )
    assert s3.get_object(Bucket="edited-objects", Key="note.txt")["Body"].read() == b"note"
    tags = s3.get_object_tagging(Bucket="edited-objects", Key="note.txt")["TagSet"]
    assert tags == [{"Key": "kept", "Value": "yes"}]


def test_who_may_only_read_is_told_of_each_permission_that_is_missing(site: Site, visit: Visit, s3: Any) -> None:
    iam = site.client(PRODUCTION, "iam")
    reading = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{REPORTS}", f"arn:aws:s3:::{REPORTS}/*"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    iam.put_user_policy(UserName="bob", PolicyName="read-reports", PolicyDocument=document)
    s3.create_bucket(Bucket="closed-to-bob")
    bob = visit().sign_in("production", "bob", "s3")
    bob.sees("Access denied to s3:ListAllMyBuckets")
    bob.field("Bucket name").fill("closed-to-bob")
    bob.click("Open")
    bob.sees("Access denied to s3:ListBucket")
    bob.sees("because no identity-based policy allows the s3:ListBucket action")
    bob.open(f"s3/buckets/{REPORTS}")
    bob.sees("readme.txt")
    bob.tab("Permissions")
    for action in ("s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketAcl", "s3:GetBucketCORS"):
        bob.sees(f"Access denied to {action}")
    bob.tab("Management")
    bob.sees("Access denied to s3:GetLifecycleConfiguration")
    bob.tab("Objects")
    bob.select("readme.txt")
    bob.click("Delete")
    confirm(bob, "delete")
    bob.sees("0 deleted, 1 not deleted")
    bob.sees(re.compile("is not authorized to perform: s3:DeleteObject"))
    bob.click("Close")
    # HEAD and downloads have no text of their own: the missing permission is told all the same.
    iam.put_user_policy(
        UserName="bob", PolicyName="read-reports", PolicyDocument=document.replace("s3:GetObject", "s3:GetObjectAcl")
    )
    bob.open(f"s3/object/{REPORTS}?key=readme.txt")
    bob.sees("Access denied to s3:GetObject")
    bob.tab("Permissions")
    bob.sees("FULL_CONTROL")
    bob.click("Download")
    bob.sees("Access denied to s3:GetObject")
    bob.open("s3/bucket/create")
    bob.field("Bucket name").fill("of-bob")
    bob.click("Create bucket")
    bob.sees("Access denied to s3:CreateBucket")
