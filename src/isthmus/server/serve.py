"""`isthmus serve`: prepare the data directory, then run workers that each answer on the same port."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import ssl
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from isthmus.operation import System

from .configuration import Configuration
from .console import PREFIX
from .first_start import make_first_account
from .http import Door
from .jobs import run_jobs
from .setup import SetupResult, apply
from .setup_fields import InvalidSetup
from .setup_file import read_setup_file
from .system import CannotStart, open_system
from .workers import CannotListen, Worker, address_of, bind, run_workers

T = TypeVar("T")


def serve_forever(configuration: Configuration) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. Raises CannotStart."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    context = _tls(configuration)
    try:
        listeners = bind(configuration.listen, configuration.worker_count)
    except CannotListen as error:
        raise CannotStart(str(error)) from None
    host, port = address_of(listeners[0])
    endpoint = f"{'http' if context is None else 'https'}://{f'[{host}]' if ':' in host else host}:{port}"
    note = _run(_prepare(configuration, endpoint))

    async def serve(worker: Worker) -> None:
        # prometheus-client looks for its directory when it is imported, which must not be before it is set.
        from .access_log import AccessLog
        from .explanations import Explanations
        from .own import keep_publishing
        from .pipeline import Pipeline
        from .recorder import Recorder

        async with open_system(configuration, os.environ) as system:
            # What exists by now stays: the collector need not look at it again, nor after every 700 objects.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000)
            recorder = Recorder(system)
            recorder.listen()
            noting = (AccessLog(system), recorder, Explanations(system))
            pipeline = Pipeline(system, configuration.trusted_proxies, tuple(one.note for one in noting))
            door = Door(pipeline.answer)
            await door.listen(worker.listener, context)
            worker.ready()
            writing = [asyncio.create_task(one.batches.keep_writing()) for one in noting]
            background = [
                asyncio.create_task(keep_publishing()),
                asyncio.create_task(pipeline.last_used.keep_writing(system.objects)),
            ]
            if worker.number == 0:
                background.append(asyncio.create_task(run_jobs(system)))
            await worker.stop.wait()
            await door.close()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            for one in noting:
                one.batches.stop()
            await asyncio.gather(*writing)
            await pipeline.last_used.write_or_log(system.objects)

    with tempfile.TemporaryDirectory(prefix="isthmus-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        return run_workers(
            listeners,
            serve,
            lambda _host, _port: print(
                f"Isthmus answers at {endpoint} with its console at {endpoint}{PREFIX}{note}", flush=True
            ),
        )


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
        return f"; root credentials of the first account: {written}" if written else ""


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
