"""One sentence of sharing as documents: the role, what it may do, who may take it, and who is allowed to try.

    isthmus link s3://reports/2026 --owner production --to 444455556666:group/analysts --access read --require-mfa

On the owner's side stands a role with a trust policy for the other account and the least permissions that the kind
of access needs; with a KMS key a statement in its key policy. On the other side stands a policy that allows
`sts:AssumeRole` on that role's ARN. Nothing here calls anybody: a `LinkPlan` is a value, and the same request always
makes the same one.

Sources: IAM User Guide, "Delegate access across AWS accounts using IAM roles", "The confused deputy problem" and
"Secure API access with MFA"; S3 User Guide, "Policy actions for Amazon S3"; KMS Developer Guide, `kms:ViaService`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Access = Literal["read", "write", "read-write", "list"]
Json = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")
"""A link's name; with ROLE_PREFIX before it, it is a role's and a policy's, of at most 64 characters."""
ROLE_PREFIX = "isthmus-link-"
ACCESSES: tuple[Access, ...] = ("read", "write", "read-write", "list")
TAG_LINK, TAG_TO, TAG_RESOURCE, TAG_ACCESS, TAG_DIGEST, TAG_KEY, TAG_REQUIRES = (
    "isthmus:link", "isthmus:to", "isthmus:resource", "isthmus:access", "isthmus:digest", "isthmus:kms-key",
    "isthmus:requires",
)  # fmt: skip

# What each kind of access does to objects. Deleting is part of read-write alone, where it is what sync and mv need;
# write is for those who drop files and must not take any away.
_OBJECT_ACTIONS: dict[Access, tuple[str, ...]] = {
    "list": (),
    "read": ("s3:GetObject",),
    "write": ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    "read-write": (
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
    ),
}  # fmt: skip
# Multipart uploads of encrypted objects decrypt what they wrote: the S3 User Guide asks for kms:Decrypt with PutObject.
_KEY_ACTIONS: dict[Access, tuple[str, ...]] = {
    "list": (),
    "read": ("kms:Decrypt",),
    "write": ("kms:GenerateDataKey", "kms:Decrypt"),
    "read-write": ("kms:Decrypt", "kms:GenerateDataKey"),
}

TAG_LENGTH = 256
"""How long a tag's value may be (IAM API reference, Tag)."""
SESSION_SECONDS = 3600
"""How long a session of a link's role may be."""


class InvalidLink(ValueError):
    """A link that cannot be made; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """Whom a link is for: an account, or one user, group or role of it. name: with its path, `team/alice`.

    Source of the characters: IAM User Guide, "IAM and AWS STS quotas", "IAM name requirements"; the API reference of
    CreateUser for paths.
    """

    account: str
    kind: Literal["account", "user", "group", "role"] = "account"
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Grantee:
        """`ACCOUNT`, `ACCOUNT:user/NAME`, `:group/NAME` or `:role/NAME`. Raises InvalidLink."""
        found = re.fullmatch(r"([0-9]{12})(?::(user|group|role)/((?:[!-~]*/)?[A-Za-z0-9_+=,.@-]{1,128}))?", text)
        if found is None:
            raise InvalidLink(
                f"{text!r} is nobody a link can be for: give 12 digits of an account, alone or with :user/NAME, "
                ":group/NAME or :role/NAME behind them"
            )
        kind: Any = found[2] or "account"
        return cls(found[1], kind, (found[3] or "").strip("/"))

    @classmethod
    def from_tag(cls, text: str) -> Grantee:
        """What `tag` wrote. Raises InvalidLink."""
        return cls.parse(re.sub(" ([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text))

    def __str__(self) -> str:
        return self.account if self.kind == "account" else f"{self.account}:{self.kind}/{self.name}"

    @property
    def tag(self) -> str:
        """The same in the characters of a tag's value, of which names and paths have more (`,`, for one).

        A blank, which no name has, and two hexadecimal digits stand for each other one.
        """
        return "".join(sign if tag_value(sign) == sign else f" {ord(sign):02x}" for sign in str(self))

    @property
    def short_name(self) -> str:
        """The name without its path, as the IAM API wants it."""
        return self.name.rpartition("/")[2]

    @property
    def trusted(self) -> str:
        """The ARN that a trust policy names: of the user or role; a group cannot be a principal, so its account."""
        if self.kind in ("user", "role"):
            return f"arn:aws:iam::{self.account}:{self.kind}/{self.name}"
        return f"arn:aws:iam::{self.account}:root"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """The sentence. owner: account id of the bucket's owner. prefix: without a leading slash; empty for all keys.

    external_id, key_arn, expires: None for none. networks: CIDR blocks that requests must come from; empty for any.
    region: of the bucket.
    """

    name: str
    owner: str
    bucket: str
    prefix: str
    to: Grantee
    access: Access
    region: str
    require_mfa: bool = False
    external_id: str | None = None
    networks: tuple[str, ...] = ()
    expires: datetime | None = None
    key_arn: str | None = None

    @property
    def resource(self) -> str:
        """`s3://BUCKET/PREFIX`."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """Every document of a link.

    caller_policy: what the other side needs. key_statement: for the key policy; None without a key.
    """

    request: LinkRequest
    role_name: str
    role_arn: str
    trust_policy: Json
    role_policy: Json
    caller_policy: Json
    key_statement: Json | None
    tags: dict[str, str]

    @property
    def description(self) -> str:
        """The role's description, of the characters that one may have (IAM API reference, CreateRole)."""
        text = f"{self.request.access} access to {tag_value(self.request.resource)} for {self.request.to}"
        return re.sub(r"[^ -~\u00a1-\u00ff]", "_", text)


def plan_link(request: LinkRequest) -> LinkPlan:
    """The documents of a link. Raises InvalidLink."""
    if not NAME.match(request.name):
        raise InvalidLink(f"{request.name!r} is no name of a link: use up to 40 letters, digits, - and _")
    if request.to.account == request.owner:
        raise InvalidLink(
            f"{request.to} is of the account that owns the bucket: its policies alone decide there, no role is needed"
        )
    if len(request.to.tag) > TAG_LENGTH:
        raise InvalidLink(
            f"the path of {request.to} is too long: the tag by which its links are found has {TAG_LENGTH} characters"
        )
    if request.to.kind == "role" and request.require_mfa:
        raise InvalidLink("a role's session has no MFA of its own to give: --require-mfa is for users and groups")
    role_name = ROLE_PREFIX + request.name
    role_arn = f"arn:aws:iam::{request.owner}:role/{role_name}"
    trust = trust_policy(request)
    permissions = role_policy(request)
    key = None if request.key_arn is None else key_statement(request, role_arn)
    tags = {
        TAG_LINK: request.name,
        TAG_TO: request.to.tag,
        TAG_RESOURCE: tag_value(request.resource),
        TAG_ACCESS: request.access,
        TAG_DIGEST: digest(trust, permissions),
    }
    if request.key_arn is not None:
        tags[TAG_KEY] = request.key_arn
    if requires := _requirements(request):
        tags[TAG_REQUIRES] = " ".join(requires)
    return LinkPlan(request, role_name, role_arn, trust, permissions, caller_policy(role_arn), key, tags)


def trust_policy(request: LinkRequest) -> Json:
    """Who may take the role, and what they must show."""
    condition = _limits(request)
    if request.require_mfa:
        condition["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    if request.external_id is not None:
        condition["StringEquals"] = {"sts:ExternalId": request.external_id}
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": request.to.trusted}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return _policy(statement)


def role_policy(request: LinkRequest) -> Json:
    """What the role may do: the least that the kind of access needs.

    Networks and the end of the link limit here too: a session outlives the moment it was made in.
    """
    limits = _limits(request)
    bucket = f"arn:aws:s3:::{request.bucket}"
    listing = dict(limits)
    if request.prefix:
        prefix = _literal(request.prefix)
        listing["StringLike"] = {"s3:prefix": [prefix, f"{prefix}*"]}
    statements = [
        _allow("List", "s3:ListBucket", bucket, listing),
        _allow("Locate", "s3:GetBucketLocation", bucket, limits),
    ]
    actions = _OBJECT_ACTIONS[request.access]
    if actions:
        statements.append(_allow("Objects", _one_or_all(actions), f"{bucket}/{_literal(request.prefix)}*", limits))
    keys = _KEY_ACTIONS[request.access]
    if request.key_arn is not None and keys:
        statements.append(_allow("Key", _one_or_all(keys), request.key_arn, limits | _via_s3(request)))
    return _policy(*statements)


def caller_policy(role_arn: str) -> Json:
    """What the other account's administrator allows: to take this one role."""
    return _policy(_allow("AssumeLinkedRole", "sts:AssumeRole", role_arn, {}))


def key_statement(request: LinkRequest, role_arn: str) -> Json:
    """What the key's policy says of the role: to be used through S3 alone."""
    return {
        "Sid": key_statement_id(request.name),
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": _one_or_all(_KEY_ACTIONS[request.access] or ("kms:DescribeKey",)),
        "Resource": "*",
        "Condition": _via_s3(request),
    }


def key_statement_id(name: str) -> str:
    """The Sid by which a link's statement is found in a key policy; Sids have letters and digits only."""
    readable = re.sub("[^A-Za-z0-9]", "", name)
    return f"IsthmusLink{readable}{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def digest(trust: Json, permissions: Json) -> str:
    """What the documents of a role looked like when it was made: whoever changes one by hand changes it."""
    text = json.dumps([trust, permissions], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def share_of(text: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://BUCKET[/PREFIX]`. Raises InvalidLink."""
    found = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", text, re.DOTALL)
    if found is None:
        raise InvalidLink(f"{text!r} is no bucket: say s3://BUCKET or s3://BUCKET/PREFIX")
    return found[1], found[2] or ""


def tag_value(text: str) -> str:
    """A text as a tag's value can hold it (IAM API reference, Tag): other characters become `_`."""

    def kept(sign: str) -> bool:
        return sign.isalnum() or sign in "_.:/=+-@" or unicodedata.category(sign).startswith("Z")

    return "".join(sign if kept(sign) else "_" for sign in text)[:TAG_LENGTH]


def _literal(prefix: str) -> str:
    """A prefix whose own `*`, `?` and `$` are no wildcards (IAM User Guide, "Policy variables")."""
    return re.sub(r"[*?$]", lambda found: f"${{{found[0]}}}", prefix)


def _limits(request: LinkRequest) -> Json:
    limits: Json = {}
    if request.networks:
        limits["IpAddress"] = {"aws:SourceIp": list(request.networks)}
    if request.expires is not None:
        limits["DateLessThan"] = {"aws:CurrentTime": request.expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return limits


def _requirements(request: LinkRequest) -> list[str]:
    """What the link asks for, by name: known also when somebody has taken the condition out of the trust policy."""
    asked = {"mfa": request.require_mfa, "external-id": request.external_id is not None}
    return [name for name, required in asked.items() if required]


def _via_s3(request: LinkRequest) -> Json:
    return {"StringEquals": {"kms:ViaService": f"s3.{request.region}.amazonaws.com"}}


def _allow(sid: str, action: str | list[str], resource: str, condition: Json) -> Json:
    statement: Json = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
    return statement | {"Condition": condition} if condition else statement


def _one_or_all(actions: tuple[str, ...]) -> str | list[str]:
    return actions[0] if len(actions) == 1 else list(actions)


def _policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}
