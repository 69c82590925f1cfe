"""Central root access: which of its features an organization has on, and whose they are to use.

Source: IAM User Guide, "Centrally manage root access for member accounts". The management account turns the features
on; it and the delegated administrator for IAM use them. What a privileged session may do is one of five tasks, each an
AWS managed policy and each part of one feature.
"""

from __future__ import annotations

from isthmus.store import Reader

from .records import Membership

IAM = "iam.amazonaws.com"
CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"
_PREFIX = "arn:aws:iam::aws:policy/root-task/"
TASKS = {
    f"{_PREFIX}IAMAuditRootUserCredentials": CREDENTIALS,
    f"{_PREFIX}IAMCreateRootUserPassword": CREDENTIALS,
    f"{_PREFIX}IAMDeleteRootUserCredentials": CREDENTIALS,
    f"{_PREFIX}S3UnlockBucketPolicy": SESSIONS,
    f"{_PREFIX}SQSUnlockQueuePolicy": SESSIONS,
}
"""Task policy -> the feature it is part of."""


async def root_features(reader: Reader, organization: str) -> list[str]:
    """The features that are on."""
    rows = await reader.fetch_all(
        "SELECT feature FROM organization_features WHERE organization = ? ORDER BY feature", organization
    )
    return [feature for (feature,) in rows]


async def iam_has_access(reader: Reader, organization: str) -> bool:
    """Whether IAM has trusted access to the organization."""
    row = await reader.fetch_one(
        "SELECT 1 FROM organization_services WHERE organization = ? AND service = ?", organization, IAM
    )
    return row is not None


async def may_use_root_access(reader: Reader, membership: Membership, account: str) -> bool:
    """Whether the account is the organization's management account or its delegated administrator for IAM."""
    if account == membership.management_account:
        return True
    row = await reader.fetch_one(
        "SELECT 1 FROM delegated_administrators WHERE organization = ? AND account = ? AND service = ?",
        membership.organization, account, IAM,
    )  # fmt: skip
    return row is not None
