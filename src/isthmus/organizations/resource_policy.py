"""The organization's resource-based policy, by which the management account delegates to members.

It may allow members to manage policies and to read, nothing else (Organizations User Guide, "Create a resource-based
delegation policy"). Principals are stored as whom they meant when it was saved, like those of a bucket policy.
"""

from __future__ import annotations

import json
from typing import Any

from isthmus.iam.tag_rows import remove_tags
from isthmus.identity import InvalidPrincipal
from isthmus.names import organizations_id
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.operation import Call, Permission, operation
from isthmus.policy import MalformedPolicy, PolicyDocument, ResourcePolicy, Statement
from isthmus.policy.patterns import glob
from isthmus.policy.validate import principal_problem
from isthmus.store import Row, Transaction
from isthmus.wire import AwsError, service_model

from .access import DELEGABLE, as_administrator, as_management, is_read, on_anything, on_resource_policy, with_tags
from .errors import invalid_input, not_found
from .tags import checked_tags, put_tags
from .tree import Organization


def checked_document(content: str) -> PolicyDocument:
    """A document that can delegate. Raises InvalidInputException."""
    try:
        document = PolicyDocument.parse(content)
    except MalformedPolicy as error:
        raise invalid_input("INVALID_RESOURCE_POLICY_JSON", error.message) from None
    for statement in document.statements:
        _check_statement(statement)
    return document


def _check_statement(statement: Statement) -> None:
    if statement.principals is None or statement.negates_principals or principal_problem(statement, canonical=False):
        message = "You provided a principal that is not valid: name accounts, users or roles under AWS."
        raise invalid_input("INVALID_PRINCIPAL", message)
    if statement.negates_actions or not all(map(_can_be_delegated, statement.actions)):
        message = (
            "You provided an action that a delegation policy cannot have: it is for managing policies and reading."
        )
        raise invalid_input("UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", message)
    if statement.resources is None or statement.negates_resources or not all(map(_is_resource, statement.resources)):
        message = "You provided a resource that is not one of Organizations."
        raise invalid_input("UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY", message)


def _can_be_delegated(action: str) -> bool:
    """Whether an action, or a pattern of actions, means nothing but what can be delegated."""
    service, _, name = action.partition(":")
    matches = glob(name.lower())
    meant = [one for one in service_model("organizations").operation_names if matches(one.lower())]
    return service.lower() == "organizations" and bool(meant) and all(one in DELEGABLE or is_read(one) for one in meant)


def _is_resource(resource: str) -> bool:
    return resource == "*" or resource.startswith("arn:aws:organizations:")


@operation(
    "organizations",
    "PutResourcePolicy",
    Permission("organizations:PutResourcePolicy", on=on_resource_policy),
    with_tags(on_resource_policy),
)
async def put_resource_policy(call: Call) -> dict[str, Any]:
    """Set the resource-based policy. Raises InvalidInputException, ConstraintViolationException (tags)."""
    organization, content = as_management(call), call.input["Content"]
    tags = checked_tags(call.input.get("Tags"))
    try:
        ids = await call.system.directory.principal_ids(checked_document(content))
    except InvalidPrincipal as error:
        message = f"You provided a principal that does not exist: {error.principal}"
        raise invalid_input("INVALID_PRINCIPAL", message) from None

    async def work(tx: Transaction) -> str:
        row = await tx.fetch_one(
            "SELECT id FROM organization_resource_policies WHERE organization = ?", organization.id
        )
        if row is not None and tags:
            message = "Tags can be given when a resource policy is created only; use TagResource."
            raise invalid_input("INVALID_LIST_MEMBER", message)
        policy_id = organizations_id("rp", call.system.entropy(ENTROPY_BYTES)) if row is None else str(row[0])
        await tx.execute(
            "INSERT INTO organization_resource_policies (organization, id, content, principal_ids) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (organization) DO UPDATE SET content = excluded.content,"
            " principal_ids = excluded.principal_ids",
            organization.id, policy_id, content, json.dumps(ids),
        )  # fmt: skip
        await put_tags(tx, organization, policy_id, tags)
        return policy_id

    return {"ResourcePolicy": _shown(organization, await call.system.identity.write(work), content)}


@operation(
    "organizations", "DescribeResourcePolicy", Permission("organizations:DescribeResourcePolicy", on=on_anything)
)
async def describe_resource_policy(call: Call) -> dict[str, Any]:
    """The resource-based policy, principals named as they are called now. Raises ResourcePolicyNotFoundException."""
    organization = as_administrator(call)
    row = await call.system.identity.fetch_one(
        "SELECT id, content, principal_ids FROM organization_resource_policies WHERE organization = ?", organization.id
    )
    if row is None:
        raise _none()
    policy = ResourcePolicy(PolicyDocument.parse(row[1]), json.loads(row[2]))
    return {"ResourcePolicy": _shown(organization, row[0], await call.system.directory.shown_text(policy))}


@operation("organizations", "DeleteResourcePolicy", Permission("organizations:DeleteResourcePolicy", on=on_anything))
async def delete_resource_policy(call: Call) -> dict[str, Any]:
    """Delete the resource-based policy. Raises ResourcePolicyNotFoundException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> None:
        row: Row | None = await tx.fetch_one(
            "SELECT id FROM organization_resource_policies WHERE organization = ?", organization.id
        )
        if row is None:
            raise _none()
        await remove_tags(tx, organization.tagged(row[0]))
        await tx.execute("DELETE FROM organization_resource_policies WHERE organization = ?", organization.id)

    await call.system.identity.write(work)
    return {}


def _shown(organization: Organization, policy_id: str, content: str) -> dict[str, Any]:
    summary = {"Id": policy_id, "Arn": organization.arn("resourcepolicy", policy_id)}
    return {"ResourcePolicySummary": summary, "Content": content}


def _none() -> AwsError:
    return not_found("ResourcePolicy")
