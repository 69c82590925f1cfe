"""Where an account stands in its organization: the way from the root to it, and the policies attached on that way.

A level is the root, each organizational unit on the way, and the account itself; its policies are those attached
there (Organizations User Guide, "SCP evaluation" and "RCP evaluation"). The management account has a place in the tree
but no level limits it. A type of policy that is not enabled in the root has no levels, and neither has an
organization for consolidated billing only.

AWS's own policies are attached like customers': FullAWSAccess may be detached once another stands beside it,
RCPFullAWSAccess never.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isthmus.names import organizations_arn
from isthmus.policy import NamedPolicy, PolicyDocument
from isthmus.store import Reader

from .records import Membership

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
ALL_FEATURES = "ALL"
_DEEPEST = 32  # levels followed: far more than may be nested, so that a tree gone wrong ends


@dataclass(frozen=True, slots=True)
class AwsOrganizationPolicy:
    """A policy that AWS brings: allows everything, for those who do not limit by allowing."""

    id: str
    type: str
    name: str
    description: str
    content: str

    @property
    def arn(self) -> str:
        """`arn:aws:organizations::aws:policy/TYPE/ID`."""
        return f"arn:aws:organizations::aws:policy/{self.type.lower()}/{self.id}"


_EVERYTHING = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",%s
      "Action": "*",
      "Resource": "*"
    }
  ]
}"""
FULL_ACCESS = {
    SCP: AwsOrganizationPolicy(
        "p-FullAWSAccess", SCP, "FullAWSAccess", "Allows access to every operation", _EVERYTHING % ""
    ),
    RCP: AwsOrganizationPolicy(
        "p-RCPFullAWSAccess", RCP, "RCPFullAWSAccess", "Allows all actions for all resources",
        _EVERYTHING % '\n      "Principal": "*",',
    ),
}  # fmt: skip
"""By type; the other types have none."""
_AWS = {
    policy.id: NamedPolicy(PolicyDocument.parse(policy.content), policy.name, policy.arn)
    for policy in FULL_ACCESS.values()
}


async def read_membership(reader: Reader, account: str) -> Membership | None:
    """The account's place in its organization; None if it has none."""
    row = await reader.fetch_one(
        "SELECT m.organization, m.parent, m.closed, o.management_account, o.feature_set, o.root_id"
        " FROM organization_accounts m JOIN organizations o ON o.id = m.organization WHERE m.account = ?",
        account,
    )
    if row is None:
        return None
    organization, parent, closed, management, features, root = row
    units = await units_above(reader, root, parent)
    path = "/".join((organization, root, *units, ""))
    membership = Membership(organization, management, path, features == ALL_FEATURES, closed is not None)
    if account == management or features != ALL_FEATURES:
        return membership
    enabled = {
        kind
        for (kind,) in await reader.fetch_all(
            "SELECT type FROM organization_policy_types WHERE organization = ?", organization
        )
    }
    holders = {
        root: organizations_arn(management, "root", organization, root),
        **{unit: organizations_arn(management, "ou", organization, unit) for unit in units},
        account: organizations_arn(management, "account", organization, account),
    }
    scps, rcps = [await _levels(reader, membership, kind, holders) if kind in enabled else () for kind in (SCP, RCP)]
    return replace(membership, scps=scps, rcps=rcps)


async def units_above(reader: Reader, root: str, parent: str) -> tuple[str, ...]:
    """The organizational units from below the root down to `parent`; empty if that is the root."""
    units: list[str] = []
    while parent != root and len(units) < _DEEPEST:
        units.append(parent)
        row = await reader.fetch_one("SELECT parent FROM organizational_units WHERE id = ?", parent)
        parent = root if row is None else row[0]
    return tuple(reversed(units))


async def _levels(
    reader: Reader, membership: Membership, kind: str, holders: dict[str, str]
) -> tuple[tuple[NamedPolicy, ...], ...]:
    """The policies of one type at each level. holders: ARNs by the ids of root, units and account, in that order."""
    marks = ", ".join("?" * len(holders))
    rows = await reader.fetch_all(
        "SELECT a.target, a.policy_id, p.name, p.content FROM organization_attachments a"  # noqa: S608
        f" LEFT JOIN organization_policies p ON p.id = a.policy_id WHERE a.type = ? AND a.target IN ({marks})"
        " ORDER BY a.position, a.policy_id",
        kind, *holders,
    )  # fmt: skip
    levels: dict[str, list[NamedPolicy]] = {target: [] for target in holders}
    for target, policy_id, name, content in rows:
        policy = _AWS.get(policy_id)
        if policy is None:
            arn = organizations_arn(
                membership.management_account, "policy", membership.organization, kind.lower(), policy_id
            )
            policy = NamedPolicy(PolicyDocument.parse(content), name, arn)
        levels[target].append(replace(policy, holder=holders[target]))
    return tuple(tuple(policies) for policies in levels.values())
