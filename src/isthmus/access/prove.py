"""Every check of a sentence proved twice: from the policies, and by trying it.

The policy engine says what each check should come to, from the policies that the API tells; a probe with real
credentials shows what it comes to. Only both together are a proof: a prediction alone may rest on a mistake of ours, an
observation alone on a moment's chance. Where they differ one of the two has a bug, and that is said aloud.

IAM is eventually consistent, so an observation that contradicts the prediction is made again for a while before it is
believed. Source: IAM User Guide, "Troubleshoot IAM: changes that I make are not always immediately visible".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .access_file import Words
from .checks import Check, checks_of, name_of
from .foretell import Foreteller
from .link_plan import InvalidLink
from .linked import find_link
from .mfa_session import CodeRefused, MfaSessions
from .predict import Answer, Predictor
from .probe import LeftOver, Probes
from .profiles import NoSide, Side
from .question import CannotForetell
from .setting import CannotProve, Setting, credentials_of_link, set_up, words_of_link
from .steps import Failure
from .targets import find_targets

Outcome = Literal["proved", "foretold", "observed", "unknown", "wrong", "differs", "fault"]
"""proved: both ways. foretold, observed: that way alone, as expected. unknown: neither way. wrong: not as expected.
differs: prediction and observation contradict each other. fault: trying it failed for another reason."""

_PATIENCE = 20.0  # seconds in all that a proof waits for IAM's delay
_FIRST_WAIT = 1.0
_RED = frozenset({"unknown", "wrong", "differs", "fault"})


@dataclass(frozen=True, slots=True)
class Row:
    """A check and what it came to, both ways."""

    check: Check
    foretold: Answer
    observed: Answer

    @property
    def outcome(self) -> Outcome:
        """What the row proves."""
        known = {one.allowed for one in (self.foretold, self.observed)} - {None}
        if self.observed.fault:
            return "fault"
        if len(known) == 2:
            return "differs"
        if not known:
            return "unknown"
        if known != {self.check.expected}:
            return "wrong"
        if self.observed.allowed is None:
            return "foretold"
        return "proved" if self.foretold.allowed is not None or not self.check.foretold else "observed"

    @property
    def reason(self) -> str:
        """Why, in a line."""
        foretold, observed = self.foretold.reason, self.observed.reason
        if self.outcome == "differs":
            word = self.check.word
            return (
                f"the policies say {word(self.foretold.allowed)} ({foretold}), but it was "
                f"{word(self.observed.allowed)} ({observed})"
            )
        if self.outcome == "proved":
            return foretold or observed
        return "; ".join(dict.fromkeys(one for one in (foretold, observed) if one))


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one sentence. place: `FILE:LINE` that says it, or empty."""

    name: str
    sentence: str
    rows: tuple[Row, ...]
    place: str = ""

    def holds(self, strict: bool = False) -> bool:
        """Whether nothing is against it. strict: every row must be proved both ways."""
        return not any(row.outcome in _RED or (strict and row.outcome != "proved") for row in self.rows)


@dataclass(frozen=True, slots=True)
class Manner:
    """How proofs are made.

    mfa: the sessions with MFA, which several proofs share. make_user: make a user in the other account for the time
    of the proof. predict_only: try nothing. organization: an AWS profile of the management account. told: of each check
    before it is made, with its number and how many there are.
    """

    mfa: MfaSessions
    make_user: bool = False
    predict_only: bool = False
    organization: str | None = None
    told: Callable[[Check, int, int], None] = lambda _check, _number, _all: None


def problems() -> tuple[type[Exception], ...]:
    """What keeps a proof from being made; each says in its message what to change."""
    return (CannotForetell, CannotProve, CodeRefused, InvalidLink, LeftOver, NoSide, *Failure, OSError)


def prove_link(
    name: str,
    owner: str,
    with_: str | None,
    as_: str | None,
    probe_as: tuple[str, ...],
    now: datetime,
    manner: Manner,
) -> Proof:
    """The proof of a link that is there. owner, with_, as_, probe_as: AWS profiles.

    Raises `problems`.
    """
    side, other = Side(owner), Side(with_) if with_ else None
    if manner.make_user and other is None:
        raise CannotProve("--make-user needs --with PROFILE, an administrator of the account that the user is made in")
    found = find_link(name, side, other)
    if found is None:
        raise CannotProve(f"account {side.account} has no link {name!r}; `isthmus links --owner {owner}` lists them")
    words = words_of_link(found, side, other, as_ or credentials_of_link(name), probe_as)
    return prove_words(words, now, manner)


def prove_words(words: Words, now: datetime, manner: Manner) -> Proof:
    """The proof of a sentence. Raises like `prove_link`."""
    owner, other = Side(words.owner), Side(words.with_) if words.with_ else None
    caller = Side(words.as_) if words.as_ else None
    if caller is None and not manner.predict_only:
        raise CannotProve(
            f"whose credentials shall try it? Name a profile of {words.to} with --as (`as` in a file); "
            "--predict-only tells what the policies say, and tries nothing"
        )
    accounts = Foreteller(
        owner,
        *(() if other is None else (other,)),
        organization=Side(manner.organization) if manner.organization else None,
    )
    setting = set_up(words, owner, other, caller, accounts)
    others = {profile: Side(profile) for profile in words.probe_as}
    for profile, side in others.items():
        if side.identity["Arn"] == setting.caller_arn:
            raise CannotProve(f"the profile {profile!r} is whom it is about: name another's with --probe-as")
    targets = find_targets(owner, setting.bucket, setting.prefix, setting.region)
    predictor = Predictor(setting, targets, accounts, now)
    checks = checks_of(words)
    if manner.predict_only:
        rows = [_row(check, setting, predictor, others, None, [0.0]) for check in checks]
    else:
        left = [_PATIENCE]
        rows = []
        with Probes(setting, targets, predictor.other_bucket, manner.mfa, others, manner.make_user) as probes:
            for number, check in enumerate(checks, 1):
                manner.told(check, number, len(checks))
                rows.append(_row(check, setting, predictor, others, probes, left))
    return Proof(name_of(words), _sentence(words), tuple(rows), words.place)


def _row(
    check: Check,
    setting: Setting,
    predictor: Predictor,
    others: Mapping[str, Side],
    probes: Probes | None,
    left: list[float],
) -> Row:
    if check.id == "intact":
        link = setting.linked
        assert link is not None
        said = "; ".join(link.problems) or "role, permissions and the other side are what the link made"
        return Row(check, Answer(None, ""), Answer(link.state == "intact", said))
    foretold = _foretold(check, predictor, others)
    if not check.tried:
        return Row(check, foretold, Answer(None, "it cannot be tried from here and now"))
    if probes is None:
        return Row(check, foretold, Answer(None, "not tried"))
    seen = _observed(check, foretold, probes, left)
    if setting.address is not None and foretold.allowed and seen.allowed is False:
        # Foretold for an allowed address, tried from wherever this machine is: two different requests.
        if not check.expected:
            return Row(check, foretold, Answer(None, "refused from here, which says nothing of the allowed addresses"))
        foretold = Answer(None, f"the policies let in requests from {setting.words.source_ip[0]} alone")
    return Row(check, foretold, seen)


def _foretold(check: Check, predictor: Predictor, others: Mapping[str, Side]) -> Answer:
    if not check.id.startswith("probe-as:"):
        return predictor.predict(check.id)
    side = others[check.id.partition(":")[2]]
    try:
        return predictor.take_by(side.identity["Arn"])
    except CannotForetell as error:  # a root user, a federated one: nobody whose policies could be read
        return Answer(None, str(error))


def _observed(check: Check, foretold: Answer, probes: Probes, left: list[float]) -> Answer:
    wait = _FIRST_WAIT
    while True:
        seen = probes.observe(check.id)
        if check.id == "others" and foretold.allowed and seen.allowed is False:
            # That one is refused is no contradiction to another's being let in.
            return Answer(None, f"{seen.reason}, and refused")
        contradicts = None not in (seen.allowed, foretold.allowed) and seen.allowed != foretold.allowed
        if not contradicts or left[0] < wait:
            return seen
        time.sleep(wait)
        left[0] -= wait
        wait *= 2


def _sentence(words: Words) -> str:
    through = f" through the role {words.role.rpartition('/')[2]}" if words.role else ""
    mfa = " with MFA" if words.require_mfa else ""
    return f"{words.access} access to {words.share} for {words.to}{through}{mfa}, and nothing else"
