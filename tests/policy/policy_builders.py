"""Small builders that read like the policies and principals a user would have."""

from __future__ import annotations

import json
from typing import Any

from isthmus.policy import (
    AuthorizationRequest,
    Decision,
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

HOME, OTHER = "111122223333", "999988887777"
USER_ID, ROLE_ID = "AIDAEXAMPLEALICE12345", "AROAEXAMPLEREADER1234"


def user(account: str = HOME, name: str = "alice", unique_id: str = USER_ID) -> Principal:
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Principal(PrincipalKind.USER, account, arn, arn, unique_id)


def role_session(account: str = HOME, unique_id: str = ROLE_ID) -> Principal:
    return Principal(
        PrincipalKind.ROLE_SESSION,
        account,
        f"arn:aws:sts::{account}:assumed-role/reader/nightly",
        f"arn:aws:iam::{account}:role/jobs/reader",
        unique_id,
        "nightly",
    )


def federated_user(account: str = HOME) -> Principal:
    return Principal(
        PrincipalKind.FEDERATED_USER,
        account,
        f"arn:aws:sts::{account}:federated-user/guest",
        f"arn:aws:iam::{account}:user/alice",
        USER_ID,
        "guest",
    )


def root(account: str = HOME) -> Principal:
    arn = f"arn:aws:iam::{account}:root"
    return Principal(PrincipalKind.ROOT, account, arn, arn, account)


def service(name: str = "logging.s3.amazonaws.com") -> Principal:
    return Principal(PrincipalKind.SERVICE, "", name, "", name)


def web_identity(provider: str = "arn:aws:iam::111122223333:oidc-provider/idp.example.com") -> Principal:
    return Principal(PrincipalKind.WEB_IDENTITY, "", "", "", provider)


def document(*statements: dict[str, Any], version: str | None = "2012-10-17") -> PolicyDocument:
    content: dict[str, Any] = {"Version": version} if version else {}
    return PolicyDocument.parse(json.dumps({**content, "Statement": list(statements)}, indent=2))


def policy(*statements: dict[str, Any], arn: str | None = None, version: str | None = "2012-10-17") -> NamedPolicy:
    return NamedPolicy(document(*statements, version=version), "a-policy", arn)


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def bucket_policy(*statements: dict[str, Any], ids: dict[str, str] | None = None) -> ResourcePolicy:
    known = {
        f"arn:aws:iam::{HOME}:user/alice": USER_ID,
        f"arn:aws:iam::{HOME}:role/jobs/reader": ROLE_ID,
    }
    return ResourcePolicy(document(*statements), known if ids is None else ids)


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> ResourcePolicy:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    ids = {f"arn:aws:iam::{HOME}:user/alice": USER_ID, f"arn:aws:iam::{HOME}:role/jobs/reader": ROLE_ID}
    return ResourcePolicy(document(statement), ids, PolicyType.TRUST, trusts_account=False)


def ask(
    principal: Principal,
    *,
    identity: Any = (),
    boundary: NamedPolicy | None = None,
    session: tuple[NamedPolicy, ...] | None = None,
    scps: tuple[tuple[NamedPolicy, ...], ...] = (),
    resource_policy: ResourcePolicy | None = None,
    owner: str = HOME,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::photos/cat.jpg",
    context: dict[str, Any] | None = None,
    same_organization: bool = False,
    **side: Any,
) -> Decision:
    if isinstance(identity, NamedPolicy):
        identity = (identity,)
    return decide(
        AuthorizationRequest(
            principal,
            action,
            resource,
            ResourceSide(owner, resource_policy, **side),
            PrincipalPolicies(identity, boundary, session, scps),
            context or {},
            same_organization,
        )
    )
