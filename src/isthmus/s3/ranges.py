"""Byte ranges: the Range header, x-amz-copy-source-range, and part numbers.

Sources: RFC 9110 section 14; GetObject and UploadPartCopy in the S3 API reference. S3 sends one range only:
a header with several, or one it cannot read, is as good as none.
"""

from __future__ import annotations

import re

from isthmus.wire import AwsError

from .object_errors import invalid_argument

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z")
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)\Z")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Offset and length that a Range header asks of `size` bytes; None when it is to be ignored.

    Raises InvalidRange when nothing of it lies in the object.
    """
    match = _RANGE.match(header)
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
        if start >= size:
            raise invalid_range(header, size)
        return start, end - start + 1
    if not last:
        return None
    count = min(int(last), size)
    if count == 0:
        raise invalid_range(header, size)
    return size - count, count


def parse_copy_range(text: str, size: int) -> tuple[int, int]:
    """Offset and length of an x-amz-copy-source-range. Raises InvalidArgument, InvalidRange."""
    match = _COPY_RANGE.match(text)
    start, end = (0, -1) if match is None else (int(match[1]), int(match[2]))
    if end < start:
        raise invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
            "the zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        )
    if end >= size:
        raise AwsError(
            "InvalidRange",
            f"Range specified is not valid for source object of size: {size}",
            status=416,
            extra={"RangeRequested": text, "ActualObjectSize": str(size)},
        )
    return start, end - start + 1


def invalid_range(header: str, size: int) -> AwsError:
    """416 InvalidRange."""
    return AwsError(
        "InvalidRange",
        "The requested range is not satisfiable",
        extra={"RangeRequested": header, "ActualObjectSize": str(size)},
        headers={"Content-Range": f"bytes */{size}"},
    )
