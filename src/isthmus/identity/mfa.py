"""Time-based one-time passwords of virtual MFA devices.

RFC 6238 over RFC 4226 as authenticator apps use it: HMAC-SHA-1, steps of 30 seconds, 6 digits. A code is good
one step early or late (RFC 6238, section 5.2), shifted by what a resynchronisation found the device's clock
to be off, and it is accepted once: every use leaves a row that a second use cannot write again.
"""

from __future__ import annotations

import hashlib
import hmac

from isthmus.store import Metadata, Transaction

from .records import MfaDevice

STEP_SECONDS = 30
DIGITS = 6
SEED_BYTES = 40
"""Length of the seed of a new device: 64 base32 characters, as AWS gives them."""
ENABLE_WINDOW = 10
"""Steps around now in which EnableMFADevice looks for its two codes: five minutes of typing and clock
error."""
RESYNC_WINDOW = 240
"""Steps around now in which ResyncMFADevice looks: two hours, enough for a device set to the wrong hour."""

MAX_FAILURES = 10
"""Wrong codes in a quarter of an hour after which a device is closed until they are older than that."""

_FAILURE_STEPS = 30
_TOLERANCE = 1  # steps early or late that an ordinary code may be
_KEPT_STEPS = RESYNC_WINDOW + ENABLE_WINDOW  # older uses could not be repeated anyway


def code_at(seed: bytes, step: int) -> str:
    """The code of one step (RFC 4226, section 5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(now: float) -> int:
    """The number of the step in which `now` (seconds since the epoch) lies."""
    return int(now // STEP_SECONDS)


async def verify(objects: Metadata, device: MfaDevice, code: str, now: float) -> bool:
    """Whether `code` is the device's at this moment and was not used before. A yes uses it up.

    After too many wrong codes the answer is no for a while, right code or not: three of a million codes are
    good at any moment, so whoever may guess without limit gets in.
    """
    step = step_at(now)
    matching = _matching(device, code, step)

    async def work(tx: Transaction) -> bool:
        since = step - _FAILURE_STEPS
        await tx.execute("DELETE FROM failed_mfa_codes WHERE serial = ? AND step < ?", device.serial, since)
        row = await tx.fetch_one("SELECT SUM(failures) FROM failed_mfa_codes WHERE serial = ?", device.serial)
        if row is not None and (row[0] or 0) >= MAX_FAILURES:
            return False
        if matching:
            return await _use(tx, device.serial, matching)
        await tx.execute(
            "INSERT INTO failed_mfa_codes (serial, step, failures) VALUES (?, ?, 1)"
            " ON CONFLICT (serial, step) DO UPDATE SET failures = failed_mfa_codes.failures + 1",
            device.serial,
            step,
        )
        return False

    return await objects.write(work)


def is_near(device: MfaDevice, code: str, now: float) -> bool:
    """Whether `code` would be the device's, so that of several devices the right one is asked to `verify` it."""
    return bool(_matching(device, code, step_at(now)))


async def synchronise(
    objects: Metadata, device: MfaDevice, codes: tuple[str, str], now: float, window: int
) -> int | None:
    """The device's drift in steps, found from two consecutive codes within `window` steps of now; None if
    they are not its codes or were used before. Both are used up.

    A device that is right to within the ordinary tolerance has no drift: people read the first code, wait for
    the second and then press the button.
    """
    current = step_at(now)
    first, second = codes
    # From the nearest outwards, always over the whole window: the time taken tells nothing about the drift.
    offsets = sorted(range(-window, window + 1), key=abs)
    matching = [
        offset
        for offset in offsets
        if _is_code(device.seed, current + offset, second) & _is_code(device.seed, current + offset - 1, first)
    ]
    if not matching:
        return None
    offset = matching[0]
    steps = [current + offset - 1, current + offset]
    if not await objects.write(lambda tx: _use(tx, device.serial, steps)):
        return None
    return 0 if abs(offset) <= _TOLERANCE else offset


def _matching(device: MfaDevice, code: str, step: int) -> list[int]:
    """The steps around `step` whose code this is."""
    current = step + device.drift
    near = range(current - _TOLERANCE, current + _TOLERANCE + 1)
    return [candidate for candidate in near if _is_code(device.seed, candidate, code)]


def _is_code(seed: bytes, step: int, code: str) -> bool:
    return step >= 0 and hmac.compare_digest(code_at(seed, step).encode(), code.encode("utf-8", "surrogatepass"))


async def _use(tx: Transaction, serial: str, steps: list[int]) -> bool:
    """Record the codes of these steps as used; False, and nothing recorded, if one of them already was."""
    oldest = min(steps) - 2 * _KEPT_STEPS
    await tx.execute("DELETE FROM used_mfa_codes WHERE serial = ? AND step < ?", serial, oldest)
    for step in steps:
        used = "SELECT 1 FROM used_mfa_codes WHERE serial = ? AND step = ?"
        if await tx.fetch_one(used, serial, step) is not None:
            return False
    for step in steps:
        await tx.execute("INSERT INTO used_mfa_codes (serial, step) VALUES (?, ?)", serial, step)
    return True
