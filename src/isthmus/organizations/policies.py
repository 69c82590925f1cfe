"""An organization's policies: created, read, changed, deleted.

Service control and resource control policies are checked as the policy engine reads them, and enforced where they are
attached. Of the other types (tag policies, backup policies …) the content must be a JSON object; they are kept and
given back. AWS's own policies can be read and attached, nothing else.

Sizes and numbers: Organizations User Guide, "Quotas for AWS Organizations".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from isthmus.iam.entities import Entropy
from isthmus.iam.tag_rows import remove_tags
from isthmus.identity import FULL_ACCESS, RCP, SCP, AwsOrganizationPolicy
from isthmus.names import organizations_id
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.operation import Call, Permission, operation
from isthmus.policy import MalformedPolicy, check_rcp, check_scp
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from .access import as_administrator, on_anything, on_new_policy, on_policy, with_tags
from .errors import invalid_input, not_found, violated
from .paging import Page
from .tags import checked_tags, put_tags
from .tree import Organization

_SIZES = {SCP: 5120, RCP: 5120, "AISERVICES_OPT_OUT_POLICY": 2500}
_SIZE = 10_000  # characters, of the other types
_NUMBERS = {SCP: 10_000}
_NUMBER = 1000
_SELECT = "SELECT id, type, name, description, content FROM organization_policies WHERE organization = ?"


@dataclass(frozen=True, slots=True)
class OrganizationPolicy:
    """A customer's policy."""

    id: str
    type: str
    name: str
    description: str
    content: str


async def find_policy(
    reader: Reader, organization: Organization, policy_id: str
) -> OrganizationPolicy | AwsOrganizationPolicy | None:
    """The policy of that id, the organization's or AWS's."""
    for policy in FULL_ACCESS.values():
        if policy.id == policy_id:
            return policy
    row = await reader.fetch_one(f"{_SELECT} AND id = ?", organization.id, policy_id)
    return None if row is None else OrganizationPolicy(*row)


async def find_by_name(reader: Reader, organization: Organization, kind: str, name: str) -> OrganizationPolicy | None:
    """The organization's own policy of that type and name."""
    row = await reader.fetch_one(f"{_SELECT} AND type = ? AND name = ?", organization.id, kind, name)
    return None if row is None else OrganizationPolicy(*row)


async def get_policy(
    reader: Reader, organization: Organization, policy_id: str
) -> OrganizationPolicy | AwsOrganizationPolicy:
    """The policy of that id. Raises PolicyNotFoundException."""
    policy = await find_policy(reader, organization, policy_id)
    if policy is None:
        raise not_found("Policy")
    return policy


def check_content(kind: str, content: str) -> None:
    """Raises ConstraintViolationException (too long), MalformedPolicyDocumentException."""
    limit = _SIZES.get(kind, _SIZE)
    if len(content) > limit:
        raise violated("POLICY_CONTENT_LIMIT_EXCEEDED", f"A policy of type {kind} may have {limit} characters.")
    try:
        if kind == SCP:
            check_scp(content)
        elif kind == RCP:
            check_rcp(content)
        elif not isinstance(orjson.loads(content), dict):
            raise MalformedPolicy("The provided policy document must be a JSON object.")
    except orjson.JSONDecodeError:
        raise _malformed("The provided policy document is not JSON.") from None
    except MalformedPolicy as error:
        raise _malformed(error.message) from None


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", message)


async def insert_policy(
    tx: Transaction,
    organization: Organization,
    kind: str,
    name: str,
    description: str,
    content: str,
    *,
    now: float,
    entropy: Entropy,
) -> OrganizationPolicy:
    """Add a policy whose content was checked. Raises DuplicatePolicyException, ConstraintViolationException."""
    await _check_name_is_free(tx, organization, kind, name)
    row = await tx.fetch_one(
        "SELECT count(*) FROM organization_policies WHERE organization = ? AND type = ?", organization.id, kind
    )
    limit = _NUMBERS.get(kind, _NUMBER)
    if row is not None and row[0] >= limit:
        raise violated("POLICY_NUMBER_LIMIT_EXCEEDED", f"An organization may have {limit} policies of type {kind}.")
    made = OrganizationPolicy(organizations_id("p", entropy(ENTROPY_BYTES)), kind, name, description, content)
    await tx.execute(
        "INSERT INTO organization_policies (id, organization, type, name, description, content, created, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        made.id, organization.id, kind, name, description, content, now, now,
    )  # fmt: skip
    return made


async def change_policy(
    tx: Transaction, policy: OrganizationPolicy, name: str, description: str, content: str, *, now: float
) -> OrganizationPolicy:
    """Give a policy another name, description and checked content."""
    await tx.execute(
        "UPDATE organization_policies SET name = ?, description = ?, content = ?, updated = ? WHERE id = ?",
        name, description, content, now, policy.id,
    )  # fmt: skip
    return OrganizationPolicy(policy.id, policy.type, name, description, content)


@operation(
    "organizations",
    "CreatePolicy",
    Permission("organizations:CreatePolicy", on=on_new_policy),
    with_tags(on_new_policy),
)
async def create_policy(call: Call) -> dict[str, Any]:
    """Create a policy, attached nowhere. Raises MalformedPolicyDocumentException, DuplicatePolicyException,
    PolicyTypeNotAvailableForOrganizationException, ConstraintViolationException, InvalidInputException (tags)."""
    organization, members = as_administrator(call), call.input
    check_available(organization)
    check_content(members["Type"], members["Content"])
    tags = checked_tags(members.get("Tags"))

    async def work(tx: Transaction) -> OrganizationPolicy:
        made = await insert_policy(
            tx, organization, members["Type"], members["Name"], members["Description"], members["Content"],
            now=call.now, entropy=call.system.entropy,
        )  # fmt: skip
        await put_tags(tx, organization, made.id, tags)
        return made

    return {"Policy": _shown(organization, await call.system.identity.write(work))}


@operation("organizations", "DescribePolicy", Permission("organizations:DescribePolicy", on=on_policy))
async def describe_policy(call: Call) -> dict[str, Any]:
    """A policy with its content. Raises PolicyNotFoundException."""
    organization = as_administrator(call)
    policy = await get_policy(call.system.identity, organization, call.input["PolicyId"])
    return {"Policy": _shown(organization, policy)}


@operation("organizations", "UpdatePolicy", Permission("organizations:UpdatePolicy", on=on_policy))
async def update_policy(call: Call) -> dict[str, Any]:
    """Change name, description or content; what is left out stays. Raises PolicyNotFoundException,
    DuplicatePolicyException, MalformedPolicyDocumentException, ConstraintViolationException,
    InvalidInputException (a policy of AWS)."""
    organization, members = as_administrator(call), call.input

    async def work(tx: Transaction) -> OrganizationPolicy:
        policy = _customers(await get_policy(tx, organization, members["PolicyId"]))
        name = members.get("Name", policy.name)
        content = members.get("Content", policy.content)
        check_content(policy.type, content)
        if name != policy.name:
            await _check_name_is_free(tx, organization, policy.type, name)
        return await change_policy(
            tx, policy, name, members.get("Description", policy.description), content, now=call.now
        )

    return {"Policy": _shown(organization, await call.system.identity.write(work))}


@operation("organizations", "DeletePolicy", Permission("organizations:DeletePolicy", on=on_policy))
async def delete_policy(call: Call) -> dict[str, Any]:
    """Delete a policy that is attached nowhere. Raises PolicyNotFoundException, PolicyInUseException,
    InvalidInputException (a policy of AWS)."""
    organization = as_administrator(call)

    async def work(tx: Transaction) -> None:
        policy = _customers(await get_policy(tx, organization, call.input["PolicyId"]))
        if await tx.fetch_one("SELECT 1 FROM organization_attachments WHERE policy_id = ?", policy.id):
            message = "The policy is attached to one or more entities: detach it from them first."
            raise AwsError("PolicyInUseException", message)
        await remove_tags(tx, organization.tagged(policy.id))
        await tx.execute("DELETE FROM organization_policies WHERE id = ?", policy.id)

    await call.system.identity.write(work)
    return {}


@operation("organizations", "ListPolicies", Permission("organizations:ListPolicies", on=on_anything))
async def list_policies(call: Call) -> dict[str, Any]:
    """The organization's policies of one type, and AWS's of that type."""
    organization, kind = as_administrator(call), call.input["Filter"]
    page = Page.of(call.input)
    rows = await call.system.identity.fetch_all(f"{_SELECT} AND type = ?", organization.id, kind)
    policies: list[OrganizationPolicy | AwsOrganizationPolicy] = [OrganizationPolicy(*row) for row in rows]
    if kind in FULL_ACCESS:
        policies.append(FULL_ACCESS[kind])
    found, more = page.cut(policies, lambda policy: policy.id)
    return {"Policies": [summary(organization, policy) for policy in found], **more}


def check_available(organization: Organization) -> None:
    """Raises PolicyTypeNotAvailableForOrganizationException where there is only consolidated billing."""
    if not organization.all_features:
        message = "You can't use policies until all features are enabled in the organization."
        raise AwsError("PolicyTypeNotAvailableForOrganizationException", message)


def summary(organization: Organization, policy: OrganizationPolicy | AwsOrganizationPolicy) -> dict[str, Any]:
    """`PolicySummary` as AWS shows it."""
    of_aws = isinstance(policy, AwsOrganizationPolicy)
    arn = policy.arn if isinstance(policy, AwsOrganizationPolicy) else policy_arn(organization, policy)
    return {
        "Id": policy.id,
        "Arn": arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": of_aws,
    }


def policy_arn(organization: Organization, policy: OrganizationPolicy) -> str:
    """`arn:aws:organizations::ACCOUNT:policy/o-…/service_control_policy/p-…`."""
    return organization.arn("policy", policy.type.lower(), policy.id)


def _shown(organization: Organization, policy: OrganizationPolicy | AwsOrganizationPolicy) -> dict[str, Any]:
    return {"PolicySummary": summary(organization, policy), "Content": policy.content}


def _customers(policy: OrganizationPolicy | AwsOrganizationPolicy) -> OrganizationPolicy:
    """Raises InvalidInputException for a policy of AWS."""
    if isinstance(policy, AwsOrganizationPolicy):
        raise invalid_input("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")
    return policy


async def _check_name_is_free(tx: Transaction, organization: Organization, kind: str, name: str) -> None:
    if await find_by_name(tx, organization, kind, name) is not None:
        raise AwsError("DuplicatePolicyException", "A policy with the same name and type already exists.")
