"""Workers share an address, are replaced when they crash, and stop when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = textwrap.dedent(
    """
    import os, sys
    from isthmus.server.http import Door
    from isthmus.server.workers import CannotListen, bind, run_workers
    from isthmus.wire import Response

    async def serve(worker):
        if "die" in sys.argv:
            raise RuntimeError("cannot start")
        async def answer(request):
            if request.path == "/crash":
                os._exit(3)
            if request.path == "/slow":
                import asyncio
                await asyncio.sleep(0.5)
            return Response(200, [], str(os.getpid()).encode())
        door = Door(answer)
        await door.listen(worker.listener)
        worker.ready()
        await worker.stop.wait()
        await door.close(5)

    try:
        listeners = bind(sys.argv[1], 2)
    except CannotListen as error:
        sys.exit(f"isthmus: {error}")
    sys.exit(run_workers(listeners, serve, lambda host, port: print(f"{host}:{port}", flush=True)))
    """
)


def start(listen: str = "127.0.0.1:0", *arguments: str, stderr: Any = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, listen, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = start()
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    yield process, address
    if process.poll() is None:
        process.terminate()
        process.wait(10)


def get(address: str, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_all_workers_answer_on_the_chosen_port(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    assert not address.endswith(":0")
    assert len({get(address) for _ in range(60)}) == 2


def test_a_crashed_worker_is_replaced(server: tuple[subprocess.Popen[str], str]) -> None:
    replaces_a_worker(*server)


def test_a_worker_is_replaced_though_the_disk_of_the_log_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        process = start(stderr=full)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        replaces_a_worker(process, address)
        replaces_a_worker(process, address)
    finally:
        process.terminate()
    assert process.wait(10) == 0


def replaces_a_worker(process: subprocess.Popen[str], address: str) -> None:
    """Crash one, and see another process answer."""
    before = {get(address) for _ in range(60)}
    with pytest.raises(OSError):
        get(address, "/crash")
    deadline = time.monotonic() + 10
    after: set[str] = set()
    while len(after - before) < 1 and time.monotonic() < deadline:
        after |= {get(address)}
    assert len(after - before) == 1
    assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_the_requests_in_flight(
    server: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, address = server
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        process.send_signal(number)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert process.wait(10) == 0


def test_workers_stop_when_the_supervisor_is_killed(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    pids = {int(get(address)) for _ in range(60)}
    process.kill()
    process.wait(10)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_runs(pid) for pid in pids):
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_taken_address_is_one_clear_line(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    second = start(address)
    out, err = second.communicate(timeout=10)
    assert second.returncode == 1
    assert out == ""
    assert err == f"isthmus: cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_impossible_address_is_one_clear_line(listen: str) -> None:
    process = start(listen)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("isthmus: cannot listen on ")
    assert err.count("\n") == 1


def test_a_worker_that_cannot_start_ends_the_server() -> None:
    process = start("127.0.0.1:0", "die")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "cannot start" in err
