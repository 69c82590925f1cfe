"""The tutorial of cross-account access, click by click, in a browser: each step, and beside it what must be refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

ROLE = "AnalyticsReader"
BUCKET = "production-reports"
ROLE_ARN = f"arn:aws:iam::{PRODUCTION}:role/{ROLE}"


def test_a_role_for_another_account_is_made_allowed_and_switched_to(site: Site, visit: Visit) -> None:
    arn, link = make_the_role(visit)
    assert arn == ROLE_ARN
    trust = site.client(PRODUCTION, "iam").get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": ANALYTICS},
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        }
    ]
    alice_is_refused_before_the_group_may(visit)
    put_a_file(site)
    let_the_group(visit, arn)
    alice_as_herself_is_refused(visit)
    alice_switches(visit, link)
    admin_without_mfa_is_refused(visit)


def put_a_file(site: Site) -> None:
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="2026/summary.csv", Body=b'region,amount\nnorth,"1,5"\n', ContentType="text/csv")


def make_the_role(visit: Visit) -> tuple[str, str]:
    """Production's administrator; the ARN and the switch-role link as its page gives them to copy."""
    admin = visit().sign_in("production", "admin", "iam/roles")
    page = admin.page
    admin.follow("Create role")
    admin.heading("Select trusted entity")
    admin.choose("AWS account")
    admin.choose("Another AWS account")
    admin.click("Next")
    admin.sees("Account ID is a 12-digit number.")
    admin.heading("Select trusted entity")
    admin.field("Account ID").fill(ANALYTICS)
    admin.choose("Require MFA")
    admin.click("Next")
    page.get_by_role("searchbox", name="Search permissions policies").press_sequentially("s3r")
    page.get_by_role("checkbox", name="Select AmazonS3ReadOnlyAccess").click()
    admin.click("Next")
    admin.heading("Name, review, and create")
    expect(page.get_by_label("Trust policy")).to_contain_text('"aws:MultiFactorAuthPresent": "true"')
    admin.click("Create role")
    admin.sees("Use 1 to 64 letters")
    admin.field("Role name").fill(ROLE)
    admin.click("Create role")
    admin.heading(ROLE)
    admin.sees("AmazonS3ReadOnlyAccess")
    admin.click("Copy ARN")
    admin.sees("ARN copied")
    arn: str = page.evaluate("navigator.clipboard.readText()")
    admin.click("Copy Switch-role link")
    admin.sees("Switch-role link copied")
    return arn, page.evaluate("navigator.clipboard.readText()")


def alice_is_refused_before_the_group_may(visit: Visit) -> None:
    alice = visit().sign_in_with_mfa(f"switchrole?account={PRODUCTION}&roleName={ROLE}")
    alice.click("Switch Role")
    alice.sees("Access denied to sts:AssumeRole")
    alice.sees(ROLE_ARN)
    expect(alice.bar).to_contain_text("alice")
    alice.follow("Explain")
    alice.heading("Explain")


def let_the_group(visit: Visit, arn: str) -> None:
    """Analytics' administrator."""
    admin = visit().sign_in("analytics", "admin", "iam/groups")
    admin.follow("analysts")
    admin.tab("Permissions")
    admin.click("Allow this to assume a role in another account")
    admin.field("Role ARN").fill("arn:aws:s3:::not-a-role")
    admin.click("Allow")
    admin.sees("Enter the ARN of a role")
    admin.field("Role ARN").fill(arn)
    expect(admin.page.get_by_label("Policy that is created")).to_contain_text(arn)
    admin.click("Allow")
    admin.sees(f"User group analysts may now assume {arn}.")
    admin.tab("Permissions")
    admin.sees(f"AssumeRole-{ROLE}-{PRODUCTION}")


def alice_switches(visit: Visit, link: str) -> None:
    alice = visit().sign_in_with_mfa()
    page = alice.page
    page.goto(link)
    expect(alice.field("Account ID")).to_have_value(PRODUCTION)
    expect(alice.field("IAM role name")).to_have_value(ROLE)
    alice.field("IAM role name").fill("NoSuchRole")
    alice.click("Switch Role")
    alice.sees("Access denied to sts:AssumeRole")
    alice.field("IAM role name").fill(ROLE)
    alice.field("Display name").fill("Reader of Production")
    page.get_by_role("button", name="Display color").click()
    page.get_by_role("option", name="Green").click()
    alice.click("Switch Role")
    alice.heading("Console home")
    expect(alice.bar).to_contain_text("Reader of Production")
    expect(alice.bar).to_contain_text("1111-2222-3333")
    badge = page.locator(".role-badge")
    assert badge.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(183, 202, 157)"
    page.goto(f"{alice.site.endpoint}/-/console/iam/users")
    alice.sees("Access denied to iam:ListUsers")
    alice.sees(f"arn:aws:sts::{PRODUCTION}:assumed-role/{ROLE}/alice")
    page.reload()
    expect(alice.bar).to_contain_text("Reader of Production")
    alice_reads_a_file(alice)
    alice.menu("Switch back")
    expect(alice.bar).to_contain_text("alice")
    expect(alice.bar).to_contain_text("4444-5555-6666")
    alice.menu("Reader of Production")
    expect(alice.bar).to_contain_text("1111-2222-3333")
    alice.menu("Switch back")
    expect(alice.bar).to_contain_text("4444-5555-6666")


def alice_reads_a_file(alice: Visitor) -> None:
    """What it is all for: as the role, a file of the other account's bucket; which reading is all she may do."""
    alice.page.goto(f"{alice.site.endpoint}/-/console/s3")
    alice.sees("Open a bucket by name")
    alice.field("Bucket name").fill(BUCKET)
    alice.click("Open")
    alice.heading(BUCKET)
    alice.follow("2026/")
    alice.follow("summary.csv")
    alice.tab("Preview")
    expect(alice.page.get_by_role("row", name="north 1,5")).to_be_visible()
    expect(alice.bar).to_contain_text("1111-2222-3333")
    alice.page.get_by_role("button", name="Object actions").click()
    alice.page.get_by_role("menuitem", name="Delete").click()
    dialog = alice.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("delete")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    alice.sees("0 deleted, 1 not deleted")
    alice.sees(re.compile("is not authorized to perform: s3:DeleteObject"))
    alice.click("Close")


def alice_as_herself_is_refused(visit: Visit) -> None:
    alice = visit().sign_in_with_mfa(f"s3/buckets/{BUCKET}")
    alice.sees("Access denied to s3:ListBucket")


def admin_without_mfa_is_refused(visit: Visit) -> None:
    """AdministratorAccess allows to call it, but the role asks for MFA, which this administrator does not have."""
    admin = visit().sign_in("analytics", "admin")
    admin.menu("Switch role")
    admin.field("Account ID").fill("1111-2222-3333")
    admin.field("IAM role name").fill(ROLE)
    admin.click("Switch Role")
    admin.sees("Access denied to sts:AssumeRole")
    expect(admin.bar).to_contain_text("4444-5555-6666")


def test_a_role_that_does_not_trust_the_account_cannot_be_switched_to(site: Site, visit: Visit) -> None:
    trust = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}}'
    site.client(PRODUCTION, "iam").create_role(RoleName="OwnOnly", AssumeRolePolicyDocument=trust % PRODUCTION)
    link = f"switchrole?account={PRODUCTION}&roleName=OwnOnly&displayName=Own&color=F2B0A9"
    stranger = visit().sign_in("analytics", "admin", link)
    stranger.click("Switch Role")
    stranger.sees("Access denied to sts:AssumeRole")
    own = visit().sign_in("production", "admin", link)
    own.click("Switch Role")
    expect(own.bar).to_contain_text("Own")


def test_awss_own_form_of_the_switch_role_link_leads_to_the_form(site: Site, visit: Visit) -> None:
    alice = visit().sign_in("analytics", "admin")
    alice.page.goto(f"{site.endpoint}/switchrole?account={PRODUCTION}&roleName=path/R&displayName=D&color=FAD791")
    alice.heading("Switch Role")
    expect(alice.field("IAM role name")).to_have_value("path/R")
    expect(alice.page.get_by_role("button", name="Display color")).to_contain_text("Yellow")


def test_root_cannot_switch_roles(visit: Visit) -> None:
    root = visit().sign_in_as_root()
    root.page.get_by_role("button", name=re.compile("^Account menu")).click()
    expect(root.page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    expect(root.page.get_by_role("menuitem", name="Switch role")).to_have_count(0)
    root.open(f"switchrole?account={PRODUCTION}&roleName=R")
    root.sees("The root user cannot switch roles")
