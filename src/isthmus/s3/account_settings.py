"""Block Public Access of a whole account, through S3 Control.

Sources: GetPublicAccessBlock, PutPublicAccessBlock, DeletePublicAccessBlock of S3 Control in the S3 API reference;
Service Authorization Reference (their permissions have no resource).
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .conditions import request_keys
from .resources import BLOCK_SETTINGS


def _account_permission(action: str) -> Permission:
    async def on(call: Call) -> Resource:
        # Nobody sees or sets this for another account, whatever its policies say.
        if call.input["AccountId"] != call.account:
            raise AwsError("AccessDenied", "Access Denied")
        return Resource("*", call.account, context=request_keys(call, action))

    return Permission(action, on)


@operation("s3control", "GetPublicAccessBlock", _account_permission("s3:GetAccountPublicAccessBlock"))
async def get_public_access_block(call: Call) -> dict[str, Any]:
    """The settings in force for every bucket of the account."""
    account = await call.system.directory.account(call.account)
    settings = account.public_access_block if account is not None else None
    if settings is None:
        raise AwsError(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            extra={"AccountId": call.account},
        )
    return {"PublicAccessBlockConfiguration": dict(settings)}


@operation("s3control", "PutPublicAccessBlock", _account_permission("s3:PutAccountPublicAccessBlock"))
async def put_public_access_block(call: Call) -> dict[str, Any]:
    """Set all four; those that are left out are off."""
    given = call.input["PublicAccessBlockConfiguration"]
    await _store(call, json.dumps({name: bool(given.get(name)) for name in BLOCK_SETTINGS}))
    return {}


@operation("s3control", "DeletePublicAccessBlock", _account_permission("s3:PutAccountPublicAccessBlock"))
async def delete_public_access_block(call: Call) -> dict[str, Any]:
    """Leave public access to the buckets' own settings."""
    await _store(call, None)
    return {"ResponseStatus": 204}


async def _store(call: Call, settings: str | None) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("UPDATE accounts SET public_access_block = ? WHERE id = ?", settings, call.account)

    await call.system.identity.write(work)
