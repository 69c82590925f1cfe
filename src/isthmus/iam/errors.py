"""IAM's refusals, each with AWS's code, status and text.

Codes and statuses: the `errors` of each operation in the IAM API reference. Texts: as AWS answers them.
"""

from __future__ import annotations

from isthmus.wire import AwsError


def no_such_entity(message: str) -> AwsError:
    """404: what the request refers to does not exist."""
    return AwsError("NoSuchEntity", message, 404)


def cannot_be_found(kind: str, name: str) -> AwsError:
    """NoSuchEntity for something that has a name: `The user with name alice cannot be found.`"""
    return no_such_entity(f"The {kind} with name {name} cannot be found.")


def policy_not_found(arn: str) -> AwsError:
    """NoSuchEntity for a managed policy that is read or changed."""
    return no_such_entity(f"Policy {arn} was not found.")


def not_attachable(arn: str) -> AwsError:
    """NoSuchEntity for a managed policy that is to be attached."""
    return no_such_entity(f"Policy {arn} does not exist or is not attachable.")


def already_exists(message: str) -> AwsError:
    """409: the name is taken."""
    return AwsError("EntityAlreadyExists", message, 409)


def must_first(what: str) -> AwsError:
    """DeleteConflict for an entity that still has something: `must detach all policies first`."""
    return AwsError("DeleteConflict", f"Cannot delete entity, must {what} first.", 409)


def delete_conflict(message: str) -> AwsError:
    """409: something still uses what is to be deleted."""
    return AwsError("DeleteConflict", message, 409)


def exceeds_quota(quota: str, limit: int) -> AwsError:
    """LimitExceeded in AWS's usual form."""
    return limit_exceeded(f"Cannot exceed quota for {quota}: {limit}")


def limit_exceeded(message: str) -> AwsError:
    """409: a quota of the account or entity is used up."""
    return AwsError("LimitExceeded", message, 409)


def invalid_input(message: str) -> AwsError:
    """400: a value is of the right shape and still wrong."""
    return AwsError("InvalidInput", message, 400)


def invalid_value(message: str) -> AwsError:
    """400 ValidationError."""
    return AwsError("ValidationError", message, 400)


def malformed_document(message: str) -> AwsError:
    """400: a policy document that AWS would not accept."""
    return AwsError("MalformedPolicyDocument", message, 400)


def unmodifiable(message: str) -> AwsError:
    """400: only AWS may change this."""
    return AwsError("UnmodifiableEntity", message, 400)
