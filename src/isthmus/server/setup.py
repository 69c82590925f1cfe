"""Applying a setup file: identities in one transaction, then buckets and their objects.

Applying is idempotent. What is missing is made, documents and attachments are set to what the file says, and nothing
is removed. Everything that can be refused is refused inside the first transaction, so a file that cannot be applied
changes nothing. Objects are loaded as the account's root user would; a file whose object has its size and MD5 is
not loaded again.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import isthmus.s3  # noqa: F401 - fills the table of operations
from isthmus.iam import (
    access_keys,
    accounts,
    attachments,
    documents,
    entities,
    groups,
    inline_policies,
    login_profiles,
    mfa_devices,
    policies,
    policy_versions,
    roles,
    users,
)
from isthmus.iam.entities import GROUP, ROLE, USER, Entity
from isthmus.iam.tag_rows import set_tags
from isthmus.identity.authenticated import long_term
from isthmus.identity.managed import aws_managed_policy_arn
from isthmus.identity.records import AccessKey
from isthmus.kms.given_keys import apply_given_key
from isthmus.operation import OPERATIONS, Call, Caller, System
from isthmus.policy import PolicyDocument, check_bucket_policy, is_public
from isthmus.s3.deliveries import event_targets
from isthmus.store import IntegrityConflict, Transaction
from isthmus.wire import AwsError, BytesBody, Request

from .setup_fields import InvalidSetup, named
from .setup_file import AccountSetup, BucketSetup, IdentitySetup, RoleSetup, SetupFile, UserSetup
from .setup_organization import apply_organization

_CHUNK = 1 << 20


@dataclass(slots=True)
class SetupResult:
    """What applying a file did."""

    accounts: int = 0
    made: int = 0
    objects: int = 0

    def __str__(self) -> str:
        made = f"{self.made} identities, buckets and keys made"
        return f"{self.accounts} accounts set up: {made}, {self.objects} objects loaded"


@dataclass(slots=True)
class _Applying:
    """One account on its way into the database. roles: those whose trusted principals do not exist yet."""

    tx: Transaction
    system: System
    setup: AccountSetup
    now: float
    hashes: dict[str, str]
    result: SetupResult
    waiting: list[RoleSetup] = field(default_factory=list)


async def apply(file: SetupFile, system: System) -> SetupResult:
    """Apply a checked file. Raises InvalidSetup, having changed nothing, if the data that is there forbids it."""
    result = SetupResult(accounts=len(file.accounts))
    now = system.clock()
    # Hashing passwords is slow on purpose; it is done before the transaction holds anybody up.
    hashes = {
        password: system.vault.hash_password(password)
        for account in file.accounts
        for password in (account.root.password, *(user.password for user in account.users))
        if password is not None
    }

    settings = dict(file.settings)
    if file.event_targets is not None:
        settings[event_targets.SETTING] = event_targets.sealed_table(system, file.event_targets)

    async def work(tx: Transaction) -> None:
        for name, value in settings.items():
            await tx.execute(
                "INSERT INTO settings (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                name,
                json.dumps(value),
            )
        applying = [_Applying(tx, system, account, now, hashes, result) for account in file.accounts]
        for one in applying:
            await _account(one)
        await _roles(applying)
        if file.organization is not None:
            accounts_of_file = {account.id: account.line for account in file.accounts}
            result.made += await apply_organization(tx, system, file.organization, accounts_of_file, now)
        for one in applying:
            await _kms_keys(one)
            for bucket in one.setup.buckets:
                await _check_bucket(one, bucket, blocked=file.settings.get("new_buckets.block_public_access", True))

    try:
        await system.identity.write(work)
    except IntegrityConflict as error:
        raise InvalidSetup(file.accounts[0].line, f"it conflicts with data that is there: {error}") from None
    system.directory.refresh()
    for account in file.accounts:
        for bucket in account.buckets:
            await _bucket(system, account.id, bucket, now, result)
    return result


async def _account(one: _Applying) -> None:
    tx, setup, system, now = one.tx, one.setup, one.system, one.now
    with named(setup.line, f"account {setup.id}"):
        row = await tx.fetch_one("SELECT canonical_id FROM accounts WHERE id = ?", setup.id)
        if row is None:
            await accounts.insert_account(tx, setup.id, setup.name, setup.email, now=now, canonical=setup.canonical_id)
            one.result.made += 1
        elif setup.canonical_id is not None and row[0] != setup.canonical_id:
            raise InvalidSetup(setup.line, f"account {setup.id} exists with another canonical_id")
        if setup.alias is not None:
            await accounts.set_alias(tx, setup.id, setup.alias)
        if setup.root.password is not None:
            await accounts.set_root_password(tx, setup.id, one.hashes[setup.root.password])
        await _keys(one, None, setup.root.access_keys)
        if setup.root.mfa_seed is not None:
            await _device(one, "root-account-mfa-device", setup.root.mfa_seed, setup.id)
    for policy in setup.policies:
        with named(policy.line, f"policy {policy.name}"):
            there = await policies.find_policy(
                tx, setup.id, f"arn:aws:iam::{setup.id}:policy{policy.path}{policy.name}"
            )
            if there is None:
                await policies.insert_policy(
                    tx, setup.id, policy.name, policy.document, now=now, entropy=system.entropy, path=policy.path,
                    description=policy.description,
                )  # fmt: skip
                one.result.made += 1
            else:
                await policy_versions.replace_document(tx, there, policy.document, now=now)
    for group in setup.groups:
        with named(group.line, f"group {group.name}"):
            entity = await entities.find(tx, GROUP, setup.id, group.name)
            if entity is None:
                entity = await groups.insert_group(
                    tx, setup.id, group.name, now=now, entropy=system.entropy, path=group.path
                )
                one.result.made += 1
            await _policies(one, entity, group)
    for user in setup.users:
        with named(user.identity.line, f"user {user.identity.name}"):
            await _user(one, user)
    one.waiting = list(setup.roles)


async def _user(one: _Applying, user: UserSetup) -> None:
    tx, identity = one.tx, user.identity
    entity = await entities.find(tx, USER, one.setup.id, identity.name)
    if entity is None:
        entity = await users.insert_user(
            tx, one.setup.id, identity.name, now=one.now, entropy=one.system.entropy, path=identity.path
        )
        one.result.made += 1
    await _policies(one, entity, identity)
    await _keys(one, entity.id, user.access_keys)
    if user.password is not None:
        hashed = one.hashes[user.password]
        if await tx.fetch_one("SELECT 1 FROM login_profiles WHERE user_id = ?", entity.id) is None:
            await login_profiles.insert_login_profile(tx, entity, hashed, now=one.now)
        else:
            await login_profiles.set_password(tx, entity, hashed, now=one.now)
    if user.mfa_seed is not None:
        await _device(one, identity.name, user.mfa_seed, entity.id)
    for name in user.groups:
        await groups.add_member(tx, await entities.get(tx, GROUP, one.setup.id, name), entity)


async def _roles(applying: list[_Applying]) -> None:
    """Roles may trust each other: those whose principals are still missing are tried again until none is added."""
    while any(one.waiting for one in applying):
        refused: InvalidSetup | None = None
        progress = False
        for one in applying:
            waiting, one.waiting = one.waiting, []
            for role in waiting:
                try:
                    with named(role.identity.line, f"role {role.identity.name}"):
                        await _role(one, role)
                    progress = True
                except InvalidSetup as error:
                    refused = error
                    one.waiting.append(role)
        if refused is not None and not progress:
            raise refused


async def _role(one: _Applying, role: RoleSetup) -> None:
    tx, identity, account = one.tx, role.identity, one.setup.id
    entity = await entities.find(tx, ROLE, account, identity.name)
    if entity is None:
        entity = await roles.insert_role(
            tx, one.system.vault, account, identity.name, role.trust, now=one.now, entropy=one.system.entropy,
            path=identity.path, description=role.description, max_session_duration=role.max_session_duration,
        )  # fmt: skip
        one.result.made += 1
    else:
        await roles.set_trust(tx, one.system.vault, entity, role.trust)
        await roles.set_details(tx, entity, max_session_duration=role.max_session_duration)
    await _policies(one, entity, identity)


async def _policies(one: _Applying, entity: Entity, identity: IdentitySetup) -> None:
    tx = one.tx
    attached = await attachments.attached_policies(tx, entity.id)
    for name in identity.managed_policies:
        arn = await _policy_arn(one, name)
        if arn not in attached:
            await attachments.attach(tx, entity, arn)
    for name, document in identity.inline_policies.items():
        await inline_policies.put(tx, entity, name, document)
    if identity.permissions_boundary is not None:
        await attachments.set_boundary(tx, entity, await _policy_arn(one, identity.permissions_boundary))
    if identity.tags:
        await set_tags(tx, entity.id, identity.tags, entity.kind.name)


async def _policy_arn(one: _Applying, name: str) -> str:
    """A policy's ARN by ARN, by the name of a customer policy of the account, or of an AWS managed one."""
    if name.startswith("arn:"):
        return name
    row = await one.tx.fetch_one(
        "SELECT arn FROM policies WHERE account = ? AND name_folded = ?", one.setup.id, name.lower()
    )
    arn = row[0] if row is not None else aws_managed_policy_arn(name)
    if arn is None:
        raise AwsError("NoSuchEntity", f"there is no AWS managed policy or policy of this account called {name}")
    return str(arn)


async def _keys(one: _Applying, user_id: str | None, keys: Any) -> None:
    for key in keys:
        row = await one.tx.fetch_one("SELECT account, user_id FROM access_keys WHERE id = ?", key.id)
        if row is None:
            await access_keys.insert_access_key(
                one.tx, one.system.vault, one.setup.id, user_id, key.id, key.secret, now=one.now
            )
        elif tuple(row) != (one.setup.id, user_id):
            raise AwsError("EntityAlreadyExists", f"access key {key.id} belongs to somebody else")


async def _kms_keys(one: _Applying) -> None:
    region = one.system.settings.region
    for key in one.setup.kms_keys:
        with named(key.line, f"KMS key {key.id}"):
            one.result.made += await apply_given_key(
                one.tx, one.system, one.setup.id, key.region or region, key.id, alias=key.alias, policy=key.policy,
                description=key.description, now=one.now,
            )  # fmt: skip


async def _device(one: _Applying, name: str, seed: bytes, owner_id: str) -> None:
    serial = entities.iam_arn(one.setup.id, "mfa", "/", name)
    if await one.tx.fetch_one("SELECT 1 FROM mfa_devices WHERE serial = ?", serial) is None:
        await mfa_devices.insert_enabled(one.tx, one.system.vault, one.setup.id, name, seed, owner_id, now=one.now)


# Buckets


async def _check_bucket(one: _Applying, bucket: BucketSetup, *, blocked: bool) -> None:
    row = await one.tx.fetch_one("SELECT account, public_access_block FROM buckets WHERE name = ?", bucket.name)
    if row is not None and row[0] != one.setup.id:
        raise InvalidSetup(bucket.line, f"bucket {bucket.name} exists and belongs to account {row[0]}")
    if bucket.policy is None:
        return
    document: PolicyDocument = check_bucket_policy(bucket.policy, bucket.name)
    if is_public(document) and row is None and blocked:
        raise InvalidSetup(
            bucket.line,
            f"the policy of {bucket.name} is public, and Block Public Access is on for new buckets: name principals",
        )
    with named(bucket.line, f"bucket {bucket.name}"):
        await documents.principal_ids(one.tx, one.system.vault, document)


async def _bucket(system: System, account: str, bucket: BucketSetup, now: float, result: SetupResult) -> None:
    with named(bucket.line, f"bucket {bucket.name}"):
        if await system.directory.bucket(bucket.name) is None:
            given: dict[str, Any] = {"Bucket": bucket.name}
            if bucket.region not in (None, "us-east-1"):
                given["CreateBucketConfiguration"] = {"LocationConstraint": bucket.region}
            await _as_root(system, account, "CreateBucket", given, now)
            result.made += 1
        if bucket.versioning:
            versioning = {"Bucket": bucket.name, "VersioningConfiguration": {"Status": "Enabled"}}
            await _as_root(system, account, "PutBucketVersioning", versioning, now)
        if bucket.policy is not None:
            await _as_root(system, account, "PutBucketPolicy", {"Bucket": bucket.name, "Policy": bucket.policy}, now)
        if bucket.objects is not None:
            await _objects(system, account, bucket, now, result)


async def _objects(system: System, account: str, bucket: BucketSetup, now: float, result: SetupResult) -> None:
    folder = bucket.objects
    assert folder is not None
    system.directory.refresh()
    record = await system.directory.bucket(bucket.name)
    assert record is not None
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        key = path.relative_to(folder).as_posix()
        row = await system.objects.fetch_one(
            "SELECT etag, size FROM object_versions WHERE bucket_id = ? AND key = ? AND is_current = 1",
            record.id,
            key.encode(),
        )
        if row is not None and row[1] == path.stat().st_size and row[0] == _md5(path):
            continue
        given = {
            "Bucket": bucket.name,
            "Key": key,
            "ContentType": mimetypes.guess_type(path.name)[0] or "binary/octet-stream",
            "Metadata": {},
        }
        await _as_root(system, account, "PutObject", given, now, _FileBody(path))
        result.objects += 1


async def _as_root(
    system: System, account: str, name: str, given: dict[str, Any], now: float, body: _FileBody | None = None
) -> None:
    """Do what the root user of an account may always do."""
    system.directory.refresh()
    principal, caller_policies, context = await long_term(system.directory, AccessKey("", account, None, ""))
    operation = OPERATIONS[("s3", name)]
    request = Request("PUT", f"/{given['Bucket']}", "", {"host": "localhost"}, body or BytesBody())
    call = Call(
        operation, given, Caller(principal, caller_policies), request, system, context, "setup", now,
        "us-east-1",  # whose endpoint makes buckets anywhere
    )  # fmt: skip
    for permission in operation.permissions:
        if permission.when is None or permission.when(call):
            await permission.on(call)  # finds the bucket and object that `execute` works on
    await operation.execute(call)


class _FileBody:
    """A file as the body of a request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.length: int | None = path.stat().st_size
        self.trailers: dict[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes."""
        with self._path.open("rb") as file:
            while data := file.read(_CHUNK):
                yield data


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
