"""A stock client with a SAML assertion: boto3 and the AWS CLI become the role, and nobody else does."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from stage import Keys, Stage, Terminal, allow, keys_on, policy, unique

from saml_builders import ATTRIBUTES, IdentityProvider

IDP = IdentityProvider()


@pytest.fixture(scope="module")
def federation(stage: Stage) -> dict[str, str]:
    """A provider of the owner, and a role that trusts it and may read what is named after its subject."""
    name = unique("idp")
    provider = stage.owner.iam.create_saml_provider(Name=name, SAMLMetadataDocument=IDP.metadata())["SAMLProviderArn"]
    bucket = stage.owner.new_bucket({"carla/report": b"for carla", "dave/report": b"for dave"})
    trusted = policy({
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithSAML"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    })  # fmt: skip
    own = allow("s3:GetObject", keys_on(bucket).removesuffix("*") + "${saml:sub}/*")
    return {"provider": provider, "role": stage.owner.new_role(trusted, own), "bucket": bucket}


def sts(stage: Stage) -> Any:
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
    return boto3.client("sts", endpoint_url=stage.endpoint, region_name="us-east-1", config=config)


def request(federation: dict[str, str], **changes: Any) -> dict[str, Any]:
    role, provider = federation["role"], federation["provider"]
    assertion = IDP.response(time.time(), role, provider, **changes)
    return {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": assertion}


def test_boto3_becomes_the_role_and_may_do_what_the_subject_may(stage: Stage, federation: dict[str, str]) -> None:
    answer = sts(stage).assume_role_with_saml(**request(federation))
    assert (answer["Subject"], answer["Issuer"]) == ("carla", IDP.entity_id)
    s3 = stage.owner.client("s3", Keys.of(answer))
    assert s3.get_object(Bucket=federation["bucket"], Key="carla/report")["Body"].read() == b"for carla"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=federation["bucket"], Key="dave/report")
    arn = stage.owner.client("sts", Keys.of(answer)).get_caller_identity()["Arn"]
    assert arn == answer["AssumedRoleUser"]["Arn"] and arn.endswith("/carla@example.com")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signed": "neither"}, "InvalidIdentityToken"),
        ({"audience": "https://elsewhere.example.com/"}, "InvalidIdentityToken"),
        ({"issued": -301}, "ExpiredTokenException"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "IDPRejectedClaim"),
        ({"recipient": "https://eu-west-1.signin.aws.amazon.com/saml"}, "AccessDenied"),
        ({"attributes": {f"{ATTRIBUTES}PrincipalTag:team": ["blue"]}}, "AccessDenied"),
    ],
)
def test_boto3_reads_each_refusal_as_the_error_of_its_model(
    stage: Stage, federation: dict[str, str], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        sts(stage).assume_role_with_saml(**request(federation, **changes))
    assert refused.value.response["Error"]["Code"] == code


def test_the_aws_cli_becomes_the_role(terminal: Terminal, federation: dict[str, str]) -> None:
    terminal.add_profile("nobody")
    given = request(federation)
    assertion = terminal.file("assertion", given["SAMLAssertion"].encode())
    arguments = ("--role-arn", given["RoleArn"], "--principal-arn", given["PrincipalArn"])
    answer = json.loads(
        terminal.must(
            "nobody", "sts", "assume-role-with-saml", *arguments, "--saml-assertion", f"file://{assertion}",
            "--output", "json",
        )
    )  # fmt: skip
    assert answer["Subject"] == "carla"
    other = terminal.file("other", IdentityProvider().response(time.time(), *list(given.values())[:2]).encode())
    refused = terminal.aws("nobody", "sts", "assume-role-with-saml", *arguments, "--saml-assertion", f"file://{other}")
    assert "InvalidIdentityToken" in refused.output and "Response signature invalid" in refused.output
