"""An account's identities and a bucket's policies, read through the API into what the policy engine decides on.

So that the same engine can say what a request would be answered, on Isthmus or on AWS: who the principal is and what
its policies allow comes from GetAccountAuthorizationDetails, what the resource's side says from the role's trust
policy or the bucket's policy, ACL settings and Block Public Access.

Sources: IAM API reference, GetAccountAuthorizationDetails; S3 API reference, GetBucketPolicy, GetPublicAccessBlock; KMS
API reference, GetKeyPolicy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from isthmus.policy import (
    NamedPolicy,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    is_public,
)

from .profiles import Side
from .steps import patiently, unless

Detail = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user or role: what asks, with everything on its side. tags: by key. members: of which groups (names)."""

    principal: Principal
    policies: PrincipalPolicies
    tags: Mapping[str, str]
    groups: tuple[str, ...] = ()
    trust: PolicyDocument | None = None

    @property
    def arn(self) -> str:
        """The ARN of the user or role itself."""
        return self.principal.entity_arn

    def context(self) -> dict[str, str]:
        """The condition keys that describe it with its long-term credentials."""
        keys = {
            "aws:principalarn": self.principal.entity_arn,
            "aws:principalaccount": self.principal.account,
            "aws:principaltype": self.principal.kind.value,
            "aws:principalisawsservice": "false",
            "aws:userid": self.principal.entity_id,
        }
        if self.principal.kind is PrincipalKind.USER:
            keys["aws:username"] = self.principal.entity_arn.rpartition("/")[2]
        keys.update({f"aws:principaltag/{key.lower()}": value for key, value in self.tags.items()})
        return keys


@dataclass(slots=True)
class AccountState:
    """All identities of an account as they are now."""

    account: str
    users: dict[str, Identity] = field(default_factory=dict)
    roles: dict[str, Identity] = field(default_factory=dict)

    @property
    def identities(self) -> Iterable[Identity]:
        """Users, then roles, each by name."""
        yield from self.users.values()
        yield from self.roles.values()

    def unique_ids(self) -> dict[str, str]:
        """ARN -> unique id of everybody."""
        return {one.arn: one.principal.entity_id for one in self.identities}

    def named(self, arn: str) -> Identity | None:
        """The user or role of this ARN."""
        return next((one for one in self.identities if one.arn == arn), None)


def read_account(side: Side) -> AccountState:
    """Every user and role of the account, with their policies. Raises NoSide and botocore's errors."""
    iam = side.client("iam")
    with _documents_as_written(iam):
        pages = patiently(lambda: list(iam.get_paginator("get_account_authorization_details").paginate()))
    documents = {
        policy["Arn"]: _default_version(policy)
        for page in pages
        for policy in page.get("Policies", [])
    }  # fmt: skip
    groups = {group["GroupName"]: group for page in pages for group in page.get("GroupDetailList", [])}
    state = AccountState(side.account)
    for page in pages:
        for user in page.get("UserDetailList", []):
            state.users[user["UserName"]] = _user(user, groups, documents, side.account)
        for role in page.get("RoleDetailList", []):
            state.roles[role["RoleName"]] = _role(role, documents, side.account)
    return state


def role_side(role: Identity, known_ids: Mapping[str, str]) -> ResourceSide:
    """A role as a resource: its trust policy. known_ids: ARN -> unique id of who exists on both sides."""
    assert role.trust is not None
    policy = ResourcePolicy(role.trust, _ids(role.trust, known_ids), type=PolicyType.TRUST, trusts_account=False)
    return ResourceSide(role.principal.account, policy)


def bucket_side(side: Side, bucket: str, known_ids: Mapping[str, str], region: str | None = None) -> ResourceSide:
    """A bucket as a resource: its policy and what Block Public Access does to it. Raises botocore's errors."""
    s3 = side.client("s3", region)
    answer = unless("NoSuchBucketPolicy", lambda: patiently(lambda: s3.get_bucket_policy(Bucket=bucket)))
    if answer is None:
        return ResourceSide(side.account)
    document = PolicyDocument.parse(answer["Policy"])
    block = unless(
        "NoSuchPublicAccessBlockConfiguration",
        lambda: patiently(lambda: s3.get_public_access_block(Bucket=bucket)),
    )
    public = is_public(document)
    restricts = public and (_restricts(block) or _restricts(account_block(side)))
    shut = "RestrictPublicBuckets" if restricts else None
    return ResourceSide(side.account, ResourcePolicy(document, _ids(document, known_ids)), public_access_blocked=shut)


def control_client(side: Side) -> Any:
    """A client of S3 Control. It puts the account before the endpoint's host name, which an address cannot have."""
    client = side.client("s3control")
    if re.fullmatch(r"[0-9.]+|.*:.*", urlsplit(side.endpoint or "").hostname or ""):
        client.meta.events.register("before-sign.s3-control", _without_account, unique_id="without account")
    return client


def account_block(side: Side) -> Any:
    """Block Public Access of a whole account; None where it has none. Raises botocore's errors; those of a permission
    that is missing name the operation as policies do, GetAccountPublicAccessBlock."""
    client = control_client(side)
    try:
        return unless(
            "NoSuchPublicAccessBlockConfiguration",
            lambda: patiently(lambda: client.get_public_access_block(AccountId=side.account)),
        )
    except ClientError as error:
        raise ClientError(error.response, "GetAccountPublicAccessBlock") from error


def _without_account(request: Any, **_more: Any) -> None:
    request.url = re.sub(r"//[0-9]{12}\.", "//", request.url)


def _restricts(block: Any) -> bool:
    return block is not None and bool(block["PublicAccessBlockConfiguration"].get("RestrictPublicBuckets"))


def key_side(side: Side, arn: str, region: str, known_ids: Mapping[str, str]) -> ResourceSide:
    """A KMS key as a resource: its policy. Raises botocore's errors."""
    kms = side.client("kms", region)
    text = patiently(lambda: kms.get_key_policy(KeyId=arn, PolicyName="default"))["Policy"]
    document = PolicyDocument.parse(text)
    return ResourceSide(side.account, ResourcePolicy(document, _ids(document, known_ids), trusts_account=False))


def session_of(role: Identity, name: str) -> Principal:
    """The principal of a session of a role."""
    plain = role.arn.rpartition("/")[2]
    account = role.principal.account
    arn = f"arn:{role.arn.split(':')[1]}:sts::{account}:assumed-role/{plain}/{name}"
    return Principal(PrincipalKind.ROLE_SESSION, account, arn, role.arn, role.principal.entity_id, name)


def region_in(location: Mapping[str, Any]) -> str:
    """The region that an answer of GetBucketLocation tells (S3 API reference): none is us-east-1, EU is eu-west-1."""
    told = str(location.get("LocationConstraint") or "us-east-1")
    return "eu-west-1" if told == "EU" else told


def error_code(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response["Error"]["Code"])


def _user(detail: Detail, groups: Mapping[str, Detail], documents: Mapping[str, Any], account: str) -> Identity:
    arn = detail["Arn"]
    policies = _policies(detail, "UserPolicyList", documents)
    names = tuple(detail.get("GroupList", []))
    for name in names:
        if name in groups:
            policies += _policies(groups[name], "GroupPolicyList", documents)
    principal = Principal(PrincipalKind.USER, account, arn, arn, detail["UserId"])
    return Identity(principal, PrincipalPolicies(tuple(policies), _boundary(detail, documents)), _tags(detail), names)


def _role(detail: Detail, documents: Mapping[str, Any], account: str) -> Identity:
    arn = detail["Arn"]
    policies = PrincipalPolicies(tuple(_policies(detail, "RolePolicyList", documents)), _boundary(detail, documents))
    principal = Principal(PrincipalKind.ROLE_SESSION, account, arn, arn, detail["RoleId"])
    trust = PolicyDocument.parse(_text(detail["AssumeRolePolicyDocument"]))
    return Identity(principal, policies, _tags(detail), trust=trust)


def _policies(detail: Detail, inline: str, documents: Mapping[str, Any]) -> list[NamedPolicy]:
    holder = detail["Arn"]
    found = [
        NamedPolicy(PolicyDocument.parse(_text(one["PolicyDocument"])), one["PolicyName"], None, holder)
        for one in detail.get(inline, [])
    ]
    for attached in detail.get("AttachedManagedPolicies", []):
        document = documents.get(attached["PolicyArn"])
        if document is not None:
            found.append(
                NamedPolicy(
                    PolicyDocument.parse(_text(document)), attached["PolicyName"], attached["PolicyArn"], holder
                )
            )
    return found


def _boundary(detail: Detail, documents: Mapping[str, Any]) -> NamedPolicy | None:
    arn = detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if arn is None:
        return None
    # A boundary whose document is not to be had permits nothing: a prediction must not be more generous than AWS.
    document = documents.get(arn, {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*",
                                   "Resource": "*"}})  # fmt: skip
    return NamedPolicy(PolicyDocument.parse(_text(document)), arn.rpartition("/")[2], arn, detail["Arn"])


def _default_version(policy: Detail) -> Any:
    return next((one["Document"] for one in policy["PolicyVersionList"] if one.get("IsDefaultVersion")), None)


@contextmanager
def _documents_as_written(iam: Any) -> Iterator[None]:
    """Meanwhile botocore leaves the policy documents of answers as the texts they are, with lines to point at."""
    from botocore.handlers import json_decode_policies  # noqa: PLC0415 - with boto3, which is slow to import

    iam.meta.events.unregister("after-call.iam", json_decode_policies)
    try:
        yield
    finally:
        iam.meta.events.register("after-call.iam", json_decode_policies)


def _text(document: Any) -> str:
    """The text of a document: IAM answers it in the encoding of URLs, or as one value if nobody wrote a text."""
    return unquote(document) if isinstance(document, str) else json.dumps(document, indent=2)


def _tags(detail: Detail) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in detail.get("Tags", [])}


def _ids(document: PolicyDocument, known: Mapping[str, str]) -> dict[str, str]:
    """What each principal of a document means now. AWS shows one that is gone by its unique id."""
    return {arn: known.get(arn, arn) for arn in document.principal_arns()}
