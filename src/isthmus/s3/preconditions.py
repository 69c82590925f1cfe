"""Conditional requests: reads, copies' sources, and writes.

Reads follow RFC 9110 section 13.2.2, where the entity tag outweighs the date: If-Match true makes
If-Unmodified-Since void, If-None-Match decides alone when it is there. Copies use the same rules on their
source and answer 412 throughout ("CopyObject" in the S3 API reference). Writes know If-Match and If-None-Match ("Add
preconditions to S3 operations"; S3 itself takes only the value * for the second, here an entity tag works as well);
they are decided inside the transaction that commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import formatdate
from typing import Any, Protocol

from isthmus.wire import AwsError

from .object_errors import no_such_key, precondition_failed


class Tagged(Protocol):
    """Something with an entity tag: ObjectRow or Current."""

    @property
    def etag(self) -> str:
        """Without quotes."""
        ...

    @property
    def is_delete_marker(self) -> int:
        """1 for a delete marker, else 0."""
        ...


def etag_matches(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header (`*`, one tag or a list) names `etag` (without quotes)."""
    for item in header.split(","):
        tag = item.strip().removeprefix("W/").strip('"')
        if tag in ("*", etag):
            return True
    return False


def check_read(given: Mapping[str, Any], etag: str, modified: float) -> bool:
    """Whether to send the object; False answers 304. Raises PreconditionFailed.

    given: the input with IfMatch, IfNoneMatch (texts), IfModifiedSince, IfUnmodifiedSince (datetimes).
    """
    matching: str | None = given.get("IfMatch")
    if matching:
        if not etag_matches(matching, etag):
            raise precondition_failed("If-Match")
    elif _is_after(modified, given.get("IfUnmodifiedSince")):
        raise precondition_failed("If-Unmodified-Since")
    none_matching: str | None = given.get("IfNoneMatch")
    if none_matching:
        return not etag_matches(none_matching, etag)
    since: datetime | None = given.get("IfModifiedSince")
    return since is None or _is_after(modified, since)


def range_counts(if_range: str | None, etag: str, modified: float) -> bool:
    """Whether a Range header counts beside this If-Range: only for the very object a client has the beginning of.

    A weak entity tag never is the same, and a date must be exactly the object's (RFC 9110, section 13.1.5).
    """
    if not if_range:
        return True
    said = if_range.strip()
    return said == f'"{etag}"' or said == formatdate(int(modified), usegmt=True)


def check_copy_source(given: Mapping[str, Any], etag: str, modified: float) -> None:
    """Raises PreconditionFailed unless the x-amz-copy-source-if-… headers hold for the source."""
    wanted = {
        name: given.get("CopySource" + name)
        for name in ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    }
    try:
        send = check_read(wanted, etag, modified)
    except AwsError as error:
        raise precondition_failed("x-amz-copy-source-" + error.extra["Condition"]) from None
    if not send:
        name = "If-None-Match" if wanted["IfNoneMatch"] else "If-Modified-Since"
        raise precondition_failed("x-amz-copy-source-" + name)


def check_write(given: Mapping[str, Any], key: str, current: Tagged | None) -> None:
    """Decide If-None-Match and If-Match of a write. Raises PreconditionFailed, NoSuchKey.

    current: the newest version, read in the transaction that commits the write.
    """
    if current is not None and current.is_delete_marker:
        current = None
    none_matching: str | None = given.get("IfNoneMatch")
    if none_matching and current is not None and etag_matches(none_matching, current.etag):
        raise precondition_failed("If-None-Match")
    matching: str | None = given.get("IfMatch")
    if matching:
        if current is None:
            raise no_such_key(key)
        if not etag_matches(matching, current.etag):
            raise precondition_failed("If-Match")


def _is_after(modified: float, moment: datetime | None) -> bool:
    # HTTP dates have whole seconds, so the stored time counts without its fraction.
    return moment is not None and int(modified) > moment.timestamp()
