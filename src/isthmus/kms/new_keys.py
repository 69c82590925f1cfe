"""Making a key: its row and its first material, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping

from isthmus.names import root_arn
from isthmus.operation import System
from isthmus.store import Transaction

from .key_specs import SYMMETRIC, is_asymmetric
from .keys_table import CUSTOMER, ENABLED, insert_material, key_arn
from .private_keys import new_private_key

_DAY = 86400.0
_SYMMETRIC_BYTES = 32  # AES-256


def default_policy(account: str) -> str:
    """The policy of a key made without one: the account decides with its identity policies.

    Source: KMS Developer Guide, "Default key policy".
    """
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": root_arn(account)},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2)


def new_secret(system: System, spec: str) -> bytes:
    """The secret of a new key: random bytes, or an encoded private key. RSA keys take a while: do it in a thread."""
    if is_asymmetric(spec):
        return new_private_key(spec)
    bits = 0 if spec == SYMMETRIC else int(spec.removeprefix("HMAC_"))
    return system.entropy(bits // 8 or _SYMMETRIC_BYTES)


async def insert_key(
    tx: Transaction,
    system: System,
    account: str,
    region: str,
    key_id: str,
    *,
    spec: str,
    usage: str,
    description: str,
    policy: str,
    principal_ids: Mapping[str, str],
    now: float,
    manager: str = CUSTOMER,
    tags: Mapping[str, str] | None = None,
    rotation_days: int | None = None,
    secret: bytes | None = None,
) -> str:
    """Store an enabled key; its ARN. secret: of `new_secret`, where that was made outside the transaction."""
    arn = key_arn(account, region, key_id)
    await tx.execute(
        "INSERT INTO kms_keys (arn, id, account, region, manager, spec, usage, description, state, policy,"
        " policy_principal_ids, rotation_days, next_rotation, tags, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arn, key_id, account, region, manager, spec, usage, description, ENABLED, policy,
        json.dumps(dict(principal_ids)), rotation_days, None if rotation_days is None else now + rotation_days * _DAY,
        json.dumps(dict(tags or {})), now,
    )  # fmt: skip
    secret = new_secret(system, spec) if secret is None else secret
    await insert_material(tx, system, arn, secret, number=1, rotation=None, now=now)
    return arn
