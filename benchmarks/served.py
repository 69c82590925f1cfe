"""Isthmus itself, for measurements that compare it with itself: a server with a setup file, and signed GETs for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .peers import free_port


@dataclass(frozen=True, slots=True)
class RunningServer:
    """What `measure` and clients need to know of a server. process: its process id."""

    port: int
    process: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(data: Path, setup: Path) -> Iterator[RunningServer]:
    """A server on a free port with its data in `data`, while the context lasts."""
    port = free_port()
    command = [
        sys.executable, "-m", "isthmus", "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}",
        "--setup", str(setup),
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout is not None
        if not server.stdout.readline():
            sys.exit("the server that is to be measured did not start")
        yield RunningServer(port, server.pid)
    finally:
        server.terminate()
        server.wait(60)


def signed_get(server: RunningServer, keys: Credentials, path: str, query: dict[str, str] | None = None) -> bytes:
    """One GET, ready to send."""
    parameters = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted((query or {}).items()))
    target = f"{path}?{parameters}" if parameters else path
    request = AWSRequest("GET", server.endpoint + target)
    S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
    return as_bytes(request, target, server)


def as_bytes(request: AWSRequest, target: str, server: RunningServer, body: bytes = b"") -> bytes:
    """A signed request as it goes over the wire."""
    headers = {**dict(request.headers.items()), "Host": f"127.0.0.1:{server.port}"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body
