"""The public keys of issuers, kept for an hour and fetched again when a token names one that is not known.

An issuer that rotates its keys is believed at once, but asked again at most every half minute: unsigned requests
with made-up key ids cannot make this server a hammer. Requests for one issuer wait for one fetch.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from .issuer_documents import IssuerUnreachable, UnusableDocument, fetch_json

_log = logging.getLogger("isthmus")

KEPT = 3600.0  # seconds
AGAIN = 30.0  # seconds until an issuer is asked again for a key that it did not have, or after it failed
MOST_KEYS = 100  # of an issuer (IAM User Guide: 100 RSA and 100 EC keys)
_MOST_ISSUERS = 1000
_SMALLEST_RSA = 2048  # bits

Key = RSAKey | ECKey


@dataclass(slots=True)
class _Issuer:
    """What is known of one issuer.

    keys: by key id, `""` for keys without. fetched: when they were. asked: when it was asked last.
    failed: what came of that, if not keys.
    """

    keys: dict[str, list[Key]] = field(default_factory=dict)
    fetched: float = -math.inf
    asked: float = -math.inf
    failed: type[Exception] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def known(self, key_id: str, now: float) -> list[Key]:
        """The keys with this id, or all for `""`; none when they are too old."""
        if abs(now - self.fetched) >= KEPT:
            return []
        if key_id:
            return self.keys.get(key_id, [])
        return [key for same in self.keys.values() for key in same]


class IssuerKeys:
    """The keys of every issuer that this process met."""

    def __init__(self) -> None:
        self._issuers: dict[tuple[str, tuple[str, ...]], _Issuer] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def keys(self, url: str, thumbprints: tuple[str, ...], key_id: str, now: float) -> list[Key]:
        """The issuer's keys with this id; all of its keys for a token that names none; possibly none.

        Raises IssuerUnreachable, UnusableDocument.
        """
        issuer = self._issuer(url, thumbprints)
        if found := issuer.known(key_id, now):
            return found
        async with issuer.lock:
            if not issuer.known(key_id, now) and abs(now - issuer.asked) >= AGAIN:
                await self._ask(issuer, url, thumbprints, now)
        found = issuer.known(key_id, now)
        if issuer.failed is not None and not found:
            raise issuer.failed
        return found

    def _issuer(self, url: str, thumbprints: tuple[str, ...]) -> _Issuer:
        name = (url, thumbprints)
        if name not in self._issuers and len(self._issuers) >= _MOST_ISSUERS:
            self._issuers.pop(next(iter(self._issuers)))
        return self._issuers.setdefault(name, _Issuer())

    async def _ask(self, issuer: _Issuer, url: str, thumbprints: tuple[str, ...], now: float) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(4, "issuers")
        fetch = functools.partial(_fetch, url, thumbprints)
        issuer.asked, issuer.failed = now, None
        try:
            issuer.keys = await asyncio.get_running_loop().run_in_executor(self._threads, fetch)
            issuer.fetched = now
        except (IssuerUnreachable, UnusableDocument) as error:
            issuer.failed = type(error)
            _log.warning("issuer %s: %s", url, error)


def _fetch(url: str, thumbprints: tuple[str, ...]) -> dict[str, list[Key]]:
    discovery = fetch_json(f"{url.rstrip('/')}/.well-known/openid-configuration", thumbprints)
    if discovery.get("issuer") != url:
        raise UnusableDocument("the discovery document is another issuer's")
    address = discovery.get("jwks_uri")
    if not isinstance(address, str) or (urlsplit(url).scheme, urlsplit(address).scheme) == ("https", "http"):
        raise UnusableDocument("the discovery document has no jwks_uri that is as safe as the issuer")
    keys = fetch_json(address, thumbprints).get("keys")
    if not isinstance(keys, list):
        raise UnusableDocument("the key document has no keys")
    found: dict[str, list[Key]] = {}
    for member in keys[:MOST_KEYS]:
        key = _key(member)
        if key is not None:
            found.setdefault(str(member.get("kid") or ""), []).append(key)
    return found


def _key(member: Any) -> Key | None:
    """A key that may sign; None for others."""
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    try:
        if member.get("kty") == "RSA":
            rsa = RSAKey.import_key({name: member[name] for name in ("kty", "n", "e")})
            return rsa if rsa.public_key.key_size >= _SMALLEST_RSA else None
        if member.get("kty") == "EC":
            return ECKey.import_key({name: member[name] for name in ("kty", "crv", "x", "y")})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
