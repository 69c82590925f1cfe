"""Deleting keys: scheduled, so that who finds out what it breaks can stop it.

What was encrypted under a key that is gone stays closed for ever. A key is removed, with its material, aliases and
grants, by a job once its waiting period has passed.

Source: ScheduleKeyDeletion, CancelKeyDeletion in the AWS KMS API reference; KMS Developer Guide, "Deleting AWS KMS
keys".
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, System, operation
from isthmus.store import Transaction

from .errors import invalid_state, validation
from .keys_table import DISABLED, PENDING_DELETION, update_key
from .resources import alive, key_permission, the_key

_DAY = 86400.0
_SHORTEST, _LONGEST = 7, 30  # days
_BATCH = 100


@operation("kms", "ScheduleKeyDeletion", key_permission("kms:ScheduleKeyDeletion"))
async def schedule_key_deletion(call: Call) -> dict[str, Any]:
    """Delete a key after a waiting period, in which nobody can use it."""
    key = alive(the_key(call))
    days = call.input.get("PendingWindowInDays") or _LONGEST
    if not _SHORTEST <= days <= _LONGEST:
        raise validation(f"PendingWindowInDays must be between {_SHORTEST} and {_LONGEST} days.")
    deletion = call.now + days * _DAY
    await update_key(call.system, key.arn, state=PENDING_DELETION, deletion=deletion)
    return {
        "KeyId": key.arn,
        "DeletionDate": deletion,
        "KeyState": PENDING_DELETION,
        "PendingWindowInDays": days,
    }


@operation("kms", "CancelKeyDeletion", key_permission("kms:CancelKeyDeletion"))
async def cancel_key_deletion(call: Call) -> dict[str, Any]:
    """Keep a key after all. It is disabled until somebody enables it."""
    key = the_key(call)
    if key.state != PENDING_DELETION:
        raise invalid_state(f"{key.arn} is not pending deletion.")
    await update_key(call.system, key.arn, state=DISABLED, deletion=None)
    return {"KeyId": key.arn}


async def delete_due_keys(system: System) -> int:
    """A job: remove the keys whose waiting period has passed; how many."""
    removed = 0
    while True:
        count = await system.identity.write(_DueKeys(system.clock()))
        removed += count
        if count < _BATCH:
            return removed


class _DueKeys:
    """A work: remove the next due keys; how many."""

    def __init__(self, now: float) -> None:
        self._now = now

    async def __call__(self, tx: Transaction) -> int:
        rows = await tx.fetch_all(
            "SELECT arn FROM kms_keys WHERE state = ? AND deletion <= ? LIMIT ?", PENDING_DELETION, self._now, _BATCH
        )
        for (arn,) in rows:
            await tx.execute("DELETE FROM kms_grants WHERE key_arn = ?", arn)
            await tx.execute("DELETE FROM kms_aliases WHERE key_arn = ?", arn)
            await tx.execute("DELETE FROM kms_key_material WHERE key_arn = ?", arn)
            await tx.execute("DELETE FROM kms_keys WHERE arn = ?", arn)
        return len(rows)
