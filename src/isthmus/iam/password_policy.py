"""The account password policy: what passwords of users must be like.

Without one AWS's default holds: at least 8 characters of at least three kinds, and neither the account's name
nor its e-mail address (IAM User Guide, "Set an account password policy for IAM users").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from .errors import cannot_be_found, no_such_entity

_SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")
_KINDS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("RequireUppercaseCharacters", "uppercase letter", lambda char: "A" <= char <= "Z"),
    ("RequireLowercaseCharacters", "lowercase letter", lambda char: "a" <= char <= "z"),
    ("RequireNumbers", "number", lambda char: "0" <= char <= "9"),
    ("RequireSymbols", "symbol", _SYMBOLS.__contains__),
)
_DEFAULT_LENGTH = 8
_DEFAULT_KINDS = 3
_DEFAULTS: dict[str, Any] = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
"""What UpdateAccountPasswordPolicy sets where it is told nothing."""


async def password_policy(reader: Reader, account: str) -> dict[str, Any] | None:
    """The policy by the members of UpdateAccountPasswordPolicy; None where AWS's default holds."""
    row = await reader.fetch_one("SELECT document FROM password_policies WHERE account = ?", account)
    policy: dict[str, Any] | None = None if row is None else json.loads(row[0])
    return policy


async def check_password(reader: Reader, account: str, password: str) -> None:
    """Raises PasswordPolicyViolation for a password that the account's users may not have."""
    policy = await password_policy(reader, account)
    missing = [(member, word) for member, word, has in _KINDS if not any(map(has, password))]
    if policy is None:
        names = await reader.fetch_one("SELECT name, email FROM accounts WHERE id = ?", account)
        if len(password) < _DEFAULT_LENGTH:
            raise _violation(f"Password should have a minimum length of {_DEFAULT_LENGTH}")
        if len(_KINDS) - len(missing) < _DEFAULT_KINDS:
            raise _violation("Password should have at least three kinds of characters")
        if names is not None and password in names:
            raise _violation("Password should not be identical to the account's name or email address")
        return
    if len(password) < policy["MinimumPasswordLength"]:
        raise _violation(f"Password should have a minimum length of {policy['MinimumPasswordLength']}")
    for member, word in missing:
        if policy[member]:
            raise _violation(f"Password should have at least one {word}")


def _violation(message: str) -> AwsError:
    return AwsError("PasswordPolicyViolation", message, 400)


@operation("iam", "GetAccountPasswordPolicy", Permission("iam:GetAccountPasswordPolicy", on=on_anything))
async def get_account_password_policy(call: Call) -> dict[str, Any]:
    """The policy that was set. Raises NoSuchEntity where AWS's default holds."""
    policy = await password_policy(call.system.identity, call.account)
    if policy is None:
        raise no_such_entity(f"The Password Policy with domain name {call.account} cannot be found.")
    return {"PasswordPolicy": policy | {"ExpirePasswords": bool(policy.get("MaxPasswordAge"))}}


@operation("iam", "UpdateAccountPasswordPolicy", Permission("iam:UpdateAccountPasswordPolicy", on=on_anything))
async def update_account_password_policy(call: Call) -> dict[str, Any]:
    """Set the policy as a whole: what is not given goes back to its default."""
    policy = _DEFAULTS | call.input

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO password_policies (account, document) VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET document = excluded.document",
            call.account, json.dumps(policy),
        )  # fmt: skip

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteAccountPasswordPolicy", Permission("iam:DeleteAccountPasswordPolicy", on=on_anything))
async def delete_account_password_policy(call: Call) -> dict[str, Any]:
    """Go back to AWS's default. Raises NoSuchEntity if it holds already."""

    async def work(tx: Transaction) -> None:
        if not await tx.execute("DELETE FROM password_policies WHERE account = ?", call.account):
            raise cannot_be_found("account policy", "PasswordPolicy")

    await call.system.identity.write(work)
    return {}
