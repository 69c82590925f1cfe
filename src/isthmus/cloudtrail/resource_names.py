"""What LookupEvents finds an event by: the types and names of the resources in a request and its answer.

Types are those of AWS Config, as LookupEvents tells them (`AWS::IAM::User`, `AWS::S3::Bucket`).
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call

from .kms_elements import key_arns

# Members of inputs, and of the structures in outputs, that name a resource of a service.
_MEMBERS = {
    "iam": {
        "UserName": "AWS::IAM::User",
        "NewUserName": "AWS::IAM::User",
        "RoleName": "AWS::IAM::Role",
        "GroupName": "AWS::IAM::Group",
        "NewGroupName": "AWS::IAM::Group",
        "PolicyName": "AWS::IAM::Policy",
        "PolicyArn": "AWS::IAM::Policy",
        "AccessKeyId": "AWS::IAM::AccessKey",
        "InstanceProfileName": "AWS::IAM::InstanceProfile",
        "ServerCertificateName": "AWS::IAM::ServerCertificate",
        "SerialNumber": "AWS::IAM::MfaDevice",
        "VirtualMFADeviceName": "AWS::IAM::MfaDevice",
        "OpenIDConnectProviderArn": "AWS::IAM::OIDCProvider",
        "SAMLProviderArn": "AWS::IAM::SAMLProvider",
    },
    "cloudtrail": {"Name": "AWS::CloudTrail::Trail", "TrailName": "AWS::CloudTrail::Trail",
                   "S3BucketName": "AWS::S3::Bucket"},
    "kms": {"KeyId": "AWS::KMS::Key", "TargetKeyId": "AWS::KMS::Key", "AliasName": "AWS::KMS::Alias"},
    "organizations": {"AccountId": "AWS::Organizations::Account",
                      "OrganizationalUnitId": "AWS::Organizations::OrganizationalUnit",
                      "PolicyId": "AWS::Organizations::Policy"},
}  # fmt: skip
# Structures of IAM's outputs whose ARN is told.
_STRUCTURES = {
    "User": "AWS::IAM::User",
    "Role": "AWS::IAM::Role",
    "Group": "AWS::IAM::Group",
    "Policy": "AWS::IAM::Policy",
    "InstanceProfile": "AWS::IAM::InstanceProfile",
}


def named_resources(call: Call) -> tuple[tuple[str, str], ...]:
    """(type, name) of each resource of a management event."""
    service = call.operation.service
    output = call.output if isinstance(call.output, dict) else {}
    if service == "s3":
        name = call.input.get("Bucket")
        return (("AWS::S3::Bucket", name),) if name else ()
    if service == "sts":
        return _of_sts(call, output)
    found = _members(service, call.input)
    if service == "iam":
        for name, value in output.items():
            if isinstance(value, dict):
                found += _members(service, value)
                if name in _STRUCTURES and value.get("Arn"):
                    found.append((_STRUCTURES[name], value["Arn"]))
    if service == "kms":
        found += [("AWS::KMS::Key", arn) for arn in key_arns(call)]
    return tuple(found)


def _members(service: str, members: dict[str, Any]) -> list[tuple[str, str]]:
    types = _MEMBERS.get(service, {})
    return [(types[name], value) for name, value in members.items() if name in types and isinstance(value, str)]


def _of_sts(call: Call, output: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    assumed = output.get("AssumedRoleUser") or {}
    return (
        ("AWS::IAM::AccessKey", (output.get("Credentials") or {}).get("AccessKeyId", "")),
        ("AWS::STS::AssumedRole", assumed.get("AssumedRoleId", "")),
        ("AWS::STS::AssumedRole", assumed.get("Arn", "")),
        ("AWS::IAM::Role", call.input.get("RoleArn") or ""),
    )
