"""Encoded authorization messages by request id: rows of the objects database, sealed as they were handed out.

The newest thousand of each asking account are kept, for a week. What unsigned requests were refused is counted for
the account that owns what they asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from isthmus.policy import Decision, PrincipalKind
from isthmus.store import Metadata, Reader, Transaction

KEPT_SECONDS = 7 * 86400
MOST_OF_ONE_ASKER = 1000
_REQUEST_ID = re.compile(r"[0-9A-Fa-f]{16}\Z")


class KeptMessage(NamedTuple):
    """One message. asker: see `asker_of`. time: of the refusal, seconds since the epoch."""

    request_id: str
    asker: str
    time: float
    message: str


def asker_of(decision: Decision) -> str:
    """Against whose number a refusal counts: the account that asked, or `anonymous/` and the one that was asked."""
    principal, owner = decision.request.principal, decision.request.owner.account
    if principal.kind in (PrincipalKind.ANONYMOUS, PrincipalKind.WEB_IDENTITY):
        return f"anonymous/{owner}"
    return principal.account


def is_request_id(text: str) -> bool:
    """Whether a text has the form of this server's request ids, which no sealed message has."""
    return _REQUEST_ID.match(text) is not None


async def keep(objects: Metadata, messages: Iterable[KeptMessage]) -> None:
    """Add messages, and drop what their askers have beyond the number that is kept."""

    async def work(tx: Transaction) -> None:
        askers: dict[str, None] = {}
        for one in messages:
            await tx.execute(
                "INSERT INTO denials (request_id, asker, time, message) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (request_id) DO NOTHING",
                *one,
            )
            askers[one.asker] = None
        for asker in askers:
            await _trim(tx, asker)

    await objects.write(work)


async def kept_message(reader: Reader, request_id: str) -> str | None:
    """The message of a refused request; None if there is none, or none any more."""
    row = await reader.fetch_one("SELECT message FROM denials WHERE request_id = ?", request_id.upper())
    return None if row is None else str(row[0])


async def drop_old(objects: Metadata, now: float) -> None:
    """Remove the messages of more than a week ago."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM denials WHERE time < ?", now - KEPT_SECONDS)

    await objects.write(work)


async def _trim(tx: Transaction, asker: str) -> None:
    row = await tx.fetch_one(
        "SELECT time FROM denials WHERE asker = ? ORDER BY time DESC LIMIT 1 OFFSET ?", asker, MOST_OF_ONE_ASKER - 1
    )
    if row is not None:
        await tx.execute("DELETE FROM denials WHERE asker = ? AND time < ?", asker, row[0])
