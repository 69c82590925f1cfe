"""What records tell of KMS: the keys and aliases of a request, and the key that a change was about.

Source: KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail" and the log entries of each operation
there (CreateKey, CreateAlias, ListAliases, EnableKey, CreateGrant, RetireGrant).
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call

# Their answers do not name the key, but since December 2022 their records do, in `responseElements.keyId`.
_TELL_THE_KEY = frozenset({
    "CreateAlias", "UpdateAlias", "DeleteAlias", "CreateGrant", "EnableKey", "DisableKey", "EnableKeyRotation",
})  # fmt: skip


def key_arns(call: Call) -> list[str]:
    """The keys of a request: those that it was decided on, and the one that it made. The last is what it was about."""
    made = call.output.get("KeyMetadata") if call.operation.name == "CreateKey" and call.output else None
    return [made["Arn"]] if made else [one.arn for one in call.resources if ":key/" in one.arn]


def resources(call: Call) -> list[dict[str, str]]:
    """`resources`: keys and aliases, which AWS calls keys too. What is asked of a whole account has none."""
    if call.operation.name == "CreateKey":
        return [_shown(call.account, arn) for arn in key_arns(call)]
    return [_shown(one.account, one.arn) for one in call.resources if ":key/" in one.arn or ":alias/" in one.arn]


def response_elements(call: Call, answered: dict[str, Any] | None) -> dict[str, Any] | None:
    """`responseElements` of a change that succeeded; answered: the members of its answer."""
    keys = key_arns(call)
    if call.operation.name not in _TELL_THE_KEY or not keys:
        return answered
    return {**(answered or {}), "keyId": keys[-1]}


def additional_event_data(call: Call) -> dict[str, Any] | None:
    """`additionalEventData`: which grant was retired, as it may be named by a token."""
    retired = call.found.get("retired grant")
    return None if retired is None else {"grantId": retired}


def _shown(account: str, arn: str) -> dict[str, str]:
    return {"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}
