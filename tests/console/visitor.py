"""Somebody who uses the console: what they can click, and what is wrong with the pages they see."""

from __future__ import annotations

import base64
import re
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "stock"))

from stage import Client, Codes, Keys, Server, new_keys

PRODUCTION, ANALYTICS = "111122223333", "444455556666"
SEED = secrets.token_bytes(20)
PASSWORDS = {
    name: f"{name.capitalize()}-{secrets.token_hex(6)}-1" for name in ("root", "admin", "alice", "bob", "carol")
}

__all__ = ["ANALYTICS", "PASSWORDS", "PRODUCTION", "SEED", "Codes", "Site", "Visitor"]


class Site:
    """The server with two accounts, as the tutorial has them: Production owns data, Analytics has people.

    Analytics: admin, alice (in analysts, with an MFA device). Production: root, admin, bob (who may do nothing).
    """

    def __init__(self, folder: Path) -> None:
        self.keys = {PRODUCTION: new_keys(), ANALYTICS: new_keys()}
        setup = folder / "accounts.yaml"
        setup.write_text(yaml.safe_dump(self._setup()), encoding="utf-8")
        self.server = Server(folder / "data", "--setup", str(setup), "--durability", "relaxed")
        self.endpoint = self.server.endpoint
        self.codes = Codes(SEED)

    def client(self, account: str, service: str) -> Any:
        """A boto3 client of the account's administrator."""
        return Client.make(service, self.endpoint, self.keys[account])

    def recorded(self, account: str, event: str, count: int = 1) -> None:
        """Wait until so many events of this name are in the history of the account; they come in batches."""
        trail = self.client(account, "cloudtrail")
        attribute = {"AttributeKey": "EventName", "AttributeValue": event}
        for _ in range(300):
            pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=[attribute])
            if sum(len(page["Events"]) for page in pages) >= count:
                return
            time.sleep(0.1)
        raise AssertionError(f"{event} is not {count} times in the history of {account}")

    def _setup(self) -> dict[str, Any]:
        def admin(account: str) -> dict[str, Any]:
            keys: Keys = self.keys[account]
            return {
                "name": "admin",
                "password": PASSWORDS["admin"],
                "access_keys": [{"id": keys.id, "secret": keys.secret}],
                "managed_policies": ["AdministratorAccess"],
            }

        alice = {
            "name": "alice",
            "password": PASSWORDS["alice"],
            "groups": ["analysts"],
            "mfa_seed": base64.b32encode(SEED).decode(),
        }
        return {
            "accounts": [
                {
                    "id": PRODUCTION,
                    "name": "Production",
                    "email": "production@example.com",
                    "alias": "production",
                    "root": {"password": PASSWORDS["root"]},
                    "users": [admin(PRODUCTION), {"name": "bob", "password": PASSWORDS["bob"]}],
                },
                {
                    "id": ANALYTICS,
                    "name": "Analytics",
                    "email": "analytics@example.com",
                    "alias": "analytics",
                    "users": [admin(ANALYTICS), alice],
                    "groups": [{"name": "analysts"}],
                },
            ]
        }


class Visitor:
    """One browser tab."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site = site
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        # That a request was refused is what many tests are about; everything else that is said is a fault.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    # Going places

    def open(self, path: str = "") -> Visitor:
        """Load a page of the console anew."""
        self.page.goto(f"{self.site.endpoint}/-/console/{path}")
        return self

    def type_password(self, account: str, user: str, password: str | None = None, path: str = "") -> Visitor:
        """The first step of the sign-in."""
        self.open(path)
        self.field("Account ID or alias").fill(account)
        self.field("IAM user name").fill(user)
        self.page.get_by_label("Password", exact=True).fill(PASSWORDS[user] if password is None else password)
        self.click("Sign in")
        return self

    def sign_in(self, account: str, user: str, path: str = "") -> Visitor:
        """Sign in as a user without MFA, and be on the page."""
        self.type_password(account, user, path=path)
        expect(self.page.locator(".top-bar")).to_contain_text(user)
        return self

    def sign_in_with_mfa(self, path: str = "") -> Visitor:
        """Sign in as alice."""
        self.type_password("analytics", "alice", path=path)
        self.field("MFA code").fill(self.site.codes.next())
        self.click("Submit")
        expect(self.page.locator(".top-bar")).to_contain_text("alice")
        return self

    def sign_in_as_root(self, password: str | None = None) -> Visitor:
        """Sign in as the root user of Production."""
        self.open()
        self.click("Sign in using root user email")
        self.field("Root user email address").fill("production@example.com")
        self.page.get_by_label("Password", exact=True).fill(PASSWORDS["root"] if password is None else password)
        self.click("Sign in")
        if password is None:
            expect(self.bar).to_contain_text("production@example.com")
        return self

    # What one sees

    def field(self, label: str) -> Locator:
        """The text field with this label."""
        return self.page.get_by_role("textbox", name=label, exact=False)

    def click(self, name: str) -> None:
        """Press the button with exactly this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow the link with exactly this name, in the page and not beside it."""
        self.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()

    def choose(self, text: str) -> None:
        """Check a radio button, checkbox or tile."""
        self.page.get_by_role("main").get_by_text(text, exact=True).click()

    def select(self, name: str) -> None:
        """Select a row of a list."""
        self.page.get_by_role("checkbox", name=f"Select {name}", exact=True).click()

    def save(self) -> None:
        """Save what is open in a dialog."""
        self.page.get_by_role("dialog").get_by_role("button", name="Save changes").click()

    def tab(self, name: str) -> None:
        """Open a tab."""
        self.page.get_by_role("tab", name=name).click()

    def menu(self, item: str) -> None:
        """Choose from the account menu."""
        self.page.get_by_role("button", name=re.compile("^Account menu")).click()
        self.page.get_by_role("menuitem", name=item).click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """The text is on the page, somewhere."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def heading(self, text: str) -> None:
        """The page has this heading; lists have their number behind it."""
        name = re.compile(rf"^{re.escape(text)}( \(.*\))?$")
        expect(self.page.get_by_role("main").get_by_role("heading", name=name, level=1)).to_be_visible()

    @property
    def bar(self) -> Locator:
        """The bar at the top."""
        return self.page.locator(".top-bar")


DESKTOP = (1280, 900)
Visit = Callable[..., Visitor]
"""Opens the console in a browser of its own: `visit()`, `visit(size=(400, 800), dark=True)`."""
