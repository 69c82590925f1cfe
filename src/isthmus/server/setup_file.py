"""The setup file: accounts, identities and buckets as YAML, read into typed values.

Every problem names its line, and nothing is applied unless the whole file is right. Lines come from the YAML
node tree, so the check walks nodes instead of loaded values. The shape is documented in docs/setup-file.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from isthmus.names import is_account_id, is_bucket_name
from isthmus.policy import check_bucket_policy, check_identity_policy, check_key_policy, check_trust_policy
from isthmus.s3.deliveries.event_targets import Opened, check_target

from .setup_fields import Fields, InvalidSetup, policy_text, scalar
from .setup_organization import OrganizationSetup, parse_organization


@dataclass(frozen=True, slots=True)
class KeySetup:
    """An access key with a secret of the author's choosing."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentitySetup:
    """What users, groups and roles have in common. documents are JSON text, by policy name."""

    name: str
    line: int
    path: str = "/"
    managed_policies: tuple[str, ...] = ()
    inline_policies: dict[str, str] = field(default_factory=dict)
    permissions_boundary: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserSetup:
    """A user."""

    identity: IdentitySetup
    access_keys: tuple[KeySetup, ...] = ()
    password: str | None = field(default=None, repr=False)
    mfa_seed: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleSetup:
    """A role; trust is the JSON text of its trust policy."""

    identity: IdentitySetup
    trust: str
    description: str | None = None
    max_session_duration: int = 3600


@dataclass(frozen=True, slots=True)
class PolicySetup:
    """A customer managed policy."""

    name: str
    document: str
    line: int
    path: str = "/"
    description: str | None = None


@dataclass(frozen=True, slots=True)
class BucketSetup:
    """A bucket; objects is a folder whose files become its objects."""

    name: str
    line: int
    versioning: bool = False
    policy: str | None = None
    objects: Path | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class KmsKeySetup:
    """A symmetric KMS key whose id the author chose. policy: None for AWS's default one. alias: with `alias/`."""

    id: str
    line: int
    alias: str | None = None
    policy: str | None = None
    description: str = ""
    region: str | None = None


@dataclass(frozen=True, slots=True)
class RootSetup:
    """The root user of an account."""

    access_keys: tuple[KeySetup, ...] = ()
    password: str | None = field(default=None, repr=False)
    mfa_seed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """An account with everything in it."""

    id: str
    line: int
    name: str
    email: str
    alias: str | None = None
    canonical_id: str | None = None
    root: RootSetup = field(default_factory=RootSetup)
    users: tuple[UserSetup, ...] = ()
    groups: tuple[IdentitySetup, ...] = ()
    policies: tuple[PolicySetup, ...] = ()
    roles: tuple[RoleSetup, ...] = ()
    buckets: tuple[BucketSetup, ...] = ()
    kms_keys: tuple[KmsKeySetup, ...] = ()


@dataclass(frozen=True, slots=True)
class SetupFile:
    """A whole file. settings: of the server as a whole, by the name under which they are stored.

    event_targets: where events for an ARN go; None leaves what is set up as it is.
    """

    accounts: tuple[AccountSetup, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    organization: OrganizationSetup | None = None
    event_targets: Mapping[str, Opened] | None = field(default=None, repr=False)


def read_setup_file(path: Path) -> SetupFile:
    """Read and check a setup file. Raises InvalidSetup; OSError when it cannot be read."""
    return parse_setup(path.read_text(encoding="utf-8"), path.parent)


def parse_setup(text: str, folder: Path) -> SetupFile:
    """Check the text of a setup file; `objects` folders are relative to `folder`. Raises InvalidSetup."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InvalidSetup(line, f"not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise InvalidSetup(1, f"not YAML: {error}") from None
    if root is None:
        raise InvalidSetup(1, "the file is empty; it needs a list of `accounts`")
    top = Fields(root, "the setup file", _TOP)
    accounts = tuple(_account(node, folder) for node in top.nodes("accounts", required=True))
    _distinct([(a.id, a.line) for a in accounts], "account id")
    _distinct([(a.email.lower(), a.line) for a in accounts], "email")
    _distinct([(a.alias, a.line) for a in accounts if a.alias], "alias")
    _distinct([(b.name, b.line) for a in accounts for b in a.buckets], "bucket name")
    _distinct(
        [(key.id, a.line) for a in accounts for keys in _key_sets(a) for key in keys],
        "access key id",
    )
    organization = None
    if "organization" in top:
        organization = parse_organization(top.node("organization"), frozenset(account.id for account in accounts))
    targets = _event_targets(top) if "event_targets" in top else None
    return SetupFile(accounts, _settings(top), organization, targets)


def _event_targets(top: Fields) -> dict[str, Opened]:
    """ARN to address, or to a mapping of `url` and the `accounts` it is opened to besides the ARN's own."""
    found: dict[str, Opened] = {}
    for arn, node in top.items("event_targets"):
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            fields = Fields(node, "an event target", ("url", "accounts"))
            url, accounts = fields.text("url", required=True), fields.texts("accounts")
        else:
            url, accounts = scalar(node, f"the address of {arn}"), ()
        if arn in found:
            raise InvalidSetup(line, f"{arn!r} stands twice in event_targets")
        try:
            found[arn] = check_target(arn, url, accounts)
        except ValueError as error:
            raise InvalidSetup(line, f"event_targets: {error}") from None
    return found


_DEFAULT_ENCRYPTION = ("AES256", "none")
_TOP = (
    "accounts", "organization", "lifecycle_day_seconds", "cloudtrail_delivery_seconds", "default_encryption",
    "new_buckets", "event_targets",
)  # fmt: skip
_OWNERSHIP = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


def _settings(top: Fields) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("lifecycle_day_seconds", "cloudtrail_delivery_seconds"):
        seconds = top.number(name)
        if seconds is not None:
            if seconds <= 0:
                raise InvalidSetup(top.line_of(name), f"`{name}` must be above 0")
            settings[name] = seconds
    encryption = top.optional_text("default_encryption", _DEFAULT_ENCRYPTION.__contains__, "AES256 or none")
    if encryption is not None:
        settings["default_encryption"] = encryption
    if "new_buckets" in top:
        fields = Fields(top.node("new_buckets"), "new_buckets", ("object_ownership", "block_public_access"))
        ownership = fields.optional_text("object_ownership", _OWNERSHIP.__contains__, f"one of {', '.join(_OWNERSHIP)}")
        if ownership is not None:
            settings["new_buckets.object_ownership"] = ownership
        if "block_public_access" in fields:
            settings["new_buckets.block_public_access"] = fields.flag("block_public_access")
    return settings


def _key_sets(account: AccountSetup) -> list[tuple[KeySetup, ...]]:
    return [account.root.access_keys, *(user.access_keys for user in account.users)]


def _distinct(names: list[tuple[str | None, int]], what: str) -> None:
    seen: set[str | None] = set()
    for name, line in names:
        if name in seen:
            raise InvalidSetup(line, f"{what} {name!r} is used twice")
        seen.add(name)


_IDENTITY = ("name", "path", "managed_policies", "inline_policies", "tags")
_NAME = re.compile(r"[\w+=,.@-]{1,128}\Z", re.ASCII)
_PATH = re.compile(r"/(?:[\x21-\x7e]+/)?\Z")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\Z")
_ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]\Z")
_CANONICAL = re.compile(r"[0-9a-f]{64}\Z")
# The names that CreateBucket takes as a location.
_REGION = re.compile(
    r"(af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov|-iso[a-z]?)?-(north|south|east|west|central|(north|south)(east|west))-[1-9]\Z"
)
_KMS_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}\Z")
_KMS_ALIAS = re.compile(r"alias/(?!aws/)[a-zA-Z0-9:/_-]{1,250}\Z")
_KEY_ID = re.compile(r"\w{16,128}\Z", re.ASCII)


def _account(node: yaml.Node, folder: Path) -> AccountSetup:
    known = (
        "id", "name", "email", "alias", "canonical_id", "root", "users", "groups", "policies", "roles", "buckets",
        "kms_keys",
    )  # fmt: skip
    fields = Fields(node, "an account", known)
    account = fields.text("id", required=True, check=is_account_id, want='12 digits in quotes, like "111122223333"')
    groups = tuple(_identity(item, "a group", _IDENTITY)[0] for item in fields.nodes("groups"))
    users = tuple(_user(item) for item in fields.nodes("users"))
    roles = tuple(_role(item) for item in fields.nodes("roles"))
    policies = tuple(_policy(item) for item in fields.nodes("policies"))
    kms_keys = tuple(_kms_key(item) for item in fields.nodes("kms_keys"))
    for what, items in (
        ("group", [(g.name.lower(), g.line) for g in groups]),
        ("user", [(u.identity.name.lower(), u.identity.line) for u in users]),
        ("role", [(r.identity.name.lower(), r.identity.line) for r in roles]),
        ("policy", [(p.name.lower(), p.line) for p in policies]),
        ("KMS key", [(f"{k.region}/{k.id}", k.line) for k in kms_keys]),
        ("KMS alias", [(f"{k.region}/{k.alias}", k.line) for k in kms_keys if k.alias]),
    ):
        _distinct(list(items), f"{what} name")
    root = Fields(fields.node("root"), "root", ("access_keys", "password", "mfa_seed")) if "root" in fields else None
    return AccountSetup(
        id=account,
        line=fields.line,
        name=fields.text("name", default=account),
        email=fields.text("email", default=f"{account}@example.com", check=_EMAIL.match, want="an e-mail address"),
        alias=fields.optional_text("alias", check=_ALIAS.match, want="3 to 63 lower-case letters, digits and hyphens"),
        canonical_id=fields.optional_text("canonical_id", check=_CANONICAL.match, want="64 hex digits"),
        root=RootSetup(_keys(root), root.optional_text("password"), _seed(root)) if root else RootSetup(),
        users=users,
        groups=groups,
        policies=policies,
        roles=roles,
        buckets=tuple(_bucket(item, folder) for item in fields.nodes("buckets")),
        kms_keys=kms_keys,
    )


def _identity(node: yaml.Node, what: str, known: tuple[str, ...]) -> tuple[IdentitySetup, Fields]:
    fields = Fields(node, what, known)
    inline = {name: policy_text(document, check_identity_policy) for name, document in fields.items("inline_policies")}
    identity = IdentitySetup(
        name=fields.text("name", required=True, check=_NAME.match, want="letters, digits and +=,.@_-"),
        line=fields.line,
        path=fields.text("path", default="/", check=_PATH.match, want="a path that begins and ends with /"),
        managed_policies=fields.texts("managed_policies"),
        inline_policies=inline,
        permissions_boundary=fields.optional_text("permissions_boundary"),
        tags={key: scalar(value, f"tag {key!r}") for key, value in fields.items("tags")},
    )
    return identity, fields


def _user(node: yaml.Node) -> UserSetup:
    known = (*_IDENTITY, "permissions_boundary", "access_keys", "password", "mfa_seed", "groups")
    identity, fields = _identity(node, "a user", known)
    return UserSetup(identity, _keys(fields), fields.optional_text("password"), _seed(fields), fields.texts("groups"))


def _role(node: yaml.Node) -> RoleSetup:
    known = (*_IDENTITY, "permissions_boundary", "trust", "description", "max_session_duration")
    identity, fields = _identity(node, "a role", known)
    duration = fields.number("max_session_duration")
    if duration is not None and not (3600 <= duration <= 43200 and duration == int(duration)):
        line = fields.line_of("max_session_duration")
        raise InvalidSetup(line, "`max_session_duration` is in seconds, from 3600 to 43200")
    trust = policy_text(fields.node("trust"), check_trust_policy)
    return RoleSetup(identity, trust, fields.optional_text("description"), int(duration or 3600))


def _policy(node: yaml.Node) -> PolicySetup:
    fields = Fields(node, "a policy", ("name", "path", "description", "document"))
    return PolicySetup(
        name=fields.text("name", required=True, check=_NAME.match, want="letters, digits and +=,.@_-"),
        document=policy_text(fields.node("document"), check_identity_policy),
        line=fields.line,
        path=fields.text("path", default="/", check=_PATH.match, want="a path that begins and ends with /"),
        description=fields.optional_text("description"),
    )


def _bucket(node: yaml.Node, folder: Path) -> BucketSetup:
    fields = Fields(node, "a bucket", ("name", "versioning", "policy", "objects", "region"))
    name = fields.text("name", required=True, check=is_bucket_name, want="a bucket name (3 to 63 of a-z, 0-9, . and -)")
    objects = fields.optional_text("objects")
    if objects is not None and not (folder / objects).is_dir():
        raise InvalidSetup(fields.line_of("objects"), f"`objects`: there is no folder {objects!r} beside the file")
    policy = None
    if "policy" in fields:
        policy = policy_text(fields.node("policy"), lambda text: check_bucket_policy(text, name))
    return BucketSetup(
        name=name,
        line=fields.line,
        versioning=fields.flag("versioning"),
        policy=policy,
        objects=folder / objects if objects is not None else None,
        region=fields.optional_text("region", check=_REGION.match, want="a region name, like eu-west-1"),
    )


def _kms_key(node: yaml.Node) -> KmsKeySetup:
    fields = Fields(node, "a KMS key", ("id", "alias", "policy", "description", "region"))
    return KmsKeySetup(
        id=fields.text("id", required=True, check=_KMS_KEY_ID.match, want="1 to 128 letters, digits, - and _"),
        line=fields.line,
        alias=fields.optional_text("alias", check=_KMS_ALIAS.match, want="a name that begins with alias/"),
        policy=policy_text(fields.node("policy"), check_key_policy) if "policy" in fields else None,
        description=fields.text("description"),
        region=fields.optional_text("region", check=_REGION.match, want="a region name, like eu-west-1"),
    )


def _keys(fields: Fields) -> tuple[KeySetup, ...]:
    keys = []
    for node in fields.nodes("access_keys"):
        key = Fields(node, "an access key", ("id", "secret"))
        key_id = key.text("id", required=True, check=_KEY_ID.match, want="16 to 128 letters and digits")
        keys.append(KeySetup(key_id, key.text("secret", required=True)))
    return tuple(keys)


def _seed(fields: Fields) -> bytes | None:
    text = fields.optional_text("mfa_seed")
    if text is None:
        return None
    bare = text.replace(" ", "").rstrip("=").upper()
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    except (binascii.Error, ValueError):
        raise InvalidSetup(fields.line_of("mfa_seed"), "`mfa_seed` must be base32 (A-Z and 2-7)") from None
