"""Activity in a browser: what was done, by whom, and the two records of what concerned two accounts."""

from __future__ import annotations

import json
import re

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Response, expect
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")

ROLE = "Watched"
LOGIN = {"AttributeKey": "EventName", "AttributeValue": "ConsoleLogin"}
ROLE_ARN = f"arn:aws:iam::{PRODUCTION}:role/{ROLE}"


@pytest.fixture(scope="module", autouse=True)
def happened(site: Site) -> None:
    """Analytics' administrator assumed a role of Production, and was refused another that is not there."""
    trust = {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    site.client(PRODUCTION, "iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
    sts = site.client(ANALYTICS, "sts")
    sts.assume_role(RoleArn=ROLE_ARN, RoleSessionName="looking")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=f"arn:aws:iam::{PRODUCTION}:role/Nowhere", RoleSessionName="looking")
    site.recorded(PRODUCTION, "AssumeRole")
    site.recorded(ANALYTICS, "AssumeRole", 2)


def look_up(visitor: Visitor, attribute: str, value: str) -> None:
    """Ask the server for events with this attribute."""
    main = visitor.page.get_by_role("main")
    main.get_by_role("button", name=re.compile("^Lookup attribute")).click()
    visitor.page.get_by_role("option", name=attribute, exact=True).click()
    main.get_by_role("textbox", name="Value").fill(value)
    press_look_up(visitor)


def view(visitor: Visitor, name: str) -> None:
    """Choose a view and look up."""
    visitor.page.get_by_role("main").get_by_role("button", name=re.compile("^View")).click()
    visitor.page.get_by_role("option", name=name, exact=True).click()
    press_look_up(visitor)


def press_look_up(visitor: Visitor) -> None:
    """Press the button, and be past the events of the lookup before."""

    def is_lookup(response: Response) -> bool:
        return response.request.headers.get("x-amz-target", "").endswith(".LookupEvents")

    # The new list asks when it is drawn, and is empty until the answer is read.
    with visitor.page.expect_response(is_lookup):
        visitor.click("Look up")
    expect(visitor.page.get_by_text("Loading events")).to_have_count(0)


def shared_id(visitor: Visitor, title: str) -> str:
    """Of the event that is open."""
    visitor.sees(title)
    copy = visitor.page.get_by_role("button", name="Copy Shared event ID")
    copy.click()
    visitor.sees("Shared event ID copied")
    identifier: str = visitor.page.evaluate("navigator.clipboard.readText()")
    return identifier


def test_both_accounts_find_their_half_of_an_assumed_role_by_the_same_id(visit: Visit) -> None:
    asker = visit().sign_in("analytics", "admin", "activity")
    look_up(asker, "Event name", "AssumeRole")
    asker.sees("To another account")
    view(asker, "Across accounts")
    expect(asker.page.get_by_role("rowheader")).to_have_text(["AssumeRole"])
    asker.follow("AssumeRole")
    asker.heading("AssumeRole")
    identifier = shared_id(asker, "This is the record of the account that asked.")
    expect(asker.page.get_by_label("Event record")).to_contain_text('"roleSessionName": "looking"')
    owner = visit().sign_in("production", "admin", "activity")
    # LookupEvents does not look for it: the search goes through what is loaded, and says so.
    owner.page.get_by_role("searchbox", name="Search loaded events").fill(identifier)
    owner.sees("1 match")
    owner.sees("From another account")
    owner.follow("AssumeRole")
    assert shared_id(owner, "This is the record of the account that was asked;") == identifier
    assert "user/admin" not in owner.page.get_by_label("Event record").inner_text()


def test_a_refusal_in_the_history_leads_to_its_explanation(visit: Visit) -> None:
    asker = visit().sign_in("analytics", "admin", "activity")
    view(asker, "Refused")
    expect(asker.page.get_by_role("rowheader")).to_have_text(["AssumeRole"])
    asker.page.get_by_role("link", name=re.compile("^Explain AssumeRole, request ")).click()
    asker.heading("Explain")
    asker.sees(re.compile("the other account does not allow it"))
    asker.page.go_back()
    asker.heading("Event history")
    expect(asker.page.get_by_role("rowheader")).to_have_text(["AssumeRole"])
    view(asker, "All events")
    asker.sees("Succeeded")
    expect(asker.page.get_by_role("rowheader").nth(1)).to_be_visible()


def test_a_wrong_sign_in_is_in_the_history_as_a_failure(site: Site, visit: Visit) -> None:
    visitor = visit().type_password("production", "admin", "wrong")
    visitor.sees("Your authentication information is incorrect")
    visitor.sign_in("production", "admin", "activity")
    events = site.client(PRODUCTION, "cloudtrail").lookup_events
    while not any('"Failure"' in one["CloudTrailEvent"] for one in events(LookupAttributes=[LOGIN])["Events"]):
        visitor.page.wait_for_timeout(100)
    look_up(visitor, "Event name", "ConsoleLogin")
    outcomes = visitor.page.get_by_role("row").filter(has_text="ConsoleLogin")
    expect(outcomes.filter(has_text="Succeeded").first).to_be_visible()
    outcomes.filter(has_text="Failure").get_by_role("link", name="ConsoleLogin", exact=True).click()
    visitor.sees("Failed authentication")
    expect(visitor.page.get_by_label("Event record")).not_to_contain_text("wrong")


def test_events_are_looked_up_by_the_attributes_of_the_api(visit: Visit) -> None:
    owner = visit().sign_in("production", "admin", "activity")
    owner.sees("All events of this lookup are loaded.")
    look_up(owner, "Event name", "CreateRole")
    expect(owner.page.get_by_role("rowheader")).to_have_text(["CreateRole"])
    look_up(owner, "Event source", "sts.amazonaws.com")
    expect(owner.page.get_by_role("rowheader").first).to_have_text("AssumeRole")
    look_up(owner, "User name", "nobody")
    owner.sees("No events")
    look_up(owner, "Read-only", "perhaps")
    owner.sees("The value of ReadOnly must be true or false.")


def test_events_are_looked_up_in_a_range_of_time(visit: Visit) -> None:
    owner = visit().sign_in("production", "admin", "activity?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    owner.sees("No events")
    owner.open("activity?start=2020-01-01T00:00:00Z&end=2099-01-02T00:00:00Z")
    expect(owner.page.get_by_role("rowheader").first).to_be_visible()
    owner.open("activity?start=2020-01-02T00:00:00Z&end=2020-01-01T00:00:00Z")
    owner.sees("The start time must not be after the end time.")
    owner.open("activity")
    owner.page.get_by_role("main").get_by_role("button", name=re.compile("^Time range")).click()
    owner.page.get_by_role("radio", name="Last 30 minutes").click()
    owner.page.get_by_role("button", name="Apply", exact=True).click()
    owner.click("Look up")
    expect(owner.page).to_have_url(re.compile(r"last=30[+ ]minute"))
    expect(owner.page.get_by_role("rowheader").first).to_be_visible()


def test_more_events_than_a_page_are_loaded_one_page_after_the_other(site: Site, visit: Visit) -> None:
    iam = site.client(PRODUCTION, "iam")
    for _ in range(51):
        iam.get_role(RoleName=ROLE)
    site.recorded(PRODUCTION, "GetRole", 51)
    owner = visit().sign_in("production", "admin", "activity")
    look_up(owner, "Event name", "GetRole")
    owner.sees("The 50 newest events of this lookup are loaded; views and search look at these alone.")
    owner.click("Load more")
    owner.sees("All events of this lookup are loaded.")
    owner.heading("Event history")
    owner.sees("(51)")
    expect(owner.page.get_by_role("button", name="Load more")).to_be_disabled()


def test_whoever_may_not_look_is_told_so_and_an_unknown_event_too(visit: Visit) -> None:
    bob = visit().sign_in("production", "bob", "activity")
    bob.sees("Access denied to cloudtrail:LookupEvents")
    expect(bob.page.get_by_role("main").get_by_role("link", name="Explain", exact=True)).to_be_visible()
    owner = visit().sign_in("production", "admin", "activity/us-east-1/3f2504e0-4f89-11d3-9a0c-0305e82c3301")
    owner.sees("There is no such event")


def test_an_attempt_at_the_door_is_seen_by_who_asked_to_hear_of_it(site: Site, visit: Visit) -> None:
    owner = visit().sign_in("production", "admin", "activity")
    view(owner, "Refused at the door")
    owner.sees("No events")
    owner.sees("are recorded when an advanced event selector of a trail asks for them")
    listen(site)
    with pytest.raises(ClientError, match="AccessDenied"):
        site.client(ANALYTICS, "sts").assume_role(
            RoleArn=f"arn:aws:iam::{PRODUCTION}:role/Nowhere", RoleSessionName="knocking"
        )
    row = owner.page.get_by_role("row").filter(has_text="At the door")
    for _ in range(50):  # it is in the history within half a second
        press_look_up(owner)
        if row.count() == 1:
            break
        owner.page.wait_for_timeout(200)
    row.get_by_role("link", name="AssumeRole", exact=True).click()
    owner.sees("tried to assume a role of this account and was refused")
    owner.sees("4444-5555-6666")
    owner.page.get_by_role("main").get_by_role("link", name="Explain", exact=True).click()
    owner.heading("Explain")


def listen(site: Site) -> None:
    """Production asks to hear of refused attempts, as docs/cloudtrail.md says."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": action,
                "Resource": resource,
            }
            for action, resource in (
                ("s3:GetBucketAcl", "arn:aws:s3:::audit-files"),
                ("s3:PutObject", f"arn:aws:s3:::audit-files/AWSLogs/{PRODUCTION}/*"),
            )
        ],
    }
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket="audit-files")
    s3.put_bucket_policy(Bucket="audit-files", Policy=json.dumps(policy))
    trail = site.client(PRODUCTION, "cloudtrail")
    trail.create_trail(Name="audit", S3BucketName="audit-files")
    fields = {"eventCategory": "Management", "eventName": "AssumeRole", "errorCode": "AccessDenied"}
    door = {"FieldSelectors": [{"Field": field, "Equals": [value]} for field, value in fields.items()]}
    trail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=[door])
    trail.start_logging(Name="audit")
