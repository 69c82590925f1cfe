"""Long-term access keys of users and of the root user: at most two each.

The secret is shown once, when the key is made; it is stored sealed.
"""

from __future__ import annotations

import base64
from typing import Any

from isthmus.identity import ACCESS_KEY, Vault
from isthmus.names import access_key_id
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import Reader, Row, Transaction

from . import entities
from .credential_owner import Owner, owner_of
from .entities import USER, moment
from .errors import already_exists, exceeds_quota, no_such_entity
from .paging import Page
from .permissions import on_entity

KEYS_PER_USER = 2
_SECRET_BYTES = 30  # 40 characters

_the_user = on_entity(USER)


async def insert_access_key(
    tx: Transaction, vault: Vault, account: str, user_id: str | None, key_id: str, secret: str, *, now: float
) -> None:
    """Add a key with a given secret; user_id is None for root. Raises EntityAlreadyExists, LimitExceeded."""
    if await tx.fetch_one("SELECT 1 FROM access_keys WHERE id = ?", key_id):
        raise already_exists(f"The Access Key with id {key_id} already exists.")
    if len(await _keys(tx, account, user_id)) >= KEYS_PER_USER:
        raise exceeds_quota("AccessKeysPerUser", KEYS_PER_USER)
    await tx.execute(
        "INSERT INTO access_keys (id, account, user_id, secret, active, created) VALUES (?, ?, ?, ?, 1, ?)",
        key_id, account, user_id, vault.seal(secret.encode(), ACCESS_KEY), now,
    )  # fmt: skip


async def _keys(reader: Reader, account: str, user_id: str | None) -> list[Row]:
    """Id, active and created of the keys of a user or of root, the oldest first."""
    select = "SELECT id, active, created FROM access_keys WHERE account = ? AND user_id "
    order = " ORDER BY created, id"
    if user_id is None:
        rows: list[Row] = await reader.fetch_all(f"{select}IS NULL{order}", account)
    else:
        rows = await reader.fetch_all(f"{select}= ?{order}", account, user_id)
    return rows


@operation("iam", "CreateAccessKey", Permission("iam:CreateAccessKey", on=_the_user))
async def create_access_key(call: Call) -> dict[str, Any]:
    """Make a key. Raises NoSuchEntity, LimitExceeded."""
    key_id = access_key_id("AKIA", call.account, call.system.entropy(10))
    secret = base64.b64encode(call.system.entropy(_SECRET_BYTES)).decode()

    async def work(tx: Transaction) -> Owner:
        owner = await owner_of(call, tx)
        await insert_access_key(tx, call.system.vault, call.account, owner.user_id, key_id, secret, now=call.now)
        return owner

    owner = await call.system.identity.write(work)
    key = {
        "AccessKeyId": key_id,
        "Status": "Active",
        "SecretAccessKey": secret,
        "CreateDate": moment(call.now),
    }
    return {"AccessKey": owner.shown_name | key}


@operation("iam", "UpdateAccessKey", Permission("iam:UpdateAccessKey", on=_the_user))
async def update_access_key(call: Call) -> dict[str, Any]:
    """Make a key active or inactive. Raises NoSuchEntity."""
    active = int(call.input["Status"] == "Active")

    async def work(tx: Transaction) -> None:
        await tx.execute("UPDATE access_keys SET active = ? WHERE id = ?", active, await _owned_key(call, tx))

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteAccessKey", Permission("iam:DeleteAccessKey", on=_the_user))
async def delete_access_key(call: Call) -> dict[str, Any]:
    """Delete a key. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM access_keys WHERE id = ?", await _owned_key(call, tx))

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListAccessKeys", Permission("iam:ListAccessKeys", on=_the_user))
async def list_access_keys(call: Call) -> dict[str, Any]:
    """The keys of a user or of the caller, without secrets. Raises NoSuchEntity."""
    page = Page.of(call.input)
    owner = await owner_of(call, call.system.identity)
    keys = await _keys(call.system.identity, call.account, owner.user_id)
    found, more = page.cut(keys, lambda row: str(row[0]))
    return {
        "AccessKeyMetadata": [
            owner.shown_name | {"AccessKeyId": key_id, "Status": _status(active), "CreateDate": moment(created)}
            for key_id, active, created in found
        ],
        **more,
    }


async def _on_user_of_key(call: Call) -> Resource:
    """The user whose key it is. For keys that are not this account's: any user."""
    row = await call.system.identity.fetch_one(
        "SELECT u.path, u.name FROM access_keys k LEFT JOIN users u ON u.id = k.user_id"
        " WHERE k.id = ? AND k.account = ?",
        call.input["AccessKeyId"], call.account,
    )  # fmt: skip
    if row is None:
        return Resource(f"arn:aws:iam::{call.account}:user/*", call.account)
    if row[1] is None:
        return Resource(f"arn:aws:iam::{call.account}:root", call.account)
    return Resource(entities.iam_arn(call.account, "user", row[0], row[1]), call.account)


@operation("iam", "GetAccessKeyLastUsed", Permission("iam:GetAccessKeyLastUsed", on=_on_user_of_key))
async def get_access_key_last_used(call: Call) -> dict[str, Any]:
    """When, for which service and in which region a key was used last. Raises NoSuchEntity."""
    key_id = call.input["AccessKeyId"]
    row = await call.system.identity.fetch_one(
        "SELECT u.name FROM access_keys k LEFT JOIN users u ON u.id = k.user_id WHERE k.id = ? AND k.account = ?",
        key_id, call.account,
    )  # fmt: skip
    if row is None:
        raise _not_found(key_id)
    used = await call.system.objects.fetch_one("SELECT used, service, region FROM last_used WHERE id = ?", key_id)
    last: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
    if used is not None:
        last = {"LastUsedDate": moment(used[0]), "ServiceName": used[1], "Region": used[2]}
    output: dict[str, Any] = {"AccessKeyLastUsed": last}
    return output if row[0] is None else output | {"UserName": row[0]}


async def _owned_key(call: Call, tx: Transaction) -> str:
    """The id of the key in the input, if it is the owner's. Raises NoSuchEntity."""
    owner = await owner_of(call, tx)
    key_id: str = call.input["AccessKeyId"]
    if key_id not in (row[0] for row in await _keys(tx, call.account, owner.user_id)):
        raise _not_found(key_id)
    return key_id


def _not_found(key_id: str) -> Exception:
    return no_such_entity(f"The Access Key with id {key_id} cannot be found.")


def _status(active: int) -> str:
    return "Active" if active else "Inactive"
