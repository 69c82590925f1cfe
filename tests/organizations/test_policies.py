"""Policies of an organization and where they are attached."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from builders import allow, deny, policy, statement
from organization_builders import DATA, MANAGEMENT, RCP, SCP, Company, company_story

FULL, RCP_FULL = "p-FullAWSAccess", "p-RCPFullAWSAccess"
TAGGING = '{"tags": {"team": {"tag_key": {"@@assign": "team"}}}}'


@company_story
async def test_a_policy_is_kept_byte_for_byte_and_changed(company: Company) -> None:
    content = json.dumps(deny("s3:*"), indent=3)
    made = (await company.do("CreatePolicy", Type=SCP, Name="no-s3", Description="none of it", Content=content))[
        "Policy"
    ]
    policy_id = made["PolicySummary"]["Id"]
    assert re.fullmatch(r"p-[a-z0-9]{10}", policy_id)
    assert made == {
        "PolicySummary": {
            "Id": policy_id,
            "Arn": f"arn:aws:organizations::{MANAGEMENT}:policy/{company.id}/service_control_policy/{policy_id}",
            "Name": "no-s3",
            "Description": "none of it",
            "Type": SCP,
            "AwsManaged": False,
        },
        "Content": content,
    }
    assert (await company.do("DescribePolicy", PolicyId=policy_id))["Policy"] == made
    listed = await company.do("ListPolicies", Filter=SCP)
    assert [one["Id"] for one in listed["Policies"]] == sorted((FULL, policy_id))
    changed = (await company.do("UpdatePolicy", PolicyId=policy_id, Description="other"))["Policy"]
    assert (changed["Content"], changed["PolicySummary"]["Description"]) == (content, "other")
    await company.do("DeletePolicy", PolicyId=policy_id)
    assert (await company.refused("DescribePolicy", PolicyId=policy_id)).code == "PolicyNotFoundException"


@company_story
async def test_aws_s_own_policies_are_read_and_not_changed(company: Company) -> None:
    for policy_id, kind, arn in (
        (FULL, SCP, "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"),
        (RCP_FULL, RCP, "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess"),
    ):
        shown = (await company.do("DescribePolicy", PolicyId=policy_id))["Policy"]
        summary = shown["PolicySummary"]
        assert (summary["Arn"], summary["Type"], summary["AwsManaged"]) == (arn, kind, True)
        assert json.loads(shown["Content"])["Statement"][0]["Action"] == "*"
        for name in ("UpdatePolicy", "DeletePolicy"):
            error = await company.refused(name, PolicyId=policy_id)
            assert (error.code, error.extra["Reason"]) == ("InvalidInputException", "IMMUTABLE_POLICY")


@company_story
async def test_a_name_is_free_once_in_each_type(company: Company) -> None:
    await company.policy(allow("s3:*"), SCP, "same")
    error = await company.refused(
        "CreatePolicy", Type=SCP, Name="same", Description="", Content=json.dumps(allow("ec2:*"))
    )
    assert error.code == "DuplicatePolicyException"
    await company.policy(deny("s3:*", Principal="*"), RCP, "same")
    other = await company.policy(allow("ec2:*"), SCP, "other")
    assert (await company.refused("UpdatePolicy", PolicyId=other, Name="same")).code == "DuplicatePolicyException"
    await company.do("UpdatePolicy", PolicyId=other, Name="other")


GOOD_SCP = policy(statement("Deny", "s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}))
GOOD_RCP = policy(statement("Deny", "s3:*", Principal="*"))


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        (SCP, json.dumps(GOOD_SCP), None),
        (SCP, json.dumps(policy(statement("Allow", "s3:*"), statement("Deny", "iam:*", Sid="b"))), None),
        (SCP, "{", "MalformedPolicyDocumentException"),
        (SCP, json.dumps(policy(statement("Deny", "s3:*", Principal="*"))), "MalformedPolicyDocumentException"),
        (SCP, json.dumps(policy(statement("Deny", "s3"))), "MalformedPolicyDocumentException"),
        (SCP, json.dumps(policy(statement("Deny", "s3:" + "a" * 5120))), "ConstraintViolationException"),
        (RCP, json.dumps(GOOD_RCP), None),
        (RCP, json.dumps(policy(statement("Deny", "dynamodb:*", Principal="*"))), None),
        (RCP, json.dumps(policy(statement("Allow", "s3:*", Principal="*"))), "MalformedPolicyDocumentException"),
        (RCP, json.dumps(policy(statement("Deny", "iam:*", Principal="*"))), "MalformedPolicyDocumentException"),
        (RCP, json.dumps(policy(statement("Deny", "*", Principal="*"))), "MalformedPolicyDocumentException"),
        (RCP, json.dumps(policy(statement("Deny", "s3:*"))), "MalformedPolicyDocumentException"),
        ("TAG_POLICY", TAGGING, None),
        ("TAG_POLICY", "[]", "MalformedPolicyDocumentException"),
        ("BACKUP_POLICY", '{"plans": {}}', None),
        ("BACKUP_POLICY", "plans", "MalformedPolicyDocumentException"),
    ],
)
def test_the_content_must_be_what_its_type_has(kind: str, content: str, code: str | None, tmp_path: Any) -> None:
    async def tell(company: Company) -> None:
        members = {"Type": kind, "Name": "a", "Description": "", "Content": content}
        if code is None:
            await company.do("CreatePolicy", **members)
        else:
            assert (await company.refused("CreatePolicy", **members)).code == code
            kept = await company.do("ListPolicies", Filter=kind)
            assert all(one["AwsManaged"] for one in kept["Policies"])

    company_story(tell)(tmp_path)


# Attachments


@company_story
async def test_a_policy_is_attached_once_to_a_target_and_listed_from_both_ends(company: Company) -> None:
    policy_id = await company.policy(allow("s3:*"))
    for target in (company.root, company.workloads, DATA):
        await company.do("AttachPolicy", PolicyId=policy_id, TargetId=target)
        error = await company.refused("AttachPolicy", PolicyId=policy_id, TargetId=target)
        assert error.code == "DuplicatePolicyAttachmentException"
        listed = await company.do("ListPoliciesForTarget", TargetId=target, Filter=SCP)
        assert {one["Id"] for one in listed["Policies"]} == {FULL, policy_id}
    targets = (await company.do("ListTargetsForPolicy", PolicyId=policy_id))["Targets"]
    assert {(one["TargetId"], one["Type"], one["Name"]) for one in targets} == {
        (company.root, "ROOT", "Root"),
        (company.workloads, "ORGANIZATIONAL_UNIT", "Workloads"),
        (DATA, "ACCOUNT", "production"),
    }
    assert (await company.refused("DeletePolicy", PolicyId=policy_id)).code == "PolicyInUseException"
    for target in (company.root, company.workloads, DATA):
        await company.do("DetachPolicy", PolicyId=policy_id, TargetId=target)
        error = await company.refused("DetachPolicy", PolicyId=policy_id, TargetId=target)
        assert error.code == "PolicyNotAttachedException"
    await company.do("DeletePolicy", PolicyId=policy_id)


@company_story
async def test_five_policies_of_a_type_are_the_most_for_a_target(company: Company) -> None:
    for number in range(4):  # beside FullAWSAccess
        await company.attach(allow("s3:*", Sid=f"s{number}"), DATA)
    sixth = await company.policy(allow("ec2:*"))
    error = await company.refused("AttachPolicy", PolicyId=sixth, TargetId=DATA)
    assert (error.code, error.extra["Reason"]) == (
        "ConstraintViolationException",
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    )
    await company.do("AttachPolicy", PolicyId=sixth, TargetId=company.production)
    await company.do("DetachPolicy", PolicyId=FULL, TargetId=DATA)
    await company.do("AttachPolicy", PolicyId=sixth, TargetId=DATA)


@company_story
async def test_the_last_service_control_policy_stays(company: Company) -> None:
    for target in (company.root, company.workloads, DATA):
        error = await company.refused("DetachPolicy", PolicyId=FULL, TargetId=target)
        assert (error.code, error.extra["Reason"]) == (
            "ConstraintViolationException",
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
        other = await company.attach(allow("s3:*", Sid=f"n{target[-2:]}"), target)
        await company.do("DetachPolicy", PolicyId=FULL, TargetId=target)
        error = await company.refused("DetachPolicy", PolicyId=other, TargetId=target)
        assert error.extra["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
        await company.do("AttachPolicy", PolicyId=FULL, TargetId=target)
        await company.do("DetachPolicy", PolicyId=other, TargetId=target)


@company_story
async def test_the_resource_control_policy_of_aws_stays_whatever_is_beside_it(company: Company) -> None:
    await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    other = await company.attach(GOOD_RCP, DATA, RCP)
    for target in (company.root, company.workloads, DATA):
        error = await company.refused("DetachPolicy", PolicyId=RCP_FULL, TargetId=target)
        assert (error.code, error.extra["Reason"]) == ("InvalidInputException", "NON_DETACHABLE_POLICY")
    await company.do("DetachPolicy", PolicyId=other, TargetId=DATA)
    listed = await company.do("ListPoliciesForTarget", TargetId=DATA, Filter=RCP)
    assert [one["Id"] for one in listed["Policies"]] == [RCP_FULL]


@company_story
async def test_a_type_is_enabled_before_its_policies_are_attached(company: Company) -> None:
    policy_id = await company.policy(GOOD_RCP, RCP)
    error = await company.refused("AttachPolicy", PolicyId=policy_id, TargetId=DATA)
    assert error.code == "PolicyTypeNotEnabledException"
    enabled = await company.do("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    assert [one["Type"] for one in enabled["Root"]["PolicyTypes"]] == [SCP, RCP]
    error = await company.refused("EnablePolicyType", RootId=company.root, PolicyType=RCP)
    assert error.code == "PolicyTypeAlreadyEnabledException"
    await company.do("AttachPolicy", PolicyId=policy_id, TargetId=DATA)
    disabled = await company.do("DisablePolicyType", RootId=company.root, PolicyType=RCP)
    assert [one["Type"] for one in disabled["Root"]["PolicyTypes"]] == [SCP]
    error = await company.refused("DisablePolicyType", RootId=company.root, PolicyType=RCP)
    assert error.code == "PolicyTypeNotEnabledException"
    assert (await company.do("ListTargetsForPolicy", PolicyId=policy_id))["Targets"] == []


@company_story
async def test_service_control_policies_that_came_with_the_organization_may_be_enabled_once(company: Company) -> None:
    it = {"RootId": company.root, "PolicyType": SCP}
    attached = await company.do("ListPoliciesForTarget", TargetId=DATA, Filter=SCP)
    enabled = await company.do("EnablePolicyType", **it)
    assert enabled["Root"]["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    assert await company.do("ListPoliciesForTarget", TargetId=DATA, Filter=SCP) == attached
    assert (await company.refused("EnablePolicyType", **it)).code == "PolicyTypeAlreadyEnabledException"
    await company.do("DisablePolicyType", **it)
    await company.do("EnablePolicyType", **it)
    assert (await company.refused("EnablePolicyType", **it)).code == "PolicyTypeAlreadyEnabledException"


@company_story
async def test_what_is_not_there_has_an_error_of_its_own(company: Company) -> None:
    policy_id = await company.policy(allow("s3:*"))
    for name, members, code in (
        ("AttachPolicy", {"PolicyId": "p-0000000000", "TargetId": DATA}, "PolicyNotFoundException"),
        ("AttachPolicy", {"PolicyId": policy_id, "TargetId": "222233334444"}, "TargetNotFoundException"),
        ("DetachPolicy", {"PolicyId": "p-0000000000", "TargetId": DATA}, "PolicyNotFoundException"),
        ("DetachPolicy", {"PolicyId": policy_id, "TargetId": "ou-zzzz-zzzzzzzz"}, "TargetNotFoundException"),
        ("ListPoliciesForTarget", {"TargetId": "r-zzzz", "Filter": SCP}, "TargetNotFoundException"),
        ("ListTargetsForPolicy", {"PolicyId": "p-0000000000"}, "PolicyNotFoundException"),
        ("EnablePolicyType", {"RootId": "r-zzzz", "PolicyType": RCP}, "RootNotFoundException"),
        ("UpdatePolicy", {"PolicyId": "p-0000000000"}, "PolicyNotFoundException"),
    ):
        assert (name, (await company.refused(name, **members)).code) == (name, code)


@company_story
async def test_policies_of_one_organization_are_nothing_in_another(company: Company) -> None:
    policy_id = await company.policy(allow("s3:*"))
    await company.do("CreateOrganization", "222233334444")
    error = await company.refused("DescribePolicy", "222233334444", PolicyId=policy_id)
    assert error.code == "PolicyNotFoundException"
    error = await company.refused("AttachPolicy", "222233334444", PolicyId=policy_id, TargetId="222233334444")
    assert error.code == "PolicyNotFoundException"


@company_story
async def test_the_type_of_a_policy_is_a_condition_key(company: Company) -> None:
    condition = {"StringEquals": {"organizations:PolicyType": "TAG_POLICY"}}
    tagger = await company.world.user(MANAGEMENT, "tagger", allow("organizations:*", Condition=condition))
    made = await company.do("CreatePolicy", tagger, Type="TAG_POLICY", Name="t", Description="", Content=TAGGING)
    await company.do("EnablePolicyType", tagger, RootId=company.root, PolicyType="TAG_POLICY")
    await company.do("AttachPolicy", tagger, PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=DATA)
    await company.do("ListPoliciesForTarget", tagger, TargetId=DATA, Filter="TAG_POLICY")
    other = await company.policy(allow("s3:*"))
    for name, members in (
        ("AttachPolicy", {"PolicyId": other, "TargetId": DATA}),
        ("ListPolicies", {"Filter": SCP}),
        ("CreatePolicy", {"Type": SCP, "Name": "s", "Description": "", "Content": json.dumps(GOOD_SCP)}),
        ("DisablePolicyType", {"RootId": company.root, "PolicyType": SCP}),
    ):
        assert (name, (await company.refused(name, tagger, **members)).code) == (name, "AccessDenied")
