"""The setup file: accounts, identities and buckets as YAML, read into typed values.

Every problem names its line, and nothing is applied unless the whole file is right. Lines come from the YAML
node tree, so the check walks nodes instead of loaded values. The shape is documented in docs/setup-file.md.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from isthmus.names import is_account_id, is_bucket_name
from isthmus.policy import (
    MalformedPolicy,
    check_bucket_policy,
    check_identity_policy,
    check_trust_policy,
)


class InvalidSetup(ValueError):
    """The file cannot be applied; the message begins with the line where it is wrong."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


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


@dataclass(frozen=True, slots=True)
class SetupFile:
    """A whole file. settings: of the server as a whole, by the name under which they are stored."""

    accounts: tuple[AccountSetup, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


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
    top = _Fields(root, "the setup file", ("accounts", "organization", "lifecycle_day_seconds", "new_buckets"))
    if "organization" in top:
        raise InvalidSetup(top.line_of("organization"), "`organization` is not supported by this version")
    accounts = tuple(_account(node, folder) for node in top.nodes("accounts", required=True))
    _distinct([(a.id, a.line) for a in accounts], "account id")
    _distinct([(a.email.lower(), a.line) for a in accounts], "email")
    _distinct([(a.alias, a.line) for a in accounts if a.alias], "alias")
    _distinct([(b.name, b.line) for a in accounts for b in a.buckets], "bucket name")
    _distinct(
        [(key.id, a.line) for a in accounts for keys in _key_sets(a) for key in keys],
        "access key id",
    )
    return SetupFile(accounts, _settings(top))


_OWNERSHIP = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


def _settings(top: _Fields) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    day = top.number("lifecycle_day_seconds")
    if day is not None:
        if day <= 0:
            raise InvalidSetup(top.line_of("lifecycle_day_seconds"), "`lifecycle_day_seconds` must be above 0")
        settings["lifecycle_day_seconds"] = day
    if "new_buckets" in top:
        fields = _Fields(top.node("new_buckets"), "new_buckets", ("object_ownership", "block_public_access"))
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
_KEY_ID = re.compile(r"\w{16,128}\Z", re.ASCII)


def _account(node: yaml.Node, folder: Path) -> AccountSetup:
    known = ("id", "name", "email", "alias", "canonical_id", "root", "users", "groups", "policies", "roles", "buckets")
    fields = _Fields(node, "an account", known)
    account = fields.text("id", required=True, check=is_account_id, want='12 digits in quotes, like "111122223333"')
    groups = tuple(_identity(item, "a group", _IDENTITY)[0] for item in fields.nodes("groups"))
    users = tuple(_user(item) for item in fields.nodes("users"))
    roles = tuple(_role(item) for item in fields.nodes("roles"))
    policies = tuple(_policy(item) for item in fields.nodes("policies"))
    for what, items in (
        ("group", [(g.name.lower(), g.line) for g in groups]),
        ("user", [(u.identity.name.lower(), u.identity.line) for u in users]),
        ("role", [(r.identity.name.lower(), r.identity.line) for r in roles]),
        ("policy", [(p.name.lower(), p.line) for p in policies]),
    ):
        _distinct(list(items), f"{what} name")
    root = _Fields(fields.node("root"), "root", ("access_keys", "password", "mfa_seed")) if "root" in fields else None
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
    )


def _identity(node: yaml.Node, what: str, known: tuple[str, ...]) -> tuple[IdentitySetup, _Fields]:
    fields = _Fields(node, what, known)
    inline = {name: _document(document, check_identity_policy) for name, document in fields.items("inline_policies")}
    identity = IdentitySetup(
        name=fields.text("name", required=True, check=_NAME.match, want="letters, digits and +=,.@_-"),
        line=fields.line,
        path=fields.text("path", default="/", check=_PATH.match, want="a path that begins and ends with /"),
        managed_policies=fields.texts("managed_policies"),
        inline_policies=inline,
        permissions_boundary=fields.optional_text("permissions_boundary"),
        tags={key: _scalar(value, f"tag {key!r}") for key, value in fields.items("tags")},
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
    trust = _document(fields.node("trust"), check_trust_policy)
    return RoleSetup(identity, trust, fields.optional_text("description"), int(duration or 3600))


def _policy(node: yaml.Node) -> PolicySetup:
    fields = _Fields(node, "a policy", ("name", "path", "description", "document"))
    return PolicySetup(
        name=fields.text("name", required=True, check=_NAME.match, want="letters, digits and +=,.@_-"),
        document=_document(fields.node("document"), check_identity_policy),
        line=fields.line,
        path=fields.text("path", default="/", check=_PATH.match, want="a path that begins and ends with /"),
        description=fields.optional_text("description"),
    )


def _bucket(node: yaml.Node, folder: Path) -> BucketSetup:
    fields = _Fields(node, "a bucket", ("name", "versioning", "policy", "objects", "region"))
    name = fields.text("name", required=True, check=is_bucket_name, want="a bucket name (3 to 63 of a-z, 0-9, . and -)")
    objects = fields.optional_text("objects")
    if objects is not None and not (folder / objects).is_dir():
        raise InvalidSetup(fields.line_of("objects"), f"`objects`: there is no folder {objects!r} beside the file")
    policy = None
    if "policy" in fields:
        policy = _document(fields.node("policy"), lambda text: check_bucket_policy(text, name))
    return BucketSetup(
        name=name,
        line=fields.line,
        versioning=fields.flag("versioning"),
        policy=policy,
        objects=folder / objects if objects is not None else None,
        region=fields.optional_text("region", check=_REGION.match, want="a region name, like eu-west-1"),
    )


def _keys(fields: _Fields) -> tuple[KeySetup, ...]:
    keys = []
    for node in fields.nodes("access_keys"):
        key = _Fields(node, "an access key", ("id", "secret"))
        key_id = key.text("id", required=True, check=_KEY_ID.match, want="16 to 128 letters and digits")
        keys.append(KeySetup(key_id, key.text("secret", required=True)))
    return tuple(keys)


def _seed(fields: _Fields) -> bytes | None:
    text = fields.optional_text("mfa_seed")
    if text is None:
        return None
    bare = text.replace(" ", "").rstrip("=").upper()
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    except (binascii.Error, ValueError):
        raise InvalidSetup(fields.line_of("mfa_seed"), "`mfa_seed` must be base32 (A-Z and 2-7)") from None


def _document(node: yaml.Node, check: Callable[[str], Any]) -> str:
    """A policy: a YAML mapping becomes JSON, a string is taken as JSON text, byte for byte."""
    line = node.start_mark.line + 1
    value = _plain(node)
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    try:
        check(text)
    except MalformedPolicy as error:
        raise InvalidSetup(line, f"policy: {error}") from None
    return text


def _plain(node: yaml.Node) -> Any:
    """The value of a node; dates and the like stay text, as JSON has it. A repeated key is refused."""
    if isinstance(node, yaml.MappingNode):
        value: dict[str, Any] = {}
        for key, item in node.value:
            if key.value in value:
                raise InvalidSetup(key.start_mark.line + 1, f"{key.value!r} stands twice")
            value[key.value] = _plain(item)
        return value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value.lower() in ("true", "yes", "on")
    if node.tag == "tag:yaml.org,2002:int" and re.fullmatch(r"-?[0-9]{1,11}", node.value):
        return int(node.value)
    return node.value


def _scalar(node: yaml.Node, what: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise InvalidSetup(node.start_mark.line + 1, f"{what} must be a text")
    return str(node.value)


class _Fields:
    """A mapping node with known keys; every getter checks and names the line of what is wrong."""

    def __init__(self, node: yaml.Node, what: str, known: tuple[str, ...]) -> None:
        self.what = what
        self.line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise InvalidSetup(self.line, f"{what} must be a mapping with the keys {', '.join(known)}")
        self._nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value not in known:
                raise InvalidSetup(line, f"{what} has no key {key.value!r}; it may have {', '.join(known)}")
            if key.value in self._nodes:
                raise InvalidSetup(line, f"{key.value!r} stands twice in {what}")
            if value.tag != "tag:yaml.org,2002:null":
                self._nodes[key.value] = value

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def line_of(self, key: str) -> int:
        return self._nodes[key].start_mark.line + 1 if key in self._nodes else self.line

    def node(self, key: str) -> yaml.Node:
        if key not in self._nodes:
            raise InvalidSetup(self.line, f"{self.what} needs `{key}`")
        return self._nodes[key]

    def nodes(self, key: str, required: bool = False) -> list[yaml.Node]:
        if key not in self._nodes and not required:
            return []
        node = self.node(key)
        if not isinstance(node, yaml.SequenceNode):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a list")
        return list(node.value)

    def items(self, key: str) -> list[tuple[str, yaml.Node]]:
        if key not in self._nodes:
            return []
        node = self._nodes[key]
        if not isinstance(node, yaml.MappingNode):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a mapping")
        return [(str(name.value), value) for name, value in node.value]

    def optional_text(self, key: str, check: Callable[[str], object] | None = None, want: str = "") -> str | None:
        if key not in self._nodes:
            return None
        text = _scalar(self._nodes[key], f"`{key}`")
        if check is not None and not check(text):
            raise InvalidSetup(self.line_of(key), f"`{key}` is {text!r}; it must be {want}")
        return text

    def text(
        self,
        key: str,
        required: bool = False,
        default: str = "",
        check: Callable[[str], object] | None = None,
        want: str = "",
    ) -> str:
        if required:
            self.node(key)
        text = self.optional_text(key, check, want)
        return default if text is None else text

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_scalar(node, f"each of `{key}`") for node in self.nodes(key))

    def number(self, key: str) -> float | None:
        text = self.optional_text(key)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            raise InvalidSetup(self.line_of(key), f"`{key}` must be a number") from None

    def flag(self, key: str) -> bool:
        text = self.optional_text(key)
        if text is not None and text.lower() not in ("true", "false", "yes", "no", "on", "off"):
            raise InvalidSetup(self.line_of(key), f"`{key}` must be true or false")
        return text is not None and text.lower() in ("true", "yes", "on")
