"""The refusals of Organizations, each with AWS's code, its `Reason` where it has one, and a text.

Source: the errors of each operation in the Organizations API reference. Texts: as AWS answers them where that is known.
"""

from __future__ import annotations

from isthmus.wire import AwsError


def not_in_use() -> AwsError:
    """The caller's account belongs to no organization."""
    return AwsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


def not_permitted() -> AwsError:
    """The caller's account has not the standing that the operation asks for, whatever its policies say."""
    return AwsError("AccessDeniedException", "You don't have permissions to access this resource.")


def not_found(kind: str) -> AwsError:
    """There is no such thing in the caller's organization. kind: `Account`, `OrganizationalUnit`, `Parent` …"""
    what = _WORDS.get(kind, kind.lower())
    article = "an" if what[0] in "aeiou" else "a"
    return AwsError(f"{kind}NotFoundException", f"You specified {article} {what} that doesn't exist.")


_WORDS = {
    "OrganizationalUnit": "organizational unit",
    "SourceParent": "source root or parent",
    "DestinationParent": "destination root or parent",
    "CreateAccountStatus": "create account request",
    "ResourcePolicy": "resource policy",
}


def invalid_input(reason: str, message: str) -> AwsError:
    """InvalidInputException: a value has the right shape and is still wrong."""
    return AwsError("InvalidInputException", message, extra={"Reason": reason})


def violated(reason: str, message: str) -> AwsError:
    """ConstraintViolationException: a limit or a rule of the organization forbids it."""
    return AwsError("ConstraintViolationException", message, extra={"Reason": reason})


def handshake_violated(reason: str, message: str) -> AwsError:
    """HandshakeConstraintViolationException."""
    return AwsError("HandshakeConstraintViolationException", message, extra={"Reason": reason})
