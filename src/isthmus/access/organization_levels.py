"""The policies of an organization above an account, read through the API of its management account.

Source: Organizations API reference, ListParents, ListPoliciesForTarget, DescribePolicy; Organizations User Guide,
"SCP evaluation": nothing of it applies to the management account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.policy import NamedPolicy, PolicyDocument

from .profiles import Side
from .steps import patiently, unless

Levels = tuple[tuple[NamedPolicy, ...], ...]


@dataclass(frozen=True, slots=True)
class OrganizationSide:
    """What an organization says about one account. path: as `aws:PrincipalOrgPaths` has it."""

    id: str
    path: str
    scps: Levels
    rcps: Levels


def read_levels(side: Side, account: str) -> OrganizationSide | None:
    """The organization's view of an account, root first; None for no member's. side: of the management account.

    Raises NoSide and botocore's errors.
    """
    client = side.client("organizations")
    organization = patiently(client.describe_organization)["Organization"]
    targets = [account]
    while not targets[0].startswith("r-"):
        child = targets[0]
        answer = unless("ChildNotFoundException", lambda: patiently(lambda: client.list_parents(ChildId=child)))  # noqa: B023
        if answer is None:
            return None
        targets.insert(0, answer["Parents"][0]["Id"])
    path = "/".join([organization["Id"], *targets[:-1], ""])
    if account == organization["MasterAccountId"]:
        return OrganizationSide(organization["Id"], path, (), ())
    enabled = _enabled_types(client)
    scps, rcps = (
        tuple(_policies(client, target, kind) for target in targets) if kind in enabled else ()
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
    )
    return OrganizationSide(organization["Id"], path, scps, rcps)


def _enabled_types(client: Any) -> set[str]:
    (root,) = patiently(client.list_roots)["Roots"]
    return {one["Type"] for one in root["PolicyTypes"] if one["Status"] == "ENABLED"}


def _policies(client: Any, target: str, kind: str) -> tuple[NamedPolicy, ...]:
    pages = client.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter=kind)
    found = []
    for page in patiently(lambda: list(pages)):
        for summary in page["Policies"]:
            policy = patiently(lambda: client.describe_policy(PolicyId=summary["Id"]))["Policy"]  # noqa: B023
            document = PolicyDocument.parse(policy["Content"])
            found.append(NamedPolicy(document, summary["Name"], summary["Arn"], target))
    return tuple(found)
