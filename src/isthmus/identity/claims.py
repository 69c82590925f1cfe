"""The claims of a session as bytes and back: short JSON, without what is empty.

The one-letter names keep session tokens short: a token travels in a header of every request.
"""

from __future__ import annotations

from typing import Any

import orjson

from isthmus.policy import Principal, PrincipalKind

from .records import Session


def claims_of(session: Session) -> bytes:
    """The session as bytes."""
    who = session.principal
    claims: dict[str, Any] = {
        "a": session.access_key,
        "k": session.kind,
        "p": [who.kind.value, who.account, who.arn, who.entity_arn, who.entity_id, who.session_name],
        "i": session.issued,
        "e": session.expires,
        "d": session.session_policy,
        "m": list(session.session_policy_arns),
        "l": session.limited,
        "t": dict(session.tags),
        "r": list(session.transitive_tag_keys),
        "f": session.mfa_at,
        "s": session.source_identity,
        "c": session.chained,
        "o": session.federated_provider,
        "x": dict(session.context),
    }
    return orjson.dumps({name: value for name, value in claims.items() if not _is_empty(value)})


def session_of(claims: bytes) -> Session:
    """The session of bytes that `claims_of` made."""
    value = orjson.loads(claims)
    kind, *names = value["p"]
    return Session(
        access_key=value["a"],
        kind=value["k"],
        principal=Principal(PrincipalKind(kind), *names),
        issued=value["i"],
        expires=value["e"],
        session_policy=value.get("d"),
        session_policy_arns=tuple(value.get("m", ())),
        limited=value.get("l", False),
        tags=value.get("t", {}),
        transitive_tag_keys=tuple(value.get("r", ())),
        mfa_at=value.get("f"),
        source_identity=value.get("s"),
        chained=value.get("c", False),
        federated_provider=value.get("o"),
        context=value.get("x", {}),
    )


def _is_empty(value: Any) -> bool:
    """Whether a claim is at its default; a time of zero is not."""
    return value is None or value is False or value in ("", [], {})
