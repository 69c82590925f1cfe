"""Looking at profiles, roles, callers and buckets, and applying the rules to what was seen. Nothing is changed.

A call that is refused leaves its facts out and is told as not checked, with the permission it needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from isthmus.policy import MalformedPolicy, PolicyDocument

from ..account_state import AccountState, account_block, error_code, read_account, region_in
from ..arns import ROLE
from ..asked import REFUSED
from ..operation_actions import permission_of
from ..profile_lines import ConfiguredProfile, configured_profiles
from ..profiles import NoSide, Side
from ..steps import patiently, unless
from .bucket_rules import BucketFacts, BucketKey
from .caller_rules import CallerFacts
from .finding import RULES, SEVERITIES, NotChecked, Report
from .policy_rules import PolicyFacts
from .profile_rules import ProfileFacts, wants_mfa

T = TypeVar("T")
Progress = Callable[[str, int, int], None]


class NotThere(ValueError):
    """Something that was to be looked at is not there; the message says what."""


@dataclass(frozen=True)
class Scope:
    """What is looked at.

    owner: the side whose roles and buckets are; other: the side whose users and roles call them; None for neither.
    profiles, buckets, roles: names; empty for all. rules: ids; those that are applied. objects: of each bucket, how
    many are asked for their owner. offline: whether profiles are read only, and no server asked.
    """

    owner: Side | None = None
    other: Side | None = None
    profiles: Sequence[str] = ()
    buckets: Sequence[str] = ()
    roles: Sequence[str] = ()
    rules: frozenset[str] = frozenset(RULES)
    objects: int = 1000
    offline: bool = False
    side: Callable[[str], Side] = field(default=Side)


def examine(scope: Scope, progress: Progress = lambda _what, _done, _total: None) -> Report:
    """What is found. Raises NotThere for a role or bucket that is named and is not there, NoSide for an owner or other
    that does not work, and OSError for files that do not open."""
    return _Examination(scope, progress).run()


class _Examination:
    def __init__(self, scope: Scope, progress: Progress) -> None:
        self._scope = scope
        self._progress = progress
        self._report = Report()
        self._states: dict[str, AccountState | None] = {}

    def run(self) -> Report:
        self._profiles()
        # Naming a role leaves the buckets out, naming a bucket the roles; naming neither looks at all.
        named_role, named_bucket = bool(self._scope.roles), bool(self._scope.buckets)
        if self._scope.owner is not None and (named_role or not named_bucket):
            self._policies(self._scope.owner)
        if self._scope.owner is not None and (named_bucket or not named_role):
            self._buckets(self._scope.owner)
        if named_role or not named_bucket:
            self._callers()
        order = {severity: at for at, severity in enumerate(SEVERITIES)}
        self._report.findings.sort(key=lambda one: (order[one.severity], one.rule, str(one.place)))
        return self._report

    def _wanted(self, about: str) -> list[str]:
        return [one.id for one in RULES.values() if one.about == about and one.id in self._scope.rules]

    def _apply(self, rules: Iterable[str], facts: Any) -> None:
        for name in rules:
            self._report.findings.extend(RULES[name].apply(facts))

    def _not_checked(self, rules: Iterable[str], about: str, needs: str) -> None:
        wanted = tuple(name for name in rules if name in self._scope.rules)
        if wanted:
            self._report.not_checked.append(NotChecked(wanted, about, needs))

    def _look(
        self, rules: Sequence[str], about: str, side: Side, call: tuple[str, str], ask: Callable[[], T]
    ) -> T | None:
        """The answer of one call; None where it is refused. call: service and operation."""
        if not any(name in self._scope.rules for name in rules):
            return None
        try:
            return patiently(ask)
        except ClientError as error:
            if error_code(error) in REFUSED:
                self._not_checked(rules, about, f"{permission_of(*call)} in account {side.account}")
            else:
                self._not_checked(rules, about, f"an answer to {call[1]} other than: {error}")
        except (BotoCoreError, MalformedPolicy) as error:
            self._not_checked(rules, about, f"an answer to {call[1]} other than: {error}")
        return None

    # Profiles

    def _profiles(self) -> None:
        rules = self._wanted("profiles")
        everybody = configured_profiles()
        missing = [name for name in self._scope.profiles if name not in everybody]
        if missing:
            raise NoSide(f"there is no AWS profile {missing[0]!r}: `aws configure list-profiles` tells all")
        chosen = [one for name, one in everybody.items() if not self._scope.profiles or name in self._scope.profiles]
        if not rules:
            return
        asked: set[str] = set()
        for number, profile in enumerate(chosen):
            self._progress("profiles", number, len(chosen))
            trust = self._trust_of(profile)
            problem, skew = self._ask(profile, asked)
            device = self._device(profile, everybody, trust)
            self._apply(rules, ProfileFacts(profile, everybody, os.environ, trust, device, skew, problem))
        self._report.looked_at["profiles"] = len(chosen)

    def _trust_of(self, profile: ConfiguredProfile) -> PolicyDocument | None:
        rules = [name for name in self._wanted("profiles") if name in _FROM_TRUST]
        found = ROLE.match(profile.value("role_arn") or "")
        if found is None or not rules:
            return None
        about = f"profile {profile.name}"
        side = next((one for one in (self._scope.owner, self._scope.other) if one and one.account == found[1]), None)
        if side is None:
            self._not_checked(rules, about, f"a profile of account {found[1]}, whose role it takes: --owner PROFILE")
            return None
        state = self._state(side, rules)
        if state is None:
            return None
        role = state.roles.get(found[2])
        if role is None:
            self._not_checked(rules, about, f"a role {found[0]}, which account {found[1]} does not have")
            return None
        return role.trust

    def _device(
        self, profile: ConfiguredProfile, everybody: Mapping[str, ConfiguredProfile], trust: PolicyDocument | None
    ) -> str | None:
        """An MFA device of whoever takes the role, where a command shall name one."""
        source = everybody.get(profile.value("source_profile") or "")
        wanted = trust is not None and wants_mfa(trust) and profile.value("mfa_serial") is None
        # Other kinds of credentials may ask for a code, open a browser or run a program.
        if not wanted or self._scope.offline or source is None or source.value("aws_access_key_id") is None:
            return None
        iam = self._scope.side(source.name).client("iam")
        try:
            devices = patiently(iam.list_mfa_devices)["MFADevices"]
        except (ClientError, BotoCoreError):  # then the command has a gap to be filled in
            return None
        return str(devices[0]["SerialNumber"]) if devices else None

    def _ask(self, profile: ConfiguredProfile, asked: set[str]) -> tuple[str | None, float | None]:
        """Why its keys are of no use, and the skew of the clock, which is asked of each server once."""
        rules = [name for name in self._wanted("profiles") if name in _FROM_SERVER]
        # Other kinds of credentials may ask for a code, open a browser or run a program.
        if self._scope.offline or not rules or profile.value("aws_access_key_id") is None:
            return None, None
        side = self._scope.side(profile.name)
        server = side.endpoint or "AWS"
        try:
            answer = side.client("sts").get_caller_identity()
            problem = None
        except ClientError as error:
            answer, problem = error.response, str(error)
        except (BotoCoreError, NoSide) as error:
            return str(error), None
        if server in asked:
            return problem, None
        asked.add(server)
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date is None:
            self._not_checked(["clock-skew"], f"profile {profile.name}", "a server that says what time it is")
            return problem, None
        return problem, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()

    # Accounts

    def _state(self, side: Side, rules: Sequence[str]) -> AccountState | None:
        """All identities of an account, read once."""
        if side.account not in self._states:
            call = ("iam", "GetAccountAuthorizationDetails")
            about = f"account {side.account}"
            self._states[side.account] = self._look(rules, about, side, call, lambda: read_account(side))
        elif self._states[side.account] is None:
            needs = f"iam:GetAccountAuthorizationDetails in account {side.account}"
            self._not_checked(rules, f"account {side.account}", needs)
        return self._states[side.account]

    def _known(self) -> frozenset[str]:
        return frozenset(one.account for one in (self._scope.owner, self._scope.other) if one is not None)

    def _policies(self, owner: Side) -> None:
        rules = self._wanted("policies")
        state = self._state(owner, rules) if rules else None
        if state is None:
            return
        roles = [
            one
            for name, one in state.roles.items()
            if (not self._scope.roles or name in self._scope.roles) and "/aws-service-role/" not in one.arn
        ]
        for name in self._scope.roles:
            if name not in state.roles:
                raise NotThere(f"account {owner.account} has no role {name!r}")
        for number, role in enumerate(roles):
            self._progress("roles", number, len(roles))
            if role.trust is not None:
                self._apply(rules, PolicyFacts("trust", role.arn, owner.account, role.trust, self._known()))
        done: set[tuple[str, str]] = set()
        for identity in roles if self._scope.roles else state.identities:
            for policy in identity.policies.identity:
                arn = policy.arn or policy.holder
                if (arn, policy.name) in done or arn.startswith("arn:aws:iam::aws:"):
                    continue
                done.add((arn, policy.name))
                self._apply(
                    rules, PolicyFacts("identity", arn, owner.account, policy.document, self._known(), policy.name)
                )
        self._report.looked_at["roles"] = len(roles)

    def _callers(self) -> None:
        rules = self._wanted("callers")
        if not rules:
            return
        owner, other = self._scope.owner, self._scope.other
        if owner is None or other is None:
            lacking = " and ".join(
                text for side, text in ((owner, "--owner PROFILE"), (other, "--with PROFILE")) if side is None
            )
            self._not_checked(rules, "who may take whose roles", f"a profile of either account: {lacking}")
            return
        if owner.account == other.account:
            self._not_checked(rules, "who may take whose roles", "two accounts: --owner and --with are of the same")
            return
        self._progress("callers", 0, 1)
        callers, roles = self._state(other, rules), self._state(owner, rules)
        if callers is not None and roles is not None:
            self._apply(rules, CallerFacts(callers, roles, frozenset(self._scope.roles)))
            self._report.looked_at["callers"] = len(callers.users) + len(callers.roles)

    # Buckets

    def _buckets(self, owner: Side) -> None:
        rules, of_policies = self._wanted("buckets"), self._wanted("policies")
        if not rules and not of_policies:
            return
        s3 = owner.client("s3")
        both = [*rules, *of_policies]
        listed = self._look(both, f"account {owner.account}", owner, ("s3", "ListBuckets"), s3.list_buckets)
        names = list(self._scope.buckets) or [one["Name"] for one in (listed or {}).get("Buckets", ())]
        mine = (listed or {}).get("Owner", {}).get("ID")
        block = self._account_block(owner) if names else None
        for number, name in enumerate(names):
            self._progress("buckets", number, len(names))
            facts = self._bucket(owner, name, mine, block)
            self._apply(rules, facts)
            if facts.policy is not None:
                self._apply(of_policies, PolicyFacts("bucket", facts.arn, owner.account, facts.policy, self._known()))
            if facts.key is not None and facts.key.policy is not None:
                self._apply(
                    of_policies, PolicyFacts("key", facts.key.arn, owner.account, facts.key.policy, self._known())
                )
        self._report.looked_at["buckets"] = len(names)

    def _account_block(self, owner: Side) -> Any:
        """Block Public Access of the whole account; None where it has none, or was not read."""
        return self._look(
            ["bucket-policy-blocked", "bucket-public"], f"account {owner.account}", owner,
            ("s3", "GetAccountPublicAccessBlock"),
            lambda: account_block(owner),
        )  # fmt: skip

    def _bucket(self, owner: Side, name: str, mine: str | None, of_account: Any) -> BucketFacts:
        about = f"bucket {name}"
        located = self._look(
            ["bucket-region-differs"], about, owner, ("s3", "GetBucketLocation"),
            lambda: unless("NoSuchBucket", lambda: owner.client("s3").get_bucket_location(Bucket=name)) or {},
        )  # fmt: skip
        if located == {} and name in self._scope.buckets:
            raise NotThere(f"there is no bucket {name!r}")
        region = None if located is None else region_in(located)
        s3 = owner.client("s3", region)
        of_policy = ["bucket-policy-blocked", "bucket-public", "bucket-key-not-shared", *self._wanted("policies")]
        policy = self._look(
            of_policy, about, owner, ("s3", "GetBucketPolicy"),
            lambda: unless("NoSuchBucketPolicy", lambda: s3.get_bucket_policy(Bucket=name)),
        )  # fmt: skip
        block = self._look(
            ["bucket-policy-blocked", "bucket-public"], about, owner, ("s3", "GetPublicAccessBlock"),
            lambda: unless("NoSuchPublicAccessBlockConfiguration", lambda: s3.get_public_access_block(Bucket=name)),
        )  # fmt: skip
        foreign, looked = self._foreign_objects(owner, s3, name, mine)
        blocked_by = [
            whose
            for whose, one in (("account", of_account), ("bucket", block))
            if (one or {}).get("PublicAccessBlockConfiguration", {}).get("RestrictPublicBuckets")
        ]
        document = None if policy is None else PolicyDocument.parse(policy["Policy"])
        key = self._key(owner, s3, name, region) if document is not None else None
        return BucketFacts(
            name, owner.account, region, document, bool(blocked_by), " and the ".join(blocked_by), key, foreign,
            looked, owner.session.region_name, owner.profile,
        )  # fmt: skip

    def _foreign_objects(self, owner: Side, s3: Any, name: str, mine: str | None) -> tuple[dict[str, str], int]:
        """Objects that others own among the first ones, and how many those are."""
        rules, about = ["bucket-objects-of-others"], f"bucket {name}"
        controls = self._look(
            rules, about, owner, ("s3", "GetBucketOwnershipControls"),
            lambda: unless("OwnershipControlsNotFoundError", lambda: s3.get_bucket_ownership_controls(Bucket=name))
            or {"OwnershipControls": {"Rules": []}},
        )  # fmt: skip
        if controls is None or mine is None or self._scope.objects < 1:
            return {}, 0
        if any(one["ObjectOwnership"] == "BucketOwnerEnforced" for one in controls["OwnershipControls"]["Rules"]):
            return {}, 0

        def objects() -> list[Any]:
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=name, FetchOwner=True, PaginationConfig={"MaxItems": self._scope.objects}
            )
            return [one for page in pages for one in page.get("Contents", ())]

        found = self._look(rules, about, owner, ("s3", "ListObjectsV2"), objects) or []
        foreign = {one["Key"]: one["Owner"]["ID"] for one in found if one.get("Owner", {}).get("ID", mine) != mine}
        return foreign, len(found)

    def _key(self, owner: Side, s3: Any, name: str, region: str | None) -> BucketKey | None:
        rules, about = ["bucket-key-not-shared", *self._wanted("policies")], f"bucket {name}"
        answer = self._look(
            rules, about, owner, ("s3", "GetBucketEncryption"),
            lambda: unless("ServerSideEncryptionConfigurationNotFoundError",
                           lambda: s3.get_bucket_encryption(Bucket=name)),
        )  # fmt: skip
        configured = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
        defaults = (one.get("ApplyServerSideEncryptionByDefault", {}) for one in configured)
        default = next((one for one in defaults if one.get("SSEAlgorithm", "").startswith("aws:kms")), None)
        if default is None:
            return None
        kms, wanted = owner.client("kms", region), default.get("KMSMasterKeyID", "alias/aws/s3")
        described = self._look(rules, about, owner, ("kms", "DescribeKey"), lambda: kms.describe_key(KeyId=wanted))
        if described is None:
            return None
        arn = described["KeyMetadata"]["Arn"]
        if described["KeyMetadata"].get("KeyManager") == "AWS":
            return BucketKey(arn, True, None)
        policy = self._look(
            rules, f"key {arn}", owner, ("kms", "GetKeyPolicy"),
            lambda: PolicyDocument.parse(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]),
        )  # fmt: skip
        return BucketKey(arn, False, policy)


_FROM_TRUST = ("profile-mfa-serial-missing", "profile-external-id-missing")
_FROM_SERVER = ("profile-unusable", "clock-skew")
