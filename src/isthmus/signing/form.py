"""A `multipart/form-data` body: the fields before the file, then the file as a body of its own.

S3 reads the fields in order and ignores whatever follows the file. The fields are small and kept in memory,
the file is passed on as it arrives.

Sources: RFC 7578; "POST Object" in the S3 API reference.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from isthmus.wire import AwsError, Body

_FIELDS_LIMIT = 20 * 1024  # bytes of everything before the file, as S3's documentation gives it
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(r'(?:^|[;\s])name="((?:[^"\\]|\\.)*)"|(?:^|[;\s])name=([^\s;"]+)', re.IGNORECASE)
_FILENAME = re.compile(r'filename="((?:[^"\\]|\\.)*)"|filename=([^\s;"]+)', re.IGNORECASE)


@dataclass(slots=True)
class PostedForm:
    """fields: names lower case; the first of a name counts. filename: of the file part.

    file: its bytes, of unknown length; raises AwsError MalformedPOSTRequest if the form ends inside it.
    """

    fields: dict[str, str]
    filename: str
    file: Body


class _FileBody:
    def __init__(self, rest: bytes, source: AsyncIterator[bytes], delimiter: bytes) -> None:
        self._rest = rest
        self._source = source
        self._delimiter = delimiter
        self.length: int | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes up to the next boundary; what follows is read and dropped."""
        held, delimiter = self._rest, self._delimiter
        keep = len(delimiter) - 1
        while True:
            at = held.find(delimiter)
            if at >= 0:
                if at:
                    yield held[:at]
                async for _ in self._source:
                    pass
                return
            if len(held) > keep:
                yield held[: len(held) - keep]
                held = held[len(held) - keep :]
            try:
                held += await anext(self._source)
            except StopAsyncIteration:
                raise _malformed() from None


async def read_form(body: Body, content_type: str) -> PostedForm:
    """Read the fields up to the file.

    Raises AwsError MalformedPOSTRequest, MaxPostPreDataLengthExceededError, and InvalidArgument without a
    file.
    """
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.lower().lstrip().startswith("multipart/form-data"):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            extra={"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
        )
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("utf-8")
    source = body.chunks()
    # A line break before the first boundary makes it look like the others.
    held = b"\r\n"
    fields: dict[str, str] = {}
    spent = 0

    async def until(mark: bytes) -> bytes:
        """Everything before `mark`; `held` goes on behind it."""
        nonlocal held, spent
        start = 0
        while (at := held.find(mark, start)) < 0:
            if spent + len(held) > _FIELDS_LIMIT + len(delimiter):
                raise AwsError(
                    "MaxPostPreDataLengthExceededError",
                    "Your POST request fields preceding the upload file were too large.",
                )
            start = max(0, len(held) - len(mark) + 1)
            try:
                held += await anext(source)
            except StopAsyncIteration:
                raise _malformed() from None
        before, held = held[:at], held[at + len(mark) :]
        spent += at + len(mark)
        return before

    await until(delimiter)
    while True:
        ending = await until(b"\r\n") if not held.startswith(b"--") else b"--"
        if ending.strip() == b"--":
            raise AwsError(
                "InvalidArgument",
                "POST requires exactly one file upload per request.",
                extra={"ArgumentName": "file", "ArgumentValue": "0"},
            )
        if ending.strip():
            raise _malformed()
        headers = _part_headers(await until(b"\r\n\r\n"))
        disposition = headers.get("content-disposition", "")
        match = _NAME.search(disposition)
        if match is None:
            raise _malformed()
        name = (match[1] if match[1] is not None else match[2]).lower()
        if name == "file":
            shown = _FILENAME.search(disposition)
            filename = (shown[1] if shown[1] is not None else shown[2]) if shown else ""
            return PostedForm(fields, filename, _FileBody(held, source, delimiter))
        try:
            fields.setdefault(name, (await until(delimiter)).decode("utf-8"))
        except UnicodeDecodeError:
            raise _malformed() from None
        if spent > _FIELDS_LIMIT:
            raise AwsError(
                "MaxPostPreDataLengthExceededError",
                "Your POST request fields preceding the upload file were too large.",
            )


def _part_headers(block: bytes) -> dict[str, str]:
    headers = {}
    for line in block.split(b"\r\n"):
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if not colon:
            raise _malformed()
        headers[name.strip().lower()] = value.strip()
    return headers


def _malformed() -> AwsError:
    return AwsError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
