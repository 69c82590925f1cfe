"""Explain in a browser: why something was refused, from both sides as far as each may know, and what helps."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Locator, expect
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

LIST_ROLES = f"arn:aws:iam::{PRODUCTION}:role/"
OTHER = "the other account does not allow it"


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """Production's administrator, on the page."""
    return visit().sign_in("production", "admin", "explain")


def ask(visitor: Visitor, principal: str, action: str, resource: str) -> None:
    """What would be decided?"""
    visitor.tab("Principal, action and resource")
    main = visitor.page.get_by_role("main")
    for label, text in (("Principal", principal), ("Action", action)):
        main.get_by_role("combobox", name=label, exact=True).fill(text)
        visitor.page.keyboard.press("Escape")
    main.get_by_role("textbox", name="Resource", exact=True).fill(resource)
    main.get_by_role("button", name="Explain", exact=True).click()


def layer(visitor: Visitor, name: str) -> Locator:
    """What one layer says."""
    return visitor.page.locator(".layers > li").filter(has=visitor.page.get_by_text(name, exact=True))


def apply(visitor: Visitor) -> Locator:
    """Press the first Apply; the dialog that asks."""
    visitor.page.get_by_role("button", name="Apply", exact=True).first.click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_label("Difference")).to_be_visible()
    return dialog


def marked(visitor: Visitor, document: str) -> str:
    """The highlighted lines of a document."""
    lines = visitor.page.get_by_label(document).locator(".json-marked")
    expect(lines.first).to_be_visible()
    return "".join(lines.all_inner_texts())


def refused_id(action: Any, **members: Any) -> str:
    """The request id of what must be refused."""
    with pytest.raises(ClientError) as refusal:
        action(**members)
    identifier: str = refusal.value.response["ResponseMetadata"]["RequestId"]
    return identifier


def test_a_refusal_leads_to_its_explanation_whose_change_is_applied_and_helps(
    site: Site, visit: Visit, admin: Visitor
) -> None:
    bob = visit().sign_in("production", "bob", "iam/roles")
    bob.sees("Access denied to iam:ListRoles")
    bob.page.get_by_role("main").get_by_role("link", name="Explain", exact=True).first.click()
    bob.heading("Explain")
    # He may not even read explanations, but can tell somebody who may.
    bob.sees("You may not read explanations")
    link = bob.page.get_by_text(re.compile(r"/-/console/explain\?request=[0-9A-F]{16}$")).inner_text()
    admin.page.goto(link)
    admin.sees("Implicitly denied: identity-based policy")
    expect(layer(admin, "Identity-based policies")).to_contain_text("Does not allow")
    expect(layer(admin, "Permissions boundary")).to_contain_text("No say")
    dialog = apply(admin)
    expect(dialog.locator(".diff-added").filter(has_text='"Action": "iam:ListRoles"')).to_have_count(1)
    dialog.get_by_role("button", name="Cancel").click()
    iam = site.client(PRODUCTION, "iam")
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == []
    apply(admin).get_by_role("button", name="Apply change").click()
    admin.sees("The inline policy Allow-iam-ListRoles of user bob was changed.")
    stored = iam.get_user_policy(UserName="bob", PolicyName="Allow-iam-ListRoles")["PolicyDocument"]
    assert stored["Statement"] == [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": LIST_ROLES}]
    admin.page.get_by_role("button", name="Ask again with the policies of now").first.click()
    admin.sees("Allowed: identity-based policy")
    assert '"iam:ListRoles"' in marked(admin, "inline policy Allow-iam-ListRoles of user bob")
    bob.open("iam/roles")
    expect(bob.page.get_by_role("heading", name=re.compile(r"^Roles \(\d+\)$"))).to_be_visible()
    expect(bob.page.get_by_text("Access denied to iam:ListRoles")).to_have_count(0)
    iam.delete_user_policy(UserName="bob", PolicyName="Allow-iam-ListRoles")


def test_a_deny_is_shown_at_its_line_and_narrowed_for_this_request_alone(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_user(UserName="gail")
    everything = {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}
    no_keys = {"Sid": "NoKeys", "Effect": "Deny", "Action": ["iam:CreateAccessKey", "iam:DeleteUser"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything, no_keys]}
    iam.put_user_policy(UserName="gail", PolicyName="guarded", PolicyDocument=json.dumps(document, indent=2))
    arn = f"arn:aws:iam::{PRODUCTION}:user/gail"
    ask(admin, arn, "iam:CreateAccessKey", arn)
    admin.sees("Explicitly denied: identity-based policy")
    admin.sees("Statement NoKeys, line 10, column 5")
    lines = marked(admin, "inline policy guarded of user gail")
    assert '"NoKeys"' in lines
    assert '"Everything"' not in lines
    dialog = apply(admin)
    expect(dialog).to_contain_text("and this request no longer")
    # Who changed it meanwhile is not overwritten.
    everything["Sid"] = "Other"
    iam.put_user_policy(UserName="gail", PolicyName="guarded", PolicyDocument=json.dumps(document, indent=2))
    dialog.get_by_role("button", name="Apply change").click()
    admin.sees("Somebody changed the document meanwhile.")
    expect(dialog.get_by_label("Difference")).to_contain_text('"Other"')
    dialog.get_by_role("button", name="Apply change").click()
    admin.sees("Allowed: identity-based policy")
    statements = iam.get_user_policy(UserName="gail", PolicyName="guarded")["PolicyDocument"]["Statement"]
    assert statements[0] == everything
    assert all(one["Effect"] == "Deny" for one in statements[1:])
    ask(admin, arn, "iam:DeleteUser", arn)
    admin.sees("Explicitly denied: identity-based policy")
    iam.delete_user_policy(UserName="gail", PolicyName="guarded")
    iam.delete_user(UserName="gail")


def test_a_pasted_message_is_explained_and_does_not_come_into_the_address(site: Site, admin: Visitor) -> None:
    sts = site.client(PRODUCTION, "sts")
    with pytest.raises(ClientError) as refusal:
        sts.assume_role(RoleArn=f"arn:aws:iam::{ANALYTICS}:role/Nowhere", RoleSessionName="admin")
    message = refusal.value.response["Error"]["EncodedAuthorizationMessage"]  # type: ignore[typeddict-item]
    field = admin.field("Request ID or encoded authorization message")
    field.fill(f" {message[:60]}\n{message[60:]}\n")
    admin.click("Explain")
    admin.sees(re.compile(OTHER))
    assert admin.page.url.endswith("/-/console/explain")
    field.fill(f"{message[:-2]}xx")
    admin.click("Explain")
    admin.sees("No explanation of this request is known to this account")


def test_each_account_sees_its_side_of_a_refused_role_and_the_owner_both(
    site: Site, visit: Visit, admin: Visitor
) -> None:
    iam = site.client(PRODUCTION, "iam")
    trusted = {"Sid": "WithMfa", "Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"}
    trusted["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    document = {"Version": "2012-10-17", "Statement": [trusted]}
    role = iam.create_role(RoleName="Guarded", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    request = refused_id(site.client(ANALYTICS, "sts").assume_role, RoleArn=role, RoleSessionName="admin")
    # The account that asked: its own side, and that the other refuses.
    asker = visit().sign_in("analytics", "admin", f"explain?request={request}")
    asker.sees("Implicitly denied")
    expect(layer(asker, "Identity-based policies")).to_contain_text("Allows")
    asker.sees(re.compile(OTHER))
    expect(layer(asker, "Role trust policy")).to_have_count(0)
    expect(asker.page.get_by_role("button", name="Apply", exact=True)).to_have_count(0)
    assert "WithMfa" not in asker.page.content()
    # The owner of the role: both, with the trust policy's near miss.
    admin.field("Request ID or encoded authorization message").fill(request.lower())
    admin.click("Explain")
    expect(admin.page).to_have_url(re.compile(f"request={request}$"))
    admin.sees("Implicitly denied: role trust policy")
    trust = layer(admin, "Role trust policy")
    trust.get_by_role("button", name=re.compile("^Allows that did not apply")).click()
    expect(trust).to_contain_text("Statement WithMfa of role trust policy, line 1, column 41")
    expect(trust).to_contain_text("Condition Bool aws:MultiFactorAuthPresent")
    expect(layer(admin, "Identity-based policies")).to_contain_text("AdministratorAccess")
    admin.sees("Ask otherwise")
    # A third sees that it is none of its business.
    bob = visit().sign_in("production", "admin", "explain?request=0123456789ABCDEF")
    bob.sees("No explanation of this request is known to this account")
    iam.delete_role(RoleName="Guarded")


def test_a_principal_of_another_account_is_asked_about_and_the_buckets_policy_mended(
    site: Site, admin: Visitor
) -> None:
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket="explained")
    alice, key = f"arn:aws:iam::{ANALYTICS}:user/alice", "arn:aws:s3:::explained/2026.csv"
    ask(admin, alice, "s3:GetObject", key)
    admin.sees("Implicitly denied: resource-based policy")
    admin.sees(f"The policies of account {ANALYTICS} are not known here: they are taken to allow it.")
    admin.sees("There is no policy of bucket explained.")
    apply(admin).get_by_role("button", name="Apply change").click()
    admin.sees("Allowed: resource-based policy")
    assert alice in marked(admin, "policy of bucket explained")
    stored = json.loads(s3.get_bucket_policy(Bucket="explained")["Policy"])
    assert stored["Statement"] == [
        {"Effect": "Allow", "Principal": {"AWS": alice}, "Action": "s3:GetObject", "Resource": key}
    ]
    # Bob of this account: both sides are here, and neither speaks of him.
    ask(admin, f"arn:aws:iam::{PRODUCTION}:user/bob", "s3:GetObject", key)
    admin.sees("Implicitly denied: identity-based policy")
    expect(layer(admin, "Resource-based policy")).to_contain_text("Does not allow")
    s3.delete_bucket_policy(Bucket="explained")
    s3.delete_bucket(Bucket="explained")


def test_what_is_missing_in_a_question_is_said_before_anything_is_sent(admin: Visitor) -> None:
    ask(admin, "alice", "GetObject", "reports")
    for text in (
        "Enter the ARN of a user, group or role.",
        "Enter a service and an action, like s3:GetObject.",
        "Enter an ARN, or *.",
    ):
        admin.sees(text)


def test_context_keys_decide(site: Site, admin: Visitor) -> None:
    iam = site.client(PRODUCTION, "iam")
    inside = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
    inside["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}  # type: ignore[assignment]
    document = json.dumps({"Version": "2012-10-17", "Statement": [inside]})
    iam.put_user_policy(UserName="bob", PolicyName="inside", PolicyDocument=document)
    bob = f"arn:aws:iam::{PRODUCTION}:user/bob"
    ask(admin, bob, "iam:GetUser", bob)
    admin.sees("Implicitly denied: identity-based policy")
    admin.click("Add context key")
    admin.page.get_by_role("combobox", name=re.compile(r"\bKey$")).fill("aws:SourceIp")
    admin.page.keyboard.press("Escape")
    admin.page.get_by_role("textbox", name=re.compile("Values, one a line$")).fill("10.1.2.3")
    admin.page.get_by_role("main").get_by_role("button", name="Explain", exact=True).click()
    admin.sees("Allowed: identity-based policy")
    iam.delete_user_policy(UserName="bob", PolicyName="inside")


def test_the_policy_of_a_key_is_read_and_has_its_say(site: Site, admin: Visitor) -> None:
    key = site.client(PRODUCTION, "kms").create_key()["KeyMetadata"]["Arn"]
    ask(admin, f"arn:aws:iam::{PRODUCTION}:user/admin", "kms:Decrypt", key)
    admin.sees(f"Decided with the policy of key {key.rpartition('/')[2]}, as it is now.")
    admin.sees("Allowed: resource-based policy")
    assert '"Enable IAM User Permissions"' in marked(admin, f"policy of key {key.rpartition('/')[2]}")
    ask(admin, f"arn:aws:iam::{PRODUCTION}:user/bob", "kms:Decrypt", key)
    admin.sees("Implicitly denied: identity-based policy")


def test_refusals_in_dialogs_wizards_summaries_and_notices_lead_to_their_explanations(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    iam.create_group(GroupName="readers")
    bob = visit().sign_in("production", "bob", "iam")
    link = bob.page.get_by_role("link", name=re.compile("^Explain"))
    bob.heading("IAM Dashboard")
    expect(link.first).to_be_visible()
    reading = {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "iam:CreateUser"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": reading})
    iam.put_user_policy(UserName="bob", PolicyName="reading", PolicyDocument=document)
    bob.open("iam/groups/readers")
    bob.click("Delete")
    dialog = bob.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("readers")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("link", name="Explain", exact=True).click()
    bob.heading("Explain")
    expect(bob.page).to_have_url(re.compile(r"explain\?request=[0-9A-F]{16}$"))
    bob.sees("iam:DeleteGroup")
    bob.open("iam/users/create")
    bob.field("User name").fill("hugo")
    bob.click("Next")
    bob.page.get_by_role("checkbox", name="Select readers").click()
    bob.click("Next")
    bob.click("Create user")
    bob.heading("hugo")
    bob.sees("User hugo created")
    bob.page.get_by_role("link", name=re.compile("^Explain: User: .*iam:AddUserToGroup")).click()
    bob.heading("Explain")
    bob.sees("iam:AddUserToGroup")
    bob.open("iam/groups/create")
    bob.field("User group name").fill("more")
    bob.click("Create user group")
    bob.sees("Access denied to iam:CreateGroup")
    expect(link.first).to_be_visible()
    iam.delete_user(UserName="hugo")
    iam.delete_group(GroupName="readers")
    iam.delete_user_policy(UserName="bob", PolicyName="reading")
