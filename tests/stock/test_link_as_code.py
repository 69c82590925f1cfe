"""`isthmus link --as`: what is written out is valid, and grants what `link` grants, no more and no less.

Terraform's HCL is read by python-hcl2, CloudFormation's template checked by cfn-lint, the shell script run by a shell.
The documents in them are put before the policy engine beside those that `link` makes, with the same requests.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hcl2
import pytest
from cfnlint.api import lint
from stage import OWNER, PARTNER, STRANGER, Account, Stage, Terminal, unique
from typer.testing import CliRunner

from isthmus.access.link_as_code import as_cloudformation, as_commands, as_terraform
from isthmus.access.link_plan import Grantee, InvalidLink, Json, LinkPlan, LinkRequest, plan_link
from isthmus.cli.commands import app
from isthmus.policy import (
    AuthorizationRequest,
    ContextValue,
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

ENDS = datetime(2030, 1, 31, tzinfo=UTC)
PLAIN = LinkRequest("plain", OWNER, "reports", "", Grantee.parse(PARTNER), "read", "us-east-1")
REQUESTS = {
    "whole account": PLAIN,
    "user": replace(PLAIN, to=Grantee.parse(f"{PARTNER}:user/team/alice"), prefix="2026/"),
    "group, with everything": replace(
        PLAIN, to=Grantee.parse(f"{PARTNER}:group/analysts"), prefix="2026/", require_mfa=True, external_id="agreed",
        networks=("203.0.113.0/24", "2001:db8::/32"), expires=ENDS,
    ),
    "role": replace(PLAIN, to=Grantee.parse(f"{PARTNER}:role/app"), access="read-write"),
    "write": replace(PLAIN, access="write", prefix="in/"),
    "list": replace(PLAIN, access="list", prefix="in/", networks=("203.0.113.0/24",)),
    "signs that mean something in hcl": replace(
        PLAIN, prefix="a${b}*?/%{if}\"\\/", external_id="${var.id}", to=Grantee.parse(f"{PARTNER}:user/al+ice")
    ),
    "signs that json escapes otherwise": replace(PLAIN, prefix="\N{PARTY POPPER}\b\f\x01\t/"),
    "a key": replace(PLAIN, key_arn=f"arn:aws:kms:us-east-1:{OWNER}:key/0b1c2d3e-0000-4000-8000-000000000000"),
}  # fmt: skip


def plans() -> list[Any]:
    return [pytest.param(plan_link(request), id=name) for name, request in REQUESTS.items()]


class Documents:
    """What a link grants: trust policy, permissions of the role, permission of the caller."""

    def __init__(self, trust: Json, permissions: Json, caller: Json) -> None:
        self.trust, self.permissions, self.caller = (PolicyDocument.made(one) for one in (trust, permissions, caller))


# Reading what was written


def of_terraform(text: str) -> tuple[dict[str, Any], Documents]:
    """The role, and the documents of all resources."""
    resources: dict[str, Any] = {}
    for block in hcl2.loads(text)["resource"]:
        ((kind, named),) = block.items()
        ((name, body),) = named.items()
        resources[f"{json.loads(kind)}.{json.loads(name)}"] = {key: value_of(value) for key, value in body.items()}
    role, permissions = resources["aws_iam_role.link"], resources["aws_iam_role_policy.link"]
    (caller,) = (body for body in resources.values() if body["provider"] == "${aws.other}")
    return role, Documents(role["assume_role_policy"], permissions["policy"], caller["policy"])


def value_of(value: Any) -> Any:
    """An expression of HCL as its value; references stay as they are."""
    if isinstance(value, list):
        return [value_of(one) for one in value]
    if isinstance(value, dict):
        return {value_of(key): value_of(one) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    call = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", value, re.DOTALL)
    if call is not None:
        return value_of(hcl2.loads(f"value = {call[1]}\n")["value"])
    if value.startswith('"'):
        return json.loads(value).replace("$${", "${").replace("%%{", "%{")
    return value


def of_cloudformation(text: str, owner: str = OWNER, other: str = PARTNER) -> tuple[dict[str, Any], Documents]:
    """What the template makes in each account, and the documents in it."""
    template = json.loads(text)

    def made_in(account: str) -> list[Any]:
        true = {
            name
            for name, condition in template["Conditions"].items()
            if condition == {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]}
        }
        return [one["Properties"] for one in template["Resources"].values() if one["Condition"] in true]

    ((role,), (caller,)) = made_in(owner), made_in(other)
    assert made_in(STRANGER) == []
    (inline,) = role["Policies"]
    return role, Documents(role["AssumeRolePolicyDocument"], inline["PolicyDocument"], caller["PolicyDocument"])


# The same requests before both


def somebody(arn: str) -> Principal:
    account = arn.split(":")[4]
    if ":role/" in arn:
        session = f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/session"
        return Principal(PrincipalKind.ROLE_SESSION, account, session, arn, arn, "session")
    kind = PrincipalKind.ROOT if arn.endswith(":root") else PrincipalKind.USER
    return Principal(kind, account, arn, arn, account if arn.endswith(":root") else arn)


def takings(plan: LinkPlan) -> Iterator[tuple[Principal, str, dict[str, ContextValue]]]:
    """Who may ask for which role, and with what."""
    people = {plan.request.to.trusted, *(f"arn:aws:iam::{account}:{who}" for account in (PARTNER, STRANGER, OWNER)
              for who in ("user/mallory", "role/other", "root"))}  # fmt: skip
    shown = itertools.product(
        (None, "true", "false"),
        (None, "wrong", plan.request.external_id or "any"),
        ("203.0.113.7", "198.51.100.7", "2001:db8::1"),
        ("2026-11-29T12:00:00Z", "2030-01-31T00:00:00Z"),
    )
    for arn, role, (mfa, external, address, now) in itertools.product(
        sorted(people), (plan.role_arn, plan.role_arn + "s"), list(shown)
    ):
        keys = {"aws:multifactorauthpresent": mfa, "sts:externalid": external, "aws:sourceip": address,
                "aws:currenttime": now, "aws:principalarn": arn}  # fmt: skip
        yield somebody(arn), role, {key: value for key, value in keys.items() if value is not None}


ACTIONS = (
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObjectAcl",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutBucketPolicy", "kms:Decrypt",
    "kms:GenerateDataKey", "kms:Encrypt",
)  # fmt: skip


def uses(plan: LinkPlan) -> Iterator[tuple[str, str, dict[str, ContextValue]]]:
    """What a session of the role may ask for."""
    request = plan.request
    bucket = f"arn:aws:s3:::{request.bucket}"
    resources = [
        bucket, f"{bucket}/{request.prefix}a", f"{bucket}/other/a", f"{bucket}/{request.prefix}", f"{bucket}s/a",
        request.key_arn or f"arn:aws:kms:us-east-1:{OWNER}:key/another",
    ]  # fmt: skip
    shown = itertools.product(
        (None, request.prefix, request.prefix + "a", "other/"),
        ("203.0.113.7", "198.51.100.7"),
        ("2026-11-29T12:00:00Z", "2030-01-31T00:00:00Z"),
        (None, "s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com"),
    )
    for action, resource, (prefix, address, now, via) in itertools.product(ACTIONS, resources, list(shown)):
        keys = {"s3:prefix": prefix, "aws:sourceip": address, "aws:currenttime": now, "kms:viaservice": via}
        yield action, resource, {key: value for key, value in keys.items() if value is not None}


def answers(documents: Documents, plan: LinkPlan) -> list[bool]:
    """Whether each request is allowed: taking the role, decided on both sides, then using it."""
    found = []
    trust = ResourcePolicy(
        documents.trust, {one: one for one in documents.trust.principal_arns()}, PolicyType.TRUST, trusts_account=False
    )
    caller = PrincipalPolicies((NamedPolicy(documents.caller, "caller"),))
    for principal, role, context in takings(plan):
        request = AuthorizationRequest(principal, "sts:AssumeRole", role, ResourceSide(OWNER, trust), caller, context)
        found.append(decide(request).allowed)
    session = somebody(plan.role_arn)
    permissions = PrincipalPolicies((NamedPolicy(documents.permissions, "role"),))
    for action, resource, context in uses(plan):
        request = AuthorizationRequest(session, action, resource, ResourceSide(OWNER), permissions, context)
        found.append(decide(request).allowed)
    return found


def of_plan(plan: LinkPlan) -> Documents:
    """What `link` makes; that it makes this is what the tests with a server show."""
    return Documents(plan.trust_policy, plan.role_policy, plan.caller_policy)


@pytest.mark.parametrize("plan", plans())
def test_terraform_grants_what_link_grants(plan: LinkPlan) -> None:
    role, documents = of_terraform(as_terraform(plan, "owner", "partner"))
    wanted = answers(of_plan(plan), plan)
    assert answers(documents, plan) == wanted
    assert {True, False} == set(wanted)
    assert (role["name"], role["description"], role["tags"]) == (plan.role_name, plan.description, plan.tags)


@pytest.mark.parametrize("plan", plans())
def test_cloudformation_grants_what_link_grants(plan: LinkPlan) -> None:
    role, documents = of_cloudformation(as_cloudformation(plan))
    assert answers(documents, plan) == answers(of_plan(plan), plan)
    assert (role["RoleName"], role["Description"]) == (plan.role_name, plan.description)
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == plan.tags


def test_the_statement_of_a_key_is_written_out_to_be_added_by_whoever_manages_the_key() -> None:
    plan = plan_link(REQUESTS["a key"])
    assert plan.key_statement is not None
    template = json.loads(as_cloudformation(plan))
    assert template["Metadata"] == {"AddToPolicyOfKey": {plan.request.key_arn: plan.key_statement}}
    for text in (as_terraform(plan, "owner", "partner"), as_commands(plan, "owner", "partner")):
        comment = text.partition(f"# Add to the policy of the key {plan.request.key_arn}:\n")[2]
        lines = itertools.takewhile(lambda line: line.startswith("# "), comment.splitlines())
        said = "\n".join(line.removeprefix("# ") for line in lines)
        assert json.JSONDecoder().raw_decode(said)[0] == plan.key_statement


def test_hcl_has_no_escape_that_terraform_does_not_know() -> None:
    text = as_terraform(plan_link(REQUESTS["signs that json escapes otherwise"]), "owner", "partner")
    assert set(re.findall(r"\\(.)", text)) == {"u", "t"}
    assert "\\ud83c" not in text
    assert "\N{PARTY POPPER}\\u0008\\u000c\\u0001\\t/*" in text


def test_a_line_break_in_a_prefix_begins_no_command(tmp_path: Path) -> None:
    plan = plan_link(replace(PLAIN, prefix=f"x\ntouch {tmp_path}/made\n"))
    script = "aws() { :; }\n" + as_commands(plan, "owner", "partner")
    done = subprocess.run(["sh", "-c", script], check=False)
    assert done.returncode == 0
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("where", ["prefix", "external_id"])
def test_what_cloudformation_would_replace_by_a_secret_is_refused(where: str) -> None:
    text = "{{resolve:secretsmanager:production}}"
    changed: dict[str, Any] = {where: text}
    plan = plan_link(replace(PLAIN, **changed))
    with pytest.raises(InvalidLink, match="--as terraform or awscli"):
        as_cloudformation(plan)
    assert answers(of_terraform(as_terraform(plan, "owner", "partner"))[1], plan) == answers(of_plan(plan), plan)
    changed[where] = "{{resolved}}"
    harmless = plan_link(replace(PLAIN, **changed))
    assert "{{resolved}}" in as_cloudformation(harmless)


@pytest.mark.parametrize("form", ["terraform", "cloudformation"])
@pytest.mark.parametrize("what", ["trust", "permissions", "caller"])
def test_a_wider_document_would_be_noticed(what: str, form: str) -> None:
    plan = plan_link(REQUESTS["group, with everything"])
    written = as_terraform(plan, "owner", "partner") if form == "terraform" else as_cloudformation(plan)
    wider = {"trust": (f"{PARTNER}:root", f"{STRANGER}:root"), "permissions": ('"s3:GetObject"', '"s3:*"'),
             "caller": (plan.role_arn, "*")}[what]  # fmt: skip
    changed = written.replace(*wider)
    assert changed != written
    _, documents = of_terraform(changed) if form == "terraform" else of_cloudformation(changed)
    assert answers(documents, plan) != answers(of_plan(plan), plan)


@pytest.mark.parametrize("plan", plans())
def test_cfn_lint_finds_nothing_in_the_template(plan: LinkPlan) -> None:
    assert lint(as_cloudformation(plan)) == []


def test_cfn_lint_would_notice_a_template_that_is_wrong() -> None:
    template = as_cloudformation(plan_link(PLAIN))
    assert lint(template.replace('"AssumeRolePolicyDocument"', '"TrustPolicy"')) != []


# Against a server


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> Terminal:
    """The commands of this process see the terminal's files, with an administrator's profile of each account."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    return terminal


def isthmus(*arguments: str, statuses: tuple[int, ...] = (0,)) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code in statuses, result.output
    return result.stdout


def identities(account: Account) -> Any:
    """All users, groups, roles and policies of an account, without what no two of them have in common."""
    details = account.iam.get_account_authorization_details()
    state = {name: details[name] for name in details if name.endswith(("List", "Policies"))}
    text = json.dumps(state, default=str, sort_keys=True)
    text = re.sub(r'"(RoleId|PolicyId|CreateDate|UpdateDate|RoleLastUsed)": ("[^"]*"|\{[^{}]*\})', r'"\1": 0', text)
    return json.loads(text)


def words(stage: Stage, to: str) -> list[str]:
    bucket = stage.owner.new_bucket({"2026/a": b"a"})
    return [
        "link", f"s3://{bucket}/2026/", "--owner", "owner", "--with", "partner", "--to", f"{PARTNER}{to}",
        "--name", unique("code"), "--external-id", "agreed", "--expires", "2030-01-31", "--source-ip", "127.0.0.0/8",
    ]  # fmt: skip


@pytest.fixture(params=["account", "user", "group", "role"])
def grantee(request: pytest.FixtureRequest, stage: Stage) -> str:
    """Somebody of the other account, as --to has it."""
    if request.param == "account":
        return ""
    if request.param == "user":
        return f":user/{stage.partner.new_user().name}"
    if request.param == "role":
        arn = stage.partner.new_role({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {
            "AWS": PARTNER}, "Action": "sts:AssumeRole"}]})  # fmt: skip
        return f":role/{arn.rpartition('/')[2]}"
    name = unique("group")
    stage.partner.iam.create_group(GroupName=name)
    return f":group/{name}"


def test_the_script_makes_what_link_makes(grantee: str, stage: Stage, shell: Terminal) -> None:
    command = words(stage, grantee)
    name = command[command.index("--name") + 1]
    isthmus(*command, "--yes")
    made = identities(stage.owner), identities(stage.partner)
    isthmus("unlink", name, "--owner", "owner", "--with", "partner", "--yes")
    script = shell.home / "link.sh"
    script.write_text(isthmus(*command, "--as", "awscli"))
    assert (identities(stage.owner), identities(stage.partner)) != made
    done = subprocess.run(["sh", str(script)], env=shell.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (identities(stage.owner), identities(stage.partner)) == made
    listing = ("links", "--owner", "owner", "--with", "partner", "--output", "json")
    listed = json.loads(isthmus(*listing, statuses=(0, 1)))  # links of other tests may be broken
    assert [one["state"] for one in listed if one["name"] == name] == ["intact"]
    isthmus("unlink", name, "--owner", "owner", "--with", "partner", "--yes")


def test_what_is_written_out_has_the_documents_that_link_stores(grantee: str, stage: Stage, shell: Terminal) -> None:
    command = words(stage, grantee)
    name = command[command.index("--name") + 1]
    terraform, cloudformation = (isthmus(*command, "--as", form) for form in ("terraform", "cloudformation"))
    isthmus(*command, "--yes")
    role = f"isthmus-link-{name}"
    trust = stage.owner.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    permissions = stage.owner.iam.get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"]
    caller = stored_caller_policy(stage, grantee, role)
    bucket = command[1].removeprefix("s3://").partition("/")[0]
    plan = plan_link(replace(PLAIN, name=name, bucket=bucket, prefix="2026/", external_id="agreed",
                     to=Grantee.parse(f"{PARTNER}{grantee}"), networks=("127.0.0.0/8",), expires=ENDS))  # fmt: skip
    wanted = answers(Documents(trust, permissions, caller), plan)
    for documents in (of_terraform(terraform)[1], of_cloudformation(cloudformation)[1]):
        assert answers(documents, plan) == wanted
    isthmus("unlink", name, "--owner", "owner", "--with", "partner", "--yes")


def stored_caller_policy(stage: Stage, grantee: str, role: str) -> Json:
    iam = stage.partner.iam
    if not grantee:
        arn = f"arn:aws:iam::{PARTNER}:policy/{role}"
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found: Json = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return found
    kind, _, name = grantee.removeprefix(":").partition("/")
    member = {"user": "UserName", "group": "GroupName", "role": "RoleName"}[kind]
    stored: Json = getattr(iam, f"get_{kind}_policy")(**{member: name, "PolicyName": role})["PolicyDocument"]
    return stored


def test_reviewed_links_are_one_json_document(stage: Stage, shell: Terminal) -> None:
    bucket = stage.owner.new_bucket()
    entry = {"owner": "owner", "with": "partner", "to": PARTNER, "access": "read"}
    links = [{**entry, "name": unique("code"), "share": f"s3://{bucket}/{prefix}/"} for prefix in ("a", "b")]
    (shell.home / "links.yaml").write_text(json.dumps({"links": links}))  # JSON is YAML too
    several = json.loads(isthmus("link", "--from", str(shell.home / "links.yaml"), "--dry-run", "--output", "json"))
    assert [one["name"] for one in several] == [link["name"] for link in links]
    one = json.loads(isthmus(*words(stage, ""), "--dry-run", "--output", "json"))
    assert one["roleArn"].startswith(f"arn:aws:iam::{OWNER}:role/isthmus-link-")
