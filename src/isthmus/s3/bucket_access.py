"""Who may use a bucket: its policy, Block Public Access, ownership setting and access control list.

Sources: S3 API reference; S3 User Guide "Blocking public access", "Controlling ownership of objects".
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import InvalidPrincipal
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import MalformedPolicy, PrincipalKind, check_bucket_policy
from isthmus.wire import AwsError

from .acl import AccessControlList, private_acl
from .acl_requests import acl_output, canonical_of, public_access_refused, replacing_acl, stored_acl
from .bucket_rows import update_bucket
from .resources import (
    BLOCK_SETTINGS,
    bucket_permission,
    bucket_resource,
    policy_is_public,
    public_access_block,
    the_bucket,
)

_POLICY_BYTES = 20 * 1024  # S3 User Guide, "Bucket policies": limited to 20 KB in size


# Policy


def _policy_permission(action: str) -> Permission:
    """`action` on the bucket's policy.

    The root of the owner's account can always repair a policy: a deny in the policy itself does not bind it
    (S3 API reference, PutBucketPolicy).
    """

    async def on(call: Call) -> Resource:
        bucket = await the_bucket(call)
        resource = await bucket_resource(call, action, bucket)
        principal = call.caller.principal
        if principal.kind is PrincipalKind.ROOT and principal.account == bucket.account:
            return resource._replace(policy=None)
        return resource

    return Permission(action, on)


def _refuse_foreigners(call: Call, owner: str) -> None:
    """Even with permission, other accounts have no business with a bucket's policy: 405, says AWS."""
    if call.account != owner:
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            extra={"Method": call.request.method, "ResourceType": "BUCKETPOLICY"},
        )


@operation("s3", "GetBucketPolicy", _policy_permission("s3:GetBucketPolicy"), anonymous=True)
async def get_bucket_policy(call: Call) -> dict[str, Any]:
    """The policy byte for byte; principals deleted since show as their unique ids."""
    bucket = await the_bucket(call)
    _refuse_foreigners(call, bucket.account)
    if bucket.policy is None:
        raise _no_policy(bucket.name)
    return {"Policy": await call.system.directory.shown_text(bucket.policy)}


@operation("s3", "PutBucketPolicy", _policy_permission("s3:PutBucketPolicy"), anonymous=True)
async def put_bucket_policy(call: Call) -> dict[str, Any]:
    """Replace the policy, after the checks AWS makes."""
    bucket = await the_bucket(call)
    _refuse_foreigners(call, bucket.account)
    text = call.input.get("Policy") or ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if len(text.encode()) > _POLICY_BYTES:
        raise AwsError("PolicyTooLarge", "Your policy exceeds the maximum allowed document size.")
    try:
        document = check_bucket_policy(text, bucket.name)
        ids = await call.system.directory.principal_ids(document)
    except MalformedPolicy as problem:
        raise AwsError("MalformedPolicy", problem.message) from None
    except InvalidPrincipal as problem:
        raise AwsError("MalformedPolicy", "Invalid principal in policy", extra={"Detail": problem.principal}) from None
    if policy_is_public(text) and "BlockPublicPolicy" in await public_access_block(call, bucket):
        raise public_access_refused(call, bucket, "s3:PutBucketPolicy", "public policies", "BlockPublicPolicy")
    await update_bucket(call, bucket, policy=text, policy_principal_ids=json.dumps(ids))
    return {"ResponseStatus": 204}


@operation("s3", "DeleteBucketPolicy", _policy_permission("s3:DeleteBucketPolicy"), anonymous=True)
async def delete_bucket_policy(call: Call) -> dict[str, Any]:
    """Remove the policy; nothing happens if there is none."""
    bucket = await the_bucket(call)
    _refuse_foreigners(call, bucket.account)
    await update_bucket(call, bucket, policy=None, policy_principal_ids="{}")
    return {"ResponseStatus": 204}


@operation("s3", "GetBucketPolicyStatus", bucket_permission("s3:GetBucketPolicyStatus"), anonymous=True)
async def get_bucket_policy_status(call: Call) -> dict[str, Any]:
    """Whether the bucket is public, by its policy or its ACL, as Block Public Access means it."""
    bucket = await the_bucket(call)
    by_policy = bucket.policy is not None and policy_is_public(bucket.policy.document.text)
    by_acl = (
        bucket.acl is not None
        and bucket.ownership != "BucketOwnerEnforced"
        and AccessControlList.from_json(bucket.acl).is_public
    )
    return {"PolicyStatus": {"IsPublic": by_policy or by_acl}}


def _no_policy(name: str) -> AwsError:
    return AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", extra={"BucketName": name})


# Block Public Access


@operation("s3", "GetPublicAccessBlock", bucket_permission("s3:GetBucketPublicAccessBlock"), anonymous=True)
async def get_public_access_block(call: Call) -> dict[str, Any]:
    """The bucket's own settings; those of its account add to them."""
    bucket = await the_bucket(call)
    if bucket.public_access_block is None:
        raise AwsError(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            extra={"BucketName": bucket.name},
        )
    settings = {name: bool(bucket.public_access_block.get(name)) for name in BLOCK_SETTINGS}
    return {"PublicAccessBlockConfiguration": settings}


@operation("s3", "PutPublicAccessBlock", bucket_permission("s3:PutBucketPublicAccessBlock"), anonymous=True)
async def put_public_access_block(call: Call) -> dict[str, Any]:
    """Replace the settings; one that is not named is off."""
    bucket = await the_bucket(call)
    given = call.input.get("PublicAccessBlockConfiguration") or {}
    settings = {name: bool(given.get(name)) for name in BLOCK_SETTINGS}
    await update_bucket(call, bucket, public_access_block=json.dumps(settings))
    return {}


@operation("s3", "DeletePublicAccessBlock", bucket_permission("s3:PutBucketPublicAccessBlock"), anonymous=True)
async def delete_public_access_block(call: Call) -> dict[str, Any]:
    """Remove the settings: the bucket then blocks nothing by itself."""
    await update_bucket(call, await the_bucket(call), public_access_block=None)
    return {"ResponseStatus": 204}


# Ownership. The empty setting is what DeleteBucketOwnershipControls leaves: it works like ObjectWriter.


@operation("s3", "GetBucketOwnershipControls", bucket_permission("s3:GetBucketOwnershipControls"), anonymous=True)
async def get_bucket_ownership_controls(call: Call) -> dict[str, Any]:
    """The ownership setting."""
    bucket = await the_bucket(call)
    if not bucket.ownership:
        raise AwsError(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
            extra={"BucketName": bucket.name},
        )
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership}]}}


@operation("s3", "PutBucketOwnershipControls", bucket_permission("s3:PutBucketOwnershipControls"), anonymous=True)
async def put_bucket_ownership_controls(call: Call) -> dict[str, Any]:
    """Change the setting. ACLs cannot be turned off while the bucket's grants something to others."""
    bucket = await the_bucket(call)
    rules = (call.input.get("OwnershipControls") or {}).get("Rules") or []
    ownership = rules[0].get("ObjectOwnership") if len(rules) == 1 else None
    if ownership not in ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"):
        raise AwsError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    if ownership == "BucketOwnerEnforced":
        owner = await canonical_of(call, bucket.account)
        acl = await stored_acl(call, bucket.acl, bucket.account)
        if any(grant not in private_acl(owner).grants for grant in acl.grants):
            raise AwsError(
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            )
    await update_bucket(call, bucket, ownership=ownership)
    return {}


@operation("s3", "DeleteBucketOwnershipControls", bucket_permission("s3:PutBucketOwnershipControls"), anonymous=True)
async def delete_bucket_ownership_controls(call: Call) -> dict[str, Any]:
    """Remove the setting: objects then belong to the accounts that write them."""
    await update_bucket(call, await the_bucket(call), ownership="")
    return {"ResponseStatus": 204}


# Access control list


@operation("s3", "GetBucketAcl", bucket_permission("s3:GetBucketAcl"), anonymous=True)
async def get_bucket_acl(call: Call) -> dict[str, Any]:
    """The ACL; where ACLs are off, the private one, whatever is stored."""
    bucket = await the_bucket(call)
    stored = None if bucket.ownership == "BucketOwnerEnforced" else bucket.acl
    return await acl_output(call, await stored_acl(call, stored, bucket.account))


@operation("s3", "PutBucketAcl", bucket_permission("s3:PutBucketAcl"), anonymous=True)
async def put_bucket_acl(call: Call) -> dict[str, Any]:
    """Replace the ACL by a canned one, by grants, or by a document."""
    bucket = await the_bucket(call)
    acl = await replacing_acl(call, bucket, "bucket", bucket.account, "s3:PutBucketAcl")
    await update_bucket(call, bucket, acl=acl)
    return {}
