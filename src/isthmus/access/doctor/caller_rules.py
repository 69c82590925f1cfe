"""Mistakes between two accounts: who may call AssumeRole on what does not trust them, and the reverse."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from isthmus.policy import AuthorizationRequest, Decision, NamedPolicy, PolicyType, Statement, decide

from ..account_state import AccountState, Identity, role_side
from ..arns import ROLE, WHOLE_ACCOUNT, WILDCARDS
from .finding import Fix, Found, Json, rule, statement_place
from .policy_rules import PolicyFacts, store_command

_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"
_CROSS_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html"
_CALLERS = frozenset({PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP})


@dataclass(frozen=True)
class CallerFacts:
    """The callers of one account and the roles of another. only: names of the roles looked at; empty for all."""

    callers: AccountState
    owner: AccountState
    only: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """ARN -> unique id on both sides."""
        return self.callers.unique_ids() | self.owner.unique_ids()

    def roles(self) -> Iterator[Identity]:
        """The owner's roles that are looked at, without those of services."""
        for name, role in self.owner.roles.items():
            if (not self.only or name in self.only) and "/aws-service-role/" not in role.arn:
                yield role

    def decision(self, caller: Identity, role: Identity) -> Decision:
        """Whether the caller may take the role, as far as policies go."""
        context = {**caller.context(), "aws:securetransport": "true", "sts:rolesessionname": "doctor"}
        return decide(
            AuthorizationRequest(
                caller.principal, "sts:AssumeRole", role.arn, role_side(role, self.ids), caller.policies, context
            )
        )


@rule("caller-not-trusted", "callers", "error", "callers are allowed to take a role that does not trust them", _PAGE)
def _not_trusted(facts: CallerFacts) -> Iterator[Found]:
    roles = {role.arn: role for role in facts.roles()}
    for (holder, arn), (policy, statement, callers) in _named_roles(facts).items():
        role = roles.get(arn)
        if role is None or role.trust is None:
            continue
        untrusted = []
        for caller in callers:
            decision = facts.decision(caller, role)
            by_trust = [one for one in decision.changes if one.side == "owner" and one.kind != "satisfy"]
            if by_trust:
                untrusted.append((caller, by_trust[0].statement))
        if not untrusted:
            continue
        names = ", ".join(caller.arn for caller, _ in untrusted)
        what = f"the policy {policy.name} of {holder} allows sts:AssumeRole on {arn}, which does not trust {names}"
        yield Found(statement_place(policy.arn or holder, statement), what, _trusting(facts, role, untrusted[0][0]))


@rule("caller-role-missing", "callers", "error", "callers are allowed to take a role that is not there", _PAGE)
def _role_missing(facts: CallerFacts) -> Iterator[Found]:
    there = {role.arn for role in facts.owner.roles.values()}
    for (holder, arn), (policy, statement, _) in _named_roles(facts).items():
        name = arn.rpartition("/")[2]
        if arn in there or (facts.only and name not in facts.only):
            continue
        real = facts.owner.roles.get(name)
        what = (
            f"the policy {policy.name} of {holder} allows sts:AssumeRole on {arn}, which account {facts.owner.account} "
        )
        what += "does not have" + (f"; its name with its path is {real.arn}" if real is not None else "")
        fix = Fix("name the role as it is, or take the statement out")
        yield Found(statement_place(policy.arn or holder, statement), what, fix)


@rule("trusted-not-allowed", "callers", "error", "a role trusts somebody whose own account does not allow it",
      _CROSS_PAGE)  # fmt: skip
def _not_allowed(facts: CallerFacts) -> Iterator[Found]:
    by_arn = {one.arn: one for one in facts.callers.identities}
    for role in facts.roles():
        assert role.trust is not None
        for statement in role.trust.statements:
            if statement.effect != "Allow" or statement.negates_principals:
                continue
            for name in (statement.principals or {}).get("AWS", ()):
                account = WHOLE_ACCOUNT.match(name)
                if name in by_arn and _refused_by_its_own(facts, by_arn[name], role):
                    what = f"the role trusts {name}, whom its own account does not allow to call sts:AssumeRole on it"
                    yield Found(statement_place(role.arn, statement), what, _allowing(by_arn[name], role))
                elif account is not None and account[1] == facts.callers.account and _nobody_may(facts, role):
                    what = f"the role trusts account {account[1]}, where nobody is allowed to call sts:AssumeRole on it"
                    fix = Fix("attach this to whom it is for", None, _assume_policy(role))
                    yield Found(statement_place(role.arn, statement), what, fix, "warning")


def _named_roles(facts: CallerFacts) -> dict[tuple[str, str], tuple[NamedPolicy, Statement, list[Identity]]]:
    """Roles of the owner that policies of callers name in full: by who carries the policy and the role's ARN."""
    found: dict[tuple[str, str], tuple[NamedPolicy, Statement, list[Identity]]] = {}
    for caller in facts.callers.identities:
        for policy in caller.policies.identity:
            for statement in policy.document.statements:
                if statement.effect != "Allow" or statement.negates_resources or not _assumes(statement):
                    continue
                for resource in statement.resources or ():
                    role = ROLE.match(resource) if WILDCARDS.isdisjoint(resource) else None
                    if role is not None and role[1] == facts.owner.account:
                        entry = found.setdefault((policy.holder, resource), (policy, statement, []))
                        entry[2].append(caller)
    return found


def _assumes(statement: Statement) -> bool:
    if statement.negates_actions:
        return False
    return any(action.lower() in ("sts:assumerole", "sts:*", "sts:assume*") for action in statement.actions)


def _refused_by_its_own(facts: CallerFacts, caller: Identity, role: Identity) -> bool:
    """Whether the caller's side refuses by anything but a condition that the caller can meet."""
    decision = facts.decision(caller, role)
    # Changes are worked out one by one, which all identities of a large account are too many for.
    if not _CALLERS & set(decision.refused_by):
        return False
    return any(one.side == "caller" and one.kind != "satisfy" for one in decision.changes)


def _nobody_may(facts: CallerFacts, role: Identity) -> bool:
    return all(_refused_by_its_own(facts, one, role) for one in facts.callers.identities)


def _trusting(facts: CallerFacts, role: Identity, caller: Identity) -> Fix:
    assert role.trust is not None
    added: Json = {"Effect": "Allow", "Principal": {"AWS": caller.arn}, "Action": "sts:AssumeRole"}
    written = role.trust.value["Statement"]
    document = {**role.trust.value, "Statement": [*(written if isinstance(written, list) else [written]), added]}
    trust = PolicyFacts("trust", role.arn, facts.owner.account, role.trust)
    return Fix("trust the caller, in the role's account, or take the statement out of the caller's policy",
               store_command(trust), document)  # fmt: skip


def _allowing(caller: Identity, role: Identity) -> Fix:
    kind, _, name = caller.arn.split(":", 5)[5].partition("/")
    plain, role_name = name.rpartition("/")[2], role.arn.rpartition("/")[2]
    command = (
        f"aws iam put-{kind}-policy --{kind}-name {shlex.quote(plain)} "
        f"--policy-name {shlex.quote(f'assume-{role_name}')} "
        "--policy-document file://policy.json"
    )
    return Fix("allow it in the caller's account", command, _assume_policy(role))


def _assume_policy(role: Identity) -> Json:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role.arn}
    return {"Version": "2012-10-17", "Statement": [statement]}
