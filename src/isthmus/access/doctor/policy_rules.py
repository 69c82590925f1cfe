"""Mistakes that stand in one policy: whom it names, and what it asks them to show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from isthmus.policy import PolicyDocument, Statement

from ..arns import WHOLE_ACCOUNT
from .finding import Fix, Found, Json, rule, statement_place, with_statement, written_statement

_PRINCIPAL_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
_DEPUTY_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_MFA_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"

PolicyKind = Literal["trust", "bucket", "key", "identity"]
_UNIQUE_ID = re.compile(r"(?:AIDA|AROA|AGPA|AIPA|ANPA)[A-Z0-9]{12,}\Z")
_MFA = ("aws:multifactorauthpresent", "aws:multifactorauthage")
# Keys that say who asks. A wildcard principal with one of them means those, not everybody.
_NARROWING = re.compile(
    r"aws:(?:principal(?:arn|account|orgid|orgpaths|serviceName)|source(?:arn|account|orgid|orgpaths|ip|vpc|vpce)"
    r"|principaltag/.+|userid|vpcsourceip)\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One policy. arn: of what carries it (a role, a bucket, a key, a user). known_accounts: those of profiles that
    were given, which are yours. name: of an inline or managed policy."""

    kind: PolicyKind
    arn: str
    account: str
    document: PolicyDocument
    known_accounts: frozenset[str] = frozenset()
    name: str = ""

    def allows(self) -> Iterator[Statement]:
        """The statements that allow."""
        return (one for one in self.document.statements if one.effect == "Allow")

    def fixed(self, statement: Statement, changed: Json, words: str) -> Fix:
        """The document with that statement changed, and the command that stores it."""
        return Fix(words, store_command(self), with_statement(self.document, statement.index, changed))


@rule("trust-no-external-id", "policies", "warning", "another account may take the role without an external id",
      _DEPUTY_PAGE)  # fmt: skip
def _no_external_id(facts: PolicyFacts) -> Iterator[Found]:
    for statement in facts.allows() if facts.kind == "trust" else ():
        if any(entry.key.lower() == "sts:externalid" for entry in statement.conditions):
            continue
        foreign = [account for account in _accounts(statement) if account != facts.account]
        if not foreign:
            continue
        changed = written_statement(facts.document, statement.index)
        conditions = changed.setdefault("Condition", {})
        conditions.setdefault("StringEquals", {})["sts:ExternalId"] = "AN-ID-THAT-YOU-AGREE-ON"
        what = f"account {', '.join(foreign)} may take the role without an external id: if it acts for others, one of "
        what += "them may have it act in your account"
        yours = set(foreign) <= facts.known_accounts
        yield Found(statement_place(facts.arn, statement), what,
                    facts.fixed(statement, changed, "ask for an external id, and give it to them alone"),
                    "note" if yours else None)  # fmt: skip


@rule("mfa-if-exists", "policies", "error", "a condition on MFA that long-term keys pass without MFA", _MFA_PAGE)
def _mfa_if_exists(facts: PolicyFacts) -> Iterator[Found]:
    for statement in facts.allows():
        holes = [
            entry
            for entry in statement.conditions
            if entry.key.lower() in _MFA and entry.operator.lower().endswith("ifexists")
        ]
        for entry in holes:
            changed = written_statement(facts.document, statement.index)
            _rename(changed, entry.operator, entry.operator[: -len("IfExists")], entry.key)
            what = f"{entry.operator} {entry.key} holds for requests with long-term access keys, which lack the key"
            yield Found(statement_place(facts.arn, statement), what,
                        facts.fixed(statement, changed, "say it without IfExists"))  # fmt: skip


@rule("mfa-deny-misses-keys", "policies", "error", "a deny without MFA that long-term keys escape", _MFA_PAGE)
def _mfa_deny(facts: PolicyFacts) -> Iterator[Found]:
    for statement in facts.document.statements:
        if statement.effect != "Deny":
            continue
        for entry in statement.conditions:
            wants_false = entry.operator.lower() == "bool" and entry.values == ("false",)
            if entry.key.lower() == _MFA[0] and wants_false:
                changed = written_statement(facts.document, statement.index)
                _rename(changed, entry.operator, "BoolIfExists", entry.key)
                what = (
                    f"{entry.operator} {entry.key} does not apply to requests with long-term access keys, which lack "
                )
                what += "the key: they are not denied"
                yield Found(statement_place(facts.arn, statement), what,
                            facts.fixed(statement, changed, "say BoolIfExists in a deny"))  # fmt: skip


@rule("principal-deleted", "policies", "error", "a principal that was deleted: its unique id stands in its place",
      _PRINCIPAL_PAGE)  # fmt: skip
def _deleted(facts: PolicyFacts) -> Iterator[Found]:
    for statement in facts.document.statements:
        named = (statement.principals or {}).get("AWS", ())
        gone = [one for one in named if _UNIQUE_ID.match(one)]
        if not gone:
            continue
        rest = [one for one in named if one not in gone]
        changed = written_statement(facts.document, statement.index)
        element = "NotPrincipal" if statement.negates_principals else "Principal"
        others = {kind: names for kind, names in changed[element].items() if kind != "AWS"}
        left = rest if rest or others else ["ARN-OF-ITS-SUCCESSOR"]
        changed[element] = {**others, **({"AWS": left} if left else {})}
        what = (
            f"{', '.join(gone)} was deleted; whoever has its name now is somebody else, and the policy cannot be saved "
        )
        what += "with it"
        words = "take it out; name its successor by ARN if there is one"
        yield Found(statement_place(facts.arn, statement), what, facts.fixed(statement, changed, words))


@rule("trust-wildcard-principal", "policies", "error", "anybody may take the role", _PRINCIPAL_PAGE)
def _wildcard(facts: PolicyFacts) -> Iterator[Found]:
    for statement in facts.allows() if facts.kind == "trust" else ():
        names = [name for kind in ("*", "AWS") for name in (statement.principals or {}).get(kind, ())]
        if "*" not in names or any(_NARROWING.match(entry.key) for entry in statement.conditions):
            continue
        changed = written_statement(facts.document, statement.index)
        changed["Principal"] = {"AWS": f"arn:aws:iam::{facts.account}:root"}
        what = "everybody with an AWS account may take the role"
        if any(entry.key.lower() == "sts:externalid" for entry in statement.conditions):
            what += " who knows its external id, which is not a secret"
        yield Found(statement_place(facts.arn, statement), what,
                    facts.fixed(statement, changed, "name the accounts that may"))  # fmt: skip


def _accounts(statement: Statement) -> list[str]:
    """The whole accounts that a statement names."""
    found = (WHOLE_ACCOUNT.match(name) for name in (statement.principals or {}).get("AWS", ()))
    return [one[1] for one in found if one is not None] if not statement.negates_principals else []


def _rename(statement: Json, operator: str, new: str, key: str) -> None:
    conditions = statement["Condition"]
    value = conditions[operator].pop(key)
    if not conditions[operator]:
        del conditions[operator]
    conditions.setdefault(new, {})[key] = value


def store_command(facts: PolicyFacts) -> str:
    """The command that stores a changed document, saved as policy.json."""
    name = shlex.quote(facts.arn.rpartition("/")[2])
    if facts.kind == "trust":
        return f"aws iam update-assume-role-policy --role-name {name} --policy-document file://policy.json"
    if facts.kind == "bucket":
        bucket = facts.arn.rpartition(":")[2]
        return f"aws s3api put-bucket-policy --bucket {shlex.quote(bucket)} --policy file://policy.json"
    if facts.kind == "key":
        return f"aws kms put-key-policy --key-id {shlex.quote(facts.arn)} --policy-name default --policy file://policy.json"
    if ":policy/" in facts.arn:
        return (
            f"aws iam create-policy-version --policy-arn {shlex.quote(facts.arn)} --policy-document file://policy.json "
            "--set-as-default"
        )
    kind = facts.arn.split(":", 5)[5].partition("/")[0]
    return (
        f"aws iam put-{kind}-policy --{kind}-name {name} --policy-name {shlex.quote(facts.name)} "
        "--policy-document file://policy.json"
    )
