"""AssumeRoot: the root user of a member account for fifteen minutes and one task.

Who may, besides having `sts:AssumeRoot`: a user or role of the organization's management account, or of its delegated
administrator for IAM, while the feature that the task is part of is on (`identity/root_access.py`). To everybody else
the member's root is like one that trusts nobody. The session is root's, limited by the task policy, and subject to the
organization's service control policies like the root user itself.

Source: STS API reference, AssumeRoot; IAM User Guide, "Perform a privileged task on a member account".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Session
from isthmus.identity.root_access import TASKS, may_use_root_access, root_features
from isthmus.names import is_account_id, root_arn
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.policy import PolicyDocument, PolicyType, Principal, PrincipalKind, ResourcePolicy
from isthmus.wire import AwsError

from .assume_role import TRUSTS_NOBODY
from .credentials import credentials, new_access_key

LONGEST = 900  # seconds, also the default
_FOUND = "root to assume"


@dataclass(frozen=True, slots=True)
class _Request:
    """An AssumeRoot call, understood."""

    account: str
    task: str


async def _root_to_assume(call: Call) -> Resource:
    """The member's root user as the resource of the call. Raises ValidationError, AccessDenied (root)."""
    if call.caller.principal.kind is PrincipalKind.ROOT:
        raise AwsError("AccessDenied", "The root of a member account may not be assumed by root accounts.", 403)
    target = call.input["TargetPrincipal"]
    account = target.removeprefix("arn:aws:iam::").removesuffix(":root") if target.startswith("arn:") else target
    if not is_account_id(account):
        raise AwsError("ValidationError", f"{target} is invalid: it must be an account id or the ARN of a root user.")
    task = call.input["TaskPolicyArn"].get("arn", "")
    if task not in TASKS:
        raise AwsError("ValidationError", f"{task} is not a task policy; those are {', '.join(TASKS)}.")
    call.found[_FOUND] = _Request(account, task)
    trust = _trusting(call.account) if await _may(call, account, TASKS[task]) else TRUSTS_NOBODY
    return Resource(root_arn(account), account, trust, {"sts:taskpolicyarn": task})


async def _may(call: Call, account: str, feature: str) -> bool:
    """Whether the caller's account may act as root of the other one in this organization."""
    directory, reader = call.system.directory, call.system.identity
    own, members = await directory.membership(call.account), await directory.membership(account)
    return (
        own is not None
        and members is not None
        and own.organization == members.organization
        and account != members.management_account
        and await may_use_root_access(reader, own, call.account)
        and feature in await root_features(reader, own.organization)
    )


def _trusting(account: str) -> ResourcePolicy:
    """What a member's root trusts by being managed centrally."""
    statement = {"Effect": "Allow", "Principal": {"AWS": root_arn(account)}, "Action": "sts:AssumeRoot"}
    document = PolicyDocument.parse(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return ResourcePolicy(document, type=PolicyType.TRUST, trusts_account=False)


@operation("sts", "AssumeRoot", Permission("sts:AssumeRoot", on=_root_to_assume))
async def assume_root(call: Call) -> dict[str, Any]:
    """Credentials of a member's root user for one task."""
    request: _Request = call.found[_FOUND]
    arn = root_arn(request.account)
    source_identity = None if call.caller.session is None else call.caller.session.source_identity
    session = Session(
        access_key=new_access_key(call, request.account),
        kind="AssumeRoot",
        principal=Principal(PrincipalKind.ROOT, request.account, arn, arn, request.account),
        issued=call.now,
        expires=call.now + (call.input.get("DurationSeconds") or LONGEST),
        session_policy_arns=(request.task,),
        limited=True,
        source_identity=source_identity,
    )
    output = credentials(call, session)
    return output if source_identity is None else output | {"SourceIdentity": source_identity}
