"""The cross-account tutorial: a role for another account, the permission to assume it, and its use.

Source: IAM User Guide, "Delegate access across AWS accounts using IAM roles". Two clients (AWS CLI, boto3) times five
ways to come: a user, a user through a group, a role (chaining), with MFA, with an external id. Before the one step
that opens the door it is shut.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stage import (
    OWNER,
    PARTNER,
    READ_ONLY,
    SOURCE,
    Account,
    Document,
    Keys,
    Stage,
    Terminal,
    allow,
    contents,
    trust,
    unique,
)

WAYS = ("user", "group", "role", "mfa", "external id")
EXTERNAL_ID = "partner/2026:a"
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
WITH_EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}


def _trusted(way: str) -> Document:
    conditions = {"mfa": WITH_MFA, "external id": WITH_EXTERNAL_ID}
    return trust(f"arn:aws:iam::{PARTNER}:root", **conditions.get(way, {}))


def _refused(caller: str, role: str) -> str:
    """AWS's text when AssumeRole is refused across accounts: no reason is given."""
    return f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"


@pytest.fixture
def files(stage: Stage) -> tuple[str, dict[str, bytes]]:
    """A bucket of the owner with a folder of real files in it, empty and odd ones too."""
    objects = {f"policy/{path.name}": path.read_bytes() for path in (SOURCE / "policy").glob("*.py")}
    objects |= {"empty": b"", "a folder/ümlaut & plus+.txt": bytes(range(256)) * 700}
    return stage.owner.new_bucket(objects), objects


# With the AWS CLI


@dataclass(slots=True)
class _Profiles:
    """What the caller's profile needs for a way, and how the administrator lets that caller in."""

    caller: str
    settings: dict[str, str]
    let_in: Callable[[], object]
    extra: dict[str, str] = field(default_factory=dict)  # what goes into `shared` only when it is right


def _profiles(way: str, stage: Stage, terminal: Terminal, role: str) -> _Profiles:
    iam = stage.partner.iam
    assume = terminal.file("assume.json", allow("sts:AssumeRole", role))
    someone = stage.mfa_users["mfa-cli"] if way == "mfa" else stage.partner.new_user()
    terminal.add_profile("partner", stage.partner.admin.keys)
    terminal.add_profile("me", someone.keys)
    document = ("--policy-name", "assume", "--policy-document", f"file://{assume}")

    def for_user() -> object:
        return terminal.must("partner", "iam", "put-user-policy", "--user-name", someone.name, *document)

    if way == "group":
        group = unique("group")
        iam.create_group(GroupName=group)
        iam.put_group_policy(
            GroupName=group, PolicyName="assume", PolicyDocument=json.dumps(allow("sts:AssumeRole", role))
        )

        def join() -> object:
            return terminal.must(
                "partner", "iam", "add-user-to-group", "--group-name", group, "--user-name", someone.name
            )

        return _Profiles(someone.arn, {"source_profile": "me"}, join)
    if way == "role":
        first = stage.partner.new_role(trust(someone.arn))
        name = first.rpartition("/")[2]
        terminal.add_profile("first", role_arn=first, source_profile="me", role_session_name="first")

        def for_role() -> object:
            return terminal.must("partner", "iam", "put-role-policy", "--role-name", name, *document)

        caller = f"arn:aws:sts::{PARTNER}:assumed-role/{name}/first"
        return _Profiles(caller, {"source_profile": "first"}, for_role)
    if way == "mfa":
        for_user()
        serial = {"mfa_serial": stage.mfa_serial(someone.name)}
        return _Profiles(someone.arn, {"source_profile": "me"}, lambda: None, serial)
    if way == "external id":
        for_user()
        return _Profiles(someone.arn, {"source_profile": "me"}, lambda: None, {"external_id": EXTERNAL_ID})
    return _Profiles(someone.arn, {"source_profile": "me"}, for_user)


@pytest.mark.parametrize("way", WAYS)
def test_the_tutorial_works_with_the_aws_cli(
    way: str, stage: Stage, terminal: Terminal, files: tuple[str, dict[str, bytes]]
) -> None:
    bucket, objects = files
    name = unique("Reader")
    role = f"arn:aws:iam::{OWNER}:role/{name}"
    terminal.add_profile("owner", stage.owner.admin.keys)

    trusted = f"file://{terminal.file('trust.json', _trusted(way))}"
    create = ("iam", "create-role", "--role-name", name, "--assume-role-policy-document", trusted)
    assert terminal.must("owner", *create, "--query", "Role.Arn", "--output", "text") == role
    terminal.must("owner", "iam", "attach-role-policy", "--role-name", name, "--policy-arn", READ_ONLY)

    profiles = _profiles(way, stage, terminal, role)
    wrong = {"external_id": "partner/2026:b"} if way == "external id" else {}
    terminal.add_profile("shut", role_arn=role, **profiles.settings, **wrong)
    terminal.add_profile("shared", role_arn=role, role_session_name="shared", **profiles.settings, **profiles.extra)

    refused = terminal.aws("shut", "s3", "ls", f"s3://{bucket}/")
    assert refused.status != 0
    assert refused.output.endswith(
        f"An error occurred (AccessDenied) when calling the AssumeRole operation: {_refused(profiles.caller, role)}"
    )
    profiles.let_in()

    code = stage.codes["mfa-cli"].next() if way == "mfa" else None
    listed = terminal.must("shared", "s3", "ls", f"s3://{bucket}/", code=code)
    assert [line.split()[-1] for line in listed.splitlines()[-3:]] == ["folder/", "policy/", "empty"]
    one = terminal.home / "one.txt"
    terminal.must("shared", "s3", "cp", f"s3://{bucket}/a folder/ümlaut & plus+.txt", str(one))
    assert one.read_bytes() == objects["a folder/ümlaut & plus+.txt"]
    terminal.must("shared", "s3", "sync", f"s3://{bucket}", str(terminal.home / "copy"), "--no-progress")
    assert contents(terminal.home / "copy") == objects

    written = terminal.aws("shared", "s3", "cp", str(one), f"s3://{bucket}/new.txt")
    assert written.status == 1
    session = f"arn:aws:sts::{OWNER}:assumed-role/{name}/shared"
    assert written.output.endswith(
        f"An error occurred (AccessDenied) when calling the PutObject operation: User: {session} is not authorized to"
        f' perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/new.txt" because no identity-based policy allows'
        " the s3:PutObject action"
    )
    assert _keys(stage.owner, bucket) == sorted(objects)


# With boto3


def _assume(sts: Any, role: str, **more: str) -> Keys:
    return Keys.of(sts.assume_role(RoleArn=role, RoleSessionName="shared", **more))


@pytest.mark.parametrize("way", WAYS)
def test_the_tutorial_works_with_boto3(
    way: str, stage: Stage, tmp_path: Path, files: tuple[str, dict[str, bytes]]
) -> None:
    bucket, objects = files
    owner, partner = stage.owner, stage.partner
    role = owner.new_role(_trusted(way), managed=[READ_ONLY])
    name = role.rpartition("/")[2]
    someone = stage.mfa_users["mfa-boto3"] if way == "mfa" else partner.new_user()
    document = json.dumps(allow("sts:AssumeRole", role))
    sts, caller = partner.client("sts", someone), someone.arn
    given: dict[str, str] = {}
    wrong: dict[str, str] = {}

    def let_in() -> None:
        partner.iam.put_user_policy(UserName=someone.name, PolicyName="assume", PolicyDocument=document)

    if way == "group":
        group = unique("group")
        partner.iam.create_group(GroupName=group)
        partner.iam.put_group_policy(GroupName=group, PolicyName="assume", PolicyDocument=document)

        def let_in() -> None:
            partner.iam.add_user_to_group(GroupName=group, UserName=someone.name)

    elif way == "role":
        first = partner.new_role(trust(someone.arn))
        session = partner.session_of(first, sts)
        sts, caller = partner.client("sts", session), session.arn

        def let_in() -> None:
            partner.iam.put_role_policy(RoleName=session.name, PolicyName="assume", PolicyDocument=document)

    elif way == "mfa":
        let_in()
        given = {"SerialNumber": stage.mfa_serial(someone.name), "TokenCode": stage.codes[someone.name].next()}
    elif way == "external id":
        let_in()
        given, wrong = {"ExternalId": EXTERNAL_ID}, {"ExternalId": "partner/2026:b"}

    with pytest.raises(ClientError) as refused:
        _assume(sts, role, **wrong)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["Error"]["Message"] == _refused(caller, role)
    let_in()

    keys = _assume(sts, role, **given)
    who = owner.client("sts", keys).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (OWNER, f"arn:aws:sts::{OWNER}:assumed-role/{name}/shared")
    s3 = owner.client("s3", keys)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(objects)
    assert {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in objects} == objects
    target = tmp_path / "one"
    s3.download_file(bucket, "a folder/ümlaut & plus+.txt", str(target))
    assert target.read_bytes() == objects["a folder/ümlaut & plus+.txt"]

    with pytest.raises(ClientError) as written:
        s3.put_object(Bucket=bucket, Key="new.txt", Body=b"x")
    assert written.value.response["Error"]["Message"] == (
        f"User: arn:aws:sts::{OWNER}:assumed-role/{name}/shared is not authorized to perform: s3:PutObject on resource:"
        f' "arn:aws:s3:::{bucket}/new.txt" because no identity-based policy allows the s3:PutObject action'
    )
    assert _keys(owner, bucket) == sorted(objects)
    # Whoever came through the role is still nobody to the bucket without it.
    with pytest.raises(ClientError) as direct:
        partner.client("s3", someone).list_objects_v2(Bucket=bucket)
    assert direct.value.response["Error"]["Message"] == "Access Denied"


def _keys(account: Account, bucket: str) -> list[str]:
    return [entry["Key"] for entry in account.s3.list_objects_v2(Bucket=bucket)["Contents"]]
