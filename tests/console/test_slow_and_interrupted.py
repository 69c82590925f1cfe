"""What a slow network, an impatient user and a session that ends do to the console: nothing is lost or done twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect
from test_iam_pages import confirm
from visitor import PASSWORDS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

BUCKET = "slow-files"
NAME = "IAMUserChangePassword"  # of a policy of AWS, and of one of our own


@pytest.fixture(scope="module", autouse=True)
def bucket(site: Site) -> None:
    """A bucket with a folder and versions."""
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in ("reports/a.txt", "report.txt", "other.txt"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """Production's administrator."""
    return visit().sign_in("production", "admin", "iam/roles")


class Held:
    """Holds requests on their way until they are let go."""

    def __init__(self, page: Page, wanted: Callable[[Request], bool]) -> None:
        self.routes: list[Route] = []
        self.open = False
        self.page = page
        self.wanted = wanted
        page.route("**/*", self._came)

    def _came(self, route: Route) -> None:
        if self.open or not self.wanted(route.request):
            route.fallback()
        else:
            self.routes.append(route)

    def wait(self) -> None:
        """Until one is held."""
        for _ in range(600):
            if self.routes:
                return
            self.page.wait_for_timeout(25)
        raise AssertionError("no such request came")

    def let_go(self) -> None:
        """All of them, and those that come."""
        self.open = True
        while self.routes:
            self.routes.pop(0).fallback()


def is_file(name: str) -> Callable[[Request], bool]:
    """A file of the console."""
    return lambda request: re.search(rf"/assets/{name}-[\w-]+\.js$", request.url) is not None


def make_role(site: Site, name: str) -> None:
    """A role that Production's identities may assume."""
    trust = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    site.client(PRODUCTION, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def test_what_was_done_is_said_on_the_next_page_however_long_that_takes(site: Site, visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    page.clock.install()
    visitor.sign_in("production", "admin", "iam/groups/create")
    visitor.field("User group name").fill("told-late")
    held = Held(page, is_file("Group"))
    visitor.click("Create user group")
    held.wait()
    # The page that was left stays, and that another is on its way is seen.
    expect(page.get_by_text("Loading the page")).to_be_attached()
    page.clock.fast_forward("00:30")
    held.let_go()
    visitor.heading("told-late")
    visitor.sees("User group told-late created.")
    expect(page.get_by_text("Loading the page")).to_have_count(0)
    # It is for that page alone.
    page.clock.fast_forward("00:30")
    page.get_by_role("navigation").get_by_role("link", name="Roles").click()
    visitor.heading("Roles")
    expect(page.get_by_text("User group told-late created.")).to_have_count(0)
    site.client(PRODUCTION, "iam").delete_group(GroupName="told-late")


def test_the_enter_key_that_is_pressed_twice_does_a_thing_once(admin: Visitor) -> None:
    page = admin.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "PUT" else None)
    admin.open(f"s3/buckets/{BUCKET}")
    admin.sees("report.txt")
    held = Held(page, lambda request: request.method == "PUT")
    admin.click("Create folder")
    page.get_by_role("dialog").get_by_role("textbox").fill("once")
    page.keyboard.press("Enter")
    held.wait()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    held.let_go()
    admin.sees("Folder once created.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(asked) == 1


def test_a_list_is_searched_as_before_after_a_reload_and_on_the_way_back(site: Site, admin: Visitor) -> None:
    make_role(site, "kept-in-search")
    page = admin.page
    search = page.get_by_role("searchbox", name="Search roles")
    admin.open("iam/roles")
    search.fill("in-sea")
    admin.sees("1 match")
    page.reload()
    admin.sees("1 match")
    expect(search).to_have_value("in-sea")
    admin.follow("kept-in-search")
    admin.heading("kept-in-search")
    page.go_back()
    admin.sees("1 match")
    # A list that is opened anew shows all.
    page.get_by_role("navigation").get_by_role("link", name="Users").click()
    admin.heading("Users")
    page.get_by_role("navigation").get_by_role("link", name="Roles").click()
    admin.heading("Roles")
    expect(search).to_have_value("")


def test_objects_are_found_as_before_after_a_reload_and_on_the_way_back(admin: Visitor) -> None:
    page = admin.page
    search = page.get_by_role("searchbox", name="Find objects by prefix")
    rows = page.get_by_role("table").get_by_role("row")
    admin.open(f"s3/buckets/{BUCKET}")
    search.fill("report")
    expect(rows).to_have_count(3)
    page.get_by_text("Show versions").click()
    expect(page.get_by_role("columnheader", name="Version ID")).to_be_visible()
    page.reload()
    expect(search).to_have_value("report")
    expect(rows).to_have_count(3)
    expect(page.get_by_role("columnheader", name="Version ID")).to_be_visible()
    admin.follow("reports/")
    admin.sees("a.txt")
    expect(search).to_have_value("")
    page.go_back()
    expect(rows).to_have_count(3)
    expect(search).to_have_value("report")


def test_nothing_of_one_identity_is_left_for_the_next(admin: Visitor, site: Site) -> None:
    make_role(site, "seen-by-one")
    page = admin.page
    admin.open("iam/roles")
    page.get_by_role("searchbox", name="Search roles").fill("seen-by")
    admin.sees("1 match")
    page.get_by_role("checkbox", name="Select seen-by-one").click()
    admin.click("Delete")
    confirm(admin, "seen-by-one")
    admin.sees("Role seen-by-one deleted.")
    admin.menu("Sign out")
    # Where one was, in the same tab: nothing is loaded anew.
    admin.field("Account ID or alias").fill("production")
    admin.field("IAM user name").fill("bob")
    page.get_by_label("Password", exact=True).fill(PASSWORDS["bob"])
    admin.click("Sign in")
    admin.sees("Access denied to iam:ListRoles")
    expect(page.get_by_role("searchbox", name="Search roles")).to_have_value("")
    expect(page.get_by_text("Role seen-by-one deleted.")).to_have_count(0)


def test_a_role_that_is_deleted_while_it_is_used_leaves_one_as_oneself(site: Site, visit: Visit) -> None:
    make_role(site, "gone-soon")
    link = f"switchrole?account={PRODUCTION}&roleName=gone-soon&displayName=Gone+soon"
    visitor = visit().sign_in("production", "admin", link)
    visitor.click("Switch Role")
    expect(visitor.bar).to_contain_text("Gone soon")
    visitor.heading("Console home")
    site.client(PRODUCTION, "iam").delete_role(RoleName="gone-soon")
    visitor.page.get_by_role("main").get_by_role("link", name="IAM").first.click()
    visitor.sees("Your session as gone-soon has ended")
    expect(visitor.bar).not_to_contain_text("Gone soon")
    expect(visitor.bar).to_contain_text("admin")
    visitor.open("iam/roles")
    visitor.heading("Roles")


def test_a_session_that_ends_while_a_dialog_is_open_leaves_a_page_that_can_be_used(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_user(UserName="interrupted")
    iam.create_login_profile(UserName="interrupted", Password="Interrupted-by-hand-7")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    iam.put_user_policy(UserName="interrupted", PolicyName="all", PolicyDocument=document)
    make_role(site, "not-deleted")
    visitor = visit().type_password("production", "interrupted", "Interrupted-by-hand-7", path="iam/roles/not-deleted")
    visitor.click("Delete")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("not-deleted")
    iam.delete_user_policy(UserName="interrupted", PolicyName="all")
    iam.delete_login_profile(UserName="interrupted")
    iam.delete_user(UserName="interrupted")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("Your session has ended")
    expect(dialog).to_have_count(0)
    visitor.field("Account ID or alias").fill("production")
    visitor.field("IAM user name").fill("admin")
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORDS["admin"])
    visitor.click("Sign in")
    # One is where one was, and nothing is done by itself.
    visitor.heading("not-deleted")
    expect(dialog).to_have_count(0)
    visitor.tab("Trust relationships")
    visitor.sees("Edit trust policy")
    iam.delete_role(RoleName="not-deleted")


def test_of_two_policies_of_one_name_the_one_that_was_chosen_is_attached_and_removed(
    site: Site, admin: Visitor
) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_group(GroupName="same-names")
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    own = iam.create_policy(PolicyName=NAME, PolicyDocument=document)["Policy"]["Arn"]
    aws = f"arn:aws:iam::aws:policy/{NAME}"
    page = admin.page
    admin.open("iam/groups/same-names/add-permissions")
    page.get_by_role("searchbox", name="Search permissions policies").fill(NAME)
    row = page.get_by_role("row").filter(has=page.get_by_role("checkbox", name=f"Select {NAME}", exact=True))
    expect(row).to_have_count(2)
    row.filter(has_text="Customer managed").get_by_role("checkbox").click()
    expect(row.get_by_role("checkbox", checked=True)).to_have_count(1)
    page.get_by_role("main").get_by_role("button", name=re.compile("^(Attach|Add permissions|Next)")).last.click()
    admin.heading("same-names")

    def attached() -> list[str]:
        return [
            one["PolicyArn"] for one in iam.list_attached_group_policies(GroupName="same-names")["AttachedPolicies"]
        ]

    assert attached() == [own]
    iam.attach_group_policy(GroupName="same-names", PolicyArn=aws)
    admin.open("iam/groups/same-names")
    admin.tab("Permissions")
    admin.page.get_by_role("row").filter(has_text="AWS managed").get_by_role("checkbox").click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    admin.click("Remove")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    admin.sees("Policy removed.")
    assert attached() == [own]


def test_what_is_wrong_in_a_form_longer_than_the_window_is_brought_into_sight(site: Site, visit: Visit) -> None:
    visitor = visit((400, 700)).sign_in("production", "admin", "s3/bucket/create")
    page = visitor.page
    visitor.field("Bucket name").fill("No Bucket")
    visitor.click("Create bucket")
    expect(visitor.field("Bucket name")).to_be_focused()
    expect(page.get_by_text("Bucket names consist of lowercase letters")).to_be_in_viewport()
    visitor.field("Bucket name").fill(BUCKET)
    visitor.click("Create bucket")
    expect(page.get_by_text(f"There is a bucket {BUCKET} already")).to_be_in_viewport()


def test_what_of_a_new_bucket_was_refused_is_told_with_the_way_to_its_explanation(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    making = {"Effect": "Allow", "Action": ["s3:CreateBucket", "s3:PutBucketOwnershipControls"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": making})
    iam.put_user_policy(UserName="bob", PolicyName="making", PolicyDocument=document)
    bob = visit().sign_in("production", "bob", "s3/bucket/create")
    bob.field("Bucket name").fill("half-made")
    bob.choose("Enable")
    bob.click("Create bucket")
    bob.heading("half-made")
    bob.sees("Bucket half-made created")
    bob.sees(re.compile("because no identity-based policy allows the s3:PutBucketVersioning action"))
    bob.page.get_by_role("link", name=re.compile("^Explain: User: .*s3:PutBucketVersioning")).click()
    bob.heading("Explain")
    iam.delete_user_policy(UserName="bob", PolicyName="making")
