"""What temporary credentials cannot call whatever policies say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from isthmus.identity import Session
from isthmus.operation.credentials import refuse_unfit_credentials
from isthmus.policy import Principal
from isthmus.wire import AwsError


def _call(kind: str | None, service: str, name: str, mfa_at: float | None = None) -> Any:
    session = None
    if kind is not None:
        session = Session("ASIAIOSFODNN7EXAMPLE", kind, Principal.anonymous(), 0.0, 1.0, mfa_at=mfa_at)
    return SimpleNamespace(
        caller=SimpleNamespace(session=session), operation=SimpleNamespace(service=service, name=name)
    )


@pytest.mark.parametrize(
    ("kind", "service", "name", "mfa_at"),
    [
        (None, "iam", "ListUsers", None),
        (None, "sts", "GetSessionToken", None),
        ("AssumeRole", "iam", "ListUsers", None),
        ("AssumeRole", "sts", "DecodeAuthorizationMessage", None),
        ("AssumeRole", "sts", "AssumeRole", None),
        ("GetSessionToken", "iam", "ListUsers", 0.0),
        ("GetSessionToken", "sts", "AssumeRole", None),
        ("GetSessionToken", "sts", "GetCallerIdentity", None),
        ("GetSessionToken", "s3", "GetObject", None),
        ("GetFederationToken", "sts", "GetCallerIdentity", None),
        ("GetFederationToken", "s3", "GetObject", None),
    ],
)
def test_these_are_open(kind: str | None, service: str, name: str, mfa_at: float | None) -> None:
    refuse_unfit_credentials(_call(kind, service, name, mfa_at))


@pytest.mark.parametrize(
    ("kind", "service", "name", "code"),
    [
        ("GetSessionToken", "iam", "ListUsers", "InvalidClientTokenId"),
        ("GetFederationToken", "iam", "ListUsers", "InvalidClientTokenId"),
        ("GetSessionToken", "sts", "GetSessionToken", "AccessDenied"),
        ("GetSessionToken", "sts", "GetFederationToken", "AccessDenied"),
        ("GetSessionToken", "sts", "DecodeAuthorizationMessage", "AccessDenied"),
        ("GetFederationToken", "sts", "AssumeRole", "AccessDenied"),
        ("GetFederationToken", "sts", "GetSessionToken", "AccessDenied"),
        ("AssumeRole", "sts", "GetSessionToken", "AccessDenied"),
        ("AssumeRole", "sts", "GetFederationToken", "AccessDenied"),
    ],
)
def test_these_are_closed(kind: str, service: str, name: str, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        refuse_unfit_credentials(_call(kind, service, name))
    assert refused.value.code == code
    assert refused.value.status == 403
