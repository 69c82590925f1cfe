"""Creating, describing and deleting organizations; closing, leaving and removing accounts; CreateAccount."""

from __future__ import annotations

import re

import pytest

from builders import World, allow, story
from organization_builders import (
    DATA,
    MANAGEMENT,
    OUTSIDER,
    SANDBOX,
    SCP,
    Company,
    company_story,
    standalone,
)

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@story
async def test_an_organization_is_made_around_the_account_that_asks(world: World) -> None:
    company = await standalone(world)
    made = (await company.do("CreateOrganization"))["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10}", made["Id"])
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:organization/{made['Id']}",
        "FeatureSet": "ALL",
        "MasterAccountId": MANAGEMENT,
        "MasterAccountArn": f"arn:aws:organizations::{MANAGEMENT}:account/{made['Id']}/{MANAGEMENT}",
        "MasterAccountEmail": "management@example.com",
        "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
    }
    assert (await company.do("DescribeOrganization"))["Organization"] == made
    (root,) = (await company.do("ListRoots"))["Roots"]
    assert re.fullmatch(r"r-[a-z0-9]{4}", root["Id"])
    assert root == {
        "Id": root["Id"],
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:root/{made['Id']}/{root['Id']}",
        "Name": "Root",
        "PolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
    }
    (account,) = (await company.do("ListAccounts"))["Accounts"]
    assert (account["Id"], account["JoinedMethod"], account["Status"]) == (MANAGEMENT, "INVITED", "ACTIVE")


@story
async def test_an_account_is_in_one_organization_at_most(world: World) -> None:
    company = await standalone(world)
    await company.do("CreateOrganization")
    assert (await company.refused("CreateOrganization")).code == "AlreadyInOrganizationException"
    await company.do("CreateOrganization", OUTSIDER)


@story
async def test_an_account_outside_is_told_that_it_has_no_organization(world: World) -> None:
    company = await standalone(world)
    for name, members in (
        ("DescribeOrganization", {}),
        ("ListAccounts", {}),
        ("CreateOrganizationalUnit", {"ParentId": "r-ab12", "Name": "a"}),
        ("DescribePolicy", {"PolicyId": "p-FullAWSAccess"}),
        ("LeaveOrganization", {}),
    ):
        error = await company.refused(name, OUTSIDER, **members)
        assert (error.code, name) == ("AWSOrganizationsNotInUseException", name)


@story
async def test_creating_needs_the_permission_for_the_role_of_organizations_too(world: World) -> None:
    company = await standalone(world)
    half = await world.user(MANAGEMENT, "half", allow("organizations:*"))
    error = await company.refused("CreateOrganization", half)
    assert error.code == "AccessDeniedForDependencyException"
    assert error.extra["Reason"] == "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"
    whole = await world.user(MANAGEMENT, "whole", allow(["organizations:*", "iam:CreateServiceLinkedRole"]))
    await company.do("CreateOrganization", whole)
    role = await world.call(MANAGEMENT, "iam", "GetRole", RoleName="AWSServiceRoleForOrganizations")
    assert role["Role"]["Path"] == "/aws-service-role/organizations.amazonaws.com/"


@company_story
async def test_an_organization_with_members_is_not_deleted(company: Company) -> None:
    assert (await company.refused("DeleteOrganization")).code == "OrganizationNotEmptyException"
    for account in (DATA, SANDBOX):
        await company.do("RemoveAccountFromOrganization", AccountId=account)
    await company.do("DeleteOrganization")
    assert (await company.refused("DescribeOrganization")).code == "AWSOrganizationsNotInUseException"
    await company.do("CreateOrganization")
    assert (await company.do("ListOrganizationalUnitsForParent", ParentId=await _root(company))) == {
        "OrganizationalUnits": []
    }


async def _root(company: Company) -> str:
    return str((await company.do("ListRoots"))["Roots"][0]["Id"])


# Accounts


@company_story
async def test_a_new_account_has_a_role_by_which_the_management_account_gets_in(company: Company) -> None:
    world = company.world
    status = (await company.do("CreateAccount", AccountName="new", Email="new@example.com"))["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    found = await company.do("DescribeCreateAccountStatus", CreateAccountRequestId=status["Id"])
    assert found["CreateAccountStatus"] == status
    account = status["AccountId"]
    shown = (await company.do("DescribeAccount", AccountId=account))["Account"]
    assert (shown["Name"], shown["Email"], shown["JoinedMethod"]) == ("new", "new@example.com", "CREATED")
    assert shown["Paths"] == [f"{company.id}/{company.root}/{account}/"]
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    admin = await world.user(MANAGEMENT, "admin", allow("sts:AssumeRole"))
    session = await world.call(admin, "sts", "AssumeRole", RoleArn=role, RoleSessionName="s")
    await world.call(session, "s3", "CreateBucket", Bucket="new-bucket")
    attached = await world.call(session, "iam", "ListAttachedRolePolicies", RoleName="OrganizationAccountAccessRole")
    assert attached["AttachedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}]
    for account_of in (OUTSIDER, SANDBOX):
        stranger = await world.user(account_of, "stranger", allow("sts:AssumeRole"))
        assert (await world.refused(stranger, "sts", "AssumeRole", RoleArn=role, RoleSessionName="s")).status == 403


@company_story
async def test_the_role_of_a_new_account_has_the_name_asked_for(company: Company) -> None:
    made = await company.do("CreateAccount", AccountName="new", Email="new@example.com", RoleName="Owner")
    directory = company.world.directory
    directory.refresh()
    account = made["CreateAccountStatus"]["AccountId"]
    assert await directory.role(account, "Owner") is not None
    assert await directory.role(account, "OrganizationAccountAccessRole") is None


@company_story
async def test_an_address_that_is_taken_is_a_failed_creation(company: Company) -> None:
    made = await company.do("CreateAccount", AccountName="again", Email="Analytics@example.com")
    status = made["CreateAccountStatus"]
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert len((await company.do("ListAccounts"))["Accounts"]) == 3
    await company.do("CreateAccount", AccountName="other", Email="other@example.com")
    for states, number in ((["FAILED"], 1), (["SUCCEEDED"], 1), (["IN_PROGRESS"], 0), (None, 2)):
        listed = await company.do("ListCreateAccountStatus", **({} if states is None else {"States": states}))
        assert len(listed["CreateAccountStatuses"]) == number


@company_story
async def test_what_is_wrong_with_a_new_account_is_said_and_makes_none(company: Company) -> None:
    for members, reason in (
        ({"Email": "a..b(c@example.com"}, "INVALID_PATTERN"),
        ({"RoleName": "AWSServiceRoleForOrganizations"}, "INVALID_ROLE_NAME"),
        ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "DUPLICATE_TAG_KEY"),
        ({"Tags": [{"Key": "aws:a", "Value": ""}]}, "INVALID_SYSTEM_TAGS_PARAMETER"),
    ):
        error = await company.refused("CreateAccount", **{"AccountName": "n", "Email": "n@example.com", **members})
        assert (error.code, error.extra["Reason"]) == ("InvalidInputException", reason)
    assert len((await company.do("ListAccounts"))["Accounts"]) == 3


@company_story
async def test_an_account_is_closed_once(company: Company) -> None:
    await company.do("CloseAccount", AccountId=DATA)
    shown = (await company.do("DescribeAccount", AccountId=DATA))["Account"]
    assert (shown["Status"], shown["State"]) == ("SUSPENDED", "CLOSED")
    assert (await company.refused("CloseAccount", AccountId=DATA)).code == "AccountAlreadyClosedException"
    error = await company.refused("CloseAccount", AccountId=MANAGEMENT)
    assert error.extra["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
    error = await company.refused("RemoveAccountFromOrganization", AccountId=DATA)
    assert error.extra["Reason"] == "ACCOUNT_CANNOT_LEAVE_ORGANIZATION"
    assert (await company.refused("CloseAccount", AccountId=OUTSIDER)).code == "AccountNotFoundException"


@company_story
async def test_members_leave_by_themselves_or_are_removed_and_the_management_account_cannot(company: Company) -> None:
    await company.do("LeaveOrganization", DATA)
    await company.do("RemoveAccountFromOrganization", AccountId=SANDBOX)
    for account in (DATA, SANDBOX):
        error = await company.refused("DescribeOrganization", account)
        assert error.code == "AWSOrganizationsNotInUseException"
    for name, members in (("LeaveOrganization", {}), ("RemoveAccountFromOrganization", {"AccountId": MANAGEMENT})):
        error = await company.refused(name, **members)
        assert error.code == "MasterCannotLeaveOrganizationException"
    error = await company.refused("RemoveAccountFromOrganization", AccountId=DATA)
    assert error.code == "AccountNotFoundException"


@company_story
async def test_a_service_control_policy_keeps_a_member_from_leaving(company: Company) -> None:
    keeping = await company.attach(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"},
        },
        DATA,
    )
    error = await company.refused("LeaveOrganization", DATA)
    assert "explicit deny in a service control policy" in error.message
    await company.do("DetachPolicy", PolicyId=keeping, TargetId=DATA)
    await company.do("LeaveOrganization", DATA)


@company_story
async def test_whoever_leaves_and_comes_back_starts_anew(company: Company) -> None:
    await company.do("TagResource", ResourceId=DATA, Tags=[{"Key": "team", "Value": "data"}])
    extra = await company.attach(allow("s3:*"), DATA)
    await company.do("LeaveOrganization", DATA)
    await company.join(DATA)
    assert (await company.do("ListParents", ChildId=DATA))["Parents"] == [{"Id": company.root, "Type": "ROOT"}]
    assert (await company.do("ListTagsForResource", ResourceId=DATA))["Tags"] == []
    listed = await company.do("ListPoliciesForTarget", TargetId=DATA, Filter=SCP)
    assert [one["Id"] for one in listed["Policies"]] == ["p-FullAWSAccess"]
    await company.do("DeletePolicy", PolicyId=extra)


@company_story
async def test_lists_come_in_pages(company: Company) -> None:
    seen: list[str] = []
    more: dict[str, str] = {}
    for _ in range(3):
        page = await company.do("ListAccounts", MaxResults=1, **more)
        seen += [one["Id"] for one in page["Accounts"]]
        more = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert sorted(seen) == sorted((MANAGEMENT, DATA, SANDBOX))
    assert more == {}
    error = await company.refused("ListAccounts", NextToken="nonsense!")
    assert error.extra["Reason"] == "INVALID_NEXT_TOKEN"


# Consolidated billing


@story
async def test_for_billing_only_there_are_no_policies(world: World) -> None:
    company = await standalone(world)
    made = await company.do("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
    assert made["Organization"]["AvailablePolicyTypes"] == []
    await company.join(DATA)
    root = await _root(company)
    content = {"Type": SCP, "Name": "a", "Description": "", "Content": '{"Version":"2012-10-17","Statement":[]}'}
    for name, members in (("CreatePolicy", content), ("EnablePolicyType", {"RootId": root, "PolicyType": SCP})):
        error = await company.refused(name, **members)
        assert error.code == "PolicyTypeNotAvailableForOrganizationException"
    error = await company.refused("CloseAccount", AccountId=DATA)
    assert error.extra["Reason"] == "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"
    await world.call(DATA, "s3", "CreateBucket", Bucket="reports")


@pytest.mark.parametrize("operation", ["CreateAccount", "CreateOrganizationalUnit", "CreatePolicy"])
def test_tags_need_the_permission_to_tag(operation: str, tmp_path: object) -> None:
    async def tell(company: Company) -> None:
        tags = [{"Key": "team", "Value": "data"}]
        members = {
            "CreateAccount": {"AccountName": "new", "Email": "new@example.com"},
            "CreateOrganizationalUnit": {"ParentId": company.root, "Name": "new"},
            "CreatePolicy": {
                "Type": "TAG_POLICY", "Name": "new", "Description": "", "Content": '{"tags": {}}',
            },
        }[operation]  # fmt: skip
        maker = await company.world.user(MANAGEMENT, "maker", allow(f"organizations:{operation}"))
        error = await company.refused(operation, maker, **members, Tags=tags)
        assert "organizations:TagResource" in error.message
        await company.do(operation, maker, **members)

    company_story(tell)(tmp_path)  # type: ignore[arg-type]
