"""The outbox and its couriers: nothing is lost, order is kept within a lane, and lanes do not wait for each other."""

from __future__ import annotations

import asyncio
import logging

import pytest
from delivery_builders import deliver, owed
from object_builders import rows

from builders import World, story
from isthmus.operation import System
from isthmus.s3.deliveries.courier import DAY, Courier, TryLater, keep_delivering
from isthmus.s3.deliveries.outbox import Entry, Lane, crowded, forget, next_number, put, put_all
from isthmus.store import Transaction
from isthmus.wire import AwsError

KIND = "test"


async def owe(world: World, address: str, *payloads: str, due: float | None = None) -> None:
    async def work(tx: Transaction) -> None:
        if due is not None:
            await put_all(tx, KIND, address, [(world.now, payload) for payload in payloads], due=due)
            return
        for payload in payloads:
            await put(tx, KIND, address, payload, now=world.now, change=await next_number(tx))

    await world.store.objects.write(work)


class Targets:
    """Targets by address: each takes what it is sent, or fails while it is down."""

    def __init__(self) -> None:
        self.got: dict[str, list[str]] = {}
        self.down: set[str] = set()
        self.attempts: list[str] = []
        self.takes = 100

    async def deliver(self, _system: System, lane: Lane, entries: list[Entry]) -> int:
        self.attempts.append(lane.address)
        got = self.got.setdefault(lane.address, [])
        for number, entry in enumerate(entries):
            if lane.address in self.down or number >= self.takes:
                raise TryLater("it is down", number)
            got.append(entry.payload)
        return len(entries)

    @property
    def courier(self) -> Courier:
        return Courier(KIND, "tests", self.deliver, batch=3)


@story
async def test_entries_of_a_lane_come_in_the_order_of_the_changes_and_once(world: World) -> None:
    targets = Targets()
    await owe(world, "a", *"12345678")
    await deliver(world, targets.courier, turns=2)
    assert targets.got == {"a": list("12345678")}
    assert await owed(world, KIND) == []
    assert await rows(world, "SELECT * FROM outbox_lanes") == []


@story
async def test_what_a_refused_transaction_put_is_not_delivered(world: World) -> None:
    async def work(tx: Transaction) -> None:
        await put(tx, KIND, "a", "1", now=world.now)
        raise AwsError("AccessDenied", "no")

    with pytest.raises(AwsError):
        await world.store.objects.write(work)
    targets = Targets()
    await deliver(world, targets.courier)
    assert targets.got == {}


@story
async def test_a_target_that_is_down_gets_everything_later_and_holds_up_no_other(world: World) -> None:
    targets = Targets()
    targets.down.add("a")
    await owe(world, "a", "1", "2")
    await owe(world, "b", "1", "2")
    await deliver(world, targets.courier)
    assert targets.got == {"a": [], "b": ["1", "2"]}
    targets.down.clear()
    await deliver(world, targets.courier)
    assert targets.got["a"] == []  # its pause is not over
    world.now += 1
    await deliver(world, targets.courier)
    assert targets.got["a"] == ["1", "2"]


@story
async def test_what_a_target_took_before_it_failed_does_not_come_again(world: World) -> None:
    targets = Targets()
    targets.takes = 1
    await owe(world, "a", "1", "2", "3")
    for _ in range(3):
        await deliver(world, targets.courier)
        world.now += 1
    assert targets.got["a"] == ["1", "2", "3"]


@story
async def test_pauses_grow_to_five_minutes(world: World) -> None:
    targets = Targets()
    targets.down.add("a")
    await owe(world, "a", "1")
    pauses = []
    for _ in range(11):
        world.now = (await rows(world, "SELECT due FROM outbox_lanes"))[0][0]
        before = world.now
        await deliver(world, targets.courier)
        pauses.append((await rows(world, "SELECT due FROM outbox_lanes"))[0][0] - before)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@story
async def test_a_target_that_stays_down_for_a_day_is_given_up(world: World) -> None:
    targets = Targets()
    targets.down.add("a")
    await owe(world, "a", "1")
    await deliver(world, targets.courier)
    world.now += DAY - 1
    await owe(world, "a", "2")
    await deliver(world, targets.courier)
    assert await owed(world, KIND) == ["1", "2"]
    world.now += 400
    await deliver(world, targets.courier)
    assert await owed(world, KIND) == ["2"]


def test_a_failing_target_is_logged_once_and_again_when_it_takes_something(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell() -> None:
        async with World.open(tmp_path_factory.mktemp("world")) as world:
            targets = Targets()
            targets.down.add("a")
            await owe(world, "a", "1")
            for _ in range(5):
                await deliver(world, targets.courier)
                world.now += 300
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert caplog.messages[0] == "tests cannot be delivered to a now: it is down"
            targets.down.clear()
            await deliver(world, targets.courier)
            assert caplog.messages[1:] == ["tests are delivered to a again"]

    with caplog.at_level(logging.INFO, "isthmus"):
        asyncio.run(tell())


@story
async def test_a_fault_of_one_delivery_delays_its_own_lane_only(world: World) -> None:
    got: list[str] = []

    async def faulty(_system: System, lane: Lane, entries: list[Entry]) -> int:
        if lane.address == "a":
            raise ValueError("a fault")
        got.append(lane.address)
        return len(entries)

    await owe(world, "a", "1")
    await owe(world, "b", "1")
    await deliver(world, Courier(KIND, "tests", faulty))
    assert got == ["b"]
    assert await owed(world, KIND) == ["1"]


@story
async def test_a_lane_that_collects_rests_after_a_batch(world: World) -> None:
    targets = Targets()
    courier = Courier(KIND, "tests", targets.deliver, batch=3, collects=lambda _system: 60.0)
    await owe(world, "a", "1", "2", due=world.now + 60)
    await deliver(world, courier)
    assert targets.attempts == []
    world.now += 60
    await deliver(world, courier)
    await owe(world, "a", "3", due=world.now + 60)
    await deliver(world, courier)
    assert targets.got == {"a": ["1", "2"]}
    world.now += 60
    await deliver(world, courier)
    assert targets.got == {"a": ["1", "2", "3"]}


@story
async def test_a_slow_lane_does_not_delay_what_comes_later_in_others(world: World) -> None:
    release, slow_began = asyncio.Event(), asyncio.Event()
    got: asyncio.Queue[str] = asyncio.Queue()

    async def slow(_system: System, lane: Lane, entries: list[Entry]) -> int:
        if lane.address == "slow":
            slow_began.set()
            await release.wait()
        for entry in entries:
            got.put_nowait(entry.payload)
        return len(entries)

    await owe(world, "slow", "s")
    running = asyncio.create_task(keep_delivering(world.system, [Courier(KIND, "tests", slow, lanes=2)]))
    await asyncio.wait_for(slow_began.wait(), 20)
    for number in ("1", "2"):
        await owe(world, "quick", number)
        assert await asyncio.wait_for(got.get(), 20) == number
    release.set()
    assert await asyncio.wait_for(got.get(), 20) == "s"
    running.cancel()
    assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], asyncio.CancelledError)


@story
async def test_a_lane_is_crowded_only_while_it_fails(world: World) -> None:
    targets = Targets()
    await owe(world, "a", "1", "2", "3")
    assert not await crowded(world.store.objects, KIND, "a", 3)
    targets.down.add("a")
    await deliver(world, targets.courier)
    assert await crowded(world.store.objects, KIND, "a", 3)
    assert not await crowded(world.store.objects, KIND, "a", 4)
    assert not await crowded(world.store.objects, KIND, "b", 1)


@story
async def test_numbers_grow_also_when_the_outbox_was_empty_meanwhile(world: World) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(await world.store.objects.write(next_number))
    assert numbers == sorted(set(numbers))


@story
async def test_what_is_put_while_an_entry_is_removed_is_not_taken_for_it(world: World) -> None:
    got: list[str] = []

    async def removing(system: System, lane: Lane, entries: list[Entry]) -> int:
        async def work(tx: Transaction) -> None:
            await forget(tx, entries)
            if len(got) < 3:
                await put(tx, KIND, lane.address, "next", now=world.now)

        got.extend(entry.payload for entry in entries)
        await system.objects.write(work)
        return len(entries)

    await owe(world, "a", "first")
    await deliver(world, Courier(KIND, "tests", removing))
    assert got == ["first", "next", "next"]
