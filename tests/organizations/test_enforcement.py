"""What an organization's policies do to requests: each allow beside its deny."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders import START, World, allow, deny, policy, statement, story, trusts
from isthmus.identity.authenticated import PrincipalGone, long_term
from isthmus.identity.records import Session
from isthmus.operation import call_as_service
from isthmus.policy import Principal, PrincipalKind
from isthmus.wire import AwsError
from organization_builders import DATA, MANAGEMENT, OUTSIDER, RCP, SANDBOX, SCP, Company, company, company_story

FULL = "p-FullAWSAccess"


async def bucket(company: Company, account: str, name: str, *statements: dict[str, Any]) -> None:
    """A bucket with an object `key`, and a policy of these statements."""
    await company.world.call(account, "s3", "CreateBucket", Bucket=name)
    await write(company, account, name)
    if statements:
        await company.world.call(
            account, "s3", "PutPublicAccessBlock", Bucket=name,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
            ),
        )  # fmt: skip
        document = json.dumps(policy(*statements))
        await company.world.call(account, "s3", "PutBucketPolicy", Bucket=name, Policy=document)


async def write(company: Company, who: Any, name: str, key: str = "key") -> None:
    await company.world.call(who, "s3", "PutObject", Bucket=name, Key=key)


async def read(company: Company, who: Any, name: str) -> None:
    await company.world.call(who, "s3", "GetObject", Bucket=name, Key="key")


async def cannot_read(company: Company, who: Any, name: str) -> AwsError:
    error = await company.world.refused(who, "s3", "GetObject", Bucket=name, Key="key")
    assert error.code == "AccessDenied"
    return error


def readable(name: str, principal: Any = "*", **condition: Any) -> dict[str, Any]:
    """A statement by which others may read the bucket."""
    extra = {"Condition": condition} if condition else {}
    return statement("Allow", "s3:GetObject", f"arn:aws:s3:::{name}/*", Principal=principal, **extra)


# Service control policies


@pytest.mark.parametrize("level", ["root", "workloads", "production", "account"])
def test_a_deny_at_any_level_binds_the_root_user_and_the_users_of_a_member(level: str, tmp_path: Any) -> None:
    async def tell(world: World) -> None:
        made = await company(world)
        target = DATA if level == "account" else getattr(made, level)
        alice = await world.user(DATA, "alice", allow("*"))
        await bucket(made, DATA, "reports")
        for who in (DATA, alice):
            await read(made, who, "reports")
        denying = await made.attach(deny("s3:GetObject"), target)
        for who in (DATA, alice):
            error = await cannot_read(made, who, "reports")
            arn = f"arn:aws:organizations::{MANAGEMENT}:policy/{made.id}/service_control_policy/{denying}"
            assert error.message.endswith(f"with an explicit deny in a service control policy: {arn}")
        await write(made, DATA, "reports", "other")  # what is not denied
        await made.do("DetachPolicy", PolicyId=denying, TargetId=target)
        for who in (DATA, alice):
            await read(made, who, "reports")

    story(tell)(tmp_path)


@pytest.mark.parametrize("level", ["root", "workloads", "production", "account"])
def test_every_level_must_allow(level: str, tmp_path: Any) -> None:
    async def tell(world: World) -> None:
        made = await company(world)
        target = DATA if level == "account" else getattr(made, level)
        await bucket(made, DATA, "reports")
        listed = await made.only(allow("s3:Get*"), target)
        await read(made, DATA, "reports")
        error = await world.refused(DATA, "s3", "PutObject", Bucket="reports", Key="other")
        assert error.message.endswith("because no service control policy allows the s3:PutObject action")
        await made.do("AttachPolicy", PolicyId=FULL, TargetId=target)
        await made.do("DetachPolicy", PolicyId=listed, TargetId=target)
        await write(made, DATA, "reports", "other")

    story(tell)(tmp_path)


@company_story
async def test_the_policies_of_one_level_allow_together(company: Company) -> None:
    await bucket(company, DATA, "reports")
    await company.only(allow("s3:Get*"), DATA)
    await read(company, DATA, "reports")
    await company.world.refused(DATA, "s3", "PutObject", Bucket="reports", Key="other")
    await company.attach(allow("s3:Put*"), DATA)
    await read(company, DATA, "reports")
    await write(company, DATA, "reports", "other")


@company_story
async def test_a_service_control_policy_grants_nothing(company: Company) -> None:
    nobody = await company.world.user(DATA, "nobody")
    somebody = await company.world.user(DATA, "somebody", allow("s3:*"))
    await bucket(company, DATA, "reports")
    await company.attach(allow("s3:*"), DATA)
    await read(company, somebody, "reports")
    error = await cannot_read(company, nobody, "reports")
    assert error.message.endswith("because no identity-based policy allows the s3:GetObject action")


@company_story
async def test_the_management_account_is_not_limited(company: Company) -> None:
    await bucket(company, MANAGEMENT, "ours")
    await bucket(company, SANDBOX, "theirs")
    for target in (company.root, MANAGEMENT):
        await company.attach(deny("s3:GetObject", Sid=f"at{len(target)}"), target)
    await read(company, MANAGEMENT, "ours")
    await cannot_read(company, SANDBOX, "theirs")


@company_story
async def test_a_policy_binds_where_it_is_attached_and_below_and_nowhere_else(company: Company) -> None:
    for account, name in ((DATA, "reports"), (SANDBOX, "sandbox")):
        await bucket(company, account, name)
    await company.attach(deny("s3:GetObject"), company.workloads)
    await read(company, SANDBOX, "sandbox")
    await cannot_read(company, DATA, "reports")
    await company.do("MoveAccount", AccountId=DATA, SourceParentId=company.production, DestinationParentId=company.root)
    await read(company, DATA, "reports")


@company_story
async def test_the_callers_account_counts_and_not_the_resources(company: Company) -> None:
    await bucket(company, DATA, "reports", readable("reports"))
    await company.attach(deny("s3:GetObject"), DATA)
    await read(company, SANDBOX, "reports")
    await read(company, OUTSIDER, "reports")
    await cannot_read(company, DATA, "reports")


@company_story
async def test_sessions_are_limited_like_their_account(company: Company) -> None:
    world = company.world
    alice = await world.user(SANDBOX, "alice", allow("sts:*"))
    role = await world.role(DATA, "reader", allow("s3:*"), trust=trusts(alice.arn))
    await bucket(company, DATA, "reports")
    session = await world.call(alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    # The account that the session came from has no say any more; the role's has.
    await company.attach(deny("s3:GetObject", Sid="here"), SANDBOX)
    await read(company, session, "reports")
    await company.attach(deny("s3:GetObject", Sid="there"), company.production)
    await cannot_read(company, session, "reports")


@company_story
async def test_service_linked_roles_are_not_limited(company: Company) -> None:
    world = company.world
    linked = "aws-service-role/replication.dynamodb.amazonaws.com"
    for path in ("/", f"/{linked}/"):
        trust = trusts({"Service": "replication.dynamodb.amazonaws.com"})
        role = await world.role(DATA, "free" if path != "/" else "bound", allow("s3:*"), trust=trust, path=path)
        assert role.path == path
    await bucket(company, DATA, "reports")
    await company.attach(deny("s3:GetObject"), DATA)
    for name, allowed in (("free", True), ("bound", False)):
        session = await _session_of(company, name)
        if allowed:
            await read(company, session, "reports")
        else:
            await cannot_read(company, session, "reports")


async def _session_of(company: Company, name: str) -> dict[str, Any]:
    """Credentials of a role that only a service may assume."""
    role = await company.world.directory.role(DATA, name)
    assert role is not None
    arn = f"arn:aws:sts::{DATA}:assumed-role/{name}/s"
    principal = Principal(PrincipalKind.ROLE_SESSION, DATA, arn, role.arn, role.id, "s")
    session = Session(f"ASIA{name}", "AssumeRole", principal, START, START + 900)
    return {"Credentials": {"SessionToken": company.world.vault.session_token(session)}}


@company_story
async def test_conditions_of_a_service_control_policy_are_read(company: Company) -> None:
    await bucket(company, DATA, "reports")
    alice = await company.world.user(DATA, "alice", allow("*"))
    await company.attach(
        deny("s3:GetObject", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}), company.root
    )
    await read(company, alice, "reports")
    await cannot_read(company, DATA, "reports")


@company_story
async def test_get_caller_identity_and_get_session_token_cannot_be_taken_away_and_the_rest_can(
    company: Company,
) -> None:
    alice = await company.world.user(DATA, "alice")
    await company.world.call(alice, "sts", "GetSessionToken")
    await company.attach(deny("sts:*"), DATA)
    await company.world.call(alice, "sts", "GetCallerIdentity")
    await company.world.call(alice, "sts", "GetSessionToken")
    error = await company.world.refused(alice, "sts", "GetAccessKeyInfo", AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert "explicit deny in a service control policy" in error.message


@company_story
async def test_disabling_the_type_lifts_every_limit_and_enabling_it_brings_none_back(company: Company) -> None:
    await bucket(company, DATA, "reports")
    await company.attach(deny("s3:GetObject"), DATA)
    await cannot_read(company, DATA, "reports")
    await company.do("DisablePolicyType", RootId=company.root, PolicyType=SCP)
    await read(company, DATA, "reports")
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=SCP)
    await read(company, DATA, "reports")
    await company.attach(deny("s3:GetObject", Sid="again"), DATA)
    await cannot_read(company, DATA, "reports")


@company_story
async def test_whoever_leaves_is_free(company: Company) -> None:
    await bucket(company, DATA, "reports")
    await company.attach(deny("s3:GetObject"), company.root)
    await cannot_read(company, DATA, "reports")
    await company.do("RemoveAccountFromOrganization", AccountId=DATA)
    await read(company, DATA, "reports")


# Resource control policies


async def closed_to_outsiders(company: Company, target: str) -> str:
    """A resource control policy by which only the organization, and AWS's services, reach S3."""
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    document = policy(
        statement(
            "Deny", "s3:*", "*", Principal="*",
            Condition={
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": company.id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        )
    )  # fmt: skip
    return await company.attach(document, target, RCP)


@pytest.mark.parametrize("level", ["root", "workloads", "production", "account"])
def test_a_resource_control_policy_shuts_out_strangers_and_anonymous_callers(level: str, tmp_path: Any) -> None:
    async def tell(world: World) -> None:
        made = await company(world)
        target = DATA if level == "account" else getattr(made, level)
        await bucket(made, DATA, "reports", readable("reports"))
        for who in (OUTSIDER, None, SANDBOX, MANAGEMENT):
            await read(made, who, "reports")
        closing = await closed_to_outsiders(made, target)
        for who in (SANDBOX, MANAGEMENT, DATA):
            await read(made, who, "reports")
        for who in (OUTSIDER, None):
            error = await cannot_read(made, who, "reports")
            assert closing not in error.message
        await made.do("DetachPolicy", PolicyId=closing, TargetId=target)
        await read(made, OUTSIDER, "reports")

    story(tell)(tmp_path)


@company_story
async def test_inside_the_organization_the_denying_policy_is_named(company: Company) -> None:
    await bucket(company, DATA, "reports", readable("reports"))
    await read(company, SANDBOX, "reports")
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    denying = await company.attach(deny("s3:GetObject", Principal="*"), DATA, RCP)
    arn = f"arn:aws:organizations::{MANAGEMENT}:policy/{company.id}/resource_control_policy/{denying}"
    for who in (SANDBOX, DATA):
        decision: Any = await cannot_read(company, who, "reports")
        assert decision.decision.s3_message.endswith(f"with an explicit deny in a resource control policy: {arn}")
    outside: Any = await cannot_read(company, OUTSIDER, "reports")
    assert outside.decision.s3_message == "Access Denied"


@company_story
async def test_resources_of_the_management_account_are_not_covered(company: Company) -> None:
    await bucket(company, MANAGEMENT, "ours", readable("ours"))
    await bucket(company, DATA, "reports", readable("reports"))
    await closed_to_outsiders(company, company.root)
    await read(company, OUTSIDER, "ours")
    await cannot_read(company, OUTSIDER, "reports")


@company_story
async def test_a_role_is_assumed_under_the_resource_control_policies_of_its_account(company: Company) -> None:
    world = company.world
    insider = await world.user(SANDBOX, "insider", allow("sts:AssumeRole"))
    outsider = await world.user(OUTSIDER, "outsider", allow("sts:AssumeRole"))
    trust = policy({
        "Effect": "Allow", "Principal": {"AWS": [insider.arn, outsider.arn]}, "Action": "sts:AssumeRole",
    })  # fmt: skip
    role = await world.role(DATA, "reader", trust=trust)
    for who in (insider, outsider):
        await world.call(who, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    condition = {"StringNotEquals": {"aws:PrincipalOrgID": company.id}}
    await company.attach(deny("sts:AssumeRole", Principal="*", Condition=condition), company.production, RCP)
    await world.call(insider, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    error = await world.refused(outsider, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    assert error.code == "AccessDenied"


@company_story
async def test_a_role_is_assumed_under_the_service_control_policies_of_the_callers_account(company: Company) -> None:
    world = company.world
    alice = await world.user(SANDBOX, "alice", allow("sts:AssumeRole"))
    role = await world.role(DATA, "reader", trust=trusts(alice.arn))
    await company.attach(deny("sts:AssumeRole", Sid="theirs"), DATA)
    await world.call(alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    await company.attach(deny("sts:AssumeRole", Sid="ours"), SANDBOX)
    error = await world.refused(alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    assert "explicit deny in a service control policy" in error.message


@company_story
async def test_iam_is_not_covered(company: Company) -> None:
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    await company.attach(deny("s3:*", Principal="*"), DATA, RCP)
    await company.world.call(DATA, "iam", "ListUsers")
    await company.world.refused(DATA, "s3", "CreateBucket", Bucket="reports")


# Condition keys


@company_story
async def test_principal_org_id_opens_a_bucket_to_members_and_nobody_else(company: Company) -> None:
    await bucket(
        company, DATA, "reports", readable("reports", StringEquals={"aws:PrincipalOrgID": company.id}),
    )  # fmt: skip
    for who in (SANDBOX, MANAGEMENT):
        await read(company, who, "reports")
    for who in (OUTSIDER, None):
        await cannot_read(company, who, "reports")
    await company.do("RemoveAccountFromOrganization", AccountId=SANDBOX)
    await cannot_read(company, SANDBOX, "reports")


@company_story
async def test_principal_org_paths_say_the_unit(company: Company) -> None:
    def under(*units: str) -> dict[str, Any]:
        path = "/".join((company.id, company.root, *units, "*"))
        return {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [path]}}

    await bucket(company, SANDBOX, "all", readable("all", **under()))
    await bucket(company, SANDBOX, "workloads", readable("workloads", **under(company.workloads)))
    for name in ("all", "workloads"):
        await read(company, DATA, name)
    await read(company, MANAGEMENT, "all")
    await cannot_read(company, MANAGEMENT, "workloads")
    await cannot_read(company, OUTSIDER, "all")


@company_story
async def test_resource_org_id_keeps_a_user_inside(company: Company) -> None:
    world = company.world
    inside = {"StringEquals": {"aws:ResourceOrgID": company.id}}
    alice = await world.user(DATA, "alice", allow("s3:GetObject", Condition=inside))
    await bucket(company, SANDBOX, "inside", readable("inside"))
    await bucket(company, OUTSIDER, "outside", readable("outside"))
    await read(company, alice, "inside")
    await cannot_read(company, alice, "outside")


@company_story
async def test_resource_org_paths_say_the_unit(company: Company) -> None:
    path = f"{company.id}/{company.root}/{company.workloads}/*"
    condition = {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": [path]}}
    alice = await company.world.user(SANDBOX, "alice", allow("s3:GetObject", Condition=condition))
    await bucket(company, DATA, "reports", readable("reports"))
    await bucket(company, MANAGEMENT, "ours", readable("ours"))
    await read(company, alice, "reports")
    await cannot_read(company, alice, "ours")


@company_story
async def test_a_service_acts_for_the_organization_of_its_source_and_belongs_to_none(company: Company) -> None:
    service = "logging.s3.amazonaws.com"

    async def put(name: str, source: str) -> None:
        company.world.directory.refresh()
        await call_as_service(
            company.world.system, service, ("s3", "PutObject"), {"Bucket": name, "Key": "log"},
            source_account=source, source_arn="arn:aws:s3:::source",
        )  # fmt: skip

    for name, condition in (
        ("by-source", {"StringEquals": {"aws:SourceOrgID": company.id}}),
        ("by-path", {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": f"{company.id}/{company.root}/*"}}),
        ("by-principal", {"StringEquals": {"aws:PrincipalOrgID": company.id}}),
    ):
        opening = statement(
            "Allow", "s3:PutObject", f"arn:aws:s3:::{name}/*", Principal={"Service": service}, Condition=condition
        )
        await bucket(company, DATA, name, opening)
    for name in ("by-source", "by-path"):
        await put(name, SANDBOX)
        with pytest.raises(AwsError, match="AccessDenied"):
            await put(name, OUTSIDER)
    with pytest.raises(AwsError, match="AccessDenied"):
        await put("by-principal", SANDBOX)
    # Closed to outsiders, the bucket stays open to services, whoever they act for; unless it asks for whom.
    await closed_to_outsiders(company, company.root)
    await put("by-source", SANDBOX)


# Closed accounts


@company_story
async def test_a_closed_account_and_what_is_in_it_are_out_of_use(company: Company) -> None:
    world = company.world
    alice = await world.user(DATA, "alice", allow("*"))
    key = await world.access_key(DATA, alice)
    await bucket(company, DATA, "reports", readable("reports"))
    await read(company, SANDBOX, "reports")
    await company.do("CloseAccount", AccountId=DATA)
    error = await world.refused(SANDBOX, "s3", "GetObject", Bucket="reports", Key="key")
    assert (error.code, error.status) == ("AllAccessDisabled", 403)
    world.directory.refresh()
    with pytest.raises(PrincipalGone):
        await long_term(world.directory, key)


@company_story
async def test_a_multipart_upload_is_no_way_around_the_organization_for_who_began_it(company: Company) -> None:
    world = company.world
    alice = await world.user(DATA, "alice", allow("s3:PutObject"))
    await world.call(DATA, "s3", "CreateBucket", Bucket="reports")
    upload = await world.call(alice, "s3", "CreateMultipartUpload", Bucket="reports", Key="key")
    where = {"Bucket": "reports", "Key": "key", "UploadId": upload["UploadId"]}
    await world.call(alice, "s3", "ListParts", **where)
    await company.only(allow("s3:PutObject"), DATA)
    error = await world.refused(alice, "s3", "ListParts", **where)
    assert error.code == "AccessDenied"
