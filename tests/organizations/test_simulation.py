"""The policy simulator in an organization: what it foretells is what the requests are answered."""

from __future__ import annotations

from typing import Any

import pytest

from builders import World, allow, deny, story, trusts
from organization_builders import DATA, MANAGEMENT, SANDBOX, Company, company, company_story
from simulations import principal


async def foretold(company: Company, source: str, action: str, **members: Any) -> tuple[str, bool | None]:
    """The decision, and whether the organization allows; None where it has no say."""
    account = source.split(":")[4]
    found = await principal(company.world, source, action, account=account, **members)
    detail = found.get("OrganizationsDecisionDetail")
    return found["EvalDecision"], None if detail is None else detail["AllowedByOrganizations"]


async def reads(company: Company, who: Any) -> bool:
    """Whether a request of somebody passes that needs iam:ListUsers."""
    try:
        await company.world.call(who, "iam", "ListUsers")
    except Exception as error:
        assert getattr(error, "code", "") == "AccessDenied"
        return False
    return True


@pytest.mark.parametrize("level", ["root", "workloads", "production", "account"])
def test_a_policy_of_any_level_decides_as_it_does_in_a_request(level: str, tmp_path: Any) -> None:
    async def tell(world: World) -> None:
        made = await company(world)
        target = DATA if level == "account" else getattr(made, level)
        user = await world.user(DATA, "alice", allow("iam:*"))
        role = await world.role(DATA, "job", allow("iam:*"), trust=trusts(DATA))
        await world.group(DATA, "team", allow("iam:*"))
        sources = (user.arn, role.arn, f"arn:aws:iam::{DATA}:group/team")
        for source in sources:
            assert await foretold(made, source, "iam:ListUsers") == ("allowed", True)
        assert await reads(made, user)
        denying = await made.attach(deny("iam:List*"), target)
        for source in sources:
            assert await foretold(made, source, "iam:ListUsers") == ("explicitDeny", False)
        without = [{"PolicyType": "scp"}]
        assert await foretold(made, user.arn, "iam:ListUsers", PolicyExclusionList=without) == ("allowed", None)
        assert not await reads(made, user)
        await made.do("DetachPolicy", PolicyId=denying, TargetId=target)
        await made.only(allow(["s3:*", "iam:Simulate*"]), target)
        assert await foretold(made, user.arn, "iam:ListUsers") == ("implicitDeny", False)
        assert not await reads(made, user)

    story(tell)(tmp_path)


@company_story
async def test_the_management_account_and_a_sibling_are_not_bound(company: Company) -> None:
    await company.attach(deny("iam:List*"), company.workloads)
    for account, organization in ((MANAGEMENT, None), (SANDBOX, True)):
        user = await company.world.user(account, "alice", allow("iam:*"))
        assert await foretold(company, user.arn, "iam:ListUsers") == ("allowed", organization)
        assert await reads(company, user)


@company_story
async def test_the_organization_of_the_principal_is_a_key_of_the_simulation(company: Company) -> None:
    for organization, decision in ((company.id, "allowed"), ("o-aaaaaaaaaa", "implicitDeny")):
        only = allow("iam:*", Condition={"StringEquals": {"aws:PrincipalOrgID": organization}})
        user = await company.world.user(DATA, f"in-{organization}", only)
        assert (await foretold(company, user.arn, "iam:ListUsers"))[0] == decision
        assert await reads(company, user) is (decision == "allowed")
