"""What a sentence means in the accounts as they are: who, which role, which bucket, whose credentials.

A link is found by its name and its own words are read back from its tags and its trust policy; what the link asked
for when it was made stands in its tags, so that a condition taken out by hand is missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .access_file import Words
from .account_state import Identity
from .checks import name_of
from .foretell import Foreteller
from .link_plan import ROLE_PREFIX, TAG_REQUIRES, Grantee, Json, share_of
from .link_profile import written_settings
from .link_request import key_named, moment_of, region_of
from .linked import Linked, find_link
from .profiles import Side


class CannotProve(ValueError):
    """A proof that cannot be begun; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything a proof works with.

    other: who may read the other account's policies, and make a user there; None leaves that side unknown.
    caller: whose credentials take the role; None tries nothing. caller_arn: its ARN; a guess from `to` without one.
    role: the role as an identity. external_id: the right one. linked: the link; None for a role that no link made.
    address: an allowed source address; None where any is.
    """

    words: Words
    owner: Side
    other: Side | None
    caller: Side | None
    caller_arn: str | None
    bucket: str
    prefix: str
    region: str
    to: Grantee
    role: Identity
    external_id: str | None
    mfa_serial: str | None
    key_arn: str | None
    address: str | None
    end: datetime | None
    linked: Linked | None


def words_of_link(
    link: Linked, owner: Side, other: Side | None, as_: str | None = None, probe_as: tuple[str, ...] = ()
) -> Words:
    """The words of a link that is there. as_, probe_as: AWS profiles to try it with."""
    request, conditions = link.plan.request, list(_conditions(link.plan.trust_policy))
    asked = link.tags.get(TAG_REQUIRES, "").split()
    external = _first(conditions, "StringEquals", "sts:ExternalId")
    mfa = _first(conditions, "Bool", "aws:MultiFactorAuthPresent")
    return Words(
        share=request.resource,
        owner=owner.profile,
        to=str(request.to),
        access=request.access,
        with_=None if other is None else other.profile,
        name=link.name,
        require_mfa="mfa" in asked or mfa == ("true",),
        external_id=external[0] if external else "auto" if "external-id" in asked else None,
        source_ip=_first(conditions, "IpAddress", "aws:SourceIp"),
        expires=next(iter(_first(conditions, "DateLessThan", "aws:CurrentTime")), None),
        kms=request.key_arn,
        as_=as_,
        probe_as=probe_as,
    )


def set_up(words: Words, owner: Side, other: Side | None, caller: Side | None, accounts: Foreteller) -> Setting:
    """The setting of a sentence. Raises CannotProve, InvalidLink, NoSide and botocore's errors."""
    bucket, prefix = share_of(words.share)
    to = Grantee.parse(words.to)
    if other is not None and other.account != to.account:
        raise CannotProve(f"the profile {other.profile!r} is of account {other.account}, but it is about {to.account}")
    name = name_of(words)
    short = words.role.rpartition("/")[2] if words.role else ROLE_PREFIX + name
    role = accounts.state(owner.account).roles.get(short)
    if role is None or (words.role is not None and words.role.startswith("arn:") and role.arn != words.role):
        raise CannotProve(
            f"account {owner.account} has no role {words.role or short}: `isthmus link` makes one, `role` names one "
            "that is there"
        )
    linked = None
    if words.role is None:
        linked = find_link(name, owner, other)
        if linked is None:
            raise CannotProve(f"the role {short} was made by no link: name it with `role` to prove it all the same")
    assert role.trust is not None
    conditions = list(_conditions(json.loads(role.trust.text)))
    external = words.external_id
    if external == "auto":
        external = next(iter(_first(conditions, "StringEquals", "sts:ExternalId")), None)
    region = region_of(owner, bucket)
    key = key_named(words.kms, owner, bucket, region)
    networks = words.source_ip
    made = Setting(
        words=words,
        owner=owner,
        other=other,
        caller=caller,
        caller_arn=None,
        bucket=bucket,
        prefix=prefix,
        region=region,
        to=to,
        role=role,
        external_id=external,
        mfa_serial=words.mfa_serial or _device(name, caller),
        key_arn=key,
        address=networks[0].partition("/")[0] if networks else None,
        end=None if words.expires is None else _end(words.expires),
        linked=linked,
    )
    return replace(made, caller_arn=_caller_arn(made, accounts))


def credentials_of_link(name: str) -> str | None:
    """The profile with which the user of a link takes its role, where `link` has written one here."""
    return written_settings(name).get("source_profile")


def _device(name: str, caller: Side | None) -> str | None:
    """The MFA device of the caller, where `link` has written a profile for it; None leaves it to be looked up."""
    settings = written_settings(name)
    mine = caller is not None and settings.get("source_profile") == caller.profile
    return settings.get("mfa_serial") if mine else None


def _caller_arn(setting: Setting, accounts: Foreteller) -> str | None:
    """The ARN of whoever takes the role; it must be who the sentence is about. Raises CannotProve, NoSide."""
    to, caller = setting.to, setting.caller
    state = accounts.state(to.account) if accounts.knows(to.account) else None
    if caller is None:
        if to.kind in ("user", "role"):
            return to.trusted
        members = [] if state is None else [one for one in state.users.values() if to.short_name in one.groups]
        return members[0].arn if to.kind == "group" and members else None
    arn = caller.identity["Arn"]
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    name = rest.partition("/")[0] if kind == "assumed-role" else rest.rpartition("/")[2]
    fits = (
        caller.account == to.account
        and {
            "user": kind == "user" and name == to.short_name,
            "role": kind == "assumed-role" and name == to.short_name,
            "group": kind == "user",
            "account": kind in ("user", "assumed-role"),
        }[to.kind]
    )
    if fits and to.kind == "group" and state is not None:
        fits = name in state.users and to.short_name in state.users[name].groups
    if not fits:
        what = {"group": "a member of the group"}.get(to.kind, f"the {to.kind}")
        raise CannotProve(
            f"the profile {caller.profile!r} is {arn}, not {what} {to}: name a profile of it with --as (`as` in a file)"
        )
    return arn


def _end(text: str) -> datetime:
    """The end of a link, which may be over already. Raises InvalidLink."""
    return (
        moment_of(text, datetime(1970, 1, 1, tzinfo=UTC)) if text[:4].isdigit() else moment_of(text, datetime.now(UTC))
    )


def _conditions(trust: Json) -> Iterator[Json]:
    statements = trust["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow":
            yield statement.get("Condition", {})


def _first(conditions: list[Json], operator: str, key: str) -> tuple[str, ...]:
    """The values of the first condition of this operator and key; empty where there is none."""
    for condition in conditions:
        found: Any = condition.get(operator, {}).get(key)
        if found is not None:
            return tuple(str(one) for one in (found if isinstance(found, list) else [found]))
    return ()
