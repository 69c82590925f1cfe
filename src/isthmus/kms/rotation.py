"""Rotation: a key gets new material from time to time, or when asked; the old keeps decrypting what it encrypted.

Source: KMS Developer Guide, "Rotate AWS KMS keys"; the operations in the AWS KMS API reference.
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, System, operation
from isthmus.store import Transaction

from .errors import limit_exceeded, unsupported
from .key_specs import SYMMETRIC
from .keys_table import AWS, ENABLED, PENDING_DELETION, Key, insert_material, read_key, update_key
from .new_keys import new_secret
from .paging import page
from .resources import alive, key_permission, the_key, usable

_DAY = 86400.0
_DEFAULT_DAYS = 365
_MOST_ON_DEMAND = 25
_BATCH = 100


def _rotatable(key: Key) -> Key:
    """Raises UnsupportedOperationException for keys whose material is fixed."""
    if key.spec != SYMMETRIC:
        raise unsupported()
    return key


@operation("kms", "EnableKeyRotation", key_permission("kms:EnableKeyRotation"))
async def enable_key_rotation(call: Call) -> None:
    """Rotate a key every so many days from now."""
    key = _rotatable(usable(the_key(call)))
    days = call.input.get("RotationPeriodInDays") or key.rotation_days or _DEFAULT_DAYS
    await update_key(call.system, key.arn, rotation_days=days, next_rotation=call.now + days * _DAY)


@operation("kms", "DisableKeyRotation", key_permission("kms:DisableKeyRotation"))
async def disable_key_rotation(call: Call) -> None:
    """Leave a key's material as it is."""
    key = _rotatable(usable(the_key(call)))
    await update_key(call.system, key.arn, rotation_days=None, next_rotation=None)


@operation("kms", "GetKeyRotationStatus", key_permission("kms:GetKeyRotationStatus", across=True))
async def get_key_rotation_status(call: Call) -> dict[str, Any]:
    """Whether, how often and when next a key is rotated: never, while it waits to be deleted (GetKeyRotationStatus).
    What was set for it is in force again when the deletion is canceled."""
    key = the_key(call)
    if key.rotation_days is None or key.state == PENDING_DELETION:
        return {"KeyId": key.id, "KeyRotationEnabled": False}
    return {
        "KeyId": key.id,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": key.rotation_days,
        "NextRotationDate": key.next_rotation,
    }


@operation("kms", "RotateKeyOnDemand", key_permission("kms:RotateKeyOnDemand"))
async def rotate_key_on_demand(call: Call) -> dict[str, Any]:
    """Give a key new material now; the schedule stays."""
    key = _rotatable(usable(the_key(call)))
    if key.manager == AWS:
        raise unsupported(f"{key.arn} is an AWS managed key, which cannot be rotated on demand.")

    async def work(tx: Transaction) -> None:
        there = await read_key(tx, key.arn)
        assert there is not None
        if sum(one.rotation == "ON_DEMAND" for one in there.materials) >= _MOST_ON_DEMAND:
            raise limit_exceeded(
                "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can "
                f"be performed for this key: {key.arn}"
            )
        await _add_material(tx, call.system, there, "ON_DEMAND", call.now)

    await call.system.identity.write(work)
    return {"KeyId": key.arn}


@operation("kms", "ListKeyRotations", key_permission("kms:ListKeyRotations"))
async def list_key_rotations(call: Call) -> dict[str, Any]:
    """A page of a key's rotations, or of all its materials, the oldest first."""
    key = _rotatable(alive(the_key(call)))
    everything = call.input.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    listed = [one for one in key.materials if everything or one.rotation is not None]
    shown, more = page(call.input, listed, lambda one: f"{one.number:08d}", default=1000)
    rotations = []
    for one in shown:
        entry: dict[str, Any] = {
            "KeyId": key.id,
            "KeyMaterialId": one.id,
            "KeyMaterialState": "CURRENT" if one is key.current else "NON_CURRENT",
        }
        if one.rotation is not None:
            entry |= {"RotationDate": one.created, "RotationType": one.rotation}
        rotations.append(entry)
    return {"Rotations": rotations, **more}


async def rotate_due_keys(system: System) -> int:
    """A job: give new material to the keys whose day has come; how many."""
    rotated = 0
    while True:
        count = await system.identity.write(_DueKeys(system))
        rotated += count
        if count < _BATCH:
            return rotated


class _DueKeys:
    """A work: rotate the next due keys; how many. A disabled key waits until it is enabled."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def __call__(self, tx: Transaction) -> int:
        now = self._system.clock()
        rows = await tx.fetch_all(
            "SELECT arn FROM kms_keys WHERE next_rotation <= ? AND state = ? LIMIT ?", now, ENABLED, _BATCH
        )
        for (arn,) in rows:
            key = await read_key(tx, arn)
            assert key is not None
            await _add_material(tx, self._system, key, "AUTOMATIC", now)
            days = key.rotation_days or _DEFAULT_DAYS
            await tx.execute("UPDATE kms_keys SET next_rotation = ? WHERE arn = ?", now + days * _DAY, arn)
        return len(rows)


async def _add_material(tx: Transaction, system: System, key: Key, rotation: str, now: float) -> None:
    secret = new_secret(system, key.spec)
    await insert_material(tx, system, key.arn, secret, number=key.current.number + 1, rotation=rotation, now=now)
