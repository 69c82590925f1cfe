"""Where events go: the operator says what an ARN of a queue, topic, function or event bus stands for here.

    https://user:password@host/path     a webhook: one POST for each message, taken when it answers 2xx
    nats://host:4222/subject            a NATS subject (tls:// with TLS); with ?jetstream=true taken when a stream
                                        has stored it, else when the server has it
    file:///var/spool/events.jsonl      a file, one line for each message, synced

A target takes messages in order and tells how many it took. The operator chose the addresses, so any host may be
one; the owner of a bucket only chooses among the ARNs that were opened to its account.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import http.client
import json
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import nats
import nats.errors

from isthmus.identity import EVENT_TARGETS
from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.operation import System

SETTING = "event_targets"
_SERVICES = frozenset({"sns", "sqs", "lambda", "events"})
_SECONDS = 10.0  # for one message, or for a connection


class TargetFailed(Exception):
    """The target did not take a message. taken: how many of those before it it took. The text holds no secret."""

    def __init__(self, reason: str, taken: int = 0) -> None:
        super().__init__(reason)
        self.taken = taken


class Target(Protocol):
    """Something that takes messages."""

    async def send(self, messages: Sequence[bytes]) -> int:
        """Hand over messages in order; how many were taken, at least the first. Raises TargetFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An ARN that events can be sent to. accounts: whose buckets may, besides those of the ARN's own account."""

    url: str = field(repr=False)
    accounts: frozenset[str] = frozenset()

    def is_open_to(self, arn: str, account: str) -> bool:
        """Whether buckets of `account` may send there."""
        return account == Arn.parse(arn).account or account in self.accounts


async def opened_targets(system: System) -> dict[str, Opened]:
    """What the operator opened, by ARN."""
    sealed: str = await system.directory.setting(SETTING, "")
    if not sealed:
        return {}
    table = json.loads(system.vault.unseal_text(sealed, EVENT_TARGETS))
    return {arn: Opened(one["url"], frozenset(one["accounts"])) for arn, one in table.items()}


def sealed_table(system: System, table: Mapping[str, Opened]) -> str:
    """The table as it is stored: addresses may hold passwords."""
    plain = {arn: {"url": one.url, "accounts": sorted(one.accounts)} for arn, one in table.items()}
    return system.vault.seal_text(json.dumps(plain).encode(), EVENT_TARGETS)


def check_target(arn: str, url: str, accounts: Sequence[str]) -> Opened:
    """One row of the operator's table. Raises ValueError, saying what to change."""
    try:
        parsed = Arn.parse(arn)
    except InvalidArn:
        parsed = None
    if parsed is None or parsed.service not in _SERVICES or not is_account_id(parsed.account) or not parsed.region:
        raise ValueError(f"{arn!r} must be the ARN of an SNS topic, SQS queue, Lambda function or event bus")
    for account in accounts:
        if not is_account_id(account):
            raise ValueError(f"account {account!r} must be 12 digits in quotes")
    target_of(url)
    return Opened(url, frozenset(accounts))


def target_of(url: str) -> Target:
    """The target at an address. Raises ValueError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("an address cannot be read as a URL") from None
    if parts.scheme in ("http", "https") and parts.hostname:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        user = None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return Webhook(parts.scheme == "https", parts.hostname, port, path, user)
    if parts.scheme in ("nats", "tls") and parts.hostname:
        subject = unquote(parts.path).strip("/").replace("/", ".")
        if not subject or any(character in subject for character in " *>\t\r\n"):
            raise ValueError("a NATS address needs a subject behind the host, like nats://127.0.0.1:4222/uploads")
        query = parse_qs(parts.query)
        server = f"{parts.scheme}://{parts.netloc}"
        return NatsSubject(server, subject, query.get("jetstream", [""])[0].lower() == "true")
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LinesFile(unquote(parts.path))
    raise ValueError(
        "an address must be http(s)://host/path, nats://host:port/subject, tls://host:port/subject or file:///path"
    )


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTP server that is sent each message. Redirects are not followed."""

    secure: bool
    host: str
    port: int | None
    path: str = field(repr=False)
    user: str | None = field(default=None, repr=False)

    async def send(self, messages: Sequence[bytes]) -> int:
        """POST them one by one over one connection, for some seconds. Raises TargetFailed."""
        return await asyncio.to_thread(self._post, messages)

    def _post(self, messages: Sequence[bytes]) -> int:
        # A thread cannot be stopped: the server's end must not wait for a hundred slow answers.
        deadline = time.monotonic() + _SECONDS
        headers = {"Content-Type": "application/json", "User-Agent": "Isthmus"}
        if self.user is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(self.user.encode()).decode()
        with contextlib.closing(self._connection()) as connection:
            for taken, message in enumerate(messages):
                if taken and time.monotonic() > deadline:
                    return taken
                try:
                    connection.request("POST", self.path, message, headers)
                    answer = connection.getresponse()
                    answer.read(1 << 20)
                    if not answer.isclosed():  # more than anybody needs to say: the connection is not used again
                        connection.close()
                except (OSError, http.client.HTTPException) as error:
                    raise TargetFailed(_reason(error), taken) from error
                if not 200 <= answer.status < 300:
                    raise TargetFailed(f"the webhook answered {answer.status}", taken)
        return len(messages)

    def _connection(self) -> http.client.HTTPConnection:
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=_SECONDS)
        return http.client.HTTPSConnection(self.host, self.port, timeout=_SECONDS, context=ssl.create_default_context())


@dataclass(frozen=True, slots=True)
class NatsSubject:
    """A subject of a NATS server. jetstream: wait until a stream has stored each message."""

    server: str = field(repr=False)
    subject: str
    jetstream: bool = False

    async def send(self, messages: Sequence[bytes]) -> int:
        """Publish them all. Raises TargetFailed."""
        taken = 0
        try:
            async with asyncio.timeout(_SECONDS * 2):
                connection = await nats.connect(
                    self.server,
                    connect_timeout=int(_SECONDS),
                    allow_reconnect=False,
                    max_reconnect_attempts=0,
                    error_cb=_heard,
                )
                try:
                    if self.jetstream:
                        stream = connection.jetstream()
                        for message in messages:
                            await stream.publish(self.subject, message, timeout=_SECONDS)
                            taken += 1
                    else:
                        for message in messages:
                            await connection.publish(self.subject, message)
                        await connection.flush(timeout=int(_SECONDS))
                finally:
                    await connection.close()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise TargetFailed(_reason(error), taken) from error
        return len(messages)


async def _heard(_error: Exception) -> None:
    """Errors of the connection come out of the call that met them too; the client's own log would say them twice."""


@dataclass(frozen=True, slots=True)
class LinesFile:
    """A file to which messages are added, each a line. It is made with mode 0600."""

    path: str

    async def send(self, messages: Sequence[bytes]) -> int:
        """Append and sync them all; a disk that is full leaves no half line. Raises TargetFailed."""
        await asyncio.to_thread(self._append, b"".join(message + b"\n" for message in messages))
        return len(messages)

    def _append(self, lines: bytes) -> None:
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file).st_size
                try:
                    rest = memoryview(lines)
                    while rest:
                        rest = rest[os.write(file, rest) :]
                    os.fsync(file)
                except OSError:
                    os.ftruncate(file, size)
                    raise
            finally:
                os.close(file)
        except OSError as error:
            raise TargetFailed(_reason(error)) from error


def _reason(error: Any) -> str:
    """What went wrong, without the address: it may hold a password."""
    told = getattr(error, "strerror", None)
    return str(told) if told else type(error).__name__
