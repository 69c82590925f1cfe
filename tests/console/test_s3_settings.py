"""The settings of a bucket in a browser: its permissions, its properties, its lifecycle rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect
from test_iam_pages import confirm, write_json
from visitor import ANALYTICS, PRODUCTION, Site, Visit, Visitor

pytestmark = pytest.mark.xdist_group("console")


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    """Production's S3."""
    return site.client(PRODUCTION, "s3")


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """Production's administrator."""
    return visit().sign_in("production", "admin", "s3")


def test_a_bucket_policy_with_an_error_is_not_saved_and_the_line_is_told(admin: Visitor, s3: Any) -> None:
    s3.create_bucket(Bucket="policy-bucket")
    admin.open("s3/buckets/policy-bucket?tab=permissions")
    admin.sees("There is no bucket policy.")
    admin.click("Edit bucket policy")
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ANALYTICS}:root"},
        "Action": "s3:GetObjct",
        "Resource": "arn:aws:s3:::another-bucket/*",
    }
    wrong = {"Version": "2012-10-17", "Statement": [statement]}
    write_json(admin.page, wrong)
    admin.sees("Line 10, column 19")
    admin.sees("Resource must name this bucket")
    admin.sees("Did you mean s3:GetObject?")
    admin.click("Save changes")
    admin.sees("Correct the errors first.")
    statement |= {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::policy-bucket/*", "Principal": "*"}
    write_json(admin.page, wrong)
    admin.click("Save changes")
    # Only the server knows what Block Public Access says to it.
    admin.sees("BlockPublicPolicy setting")
    statement["Principal"] = {"AWS": f"arn:aws:iam::{ANALYTICS}:root"}
    write_json(admin.page, wrong)
    admin.click("Save changes")
    admin.sees("Bucket policy saved.")
    assert json.loads(s3.get_bucket_policy(Bucket="policy-bucket")["Policy"]) == wrong
    admin.click("Delete bucket policy")
    confirm(admin, "delete")
    admin.sees("There is no bucket policy.")
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="policy-bucket")


def test_cors_public_access_and_ownership_are_edited(admin: Visitor, s3: Any) -> None:
    page = admin.page
    bucket = {"Bucket": "permission-bucket"}
    s3.create_bucket(**bucket)
    admin.open("s3/buckets/permission-bucket?tab=permissions")
    admin.click("Edit cross-origin resource sharing (cors)")
    write_json(page, '[\n  {\n    "AllowedMethods": ["PATCH"],\n    "AllowedOrigins": ["*"]\n  }\n]')
    admin.sees("Line 3, column 24")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example.com"]}
    write_json(page, [rule])
    admin.click("Save changes")
    admin.sees("Cross-origin resource sharing (CORS) saved.")
    assert s3.get_bucket_cors(**bucket)["CORSRules"] == [rule]
    admin.click("Edit block public access (bucket settings)")
    page.get_by_role("dialog").get_by_role("checkbox", name="Block all public access").click()
    admin.sees("this bucket and the objects in it can become public")
    admin.save()
    admin.sees("Block public access settings saved.")
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {False}
    admin.click("Edit object ownership")
    page.get_by_role("dialog").get_by_role("radio", name="Object writer").click()
    admin.save()
    admin.sees("Object Ownership saved.")
    s3.put_bucket_acl(**bucket, ACL="public-read")
    page.reload()
    admin.sees("Everyone (public access)")


def test_the_properties_of_a_bucket_are_edited(site: Site, admin: Visitor, s3: Any) -> None:
    page = admin.page
    bucket = {"Bucket": "property-bucket"}
    s3.create_bucket(**bucket)
    kms = site.client(PRODUCTION, "kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/reports", TargetKeyId=key["KeyId"])
    admin.open("s3/buckets/property-bucket?tab=properties")
    dialog = page.get_by_role("dialog")
    admin.click("Edit bucket versioning")
    dialog.get_by_role("radio", name="Enable").click()
    admin.save()
    admin.sees("Bucket Versioning is enabled.")
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    admin.click("Edit default encryption")
    dialog.get_by_role("radio", name="AWS KMS keys (SSE-KMS)").click()
    dialog.get_by_role("combobox", name="AWS KMS key").click()
    page.get_by_role("option", name="alias/reports").click()
    admin.save()
    admin.sees("Default encryption saved.")
    rule = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = rule["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    assert default["KMSMasterKeyID"].endswith("alias/reports")
    s3.put_object(**bucket, Key="sealed")
    assert s3.head_object(**bucket, Key="sealed")["SSEKMSKeyId"] == key["Arn"]
    admin.click("Edit object lock")
    dialog.get_by_role("radio", name="Governance").click()
    admin.save()
    admin.sees("Object Lock saved.")
    lock = s3.get_object_lock_configuration(**bucket)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 30}
    admin.click("Edit static website hosting")
    dialog.get_by_role("radio", name="Host a static website").click()
    admin.save()
    admin.sees("Static website hosting saved.")
    assert s3.get_bucket_website(**bucket)["IndexDocument"] == {"Suffix": "index.html"}
    admin.click("Edit requester pays")
    dialog.get_by_role("radio", name="Enable").click()
    admin.save()
    admin.sees("Requester pays saved.")
    assert s3.get_bucket_request_payment(**bucket)["Payer"] == "Requester"
    logging_is_edited(admin, s3)


def logging_is_edited(admin: Visitor, s3: Any) -> None:
    s3.create_bucket(Bucket="log-bucket")
    writing = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::log-bucket/*",
    }
    s3.put_bucket_policy(Bucket="log-bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [writing]}))
    dialog = admin.page.get_by_role("dialog")
    admin.click("Edit server access logging")
    dialog.get_by_text("Server access logging", exact=True).last.click()
    dialog.get_by_role("textbox", name="Destination bucket").fill("no-such-bucket-anywhere")
    admin.save()
    admin.sees("It was not saved")
    dialog.get_by_role("textbox", name="Destination bucket").fill("log-bucket")
    dialog.get_by_role("textbox", name="Prefix").fill("of-properties/")
    admin.save()
    admin.sees("Server access logging is enabled.")
    admin.sees("s3://log-bucket/of-properties/")
    enabled = s3.get_bucket_logging(Bucket="property-bucket")["LoggingEnabled"]
    assert (enabled["TargetBucket"], enabled["TargetPrefix"]) == ("log-bucket", "of-properties/")


def test_a_bucket_is_tagged_and_an_object_of_it_is_locked(admin: Visitor, s3: Any) -> None:
    page = admin.page
    bucket = {"Bucket": "locked-bucket"}
    s3.create_bucket(**bucket, ObjectLockEnabledForBucket=True)
    version = s3.put_object(**bucket, Key="contract.txt", Body=b"signed")["VersionId"]
    admin.open("s3/buckets/locked-bucket?tab=properties")
    admin.click("Manage tags")
    admin.click("Add new tag")
    page.get_by_role("combobox").first.fill("team")
    page.get_by_role("combobox").last.fill("legal")
    admin.click("Save changes")
    admin.sees("Tags saved.")
    assert s3.get_bucket_tagging(**bucket)["TagSet"] == [{"Key": "team", "Value": "legal"}]
    admin.open("s3/object/locked-bucket?key=contract.txt")
    dialog = page.get_by_role("dialog")
    admin.click("Edit legal hold")
    dialog.get_by_role("radio", name="On").click()
    admin.save()
    admin.sees("Legal hold saved.")
    assert s3.get_object_legal_hold(**bucket, Key="contract.txt")["LegalHold"] == {"Status": "ON"}
    admin.click("Edit retention")
    admin.save()
    admin.sees("Enter the date until which the version is kept.")
    dialog.get_by_role("textbox", name="Retain until").fill("2099/01/31")
    admin.save()
    admin.sees("Retention saved.")
    retention = s3.get_object_retention(**bucket, Key="contract.txt")["Retention"]
    assert (retention["Mode"], retention["RetainUntilDate"].isoformat()) == ("GOVERNANCE", "2099-01-31T00:00:00+00:00")
    admin.open("s3/object/locked-bucket?key=contract.txt&tab=versions")
    admin.select(version)
    admin.click("Delete versions")
    confirm(admin, "permanently delete")
    admin.sees("0 deleted, 1 not deleted")
    assert s3.get_object(**bucket, Key="contract.txt")["Body"].read() == b"signed"


def test_lifecycle_rules_are_made_switched_off_and_deleted_and_others_are_kept(admin: Visitor, s3: Any) -> None:
    page = admin.page
    bucket = {"Bucket": "lifecycle-bucket"}
    s3.create_bucket(**bucket)
    tagged = {
        "ID": "by-tag",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": "keep", "Value": "no"}},
        "Expiration": {"Days": 9},
    }
    s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": [tagged]})
    admin.open("s3/buckets/lifecycle-bucket?tab=management")
    admin.sees("tag keep=no")
    admin.click("Create lifecycle rule")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Lifecycle rule name").fill("old-logs")
    admin.save()
    admin.sees("Choose what the rule does.")
    dialog.get_by_role("textbox", name="Prefix").fill("logs/")
    dialog.get_by_role("textbox", name="Expire current versions after").fill("30")
    admin.save()
    admin.sees("Lifecycle rule old-logs saved.")
    admin.sees("Expire after 30 days")

    def rules() -> dict[str, Any]:
        stored = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
        return {rule["ID"]: rule for rule in stored}

    made = {"ID": "old-logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}
    assert rules() == {"by-tag": tagged, "old-logs": made}
    page.get_by_role("radio", name="Select old-logs").click()
    admin.click("Disable")
    admin.sees("Lifecycle rule old-logs is disabled.")
    assert rules()["old-logs"]["Status"] == "Disabled"
    page.get_by_role("radio", name="Select old-logs").click()
    admin.click("Delete")
    dialog.get_by_role("button", name="Delete").click()
    admin.sees("Lifecycle rule old-logs deleted.")
    assert rules() == {"by-tag": tagged}


def test_a_lifecycle_rule_that_the_form_cannot_say_is_edited_as_json_and_nothing_of_it_is_lost(
    admin: Visitor, s3: Any
) -> None:
    bucket = {"Bucket": "lifecycle-json-bucket"}
    s3.create_bucket(**bucket)
    first = {"ID": "first", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}}
    dated = {
        "ID": "dated",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "b/", "Tags": [{"Key": "keep", "Value": "no"}], "ObjectSizeGreaterThan": 500}},
        "Expiration": {"Date": "2099-01-31T00:00:00.000Z"},
    }
    last = {"ID": "last", "Status": "Disabled", "Filter": {"Prefix": "c/"}, "Expiration": {"Days": 5}}
    s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": [first, dated, last]})
    admin.open("s3/buckets/lifecycle-json-bucket?tab=management")
    admin.page.get_by_role("radio", name="Select dated").click()
    admin.click("Edit")
    editor = admin.page.locator(".ace_content")
    for text in ('"ObjectSizeGreaterThan"', '"keep"', '"2099-01-31T00:00:00.000Z"'):
        expect(editor).to_contain_text(text)
    write_json(admin.page, {**dated, "ID": "first", "Expiration": {"Dates": 1}})
    admin.sees("Another rule has this ID.")
    admin.sees("Expiration has no Dates.")
    admin.click("Save changes")
    admin.sees("Correct the errors first.")
    # Only the server knows which of them go together.
    write_json(admin.page, {**dated, "Expiration": {"Date": "2099-01-31T10:00:00Z"}})
    admin.sees("No findings")
    admin.click("Save changes")
    admin.sees("Lifecycle rule was not saved")
    dated["Transitions"] = [
        {"Date": "2098-01-31T00:00:00Z", "StorageClass": "STANDARD_IA"},
        {"Date": "2098-07-31T00:00:00Z", "StorageClass": "GLACIER"},
    ]
    write_json(admin.page, dated)
    admin.click("Save changes")
    admin.sees("Lifecycle rule saved.")
    admin.sees("Move to GLACIER on 2098-07-31")
    stored = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert (stored[0], stored[2]) == (first, last)
    assert stored[1]["Filter"] == dated["Filter"]
    assert stored[1]["Expiration"]["Date"].isoformat() == "2099-01-31T00:00:00+00:00"
    moves = [(one["Date"].date().isoformat(), one["StorageClass"]) for one in stored[1]["Transitions"]]
    assert moves == [("2098-01-31", "STANDARD_IA"), ("2098-07-31", "GLACIER")]
    # One that the form can say becomes one that it cannot.
    admin.page.get_by_role("radio", name="Select first").click()
    admin.click("Edit JSON")
    write_json(admin.page, {**first, "Filter": {"ObjectSizeLessThan": 9}})
    admin.click("Save changes")
    admin.sees("smaller than 9 bytes")
    assert s3.get_bucket_lifecycle_configuration(**bucket)["Rules"][0]["Filter"] == {"ObjectSizeLessThan": 9}
