"""What is known of a request before it is made: the organization's keys, and which accounts it has."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from isthmus.access.account_state import Identity, region_in
from isthmus.access.organization_levels import read_levels
from isthmus.access.predict import _answer
from isthmus.access.question import PrincipalArn, Question, asker_of, request_of, root_of
from isthmus.policy import (
    Decision,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

OWNER, PARTNER = "111122223333", "444455556666"


def by_organization() -> Decision:
    """An object that members of an organization read, asked for by a root user."""
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    policy = PolicyDocument.made({"Version": "2012-10-17", "Statement": statement})
    question = Question(f"arn:aws:iam::{PARTNER}:root", "s3:GetObject", "arn:aws:s3:::reports/a", {})
    side = ResourceSide(OWNER, ResourcePolicy(policy))
    return decide(request_of(question, root_of(PrincipalArn.parse(question.principal)), side, datetime.now(UTC)))


def test_without_the_organization_nobody_knows_whether_somebody_is_of_it() -> None:
    answer = _answer(by_organization(), knows_organization=False)
    assert answer.allowed is None
    assert "aws:PrincipalOrgID: --organization" in answer.reason


def test_with_the_organization_who_is_not_of_it_is_refused() -> None:
    assert _answer(by_organization(), knows_organization=True).allowed is False


@pytest.mark.parametrize(
    ("told", "region"), [(None, "us-east-1"), ("", "us-east-1"), ("EU", "eu-west-1"), ("sa-east-1", "sa-east-1")]
)
def test_a_bucket_s_location_is_told_as_a_region(told: str | None, region: str) -> None:
    assert region_in({"LocationConstraint": told}) == region


class Organizations:
    """An organization of one account."""

    def describe_organization(self) -> dict[str, Any]:
        return {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": OWNER}}

    def list_parents(self, ChildId: str) -> dict[str, Any]:  # noqa: N803 - so named by AWS
        if ChildId != OWNER:
            raise ClientError({"Error": {"Code": "ChildNotFoundException", "Message": ""}}, "ListParents")
        return {"Parents": [{"Id": "r-root"}]}


def test_an_account_of_no_organization_has_no_levels() -> None:
    side: Any = SimpleNamespace(client=lambda _service: Organizations())
    assert read_levels(side, PARTNER) is None
    found = read_levels(side, OWNER)
    assert found is not None
    assert found.path == "o-exampleorgid/r-root/"


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_a_principal_is_of_the_partition_of_its_role(partition: str) -> None:
    arn = f"arn:{partition}:iam::{PARTNER}:role/team/Reader"
    role = Identity(Principal(PrincipalKind.ROLE_SESSION, PARTNER, arn, arn, "AROAREADER"), PrincipalPolicies(), {})
    asker = asker_of(role, PrincipalArn.parse(arn))
    assert asker.principal.arn == f"arn:{partition}:sts::{PARTNER}:assumed-role/Reader/Reader"
    root = f"arn:{partition}:iam::{PARTNER}:root"
    assert root_of(PrincipalArn.parse(root)).context["aws:principalarn"] == root
