"""Explain in an organization: what each level says of a request, by a refused one and by a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect
from visitor import ANALYTICS, PRODUCTION, Site, Visit

pytestmark = pytest.mark.xdist_group("console")


class OrganizationSite(Site):
    """Analytics manages an organization, whose unit of Production denies deleting users."""

    def _setup(self) -> dict[str, Any]:
        guard = {"Sid": "KeepUsers", "Effect": "Deny", "Action": "iam:DeleteUser", "Resource": "*"}
        policy = {
            "name": "guard",
            "type": "SERVICE_CONTROL_POLICY",
            "document": {"Version": "2012-10-17", "Statement": [guard]},
            "targets": ["Workloads"],
        }
        units = [{"name": "Workloads", "accounts": [PRODUCTION]}]
        organization = {"management_account": ANALYTICS, "units": units, "policies": [policy]}
        return {"organization": organization, **super()._setup()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server with an organization."""
    made = OrganizationSite(tmp_path_factory.mktemp("organization"))
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


def test_each_level_of_the_organization_is_told_and_the_statement_that_denied(site: Site, visit: Visit) -> None:
    with pytest.raises(ClientError, match="explicit deny in a service control policy") as refusal:
        site.client(PRODUCTION, "iam").delete_user(UserName="bob")
    request = refusal.value.response["ResponseMetadata"]["RequestId"]
    admin = visit().sign_in("production", "admin", f"explain?request={request}")
    admin.sees("Explicitly denied: service control policy")
    levels = admin.page.locator(".levels > li")
    # Root, unit, account: each must allow.
    expect(levels).to_have_text([re.compile("Allows"), re.compile("Denies.*guard"), re.compile("Allows")])
    admin.sees("Statement KeepUsers, line 3, column 5")
    admin.sees("The document is the organization's: its management account reads it.")
    expect(admin.page.get_by_label("Statement of guard")).to_contain_text('"KeepUsers"')
    # It is not Production's to change.
    admin.sees("The organization")
    admin.sees("It is for the organization's management account to do.")
    expect(admin.page.get_by_role("button", name="Apply", exact=True)).to_have_count(0)
    admin.page.get_by_role("button", name="Ask again with the policies of now").click()
    admin.sees("Nothing was done")
    admin.sees("Explicitly denied: service control policy")
    main = admin.page.get_by_role("main")
    main.get_by_role("combobox", name="Action", exact=True).fill("iam:GetUser")
    admin.page.keyboard.press("Escape")
    main.get_by_role("button", name="Explain", exact=True).click()
    admin.sees("Allowed: identity-based policy")
    expect(levels).to_have_text([re.compile("Allows")] * 3)
