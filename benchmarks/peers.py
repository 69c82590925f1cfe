"""The servers that are measured: each started alone on a port of its own, with one key pair."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

PEERS = ("seaweedfs", "moto")
ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7BENCH00", "not-a-secret-only-for-benchmarks-000000"
BUCKET = "benchmark"
BODY = b"x" * 1024
_BENCH_BIN = Path(sys.prefix).parent / (Path(sys.prefix).name + "-bench") / "bin"
PEERS_PYTHON = str(_BENCH_BIN / "python")


@dataclass(slots=True)
class Peer:
    """A running server. process: its process id."""

    name: str
    port: int
    server: subprocess.Popen[bytes]

    @property
    def process(self) -> int:
        return self.server.pid

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def prepare(self, keys: int) -> None:
        """Wait until the server answers, then make a bucket with `keys` objects of 1 KiB."""
        client = self.client()
        for attempt in range(120):
            try:
                client.create_bucket(Bucket=BUCKET)
                break
            except (BotoCoreError, ClientError):
                if self.server.poll() is not None:
                    raise RuntimeError(f"{self.name} stopped with status {self.server.returncode}") from None
                if attempt == 119:
                    raise
                time.sleep(0.5)
        for number in range(keys):
            client.put_object(Bucket=BUCKET, Key=f"keys/{number:06d}", Body=BODY)

    def requests(self, operation: str, count: int) -> list[bytes]:
        """`count` signed requests, ready to send."""
        stamp = time.time_ns()
        if operation == "GET 1 KiB":
            return [self._signed("GET", f"/{BUCKET}/keys/{number % 1000:06d}") for number in range(count)]
        if operation == "PUT 1 KiB":
            return [self._signed("PUT", f"/{BUCKET}/put/{stamp}/{number}", BODY) for number in range(count)]
        return [self._signed("GET", f"/{BUCKET}?list-type=2&max-keys=1000&prefix=keys%2F") for _ in range(count)]

    def _signed(self, method: str, target: str, body: bytes = b"") -> bytes:
        request = AWSRequest(method=method, url=self.endpoint + target, data=body)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
        headers = {**dict(request.headers.items()), "Host": f"127.0.0.1:{self.port}"}
        if body:
            headers["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body

    def stop(self) -> None:
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()


def start(name: str, folder: Path) -> Peer:
    """Start a peer with its data under `folder`."""
    home = folder / name
    home.mkdir()
    port = free_port()
    command = {"isthmus": _isthmus, "seaweedfs": _seaweedfs, "moto": _moto}[name](home, port)
    log = (home / "log").open("wb")
    server = subprocess.Popen(command, cwd=home, stdout=log, stderr=subprocess.STDOUT)
    return Peer(name, port, server)


def _isthmus(home: Path, port: int) -> list[str]:
    setup = {
        "accounts": [{
            "id": "111122223333",
            "root": {"access_keys": [{"id": ACCESS_KEY, "secret": SECRET_KEY}]},
        }]
    }  # fmt: skip
    (home / "setup.yaml").write_text(yaml.safe_dump(setup))
    return [
        sys.executable, "-m", "isthmus", "serve", "--data", str(home / "data"), "--listen", f"127.0.0.1:{port}",
        "--setup", str(home / "setup.yaml"),
    ]  # fmt: skip


def _seaweedfs(home: Path, port: int) -> list[str]:
    identities = {
        "identities": [{
            "name": "bench",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]
    }  # fmt: skip
    (home / "s3.json").write_text(json.dumps(identities))
    master, volume, filer = free_port(), free_port(), free_port()
    return [
        str(_BENCH_BIN / "weed"), "server", f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        f"-s3.port={port}", f"-s3.config={home}/s3.json", f"-master.port={master}", f"-volume.port={volume}",
        f"-filer.port={filer}", "-volume.max=8",
    ]  # fmt: skip


def _moto(home: Path, port: int) -> list[str]:
    return [str(_BENCH_BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]


def free_port() -> int:
    """A port that is free now."""
    # SeaweedFS also listens 10,000 above each of its ports.
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 50000:
            return port
