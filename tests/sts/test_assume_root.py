"""AssumeRoot: who may, for which task, and what the session can and cannot do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders import World, allow, deny, policy, statement, story
from organization_builders import DATA, MANAGEMENT, OUTSIDER, SANDBOX, Company, company_story, standalone

TASK = "arn:aws:iam::aws:policy/root-task/"
UNLOCK, AUDIT, DELETE, PASSWORD = (
    TASK + name
    for name in (
        "S3UnlockBucketPolicy", "IAMAuditRootUserCredentials", "IAMDeleteRootUserCredentials",
        "IAMCreateRootUserPassword",
    )
)  # fmt: skip
SESSIONS, CREDENTIALS = "EnableOrganizationsRootSessions", "EnableOrganizationsRootCredentialsManagement"
IAM = "iam.amazonaws.com"


async def enable(company: Company) -> None:
    await company.do("EnableAWSServiceAccess", ServicePrincipal=IAM)
    for name in (SESSIONS, CREDENTIALS):
        await company.world.call(MANAGEMENT, "iam", name)


async def admin(company: Company, account: str = MANAGEMENT, name: str = "admin") -> Any:
    return await company.world.user(account, name, allow("sts:AssumeRoot"))


def asked(task: str, target: str = DATA, **more: Any) -> dict[str, Any]:
    return {"TargetPrincipal": target, "TaskPolicyArn": {"arn": task}, **more}


async def assume(company: Company, who: Any, task: str, target: str = DATA, **more: Any) -> dict[str, Any]:
    return await company.world.call(who, "sts", "AssumeRoot", **asked(task, target, **more))


async def refused(company: Company, who: Any, task: str, target: str = DATA) -> Any:
    return await company.world.refused(who, "sts", "AssumeRoot", **asked(task, target))


async def lock(company: Company, name: str = "locked") -> None:
    """A bucket of the member that its policy has closed to everybody."""
    await company.world.call(DATA, "s3", "CreateBucket", Bucket=name)
    closing = policy(statement("Deny", "s3:*", f"arn:aws:s3:::{name}", Principal="*"))
    await company.world.call(DATA, "s3", "PutBucketPolicy", Bucket=name, Policy=json.dumps(closing))


@company_story
async def test_a_session_unlocks_a_bucket_and_does_nothing_else(company: Company) -> None:
    await enable(company)
    await lock(company)
    session = await assume(company, await admin(company), UNLOCK)
    world = company.world
    identity = await world.call(session, "sts", "GetCallerIdentity")
    assert (identity["Account"], identity["Arn"]) == (DATA, f"arn:aws:iam::{DATA}:root")
    await world.call(session, "s3", "ListBuckets")
    await world.call(session, "s3", "GetBucketPolicy", Bucket="locked")
    for service, name, members in (
        ("s3", "CreateBucket", {"Bucket": "other"}),
        ("s3", "PutObject", {"Bucket": "locked", "Key": "k"}),
        ("s3", "DeleteBucket", {"Bucket": "locked"}),
        ("iam", "ListUsers", {}),
        ("iam", "ListAccessKeys", {}),
    ):
        error = await world.refused(session, service, name, **members)
        assert (name, error.code) == (name, "AccessDenied")
    await world.call(session, "s3", "DeleteBucketPolicy", Bucket="locked")
    await world.call(DATA, "s3", "PutObject", Bucket="locked", Key="k")


@company_story
async def test_root_credentials_are_audited_and_removed(company: Company) -> None:
    await enable(company)
    world = company.world
    key = await world.access_key(DATA)
    serial = await world.mfa_device(DATA, DATA, "root-account-mfa-device")
    await world.sql("UPDATE accounts SET root_password = 'a hash' WHERE id = ?", DATA)
    who = await admin(company)
    audit, removal = await assume(company, who, AUDIT), await assume(company, who, DELETE)
    listed = await world.call(audit, "iam", "ListAccessKeys")
    assert [one["AccessKeyId"] for one in listed["AccessKeyMetadata"]] == [key.id]
    assert [one["SerialNumber"] for one in (await world.call(audit, "iam", "ListMFADevices"))["MFADevices"]] == [serial]
    assert (await world.call(audit, "iam", "GetLoginProfile"))["LoginProfile"]["UserName"] == "root"
    removals: list[tuple[str, dict[str, Any]]] = [
        ("DeleteAccessKey", {"AccessKeyId": key.id}),
        ("DeactivateMFADevice", {"SerialNumber": serial}),
        ("DeleteLoginProfile", {}),
    ]
    for name, members in removals:
        assert (name, (await world.refused(audit, "iam", name, **members)).code) == (name, "AccessDenied")
        await world.call(removal, "iam", name, **members)
    assert (await world.call(audit, "iam", "ListAccessKeys"))["AccessKeyMetadata"] == []
    assert (await world.refused(audit, "iam", "GetLoginProfile")).code == "NoSuchEntity"
    assert (await world.refused(removal, "iam", "DeleteLoginProfile")).code == "NoSuchEntity"


@company_story
async def test_a_session_touches_no_user_s_credentials(company: Company) -> None:
    await enable(company)
    alice = await company.world.user(DATA, "alice")
    key = await company.world.access_key(DATA, alice)
    removal = await assume(company, await admin(company), DELETE)
    error = await company.world.refused(removal, "iam", "DeleteAccessKey", UserName="alice", AccessKeyId=key.id)
    assert error.code == "AccessDenied"
    await company.world.call(DATA, "iam", "DeleteAccessKey", UserName="alice", AccessKeyId=key.id)


@company_story
async def test_a_root_password_is_not_made(company: Company) -> None:
    await enable(company)
    session = await assume(company, await admin(company), PASSWORD)
    assert (await company.world.refused(session, "iam", "CreateLoginProfile")).code == "InvalidInput"
    assert (await company.world.refused(session, "iam", "GetLoginProfile")).code == "NoSuchEntity"


@company_story
async def test_a_session_lasts_fifteen_minutes_at_most_and_carries_the_source_identity(company: Company) -> None:
    await enable(company)
    world = company.world
    who = await admin(company)
    assert world.session(await assume(company, who, AUDIT)).expires == world.now + 900
    assert world.session(await assume(company, who, AUDIT, DurationSeconds=60)).expires == world.now + 60
    trust = policy({
        "Effect": "Allow", "Principal": {"AWS": who.arn}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    })  # fmt: skip
    role = await world.role(MANAGEMENT, "rescue", allow("sts:AssumeRoot"), trust=trust)
    session = await world.call(who, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s", SourceIdentity="alice")
    output = await assume(company, session, AUDIT)
    assert output["SourceIdentity"] == "alice"
    assert world.session(output).source_identity == "alice"


@company_story
async def test_who_may_not(company: Company) -> None:
    who = await admin(company)
    world = company.world
    nobody = await world.user(MANAGEMENT, "nobody")
    member = await admin(company, SANDBOX, "member")
    outsider = await admin(company, OUTSIDER, "outsider")
    for task in (UNLOCK, AUDIT):  # not enabled
        assert (await refused(company, who, task)).code == "AccessDenied"
    await enable(company)
    for task in (UNLOCK, AUDIT):
        await assume(company, who, task)
    for somebody, target in (
        (nobody, DATA),  # no permission
        (member, DATA),  # no administrator
        (outsider, DATA),  # another organization, or none
        (MANAGEMENT, DATA),  # root itself
        (who, MANAGEMENT),  # the management account is nobody's
        (who, OUTSIDER),
    ):
        assert (await refused(company, somebody, AUDIT, target)).code == "AccessDenied"
    await assume(company, who, AUDIT, f"arn:aws:iam::{DATA}:root")
    for task, target in (("arn:aws:iam::aws:policy/AdministratorAccess", DATA), (AUDIT, f"arn:aws:iam::{DATA}:user/a")):
        assert (await refused(company, who, task, target)).code == "ValidationError"


@company_story
async def test_the_delegated_administrator_for_iam_may_and_enables_nothing(company: Company) -> None:
    await enable(company)
    member = await admin(company, SANDBOX, "member")
    await refused(company, member, AUDIT)
    await company.do("RegisterDelegatedAdministrator", AccountId=SANDBOX, ServicePrincipal=IAM)
    await assume(company, member, AUDIT)
    error = await company.world.refused(SANDBOX, "iam", SESSIONS)
    assert error.code == "CallerIsNotManagementAccountException"
    listed = await company.world.call(SANDBOX, "iam", "ListOrganizationsFeatures")
    assert listed["EnabledFeatures"] == ["RootCredentialsManagement", "RootSessions"]


@company_story
async def test_each_feature_is_for_its_own_tasks(company: Company) -> None:
    who = await admin(company)
    await company.do("EnableAWSServiceAccess", ServicePrincipal=IAM)
    answer = await company.world.call(MANAGEMENT, "iam", SESSIONS)
    assert answer == {"OrganizationId": company.id, "EnabledFeatures": ["RootSessions"]}
    await assume(company, who, UNLOCK)
    await refused(company, who, AUDIT)
    await company.world.call(MANAGEMENT, "iam", "DisableOrganizationsRootSessions")
    await company.world.call(MANAGEMENT, "iam", CREDENTIALS)
    await refused(company, who, UNLOCK)
    await assume(company, who, AUDIT)
    await company.world.call(MANAGEMENT, "iam", "DisableOrganizationsRootCredentialsManagement")
    await refused(company, who, AUDIT)


@company_story
async def test_the_task_is_a_condition_key_and_the_session_is_marked(company: Company) -> None:
    await enable(company)
    await lock(company)
    condition = {"StringEquals": {"sts:TaskPolicyArn": UNLOCK}}
    who = await company.world.user(MANAGEMENT, "unlocker", allow("sts:AssumeRoot", Condition=condition))
    session = await assume(company, who, UNLOCK)
    await refused(company, who, AUDIT)
    await company.attach(deny("s3:*", Condition={"Bool": {"aws:AssumedRoot": "true"}}), DATA)
    assert (await company.world.refused(session, "s3", "GetBucketPolicy", Bucket="locked")).code == "AccessDenied"
    await company.world.call(DATA, "s3", "GetBucketPolicy", Bucket="locked")


@pytest.mark.parametrize("feature", [SESSIONS, CREDENTIALS, "ListOrganizationsFeatures"])
def test_central_root_access_has_conditions(feature: str, tmp_path: Any) -> None:
    async def tell(world: World) -> None:
        company = await standalone(world)

        async def code() -> str:
            return (await world.refused(MANAGEMENT, "iam", feature)).code

        assert await code() == "OrganizationNotFoundException"
        await company.do("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
        assert await code() == "OrganizationNotInAllFeaturesModeException"
        enabling = await company.do("EnableAllFeatures")
        await company.do("AcceptHandshake", HandshakeId=enabling["Handshake"]["Id"])
        assert await code() == "ServiceAccessNotEnabledException"
        await company.do("EnableAWSServiceAccess", ServicePrincipal=IAM)
        await world.call(MANAGEMENT, "iam", feature)
        await company.join(DATA)
        error = await world.refused(DATA, "iam", feature)
        assert error.code == "AccountNotManagementOrDelegatedAdministratorException"

    story(tell)(tmp_path)
