"""What a request would be answered: both accounts' policies read through the API, decided by the policy engine.

Unlike AWS's own simulator it knows trust policies, and both sides of a cross-account request. It knows the policies
as they are now; what only the request itself has (an MFA code, an address, a tag) is given as context. Access control
lists, VPC endpoints and the grants of KMS keys are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isthmus.policy import Decision, ResourceSide, decide

from .account_state import AccountState, Identity, read_account
from .asked import owner_of_bucket
from .organization_levels import OrganizationSide, read_levels
from .profiles import Side
from .question import (
    CannotForetell,
    PrincipalArn,
    Question,
    asker_in,
    asker_of,
    read_policy,
    read_role,
    request_of,
)


class Foreteller:
    """Accounts as they are now, each read once when a question first needs it."""

    def __init__(self, *sides: Side, organization: Side | None = None) -> None:
        """sides: the accounts whose identities are known. organization: of the management account, for service control
        and resource control policies; None leaves them out."""
        self._sides = {side.account: side for side in sides}
        self._organization = organization
        self._states: dict[str, AccountState] = {}
        self._resources: dict[str, ResourceSide] = {}
        self._levels: dict[str, OrganizationSide | None] = {}

    @property
    def knows_organization(self) -> bool:
        """Whether the organization can be read."""
        return self._organization is not None

    def knows(self, account: str) -> bool:
        """Whether this account's identities can be read."""
        return account in self._sides

    def state(self, account: str) -> AccountState:
        """The identities of an account that it knows. Raises botocore's errors."""
        if account not in self._states:
            self._states[account] = read_account(self._sides[account])
        return self._states[account]

    def ask(
        self,
        question: Question,
        owner: Side,
        now: datetime,
        who: Identity | None = None,
        *,
        region: str | None = None,
        as_if_without_policy: bool = False,
    ) -> Decision:
        """The decision. owner: the resource's account. as_if_without_policy: whether to leave the resource's unread.

        who: the identity behind the question's principal; None looks it up in its account. region: where it is sent,
        where the question does not tell it.
        Raises CannotForetell, NoSide and botocore's errors.
        """
        arn = PrincipalArn.parse(question.principal)
        if who is not None:
            asker = asker_of(who, arn)
        elif self.knows(arn.account):
            asker = asker_in(self.state(arn.account), arn)
        else:
            raise CannotForetell(f"the policies of account {arn.account} are not known: give an AWS profile of it")
        side = ResourceSide(owner.account) if as_if_without_policy else self._resource_side(question, owner)
        mine, theirs = self._level(arn.account), self._level(side.account)
        return decide(request_of(question, asker, side, now, mine, theirs, region))

    def _level(self, account: str) -> OrganizationSide | None:
        if self._organization is None:
            return None
        if account not in self._levels:
            self._levels[account] = read_levels(self._organization, account)
        return self._levels[account]

    def _ids(self) -> dict[str, str]:
        return {arn: unique for account in self._sides for arn, unique in self.state(account).unique_ids().items()}

    def _resource_side(self, question: Question, owner: Side) -> ResourceSide:
        of = question.needs_role()
        if of is not None:
            if of != owner.account:
                raise CannotForetell(
                    f"{question.resource} is of account {of}, but the profile {owner.profile!r} is of {owner.account}"
                )
            return self._once(question.resource, lambda: read_role(question, self.state(of), self._ids()))
        bucket = question.needs_bucket()
        if bucket is not None:
            return self._once(f"s3://{bucket}", lambda: read_policy(question, owner, self._ids()))
        return self._once(question.resource, lambda: read_policy(question, owner, self._ids()))

    def _once(self, resource: str, read: Callable[[], ResourceSide]) -> ResourceSide:
        if resource not in self._resources:
            self._resources[resource] = read()
        return self._resources[resource]


def foretell(
    question: Question, caller: Side, owner: Side, now: datetime, organization: Side | None = None
) -> Decision:
    """The decision. caller: the principal's account; owner: the resource's.

    organization: its management account, for service control and resource control policies; None leaves them out.
    Raises CannotForetell, NoSide and botocore's errors.
    """
    account = PrincipalArn.parse(question.principal).account
    if account != caller.account:
        raise CannotForetell(
            f"{question.principal} is of account {account}, but the profile {caller.profile!r} is of {caller.account}"
        )
    bucket = question.needs_bucket()
    region = owner.region if bucket is None else owner_of_bucket(bucket, [owner])[1]
    return Foreteller(owner, caller, organization=organization).ask(question, owner, now, region=region)
