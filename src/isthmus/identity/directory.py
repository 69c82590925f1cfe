"""Reads of the identity database through a cache that holds until anybody commits to it.

Identity data changes rarely and is read on every request. The database tells in about a microsecond whether
anybody committed since (`Metadata.generation`); until then every answer, also "there is none", is one
dictionary lookup. Only what is asked for is loaded, each by an index, so an account of five thousand users
costs what an account of ten does.

A read that was under way when the cache was dropped must not put its old answer into the new cache: each read
holds on to the cache it started with.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from isthmus.names import Arn, InvalidArn
from isthmus.policy import NamedPolicy, PolicyDocument, PolicyType, ResourcePolicy
from isthmus.store import Metadata, Row

from . import managed
from .membership import read_membership
from .records import AccessKey, Account, Bucket, EntityPolicies, Group, Membership, MfaDevice, Role, User
from .shown import rename_principals
from .vault import ACCESS_KEY, MFA_SEED, Vault

T = TypeVar("T")

_MAX_ENTRIES = 100_000  # a worker's memory stays bounded whatever names strangers ask for

# What a boundary means whose document is gone: nothing is permitted. A missing limit must never widen access.
_DENY_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'

_ACCOUNT = "SELECT id, name, email, alias, canonical_id, created, public_access_block FROM accounts WHERE "
_USER = "SELECT id, account, name, path, boundary, created FROM users WHERE "
_GROUPS_OF_USER = (
    "SELECT g.id, g.account, g.name, g.path, g.created FROM groups g"
    " JOIN group_members m ON m.group_id = g.id WHERE m.user_id = ? ORDER BY g.name_folded"
)
_ROLE = (
    "SELECT id, account, name, path, description, max_session_duration, boundary, trust_policy,"
    " trust_principal_ids, created FROM roles WHERE "
)
_BUCKET = (
    "SELECT id, name, account, region, versioning, mfa_delete, ownership, acl, policy, policy_principal_ids,"
    " public_access_block, object_lock, created FROM buckets WHERE name = ?"
)
_CUSTOMER_POLICY = (
    "SELECT p.name, v.document FROM policies p"
    " JOIN policy_versions v ON v.policy_id = p.id AND v.version = p.default_version WHERE p.arn = ?"
)


class InvalidPrincipal(ValueError):
    """A Principal element names a user or role that does not exist; `principal` is that ARN or id."""

    def __init__(self, principal: str) -> None:
        super().__init__(principal)
        self.principal = principal


class Directory:
    """Everything a request needs to know about identities and buckets.

    `refresh()` is called once at the start of each request; between two calls answers are consistent.
    """

    def __init__(self, identity: Metadata, vault: Vault) -> None:
        self._identity = identity
        self._vault = vault
        self._generation: int | None = None
        self._cache: dict[tuple[str, str], Any] = {}

    def refresh(self) -> None:
        """Empty the cache if the identity database changed."""
        generation = self._identity.generation()
        if generation != self._generation or len(self._cache) > _MAX_ENTRIES:
            self._generation = generation
            self._cache = {}

    @property
    def cache(self) -> dict[tuple[str, str], Any]:
        """Answers by kind and name. Whoever derives something from answers may keep it here, under a kind of
        its own; take the dictionary before the first read and write to that one."""
        return self._cache

    async def account(self, account: str) -> Account | None:
        """The account with these 12 digits."""
        return await self._cached(("account", account), self._read_account, "id = ?", account)

    async def account_by_canonical_id(self, canonical: str) -> Account | None:
        """The account that S3's ACLs call by these 64 hex digits."""
        return await self._cached(
            ("account by canonical id", canonical), self._read_account, "canonical_id = ?", canonical
        )

    async def account_by_email(self, email: str) -> Account | None:
        """The account of this address, regardless of case; None too where several share it."""
        return await self._cached(("account by email", email), self._read_account, "lower(email) = ?", email.lower())

    async def account_by_alias(self, alias: str) -> Account | None:
        """The account with this sign-in alias."""
        return await self._cached(("account by alias", alias), self._read_account, "alias = ?", alias)

    async def membership(self, account: str) -> Membership | None:
        """The account's place in its organization, with the policies that limit it; None outside of one."""
        # Every decision asks: the answer that is known takes no further call.
        key = ("membership", account)
        if key in self._cache:
            return cast("Membership | None", self._cache[key])
        return await self._cached(key, self._read_membership, account)

    async def access_key(self, key_id: str) -> AccessKey | None:
        """The long-term access key of this id, with its secret opened."""
        return await self._cached(("access key", key_id), self._read_access_key, key_id)

    async def user(self, account: str, name: str) -> User | None:
        """The account's user called `name`, regardless of case."""
        return await self._cached(
            ("user", f"{account}/{name}"),
            self._read_user,
            "account = ? AND name_folded = ?",
            account,
            name.lower(),
        )

    async def user_by_id(self, user_id: str) -> User | None:
        """The user with this AIDA… id."""
        return await self._cached(("user by id", user_id), self._read_user, "id = ?", user_id)

    async def role(self, account: str, name: str) -> Role | None:
        """The account's role called `name`, regardless of case."""
        return await self._cached(
            ("role", f"{account}/{name}"),
            self._read_role,
            "account = ? AND name_folded = ?",
            account,
            name.lower(),
        )

    async def role_by_id(self, role_id: str) -> Role | None:
        """The role with this AROA… id."""
        return await self._cached(("role by id", role_id), self._read_role, "id = ?", role_id)

    async def bucket(self, name: str) -> Bucket | None:
        """The bucket of this name, whoever owns it."""
        return await self._cached(("bucket", name), self._read_bucket, name)

    async def mfa_device(self, serial: str) -> MfaDevice | None:
        """The virtual MFA device with this serial number (an ARN), enabled or not."""
        return await self._cached(("mfa device", serial), self._read_mfa_device, serial)

    async def setting(self, name: str, default: T) -> T:
        """What the operator set for the whole server (`new_buckets.object_ownership` …), or `default`."""
        value = await self._cached(("setting", name), self._read_setting, name)
        return default if value is None else cast(T, value)

    async def tags(self, resource: str) -> dict[str, str]:
        """The tags of a user, role or policy (by unique id) or MFA device (by serial); a copy of the caller's
        own."""
        return dict(await self._cached(("tags", resource), self._read_tags, resource))

    async def managed_policy(self, arn: str) -> NamedPolicy | None:
        """The default version of an AWS managed or customer managed policy."""
        return await self._cached(("managed policy", arn), self._read_managed_policy, arn)

    async def groups_of_user(self, user_id: str) -> tuple[Group, ...]:
        """The groups the user is in, by name."""
        return await self._cached(("groups", user_id), self._read_groups, user_id)

    async def policies_of_user(self, user_id: str) -> EntityPolicies:
        """The user's own identity policies, those of its groups, and its boundary; empty for an unknown
        user."""
        return await self._cached(("policies", user_id), self._read_policies_of_user, user_id)

    async def policies_of_group(self, group: Group) -> tuple[NamedPolicy, ...]:
        """The group's own policies."""
        return await self._cached(("policies", group.id), self._policies_on, group.id, group.arn)

    async def policies_of_role(self, role_id: str) -> EntityPolicies:
        """The role's identity policies and its boundary; empty for an unknown role."""
        return await self._cached(("policies", role_id), self._read_policies_of_role, role_id)

    async def principal_ids(self, document: PolicyDocument) -> dict[str, str]:
        """The unique id of each user and role ARN its Principal elements name. Raises InvalidPrincipal.

        A bare unique id stands for itself as long as its user or role exists.
        """
        ids: dict[str, str] = {}
        for principal in document.principal_arns():
            entity = await self._entity(principal)
            if entity is None:
                raise InvalidPrincipal(principal)
            ids[principal] = entity.id
        return ids

    async def shown_text(self, policy: ResourcePolicy) -> str:
        """The document as read back: byte for byte as stored, but with principals as they are called now: a
        renamed user by its new ARN, a deleted user or role by its unique id."""
        names: dict[str, str] = {}
        for written, unique_id in policy.principal_ids.items():
            entity = await self._entity(unique_id)
            now = unique_id if entity is None else entity.arn
            if now != written:
                names[written] = now
        return rename_principals(policy.document.text, names)

    async def _entity(self, principal: str) -> User | Role | None:
        """The user or role that an ARN or a unique id means now."""
        if principal.startswith("AIDA"):
            return await self.user_by_id(principal)
        if principal.startswith("AROA"):
            return await self.role_by_id(principal)
        try:
            arn = Arn.parse(principal)
        except InvalidArn:
            return None
        entity: User | Role | None = None
        if arn.resource_type == "user":
            entity = await self.user(arn.account, arn.name)
        elif arn.resource_type == "role":
            entity = await self.role(arn.account, arn.name)
        # Names are found regardless of case and path, but a principal must be written exactly.
        return entity if entity is not None and entity.arn == principal else None

    async def _cached(self, key: tuple[str, str], read: Callable[..., Awaitable[T]], *values: str) -> T:
        cache = self._cache
        try:
            return cast(T, cache[key])
        except KeyError:
            answer = cache[key] = await read(*values)
            return answer

    async def _read_account(self, condition: str, value: str) -> Account | None:
        rows = await self._identity.fetch_all(_ACCOUNT + condition, value)
        if len(rows) != 1:
            return None
        row = rows[0]
        return Account(*(*row[:-1], _json_or_none(row[-1])))

    async def _read_membership(self, account: str) -> Membership | None:
        return await read_membership(self._identity, account)

    async def _read_access_key(self, key_id: str) -> AccessKey | None:
        row = await self._identity.fetch_one(
            "SELECT id, account, user_id, secret, active FROM access_keys WHERE id = ?", key_id
        )
        if row is None:
            return None
        secret = self._vault.unseal(bytes(row[3]), ACCESS_KEY).decode()
        return AccessKey(row[0], row[1], row[2], secret, bool(row[4]))

    async def _read_user(self, condition: str, *values: str) -> User | None:
        row = await self._identity.fetch_one(_USER + condition, *values)
        return None if row is None else User(*row)

    async def _read_role(self, condition: str, *values: str) -> Role | None:
        row = await self._identity.fetch_one(_ROLE + condition, *values)
        if row is None:
            return None
        trust, ids, created = row[-3:]
        policy = ResourcePolicy(
            PolicyDocument.parse(trust), json.loads(ids), type=PolicyType.TRUST, trusts_account=False
        )
        return Role(*(*row[:-3], policy, created))

    async def _read_bucket(self, name: str) -> Bucket | None:
        row = await self._identity.fetch_one(_BUCKET, name)
        if row is None:
            return None
        configurations = await self._identity.fetch_all(
            "SELECT kind, document FROM bucket_configurations WHERE bucket_id = ?", row[0]
        )
        text, ids, block, object_lock, created = row[-5:]
        policy = None if text is None else ResourcePolicy(PolicyDocument.parse(text), json.loads(ids))
        block_settings = _json_or_none(block)
        return Bucket(*(*row[:-5], policy, block_settings, bool(object_lock), created, dict(configurations)))

    async def _read_mfa_device(self, serial: str) -> MfaDevice | None:
        row = await self._identity.fetch_one(
            "SELECT serial, account, seed, owner_id, enabled, drift FROM mfa_devices WHERE serial = ?", serial
        )
        if row is None:
            return None
        return MfaDevice(row[0], row[1], self._vault.unseal(bytes(row[2]), MFA_SEED), *row[3:])

    async def _read_setting(self, name: str) -> object:
        row = await self._identity.fetch_one("SELECT value FROM settings WHERE name = ?", name)
        return None if row is None else json.loads(row[0])

    async def _read_tags(self, resource: str) -> dict[str, str]:
        rows = await self._identity.fetch_all("SELECT key, value FROM tags WHERE resource = ? ORDER BY key", resource)
        return dict(rows)

    async def _read_managed_policy(self, arn: str) -> NamedPolicy | None:
        if arn.startswith(managed.PREFIX):
            policy = managed.aws_managed_policy(arn)
            return None if policy is None else _named(policy.name, policy.document, arn)
        row = await self._identity.fetch_one(_CUSTOMER_POLICY, arn)
        return None if row is None else _named(row[0], row[1], arn)

    async def _read_groups(self, user_id: str) -> tuple[Group, ...]:
        rows = await self._identity.fetch_all(_GROUPS_OF_USER, user_id)
        return tuple(Group(*row) for row in rows)

    async def _read_policies_of_user(self, user_id: str) -> EntityPolicies:
        user = await self.user_by_id(user_id)
        if user is None:
            return EntityPolicies()
        identity = await self._policies_on(user_id, user.arn)
        for group in await self.groups_of_user(user_id):
            identity += await self._policies_on(group.id, group.arn)
        return EntityPolicies(identity, await self._boundary(user.boundary, user.arn))

    async def _read_policies_of_role(self, role_id: str) -> EntityPolicies:
        role = await self.role_by_id(role_id)
        if role is None:
            return EntityPolicies()
        return EntityPolicies(await self._policies_on(role_id, role.arn), await self._boundary(role.boundary, role.arn))

    async def _policies_on(self, entity_id: str, holder: str) -> tuple[NamedPolicy, ...]:
        """The managed and inline policies of one user, group or role."""
        attached: list[Row] = await self._identity.fetch_all(
            "SELECT policy_arn FROM attached_policies WHERE entity_id = ? ORDER BY position, policy_arn",
            entity_id,
        )
        inline: list[Row] = await self._identity.fetch_all(
            "SELECT name, document FROM inline_policies WHERE entity_id = ? ORDER BY name", entity_id
        )
        found = [await self.managed_policy(arn) for (arn,) in attached]
        policies = [replace(policy, holder=holder) for policy in found if policy is not None]
        policies += [NamedPolicy(PolicyDocument.parse(text), name, None, holder) for name, text in inline]
        return tuple(policies)

    async def _boundary(self, arn: str | None, holder: str) -> NamedPolicy | None:
        if arn is None:
            return None
        policy = await self.managed_policy(arn) or _named(arn.rsplit("/", 1)[-1], _DENY_ALL, arn)
        return replace(policy, holder=holder)


def _named(name: str, document: str, arn: str) -> NamedPolicy:
    return NamedPolicy(PolicyDocument.parse(document), name, arn)


def _json_or_none(text: str | None) -> Mapping[str, bool] | None:
    return None if text is None else json.loads(text)
