"""Targets of events: webhooks, NATS subjects and files, each real."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nats
import pytest
from delivery_builders import QUEUE, open_targets

from builders import PRODUCTION, World, story
from certificates import certificate_for_localhost
from isthmus.s3.deliveries import event_targets
from isthmus.s3.deliveries.event_targets import (
    LinesFile,
    NatsSubject,
    TargetFailed,
    Webhook,
    check_target,
    opened_targets,
    target_of,
)

MESSAGES = [b'{"n":1}', b'{"n":2}', b'{"n":3}']


class Hook(ThreadingHTTPServer):
    """A webhook: remembers what it was sent and answers with the next of `answers`, else 200."""

    daemon_threads = True

    def __init__(self) -> None:
        hook = self
        self.got: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.pause = 0.0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(hook.pause)
                status = hook.answers.pop(0) if hook.answers else 200
                if status == 200:
                    hook.got.append((self.path, body))
                hook.headers.append(dict(self.headers.items()))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    yield server
    server.shutdown()
    server.server_close()


def send(url: str, messages: list[bytes] = MESSAGES) -> None:
    asyncio.run(target_of(url).send(messages))


def failure(url: str, messages: list[bytes] = MESSAGES) -> TargetFailed:
    with pytest.raises(TargetFailed) as failed:
        send(url, messages)
    return failed.value


def test_a_webhook_gets_each_message_in_order(hook: Hook) -> None:
    send(hook.url)
    assert hook.got == [("/hook?x=1", message) for message in MESSAGES]
    assert {headers["Content-Type"] for headers in hook.headers} == {"application/json"}


def test_a_webhook_that_answers_otherwise_than_2xx_has_not_taken_it(hook: Hook) -> None:
    for status in (302, 404, 500):
        hook.answers = [200, status]
        failed = failure(hook.url)
        assert (str(failed), failed.taken) == (f"the webhook answered {status}", 1)
    assert [body for _, body in hook.got] == [MESSAGES[0]] * 3


def test_a_webhook_s_password_is_sent_and_nowhere_shown(hook: Hook) -> None:
    url = hook.url.replace("//", "//me:s%40crit@")
    send(url, MESSAGES[:1])
    assert base64.b64decode(hook.headers[0]["Authorization"].removeprefix("Basic ")) == b"me:s@crit"
    hook.answers = [500]
    assert "crit" not in str(failure(url)) + repr(target_of(url)) + repr(check_target(QUEUE, url, ()))


def test_a_slow_webhook_is_left_after_a_while_with_the_rest_to_come(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = target_of(hook.url)
    assert asyncio.run(target.send(MESSAGES)) == 3
    hook.got.clear()
    hook.pause = 0.3
    monkeypatch.setattr(event_targets, "_SECONDS", 0.5)
    assert asyncio.run(target.send(MESSAGES)) == 2
    assert [body for _, body in hook.got] == MESSAGES[:2]


def test_a_webhook_that_nobody_answers_has_not_taken_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        failed = failure(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert (str(failed), failed.taken) == ("Connection refused", 0)


def test_a_webhook_is_sent_to_only_if_its_certificate_is_trusted(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certificate_for_localhost(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    hook.socket = context.wrap_socket(hook.socket, server_side=True)
    url = f"https://localhost:{hook.server_port}/hook"
    failed = failure(url)
    assert "self-signed certificate" in str(failed)
    assert failed.taken == 0
    assert hook.got == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send(url)
    assert [body for _, body in hook.got] == MESSAGES


def test_a_file_gets_a_line_for_each_message_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "e v.jsonl"
    send(file.as_uri())
    send(file.as_uri(), MESSAGES[:1])
    assert [json.loads(line)["n"] for line in file.read_bytes().splitlines()] == [1, 2, 3, 1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_has_taken_nothing(tmp_path: Path) -> None:
    failed = failure((tmp_path / "no" / "file").as_uri())
    assert (str(failed), failed.taken) == ("No such file or directory", 0)


# NATS, where a server is installed

NATS_SERVER = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
needs_nats = pytest.mark.skipif(NATS_SERVER is None, reason="nats-server is not installed")


@pytest.fixture(scope="module")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("nats")
    command = [str(NATS_SERVER), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]
    command += ["--user", "me", "--pass", "hidden"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"nats://me:hidden@127.0.0.1:{port}"
    server.terminate()
    server.wait(20)


@needs_nats
def test_a_nats_subject_gets_each_message_in_order(nats_url: str) -> None:
    async def tell() -> list[bytes]:
        listening = await nats.connect(nats_url)
        subscription = await listening.subscribe("uploads.new")
        await listening.flush()
        await target_of(f"{nats_url}/uploads/new").send(MESSAGES)
        got = [(await subscription.next_msg(timeout=10)).data for _ in MESSAGES]
        await listening.close()
        return got

    assert asyncio.run(tell()) == MESSAGES


@needs_nats
def test_jetstream_takes_only_what_a_stream_stored(nats_url: str) -> None:
    url = f"{nats_url}/stored?jetstream=true"
    assert failure(url).taken == 0

    async def tell() -> int:
        managing = await nats.connect(nats_url)
        stream = managing.jetstream()
        await stream.add_stream(name="events", subjects=["stored"])
        await target_of(url).send(MESSAGES)
        kept = (await stream.stream_info("events")).state.messages
        await managing.close()
        return kept

    assert asyncio.run(tell()) == len(MESSAGES)


@needs_nats
def test_a_nats_server_that_knows_no_such_user_has_taken_nothing(nats_url: str) -> None:
    failed = failure(f"{nats_url.replace('hidden', 'guessed')}/uploads")
    assert failed.taken == 0
    assert "guessed" not in str(failed)


def test_a_nats_server_that_is_not_there_has_taken_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        failed = failure(f"nats://127.0.0.1:{free.getsockname()[1]}/uploads")
    assert failed.taken == 0


# The operator's table


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://hooks.example.com/a", Webhook),
        ("http://127.0.0.1:8080", Webhook),
        ("nats://127.0.0.1:4222/uploads", NatsSubject),
        ("tls://nats.example.com/a.b?jetstream=true", NatsSubject),
        ("file:///var/spool/events.jsonl", LinesFile),
    ],
)
def test_the_scheme_of_an_address_says_what_it_is(url: str, kind: type) -> None:
    assert isinstance(target_of(url), kind)


@pytest.mark.parametrize(
    "url",
    ["", "events.jsonl", "ftp://example.com/a", "http:///path", "file://host/path", "nats://127.0.0.1:4222",
     "nats://127.0.0.1/a.*", "nats://127.0.0.1/a.>", "http://[::1/", "http://host:port/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        target_of(url)


@pytest.mark.parametrize(
    ("arn", "accounts"),
    [
        ("queue", ()),
        (f"arn:aws:s3:us-east-1:{PRODUCTION}:a", ()),
        ("arn:aws:sqs:us-east-1::a", ()),
        (f"arn:aws:sqs::{PRODUCTION}:a", ()),
        (QUEUE, ("1234",)),
    ],
)
def test_a_row_of_the_table_names_a_target_of_events_and_accounts(arn: str, accounts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_target(arn, "file:///a", accounts)


@story
async def test_the_table_is_stored_so_that_its_passwords_cannot_be_read(world: World) -> None:
    url = "https://me:hidden@hooks.example.com/a"
    await open_targets(world, {QUEUE: url})
    assert (await opened_targets(world.system))[QUEUE].url == url
    ((stored,),) = await world.store.identity.fetch_all("SELECT value FROM settings")
    assert "hidden" not in stored
    assert "hooks" not in stored
