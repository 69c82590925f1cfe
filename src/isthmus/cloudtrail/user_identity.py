"""`userIdentity`: who made a request, as its own account sees it and as other accounts do.

Source: CloudTrail User Guide, "CloudTrail userIdentity element". Another account learns the kind `AWSAccount`, the
unique id and the account of the caller, and neither its name nor its access key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.identity import Session
from isthmus.operation import Call, Caller
from isthmus.policy import ContextValue, Principal, PrincipalKind

from .event import iso_second

_OIDC = "oidc-provider/"


def user_identity(call: Call) -> dict[str, Any]:
    """The caller as its own account sees it; for callers without an account, as anybody does."""
    caller = call.caller
    who, session = caller.principal, caller.session
    if who.kind is PrincipalKind.ANONYMOUS:
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    if who.kind is PrincipalKind.SERVICE:
        return {"type": "AWSService", "invokedBy": who.entity_id}
    if who.kind is PrincipalKind.WEB_IDENTITY:
        return _federated(who, call.resources[-1].context if call.resources else {})
    shown: dict[str, Any] = {
        "type": _TYPES[who.kind],
        "principalId": principal_id(who),
        "arn": who.arn,
        "accountId": who.account,
        "accessKeyId": caller.access_key,
    }
    if who.kind is PrincipalKind.USER:
        shown["userName"] = _name(who.arn)
    if session is not None:
        shown["sessionContext"] = _session_context(who, session)
    if (service := invoked_by(call)) is not None:
        shown["invokedBy"] = service
    return shown


def invoked_by(call: Call) -> str | None:
    """The service that made the request, by itself or for its caller; None where the caller made it."""
    if call.caller.principal.kind is PrincipalKind.SERVICE:
        return call.caller.principal.entity_id
    if call.context.get("aws:viaawsservice") != "true":
        return None
    # Only S3 asks another service for its callers, and says from where: `s3.eu-west-1.amazonaws.com`.
    return f"{str(call.context.get('kms:viaservice', '')).partition('.')[0]}.amazonaws.com"


def foreign_identity(caller: Caller) -> dict[str, Any]:
    """The caller as another account sees it."""
    who = caller.principal
    return {"type": "AWSAccount", "principalId": principal_id(who), "accountId": who.account}


def principal_id(who: Principal) -> str:
    """The unique id, with the session's name behind it where there is one; of a federated user `ACCOUNT:NAME`."""
    if who.kind is PrincipalKind.FEDERATED_USER:
        return f"{who.account}:{who.session_name}"
    return f"{who.entity_id}:{who.session_name}" if who.session_name else who.entity_id


def username(identity: Mapping[str, Any]) -> str:
    """What LookupEvents calls the caller of a record: user, session, `root` or service; empty where it is unknown."""
    kind = identity["type"]
    if kind == "Root":
        return "root"
    if kind in ("AssumedRole", "FederatedUser"):
        return str(identity["principalId"]).rpartition(":")[2]
    return str(identity.get("userName") or identity.get("invokedBy") or "")


_TYPES = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def _session_context(who: Principal, session: Session) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if who.kind is PrincipalKind.ROLE_SESSION:
        context["sessionIssuer"] = _issuer("Role", who)
    elif who.kind is PrincipalKind.FEDERATED_USER:
        context["sessionIssuer"] = _issuer("Root" if who.entity_id == who.account else "IAMUser", who)
    if session.federated_provider is not None:
        context["webIdFederationData"] = {"federatedProvider": session.federated_provider, "attributes": {}}
    context["attributes"] = {
        "creationDate": iso_second(session.issued),
        "mfaAuthenticated": "false" if session.mfa_at is None else "true",
    }
    if session.kind == "AssumeRoot":
        context["assumedRoot"] = "true"
    if session.source_identity is not None:
        context["sourceIdentity"] = session.source_identity
    return context


def _issuer(kind: str, who: Principal) -> dict[str, Any]:
    shown = {"type": kind, "principalId": who.entity_id, "arn": who.entity_arn, "accountId": who.account}
    return shown if kind == "Root" else shown | {"userName": _name(who.entity_arn)}


def _federated(who: Principal, context: Mapping[str, ContextValue]) -> dict[str, Any]:
    """Somebody known by an identity provider's word only."""
    if _OIDC not in who.arn:
        subject, qualifier = str(context.get("saml:sub", "")), str(context.get("saml:namequalifier", ""))
        return {
            "type": "SAMLUser",
            "principalId": f"{qualifier}:{subject}",
            "userName": subject,
            "identityProvider": qualifier,
        }
    prefix = who.arn.partition(_OIDC)[2].lower()
    subject = str(context.get(f"{prefix}:sub", ""))
    return {
        "type": "WebIdentityUser",
        "principalId": f"{who.arn}:{context.get(f'{prefix}:aud', '')}:{subject}",
        "userName": subject,
        "identityProvider": who.arn,
    }


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
