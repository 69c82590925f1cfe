"""Handshakes in the database, and how AWS shows them.

A handshake that nobody answered in time has expired; that is worked out when somebody looks. What is over is shown for
thirty days more (Organizations API reference, Handshake).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from isthmus.iam.entities import Entropy, moment
from isthmus.names import organizations_arn, organizations_id
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.store import Reader, Row, Transaction

from .tree import Organization

DAY = 86400.0
SHOWN_AFTERWARDS = 30 * DAY
OPEN, REQUESTED, ACCEPTED, DECLINED, CANCELED, EXPIRED = (
    "OPEN", "REQUESTED", "ACCEPTED", "DECLINED", "CANCELED", "EXPIRED",
)  # fmt: skip
PENDING = (OPEN, REQUESTED)
_COLUMNS = (
    "id, organization, management_account, action, state, account, party_type, party, notes, tags, parent,"
    " requested, expires, ended"
)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake. account: who may answer it. party_type, party: whom the sender named. parent: of an approval, the
    handshake that it approves. tags: for an account that joins."""

    id: str
    organization: str
    management_account: str
    action: str
    state: str
    account: str | None
    party_type: str
    party: str
    notes: str | None
    tags: Mapping[str, str]
    parent: str | None
    requested: float
    expires: float
    ended: float | None = None

    def at(self, now: float) -> Handshake:
        """As it is at a moment: what is pending past its time has expired."""
        if self.state in PENDING and now >= self.expires:
            return replace(self, state=EXPIRED, ended=self.expires)
        return self

    def is_shown(self, now: float) -> bool:
        """Whether lists still have it."""
        return self.ended is None or now < self.ended + SHOWN_AFTERWARDS


async def handshakes(reader: Reader, now: float, condition: str, *values: Any) -> list[Handshake]:
    """Those that a condition of our own making selects, as they are now; the oldest first."""
    rows = await reader.fetch_all(
        f"SELECT {_COLUMNS} FROM handshakes WHERE {condition} ORDER BY requested, id",  # noqa: S608
        *values,
    )
    return [_read(row).at(now) for row in rows]


def _read(row: Row) -> Handshake:
    read: dict[str, Any] = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Handshake(**{**read, "tags": json.loads(read["tags"])})


async def handshake(reader: Reader, now: float, handshake_id: str) -> Handshake | None:
    """The one of that id, as it is now."""
    return next(iter(await handshakes(reader, now, "id = ?", handshake_id)), None)


async def insert_handshake(
    tx: Transaction,
    organization: Organization,
    action: str,
    state: str,
    *,
    now: float,
    seconds: float,
    entropy: Entropy,
    account: str | None,
    party_type: str,
    party: str,
    notes: str | None = None,
    tags: Mapping[str, str] | None = None,
    parent: str | None = None,
) -> Handshake:
    """Add a handshake that expires after `seconds`."""
    made = Handshake(
        organizations_id("h", entropy(ENTROPY_BYTES)), organization.id, organization.management_account, action, state,
        account, party_type, party, notes, tags or {}, parent, now, now + seconds,
    )  # fmt: skip
    await tx.execute(
        f"INSERT INTO handshakes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        made.id, made.organization, made.management_account, action, state, account, party_type, party, notes,
        json.dumps(made.tags), parent, now, made.expires, None,
    )  # fmt: skip
    return made


async def set_state(tx: Transaction, found: Handshake, state: str, now: float) -> Handshake:
    """Give a handshake another state; those beyond OPEN end it."""
    ended = None if state in PENDING else now
    await tx.execute("UPDATE handshakes SET state = ?, ended = ? WHERE id = ?", state, ended, found.id)
    return replace(found, state=state, ended=ended)


async def shown_handshake(reader: Reader, found: Handshake) -> dict[str, Any]:
    """`Handshake` as AWS shows it."""
    management = await reader.fetch_one("SELECT email, name FROM accounts WHERE id = ?", found.management_account)
    features = await reader.fetch_one("SELECT feature_set FROM organizations WHERE id = ?", found.organization)
    about: list[dict[str, Any]] = []
    if management is not None:
        about += [{"Type": "MASTER_EMAIL", "Value": management[0]}, {"Type": "MASTER_NAME", "Value": management[1]}]
    if features is not None:
        about.append({"Type": "ORGANIZATION_FEATURE_SET", "Value": features[0]})
    resources: list[dict[str, Any]] = [{"Type": "ORGANIZATION", "Value": found.organization, "Resources": about}]
    parties = [{"Type": "ORGANIZATION", "Id": found.organization}]
    if found.party_type != "ORGANIZATION":
        parties.append({"Type": found.party_type, "Id": found.party})
        resources.append({"Type": found.party_type, "Value": found.party})
    if found.notes:
        resources.append({"Type": "NOTES", "Value": found.notes})
    if found.parent:
        resources.append({"Type": "PARENT_HANDSHAKE", "Value": found.parent})
    return {
        "Id": found.id,
        "Arn": organizations_arn(
            found.management_account, "handshake", found.organization, found.action.lower(), found.id
        ),
        "Parties": parties,
        "State": found.state,
        "RequestedTimestamp": moment(found.requested),
        "ExpirationTimestamp": moment(found.expires),
        "Action": found.action,
        "Resources": resources,
    }
