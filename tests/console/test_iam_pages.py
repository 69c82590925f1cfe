"""IAM in a browser: what is made by clicking is there for every other client, and what is refused says why."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Page, expect
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

EDITED = "document.querySelector('.ace_editor').env.editor.getValue()"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """Production's administrator."""
    return visit().sign_in("production", "admin", "iam")


def write_json(page: Page, document: Any) -> None:
    """Put a document into the JSON editor, as by pasting."""
    text = document if isinstance(document, str) else json.dumps(document, indent=2)
    editor = page.locator(".ace_editor")
    expect(editor).to_be_visible()
    # It is there a moment before the text that it begins with.
    page.wait_for_function(f"{EDITED} !== ''")
    page.locator(".ace_text-input").focus()
    expect(page.locator(".ace_text-input")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)
    page.wait_for_function(f"text => {EDITED} === text", arg=text)


def confirm(visitor: Visitor, text: str, verb: str = "Delete") -> None:
    """Type what a dialog asks for, and press its button."""
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(text)
    dialog.get_by_role("button", name=verb, exact=True).click()


def test_a_user_with_a_group_and_a_password_signs_in_and_must_change_it(
    site: Site, admin: Visitor, visit: Visit
) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_group(GroupName="readers")
    admin.open("iam/users")
    admin.follow("Create user")
    admin.click("Next")
    admin.sees("Use 1 to 64 letters")
    admin.field("User name").fill("frank")
    admin.choose("Provide user access to the Management Console - optional")
    admin.click("Next")
    admin.page.get_by_role("checkbox", name="Select readers").click()
    admin.click("Next")
    admin.sees("IAMUserChangePassword")
    admin.click("Create user")
    admin.heading("Retrieve password")
    admin.click("Show Console password")
    password = admin.page.locator("code").inner_text()
    with admin.page.expect_download() as downloaded:
        admin.click("Download .csv file")
    assert downloaded.value.suggested_filename == "frank_credentials.csv"
    with downloaded.value.path().open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["User name"], row["Password"]) == ("frank", password)
    assert row["Console sign-in URL"].endswith("/-/console/signin?account=production")
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="frank")["Groups"]] == ["readers"]
    frank = visit().type_password("production", "frank", password)
    frank.sees("You must change your password to continue")
    admin.open("iam/users")
    admin.page.get_by_role("checkbox", name="Select frank").click()
    admin.click("Delete")
    confirm(admin, "frank")
    admin.sees("User frank deleted.")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_user(UserName="frank")


def test_a_group_is_made_with_users_and_policies_and_changed(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    admin.open("iam/groups/create")
    admin.field("User group name").fill("writers")
    admin.page.get_by_role("checkbox", name="Select bob").click()
    admin.page.get_by_role("searchbox", name=re.compile("attach permissions policies")).fill("s3readonly")
    admin.page.get_by_role("checkbox", name="Select AmazonS3ReadOnlyAccess").click()
    admin.click("Create user group")
    admin.heading("writers")
    assert [one["UserName"] for one in iam.get_group(GroupName="writers")["Users"]] == ["bob"]
    attached = iam.list_attached_group_policies(GroupName="writers")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [READ_ONLY]
    admin.page.get_by_role("checkbox", name="Select bob").click()
    admin.click("Remove")
    admin.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    admin.sees("Removed from writers.")
    assert iam.get_group(GroupName="writers")["Users"] == []
    admin.click("Delete")
    confirm(admin, "writers")
    admin.sees("User group writers deleted.")


def test_a_policy_with_an_error_cannot_be_saved_and_the_error_is_told_with_its_place(
    site: Site, admin: Visitor
) -> None:
    admin.open("iam/policies/create")
    wrong = {"Version": "2012-10-17", "Statement": [{"Efect": "Allow", "Action": "s3:GetObjct", "Resource": "*"}]}
    write_json(admin.page, wrong)
    admin.sees("Line 5, column 7")
    admin.sees("Efect is no statement element. Did you mean Effect?")
    admin.sees("The action s3:GetObjct does not exist. Did you mean s3:GetObject?")
    admin.click("Next")
    admin.sees("Correct the errors in the policy first.")
    write_json(admin.page, '{"Version": "2012-10-17",}')
    admin.sees("JSON syntax error: Remove the comma before this.")
    right = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    write_json(admin.page, right)
    admin.sees("No findings")
    admin.click("Next")
    admin.field("Policy name").fill("get-objects")
    admin.click("Create policy")
    admin.heading("get-objects")
    iam = site.client(PRODUCTION, "iam")
    arn = f"arn:aws:iam::{PRODUCTION}:policy/get-objects"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == right
    new_version_and_back(admin, iam, arn, right)


def new_version_and_back(admin: Visitor, iam: Any, arn: str, document: Any) -> None:
    admin.follow("Edit")
    changed = {**document, "Statement": [{**document["Statement"][0], "Action": "s3:ListBucket"}]}
    write_json(admin.page, changed)
    admin.click("Save changes")
    admin.sees("Policy get-objects updated.")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == changed
    admin.tab("Policy versions")
    admin.page.get_by_role("radio", name="Select v1").click()
    admin.click("Set as default")
    admin.sees("Version v1 is the default now.")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    admin.page.get_by_role("button", name="Delete", exact=True).first.click()
    confirm(admin, "get-objects")
    admin.sees("Policy get-objects deleted.")


def test_the_visual_editor_puts_an_inline_policy_together(site: Site, admin: Visitor) -> None:
    page = admin.page
    admin.open("iam/users/bob/create-inline-policy")
    admin.choose("Visual")
    page.get_by_role("main").get_by_role("button", name=re.compile("^Service")).click()
    page.get_by_role("option", name="Amazon S3").click()
    page.get_by_role("searchbox", name="Filter actions").fill("GetObject")
    page.get_by_role("checkbox", name=re.compile(r"^GetObject\b")).first.click()
    page.get_by_role("button", name="Add ARNs").click()
    page.get_by_role("menuitem", name=re.compile("^object")).click()
    admin.field("Bucket name").fill("reports")
    page.get_by_role("dialog").get_by_role("button", name="Add ARNs").click()
    admin.sees("arn:aws:s3:::reports/*")
    page.get_by_role("button", name="Request conditions - optional").click()
    admin.click("Add another condition")
    page.get_by_role("combobox", name="Condition key").fill("aws:SourceIp")
    page.get_by_role("textbox", name="Values, one a line").fill("10.0.0.0/8")
    page.get_by_role("button", name="Operator").click()
    page.get_by_role("option", name="IpAddress", exact=True).click()
    admin.field("Policy name").fill("from-inside")
    admin.click("Create policy")
    admin.sees("Policy from-inside created.")
    stored = site.client(PRODUCTION, "iam").get_user_policy(UserName="bob", PolicyName="from-inside")["PolicyDocument"]
    assert stored["Statement"][-1] == {
        "Sid": "Statement1",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::reports/*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }
    page.get_by_role("checkbox", name="Select from-inside (Inline)").click()
    admin.click("Remove")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    admin.sees("Policy removed.")


def test_a_trust_policy_is_edited_and_one_that_names_nobody_is_refused_by_the_server(
    site: Site, admin: Visitor
) -> None:
    iam = site.client(PRODUCTION, "iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="edited", AssumeRolePolicyDocument=json.dumps(trust))
    admin.open("iam/roles/edited")
    admin.tab("Trust relationships")
    admin.follow("Edit trust policy")
    # It reads well, but there is no such user: only the server can know.
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ANALYTICS}:user/nobody"}  # type: ignore[index]
    write_json(admin.page, trust)
    admin.click("Update policy")
    admin.sees("The trust policy was not saved")
    admin.sees(re.compile("Invalid principal in policy"))
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ANALYTICS}:user/alice"}  # type: ignore[index]
    write_json(admin.page, trust)
    admin.click("Update policy")
    admin.sees("Trust policy updated.")
    assert iam.get_role(RoleName="edited")["Role"]["AssumeRolePolicyDocument"] == trust


def test_a_role_is_tagged_bounded_limited_revoked_and_deleted(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    trusted = {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [trusted]}
    iam.create_role(RoleName="whole", AssumeRolePolicyDocument=json.dumps(trust))
    page = admin.page
    admin.open("iam/roles/whole")
    admin.tab("Tags")
    admin.click("Manage tags")
    admin.click("Add new tag")
    page.get_by_role("combobox").first.fill("team")
    page.get_by_role("combobox").last.fill("data")
    admin.click("Save changes")
    admin.sees("Tags saved.")
    assert iam.list_role_tags(RoleName="whole")["Tags"] == [{"Key": "team", "Value": "data"}]
    admin.tab("Permissions")
    admin.click("Set permissions boundary")
    admin.heading("Set permissions boundary")
    page.get_by_role("searchbox", name="Search permissions policies").fill("s3readonly")
    page.get_by_role("radio", name="Select AmazonS3ReadOnlyAccess").click()
    admin.click("Set boundary")
    admin.sees("Permissions boundary set.")
    assert iam.get_role(RoleName="whole")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    admin.follow("Edit")
    page.get_by_role("button", name="Maximum session duration").click()
    page.get_by_role("option", name="4 hours").click()
    admin.click("Save changes")
    admin.sees("Role updated.")
    assert iam.get_role(RoleName="whole")["Role"]["MaxSessionDuration"] == 4 * 3600
    admin.tab("Revoke sessions")
    admin.click("Revoke active sessions")
    page.get_by_role("dialog").get_by_role("button", name="Revoke active sessions").click()
    admin.sees("can do nothing any more")
    revoked = iam.get_role_policy(RoleName="whole", PolicyName="AWSRevokeOlderSessions")["PolicyDocument"]
    assert revoked["Statement"][0]["Effect"] == "Deny"
    admin.click("Delete")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("another name")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    confirm(admin, "whole")
    admin.sees("Role whole deleted.")


def test_an_access_key_made_in_the_console_signs_requests_until_it_is_deleted(site: Site, admin: Visitor) -> None:
    from stage import Client, Keys  # noqa: PLC0415 - found by visitor

    page = admin.page
    admin.open("iam/users/bob")
    admin.tab("Security credentials")
    page.get_by_role("button", name="Create access key").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Create access key").click()
    admin.click("Show secret access key")
    dialog = page.get_by_role("dialog")
    secret = dialog.locator("code").inner_text()
    key = re.search(r"AKIA\w+", dialog.inner_text())
    assert key is not None
    with page.expect_download() as downloaded:
        admin.click("Download .csv file")
    assert downloaded.value.suggested_filename == "bob_accessKeys.csv"
    stored = downloaded.value.path().read_text(encoding="utf-8")
    assert stored.splitlines() == ["Access key ID,Secret access key", f"{key[0]},{secret}"]
    sts = Client.make("sts", site.endpoint, Keys(key[0], secret))
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{PRODUCTION}:user/bob"
    admin.click("Done")
    page.get_by_role("radio", name=f"Select {key[0]}").click()
    page.get_by_role("main").get_by_role("button", name="Delete", exact=True).last.click()
    confirm(admin, key[0])
    admin.sees("Access key deleted.")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_the_account_gets_an_alias_a_password_policy_and_a_credential_report(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    page = admin.page
    admin.heading("IAM Dashboard")
    page.get_by_role("main").get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("production-data")
    admin.click("Save changes")
    admin.sees("/-/console/signin?account=production-data")
    assert iam.list_account_aliases()["AccountAliases"] == ["production-data"]
    iam.create_account_alias(AccountAlias="production")
    admin.open("iam/account-settings")
    admin.sees("This account uses the default password policy:")
    admin.click("Edit")
    admin.choose("Custom")
    admin.field("Password minimum length").fill("5")
    admin.click("Save changes")
    admin.sees("Enter 6 to 128.")
    admin.field("Password minimum length").fill("12")
    admin.click("Save changes")
    admin.sees("Password minimum length is 12 characters")
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 12
    iam.delete_account_password_policy()
    admin.open("iam/credential-report")
    admin.sees("There is no report of the last four hours.")
    admin.click("Generate credentials report")
    admin.sees("<root_account>")
    with page.expect_download() as downloaded:
        admin.click("Download credentials report")
    text = downloaded.value.path().read_text(encoding="utf-8")
    assert text == iam.get_credential_report()["Content"].decode()


def test_an_identity_provider_is_added_and_trusted_by_a_role(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    page = admin.page
    admin.open("iam/identity-providers/create")
    admin.field("Provider URL").fill("https://token.actions.githubusercontent.com")
    admin.click("Add provider")
    admin.sees("Enter the client ID that tokens are made out to.")
    admin.field("Audience").fill("sts.amazonaws.com")
    admin.click("Add provider")
    admin.heading("token.actions.githubusercontent.com")
    admin.field("Audience to add").fill("another")
    admin.click("Add audience")
    expect(page.get_by_role("button", name="Remove another")).to_be_visible()
    arn = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"][0]["Arn"]
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    assert sorted(found) == ["another", "sts.amazonaws.com"]
    admin.open("iam/roles/create")
    admin.choose("Web identity")
    page.get_by_role("button", name="Identity provider").click()
    page.get_by_role("option", name="token.actions.githubusercontent.com").click()
    page.get_by_role("button", name="Audience").click()
    page.get_by_role("option", name="sts.amazonaws.com").click()
    admin.click("Next")
    admin.heading("Add permissions - optional")
    admin.click("Next")
    admin.field("Role name").fill("from-github")
    admin.click("Create role")
    admin.heading("from-github")
    statement = iam.get_role(RoleName="from-github")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Federated": arn}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_a_refusal_says_which_permission_is_missing_and_leaves_the_page_whole(visit: Visit) -> None:
    bob = visit().sign_in("production", "bob", "iam/roles")
    bob.sees("Access denied to iam:ListRoles")
    bob.sees("because no identity-based policy allows the iam:ListRoles action")
    bob.sees(f"arn:aws:iam::{PRODUCTION}:user/bob")
    bob.heading("Roles")
    expect(bob.page.get_by_role("link", name="Create role")).to_be_visible()
    bob.open("iam")
    bob.heading("IAM Dashboard")
    bob.sees("Access denied")
    bob.open("iam/roles/create")
    bob.click("Next")
    bob.sees("Access denied to iam:ListPolicies")
    bob.click("Next")
    bob.field("Role name").fill("not-allowed")
    bob.click("Create role")
    bob.sees("Access denied to iam:CreateRole")
    expect(bob.field("Role name")).to_have_value("not-allowed")


def test_an_address_that_is_no_page_says_so(admin: Visitor) -> None:
    admin.open("iam/no/such/page")
    admin.sees("Page not found")
    admin.open("iam/roles/no-such-role")
    admin.sees("Role no-such-role could not be loaded")
    admin.sees(re.compile("cannot be found"))
