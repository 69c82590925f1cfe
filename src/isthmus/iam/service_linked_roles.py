"""Service-linked roles: roles under `/aws-service-role/SERVICE/` that only their service may assume.

No such service runs here; templates and tools create the roles all the same. Which services have one, and what it
is called, is AWS's to say ("AWS services that work with IAM"): the table holds the ones that templates name most.
The roles have no policies, because nothing here could use them. Deletion happens at once, so the status of every
task is SUCCEEDED.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Vault
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import Reader, Transaction

from . import entities, roles
from .entities import ROLE, Entity, Entropy, iam_arn
from .errors import invalid_input, no_such_entity
from .permissions import tagged_resource
from .protected import is_service_linked
from .tag_rows import remove_tags

_PREFIX = "AWSServiceRoleFor"


@dataclass(frozen=True, slots=True)
class _Linked:
    """A service's role. word: behind AWSServiceRoleFor. suffix: whether there may be several, told apart by one."""

    word: str
    suffix: bool = False


_SERVICES = {
    "access-analyzer.amazonaws.com": _Linked("AccessAnalyzer"),
    "autoscaling.amazonaws.com": _Linked("AutoScaling", suffix=True),
    "backup.amazonaws.com": _Linked("Backup"),
    "config.amazonaws.com": _Linked("Config"),
    "ecs.amazonaws.com": _Linked("ECS"),
    "eks.amazonaws.com": _Linked("AmazonEKS"),
    "eks-nodegroup.amazonaws.com": _Linked("AmazonEKSNodegroup"),
    "elasticache.amazonaws.com": _Linked("ElastiCache"),
    "elasticloadbalancing.amazonaws.com": _Linked("ElasticLoadBalancing"),
    "guardduty.amazonaws.com": _Linked("AmazonGuardDuty"),
    "inspector2.amazonaws.com": _Linked("AmazonInspector2"),
    "lex.amazonaws.com": _Linked("LexBots"),
    "macie.amazonaws.com": _Linked("AmazonMacie"),
    "organizations.amazonaws.com": _Linked("Organizations"),
    "rds.amazonaws.com": _Linked("RDS"),
    "redshift.amazonaws.com": _Linked("Redshift"),
    "replication.dynamodb.amazonaws.com": _Linked("DynamoDBReplication"),
    "securityhub.amazonaws.com": _Linked("SecurityHub"),
    "spot.amazonaws.com": _Linked("EC2Spot"),
    "spotfleet.amazonaws.com": _Linked("EC2SpotFleet"),
    "ssm.amazonaws.com": _Linked("AmazonSSM"),
    "sso.amazonaws.com": _Linked("SSO"),
    "storage-lens.s3.amazonaws.com": _Linked("S3StorageLens"),
    "support.amazonaws.com": _Linked("Support"),
    "trustedadvisor.amazonaws.com": _Linked("TrustedAdvisor"),
}


def _role_of(service: str, suffix: str | None) -> tuple[str, str]:
    """Name and path of a service's role. Raises InvalidInput."""
    linked = _SERVICES.get(service)
    if linked is None:
        raise invalid_input(f"{service} is not a service that has a service-linked role.")
    if suffix is not None and not linked.suffix:
        raise invalid_input(f"Custom suffix is not allowed for {service}")
    name = _PREFIX + linked.word + (f"_{suffix}" if suffix else "")
    return name, f"/aws-service-role/{service}/"


async def insert_service_linked_role(
    tx: Transaction,
    vault: Vault,
    account: str,
    service: str,
    suffix: str | None = None,
    *,
    now: float,
    entropy: Entropy,
    description: str | None = None,
) -> Entity:
    """Add a service's role. Raises InvalidInput, EntityAlreadyExists."""
    name, path = _role_of(service, suffix)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    return await roles.insert_role(
        tx, vault, account, name, json.dumps(trust), now=now, entropy=entropy, path=path, description=description
    )


async def has_service_linked_role(reader: Reader, account: str, service: str) -> bool:
    """Whether the account has the service's role, the one without a suffix. Raises InvalidInput."""
    return await entities.find(reader, ROLE, account, _role_of(service, None)[0]) is not None


def new_service_linked_role(account: str, service: str, suffix: str | None = None) -> Resource:
    """What creating a service's role is authorised on. Raises InvalidInput."""
    name, path = _role_of(service, suffix)
    return Resource(iam_arn(account, "role", path, name), account, context={"iam:awsservicename": service})


async def _new_role(call: Call) -> Resource:
    return new_service_linked_role(call.account, call.input["AWSServiceName"], call.input.get("CustomSuffix"))


@operation("iam", "CreateServiceLinkedRole", Permission("iam:CreateServiceLinkedRole", on=_new_role))
async def create_service_linked_role(call: Call) -> dict[str, Any]:
    """Create a service's role. Raises InvalidInput for a service that has none, or whose role exists."""
    service, suffix = call.input["AWSServiceName"], call.input.get("CustomSuffix")
    name, _ = _role_of(service, suffix)

    async def work(tx: Transaction) -> Entity:
        if await entities.find(tx, ROLE, call.account, name) is not None:
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise invalid_input(message)
        return await insert_service_linked_role(
            tx, call.system.vault, call.account, service, suffix, now=call.now, entropy=call.system.entropy,
            description=call.input.get("Description"),
        )  # fmt: skip

    return {"Role": await roles.shown(call.system, await call.system.identity.write(work), whole=True)}


async def _the_role(call: Call) -> Resource:
    """The role that is to go."""
    name = call.input["RoleName"]
    role = await entities.find(call.system.identity, ROLE, call.account, name)
    if role is None:
        return await tagged_resource(call, iam_arn(call.account, "role", "/", name), None)
    return await tagged_resource(call, role.arn, role.id)


@operation("iam", "DeleteServiceLinkedRole", Permission("iam:DeleteServiceLinkedRole", on=_the_role))
async def delete_service_linked_role(call: Call) -> dict[str, Any]:
    """Delete a service's role with its policies; the answer names the task. Raises NoSuchEntity, InvalidInput."""
    unique = uuid.UUID(bytes=call.system.entropy(16), version=4)

    async def work(tx: Transaction) -> str:
        role = await entities.get(tx, ROLE, call.account, call.input["RoleName"])
        if not is_service_linked(role.path):
            raise invalid_input(f"Role {role.name} is not a service-linked role: use DeleteRole.")
        task = f"task{role.path}{role.name}/{unique}"
        await tx.execute("DELETE FROM attached_policies WHERE entity_id = ?", role.id)
        await remove_tags(tx, role.id)
        await tx.execute("DELETE FROM roles WHERE id = ?", role.id)
        await tx.execute("INSERT INTO role_deletions VALUES (?, ?, ?)", task, call.account, call.now)
        return task

    return {"DeletionTaskId": await call.system.identity.write(work)}


async def _role_of_task(call: Call) -> Resource:
    """The role that a task deletes. Raises InvalidInput for what is not the id of a task."""
    parts = call.input["DeletionTaskId"].split("/")
    if len(parts) != 5 or parts[:2] != ["task", "aws-service-role"]:
        raise invalid_input("The DeletionTaskId must be one that DeleteServiceLinkedRole returned.")
    return Resource(iam_arn(call.account, "role", f"/{parts[1]}/{parts[2]}/", parts[3]), call.account)


@operation(
    "iam",
    "GetServiceLinkedRoleDeletionStatus",
    Permission("iam:GetServiceLinkedRoleDeletionStatus", on=_role_of_task),
)
async def get_service_linked_role_deletion_status(call: Call) -> dict[str, Any]:
    """How a deletion went. Raises NoSuchEntity, InvalidInput."""
    task = call.input["DeletionTaskId"]
    row = await call.system.identity.fetch_one(
        "SELECT 1 FROM role_deletions WHERE task = ? AND account = ?", task, call.account
    )
    if row is None:
        raise no_such_entity(f"The deletion task {task} cannot be found.")
    return {"Status": "SUCCEEDED"}
