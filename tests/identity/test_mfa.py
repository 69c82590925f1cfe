"""One-time passwords: the RFC's own vectors, the window, one use, synchronisation."""

from __future__ import annotations

import pytest

from builders import PRODUCTION, SEED, World, story
from isthmus.identity import MfaDevice, mfa

DEVICE = MfaDevice("arn:aws:iam::111122223333:mfa/alice", PRODUCTION, SEED)


# RFC 6238, appendix B, SHA-1: the last six of the eight digits.
@pytest.mark.parametrize(
    ("time", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(time: int, code: str) -> None:
    assert mfa.code_at(b"12345678901234567890", mfa.step_at(time)) == code


@story
async def test_a_code_is_good_one_step_early_or_late_and_no_more(world: World) -> None:
    for steps, good in [(-2, False), (-1, True), (0, True), (1, True), (2, False)]:
        assert await mfa.verify(world.store.objects, DEVICE, world.code(steps=steps), world.now) is good


@story
async def test_a_code_is_accepted_once(world: World) -> None:
    assert await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)
    assert not await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)
    world.now += 30
    assert not await mfa.verify(world.store.objects, DEVICE, world.code(steps=-1), world.now)
    assert await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\ud800"])
def test_what_is_no_code_is_refused(code: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    @story
    async def tell(world: World) -> None:
        assert not await mfa.verify(world.store.objects, DEVICE, code, world.now)

    tell(tmp_path)


@story
async def test_guessing_closes_the_device_for_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(mfa.MAX_FAILURES - 1):
        assert not await mfa.verify(world.store.objects, DEVICE, "000000", world.now)
    assert await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)
    assert not await mfa.verify(world.store.objects, DEVICE, "000000", world.now)
    world.now += 60
    assert not await mfa.verify(world.store.objects, DEVICE, world.code(), world.now), "closed, even for the right"
    other = MfaDevice(DEVICE.serial + "2", PRODUCTION, SEED)
    assert await mfa.verify(world.store.objects, other, world.code(), world.now)
    world.now += 900
    assert await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)


@story
async def test_a_device_with_drift_is_read_by_its_own_clock(world: World) -> None:
    late = MfaDevice(DEVICE.serial, PRODUCTION, SEED, drift=-20)
    assert await mfa.verify(world.store.objects, late, world.code(steps=-20), world.now)
    assert not await mfa.verify(world.store.objects, late, world.code(), world.now)


@story
async def test_two_consecutive_codes_tell_the_drift_and_are_used_up(world: World) -> None:
    async def drift(first: int, second: int, window: int) -> int | None:
        codes = world.code(steps=first), world.code(steps=second)
        return await mfa.synchronise(world.store.objects, DEVICE, codes, world.now, window)

    assert await drift(-1, 0, mfa.ENABLE_WINDOW) == 0
    assert await drift(-1, 0, mfa.ENABLE_WINDOW) is None, "both codes are used up"
    assert not await mfa.verify(world.store.objects, DEVICE, world.code(), world.now)
    assert await drift(100, 102, mfa.RESYNC_WINDOW) is None, "not consecutive"
    assert await drift(101, 100, mfa.RESYNC_WINDOW) is None, "in the wrong order"
    assert await drift(99, 100, mfa.ENABLE_WINDOW) is None, "too far away to enable"
    assert await drift(99, 100, mfa.RESYNC_WINDOW) == 100
    assert await drift(-100, -99, mfa.RESYNC_WINDOW) == -99


@story
async def test_codes_of_one_device_are_not_those_of_another(world: World) -> None:
    assert not await mfa.verify(world.store.objects, DEVICE, world.code(b"another seed"), world.now)
