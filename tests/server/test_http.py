"""The front door on real sockets: what it answers, in which order, and what it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from certificates import certificate_for_localhost
from isthmus.server.http import ClientGone, Door, Limits
from isthmus.wire import AwsError, FileSlice, Request, Response


async def echo(request: Request) -> Response:
    """Answers with what it was asked; the path chooses how."""
    if request.path == "/unread":
        return Response(403, [], b"no")
    if request.path == "/stream":

        async def pieces() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"piece%d" % number

        headers = [("Content-Length", "18")] if request.query == "length" else []
        return Response(200, headers, pieces())
    if request.path == "/slow":
        await asyncio.sleep(0.2)
        return Response(200, [], b"slow")
    if request.path == "/inject":
        return Response(200, [("x-a", "b\r\nx-evil: 1")], b"")
    if request.path == "/boom":
        raise RuntimeError("boom")
    try:
        body = b"".join([piece async for piece in request.body.chunks()])
    except AwsError as error:
        return Response(400, [], error.code.encode())
    return Response(
        200,
        [("X-Path", request.path)],
        b"%s?%s %d" % (request.path.encode(), request.query.encode(), len(body)),
    )


@contextlib.asynccontextmanager
async def door(
    answer: Callable[[Request], Awaitable[Response]] = echo, limits: Limits | None = None
) -> AsyncIterator[int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    opened = Door(answer, limits)
    await opened.listen(listener)
    try:
        yield listener.getsockname()[1]
    finally:
        await opened.close(grace=0.2)


async def talk(port: int, *sent: bytes, pause: float = 0.02, eof: bool = False) -> bytes:
    """Send pieces, then everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in sent:
            writer.write(piece)
            await asyncio.sleep(pause)
        if eof:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(-1), 10)
    finally:
        writer.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    uvloop.run(main)


CLOSE = b"Connection: close\r\n"
GET = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n"


def test_a_get_is_answered() -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, GET + CLOSE + b"\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
            assert b"Content-Length: 8" in head
            assert b"Connection: close" in head
            assert body == b"/a?b=c 0"

    run(main())


def test_requests_sent_ahead_are_answered_in_order() -> None:
    async def main() -> None:
        async with door() as port:
            put = b"PUT /two HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
            answer = await talk(
                port,
                b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n" + put + GET + b"\r\n" + GET + CLOSE + b"\r\n",
            )
            assert answer.count(b"HTTP/1.1 200 OK") == 4
            assert answer.index(b"slow") < answer.index(b"/two? 3") < answer.index(b"/a?b=c 0")

    run(main())


def test_many_requests_sent_ahead_are_all_answered() -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, (GET + b"\r\n") * 3000 + GET + CLOSE + b"\r\n")
            assert answer.count(b"HTTP/1.1 200 OK") == 3001

    run(main())


def test_head_has_the_length_and_no_body() -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, b"HEAD /abc HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert b"Content-Length: 7\r\n" in answer
            assert answer.endswith(b"\r\n\r\n")

    run(main())


def test_chunked_request_bodies_are_decoded_and_trailers_do_not_become_headers() -> None:
    async def main() -> None:
        async with door() as port:
            start = b"PUT /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = await talk(port, start, b"5\r\nhel", b"lo\r\n3\r\nabc\r\n0\r\nhost: evil\r\n\r\n")
            assert answer.endswith(b"/c? 8")

    run(main())


@pytest.mark.parametrize("garbage", [b"zz\r\n", b"-1\r\nabc", b"5\r\nhelloXX", b"fffffffffffffffffff\r\n", b"\r\n"])
def test_a_malformed_chunk_fails_the_body_and_closes(garbage: bytes) -> None:
    async def main() -> None:
        async with door() as port:
            start = b"PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = await talk(port, start, garbage)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert answer.endswith(b"IncompleteBody")

    run(main())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (400, 501)),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nx: a\r\n folded\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nx: a\x00b\r\n\r\n", 400),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", (400, 405)),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET /a HTTP/1.1\r\nHost: h\r\n" + b"x-a: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: h\r\n" + b"x-a: b\r\n" * 20_000 + b"\r\n", 431),
    ],
)
def test_what_cannot_be_trusted_is_refused_and_the_connection_closed(
    request_bytes: bytes, status: int | tuple[int, ...]
) -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, request_bytes + GET + b"\r\n")
            allowed = status if isinstance(status, tuple) else (status,)
            assert int(answer.split()[1]) in allowed
            assert answer.count(b"HTTP/1.1 ") == 1

    run(main())


def test_an_endless_head_is_cut_off() -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, GET, *[b"x-a: " + b"b" * 30_000] * 8)
            assert answer.startswith(b"HTTP/1.1 431 ")

    run(main())


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    async def main() -> None:
        async with door() as port:
            answer = await talk(port, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n")
            assert answer.index(b" 200 OK") < answer.index(b" 400 Bad Request")

    run(main())


def test_continue_is_sent_when_the_body_is_read() -> None:
    async def main() -> None:
        async with door() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            start = b"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            writer.write(start)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert b"/x? 3" in await reader.read(1000)
            writer.write(start.replace(b"/x", b"/unread"))
            answer = await reader.read(-1)
            assert answer.startswith(b"HTTP/1.1 403 ")
            assert b"Connection: close" in answer
            writer.close()

    run(main())


def test_a_small_unread_body_is_swallowed_and_a_large_one_closes_the_connection() -> None:
    async def main() -> None:
        async with door() as port:
            start = b"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
            answer = await talk(port, start % 100_000, b"x" * 100_000 + GET + CLOSE + b"\r\n")
            assert answer.count(b"HTTP/1.1 ") == 2
            answer = await talk(port, start % 10_000_000, b"x" * 1000)
            assert answer.startswith(b"HTTP/1.1 403 ")
            assert b"Connection: close" in answer

    run(main())


def test_slow_clients_are_cut_off() -> None:
    limits = Limits(head_time=0.2, idle_time=0.2, body_time=0.2)

    async def main() -> None:
        async with door(limits=limits) as port:
            assert await talk(port) == b""
            assert (await talk(port, GET)).startswith(b"HTTP/1.1 408 ")
            slow = await talk(port, *[bytes((byte,)) for byte in GET], pause=0.03)
            assert slow.startswith(b"HTTP/1.1 408 ")
            answer = await talk(port, b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
            assert answer.endswith(b"RequestTimeout")

    run(main())


def test_a_client_that_reads_nothing_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"x" * 30_000_000)
    finished = []

    async def answer(request: Request) -> Response:
        if request.path == "/file":
            return Response(200, [], FileSlice(str(file), 0, 30_000_000))

        async def endless() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 100_000
            finally:
                finished.append(request.path)

        return Response(200, [], endless())

    async def main() -> None:
        async with door(answer, Limits(write_time=0.3, head_time=0.5)) as port:
            for path in (b"/file", b"/stream"):
                _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
                writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
                await asyncio.sleep(1.5)
                writer.close()
            assert finished == ["/stream"]

    run(main())


@pytest.mark.parametrize("size", [0, 10, 65_535, 65_536, 5_000_000])
def test_files_are_sent_whole(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    file = tmp_path / "f"
    file.write_bytes(b"before" + data)

    async def answer(request: Request) -> Response:
        return Response(200, [], FileSlice(str(file), 6, size))

    async def main() -> None:
        async with door(answer) as port:
            received = await talk(port, GET + b"\r\n" + GET + CLOSE + b"\r\n")
            for _ in range(2):
                head, _, rest = received.partition(b"\r\n\r\n")
                assert b"Content-Length: %d" % size in head
                assert rest[:size] == data[:size]
                received = rest[size:]
            assert received == b""

    run(main())


def test_a_file_that_is_gone_is_an_internal_error() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, [], FileSlice("/nonexistent/file", 0, 100_000))

    async def main() -> None:
        async with door(answer) as port:
            assert (await talk(port, GET + CLOSE + b"\r\n")).startswith(b"HTTP/1.1 500 ")

    run(main())


def test_streams_are_chunked_unless_their_length_is_known() -> None:
    async def main() -> None:
        async with door() as port:
            get = b"GET /stream%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            answer = await talk(port, get % b"")
            assert b"Transfer-Encoding: chunked" in answer
            assert answer.endswith(b"6\r\npiece0\r\n6\r\npiece1\r\n6\r\npiece2\r\n0\r\n\r\n")
            answer = await talk(port, get % b"?length")
            assert answer.endswith(b"\r\n\r\npiece0piece1piece2")
            old = await talk(port, b"GET /stream HTTP/1.0\r\n\r\n")
            assert b"chunked" not in old
            assert old.endswith(b"\r\n\r\npiece0piece1piece2")

    run(main())


def test_errors_and_injected_headers_are_internal_errors() -> None:
    async def main() -> None:
        async with door() as port:
            for path in (b"/boom", b"/inject"):
                answer = await talk(port, b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                assert answer.startswith(b"HTTP/1.1 500 ")
                assert b"x-evil" not in answer

    run(main())


def test_a_large_body_is_read_at_the_handlers_pace() -> None:
    most = 0

    async def answer(request: Request) -> Response:
        nonlocal most
        total = 0
        async for piece in request.body.chunks():
            total += len(piece)
            most = max(most, request.body.buffered)  # type: ignore[attr-defined]
            await asyncio.sleep(0.001)
        return Response(200, [], str(total).encode())

    async def main() -> None:
        async with door(answer) as port:
            answer_bytes = await talk(
                port,
                b"PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 8_000_000,
            )
            assert answer_bytes.endswith(b"8000000")
            assert most < 1_000_000

    run(main())


def test_a_client_that_leaves_fails_the_body() -> None:
    seen: list[BaseException] = []

    async def answer(request: Request) -> Response:
        try:
            async for _ in request.body.chunks():
                pass
        except ClientGone as error:
            seen.append(error)
            raise
        return Response()

    async def main() -> None:
        async with door(answer) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
            await asyncio.sleep(0.05)
            writer.close()
            await asyncio.sleep(0.1)
            assert len(seen) == 1

    run(main())


def test_requests_in_flight_finish_when_the_door_closes() -> None:
    async def main() -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        opened = Door(echo)
        await opened.listen(listener)
        port = listener.getsockname()[1]
        idle = await asyncio.open_connection("127.0.0.1", port)
        talking = asyncio.create_task(talk(port, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"))
        await asyncio.sleep(0.1)
        await opened.close(5)
        assert (await talking).endswith(b"slow")
        assert await idle[0].read(-1) == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)

    run(main())


def test_over_tls_requests_are_secure_and_files_whole(tmp_path: Path) -> None:
    certificate, key = certificate_for_localhost(tmp_path)
    (tmp_path / "data").write_bytes(b"x" * 3_000_000)

    async def answer(request: Request) -> Response:
        assert request.secure
        return Response(200, [], FileSlice(str(tmp_path / "data"), 0, 3_000_000))

    async def main() -> None:
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(certificate, key)
        asking = ssl.create_default_context(cafile=str(certificate))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        opened = Door(answer)
        await opened.listen(listener, serving)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listener.getsockname()[1], ssl=asking, server_hostname="localhost"
        )
        for _ in range(2):
            writer.write(GET + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(3_000_000) == b"x" * 3_000_000
        writer.close()
        await opened.close(1)

    run(main())


def test_an_offered_upgrade_is_ignored_and_the_full_url_form_understood() -> None:
    async def main() -> None:
        async with door() as port:
            upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"
            full = b"GET http://other/x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            answer = await talk(port, GET + upgrade + full)
            assert answer.count(b"HTTP/1.1 200 OK") == 2
            assert answer.endswith(b"/x?y 0")

    run(main())
