"""AWS's texts of refusals, in everything they are wrapped in, and what is read out of them."""

from __future__ import annotations

import json

import pytest

from isthmus.access.denial_text import Denial, is_request_id, read_denial
from isthmus.access.operation_actions import action_of, permission_of

JOHN = "arn:aws:iam::123456789012:user/John"
MARY = "arn:aws:iam::777788889999:user/MaryMajor"
OBJECT = "arn:aws:s3:::amzn-s3-demo-bucket1/object-name"

# The examples of the IAM User Guide and the S3 User Guide, with the line breaks that their pages have.
DOCUMENTED = {
    "scp silent": (
        f"User: {JOHN} is not authorized to perform:\ncodecommit:ListRepositories because no service control policy "
        "allows the codecommit:ListRepositories action",
        Denial(JOHN, "codecommit:ListRepositories", None, "service control policy", False),
    ),
    "scp denies": (
        f"User: {JOHN} is not authorized to perform:\ncodecommit:ListRepositories with an explicit deny in a service "
        "control policy",
        Denial(JOHN, "codecommit:ListRepositories", None, "service control policy", True),
    ),
    "scp denies, with its arn": (
        f"User: {JOHN} is not authorized to perform: iam:ListRoles on resource: "
        "arn:aws:iam::123456789012:role/* with an "
        "explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-ab/"
        "service_control_policy/p-cd",
        Denial(JOHN, "iam:ListRoles", "arn:aws:iam::123456789012:role/*", "service control policy", True,
               "arn:aws:organizations::111122223333:policy/o-ab/service_control_policy/p-cd"),
    ),
    "rcp denies": (
        "An error occurred (AccessDenied) when calling the GetObject operation:\n"
        f"User: {MARY} is not authorized to perform:\ns3:GetObject on resource: \"{OBJECT}\"\n"
        "with an explicit deny in a resource control policy",
        Denial(MARY, "s3:GetObject", OBJECT, "resource control policy", True, operation="GetObject"),
    ),
    "endpoint silent": (
        f"User: {JOHN} is not authorized to perform:\ns3:GetObject because no VPC endpoint policy allows the "
        "s3:GetObject action",
        Denial(JOHN, "s3:GetObject", None, "VPC endpoint policy", False),
    ),
    "endpoint denies": (
        f"User: {JOHN} is not authorized to perform:\ns3:GetObject on resource: \"{OBJECT}\" with\nan "
        "explicit deny in a "
        "VPC endpoint policy",
        Denial(JOHN, "s3:GetObject", OBJECT, "VPC endpoint policy", True),
    ),
    "endpoint denies through an scp": (
        "User: arn:aws:sts::111122223333:assumed-role/role-name/session is not authorized to perform:\nSNS:Publish on "
        "resource: arn:aws:sns:us-east-1:444455556666:topic\nwith an explicit deny in a VPC endpoint policy "
        "transitively through a service control policy",
        Denial("arn:aws:sts::111122223333:assumed-role/role-name/session", "SNS:Publish",
               "arn:aws:sns:us-east-1:444455556666:topic", "service control policy", True),
    ),
    "boundary silent": (
        f"User: {JOHN} is not authorized to perform:\ncodedeploy:ListDeployments on resource: "
        "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:* because no permissions boundary allows the "
        "codedeploy:ListDeployments action",
        Denial(JOHN, "codedeploy:ListDeployments", "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*",
               "permissions boundary", False),
    ),
    "boundary denies": (
        f"User: {JOHN} is not authorized to perform:\nsagemaker:ListModels with an explicit deny in a permissions "
        "boundary",
        Denial(JOHN, "sagemaker:ListModels", None, "permissions boundary", True),
    ),
    "session silent": (
        f"User: {JOHN} is not authorized to perform:\ncodecommit:ListRepositories because no session policy allows the "
        "codecommit:ListRepositories action",
        Denial(JOHN, "codecommit:ListRepositories", None, "session policy", False),
    ),
    "session denies": (
        f"User: {JOHN} is not authorized to perform:\ns3:GetObject on resource: \"{OBJECT}\" with\nan "
        "explicit deny in a "
        "sessions policy",
        Denial(JOHN, "s3:GetObject", OBJECT, "session policy", True),
    ),
    "resource silent": (
        f"User: {JOHN} is not authorized to perform:\nsecretsmanager:GetSecretValue because no resource-based policy "
        "allows the secretsmanager:GetSecretValue action",
        Denial(JOHN, "secretsmanager:GetSecretValue", None, "resource-based policy", False),
    ),
    "resource denies": (
        f"User: {JOHN} is not authorized to perform:\nsecretsmanager:GetSecretValue on resource: "
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:* with an explicit deny in a resource-based policy",
        Denial(JOHN, "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:*",
               "resource-based policy", True),
    ),
    "trust silent": (
        f"User: {JOHN} is not authorized to perform:\nsts:AssumeRole because no role trust policy allows the "
        "sts:AssumeRole action",
        Denial(JOHN, "sts:AssumeRole", None, "role trust policy", False),
    ),
    "trust denies": (
        f"User: {JOHN} is not authorized to perform:\nsts:AssumeRole with an explicit deny in the role trust policy",
        Denial(JOHN, "sts:AssumeRole", None, "role trust policy", True),
    ),
    "identity silent": (
        "User: arn:aws:iam::123456789012:role/HR is not authorized to perform:\ncodecommit:ListRepositories because no "
        "identity-based policy allows the codecommit:ListRepositories action",
        Denial("arn:aws:iam::123456789012:role/HR", "codecommit:ListRepositories", None, "identity-based policy",
               False),
    ),
    "identity denies": (
        "User: arn:aws:iam::123456789012:role/HR is not authorized to perform:\ncodedeploy:ListDeployments "
        "on resource: "
        "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:* with an explicit deny in an identity-based policy",
        Denial("arn:aws:iam::123456789012:role/HR", "codedeploy:ListDeployments",
               "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*", "identity-based policy", True),
    ),
    "no reason": (
        f"User: {JOHN} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/Reader",
        Denial(JOHN, "sts:AssumeRole", "arn:aws:iam::111122223333:role/Reader"),
    ),
    "block public access": (
        f"User: {MARY} is not authorized to perform: s3:GetObject on resource: \"{OBJECT}\" because public access is "
        "prevented by the RestrictPublicBuckets setting in S3 Block Public Access",
        Denial(MARY, "s3:GetObject", OBJECT, "Block Public Access", False),
    ),
    "a key elsewhere": (
        f"User: {JOHN} is not authorized to perform: kms:Decrypt on this resource because the resource does "
        "not exist in "
        "this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
        Denial(JOHN, "kms:Decrypt", None, "resource-based policy"),
    ),
    "a provider's token": (
        "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to "
        "perform sts:AssumeRoleWithWebIdentity",
        Denial(None, "sts:AssumeRoleWithWebIdentity", operation="AssumeRoleWithWebIdentity"),
    ),
    "encoded": (
        "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to "
        "perform this operation. Encoded authorization failure message: 4Ai9qvVQYCx3kKoQaOtnKpzKCvrDlzzn_8R3vhbWP-TG",
        Denial(operation="RunInstances", encoded="4Ai9qvVQYCx3kKoQaOtnKpzKCvrDlzzn_8R3vhbWP-TG"),
    ),
}  # fmt: skip

GET = f"User: {JOHN} is not authorized to perform: s3:GetObject on resource: {OBJECT}"
WRAPPED = {
    "cli without a reason": (
        "\nAn error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
        Denial(operation="ListObjectsV2"),
    ),
    "cli with a status": (
        "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
        Denial(operation="HeadObject"),
    ),
    "an upload": (
        "upload failed: ./a b.txt to s3://reports/2026/a b.txt An error occurred (AccessDenied) when calling the "
        "PutObject operation: Access Denied",
        Denial(resource="arn:aws:s3:::reports/2026/a b.txt", operation="PutObject"),
    ),
    "a copy, of which either side may be meant": (
        "copy failed: s3://one-bucket/a to s3://two-bucket/a An error occurred (AccessDenied) when calling the "
        "CopyObject operation: Access Denied",
        Denial(operation="CopyObject"),
    ),
    "java": (
        f"{GET} (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: 4442587FB7D0A2F9; S3 "
        "Extended Request ID: abc)",
        Denial(JOHN, "s3:GetObject", OBJECT, request_id="4442587FB7D0A2F9"),
    ),
    "go": (
        "operation error S3: GetObject, https response error StatusCode: 403, RequestID: 4442587FB7D0A2F9, HostID: x, "
        f"api error AccessDenied: {GET}",
        Denial(JOHN, "s3:GetObject", OBJECT, request_id="4442587FB7D0A2F9"),
    ),
    "xml of s3": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>User: '
        f"{JOHN} is not authorized to perform: s3:GetObject on resource: &quot;{OBJECT}&quot; because no "
        "identity-based policy allows the s3:GetObject action</Message><RequestId>4442587FB7D0A2F9</RequestId>"
        "<HostId>x</HostId></Error>",
        Denial(JOHN, "s3:GetObject", OBJECT, "identity-based policy", False, request_id="4442587FB7D0A2F9"),
    ),
    "xml of s3 without a reason": (
        "<Error><Code>AccessDenied</Code><Message>Access "
        "Denied</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>",
        Denial(request_id="4442587FB7D0A2F9"),
    ),
    "xml of iam": (
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>AccessDenied'
        f"</Code><Message>{GET}</Message></Error><RequestId>0b1c2d3e-0000-4000-8000-000000000000</RequestId>"
        "</ErrorResponse>",
        Denial(JOHN, "s3:GetObject", OBJECT, request_id="0b1c2d3e-0000-4000-8000-000000000000"),
    ),
    "json of a service": (
        json.dumps({"__type": "AccessDeniedException", "Message": GET}),
        Denial(JOHN, "s3:GetObject", OBJECT),
    ),
    "json of boto3": (
        json.dumps({
            "Error": {"Code": "AccessDenied", "Message": GET},
            "ResponseMetadata": {"RequestId": "4442587FB7D0A2F9", "HTTPStatusCode": 403},
        }),
        Denial(JOHN, "s3:GetObject", OBJECT, request_id="4442587FB7D0A2F9"),
    ),
    "a record of CloudTrail": (
        json.dumps({
            "userIdentity": {"type": "IAMUser", "arn": JOHN}, "eventSource": "s3.amazonaws.com",
            "eventName": "GetBucketPolicy", "errorCode": "AccessDenied", "errorMessage": "Access Denied",
            "requestParameters": {"bucketName": "reports"}, "requestID": "4442587FB7D0A2F9",
        }),
        Denial(JOHN, None, "arn:aws:s3:::reports", operation="GetBucketPolicy", request_id="4442587FB7D0A2F9"),
    ),
    "an event of LookupEvents": (
        json.dumps({"EventName": "AssumeRole", "CloudTrailEvent": json.dumps({
            "userIdentity": {"arn": JOHN}, "eventName": "AssumeRole", "errorCode": "AccessDenied",
            "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/R"}, "requestID": "x",
        })}),
        Denial(JOHN, None, "arn:aws:iam::111122223333:role/R", operation="AssumeRole", request_id="x"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_text_is_read(name: str) -> None:
    text, wanted = DOCUMENTED[name]
    assert read_denial(text) == wanted


@pytest.mark.parametrize("name", WRAPPED)
def test_what_tools_put_around_it_is_read_too(name: str) -> None:
    text, wanted = WRAPPED[name]
    assert read_denial(text) == wanted


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.parametrize("wrapping", ["xml", "json"])
def test_a_documented_text_is_read_the_same_in_xml_and_json(name: str, wrapping: str) -> None:
    text, wanted = DOCUMENTED[name]
    escaped = text.replace("&", "&amp;").replace('"', "&quot;")
    inside = f"<Error><Message>{escaped}</Message></Error>" if wrapping == "xml" else json.dumps({"message": text})
    assert read_denial(inside) == wanted


@pytest.mark.parametrize("text", ["", "it does not work", "{}", "{", "<html></html>", "Access Denied"])
def test_nothing_is_read_out_of_a_text_that_says_nothing(text: str) -> None:
    assert read_denial(text) == Denial()


def test_names_with_commas_are_read_whole() -> None:
    who = "arn:aws:sts::111122223333:assumed-role/app/doe,jane"
    text = f'User: {who} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::reports/a"'
    assert (read_denial(text).principal, read_denial(text).action) == (who, "s3:GetObject")


def test_request_ids_are_told_from_other_words() -> None:
    assert is_request_id("0B02452448D8ED4F")
    assert is_request_id("0b1c2d3e-0000-4000-8000-000000000000")
    assert not is_request_id("AccessDenied")
    assert not is_request_id("arn:aws:s3:::a")


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("ListObjectsV2", "s3:ListBucket"), ("HeadObject", "s3:GetObject"), ("UploadPart", "s3:PutObject"),
        ("GetBucketPolicy", "s3:GetBucketPolicy"), ("AssumeRole", "sts:AssumeRole"), ("ListUsers", "iam:ListUsers"),
        ("Decrypt", "kms:Decrypt"), ("DescribeOrganization", "organizations:DescribeOrganization"),
        ("RunInstances", None),
    ],
)  # fmt: skip
def test_an_operation_is_read_as_the_permission_it_needs(operation: str, action: str | None) -> None:
    assert action_of(operation) == action


def test_the_table_of_permissions_is_that_of_the_server() -> None:
    import isthmus.server.pipeline  # noqa: F401, PLC0415 - importing the services fills the table of operations
    from isthmus.operation import OPERATIONS  # noqa: PLC0415

    for (service, name), built in OPERATIONS.items():
        # Configurations that the table leaves to their own names, and copies, whose first permission is the source's.
        if service != "s3" or not built.permissions or permission_of(service, name) == f"s3:{name}":
            continue
        assert permission_of(service, name) in {permission.action for permission in built.permissions}, name
