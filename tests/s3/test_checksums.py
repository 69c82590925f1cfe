"""Checksums are those of the service model; a wrong or malformed one is refused in AWS's words."""

from __future__ import annotations

import base64
import hashlib

import botocore.session
import pytest

from isthmus.s3 import checksums
from isthmus.s3.checksums import ALGORITHMS, Checksum, composite, content_md5, declared, full_object
from isthmus.wire import AwsError

# The CRC catalogue's check values (of "123456789"), xxHash's own of the empty input.
KNOWN = [
    ("CRC32", b"123456789", "cbf43926"),
    ("CRC32C", b"123456789", "e3069283"),
    ("CRC64NVME", b"123456789", "ae8b14860a799888"),
    ("SHA1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("MD5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("XXHASH64", b"", "ef46db3751d8e999"),
    ("XXHASH3", b"", "2d06800538d394c2"),
    ("XXHASH128", b"", "99aa06d3014798d86001c324468d497f"),
]


def test_every_algorithm_of_the_service_model_is_here() -> None:
    model = botocore.session.get_session().get_service_model("s3")
    assert set(model.shape_for("ChecksumAlgorithm").enum) == set(ALGORITHMS)


@pytest.mark.parametrize(("name", "data", "expected"), KNOWN)
def test_known_values(name: str, data: bytes, expected: str) -> None:
    checksum = Checksum(name)
    checksum.update(data)
    assert checksum.digest().hex() == expected


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_pieces_give_the_same_as_the_whole_and_may_be_asked_twice(name: str) -> None:
    data = bytes(range(256)) * 50
    whole, pieces = Checksum(name), Checksum(name)
    whole.update(data)
    for start in range(0, len(data), 777):
        pieces.update(data[start : start + 777])
    assert whole.base64() == pieces.base64() == pieces.base64()
    assert len(whole.digest()) == ALGORITHMS[name].size


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME"])
def test_crcs_of_parts_combine_into_that_of_the_object(name: str) -> None:
    parts = [b"a" * 5000, b"", b"b" * 7, bytes(range(256)) * 99]
    whole = Checksum(name)
    whole.update(b"".join(parts))
    pairs = []
    for part in parts:
        one = Checksum(name)
        one.update(part)
        pairs.append((one.base64(), len(part)))
    assert full_object(ALGORITHMS[name], pairs) == whole.base64()
    assert full_object(ALGORITHMS[name], pairs[::-1]) != whole.base64()


def test_a_hash_has_no_combination() -> None:
    with pytest.raises(ValueError, match="SHA256"):
        full_object(ALGORITHMS["SHA256"], [])


def test_a_composite_is_the_checksum_of_checksums_and_their_number() -> None:
    parts = [hashlib.sha256(part).digest() for part in (b"a", b"b")]
    expected = base64.b64encode(hashlib.sha256(b"".join(parts)).digest()).decode() + "-2"
    assert composite(ALGORITHMS["SHA256"], [base64.b64encode(part).decode() for part in parts]) == expected


def test_declarations_are_found() -> None:
    assert declared({"content-type": "a/b"}).algorithm is None
    found = declared({"x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-sdk-checksum-algorithm": "CRC32"})
    assert (found.algorithm, found.value, found.trailer) == (ALGORITHMS["CRC32"], "y/Q5Jg==", False)
    found = declared({"x-amz-trailer": "x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm": "sha256"})
    assert (found.algorithm, found.value, found.trailer) == (ALGORITHMS["SHA256"], None, True)
    assert declared({"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-mode": "ENABLED"}).algorithm is None


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            {"x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-checksum-sha1": "x"},
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ),
        (
            {"x-amz-checksum-crc99": "y/Q5Jg=="},
            "The algorithm type you specified in x-amz-checksum- header is invalid.",
        ),
        ({"x-amz-trailer": "x-other"}, "The value specified in the x-amz-trailer header is not supported"),
        (
            {"x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-sdk-checksum-algorithm": "SHA1"},
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
        ),
        (
            {"x-amz-sdk-checksum-algorithm": "SHA1"},
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers "
            "were found.",
        ),
    ],
)
def test_malformed_declarations_are_invalid_requests(headers: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        declared(headers)
    assert (caught.value.code, caught.value.message) == ("InvalidRequest", message)


@pytest.mark.parametrize("value", ["nonsense", "YWJj"])
def test_a_value_that_is_no_checksum_matches_nothing(value: str) -> None:
    with pytest.raises(AwsError) as caught:
        declared({"x-amz-checksum-crc32": value})
    expected = ("BadDigest", "Value for x-amz-checksum-crc32 header is invalid.")
    assert (caught.value.code, caught.value.message) == expected


def test_content_md5_must_be_sixteen_bytes_and_right() -> None:
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert content_md5({"content-md5": right}) == hashlib.md5(b"x").digest()
    assert content_md5({}) is None
    for wrong in ("", "abc", "YWJj", "!!!"):
        with pytest.raises(AwsError, match="InvalidDigest"):
            content_md5({"content-md5": wrong})
    checksums.check_md5(hashlib.md5(b"x").digest(), hashlib.md5(b"x").digest())
    with pytest.raises(AwsError, match="BadDigest"):
        checksums.check_md5(hashlib.md5(b"x").digest(), hashlib.md5(b"y").digest())


def test_a_type_the_algorithm_lacks_is_refused() -> None:
    assert checksums.checksum_type(ALGORITHMS["CRC32"], "FULL_OBJECT") == "FULL_OBJECT"
    for name, asked in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), ("CRC32", "OTHER")):
        with pytest.raises(AwsError, match="InvalidRequest"):
            checksums.checksum_type(ALGORITHMS[name], asked)
