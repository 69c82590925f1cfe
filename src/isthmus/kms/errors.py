"""What KMS answers where something is wrong: its codes and texts.

Source: "Errors" of each operation in the AWS KMS API reference. Whatever is the caller's fault is 400.
"""

from __future__ import annotations

from isthmus.wire import AwsError


def not_found(message: str) -> AwsError:
    """NotFoundException."""
    return AwsError("NotFoundException", message)


def no_such_key(arn: str) -> AwsError:
    """NotFoundException for a key that is not there."""
    return not_found(f"Key '{arn}' does not exist")


def invalid_key_id(text: str) -> AwsError:
    """NotFoundException for a text that cannot be the id of a key."""
    return not_found(f"Invalid keyId '{text}'")


def validation(message: str) -> AwsError:
    """ValidationException, for what the service model cannot say."""
    return AwsError("ValidationError", message)


def invalid_state(message: str) -> AwsError:
    """KMSInvalidStateException."""
    return AwsError("KMSInvalidStateException", message)


def disabled(arn: str) -> AwsError:
    """DisabledException."""
    return AwsError("DisabledException", f"{arn} is disabled.")


def pending_deletion(arn: str) -> AwsError:
    """KMSInvalidStateException of a key that waits for its end."""
    return invalid_state(f"{arn} is pending deletion.")


def unsupported(message: str = "") -> AwsError:
    """UnsupportedOperationException."""
    return AwsError("UnsupportedOperationException", message)


def invalid_ciphertext() -> AwsError:
    """InvalidCiphertextException: not ours, changed, or of another encryption context; it does not say which."""
    return AwsError("InvalidCiphertextException", "")


def incorrect_key() -> AwsError:
    """IncorrectKeyException."""
    return AwsError(
        "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."
    )


def limit_exceeded(message: str) -> AwsError:
    """LimitExceededException, which is 400 here."""
    return AwsError("LimitExceededException", message, 400)


def dry_run() -> AwsError:
    """DryRunOperationException: the answer to a dry run that would have gone well."""
    return AwsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
