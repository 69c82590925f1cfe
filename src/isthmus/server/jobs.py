"""What goes on in the background, in one worker of the server: a table of jobs, each run again and again.

A job is a function of the system. It does its work in small transactions, so that requests go on meanwhile and a
server that is stopped half-way only does the rest later; run twice, it does nothing the second time. What it raises
is logged, and it is tried again at its next turn.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from isthmus import cloudtrail
from isthmus.kms import delete_due_keys, rotate_due_keys
from isthmus.operation import System
from isthmus.s3.deliveries.access_log import ACCESS_LOGS
from isthmus.s3.deliveries.courier import keep_delivering
from isthmus.s3.deliveries.inventory import INVENTORY, schedule_reports
from isthmus.s3.deliveries.notifications import NOTIFICATIONS
from isthmus.s3.deliveries.replication import REPLICATION
from isthmus.s3.lifecycle import run_lifecycle
from isthmus.store import StoreError, sweep_dropped, sweep_orphans
from isthmus.sts.kept_messages import drop_old

_log = logging.getLogger("isthmus")


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done every `interval` seconds, counted from the end of the last time; 0 means only once."""

    name: str
    interval: float
    run: Callable[[System], Awaitable[object]]


async def _sweep_orphans(system: System) -> None:
    await sweep_orphans(system.objects, system.contents)


async def _sweep_dropped(system: System) -> None:
    await sweep_dropped(system.objects, system.contents, system.clock())


async def _deliver(system: System) -> None:
    # It goes on until it is cancelled or fails: then it begins again at its next turn.
    await keep_delivering(system, (NOTIFICATIONS, REPLICATION, ACCESS_LOGS, INVENTORY))


async def _purge_history(system: System) -> None:
    await cloudtrail.purge(system.objects, system.clock())


async def _drop_explanations(system: System) -> None:
    await drop_old(system.objects, system.clock())


JOBS: tuple[Job, ...] = (
    Job("sweeping contents that no row ever named", 0, _sweep_orphans),
    Job("sweeping contents that no row names any more", 60, _sweep_dropped),
    # Often, since a day may be a few seconds long on a server for tests; with nothing due it is one comparison.
    Job("lifecycle rules", 1, run_lifecycle),
    Job("deleting KMS keys whose waiting period has passed", 60, delete_due_keys),
    Job("rotating KMS keys", 3600, rotate_due_keys),
    Job("delivering what is in the outbox", 1, _deliver),
    Job("asking for inventory reports", 5, schedule_reports),
    Job("delivering trails", 1, cloudtrail.deliver_trails),
    Job("removing old events of the audit trail", 3600, _purge_history),
    Job("removing old explanations of refusals", 3600, _drop_explanations),
)


async def run_jobs(system: System, jobs: Iterable[Job] = JOBS) -> None:
    """Run every job, side by side, until cancelled. Never raises but for that."""
    await asyncio.gather(*(_repeat(system, job) for job in jobs))


async def _repeat(system: System, job: Job) -> None:
    while True:
        try:
            system.directory.refresh()
            await job.run(system)
        except StoreError as error:
            _log.error("%s: %s", job.name, error)
        except Exception:
            # A fault in one job must not end the others, nor itself for good.
            _log.error("%s failed\n%s", job.name, traceback.format_exc())
        if not job.interval:
            return
        await asyncio.sleep(job.interval)
