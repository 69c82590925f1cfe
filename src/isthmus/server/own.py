"""Our own addresses, under `/-/`, which no bucket name can take: health, metrics, the web console and its sign-in.

Metrics are counted per worker in files that all workers share, so a scrape sees the whole server whichever worker
answers it (prometheus-client's multiprocess mode).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from isthmus.operation import System
from isthmus.store import StoreError
from isthmus.wire import Request, Response

from . import console
from .sign_in import answer_sign_in

_TEXT = [("Content-Type", "text/plain; charset=utf-8")]
_REQUESTS = Counter("isthmus_requests_total", "Requests answered", ["service", "operation", "status"])
_SECONDS = Histogram(
    "isthmus_request_seconds",
    "Time until the answer was ready to send",
    ["service"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


# What this worker counted since the last `publish`: adding here costs a hundredth of the shared files.
_answered: Counts[tuple[str, str, int]] = Counts()
_took: list[tuple[str, float]] = []
_PUBLISH_AFTER = 1000  # answers
_PUBLISH_INTERVAL = 2.0  # seconds


def count(service: str, operation: str, status: int, started: float) -> None:
    """Count one answered request; `started` is a `time.perf_counter()`."""
    _answered[service, operation, status] += 1
    _took.append((service, time.perf_counter() - started))
    if len(_took) >= _PUBLISH_AFTER:
        publish()


def publish() -> None:
    """Hand what was counted to the files that a scrape reads. The workers do it every few seconds."""
    for (service, operation, status), number in _answered.items():
        _REQUESTS.labels(service, operation, str(status)).inc(number)
    for service, seconds in _took:
        _SECONDS.labels(service).observe(seconds)
    _answered.clear()
    _took.clear()


async def keep_publishing() -> None:
    """Publish every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(_PUBLISH_INTERVAL)
        publish()


async def own_address(system: System, request: Request) -> Response:
    """Answer `/-/health/live`, `/-/health/ready`, `/-/metrics`, `/-/console/` and `/-/signin`; 404 for the
    rest."""
    if request.path.startswith(console.PREFIX):
        return console.console_address(request)
    if request.path == "/-/signin":
        if request.method != "POST":
            return Response(405, [*_TEXT, ("Allow", "POST")], b"use POST\n")
        return await answer_sign_in(system, request)
    if request.method not in ("GET", "HEAD"):
        return Response(405, [*_TEXT, ("Allow", "GET, HEAD")], b"use GET\n")
    if request.path == "/-/health/live":
        return Response(200, list(_TEXT), b"live\n")
    if request.path == "/-/health/ready":
        try:
            await system.identity.fetch_one("SELECT 1")
            await system.objects.fetch_one("SELECT 1")
        except StoreError as error:
            return Response(503, list(_TEXT), f"not ready: {error}\n".encode())
        return Response(200, list(_TEXT), b"ready\n")
    if request.path == "/-/metrics":
        publish()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(200, [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], generate_latest(registry))
    if request.path == console.PREFIX.rstrip("/"):
        return Response(308, [("Location", console.PREFIX)])
    return Response(404, list(_TEXT), b"there is nothing here\n")
