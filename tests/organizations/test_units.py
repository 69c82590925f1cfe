"""Organizational units and the tree that they make."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders import allow
from organization_builders import DATA, MANAGEMENT, OUTSIDER, SANDBOX, SCP, Company, company_story

NO_UNIT, NO_ROOT = "ou-zzzz-zzzzzzzz", "r-zzzz"


@company_story
async def test_a_unit_is_found_where_it_was_made(company: Company) -> None:
    made = (await company.do("CreateOrganizationalUnit", ParentId=company.workloads, Name="Test"))["OrganizationalUnit"]
    assert re.fullmatch(rf"ou-{company.root[2:]}-[a-z0-9]{{8}}", made["Id"])
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:ou/{company.id}/{made['Id']}",
        "Name": "Test",
        "Path": f"{company.id}/{company.root}/{company.workloads}/{made['Id']}/",
    }
    described = await company.do("DescribeOrganizationalUnit", OrganizationalUnitId=made["Id"])
    assert described["OrganizationalUnit"] == made
    listed = await company.do("ListOrganizationalUnitsForParent", ParentId=company.workloads)
    assert sorted(one["Name"] for one in listed["OrganizationalUnits"]) == ["Production", "Test"]
    children = await company.do("ListChildren", ParentId=company.workloads, ChildType="ORGANIZATIONAL_UNIT")
    assert {one["Id"] for one in children["Children"]} == {company.production, made["Id"]}
    parents = await company.do("ListParents", ChildId=made["Id"])
    assert parents["Parents"] == [{"Id": company.workloads, "Type": "ORGANIZATIONAL_UNIT"}]


@company_story
async def test_accounts_are_listed_where_they_are(company: Company) -> None:
    for parent, accounts in (
        (company.root, {MANAGEMENT, SANDBOX}),
        (company.production, {DATA}),
        (company.workloads, set()),
    ):
        listed = await company.do("ListAccountsForParent", ParentId=parent)
        assert {one["Id"] for one in listed["Accounts"]} == accounts
        children = await company.do("ListChildren", ParentId=parent, ChildType="ACCOUNT")
        assert {one["Id"] for one in children["Children"]} == accounts
    shown = (await company.do("DescribeAccount", AccountId=DATA))["Account"]
    assert shown["Paths"] == [f"{company.id}/{company.root}/{company.workloads}/{company.production}/{DATA}/"]


@company_story
async def test_a_name_is_free_beside_its_siblings_only_once(company: Company) -> None:
    error = await company.refused("CreateOrganizationalUnit", ParentId=company.root, Name="Workloads")
    assert error.code == "DuplicateOrganizationalUnitException"
    other = await company.unit(company.production, "Workloads")
    sibling = await company.unit(company.root, "Other")
    error = await company.refused("UpdateOrganizationalUnit", OrganizationalUnitId=sibling, Name="Workloads")
    assert error.code == "DuplicateOrganizationalUnitException"
    renamed = await company.do("UpdateOrganizationalUnit", OrganizationalUnitId=other, Name="Renamed")
    assert (renamed["OrganizationalUnit"]["Id"], renamed["OrganizationalUnit"]["Name"]) == (other, "Renamed")


@company_story
async def test_units_are_nested_five_deep_and_not_six(company: Company) -> None:
    deepest = company.production  # the second
    for number in range(3, 6):
        deepest = await company.unit(deepest, f"level {number}")
    error = await company.refused("CreateOrganizationalUnit", ParentId=deepest, Name="level 6")
    assert (error.code, error.extra["Reason"]) == ("ConstraintViolationException", "OU_DEPTH_LIMIT_EXCEEDED")


@company_story
async def test_only_an_empty_unit_is_deleted(company: Company) -> None:
    for unit in (company.workloads, company.production):  # one has a unit in it, one an account
        error = await company.refused("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        assert error.code == "OrganizationalUnitNotEmptyException"
    await company.do("MoveAccount", AccountId=DATA, SourceParentId=company.production, DestinationParentId=company.root)
    for unit in (company.production, company.workloads):
        await company.do("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        error = await company.refused("DescribeOrganizationalUnit", OrganizationalUnitId=unit)
        assert error.code == "OrganizationalUnitNotFoundException"


@company_story
async def test_what_is_not_there_has_an_error_of_its_own(company: Company) -> None:
    moved = {"AccountId": DATA, "SourceParentId": company.production, "DestinationParentId": company.root}
    table: list[tuple[str, dict[str, Any], str]] = [
        ("CreateOrganizationalUnit", {"ParentId": NO_UNIT, "Name": "a"}, "ParentNotFoundException"),
        ("ListAccountsForParent", {"ParentId": NO_ROOT}, "ParentNotFoundException"),
        ("ListOrganizationalUnitsForParent", {"ParentId": NO_UNIT}, "ParentNotFoundException"),
        ("ListChildren", {"ParentId": NO_UNIT, "ChildType": "ACCOUNT"}, "ParentNotFoundException"),
        ("ListParents", {"ChildId": OUTSIDER}, "ChildNotFoundException"),
        ("ListParents", {"ChildId": NO_UNIT}, "ChildNotFoundException"),
        ("UpdateOrganizationalUnit", {"OrganizationalUnitId": NO_UNIT}, "OrganizationalUnitNotFoundException"),
        ("DeleteOrganizationalUnit", {"OrganizationalUnitId": NO_UNIT}, "OrganizationalUnitNotFoundException"),
        ("MoveAccount", {**moved, "AccountId": OUTSIDER}, "AccountNotFoundException"),
        ("MoveAccount", {**moved, "SourceParentId": company.workloads}, "SourceParentNotFoundException"),
        ("MoveAccount", {**moved, "DestinationParentId": NO_UNIT}, "DestinationParentNotFoundException"),
        ("MoveAccount", {**moved, "DestinationParentId": company.production}, "DuplicateAccountException"),
        ("DescribeAccount", {"AccountId": OUTSIDER}, "AccountNotFoundException"),
        ("ListTagsForResource", {"ResourceId": NO_UNIT}, "TargetNotFoundException"),
    ]
    for name, members, code in table:
        assert (name, (await company.refused(name, **members)).code) == (name, code)
    error = await company.refused("DescribeCreateAccountStatus", CreateAccountRequestId="car-00000000")
    assert error.code == "CreateAccountStatusNotFoundException"
    await company.do("MoveAccount", **moved)


@company_story
async def test_moving_needs_the_permission_on_the_account_and_both_ends(company: Company) -> None:
    arns = [
        f"arn:aws:organizations::{MANAGEMENT}:account/{company.id}/{DATA}",
        f"arn:aws:organizations::{MANAGEMENT}:ou/{company.id}/{company.production}",
        f"arn:aws:organizations::{MANAGEMENT}:root/{company.id}/{company.root}",
    ]
    moved = {"AccountId": DATA, "SourceParentId": company.production, "DestinationParentId": company.root}
    for number, missing in enumerate(arns):
        rest: Any = [arn for arn in arns if arn != missing]
        mover = await company.world.user(MANAGEMENT, f"mover-{number}", allow("organizations:MoveAccount", rest))
        error = await company.refused("MoveAccount", mover, **moved)
        assert f"on resource: {missing} " in error.message
    whole: Any = arns
    await company.do(
        "MoveAccount", await company.world.user(MANAGEMENT, "mover", allow("organizations:MoveAccount", whole)), **moved
    )


# Tags


@company_story
async def test_what_can_be_tagged_is_tagged_untagged_and_listed(company: Company) -> None:
    policy = await company.policy(allow("s3:*"))
    for resource in (DATA, company.root, company.workloads, policy):
        await company.do(
            "TagResource", ResourceId=resource, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
        )
        await company.do("TagResource", ResourceId=resource, Tags=[{"Key": "a", "Value": "2"}])
        listed = await company.do("ListTagsForResource", ResourceId=resource)
        assert listed["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
        await company.do("UntagResource", ResourceId=resource, TagKeys=["a", "none"])
        listed = await company.do("ListTagsForResource", ResourceId=resource)
        assert listed["Tags"] == [{"Key": "b", "Value": ""}]


@company_story
async def test_fifty_tags_are_enough(company: Company) -> None:
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    await company.do("TagResource", ResourceId=DATA, Tags=tags)
    error = await company.refused("TagResource", ResourceId=DATA, Tags=[{"Key": "one more", "Value": ""}])
    assert error.extra["Reason"] == "MAX_TAG_LIMIT_EXCEEDED"
    error = await company.refused("TagResource", ResourceId="p-FullAWSAccess", Tags=tags[:1])
    assert error.extra["Reason"] == "TARGET_NOT_SUPPORTED"


@company_story
async def test_tags_decide_who_may_touch_what(company: Company) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/stage": "test"}}
    mover = await company.world.user(MANAGEMENT, "tester", allow("organizations:*", Condition=condition))
    await company.do("TagResource", ResourceId=company.workloads, Tags=[{"Key": "stage", "Value": "test"}])
    await company.do("UpdateOrganizationalUnit", mover, OrganizationalUnitId=company.workloads, Name="Tested")
    error = await company.refused(
        "UpdateOrganizationalUnit", mover, OrganizationalUnitId=company.production, Name="Tested"
    )
    assert error.code == "AccessDenied"


@pytest.mark.parametrize("kind", ["unit", "account"])
def test_what_is_new_has_full_access_attached(kind: str, tmp_path: Any) -> None:
    async def tell(company: Company) -> None:
        made = await company.do("CreateAccount", AccountName="n", Email="n@example.com")
        target = await company.unit(company.root, "new") if kind == "unit" else made["CreateAccountStatus"]["AccountId"]
        listed = await company.do("ListPoliciesForTarget", TargetId=target, Filter=SCP)
        assert [one["Name"] for one in listed["Policies"]] == ["FullAWSAccess"]

    company_story(tell)(tmp_path)
