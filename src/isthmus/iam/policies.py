"""Managed policies: the customer's own, with their versions and tags, and AWS's, which can only be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.identity import ManagedPolicy, aws_managed_policy, managed_policies
from isthmus.names import unique_id
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Transaction
from isthmus.wire import AwsError

from . import documents, entities
from .entities import GROUP, ROLE, USER, Entropy, iam_arn, moment
from .errors import already_exists, delete_conflict, policy_not_found
from .paging import Page
from .permissions import on_list, on_new, on_policy, with_tags
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

POLICIES_PER_ACCOUNT = 1500

_new_policy = on_new("policy", "PolicyName")
_SELECT = (
    "SELECT id, account, arn, name, path, description, default_version, last_version, created, updated FROM policies"
)


@dataclass(frozen=True, slots=True)
class CustomerPolicy:
    """A customer managed policy, without its documents."""

    id: str
    account: str
    arn: str
    name: str
    path: str
    description: str | None
    default_version: int
    last_version: int
    created: float
    updated: float


async def find_policy(reader: Reader, account: str, arn: str) -> CustomerPolicy | None:
    """The account's own policy of that ARN."""
    row = await reader.fetch_one(f"{_SELECT} WHERE account = ? AND arn = ?", account, arn)
    return None if row is None else CustomerPolicy(*row)


async def get_customer_policy(reader: Reader, account: str, arn: str) -> CustomerPolicy:
    """The account's own policy of that ARN. Raises NoSuchEntity; AccessDenied for AWS's, which nobody may
    change."""
    if aws_managed_policy(arn) is not None:
        raise AwsError("AccessDenied", f"Policy {arn} is managed by AWS and cannot be changed.", 403)
    policy = await find_policy(reader, account, arn)
    if policy is None:
        raise policy_not_found(arn)
    return policy


async def insert_policy(
    tx: Transaction,
    account: str,
    name: str,
    document: str,
    *,
    now: float,
    entropy: Entropy,
    path: str = "/",
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> CustomerPolicy:
    """Add a policy with a checked document as version v1. Raises EntityAlreadyExists, LimitExceeded."""
    if await tx.fetch_one("SELECT 1 FROM policies WHERE account = ? AND name_folded = ?", account, name.lower()):
        raise already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
    await entities.check_room(tx, "policies", account, "PoliciesPerAccount", POLICIES_PER_ACCOUNT)
    policy_id, arn = unique_id("ANPA", entropy(11)), iam_arn(account, "policy", path, name)
    await tx.execute(
        "INSERT INTO policies (id, account, arn, name, name_folded, path, description, default_version,"
        " last_version, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?)",
        policy_id, account, arn, name, name.lower(), path, description, now, now,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO policy_versions (policy_id, version, document, created) VALUES (?, 1, ?, ?)",
        policy_id, document, now,
    )  # fmt: skip
    await set_tags(tx, policy_id, tags or {}, "Policy")
    return CustomerPolicy(policy_id, account, arn, name, path, description, 1, 1, now, now)


@operation(
    "iam",
    "CreatePolicy",
    Permission("iam:CreatePolicy", on=_new_policy),
    with_tags("iam:TagPolicy", _new_policy),
)
async def create_policy(call: Call) -> dict[str, Any]:
    """Create a customer managed policy. Raises MalformedPolicyDocument, EntityAlreadyExists, LimitExceeded,
    InvalidInput."""
    members = call.input
    tags = checked_tags(members.get("Tags"))
    documents.managed_document(members["PolicyDocument"])

    async def work(tx: Transaction) -> dict[str, Any]:
        policy = await insert_policy(
            tx,
            call.account,
            members["PolicyName"],
            members["PolicyDocument"],
            now=call.now,
            entropy=call.system.entropy,
            path=members.get("Path") or "/",
            description=members.get("Description"),
            tags=tags,
        )
        return await add_shown_tags(tx, policy.id, shown(policy, (0, 0)))

    return {"Policy": await call.system.identity.write(work)}


@operation("iam", "GetPolicy", Permission("iam:GetPolicy", on=on_policy))
async def get_policy(call: Call) -> dict[str, Any]:
    """A managed policy, the customer's or AWS's. Raises NoSuchEntity."""
    reader, arn = call.system.identity, call.input["PolicyArn"]
    usage = (await usage_of_policies(reader, call.account)).get(arn, (0, 0))
    of_aws = aws_managed_policy(arn)
    if of_aws is not None:
        return {"Policy": shown(of_aws, usage)}
    policy = await get_customer_policy(reader, call.account, arn)
    shape = shown(policy, usage)
    if policy.description is not None:
        shape["Description"] = policy.description
    return {"Policy": await add_shown_tags(reader, policy.id, shape)}


@operation("iam", "DeletePolicy", Permission("iam:DeletePolicy", on=on_policy))
async def delete_policy(call: Call) -> dict[str, Any]:
    """Delete a policy that nobody has and that has one version. Raises NoSuchEntity, DeleteConflict."""

    async def work(tx: Transaction) -> None:
        policy = await get_customer_policy(tx, call.account, call.input["PolicyArn"])
        if sum((await usage_of_policies(tx, call.account)).get(policy.arn, (0, 0))):
            raise delete_conflict("Cannot delete a policy attached to entities.")
        versions = await entities.count(tx, "SELECT count(*) FROM policy_versions WHERE policy_id = ?", policy.id)
        if versions > 1:
            raise delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                " versions. The default version is deleted with the policy."
            )
        await tx.execute("DELETE FROM policy_versions WHERE policy_id = ?", policy.id)
        await tx.execute("DELETE FROM policies WHERE id = ?", policy.id)
        await remove_tags(tx, policy.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListPolicies", Permission("iam:ListPolicies", on=on_list("policy")))
async def list_policies(call: Call) -> dict[str, Any]:
    """Managed policies by ARN, the customer's before AWS's; by Scope, PathPrefix and how they are used."""
    page = Page.of(call.input)
    scope = call.input.get("Scope") or "All"
    prefix = call.input.get("PathPrefix") or "/"
    reader = call.system.identity
    found: list[CustomerPolicy | ManagedPolicy] = []
    if scope in ("All", "Local"):
        rows = await reader.fetch_all(f"{_SELECT} WHERE account = ?", call.account)
        found += [CustomerPolicy(*row) for row in rows]
    if scope in ("All", "AWS"):
        found += managed_policies()
    usage = await usage_of_policies(reader, call.account)
    purpose, only_attached = call.input.get("PolicyUsageFilter"), call.input.get("OnlyAttached", False)

    def wanted(policy: CustomerPolicy | ManagedPolicy) -> bool:
        attached, bounding = usage.get(policy.arn, (0, 0))
        return (
            policy.path.startswith(prefix)
            and not (only_attached and not attached)
            and not (purpose == "PermissionsPolicy" and not attached)
            and not (purpose == "PermissionsBoundary" and not bounding)
        )

    items, more = page.cut(filter(wanted, found), lambda policy: policy.arn)
    return {"Policies": [shown(policy, usage.get(policy.arn, (0, 0))) for policy in items], **more}


@operation("iam", "ListEntitiesForPolicy", Permission("iam:ListEntitiesForPolicy", on=on_policy))
async def list_entities_for_policy(call: Call) -> dict[str, Any]:
    """The users, groups and roles that have a policy, attached or as their boundary. Raises NoSuchEntity."""
    page = Page.of(call.input)
    reader, arn = call.system.identity, call.input["PolicyArn"]
    if aws_managed_policy(arn) is None:
        await get_customer_policy(reader, call.account, arn)
    only, purpose = call.input.get("EntityFilter"), call.input.get("PolicyUsageFilter")
    prefix = call.input.get("PathPrefix") or "/"
    ways = []
    if purpose != "PermissionsBoundary":
        ways.append("id IN (SELECT entity_id FROM attached_policies WHERE policy_arn = ?)")
    if purpose != "PermissionsPolicy":
        ways.append("boundary = ?")
    having = {}
    for kind in (GROUP, USER, ROLE):
        if only not in (None, kind.word):
            continue
        for way in ways:
            if kind is GROUP and way.startswith("boundary"):
                continue
            for entity in await entities.many(reader, kind, f"account = ? AND {way}", call.account, arn):
                if entity.path.startswith(prefix):
                    having[entity.id] = entity
    found, more = page.cut(having.values(), lambda entity: f"{entity.kind.word}/{entity.name.lower()}")
    output: dict[str, Any] = {f"Policy{kind.word}s": [] for kind in (GROUP, USER, ROLE)}
    for entity in found:
        word = entity.kind.word
        output[f"Policy{word}s"].append({f"{word}Name": entity.name, f"{word}Id": entity.id})
    return output | more


def shown(policy: CustomerPolicy | ManagedPolicy, usage: tuple[int, int]) -> dict[str, Any]:
    """A managed policy as AWS lists it. usage: how often it is attached, and a boundary."""
    version = f"v{policy.default_version}" if isinstance(policy, CustomerPolicy) else policy.version
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": version,
        "AttachmentCount": usage[0],
        "PermissionsBoundaryUsageCount": usage[1],
        "IsAttachable": True,
        "CreateDate": moment(policy.created),
        "UpdateDate": moment(policy.updated),
    }


async def usage_of_policies(reader: Reader, account: str) -> dict[str, tuple[int, int]]:
    """For each policy that somebody in the account has: how often it is attached, and how often a boundary."""
    attached = await reader.fetch_all(
        "SELECT policy_arn, count(*) FROM attached_policies WHERE account = ? GROUP BY policy_arn", account
    )
    usage = {arn: (number, 0) for arn, number in attached}
    for table in ("users", "roles"):
        bounding = await reader.fetch_all(
            f"SELECT boundary, count(*) FROM {table}"  # noqa: S608
            " WHERE account = ? AND boundary IS NOT NULL GROUP BY boundary",
            account,
        )
        for arn, number in bounding:
            before = usage.get(arn, (0, 0))
            usage[arn] = (before[0], before[1] + number)
    return usage


async def tagged_policy(reader: Reader, account: str, arn: str) -> str:
    """What the tags of a customer managed policy are stored under. Raises NoSuchEntity."""
    return (await get_customer_policy(reader, account, arn)).id
