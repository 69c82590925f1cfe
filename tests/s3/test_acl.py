"""What a grant allows, and what a copy source names."""

from __future__ import annotations

import pytest

from isthmus.s3.acl import AccessControlList, acl_grants, canned_acl
from isthmus.s3.resources import CopySource, parse_copy_source
from isthmus.wire import AwsError

OWNER, OTHER = "a" * 64, "b" * 64

TABLE = [
    ("private", "s3:GetObject", OWNER, True),
    ("private", "s3:GetObject", OTHER, False),
    ("private", "s3:GetObject", None, False),
    ("public-read", "s3:GetObject", None, True),
    ("public-read", "s3:GetObjectVersion", OTHER, True),
    ("public-read", "s3:ListBucket", None, True),
    ("public-read", "s3:PutObject", None, False),
    ("public-read", "s3:GetObjectAcl", OTHER, False),
    ("public-read-write", "s3:PutObject", None, True),
    ("public-read-write", "s3:DeleteObject", OTHER, True),
    ("public-read-write", "s3:DeleteObjectVersion", OTHER, False),
    ("public-read-write", "s3:PutBucketAcl", OTHER, False),
    ("authenticated-read", "s3:GetObject", OTHER, True),
    ("authenticated-read", "s3:GetObject", None, False),
    ("bucket-owner-read", "s3:GetObject", OTHER, True),
    ("bucket-owner-read", "s3:PutObjectAcl", OTHER, False),
    ("bucket-owner-full-control", "s3:PutObjectAcl", OTHER, True),
    ("bucket-owner-full-control", "s3:PutObjectAcl", None, False),
]


@pytest.mark.parametrize(("canned", "action", "caller", "allowed"), TABLE)
def test_canned_acls_allow_what_aws_lists(canned: str, action: str, caller: str | None, allowed: bool) -> None:
    acl = canned_acl(canned, OWNER, OTHER, "object")
    assert acl is not None
    assert AccessControlList.from_json(acl.to_json()) == acl
    assert acl_grants(acl, action, caller, ignore_public=False) is allowed
    if acl.is_public and caller != OWNER:
        assert not acl_grants(acl, action, caller, ignore_public=True)


def test_a_name_that_is_no_canned_acl_is_none() -> None:
    assert canned_acl("public", OWNER, OWNER, "bucket") is None
    assert canned_acl("log-delivery-write", OWNER, OWNER, "object") is None
    assert canned_acl("log-delivery-write", OWNER, OWNER, "bucket") is not None


def test_an_owner_without_grants_still_governs_the_acl() -> None:
    acl = AccessControlList(OWNER, ())
    assert acl_grants(acl, "s3:PutObjectAcl", OWNER, ignore_public=False)
    assert not acl_grants(acl, "s3:GetObject", OWNER, ignore_public=False)
    assert not acl_grants(acl, "s3:PutObjectAcl", OTHER, ignore_public=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/photos/a/b.jpg", CopySource("photos", "a/b.jpg", None)),
        ("photos/a%20b%3Fc+d", CopySource("photos", "a b?c+d", None)),
        ("photos/a?versionId=v1", CopySource("photos", "a", "v1")),
        ("photos%2Fa", CopySource("photos", "a", None)),
    ],
)
def test_copy_sources_are_read(text: str, expected: CopySource) -> None:
    assert parse_copy_source(text) == expected


@pytest.mark.parametrize("text", ["", "/", "photos", "photos/", "/photos/", "photos/a?versionId=", "photos/a?x=y"])
def test_copy_sources_without_bucket_key_or_version_are_refused(text: str) -> None:
    with pytest.raises(AwsError) as caught:
        parse_copy_source(text)
    assert caught.value.code == "InvalidArgument"
