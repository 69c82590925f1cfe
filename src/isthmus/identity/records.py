"""Accounts, IAM entities and buckets as typed values, the way the rest of the system sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isthmus.policy import NamedPolicy, Principal, ResourcePolicy


@dataclass(frozen=True, slots=True)
class Account:
    """An account. public_access_block: the account-level setting by AWS's four member names, if any."""

    id: str
    name: str
    email: str
    alias: str | None
    canonical_id: str
    created: float
    public_access_block: Mapping[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """An account's place in an organization.

    path: as `aws:PrincipalOrgPaths` has it, `o-…/r-…/ou-…/`. all_features: whether policies may be used at all.
    closed: whether CloseAccount was called. scps, rcps: one tuple per level, root first; empty for the management
    account and for types of policy that are not enabled.
    """

    organization: str
    management_account: str
    path: str
    all_features: bool
    closed: bool = False
    scps: tuple[tuple[NamedPolicy, ...], ...] = ()
    rcps: tuple[tuple[NamedPolicy, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user. boundary: ARN of its permissions boundary."""

    id: str
    account: str
    name: str
    path: str
    boundary: str | None
    created: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:user/PATH/NAME`."""
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """An IAM group."""

    id: str
    account: str
    name: str
    path: str
    created: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:group/PATH/NAME`."""
        return f"arn:aws:iam::{self.account}:group{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role. trust: its trust policy with the ids its principals meant when it was saved."""

    id: str
    account: str
    name: str
    path: str
    description: str | None
    max_session_duration: int
    boundary: str | None
    trust: ResourcePolicy
    created: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:role/PATH/NAME`."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term access key; user_id is None for the root user's. `secret` is open: never log it."""

    id: str
    account: str
    user_id: str | None
    secret: str = field(repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True)
class MfaDevice:
    """A virtual MFA device. owner_id: a user's unique id or an account id (root); None until enabled."""

    serial: str
    account: str
    seed: bytes = field(repr=False)
    owner_id: str | None = None
    enabled: float | None = None
    drift: int = 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and the configuration every request to it needs.

    acl: the stored access control list (JSON value of S3's AccessControlPolicy); None for private.
    public_access_block: by AWS's four member names; None when it was deleted.
    versioning: '', 'Enabled' or 'Suspended'.
    configurations: other configurations by kind (`tagging`, `cors`, …), each the JSON of its input shape.
    """

    id: int
    name: str
    account: str
    region: str
    versioning: str
    mfa_delete: str
    ownership: str
    acl: str | None
    policy: ResourcePolicy | None
    public_access_block: Mapping[str, bool] | None
    object_lock: bool
    created: float
    configurations: Mapping[str, str] = field(default_factory=dict)


CONSOLE_SIGN_IN = "ConsoleSignIn"
"""The kind of session that a password opens: the user or root itself, limited by nothing but its own policies."""


@dataclass(frozen=True, slots=True)
class Session:
    """The claims of temporary credentials. Self-contained: sealed into the session token, looked up nowhere.

    principal: who the credentials are. issued, expires: seconds since the epoch.
    session_policy: inline document text; session_policy_arns: managed ones. Both empty: no session policies.
    limited: whether session policies apply at all (GetFederationToken without any is limited to nothing).
    tags: session tags; transitive_tag_keys: those of them that go on along the chain.
    mfa_at: when the code was given; None without MFA.
    kind: `AssumeRole`, `GetSessionToken`, `GetFederationToken`, `AssumeRoleWithWebIdentity`,
        `AssumeRoleWithSAML`, `AssumeRoot` or CONSOLE_SIGN_IN.
    chained: whether it was assumed with role credentials.
    federated_provider, context: what stays in later requests (`aws:federatedprovider`, `saml:sub` …).
    """

    access_key: str
    kind: str
    principal: Principal
    issued: float
    expires: float
    session_policy: str | None = None
    session_policy_arns: tuple[str, ...] = ()
    limited: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    mfa_at: float | None = None
    source_identity: str | None = None
    chained: bool = False
    federated_provider: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntityPolicies:
    """The identity policies (own and of groups) and the boundary of a user or role."""

    identity: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
