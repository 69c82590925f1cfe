"""Accounts: their alias, and what is in them, counted.

Accounts are made by the setup file, at first start and by Organizations; IAM itself has no operation for that.
"""

from __future__ import annotations

from typing import Any

from isthmus.names import canonical_id
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.store import Reader, Transaction

from . import entities
from .access_keys import KEYS_PER_USER
from .documents import MANAGED_POLICY_SIZE, TRUST_POLICY_SIZE
from .entities import GROUP, ROLE, USER
from .errors import already_exists, cannot_be_found
from .groups import GROUPS_PER_USER
from .instance_profiles import PROFILES_PER_ACCOUNT
from .mfa_devices import DEVICES_PER_USER
from .paging import Page
from .policies import POLICIES_PER_ACCOUNT
from .policy_versions import MOST_VERSIONS
from .server_certificates import CERTIFICATES_PER_ACCOUNT
from .user_certificates import CERTIFICATES_PER_USER


async def insert_account(
    tx: Transaction,
    account: str,
    name: str,
    email: str,
    *,
    now: float,
    canonical: str | None = None,
    alias: str | None = None,
) -> None:
    """Add an account. canonical: derived from the id unless given. Raises EntityAlreadyExists (alias), and
    IntegrityConflict if the id or the canonical id is taken."""
    await tx.execute(
        "INSERT INTO accounts (id, name, email, canonical_id, created) VALUES (?, ?, ?, ?, ?)",
        account, name, email, canonical or canonical_id(account), now,
    )  # fmt: skip
    if alias is not None:
        await set_alias(tx, account, alias)


async def set_alias(tx: Transaction, account: str, alias: str) -> None:
    """Give an account its one alias. Raises EntityAlreadyExists if another account has it."""
    row = await tx.fetch_one("SELECT id FROM accounts WHERE alias = ?", alias)
    if row is not None and row[0] != account:
        raise _alias_taken(alias)
    await tx.execute("UPDATE accounts SET alias = ? WHERE id = ?", alias, account)


async def set_root_password(tx: Transaction, account: str, hashed: str) -> None:
    """Set the root user's console password, hashed by Vault.hash_password."""
    await tx.execute("UPDATE accounts SET root_password = ? WHERE id = ?", hashed, account)


async def alias_of(reader: Reader, account: str) -> str | None:
    """The account's alias."""
    row = await reader.fetch_one("SELECT alias FROM accounts WHERE id = ?", account)
    return None if row is None else row[0]


@operation("iam", "CreateAccountAlias", Permission("iam:CreateAccountAlias", on=on_anything))
async def create_account_alias(call: Call) -> dict[str, Any]:
    """Give the account an alias, in place of one it has. Raises EntityAlreadyExists."""
    alias = call.input["AccountAlias"]

    async def work(tx: Transaction) -> None:
        if await alias_of(tx, call.account) == alias:
            raise _alias_taken(alias)
        await set_alias(tx, call.account, alias)

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteAccountAlias", Permission("iam:DeleteAccountAlias", on=on_anything))
async def delete_account_alias(call: Call) -> dict[str, Any]:
    """Remove the alias. Raises NoSuchEntity."""
    alias = call.input["AccountAlias"]

    async def work(tx: Transaction) -> None:
        if not await tx.execute("UPDATE accounts SET alias = NULL WHERE id = ? AND alias = ?", call.account, alias):
            raise cannot_be_found("account alias", alias)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListAccountAliases", Permission("iam:ListAccountAliases", on=on_anything))
async def list_account_aliases(call: Call) -> dict[str, Any]:
    """The alias, if there is one."""
    page = Page.of(call.input)
    alias = await alias_of(call.system.identity, call.account)
    found, more = page.cut([] if alias is None else [alias], lambda text: text)
    return {"AccountAliases": found, **more}


# What is counted: the summary's key, and SQL with the account as its only value.
_COUNTS = {
    "Users": "users WHERE account = ?",
    "Groups": "groups WHERE account = ?",
    "Roles": "roles WHERE account = ?",
    "Policies": "policies WHERE account = ?",
    "PolicyVersionsInUse": "policy_versions v JOIN policies p ON p.id = v.policy_id WHERE p.account = ?",
    "MFADevices": "mfa_devices WHERE account = ?",
    "MFADevicesInUse": "mfa_devices WHERE account = ? AND enabled IS NOT NULL",
    "InstanceProfiles": "instance_profiles WHERE account = ?",
    "ServerCertificates": "server_certificates WHERE account = ?",
    "AccountSigningCertificatesPresent": "signing_certificates WHERE account = ? AND user_id IS NULL",
    "AccountAccessKeysPresent": "access_keys WHERE account = ? AND user_id IS NULL",
    "AccountMFAEnabled": "mfa_devices WHERE account = ? AND owner_id = account",
    "AccountPasswordPresent": "accounts WHERE id = ? AND root_password IS NOT NULL",
}
# 1 or 0, not how many
_FLAGS = (
    "AccountAccessKeysPresent",
    "AccountMFAEnabled",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
)
_QUOTAS = {
    "UsersQuota": USER.per_account,
    "GroupsQuota": GROUP.per_account,
    "RolesQuota": ROLE.per_account,
    "PoliciesQuota": POLICIES_PER_ACCOUNT,
    "UserPolicySizeQuota": USER.inline_size,
    "GroupPolicySizeQuota": GROUP.inline_size,
    "RolePolicySizeQuota": ROLE.inline_size,
    "PolicySizeQuota": MANAGED_POLICY_SIZE,
    "AssumeRolePolicySizeQuota": TRUST_POLICY_SIZE,
    "AttachedPoliciesPerUserQuota": USER.attached,
    "AttachedPoliciesPerGroupQuota": GROUP.attached,
    "AttachedPoliciesPerRoleQuota": ROLE.attached,
    "VersionsPerPolicyQuota": MOST_VERSIONS,
    "PolicyVersionsInUseQuota": 10000,
    "GroupsPerUserQuota": GROUPS_PER_USER,
    "AccessKeysPerUserQuota": KEYS_PER_USER,
    "MFADevicesPerUserQuota": DEVICES_PER_USER,
    "SigningCertificatesPerUserQuota": CERTIFICATES_PER_USER,
    "ServerCertificatesQuota": CERTIFICATES_PER_ACCOUNT,
    "InstanceProfilesQuota": PROFILES_PER_ACCOUNT,
}
_PROVIDERS = ("oidc_providers", "saml_providers")


@operation("iam", "GetAccountSummary", Permission("iam:GetAccountSummary", on=on_anything))
async def get_account_summary(call: Call) -> dict[str, Any]:
    """How many of everything the account has and may have."""
    summary = {"Providers": 0, **_QUOTAS}
    for table in _PROVIDERS:
        providers = f"SELECT count(*) FROM {table} WHERE account = ?"  # noqa: S608
        summary["Providers"] += await entities.count(call.system.identity, providers, call.account)
    for key, what in _COUNTS.items():
        number = await entities.count(call.system.identity, f"SELECT count(*) FROM {what}", call.account)  # noqa: S608
        summary[key] = min(number, 1) if key in _FLAGS else number
    version = "SELECT global_endpoint_token_version FROM accounts WHERE id = ?"
    row = await call.system.identity.fetch_one(version, call.account)
    summary["GlobalEndpointTokenVersion"] = 1 if row is None else row[0]
    return {"SummaryMap": summary}


@operation(
    "iam",
    "SetSecurityTokenServicePreferences",
    Permission("iam:SetSecurityTokenServicePreferences", on=on_anything),
)
async def set_security_token_service_preferences(call: Call) -> dict[str, Any]:
    """Choose the version of the global endpoint's tokens, which the account summary tells. Tokens of both are good
    in every region here, since there are none to be enabled."""
    version = {"v1Token": 1, "v2Token": 2}[call.input["GlobalEndpointTokenVersion"]]

    async def work(tx: Transaction) -> None:
        await tx.execute("UPDATE accounts SET global_endpoint_token_version = ? WHERE id = ?", version, call.account)

    await call.system.identity.write(work)
    return {}


def _alias_taken(alias: str) -> Exception:
    return already_exists(f"The account alias {alias} already exists.")
