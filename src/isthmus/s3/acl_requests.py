"""How a request gives an access control list, and whether its bucket takes it.

An ACL comes as a canned name (x-amz-acl), as x-amz-grant-* headers, or as an AccessControlPolicy body: one of
the three. What a bucket's ownership setting and Block Public Access make of it is decided here, for buckets
and objects alike.

Sources: S3 User Guide "Access control list overview", "Controlling ownership of objects and disabling ACLs",
"Blocking public access"; S3 API reference, PutBucketAcl and PutObjectAcl.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import Bucket
from isthmus.names import canonical_id
from isthmus.operation import Call
from isthmus.wire import AwsError

from .acl import (
    ANONYMOUS_ID,
    GROUPS,
    PERMISSIONS,
    AccessControlList,
    Grant,
    Kind,
    canned_acl,
    private_acl,
)
from .resources import GRANT_MEMBERS, new_object_owner, public_access_block

_MOST_GRANTS = 100  # S3 User Guide: "An ACL can have up to 100 grants"
_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"

_HEADERS = {
    "GrantFullControl": ("x-amz-grant-full-control", "FULL_CONTROL"),
    "GrantRead": ("x-amz-grant-read", "READ"),
    "GrantReadACP": ("x-amz-grant-read-acp", "READ_ACP"),
    "GrantWrite": ("x-amz-grant-write", "WRITE"),
    "GrantWriteACP": ("x-amz-grant-write-acp", "WRITE_ACP"),
}


async def canonical_of(call: Call, account: str) -> str:
    """The canonical id of an account (12 digits), or AWS's for `anonymous`."""
    if account == "anonymous":
        return ANONYMOUS_ID
    found = await call.system.directory.account(account)
    return canonical_id(account) if found is None else found.canonical_id


async def new_object_acl(call: Call, bucket: Bucket) -> str | None:
    """The stored ACL (JSON; None: private) of an object that the request writes with ACL headers or without.

    Raises AccessControlListNotSupported, AccessDenied (BlockPublicAcls), InvalidArgument, InvalidRequest.
    """
    owner = new_object_owner(call, bucket)
    acl = await acl_from_headers(call, "object", owner, bucket.account)
    if acl is None:
        return None
    if bucket.ownership == "BucketOwnerEnforced":
        # The one ACL that says what is so anyway is let pass, so that uploaders who always send it go on
        # working; given as a header or as the same grant.
        only = (Grant(await canonical_of(call, bucket.account), "FULL_CONTROL"),)
        if acl.grants != only or call.input.get("ACL") not in (None, "", "bucket-owner-full-control"):
            raise acl_not_supported()
        return None
    await refuse_public(call, bucket, acl, "s3:PutObjectAcl")
    return None if acl == private_acl(acl.owner) else acl.to_json()


async def replacing_acl(call: Call, bucket: Bucket, kind: Kind, owner: str, action: str) -> str | None:
    """The stored ACL that PutBucketAcl or PutObjectAcl asks for; owner: the account that owns the thing.

    Raises AccessControlListNotSupported, AccessDenied, MalformedACLError, InvalidArgument, InvalidRequest,
    UnexpectedContent, MissingSecurityHeader.
    """
    if bucket.ownership == "BucketOwnerEnforced":
        raise acl_not_supported()
    acl = await acl_from_headers(call, kind, owner, bucket.account)
    body = call.input.get("AccessControlPolicy")
    if body:
        if acl is not None:
            raise AwsError("UnexpectedContent", "This request does not support content")
        acl = await acl_from_body(call, body, owner)
    if acl is None:
        raise AwsError(
            "MissingSecurityHeader",
            "Your request was missing a required header",
            extra={"MissingHeaderName": "x-amz-acl"},
        )
    await refuse_public(call, bucket, acl, action)
    return None if acl == private_acl(acl.owner) else acl.to_json()


def acl_not_supported() -> AwsError:
    """The refusal of a bucket whose ownership setting is BucketOwnerEnforced."""
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")


async def refuse_public(call: Call, bucket: Bucket, acl: AccessControlList, action: str) -> None:
    """Raise AccessDenied for a public ACL while BlockPublicAcls is in force."""
    if acl.is_public and "BlockPublicAcls" in await public_access_block(call, bucket):
        raise public_access_refused(call, bucket, action, "public access control lists (ACLs)", "BlockPublicAcls")


def public_access_refused(call: Call, bucket: Bucket, action: str, what: str, setting: str) -> AwsError:
    """AccessDenied by Block Public Access; the reason is told inside the owner's account only."""
    if call.account != bucket.account:
        return AwsError("AccessDenied", "Access Denied")
    arn = f"arn:aws:s3:::{bucket.name}"
    if "Key" in call.input:
        arn += f"/{call.input['Key']}"
    return AwsError(
        "AccessDenied",
        f'User: {call.caller.principal.arn} is not authorized to perform: {action} on resource: "{arn}" '
        f"because {what} are prevented by the {setting} setting in S3 Block Public Access.",
    )


async def acl_from_headers(call: Call, kind: Kind, owner: str, bucket_owner: str) -> AccessControlList | None:
    """The ACL of x-amz-acl or x-amz-grant-*; None when neither was sent. owner, bucket_owner: account ids."""
    canned = call.input.get("ACL")
    granted = [name for name in GRANT_MEMBERS if call.input.get(name)]
    if canned and granted:
        raise AwsError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    owner_id = await canonical_of(call, owner)
    if canned:
        acl = canned_acl(canned, owner_id, await canonical_of(call, bucket_owner), kind)
        if acl is None:
            raise AwsError("InvalidArgument", "", extra={"ArgumentName": "x-amz-acl", "ArgumentValue": canned})
        return acl
    if not granted:
        return None
    grants: list[Grant] = []
    for name in granted:
        header, permission = _HEADERS[name]
        for part in call.input[name].split(","):
            grants.append(Grant(await _header_grantee(call, header, part), permission))
    return AccessControlList(owner_id, tuple(grants))


async def _header_grantee(call: Call, header: str, text: str) -> str:
    """One grantee of a grant header: `id="…"`, `uri="…"` or `emailAddress="…"`, quotes optional."""
    kind, equals, value = text.strip().partition("=")
    value = value.strip().strip('"')
    match kind.strip().lower():
        case "id" if equals:
            return await _account_grantee(call, value, "id")
        case "uri" if equals:
            return _group_grantee(value, "uri")
        case "emailaddress" if equals:
            return await _email_grantee(call, value)
    raise AwsError(
        "InvalidArgument",
        "Argument format not recognized",
        extra={"ArgumentName": header, "ArgumentValue": text.strip()},
    )


async def acl_from_body(call: Call, body: dict[str, Any], owner: str) -> AccessControlList:
    """The ACL of an AccessControlPolicy. Its owner must be the present one: owners never change."""
    owner_id = await canonical_of(call, owner)
    given_owner = (body.get("Owner") or {}).get("ID")
    grants = body.get("Grants") or []
    if not given_owner or len(grants) > _MOST_GRANTS:
        raise AwsError("MalformedACLError", _MALFORMED)
    if given_owner != owner_id:
        if await call.system.directory.account_by_canonical_id(given_owner) is None:
            raise _invalid_id(given_owner)
        raise AwsError("AccessDenied", "Access Denied")
    found: list[Grant] = []
    for grant in grants:
        grantee = grant.get("Grantee") or {}
        permission = grant.get("Permission")
        if permission not in PERMISSIONS:
            raise AwsError("MalformedACLError", _MALFORMED)
        found.append(Grant(await grantee_of(call, grantee), permission))
    return AccessControlList(owner_id, tuple(found))


async def grantee_of(call: Call, grantee: dict[str, Any]) -> str:
    """The canonical id or group URI that a Grantee element means. Raises MalformedACLError and InvalidArgument."""
    match grantee.get("Type"):
        case "CanonicalUser" if grantee.get("ID"):
            return await _account_grantee(call, grantee["ID"], "CanonicalUser/ID")
        case "Group" if grantee.get("URI"):
            return _group_grantee(grantee["URI"], "Group/URI")
        case "AmazonCustomerByEmail" if grantee.get("EmailAddress"):
            return await _email_grantee(call, grantee["EmailAddress"])
    raise AwsError("MalformedACLError", _MALFORMED)


async def _account_grantee(call: Call, canonical: str, argument: str) -> str:
    if await call.system.directory.account_by_canonical_id(canonical) is None:
        raise _invalid_id(canonical, argument)
    return canonical


def _invalid_id(canonical: str, argument: str = "CanonicalUser/ID") -> AwsError:
    return AwsError("InvalidArgument", "Invalid id", extra={"ArgumentName": argument, "ArgumentValue": canonical})


def _group_grantee(uri: str, argument: str) -> str:
    if uri not in GROUPS:
        raise AwsError("InvalidArgument", "Invalid group uri", extra={"ArgumentName": argument, "ArgumentValue": uri})
    return uri


async def _email_grantee(call: Call, email: str) -> str:
    """The canonical id of the account with this address. Only servers that know it can say so; AWS itself
    stopped taking addresses in October 2025."""
    account = await call.system.directory.account_by_email(email)
    if account is None:
        raise AwsError(
            "UnresolvableGrantByEmailAddress",
            "The e-mail address you provided does not match any account on record.",
            extra={"ArgumentName": "EmailAddress", "ArgumentValue": email},
        )
    return account.canonical_id


async def acl_output(call: Call, acl: AccessControlList) -> dict[str, Any]:
    """GetBucketAcl's and GetObjectAcl's answer: `Owner` and `Grants`, groups first, accounts with their names."""
    grants: list[dict[str, Any]] = []
    for grant in sorted(acl.grants, key=lambda one: not one.is_group):
        if grant.is_group:
            grantee = {"Type": "Group", "URI": grant.grantee}
        else:
            grantee = {"Type": "CanonicalUser", **await owner_output(call, grant.grantee)}
        grants.append({"Grantee": grantee, "Permission": grant.permission})
    return {"Owner": await owner_output(call, acl.owner), "Grants": grants}


async def owner_output(call: Call, canonical: str) -> dict[str, str]:
    """`ID` and, where the account is known, `DisplayName`."""
    account = await call.system.directory.account_by_canonical_id(canonical)
    return {"ID": canonical} if account is None else {"ID": canonical, "DisplayName": account.name}


async def stored_acl(call: Call, acl: str | None, owner: str) -> AccessControlList:
    """The ACL of a row: its JSON, or the private one of the account that owns it."""
    return private_acl(await canonical_of(call, owner)) if acl is None else AccessControlList.from_json(acl)
