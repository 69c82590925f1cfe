"""Fetching an issuer's documents: discovery and keys, over a connection that proves to be the issuer's.

Whoever administers an account chooses issuers, so what is fetched is limited: one GET without following
redirects, at most one MiB, ten seconds altogether, no link-local addresses (where cloud machines keep their
credentials). Nothing of an answer but its keys is ever used, and no error repeats any of it.

The certificate must be valid by the authorities that this machine trusts; or be, itself, one whose SHA-1 digest
is a thumbprint of the provider (a self-signed certificate), as AWS pins issuers.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

SECONDS = 10.0
LARGEST = 1 << 20  # bytes
_CONNECT_SECONDS = 4.0


class IssuerUnreachable(Exception):
    """The issuer did not answer, or not with 200, or its certificate is not to be trusted."""


class UnusableDocument(Exception):
    """The issuer answered something that is not the document asked for."""


def fetch_json(url: str, thumbprints: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object at a URL; blocks for SECONDS at most. Raises IssuerUnreachable, UnusableDocument.

    thumbprints: lower-case hex.
    """
    deadline = time.monotonic() + SECONDS
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnusableDocument("an address is malformed") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UnusableDocument("an address is neither https nor http")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with contextlib.closing(_connect(parts.scheme, parts.hostname, port, thumbprints)) as connection:
            connection.request("GET", target, headers={"Accept": "application/json", "User-Agent": "Isthmus"})
            body = _read(connection, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise IssuerUnreachable(type(error).__name__) from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise UnusableDocument("a document is not JSON") from None
    if not isinstance(document, dict):
        raise UnusableDocument("a document is not a JSON object")
    return document


def _read(connection: http.client.HTTPConnection, deadline: float) -> bytes:
    response = connection.getresponse()
    if response.status != 200:
        raise IssuerUnreachable(f"status {response.status}")
    body = bytearray()
    while chunk := response.read1(1 << 16):
        body += chunk
        if len(body) > LARGEST:
            raise UnusableDocument("a document is too large")
        if time.monotonic() > deadline:
            raise IssuerUnreachable("too slow")
    return bytes(body)


def _connect(scheme: str, host: str, port: int, thumbprints: tuple[str, ...]) -> http.client.HTTPConnection:
    """A connection to the issuer itself. Raises OSError, IssuerUnreachable."""
    if scheme == "http":
        plain = http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
        plain.sock = _socket(host, port)
        return plain
    try:
        return _secured(host, port, ssl.create_default_context(), ())
    except ssl.SSLCertVerificationError:
        if not thumbprints:
            raise
    pinned = ssl.create_default_context()
    pinned.check_hostname, pinned.verify_mode = False, ssl.CERT_NONE  # the digest below proves more than a name
    return _secured(host, port, pinned, thumbprints)


def _secured(
    host: str, port: int, context: ssl.SSLContext, thumbprints: tuple[str, ...]
) -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, context=context)
    raw = _socket(host, port)
    try:
        secured = context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise
    connection.sock = secured
    if thumbprints:
        digest = hashlib.sha1(secured.getpeercert(binary_form=True) or b"", usedforsecurity=False).hexdigest()
        if not any(hmac.compare_digest(digest, thumbprint) for thumbprint in thumbprints):
            connection.close()
            raise IssuerUnreachable("the certificate has none of the thumbprints")
    return connection


def _socket(host: str, port: int) -> socket.socket:
    """A connection to an address that is not link-local: the address that was checked is the one used."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        if (mapped or ip).is_link_local or (mapped or ip).is_multicast:
            failure = OSError("a link-local address")
            continue
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure
