"""An account's place in its organization, as the directory knows it and credentials carry it."""

from __future__ import annotations

from builders import World, allow, story
from isthmus.identity import authenticated
from organization_builders import DATA, MANAGEMENT, OUTSIDER, RCP, SANDBOX, Company, company_story


@company_story
async def test_the_levels_lead_from_the_root_to_the_account(company: Company) -> None:
    extra = await company.attach(allow("s3:*"), company.production)
    company.world.directory.refresh()
    membership = await company.world.directory.membership(DATA)
    assert membership is not None
    assert membership.path == f"{company.id}/{company.root}/{company.workloads}/{company.production}/"
    arn = f"arn:aws:organizations::{MANAGEMENT}"
    assert [[(one.name, one.holder) for one in level if one.name == "FullAWSAccess"] for level in membership.scps] == [
        [("FullAWSAccess", f"{arn}:root/{company.id}/{company.root}")],
        [("FullAWSAccess", f"{arn}:ou/{company.id}/{company.workloads}")],
        [("FullAWSAccess", f"{arn}:ou/{company.id}/{company.production}")],
        [("FullAWSAccess", f"{arn}:account/{company.id}/{DATA}")],
    ]
    assert [one.arn for one in membership.scps[2]] == [
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        f"{arn}:policy/{company.id}/service_control_policy/{extra}",
    ]
    assert membership.rcps == ()
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    company.world.directory.refresh()
    membership = await company.world.directory.membership(DATA)
    assert membership is not None
    assert [[one.name for one in level] for level in membership.rcps] == [["RCPFullAWSAccess"]] * 4


@company_story
async def test_the_management_account_has_a_place_and_no_levels(company: Company) -> None:
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    company.world.directory.refresh()
    for account, levels in ((MANAGEMENT, 0), (SANDBOX, 2)):
        membership = await company.world.directory.membership(account)
        assert membership is not None
        assert membership.path == f"{company.id}/{company.root}/"
        assert (len(membership.scps), len(membership.rcps)) == (levels, levels)


@company_story
async def test_credentials_say_their_organization_and_those_outside_say_none(company: Company) -> None:
    company.world.directory.refresh()
    for account, organization in ((DATA, company.id), (MANAGEMENT, company.id), (OUTSIDER, None)):
        key = await company.world.access_key(account)
        _, policies, context = await authenticated.long_term(company.world.directory, key)
        assert context.get("aws:principalorgid") == organization
        assert ("aws:principalorgpaths" in context) is (organization is not None)
        assert bool(policies.scps) is (account == DATA)
    _, policies, context = authenticated.anonymous()
    assert "aws:principalorgid" not in context
    assert policies.scps == ()


@story
async def test_an_account_outside_has_no_place(world: World) -> None:
    assert await world.directory.membership(DATA) is None
    assert await world.directory.membership("anonymous") is None
