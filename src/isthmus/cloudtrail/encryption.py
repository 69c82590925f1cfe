"""The KMS key of a trail: its files are encrypted with it by S3, as CloudTrail and under the trail's context.

The key's policy must allow `cloudtrail.amazonaws.com` `kms:GenerateDataKey*`; it sees the trail as `aws:SourceArn` and
as `kms:EncryptionContext:aws:cloudtrail:arn` (CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail").
"""

from __future__ import annotations

from isthmus.operation import System, authorise, service_call
from isthmus.wire import AwsError

_SERVICE = "cloudtrail.amazonaws.com"
_CONTEXT = "aws:cloudtrail:arn"
# What KMS answers -> what CloudTrail makes of it (CreateTrail in the CloudTrail API reference).
_ANSWERS = {
    "NotFoundException": "KmsKeyNotFoundException",
    "DisabledException": "KmsKeyDisabledException",
    "KMSInvalidStateException": "KmsKeyDisabledException",
    "AccessDenied": "InsufficientEncryptionPolicyException",
    "AccessDeniedException": "InsufficientEncryptionPolicyException",
    "InvalidArnException": "InvalidKmsKeyIdException",
    "ValidationException": "InvalidKmsKeyIdException",
    "ValidationError": "InvalidKmsKeyIdException",
}


def encryption_context(trail: str) -> dict[str, str]:
    """The context under which the files of a trail are encrypted."""
    return {_CONTEXT: trail}


async def usable_key(system: System, trail: str, account: str, named: str) -> str:
    """The ARN of the key that an id, ARN or alias names, which must let CloudTrail encrypt for the trail.

    Raises KmsKeyNotFoundException, KmsKeyDisabledException, InsufficientEncryptionPolicyException,
    InvalidKmsKeyIdException, KmsException.
    """
    given = {"KeyId": named, "KeySpec": "AES_256", "EncryptionContext": encryption_context(trail), "DryRun": True}
    call = await service_call(
        system, _SERVICE, ("kms", "GenerateDataKey"), given, source_account=account, source_arn=trail
    )
    try:
        await authorise(call)
        await call.operation.execute(call)
    except AwsError as error:
        if error.code != "DryRunOperationException":
            code = _ANSWERS.get(error.code, "KmsException")
            if call.resources and call.resources[-1].policy is None and call.resources[-1].account == account:
                code = "KmsKeyNotFoundException"  # KMS says so to nobody but the account, whose trail this is
            raise AwsError(code, f"The KMS key {named} cannot be used for the trail: {error.message}") from None
    return call.resources[-1].arn
