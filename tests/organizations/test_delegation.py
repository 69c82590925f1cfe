"""Who may call what: the management account, delegated administrators, members and accounts outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders import allow, deny, policy
from organization_builders import DATA, MANAGEMENT, OUTSIDER, SANDBOX, SCP, Company, company_story

CONFIG = "config.amazonaws.com"
READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ListAccounts", {}),
    ("ListRoots", {}),
    ("ListPolicies", {"Filter": SCP}),
    ("ListCreateAccountStatus", {}),
    ("ListHandshakesForOrganization", {}),
    ("ListAWSServiceAccessForOrganization", {}),
    ("ListDelegatedAdministrators", {}),
    ("DescribeAccount", {"AccountId": DATA}),
    ("DescribePolicy", {"PolicyId": "p-FullAWSAccess"}),
    ("ListTargetsForPolicy", {"PolicyId": "p-FullAWSAccess"}),
    ("ListParents", {"ChildId": DATA}),
    ("ListPoliciesForTarget", {"TargetId": DATA, "Filter": SCP}),
    ("ListTagsForResource", {"ResourceId": DATA}),
)
WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CreateAccount", {"AccountName": "n", "Email": "n@example.com"}),
    ("CloseAccount", {"AccountId": SANDBOX}),
    ("RemoveAccountFromOrganization", {"AccountId": SANDBOX}),
    ("InviteAccountToOrganization", {"Target": {"Type": "ACCOUNT", "Id": OUTSIDER}}),
    ("CreatePolicy", {"Type": SCP, "Name": "n", "Description": "", "Content": json.dumps(deny("s3:*"))}),
    ("EnableAWSServiceAccess", {"ServicePrincipal": CONFIG}),
    ("RegisterDelegatedAdministrator", {"AccountId": SANDBOX, "ServicePrincipal": CONFIG}),
    ("PutResourcePolicy", {"Content": "{}"}),
    ("TagResource", {"ResourceId": DATA, "Tags": [{"Key": "a", "Value": ""}]}),
    ("EnableAllFeatures", {}),
    ("DeleteOrganization", {}),
)


async def make_administrator(company: Company, account: str = DATA, service: str = CONFIG) -> None:
    await company.do("EnableAWSServiceAccess", ServicePrincipal=service)
    await company.do("RegisterDelegatedAdministrator", AccountId=account, ServicePrincipal=service)


@company_story
async def test_a_member_reads_nothing_but_its_organization_and_a_delegated_administrator_everything(
    company: Company,
) -> None:
    for name, members in READS:
        error = await company.refused(name, DATA, **members)
        assert (name, error.code) == (name, "AccessDeniedException")
        assert error.message == "You don't have permissions to access this resource."
        await company.do(name, **members)
    await company.do("DescribeOrganization", DATA)
    await company.do("ListHandshakesForAccount", DATA)
    await make_administrator(company)
    for name, members in READS:
        await company.do(name, DATA, **members)
        error = await company.refused(name, SANDBOX, **members)
        assert (name, error.code) == (name, "AccessDeniedException")
    await company.do("DeregisterDelegatedAdministrator", AccountId=DATA, ServicePrincipal=CONFIG)
    for name, members in READS:
        assert (name, (await company.refused(name, DATA, **members)).code) == (name, "AccessDeniedException")


@company_story
async def test_only_the_management_account_changes_anything(company: Company) -> None:
    await make_administrator(company)
    for account in (DATA, SANDBOX):
        for name, members in WRITES:
            error = await company.refused(name, account, **members)
            assert (name, error.code) == (name, "AccessDeniedException")
    names = [one["Name"] for one in (await company.do("ListAccounts"))["Accounts"]]
    assert sorted(names) == ["analytics", "management", "production"]


@company_story
async def test_standing_does_not_replace_permissions(company: Company) -> None:
    await make_administrator(company)
    for account in (MANAGEMENT, DATA):
        nobody = await company.world.user(account, "nobody")
        reader = await company.world.user(account, "reader", allow("organizations:ListAccounts"))
        error = await company.refused("ListAccounts", nobody)
        assert error.message.endswith("because no identity-based policy allows the organizations:ListAccounts action")
        await company.do("ListAccounts", reader)


# Services and their administrators


@company_story
async def test_a_service_is_enabled_and_disabled(company: Company) -> None:
    for _ in range(2):
        await company.do("EnableAWSServiceAccess", ServicePrincipal=CONFIG)
    listed = await company.do("ListAWSServiceAccessForOrganization")
    assert [one["ServicePrincipal"] for one in listed["EnabledServicePrincipals"]] == [CONFIG]
    await company.do("DisableAWSServiceAccess", ServicePrincipal=CONFIG)
    assert (await company.do("ListAWSServiceAccessForOrganization"))["EnabledServicePrincipals"] == []
    error = await company.refused("EnableAWSServiceAccess", ServicePrincipal="nonsense")
    assert error.extra["Reason"] == "UNRECOGNIZED_SERVICE_PRINCIPAL"


@company_story
async def test_an_administrator_is_registered_for_a_service_that_is_enabled(company: Company) -> None:
    error = await company.refused("RegisterDelegatedAdministrator", AccountId=DATA, ServicePrincipal=CONFIG)
    assert error.extra["Reason"] == "SERVICE_ACCESS_NOT_ENABLED"
    await make_administrator(company)
    for account, code in (
        (DATA, "AccountAlreadyRegisteredException"),
        (MANAGEMENT, "ConstraintViolationException"),
        (OUTSIDER, "AccountNotFoundException"),
    ):
        error = await company.refused("RegisterDelegatedAdministrator", AccountId=account, ServicePrincipal=CONFIG)
        assert (account, error.code) == (account, code)
    await make_administrator(company, DATA, "guardduty.amazonaws.com")
    administrators = (await company.do("ListDelegatedAdministrators"))["DelegatedAdministrators"]
    assert [one["Id"] for one in administrators] == [DATA]
    for service, number in (("guardduty.amazonaws.com", 1), ("ram.amazonaws.com", 0)):
        found = await company.do("ListDelegatedAdministrators", ServicePrincipal=service)
        assert len(found["DelegatedAdministrators"]) == number
    services = await company.do("ListDelegatedServicesForAccount", AccountId=DATA)
    assert [one["ServicePrincipal"] for one in services["DelegatedServices"]] == [CONFIG, "guardduty.amazonaws.com"]
    error = await company.refused("ListDelegatedServicesForAccount", AccountId=SANDBOX)
    assert error.code == "AccountNotRegisteredException"
    error = await company.refused("DeregisterDelegatedAdministrator", AccountId=SANDBOX, ServicePrincipal=CONFIG)
    assert error.code == "AccountNotRegisteredException"


@company_story
async def test_an_administrator_leaves_when_it_is_none_any_more(company: Company) -> None:
    await make_administrator(company)
    error = await company.refused("RemoveAccountFromOrganization", AccountId=DATA)
    assert error.extra["Reason"] == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    await company.do("DeregisterDelegatedAdministrator", AccountId=DATA, ServicePrincipal=CONFIG)
    await company.do("RemoveAccountFromOrganization", AccountId=DATA)


@company_story
async def test_the_service_is_a_condition_key(company: Company) -> None:
    condition = {"StringEquals": {"organizations:ServicePrincipal": CONFIG}}
    somebody = await company.world.user(MANAGEMENT, "somebody", allow("organizations:*", Condition=condition))
    await company.do("EnableAWSServiceAccess", somebody, ServicePrincipal=CONFIG)
    await company.do("RegisterDelegatedAdministrator", somebody, AccountId=DATA, ServicePrincipal=CONFIG)
    for name, members in (
        ("EnableAWSServiceAccess", {"ServicePrincipal": "ram.amazonaws.com"}),
        ("ListDelegatedAdministrators", {}),
    ):
        assert (await company.refused(name, somebody, **members)).code == "AccessDenied"


# The delegation policy


def delegating(action: Any, resource: Any = "*", principal: Any = DATA, **more: Any) -> dict[str, Any]:
    return policy({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": resource, **more})


async def delegate(company: Company, *arguments: Any, **more: Any) -> None:
    await company.do("PutResourcePolicy", Content=json.dumps(delegating(*arguments, **more)))


@company_story
async def test_the_delegation_policy_lets_a_member_do_what_it_says(company: Company) -> None:
    content = {"Type": SCP, "Name": "n", "Description": "", "Content": json.dumps(deny("s3:*"))}
    assert (await company.refused("CreatePolicy", DATA, **content)).code == "AccessDeniedException"
    await delegate(company, ["organizations:CreatePolicy", "organizations:AttachPolicy", "organizations:List*"])
    made = await company.do("CreatePolicy", DATA, **content)
    policy_id = made["Policy"]["PolicySummary"]["Id"]
    assert made["Policy"]["PolicySummary"]["Arn"].startswith(f"arn:aws:organizations::{MANAGEMENT}:policy/")
    await company.do("AttachPolicy", DATA, PolicyId=policy_id, TargetId=SANDBOX)
    await company.do("ListAccounts", DATA)
    for who, name, members in (
        (DATA, "DetachPolicy", {"PolicyId": policy_id, "TargetId": SANDBOX}),
        (DATA, "DescribePolicy", {"PolicyId": policy_id}),
        (SANDBOX, "ListAccounts", {}),
    ):
        error = await company.refused(name, who, **members)
        assert error.message.endswith(f"because no resource-based policy allows the organizations:{name} action")
    # What it can never say.
    error = await company.refused("CreateAccount", DATA, AccountName="n", Email="n@example.com")
    assert error.code == "AccessDeniedException"
    await company.do("DeleteResourcePolicy")
    assert (await company.refused("ListAccounts", DATA)).code == "AccessDeniedException"


@company_story
async def test_the_member_s_own_policies_must_allow_it_too(company: Company) -> None:
    await delegate(company, "organizations:ListAccounts")
    nobody = await company.world.user(DATA, "nobody")
    somebody = await company.world.user(DATA, "somebody", allow("organizations:ListAccounts"))
    await company.do("ListAccounts", somebody)
    error = await company.refused("ListAccounts", nobody)
    assert error.message.endswith("because no identity-based policy allows the organizations:ListAccounts action")


@company_story
async def test_delegation_is_limited_to_targets_and_types(company: Company) -> None:
    arns = [
        f"arn:aws:organizations::{MANAGEMENT}:policy/{company.id}/service_control_policy/*",
        f"arn:aws:organizations::{MANAGEMENT}:ou/{company.id}/{company.workloads}",
    ]
    await delegate(company, "organizations:AttachPolicy", arns)
    policy_id = await company.policy(deny("s3:*"))
    await company.do("AttachPolicy", DATA, PolicyId=policy_id, TargetId=company.workloads)
    error = await company.refused("AttachPolicy", DATA, PolicyId=policy_id, TargetId=company.root)
    assert error.code == "AccessDenied"
    condition = {"StringEquals": {"organizations:PolicyType": "TAG_POLICY"}}
    await delegate(company, "organizations:ListPolicies", Condition=condition)
    await company.do("ListPolicies", DATA, Filter="TAG_POLICY")
    assert (await company.refused("ListPolicies", DATA, Filter=SCP)).code == "AccessDenied"


@company_story
async def test_the_delegation_policy_is_described_changed_and_deleted(company: Company) -> None:
    for name in ("DescribeResourcePolicy", "DeleteResourcePolicy"):
        assert (await company.refused(name)).code == "ResourcePolicyNotFoundException"
    alice = await company.world.user(DATA, "alice", allow("organizations:*"))
    content = json.dumps(delegating("organizations:ListAccounts", principal=alice.arn))
    made = (await company.do("PutResourcePolicy", Content=content, Tags=[{"Key": "a", "Value": ""}]))["ResourcePolicy"]
    policy_id = made["ResourcePolicySummary"]["Id"]
    arn = f"arn:aws:organizations::{MANAGEMENT}:resourcepolicy/{company.id}/{policy_id}"
    assert made == {"ResourcePolicySummary": {"Id": policy_id, "Arn": arn}, "Content": content}
    assert (await company.do("DescribeResourcePolicy"))["ResourcePolicy"] == made
    assert (await company.do("ListTagsForResource", ResourceId=policy_id))["Tags"] == [{"Key": "a", "Value": ""}]
    await company.do("ListAccounts", alice)
    bob = await company.world.user(DATA, "bob", allow("organizations:*"))
    assert (await company.refused("ListAccounts", bob)).code == "AccessDenied"
    changed = await company.do("PutResourcePolicy", Content=json.dumps(delegating("organizations:ListRoots")))
    assert changed["ResourcePolicy"]["ResourcePolicySummary"]["Id"] == policy_id
    assert (await company.refused("ListAccounts", alice)).code == "AccessDenied"
    await company.do("ListRoots", alice)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "INVALID_RESOURCE_POLICY_JSON"),
        (json.dumps(delegating("organizations:CreateAccount")), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (json.dumps(delegating("organizations:*")), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (json.dumps(delegating("s3:GetObject")), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (
            json.dumps(delegating("organizations:ListRoots", "arn:aws:s3:::a")),
            "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY",
        ),
        (json.dumps(delegating("organizations:ListRoots", principal="nobody")), "INVALID_PRINCIPAL"),
        (
            json.dumps(delegating("organizations:ListRoots", principal=f"arn:aws:iam::{DATA}:user/nobody")),
            "INVALID_PRINCIPAL",
        ),
        (json.dumps(allow("organizations:ListRoots")), "INVALID_PRINCIPAL"),
    ],
)
def test_what_cannot_delegate_is_refused(document: str, reason: str, tmp_path: Any) -> None:
    async def tell(company: Company) -> None:
        error = await company.refused("PutResourcePolicy", Content=document)
        assert (error.code, error.extra["Reason"]) == ("InvalidInputException", reason)
        await delegate(company, "organizations:Describe*")

    company_story(tell)(tmp_path)
