"""Versions of managed policies: at most five, one of them the default that is in force.

Version numbers are never used again (IAM User Guide, "Versioning IAM policies").
"""

from __future__ import annotations

import re
from typing import Any

from isthmus.identity import aws_managed_policy
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction

from . import documents, entities
from .entities import moment
from .errors import delete_conflict, invalid_value, limit_exceeded, no_such_entity
from .paging import Page
from .permissions import on_policy
from .policies import CustomerPolicy, get_customer_policy

MOST_VERSIONS = 5
_VERSION = re.compile(r"v([1-9][0-9]*)(?:\.[A-Za-z0-9-]*)?\Z")


async def add_version(tx: Transaction, policy: CustomerPolicy, document: str, *, now: float, default: bool) -> int:
    """Add a checked document as the next version; its number. Raises LimitExceeded."""
    if await entities.count(tx, "SELECT count(*) FROM policy_versions WHERE policy_id = ?", policy.id) >= MOST_VERSIONS:
        raise limit_exceeded(
            f"A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you must"
            " delete an existing version."
        )
    version = policy.last_version + 1
    await tx.execute(
        "INSERT INTO policy_versions (policy_id, version, document, created) VALUES (?, ?, ?, ?)",
        policy.id, version, document, now,
    )  # fmt: skip
    await tx.execute(
        "UPDATE policies SET last_version = ?, default_version = ?, updated = ? WHERE id = ?",
        version, version if default else policy.default_version, now, policy.id,
    )  # fmt: skip
    return version


async def replace_document(tx: Transaction, policy: CustomerPolicy, document: str, *, now: float) -> None:
    """Make a checked document the policy's default; the oldest other version makes room if it must."""
    if (await _version(tx, policy, policy.default_version))[1] == document:
        return
    rows = await tx.fetch_all(
        "SELECT version FROM policy_versions WHERE policy_id = ? AND version != ? ORDER BY version",
        policy.id, policy.default_version,
    )  # fmt: skip
    if len(rows) + 1 >= MOST_VERSIONS:
        await tx.execute("DELETE FROM policy_versions WHERE policy_id = ? AND version = ?", policy.id, rows[0][0])
    await add_version(tx, policy, document, now=now, default=True)


@operation("iam", "CreatePolicyVersion", Permission("iam:CreatePolicyVersion", on=on_policy))
async def create_policy_version(call: Call) -> dict[str, Any]:
    """Add a version. Raises NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    text: str = call.input["PolicyDocument"]
    default = bool(call.input.get("SetAsDefault"))

    async def work(tx: Transaction) -> int:
        policy = await get_customer_policy(tx, call.account, call.input["PolicyArn"])
        documents.managed_document(text)
        return await add_version(tx, policy, text, now=call.now, default=default)

    version = await call.system.identity.write(work)
    return {"PolicyVersion": _shown(version, call.now, default)}


@operation("iam", "GetPolicyVersion", Permission("iam:GetPolicyVersion", on=on_policy))
async def get_policy_version(call: Call) -> dict[str, Any]:
    """One version with its document. Raises NoSuchEntity."""
    arn, reader = call.input["PolicyArn"], call.system.identity
    of_aws = aws_managed_policy(arn)
    if of_aws is not None:
        if call.input["VersionId"] != of_aws.version:
            raise _no_such_version(arn, call.input["VersionId"])
        shape = {"VersionId": of_aws.version, "IsDefaultVersion": True, "CreateDate": moment(of_aws.updated)}
        return {"PolicyVersion": shape | {"Document": documents.encoded(of_aws.document)}}
    policy = await get_customer_policy(reader, call.account, arn)
    version, document, created = await _version(reader, policy, _number(call.input["VersionId"]))
    shape = _shown(version, created, version == policy.default_version)
    return {"PolicyVersion": shape | {"Document": documents.encoded(document)}}


@operation("iam", "ListPolicyVersions", Permission("iam:ListPolicyVersions", on=on_policy))
async def list_policy_versions(call: Call) -> dict[str, Any]:
    """The versions, the newest first. Of AWS's policies only the present one is known. Raises NoSuchEntity."""
    page = Page.of(call.input)
    arn = call.input["PolicyArn"]
    of_aws = aws_managed_policy(arn)
    if of_aws is not None:
        only = {"VersionId": of_aws.version, "IsDefaultVersion": True, "CreateDate": moment(of_aws.updated)}
        return {"Versions": [only], "IsTruncated": False}
    versions = await versions_of(call.system.identity, call.account, arn)
    # Keys that ascend as the numbers descend.
    found, more = page.cut(versions, lambda version: f"{10**9 - int(version['VersionId'][1:])}")
    for version in found:
        del version["Document"]
    return {"Versions": found, **more}


@operation("iam", "SetDefaultPolicyVersion", Permission("iam:SetDefaultPolicyVersion", on=on_policy))
async def set_default_policy_version(call: Call) -> dict[str, Any]:
    """Put another version in force. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        policy = await get_customer_policy(tx, call.account, call.input["PolicyArn"])
        version, _, _ = await _version(tx, policy, _number(call.input["VersionId"]))
        await tx.execute(
            "UPDATE policies SET default_version = ?, updated = ? WHERE id = ?", version, call.now, policy.id
        )

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeletePolicyVersion", Permission("iam:DeletePolicyVersion", on=on_policy))
async def delete_policy_version(call: Call) -> dict[str, Any]:
    """Delete a version that is not the default. Raises NoSuchEntity, DeleteConflict."""

    async def work(tx: Transaction) -> None:
        policy = await get_customer_policy(tx, call.account, call.input["PolicyArn"])
        version, _, _ = await _version(tx, policy, _number(call.input["VersionId"]))
        if version == policy.default_version:
            raise delete_conflict("Cannot delete the default version of a policy.")
        await tx.execute("DELETE FROM policy_versions WHERE policy_id = ? AND version = ?", policy.id, version)

    await call.system.identity.write(work)
    return {}


async def versions_of(reader: Reader, account: str, arn: str) -> list[dict[str, Any]]:
    """All versions of a customer managed policy with their documents, the newest first. Raises NoSuchEntity."""
    policy = await get_customer_policy(reader, account, arn)
    rows = await reader.fetch_all(
        "SELECT version, document, created FROM policy_versions WHERE policy_id = ? ORDER BY version DESC",
        policy.id,
    )
    return [
        _shown(version, created, version == policy.default_version) | {"Document": documents.encoded(document)}
        for version, document, created in rows
    ]


async def _version(reader: Reader, policy: CustomerPolicy, version: int) -> tuple[int, str, float]:
    row = await reader.fetch_one(
        "SELECT document, created FROM policy_versions WHERE policy_id = ? AND version = ?",
        policy.id,
        version,
    )
    if row is None:
        raise _no_such_version(policy.arn, f"v{version}")
    return version, row[0], row[1]


def _number(text: str) -> int:
    match = _VERSION.match(text)
    if match is None or len(match[1]) > 9:
        raise invalid_value(f"Value '{text}' at 'versionId' is not a version: it looks like v1.")
    return int(match[1])


def _no_such_version(arn: str, version: str) -> Exception:
    return no_such_entity(f"Policy {arn} version {version} does not exist or is not attachable.")


def _shown(version: int, created: float, default: bool) -> dict[str, Any]:
    return {"VersionId": f"v{version}", "IsDefaultVersion": default, "CreateDate": moment(created)}
