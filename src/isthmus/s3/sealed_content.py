"""How the bytes of an object are encrypted: in chunks, so that any range opens without what is before it.

    1 (1 byte) · salt (16) · chunk · chunk …     one of several contents under a data key: the parts of an upload
    2 (1 byte) · chunk · chunk …                 the only content under its data key

A chunk is 64 KiB of plaintext as AES-256-GCM, and its tag. The nonce is the chunk's number and whether it is the last:
chunks cannot be exchanged, repeated, left out or cut off. The last one may be shorter; an empty content is one empty
chunk. A salt and the data key derive the key of a content, so nonces may be the same in every part. The scheme is that
of AES-GCM-HKDF streaming (Tink) and STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance").

AES-GCM opens 64 KiB in some ten microseconds, so it is not worth a thread; reading from the disk is.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Callable
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.store import Contents, ContentWriter, StoreError
from isthmus.wire import FileSlice, ResponseBody

CHUNK = 64 * 1024
DATA_KEY_BYTES = 32
_TAG = 16
_ONE_OF_SEVERAL, _ONLY = b"\x01", b"\x02"
_SALT = 16
_GROUP = 16
"""Chunks read and opened at a time."""


class SealedBytes:
    """One content being encrypted. salt: `new_salt` for one of several under the data key."""

    def __init__(self, data_key: bytes, salt: bytes = b"") -> None:
        header = _header(salt)
        self._cipher = _cipher(data_key, header)
        self._out: list[bytes] = [header]
        self._rest = b""
        self._number = 0

    def push(self, data: bytes) -> bytes:
        """Take more plaintext; the ciphertext that is ready."""
        # The last chunk is marked as such, so a full one waits until it is known not to be the last.
        data = self._rest + data if self._rest else data
        start = 0
        while len(data) - start > CHUNK:
            self._seal(data[start : start + CHUNK], last=False)
            start += CHUNK
        self._rest = data[start:] if start else data
        return self._taken()

    def finish(self) -> bytes:
        """The rest of the ciphertext."""
        self._seal(self._rest, last=True)
        self._rest = b""
        return self._taken()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._out.append(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1

    def _taken(self) -> bytes:
        taken, self._out = b"".join(self._out), []
        return taken


class SealingWriter:
    """A content writer that encrypts what it is given."""

    def __init__(self, writer: ContentWriter, sealed: SealedBytes) -> None:
        self._writer = writer
        self._sealed = sealed

    async def write(self, data: bytes) -> None:
        """Append plaintext."""
        ready = self._sealed.push(data)
        if ready:
            await self._writer.write(ready)

    async def finish(self) -> str:
        """Sync to stable storage; the content's id."""
        await self._writer.write(self._sealed.finish())
        return await self._writer.finish()

    async def abandon(self) -> None:
        """Throw away what was written."""
        await self._writer.abandon()


def new_salt(entropy: Callable[[int], bytes]) -> bytes:
    """A salt for one of several contents under a data key."""
    return entropy(_SALT)


def seal(data_key: bytes, data: bytes, salt: bytes = b"") -> bytes:
    """A small content, encrypted. salt: as of SealedBytes."""
    if len(data) <= CHUNK:
        header = _header(salt)
        return header + _cipher(data_key, header).encrypt(_FIRST_AND_LAST, data, None)
    sealed = SealedBytes(data_key, salt)
    return sealed.push(data) + sealed.finish()


def unseal(data_key: bytes, sealed: bytes) -> bytes:
    """The inverse of `seal`. Raises StoreError for bytes that were changed, or were sealed with another key."""
    start = _header_bytes(sealed[:1])
    cipher = _cipher(data_key, sealed[:start])
    if len(sealed) <= start + CHUNK + _TAG:
        return _opened(cipher, 0, True, sealed[start:])
    size = len(sealed) - start
    size -= _TAG * -(-size // (CHUNK + _TAG))
    return _opened_chunks(cipher, sealed[start:], 0, size)


def unseal_only(cipher: AESGCM, sealed: bytes) -> bytes:
    """`unseal` of a content of at most one chunk that is the only one under the data key of `cipher`."""
    if sealed[:1] != _ONLY:
        raise _unknown()
    try:
        return cipher.decrypt(_FIRST_AND_LAST, memoryview(sealed)[1:], None)
    except (InvalidTag, ValueError):
        raise _changed() from None


async def opened_range(
    contents: Contents, content: str, data_key: bytes, size: int, offset: int, length: int
) -> ResponseBody:
    """`length` bytes from `offset` of a stored content of `size` bytes of plaintext; the range must not be empty.

    A range within a megabyte comes as bytes, a longer one as a stream. Raises StoreError for bytes that were changed.
    """
    first, last = offset // CHUNK, (offset + length - 1) // CHUNK
    source = _Source(contents, content, size)
    start = offset - first * CHUNK
    if last - first < _GROUP:
        try:
            plaintext = await source.opened(data_key, first, last)
        finally:
            await source.close()
        return plaintext[start : start + length]
    return _stream(source, data_key, (first, last), start, length)


async def _stream(
    source: _Source, data_key: bytes, chunks: tuple[int, int], start: int, length: int
) -> AsyncIterator[bytes]:
    first, last = chunks
    try:
        for group in range(first, last + 1, _GROUP):
            plaintext = await source.opened(data_key, group, min(group + _GROUP - 1, last))
            if start or len(plaintext) > length:
                plaintext = plaintext[start : start + length]
                start = 0
            length -= len(plaintext)
            yield plaintext
    finally:
        await source.close()


class _Source:
    """A stored content from which groups of chunks are read and opened."""

    def __init__(self, contents: Contents, content: str, size: int) -> None:
        self._contents = contents
        self._content = content
        self._size = size
        self._file = -1
        self._header = 0
        self._cipher: AESGCM | None = None

    async def opened(self, data_key: bytes, first: int, last: int) -> bytes:
        """The plaintext of chunks `first` to `last`."""
        start = first * (CHUNK + _TAG)
        length = min((last + 1) * (CHUNK + _TAG), self._size + _TAG * max(1, -(-self._size // CHUNK))) - start
        found = self._contents.read(self._content, 0, 1)
        if isinstance(found, FileSlice):
            work = partial(self._opened_from_file, found.path, data_key, first, start, length)
            return await asyncio.get_running_loop().run_in_executor(None, work)
        if self._cipher is None:
            version = await self._read(0, 1)
            self._header = _header_bytes(version)
            self._cipher = _cipher(data_key, await self._read(0, self._header))
        return _opened_chunks(self._cipher, await self._read(self._header + start, length), first, self._size)

    async def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def _opened_from_file(self, path: str, data_key: bytes, first: int, start: int, length: int) -> bytes:
        """In a thread."""
        try:
            if self._file < 0:
                self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if self._cipher is None:
                header = os.pread(self._file, 1 + _SALT, 0)
                self._header = _header_bytes(header[:1])
                self._cipher = _cipher(data_key, header[: self._header])
            sealed = os.pread(self._file, length, self._header + start)
        except OSError as error:
            raise StoreError(f"contents: {error.strerror or error}") from error
        return _opened_chunks(self._cipher, sealed, first, self._size)

    async def _read(self, offset: int, length: int) -> bytes:
        found = self._contents.read(self._content, offset, length)
        assert not isinstance(found, FileSlice)
        return b"".join([data async for data in found])


def _opened_chunks(cipher: AESGCM, sealed: bytes, first: int, size: int) -> bytes:
    """The plaintext of consecutive chunks from number `first` of a content of `size` bytes."""
    final = max(size - 1, 0) // CHUNK
    step = CHUNK + _TAG
    view = memoryview(sealed)
    chunks = []
    for start in range(0, len(sealed), step):
        number = first + start // step
        chunks.append(_opened(cipher, number, number == final, view[start : start + step]))
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _opened(cipher: AESGCM, number: int, last: bool, sealed: bytes | memoryview) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last), sealed, None)
    except (InvalidTag, ValueError):
        raise _changed() from None


def _changed() -> StoreError:
    return StoreError("contents: stored bytes were changed, or belong to another key")


def _unknown() -> StoreError:
    return StoreError("contents: stored bytes are not encrypted as this release knows it")


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


_FIRST_AND_LAST = _nonce(0, True)


def _header(salt: bytes) -> bytes:
    return _ONE_OF_SEVERAL + salt if salt else _ONLY


def _header_bytes(version: bytes) -> int:
    """How long the header is that begins like this. Raises StoreError."""
    if version == _ONLY:
        return 1
    if version == _ONE_OF_SEVERAL:
        return 1 + _SALT
    raise _unknown()


def _cipher(data_key: bytes, header: bytes) -> AESGCM:
    if header == _ONLY:
        return AESGCM(data_key)
    return AESGCM(hmac.digest(data_key, b"isthmus content" + header[1:], hashlib.sha256))
