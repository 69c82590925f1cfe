"""Policies at the root, at units and at accounts, and which types of policy are enabled.

An entity has at most five policies of most types. While service control policies are enabled it has at least one:
whoever wants to allow a list only attaches that list before detaching FullAWSAccess. RCPFullAWSAccess cannot be
detached. Disabling a type takes its policies from everything; enabled again, everything has the policy that allows
everything and no other (Organizations User Guide, "Disabling a policy type").
"""

from __future__ import annotations

from typing import Any

from isthmus.identity import FULL_ACCESS, RCP, SCP
from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .access import as_administrator, on_policy, on_target
from .attached_rows import TYPES, attach_full_access, attached, enabled_types, insert_attachment
from .errors import invalid_input, not_found, violated
from .paging import Page
from .policies import check_available, get_policy, summary
from .tree import Organization, members, node, units
from .units import shown_root

PER_TARGET = 5
_MORE_PER_TARGET = frozenset(TYPES) - {SCP, RCP, "AISERVICES_OPT_OUT_POLICY", "CHATBOT_POLICY"}
_MANAGEMENT_POLICIES_PER_TARGET = 10

_on_root = on_target("RootId")


async def attach(tx: Transaction, organization: Organization, target: str, policy_id: str, kind: str) -> None:
    """Attach a policy to what is there. Raises PolicyTypeNotEnabledException, DuplicatePolicyAttachmentException,
    ConstraintViolationException."""
    if kind not in await enabled_types(tx, organization):
        raise _not_enabled()
    there = await attached(tx, target, kind)
    if policy_id in there:
        message = "The selected policy is already attached to the specified target."
        raise AwsError("DuplicatePolicyAttachmentException", message)
    if len(there) >= (_MANAGEMENT_POLICIES_PER_TARGET if kind in _MORE_PER_TARGET else PER_TARGET):
        message = "You have attached the maximum number of policies to the specified target."
        raise violated("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message)
    await insert_attachment(tx, organization, target, policy_id, kind)


async def enable_type(tx: Transaction, organization: Organization, kind: str) -> None:
    """Enable a type that is not, everywhere with the policy that allows everything."""
    await tx.execute("INSERT INTO organization_policy_types (organization, type) VALUES (?, ?)", organization.id, kind)
    targets = [organization.root]
    targets += [one.id for one in await units(tx, organization)]
    targets += [one.id for one in await members(tx, organization)]
    await attach_full_access(tx, organization, targets, (kind,))


@operation(
    "organizations",
    "AttachPolicy",
    Permission("organizations:AttachPolicy", on=on_policy),
    Permission("organizations:AttachPolicy", on=on_target()),
)
async def attach_policy(call: Call) -> dict[str, Any]:
    """Attach a policy. Raises PolicyNotFoundException, TargetNotFoundException, PolicyTypeNotEnabledException,
    DuplicatePolicyAttachmentException, ConstraintViolationException."""
    organization, target = as_administrator(call), call.input["TargetId"]

    async def work(tx: Transaction) -> None:
        policy = await get_policy(tx, organization, call.input["PolicyId"])
        if await node(tx, organization, target) is None:
            raise not_found("Target")
        await attach(tx, organization, target, policy.id, policy.type)

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "DetachPolicy",
    Permission("organizations:DetachPolicy", on=on_policy),
    Permission("organizations:DetachPolicy", on=on_target()),
)
async def detach_policy(call: Call) -> dict[str, Any]:
    """Detach a policy. Raises PolicyNotFoundException, TargetNotFoundException, PolicyNotAttachedException,
    ConstraintViolationException (the last service control policy), InvalidInputException (RCPFullAWSAccess)."""
    organization, target = as_administrator(call), call.input["TargetId"]

    async def work(tx: Transaction) -> None:
        policy = await get_policy(tx, organization, call.input["PolicyId"])
        if await node(tx, organization, target) is None:
            raise not_found("Target")
        if policy.id == FULL_ACCESS[RCP].id:
            raise invalid_input("NON_DETACHABLE_POLICY", "You specified a policy that can't be detached.")
        there = await attached(tx, target, policy.type)
        if policy.id not in there:
            message = "The policy isn't attached to the specified target."
            raise AwsError("PolicyNotAttachedException", message)
        if policy.type == SCP and len(there) == 1:
            message = (
                "You cannot remove the last policy attached to the specified target. You must have at least one"
                " attached at all times."
            )
            raise violated("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message)
        await tx.execute("DELETE FROM organization_attachments WHERE target = ? AND policy_id = ?", target, policy.id)

    await call.system.identity.write(work)
    return {}


@operation("organizations", "ListPoliciesForTarget", Permission("organizations:ListPoliciesForTarget", on=on_target()))
async def list_policies_for_target(call: Call) -> dict[str, Any]:
    """The policies of one type that are attached directly to a target. Raises TargetNotFoundException."""
    organization, target = as_administrator(call), call.input["TargetId"]
    page, reader = Page.of(call.input), call.system.identity
    if await node(reader, organization, target) is None:
        raise not_found("Target")
    found, more = page.cut(await attached(reader, target, call.input["Filter"]), lambda policy_id: policy_id)
    policies = [await get_policy(reader, organization, policy_id) for policy_id in found]
    return {"Policies": [summary(organization, policy) for policy in policies], **more}


@operation("organizations", "ListTargetsForPolicy", Permission("organizations:ListTargetsForPolicy", on=on_policy))
async def list_targets_for_policy(call: Call) -> dict[str, Any]:
    """What a policy is attached to. Raises PolicyNotFoundException."""
    organization = as_administrator(call)
    page, reader = Page.of(call.input), call.system.identity
    policy = await get_policy(reader, organization, call.input["PolicyId"])
    rows = await reader.fetch_all(
        "SELECT target FROM organization_attachments WHERE policy_id = ? AND organization = ?",
        policy.id, organization.id,
    )  # fmt: skip
    found, more = page.cut((target for (target,) in rows), lambda target: target)
    targets = [await node(reader, organization, target) for target in found]
    shown = [
        {"TargetId": one.id, "Arn": one.arn, "Name": one.name, "Type": one.type} for one in targets if one is not None
    ]
    return {"Targets": shown, **more}


@operation("organizations", "EnablePolicyType", Permission("organizations:EnablePolicyType", on=_on_root))
async def enable_policy_type(call: Call) -> dict[str, Any]:
    """Enable a type of policy in the root. Raises RootNotFoundException, PolicyTypeAlreadyEnabledException,
    PolicyTypeNotAvailableForOrganizationException.

    The API reference has CreateOrganization enable service control policies; the User Guide, and Terraform after it,
    enable them in a new organization and take a refusal for a failure. Both work: what came along may be enabled once.
    """
    organization, kind = as_administrator(call), call.input["PolicyType"]

    async def work(tx: Transaction) -> list[str]:
        _check_root(organization, call.input["RootId"])
        check_available(organization)
        came_along = await tx.execute(
            "UPDATE organization_policy_types SET came_along = 0 "
            "WHERE organization = ? AND type = ? AND came_along = 1",
            organization.id, kind,
        )  # fmt: skip
        if came_along:
            return await enabled_types(tx, organization)
        if kind in await enabled_types(tx, organization):
            raise AwsError("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")
        await enable_type(tx, organization, kind)
        return await enabled_types(tx, organization)

    return {"Root": shown_root(organization, await call.system.identity.write(work))}


@operation("organizations", "DisablePolicyType", Permission("organizations:DisablePolicyType", on=_on_root))
async def disable_policy_type(call: Call) -> dict[str, Any]:
    """Disable a type of policy in the root and detach its policies everywhere. Raises RootNotFoundException,
    PolicyTypeNotEnabledException."""
    organization, kind = as_administrator(call), call.input["PolicyType"]

    async def work(tx: Transaction) -> list[str]:
        _check_root(organization, call.input["RootId"])
        values = (organization.id, kind)
        if not await tx.execute("DELETE FROM organization_policy_types WHERE organization = ? AND type = ?", *values):
            raise _not_enabled()
        await tx.execute("DELETE FROM organization_attachments WHERE organization = ? AND type = ?", *values)
        return await enabled_types(tx, organization)

    return {"Root": shown_root(organization, await call.system.identity.write(work))}


def _check_root(organization: Organization, root: str) -> None:
    if root != organization.root:
        raise not_found("Root")


def _not_enabled() -> AwsError:
    return AwsError("PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types.")
