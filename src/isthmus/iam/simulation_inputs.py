"""What a simulation is given, read and checked: policies as text, resources, the caller, the owner, exclusions.

IAM API reference, SimulatePrincipalPolicy and SimulateCustomPolicy. Documents that are only tried are not remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.policy import (
    ContextValue,
    MalformedPolicy,
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    ResourcePolicy,
    check_bucket_policy,
    check_identity_policy,
    check_scp,
    check_trust_policy,
)
from isthmus.wire import AwsError

from .errors import invalid_input
from .permissions import entity_arn
from .simulation import EVERY_RESOURCE

MOST_RESOURCES = 1000
"""Resources of one simulation: our limit, AWS states none; it bounds the work of one request."""
_OWNER_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):.+")
# Which types of EC2 resources a ResourceHandlingOption needs (IAM API reference).
_INSTANCE = ("instance", "image", "security-group", "network-interface")
_SCENARIOS = {
    "EC2-VPC-InstanceStore": _INSTANCE,
    "EC2-VPC-InstanceStore-Subnet": (*_INSTANCE, "subnet"),
    "EC2-VPC-EBS": (*_INSTANCE, "volume"),
    "EC2-VPC-EBS-Subnet": (*_INSTANCE, "subnet", "volume"),
}


# Policies


def input_policies(members: Mapping[str, Any]) -> tuple[NamedPolicy, ...]:
    """PolicyInputList. Raises InvalidInput."""
    return tuple(
        _named(text, f"PolicyInputList.{number}", f"Policy input list item {number}")
        for number, text in enumerate(members.get("PolicyInputList") or (), 1)
    )


def input_boundary(members: Mapping[str, Any]) -> NamedPolicy | None:
    """PermissionsBoundaryPolicyInputList. Raises InvalidInput."""
    texts = members.get("PermissionsBoundaryPolicyInputList") or []
    if len(texts) > 1:
        raise invalid_input("The list of Permissions Boundary policies cannot exceed 1 items.")
    for text in texts:
        return _named(text, "PermissionsBoundaryPolicyInputList.1", "Permissions boundary policy input list item 1")
    return None


def input_scps(members: Mapping[str, Any]) -> tuple[tuple[NamedPolicy, ...], ...]:
    """OrderedOrganizationPolicyInputList: levels from the organization's root to the account. Raises InvalidInput."""
    levels = []
    for number, level in enumerate(members.get("OrderedOrganizationPolicyInputList") or (), 1):
        texts = (level or {}).get("ServiceControlPolicyInputList") or ()
        if not texts:
            raise invalid_input(
                f"Organization policy at index {number} must contain at least one service control policy"
            )
        called = f"OrderedOrganizationPolicyInputList.{number}"
        levels.append(
            tuple(_named(text, called, f"Organization policy at index {number}", check_scp) for text in texts)
        )
    return tuple(levels)


def input_resource_policy(members: Mapping[str, Any], resources: list[str], caller: Principal) -> ResourcePolicy | None:
    """ResourcePolicy, checked as the policy of each resource. Raises InvalidInput.

    Of the users and roles that it names the caller alone is told by its ARN: who else exists is nobody's business here.
    """
    text: str | None = members.get("ResourcePolicy")
    if text is None:
        return None
    if resources == [EVERY_RESOURCE]:
        raise invalid_input(
            "Invalid Entity Arn: * does not clearly define entity type and name. A ResourcePolicy needs ResourceArns."
        )
    arns = [Arn.parse(resource) for resource in resources]
    try:
        for bucket in sorted({arn.resource.partition("/")[0] for arn in arns if _is_bucket(arn)}):
            check_bucket_policy(text, bucket, PolicyDocument.tried)
        document = PolicyDocument.tried(text)
        are_roles = all(_is_role(arn) for arn in arns)
        if are_roles:
            check_trust_policy(text, PolicyDocument.tried)
        else:
            _check_resource_policy(document)
    except MalformedPolicy as problem:
        raise _invalid_content("Resource policy", problem) from None
    # Roles and keys trust their own account only as far as their policy says so (IAM User Guide, "Policy evaluation
    # logic").
    trusts_account = not are_roles and not any(arn.service == "kms" for arn in arns)
    kind = PolicyType.TRUST if are_roles else PolicyType.RESOURCE
    return ResourcePolicy(document, {caller.entity_arn: caller.entity_id}, kind, trusts_account)


def _is_bucket(arn: Arn) -> bool:
    return arn.service == "s3" and not arn.region and not arn.account


def _is_role(arn: Arn) -> bool:
    return arn.service == "iam" and arn.resource_type == "role"


def _check_resource_policy(document: PolicyDocument) -> None:
    for statement in document.statements:
        for element, there in (
            ("Principal", statement.principals is not None),
            ("Action", bool(statement.actions)),
            ("Resource", bool(statement.resources)),
        ):
            if not there:
                raise MalformedPolicy(f"Missing required field {element}", statement.line, statement.column)


def _named(
    text: str, name: str, called: str, check: Callable[[str, Any], PolicyDocument] = check_identity_policy
) -> NamedPolicy:
    try:
        return NamedPolicy(check(text, PolicyDocument.tried), name)
    except MalformedPolicy as problem:
        raise _invalid_content(called, problem) from None


def _invalid_content(called: str, problem: MalformedPolicy) -> AwsError:
    where = f"line {problem.line}, column {problem.column}"
    return invalid_input(f"{called} has invalid content: {problem.message} ({where})")


# What is asked


def input_actions(members: Mapping[str, Any]) -> list[str]:
    """ActionNames. Raises InvalidInput."""
    actions: list[str] = members["ActionNames"]
    for action in actions:
        service, colon, name = action.partition(":")
        if not (service and colon and name):
            raise invalid_input(f"The action {action} is invalid: it must be a service and a name, like iam:GetUser.")
    return actions


def input_resources(members: Mapping[str, Any]) -> list[str]:
    """ResourceArns, `*` by default. Raises InvalidInput."""
    resources: list[str] = members.get("ResourceArns") or [EVERY_RESOURCE]
    if len(resources) > MOST_RESOURCES:
        raise invalid_input(f"The list of ResourceArns cannot exceed {MOST_RESOURCES} items.")
    if resources == [EVERY_RESOURCE]:
        return resources
    for resource in resources:
        try:
            Arn.parse(resource)
        except InvalidArn:
            raise invalid_input(f"ResourceNames are not in a valid ARN format: {resource}.") from None
    return resources


def check_handling(members: Mapping[str, Any], actions: list[str], resources: list[str]) -> None:
    """ResourceHandlingOption: a scenario of ec2:RunInstances with the resources that it needs. Raises InvalidInput."""
    option: str | None = members.get("ResourceHandlingOption")
    if option is None:
        return
    needed = _SCENARIOS.get(option)
    if needed is None:
        raise invalid_input(f"Invalid input resource handling options. {option} is none of {', '.join(_SCENARIOS)}.")
    for action in actions:
        if action.lower() != "ec2:runinstances":
            raise invalid_input(
                f"Invalid input resource handling options. Action does not support resource handling options: {action}."
            )
    if resources == [EVERY_RESOURCE]:
        return
    given = {arn.resource_type for arn in map(Arn.parse, resources) if arn.service == "ec2"}
    missing = [kind for kind in needed if kind not in given]
    if missing:
        raise invalid_input(
            f"Invalid input resource handling options. {option} needs resources of the types {', '.join(missing)} too."
        )


def input_owner(members: Mapping[str, Any]) -> str | None:
    """The account of ResourceOwner, which is its id or its ARN. Raises InvalidInput."""
    text: str | None = members.get("ResourceOwner")
    if text is None or is_account_id(text):
        return text
    found = _OWNER_ARN.fullmatch(text)
    if found is None:
        raise invalid_input(
            f"'{text}' is not a valid as a Resource Owner. Use an account's ARN: arn:aws:iam::123456789012:root."
        )
    return found[1]


def hypothetical_caller(text: str) -> tuple[Principal, dict[str, ContextValue]]:
    """The user, group or role that a CallerArn names, and the context keys that the ARN itself tells; whether there
    is one is not asked. Raises InvalidInput."""
    try:
        arn = entity_arn(text)
    except AwsError:
        raise invalid_input("Invalid caller - Caller must be an IAM user, role or group in this context.") from None
    context: dict[str, ContextValue] = {
        "aws:principalarn": text,
        "aws:principalaccount": arn.account,
        "aws:principalisawsservice": "false",
    }
    if arn.resource_type == "role":
        session = f"arn:aws:sts::{arn.account}:assumed-role/{arn.name}/"
        context["aws:principaltype"] = PrincipalKind.ROLE_SESSION.value
        return Principal(PrincipalKind.ROLE_SESSION, arn.account, session, text, text), context
    if arn.resource_type == "user":
        context["aws:username"] = arn.name
        context["aws:principaltype"] = PrincipalKind.USER.value
    return Principal(PrincipalKind.USER, arn.account, text, text, text), context


def nobody(account: str) -> tuple[Principal, dict[str, ContextValue]]:
    """Somebody of an account, for a simulation without a caller."""
    return Principal(PrincipalKind.USER, account, "", "", ""), {"aws:principalaccount": account}


# Exclusions


Excludes = Callable[[NamedPolicy, bool], bool]
"""(policy, whether it is the boundary) -> whether the simulation goes without it."""


def input_exclusions(members: Mapping[str, Any]) -> tuple[Excludes, bool]:
    """PolicyExclusionList: the test of a policy of the principal, and whether service control policies are excluded.
    Raises InvalidInput."""
    tests: list[Excludes] = []
    without_scps = False
    for identifier in members.get("PolicyExclusionList") or ():
        if len(identifier or {}) != 1:
            raise invalid_input(
                "A policy identifier is one of PolicyType, PolicyArn and InlinePolicyIdentifier; give exactly one."
            )
        if "PolicyType" in identifier:
            without_scps = without_scps or identifier["PolicyType"] == "scp"
            tests.append(_of_type(identifier["PolicyType"]))
        elif "PolicyArn" in identifier:
            tests.append(_with_arn(identifier["PolicyArn"]))
        else:
            tests.append(_inline(identifier["InlinePolicyIdentifier"]))
    return (lambda policy, is_boundary: any(test(policy, is_boundary) for test in tests)), without_scps


def remaining(policies: Iterable[NamedPolicy], excludes: Excludes) -> tuple[NamedPolicy, ...]:
    """The identity-based policies that the simulation goes on with."""
    return tuple(policy for policy in policies if not excludes(policy, False))


def _of_type(kind: str) -> Excludes:
    def test(policy: NamedPolicy, is_boundary: bool) -> bool:
        if is_boundary:
            return kind == "permission-boundary"
        if policy.arn is None:
            return kind == "inline"
        return kind == ("aws-managed" if policy.arn.startswith("arn:aws:iam::aws:") else "user-managed")

    return test


def _with_arn(text: str) -> Excludes:
    """Managed policies that are attached; a boundary is not."""
    head, slash, name = text.partition(":policy/")
    account = head.removeprefix("arn:aws:iam::")
    if not slash or not name or head == account or not (account == "aws" or is_account_id(account)):
        raise invalid_input(f"Invalid PolicyArn in PolicyExclusionList: {text} is not the ARN of a managed policy.")
    matches = _selector(text, "PolicyArn")
    return lambda policy, is_boundary: not is_boundary and policy.arn is not None and matches(policy.arn)


def _inline(identifier: Mapping[str, Any]) -> Excludes:
    kind, name = identifier["AttachmentType"], identifier["PolicyName"]
    matches = _selector(identifier["AttachmentName"], "AttachmentName")

    def test(policy: NamedPolicy, is_boundary: bool) -> bool:
        if is_boundary or policy.arn is not None or policy.name != name:
            return False
        holder = Arn.parse(policy.holder)
        return holder.resource_type == kind and matches(holder.name)

    return test


def _selector(text: str, member: str) -> Callable[[str], bool]:
    """A name with at most one `*` and any number of `?`."""
    if text.count("*") > 1 or not re.fullmatch(r"[\w+=,.@:/*?-]+", text):
        raise invalid_input(f"Invalid {member} in PolicyExclusionList: {text} may have one * and any number of ?.")
    before, star, after = text.partition("*")
    parts = [re.escape(part).replace(r"\?", ".") for part in (before, after)]
    pattern = re.compile(parts[0] + (".*" if star else "") + parts[1], re.DOTALL)
    return lambda name: pattern.fullmatch(name) is not None
