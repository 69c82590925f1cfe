"""The chunks that objects are encrypted in: any range opens, nothing that was changed does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.s3.object_bytes import read_all
from isthmus.s3.sealed_content import (
    CHUNK,
    SealedBytes,
    SealingWriter,
    new_salt,
    opened_range,
    seal,
    unseal,
    unseal_only,
)
from isthmus.store import Contents, StoreError, open_sqlite

KEY, OTHER = bytes(range(32)), bytes(32)
SIZES = (0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 20 * CHUNK + 5)


def plaintext(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


SALTS = (b"", new_salt(lambda count: bytes(range(count))))


@pytest.mark.parametrize("salt", SALTS)
@pytest.mark.parametrize("size", SIZES)
def test_a_small_content_comes_back(size: int, salt: bytes) -> None:
    sealed = seal(KEY, plaintext(size), salt)
    assert unseal(KEY, sealed) == plaintext(size)
    assert size < 16 or plaintext(16) not in sealed


def test_several_contents_under_one_data_key_have_nothing_in_common() -> None:
    first, second = (seal(KEY, plaintext(100), new_salt(os.urandom)) for _ in range(2))
    assert first[17:] != second[17:]
    with pytest.raises(StoreError):
        unseal(KEY, first[:17] + second[17:])
    assert unseal_only(AESGCM(KEY), seal(KEY, plaintext(100))) == plaintext(100)
    for wrong in (first, b"", b"\x02", seal(OTHER, plaintext(100))):
        with pytest.raises(StoreError):
            unseal_only(AESGCM(KEY), wrong)


@pytest.mark.parametrize("salt", SALTS)
def test_what_was_changed_cut_or_extended_does_not_open(salt: bytes) -> None:
    sealed = seal(KEY, plaintext(2 * CHUNK + 7), salt)
    step, at = CHUNK + 16, 1 + len(salt)
    header, first, second, rest = sealed[:at], sealed[at:][:step], sealed[at + step :][:step], sealed[at + 2 * step :]
    assert unseal(KEY, header + first + second + rest)
    for changed in (
        header + second + first + rest,
        header + first + rest,
        header + first + second,
        header + first + first + rest,
        sealed[:-1],
        sealed + b"\0",
        bytes([sealed[0], sealed[1] ^ 1]) + sealed[2:],
        bytes([sealed[0] ^ 3]) + sealed[1:],
        sealed[:-20] + bytes([sealed[-20] ^ 1]) + sealed[-19:],
        b"",
    ):
        with pytest.raises(StoreError):
            unseal(KEY, changed)
    with pytest.raises(StoreError):
        unseal(OTHER, sealed)


@pytest.mark.parametrize("pieces", [1, 7, CHUNK, CHUNK + 1, 100_000])
@pytest.mark.parametrize("salt", SALTS)
def test_it_does_not_matter_in_which_pieces_bytes_come(pieces: int, salt: bytes) -> None:
    data = plaintext(2 * CHUNK + 11) if pieces > 7 else plaintext(50)
    sealed = SealedBytes(KEY, salt)
    out = b"".join(sealed.push(data[at : at + pieces]) for at in range(0, len(data), pieces)) + sealed.finish()
    assert unseal(KEY, out) == data


class Streamed:
    """Contents that come as streams, as from an object store."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    async def _bytes(self, content: str, offset: int, length: int) -> AsyncIterator[bytes]:
        async for data in read_all(self._contents.read(content, offset, length)):
            for at in range(0, len(data), 1000):
                yield data[at : at + 1000]

    def read(self, content: str, offset: int, length: int) -> AsyncIterator[bytes]:
        return self._bytes(content, offset, length)


@pytest.mark.parametrize("salt", SALTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_any_range_of_a_stored_content_opens(tmp_path: Path, streamed: bool, salt: bytes) -> None:
    async def tell() -> None:
        store = open_sqlite(tmp_path, "relaxed")
        size = 20 * CHUNK + 5
        data = os.urandom(size)
        writer = SealingWriter(await store.contents.create(), SealedBytes(KEY, salt))
        for at in range(0, size, 300_000):
            await writer.write(data[at : at + 300_000])
        content = await writer.finish()
        (stored,) = (path for path in (tmp_path / "contents").rglob("*") if path.is_file())
        assert data[1000:1100] not in stored.read_bytes()
        contents: Contents = Streamed(store.contents) if streamed else store.contents  # type: ignore[assignment]
        edges = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 16 * CHUNK, 19 * CHUNK + 3, size - 1)
        for start in edges:
            for end in (*(edge for edge in edges if edge > start), size):
                body = await opened_range(contents, content, KEY, size, start, end - start)
                assert b"".join([piece async for piece in read_all(body)]) == data[start:end]
        with pytest.raises(StoreError):
            await opened_range(contents, content, OTHER, size, 0, 10)
        changed = bytearray(stored.read_bytes())
        changed[1 + len(salt) + 3 * (CHUNK + 16) + 5] ^= 1
        stored.write_bytes(changed)
        await opened_range(contents, content, KEY, size, 0, 10)
        with pytest.raises(StoreError):
            await opened_range(contents, content, KEY, size, CHUNK * 3, 10)
        with pytest.raises(StoreError):
            body = await opened_range(contents, content, KEY, size, 0, size)
            [piece async for piece in read_all(body)]
        await store.close()

    asyncio.run(tell())
