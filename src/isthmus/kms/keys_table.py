"""KMS keys as typed records, read through the directory's cache: they change rarely and are asked for often.

A key's material is opened once and kept beside it. `number` orders the materials of a key: the newest encrypts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from isthmus.identity import KMS_MATERIAL, Directory
from isthmus.operation import System
from isthmus.policy import PolicyDocument, ResourcePolicy
from isthmus.store import Metadata, Reader, Transaction

ENABLED, DISABLED, PENDING_DELETION = "Enabled", "Disabled", "PendingDeletion"
CUSTOMER, AWS = "CUSTOMER", "AWS"

_SELECT = (
    "SELECT arn, id, account, region, manager, spec, usage, description, state, deletion, policy,"
    " policy_principal_ids, rotation_days, next_rotation, tags, created FROM kms_keys WHERE arn = ?"
)


@dataclass(frozen=True, slots=True)
class Material:
    """One generation of a key's secret. rotation: AUTOMATIC, ON_DEMAND, None for the first."""

    id: str
    number: int
    rotation: str | None
    created: float


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key. policy trusts nobody by itself: its account's identity policies count only where it says so.

    aliases: names, with `alias/`. materials: the newest last. deletion, next_rotation: seconds since the epoch.
    """

    arn: str
    id: str
    account: str
    region: str
    manager: str
    spec: str
    usage: str
    description: str
    state: str
    deletion: float | None
    policy: ResourcePolicy
    rotation_days: int | None
    next_rotation: float | None
    tags: Mapping[str, str]
    created: float
    aliases: tuple[str, ...] = ()
    materials: tuple[Material, ...] = field(default=(), repr=False)

    @property
    def current(self) -> Material:
        """The material that encrypts."""
        return self.materials[-1]


def key_arn(account: str, region: str, key_id: str) -> str:
    """`arn:aws:kms:REGION:ACCOUNT:key/ID`."""
    return f"arn:aws:kms:{region}:{account}:key/{key_id}"


def alias_arn(account: str, region: str, name: str) -> str:
    """`arn:aws:kms:REGION:ACCOUNT:alias/…`; name begins with `alias/`."""
    return f"arn:aws:kms:{region}:{account}:{name}"


def key_policy(text: str, principal_ids: Mapping[str, str]) -> ResourcePolicy:
    """A stored key policy as the policy engine knows it."""
    return ResourcePolicy(PolicyDocument.parse(text), principal_ids, trusts_account=False)


async def find_key(system: System, arn: str) -> Key | None:
    """The key with this ARN."""
    cache = system.directory.cache
    kept = ("kms key", arn)
    if kept not in cache:
        cache[kept] = await read_key(system.identity, arn)
    return cast(Key | None, cache[kept])


async def read_key(reader: Reader, arn: str) -> Key | None:
    """The key with this ARN as the database, or a transaction, has it now."""
    row = await reader.fetch_one(_SELECT, arn)
    if row is None:
        return None
    materials = await reader.fetch_all(
        "SELECT id, number, rotation, created FROM kms_key_material WHERE key_arn = ? ORDER BY number", arn
    )
    aliases = await reader.fetch_all("SELECT name FROM kms_aliases WHERE key_arn = ? ORDER BY name", arn)
    policy = key_policy(row[10], json.loads(row[11]))
    names = tuple(name for (name,) in aliases)
    rest = (policy, row[12], row[13], json.loads(row[14]), row[15], names, tuple(Material(*one) for one in materials))
    return Key(*(*row[:10], *rest))


async def target_of_alias(system: System, arn: str) -> str | None:
    """The ARN of the key that an alias stands for."""
    cache = system.directory.cache
    kept = ("kms alias", arn)
    if kept not in cache:
        row = await system.identity.fetch_one("SELECT key_arn FROM kms_aliases WHERE arn = ?", arn)
        cache[kept] = None if row is None else row[0]
    return cast(str | None, cache[kept])


async def key_of_material(system: System, material_id: str) -> str | None:
    """The ARN of the key that a material belongs to."""
    cache = system.directory.cache
    kept = ("key of kms material", material_id)
    if kept not in cache:
        row = await system.identity.fetch_one("SELECT key_arn FROM kms_key_material WHERE id = ?", material_id)
        cache[kept] = None if row is None else row[0]
    return cast(str | None, cache[kept])


async def open_material(system: System, material_id: str) -> bytes:
    """The secret of a material that exists. It is open: keep it nowhere but here."""
    cache = system.directory.cache
    kept = ("kms material", material_id)
    if kept not in cache:
        row = await system.identity.fetch_one("SELECT sealed FROM kms_key_material WHERE id = ?", material_id)
        if row is None:
            raise LookupError(material_id)
        cache[kept] = system.vault.unseal(bytes(row[0]), KMS_MATERIAL, material_id.encode())
    return cast(bytes, cache[kept])


async def insert_material(
    tx: Transaction, system: System, arn: str, secret: bytes, *, number: int, rotation: str | None, now: float
) -> str:
    """Store a new generation of a key's secret; its id."""
    material_id = system.entropy(32).hex()
    await tx.execute(
        "INSERT INTO kms_key_material (id, key_arn, number, sealed, rotation, created) VALUES (?, ?, ?, ?, ?, ?)",
        material_id,
        arn,
        number,
        system.vault.seal(secret, KMS_MATERIAL, material_id.encode()),
        rotation,
        now,
    )
    return material_id


async def update_key(system: System, arn: str, **columns: Any) -> None:
    """Set columns of a key's row."""
    names = ", ".join(f"{name} = ?" for name in columns)

    async def work(tx: Transaction) -> None:
        await tx.execute(f"UPDATE kms_keys SET {names} WHERE arn = ?", *columns.values(), arn)  # noqa: S608 - names are ours

    await system.identity.write(work)


async def principal_ids(tx: Transaction, system: System, document: PolicyDocument) -> dict[str, str]:
    """The unique ids that a policy's principals mean in this transaction. Raises InvalidPrincipal."""
    # A directory of its own: the server's does not see what the transaction wrote.
    return await Directory(cast(Metadata, tx), system.vault).principal_ids(document)
