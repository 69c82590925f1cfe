"""GetCallerIdentity and GetAccessKeyInfo: whose credentials, whose key."""

from __future__ import annotations

from typing import Any

from isthmus.names import account_of_access_key
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.wire import AwsError

from .parameters import check_patterns


@operation("sts", "GetCallerIdentity")
async def get_caller_identity(call: Call) -> dict[str, Any]:
    """Who the caller is. Needs no permission, and no explicit deny forbids it (STS API reference)."""
    return {"UserId": call.context["aws:userid"], "Account": call.account, "Arn": call.caller.principal.arn}


@operation("sts", "GetAccessKeyInfo", Permission("sts:GetAccessKeyInfo", on=on_anything))
async def get_access_key_info(call: Call) -> dict[str, Any]:
    """The account that an access key id belongs to, whatever its state. Raises ValidationError."""
    check_patterns(call.input)
    key_id = call.input["AccessKeyId"]
    key = await call.system.directory.access_key(key_id)
    # Temporary keys, and keys deleted since, are stored nowhere; their ids name their account.
    account = account_of_access_key(key_id) if key is None else key.account
    if account is None or await call.system.directory.account(account) is None:
        raise AwsError("ValidationError", "The provided access key ID is not valid.")
    return {"Account": account}
