"""The prose of docs/condition-keys.md: every condition key the server fills, and when it is there.

Which keys the code fills and where is read from the code itself (`filled_keys`): string literals that have the
form of a key, in the modules that fill contexts. tests/docs hold this table against that.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "isthmus"
FILLING = ("server/context.py", "identity/authenticated.py", "s3/conditions.py", "s3/resources.py", "sts", "iam")
_FORM = re.compile(r"(?:aws|s3|sts|iam):[a-z][a-z0-9-]*(?:/.*)?\Z")
# Literals of that form that are no condition keys.
_OTHERS = frozenset({"aws:kms"})


@dataclass(frozen=True)
class Key:
    """One row: the key as AWS writes it (`…` is a tag's key), when a request has it, what it says.

    literal: how the code spells it where that is not the key in lower case.
    from_data: the key is made of data (an issuer's address), so there is no literal to find.
    """

    name: str
    when: str
    says: str
    literal: str = ""
    many: bool = False
    from_data: bool = False

    @property
    def spelling(self) -> str:
        """What `filled_keys` calls it."""
        return self.literal or self.name.lower()


EVERY = (
    Key("aws:CurrentTime", "always", "the moment of the request, `2026-01-31T12:00:00Z`"),
    Key("aws:EpochTime", "always", "the same in seconds since 1970"),
    Key("aws:SourceIp", "always", "the client's address; behind a trusted proxy the last of `X-Forwarded-For`"),
    Key("aws:SecureTransport", "always", "`true` over TLS"),
    Key("aws:RequestedRegion", "always", "region of the signature (unsigned: `--region`); `us-east-1` for IAM"),
    Key("aws:ViaAWSService", "always", "`false`"),
    Key("aws:UserAgent", "with a `User-Agent` header", "that header"),
    Key("aws:Referer", "with a `Referer` header", "that header"),
)
PRINCIPAL = (
    Key("aws:PrincipalAccount", "always", "account id; `anonymous` for unsigned requests"),
    Key(
        "aws:PrincipalType",
        "always",
        "`Account` (root), `User`, `AssumedRole`, `FederatedUser` or `Anonymous`",
    ),
    Key("aws:userid", "always", "unique id; of a role session `AROA…:SESSION-NAME`; `anonymous`"),
    Key("aws:PrincipalArn", "signed requests", "ARN of the user or root; of a role session its role, path included"),
    Key("aws:PrincipalIsAWSService", "signed requests", "`false`"),
    Key("aws:username", "IAM users, also with GetSessionToken", "the user's name"),
    Key(
        "aws:PrincipalTag/…",
        "the user or role has that tag, or its session does",
        "the tag's value; session tags cover the tags of the role",
    ),
    Key("aws:TokenIssueTime", "temporary credentials", "when they were issued"),
    Key(
        "aws:MultiFactorAuthPresent",
        "temporary credentials, and AssumeRole with a code",
        "`true` if a code was given, for these credentials or in this call",
    ),
    Key(
        "aws:MultiFactorAuthAge",
        "credentials got with a code, and AssumeRole with a code",
        "seconds since the code was given",
    ),
    Key("aws:SourceIdentity", "role sessions with a source identity", "the source identity"),
    Key("aws:FederatedProvider", "sessions of AssumeRoleWithWebIdentity", "the provider's ARN"),
)
STS = (
    Key("sts:RoleSessionName", "AssumeRole, AssumeRoleWithWebIdentity", "the name asked for"),
    Key("sts:ExternalId", "AssumeRole with `ExternalId`", "that id"),
    Key(
        "sts:SourceIdentity", "AssumeRole… with a source identity, passed, carried on or in the token", "that identity"
    ),
    Key("sts:TransitiveTagKeys", "session tags with `TransitiveTagKeys`", "those keys", many=True),
)
WEB_IDENTITY = (
    Key(
        "ISSUER:sub",
        "AssumeRoleWithWebIdentity, and the session's requests",
        "the token's subject; `ISSUER` is the provider's URL without `https://`",
        from_data=True,
    ),
    Key("ISSUER:aud", "the same", "the audience that is registered with the provider", from_data=True),
    Key("ISSUER:oaud", "the same, where the token has `azp`", "`aud` of the token", from_data=True),
    Key("ISSUER:email", "the same, where the token has it", "the token's `email`", from_data=True),
    Key("ISSUER:amr", "AssumeRoleWithWebIdentity with `amr` in the token", "the token's `amr`", "", True, True),
)
TAGS = (
    Key(
        "aws:RequestTag/…",
        "the request sets tags: IAM's Create… and Tag… operations, session tags, CreateBucket",
        "the tag's value",
    ),
    Key(
        "aws:TagKeys",
        "as `aws:RequestTag`, also Untag… and inherited session tags",
        "the keys of the tags",
        many=True,
    ),
    Key(
        "aws:ResourceTag/…",
        "the user, role, policy or MFA device has that tag; AssumeRole: the role has it",
        "the tag's value",
    ),
    Key("iam:ResourceTag/…", "the same of users and roles", "the tag's value"),
)
IAM = (
    Key("iam:AWSServiceName", "CreateServiceLinkedRole", "the service's name"),
    Key("iam:PolicyARN", "operations with `PolicyArn` on a user, group or role", "the managed policy's ARN"),
    Key(
        "iam:PermissionsBoundary",
        "Create… and Put…PermissionsBoundary: the boundary asked for; changes of an identity: the one it has",
        "ARN of the boundary",
    ),
)
S3 = (
    Key("aws:ResourceAccount", "S3: a bucket is asked for; AssumeRole", "the resource's account"),
    Key("s3:ResourceAccount", "a bucket is asked for", "the bucket's account"),
    Key("s3:authType", "signed requests", "`REST-HEADER`, `REST-QUERY-STRING` or `POST`"),
    Key("s3:signatureversion", "signed requests", "`AWS4-HMAC-SHA256`; `AWS` for version 2"),
    Key("s3:signatureAge", "presigned URLs", "milliseconds since the signature"),
    Key("s3:x-amz-content-sha256", "with that header", "that header"),
    Key("s3:prefix", "listing objects or versions with a prefix", "the prefix"),
    Key("s3:delimiter", "listing objects or versions with a delimiter", "the delimiter"),
    Key("s3:max-keys", "listing objects or versions", "the number asked for, else 1000"),
    Key("s3:VersionId", "actions on a version, with `versionId`", "the version's id"),
    Key("s3:ExistingObjectTag/…", "actions on an object that is there, but not writing or deleting it", "tag's value"),
    Key("s3:RequestObjectTag/…", "the request tags an object", "the tag's value", literal="s3:requestobjecttag"),
    Key("s3:RequestObjectTagKeys", "the request tags an object", "the keys", literal="s3:requestobjecttag", many=True),
    Key("s3:x-amz-acl", "with that header", "the canned ACL"),
    Key("s3:x-amz-grant-read", "with that header", "the grantees"),
    Key("s3:x-amz-grant-write", "with that header", "the grantees"),
    Key("s3:x-amz-grant-read-acp", "with that header", "the grantees"),
    Key("s3:x-amz-grant-write-acp", "with that header", "the grantees"),
    Key("s3:x-amz-grant-full-control", "with that header", "the grantees"),
    Key("s3:x-amz-copy-source", "copies", "`bucket/key`, with `?versionId=` where it was given"),
    Key("s3:x-amz-metadata-directive", "with that header", "`COPY` or `REPLACE`"),
    Key("s3:x-amz-server-side-encryption", "with that header", "the algorithm"),
    Key("s3:x-amz-server-side-encryption-aws-kms-key-id", "with that header", "the key"),
    Key("s3:x-amz-server-side-encryption-customer-algorithm", "with that header", "the algorithm"),
    Key("s3:x-amz-storage-class", "with that header", "the storage class"),
    Key("s3:x-amz-website-redirect-location", "with that header", "the location"),
    Key(
        "s3:x-amz-object-ownership",
        "CreateBucket with that header, PutBucketOwnershipControls",
        "the ownership setting",
    ),
    Key("s3:if-match", "with that header", "the ETag"),
    Key("s3:if-none-match", "with that header", "the ETag or `*`"),
    Key(
        "s3:ObjectCreationOperation",
        "writing objects and parts",
        "`true` where the call itself makes the object; `false` for CreateMultipartUpload, UploadPart(Copy)",
    ),
    Key("s3:object-lock-mode", "the request sets a retention", "`GOVERNANCE` or `COMPLIANCE`"),
    Key("s3:object-lock-retain-until-date", "the request sets a retention", "its end"),
    Key("s3:object-lock-remaining-retention-days", "the request sets a retention", "whole days until its end"),
    Key("s3:object-lock-legal-hold", "the request sets a legal hold", "`ON` or `OFF`"),
    Key("s3:LocationConstraint", "CreateBucket with a location", "the location"),
)
GROUPS = (
    ("Every request", EVERY),
    ("The principal", PRINCIPAL),
    ("STS", STS),
    ("Identity providers", WEB_IDENTITY),
    ("Tags", TAGS),
    ("IAM", IAM),
    ("S3", S3),
)


def filled_keys() -> dict[str, list[str]]:
    """The condition keys in the code, lower case, tags' keys as `…`, with the modules that fill them."""
    found: dict[str, set[str]] = {}
    for place in FILLING:
        path = SOURCE / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            for key in _literals(ast.parse(file.read_text(encoding="utf-8"))):
                found.setdefault(key, set()).add(file.relative_to(SOURCE).as_posix())
    return {key: sorted(modules) for key, modules in sorted(found.items())}


def _literals(tree: ast.AST) -> set[str]:
    """Literals and f-strings with the form of a key. Reading or comparing a key fills nothing."""
    read = {id(text) for call in ast.walk(tree) for text in _compared(call)}
    read |= {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript) and _loads(node)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = []
    for node in ast.walk(tree):
        if id(node) in read or id(node) in parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            texts.append(str(node.values[0].value) + "…")
    return {text for text in texts if _FORM.match(text) and text not in _OTHERS}


def _loads(node: ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Load)


def _compared(node: ast.AST) -> list[ast.AST]:
    """What `key.startswith(…)` compares with."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
        return [part for argument in node.args for part in ast.walk(argument)]
    return []
