"""Several processes on one address: a supervisor that owns the sockets and workers that serve.

The supervisor binds one listening socket per worker with SO_REUSEPORT, forks, and waits. A socket outlives
the worker that served it, so while a crashed worker is replaced new connections wait instead of failing.
Workers watch a pipe whose other end only the supervisor holds: when it is killed they stop too.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import uvloop

_BACKLOG = 1024
_QUICK_DEATH = 5.0  # seconds; a worker that lives shorter is restarted only after a pause
_PAUSE = 1.0
_GRACE = 35.0  # seconds that workers have to finish before they are killed
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


class CannotListen(OSError):
    """The address cannot be served; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process is given.

    number: 0 to n-1. listener: its bound socket, not yet listening for a server that calls listen itself.
    stop: set when the worker shall finish. ready: to be called once it accepts connections.
    """

    number: int
    listener: socket.socket
    stop: asyncio.Event
    ready: Callable[[], None]


Serve = Callable[[Worker], Coroutine[Any, Any, None]]


def parse_listen(listen: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT`, `:PORT` as host and port. Raises CannotListen."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise CannotListen(f"cannot listen on {listen!r}: expected HOST:PORT, for example 127.0.0.1:9000")
    return host.strip("[]"), int(port)


def bind(listen: str, count: int) -> list[socket.socket]:
    """`count` sockets bound to one address, which nobody else may serve. Raises CannotListen.

    Port 0 takes a free port, the same for all sockets.
    """
    host, port = parse_listen(listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotListen(f"cannot listen on {listen}: {error.strerror or error}") from None
    sockets: list[socket.socket] = []
    # SO_REUSEPORT would let us share the port with a server of the same user that is already there. A socket
    # without it finds that out; it also chooses the port when any will do.
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        chosen = probe.getsockname()
        probe.close()
        for _ in range(count):
            listener = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(chosen)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
    except OSError as error:
        for listener in (probe, *sockets):
            listener.close()
        raise CannotListen(f"cannot listen on {listen}: {error.strerror or error}") from None
    return sockets


def address_of(listener: socket.socket) -> tuple[str, int]:
    """Host and port a socket is bound to."""
    host, port = listener.getsockname()[:2]
    return host, port


def run_workers(listeners: list[socket.socket], serve: Serve, announce: Callable[[str, int], None]) -> int:
    """Serve the sockets of `bind`, each with a process, until SIGTERM or SIGINT; the exit status.

    serve: a worker's whole life, in its own process with its own event loop.
    announce: called once with host and port when all workers accept connections.
    Must be called from the main thread of a process without an event loop. Prints one line to stderr and
    returns 1 when a worker fails before it is ready.
    """
    return _Supervisor(listeners, serve, announce).run()


class _Supervisor:
    def __init__(self, listeners: list[socket.socket], serve: Serve, announce: Callable[[str, int], None]) -> None:
        self._listeners = listeners
        self._serve = serve
        self._announce = announce
        self._pids: dict[int, tuple[int, float]] = {}
        self._ready_read, self._ready_write = os.pipe()
        self._alive_read, self._alive_write = os.pipe()

    def run(self) -> int:
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            for number in range(len(self._listeners)):
                self._fork(number)
            if not self._wait_until_ready():
                self._stop()
                return 1
            self._announce(*address_of(self._listeners[0]))
            self._watch()
            self._stop()
            return 0
        finally:
            # Whoever asked twice to stop must not kill us now that it is done.
            while signal.sigtimedwait(_SIGNALS, 0) is not None:
                pass
            signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
            for listener in self._listeners:
                listener.close()
            for descriptor in (self._ready_read, self._ready_write, self._alive_read, self._alive_write):
                os.close(descriptor)

    def _fork(self, number: int) -> None:
        _flush()
        pid = os.fork()
        if pid == 0:
            self._child(number)
        self._pids[pid] = (number, time.monotonic())

    def _child(self, number: int) -> NoReturn:
        status = 1
        try:
            os.close(self._alive_write)
            os.close(self._ready_read)
            for index, listener in enumerate(self._listeners):
                if index != number:
                    listener.close()
            uvloop.run(self._child_main(number))
            status = 0
        except BaseException:
            _say(traceback.format_exc().rstrip())
        finally:
            _flush()
            os._exit(status)

    async def _child_main(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number_of_signal in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number_of_signal, stop.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

        def supervisor_gone() -> None:
            loop.remove_reader(self._alive_read)
            stop.set()

        loop.add_reader(self._alive_read, supervisor_gone)
        await self._serve(Worker(number, self._listeners[number], stop, self._ready))

    def _ready(self) -> None:
        os.write(self._ready_write, b"!")

    def _wait_until_ready(self) -> bool:
        """Whether all workers came up; False if one died first or we were told to stop."""
        ready = 0
        while ready < len(self._listeners):
            if select.select([self._ready_read], [], [], 0.05)[0]:
                ready += len(os.read(self._ready_read, 64))
            if self._reap():
                _say("isthmus: a worker process failed to start")
                return False
            received = signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, 0)
            if received is not None:
                return False
        return True

    def _watch(self) -> None:
        """Until told to stop: replace workers that end."""
        due: list[tuple[float, int]] = []
        while True:
            received = signal.sigtimedwait(_SIGNALS, 0.2 if due else 3600.0)
            if received is not None and received.si_signo != signal.SIGCHLD:
                return
            now = time.monotonic()
            for number, lived, status in self._reap():
                _say(f"isthmus: worker {number} ended with {status}; starting another")
                due.append((now + (_PAUSE if lived < _QUICK_DEATH else 0.0), number))
            for when, number in due[:]:
                if when <= now:
                    due.remove((when, number))
                    self._fork(number)

    def _reap(self) -> list[tuple[int, float, str]]:
        """Number, life in seconds and end of each worker that ended."""
        ended = []
        while self._pids:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid in self._pids:
                number, born = self._pids.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                shown = f"signal {-code}" if code < 0 else f"status {code}"
                ended.append((number, time.monotonic() - born, shown))
        return ended

    def _stop(self) -> None:
        self._signal_all(signal.SIGTERM)
        end = time.monotonic() + _GRACE
        while self._pids and time.monotonic() < end:
            signal.sigtimedwait({signal.SIGCHLD}, 0.2)
            self._reap()
        if self._pids:
            self._signal_all(signal.SIGKILL)
            while self._pids:
                signal.sigtimedwait({signal.SIGCHLD}, 0.2)
                self._reap()

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


# The operator's log may stand on a disk that is full, or its reader may have gone: no reason to stop serving.


def _say(text: str) -> None:
    """A line on stderr, if it takes one."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _flush() -> None:
    """What was printed goes out now, once: a child that is forked would print it again."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
