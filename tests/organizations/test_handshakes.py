"""Invitations, and the way from consolidated billing to all features."""

from __future__ import annotations

import re
from typing import Any

import pytest

from builders import START, World, allow, story
from organization_builders import DATA, MANAGEMENT, OUTSIDER, SANDBOX, Company, company_story, standalone

DAY = 86400


async def invite(company: Company, account: str = OUTSIDER, **more: Any) -> dict[str, Any]:
    made = await company.do("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": account}, **more)
    return dict(made["Handshake"])


@company_story
async def test_an_invitation_says_who_invites_whom(company: Company) -> None:
    made = await invite(company, Notes="Welcome")
    assert re.fullmatch(r"h-[0-9a-z]{32}", made["Id"])
    assert made["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:handshake/{company.id}/invite/{made['Id']}"
    assert (made["Action"], made["State"]) == ("INVITE", "OPEN")
    assert made["RequestedTimestamp"].timestamp() == START
    assert made["ExpirationTimestamp"].timestamp() == START + 15 * DAY
    assert made["Parties"] == [
        {"Type": "ORGANIZATION", "Id": company.id},
        {"Type": "ACCOUNT", "Id": OUTSIDER},
    ]
    assert made["Resources"] == [
        {
            "Type": "ORGANIZATION",
            "Value": company.id,
            "Resources": [
                {"Type": "MASTER_EMAIL", "Value": "management@example.com"},
                {"Type": "MASTER_NAME", "Value": "management"},
                {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
            ],
        },
        {"Type": "ACCOUNT", "Value": OUTSIDER},
        {"Type": "NOTES", "Value": "Welcome"},
    ]
    for who, name in ((OUTSIDER, "ListHandshakesForAccount"), (MANAGEMENT, "ListHandshakesForOrganization")):
        listed = (await company.do(name, who, Filter={"ActionType": "INVITE"}))["Handshakes"]
        assert made in listed
        assert (await company.do("DescribeHandshake", who, HandshakeId=made["Id"]))["Handshake"] == made
    for who in (DATA, "444455556666"):
        shown = await company.do("ListHandshakesForAccount", who)
        assert made not in shown["Handshakes"]


@company_story
async def test_accepting_makes_a_member_with_the_tags_of_the_invitation(company: Company) -> None:
    made = await invite(company, Tags=[{"Key": "team", "Value": "data"}])
    assert (await company.refused("DescribeOrganization", OUTSIDER)).code == "AWSOrganizationsNotInUseException"
    done = await company.do("AcceptHandshake", OUTSIDER, HandshakeId=made["Id"])
    assert done["Handshake"]["State"] == "ACCEPTED"
    assert (await company.do("DescribeOrganization", OUTSIDER))["Organization"]["Id"] == company.id
    listed = await company.do("ListTagsForResource", ResourceId=OUTSIDER)
    assert listed["Tags"] == [{"Key": "team", "Value": "data"}]
    shown = (await company.do("DescribeAccount", AccountId=OUTSIDER))["Account"]
    assert shown["JoinedMethod"] == "INVITED"


@company_story
async def test_an_account_is_invited_by_its_address_too(company: Company) -> None:
    target = {"Type": "EMAIL", "Id": "Outsider@example.com"}
    made = (await company.do("InviteAccountToOrganization", Target=target))["Handshake"]
    assert made["Parties"][1] == target
    await company.do("AcceptHandshake", OUTSIDER, HandshakeId=made["Id"])


@company_story
async def test_who_cannot_be_invited(company: Company) -> None:
    await invite(company)
    for target, code, reason in (
        (("ACCOUNT", OUTSIDER), "DuplicateHandshakeException", None),
        (("EMAIL", "outsider@example.com"), "DuplicateHandshakeException", None),
        (("ACCOUNT", DATA), "HandshakeConstraintViolationException", "ALREADY_IN_AN_ORGANIZATION"),
        (("ACCOUNT", "000000000000"), "InvalidInputException", "INVALID_PATTERN_TARGET_ID"),
        (("EMAIL", "nobody@example.com"), "InvalidInputException", "INVALID_EMAIL_ADDRESS_TARGET"),
        (("ORGANIZATION", "o-aaaaaaaaaa"), "InvalidInputException", "INVALID_PARTY_TYPE_TARGET"),
    ):
        error = await company.refused("InviteAccountToOrganization", Target={"Type": target[0], "Id": target[1]})
        assert (target, error.code, error.extra.get("Reason")) == (target, code, reason)


ANSWERS = {"AcceptHandshake": OUTSIDER, "DeclineHandshake": OUTSIDER, "CancelHandshake": MANAGEMENT}
STATES = {"AcceptHandshake": "ACCEPTED", "DeclineHandshake": "DECLINED", "CancelHandshake": "CANCELED"}


@pytest.mark.parametrize("first", ANSWERS)
def test_an_answer_is_final(first: str, tmp_path: Any) -> None:
    async def tell(company: Company) -> None:
        made = await invite(company)
        done = await company.do(first, ANSWERS[first], HandshakeId=made["Id"])
        assert done["Handshake"]["State"] == STATES[first]
        for name, who in ANSWERS.items():
            error = await company.refused(name, who, HandshakeId=made["Id"])
            wanted = "HandshakeAlreadyInStateException" if name == first else "InvalidHandshakeTransitionException"
            assert (name, error.code) == (name, wanted)

    company_story(tell)(tmp_path)


@company_story
async def test_only_who_is_meant_answers(company: Company) -> None:
    made = await invite(company)
    for name, who, code in (
        ("AcceptHandshake", MANAGEMENT, "AccessDeniedException"),
        ("AcceptHandshake", DATA, "AccessDeniedException"),
        ("DeclineHandshake", DATA, "AccessDeniedException"),
        ("CancelHandshake", DATA, "AccessDeniedException"),
        ("CancelHandshake", OUTSIDER, "AWSOrganizationsNotInUseException"),
    ):
        assert (name, who, (await company.refused(name, who, HandshakeId=made["Id"])).code) == (name, who, code)
    for name, who in ANSWERS.items():
        error = await company.refused(name, who, HandshakeId="h-00000000")
        assert error.code == "HandshakeNotFoundException"
    await company.world.account("333344445555", "stranger")
    error = await company.refused("DescribeHandshake", "333344445555", HandshakeId=made["Id"])
    assert error.code == "HandshakeNotFoundException"
    await company.do("AcceptHandshake", OUTSIDER, HandshakeId=made["Id"])


@company_story
async def test_an_invitation_expires_and_is_forgotten_thirty_days_later(company: Company) -> None:
    made = await invite(company)
    company.world.now += 15 * DAY - 1
    assert (await company.do("DescribeHandshake", HandshakeId=made["Id"]))["Handshake"]["State"] == "OPEN"
    company.world.now += 1
    assert (await company.do("DescribeHandshake", HandshakeId=made["Id"]))["Handshake"]["State"] == "EXPIRED"
    error = await company.refused("AcceptHandshake", OUTSIDER, HandshakeId=made["Id"])
    assert error.code == "InvalidHandshakeTransitionException"
    await invite(company)
    company.world.now += 30 * DAY
    assert (await company.refused("DescribeHandshake", HandshakeId=made["Id"])).code == "HandshakeNotFoundException"
    listed = await company.do("ListHandshakesForAccount", OUTSIDER)
    assert made["Id"] not in [one["Id"] for one in listed["Handshakes"]]


@company_story
async def test_joining_needs_the_permission_for_the_role_of_organizations_too(company: Company) -> None:
    made = await invite(company)
    arn = made["Arn"]
    half = await company.world.user(OUTSIDER, "half", allow("organizations:AcceptHandshake", arn))
    error = await company.refused("AcceptHandshake", half, HandshakeId=made["Id"])
    assert error.code == "AccessDeniedForDependencyException"
    whole = await company.world.user(
        OUTSIDER, "whole", allow("organizations:AcceptHandshake", arn), allow("iam:CreateServiceLinkedRole")
    )
    await company.do("AcceptHandshake", whole, HandshakeId=made["Id"])


@company_story
async def test_the_handshakes_of_an_organization_that_is_gone_are_cancelled(company: Company) -> None:
    made = await invite(company)
    for account in (DATA, SANDBOX):
        await company.do("RemoveAccountFromOrganization", AccountId=account)
    await company.do("DeleteOrganization")
    error = await company.refused("AcceptHandshake", OUTSIDER, HandshakeId=made["Id"])
    assert error.code == "InvalidHandshakeTransitionException"


# All features


async def for_billing(world: World) -> Company:
    company = await standalone(world)
    made = await company.do("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
    company.id = made["Organization"]["Id"]
    return company


async def approval(company: Company, account: str) -> str:
    """The handshake by which an account approves all features."""
    wanted = {"ActionType": "APPROVE_ALL_FEATURES"}
    (mine,) = (await company.do("ListHandshakesForAccount", account, Filter=wanted))["Handshakes"]
    return str(mine["Id"])


async def features(company: Company) -> str:
    return str((await company.do("DescribeOrganization"))["Organization"]["FeatureSet"])


@story
async def test_all_features_are_enabled_when_every_invited_member_has_approved(world: World) -> None:
    company = await for_billing(world)
    for account in (DATA, SANDBOX):
        await company.join(account)
    await company.do("CreateAccount", AccountName="made", Email="made@example.com")
    enabling = (await company.do("EnableAllFeatures"))["Handshake"]
    assert (enabling["Action"], enabling["State"]) == ("ENABLE_ALL_FEATURES", "REQUESTED")
    assert enabling["Parties"] == [{"Type": "ORGANIZATION", "Id": company.id}]
    asked = await company.do("ListHandshakesForOrganization", Filter={"ParentHandshakeId": enabling["Id"]})
    assert {one["Parties"][1]["Id"] for one in asked["Handshakes"]} == {DATA, SANDBOX}  # not who was created
    for account in (DATA, SANDBOX):
        error = await company.refused("AcceptHandshake", HandshakeId=enabling["Id"])
        assert error.code == "InvalidHandshakeTransitionException"
        await company.do("AcceptHandshake", account, HandshakeId=await approval(company, account))
    assert await features(company) == "CONSOLIDATED_BILLING"
    shown = (await company.do("DescribeHandshake", HandshakeId=enabling["Id"]))["Handshake"]
    assert shown["State"] == "OPEN"
    await company.do("AcceptHandshake", HandshakeId=enabling["Id"])
    assert await features(company) == "ALL"
    error = await company.refused("EnableAllFeatures")
    assert error.extra["Reason"] == "ORGANIZATION_ALREADY_HAS_ALL_FEATURES"
    root = (await company.do("ListRoots"))["Roots"][0]
    assert root["PolicyTypes"] == []
    await company.do("EnablePolicyType", RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")


@story
async def test_a_member_that_declines_holds_it_up_and_one_that_leaves_does_not(world: World) -> None:
    company = await for_billing(world)
    for account in (DATA, SANDBOX):
        await company.join(account)
    enabling = (await company.do("EnableAllFeatures"))["Handshake"]
    error = await company.refused("EnableAllFeatures")
    assert error.extra["Reason"] == "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION"
    error = await company.refused("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": OUTSIDER})
    assert error.extra["Reason"] == "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES"
    await company.do("LeaveOrganization", SANDBOX)
    await company.do("DeclineHandshake", DATA, HandshakeId=await approval(company, DATA))
    error = await company.refused("AcceptHandshake", HandshakeId=enabling["Id"])
    assert error.code == "InvalidHandshakeTransitionException"
    await company.do("CancelHandshake", HandshakeId=enabling["Id"])
    enabling = (await company.do("EnableAllFeatures"))["Handshake"]
    await company.do("LeaveOrganization", DATA)
    await company.do("AcceptHandshake", HandshakeId=enabling["Id"])
    assert await features(company) == "ALL"


@story
async def test_without_invited_members_there_is_nobody_to_ask(world: World) -> None:
    company = await for_billing(world)
    enabling = (await company.do("EnableAllFeatures"))["Handshake"]
    assert enabling["State"] == "OPEN"
    await company.do("AcceptHandshake", HandshakeId=enabling["Id"])
    assert await features(company) == "ALL"
