"""Policies, Block Public Access, ownership and ACLs: who gets in, who stays out, and who may change that."""

from __future__ import annotations

import json
from typing import Any

from builders import ANALYTICS, PRODUCTION, World, allow, deny, story
from isthmus import s3
from isthmus.names import canonical_id
from isthmus.s3.acl import ALL_USERS, AccessControlList, Grant

assert s3.bucket_access


async def _bucket(world: World, **more: Any) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos", **more)


def _grant(principal: Any, action: str = "s3:ListBucket", effect: str = "Allow") -> str:
    statement = {
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": "arn:aws:s3:::photos",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=3)


@story
async def test_a_policy_opens_the_bucket_to_another_account(world: World) -> None:
    await _bucket(world)
    reader = await world.user(ANALYTICS, "reader", allow("s3:ListBucket", "*"))
    other = await world.user(ANALYTICS, "other")
    assert (await world.refused(reader, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    text = _grant({"AWS": ANALYTICS})
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=text)
    await world.call(reader, "s3", "HeadBucket", Bucket="photos")
    assert (await world.refused(other, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    assert (await world.call(PRODUCTION, "s3", "GetBucketPolicy", Bucket="photos"))["Policy"] == text
    status = await world.call(PRODUCTION, "s3", "GetBucketPolicyStatus", Bucket="photos")
    assert status == {"PolicyStatus": {"IsPublic": False}}
    await world.call(PRODUCTION, "s3", "DeleteBucketPolicy", Bucket="photos")
    assert (await world.refused(reader, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    error = await world.refused(PRODUCTION, "s3", "GetBucketPolicy", Bucket="photos")
    assert (error.code, error.status) == ("NoSuchBucketPolicy", 404)


@story
async def test_a_bucket_is_public_by_its_policy_or_by_its_acl(world: World) -> None:
    await _bucket(world)

    async def is_public() -> bool:
        status = await world.call(PRODUCTION, "s3", "GetBucketPolicyStatus", Bucket="photos")
        return bool(status["PolicyStatus"]["IsPublic"])

    assert not await is_public()
    await world.sql("UPDATE buckets SET policy = ?", _grant("*"))
    assert await is_public()
    acl = AccessControlList("owner", (Grant(ALL_USERS, "READ"),)).to_json()
    await world.sql("UPDATE buckets SET policy = NULL, ownership = 'ObjectWriter', acl = ?", acl)
    assert await is_public()
    await world.sql("UPDATE buckets SET ownership = 'BucketOwnerEnforced'")
    assert not await is_public()


@story
async def test_malformed_policies_change_nothing(world: World) -> None:
    await _bucket(world)
    ghost = _grant({"AWS": f"arn:aws:iam::{ANALYTICS}:user/ghost"})
    for text, message in [
        (ghost, "Invalid principal in policy"),
        ("nonsense", "Policies must be valid JSON and the first byte must be '{'"),
        (_grant("*").replace(":::photos", ":::other"), "Policy has invalid resource"),
    ]:
        error = await world.refused(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=text)
        assert (error.code, error.message) == ("MalformedPolicy", message)
    assert (await world.refused(PRODUCTION, "s3", "GetBucketPolicy", Bucket="photos")).status == 404


@story
async def test_another_accounts_administrator_gets_405_even_with_permission(world: World) -> None:
    await _bucket(world)
    admin = await world.user(ANALYTICS, "admin", allow("s3:*", "*"))
    error = await world.refused(admin, "s3", "PutBucketPolicy", Bucket="photos", Policy=_grant("*"))
    assert (error.code, error.status) == ("AccessDenied", 403)
    text = _grant({"AWS": ANALYTICS}, "s3:*")
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=text)
    for name, more in (
        ("GetBucketPolicy", {}),
        ("PutBucketPolicy", {"Policy": text}),
        ("DeleteBucketPolicy", {}),
    ):
        error = await world.refused(admin, "s3", name, Bucket="photos", **more)
        assert (error.code, error.status) == ("MethodNotAllowed", 405)


@story
async def test_root_repairs_a_policy_that_shuts_everybody_out(world: World) -> None:
    await _bucket(world)
    alice = await world.user(PRODUCTION, "alice", allow("s3:*", "*"))
    text = _grant("*", "s3:*", "Deny")
    await world.call(alice, "s3", "PutBucketPolicy", Bucket="photos", Policy=text)
    assert (await world.refused(alice, "s3", "DeleteBucketPolicy", Bucket="photos")).code == "AccessDenied"
    assert (await world.refused(PRODUCTION, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    await world.call(PRODUCTION, "s3", "DeleteBucketPolicy", Bucket="photos")
    await world.call(alice, "s3", "HeadBucket", Bucket="photos")


@story
async def test_public_policies_need_block_public_access_off(world: World) -> None:
    await _bucket(world)
    error = await world.refused(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=_grant("*"))
    assert (error.code, "BlockPublicPolicy" in error.message) == ("AccessDenied", True)
    await world.call(PRODUCTION, "s3", "DeletePublicAccessBlock", Bucket="photos")
    error = await world.refused(PRODUCTION, "s3", "GetPublicAccessBlock", Bucket="photos")
    assert error.code == "NoSuchPublicAccessBlockConfiguration"
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=_grant("*"))
    await world.call(None, "s3", "HeadBucket", Bucket="photos")
    reader = await world.user(ANALYTICS, "reader", allow("s3:ListBucket", "*"))
    await world.call(reader, "s3", "HeadBucket", Bucket="photos")
    restrict = {"RestrictPublicBuckets": True}
    await world.call(PRODUCTION, "s3", "PutPublicAccessBlock", Bucket="photos", PublicAccessBlockConfiguration=restrict)
    for stranger in (None, reader):
        assert (await world.refused(stranger, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    await world.call(PRODUCTION, "s3", "HeadBucket", Bucket="photos")


@story
async def test_the_accounts_block_adds_to_the_buckets(world: World) -> None:
    await _bucket(world)
    await world.call(PRODUCTION, "s3", "DeletePublicAccessBlock", Bucket="photos")
    block = '{"BlockPublicPolicy": true}'
    await world.sql("UPDATE accounts SET public_access_block = ? WHERE id = ?", block, PRODUCTION)
    error = await world.refused(PRODUCTION, "s3", "PutBucketPolicy", Bucket="photos", Policy=_grant("*"))
    assert error.code == "AccessDenied"


@story
async def test_acls_are_off_until_the_ownership_setting_turns_them_on(world: World) -> None:
    await _bucket(world)
    error = await world.refused(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", ACL="private")
    assert (error.code, error.message) == ("AccessControlListNotSupported", "The bucket does not allow ACLs")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    await world.call(PRODUCTION, "s3", "PutBucketOwnershipControls", Bucket="photos", OwnershipControls=rules)
    error = await world.refused(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", ACL="public-read")
    assert (error.code, "BlockPublicAcls" in error.message) == ("AccessDenied", True)
    await world.call(PRODUCTION, "s3", "DeletePublicAccessBlock", Bucket="photos")
    await world.call(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", ACL="public-read")
    await world.call(None, "s3", "HeadBucket", Bucket="photos")
    acl = await world.call(PRODUCTION, "s3", "GetBucketAcl", Bucket="photos")
    assert acl["Grants"][0] == {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}
    await world.call(
        PRODUCTION, "s3", "PutPublicAccessBlock", Bucket="photos",
        PublicAccessBlockConfiguration={"IgnorePublicAcls": True},
    )  # fmt: skip
    assert (await world.refused(None, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    error = await world.refused(
        PRODUCTION, "s3", "PutBucketOwnershipControls", Bucket="photos", OwnershipControls=rules
    )
    assert error.code == "InvalidBucketAclWithObjectOwnership"


@story
async def test_a_grant_to_an_account_leaves_its_users_to_their_own_policies(world: World) -> None:
    await _bucket(world, ObjectOwnership="ObjectWriter")
    grantee = f'id="{canonical_id(ANALYTICS)}"'
    await world.call(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", GrantRead=grantee)
    reader = await world.user(ANALYTICS, "reader", allow("s3:ListBucket", "*"))
    await world.call(reader, "s3", "HeadBucket", Bucket="photos")
    other = await world.user(ANALYTICS, "other")
    for who, name in ((other, "HeadBucket"), (reader, "GetBucketAcl"), (None, "HeadBucket")):
        assert (await world.refused(who, "s3", name, Bucket="photos")).code == "AccessDenied"
    shut = await world.user(ANALYTICS, "shut", allow("s3:*", "*"), deny("s3:ListBucket", "*"))
    assert (await world.refused(shut, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"


@story
async def test_grantees_must_exist(world: World) -> None:
    await _bucket(world, ObjectOwnership="ObjectWriter")
    mail = 'emailAddress="analytics@example.com"'
    await world.call(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", GrantRead=mail)
    acl = await world.call(PRODUCTION, "s3", "GetBucketAcl", Bucket="photos")
    assert acl["Grants"][0]["Grantee"]["ID"] == canonical_id(ANALYTICS)
    for given, code, message in [
        ({"GrantRead": "id=_nobody"}, "InvalidArgument", "Invalid id"),
        ({"GrantRead": "uri=http://x"}, "InvalidArgument", "Invalid group uri"),
        ({"GrantRead": "someone"}, "InvalidArgument", "Argument format not recognized"),
        ({"ACL": "nonsense"}, "InvalidArgument", ""),
        (
            {"GrantRead": "emailAddress=x@example.com"},
            "UnresolvableGrantByEmailAddress",
            "The e-mail address you provided does not match any account on record.",
        ),
        (
            {"ACL": "private", "GrantRead": mail},
            "InvalidRequest",
            "Specifying both Canned ACLs and Header Grants is not allowed",
        ),
        ({}, "MissingSecurityHeader", "Your request was missing a required header"),
    ]:
        error = await world.refused(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", **given)
        assert (error.code, error.message) == (code, message)


@story
async def test_an_acl_document_keeps_the_owner(world: World) -> None:
    await _bucket(world, ObjectOwnership="ObjectWriter")
    me, other = {"ID": canonical_id(PRODUCTION)}, {"ID": canonical_id(ANALYTICS)}
    grants = [{"Grantee": {"Type": "CanonicalUser", **other}, "Permission": "READ_ACP"}]
    body = {"Owner": me, "Grants": grants}
    await world.call(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", AccessControlPolicy=body)
    acl = await world.call(ANALYTICS, "s3", "GetBucketAcl", Bucket="photos")
    assert acl["Owner"] == {**me, "DisplayName": "production"}
    for bad, code in [
        ({"Owner": other, "Grants": grants}, "AccessDenied"),
        ({"Grants": grants}, "MalformedACLError"),
        (
            {"Owner": me, "Grants": [{"Grantee": {"Type": "Group"}, "Permission": "READ"}]},
            "MalformedACLError",
        ),
    ]:
        error = await world.refused(PRODUCTION, "s3", "PutBucketAcl", Bucket="photos", AccessControlPolicy=bad)
        assert error.code == code
