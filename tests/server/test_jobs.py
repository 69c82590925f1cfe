"""Jobs in the background: each has its turns, and none ends another."""

from __future__ import annotations

import asyncio

from builders import World, story
from isthmus.operation import System
from isthmus.server.jobs import Job, run_jobs
from isthmus.store import StoreError


@story
async def test_a_job_that_fails_is_tried_again_and_ends_no_other(world: World) -> None:
    turns: dict[str, int] = {"fault": 0, "store": 0, "well": 0, "once": 0}
    done = asyncio.Event()

    async def fault(_system: System) -> None:
        turns["fault"] += 1
        raise ValueError("a fault")

    async def store(_system: System) -> None:
        turns["store"] += 1
        raise StoreError("the disk is full")

    async def well(_system: System) -> None:
        turns["well"] += 1
        if min(turns.values()) >= 1 and turns["fault"] >= 2 and turns["store"] >= 2:
            done.set()

    async def once(_system: System) -> None:
        turns["once"] += 1

    jobs = (Job("a", 0.001, fault), Job("b", 0.001, store), Job("c", 0.001, well), Job("d", 0, once))
    running = asyncio.create_task(run_jobs(world.system, jobs))
    await asyncio.wait_for(done.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert turns["once"] == 1
