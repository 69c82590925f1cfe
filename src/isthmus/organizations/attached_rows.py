"""Attachments in the database: which policies stand at the root, at a unit, at an account, in which order."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.identity import FULL_ACCESS
from isthmus.store import Reader, Transaction

from .tree import Organization

TYPES = (
    "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY", "BACKUP_POLICY", "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY", "DECLARATIVE_POLICY_EC2", "SECURITYHUB_POLICY", "SECURITYHUB_CSPM_POLICY", "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY", "BEDROCK_POLICY", "S3_POLICY", "NETWORK_SECURITY_DIRECTOR_POLICY", "GUARDDUTY_POLICY",
)  # fmt: skip
"""Every type of policy there is; beyond the first two they are kept and given back."""


async def enabled_types(reader: Reader, organization: Organization) -> list[str]:
    """The types of policy that are enabled in the root, in AWS's order."""
    rows = await reader.fetch_all("SELECT type FROM organization_policy_types WHERE organization = ?", organization.id)
    return sorted((kind for (kind,) in rows), key=TYPES.index)


async def attached(reader: Reader, target: str, kind: str) -> list[str]:
    """The ids of the policies of one type at a target, in the order in which they were attached."""
    rows = await reader.fetch_all(
        "SELECT policy_id FROM organization_attachments WHERE target = ? AND type = ? ORDER BY position, policy_id",
        target, kind,
    )  # fmt: skip
    return [policy_id for (policy_id,) in rows]


async def insert_attachment(
    tx: Transaction, organization: Organization, target: str, policy_id: str, kind: str
) -> None:
    """Attach a policy behind those that are there."""
    row = await tx.fetch_one("SELECT MAX(position) FROM organization_attachments WHERE target = ?", target)
    position = 0 if row is None or row[0] is None else row[0] + 1
    await tx.execute(
        "INSERT INTO organization_attachments (organization, target, policy_id, type, position) VALUES (?, ?, ?, ?, ?)",
        organization.id, target, policy_id, kind, position,
    )  # fmt: skip


async def attach_full_access(
    tx: Transaction, organization: Organization, targets: Iterable[str], kinds: Iterable[str]
) -> None:
    """Attach to what is new what AWS attaches: the policies that allow everything, of the types given."""
    for target in targets:
        for kind in kinds:
            policy = FULL_ACCESS.get(kind)
            if policy is not None:
                await insert_attachment(tx, organization, target, policy.id, kind)


async def detach_all(tx: Transaction, target: str) -> None:
    """Take every policy from a target that goes."""
    await tx.execute("DELETE FROM organization_attachments WHERE target = ?", target)
