"""When access keys and roles were last used: noted in memory, written about once a minute.

A worker that crashes loses what it noted since it last wrote. Nothing on a request's path waits for the database.
Passwords are not among them: nobody signs a request with one.
"""

from __future__ import annotations

import asyncio
import logging

from isthmus.operation import Caller
from isthmus.store import Metadata, StoreError, Transaction

_log = logging.getLogger("isthmus")
_INTERVAL = 60.0  # seconds
_SAVE = (
    "INSERT INTO last_used (id, used, service, region) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "used = excluded.used, service = excluded.service, region = excluded.region WHERE excluded.used > last_used.used"
)


class LastUsed:
    """What one worker has seen since it last wrote, at most one entry for each key and role that exists."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, str, str]] = {}

    def note(self, caller: Caller, now: float, service: str, region: str) -> None:
        """A request whose signature was right; anonymous requests and sessions of users leave no trace."""
        if caller.session is None:
            if caller.access_key:
                self._seen[caller.access_key] = (now, service, region)
        elif caller.principal.entity_id.startswith("AROA"):
            self._seen[caller.principal.entity_id] = (now, service, region)

    async def write(self, objects: Metadata) -> None:
        """Write what was noted in one transaction; an earlier use never covers a later one. Raises StoreError."""
        seen, self._seen = self._seen, {}
        if not seen:
            return

        async def work(tx: Transaction) -> None:
            for identity, use in seen.items():
                await tx.execute(_SAVE, identity, *use)

        try:
            await objects.write(work)
        except BaseException:
            self._seen = seen | self._seen
            raise

    async def keep_writing(self, objects: Metadata, interval: float = _INTERVAL) -> None:
        """Write every `interval` seconds until cancelled. Never raises but for that."""
        while True:
            await asyncio.sleep(interval)
            await self.write_or_log(objects)

    async def write_or_log(self, objects: Metadata) -> None:
        """Write; a database that cannot is logged, and what was noted kept for the next time."""
        try:
            await self.write(objects)
        except StoreError as error:
            _log.error("noting when credentials were last used: %s", error)
