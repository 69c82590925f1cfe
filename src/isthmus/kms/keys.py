"""Keys: made, described, listed, switched on and off.

Source: CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, UpdateKeyDescription in the AWS KMS API reference; KMS
Developer Guide, "Key states of AWS KMS keys".
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from isthmus.operation import Call, operation
from isthmus.store import Transaction

from .conditions import new_key_conditions
from .errors import unsupported, validation
from .granting import check_grant_tokens
from .key_policies import checked_policy
from .key_specs import ALGORITHM_MEMBERS, ENCRYPT, SPECS, SYMMETRIC, algorithms, is_asymmetric
from .keys_table import DISABLED, ENABLED, PENDING_DELETION, Key, key_arn, read_key, update_key
from .new_keys import default_policy, insert_key, new_secret
from .paging import page
from .resources import account_permission, alive, key_permission, the_key
from .tags import checked_tags


def _has_tags(call: Call) -> bool:
    return bool(call.input.get("Tags"))


@operation(
    "kms",
    "CreateKey",
    account_permission("kms:CreateKey"),
    account_permission("kms:TagResource", _has_tags, "with Tags"),
)
async def create_key(call: Call) -> dict[str, Any]:
    """Make a key in the region of the request."""
    given, system = call.input, call.system
    spec, usage = _kind(given)
    tags = checked_tags(given.get("Tags") or ())
    key_id = str(uuid.UUID(bytes=system.entropy(16), version=4))
    policy, ids = given.get("Policy"), {}
    if policy is None:
        policy = default_policy(call.account)
    else:
        arn = key_arn(call.account, call.region, key_id)
        context = {"kms:calleraccount": call.account, **new_key_conditions(given)}
        bypass = bool(given.get("BypassPolicyLockoutSafetyCheck"))
        ids = await checked_policy(call, policy, arn, call.account, context, bypass=bypass)
    if is_asymmetric(spec):  # looking for primes takes seconds, during which other requests go on
        secret = await asyncio.to_thread(new_secret, system, spec)
    else:
        secret = new_secret(system, spec)

    async def work(tx: Transaction) -> Key:
        made = await insert_key(
            tx, system, call.account, call.region, key_id, spec=spec, usage=usage,
            description=given.get("Description") or "", policy=policy, principal_ids=ids, now=call.now, tags=tags,
            secret=secret,
        )  # fmt: skip
        key = await read_key(tx, made)
        assert key is not None
        return key

    return {"KeyMetadata": metadata(await system.identity.write(work))}


def _kind(given: dict[str, Any]) -> tuple[str, str]:
    """Key spec and usage. Raises ValidationException, UnsupportedOperationException."""
    spec = given.get("KeySpec") or given.get("CustomerMasterKeySpec") or SYMMETRIC
    if given.get("KeySpec") and given.get("CustomerMasterKeySpec"):
        raise validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request.")
    if given.get("MultiRegion"):
        raise unsupported("Multi-Region keys are not supported: a key lives in the Region of its request.")
    if (given.get("Origin") or "AWS_KMS") != "AWS_KMS" or given.get("CustomKeyStoreId") or given.get("XksKeyId"):
        raise unsupported("The only supported origin of key material is AWS_KMS.")
    if spec not in SPECS:
        raise unsupported(f"Keys of the spec {spec} are not supported.")
    usage = given.get("KeyUsage")
    if usage is None:
        if spec != SYMMETRIC:
            raise validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        usage = ENCRYPT
    if usage not in SPECS[spec]:
        raise validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage


def metadata(key: Key) -> dict[str, Any]:
    """The KeyMetadata of a key."""
    found: dict[str, Any] = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": key.created,
        "Enabled": key.state == ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": False,
        ALGORITHM_MEMBERS[key.usage]: list(algorithms(key.spec, key.usage)),
    }
    if key.spec == SYMMETRIC:
        found["CurrentKeyMaterialId"] = key.current.id
    if key.state == PENDING_DELETION:
        found["DeletionDate"] = key.deletion
    return found


@operation("kms", "DescribeKey", key_permission("kms:DescribeKey", aliases=True, across=True))
async def describe_key(call: Call) -> dict[str, Any]:
    """What a key is, whatever its state."""
    key = the_key(call)
    check_grant_tokens(call)
    return {"KeyMetadata": metadata(key)}


@operation("kms", "ListKeys", account_permission("kms:ListKeys"))
async def list_keys(call: Call) -> dict[str, Any]:
    """A page of the account's keys in the region. No keys are shared through Resource Access Manager."""
    owners = call.input.get("ResourceOwners")
    rows = await call.system.identity.fetch_all(
        "SELECT id, arn FROM kms_keys WHERE account = ? AND region = ?", call.account, call.region
    )
    if owners and "SELF" not in owners:
        rows = []
    shown, more = page(call.input, rows, lambda row: str(row[0]))
    return {"Keys": [{"KeyId": key_id, "KeyArn": arn} for key_id, arn in shown], **more}


@operation("kms", "EnableKey", key_permission("kms:EnableKey"))
async def enable_key(call: Call) -> None:
    """Let a key be used again."""
    await update_key(call.system, alive(the_key(call)).arn, state=ENABLED)


@operation("kms", "DisableKey", key_permission("kms:DisableKey"))
async def disable_key(call: Call) -> None:
    """Keep a key from being used."""
    await update_key(call.system, alive(the_key(call)).arn, state=DISABLED)


@operation("kms", "UpdateKeyDescription", key_permission("kms:UpdateKeyDescription"))
async def update_key_description(call: Call) -> None:
    """Say anew what a key is for."""
    await update_key(call.system, alive(the_key(call)).arn, description=call.input["Description"])
