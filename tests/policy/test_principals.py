"""Whom a Principal element names, and how directly (IAM User Guide, "AWS JSON policy elements: Principal")."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generators import (
    ALICE,
    CANONICAL_HOME,
    CANONICAL_OTHER,
    IDS,
    MALLORY,
    MALLORY_ID,
    PROVIDER,
    READER,
    RECREATED,
    STRANGER,
    STRANGER_ID,
)
from policy_builders import (
    HOME,
    OTHER,
    ROLE_ID,
    USER_ID,
    document,
    federated_user,
    role_session,
    root,
    service,
    user,
    web_identity,
)

from isthmus.policy import Principal
from isthmus.policy.principals import ACCOUNT, DIRECT, ENTITY, NONE, Naming, account_named

HOME_ROOT, OTHER_ROOT = f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{OTHER}:root"
NIGHTLY, GUEST = role_session().arn, federated_user().arn
LOGGING = service().entity_id
ANONYMOUS = Principal.anonymous()


def naming(principal: Principal, effect: str = "Allow", bounded: bool = False, **element: Any) -> Naming:
    """How a statement with this Principal or NotPrincipal names the requester."""
    (statement,) = document({"Effect": effect, "Action": "*", "Resource": "*", **element}).compiled
    return statement.names(principal, IDS, bounded)


@pytest.mark.parametrize(
    ("principal", "named", "expected"),
    [
        (user(), ALICE, DIRECT),
        (user(), USER_ID, DIRECT),
        (user(), HOME, ACCOUNT),
        (user(), HOME_ROOT, ACCOUNT),
        (user(), f"arn:aws-cn:iam::{HOME}:root", ACCOUNT),
        (user(), OTHER, NONE),
        (user(), OTHER_ROOT, NONE),
        (user(), MALLORY, NONE),
        (user(), READER, NONE),
        (user(), [HOME, ALICE], DIRECT),
        (user(), [ALICE, HOME], DIRECT),
        (user(), [OTHER, HOME], ACCOUNT),
        (user(), f"arn:aws:iam::{HOME}:user/*", NONE),
        (user(), "*", DIRECT),
        (user(name="recreated", unique_id="AIDAEXAMPLENEWONE1234"), RECREATED, NONE),
        (user(name="recreated", unique_id=IDS[RECREATED]), RECREATED, DIRECT),
        (user(name="unknown", unique_id="AIDAEXAMPLEUNKNOWN123"), f"arn:aws:iam::{HOME}:user/unknown", NONE),
        (role_session(), NIGHTLY, DIRECT),
        (role_session(), READER, ENTITY),
        (role_session(), ROLE_ID, ENTITY),
        (role_session(), [READER, NIGHTLY], DIRECT),
        (role_session(), [HOME, READER], ENTITY),
        (role_session(), HOME, ACCOUNT),
        (role_session(), NIGHTLY + "x", NONE),
        (role_session(), STRANGER, NONE),
        (role_session(), "*", DIRECT),
        (role_session(OTHER, STRANGER_ID), STRANGER, ENTITY),
        (role_session(OTHER, STRANGER_ID), OTHER, ACCOUNT),
        (role_session(unique_id="AROAEXAMPLENEWONE1234"), READER, NONE),
        (federated_user(), GUEST, DIRECT),
        (federated_user(), ALICE, ENTITY),
        (federated_user(), HOME, ACCOUNT),
        (federated_user(), "*", ENTITY),
        (root(), HOME_ROOT, DIRECT),
        (root(), HOME, DIRECT),
        (root(), OTHER, NONE),
        (root(), ALICE, NONE),
        (root(), "*", DIRECT),
        (root(OTHER), OTHER, DIRECT),
        (user(OTHER, "mallory", MALLORY_ID), MALLORY, DIRECT),
        (service(), "*", DIRECT),
        (service(), LOGGING, NONE),
        (web_identity(), "*", NONE),
        (web_identity(), PROVIDER, NONE),
        (web_identity(), HOME, NONE),
        (ANONYMOUS, "*", DIRECT),
        (ANONYMOUS, HOME, NONE),
        (ANONYMOUS, "anonymous", NONE),
        (ANONYMOUS, "", NONE),
        (root(), CANONICAL_HOME, NONE),
        (replace(federated_user(), entity_arn=HOME_ROOT, entity_id=HOME), HOME, ACCOUNT),
        (replace(federated_user(), entity_arn=HOME_ROOT, entity_id=HOME), HOME_ROOT, ACCOUNT),
    ],
)
def test_an_arn_names_the_entity_it_meant_an_account_only_itself(
    principal: Principal, named: Any, expected: Naming
) -> None:
    assert naming(principal, Principal={"AWS": named}) is expected


@pytest.mark.parametrize(
    ("principal", "element", "expected"),
    [
        (service(), {"Service": LOGGING}, DIRECT),
        (service(), {"Service": ["s3.amazonaws.com", LOGGING]}, DIRECT),
        (service(), {"Service": "s3.amazonaws.com"}, NONE),
        (service(), {"Service": "*.amazonaws.com"}, NONE),
        (service(), {"Federated": LOGGING}, NONE),
        (user(), {"Service": LOGGING}, NONE),
        (web_identity(), {"Federated": PROVIDER}, DIRECT),
        (web_identity(), {"Federated": ["accounts.google.com", PROVIDER]}, DIRECT),
        (web_identity(), {"Federated": "accounts.google.com"}, NONE),
        (web_identity("accounts.google.com"), {"Federated": "accounts.google.com"}, DIRECT),
        (web_identity(), {"Service": PROVIDER}, NONE),
        (web_identity(), {"AWS": "*", "Federated": PROVIDER}, DIRECT),
        (web_identity(), {"AWS": "*", "Federated": "accounts.google.com"}, NONE),
        (user(), {"CanonicalUser": CANONICAL_HOME}, ACCOUNT),
        (user(), {"CanonicalUser": CANONICAL_OTHER}, NONE),
        (user(), {"CanonicalUser": [CANONICAL_OTHER, CANONICAL_HOME]}, ACCOUNT),
        (root(), {"CanonicalUser": CANONICAL_HOME}, DIRECT),
        (user(), {"CanonicalUser": "c" * 64}, NONE),
        (user(), {"AWS": ALICE, "CanonicalUser": CANONICAL_HOME}, DIRECT),
        (user(), "*", DIRECT),
        (federated_user(), "*", ENTITY),
        (service(), "*", DIRECT),
        (ANONYMOUS, "*", DIRECT),
        (web_identity(), "*", NONE),
    ],
)
def test_services_providers_and_canonical_users_have_kinds_of_their_own(
    principal: Principal, element: Any, expected: Naming
) -> None:
    assert naming(principal, Principal=element) is expected


def test_a_deny_for_everybody_denies_whoever_asks() -> None:
    for principal in (user(), federated_user(), role_session(), root(), service(), web_identity(), ANONYMOUS):
        assert naming(principal, "Deny", Principal="*") is DIRECT
        assert naming(principal, "Deny", Principal={"AWS": "*"}) is DIRECT


def test_a_statement_without_principal_is_about_everybody() -> None:
    for effect in ("Allow", "Deny"):
        assert naming(user(), effect) is DIRECT
        assert naming(ANONYMOUS, effect) is DIRECT


@pytest.mark.parametrize(
    ("principal", "listed", "denied"),
    [
        (user(), {"AWS": [ALICE, HOME]}, False),
        (user(), {"AWS": [ALICE, HOME_ROOT]}, False),
        (user(), {"AWS": ALICE}, True),
        (user(), {"AWS": HOME}, True),
        (user(), {"AWS": [MALLORY, HOME]}, True),
        (user(), {"AWS": [ALICE, OTHER]}, True),
        (user(), {"AWS": ALICE, "CanonicalUser": CANONICAL_HOME}, False),
        (user(), {"AWS": "*"}, False),
        (role_session(), {"AWS": [NIGHTLY, READER, HOME]}, False),
        (role_session(), {"AWS": [READER, HOME]}, True),
        (role_session(), {"AWS": [NIGHTLY, HOME]}, True),
        (role_session(), {"AWS": [NIGHTLY, READER]}, True),
        (federated_user(), {"AWS": [GUEST, ALICE, HOME]}, False),
        (federated_user(), {"AWS": [GUEST, HOME]}, True),
        (federated_user(), {"AWS": [ALICE, HOME]}, True),
        (root(), {"AWS": HOME}, False),
        (root(), {"AWS": OTHER}, True),
        (root(), {"AWS": ALICE}, True),
        (service(), {"Service": LOGGING}, False),
        (service(), {"Service": "s3.amazonaws.com"}, True),
        (service(), {"AWS": HOME}, True),
        (web_identity(), {"Federated": PROVIDER}, False),
        (web_identity(), {"Federated": "accounts.google.com"}, True),
        (ANONYMOUS, {"AWS": [ALICE, HOME]}, True),
    ],
)
def test_not_principal_denies_who_is_not_listed_in_full(principal: Principal, listed: Any, denied: bool) -> None:
    assert naming(principal, "Deny", NotPrincipal=listed) is (DIRECT if denied else NONE)
    assert naming(principal, "Deny", bounded=True, NotPrincipal=listed) is DIRECT


@pytest.mark.parametrize(
    ("principal", "listed", "expected"),
    [
        (user(), {"AWS": ALICE}, NONE),
        (user(), {"AWS": HOME}, NONE),
        (user(), {"AWS": MALLORY}, DIRECT),
        (user(), {"AWS": OTHER}, DIRECT),
        (user(), {"AWS": "*"}, NONE),
        (role_session(), {"AWS": READER}, NONE),
        (role_session(), {"AWS": ALICE}, DIRECT),
        (federated_user(), {"AWS": ALICE}, NONE),
        (federated_user(), {"AWS": MALLORY}, ENTITY),
        (service(), {"Service": LOGGING}, NONE),
        (service(), {"AWS": ALICE}, DIRECT),
        (web_identity(), {"AWS": ALICE}, NONE),
        (web_identity(), {"Federated": "accounts.google.com"}, NONE),
        (ANONYMOUS, {"AWS": ALICE}, DIRECT),
    ],
)
def test_not_principal_grants_only_to_who_is_not_listed_at_all(
    principal: Principal, listed: Any, expected: Naming
) -> None:
    assert naming(principal, NotPrincipal=listed) is expected
    assert naming(principal, bounded=True, NotPrincipal=listed) is expected


def test_a_session_is_named_by_its_own_arn_whatever_ids_are_known() -> None:
    (statement,) = document({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": NIGHTLY}}).compiled
    assert statement.names(role_session(), {NIGHTLY: "AROAEXAMPLEOTHER12345"}, False) is DIRECT
    weekly = replace(role_session(), arn=NIGHTLY.replace("nightly", "weekly"))
    assert statement.names(weekly, {NIGHTLY: ROLE_ID}, False) is ENTITY


@pytest.mark.parametrize(
    ("name", "account"),
    [
        (HOME, HOME),
        (HOME_ROOT, HOME),
        (f"arn:aws-us-gov:iam::{HOME}:root", HOME),
        (HOME[:-1], None),
        (HOME + "1", None),
        ("11112222333x", None),
        (ALICE, None),
        (f"arn:aws:sts::{HOME}:root", None),
        (f"arn:aws:iam::{HOME[:-1]}:root", None),
        (f"arn:aws:iam:{HOME}:root", None),
        (f"arn:aws:iam::{HOME}:user:root", None),
        (f"iam:aws:iam::{HOME}:root", None),
        (f"arn:aws:iam::{HOME}:rootless", None),
        ("*", None),
        ("", None),
    ],
)
def test_an_account_is_twelve_digits_or_its_root(name: str, account: str | None) -> None:
    assert account_named(name) == account
