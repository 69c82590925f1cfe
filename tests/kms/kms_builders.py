"""Keys and key policies for tests of KMS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import isthmus.kms
import isthmus.sts
from builders import PRODUCTION, Json, World, policy
from isthmus.identity import User
from isthmus.names import root_arn

assert isthmus.kms and isthmus.sts  # importing them registers the operations
REGION = "us-east-1"


async def a_key(world: World, account: str = PRODUCTION, key_policy: Json | None = None, **members: Any) -> str:
    """A key of an account, made by its root; its ARN."""
    if key_policy is not None:
        members["Policy"] = json.dumps(key_policy)
        members.setdefault("BypassPolicyLockoutSafetyCheck", True)
    output = await world.call(account, "kms", "CreateKey", **members)
    return str(output["KeyMetadata"]["Arn"])


async def an_alias(world: World, name: str, arn: str) -> None:
    """An alias in the key's own account."""
    await world.call(arn.split(":")[4], "kms", "CreateAlias", AliasName=name, TargetKeyId=arn)


def grants_to(principal: str | Mapping[str, Any], action: str | list[str] = "kms:*", **more: Any) -> dict[str, Any]:
    """One statement of a key policy."""
    element = {"AWS": principal} if isinstance(principal, str) else principal
    return {"Effect": "Allow", "Principal": element, "Action": action, "Resource": "*", **more}


def account_policy(account: str = PRODUCTION, *more: Json) -> dict[str, Any]:
    """The key policy that lets the account decide, with further statements."""
    return policy(grants_to(root_arn(account)), *more)


async def encrypted(
    world: World, who: User | Json | str, key: str, plaintext: bytes = b"secret", **members: Any
) -> bytes:
    """What Encrypt gives."""
    output = await world.call(who, "kms", "Encrypt", KeyId=key, Plaintext=plaintext, **members)
    return bytes(output["CiphertextBlob"])
