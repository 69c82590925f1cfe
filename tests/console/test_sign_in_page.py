"""Signing in and out in a browser: who gets in, what is kept, and how a session ends."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect
from visitor import ANALYTICS, PASSWORDS, PRODUCTION, Codes, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

WRONG = "Your authentication information is incorrect. Please try again."
FIRST_PAGE_BYTES = 600 * 1024
NEW_PASSWORD = "Chosen-by-hand-7"


def kept(page: Page) -> str:
    """Everything that the browser keeps for the console."""
    text: str = page.evaluate(
        "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, history.state])"
    )
    return text


def test_a_wrong_password_and_an_unknown_user_are_refused_alike_and_a_right_one_opens(visit: Visit) -> None:
    visitor = visit()
    for user, password in (("admin", "wrong"), ("nobody", PASSWORDS["admin"])):
        visitor.type_password("production", user, password)
        visitor.sees(WRONG)
        expect(visitor.page.get_by_label("Password", exact=True)).to_have_value("")
        assert "credentials" not in kept(visitor.page)
    visitor.sign_in("production", "admin")
    visitor.heading("Console home")


def test_what_is_missing_is_said_before_anything_is_sent(visit: Visit) -> None:
    visitor = visit().open()
    visitor.click("Sign in")
    for text in ("Enter the account ID or alias.", "Enter the IAM user name.", "Enter the password."):
        visitor.sees(text)


def test_the_page_that_was_asked_for_is_shown_after_the_sign_in(visit: Visit) -> None:
    visitor = visit().sign_in(PRODUCTION, "admin", "iam/roles")
    visitor.heading("Roles")


def test_a_device_is_asked_for_its_code_and_a_wrong_one_is_refused(visit: Visit) -> None:
    visitor = visit().type_password("analytics", "alice")
    visitor.field("MFA code").fill("12")
    visitor.click("Submit")
    visitor.sees("Enter the 6 digits that your device shows.")
    visitor.field("MFA code").fill("000000")
    visitor.click("Submit")
    visitor.sees("The MFA code is wrong, or it was used before.")
    assert "credentials" not in kept(visitor.page)
    visitor.field("MFA code").fill(visitor.site.codes.next())
    visitor.click("Submit")
    visitor.heading("Console home")
    visitor.sees("Signed in with MFA")


def test_root_signs_in_by_email_and_a_wrong_password_is_refused(visit: Visit) -> None:
    visitor = visit().sign_in_as_root("wrong")
    visitor.sees(WRONG)
    visitor.sign_in_as_root()
    visitor.sees("root user")


def test_the_password_is_never_kept_and_nothing_secret_is_in_an_address(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    visitor.sign_in("production", "admin", "iam/users")
    visitor.follow("bob")
    visitor.heading("bob")
    text = kept(page)
    assert PASSWORDS["admin"] not in text
    session = json.loads(json.loads(text)[0]["isthmus.session"])
    for secret in ("secretAccessKey", "sessionToken"):
        assert not any(session["credentials"][secret] in address for address in [*addresses, page.url])
    assert not any(PASSWORDS["admin"] in address for address in addresses)
    # Another tab of the same browser has nothing of it.
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="IAM user sign in")).to_be_visible()


def test_signing_out_forgets_everything_and_going_back_shows_the_sign_in(visit: Visit) -> None:
    visitor = visit().sign_in("production", "admin", "iam/users")
    visitor.follow("bob")
    visitor.heading("bob")
    visitor.menu("Sign out")
    expect(visitor.page.get_by_role("heading", name="IAM user sign in")).to_be_visible()
    assert "secretAccessKey" not in kept(visitor.page)
    visitor.page.go_back()
    expect(visitor.page).to_have_url(re.compile("iam/users$"))
    expect(visitor.page.get_by_role("heading", name="IAM user sign in")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="bob")).to_have_count(0)


def test_a_password_that_must_be_changed_is_changed_before_anything_else(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_user(UserName="carol")
    iam.create_login_profile(UserName="carol", Password=PASSWORDS["carol"], PasswordResetRequired=True)
    iam.attach_user_policy(UserName="carol", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    visitor = visit().type_password("production", "carol")
    visitor.sees("You must change your password to continue")
    fields = [visitor.page.get_by_label(label, exact=True) for label in
              ("Old password", "New password", "Retype new password")]  # fmt: skip

    def change(old: str, first: str, second: str) -> None:
        for field, text in zip(fields, (old, first, second), strict=True):
            field.fill(text)
        visitor.click("Confirm password change")

    change(PASSWORDS["carol"], NEW_PASSWORD, "Something-else-7")
    visitor.sees("The two passwords differ.")
    change(PASSWORDS["carol"], "short", "short")
    visitor.sees("Password should have a minimum length of 8")
    change("wrong", NEW_PASSWORD, NEW_PASSWORD)
    visitor.sees("The old password was incorrect.")
    change(PASSWORDS["carol"], NEW_PASSWORD, NEW_PASSWORD)
    visitor.heading("Console home")
    visitor.menu("Sign out")
    visitor.type_password("production", "carol")
    visitor.sees(WRONG)
    visitor.type_password("production", "carol", NEW_PASSWORD)
    visitor.heading("Console home")


def test_an_mfa_device_is_enrolled_with_two_codes_and_asked_for_from_then_on(site: Site, visit: Visit) -> None:
    iam = site.client(ANALYTICS, "iam")
    iam.create_user(UserName="dave")
    iam.create_login_profile(UserName="dave", Password=NEW_PASSWORD)
    iam.attach_user_policy(UserName="dave", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    visitor = visit().type_password("analytics", "dave", NEW_PASSWORD)
    visitor.menu("Security credentials")
    codes = assign_device(visitor)
    visitor.sees("MFA device assigned.")
    visitor.sees(f"arn:aws:iam::{ANALYTICS}:mfa/dave")
    assert iam.list_mfa_devices(UserName="dave")["MFADevices"]
    visitor.menu("Sign out")
    visitor.type_password("analytics", "dave", NEW_PASSWORD)
    visitor.field("MFA code").fill(codes.next())  # those of the enrolment are used up
    visitor.click("Submit")
    visitor.heading("Console home")


def assign_device(visitor: Visitor) -> Codes:
    """Click through the enrolment; the codes of the new device."""
    page = visitor.page
    page.get_by_role("button", name="Assign MFA device").first.click()
    expect(visitor.field("Device name")).to_have_value("dave")
    visitor.click("Next")
    picture = page.get_by_role("img", name="QR code of the device")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 100", arg=picture.element_handle())
    visitor.click("Show secret key")
    codes = Codes(base64.b32decode(page.locator("code").inner_text()))
    visitor.field("MFA code 1").fill("000000")
    visitor.field("MFA code 2").fill("000001")
    visitor.click("Add MFA")
    visitor.sees("The device was not assigned")
    for number, code in enumerate(codes.pair(), 1):
        visitor.field(f"MFA code {number}").fill(code)
    visitor.click("Add MFA")
    return codes


def test_an_enrolment_that_is_broken_off_leaves_no_device(site: Site, visit: Visit) -> None:
    visitor = visit().sign_in("production", "admin", "iam/security-credentials")
    visitor.page.get_by_role("button", name="Assign MFA device").first.click()
    visitor.click("Next")
    expect(visitor.page.get_by_role("img", name="QR code of the device")).to_be_visible()
    with visitor.page.expect_response(lambda response: "DeleteVirtualMFADevice" in (response.request.post_data or "")):
        visitor.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert site.client(PRODUCTION, "iam").list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_a_notice_comes_before_the_session_ends_and_a_word_when_it_has(visit: Visit) -> None:
    visitor = visit()
    visitor.page.clock.install()
    visitor.sign_in("production", "admin", "iam/account-settings")
    visitor.sees("Password policy")
    expect(visitor.page.get_by_text("Your session ends soon")).to_have_count(0)
    visitor.page.clock.fast_forward("11:56:00")
    visitor.sees("Your session ends soon")
    visitor.page.clock.fast_forward("05:00")
    visitor.sees("Your session has ended")
    assert "secretAccessKey" not in kept(visitor.page)


def test_a_roles_session_that_ends_leaves_one_as_oneself_and_says_so(site: Site, visit: Visit) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    site.client(PRODUCTION, "iam").create_role(RoleName="Brief", AssumeRolePolicyDocument=document)
    visitor = visit()
    visitor.page.clock.install()
    visitor.sign_in("production", "admin", f"switchrole?account={PRODUCTION}&roleName=Brief&displayName=For+an+hour")
    visitor.click("Switch Role")
    expect(visitor.bar).to_contain_text("For an hour")
    # The clock goes on by itself too: a busy machine may take a minute until here.
    visitor.page.clock.fast_forward("55:00")
    expect(visitor.bar).to_contain_text("For an hour")
    visitor.page.clock.fast_forward("05:01")
    visitor.sees("Your session as Brief has ended")
    expect(visitor.bar).not_to_contain_text("For an hour")
    expect(visitor.bar).to_contain_text("admin")


def test_who_is_deleted_is_signed_out_at_the_next_click(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_user(UserName="erin")
    iam.create_login_profile(UserName="erin", Password=NEW_PASSWORD)
    visitor = visit().type_password("production", "erin", NEW_PASSWORD, path="iam/users")
    visitor.sees("Access denied to iam:ListUsers")
    iam.delete_login_profile(UserName="erin")
    iam.delete_user(UserName="erin")
    visitor.page.get_by_role("navigation").get_by_role("link", name="Roles").click()
    visitor.sees("Your session has ended")


def test_the_keyboard_alone_signs_in_and_opens_the_account_menu(visit: Visit) -> None:
    visitor = visit().open()
    keyboard = visitor.page.keyboard
    expect(visitor.field("Account ID or alias")).to_be_focused()
    keyboard.type("production")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.type("admin")
    keyboard.press("Tab")
    keyboard.type(PASSWORDS["admin"])
    keyboard.press("Enter")
    visitor.heading("Console home")
    keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Skip to main content")).to_be_focused()
    menu = visitor.page.get_by_role("button", name=re.compile("^Account menu"))
    for _ in range(6):
        keyboard.press("Tab")
        if menu.evaluate("element => element === document.activeElement"):
            break
    keyboard.press("Enter")
    for _ in range(8):
        if visitor.page.get_by_role("menuitem", name="Switch role").evaluate(
            "element => element.contains(document.activeElement)"
        ):
            break
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    visitor.heading("Switch Role")


def test_the_sign_in_and_the_first_page_weigh_less_than_600_kilobytes_together_compressed_with_gzip(
    site: Site, visit: Visit
) -> None:
    visitor = visit()
    addresses: set[str] = set()
    visitor.page.on("request", lambda request: addresses.add(request.url))
    visitor.open()
    expect(visitor.page.get_by_role("heading", name="IAM user sign in")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    sign_in = set(addresses)
    visitor.sign_in("production", "admin")
    visitor.heading("Console home")
    visitor.page.wait_for_load_state("networkidle")
    assert {urlsplit(address).netloc for address in addresses} == {urlsplit(site.endpoint).netloc}
    files = {address for address in addresses if "/-/console/" in address}
    assert 0 < sum(map(weight, sign_in)) < sum(map(weight, files)) < FIRST_PAGE_BYTES


def weight(address: str) -> int:
    """The bytes of a file as they come compressed with gzip; a name with a hash is kept by browsers for good."""
    with httpx.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["vary"] == "Accept-Encoding"
        kept = response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept == ("/assets/" in address)
        return sum(len(chunk) for chunk in response.iter_raw())
