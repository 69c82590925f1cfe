"""A question as the policy engine decides it, from what the profiles at hand can read of both accounts.

Where a side has no profile its documents stand open in the request, and `Asked.unknown` says so: what the other side
denies is then denied for certain, what it allows is not known to be.

Sources: IAM User Guide, "Cross-account policy evaluation logic"; IAM API reference, GetAccountAuthorizationDetails;
S3 API reference, GetBucketLocation (`ExpectedBucketOwner`); KMS API reference, GetKeyPolicy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from botocore.exceptions import ClientError

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
)

from .account_state import AccountState, error_code, read_account, region_in
from .operation_actions import permission_of
from .organization_levels import read_levels
from .profiles import Side
from .question import (
    Asker,
    CannotForetell,
    PrincipalArn,
    Question,
    asker_in,
    read_policy,
    read_role,
    request_of,
    root_of,
)
from .steps import patiently

_OF_ACCOUNT = re.compile(r"arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}):")

ANYTHING = PolicyDocument.made({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
                                "Resource": "*", "Principal": "*"}})  # fmt: skip
REFUSED = ("AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation")
"""The codes of a permission that is missing."""
SOME_ACCOUNT = "unknown"
"""Stands for the account of a bucket that none of the profiles owns."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A side that was not looked at. account: whose it is; None where even that is not known. why: in words."""

    side: Literal["caller", "owner"]
    account: str | None
    why: str


class Asked(NamedTuple):
    """What is to be decided, and the sides of it that are not known."""

    request: AuthorizationRequest
    unknown: tuple[Unknown, ...]


def ask(question: Question, sides: Sequence[Side], now: datetime, organization: Side | None = None) -> Asked:
    """The question as a request. sides: one profile or more, each of its account.

    organization: its management account, for service control and resource control policies; None leaves them out.
    Raises CannotForetell, NoSide and botocore's errors.
    """
    arn = PrincipalArn.parse(question.principal)
    asking = _Asking(question, sides)
    asker = asking.asker(arn)
    resource = asking.resource(arn.account, asker.principal)
    mine = theirs = None
    if organization is not None:
        mine = read_levels(organization, arn.account)
        if resource.account != SOME_ACCOUNT:
            theirs = mine if resource.account == arn.account else read_levels(organization, resource.account)
    region = asking.region or sides[0].region
    return Asked(request_of(question, asker, resource, now, mine, theirs, region), tuple(asking.unknown))


class _Asking:
    """Both sides of a question, each account read once. unknown: the sides that could not be read.

    region: of the bucket that the question is about, where that was told.
    """

    def __init__(self, question: Question, sides: Sequence[Side]) -> None:
        self.unknown: list[Unknown] = []
        self.region: str | None = None
        self._question = question
        self._sides = sides
        self._by_account = {side.account: side for side in reversed(sides)}
        self._states: dict[str, AccountState | None] = {}

    def asker(self, arn: PrincipalArn) -> Asker:
        """The principal with its policies; open ones where its account cannot be read."""
        account = arn.account
        if account not in self._by_account:
            why = f"nothing was read in account {account}, the principal's: give a profile of it with --profile"
        else:
            state = self._state(account)
            if state is not None:
                return asker_in(state, arn)
            why = self._needs(account, "iam:GetAccountAuthorizationDetails")
        self.unknown.append(Unknown("caller", account, why))
        return _unknown_asker(arn)

    def resource(self, caller: str, principal: Principal) -> ResourceSide:
        """The resource's side; an open one where it cannot be read. caller: the principal's account."""
        resource = self._question.resource
        bucket, of = self._question.needs_bucket(), _OF_ACCOUNT.match(resource)
        region = None
        if bucket is not None:
            # The resource's side is named last; not every implementation minds ExpectedBucketOwner.
            owner, region = owner_of_bucket(bucket, self._sides[::-1])
            self.region = region
            account = None if owner is None else owner.account
        else:
            account = caller if of is None else of[1]
            owner = self._by_account.get(account)
        if owner is None:
            if account == caller:
                return ResourceSide(caller)
            return self._open(account, _why_no_owner(resource, account))
        try:
            return self._read(owner, principal, region)
        except ClientError as error:
            if error_code(error) not in REFUSED:
                raise
            return self._open(owner.account, self._needs(owner.account, _needed_by(error)))

    def _read(self, owner: Side, principal: Principal, region: str | None) -> ResourceSide:
        question = self._question
        if question.needs_role() is not None:
            there = self._state(owner.account)
            if there is None:
                return self._open(owner.account, self._needs(owner.account, "iam:GetAccountAuthorizationDetails"))
            return read_role(question, there, self._ids(principal))
        return read_policy(question, owner, self._ids(principal), region)

    def _ids(self, principal: Principal) -> dict[str, str]:
        """ARN -> unique id of everybody in the accounts that were read, and of the principal."""
        known = {principal.entity_arn: principal.entity_id}
        for state in self._states.values():
            known |= state.unique_ids() if state is not None else {}
        return known

    def _state(self, account: str) -> AccountState | None:
        """An account's identities; None where the profile may not read them."""
        if account not in self._states:
            try:
                self._states[account] = read_account(self._by_account[account])
            except ClientError as error:
                if error_code(error) not in REFUSED:
                    raise
                self._states[account] = None
        return self._states[account]

    def _needs(self, account: str, permission: str) -> str:
        return f"the profile {self._by_account[account].profile!r} lacks {permission} in account {account}"

    def _open(self, account: str | None, why: str) -> ResourceSide:
        """A side of which nothing is known: it allows everything."""
        self.unknown.append(Unknown("owner", account, why))
        return ResourceSide(account or SOME_ACCOUNT, ResourcePolicy(ANYTHING))


def owner_of_bucket(bucket: str, sides: Sequence[Side]) -> tuple[Side | None, str | None]:
    """The side whose account owns the bucket, and the bucket's region. Raises CannotForetell where there is none."""
    for side in sides:
        s3 = side.client("s3")
        try:
            answer = patiently(partial(s3.get_bucket_location, Bucket=bucket, ExpectedBucketOwner=side.account))
        except ClientError as error:
            if error_code(error) == "NoSuchBucket":
                raise CannotForetell(f"there is no bucket {bucket!r}") from error
            continue
        return side, region_in(answer)
    return None, None


def _needed_by(error: ClientError) -> str:
    """The permission that a refused call needed, by its operation."""
    operation = error.operation_name
    service = "kms" if operation in ("GetKeyPolicy", "DescribeKey") else "s3"
    return permission_of(service, operation)


def _why_no_owner(resource: str, account: str | None) -> str:
    if account is None:
        return (
            f"none of the profiles owns {resource}, or none may call s3:GetBucketLocation on it: give a profile of its "
            "account with --owner"
        )
    return f"nothing was read in account {account}, the resource's: give a profile of it with --owner"


def _unknown_asker(arn: PrincipalArn) -> Asker:
    """Somebody of whom only the ARN is known: everything stands open on that side."""
    account = arn.account
    if arn.is_root:
        return root_of(arn)
    policies = PrincipalPolicies((NamedPolicy(ANYTHING, "not known"),))
    context = {"aws:principalaccount": account, "aws:principalisawsservice": "false"}
    if arn.is_user:
        principal = Principal(PrincipalKind.USER, account, arn.arn, arn.arn, arn.arn)
        context |= {"aws:principaltype": "User", "aws:username": arn.name}
    else:
        partition = arn.arn.split(":")[1]
        entity = arn.arn if arn.is_exact else f"arn:{partition}:iam::{account}:role/{arn.name}"
        of_session = f"arn:{partition}:sts::{account}:assumed-role/{arn.name}/{arn.session}"
        principal = Principal(PrincipalKind.ROLE_SESSION, account, of_session, entity, entity, arn.session)
        context |= {"aws:principaltype": "AssumedRole", "aws:multifactorauthpresent": "false"}
    return Asker(principal, policies, context | {"aws:principalarn": principal.entity_arn})


def documents_of(request: AuthorizationRequest) -> list[tuple[PolicyType, NamedPolicy]]:
    """Every document of a request with the kind of policy it is."""
    from isthmus.policy.amend import places  # noqa: PLC0415 - decisions do not need it

    return [(kind, policy) for kind in PolicyType for _, _, policy in places(request, kind)]
