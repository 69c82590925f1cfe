"""The condition keys of real requests to S3: exactly these are there, with these values, and no others."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from contexts import NETWORK, ON_BUCKET, S3, SECONDS, Context, check, decoded, of_user, seen
from stage import Someone, Stage, allow, keys_on, unique

# S3

LATER = datetime(2040, 1, 31, 12, 0, tzinfo=UTC)
DAYS = str((LATER - datetime.now(UTC)).days)
LOCK = {
    "s3:object-lock-mode": "GOVERNANCE",
    "s3:object-lock-retain-until-date": "2040-01-31T12:00:00Z",
    "s3:object-lock-remaining-retention-days": re.compile(rf"{DAYS}|{int(DAYS) - 1}"),
}
WRITTEN = {"s3:objectcreationoperation": "true"}
# Operation, its parameters but for the bucket, the action that is refused, its keys beyond those of every request.
S3_CASES: list[tuple[str, dict[str, Any], str, Context]] = [
    ("get_object", {"Key": "plain"}, "s3:GetObject", {}),
    ("get_object", {"Key": "plain", "IfMatch": "x", "IfNoneMatch": "y", "Range": "bytes=0-1"}, "s3:GetObject", {}),
    ("get_object", {"Key": "plain", "VersionId": "null"}, "s3:GetObjectVersion", {"s3:versionid": "null"}),
    ("get_object", {"Key": "tagged"}, "s3:GetObject", {"s3:existingobjecttag/team": "blue"}),
    ("get_object", {"Key": "missing"}, "s3:GetObject", {}),
    ("get_object_tagging", {"Key": "tagged"}, "s3:GetObjectTagging", {"s3:existingobjecttag/team": "blue"}),
    ("delete_object", {"Key": "tagged"}, "s3:DeleteObject", {}),
    ("delete_object", {"Key": "tagged", "IfMatch": '"x"'}, "s3:DeleteObject", {"s3:if-match": '"x"'}),
    ("delete_object", {"Key": "tagged", "VersionId": "null"}, "s3:DeleteObjectVersion", {"s3:versionid": "null"}),
    ("list_objects_v2", {}, "s3:ListBucket", {"s3:max-keys": "1000"}),
    ("list_objects_v2", {"Prefix": "a/", "Delimiter": "/", "MaxKeys": 7}, "s3:ListBucket",
     {"s3:prefix": "a/", "s3:delimiter": "/", "s3:max-keys": "7"}),
    ("list_objects", {"Prefix": ""}, "s3:ListBucket", {"s3:prefix": "", "s3:max-keys": "1000"}),
    ("list_object_versions", {"Prefix": "a"}, "s3:ListBucketVersions", {"s3:prefix": "a", "s3:max-keys": "1000"}),
    ("list_multipart_uploads", {"Prefix": "a"}, "s3:ListBucketMultipartUploads", {}),
    ("put_object", {"Key": "tagged", "Body": b"x"}, "s3:PutObject", WRITTEN),
    ("put_object", {"Key": "k", "Body": b"x", "ACL": "private", "StorageClass": "GLACIER", "Tagging": "Team=blue&x=",
                    "IfNoneMatch": "*", "WebsiteRedirectLocation": "/y"}, "s3:PutObject",
     {**WRITTEN, "s3:x-amz-acl": "private", "s3:x-amz-storage-class": "GLACIER", "s3:requestobjecttag/team": "blue",
      "s3:requestobjecttag/x": "", "s3:requestobjecttagkeys": ["Team", "x"], "s3:if-none-match": "*",
      "s3:x-amz-website-redirect-location": "/y"}),
    ("put_object", {"Key": "k", "Body": b"x", "GrantRead": 'id="1"', "GrantReadACP": 'id="2"', "IfMatch": '"x"',
                    "GrantWriteACP": 'id="3"', "GrantFullControl": 'id="4"'}, "s3:PutObject",
     {**WRITTEN, "s3:x-amz-grant-read": 'id="1"', "s3:x-amz-grant-read-acp": 'id="2"', "s3:if-match": '"x"',
      "s3:x-amz-grant-write-acp": 'id="3"', "s3:x-amz-grant-full-control": 'id="4"'}),
    ("put_object", {"Key": "k", "Body": b"x", "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": LATER,
                    "ObjectLockLegalHoldStatus": "ON"}, "s3:PutObject",
     {**WRITTEN, **LOCK, "s3:object-lock-legal-hold": "ON"}),
    ("put_object_retention", {"Key": "plain", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": LATER}},
     "s3:PutObjectRetention", LOCK),
    ("put_object_legal_hold", {"Key": "plain", "LegalHold": {"Status": "OFF"}}, "s3:PutObjectLegalHold",
     {"s3:object-lock-legal-hold": "OFF"}),
    ("put_object_tagging", {"Key": "tagged", "Tagging": {"TagSet": [{"Key": "New", "Value": "1"}]}},
     "s3:PutObjectTagging",
     {"s3:existingobjecttag/team": "blue", "s3:requestobjecttag/new": "1", "s3:requestobjecttagkeys": "New"}),
    ("put_object_acl", {"Key": "tagged", "ACL": "private"}, "s3:PutObjectAcl",
     {"s3:existingobjecttag/team": "blue", "s3:x-amz-acl": "private"}),
    ("create_multipart_upload", {"Key": "k", "StorageClass": "STANDARD"}, "s3:PutObject",
     {"s3:objectcreationoperation": "false", "s3:x-amz-storage-class": "STANDARD"}),
    ("upload_part", {"Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b"x"}, "s3:PutObject",
     {"s3:objectcreationoperation": "false"}),
    ("abort_multipart_upload", {"Key": "k", "UploadId": "u"}, "s3:AbortMultipartUpload", {}),
    ("put_bucket_acl", {"ACL": "private"}, "s3:PutBucketAcl", {"s3:x-amz-acl": "private"}),
    ("put_bucket_acl", {"GrantWrite": 'id="1"'}, "s3:PutBucketAcl", {"s3:x-amz-grant-write": 'id="1"'}),
    ("put_bucket_ownership_controls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
     "s3:PutBucketOwnershipControls", {}),
    ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}, "s3:PutBucketTagging", {}),
    ("put_bucket_inventory_configuration",
     {"Id": "i", "InventoryConfiguration": {
         "Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
         "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::b", "Format": "CSV"}},
         "OptionalFields": ["Size", "ETag"]}},
     "s3:PutInventoryConfiguration", {"s3:inventoryaccessibleoptionalfields": ["Size", "ETag"]}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "members", "action", "keys"), S3_CASES)
def test_a_request_to_s3_has_the_keys_of_what_it_sends(
    operation: str, members: dict[str, Any], action: str, keys: Context, stage: Stage, nobody: Someone
) -> None:
    bucket = stage.owner.new_bucket({"plain": b"data"})
    stage.owner.s3.put_object(Bucket=bucket, Key="tagged", Body=b"data", Tagging="Team=blue")
    client = stage.owner.client("s3", nobody)
    found = seen(stage, lambda: getattr(client, operation)(Bucket=bucket, **members))
    check(found, action, NETWORK, of_user(nobody), S3, keys)


def test_a_copy_reads_without_the_keys_of_what_it_writes(stage: Stage, nobody: Someone) -> None:
    bucket = stage.owner.new_bucket({"k": b"data"})
    reader = stage.owner.new_user(allow("s3:GetObject", keys_on(bucket)))
    given: dict[str, Any] = {
        "Bucket": bucket, "Key": "copy", "CopySource": {"Bucket": bucket, "Key": "k"}, "ACL": "private",
        "MetadataDirective": "REPLACE", "StorageClass": "STANDARD",
    }  # fmt: skip
    written = {
        **WRITTEN, "s3:x-amz-copy-source": f"{bucket}/k", "s3:x-amz-metadata-directive": "REPLACE",
        "s3:x-amz-acl": "private", "s3:x-amz-storage-class": "STANDARD",
    }  # fmt: skip
    for who, action, keys in ((nobody, "s3:GetObject", {}), (reader, "s3:PutObject", written)):
        client = stage.owner.client("s3", who)
        found = seen(stage, lambda client=client: client.copy_object(**given))
        check(found, action, NETWORK, of_user(who), S3, keys)


def test_a_bucket_that_is_to_be_has_the_keys_of_its_settings(stage: Stage, nobody: Someone) -> None:
    client = stage.owner.client("s3", nobody)
    tags = [{"Key": "Team", "Value": "blue"}]
    for given, keys in (
        ({}, {}),
        ({"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1", "Tags": tags},
          "ObjectOwnership": "ObjectWriter", "ACL": "private", "GrantWrite": 'id="1"'},
         {"s3:locationconstraint": "eu-west-1", "s3:x-amz-object-ownership": "ObjectWriter", "s3:x-amz-acl": "private",
          "s3:x-amz-grant-write": 'id="1"', "aws:requesttag/team": "blue", "aws:tagkeys": "Team"}),
    ):  # fmt: skip
        found = seen(stage, lambda given=given: client.create_bucket(Bucket=unique("new"), **given))
        check(found, "s3:CreateBucket", NETWORK, of_user(nobody), S3, keys)


def test_the_tags_of_a_bucket_are_keys_only_while_they_control_access(stage: Stage, nobody: Someone) -> None:
    bucket, owner = stage.owner.new_bucket({"k": b"data"}), stage.owner.s3
    tagging = {"TagSet": [{"Key": "Team", "Value": "blue"}]}
    owner.put_bucket_tagging(Bucket=bucket, Tagging=tagging)
    client = stage.owner.client("s3", nobody)
    only = {"StringEquals": {"s3:BucketTag/team": "blue"}}
    by_tag = stage.owner.client("s3", stage.owner.new_user(allow("s3:GetObject", "*", Condition=only)))
    tags = {"s3:buckettag/team": "blue", "aws:resourcetag/team": "blue"}
    for status, keys in (("Disabled", {}), ("Enabled", tags), ("Disabled", {})):
        owner.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": status})
        assert owner.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": status}
        found = seen(stage, lambda: client.get_object(Bucket=bucket, Key="k"))
        check(found, "s3:GetObject", NETWORK, of_user(nobody), S3, keys)
        found = seen(stage, lambda: client.get_bucket_location(Bucket=bucket))
        check(found, "s3:GetBucketLocation", NETWORK, of_user(nobody), S3, keys)
        if status == "Enabled":
            assert by_tag.get_object(Bucket=bucket, Key="k")["Body"].read() == b"data"
            for change in (
                lambda: owner.put_bucket_tagging(Bucket=bucket, Tagging=tagging),
                lambda: owner.delete_bucket_tagging(Bucket=bucket),
            ):
                with pytest.raises(ClientError, match="InvalidRequest"):
                    change()
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                by_tag.get_object(Bucket=bucket, Key="k")


# How a request is signed and sent


def _message(url: str, headers: dict[str, str] | None = None) -> str:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=20)
    message = ElementTree.fromstring(refused.value.read()).findtext("EncodedAuthorizationMessage")
    assert message is not None
    return message


PLAIN = NETWORK | {"aws:useragent": re.compile(r"Python-urllib/.*")}


def test_a_presigned_address_tells_how_and_when_it_was_signed(stage: Stage, nobody: Someone) -> None:
    bucket = stage.owner.new_bucket({"k": b"data"})
    client = stage.owner.client("s3", nobody, signature_version="s3v4")
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    signed = {"s3:authtype": "REST-QUERY-STRING", "s3:signatureversion": "AWS4-HMAC-SHA256", "s3:signatureage": SECONDS}
    check(decoded(stage, _message(url)), "s3:GetObject", PLAIN, of_user(nobody), ON_BUCKET, signed)
    client = stage.owner.client("s3", nobody, signature_version="s3")
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    signed |= {"s3:signatureversion": "AWS"}
    check(decoded(stage, _message(url)), "s3:GetObject", PLAIN, of_user(nobody), ON_BUCKET, signed)


def test_an_unsigned_request_has_no_keys_of_a_principal_or_a_signature(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"k": b"data"})
    found = decoded(stage, _message(f"{stage.endpoint}/{bucket}/k", {"Referer": "https://example.com/page"}))
    anonymous = {"aws:principalaccount": "anonymous", "aws:principaltype": "Anonymous", "aws:userid": "anonymous"}
    check(found, "s3:GetObject", PLAIN, ON_BUCKET, anonymous, {"aws:referer": "https://example.com/page"})


def test_the_region_is_that_of_the_signature_but_of_iam_always_the_same(stage: Stage, nobody: Someone) -> None:
    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=stage.endpoint, region_name="eu-central-1", aws_access_key_id=nobody.keys.id,
            aws_secret_access_key=nobody.keys.secret, config=Config(retries={"max_attempts": 0}),
        )  # fmt: skip

    bucket = stage.owner.new_bucket({"k": b"data"})
    for request, region in (
        (lambda: client("s3").get_object(Bucket=bucket, Key="k"), "eu-central-1"),
        (lambda: client("sts").get_federation_token(Name="bob"), "eu-central-1"),
        (lambda: client("iam").get_user(UserName="admin"), "us-east-1"),
    ):
        assert seen(stage, request)[1]["aws:requestedregion"] == region
