"""A request as JSON, so that one about which the two evaluators disagreed can be kept."""

from __future__ import annotations

import json
from typing import Any

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
)


def to_json(request: AuthorizationRequest) -> dict[str, Any]:
    """The request with its documents; what policies are called is left out."""
    principal, owner, caller = request.principal, request.owner, request.caller
    own = owner.policy
    return {
        "principal": {
            "kind": principal.kind.value,
            "account": principal.account,
            "arn": principal.arn,
            "entity_arn": principal.entity_arn,
            "entity_id": principal.entity_id,
            "session_name": principal.session_name,
        },
        "action": request.action,
        "resource": request.resource,
        "context": {key: value if isinstance(value, str) else list(value) for key, value in request.context.items()},
        "same_organization": request.same_organization,
        "owner": {
            **owner._asdict(),
            "rcps": _documents(owner.rcps),
            "policy": own
            and {
                "document": own.document.value,
                "principal_ids": dict(own.principal_ids),
                "type": own.type.value,
                "trusts_account": own.trusts_account,
            },
        },
        "caller": {
            "identity": _documents(caller.identity),
            "boundary": caller.boundary and caller.boundary.document.value,
            "session": None if caller.session is None else _documents(caller.session),
            "scps": _documents(caller.scps),
        },
    }


def from_json(written: dict[str, Any]) -> AuthorizationRequest:
    """The request that was written."""
    owner, caller, own = written["owner"], written["caller"], written["owner"]["policy"]
    return AuthorizationRequest(
        Principal(**{**written["principal"], "kind": PrincipalKind(written["principal"]["kind"])}),
        written["action"],
        written["resource"],
        ResourceSide(
            **{
                **owner,
                "rcps": _policies(owner["rcps"]),
                "policy": own
                and ResourcePolicy(
                    PolicyDocument.parse(json.dumps(own["document"])),
                    own["principal_ids"],
                    PolicyType(own["type"]),
                    own["trusts_account"],
                ),
            }
        ),
        PrincipalPolicies(
            _policies(caller["identity"]),
            caller["boundary"] and _policies(caller["boundary"]),
            None if caller["session"] is None else _policies(caller["session"]),
            _policies(caller["scps"]),
        ),
        {key: value if isinstance(value, str) else tuple(value) for key, value in written["context"].items()},
        written["same_organization"],
    )


def _documents(policies: Any) -> list[Any]:
    return [one.document.value if isinstance(one, NamedPolicy) else _documents(one) for one in policies]


def _policies(documents: Any) -> Any:
    if isinstance(documents, list):
        return tuple(_policies(one) for one in documents)
    return NamedPolicy(PolicyDocument.parse(json.dumps(documents)), "kept")
