"""Signed chunks and trailers are decoded however they are cut; every change to them is noticed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.signing import ChunkDecoder, Seed, credentials_of, encode_chunks, sign_headers, signing_key
from isthmus.wire import AwsError, Request

DATA = bytes(range(256)) * 80
REQUEST = Request("PUT", "/b/k", "", {"host": "h"})
REQUEST.headers.update(
    sign_headers(REQUEST, "AKIAIOSFODNN7EXAMPLE", "secret", 1.44e9, payload_hash="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
)
PRESENTED = credentials_of(REQUEST)
assert PRESENTED is not None
SIGNING = signing_key("secret", PRESENTED.date, "us-east-1", "s3")
SEED = Seed(SIGNING, PRESENTED.timestamp, PRESENTED.scope, PRESENTED.signature)
TRAILERS = {"x-amz-checksum-crc32": "AAAAAA=="}


def encoded(trailers: dict[str, str] | None = None) -> bytes:
    assert PRESENTED is not None
    return encode_chunks(DATA, PRESENTED, SIGNING, size=8192, trailers=trailers)


def decode(decoder: ChunkDecoder, *pieces: bytes) -> bytes:
    decoded = b"".join(b"".join(decoder.feed(piece)) for piece in pieces)
    decoder.finish()
    return decoded


@given(cuts=st.lists(st.integers(0, 22_000), max_size=12), with_trailers=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_cuts_of_the_network_do_not_matter(cuts: list[int], with_trailers: bool) -> None:
    trailers = TRAILERS if with_trailers else None
    whole = encoded(trailers)
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    decoder = ChunkDecoder(len(DATA), SEED, trailers or ())
    assert decode(decoder, *[whole[a:b] for a, b in itertools.pairwise(edges)]) == DATA
    assert decoder.trailers == (trailers or {})


@given(position=st.integers(0, 20_000), value=st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_any_changed_byte_is_noticed(position: int, value: int) -> None:
    whole = bytearray(encoded(TRAILERS))
    if whole[position] == value:
        return
    whole[position] = value
    try:
        decoded = decode(ChunkDecoder(len(DATA), SEED, TRAILERS), bytes(whole))
    except AwsError as error:
        assert error.code in {
            "SignatureDoesNotMatch", "IncompleteBody", "InvalidChunkSizeError", "MalformedTrailerError",
        }  # fmt: skip
    else:
        assert decoded == DATA  # an upper-case hex digit of a length, a blank where none counts


@pytest.mark.parametrize("cut", [1, 3, 100, 9000, -1, -2, -30])
def test_a_body_cut_short_is_incomplete_or_malformed(cut: int) -> None:
    with pytest.raises(AwsError):
        decode(ChunkDecoder(len(DATA), SEED, TRAILERS), encoded(TRAILERS)[:cut])


@pytest.mark.parametrize(
    ("body", "length", "trailers", "code"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", 4, (), "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\n\r\n", 2, (), "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\n\r\nmore", 3, (), "IncompleteBody"),
        (b"3\r\nabcd\r\n0\r\n\r\n", 3, (), "IncompleteBody"),
        (b"-3\r\nabc\r\n0\r\n\r\n", 3, (), "IncompleteBody"),
        (b"0x3\r\nabc\r\n0\r\n\r\n", 3, (), "IncompleteBody"),
        (b"x" * 5000, 3, (), "IncompleteBody"),
        (b"3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n", 6, (), "InvalidChunkSizeError"),
        (b"3\r\nabc\r\n0\r\n\r\n", 3, ("x-amz-checksum-crc32",), "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\nx-other:1\r\n\r\n", 3, ("x-amz-checksum-crc32",), "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n", 3, (), "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\na:" + b"b" * 20_000 + b"\r\n\r\n", 3, ("a",), "MalformedTrailerError"),
    ],
)
def test_unsigned_chunks_that_are_wrong(body: bytes, length: int, trailers: tuple[str, ...], code: str) -> None:
    with pytest.raises(AwsError) as caught:
        decode(ChunkDecoder(length, None, trailers), body)
    assert caught.value.code == code


def test_unsigned_chunks_that_are_right() -> None:
    decoder = ChunkDecoder(3, None, ("x-amz-checksum-crc32",))
    assert decode(decoder, b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n") == b"abc"
    assert decoder.trailers == {"x-amz-checksum-crc32": "NSRBwg=="}
    assert decode(ChunkDecoder(3), b"3\r\nabc\r\n0\r\n") == b"abc"
