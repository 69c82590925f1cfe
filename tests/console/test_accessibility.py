"""Each page is looked at by axe-core in light on a desktop and in dark at 400 pixels, where nothing may stick out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from places import ROLE, Place, furnish
from playwright.sync_api import expect
from visitor import DESKTOP, PRODUCTION, Site, Visit, Visitor

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.timeout(600)]  # all pages in one test

PHONE = (400, 800)
SERIOUS = ("serious", "critical")
# Spinners turn for ever.
STILL = (
    "document.getAnimations().every(one => one.playState !== 'running'"
    " || one.effect.getComputedTiming().endTime === Infinity)"
)


@pytest.fixture(scope="module", autouse=True)
def pages(site: Site) -> dict[str, Place]:
    """All pages, none of them empty."""
    return furnish(site)


def inspect(visitor: Visitor, axe: str, name: str) -> None:
    """No serious finding, nothing sticks out."""
    page = visitor.page
    # What still loads is another page in a moment, and what still fades in has other colours.
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(STILL)
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    serious = [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]
    assert serious == [], name
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, f"{name} is wider than the window"


@pytest.mark.parametrize(("kind", "size", "dark"), [("light", DESKTOP, False), ("dark-400", PHONE, True)])
def test_no_page_has_a_serious_finding_or_sticks_out(
    visit: Visit, axe: str, pages: dict[str, Place], kind: str, size: tuple[int, int], dark: bool
) -> None:
    visitor = visit(size, dark).open()
    expect(visitor.page.get_by_role("heading", name="IAM user sign in")).to_be_visible()
    inspect(visitor, axe, f"sign-in-{kind}")
    visitor.sign_in("production", "admin")
    for name, place in pages.items():
        visitor.open(place.path)
        visitor.sees(place.shows)
        inspect(visitor, axe, f"{name}-{kind}")


@pytest.mark.parametrize(("kind", "size", "dark"), [("light", DESKTOP, False), ("dark-400", PHONE, True)])
def test_nothing_that_opens_on_a_page_has_a_serious_finding(
    visit: Visit, axe: str, kind: str, size: tuple[int, int], dark: bool
) -> None:
    visitor = visit(size, dark).sign_in("production", "admin", "iam/users/bob/create-inline-policy")
    page = visitor.page
    visitor.sees("must not be empty")
    inspect(visitor, axe, f"policy-findings-{kind}")
    if size == PHONE:  # a list in place of the two buttons
        page.get_by_role("button", name="Policy editor mode").click()
        page.get_by_role("option", name="Visual").click()
    else:
        visitor.choose("Visual")
    page.get_by_role("main").get_by_role("button", name=re.compile("^Service")).click()
    page.get_by_role("option", name="Amazon S3").click()
    page.get_by_role("searchbox", name="Filter actions").fill("getobjecta")
    inspect(visitor, axe, f"visual-editor-{kind}")
    visitor.open("iam/security-credentials")
    page.get_by_role("button", name="Assign MFA device").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Next").click()
    expect(page.get_by_role("img", name="QR code of the device")).to_be_visible()
    inspect(visitor, axe, f"mfa-{kind}")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    visitor.open(f"iam/roles/{ROLE}")
    page.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("To confirm, enter")
    inspect(visitor, axe, f"delete-{kind}")
    visitor.open("explain")
    visitor.tab("Principal, action and resource")
    for label, text in (("Principal", f"arn:aws:iam::{PRODUCTION}:user/bob"), ("Action", "iam:ListUsers")):
        page.get_by_role("combobox", name=label, exact=True).fill(text)
        page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Resource", exact=True).fill("*")
    visitor.click("Add context key")
    visitor.click("Remove")
    page.get_by_role("main").get_by_role("button", name="Explain", exact=True).click()
    visitor.sees("Nothing was done")
    page.get_by_role("button", name="The other side - optional").click()
    inspect(visitor, axe, f"question-{kind}")
    visitor.click("Apply")
    expect(page.get_by_role("dialog").get_by_label("Difference")).to_be_visible()
    inspect(visitor, axe, f"apply-{kind}")


@pytest.mark.parametrize(("kind", "size", "dark"), [("light", DESKTOP, False), ("dark-400", PHONE, True)])
def test_a_refusal_and_the_bar_of_a_role_have_no_serious_finding(
    site: Site, visit: Visit, axe: str, kind: str, size: tuple[int, int], dark: bool
) -> None:
    iam = site.client(PRODUCTION, "iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    name = f"Own-{kind}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))
    link = f"switchrole?account={PRODUCTION}&roleName={name}&displayName=A+rather+long+name+of+a+role&color=99BCE3"
    visitor = visit(size, dark).sign_in("production", "admin", link)
    visitor.click("Switch Role")
    expect(visitor.bar).to_contain_text("A rather long name")
    expect(visitor.bar).to_contain_text("1111-2222-3333")
    visitor.open("iam/users")
    visitor.sees("Access denied to iam:ListUsers")
    inspect(visitor, axe, f"denied-{kind}")
