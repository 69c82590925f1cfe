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


def encode_decision(vault: Vault, decision: Decision, call: Call) -> str:
    """The encoded authorization message of a denial.

    A decision too large for one message is told without its layers, rather than being cut.
    """
    owner, asker = decision.request.owner.account, call.account
    views = {owner: decision.to_json()}
    if asker != owner:
        views[asker] = decision.to_json(asker)
    message = _seal(vault, views)
    if len(message) > LONGEST_MESSAGE:
        request = decision.request
        short = {"allowed": decision.allowed, "action": request.action, "resource": request.resource}
        message = _seal(vault, dict.fromkeys(views, short))
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
    view = orjson.loads(sealed).get(call.account)
    if view is None:  # none of their business: as if it were no message at all
        raise _invalid()
    return {"DecodedMessage": orjson.dumps(view).decode()}


def _seal(vault: Vault, views: Mapping[str, Any]) -> str:
    """What each account may see, by account id, sealed."""
    return vault.seal_text(orjson.dumps(views), AUTHORIZATION_MESSAGE)


def _invalid() -> AwsError:
    return AwsError("InvalidAuthorizationMessageException", "The message is not a valid authorization message.")
