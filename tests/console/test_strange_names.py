"""Names that AWS allows and addresses do not like: users, roles and policies with paths, dotted buckets, any key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from test_iam_pages import confirm
from visitor import PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

NAME = "a+b=c,d.e@f-g_h"
IAM_PATH = "/team/data/"
BUCKET = "my.dotted.bucket-1"
KEYS = [
    "100%.txt",
    "a#b&c=d.txt",
    "ü 😀/日本.txt",
    "back\\slash.txt",
    " spaces .txt",
    "q?x=1#y%2F+.txt",
    "é%20(1)!*'.txt",
]


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """Production's administrator."""
    return visit().sign_in("production", "admin")


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    """Production's S3, with the bucket."""
    client = site.client(PRODUCTION, "s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def test_a_user_a_role_and_a_policy_with_strange_names_are_found_opened_and_deleted(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    trusted = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": trusted})
    iam.create_user(UserName=NAME, Path=IAM_PATH)
    iam.put_user_policy(UserName=NAME, PolicyName=NAME, PolicyDocument=document)
    iam.create_role(RoleName=NAME, Path=IAM_PATH, AssumeRolePolicyDocument=trust)
    policy = iam.create_policy(PolicyName=NAME, Path=IAM_PATH, PolicyDocument=document)["Policy"]["Arn"]
    page = admin.page
    admin.open("iam/users")
    admin.follow(NAME)
    admin.heading(NAME)
    admin.sees(f"arn:aws:iam::{PRODUCTION}:user{IAM_PATH}{NAME}")
    admin.follow(NAME)  # the inline policy
    expect(page.locator(".ace_content")).to_contain_text("s3:ListAllMyBuckets")
    page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name=NAME).first.click()
    admin.heading(NAME)
    page.reload()
    admin.heading(NAME)
    admin.open("iam/policies")
    page.get_by_role("searchbox", name="Search policies").fill(NAME)
    admin.follow(NAME)
    admin.sees(policy)
    admin.follow("Edit")
    expect(page.locator(".ace_content")).to_contain_text("s3:ListAllMyBuckets")
    page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name=NAME).click()
    admin.sees(policy)
    page.reload()
    admin.sees(policy)
    admin.open("iam/roles")
    admin.follow(NAME)
    admin.heading(NAME)
    admin.click("Delete")
    confirm(admin, NAME)
    admin.sees(f"Role {NAME} deleted.")
    iam.delete_policy(PolicyArn=policy)
    iam.delete_user_policy(UserName=NAME, PolicyName=NAME)
    iam.delete_user(UserName=NAME)


def test_a_role_with_a_path_is_switched_to_by_its_link(site: Site, admin: Visitor) -> None:
    trusted = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": trusted})
    site.client(PRODUCTION, "iam").create_role(RoleName="Pathed+1", Path=IAM_PATH, AssumeRolePolicyDocument=trust)
    page = admin.page
    admin.open("iam/roles/Pathed+1")
    admin.heading("Pathed+1")
    admin.click("Copy Switch-role link")
    admin.sees("Switch-role link copied")
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(admin.field("Account ID")).to_have_value(PRODUCTION)
    admin.click("Switch Role")
    expect(admin.page.locator(".role-badge")).to_contain_text("Pathed+1")


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_an_object_of_any_key_is_opened_changed_downloaded_and_deleted(admin: Visitor, s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), ContentType="text/plain")
    page = admin.page
    name = key.rpartition("/")[2]
    admin.open(f"s3/buckets/{BUCKET}")
    if "/" in key:
        admin.page.get_by_role("table").get_by_role("link", name=key.removesuffix(name)).click()
    page.get_by_role("table").get_by_role("link", name=name.strip()).click()
    expect(page.get_by_role("term").filter(has_text="ETag")).to_be_visible()
    expect(page.get_by_text(f"s3://{BUCKET}/{key}".strip()).first).to_be_visible()
    page.reload()
    expect(page.get_by_role("term").filter(has_text="ETag")).to_be_visible()
    admin.click("Edit metadata")
    page.get_by_role("dialog").get_by_role("textbox", name="Cache-Control").fill("no-cache")
    admin.save()
    admin.sees("Metadata saved.")
    assert s3.head_object(Bucket=BUCKET, Key=key)["CacheControl"] == "no-cache"
    with page.expect_download() as downloaded:
        admin.click("Download")
    assert downloaded.value.path().read_bytes() == key.encode()
    page.get_by_role("button", name="Object actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    confirm(admin, "delete")
    admin.sees("1 object deleted.")
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=key)


def test_a_file_of_a_strange_name_is_uploaded_under_it(admin: Visitor, s3: Any, tmp_path: Path) -> None:
    file = tmp_path / "ü #1%20+&.txt"
    file.write_text("x", encoding="utf-8")
    admin.open(f"s3/upload/{BUCKET}?prefix=%C3%BC%20%23/")
    with admin.page.expect_file_chooser() as chooser:
        admin.click("Add files")
    chooser.value.set_files(file)
    admin.page.get_by_role("main").get_by_role("button", name="Upload", exact=True).click()
    admin.sees("Succeeded")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"ü #/{file.name}"]
    admin.page.get_by_role("table").get_by_role("link").click()
    admin.heading(file.name)
