"""Key policies: who may do what with a key. There is one to each key, called `default`.

Principals are kept as the unique ids they meant when the policy was saved, as in bucket policies. A policy that would
lock its author out is refused unless the request insists.

Source: KMS Developer Guide, "Key policies in AWS KMS", "Changing a key policy" (safety check); PutKeyPolicy in the API
reference.
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.identity import InvalidPrincipal
from isthmus.operation import Call, operation
from isthmus.policy import (
    AuthorizationRequest,
    ContextValue,
    MalformedPolicy,
    NamedPolicy,
    PolicyDocument,
    PrincipalPolicies,
    ResourceSide,
    check_key_policy,
    decide,
)
from isthmus.wire import AwsError

from .errors import limit_exceeded, not_found
from .keys_table import key_policy, update_key
from .resources import key_permission, the_key

NAME = "default"
_LARGEST = 32 * 1024  # bytes; KMS Developer Guide, "Resource quotas"
_EVERYTHING = PrincipalPolicies(
    identity=(
        NamedPolicy(
            PolicyDocument.parse(
                '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
            ),
            "everything",
        ),
    )
)


async def checked_policy(
    call: Call, text: str, arn: str, account: str, context: dict[str, ContextValue], *, bypass: bool
) -> dict[str, str]:
    """The unique ids of the principals of a new policy for the key `arn`.

    context: condition keys of the key. bypass: whether the author may lock itself out.
    Raises MalformedPolicyDocumentException, LimitExceededException.
    """
    if len(text.encode()) > _LARGEST:
        raise limit_exceeded(f"The key policy exceeds the maximum size of {_LARGEST} bytes.")
    try:
        document = check_key_policy(text)
        ids = await call.system.directory.principal_ids(document)
    except MalformedPolicy as problem:
        raise malformed(problem.message) from None
    except InvalidPrincipal:
        raise malformed("Policy contains a statement with one or more invalid principals.") from None
    if not bypass and not _lets_author_change_it(call, text, ids, arn, account, context):
        raise malformed("The new key policy will not allow you to update the key policy in the future.")
    return ids


def _lets_author_change_it(
    call: Call, text: str, ids: dict[str, str], arn: str, account: str, context: dict[str, ContextValue]
) -> bool:
    """Whether the key policy lets the caller put another one, as far as it is the key policy's to say."""
    caller = PrincipalPolicies() if call.caller.principal.account == "anonymous" else _EVERYTHING
    request = AuthorizationRequest(
        principal=call.caller.principal,
        action="kms:PutKeyPolicy",
        resource=arn,
        owner=ResourceSide(account, key_policy(text, ids)),
        caller=caller,
        context={**call.context, **context},
    )
    return decide(request).allowed


def malformed(message: str) -> AwsError:
    """MalformedPolicyDocumentException."""
    return AwsError("MalformedPolicyDocumentException", message)


def _check_name(call: Call) -> None:
    name = call.input.get("PolicyName") or NAME
    if name != NAME:
        raise not_found(f"No such policy exists: a key has one policy, called {NAME}.")


@operation("kms", "GetKeyPolicy", key_permission("kms:GetKeyPolicy"))
async def get_key_policy(call: Call) -> dict[str, Any]:
    """The policy byte for byte; principals deleted since show as their unique ids."""
    key = the_key(call)
    _check_name(call)
    return {"Policy": await call.system.directory.shown_text(key.policy), "PolicyName": NAME}


@operation("kms", "PutKeyPolicy", key_permission("kms:PutKeyPolicy"))
async def put_key_policy(call: Call) -> None:
    """Replace the policy, in whatever state the key is (KMS Developer Guide, "Key states of AWS KMS keys")."""
    key = the_key(call)
    _check_name(call)
    context: dict[str, ContextValue] = {"kms:calleraccount": call.account}
    bypass = bool(call.input.get("BypassPolicyLockoutSafetyCheck"))
    text = call.input["Policy"]
    ids = await checked_policy(call, text, key.arn, key.account, context, bypass=bypass)
    await update_key(call.system, key.arn, policy=text, policy_principal_ids=json.dumps(ids))


@operation("kms", "ListKeyPolicies", key_permission("kms:ListKeyPolicies"))
async def list_key_policies(call: Call) -> dict[str, Any]:
    """The names of a key's policies: the one there is."""
    the_key(call)
    return {"PolicyNames": [NAME], "Truncated": False}
