"""Without a mouse: a role is made, switched to and left again with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from visitor import PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

ROLE = "ByKeyboard"
MOST = 150  # steps with Tab that a page may take


def reach(visitor: Visitor, element: Locator, key: str = "Tab") -> None:
    """Press a key until the element has the focus."""
    expect(element).to_be_visible()
    for _ in range(MOST):
        if element.evaluate("element => element.contains(document.activeElement)"):
            return
        visitor.page.keyboard.press(key)
    raise AssertionError(f"{element} was not reached with {key}")


def press(visitor: Visitor, role: str, name: str | re.Pattern[str], key: str = "Enter", exact: bool = True) -> None:
    """Reach a control and press a key on it."""
    element = visitor.page.get_by_role(role, name=name, exact=exact).first  # type: ignore[arg-type]
    reach(visitor, element)
    visitor.page.keyboard.press(key)


def write(visitor: Visitor, label: str, text: str, role: str = "textbox") -> None:
    """Reach a field and type into it."""
    reach(visitor, visitor.page.get_by_role(role, name=label, exact=False))  # type: ignore[arg-type]
    visitor.page.keyboard.press("Control+a")
    visitor.page.keyboard.type(text)


def from_menu(visitor: Visitor, item: str) -> None:
    """Choose from the account menu."""
    press(visitor, "button", re.compile("^Account menu"))
    # The menu takes the focus when it is open; before, the arrow would open it once more.
    expect(visitor.page.get_by_role("menu").locator(":focus")).to_be_visible()
    reach(visitor, visitor.page.get_by_role("menuitem", name=item), "ArrowDown")
    visitor.page.keyboard.press("Enter")


def test_a_role_is_made_switched_to_and_left_with_the_keyboard_alone(site: Site, visit: Visit) -> None:
    admin = visit().sign_in("production", "admin", "iam/roles")
    keyboard = admin.page.keyboard
    # Of the wizard: another account is chosen with the arrows, then this one again.
    press(admin, "link", "Create role")
    admin.heading("Select trusted entity")
    reach(admin, admin.page.get_by_role("radio", name=re.compile("^This account")))
    keyboard.press("ArrowDown")
    write(admin, "Account ID", "12")
    press(admin, "button", "Next")
    admin.sees("Account ID is a 12-digit number.")
    reach(admin, admin.page.get_by_role("radio", name=re.compile("^Another AWS account")), "Shift+Tab")
    keyboard.press("ArrowUp")
    press(admin, "button", "Next")
    admin.heading("Add permissions - optional")
    write(admin, "Search permissions policies", "s3readonly", "searchbox")
    press(admin, "checkbox", "Select AmazonS3ReadOnlyAccess", "Space")
    press(admin, "button", "Next")
    admin.heading("Name, review, and create")
    write(admin, "Role name", ROLE)
    press(admin, "button", "Create role")
    admin.heading(ROLE)
    iam = site.client(PRODUCTION, "iam")
    attached = iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonS3ReadOnlyAccess"]
    switch_and_back(admin)


def switch_and_back(admin: Visitor) -> None:
    """To the role, where its refusals are, and to oneself again."""
    keyboard = admin.page.keyboard
    from_menu(admin, "Switch role")
    admin.heading("Switch Role")
    write(admin, "Account ID", PRODUCTION)
    write(admin, "IAM role name", ROLE)
    write(admin, "Display name", "Without a mouse")
    reach(admin, admin.page.get_by_role("button", name=re.compile("^Display color")))
    keyboard.press("Enter")
    expect(admin.page.get_by_role("listbox")).to_be_focused()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(admin.page.get_by_role("button", name=re.compile("^Display color"))).to_contain_text("Red")
    press(admin, "button", "Switch Role")
    expect(admin.bar).to_contain_text("Without a mouse")
    expect(admin.page.locator(".role-badge")).to_have_css("background-color", "rgb(242, 176, 169)")
    admin.heading("Console home")
    press(admin, "link", "IAM")
    admin.heading("IAM Dashboard")
    press(admin, "link", "Users")
    admin.sees("Access denied to iam:ListUsers")
    press(admin, "link", "Explain")
    admin.heading("Explain")
    from_menu(admin, "Switch back")
    expect(admin.bar).not_to_contain_text("Without a mouse")
