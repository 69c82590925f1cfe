"""What users, groups and roles have in common: a name that is unique whatever its case, a path, an ARN, a
unique id, policies.

Operations that exist three times (`PutUserPolicy`, `PutGroupPolicy`, `PutRolePolicy`) are made once, from
the table of kinds below. Quotas: IAM User Guide, "IAM and AWS STS quotas" (the defaults; white space in
documents is not counted).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from isthmus.names import unique_id
from isthmus.names.unique_ids import Prefix
from isthmus.store import Reader, Row, Transaction

from .errors import already_exists, cannot_be_found, exceeds_quota, must_first

Entropy = Callable[[int], bytes]
"""n random bytes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three kinds.

    word: in operation and member names. columns: read into an Entity. per_account: how many an account may
    have. inline_size: characters of all inline policies together. attached: managed policies at most.
    """

    word: str
    table: str
    prefix: Prefix
    select: str
    per_account: int
    inline_size: int
    attached: int = 10

    @property
    def name(self) -> str:
        """`user`, `group` or `role`: in ARNs and messages."""
        return self.word.lower()

    @property
    def member(self) -> str:
        """The input member that names one: `UserName`."""
        return f"{self.word}Name"


USER = Kind("User", "users", "AIDA", "SELECT id, account, name, path, created, boundary FROM users", 5000, 2048)
GROUP = Kind("Group", "groups", "AGPA", "SELECT id, account, name, path, created, NULL FROM groups", 300, 5120)
ROLE = Kind("Role", "roles", "AROA", "SELECT id, account, name, path, created, boundary FROM roles", 1000, 10240)
KINDS = (USER, GROUP, ROLE)
KIND_OF_NAME = {kind.name: kind for kind in KINDS}
KIND_OF_PREFIX = {kind.prefix: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Entity:
    """A user, group or role. boundary: the ARN of its permissions boundary; groups have none."""

    kind: Kind
    id: str
    account: str
    name: str
    path: str
    created: float
    boundary: str | None = None

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:user/PATH/NAME`."""
        return iam_arn(self.account, self.kind.name, self.path, self.name)


def iam_arn(account: str, resource_type: str, path: str, name: str) -> str:
    """The ARN of anything in IAM that has a path and a name."""
    return f"arn:aws:iam::{account}:{resource_type}{path}{name}"


async def find(reader: Reader, kind: Kind, account: str, name: str) -> Entity | None:
    """The account's entity of that name, whatever its case."""
    row = await reader.fetch_one(f"{kind.select} WHERE account = ? AND name_folded = ?", account, name.lower())
    return None if row is None else Entity(kind, *row)


async def get(reader: Reader, kind: Kind, account: str, name: str) -> Entity:
    """The account's entity of that name. Raises NoSuchEntity."""
    entity = await find(reader, kind, account, name)
    if entity is None:
        raise cannot_be_found(kind.name, name)
    return entity


async def by_id(reader: Reader, unique: str) -> Entity | None:
    """The user, group or role with this AIDA…, AGPA… or AROA… id."""
    kind = KIND_OF_PREFIX.get(unique[:4])  # type: ignore[call-overload]
    row = None if kind is None else await reader.fetch_one(f"{kind.select} WHERE id = ?", unique)
    return None if row is None or kind is None else Entity(kind, *row)


async def many(reader: Reader, kind: Kind, condition: str, *values: Any) -> list[Entity]:
    """Entities by a condition of our own making (`account = ? ORDER BY …`); values fill its placeholders."""
    rows: list[Row] = await reader.fetch_all(f"{kind.select} WHERE {condition}", *values)
    return [Entity(kind, *row) for row in rows]


async def count(reader: Reader, sql: str, *values: Any) -> int:
    """The number that a `SELECT count(*)` gives."""
    row = await reader.fetch_one(sql, *values)
    return 0 if row is None else int(row[0])


async def new(
    tx: Transaction, kind: Kind, account: str, name: str, path: str, now: float, entropy: Entropy,
    boundary: str | None = None,
) -> Entity:  # fmt: skip
    """A value for an entity that may be inserted: its name is free and the account has room. Raises
    EntityAlreadyExists, LimitExceeded."""
    await check_name_is_free(tx, kind, account, name)
    await check_room(tx, kind.table, account, f"{kind.word}sPerAccount", kind.per_account)
    return Entity(kind, unique_id(kind.prefix, entropy(11)), account, name, path, now, boundary)


async def check_room(tx: Reader, table: str, account: str, quota: str, most: int) -> None:
    """Raises LimitExceeded, naming the quota, if the account has as many rows in the table as it may have."""
    if await count(tx, f"SELECT count(*) FROM {table} WHERE account = ?", account) >= most:  # noqa: S608
        raise exceeds_quota(quota, most)


async def check_name_is_free(tx: Reader, kind: Kind, account: str, name: str, unless: str | None = None) -> None:
    """Raises EntityAlreadyExists if an entity other than the one with the id `unless` has the name."""
    other = await find(tx, kind, account, name)
    if other is not None and other.id != unless:
        raise already_exists(f"{kind.word} with name {name} already exists.")


async def rename(tx: Transaction, entity: Entity, name: str | None, path: str | None) -> None:
    """Change name and path of an entity; None leaves them. Raises EntityAlreadyExists."""
    new_name = entity.name if name is None else name
    await check_name_is_free(tx, entity.kind, entity.account, new_name, unless=entity.id)
    await tx.execute(
        f"UPDATE {entity.kind.table} SET name = ?, name_folded = ?, path = ? WHERE id = ?",  # noqa: S608
        new_name, new_name.lower(), entity.path if path is None else path, entity.id,
    )  # fmt: skip


async def check_has_nothing(tx: Reader, entity: Entity, *in_the_way: tuple[str, str, str]) -> None:
    """Raises DeleteConflict for an entity that still has policies, or a row in one of the tables.

    in_the_way: table, the column with the entity's id, and what must be done first, in AWS's words.
    """
    for table, column, what in (*in_the_way, *_POLICIES_IN_THE_WAY):
        if await tx.fetch_one(f"SELECT 1 FROM {table} WHERE {column} = ?", entity.id):  # noqa: S608
            raise must_first(what)


_POLICIES_IN_THE_WAY = (
    ("attached_policies", "entity_id", "detach all policies"),
    ("inline_policies", "entity_id", "delete policies"),
)


def moment(seconds: float) -> datetime:
    """A stored time as AWS shows it, to the second."""
    return datetime.fromtimestamp(int(seconds), UTC)


def described(entity: Entity) -> dict[str, Any]:
    """The members that User, Group and Role start with."""
    word = entity.kind.word
    return {
        "Path": entity.path,
        f"{word}Name": entity.name,
        f"{word}Id": entity.id,
        "Arn": entity.arn,
        "CreateDate": moment(entity.created),
    }
