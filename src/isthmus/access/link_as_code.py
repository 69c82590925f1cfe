"""A link written out instead of applied: as AWS CLI commands, as Terraform, as CloudFormation.

Each makes what `link` makes, with the same names, tags and documents. Terraform uses two providers; CloudFormation's
one template is for both accounts, and makes in each what belongs there. A key's policy belongs to whoever manages the
key: all three can only replace it as a whole, so its statement is written out as a comment to add there.

Sources: Terraform AWS provider, `aws_iam_role`; CloudFormation User Guide, "Condition functions", `AWS::IAM::Role`.
"""

from __future__ import annotations

import json
import shlex
from typing import Literal

from .link_plan import SESSION_SECONDS, TAG_LINK, InvalidLink, Json, LinkPlan

Form = Literal["terraform", "cloudformation", "awscli"]
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}  # of HCL; it has no others but numbers
_MEMBERS = {"user": "UserName", "group": "GroupName", "role": "RoleName"}


def link_as(form: Form, plan: LinkPlan, owner_profile: str, other_profile: str) -> str:
    """The text of the link in that form. Profiles are named in commands and providers."""
    if form == "awscli":
        return as_commands(plan, owner_profile, other_profile)
    if form == "terraform":
        return as_terraform(plan, owner_profile, other_profile)
    return as_cloudformation(plan)


def as_commands(plan: LinkPlan, owner_profile: str, other_profile: str) -> str:
    """A shell script of `aws` commands."""
    tags = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in plan.tags.items())
    lines = [
        "#!/bin/sh",
        "set -e",
        f"# Account {plan.request.owner}, which owns {_one_line(plan.request.resource)}",
        _command(
            owner_profile,
            f"iam create-role --role-name {plan.role_name} --assume-role-policy-document",
            _quoted(plan.trust_policy),
            f"--description {shlex.quote(plan.description)} --max-session-duration {SESSION_SECONDS}",
            f"--tags {tags}",
        ),
        _command(
            owner_profile,
            f"iam put-role-policy --role-name {plan.role_name} --policy-name {plan.role_name} --policy-document",
            _quoted(plan.role_policy),
        ),
    ]
    if plan.key_statement is not None:
        lines += _key_comment(plan, "#")
    return "\n".join([*lines, *caller_commands(plan, other_profile)]) + "\n"


def caller_commands(plan: LinkPlan, profile: str | None) -> list[str]:
    """What the other account's administrator runs."""
    to = plan.request.to
    if to.kind == "account":
        command = _command(
            profile, f"iam create-policy --policy-name {plan.role_name} --policy-document",
            _quoted(plan.caller_policy), f"--tags Key={TAG_LINK},Value={plan.request.name}",
        )  # fmt: skip
        return [f"# Account {to.account}: a policy to attach to whom it may concern", command]
    command = _command(
        profile,
        f"iam put-{to.kind}-policy --{to.kind}-name {shlex.quote(to.short_name)} --policy-name {plan.role_name} "
        "--policy-document",
        _quoted(plan.caller_policy),
    )
    return [f"# Account {to.account}, {to.kind} {to.short_name}", command]


def as_terraform(plan: LinkPlan, owner_profile: str, other_profile: str) -> str:
    """HCL for Terraform and OpenTofu, with one aliased provider for each account."""
    to, name = plan.request.to, plan.role_name
    tags = "\n".join(f"    {json.dumps(key)} = {_string(value)}" for key, value in plan.tags.items())
    source = ["required_providers {", '  aws = { source = "hashicorp/aws" }', "}"]
    blocks = [
        _block("terraform", source),
        _block('provider "aws"', ['alias   = "owner"', f"profile = {_string(owner_profile)}"]),
        _block('provider "aws"', ['alias   = "other"', f"profile = {_string(other_profile)}"]),
        _resource(
            "aws_iam_role",
            "link",
            [
                "provider = aws.owner",
                f"name     = {_string(name)}",
                f"description = {_string(plan.description)}",
                f"max_session_duration = {SESSION_SECONDS}",
                f"assume_role_policy = {_document(plan.trust_policy)}",
                f"tags = {{\n{tags}\n  }}",
            ],
        ),
        _resource(
            "aws_iam_role_policy",
            "link",
            [
                "provider = aws.owner",
                f"name     = {_string(name)}",
                "role     = aws_iam_role.link.name",
                f"policy = {_document(plan.role_policy)}",
            ],
        ),
    ]
    if to.kind == "account":
        own = [f"tags = {{\n    {json.dumps(TAG_LINK)} = {_string(plan.request.name)}\n  }}"]
        kind = "aws_iam_policy"
    else:
        own = [f"{to.kind}    = {_string(to.short_name)}"]
        kind = f"aws_iam_{to.kind}_policy"
    lines = ["provider = aws.other", f"name     = {_string(name)}", *own, f"policy = {_document(plan.caller_policy)}"]
    blocks.append(_resource(kind, "caller", lines))
    if plan.key_statement is not None:
        blocks.append("\n".join(_key_comment(plan, "#")) + "\n")
    return "\n".join(blocks)


def as_cloudformation(plan: LinkPlan) -> str:
    """One template in JSON, to be deployed in both accounts: in each it makes what belongs there.

    Raises InvalidLink for a text that CloudFormation would replace, which no escape keeps it from (CloudFormation User
    Guide, "Get values stored in other services using dynamic references").
    """
    to, name = plan.request.to, plan.role_name
    role: Json = {
        "RoleName": name,
        "Description": plan.description,
        "MaxSessionDuration": SESSION_SECONDS,
        "AssumeRolePolicyDocument": plan.trust_policy,
        "Policies": [{"PolicyName": name, "PolicyDocument": plan.role_policy}],
        "Tags": [{"Key": key, "Value": value} for key, value in plan.tags.items()],
    }
    caller: Json = {"PolicyDocument": plan.caller_policy}
    if to.kind == "account":
        kind = "AWS::IAM::ManagedPolicy"
        caller |= {"ManagedPolicyName": name}
    else:
        kind = f"AWS::IAM::{to.kind.capitalize()}Policy"
        caller |= {_MEMBERS[to.kind]: to.short_name, "PolicyName": name}
    template: Json = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{plan.description}. Deploy it in account {plan.request.owner} and in account {to.account}.",
        "Conditions": {
            "InOwner": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, plan.request.owner]},
            "InOther": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, to.account]},
        },
        "Resources": {
            "LinkRole": {"Type": "AWS::IAM::Role", "Condition": "InOwner", "Properties": role},
            "LinkCaller": {"Type": kind, "Condition": "InOther", "Properties": caller},
        },
        "Outputs": {"RoleArn": {"Condition": "InOwner", "Value": {"Fn::GetAtt": ["LinkRole", "Arn"]}}},
    }
    if plan.key_statement is not None:
        template["Metadata"] = {"AddToPolicyOfKey": {plan.request.key_arn or "": plan.key_statement}}
    text = json.dumps(template, indent=2, ensure_ascii=False) + "\n"
    if "{{resolve:" in text:
        raise InvalidLink(
            "CloudFormation would replace the {{resolve:…}} in it by a value from elsewhere, and nothing keeps it from "
            "that: write the link out with --as terraform or awscli, or choose another prefix or external id"
        )
    return text


def _command(profile: str | None, *parts: str) -> str:
    return " ".join(["aws", *(["--profile", shlex.quote(profile)] if profile else []), *parts])


def _quoted(document: Json) -> str:
    return shlex.quote(json.dumps(document))


def _key_comment(plan: LinkPlan, mark: str) -> list[str]:
    text = json.dumps(plan.key_statement, indent=2).splitlines()
    return [
        f"{mark} Add to the policy of the key {_one_line(plan.request.key_arn or '')}:",
        *(f"{mark} {line}" for line in text),
    ]


def _one_line(text: str) -> str:
    """A text in a comment, which no line break in it may end."""
    return "".join(one if one.isprintable() else "_" for one in text)


def _block(head: str, lines: list[str]) -> str:
    return "\n".join([f"{head} {{", *(f"  {line}" for line in lines), "}", ""])


def _resource(kind: str, name: str, lines: list[str]) -> str:
    return _block(f'resource "{kind}" "{name}"', lines)


def _string(text: str) -> str:
    """A string of HCL, in which `${` and `%{` would begin a template. It has fewer escapes than JSON, no surrogates.

    Source: HCL Native Syntax Specification, "Template Expressions".
    """
    written = "".join(_ESCAPES.get(one) or (one if one.isprintable() else _by_number(one)) for one in text)
    return f'"{written}"'.replace("${", "$${").replace("%{", "%%{")


def _by_number(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"


def _document(document: Json) -> str:
    return f"jsonencode({_expression(document, 2)})"


def _expression(value: object, indent: int) -> str:
    """A JSON value as an expression of HCL."""
    space = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{space}{json.dumps(key)} = {_expression(item, indent + 2)}" for key, item in value.items()]
        return "\n".join(["{", *lines, " " * indent + "}"])
    if isinstance(value, list):
        return "[" + ", ".join(_expression(item, indent + 2) for item in value) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)
