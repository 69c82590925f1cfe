"""What each check of a proof should come to, from the policies as the API tells them.

Where the other account's policies are not known, only what the owner's side refuses by itself is sure; that it would
allow says nothing yet. Sources: IAM User Guide, "Cross-account policy evaluation logic", "AWS STS condition keys".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

from isthmus.policy import (
    ContextValue,
    Decision,
    NamedPolicy,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
)

from .account_state import Identity
from .dependence import depends_on, what_tells
from .foretell import Foreteller
from .operation_actions import KEY_PERMISSIONS
from .question import Question
from .setting import Setting
from .targets import SESSION, WRONG_EXTERNAL_ID, Targets

_EVERYTHING = NamedPolicy(
    PolicyDocument.parse(
        json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    ),
    "whatever that account allows",
)
_ELSEWHERE = "192.0.2.1"  # of TEST-NET-1 (RFC 5737), which is nobody's
_SUSPECTS = 20  # other buckets whose policies are read, at most
_NAMED = 5  # others who are named; the rest is counted
_SESSION_ACTIONS = {
    "list": "s3:ListBucket", "read": "s3:GetObject", "write": "s3:PutObject", "delete": "s3:DeleteObject",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something is possible; None where that is not known. reason: why, in a line.

    fault: it should have been possible to find out.
    """

    allowed: bool | None
    reason: str
    fault: bool = False


class Predictor:
    """The policies' answers to the checks of one setting."""

    def __init__(self, setting: Setting, targets: Targets, accounts: Foreteller, now: datetime) -> None:
        """accounts: it knows the owner's account, and the other one where `--with` was given."""
        self._setting = setting
        self._targets = targets
        self._accounts = accounts
        self._now = now
        endpoint = (setting.caller or setting.owner).endpoint or "https:"
        self._transport: dict[str, ContextValue] = {
            "aws:securetransport": "false" if endpoint.startswith("http:") else "true"
        }

    def predict(self, check: str) -> Answer:
        """What a check comes to, by its id. Raises CannotForetell and botocore's errors."""
        kind, outside, _ = check.partition("-outside")
        if kind in _SESSION_ACTIONS:
            return self._session(_SESSION_ACTIONS[kind], bool(outside))
        if check == "other-bucket":
            return _answer(self._listing(self.other_bucket or "*"), self._accounts.knows_organization)
        if check in ("read-without-role", "write-without-role"):
            return self._without_role("s3:GetObject" if check.startswith("read") else "s3:PutObject")
        if check == "others":
            return self._others()
        return self._take_variant(check)

    @cached_property
    def other_bucket(self) -> str | None:
        """The bucket that shows best that the role lists no other: one that it may list, where there is one.

        Raises like `predict`.
        """
        others = self._targets.other_buckets
        # The role's own policies, which are known already, leave few buckets whose policy is worth a look.
        suspects = (name for name in others if self._listing(name, as_if_without_policy=True).allowed)
        listed = (name for name in islice(suspects, _SUSPECTS) if self._listing(name).allowed)
        return next(listed, next(iter(others), None))

    def take_by(self, arn: str) -> Answer:
        """Whether this principal may take the role, showing all that is asked for."""
        return self._take(arn, self._context())

    def knows(self, account: str) -> bool:
        """Whether an account's policies can be read."""
        return self._accounts.knows(account)

    @property
    def _partition(self) -> str:
        return self._setting.owner.partition

    def _take_variant(self, check: str) -> Answer:
        context, now = self._context(), self._now
        if check == "no-mfa":
            context = {key: value for key, value in context.items() if "multifactorauth" not in key}
        elif check == "no-external-id":
            context.pop("sts:externalid", None)
        elif check == "wrong-external-id":
            context["sts:externalid"] = WRONG_EXTERNAL_ID
        elif check == "other-address":
            context["aws:sourceip"] = _ELSEWHERE
        elif check == "after-the-end" and self._setting.end is not None:
            now = self._setting.end + timedelta(seconds=1)
        if self._setting.caller_arn is None:
            return Answer(None, "it is not known who takes the role: name a profile with --as (`as` in a file)")
        return self._take(self._setting.caller_arn, context, now)

    def _context(self) -> dict[str, ContextValue]:
        """What a request for the role shows when all is right."""
        setting = self._setting
        region = (setting.caller or setting.other or setting.owner).region
        context = self._transport | {"sts:rolesessionname": SESSION, "aws:requestedregion": region}
        if setting.words.require_mfa:
            context |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "1"}
        if setting.external_id is not None:
            context["sts:externalid"] = setting.external_id
        if setting.address is not None:
            context["aws:sourceip"] = setting.address
        return context

    def _take(
        self, arn: str, context: dict[str, ContextValue], now: datetime | None = None, who: Identity | None = None
    ) -> Answer:
        question = Question(arn, "sts:AssumeRole", self._setting.role.arn, context)
        return self._of_other(question, now or self._now, who)

    def _of_other(self, question: Question, now: datetime, who: Identity | None = None) -> Answer:
        """The answer to somebody of the other account, whose own side may not be known."""
        account = question.principal.split(":")[4]
        unknown = who is None and not self.knows(account)
        decision = self._accounts.ask(
            question, self._setting.owner, now, _anybody(question.principal, (_EVERYTHING,)) if unknown else who
        )
        if unknown and decision.allowed:
            return Answer(None, f"the owner's side allows it; account {account}'s side is not known without --with")
        return _answer(decision, self._accounts.knows_organization)

    def _session(self, action: str, outside: bool) -> Answer:
        bucket = f"arn:{self._partition}:s3:::{self._setting.bucket}"
        if action == "s3:ListBucket":
            context: dict[str, ContextValue] = {"s3:max-keys": "1"}
            if not outside and self._setting.prefix:
                context["s3:prefix"] = self._setting.prefix
            return self._as_session(action, bucket, context)
        key = self._targets.key_for(action, outside)
        found = self._as_session(action, f"{bucket}/{key}", {})
        if found.allowed and self._setting.key_arn is not None and action in KEY_PERMISSIONS:
            region = self._setting.key_arn.split(":")[3]
            via: dict[str, ContextValue] = {
                "aws:viaawsservice": "true",
                "kms:viaservice": f"s3.{region}.amazonaws.com",
                "kms:calleraccount": self._setting.owner.account,
            }
            return self._as_session(KEY_PERMISSIONS[action], self._setting.key_arn, via)
        return found

    def _listing(self, bucket: str, *, as_if_without_policy: bool = False) -> Decision:
        resource = f"arn:{self._partition}:s3:::{bucket}"
        return self._decide_session("s3:ListBucket", resource, {}, as_if_without_policy=as_if_without_policy)

    def _as_session(self, action: str, resource: str, context: dict[str, ContextValue]) -> Answer:
        return _answer(self._decide_session(action, resource, context), self._accounts.knows_organization)

    def _decide_session(
        self, action: str, resource: str, context: dict[str, ContextValue], *, as_if_without_policy: bool = False
    ) -> Decision:
        role = self._setting.role
        arn = (
            f"arn:{self._partition}:sts::{role.principal.account}:assumed-role/{role.arn.rpartition('/')[2]}/{SESSION}"
        )
        if self._setting.address is not None:
            context = {**context, "aws:sourceip": self._setting.address}
        if action.startswith("s3:"):
            context = {**context, "aws:requestedregion": self._setting.region}
        return self._accounts.ask(
            Question(arn, action, resource, self._transport | context),
            self._setting.owner,
            self._now,
            self._setting.role,
            as_if_without_policy=as_if_without_policy,
        )

    def _without_role(self, action: str) -> Answer:
        arn = self._setting.caller_arn
        if arn is None:
            return Answer(None, "it is not known who that is: name a profile with --as (`as` in a file)")
        key = self._targets.key_for(action, outside=False)
        resource = f"arn:{self._partition}:s3:::{self._setting.bucket}/{key}"
        context = {key: value for key, value in self._context().items() if key.startswith("aws:")}
        context["aws:requestedregion"] = self._setting.region
        return self._of_other(Question(arn, action, resource, context), self._now)

    def _others(self) -> Answer:
        """Whether anybody may take the role but those it is for."""
        to, account = self._setting.to, self._setting.to.account
        nobody = f"arn:{self._partition}:iam::{account}:user/nobody"
        if to.kind == "account":
            return self._take(nobody, self._context(), who=_anybody(nobody, ()))
        if not self.knows(account):
            return self._take(nobody, self._context())
        strangers, administrators = self._strangers()
        may = [one for one in strangers if self._take(one.arn, self._context(), who=one).allowed]
        if may:
            return Answer(True, f"these may too: {_named(may)}")
        left_out = f"; {_named(administrators)} may put people into the group" if administrators else ""
        return Answer(False, f"none of {len(strangers)} other users and roles may{left_out}")

    def _strangers(self) -> tuple[list[Identity], list[Identity]]:
        """Everybody of the other account whom the sentence is not about; and whoever may put people into the group.

        A group cannot be a principal, so its account decides who takes the role. Its administrators do that.
        """
        to, words, state = self._setting.to, self._setting.words, self._accounts.state(self._setting.to.account)
        known = {one.partition("/")[0] + "/" + one.rpartition("/")[2] for one in words.except_}
        group = f"arn:{self._partition}:iam::{to.account}:group/{to.name}"
        strangers: list[Identity] = []
        administrators: list[Identity] = []
        for one in state.identities:
            kind = "user" if one.principal.kind is PrincipalKind.USER else "role"
            short = f"{kind}/{one.arn.rpartition('/')[2]}"
            if short in known or one.arn == self._setting.caller_arn or short == f"{to.kind}/{to.short_name}":
                continue
            if to.kind == "group" and to.short_name in one.groups:
                continue
            administers = to.kind == "group" and self._administers(one, group)
            (administrators if administers else strangers).append(one)
        return strangers, administrators

    def _administers(self, one: Identity, group: str) -> bool:
        assert self._setting.other is not None
        question = Question(one.arn, "iam:AddUserToGroup", group, {"aws:multifactorauthpresent": "true"})
        return self._accounts.ask(question, self._setting.other, self._now, one).allowed


def _named(identities: list[Identity]) -> str:
    names = [one.arn.split(":", 5)[5] for one in identities]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _answer(decision: Decision, knows_organization: bool) -> Answer:
    """A decision, if it does not hang on what only the request itself has, or on an organization that nobody read."""
    unknown = depends_on(decision, knows_organization)
    return Answer(None, what_tells(unknown)) if unknown else Answer(decision.allowed, why(decision))


def why(decision: Decision) -> str:
    """What decided, in a line: the statement where there is one, else the layer that is silent."""
    by = decision.by
    if by is not None:
        verb = "allowed" if decision.allowed else "denied"
        sid = f"{by.statement.sid}, " if by.statement.sid else ""
        name = "" if by.policy.name == decision.layer.value else f" {by.policy.name}"
        return f"{verb} by the {decision.layer.value}{name} ({sid}line {by.statement.line})"
    if decision.allowed:
        return f"allowed by the {decision.layer.value}"
    missed = next((miss for layer in decision.layers if layer.type is decision.layer for miss in layer.misses), None)
    hint = "" if missed is None else f" (the nearest differs in {', '.join(missed.elements)})"
    return f"no {decision.layer.value} allows {decision.request.action}{hint}"


def _anybody(arn: str, policies: tuple[NamedPolicy, ...]) -> Identity:
    """Somebody of an account who is made up, or whose own side is not known."""
    account = arn.split(":")[4]
    principal = Principal(PrincipalKind.USER, account, arn, arn, arn)
    if ":assumed-role/" in arn:
        name = arn.split("/")[1]
        role = f"arn:{arn.split(':')[1]}:iam::{account}:role/{name}"
        principal = Principal(PrincipalKind.ROLE_SESSION, account, role, role, role)
    elif ":role/" in arn:
        principal = Principal(PrincipalKind.ROLE_SESSION, account, arn, arn, arn)
    return Identity(principal, PrincipalPolicies(policies), {})
