"""Aliases: names for keys, which can be moved from one key to another.

Source: CreateAlias, UpdateAlias, DeleteAlias, ListAliases in the AWS KMS API reference; KMS Developer Guide, "Aliases
in AWS KMS".
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError

from .errors import invalid_key_id, not_found, validation
from .keys_table import alias_arn, find_key, target_of_alias
from .paging import page
from .references import Found, resolve
from .resources import account_permission, alias_permission, alive, key_permission, key_resource, the_key

_RESERVED = "alias/aws/"


def _check_name(call: Call) -> str:
    """The alias that the input names. Raises ValidationException, InvalidAliasNameException, NotAuthorizedException."""
    name: str = call.input["AliasName"]
    if not name.startswith("alias/"):
        raise validation(
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name == "alias/":
        raise AwsError("InvalidAliasNameException", "The alias has no name after alias/.")
    if name.startswith(_RESERVED):
        raise AwsError("NotAuthorizedException", f"Aliases that begin with {_RESERVED} are reserved for AWS.")
    return name


async def _key_of_alias(call: Call, action: str) -> Resource:
    """The key behind the alias that the input names: `action` is asked for on it as well."""
    if "alias target" not in call.found:
        arn = alias_arn(call.account, call.region, call.input["AliasName"])
        target = await target_of_alias(call.system, arn)
        if target is None:
            raise not_found(f"Alias {arn} is not found.")
        call.found["alias target"] = Found(target, call.account, await find_key(call.system, target))
    return await key_resource(call, action, call.found["alias target"], across=False)


def _on_key_of_alias(action: str) -> Permission:
    async def on(call: Call) -> Resource:
        return await _key_of_alias(call, action)

    return Permission(action, on, condition="on the key it stands for")


def _no_alias(call: Call) -> None:
    target: str = call.input["TargetKeyId"]
    if target.startswith("alias/") or ":alias/" in target:
        raise validation("Aliases must refer to keys. Not aliases")


def _on_target(action: str) -> Permission:
    inner = key_permission(action, member="TargetKeyId")

    async def on(call: Call) -> Resource:
        _no_alias(call)
        return await inner.on(call)

    return Permission(action, on, condition="on the target key")


@operation("kms", "CreateAlias", alias_permission("kms:CreateAlias"), _on_target("kms:CreateAlias"))
async def create_alias(call: Call) -> None:
    """Give a key another name."""
    name = _check_name(call)
    key = alive(the_key(call, "TargetKeyId"))
    arn = alias_arn(call.account, call.region, name)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO kms_aliases (arn, account, region, name, key_arn, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            arn, call.account, call.region, name, key.arn, call.now, call.now,
        )  # fmt: skip

    try:
        await call.system.identity.write(work)
    except IntegrityConflict:
        raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists") from None


@operation(
    "kms",
    "UpdateAlias",
    alias_permission("kms:UpdateAlias"),
    _on_key_of_alias("kms:UpdateAlias"),
    _on_target("kms:UpdateAlias"),
)
async def update_alias(call: Call) -> None:
    """Move a name to another key of the same kind and use."""
    name = _check_name(call)
    key = alive(the_key(call, "TargetKeyId"))
    before = call.found["alias target"].key
    if before is not None and (before.usage != key.usage or (before.spec[:3] != key.spec[:3])):
        raise validation("The alias must point to a KMS key of the same type and key usage as before.")
    arn = alias_arn(call.account, call.region, name)

    async def work(tx: Transaction) -> None:
        await tx.execute("UPDATE kms_aliases SET key_arn = ?, updated = ? WHERE arn = ?", key.arn, call.now, arn)

    await call.system.identity.write(work)


@operation("kms", "DeleteAlias", alias_permission("kms:DeleteAlias"), _on_key_of_alias("kms:DeleteAlias"))
async def delete_alias(call: Call) -> None:
    """Take a name away; the key stays."""
    arn = alias_arn(call.account, call.region, _check_name(call))

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM kms_aliases WHERE arn = ?", arn)

    await call.system.identity.write(work)


@operation("kms", "ListAliases", account_permission("kms:ListAliases"))
async def list_aliases(call: Call) -> dict[str, Any]:
    """A page of the account's aliases in the region, or of those of one key."""
    rows = await call.system.identity.fetch_all(
        "SELECT name, arn, key_arn, created, updated FROM kms_aliases WHERE account = ? AND region = ?",
        call.account,
        call.region,
    )
    named = call.input.get("KeyId")
    if named:
        found = await resolve(call, named, aliases=False)
        if found.account != call.account:
            raise invalid_key_id(named)
        if found.problem is not None:
            raise found.problem
        rows = [row for row in rows if row[2] == found.arn]
    shown, more = page(call.input, rows, lambda row: str(row[0]), default=50)
    aliases = [
        {
            "AliasName": name,
            "AliasArn": arn,
            "TargetKeyId": key.rpartition("key/")[2],
            "CreationDate": created,
            "LastUpdatedDate": updated,
        }
        for name, arn, key, created, updated in shown
    ]
    return {"Aliases": aliases, **more}
