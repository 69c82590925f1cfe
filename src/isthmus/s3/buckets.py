"""Buckets themselves: list, create, find, delete.

Names are one space over all accounts. A bucket has a row in both databases: `live_buckets` is what objects
refer to, `buckets` is everything else. CreateBucket writes the first and then the second, DeleteBucket
removes them in that order, so a crash in between leaves either an unused number or a bucket that takes no
objects and can be deleted again.

Sources: S3 API reference; S3 User Guide "General purpose bucket naming rules", "Creating a bucket".
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import bucket_arn, is_bucket_name
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.operation.paging import key_of, token_of
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .acl import private_acl
from .acl_requests import acl_from_headers, canonical_of, owner_output
from .bucket_rows import update_bucket
from .conditions import request_keys
from .resources import BLOCK_SETTINGS, GRANT_MEMBERS, When, bucket_permission, the_bucket
from .tags import BUCKET_TAGS, check_tags

_MOST_LISTED = 10_000  # S3 API reference, ListBuckets: MaxBuckets
_CLASSIC = "us-east-1"
# Names of the operator's settings for buckets whose creator says nothing.
_OWNERSHIP_SETTING = "new_buckets.object_ownership"
_BLOCK_SETTING = "new_buckets.block_public_access"
# The pattern AWS's region names follow, so that a region opened tomorrow is a good location today.
_REGION = re.compile(
    r"(af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov|-iso[a-z]?)?-(north|south|east|west|central|(north|south)(east|west))-[1-9]\Z"
)


# ListBuckets


async def _every_bucket(call: Call) -> Resource:
    return Resource("arn:aws:s3:::*", call.account, context=request_keys(call, "s3:ListAllMyBuckets"))


@operation("s3", "ListBuckets", Permission("s3:ListAllMyBuckets", _every_bucket))
async def list_buckets(call: Call) -> dict[str, Any]:
    """The caller's account's buckets by name, page by page when MaxBuckets is given."""
    given = call.input
    most = given.get("MaxBuckets")
    if most is not None and not 1 <= most <= _MOST_LISTED:
        raise AwsError(
            "InvalidArgument",
            f"Argument max-buckets must be an integer between 1 and {_MOST_LISTED}",
            extra={"ArgumentName": "max-buckets", "ArgumentValue": str(most)},
        )
    prefix = given.get("Prefix") or ""
    sql = "SELECT name, region, created FROM buckets WHERE account = ? AND name > ? AND substr(name, 1, ?) = ?"
    values: list[Any] = [call.account, _after(given.get("ContinuationToken") or ""), len(prefix), prefix]
    if given.get("BucketRegion"):
        sql += " AND region = ?"
        values.append(given["BucketRegion"])
    limit = most or _MOST_LISTED
    rows = await call.system.identity.fetch_all(sql + " ORDER BY name LIMIT ?", *values, limit + 1)
    output: dict[str, Any] = {
        "Buckets": [
            {"Name": name, "CreationDate": datetime.fromtimestamp(created, UTC), "BucketRegion": region}
            for name, region, created in rows[:limit]
        ],
        "Owner": await owner_output(call, await canonical_of(call, call.account)),
    }
    if len(rows) > limit:
        output["ContinuationToken"] = token_of(rows[limit - 1][0])
    if prefix:
        output["Prefix"] = prefix
    return output


def _after(token: str) -> str:
    """The bucket name after which a page begins."""
    try:
        return key_of(token)
    except ValueError:
        raise AwsError(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            extra={"ArgumentName": "continuation-token", "ArgumentValue": token},
        ) from None


# CreateBucket


def _creating(action: str, when: When | None = None, condition: str = "") -> Permission:
    """`action` on a bucket that is about to belong to the caller's account."""

    async def on(call: Call) -> Resource:
        name = call.input["Bucket"]
        if not is_bucket_name(name):
            raise AwsError("InvalidBucketName", "The specified bucket is not valid.", extra={"BucketName": name})
        return Resource(bucket_arn(name), call.account, context=request_keys(call, action))

    return Permission(action, on, when, condition)


def _sets_acl(call: Call) -> bool:
    given = call.input
    return given.get("ACL") not in (None, "", "private") or any(given.get(name) for name in GRANT_MEMBERS)


def _locks(call: Call) -> bool:
    return bool(call.input.get("ObjectLockEnabledForBucket"))


def _sets_ownership(call: Call) -> bool:
    return bool(call.input.get("ObjectOwnership"))


def _tags_given(call: Call) -> list[dict[str, Any]]:
    tags: list[dict[str, Any]] = (call.input.get("CreateBucketConfiguration") or {}).get("Tags") or []
    return tags


@operation(
    "s3",
    "CreateBucket",
    _creating("s3:CreateBucket"),
    _creating("s3:PutBucketAcl", _sets_acl, "with an ACL other than private"),
    _creating("s3:PutBucketObjectLockConfiguration", _locks, "with object lock"),
    _creating("s3:PutBucketVersioning", _locks, "with object lock"),
    _creating("s3:PutBucketOwnershipControls", _sets_ownership, "with an ownership setting"),
    _creating("s3:TagResource", lambda call: bool(_tags_given(call)), "with tags"),
)
async def create_bucket(call: Call) -> dict[str, Any]:
    """Make a bucket of the caller's account: private, and unless the operator set it otherwise (`new_buckets` of
    the setup file) with ACLs off and all public access blocked."""
    name = call.input["Bucket"]
    region, location = _region(call)
    tags = check_tags(_tags_given(call), BUCKET_TAGS)
    setting = call.system.directory.setting
    usual = await setting(_OWNERSHIP_SETTING, "BucketOwnerEnforced")
    ownership: str = call.input.get("ObjectOwnership", usual)
    blocked = await setting(_BLOCK_SETTING, default=True)
    acl = await _first_acl(call, ownership, blocked)
    there = await call.system.directory.bucket(name)
    if there is not None:
        return await _again(call, there, region, acl)
    documents = {}
    if tags:
        documents["tagging"] = json.dumps({"TagSet": [{"Key": key, "Value": tags[key]} for key in tags]})
    if location != region:
        documents["location"] = json.dumps(location)
    try:
        await _insert(call, region, ownership, blocked, acl, documents)
    except IntegrityConflict:
        # Somebody else took the name since the request began.
        call.system.directory.refresh()
        there = await call.system.directory.bucket(name)
        if there is None:
            raise AwsError(
                "OperationAborted",
                "A conflicting conditional operation is currently in progress against this resource. Please try again.",
            ) from None
        return await _again(call, there, region, acl)
    return {"Location": f"/{name}"}


async def _insert(
    call: Call, region: str, ownership: str, blocked: bool, acl: str | None, documents: dict[str, str]
) -> None:
    name = call.input["Bucket"]
    # Numbers are never used twice, so nothing left of a deleted bucket can come up in another one.
    number = int.from_bytes(call.system.entropy(6), "big")
    locks = _locks(call)

    async def live(tx: Transaction) -> None:
        await tx.execute("INSERT INTO live_buckets (id) VALUES (?)", number)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO buckets (id, name, account, region, versioning, ownership, acl, public_access_block,"
            " object_lock, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            number,
            name,
            call.account,
            region,
            "Enabled" if locks else "",
            ownership,
            acl,
            json.dumps(dict.fromkeys(BLOCK_SETTINGS, True)) if blocked else None,
            int(locks),
            call.now,
        )
        for kind, document in documents.items():
            await tx.execute(
                "INSERT INTO bucket_configurations (bucket_id, kind, document) VALUES (?, ?, ?)",
                number,
                kind,
                document,
            )

    async def take_back(tx: Transaction) -> None:
        await tx.execute("DELETE FROM live_buckets WHERE id = ?", number)

    await call.system.objects.write(live)
    try:
        await call.system.identity.write(work)
    except IntegrityConflict:
        await call.system.objects.write(take_back)
        raise


def _region(call: Call) -> tuple[str, str]:
    """The new bucket's region, and its location as GetBucketLocation will tell it (`EU` stays `EU`).

    The us-east-1 endpoint makes buckets anywhere; every other endpoint only at home, and only when told so.
    """
    wanted = (call.input.get("CreateBucketConfiguration") or {}).get("LocationConstraint") or ""
    region = "eu-west-1" if wanted == "EU" else wanted
    if call.region not in (_CLASSIC, region):
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {wanted or 'unspecified'} location constraint is incompatible for the region specific "
            "endpoint this request was sent to.",
        )
    if not wanted:
        return call.system.settings.region, call.system.settings.region
    if wanted == _CLASSIC or not _REGION.match(region):
        raise AwsError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            extra={"LocationConstraint": wanted},
        )
    return region, wanted


async def _first_acl(call: Call, ownership: str, blocked: bool) -> str | None:
    """The new bucket's stored ACL. Public ones are refused where a new bucket, or the account, blocks them."""
    acl = await acl_from_headers(call, "bucket", call.account, call.account)
    if acl is None or acl == private_acl(acl.owner):
        return None
    if ownership == "BucketOwnerEnforced":
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    account = await call.system.directory.account(call.account)
    of_account = (account and account.public_access_block) or {}
    if acl.is_public and (blocked or of_account.get("BlockPublicAcls")):
        raise AwsError(
            "AccessDenied",
            f"User: {call.caller.principal.arn} is not authorized to perform: s3:CreateBucket on resource: "
            f'"{bucket_arn(call.input["Bucket"])}" because public access control lists (ACLs) are prevented '
            "by the BlockPublicAcls setting in S3 Block Public Access.",
        )
    return acl.to_json()


async def _again(call: Call, there: Bucket, region: str, acl: str | None) -> dict[str, Any]:
    """CreateBucket of a name that is taken. In us-east-1 its owner may repeat it, which resets the ACL."""
    name = there.name
    if there.account != call.account:
        raise AwsError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the "
            "system. Please select a different name and try again.",
            extra={"BucketName": name},
        )
    if there.region != _CLASSIC or region != _CLASSIC:
        raise AwsError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            extra={"BucketName": name},
        )
    if there.ownership != "BucketOwnerEnforced" and there.acl != acl:
        await update_bucket(call, there, acl=acl)
    return {"Location": f"/{name}"}


# HeadBucket, GetBucketLocation


@operation("s3", "HeadBucket", bucket_permission("s3:ListBucket"), anonymous=True)
async def head_bucket(call: Call) -> dict[str, Any]:
    """Whether the bucket is there for the caller, and where it is."""
    bucket = await the_bucket(call)
    return {"BucketRegion": bucket.region, "AccessPointAlias": False}


@operation("s3", "GetBucketLocation", bucket_permission("s3:GetBucketLocation"), anonymous=True)
async def get_bucket_location(call: Call) -> dict[str, Any]:
    """The bucket's location constraint: empty for us-east-1."""
    bucket = await the_bucket(call)
    given = bucket.configurations.get("location")
    location = bucket.region if given is None else json.loads(given)
    return {"LocationConstraint": "" if location == _CLASSIC else location}


# DeleteBucket


@operation("s3", "DeleteBucket", bucket_permission("s3:DeleteBucket"), anonymous=True)
async def delete_bucket(call: Call) -> dict[str, Any]:
    """Delete an empty bucket; uploads in progress go with it, versions and delete markers hold it."""
    bucket = await the_bucket(call)
    await call.system.objects.write(lambda tx: _retire(tx, bucket, call.now))

    async def forget(tx: Transaction) -> None:
        await tx.execute("DELETE FROM bucket_configurations WHERE bucket_id = ?", bucket.id)
        await tx.execute("DELETE FROM buckets WHERE id = ?", bucket.id)

    await call.system.identity.write(forget)
    return {"ResponseStatus": 204}


_CONTENTS_OF_UPLOADS = (
    "SELECT DISTINCT p.content FROM upload_parts p JOIN uploads u ON u.id = p.upload_id"
    " WHERE u.bucket_id = ? AND p.content IS NOT NULL"
)
_STILL_NAMED = (
    "SELECT 1 FROM object_versions WHERE content = ? UNION ALL SELECT 1 FROM object_parts WHERE content = ?"
    " UNION ALL SELECT 1 FROM upload_parts WHERE content = ? LIMIT 1"
)


async def _retire(tx: Transaction, bucket: Bucket, now: float) -> None:
    """Remove the bucket from the objects database. Raises BucketNotEmpty."""
    held = await tx.fetch_one("SELECT 1 FROM object_versions WHERE bucket_id = ? LIMIT 1", bucket.id)
    if held is not None:
        more = ". You must delete all versions in the bucket." if bucket.versioning else ""
        raise AwsError(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty" + more,
            extra={"BucketName": bucket.name},
        )
    contents = await tx.fetch_all(_CONTENTS_OF_UPLOADS, bucket.id)
    await tx.execute(
        "DELETE FROM upload_parts WHERE upload_id IN (SELECT id FROM uploads WHERE bucket_id = ?)", bucket.id
    )
    await tx.execute("DELETE FROM uploads WHERE bucket_id = ?", bucket.id)
    for (content,) in contents:
        if await tx.fetch_one(_STILL_NAMED, content, content, content) is None:
            await tx.execute(
                "INSERT INTO unnamed_contents (content, since) VALUES (?, ?) ON CONFLICT (content) DO NOTHING",
                content,
                now,
            )
    await tx.execute("DELETE FROM live_buckets WHERE id = ?", bucket.id)
