"""The organization of a setup file: what it makes, that applying it again makes nothing, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import isthmus.server.pipeline  # noqa: F401 - fills the table of operations
from builders import ANALYTICS, PRODUCTION, World, story
from isthmus.server.setup import SetupResult, apply
from isthmus.server.setup_fields import InvalidSetup
from isthmus.server.setup_file import parse_setup

MANAGEMENT, NEW = "999988887777", "222233334444"
STAY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}
CLOSED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}],
}
NO_BUCKETS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}],
}
WHOLE: dict[str, Any] = {
    "management_account": MANAGEMENT,
    "id": "o-exampleorg1",
    "root_id": "r-ex01",
    "units": [
        {"name": "Workloads", "id": "ou-ex01-workload1", "accounts": [PRODUCTION], "units": [{"name": "Sandbox"}]}
    ],
    "policies": [
        {"name": "stay", "document": STAY, "targets": ["Workloads/Sandbox", ANALYTICS]},
        {"name": "closed", "type": "RESOURCE_CONTROL_POLICY", "document": CLOSED, "targets": ["root"]},
    ],
}
ACCOUNTS = [{"id": PRODUCTION, "name": "production"}, {"id": ANALYTICS, "name": "analytics"}]


def written(organization: Any, accounts: Any = ACCOUNTS) -> str:
    return yaml.safe_dump({"organization": organization, "accounts": accounts}, sort_keys=False)


async def set_up(world: World, organization: Any, accounts: Any = ACCOUNTS) -> SetupResult:
    result = await apply(parse_setup(written(organization, accounts), Path()), world.system)
    world.directory.refresh()
    return result


@story
async def test_every_account_of_the_file_becomes_a_member_where_the_file_says(world: World) -> None:
    result = await set_up(world, WHOLE)
    assert result.made == 6  # management account, organization, two units, two policies
    listed = await world.call(MANAGEMENT, "organizations", "ListAccounts")
    assert {one["Id"]: one["Paths"][0].split("/")[2:-2] for one in listed["Accounts"]} == {
        MANAGEMENT: [],
        ANALYTICS: [],
        PRODUCTION: ["ou-ex01-workload1"],
    }
    error = await world.refused(ANALYTICS, "organizations", "LeaveOrganization")
    assert "explicit deny in a service control policy" in error.message
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    error = await world.refused(PRODUCTION, "s3", "DeleteBucket", Bucket="reports")
    assert "explicit deny in a resource control policy" in error.message
    await world.call(PRODUCTION, "organizations", "LeaveOrganization")


@story
async def test_applying_it_again_makes_nothing_and_later_changes_are_made(world: World) -> None:
    await set_up(world, WHOLE)
    assert (await set_up(world, WHOLE)).made == 0
    moved = {
        **WHOLE,
        "units": [{"name": "Workloads", "units": [{"name": "Sandbox", "accounts": [PRODUCTION]}]}],
        "policies": [{"name": "stay", "document": NO_BUCKETS, "targets": ["root"]}],
    }
    assert (await set_up(world, moved, [*ACCOUNTS, {"id": NEW}])).made == 1  # the new account
    membership = await world.directory.membership(PRODUCTION)
    assert membership is not None
    assert membership.path.count("ou-") == 2
    assert await world.directory.membership(NEW) is not None
    error = await world.refused(NEW, "s3", "CreateBucket", Bucket="new")
    assert "explicit deny in a service control policy" in error.message
    await world.call(ANALYTICS, "organizations", "LeaveOrganization")


@story
async def test_only_the_management_account_is_required(world: World) -> None:
    await set_up(world, {"management_account": PRODUCTION})
    found = (await world.call(ANALYTICS, "organizations", "DescribeOrganization"))["Organization"]
    assert (found["MasterAccountId"], found["FeatureSet"]) == (PRODUCTION, "ALL")


@pytest.mark.parametrize(
    ("organization", "said"),
    [
        ({}, "organization needs `management_account`"),
        ({"management_account": "1"}, "`management_account` is '1'"),
        ({**WHOLE, "id": "o-short"}, "`id` is 'o-short'"),
        ({**WHOLE, "root_id": "r-other"}, "holds the characters of `root_id`"),
        ({**WHOLE, "root_id": None}, "holds the characters of `root_id`"),
        ({**WHOLE, "units": [{"name": "a"}, {"name": "a"}]}, "unit 'a' stands twice"),
        ({**WHOLE, "units": [{"name": "a/b"}]}, "`name` is 'a/b'"),
        ({**WHOLE, "units": [{"name": "root"}]}, "a unit cannot be called root here"),
        ({**WHOLE, "units": [{"name": "a", "accounts": [NEW]}]}, f"unit a: the file has no account '{NEW}'"),
        (
            {**WHOLE, "units": [{"name": "a", "accounts": [PRODUCTION]}, {"name": "b", "accounts": [PRODUCTION]}]},
            f"account '{PRODUCTION}' stands twice",
        ),
        ({**WHOLE, "policies": [{"name": "p", "document": STAY, "targets": ["Nowhere"]}]}, "no target 'Nowhere'"),
        ({**WHOLE, "policies": [{"name": "p", "document": CLOSED}]}, "Policy document should not specify a principal."),
        ({**WHOLE, "policies": [{"name": "p", "type": "TAG_POLICY", "document": {}}]}, "`type` is 'TAG_POLICY'"),
        ({**WHOLE, "policies": [{"name": "p", "document": STAY}] * 2}, "'p' stands twice"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(organization: Any, said: str, tmp_path: Path) -> None:
    async def tell(world: World) -> None:
        with pytest.raises(InvalidSetup, match=r"^line [0-9]+: ") as refused:
            await set_up(world, organization)
        assert said in str(refused.value)
        assert await world.directory.membership(PRODUCTION) is None
        assert await world.directory.account(MANAGEMENT) is None

    story(tell)(tmp_path)


@story
async def test_what_is_there_may_forbid_it_and_then_nothing_is_changed(world: World) -> None:
    await world.call(ANALYTICS, "organizations", "CreateOrganization")
    world.directory.refresh()
    with pytest.raises(InvalidSetup, match=f"account {ANALYTICS} belongs to another organization"):
        await set_up(world, {"management_account": PRODUCTION})
    with pytest.raises(InvalidSetup, match="`id` is 'o-exampleorg1'; the organization that is there has"):
        await set_up(world, {"management_account": ANALYTICS, "id": "o-exampleorg1"})
    deep: Any = {"name": "6"}
    for number in range(5, 0, -1):
        deep = {"name": str(number), "units": [deep]}
    with pytest.raises(InvalidSetup, match=r"unit 1/2/3/4/5/6: .* 5 levels deep"):
        await set_up(world, {"management_account": ANALYTICS, "units": [deep]})
    world.directory.refresh()
    assert await world.directory.membership(PRODUCTION) is None
    found = await world.call(ANALYTICS, "organizations", "ListRoots")
    listed = await world.call(
        ANALYTICS, "organizations", "ListOrganizationalUnitsForParent", ParentId=found["Roots"][0]["Id"]
    )
    assert listed["OrganizationalUnits"] == []
