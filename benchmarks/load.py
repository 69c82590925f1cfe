"""A client that sends prepared requests over keep-alive connections and reads the server's CPU clock."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .peers import Peer
    from .served import RunningServer

_TICK = os.sysconf("SC_CLK_TCK")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figures:
    """One round: CPU of the server per request (µs), requests a second, latencies (ms)."""

    cpu_us: float
    rate: float
    p50_ms: float
    p99_ms: float


def cpu_seconds(root: int) -> float:
    """User and system time of a process and its living descendants."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except OSError:  # it ended meanwhile
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
    total, todo = 0, [root]
    while todo:
        process = todo.pop()
        total += ticks.get(process, 0)
        todo += children.get(process, [])
    return total / _TICK


def measure(peer: Peer | RunningServer, requests: list[bytes], connections: int) -> Figures:
    """Send all requests over `connections` connections, each waiting for its answer."""
    before = cpu_seconds(peer.process)
    started = time.perf_counter()
    latencies = asyncio.run(_send_all(peer.port, requests, connections))
    took = time.perf_counter() - started
    # Servers that work on in the background are charged for it too.
    cpu = cpu_seconds(peer.process) - before
    latencies.sort()
    return Figures(
        cpu / len(requests) * 1e6,
        len(requests) / took,
        latencies[len(latencies) // 2] * 1000,
        latencies[int(len(latencies) * 0.99)] * 1000,
    )


async def _send_all(port: int, requests: list[bytes], connections: int) -> list[float]:
    latencies: list[float] = []
    shares = [requests[start::connections] for start in range(connections)]
    await asyncio.gather(*(_send_share(port, share, latencies) for share in shares if share))
    return latencies


async def _send_share(port: int, requests: list[bytes], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    closed = False
    for request in requests:
        started = time.perf_counter()
        if closed:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            rest = await reader.read(2000)
            raise RuntimeError(f"the request was refused: {(head + rest).decode(errors='replace')}")
        length = _LENGTH.search(head)
        if length is not None:
            await reader.readexactly(int(length[1]))
        elif b"chunked" in head.lower():
            while (size := int(await reader.readuntil(b"\r\n"), 16)) >= 0:
                await reader.readexactly(size + 2)
                if size == 0:
                    break
        latencies.append(time.perf_counter() - started)
        if closed := b"\r\nconnection: close" in head.lower():
            writer.close()
            await writer.wait_closed()
    writer.close()
    await writer.wait_closed()
