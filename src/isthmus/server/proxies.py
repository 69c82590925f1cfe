"""What a trusted proxy says of the client behind it.

`aws:SourceIp` and `aws:SecureTransport` decide about access, so nobody else's headers are believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from isthmus.wire import Request

Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses (`10.0.0.7`) and networks (`10.0.0.0/8`). Raises ValueError, which names the one that is neither."""
    return tuple(ip_network(text, strict=False) for text in texts)


def believe(request: Request, trusted: tuple[Network, ...]) -> None:
    """Put the client and the scheme that trusted proxies name into the request.

    X-Forwarded-For is read from the right, as each proxy adds its peer there, and no further than the first address
    that is not a trusted proxy's: what stands left of that one the client may have written. What is no address is
    passed over with all that stands before it.
    """
    if not _is_one_of(request.client, trusted):
        return
    for written in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        client = _plain(written)
        if client is None:
            break
        request.client = client
        if not _is_one_of(client, trusted):
            break
    if request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https":
        request.secure = True


def _plain(text: str) -> str | None:
    """An address without what IPv6 sockets and some proxies add: `::ffff:10.0.0.7`, `[::1]`."""
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


@lru_cache(maxsize=4096)
def _is_one_of(client: str, trusted: tuple[Network, ...]) -> bool:
    plain = _plain(client)
    return plain is not None and any(ip_address(plain) in network for network in trusted)
