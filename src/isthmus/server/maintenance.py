"""What workers do in the background: removing contents that no row names any more, publishing their counts."""

from __future__ import annotations

import asyncio
import logging

from isthmus.operation import System
from isthmus.store import StoreError, sweep_dropped, sweep_orphans

_log = logging.getLogger("isthmus")
_INTERVAL = 60.0  # seconds
_PUBLISH_INTERVAL = 2.0


async def maintain(system: System) -> None:
    """Sweep once fully, then what was dropped every minute, until cancelled. Never raises but for that."""
    try:
        await sweep_orphans(system.objects, system.contents)
    except StoreError as error:
        _log.error("sweeping at start: %s", error)
    while True:
        try:
            await sweep_dropped(system.objects, system.contents, system.clock())
        except StoreError as error:
            _log.error("sweeping: %s", error)
        await asyncio.sleep(_INTERVAL)


async def publish_metrics() -> None:
    """Hand this worker's counts to the shared files every few seconds, until cancelled."""
    from .own import publish

    while True:
        await asyncio.sleep(_PUBLISH_INTERVAL)
        publish()
