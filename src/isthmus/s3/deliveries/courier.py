"""Couriers take what is in the outbox to where it belongs, each kind in its own way.

A lane is worked off in batches, in order. A target that does not take a delivery gets it again later, after pauses
that grow from a second to five minutes, and holds up its own lane alone. What stays undeliverable for longer than
the kind keeps it is given up. A target's first failure, its recovery and what is given up are logged; the attempts in
between are not.

The pauses and the day after which events are given up are those of EventBridge (User Guide, "Retry policy": 24
hours, exponential backoff).
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from isthmus.operation import System
from isthmus.store import StoreError, Transaction

from .outbox import Entry, Lane, due_lanes, first_entries, forget, settle

_log = logging.getLogger("isthmus")

_LONGEST_PAUSE = 300.0  # seconds
_LOOK_INTERVAL = 0.25  # seconds between two looks at what is due
DAY = 86400.0


class TryLater(Exception):
    """The target does not take a delivery now. done: how many entries from the front it has taken before."""

    def __init__(self, reason: str, done: int = 0) -> None:
        super().__init__(reason)
        self.done = done


Deliver = Callable[[System, Lane, list[Entry]], Awaitable[int]]
"""Takes entries of a lane to their target; how many from the front are done with, at least one. Raises TryLater.

Called again with the rest. An entry may come twice: when the process died after its delivery.
"""


@dataclass(frozen=True, slots=True)
class Courier:
    """How one kind of delivery is made.

    kind: of the outbox's lanes. what: the entries in the log's words. batch: most entries at once.
    keeps: seconds after which an undeliverable entry is given up; None never gives up.
    lanes: how many lanes are worked off at the same time. collects: seconds a lane is left alone after a batch that
    took all there was, so that a delivery holds more than one entry.
    """

    kind: str
    what: str
    deliver: Deliver
    batch: int = 100
    keeps: float | None = DAY
    lanes: int = 8
    collects: Callable[[System], float] = lambda _system: 0.0


async def deliver_due(system: System, courier: Courier) -> None:
    """One turn: every lane that is due, side by side, until each is empty or fails. Raises StoreError."""
    system.directory.refresh()
    lanes = await due_lanes(system.objects, courier.kind, system.clock(), courier.lanes)
    await asyncio.gather(*(_work_off(system, courier, lane) for lane in lanes))


async def keep_delivering(system: System, couriers: Iterable[Courier]) -> None:
    """Work off what is due, until cancelled. A slow lane holds up no other. Raises StoreError."""
    running: dict[tuple[str, int], asyncio.Task[None]] = {}
    couriers = tuple(couriers)
    try:
        while True:
            system.directory.refresh()
            for courier in couriers:
                await _start(system, courier, running)
            await asyncio.sleep(_LOOK_INTERVAL)
            for lane in [lane for lane, task in running.items() if task.done()]:
                running.pop(lane).result()
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def _start(system: System, courier: Courier, running: dict[tuple[str, int], asyncio.Task[None]]) -> None:
    """Begin with lanes that are due and not under way, as many as the courier has hands for."""
    free = courier.lanes - sum(kind == courier.kind for kind, _ in running)
    if not free:
        return
    for lane in await due_lanes(system.objects, courier.kind, system.clock(), courier.lanes * 2):
        key = (lane.kind, lane.id)
        if free and key not in running:
            running[key] = asyncio.create_task(_work_off(system, courier, lane))
            free -= 1


async def _work_off(system: System, courier: Courier, lane: Lane) -> None:
    """Deliver a lane's entries until none is left or the target fails."""
    failures = lane.failures
    while entries := await first_entries(system.objects, lane, courier.batch):
        if failures and (expired := _expired(system, courier, entries)):
            await _give_up(system, courier, lane, expired)
            continue
        try:
            done = await courier.deliver(system, lane, entries)
        except StoreError:
            raise
        except TryLater as reason:
            await _put_off(system, courier, lane, entries[: reason.done], 0 if reason.done else failures, str(reason))
            return
        except Exception:
            # A fault of ours: the lane must not come back at once, and the others must not suffer.
            _log.error("delivering %s to %s failed\n%s", courier.what, lane.address, traceback.format_exc())
            await _put_off(system, courier, lane, (), failures, "")
            return
        if failures:
            _log.info("%s are delivered to %s again", courier.what, lane.address)
            failures = 0
        collects = courier.collects(system)
        rests = collects > 0 and done == len(entries) < courier.batch
        await _settle(system, lane, entries[:done], system.clock() + (collects if rests else 0.0), 0)
        if rests:
            return


def _expired(system: System, courier: Courier, entries: list[Entry]) -> list[Entry]:
    if courier.keeps is None:
        return []
    before = system.clock() - courier.keeps
    return [entry for entry in entries if entry.written < before]


async def _give_up(system: System, courier: Courier, lane: Lane, entries: list[Entry]) -> None:
    _log.warning("%d %s were given up: %s did not take them in time", len(entries), courier.what, lane.address)
    await _settle(system, lane, entries, system.clock(), lane.failures)


async def _put_off(
    system: System, courier: Courier, lane: Lane, done: Iterable[Entry], failures: int, reason: str
) -> None:
    if not failures and reason:
        _log.warning("%s cannot be delivered to %s now: %s", courier.what, lane.address, reason)
    pause = min(2.0**failures, _LONGEST_PAUSE)
    await _settle(system, lane, done, system.clock() + pause, failures + 1)


async def _settle(system: System, lane: Lane, done: Iterable[Entry], due: float, failures: int) -> None:
    async def work(tx: Transaction) -> None:
        await forget(tx, done)
        await settle(tx, lane, due=due, failures=failures)

    await system.objects.write(work)
