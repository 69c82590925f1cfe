"""`isthmus can`: what it foretells from both accounts' policies is what the server then answers."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stage import OWNER, PARTNER, Someone, Stage, Terminal, allow, deny, keys_on, policy, statement, trust, unique
from typer.testing import CliRunner

from isthmus.access.account_state import control_client
from isthmus.access.profiles import Side
from isthmus.cli.commands import app


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)


def can(principal: str, action: str, resource: str, *more: str, profile: str = "partner", owner: str = "owner") -> Any:
    """Exit status and decision."""
    arguments = ["can", principal, action, resource, "--profile", profile, "--owner", owner, "--output", "json", *more]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, json.loads(result.output)


def refused(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
        return True
    return False


def reads(stage: Stage, who: Someone, bucket: str, key: str) -> bool:
    return not refused(lambda: stage.partner.client("s3", who).get_object(Bucket=bucket, Key=key))


@pytest.mark.parametrize("ours", [True, False], ids=["caller allowed", "caller silent"])
@pytest.mark.parametrize("theirs", [True, False], ids=["bucket allows", "bucket silent"])
def test_both_accounts_must_allow_a_read_across(ours: bool, theirs: bool, stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    who = stage.partner.new_user(*([allow("s3:GetObject", keys_on(bucket))] if ours else []))
    if theirs:
        grant = statement("Allow", "s3:GetObject", keys_on(bucket), Principal={"AWS": who.arn})
        stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant)))
    status, decision = can(who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a")
    assert (status == 0) is decision["allowed"] is reads(stage, who, bucket, "a") is (ours and theirs)
    wanted = ([] if ours else [PARTNER]) + ([] if theirs else [OWNER])
    assert sorted(change["account"] for change in decision.get("changes", {}).get("items", [])) == sorted(wanted)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:ResourceAccount", OWNER),
        ("s3:ResourceAccount", OWNER),
        ("s3:authType", "REST-HEADER"),
        ("s3:signatureversion", "AWS4-HMAC-SHA256"),
    ],
)
@pytest.mark.parametrize("as_it_is", [True, False], ids=["as it is", "another"])
def test_what_every_request_has_is_foretold_too(key: str, value: str, as_it_is: bool, stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    denied = deny("s3:GetObject", "*", Condition={"StringNotEquals": {key: value if as_it_is else "another"}})
    who = stage.partner.new_user(allow("s3:GetObject", keys_on(bucket)), denied)
    grant = statement("Allow", "s3:GetObject", keys_on(bucket), Principal={"AWS": who.arn})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant)))
    status, _ = can(who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a")
    assert (status == 0) is reads(stage, who, bucket, "a") is as_it_is


@pytest.mark.parametrize(("region", "expected"), [("eu-west-1", True), ("us-east-1", False)])
def test_a_bucket_is_asked_in_its_own_region_not_in_its_owner_s(region: str, expected: bool, stage: Stage) -> None:
    bucket = stage.owner.new_bucket(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    who = stage.owner.new_user(allow("s3:GetObject", keys_on(bucket), Condition=here))
    status, _ = can(who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a", profile="owner")
    assert (status == 0) is expected


ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
UNKNOWN_KEYS: list[tuple[str, str, Any, str]] = [
    ("allowed in an organization", "Allow", ORGANIZATION, "--organization tells"),
    ("denied out of an organization", "Deny", {"StringNotEquals": ORGANIZATION["StringEquals"]}, "--organization"),
    ("allowed in an organization's unit", "Allow", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}},
     "aws:PrincipalOrgPaths"),
    ("allowed for an organization's own", "Allow", {"StringEquals": {"aws:ResourceOrgID": "o-a"}}, "aws:ResourceOrgID"),
    ("allowed from an address", "Allow", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "say it with --context"),
]  # fmt: skip


@pytest.mark.parametrize(("effect", "condition", "said"), [row[1:] for row in UNKNOWN_KEYS],
                         ids=[row[0] for row in UNKNOWN_KEYS])  # fmt: skip
def test_what_hangs_on_a_key_that_nobody_told_is_not_known(
    effect: str, condition: Any, said: str, stage: Stage
) -> None:
    bucket = stage.owner.new_bucket()
    may, may_not = stage.partner.new_user(allow("s3:*", keys_on(bucket))), stage.partner.new_user()
    people = {"AWS": [may.arn, may_not.arn]}
    grants = [statement(effect, "s3:GetObject", keys_on(bucket), Principal=people, Condition=condition)]
    if effect == "Deny":
        grants.append(statement("Allow", "s3:GetObject", keys_on(bucket), Principal=people))
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(*grants)))
    question = (may.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a", "--profile", "partner", "--owner", "owner")
    (key,) = next(iter(condition.values()))
    for command, status in (("can", 2), ("explain", 0)):
        result = CliRunner().invoke(app, [command, *question])
        assert result.exit_code == status, result.output
        assert "not known" in result.output
        assert said in result.output
        told = json.loads(CliRunner().invoke(app, [command, *question, "--output", "json"]).output)
        assert (told["outcome"], told["dependsOn"]) == ("unknown", [key])

    # Whom the own account allows nothing is refused whatever the key is; so is who is known not to have it.
    assert can(may_not.arn, *question[1:3])[0] == 1
    value = {"aws:SourceIp": "192.0.2.1"}.get(key, "o-another/r-a/")
    assert can(may.arn, *question[1:3], "--context", f"{key}={value}")[0] == 1
    value = {"aws:SourceIp": "203.0.113.1", "aws:PrincipalOrgID": "o-exampleorgid"}.get(key, "o-a")
    value += "/r-a/" if key == "aws:PrincipalOrgPaths" else ""
    assert can(may.arn, *question[1:3], "--context", f"{key}={value}")[0] == 0


@pytest.mark.parametrize("restricts", [True, False])
def test_block_public_access_of_the_whole_account_has_its_say(restricts: bool, stage: Stage) -> None:
    account = stage.partner  # whose buckets no other test of this file opens
    bucket = account.new_bucket({"a": b"a"})
    account.s3.delete_public_access_block(Bucket=bucket)
    grant = statement("Allow", "s3:GetObject", keys_on(bucket), Principal="*")
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant)))
    who = stage.owner.new_user(allow("s3:GetObject", keys_on(bucket)))
    control = control_client(Side("partner"))
    control.put_public_access_block(
        AccountId=PARTNER, PublicAccessBlockConfiguration={"RestrictPublicBuckets": restricts}
    )
    try:
        status, _ = can(who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a", profile="owner", owner="partner")
        answered = refused(lambda: stage.owner.client("s3", who).get_object(Bucket=bucket, Key="a"))
    finally:
        control.delete_public_access_block(AccountId=PARTNER)
    assert (status == 1) is answered is restricts


def test_a_role_is_taken_if_its_trust_policy_and_the_caller_s_account_allow_it(stage: Stage) -> None:
    role = stage.owner.new_role(trust(PARTNER, StringEquals={"sts:ExternalId": "agreed"}))
    may, may_not = stage.partner.new_user(allow("sts:AssumeRole", role)), stage.partner.new_user()
    for who, external, expected in (
        (may, "agreed", True), (may, "guessed", False), (may, None, False), (may_not, "agreed", False),
    ):  # fmt: skip
        context = () if external is None else ("--context", f"sts:ExternalId={external}")
        status, _ = can(who.arn, "sts:AssumeRole", role, *context)
        more = {} if external is None else {"ExternalId": external}
        sts = stage.partner.client("sts", who)
        taken = not refused(lambda: sts.assume_role(RoleArn=role, RoleSessionName="session", **more))  # noqa: B023
        assert (status == 0) is taken is expected


def test_a_role_s_session_has_the_role_s_permissions_and_groups_give_theirs(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"in/a": b"a", "out/a": b"a"})
    name = unique("reader")
    stage.owner.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(OWNER)))
    stage.owner.iam.put_role_policy(
        RoleName=name, PolicyName="in", PolicyDocument=json.dumps(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*"))
    )
    session = stage.owner.session_of(f"arn:aws:iam::{OWNER}:role/{name}")
    group = unique("readers")
    member = stage.owner.new_user(deny("s3:GetObject", f"arn:aws:s3:::{bucket}/out/*"))
    stage.owner.iam.create_group(GroupName=group)
    stage.owner.iam.put_group_policy(
        GroupName=group, PolicyName="all", PolicyDocument=json.dumps(allow("s3:*", keys_on(bucket)))
    )
    stage.owner.iam.add_user_to_group(GroupName=group, UserName=member.name)
    for who in (session, member):
        for key, expected in (("in/a", True), ("out/a", False)):
            status, _ = can(who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", profile="owner")
            assert (status == 0) is reads(stage, who, bucket, key) is expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alice", "s3:GetObject", "*"), "is no principal"),
        ((f"arn:aws:iam::{OWNER}:user/admin", "s3:GetObject", "*"), "is of account"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "GetObject", "*"), "is no action"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "s3:*", "*"), "one at a time"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "s3:GetObject", "s3://reports/a b"), "say arn:aws:s3:::reports/a b"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "s3:GetObject", "reports"), "is no ARN"),
        ((f"arn:aws:iam::{PARTNER}:user/nobody", "s3:GetObject", "*"), "has no"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "s3:GetObject", "*", "--context", "x"), "must be KEY=VALUE"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "sts:AssumeRole", f"arn:aws:iam::{OWNER}:role/nobody"), "has no"),
        ((f"arn:aws:iam::{PARTNER}:user/admin", "s3:GetObject", "*", "--owner", "nobody"), "no AWS profile 'nobody'"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_change(arguments: tuple[str, ...], said: str) -> None:
    owner = () if "--owner" in arguments else ("--owner", "owner")
    result = CliRunner().invoke(app, ["can", *arguments, "--profile", "partner", *owner])
    assert result.exit_code == 2
    assert said in result.output


def test_people_are_told_the_layers_and_what_would_help(stage: Stage) -> None:
    bucket = stage.owner.new_bucket()
    who = stage.partner.new_user()
    command = ["can", who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/a", "--profile", "partner", "--owner", "owner"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    for part in ("denied", "identity-based policy", "resource-based policy", f"in account {OWNER}", PARTNER):
        assert part in result.output


def test_a_key_s_own_policy_decides_who_may_use_it(stage: Stage) -> None:
    kms = stage.owner.client("kms", stage.owner.admin)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    who = stage.partner.new_user(allow("kms:Decrypt", key))
    for expected in (False, True):
        status, _ = can(who.arn, "kms:Decrypt", key)
        opened = not refused(lambda: stage.partner.client("kms", who).decrypt(CiphertextBlob=sealed, KeyId=key))
        assert (status == 0) is opened is expected
        document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        document["Statement"].append(statement("Allow", "kms:Decrypt", "*", Principal={"AWS": who.arn}))
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
