"""Services in a role: the trust policy decides, and what the role may is what its policies say."""

from __future__ import annotations

import pytest

from builders import ANALYTICS, PRODUCTION, World, allow, story, trusts
from isthmus.operation import RoleNotAssumed, assume_role_as_service
from isthmus.policy import PrincipalKind

S3 = "s3.amazonaws.com"
ROLE = f"arn:aws:iam::{PRODUCTION}:role/service/copier"


async def assume(world: World, service: str = S3, role: str = ROLE, source: str = "arn:aws:s3:::photos") -> None:
    await assume_role_as_service(world.system, service, role, "s", source_account=PRODUCTION, source_arn=source)


@story
async def test_the_service_becomes_a_session_of_the_role_with_its_policies(world: World) -> None:
    role = await world.role(
        PRODUCTION, "copier", allow("s3:GetObject"), trust=trusts({"Service": S3}), path="/service/", tags={"team": "a"}
    )
    caller, context = await assume_role_as_service(
        world.system, S3, ROLE, "copying", source_account=PRODUCTION, source_arn="arn:aws:s3:::photos"
    )
    assert caller.principal.kind is PrincipalKind.ROLE_SESSION
    assert caller.principal.arn == f"arn:aws:sts::{PRODUCTION}:assumed-role/copier/copying"
    assert [policy.name for policy in caller.policies.identity] == ["inline-0"]
    assert context["aws:principalarn"] == ROLE
    assert context["aws:userid"] == f"{role.id}:copying"
    assert context["aws:principaltag/team"] == "a"
    assert context["aws:principalisawsservice"] == "false"


@story
async def test_a_role_is_assumed_only_by_the_service_it_trusts_for_the_source_it_trusts(world: World) -> None:
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::pho*"}, "StringEquals": {"aws:SourceAccount": PRODUCTION}}
    await world.role(PRODUCTION, "copier", trust=trusts({"Service": S3}, Condition=condition), path="/service/")
    await assume(world)
    for wrong in (
        {"service": "ec2.amazonaws.com"},
        {"source": "arn:aws:s3:::other"},
        {"role": ROLE.replace("/service/", "/")},
        {"role": ROLE.replace(PRODUCTION, ANALYTICS)},
        {"role": "copier"},
        {"role": f"arn:aws:iam::{PRODUCTION}:user/copier"},
    ):
        with pytest.raises(RoleNotAssumed):
            await assume(world, **wrong)


@story
async def test_a_role_that_trusts_its_account_does_not_trust_a_service_that_acts_for_it(world: World) -> None:
    await world.role(PRODUCTION, "copier", trust=trusts(PRODUCTION), path="/service/")
    with pytest.raises(RoleNotAssumed):
        await assume(world)
