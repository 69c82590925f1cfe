"""The prose of docs/condition-keys.md: every condition key the server fills, and when it is there.

Which keys the code fills and where is read from the code itself (`filled_keys`): string literals that have the
form of a key, in the modules that fill contexts. tests/docs hold this table against that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isthmus.sts import saml_attributes

SOURCE = Path(__file__).parent.parent / "src" / "isthmus"
FILLING = (
    "server/context.py", "identity/authenticated.py", "operation", "s3/conditions.py", "s3/resources.py",
    "s3/object_keys.py", "s3/deliveries/replication.py", "sts", "iam", "organizations",
    "kms/conditions.py", "kms/cryptography_operations.py", "cloudtrail/naming.py",
)  # fmt: skip
# Modules there that fill the contexts of simulated requests only.
SIMULATING = frozenset({"iam/simulation.py", "iam/simulation_inputs.py"})
_FORM = re.compile(r"(?:aws|s3|sts|iam|kms|organizations|saml):[a-z][a-z0-9_-]*(?:[/:].*)?\Z")
# Literals of that form that are no condition keys.
_OTHERS = frozenset({"aws:kms", "aws:s3:arn"})


def _attributes(table: Mapping[str, str]) -> dict[str, str]:
    """The keys that SAML attributes fill, with the attributes' names."""
    names: dict[str, list[str]] = {}
    for name, key in table.items():
        names.setdefault(key, []).append(f"`{name}`")
    return {key: " or ".join(found) for key, found in names.items()}


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
    Key(
        "aws:SourceIp",
        "always",
        "the client's address; of `X-Forwarded-For` the last that is no trusted proxy's",
    ),
    Key("aws:SecureTransport", "always", "`true` over TLS, also where a trusted proxy says `X-Forwarded-Proto: https`"),
    Key("aws:RequestedRegion", "always", "region of the signature (unsigned: `--region`); `us-east-1` for IAM"),
    Key("aws:ViaAWSService", "always", "`true` where S3 asks KMS on behalf of its caller, else `false`"),
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
    Key(
        "aws:PrincipalIsAWSService",
        "signed requests, and those of services",
        "`false`; `true` where an AWS service acts on its own (server access logging, replication)",
    ),
    Key(
        "aws:PrincipalOrgID",
        "signed requests of accounts in an organization, its management account too; not services",
        "the organization's id, `o-…`",
    ),
    Key(
        "aws:PrincipalOrgPaths",
        "the same",
        "the way to the account, `o-…/r-…/ou-…/`, with a slash at its end",
        many=True,
    ),
    Key("aws:AssumedRoot", "sessions of AssumeRoot", "`true`"),
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
RESOURCE = (
    Key("aws:ResourceAccount", "actions on a resource, not those on `*`", "the resource's account"),
    Key(
        "aws:ResourceOrgID",
        "the same, where that account is in an organization, its management account too",
        "the organization's id",
    ),
    Key("aws:ResourceOrgPaths", "the same", "the way to that account, `o-…/r-…/ou-…/`", many=True),
)
SERVICES = (
    Key("aws:PrincipalServiceName", "an AWS service acts on its own", "the service, `logging.s3.amazonaws.com`"),
    Key("aws:PrincipalServiceNamesList", "the same", "the service", many=True),
    Key("aws:SourceArn", "the same", "ARN of the resource that the service acts for"),
    Key("aws:SourceAccount", "the same", "the account of that resource"),
    Key("aws:SourceOrgID", "the same, where that account is in an organization", "the organization's id"),
    Key("aws:SourceOrgPaths", "the same", "the way to that account, `o-…/r-…/ou-…/`", many=True),
)
STS = (
    Key("sts:TaskPolicyArn", "AssumeRoot", "ARN of the task policy"),
    Key("sts:RoleSessionName", "AssumeRole, AssumeRoleWith…, S3 in a replication role", "the session's name"),
    Key("sts:ExternalId", "AssumeRole with `ExternalId`", "that id"),
    Key(
        "sts:SourceIdentity",
        "AssumeRole… with a source identity, passed, carried on or in the token or assertion",
        "that identity",
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
    Key("ISSUER:oaud", "the same, where the token has `aud`", "`aud` of the token, also beside `azp`", from_data=True),
    Key("ISSUER:email", "the same, where the token has it", "the token's `email`", from_data=True),
    Key("ISSUER:amr", "AssumeRoleWithWebIdentity with `amr` in the token", "the token's `amr`", "", True, True),
    Key(
        "ISSUER:CLAIM",
        "AssumeRoleWithWebIdentity of GitHub, GitLab, Buildkite, CircleCI, Oracle Cloud or Google",
        "a claim that AWS knows of that provider (`token.actions.githubusercontent.com:repository`, "
        "`gitlab.com:project_id` …; the table is in `sts/provider_claims.py`)",
        from_data=True,
    ),
)
SAML = (
    Key("saml:sub", "AssumeRoleWithSAML, and the session's requests", "`NameID` of the assertion"),
    Key("saml:sub_type", "the same", "the format of `NameID`: `persistent`, `transient` … or the whole name"),
    Key("saml:namequalifier", "the same", "a hash of issuer, account and provider, the namespace of `saml:sub`"),
    Key("saml:aud", "AssumeRoleWithSAML", "`Recipient` of the assertion, the address it was made for"),
    Key("saml:iss", "AssumeRoleWithSAML", "the issuer"),
    Key("saml:doc", "AssumeRoleWithSAML", "`ACCOUNT/PROVIDER`"),
    *(
        Key(f"saml:{key}", f"AssumeRoleWithSAML with {names}", "the attribute's values", "", many, True)
        for table, many in ((saml_attributes.LISTS, True), (saml_attributes.SINGLE, False))
        for key, names in _attributes(table).items()
    ),
)
TAGS = (
    Key(
        "aws:RequestTag/…",
        "the request sets tags: Create…, Tag… and AddTags operations, session tags",
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
        "the user, role, policy, provider, profile, certificate, MFA device, account, unit, KMS key, trail … has that "
        "tag; AssumeRole: the role has it; S3: the bucket has it and its tags control access (PutBucketAbac)",
        "the tag's value",
    ),
    Key("iam:ResourceTag/…", "the same of users and roles", "the tag's value"),
)
IAM = (
    Key(
        "iam:PassedToService",
        "`iam:PassRole` of AddRoleToInstanceProfile and PutBucketReplication",
        "`ec2.amazonaws.com`; `s3.amazonaws.com`",
    ),
    Key(
        "iam:AssociatedResourceArn", "`iam:PassRole` of AddRoleToInstanceProfile", "`arn:aws:ec2:*:ACCOUNT:instance/*`"
    ),
    Key("iam:AWSServiceName", "CreateServiceLinkedRole", "the service's name"),
    Key("iam:PolicyARN", "operations with `PolicyArn` on a user, group or role", "the managed policy's ARN"),
    Key(
        "iam:PermissionsBoundary",
        "Create… and Put…PermissionsBoundary: the boundary asked for; changes of an identity: the one it has",
        "ARN of the boundary",
    ),
)
ORGANIZATIONS = (
    Key(
        "organizations:PolicyType",
        "operations on a policy, on a type of policy or with one as filter",
        "the type, `SERVICE_CONTROL_POLICY` …",
    ),
    Key("organizations:ServicePrincipal", "operations with `ServicePrincipal`", "the service"),
)
S3 = (
    Key("s3:ResourceAccount", "a bucket is asked for", "the bucket's account"),
    Key("s3:BucketTag/…", "the bucket has that tag and its tags control access (PutBucketAbac)", "the tag's value"),
    Key("s3:authType", "signed requests", "`REST-HEADER`, `REST-QUERY-STRING` or `POST`"),
    Key("s3:signatureversion", "signed requests", "`AWS4-HMAC-SHA256`; `AWS` for version 2"),
    Key("s3:TlsVersion", "over TLS, where it ends at this server", "`1.2` or `1.3`"),
    Key("s3:signatureAge", "presigned URLs", "milliseconds since the signature"),
    Key("s3:x-amz-content-sha256", "with that header", "that header"),
    Key(
        "s3:prefix",
        "listing objects or versions with a prefix; deciding whether a caller is told that a key is not there",
        "the prefix; the key",
    ),
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
    Key("s3:x-amz-object-ownership", "CreateBucket with that header", "the ownership setting"),
    Key("s3:if-match", "writing or deleting an object with that header", "the ETag"),
    Key("s3:if-none-match", "writing an object with that header", "the ETag or `*`"),
    Key("s3:InventoryAccessibleOptionalFields", "PutBucketInventoryConfiguration", "its optional fields", many=True),
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
KMS = (
    Key("kms:CallerAccount", "always", "the caller's account id"),
    Key("kms:ViaService", "S3 asks KMS on behalf of its caller", "`s3.REGION.amazonaws.com`, the region of the bucket"),
    Key("kms:KeySpec", "a key is asked for, or to be made", "`SYMMETRIC_DEFAULT`, `HMAC_256`, `RSA_2048` …"),
    Key("kms:KeyUsage", "a key is asked for, or to be made", "`ENCRYPT_DECRYPT`, `SIGN_VERIFY` …"),
    Key("kms:CustomerMasterKeySpec", "as `kms:KeySpec`", "the same, under the name of before 2021"),
    Key("kms:CustomerMasterKeyUsage", "as `kms:KeyUsage`", "the same, under the name of before 2021"),
    Key("kms:KeyOrigin", "a key is asked for, or to be made", "`AWS_KMS`"),
    Key("kms:MultiRegion", "a key is asked for, or to be made", "`false`; what CreateKey asks for"),
    Key("kms:ResourceAliases", "a key is asked for", "its aliases", many=True),
    Key("kms:RequestAlias", "the request names the key by an alias", "that alias, `alias/…`"),
    Key(
        "kms:EncryptionContext:…",
        "Encrypt, Decrypt, ReEncrypt, GenerateDataKey…; CreateGrant with such a constraint",
        "the value of that pair of the encryption context; through S3, `aws:s3:arn` is the object's ARN, or the "
        "bucket's for a bucket key",
    ),
    Key("kms:EncryptionContextKeys", "as `kms:EncryptionContext:…`", "the names of the pairs", many=True),
    Key("kms:EncryptionAlgorithm", "Encrypt, Decrypt, ReEncrypt, GenerateDataKey…", "the algorithm, also by default"),
    Key("kms:SigningAlgorithm", "Sign, Verify", "the algorithm"),
    Key("kms:MessageType", "Sign, Verify", "`RAW` or `DIGEST`"),
    Key("kms:MacAlgorithm", "GenerateMac, VerifyMac", "the algorithm"),
    Key("kms:DataKeyPairSpec", "GenerateDataKeyPair…", "the kind of pair"),
    Key("kms:ReEncryptOnSameKey", "ReEncrypt", "whether both keys are the same"),
    Key("kms:BypassPolicyLockoutSafetyCheck", "CreateKey, PutKeyPolicy with that parameter", "its value"),
    Key("kms:ScheduleKeyDeletionPendingWindowInDays", "ScheduleKeyDeletion", "the waiting period"),
    Key("kms:RotationPeriodInDays", "EnableKeyRotation", "the period"),
    Key("kms:GrantIsForAWSResource", "CreateGrant, ListGrants, RevokeGrant", "`false`: no service here makes grants"),
    Key("kms:GrantOperations", "CreateGrant", "the operations", many=True),
    Key("kms:GranteePrincipal", "CreateGrant with that parameter", "the ARN"),
    Key("kms:GranteeServicePrincipal", "CreateGrant with that parameter", "the service"),
    Key("kms:RetiringPrincipal", "CreateGrant with that parameter", "the ARN"),
    Key("kms:RetiringServicePrincipal", "CreateGrant with that parameter", "the service"),
    Key("kms:GrantConstraintType", "CreateGrant with a constraint", "`EncryptionContextSubset` or `…Equals`"),
    Key("kms:GrantConstraintSourceArn", "CreateGrant with that constraint", "the ARN"),
)
GROUPS = (
    ("Every request", EVERY),
    ("The principal", PRINCIPAL),
    ("The resource", RESOURCE),
    ("AWS services as principals", SERVICES),
    ("STS", STS),
    ("Identity providers", WEB_IDENTITY),
    ("SAML providers", SAML),
    ("Tags", TAGS),
    ("IAM", IAM),
    ("Organizations", ORGANIZATIONS),
    ("S3", S3),
    ("KMS", KMS),
)


def filled_keys() -> dict[str, list[str]]:
    """The condition keys in the code, lower case, tags' keys as `…`, with the modules that fill them."""
    found: dict[str, set[str]] = {}
    for place in FILLING:
        path = SOURCE / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            if file.relative_to(SOURCE).as_posix() in SIMULATING:
                continue
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
    """What `key.startswith(…)` compares with and `context.get(…)` reads."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("startswith", "get"):
        return [part for argument in node.args for part in ast.walk(argument)]
    return []
