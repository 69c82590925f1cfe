"""What one worker does in the background: removing contents that no row names any more."""

from __future__ import annotations

import asyncio
import logging

from isthmus.operation import System
from isthmus.store import StoreError, sweep_dropped, sweep_orphans

_log = logging.getLogger("isthmus")
_INTERVAL = 60.0  # seconds


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
