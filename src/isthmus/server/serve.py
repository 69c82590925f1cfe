"""`isthmus serve`: prepare the data directory, then run workers that each answer on the same port."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from isthmus.operation import System

from .configuration import Configuration
from .first_start import make_first_account
from .http import FrontDoor
from .maintenance import maintain
from .pipeline import Pipeline
from .setup import SetupResult, apply
from .setup_file import InvalidSetup, read_setup_file
from .system import CannotStart, open_system
from .workers import AddressInUse, Listener, run_workers

T = TypeVar("T")


def serve_forever(configuration: Configuration) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. Raises CannotStart."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    context = _tls(configuration)
    try:
        listener = Listener(*configuration.address)
    except (OSError, AddressInUse) as error:
        raise CannotStart(f"cannot listen on {configuration.listen}: {error}") from None
    scheme = "https" if context is not None else "http"
    endpoint = f"{scheme}://{listener.host}:{listener.port}"
    note = _run(_prepare(configuration, endpoint))

    async def serve_one(listening: socket.socket, first: bool) -> None:
        async with open_system(configuration, os.environ) as system:
            pipeline = Pipeline(system)
            door = FrontDoor(pipeline.answer, trusted_proxies=configuration.trusted_proxies)
            keeping = asyncio.create_task(maintain(system)) if first else None
            await door.serve(listening, context)
            if keeping is not None:
                keeping.cancel()

    line = f"Isthmus answers at {endpoint}{note}"
    return run_workers(configuration.worker_count, listener, serve_one, line)


def apply_setup(configuration: Configuration, file: Path) -> str:
    """Apply a setup file to the data directory; what was done, in one line. Raises CannotStart."""

    async def work() -> SetupResult:
        async with open_system(configuration, os.environ) as system:
            return await _apply_file(system, file)

    return str(_run(work()))


async def _prepare(configuration: Configuration, endpoint: str) -> str:
    """What happens once before the workers start; what the start line adds."""
    async with open_system(configuration, os.environ) as system:
        if configuration.setup is not None:
            await _apply_file(system, configuration.setup)
            return ""
        written = await make_first_account(system, configuration.data, endpoint)
        return f" (root credentials of the first account: {written})" if written else ""


async def _apply_file(system: System, file: Path) -> SetupResult:
    try:
        return await apply(read_setup_file(file), system)
    except InvalidSetup as error:
        raise CannotStart(f"{file}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"cannot read {file}: {error}") from None


def _tls(configuration: Configuration) -> ssl.SSLContext | None:
    if configuration.tls_cert is None or configuration.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(configuration.tls_cert, configuration.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise CannotStart(f"cannot use the TLS certificate {configuration.tls_cert}: {error}") from None
    return context


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
