"""Trails as rows of the identity database, and the view of them that recording needs.

Trails change rarely and each record is held against them, so what they want is kept in the directory's cache: a
change is in force on every worker with its next record. A record is written a moment after its request; whether a
trail was logging is asked of the time of the request, so that nobody hides what was done by stopping the trail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Directory
from isthmus.operation import System
from isthmus.store import Reader

from . import selectors
from .event import Event
from .records import GLOBAL_SERVICES

LOGGING = ("trails", "logging")
"""Where the directory's cache keeps what `logging_trails` found."""

_STOPPED_JUST_NOW = 60.0  # seconds; longer than any record waits to be written
_COLUMNS = (
    "arn, account, region, name, bucket, prefix, global_events, multi_region, organization, log_file_validation,"
    " kms_key, event_selectors, advanced_event_selectors, logging, started, stopped, created"
)


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail. region: its home. prefix: empty for none. started, stopped: seconds since the epoch.

    organization: the id of the organization whose members' events it logs; None where it logs the account's own.
    """

    arn: str
    account: str
    region: str
    name: str
    bucket: str
    prefix: str
    global_events: bool
    multi_region: bool
    organization: str | None
    log_file_validation: bool
    kms_key: str | None
    event_selectors: list[dict[str, Any]] | None
    advanced_event_selectors: list[dict[str, Any]] | None
    logging: bool
    started: float | None
    stopped: float | None
    created: float

    def wants(self, event: Event) -> bool:
        """Whether the trail logs an event of its account: it was logging then, and selects it."""
        if self.started is None or event.time < self.started:
            return False
        if not self.logging and (self.stopped is None or event.time > self.stopped):
            return False
        if not self.multi_region and event.region != self.region:
            return False
        if event.source in GLOBAL_SERVICES and not self.global_events:
            return False
        return selectors.wants(self.event_selectors, self.advanced_event_selectors, event)

    def object_key(self, folder: str, account: str, region: str, day: str, name: str) -> str:
        """`PREFIX/AWSLogs/ACCOUNT/FOLDER/REGION/YYYY/MM/DD/NAME`; `AWSLogs/ORGANIZATION/ACCOUNT/…` for members'."""
        start = f"{self.prefix}/" if self.prefix else ""
        of_members = "" if self.organization is None else f"{self.organization}/"
        return f"{start}AWSLogs/{of_members}{account}/{folder}/{region}/{day}/{name}"


class LoggingTrails:
    """The trails that are logging, or were a moment ago, by what a recorder asks of them.

    members: the accounts of each organization that has a trail. data: accounts whose data events a trail may want.
    """

    def __init__(self, trails: list[Trail], members: Mapping[str, Sequence[str]]) -> None:
        self._by_account: dict[str, list[Trail]] = {}
        data: set[str] = set()
        for trail in trails:
            # A trail whose organization is gone logs its own account.
            logged = members.get(trail.organization or "") or (trail.account,)
            for account in logged:
                self._by_account.setdefault(account, []).append(trail)
            if trail.logging and selectors.wants_data(trail.event_selectors, trail.advanced_event_selectors):
                data.update(logged)
        self.data = frozenset(data)

    def that_want(self, event: Event) -> list[str]:
        """ARNs of the trails that log an event."""
        return [trail.arn for trail in self._by_account.get(event.account, ()) if trail.wants(event)]


async def logging_trails(system: System) -> LoggingTrails:
    """Every trail that is logging or stopped just now. Outside a request the directory is refreshed first."""
    cache = system.directory.cache
    kept: LoggingTrails | None = cache.get(LOGGING)
    if kept is None:
        rows = await system.identity.fetch_all(
            f"SELECT {_COLUMNS} FROM trails WHERE logging = 1 OR stopped >= ?",  # noqa: S608
            system.clock() - _STOPPED_JUST_NOW,
        )
        trails = [_trail(row) for row in rows]
        organizations = {trail.organization for trail in trails if trail.organization is not None}
        members = {one: await _members(system.identity, one) for one in organizations}
        kept = cache[LOGGING] = LoggingTrails(trails, members)
    return kept


def known_logging_trails(directory: Directory) -> LoggingTrails | None:
    """The same, if it has been looked up since the identity database changed."""
    kept: LoggingTrails | None = directory.cache.get(LOGGING)
    return kept


async def all_trails(reader: Reader) -> list[Trail]:
    """Every trail of every account."""
    rows = await reader.fetch_all(f"SELECT {_COLUMNS} FROM trails ORDER BY account, name, region")  # noqa: S608
    return [_trail(row) for row in rows]


async def trails_of(reader: Reader, account: str) -> list[Trail]:
    """The trails that an account made, by name and home region."""
    rows = await reader.fetch_all(
        f"SELECT {_COLUMNS} FROM trails WHERE account = ? ORDER BY name, region",  # noqa: S608
        account,
    )
    return [_trail(row) for row in rows]


async def trails_seen_by(reader: Reader, account: str) -> list[Trail]:
    """The same, with the trail of the account's organization."""
    rows = await reader.fetch_all(
        f"SELECT {_COLUMNS} FROM trails WHERE account = ? OR organization ="  # noqa: S608
        " (SELECT organization FROM organization_accounts WHERE account = ?) ORDER BY name, region",
        account,
        account,
    )
    return [_trail(row) for row in rows]


async def trail_by_arn(reader: Reader, arn: str) -> Trail | None:
    """The trail with this ARN."""
    row = await reader.fetch_one(f"SELECT {_COLUMNS} FROM trails WHERE arn = ?", arn)  # noqa: S608
    return None if row is None else _trail(row)


def trail_arn(account: str, region: str, name: str) -> str:
    """The ARN of a trail."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


def columns(values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """`a = ?, b = ?` and the values, for an UPDATE; names are ours."""
    return ", ".join(f"{name} = ?" for name in values), list(values.values())


async def _members(reader: Reader, organization: str) -> list[str]:
    rows = await reader.fetch_all(
        "SELECT account FROM organization_accounts WHERE organization = ? ORDER BY account", organization
    )
    return [account for (account,) in rows]


def _trail(row: tuple[Any, ...]) -> Trail:
    (arn, account, region, name, bucket, prefix, global_events, multi_region, organization, validation, key,
     basic, advanced, logging, started, stopped, created) = row  # fmt: skip
    return Trail(
        arn, account, region, name, bucket, prefix, bool(global_events), bool(multi_region), organization,
        bool(validation), key, None if basic is None else json.loads(basic),
        None if advanced is None else json.loads(advanced), bool(logging), started, stopped, created,
    )  # fmt: skip
