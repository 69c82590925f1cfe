"""Which worker process answers on which connection, read from /proc: from outside all workers look the same."""

from __future__ import annotations

import http.client
import os
import select
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from stage import Keys, Server

_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing


def worker_pids(server: Server) -> list[int]:
    """The processes that serve."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_one_ended(pids: Iterable[int], seconds: float = 20.0) -> None:
    """Return when one of these running processes has ended. Raises TimeoutError."""
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        if not select.select(descriptors, [], [], seconds)[0]:
            raise TimeoutError(f"none of the processes {pids} ended")
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


class Connection:
    """A kept-alive connection, and the worker that accepted it."""

    def __init__(self, server: Server) -> None:
        self._endpoint = server.endpoint
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self._http.request("GET", "/-/health/live")
        answer = self._http.getresponse()
        assert (answer.status, answer.read()) == (200, b"live\n")
        self.worker = _holder(server, self._http.sock.getsockname()[1])

    def get(self, path: str, keys: Keys) -> tuple[int, bytes]:
        """A signed S3 GET: status and body."""
        request = AWSRequest("GET", self._endpoint + path)
        request.headers["X-Amz-Content-SHA256"] = _EMPTY
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials(keys.id, keys.secret, keys.token), "s3", "us-east-1").add_auth(request)
        self._http.request("GET", urlsplit(request.url).path, headers=dict(request.headers.items()))
        answer = self._http.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Close it."""
        self._http.close()


def one_connection_to_each_worker(server: Server) -> list[Connection]:
    """As many connections as workers, each to another one. The kernel spreads them by a hash of the ports."""
    found: dict[int, Connection] = {}
    for _ in range(200):
        connection = Connection(server)
        if found.setdefault(connection.worker, connection) is not connection:
            connection.close()
        if len(found) == len(worker_pids(server)) == 2:
            return list(found.values())
    raise AssertionError("one worker answered every connection")


def _holder(server: Server, client_port: int) -> int:
    """The worker that holds the server's end of the connection from `client_port`."""
    ends = (f":{server.port:04X}", f":{client_port:04X}")
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1]))
    for pid in worker_pids(server):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if descriptor.readlink().name == f"socket:[{inode}]":
                    return pid
            except FileNotFoundError:  # closed while we were looking
                continue
    raise AssertionError("no worker holds the connection")
