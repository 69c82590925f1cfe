"""Asking the policy simulator for one result."""

from __future__ import annotations

import json
from typing import Any

from builders import PRODUCTION, World, allow, policy, statement

A, B = "arn:aws:s3:::reports/a", "arn:aws:s3:::reports/b"
ALL = json.dumps(allow("*"))
COMPACT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def arn(kind: str, name: str, account: str = PRODUCTION) -> str:
    """The ARN of a user, group or role."""
    return f"arn:aws:iam::{account}:{kind}/{name}"


async def custom(world: World, *policies: str, **members: Any) -> dict[str, Any]:
    """The one result of SimulateCustomPolicy, for s3:GetObject unless told."""
    asked = {"ActionNames": ["s3:GetObject"], "PolicyInputList": list(policies), **members}
    (found,) = (await world.call(PRODUCTION, "iam", "SimulateCustomPolicy", **asked))["EvaluationResults"]
    return dict(found)


async def principal(
    world: World, source: str, action: str = "s3:GetObject", account: str = PRODUCTION, **members: Any
) -> dict[str, Any]:
    """The one result of SimulatePrincipalPolicy, asked by the root user of an account."""
    asked = {"PolicySourceArn": source, "ActionNames": [action], **members}
    (found,) = (await world.call(account, "iam", "SimulatePrincipalPolicy", **asked))["EvaluationResults"]
    return dict(found)


def sources(found: dict[str, Any]) -> list[str]:
    """The policies of its matched statements."""
    return [one["SourcePolicyId"] for one in found.get("MatchedStatements", [])]


def levels(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """Service control policies, one a level."""
    return [{"ServiceControlPolicyInputList": [json.dumps(one)]} for one in given]


def bucket(principal: Any, effect: str = "Allow") -> str:
    """A policy of the bucket `reports` about reading."""
    return json.dumps(policy({**statement(effect, "s3:GetObject", "arn:aws:s3:::reports/*"), "Principal": principal}))
