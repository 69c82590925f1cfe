"""The `kms:…` condition keys: of the key that is asked for, and of the request.

Source: KMS Developer Guide, "AWS KMS condition keys". A parameter with a default counts as if it had been sent. The
key `kms:ViaService` comes with requests that another service makes on the caller's behalf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.operation import Call
from isthmus.policy import ContextValue

from .key_specs import ENCRYPT, SYMMETRIC
from .keys_table import Key

Keys = dict[str, ContextValue]

# What a data key is encrypted with is decided by the key, so every request that makes one has the algorithm.
_CRYPTOGRAPHIC = frozenset({
    "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
})  # fmt: skip
_PARAMETERS = {
    "KeyPairSpec": "kms:datakeypairspec",
    "MacAlgorithm": "kms:macalgorithm",
    "SigningAlgorithm": "kms:signingalgorithm",
}
_GRANT_OPERATIONS = frozenset({"CreateGrant", "ListGrants", "RevokeGrant"})


def key_conditions(key: Key) -> Keys:
    """What the key says about itself."""
    keys: Keys = {
        **spec_conditions(key.spec, key.usage),
        "kms:keyorigin": "AWS_KMS",
        "kms:multiregion": "false",
        "kms:resourcealiases": key.aliases,
    }
    for name, value in key.tags.items():
        keys[f"aws:resourcetag/{name.lower()}"] = value
    return keys


def spec_conditions(spec: str, usage: str) -> Keys:
    """The kind of a key, under the names of today and those of before 2021."""
    return {
        "kms:keyspec": spec,
        "kms:keyusage": usage,
        "kms:customermasterkeyspec": spec,
        "kms:customermasterkeyusage": usage,
    }


def request_conditions(call: Call, *, alias: str | None = None, context_member: str = "EncryptionContext") -> Keys:
    """What the request says. alias: by which it named the key. context_member: of the encryption context."""
    given, name = call.input, call.operation.name
    keys: Keys = {"kms:calleraccount": call.account}
    if alias is not None:
        keys["kms:requestalias"] = alias
    if name in _CRYPTOGRAPHIC:
        algorithm = given.get(context_member.replace("EncryptionContext", "EncryptionAlgorithm"))
        keys["kms:encryptionalgorithm"] = algorithm or SYMMETRIC
        _add_encryption_context(keys, given.get(context_member) or {})
    for member, key in _PARAMETERS.items():
        if member in given:
            keys[key] = given[member]
    if name in ("Sign", "Verify"):
        keys["kms:messagetype"] = given.get("MessageType") or "RAW"
    if name in ("CreateKey", "PutKeyPolicy") and "BypassPolicyLockoutSafetyCheck" in given:
        keys["kms:bypasspolicylockoutsafetycheck"] = "true" if given["BypassPolicyLockoutSafetyCheck"] else "false"
    if name == "ScheduleKeyDeletion":
        keys["kms:schedulekeydeletionpendingwindowindays"] = str(given.get("PendingWindowInDays") or 30)
    if name == "EnableKeyRotation":
        keys["kms:rotationperiodindays"] = str(given.get("RotationPeriodInDays") or 365)
    if name in _GRANT_OPERATIONS:
        # A service that makes grants for its own resources would say so; none here does.
        keys["kms:grantisforawsresource"] = "false"
    if name == "CreateGrant":
        _add_grant(keys, given)
    return keys


def new_key_conditions(given: Mapping[str, Any]) -> Keys:
    """What CreateKey asks for, by its defaults where it says nothing."""
    spec = given.get("KeySpec") or given.get("CustomerMasterKeySpec") or SYMMETRIC
    return {
        **spec_conditions(spec, given.get("KeyUsage") or ENCRYPT),
        "kms:keyorigin": given.get("Origin") or "AWS_KMS",
        "kms:multiregion": "true" if given.get("MultiRegion") else "false",
    }


def tag_conditions(tags: Sequence[Mapping[str, str]]) -> Keys:
    """`aws:RequestTag/…` and `aws:TagKeys` of tags that the request sets."""
    keys: Keys = {f"aws:requesttag/{tag['TagKey'].lower()}": tag["TagValue"] for tag in tags}
    keys["aws:tagkeys"] = tuple(tag["TagKey"] for tag in tags)
    return keys


def _add_encryption_context(keys: Keys, context: Mapping[str, str]) -> None:
    for name, value in context.items():
        keys[f"kms:encryptioncontext:{name.lower()}"] = value
    if context:
        keys["kms:encryptioncontextkeys"] = tuple(context)


def _add_grant(keys: Keys, given: Mapping[str, Any]) -> None:
    keys["kms:grantoperations"] = tuple(given.get("Operations") or ())
    for member, key in (
        ("GranteePrincipal", "kms:granteeprincipal"),
        ("RetiringPrincipal", "kms:retiringprincipal"),
        ("GranteeServicePrincipal", "kms:granteeserviceprincipal"),
        ("RetiringServicePrincipal", "kms:retiringserviceprincipal"),
    ):
        if given.get(member):
            keys[key] = given[member]
    constraints = given.get("Constraints") or {}
    for kind in ("EncryptionContextSubset", "EncryptionContextEquals"):
        if constraints.get(kind):
            keys["kms:grantconstrainttype"] = kind
            _add_encryption_context(keys, constraints[kind])
    if constraints.get("SourceArn"):
        keys["kms:grantconstraintsourcearn"] = constraints["SourceArn"]
