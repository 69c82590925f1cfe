"""`isthmus login` at servers that are none of ours, behind proxies, and beside a login that waits for its person."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.access import login as logins
from isthmus.access.login import CannotLogIn, Login, session_for
from isthmus.access.session_cache import CachedSession, SessionFile
from isthmus.access.terminal_questions import NoTerminal, Questions

PASSWORD = "not-a-real-password"


class Person:
    """Answers every question alike."""

    def say(self, text: str) -> None:
        assert PASSWORD not in text

    def ask_code(self, _: str) -> str:
        return "000000"

    def waiting(self, _: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def ask_hidden(self, _: str) -> str:
        return PASSWORD


def nobody() -> Person:
    raise NoTerminal


@contextlib.contextmanager
def answering(answer: bytes, before: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that answers everything with the same bytes, and what it was sent.

    before: what has to happen first.
    """
    sent: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline()).strip():
                sent.append(line)
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            sent.append(self.rfile.read(length))
            assert before is None or before.wait(60)
            self.wfile.write(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", sent
        finally:
            server.shutdown()
            thread.join()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(logins, "Questions", Person)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def alice(endpoint: str) -> Login:
    return Login.from_settings("", {}, {"account": "analytics", "user": "alice", "endpoint": endpoint})


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-Some\r\n",
        b"",
        ok(b"<html>"),
        ok(b"[]"),
        ok(b"{}"),
        ok(b'{"next": "mfa"}'),
        ok(b'{"next": "done", "session": {"arn": "a", "credentials": {"accessKeyId": "b"}}}'),
        ok(b'{"next": "done", "session": null}'),
    ],
)  # fmt: skip
def test_what_answers_otherwise_is_no_server_to_sign_in_at(answer: bytes) -> None:
    with (
        answering(answer) as (endpoint, _),
        pytest.raises(CannotLogIn, match=r"is no server|cannot be reached") as told,
    ):
        session_for(alice(endpoint))
    assert PASSWORD not in str(told.value)
    assert alice(endpoint).file.read(0) is None


@pytest.mark.parametrize("endpoint", ["http://[::1", "http://localhost:port", "http://two words/", "http://a:99999"])
def test_what_is_no_address_is_told_before_the_password_is_asked_for(endpoint: str) -> None:
    with pytest.raises(CannotLogIn, match="needs endpoint_url"):
        alice(endpoint)


def test_no_proxy_reads_the_password_of_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    session = (
        b'{"accessKeyId": "A", "secretAccessKey": "s", "sessionToken": "t", "expiration": "2100-01-01T00:00:00+00:00"}'
    )
    done = ok(b'{"next": "done", "session": {"arn": "arn", "credentials": ' + session + b"}}")
    with answering(ok(b"{}")) as (proxy, heard), answering(done) as (endpoint, sent):
        monkeypatch.setenv("http_proxy", proxy)
        for host in ("127.0.0.1", "localhost"):
            assert session_for(alice(endpoint.replace("127.0.0.1", host))).access_key == "A"
        assert heard == []
        assert sum(PASSWORD.encode() in one for one in sent) == 2
        with pytest.raises(CannotLogIn):  # which is asked elsewhere, as the AWS tools do
            session_for(alice("http://isthmus.example.com"))
        assert heard != []


def test_a_server_that_takes_its_time_is_waited_for_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    told, said = threading.Event(), []

    class Patient(Person):
        waiting = Questions.waiting

        def say(self, text: str) -> None:
            said.append(text)
            told.set()

    monkeypatch.setattr(logins, "Questions", Patient)
    monkeypatch.setattr("isthmus.access.terminal_questions._SILENCE", 0.0)
    with answering(ok(b"{}"), before=told) as (endpoint, _), pytest.raises(CannotLogIn):
        session_for(alice(endpoint))
    assert said == [f"waiting for {endpoint} …"]


@pytest.mark.parametrize("here", [True, False], ids=["at this terminal", "at another terminal"])
def test_who_asks_at_another_terminal_is_waited_for_aloud(here: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    file, said = SessionFile(["a"]), []
    with file.locked():
        (lock,) = file._folder.glob("*.lock")
    assert lock.read_text() == str(os.getsid(0))
    lock.write_text(lock.read_text() if here else "another")
    waits, real = threading.Event(), fcntl.flock
    with lock.open() as held:
        real(held, fcntl.LOCK_EX)

        def flock(of: Any, how: int) -> None:
            if how == fcntl.LOCK_EX:
                waits.set()
            real(of, how)

        monkeypatch.setattr(fcntl, "flock", flock)
        free = threading.Thread(target=lambda: waits.wait() and real(held, fcntl.LOCK_UN))
        free.start()
        with file.locked(lambda: said.append("aloud")):
            assert said == ([] if here else ["aloud"])
        free.join()


def test_a_session_with_minutes_left_does_not_wait_for_somebody_who_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    login = alice("http://127.0.0.1:1")
    ends_soon = CachedSession("A", "s", "t", time.time() + 600, "arn")
    login.file.write(ends_soon)
    monkeypatch.setattr(logins, "Questions", nobody)

    def waits_for_ever(_: SessionFile) -> None:
        raise AssertionError("the lock is held by the other login, which waits for its password")

    with monkeypatch.context() as others:
        others.setattr(SessionFile, "locked", waits_for_ever)
        assert session_for(login) == ends_soon
    login.file.remove()
    with pytest.raises(CannotLogIn, match="no terminal"):
        session_for(login)
