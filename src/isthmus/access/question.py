"""A question about access, and what makes a request of it: who asks, about what, under which organization.

Sources: IAM User Guide, "Cross-account policy evaluation logic", "AWS global condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from isthmus.policy import (
    AuthorizationRequest,
    ContextValue,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourceSide,
)

from .account_state import AccountState, Identity, bucket_side, key_side, role_side, session_of
from .arns import ROLE
from .organization_levels import OrganizationSide
from .profiles import Side

_PRINCIPAL = re.compile(
    r"arn:aws[\w-]*:(?:iam::(?P<account>[0-9]{12}):(?:(?P<root>root)|(?P<kind>user|role)/(?P<name>.+))"
    r"|sts::(?P<of>[0-9]{12}):assumed-role/(?P<role>[^/]+)/(?P<session>.+))\Z"
)
_BUCKET = re.compile(r"arn:aws[\w-]*:s3:::([^/*?]+)(?:/.*)?\Z", re.DOTALL)
_KEY = re.compile(r"arn:aws[\w-]*:kms:([a-z0-9-]+):[0-9]{12}:key/.+\Z")

_GLOBAL = frozenset({"iam", "organizations"})  # services with one endpoint, in us-east-1


class CannotForetell(ValueError):
    """A question that cannot be answered; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Question:
    """May `principal` do `action` to `resource`? Both are ARNs; `*` is an action's resource that has none.

    context: further condition keys, in lower case, of what only the request has.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, ContextValue]

    def needs_role(self) -> str | None:
        """The account of the role that it asks about, as one may ask STS."""
        role = ROLE.match(self.resource)
        return role[1] if role is not None and self.service == "sts" else None

    def needs_bucket(self) -> str | None:
        """The bucket whose own policy has a say; one to be made has none, and is nobody's still."""
        bucket = _BUCKET.match(self.resource)
        if bucket is None or self.service != "s3" or self.action.lower() == "s3:createbucket":
            return None
        return bucket[1]

    def needs_key(self) -> str | None:
        """The region of the KMS key whose own policy has a say."""
        key = _KEY.match(self.resource)
        return key[1] if key is not None and self.service == "kms" else None

    @property
    def service(self) -> str:
        """The service that is asked, as actions name it."""
        return self.action.partition(":")[0].lower()

    @property
    def region(self) -> str | None:
        """Where it is sent, as far as action and resource tell it."""
        return "us-east-1" if self.service in _GLOBAL else self.needs_key()


class Asker(NamedTuple):
    """The principal of a question with its policies. context: what is always known of it, by condition key."""

    principal: Principal
    policies: PrincipalPolicies
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PrincipalArn:
    """The ARN of who asks. session: of a role; a role by itself is a session of its own name, a user has none."""

    arn: str
    account: str
    is_root: bool
    is_user: bool
    name: str
    session: str
    is_exact: bool
    """Whether the ARN is the identity's own, path included; a session's ARN leaves the path of its role out."""

    @classmethod
    def parse(cls, arn: str) -> PrincipalArn:
        """Raises CannotForetell."""
        found = _PRINCIPAL.match(arn)
        if found is None:
            raise CannotForetell(
                f"{arn!r} is no principal: give the ARN of a user, a role, a role's session or a root user"
            )
        kind, name = found["kind"], found["role"] or (found["name"] or "").rpartition("/")[2]
        session = found["session"] or (name if kind == "role" else "")
        return cls(
            arn, found["account"] or found["of"], bool(found["root"]), kind == "user", name, session, kind is not None
        )


def asker_in(state: AccountState, who: PrincipalArn) -> Asker:
    """A principal of an account that was read. Raises CannotForetell where there is none of the name."""
    if who.is_root:
        return root_of(who)
    identity = (state.users if who.is_user else state.roles).get(who.name)
    if identity is None or (who.is_exact and identity.arn != who.arn):
        raise CannotForetell(f"account {state.account} has no {who.arn}")
    return asker_of(identity, who)


def asker_of(identity: Identity, who: PrincipalArn) -> Asker:
    """An identity, or the session of one that is a role."""
    context = identity.context()
    if not who.session:
        return Asker(identity.principal, identity.policies, context)
    context["aws:userid"] = f"{identity.principal.entity_id}:{who.session}"
    context["aws:multifactorauthpresent"] = "false"
    return Asker(session_of(identity, who.session), identity.policies, context)


def root_of(who: PrincipalArn) -> Asker:
    """The root user of an account, whom no policy of its own limits."""
    arn, account = who.arn, who.account
    principal = Principal(PrincipalKind.ROOT, account, arn, arn, account)
    context = {"aws:principalarn": arn, "aws:principalaccount": account, "aws:principaltype": "Account",
               "aws:userid": account}  # fmt: skip
    return Asker(principal, PrincipalPolicies(), context)


def read_role(question: Question, owner: AccountState, ids: Mapping[str, str]) -> ResourceSide:
    """The side of the role that a question of STS is about. Raises CannotForetell where there is none."""
    found = owner.roles.get(question.resource.rpartition("/")[2])
    if found is None or found.arn != question.resource:
        raise CannotForetell(f"account {owner.account} has no {question.resource}")
    return role_side(found, ids)


def read_policy(question: Question, owner: Side, ids: Mapping[str, str], region: str | None = None) -> ResourceSide:
    """The side of a bucket, a KMS key, or of what has no policy of its own. region: of the bucket, where it is known.

    Raises botocore's errors.
    """
    if (bucket := question.needs_bucket()) is not None:
        return bucket_side(owner, bucket, ids, region)
    if (key_region := question.needs_key()) is not None:
        return key_side(owner, question.resource, key_region, ids)
    return ResourceSide(owner.account)


def request_of(
    question: Question,
    asker: Asker,
    side: ResourceSide,
    now: datetime,
    mine: OrganizationSide | None = None,
    theirs: OrganizationSide | None = None,
    region: str | None = None,
) -> AuthorizationRequest:
    """The request. mine, theirs: what the organization says of the asker's account and of the resource's.

    region: where it is sent, as far as the action and the resource do not tell it; None leaves the key out.
    """
    context: dict[str, ContextValue] = {
        **asker.context,
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:securetransport": "true",
        "aws:viaawsservice": "false",
    }
    if question.resource != "*":
        context["aws:resourceaccount"] = side.account
    if (sent_to := question.region or region) is not None:
        context["aws:requestedregion"] = sent_to
    if question.service == "s3":
        context |= {"s3:authtype": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256"}
        if question.resource != "*":
            context["s3:resourceaccount"] = side.account
    policies = asker.policies
    if mine is not None:
        policies = replace(policies, scps=mine.scps)
        context |= {"aws:principalorgid": mine.id, "aws:principalorgpaths": (mine.path,)}
    if theirs is not None:
        side = side._replace(rcps=theirs.rcps)
        context |= {"aws:resourceorgid": theirs.id, "aws:resourceorgpaths": (theirs.path,)}
    return AuthorizationRequest(
        asker.principal, question.action, question.resource, side, policies, {**context, **question.context},
        mine is not None and theirs is not None,
    )  # fmt: skip
