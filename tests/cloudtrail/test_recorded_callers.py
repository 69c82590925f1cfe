"""Records: who asked, as `userIdentity` tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from recording import KEY, record_of

from builders import ANALYTICS, PRODUCTION, World, allow, story, trusts
from isthmus.cloudtrail import Answer, events_of
from isthmus.cloudtrail.user_identity import user_identity
from isthmus.operation import Resource, call_as_service
from isthmus.policy import Principal, PrincipalKind
from isthmus.wire import AwsError
from saml_builders import ATTRIBUTES, IdentityProvider

NOW = "2027-01-15T08:00:00Z"
GET = {"Bucket": "reports", "Key": "a.csv"}


@story
async def test_a_user_is_told_with_its_name_and_key(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("iam:*"), path="/people/")
    record = await record_of(world, alice, "iam", "ListUsers")
    assert record["userIdentity"] == {
        "type": "IAMUser",
        "principalId": alice.id,
        "arn": f"arn:aws:iam::{PRODUCTION}:user/people/alice",
        "accountId": PRODUCTION,
        "accessKeyId": KEY,
        "userName": "alice",
    }


@story
async def test_root_is_told_by_its_account(world: World) -> None:
    record = await record_of(world, PRODUCTION, "iam", "ListUsers")
    assert record["userIdentity"] == {
        "type": "Root",
        "principalId": PRODUCTION,
        "arn": f"arn:aws:iam::{PRODUCTION}:root",
        "accountId": PRODUCTION,
        "accessKeyId": KEY,
    }


@story
async def test_a_role_session_is_told_with_its_role_and_how_it_came_about(world: World) -> None:
    alice = await world.user(ANALYTICS, "alice", allow(["sts:*"]))
    serial = await world.mfa_device(ANALYTICS, alice.id, "alice")
    role = await world.role(
        PRODUCTION, "reader", allow("iam:*"), trust=trusts(alice.arn, ["sts:AssumeRole", "sts:SetSourceIdentity"]),
        path="/data/",
    )  # fmt: skip
    session = await world.call(
        alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="monday", SourceIdentity="alice@example.com",
        SerialNumber=serial, TokenCode=world.code(),
    )  # fmt: skip
    record = await record_of(world, session, "iam", "ListUsers")
    assert record["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": f"{role.id}:monday",
        "arn": f"arn:aws:sts::{PRODUCTION}:assumed-role/reader/monday",
        "accountId": PRODUCTION,
        "accessKeyId": session["Credentials"]["AccessKeyId"],
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role.id,
                "arn": f"arn:aws:iam::{PRODUCTION}:role/data/reader",
                "accountId": PRODUCTION,
                "userName": "reader",
            },
            "attributes": {"creationDate": NOW, "mfaAuthenticated": "true"},
            "sourceIdentity": "alice@example.com",
        },
    }


@story
async def test_a_user_s_and_a_federated_user_s_session_are_told_as_what_they_are(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("*"))
    own = await world.call(alice, "sts", "GetSessionToken")
    shown = (await record_of(world, own, "sts", "GetCallerIdentity"))["userIdentity"]
    assert (shown["type"], shown["userName"]) == ("IAMUser", "alice")
    assert shown["sessionContext"] == {"attributes": {"creationDate": NOW, "mfaAuthenticated": "false"}}
    other = await world.call(alice, "sts", "GetFederationToken", Name="bob", Policy=json.dumps(allow("*")))
    shown = (await record_of(world, other, "sts", "GetCallerIdentity"))["userIdentity"]
    assert (shown["type"], shown["principalId"]) == ("FederatedUser", f"{PRODUCTION}:bob")
    assert shown["sessionContext"]["sessionIssuer"] == {
        "type": "IAMUser", "principalId": alice.id, "arn": alice.arn, "accountId": PRODUCTION, "userName": "alice",
    }  # fmt: skip


@story
async def test_the_holder_of_an_identity_token_is_told_by_issuer_audience_and_subject(world: World) -> None:
    provider = f"arn:aws:iam::{PRODUCTION}:oidc-provider/Issuer.example/x"
    call = await world.new_call(None, "sts", "AssumeRoleWithWebIdentity")
    caller = Principal(PrincipalKind.WEB_IDENTITY, "anonymous", provider, provider, provider)
    call.caller = call.caller._replace(principal=caller)
    call.resources = (
        Resource("arn", PRODUCTION, context={"issuer.example/x:sub": "repo:a/b", "issuer.example/x:aud": "sts"}),
    )
    assert user_identity(call) == {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts:repo:a/b",
        "userName": "repo:a/b",
        "identityProvider": provider,
    }


@story
async def test_the_subject_of_an_assertion_is_told_with_what_the_assertion_says(world: World) -> None:
    """The form is that of "Logging IAM and AWS STS API calls with AWS CloudTrail"; the assertion is not shown."""
    idp = IdentityProvider()
    await world.call(PRODUCTION, "iam", "CreateSAMLProvider", Name="corp", SAMLMetadataDocument=idp.metadata())
    role = f"arn:aws:iam::{PRODUCTION}:role/analyst"
    provider = f"arn:aws:iam::{PRODUCTION}:saml-provider/corp"
    tagged = {f"{ATTRIBUTES}PrincipalTag:team": ["blue"], f"{ATTRIBUTES}TransitiveTagKeys": ["team"]}
    assertion = idp.response(world.now, role, provider, attributes=tagged)
    trust = trusts({"Federated": provider}, ["sts:AssumeRoleWithSAML", "sts:TagSession"])
    await world.role(PRODUCTION, "analyst", trust=trust)
    given = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": assertion, "DurationSeconds": 1800}
    record = await record_of(world, None, "sts", "AssumeRoleWithSAML", **given)
    qualifier = record["responseElements"]["nameQualifier"]
    identity = {
        "type": "SAMLUser",
        "principalId": f"{qualifier}:carla",
        "userName": "carla",
        "identityProvider": qualifier,
    }
    assert record["userIdentity"] == identity
    asked = record["requestParameters"]
    assert asked.pop("sAMLAssertion") == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert asked == {
        "sAMLAssertionID": "_assertion",
        "roleSessionName": "carla@example.com",
        "principalTags": {"team": "blue"},
        "transitiveTagKeys": ["team"],
        "durationSeconds": 1800,
        "roleArn": role,
        "principalArn": provider,
    }
    shown = record["responseElements"]
    assert (shown["subject"], shown["subjectType"], shown["issuer"]) == ("carla", "persistent", idp.entity_id)
    assert record["resources"] == [{"accountId": PRODUCTION, "type": "AWS::IAM::Role", "ARN": role}]
    assert record["recipientAccountId"] == PRODUCTION and assertion not in json.dumps(record)
    for refused in (
        {**given, "SAMLAssertion": idp.response(world.now, role, provider, pairs=[f"{role}2,{provider}"])},
        {**given, "SAMLAssertion": idp.response(world.now, role + "2", provider), "RoleArn": role + "2"},
    ):
        record = await record_of(world, None, "sts", "AssumeRoleWithSAML", **refused)
        assert (record["errorCode"], record["userIdentity"]) == ("AccessDenied", identity)
    session = await world.call(None, "sts", "AssumeRoleWithSAML", **given)
    later = await record_of(world, session, "sts", "GetCallerIdentity")
    assert "webIdFederationData" not in later["userIdentity"]["sessionContext"]


@story
async def test_a_service_is_told_by_its_name_to_the_owner_of_the_bucket(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="logs")
    heard: list[Any] = []
    world.system.note_service_call = lambda call, error: heard.extend(events_of(call, Answer(error)))
    world.directory.refresh()
    with pytest.raises(AwsError, match="AccessDenied"):
        await call_as_service(
            world.system, "logging.s3.amazonaws.com", ("s3", "PutObject"), {"Bucket": "logs", "Key": "1"},
            source_account=ANALYTICS, source_arn="arn:aws:s3:::reports",
        )  # fmt: skip
    (event,) = heard
    assert event.account == PRODUCTION
    assert event.record["userIdentity"] == {"type": "AWSService", "invokedBy": "logging.s3.amazonaws.com"}
    assert event.record["sourceIPAddress"] == "logging.s3.amazonaws.com"
    assert event.record["errorCode"] == "AccessDenied"
