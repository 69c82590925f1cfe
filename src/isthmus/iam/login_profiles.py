"""Login profiles: the passwords by which users sign in to the console.

Without a UserName Get- and DeleteLoginProfile are about the caller, who may be the root user: that is how an
organization audits and removes root passwords of its members (`sts/assume_root.py`).

A password is stored as an argon2 hash. Hashing takes tens of milliseconds on purpose and so happens on a thread, before
the transaction.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import PolicyDocument, PrincipalKind, ResourcePolicy
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from . import entities
from .entities import USER, Entity, moment
from .errors import already_exists, invalid_input, invalid_value, no_such_entity
from .password_policy import check_password, password_policy
from .permissions import caller_name, on_entity

_ROOT = "root"  # what the root user, who has no user name, is called where an answer must have one
_REMEMBERED = 24  # the most that PasswordReusePrevention can ask for

_the_user = on_entity(USER)


async def insert_login_profile(
    tx: Transaction, user: Entity, hashed: str, *, reset_required: bool = False, now: float
) -> None:
    """Give a user a password, hashed by Vault.hash_password. Raises EntityAlreadyExists."""
    if await tx.fetch_one("SELECT 1 FROM login_profiles WHERE user_id = ?", user.id):
        raise already_exists(f"Login Profile for user {user.name} already exists.")
    await tx.execute(
        "INSERT INTO login_profiles (user_id, password, reset_required, created, changed) VALUES (?, ?, ?, ?, ?)",
        user.id, hashed, int(reset_required), now, now,
    )  # fmt: skip


async def set_password(tx: Transaction, user: Entity, hashed: str, *, now: float) -> None:
    """Change the password of a user that has one, and remember the old. Raises NoSuchEntity."""
    row = await tx.fetch_one("SELECT password, previous_passwords FROM login_profiles WHERE user_id = ?", user.id)
    if row is None:
        raise _not_found(user.name)
    previous = [row[0], *json.loads(row[1])][:_REMEMBERED]
    await tx.execute(
        "UPDATE login_profiles SET password = ?, previous_passwords = ?, changed = ? WHERE user_id = ?",
        hashed, json.dumps(previous), now, user.id,
    )  # fmt: skip


@operation("iam", "CreateLoginProfile", Permission("iam:CreateLoginProfile", on=_the_user))
async def create_login_profile(call: Call) -> dict[str, Any]:
    """Give a user a password. Raises NoSuchEntity, EntityAlreadyExists, PasswordPolicyViolation; InvalidInput for
    the root user, whose password comes by e-mail on AWS and from the setup file here."""
    if call.caller.session is not None and call.caller.session.kind == "AssumeRoot":
        raise invalid_input("A root password is recovered by e-mail, which is not sent here: set it by a setup file.")
    password = call.input.get("Password")
    if password is None:
        raise invalid_value("A login profile needs a Password.")
    name = _user_name(call)
    reset = bool(call.input.get("PasswordResetRequired"))
    await check_password(call.system.identity, call.account, password)
    hashed = await asyncio.to_thread(call.system.vault.hash_password, password)

    async def work(tx: Transaction) -> Entity:
        user = await entities.get(tx, USER, call.account, name)
        await insert_login_profile(tx, user, hashed, reset_required=reset, now=call.now)
        return user

    user = await call.system.identity.write(work)
    return {"LoginProfile": _shown(user, call.now, reset)}


@operation("iam", "GetLoginProfile", Permission("iam:GetLoginProfile", on=_the_user))
async def get_login_profile(call: Call) -> dict[str, Any]:
    """Whether and since when a user has a password. Raises NoSuchEntity."""
    if _is_about_root(call):
        row = await call.system.identity.fetch_one(
            "SELECT root_password, created FROM accounts WHERE id = ?", call.account
        )
        if row is None or row[0] is None:
            raise _not_found(_ROOT)
        profile = {"UserName": _ROOT, "CreateDate": moment(row[1]), "PasswordResetRequired": False}
        return {"LoginProfile": profile}
    user = await entities.get(call.system.identity, USER, call.account, _user_name(call))
    row = await call.system.identity.fetch_one(
        "SELECT created, reset_required FROM login_profiles WHERE user_id = ?", user.id
    )
    if row is None:
        raise _not_found(user.name)
    return {"LoginProfile": _shown(user, row[0], bool(row[1]))}


@operation("iam", "UpdateLoginProfile", Permission("iam:UpdateLoginProfile", on=_the_user))
async def update_login_profile(call: Call) -> dict[str, Any]:
    """Change a user's password, or whether it must choose another. Raises NoSuchEntity,
    PasswordPolicyViolation."""
    password, reset = call.input.get("Password"), call.input.get("PasswordResetRequired")
    reader = call.system.identity
    user = await entities.get(reader, USER, call.account, _user_name(call))
    hashed = None if password is None else await _new_hash(call, reader, user, password)

    async def work(tx: Transaction) -> None:
        if not await tx.execute(
            "UPDATE login_profiles SET reset_required = coalesce(?, reset_required) WHERE user_id = ?",
            None if reset is None else int(reset), user.id,
        ):  # fmt: skip
            raise _not_found(user.name)
        if hashed is not None:
            await set_password(tx, user, hashed, now=call.now)

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteLoginProfile", Permission("iam:DeleteLoginProfile", on=_the_user))
async def delete_login_profile(call: Call) -> dict[str, Any]:
    """Take a user's password away. Raises NoSuchEntity."""
    about_root = _is_about_root(call)
    name = _ROOT if about_root else _user_name(call)

    async def work(tx: Transaction) -> None:
        if about_root:
            if not await tx.execute(
                "UPDATE accounts SET root_password = NULL WHERE id = ? AND root_password IS NOT NULL", call.account
            ):
                raise _not_found(name)
            return
        user = await entities.get(tx, USER, call.account, name)
        if not await tx.execute("DELETE FROM login_profiles WHERE user_id = ?", user.id):
            raise _not_found(user.name)

    await call.system.identity.write(work)
    return {}


async def _on_own_password(call: Call) -> Resource:
    """The calling user. A password policy with AllowUsersToChangePassword allows it like a resource-based policy
    that names the user; a deny still wins."""
    principal = call.caller.principal
    if principal.kind is not PrincipalKind.USER:
        raise AwsError("InvalidUserType", "Only IAM Users can change their own password", 400)
    policy = await password_policy(call.system.identity, call.account)
    if policy is None or not policy["AllowUsersToChangePassword"]:
        return Resource(principal.entity_arn, call.account)
    grant = {
        "Effect": "Allow",
        "Principal": {"AWS": principal.entity_arn},
        "Action": "iam:ChangePassword",
        "Resource": principal.entity_arn,
    }
    document = PolicyDocument.parse(json.dumps({"Version": "2012-10-17", "Statement": grant}))
    trusted = ResourcePolicy(document, {principal.entity_arn: principal.entity_id})
    return Resource(principal.entity_arn, call.account, trusted)


@operation("iam", "ChangePassword", Permission("iam:ChangePassword", on=_on_own_password))
async def change_password(call: Call) -> dict[str, Any]:
    """The caller changes its own password. Raises InvalidUserType, NoSuchEntity, PasswordPolicyViolation;
    AccessDenied when the old password is wrong."""
    reader = call.system.identity
    user = await entities.by_id(reader, call.caller.principal.entity_id)
    row = None if user is None else await reader.fetch_one(
        "SELECT password FROM login_profiles WHERE user_id = ?", user.id
    )  # fmt: skip
    if user is None or row is None:
        raise _not_found(call.caller.principal.entity_arn.rsplit("/", 1)[-1])
    old = row[0]
    if not await asyncio.to_thread(call.system.vault.verify_password, old, call.input["OldPassword"]):
        raise AwsError("AccessDenied", "The old password was incorrect.", 403)
    hashed = await _new_hash(call, reader, user, call.input["NewPassword"])

    async def work(tx: Transaction) -> None:
        await set_password(tx, user, hashed, now=call.now)
        await tx.execute("UPDATE login_profiles SET reset_required = 0 WHERE user_id = ?", user.id)

    await call.system.identity.write(work)
    return {}


async def _new_hash(call: Call, reader: Reader, user: Entity, password: str) -> str:
    """The hash of a password that the user may take. Raises PasswordPolicyViolation."""
    await check_password(reader, call.account, password)
    policy = await password_policy(reader, call.account) or {}
    kept = policy.get("PasswordReusePrevention") or 0
    row = await reader.fetch_one("SELECT password, previous_passwords FROM login_profiles WHERE user_id = ?", user.id)
    used = [] if row is None else [row[0], *json.loads(row[1])][:kept]

    def hash_unless_used() -> str | None:
        vault = call.system.vault
        if any(vault.verify_password(hashed, password) for hashed in used):
            return None
        return vault.hash_password(password)

    hashed = await asyncio.to_thread(hash_unless_used)
    if hashed is None:
        message = f"Password should not be one of the last {kept} passwords"
        raise AwsError("PasswordPolicyViolation", message, 400)
    return hashed


def _is_about_root(call: Call) -> bool:
    return call.caller.principal.kind is PrincipalKind.ROOT and call.input.get("UserName") is None


def _user_name(call: Call) -> str:
    """The user of the input, or the caller. Raises ValidationError."""
    name: str | None = call.input.get("UserName") or caller_name(call)
    if name is None:
        raise invalid_value("Must specify userName when calling with non-User credentials")
    return name


def _not_found(name: str) -> AwsError:
    return no_such_entity(f"Login Profile for User {name} cannot be found.")


def _shown(user: Entity, created: float, reset_required: bool) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "CreateDate": moment(created),
        "PasswordResetRequired": reset_required,
    }
