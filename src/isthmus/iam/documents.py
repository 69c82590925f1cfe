"""Policy documents on their way in and out.

They are stored byte for byte and given back URL-encoded (RFC 3986), as AWS does. What a document may look
like is the policy room's to say; here its errors become IAM's, and its size is held against the quotas, in
which white space does not count.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from isthmus.identity import Directory, InvalidPrincipal, Vault
from isthmus.policy import (
    MalformedPolicy,
    PolicyDocument,
    PolicyType,
    ResourcePolicy,
    check_identity_policy,
    check_trust_policy,
)
from isthmus.store import Metadata, Reader

from .errors import exceeds_quota, malformed_document

MANAGED_POLICY_SIZE = 6144
TRUST_POLICY_SIZE = 2048


def encoded(text: str) -> str:
    """The document as IAM's answers carry it."""
    return quote(text, safe="")


def size(text: str) -> int:
    """Characters that count for a quota."""
    return len("".join(text.split()))


def identity_document(text: str) -> PolicyDocument:
    """A document for a user, group, role or managed policy. Raises MalformedPolicyDocument."""
    try:
        return check_identity_policy(text)
    except MalformedPolicy as error:
        raise malformed_document(error.message) from None


def managed_document(text: str) -> PolicyDocument:
    """A document for a managed policy. Raises MalformedPolicyDocument, LimitExceeded."""
    document = identity_document(text)
    if size(text) > MANAGED_POLICY_SIZE:
        raise exceeds_quota("PolicySize", MANAGED_POLICY_SIZE)
    return document


def trust_document(text: str) -> PolicyDocument:
    """A document for a role to trust by. Raises MalformedPolicyDocument, LimitExceeded."""
    if size(text) > TRUST_POLICY_SIZE:
        raise exceeds_quota("ACLSizePerRole", TRUST_POLICY_SIZE)
    try:
        return check_trust_policy(text)
    except MalformedPolicy as error:
        raise malformed_document(error.message) from None


async def principal_ids(reader: Reader, vault: Vault, document: PolicyDocument) -> dict[str, str]:
    """The unique id of each user and role that a trust policy names, as they are in this very transaction.
    Raises MalformedPolicyDocument for one that does not exist."""
    # A Directory of its own: the server's may not be asked in a transaction and would not see what it wrote.
    directory = Directory(cast(Metadata, reader), vault)
    try:
        return await directory.principal_ids(document)
    except InvalidPrincipal as error:
        raise malformed_document(f'Invalid principal in policy: "AWS":"{error.principal}"') from None


def trust_policy(text: str, ids: dict[str, str]) -> ResourcePolicy:
    """A stored trust policy as the policy engine and the Directory know it."""
    return ResourcePolicy(PolicyDocument.parse(text), ids, PolicyType.TRUST, trusts_account=False)
