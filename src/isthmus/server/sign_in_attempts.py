"""How often a sign-in may fail: per user, so that nobody guesses passwords, and per client, so that nobody tries many.

An attempt is counted before its password is looked at and taken back when it was right: whoever sends a thousand
guesses at once gets no more looks than whoever sends them one by one. Refused attempts do not count, so a user that
somebody else has closed opens again a quarter of an hour after the last guess.

What is counted is kept under a digest: people type passwords where user names belong.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from isthmus.store import Metadata, Transaction

WINDOW = 15
"""Minutes for which a wrong attempt counts."""
PER_USER = 10
"""Wrong attempts at one user in the window, after which it is closed."""
PER_CLIENT = 60
"""Wrong attempts from one client address in the window; a whole office may share one."""

Scope = tuple[str, int]
"""A digest, and the wrong attempts it may have."""


def scopes(account: str, user: str, client: str) -> tuple[Scope, Scope]:
    """What an attempt counts for: the user of an account, as they were typed, and the client's IP address.

    Of IPv6 the network of 64 bits counts, which is what one customer has.
    """
    return (_digest("user", account.lower(), user.lower()), PER_USER), (_digest("client", _block(client)), PER_CLIENT)


async def begin(objects: Metadata, counted: tuple[Scope, ...], now: float) -> bool:
    """Count an attempt; False, and nothing is counted, if there were too many."""
    minute = int(now // 60)

    async def work(tx: Transaction) -> bool:
        await tx.execute("DELETE FROM failed_sign_ins WHERE minute < ?", minute - WINDOW)
        for scope, most in counted:
            row = await tx.fetch_one("SELECT SUM(failures) FROM failed_sign_ins WHERE scope = ?", scope)
            if row is not None and (row[0] or 0) >= most:
                return False
        for scope, _ in counted:
            await tx.execute(
                "INSERT INTO failed_sign_ins (scope, minute, failures) VALUES (?, ?, 1)"
                " ON CONFLICT (scope, minute) DO UPDATE SET failures = failed_sign_ins.failures + 1",
                scope, minute,
            )  # fmt: skip
        return True

    return await objects.write(work)


async def take_back(objects: Metadata, counted: tuple[Scope, ...], now: float) -> None:
    """The attempt that began at `now` was right."""

    async def work(tx: Transaction) -> None:
        for scope, _ in counted:
            await tx.execute(
                "UPDATE failed_sign_ins SET failures = failures - 1 WHERE scope = ? AND minute = ? AND failures > 0",
                scope, int(now // 60),
            )  # fmt: skip

    await objects.write(work)


async def forget(objects: Metadata, scope: Scope) -> None:
    """A whole sign-in succeeded: the user's wrong attempts before it are over."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM failed_sign_ins WHERE scope = ?", scope[0])

    await objects.write(work)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _block(client: str) -> str:
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ip_network((address, 64), strict=False))
    return str(address)
