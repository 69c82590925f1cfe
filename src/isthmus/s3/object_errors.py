"""S3's answers about objects that are not there, not there any more, or not as the caller expected.

Source: "Error responses" in the S3 API reference; the 403-or-404 rule: "Required permissions" of GetObject.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate

from isthmus.identity import Bucket
from isthmus.operation import AccessDenied, Call
from isthmus.wire import AwsError

from .objects_table import ObjectRow
from .resources import may_know_of

_NO_MARKER = {"x-amz-delete-marker": "false"}
_VERSION_ID = re.compile(r"null|[A-Za-z0-9._-]{32}\Z")


def moment(seconds: float) -> datetime:
    """A stored time as S3 shows it: whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC)


def exact_moment(seconds: float) -> datetime:
    """A stored time to the millisecond, rounded up: who waits until then has waited long enough."""
    return datetime.fromtimestamp(math.ceil(seconds * 1000) / 1000, UTC)


def no_such_key(key: str, headers: Mapping[str, str] | None = None) -> AwsError:
    """404 NoSuchKey."""
    return AwsError("NoSuchKey", "The specified key does not exist.", extra={"Key": key}, headers=headers)


def no_such_version(key: str, version_id: str) -> AwsError:
    """404 NoSuchVersion."""
    return AwsError(
        "NoSuchVersion", "The specified version does not exist.", extra={"Key": key, "VersionId": version_id}
    )


def precondition_failed(condition: str) -> AwsError:
    """412 PreconditionFailed; `condition` is the header that did not hold."""
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        extra={"Condition": condition},
    )


def invalid_argument(message: str, name: str, value: object) -> AwsError:
    """400 InvalidArgument about one parameter."""
    return AwsError("InvalidArgument", message, extra={"ArgumentName": name, "ArgumentValue": str(value)})


def try_again() -> AwsError:
    """503 for an object that was replaced between two steps of one request; clients retry by themselves."""
    return AwsError(
        "ServiceUnavailable", "The object was replaced or deleted while the request was under way. Retry it."
    )


def malformed_xml() -> AwsError:
    """400 MalformedXML."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def check_version_id(version_id: str | None) -> None:
    """Raises InvalidArgument for what cannot be a version id."""
    if version_id and not _VERSION_ID.match(version_id):
        raise invalid_argument("Invalid version id specified", "versionId", version_id)


async def existing(call: Call, bucket: Bucket, key: str, version_id: str | None, row: ObjectRow | None) -> ObjectRow:
    """`row` if it is an object that can be read; otherwise the refusal AWS would give.

    A caller that may not list the bucket is not told whether an object exists: AccessDenied instead of
    NoSuchKey or NoSuchVersion. A delete marker is NoSuchKey, or MethodNotAllowed when its version was asked
    for.
    """
    if row is None:
        check_version_id(version_id)
        decision = await may_know_of(call, bucket, key)
        if not decision.allowed:
            raise AccessDenied(decision, decision.s3_message)
        raise no_such_version(key, version_id) if version_id else no_such_key(key, _NO_MARKER)
    if row.is_delete_marker:
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": row.version_id}
        if not version_id:
            raise no_such_key(key, headers)
        headers["Last-Modified"] = formatdate(int(row.modified), usegmt=True)
        headers["Allow"] = "DELETE"
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            extra={"Method": call.request.method, "ResourceType": "DeleteMarker"},
            headers=headers,
        )
    return row
