"""The encoded authorization message of a decision: what each account may see of it, sealed.

Refusals carry one (`sts.encode_decision`), and so do the policy simulator's answers to a single question;
DecodeAuthorizationMessage opens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from isthmus.identity import AUTHORIZATION_MESSAGE, Vault
from isthmus.policy import Decision

LONGEST_MESSAGE = 10240  # characters that DecodeAuthorizationMessage takes (STS service model)


def authorization_message(vault: Vault, decision: Decision, views: Mapping[str, Any]) -> str:
    """The message that shows each account, by its id, its view of the decision.

    A decision too large for one message is told without its layers, rather than being cut.
    """
    message = vault.seal_text(orjson.dumps(views), AUTHORIZATION_MESSAGE)
    if len(message) > LONGEST_MESSAGE:
        request = decision.request
        short = {"allowed": decision.allowed, "action": request.action, "resource": request.resource}
        if any(view.get("simulated") for view in views.values()):
            short["simulated"] = True
        message = vault.seal_text(orjson.dumps(dict.fromkeys(views, short)), AUTHORIZATION_MESSAGE)
    return message
