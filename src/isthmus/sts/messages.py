"""Encoded authorization messages: why a request was refused, sealed at the denial, opened by who may know.

`encode_decision` makes one from a decision. DecodeAuthorizationMessage opens it: the account that owns the
resource sees both sides; the account that asked sees its own side and that the other account does not allow
it; nobody else sees anything. Nothing is stored: the message carries the decision itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from isthmus.identity import AUTHORIZATION_MESSAGE, InvalidToken, Vault
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import Decision
from isthmus.wire import AwsError

LONGEST_MESSAGE = 10240  # characters that DecodeAuthorizationMessage takes (STS service model)

# Of a decision's JSON, what the asking account knows anyway, and the lists of which it sees its own entries.
_KNOWN_TO_CALLER = frozenset(("allowed", "message", "principal", "action", "resource"))
_SIDED = ("layers", "changes")
_OWN_SIDE = "principal"
# Condition keys that tell something about the other account's resource.
_RESOURCE_KEYS = (
    "aws:resourcetag/",
    "iam:resourcetag/",
    "s3:existingobjecttag/",
    "s3:buckettag/",
    "aws:resourceorg",
)


def encode_decision(vault: Vault, decision: Decision, call: Call) -> str:
    """The encoded authorization message of a denial.

    A decision too large for one message leaves its layers out, rather than being cut.
    """
    content: dict[str, Any] = {
        "asked_by": call.account,
        "owned_by": decision.request.owner.account,
        "decision": decision.to_json(),
    }
    message = _seal(vault, content)
    if len(message) > LONGEST_MESSAGE:
        kept = {key: value for key, value in content["decision"].items() if key in _KNOWN_TO_CALLER}
        message = _seal(vault, {**content, "decision": kept})
    return message


async def _anything(call: Call) -> Resource:
    return Resource("*", call.account)


@operation("sts", "DecodeAuthorizationMessage", Permission("sts:DecodeAuthorizationMessage", on=_anything))
async def decode_authorization_message(call: Call) -> dict[str, Any]:
    """What the message says to the caller's account. Raises InvalidAuthorizationMessageException."""
    try:
        sealed = call.system.vault.unseal_text(call.input["EncodedMessage"], AUTHORIZATION_MESSAGE)
    except InvalidToken:
        raise _invalid() from None
    content = orjson.loads(sealed)
    decision = content["decision"]
    if call.account != content["owned_by"]:
        if call.account != content["asked_by"]:  # none of their business: as if it were no message at all
            raise _invalid()
        decision = _own_side(decision)
    return {"DecodedMessage": orjson.dumps(decision).decode()}


def _own_side(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What the asking account may know of a decision about another account's resource."""
    view = {key: value for key, value in decision.items() if key in _KNOWN_TO_CALLER}
    context = decision.get("context")
    if isinstance(context, dict):
        view["context"] = {key: value for key, value in context.items() if not key.startswith(_RESOURCE_KEYS)}
    for name in _SIDED:
        if name in decision:
            view[name] = [entry for entry in decision[name] if entry.get("side") == _OWN_SIDE]
    others = [entry for entry in decision.get("layers", ()) if entry.get("side") != _OWN_SIDE]
    if any(not entry.get("allowed", False) for entry in others):
        view["otherAccount"] = "the other account does not allow it"
    return view


def _seal(vault: Vault, content: Mapping[str, Any]) -> str:
    return vault.seal_text(orjson.dumps(content), AUTHORIZATION_MESSAGE)


def _invalid() -> AwsError:
    return AwsError(
        "InvalidAuthorizationMessageException", "The message is not a valid authorization message."
    )
