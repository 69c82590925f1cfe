"""What a decision is made of: who asks, for what, and every document that has a say.

The words are AWS's (IAM User Guide, "Policy evaluation logic"). No value ever changes; a decision is a pure
function of an `AuthorizationRequest`. What every request makes anew is a named tuple: a frozen dataclass takes twice
as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .document import PolicyDocument

ContextValue = str | tuple[str, ...]
"""A single-valued key holds a string, a multivalued key a tuple. Absent keys are not in the mapping."""
Context = Mapping[str, ContextValue]
"""Condition keys in lower case (`aws:sourceip`, `aws:principaltag/team`) and their values in the request."""
NO_CONTEXT: Context = MappingProxyType({})


class PrincipalKind(Enum):
    """What a requester is; the value is what `aws:PrincipalType` says."""

    ROOT = "Account"
    USER = "User"
    ROLE_SESSION = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    SERVICE = "Service"
    WEB_IDENTITY = "WebIdentity"  # an unsigned AssumeRoleWithWebIdentity/SAML call: the provider's word, no account
    ANONYMOUS = "Anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """A requester.

    account: 12 digits; `anonymous` for anonymous requests, as `aws:PrincipalAccount` has it.
    arn: the principal as AWS's messages name it (for a role session `arn:aws:sts::A:assumed-role/R/S`).
    entity_arn: the user, or the role with its path, or the root, or the issuing user of a federated user
        (`aws:PrincipalArn` for users, roles and root).
    entity_id: unique id of that entity (AIDA…, AROA…; the account id for root; the provider's ARN for
        WEB_IDENTITY; the service name for SERVICE).
    session_name: of a role session or a federated user.
    """

    kind: PrincipalKind
    account: str
    arn: str
    entity_arn: str
    entity_id: str
    session_name: str = ""

    @classmethod
    def anonymous(cls) -> Principal:
        """A request without credentials."""
        return cls(PrincipalKind.ANONYMOUS, "anonymous", "", "", "")


class PolicyType(Enum):
    """The kinds of policy; the value is the name AWS's messages use."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    ACL = "access control list"
    PUBLIC_ACCESS_BLOCK = "Block Public Access"
    GRANT = "grant"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A document together with where it comes from.

    arn: of a managed policy; None for an inline one.
    holder: the ARN of the user, group or role that carries it, or an organization's root, OU or account.
    """

    document: PolicyDocument
    name: str
    arn: str | None = None
    holder: str = ""


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """A bucket policy, trust policy or key policy.

    principal_ids: user and role ARNs of its Principal elements -> the unique id each meant when the document
        was saved; an entity made anew under the same name does not match.
    type: RESOURCE or TRUST. A trust policy (and with `trusts_account=False` any other) gives the account's own
        identities nothing by itself: it must grant the account or name the principal.
    """

    document: PolicyDocument
    principal_ids: Mapping[str, str] = field(default_factory=dict)
    type: PolicyType = PolicyType.RESOURCE
    trusts_account: bool = True


@dataclass(frozen=True, slots=True)
class PrincipalPolicies:
    """Everything on the requester's side.

    identity: of the user and its groups, or of the role.
    boundary: None where there is none.
    session: None where the session has no session policies; else inline and managed ones together.
    scps: one tuple per level of the organization, root first; empty when no SCP applies.
    """

    identity: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    session: tuple[NamedPolicy, ...] | None = None
    scps: tuple[tuple[NamedPolicy, ...], ...] = ()


NO_POLICIES = PrincipalPolicies()


class ResourceSide(NamedTuple):
    """Everything on the side of the account that owns the resource.

    account: 12 digits of the owner.
    policy: its resource-based policy; None where it has none.
    acl_allows: whether an ACL grants this action to this requester (S3 computes it: groups, canonical ids).
        It is an account-level grant.
    public_access_blocked: the setting that shuts the requester out (`RestrictPublicBuckets`): the policy's
        grants then count only for principals of the owner's account and for services. None otherwise.
    object_owner: account that owns the object where it is not the bucket's owner: the bucket policy can then
        only deny, and the grant must come from `acl_allows`.
    rcps: like PrincipalPolicies.scps.
    granted: whether a grant of a KMS key gives this action to this requester (KMS finds it: grantee, operations,
        encryption context). It needs no policy on either side; denies, SCPs and RCPs, boundary and session policies
        still limit it.
    """

    account: str
    policy: ResourcePolicy | None = None
    acl_allows: bool = False
    public_access_blocked: str | None = None
    object_owner: str | None = None
    rcps: tuple[tuple[NamedPolicy, ...], ...] = ()
    granted: bool = False


class AuthorizationRequest(NamedTuple):
    """May `principal` do `action` to `resource`?

    action: `service:Name`. resource: an ARN, or `*` for an action without resources.
    same_organization: whether both accounts are in one organization (AWS then tells the reason of a denial).
    """

    principal: Principal
    action: str
    resource: str
    owner: ResourceSide
    caller: PrincipalPolicies = NO_POLICIES
    context: Context = NO_CONTEXT
    same_organization: bool = False
