"""Tag…, Untag… and List…Tags of users, roles, managed policies and MFA devices; other nouns register theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import entities
from .entities import ROLE, USER, Kind
from .mfa_devices import tagged_device
from .paging import Page
from .permissions import On, on_entity, on_mfa_device, on_policy
from .policies import tagged_policy
from .protected import check_modifiable
from .tag_rows import checked_tags, remove_tags, set_tags, tags_of

_Find = Callable[[Call, Reader], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Tagged:
    """A kind of resource: its word in operation names, what it is authorised on, and where its tags are."""

    word: str
    on: On
    find: _Find


def _entity_id(kind: Kind) -> _Find:
    async def find(call: Call, reader: Reader) -> str:
        entity = await entities.get(reader, kind, call.account, call.input[kind.member])
        if call.operation.name.startswith(("Tag", "Untag")):
            check_modifiable(entity)
        return entity.id

    return find


async def _policy_id(call: Call, reader: Reader) -> str:
    return await tagged_policy(reader, call.account, call.input["PolicyArn"])


async def _device_serial(call: Call, reader: Reader) -> str:
    return await tagged_device(reader, call.account, call.input["SerialNumber"])


_TAGGED = (
    Tagged("User", on_entity(USER), _entity_id(USER)),
    Tagged("Role", on_entity(ROLE), _entity_id(ROLE)),
    Tagged("Policy", on_policy, _policy_id),
    Tagged("MFADevice", on_mfa_device, _device_serial),
)


def register(tagged: Tagged) -> None:
    """Make the three operations of one kind."""
    word = tagged.word

    @operation("iam", f"Tag{word}", Permission(f"iam:Tag{word}", on=tagged.on))
    async def tag(call: Call) -> dict[str, Any]:
        """Add tags, or give them other values. Raises NoSuchEntity, InvalidInput, LimitExceeded."""
        tags = checked_tags(call.input["Tags"])

        async def work(tx: Transaction) -> None:
            await set_tags(tx, await tagged.find(call, tx), tags, word)

        await call.system.identity.write(work)
        return {}

    @operation("iam", f"Untag{word}", Permission(f"iam:Untag{word}", on=tagged.on))
    async def untag(call: Call) -> dict[str, Any]:
        """Remove tags; those that are not there are no error. Raises NoSuchEntity."""

        async def work(tx: Transaction) -> None:
            await remove_tags(tx, await tagged.find(call, tx), call.input["TagKeys"])

        await call.system.identity.write(work)
        return {}

    @operation("iam", f"List{word}Tags", Permission(f"iam:List{word}Tags", on=tagged.on))
    async def list_tags(call: Call) -> dict[str, Any]:
        """The tags, by key. Raises NoSuchEntity."""
        page = Page.of(call.input)
        resource = await tagged.find(call, call.system.identity)
        tags = await tags_of(call.system.identity, resource)
        found, more = page.cut(tags, lambda tag: tag["Key"].lower())
        return {"Tags": found, **more}


for _one in _TAGGED:
    register(_one)
