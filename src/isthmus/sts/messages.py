"""Encoded authorization messages: why a request was refused, sealed at the denial, opened by who may know.

`encode_decision` makes one from a decision. DecodeAuthorizationMessage opens it: the account that owns the
resource sees both sides; the account that asked sees its own side and that the other account does not allow
it; nobody else sees anything. The message carries the decision itself. The server also keeps it for some days under
the id of the refused request (`kept_messages`), and that id is taken in the message's place: the same may see it.
"""

from __future__ import annotations

from typing import Any

import orjson

from isthmus.identity import AUTHORIZATION_MESSAGE, InvalidToken, Vault
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.operation.authorization_message import authorization_message
from isthmus.policy import Decision
from isthmus.wire import AwsError

from .kept_messages import is_request_id, kept_message


def encode_decision(vault: Vault, decision: Decision, call: Call) -> str:
    """The encoded authorization message of a denial."""
    owner, asker = decision.request.owner.account, call.account
    views = {owner: decision.to_json()}
    if asker != owner:
        views[asker] = decision.to_json(asker)
    return authorization_message(vault, decision, views)


@operation("sts", "DecodeAuthorizationMessage", Permission("sts:DecodeAuthorizationMessage", on=on_anything))
async def decode_authorization_message(call: Call) -> dict[str, Any]:
    """What the message, or the refusal with this request id, says to the caller's account. Raises
    InvalidAuthorizationMessageException."""
    message: str | None = call.input["EncodedMessage"]
    if message is not None and is_request_id(message):
        message = await kept_message(call.system.objects, message)
    if message is None:
        raise _invalid()
    try:
        sealed = call.system.vault.unseal_text(message, AUTHORIZATION_MESSAGE)
    except InvalidToken:
        raise _invalid() from None
    view = orjson.loads(sealed).get(call.account)
    if view is None:  # none of their business: as if it were no message at all
        raise _invalid()
    return {"DecodedMessage": orjson.dumps(view).decode()}


def _invalid() -> AwsError:
    return AwsError("InvalidAuthorizationMessageException", "The message is not a valid authorization message.")
