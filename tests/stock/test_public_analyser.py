"""cloudsplaining, a public analyser of accounts, reads what GetAccountAuthorizationDetails says of a filled account.

It runs in the environment of the other stock clients, as `aws iam get-account-authorization-details` and
`cloudsplaining scan` would be run by an auditor.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stage import Account, Stage, Terminal, allow, policy, statement, trust, unique

CLOUDSPLAINING = Path(__file__).parents[2] / ".venv-clients" / "bin" / "cloudsplaining"
TAGS = [{"Key": "team", "Value": "audit"}]


def filled(account: Account) -> dict[str, str]:
    """Users, groups, roles, policies of every kind, boundaries, instance profiles and tags; names by what they are."""
    iam = account.iam
    names = {
        what: unique(what)
        for what in ("reader", "escalator", "writers", "worker", "machine", "modest", "everything", "leaky", "limit")
    }
    modest = allow("s3:GetObject", "arn:aws:s3:::reports/2026/*")
    everything = policy(statement("Allow", ["iam:*", "s3:*"], "*"))
    arns = {}
    for what, document in (("modest", modest), ("everything", everything), ("limit", allow("s3:*", "*"))):
        made = iam.create_policy(PolicyName=names[what], PolicyDocument=json.dumps(document), Tags=TAGS, Path="/own/")
        arns[what] = made["Policy"]["Arn"]
    second = json.dumps(allow("s3:GetObject", "arn:aws:s3:::reports/2027/*"))
    iam.create_policy_version(PolicyArn=arns["modest"], PolicyDocument=second, SetAsDefault=True)
    for user in ("reader", "escalator"):
        iam.create_user(UserName=names[user], Path="/people/", Tags=TAGS, PermissionsBoundary=arns["limit"])
    iam.create_group(GroupName=names["writers"])
    iam.add_user_to_group(GroupName=names["writers"], UserName=names["reader"])
    iam.attach_user_policy(UserName=names["reader"], PolicyArn=arns["modest"])
    iam.attach_user_policy(UserName=names["escalator"], PolicyArn=arns["everything"])
    iam.put_group_policy(
        GroupName=names["writers"], PolicyName=names["leaky"], PolicyDocument=json.dumps(allow("s3:GetObject", "*"))
    )
    iam.attach_group_policy(GroupName=names["writers"], PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.create_role(
        RoleName=names["worker"],
        AssumeRolePolicyDocument=json.dumps(trust(account.id)),
        Tags=TAGS,
        PermissionsBoundary=arns["limit"],
    )
    iam.put_role_policy(RoleName=names["worker"], PolicyName="own", PolicyDocument=json.dumps(modest))
    iam.attach_role_policy(RoleName=names["worker"], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_instance_profile(InstanceProfileName=names["machine"], Tags=TAGS)
    iam.add_role_to_instance_profile(InstanceProfileName=names["machine"], RoleName=names["worker"])
    return names


@pytest.fixture(scope="module")
def findings(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, Any], str]:
    """The names, what the analyser found, and what it printed."""
    folder = tmp_path_factory.mktemp("audit")
    names = filled(stage.stranger)
    terminal = Terminal(folder / "home", stage.endpoint)
    terminal.add_profile("auditor", stage.stranger.admin.keys)
    details = terminal.must("auditor", "iam", "get-account-authorization-details", "--output", "json")
    (folder / "account.json").write_text(details, encoding="utf-8")
    command = [str(CLOUDSPLAINING), "scan", "--input-file", "account.json", "--output", str(folder)]
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [*command, "--skip-open-report", "--flag-trust-policies"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = folder.glob("iam-results-*.json")
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return names, found, done.stdout + done.stderr


def _by_name(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return {one.get("PolicyName") or one["name"]: one for one in found[kind].values()}


def test_the_analyser_reads_without_complaint(findings: tuple[dict[str, str], dict[str, Any], str]) -> None:
    _, _, printed = findings
    for word in ("Traceback", "ERROR", "Exception", "Invalid", "could not"):
        assert word not in printed, printed


def test_it_names_what_is_too_wide_and_not_what_is_modest(
    findings: tuple[dict[str, str], dict[str, Any], str],
) -> None:
    names, found, _ = findings
    own = _by_name(found, "customer_managed_policies")
    wide, modest = own[names["everything"]], own[names["modest"]]
    assert wide["PrivilegeEscalation"]["findings"] and wide["ResourceExposure"]["findings"]
    for risk in ("PrivilegeEscalation", "ResourceExposure", "DataExfiltration", "InfrastructureModification"):
        assert modest[risk]["findings"] == [], risk
    inline = _by_name(found, "inline_policies")
    assert inline[names["leaky"]]["DataExfiltration"]["findings"] == ["s3:GetObject"]
    assert inline["own"]["DataExfiltration"]["findings"] == []


def test_it_reads_who_has_what(findings: tuple[dict[str, str], dict[str, Any], str]) -> None:
    names, found, _ = findings
    users, groups, roles = (_by_name(found, kind) for kind in ("users", "groups", "roles"))
    reader, escalator = users[names["reader"]], users[names["escalator"]]
    assert list(reader["groups"]) == [names["writers"]] and reader["path"] == "/people/"
    assert list(reader["customer_managed_policies"].values()) == [names["modest"]]
    assert (escalator["groups"], list(escalator["customer_managed_policies"].values())) == ({}, [names["everything"]])
    group = groups[names["writers"]]
    assert list(group["inline_policies"].values()) == [names["leaky"]]
    assert list(group["aws_managed_policies"].values()) == ["IAMReadOnlyAccess"]
    role = roles[names["worker"]]
    assert list(role["inline_policies"].values()) == ["own"]
    assert [one["InstanceProfileName"] for one in role["instance_profiles"]] == [names["machine"]]
    assert role["assume_role_policy"]["PolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    versions = _by_name(found, "customer_managed_policies")[names["modest"]]["PolicyVersionList"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v2", True), ("v1", False)]
