"""S3's additional checksums: incremental, per part and over a whole object.

A checksum is what the algorithm yields, in base64. A multipart object has either one over all its bytes
(FULL_OBJECT, which only CRCs can have because the CRCs of parts can be combined without the bytes) or one
over the checksums of its parts followed by `-` and their number (COMPOSITE).

Source: "Checking object integrity in Amazon S3" in the S3 User Guide; `ChecksumAlgorithm` in the service
model.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import awscrt.checksums as crt

from isthmus.wire import AwsError

ChecksumType = Literal["FULL_OBJECT", "COMPOSITE"]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A CRC with the interface of hashlib."""

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    """awscrt's XXHash with the interface of hashlib: its digest ends the computation, ours may be asked
    twice.
    """

    def __init__(self, native: crt.XXHash) -> None:
        self._native = native
        self._digest: bytes | None = None

    def update(self, data: bytes) -> None:
        self._native.update(data)

    def digest(self) -> bytes:
        if self._digest is None:
            self._digest = bytes(self._native.finalize())
        return self._digest


def _md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> _Hash:
    return hashlib.sha1(usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One line of the table. combine: CRC of two runs of bytes from their CRCs and the second's length."""

    name: str
    size: int
    new: Callable[[], _Hash]
    default_type: ChecksumType
    types: frozenset[ChecksumType]
    combine: Callable[[int, int, int], int] | None = None

    @property
    def header(self) -> str:
        """`x-amz-checksum-crc32`."""
        return "x-amz-checksum-" + self.name.lower()

    @property
    def member(self) -> str:
        """The member of botocore's shapes: `ChecksumCRC32`."""
        return "Checksum" + self.name


_BOTH: frozenset[ChecksumType] = frozenset(("FULL_OBJECT", "COMPOSITE"))
_FULL: frozenset[ChecksumType] = frozenset(("FULL_OBJECT",))
_COMPOSITE: frozenset[ChecksumType] = frozenset(("COMPOSITE",))

ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("CRC32", 4, lambda: _Crc(zlib.crc32, 4), "COMPOSITE", _BOTH, crt.combine_crc32),
        Algorithm("CRC32C", 4, lambda: _Crc(crt.crc32c, 4), "COMPOSITE", _BOTH, crt.combine_crc32c),
        Algorithm("CRC64NVME", 8, lambda: _Crc(crt.crc64nvme, 8), "FULL_OBJECT", _FULL, crt.combine_crc64nvme),
        Algorithm("SHA1", 20, _sha1, "COMPOSITE", _COMPOSITE),
        Algorithm("SHA256", 32, hashlib.sha256, "COMPOSITE", _COMPOSITE),
        Algorithm("SHA512", 64, hashlib.sha512, "COMPOSITE", _COMPOSITE),
        Algorithm("MD5", 16, _md5, "COMPOSITE", _COMPOSITE),
        Algorithm("XXHASH64", 8, lambda: _XxHash(crt.XXHash.new_xxhash64()), "COMPOSITE", _COMPOSITE),
        Algorithm("XXHASH3", 8, lambda: _XxHash(crt.XXHash.new_xxhash3_64()), "COMPOSITE", _COMPOSITE),
        Algorithm("XXHASH128", 16, lambda: _XxHash(crt.XXHash.new_xxhash3_128()), "COMPOSITE", _COMPOSITE),
    )
}
"""Every algorithm of `ChecksumAlgorithm`, by its name there."""

DEFAULT_ALGORITHM = "CRC64NVME"
"""What S3 computes itself for an object that was uploaded without a checksum."""

_BY_HEADER = {algorithm.header: algorithm for algorithm in ALGORITHMS.values()}


class Checksum:
    """One checksum in the making."""

    __slots__ = ("_hash", "algorithm", "update")

    def __init__(self, algorithm: str) -> None:
        """algorithm: a name in ALGORITHMS. Raises KeyError for others (see `algorithm_named`)."""
        self.algorithm = ALGORITHMS[algorithm]
        self._hash = self.algorithm.new()
        self.update = self._hash.update
        """Take more bytes."""

    def digest(self) -> bytes:
        """The raw checksum of all bytes so far; no `update` may follow."""
        return self._hash.digest()

    def base64(self) -> str:
        """The checksum as S3 writes it."""
        return base64.b64encode(self.digest()).decode()


def algorithm_named(name: str) -> Algorithm:
    """The algorithm a header or parameter names, in either case. Raises AwsError InvalidRequest."""
    algorithm = ALGORITHMS.get(name.upper())
    if algorithm is None:
        raise AwsError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(sorted(ALGORITHMS))}]",
        )
    return algorithm


@dataclass(frozen=True, slots=True)
class Declared:
    """What a request says about its checksum.

    algorithm: None when it says nothing. value: base64 from a header; None if it follows in a trailer or if
        only the algorithm was named.
    trailer: whether it follows.
    """

    algorithm: Algorithm | None = None
    value: str | None = None
    trailer: bool = False


_NOTHING = Declared()
_NO_VALUE_HEADERS = frozenset(("x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"))


def declared(headers: Mapping[str, str]) -> Declared:
    """The checksum that an upload's headers announce (names lower case).

    Raises AwsError InvalidRequest for a malformed value, an unknown algorithm, more than one checksum, or an
    algorithm named without its checksum.
    """
    given = [name for name in headers if name.startswith("x-amz-checksum-") and name not in _NO_VALUE_HEADERS]
    trailer = headers.get("x-amz-trailer")
    named = headers.get("x-amz-sdk-checksum-algorithm")
    if not given and trailer is None and named is None:
        return _NOTHING
    trailing = [name.strip().lower() for name in trailer.split(",")] if trailer else []
    trailing = [name for name in trailing if name]
    if len(given) + len(trailing) > 1:
        raise AwsError(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    algorithm: Algorithm | None = None
    value: str | None = None
    for name in given or trailing:
        algorithm = _BY_HEADER.get(name)
        if algorithm is None:
            if trailing:
                raise AwsError("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
            raise AwsError("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
        if given:
            value = checked_value(algorithm, headers[name])
    if named is not None:
        wanted = algorithm_named(named)
        if algorithm is None:
            raise AwsError(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer "
                "headers were found.",
            )
        if wanted is not algorithm:
            raise AwsError("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return Declared(algorithm, value, bool(trailing))


def checked_value(algorithm: Algorithm, text: str) -> str:
    """`text` if it is a checksum of the algorithm's length in base64. Raises AwsError BadDigest."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != algorithm.size:
        raise AwsError("BadDigest", f"Value for {algorithm.header} header is invalid.")
    return text


def check(algorithm: Algorithm, expected: str, computed: str) -> None:
    """Raises AwsError BadDigest unless the checksums are equal (base64, or `…-N`)."""
    if not hmac.compare_digest(expected.encode(), computed.encode()):
        raise AwsError("BadDigest", f"The {algorithm.name} you specified did not match the calculated checksum.")


def trailing_value(algorithm: Algorithm, trailers: Mapping[str, str]) -> str:
    """The checksum in a body's trailers. Raises AwsError MalformedTrailerError, InvalidRequest."""
    text = trailers.get(algorithm.header)
    if text is None:
        raise AwsError(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )
    return checked_value(algorithm, text)


def content_md5(headers: Mapping[str, str]) -> bytes | None:
    """The 16 bytes of `Content-MD5`; None without one. Raises AwsError InvalidDigest."""
    text = headers.get("content-md5")
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", extra={"Content-MD5": text})
    return raw


def check_md5(expected: bytes | None, computed: bytes) -> None:
    """Raises AwsError BadDigest unless there is nothing to compare or both are equal."""
    if expected is not None and not hmac.compare_digest(expected, computed):
        raise AwsError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            extra={
                "ExpectedDigest": base64.b64encode(expected).decode(),
                "CalculatedDigest": base64.b64encode(computed).decode(),
            },
        )


def check_document(headers: Mapping[str, str], data: bytes, *, of_body: bool) -> None:
    """Compare a request document with what the request's headers say about it.

    of_body: whether `x-amz-checksum-…` means this body; CompleteMultipartUpload's means the object's.
    Raises AwsError InvalidDigest, BadDigest, InvalidRequest.
    """
    expected = content_md5(headers)
    if expected is not None:
        check_md5(expected, hashlib.md5(data, usedforsecurity=False).digest())
    announced = declared(headers) if of_body else _NOTHING
    if announced.algorithm is not None and announced.value is not None:
        checksum = Checksum(announced.algorithm.name)
        checksum.update(data)
        check(announced.algorithm, announced.value, checksum.base64())


def composite(algorithm: Algorithm, parts: Iterable[str]) -> str:
    """The checksum over the parts' checksums (base64 each), with `-N`."""
    whole = algorithm.new()
    count = 0
    for part in parts:
        whole.update(base64.b64decode(part))
        count += 1
    return f"{base64.b64encode(whole.digest()).decode()}-{count}"


def full_object(algorithm: Algorithm, parts: Iterable[tuple[str, int]]) -> str:
    """The CRC of all bytes from each part's CRC (base64) and byte length. Raises ValueError for hashes."""
    combine = algorithm.combine
    if combine is None:
        raise ValueError(f"{algorithm.name} of parts cannot be combined into that of the whole")
    value = 0
    for part, length in parts:
        value = combine(value, int.from_bytes(base64.b64decode(part), "big"), length)
    return base64.b64encode(value.to_bytes(algorithm.size, "big")).decode()


def checksum_type(algorithm: Algorithm, asked: str | None) -> ChecksumType:
    """The type a multipart upload gets. Raises AwsError InvalidRequest if the algorithm has no such type."""
    if asked is None:
        return algorithm.default_type
    for known in algorithm.types:
        if known == asked:
            return known
    if asked not in _BOTH:
        raise AwsError("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    raise AwsError(
        "InvalidRequest",
        f"The {asked} checksum type cannot be used with the {algorithm.name.lower()} checksum algorithm.",
    )
