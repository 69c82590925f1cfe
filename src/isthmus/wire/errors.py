"""AWS errors as values: a code, an HTTP status and a message that says what to change.

Any room raises `AwsError`; only `server` turns one into bytes, in the form of the service's protocol.
Codes and statuses: the service models of botocore and "Error responses" in the S3 API reference.
"""

from __future__ import annotations

from collections.abc import Mapping


class AwsError(Exception):
    """An answer other than success.

    code: AWS's error code, for instance `NoSuchBucket`.
    message: AWS's text where AWS has one; else what was wrong and what to change.
    status: HTTP status; `status_of(code)` when not given.
    extra: further elements of the S3 error document (`BucketName`, `Key`, `Condition` …).
    headers: further response headers (`x-amz-delete-marker`, `Allow` …).
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        extra: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status_of(code) if status is None else status
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


# Codes that do not answer 400. Everything else does.
_STATUS = {
    403: (
        "AccessDenied",
        "AllAccessDisabled",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidObjectState",
        "ObjectNotInActiveTierError",
        "InvalidPayer",
        "InvalidSecurity",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "NotSignedUp",
        "MissingAuthenticationToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "AccountProblem",
        "RegionDisabledException",
        "AccessDeniedException",
    ),
    404: (
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchVersion",
        "NoSuchUpload",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchCORSConfiguration",
        "NoSuchWebsiteConfiguration",
        "NoSuchTagSet",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "ObjectLockConfigurationNotFoundError",
        "NoSuchObjectLockConfiguration",
        "OwnershipControlsNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "NoSuchConfiguration",
    ),
    405: ("MethodNotAllowed",),
    409: (
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "BucketNotEmpty",
        "OperationAborted",
        "InvalidBucketState",
        "ConditionalRequestConflict",
        "EntityAlreadyExists",
        "DeleteConflict",
        "LimitExceeded",
        "EntityTemporarilyUnmodifiable",
        "ConcurrentModification",
    ),
    411: ("MissingContentLength",),
    412: ("PreconditionFailed",),
    416: ("InvalidRange",),
    500: ("InternalError", "InternalFailure", "ServiceFailure"),
    501: ("NotImplemented",),
    503: ("ServiceUnavailable", "SlowDown"),
}
_STATUS_OF = {code: status for status, codes in _STATUS.items() for code in codes}


def status_of(code: str) -> int:
    """The HTTP status that goes with an error code."""
    return _STATUS_OF.get(code, 400)
