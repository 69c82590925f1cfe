"""Which bucket or object a request asks for, and everything the decision about it needs to know.

An operation declares its permissions with the four functions at the top; each yields a `Permission` whose
resource is found here:

    @operation("s3", "GetObject",
               object_permission("s3:GetObject", when=lacks_version_id),
               object_permission("s3:GetObjectVersion", when=has_version_id), anonymous=True)

What was found stays in `call.found`: `bucket` (identity.Bucket), `object` (ObjectRow of the addressed version
or None), and for copies `copy_source`, `source_bucket`, `source`.

Sources: S3 User Guide "How Amazon S3 authorizes a request", "Access control list overview", "Blocking public
access", "Controlling ownership of objects"; the condition keys are in `conditions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from isthmus.identity import Bucket
from isthmus.names import bucket_arn, is_account_id, object_arn
from isthmus.operation import Call, Permission, Resource, decide_for
from isthmus.policy import Decision, PolicyDocument, PrincipalKind, is_public
from isthmus.wire import AwsError

from .acl import AccessControlList, acl_grants, service_acl_grants
from .bucket_rows import no_such_bucket
from .conditions import bucket_tag_keys, existing_tag_keys, request_keys
from .objects_table import ObjectRow, find_version
from .request_payment import KIND as REQUEST_PAYMENT
from .request_payment import check_payer

When = Callable[[Call], bool]

# Of an object that another account owns, these belong to its owner: the bucket policy can only deny them and
# its ACL must grant them. Deleting and tagging stay with the bucket's owner (S3 User Guide, "Bucket owner
# granting permissions to objects it does not own").
_OBJECT_OWNERS_ACTIONS = frozenset({
    "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionForReplication", "s3:GetObjectTorrent", "s3:GetObjectAcl", "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
})  # fmt: skip

# Every other action on an object that is there sees its tags. Writing and deleting do not (
# Service Authorization Reference: s3:ExistingObjectTag is no key of PutObject or DeleteObject).
_BLIND_TO_TAGS = frozenset({
    "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts", "s3:BypassGovernanceRetention", "s3:PutObjectRetention",
    "s3:PutObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectLegalHold",
})  # fmt: skip

BLOCK_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


# Declarations


def bucket_permission(action: str) -> Permission:
    """`action` on the bucket that the input names. NoSuchBucket comes before the decision."""

    async def on(call: Call) -> Resource:
        return await bucket_resource(call, action, await the_bucket(call))

    return Permission(action, on)


def object_permission(action: str, when: When | None = None, condition: str = "") -> Permission:
    """`action` on the object (and version) that the input names, whether or not it exists."""

    async def on(call: Call) -> Resource:
        bucket = await the_bucket(call)
        row = await the_object(call)
        resource = await object_resource(call, action, bucket, call.input["Key"], row)
        if row is None and action in _READS:
            await _tell_of_absence(call, action, bucket, resource)
        return resource

    return Permission(action, on, when, condition)


# What is not there has no ACL that could grant reading it: who may list the bucket is told so all the same.
_READS = frozenset({"s3:GetObject", "s3:GetObjectVersion"})


async def _tell_of_absence(call: Call, action: str, bucket: Bucket, resource: Resource) -> None:
    """Raises NoSuchKey for a caller that may not read the object, but know that it is not there."""
    decision = await decide_for(call, action, resource)
    key, version_id = call.input["Key"], call.input.get("VersionId")
    if decision.allowed or decision.explicit_deny or version_id:
        return
    if (await may_know_of(call, bucket, key)).allowed:
        raise AwsError(
            "NoSuchKey",
            "The specified key does not exist.",
            extra={"Key": key},
            headers={"x-amz-delete-marker": "false"},
        )


def new_object_permission(action: str, when: When | None = None, condition: str = "") -> Permission:
    """`action` on an object about to be written (or an upload of it): nothing is looked up, no tags exist."""

    async def on(call: Call) -> Resource:
        bucket = await the_bucket(call)
        resource = await object_resource(call, action, bucket, call.input["Key"], None)
        owner = new_object_owner(call, bucket)
        if action == "s3:PutObjectAcl" and owner != bucket.account:
            # Whoever will own the object has full control of it, and so may say who else does.
            return resource._replace(object_owner=owner, acl_allows=True)
        return resource

    return Permission(action, on, when, condition)


def comparing_permission(when: When, condition: str) -> Permission:
    """s3:GetObject on the object whose entity tag a write or a deletion wants compared: the answer tells of it.

    Sources: S3 User Guide, "How to prevent object overwrites with conditional writes" and "How to perform conditional
    deletes".
    """

    async def on(call: Call) -> Resource:
        bucket = await the_bucket(call)
        return await compared_object(call, bucket, call.input["Key"])

    return Permission("s3:GetObject", on, when, condition)


def source_permission(action: str, when: When | None = None, condition: str = "") -> Permission:
    """`action` on the source of CopyObject or UploadPartCopy: decided by the source bucket's owner."""

    async def on(call: Call) -> Resource:
        row = await the_source(call)
        source: CopySource = call.found["copy_source"]
        return await object_resource(
            call, action, call.found["source_bucket"], source.key, row, version_id=source.version_id
        )

    return Permission(action, on, when, condition)


# `when` predicates


def has_version_id(call: Call) -> bool:
    """The request names a version: the …Version form of the action is asked for, and only that."""
    return bool(call.input.get("VersionId"))


def lacks_version_id(call: Call) -> bool:
    """The request does not name a version."""
    return not call.input.get("VersionId")


def has_acl_headers(call: Call) -> bool:
    """The request sets an ACL.

    `bucket-owner-full-control` in a bucket without ACLs changes nothing and needs no permission.
    """
    if any(call.input.get(name) for name in GRANT_MEMBERS):
        return True
    canned = call.input.get("ACL")
    bucket: Bucket | None = call.found.get("bucket")
    if canned == "bucket-owner-full-control" and bucket is not None and bucket.ownership == "BucketOwnerEnforced":
        return False
    return bool(canned)


def has_if_match(call: Call) -> bool:
    """The request wants an entity tag compared before it writes; `If-None-Match: *` compares none."""
    return bool(call.input.get("IfMatch")) or call.input.get("IfNoneMatch") not in (None, "", "*")


def compares_entity_tag(if_match: str | None) -> bool:
    """Whether a deletion with this If-Match compares the tag, not only (`*`) whether the object is there."""
    return bool(if_match) and if_match != "*"


def has_tagging(call: Call) -> bool:
    """The request sets tags on the object it writes."""
    return bool(call.input.get("Tagging"))


def has_retention(call: Call) -> bool:
    """The request sets a retention on the object it writes."""
    return bool(call.input.get("ObjectLockMode") or call.input.get("ObjectLockRetainUntilDate"))


def has_legal_hold(call: Call) -> bool:
    """The request sets a legal hold on the object it writes."""
    return bool(call.input.get("ObjectLockLegalHoldStatus"))


def bypasses_governance(call: Call) -> bool:
    """The request asks to bypass governance retention."""
    return bool(call.input.get("BypassGovernanceRetention"))


def source_has_version(call: Call) -> bool:
    """The copy source names a version."""
    return copy_source(call).version_id is not None


def source_lacks_version(call: Call) -> bool:
    """The copy source does not name a version."""
    return copy_source(call).version_id is None


def copies_tags(call: Call) -> bool:
    """The source has tags that the copy takes over (declare after the source's read permission)."""
    row: ObjectRow | None = call.found.get("source")
    return row is not None and bool(row.tags) and call.input.get("TaggingDirective") in (None, "", "COPY")


def both(first: When, second: When) -> When:
    """Both predicates at once."""
    return lambda call: first(call) and second(call)


GRANT_MEMBERS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")


# Finding


async def bucket_named(call: Call, name: str) -> Bucket:
    """The bucket `name`. Raises NoSuchBucket, which AWS says to anybody."""
    bucket = await call.system.directory.bucket(name)
    if bucket is None:
        raise no_such_bucket(name)
    return bucket


async def the_bucket(call: Call) -> Bucket:
    """The bucket that the input names, also in `call.found["bucket"]`.

    Raises NoSuchBucket, and AccessDenied when x-amz-expected-bucket-owner names another account or the requester
    would have to pay and does not say so.
    """
    found: Bucket | None = call.found.get("bucket")
    if found is None:
        found = await bucket_named(call, call.input["Bucket"])
        _check_owner(call, found, call.input.get("ExpectedBucketOwner"))
        if REQUEST_PAYMENT in found.configurations:
            check_payer(call, found)
        call.found["bucket"] = found
    return found


async def the_object(call: Call) -> ObjectRow | None:
    """The row of the addressed version (None: there is none), read once; also in `call.found["object"]`."""
    if "object" not in call.found:
        bucket = await the_bucket(call)
        call.found["object"] = await find_version(
            call.system.objects, bucket.id, call.input["Key"].encode(), call.input.get("VersionId") or None
        )
    row: ObjectRow | None = call.found["object"]
    return row


@dataclass(frozen=True, slots=True)
class CopySource:
    """What x-amz-copy-source names."""

    bucket: str
    key: str
    version_id: str | None


def copy_source(call: Call) -> CopySource:
    """The parsed x-amz-copy-source, also in `call.found["copy_source"]`. Raises InvalidArgument."""
    found: CopySource | None = call.found.get("copy_source")
    if found is None:
        found = call.found["copy_source"] = parse_copy_source(call.input.get("CopySource") or "")
    return found


def parse_copy_source(text: str) -> CopySource:
    """`/bucket/key?versionId=id`, percent-encoded, the leading slash optional. Raises InvalidArgument."""
    path, question, query = text.partition("?")
    version: str | None = None
    if question:
        name, _, value = query.partition("=")
        if name != "versionId" or not value:
            raise _bad_copy_source(text)
        version = unquote(value)
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not slash or not key:
        raise _bad_copy_source(text)
    return CopySource(bucket, key, version)


def _bad_copy_source(text: str) -> AwsError:
    return AwsError(
        "InvalidArgument",
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        extra={"ArgumentName": "x-amz-copy-source", "ArgumentValue": text},
    )


async def the_source(call: Call) -> ObjectRow | None:
    """The source's row, read once; also in `call.found["source"]`, its bucket in `["source_bucket"]`."""
    if "source" not in call.found:
        source = copy_source(call)
        bucket = await bucket_named(call, source.bucket)
        _check_owner(call, bucket, call.input.get("ExpectedSourceBucketOwner"))
        if REQUEST_PAYMENT in bucket.configurations:
            check_payer(call, bucket)
        call.found["source_bucket"] = bucket
        call.found["source"] = await find_version(
            call.system.objects, bucket.id, source.key.encode(), source.version_id
        )
    row: ObjectRow | None = call.found["source"]
    return row


def _check_owner(call: Call, bucket: Bucket, expected: str | None) -> None:
    """Refuse when the caller expected another owner (S3 User Guide, "Verifying bucket ownership").

    Raises AccessDenied, and InvalidBucketOwnerAWSAccountID ("Error responses") for what is no account's id, of which
    anonymous requesters learn nothing.
    """
    if not expected or expected == bucket.account:
        return
    if is_account_id(expected) or call.caller.principal.kind is PrincipalKind.ANONYMOUS:
        raise AwsError("AccessDenied", "Access Denied")
    raise AwsError(
        "InvalidBucketOwnerAWSAccountID", "The value of the expected bucket owner parameter must be an AWS account ID."
    )


# Resources


async def may_know_of(call: Call, bucket: Bucket, key: str) -> Decision:
    """Whether the caller may list the bucket, and so know whether `key` is in it.

    Policies that allow listing below a prefix only (`s3:prefix`) see the key itself as the prefix.
    """
    resource = await bucket_resource(call, "s3:ListBucket", bucket)
    return await decide_for(call, "s3:ListBucket", resource._replace(context={**resource.context, "s3:prefix": key}))


async def bucket_resource(call: Call, action: str, bucket: Bucket) -> Resource:
    """`bucket` as the resource of `action`, for declared permissions and for `decide_for`."""
    context = request_keys(call, action)
    context["aws:resourceaccount"] = context["s3:resourceaccount"] = bucket.account
    if "abac" in bucket.configurations:
        context |= bucket_tag_keys(bucket)
    return Resource(
        arn=bucket_arn(bucket.name),
        account=bucket.account,
        policy=bucket.policy,
        context=context,
        acl_allows=await _bucket_acl_allows(call, action, bucket),
        public_access_blocked=await _policy_blocked(call, bucket),
    )


async def object_resource(
    call: Call, action: str, bucket: Bucket, key: str, row: ObjectRow | None, *, version_id: str | None = None
) -> Resource:
    """The object `key` as the resource of `action`; `row` is the addressed version, None if there is none.

    version_id: where it is not the input's (a copy's source, an item of DeleteObjects).
    """
    context = request_keys(call, action)
    context["aws:resourceaccount"] = context["s3:resourceaccount"] = bucket.account
    if "abac" in bucket.configurations:
        context |= bucket_tag_keys(bucket)
    version = version_id or call.input.get("VersionId")
    if version and "Version" in action:
        context["s3:versionid"] = version
    if row is not None and row.tags and action not in _BLIND_TO_TAGS:
        context.update(existing_tag_keys(row.tags))
    owner: str | None = None
    if action in _OBJECT_OWNERS_ACTIONS:
        allows = row is not None and await _object_acl_allows(call, action, bucket, row)
        if row is not None and row.owner != bucket.account and bucket.ownership != "BucketOwnerEnforced":
            owner = row.owner
    else:
        allows = await _bucket_acl_allows(call, action, bucket)
    return Resource(
        arn=object_arn(bucket.name, key),
        account=bucket.account,
        policy=bucket.policy,
        context=context,
        acl_allows=allows,
        public_access_blocked=await _policy_blocked(call, bucket),
        object_owner=owner,
    )


async def compared_object(call: Call, bucket: Bucket, key: str) -> Resource:
    """The current version of `key` as the resource of s3:GetObject, for a request that compares its entity tag."""
    row = await find_version(call.system.objects, bucket.id, key.encode())
    return await object_resource(call, "s3:GetObject", bucket, key, row)


# Access control lists and Block Public Access


def new_object_owner(call: Call, bucket: Bucket) -> str:
    """The account that owns an object the caller writes: its own or, by its setting, the bucket's.

    A service has no account that could own anything: what it delivers is the bucket owner's.
    """
    if bucket.ownership == "BucketOwnerEnforced" or call.caller.principal.kind is PrincipalKind.SERVICE:
        return bucket.account
    if bucket.ownership == "BucketOwnerPreferred" and call.input.get("ACL") == "bucket-owner-full-control":
        return bucket.account
    return call.account


async def public_access_block(call: Call, bucket: Bucket) -> frozenset[str]:
    """The Block Public Access settings in force: those of the bucket and of its account together."""
    account = await call.system.directory.account(bucket.account)
    of_account = (account.public_access_block if account is not None else None) or {}
    of_bucket = bucket.public_access_block or {}
    return frozenset(name for name in BLOCK_SETTINGS if of_account.get(name) or of_bucket.get(name))


async def _policy_blocked(call: Call, bucket: Bucket) -> str | None:
    """`RestrictPublicBuckets` where that setting voids the policy's grants to other accounts."""
    if bucket.policy is None or call.account == bucket.account:
        return None
    if "RestrictPublicBuckets" not in await public_access_block(call, bucket):
        return None
    return "RestrictPublicBuckets" if policy_is_public(bucket.policy.document.text) else None


@lru_cache(maxsize=1024)
def policy_is_public(text: str) -> bool:
    """Whether a bucket policy is public as Block Public Access means it; remembered by text."""
    return is_public(PolicyDocument.parse(text))


async def _bucket_acl_allows(call: Call, action: str, bucket: Bucket) -> bool:
    if bucket.ownership == "BucketOwnerEnforced" or bucket.acl is None:
        return False
    return await _acl_allows(call, action, bucket, AccessControlList.from_json(bucket.acl))


async def _object_acl_allows(call: Call, action: str, bucket: Bucket, row: ObjectRow) -> bool:
    if bucket.ownership == "BucketOwnerEnforced":
        return False
    if row.acl is None:
        return call.account == row.owner and call.caller.principal.kind is not PrincipalKind.SERVICE
    return await _acl_allows(call, action, bucket, AccessControlList.from_json(row.acl))


async def _acl_allows(call: Call, action: str, bucket: Bucket, acl: AccessControlList) -> bool:
    principal = call.caller.principal
    if principal.kind is PrincipalKind.SERVICE:
        return service_acl_grants(acl, action, principal.arn)
    if principal.kind is PrincipalKind.ANONYMOUS:
        canonical = None
    else:
        account = await call.system.directory.account(principal.account)
        canonical = account.canonical_id if account is not None else None
    ignore_public = "IgnorePublicAcls" in await public_access_block(call, bucket)
    return acl_grants(acl, action, canonical, ignore_public=ignore_public)
