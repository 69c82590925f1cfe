"""Inline policies of users, groups and roles: put, get, delete, list.

All documents of one entity together have a quota, in characters without white space.
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import documents, entities
from .entities import GROUP, KINDS, Entity, Kind
from .errors import cannot_be_found, limit_exceeded
from .paging import Page
from .permissions import on_entity
from .protected import check_modifiable


async def put(tx: Transaction, entity: Entity, name: str, document: str) -> None:
    """Store a checked document under a name, in place of one that is there. Raises LimitExceeded."""
    others = [text for other, text in await inline_policies(tx, entity.id) if other != name]
    limit = entity.kind.inline_size
    if sum(map(documents.size, [*others, document])) > limit:
        raise limit_exceeded(f"Maximum policy size of {limit} bytes exceeded for {entity.kind.name} {entity.name}")
    await tx.execute(
        "INSERT INTO inline_policies (entity_id, name, document) VALUES (?, ?, ?)"
        " ON CONFLICT (entity_id, name) DO UPDATE SET document = excluded.document",
        entity.id, name, document,
    )  # fmt: skip


async def inline_policies(reader: Reader, entity_id: str) -> list[tuple[str, str]]:
    """Names and documents, by name."""
    rows = await reader.fetch_all(
        "SELECT name, document FROM inline_policies WHERE entity_id = ? ORDER BY name", entity_id
    )
    return [(name, document) for name, document in rows]


def _register(kind: Kind) -> None:
    word = kind.word
    on_change = on_entity(kind, boundary=None if kind is GROUP else "present")

    @operation("iam", f"Put{word}Policy", Permission(f"iam:Put{word}Policy", on=on_change))
    async def put_policy(call: Call) -> dict[str, Any]:
        """Add or replace an inline policy. Raises MalformedPolicyDocument, NoSuchEntity, LimitExceeded."""
        text: str = call.input["PolicyDocument"]

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            documents.identity_document(text)
            await put(tx, entity, call.input["PolicyName"], text)

        await call.system.identity.write(work)
        return {}

    @operation("iam", f"Get{word}Policy", Permission(f"iam:Get{word}Policy", on=on_entity(kind)))
    async def get_policy(call: Call) -> dict[str, Any]:
        """An inline policy's document. Raises NoSuchEntity."""
        entity = await entities.get(call.system.identity, kind, call.account, call.input[kind.member])
        name = call.input["PolicyName"]
        document = dict(await inline_policies(call.system.identity, entity.id)).get(name)
        if document is None:
            raise cannot_be_found(f"{kind.name} policy", name)
        return {
            kind.member: entity.name,
            "PolicyName": name,
            "PolicyDocument": documents.encoded(document),
        }

    @operation("iam", f"Delete{word}Policy", Permission(f"iam:Delete{word}Policy", on=on_change))
    async def delete_policy(call: Call) -> dict[str, Any]:
        """Delete an inline policy. Raises NoSuchEntity, UnmodifiableEntity."""

        async def work(tx: Transaction) -> None:
            entity = await entities.get(tx, kind, call.account, call.input[kind.member])
            check_modifiable(entity)
            name = call.input["PolicyName"]
            if not await tx.execute("DELETE FROM inline_policies WHERE entity_id = ? AND name = ?", entity.id, name):
                raise cannot_be_found(f"{kind.name} policy", name)

        await call.system.identity.write(work)
        return {}

    plural = f"List{word}Policies"

    @operation("iam", plural, Permission(f"iam:{plural}", on=on_entity(kind)))
    async def list_policies(call: Call) -> dict[str, Any]:
        """The names of the inline policies. Raises NoSuchEntity."""
        page = Page.of(call.input)
        entity = await entities.get(call.system.identity, kind, call.account, call.input[kind.member])
        names = [name for name, _ in await inline_policies(call.system.identity, entity.id)]
        shown, more = page.cut(names, lambda name: name)
        return {"PolicyNames": shown, **more}


for _kind in KINDS:
    _register(_kind)
