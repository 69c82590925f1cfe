"""Every rule of `isthmus doctor`: what it finds, and beside it what it does not find."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isthmus.access.account_state import AccountState, Identity
from isthmus.access.doctor import RULES, SEVERITIES, Finding
from isthmus.access.doctor.bucket_rules import BucketFacts, BucketKey
from isthmus.access.doctor.caller_rules import CallerFacts
from isthmus.access.doctor.policy_rules import PolicyFacts
from isthmus.access.doctor.profile_rules import ProfileFacts
from isthmus.access.profile_lines import read_profiles
from isthmus.policy import (
    NamedPolicy,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    check_bucket_policy,
    check_identity_policy,
    check_key_policy,
    check_trust_policy,
)

OWNER, PARTNER = "111122223333", "444455556666"
READER = f"arn:aws:iam::{OWNER}:role/Reader"
ALICE = f"arn:aws:iam::{PARTNER}:user/alice"
GONE = "AROAIOSFODNN7EXAMPLE1"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/0b1c2d3e-0000-4000-8000-000000000000"

# Facts are made in the folder of the test, since profiles stand in files.
Make = Callable[[Path], Any]


def document(*statements: dict[str, Any]) -> PolicyDocument:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)
    return PolicyDocument.parse(text)


# Profiles

CONFIG = """[profile alice]
region = eu-west-1
endpoint_url = http://127.0.0.1:9000

[profile shared]
role_arn = arn:aws:iam::111122223333:role/Reader
source_profile = alice
"""
COMPLETE = (
    CONFIG
    + f"region = eu-west-1\nendpoint_url = http://127.0.0.1:9000\nmfa_serial = arn:aws:iam::{PARTNER}:mfa/alice\n"
    "external_id = agreed\n"
)


def profile(config: str, name: str = "shared", **more: Any) -> Make:
    def make(folder: Path) -> ProfileFacts:
        file = folder / "config"
        file.write_text(config)
        profiles = {one.name: one for one in read_profiles(file, prefixed=True)}
        return ProfileFacts(profiles[name], profiles, **more)

    return make


def credentials(mode: int) -> Make:
    def make(folder: Path) -> ProfileFacts:
        file = folder / "credentials"
        file.write_text("[alice]\naws_access_key_id = AKIA\naws_secret_access_key = hidden\n")
        file.chmod(mode)
        (found,) = read_profiles(file, prefixed=False)
        assert found.value("aws_secret_access_key") == ""
        return ProfileFacts(found, {"alice": found})

    return make


def trusting(
    principal: Any = ALICE, operator: str = "", key: str = "", value: str = "true", **more: Any
) -> PolicyDocument:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole", **more}
    if operator:
        statement["Condition"] = {operator: {key: value}}
    return document(statement)


MFA = "aws:MultiFactorAuthPresent"
WANTS_MFA, WANTS_ID = trusting(operator="Bool", key=MFA), trusting(operator="StringEquals", key="sts:ExternalId")


# Policies


def trust(policy: PolicyDocument, **more: Any) -> Make:
    return lambda _folder: PolicyFacts("trust", READER, OWNER, policy, **more)


def bucket_policy(*statements: dict[str, Any]) -> Make:
    return lambda _folder: PolicyFacts("bucket", "arn:aws:s3:::reports", OWNER, document(*statements))


def denying(operator: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/*",
            "Condition": {operator: {MFA: "false"}}}  # fmt: skip


# Callers


def user(arn: str, *statements: dict[str, Any]) -> Identity:
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    policies = (NamedPolicy(document(*statements), "p0", None, arn),) if statements else ()
    principal = Principal(PrincipalKind.USER, account, arn, arn, f"AIDA{name.upper()}")
    return Identity(principal, PrincipalPolicies(policies), {})


def callers(policy: PolicyDocument, *statements: dict[str, Any], only: frozenset[str] = frozenset()) -> Make:
    """Alice of the partner with these statements, and a role Reader of the owner with that trust policy."""
    alice = user(ALICE, *statements)
    principal = Principal(PrincipalKind.ROLE_SESSION, OWNER, READER, READER, "AROAREADER")
    role = Identity(principal, PrincipalPolicies(), {}, trust=policy)
    partner, owner = AccountState(PARTNER, {"alice": alice}), AccountState(OWNER, {}, {"Reader": role})
    return lambda _folder: CallerFacts(partner, owner, only)


def assuming(arn: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}


# Buckets

SHARED = {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::reports/*"}  # fmt: skip
PUBLIC = {**SHARED, "Sid": "Everybody", "Principal": "*"}
OWN = {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWNER}:root"}, "Action": "kms:*",
       "Resource": "*"}  # fmt: skip


def bucket(*statements: dict[str, Any], **more: Any) -> Make:
    policy = document(*statements) if statements else None
    return lambda _folder: BucketFacts("reports", OWNER, "us-east-1", policy, **more)


def key(*statements: dict[str, Any], managed: bool = False) -> BucketKey:
    return BucketKey(KEY, managed, None if managed else document(OWN, *statements))


def decrypting(principal: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:Decrypt", "Resource": "*"}


# Of each rule: facts in which it finds something, and facts in which it does not.
CASES: dict[str, tuple[list[Make], list[Make]]] = {
    "profile-endpoint-on-source-only": (
        [profile(CONFIG)],
        [
            profile(COMPLETE), profile(CONFIG, "alice"),
            profile(CONFIG, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}),
            profile(CONFIG.replace("endpoint_url = http://127.0.0.1:9000\n", "")),
        ],
    ),
    "profile-mfa-serial-missing": (
        [profile(CONFIG, trust=WANTS_MFA)],
        [
            profile(COMPLETE, trust=WANTS_MFA), profile(CONFIG, trust=trusting()), profile(CONFIG),
            profile(CONFIG, trust=trusting(operator="BoolIfExists", key=MFA)),
            profile(CONFIG, trust=trusting(operator="Bool", key=MFA, value="false")),
        ],
    ),
    "profile-external-id-missing": (
        [profile(CONFIG, trust=WANTS_ID)],
        [profile(COMPLETE, trust=WANTS_ID), profile(CONFIG, trust=trusting()), profile(CONFIG),
         profile(CONFIG, trust=trusting(operator="StringNotEquals", key="sts:ExternalId", value="stolen"))],
    ),
    "profile-region-missing": (
        [profile(CONFIG), profile("[default]\noutput = json\n", "default")],
        [profile(COMPLETE), profile(CONFIG, environment={"AWS_REGION": "eu-west-1"}),
         profile(CONFIG + "Region = eu-west-1\n")],
    ),
    "profile-region-differs": (
        [profile(COMPLETE.replace("mfa_serial", "region = us-east-1\nmfa_serial"))],
        [profile(COMPLETE), profile(CONFIG), profile(CONFIG, "alice")],
    ),
    "profile-source-missing": (
        [profile(CONFIG.replace("source_profile = alice", "source_profile = bob"))], [profile(CONFIG)],
    ),
    "profile-role-without-source": (
        [profile(CONFIG.replace("source_profile = alice\n", ""))],
        [profile(CONFIG), profile(CONFIG.replace("source_profile = alice", "credential_source = Environment"))],
    ),
    "profile-unusable": ([profile(CONFIG, problem="the key is not known")], [profile(CONFIG)]),
    "clock-skew": (
        [profile(CONFIG, skew=3600.0), profile(CONFIG, skew=-3600.0), profile(CONFIG, skew=120.0)],
        [profile(CONFIG), profile(CONFIG, skew=3.0), profile(CONFIG, skew=-60.0)],
    ),
    "credentials-readable-by-others": ([credentials(0o644), credentials(0o640)], [credentials(0o600)]),
    "trust-no-external-id": (
        [
            trust(trusting(PARTNER)), trust(trusting(f"arn:aws:iam::{PARTNER}:root")),
            trust(trusting(PARTNER, "Bool", MFA)),
        ],
        [
            trust(trusting(PARTNER, "StringEquals", "sts:ExternalId", "agreed")), trust(trusting(OWNER)),
            trust(trusting(ALICE)), bucket_policy(SHARED),
        ],
    ),
    "mfa-if-exists": (
        [trust(trusting(operator="BoolIfExists", key=MFA)),
         trust(trusting(operator="NumericLessThanIfExists", key="aws:MultiFactorAuthAge", value="60"))],
        [trust(WANTS_MFA), trust(trusting()), bucket_policy(denying("BoolIfExists"))],
    ),
    "mfa-deny-misses-keys": (
        [bucket_policy(denying("Bool"))], [bucket_policy(denying("BoolIfExists")), trust(WANTS_MFA)],
    ),
    "principal-deleted": (
        [trust(trusting(GONE)), trust(trusting({"AWS": [GONE, ALICE]})),
         bucket_policy({**SHARED, "Principal": {"AWS": "AIDAIOSFODNN7EXAMPLE1"}})],
        [trust(trusting()), bucket_policy(SHARED), bucket_policy(PUBLIC)],
    ),
    "trust-wildcard-principal": (
        [trust(trusting("*")), trust(trusting("*", "StringEquals", "sts:ExternalId", "agreed"))],
        [trust(trusting("*", "StringEquals", "aws:PrincipalOrgID", "o-exampleorgid")), trust(trusting(PARTNER)),
         bucket_policy(PUBLIC)],
    ),
    "caller-not-trusted": (
        [callers(trusting(f"arn:aws:iam::{PARTNER}:user/bob"), assuming(READER)),
         callers(trusting(OWNER), assuming(READER))],
        [callers(trusting(), assuming(READER)), callers(trusting(OWNER), assuming("*")), callers(trusting(OWNER)),
         callers(WANTS_MFA, assuming(READER)), callers(trusting(OWNER), assuming(READER), only=frozenset({"Other"}))],
    ),
    "caller-role-missing": (
        [callers(trusting(), assuming(f"arn:aws:iam::{OWNER}:role/Writer")),
         callers(trusting(), assuming(f"arn:aws:iam::{OWNER}:role/team/Reader"))],
        [callers(trusting(), assuming(READER)), callers(trusting(), assuming("arn:aws:iam::777788889999:role/Writer")),
         callers(trusting(), assuming(f"arn:aws:iam::{OWNER}:role/*"))],
    ),
    "trusted-not-allowed": (
        [callers(trusting()), callers(trusting(PARTNER)), callers(trusting(), assuming(READER + "s")),
         callers(trusting(), assuming(READER), {**assuming(READER), "Effect": "Deny"})],
        [callers(trusting(), assuming(READER)), callers(trusting(PARTNER), assuming("*")),
         callers(trusting("arn:aws:iam::777788889999:user/eve"))],
    ),
    "bucket-objects-of-others": (
        [bucket(foreign={"a": "canonical"}, looked_through=2)], [bucket(looked_through=2), bucket()],
    ),
    "bucket-key-not-shared": (
        [bucket(SHARED, key=key()), bucket(SHARED, key=key(managed=True)),
         bucket({**SHARED, "Principal": {"AWS": PARTNER}}, key=key()),
         bucket(SHARED, key=key(decrypting(f"arn:aws:iam::{PARTNER}:user/bob"))),
         bucket({**SHARED, "Action": "s3:*"}, key=key(decrypting(ALICE))),
         bucket({**SHARED, "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:role/R"}}, key=key())],
        [bucket(SHARED, key=key(decrypting(ALICE))), bucket(SHARED, key=key(decrypting(PARTNER))), bucket(SHARED),
         bucket({**SHARED, "Principal": {"AWS": PARTNER}}, key=key(decrypting(PARTNER))),
         bucket({**SHARED, "Principal": {"AWS": f"arn:aws:iam::{OWNER}:user/a"}}, key=key(managed=True)),
         bucket({**SHARED, "Action": "s3:ListBucket"}, key=key()), bucket(key=key()),
         bucket({**SHARED, "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:role/R"}},
                key=key(decrypting(f"arn:aws:iam::{PARTNER}:role/R")))],
    ),
    "bucket-policy-blocked": (
        [bucket(SHARED, PUBLIC, restricts=True)],
        [bucket(SHARED, restricts=True), bucket(PUBLIC), bucket(restricts=True)],
    ),
    "bucket-public": (
        [bucket(SHARED, PUBLIC)],
        [bucket(PUBLIC, restricts=True), bucket(SHARED), bucket()],
    ),
    "bucket-region-differs": (
        [bucket(profile_region="eu-west-1")], [bucket(profile_region="us-east-1"), bucket()],
    ),
}  # fmt: skip


def found(rule: str, make: Make, folder: Path) -> list[Finding]:
    return list(RULES[rule].apply(make(folder)))


def cases(which: int) -> list[Any]:
    return [
        pytest.param(rule, make, id=f"{rule}-{number}")
        for rule, sides in CASES.items()
        for number, make in enumerate(sides[which])
    ]


@pytest.mark.parametrize(("rule", "make"), cases(0))
def test_a_mistake_is_found(rule: str, make: Make, tmp_path: Path) -> None:
    findings = found(rule, make, tmp_path)
    assert findings
    for one in findings:
        assert one.rule == rule
        assert one.severity in SEVERITIES
        assert one.place.file is not None or one.place.arn is not None
        assert one.what
        assert one.fix.words or one.fix.command


@pytest.mark.parametrize(("rule", "make"), cases(1))
def test_what_is_no_mistake_is_not_found(rule: str, make: Make, tmp_path: Path) -> None:
    assert found(rule, make, tmp_path) == []


def test_every_rule_has_cases_of_both_kinds() -> None:
    assert set(CASES) == set(RULES)
    assert all(positive and negative for positive, negative in CASES.values())


def test_every_rule_has_a_public_source() -> None:
    assert {one.id for one in RULES.values() if not one.source.startswith("https://docs.aws.amazon.com/")} == set()
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in RULES)


CHECKS: dict[str, Callable[[str], Any]] = {
    "update-assume-role-policy": check_trust_policy,
    "put-bucket-policy": lambda text: check_bucket_policy(text, "reports"),
    "put-key-policy": check_key_policy,
    "put-user-policy": check_identity_policy,
}


@pytest.mark.parametrize(("rule", "make"), cases(0))
def test_a_document_to_paste_can_be_stored_and_is_no_mistake_any_more(rule: str, make: Make, tmp_path: Path) -> None:
    facts = make(tmp_path)
    for one in RULES[rule].apply(facts):
        document_, command = one.fix.document, one.fix.command
        if document_ is None or command is None or "ARN-OF-ITS-SUCCESSOR" in json.dumps(document_):
            continue
        text = json.dumps(document_)
        CHECKS[shlex.split(command)[2]](text)
        if isinstance(facts, PolicyFacts):
            assert list(RULES[rule].apply(replace(facts, document=PolicyDocument.parse(text)))) == []


def test_severity_is_less_where_the_other_account_is_yours_too(tmp_path: Path) -> None:
    (mine,) = found("trust-no-external-id", trust(trusting(PARTNER), known_accounts=frozenset({PARTNER})), tmp_path)
    (other,) = found("trust-no-external-id", trust(trusting(PARTNER)), tmp_path)
    assert (mine.severity, other.severity) == ("note", "warning")


def test_a_small_skew_is_a_warning_and_one_that_is_refused_an_error(tmp_path: Path) -> None:
    severities = [found("clock-skew", profile(CONFIG, skew=skew), tmp_path)[0].severity for skew in (120.0, 901.0)]
    assert severities == ["warning", "error"]


def test_a_finding_of_a_profile_tells_file_and_line_of_the_setting(tmp_path: Path) -> None:
    (one,) = found("profile-endpoint-on-source-only", profile(CONFIG), tmp_path)
    assert str(one.place) == f"{tmp_path / 'config'}:6"
    assert one.fix.command == "aws configure set endpoint_url http://127.0.0.1:9000 --profile shared"


@pytest.mark.parametrize(
    ("rule", "facts", "odd"),
    [
        ("bucket-public", BucketFacts("a $(id)", OWNER, "us-east-1", document(PUBLIC)), "a $(id)"),
        ("bucket-objects-of-others", BucketFacts("a id", OWNER, foreign={"a": "canonical"}, looked_through=1), "a id"),
        ("bucket-region-differs", BucketFacts("reports", OWNER, "eu-west-1", profile_region="us-east-1",
                                              profile="my own"), "my own"),
        ("principal-deleted", PolicyFacts("bucket", "arn:aws:s3:::a id", OWNER, document({**SHARED, "Principal": {
            "AWS": GONE}})), "a id"),
        ("principal-deleted", PolicyFacts("key", KEY + " id", OWNER, document({**OWN, "Principal": {"AWS": GONE}})),
         KEY + " id"),
    ],
)  # fmt: skip
def test_a_name_is_one_word_of_the_command(rule: str, facts: Any, odd: str) -> None:
    (one,) = RULES[rule].apply(facts)
    assert one.fix.command is not None
    assert odd in shlex.split(one.fix.command)


def test_a_finding_of_a_policy_tells_arn_statement_and_line(tmp_path: Path) -> None:
    (one,) = found("bucket-key-not-shared", bucket(SHARED, key=key()), tmp_path)
    assert str(one.place) == "arn:aws:s3:::reports, statement Partner (line 4)"
