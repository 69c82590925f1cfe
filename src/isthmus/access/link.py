"""A link made and taken back: its plan as steps in both accounts.

Which calls each command makes is told in docs/sharing-calls.md and held to it by tests. All of them are the public APIs
of IAM, KMS, S3 and STS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .link_plan import SESSION_SECONDS, TAG_DIGEST, TAG_LINK, Grantee, InvalidLink, Json, LinkPlan
from .profiles import Side
from .steps import NOT_KNOWN_YET, Step, patiently, unless


def link_steps(plan: LinkPlan, owner: Side, other: Side | None) -> list[Step]:
    """What makes a link: the owner's side first, then the permission to use it.

    other: the side of the account it is for; None leaves that side to its administrator.
    """
    steps = [_make_role(plan, owner), _put_role_policy(plan, owner)]
    if plan.key_statement is not None:
        steps.append(_change_key_policy(plan, owner, adds=True))
    if other is not None:
        steps.append(_allow_caller(plan, other))
    return steps


def unlink_steps(plan: LinkPlan, owner: Side, other: Side | None) -> list[Step]:
    """What takes a link back: the permission first; the role, which could not be made the same again, last."""
    steps = []
    if other is not None:
        steps.append(_swapped(_allow_caller(plan, other), "removing the permission of the other account"))
    if plan.key_statement is not None:
        steps.append(_change_key_policy(plan, owner, adds=False))
    steps.append(_swapped(_put_role_policy(plan, owner), "removing the role's policy"))
    steps.append(_swapped(_make_role(plan, owner), "deleting the role"))
    return steps


def _swapped(step: Step, what: str) -> Step:
    return Step(step.account, what, step.undo, step.do)


def _make_role(plan: LinkPlan, owner: Side) -> Step:
    iam = owner.client("iam")
    request: Json = {
        "RoleName": plan.role_name,
        "AssumeRolePolicyDocument": json.dumps(plan.trust_policy),
        "Description": plan.description,
        "MaxSessionDuration": SESSION_SECONDS,
        "Tags": [{"Key": key, "Value": value} for key, value in plan.tags.items()],
    }

    def make() -> None:
        patiently(lambda: _created(lambda: iam.create_role(**request), is_ours), NOT_KNOWN_YET)

    def is_ours() -> bool:
        # A first attempt whose answer was lost has made it: its digest tells. Somebody else's role is not touched.
        # Somebody may have taken the digest of one that is to go away; it was found by its link's name.
        tags = patiently(lambda: iam.list_role_tags(RoleName=plan.role_name))["Tags"]
        mark = TAG_DIGEST if TAG_DIGEST in plan.tags else TAG_LINK
        return {"Key": mark, "Value": plan.tags[mark]} in tags

    def delete() -> None:
        if unless("NoSuchEntity", is_ours):
            patiently(lambda: unless("NoSuchEntity", lambda: iam.delete_role(RoleName=plan.role_name)))

    return Step(owner.account, f"making the role {plan.role_name}", make, delete)


def _put_role_policy(plan: LinkPlan, owner: Side) -> Step:
    iam, name = owner.client("iam"), plan.role_name
    document = json.dumps(plan.role_policy)

    def put() -> None:
        patiently(lambda: iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=document), NOT_KNOWN_YET)

    def delete() -> None:
        patiently(lambda: unless("NoSuchEntity", lambda: iam.delete_role_policy(RoleName=name, PolicyName=name)))

    return Step(owner.account, "giving the role its permissions", put, delete)


def _change_key_policy(plan: LinkPlan, owner: Side, *, adds: bool) -> Step:
    key, statement = plan.request.key_arn, plan.key_statement
    assert key is not None
    assert statement is not None
    kms = owner.client("kms", key.split(":")[3])
    sid = statement["Sid"]

    def change(statements: Callable[[list[Any]], list[Any]]) -> None:
        text = patiently(lambda: kms.get_key_policy(KeyId=key, PolicyName="default"))["Policy"]
        document = json.loads(text)
        present = document["Statement"]
        listed = present if isinstance(present, list) else [present]
        wanted = statements(listed)
        if wanted != listed:
            document["Statement"] = wanted
            changed = json.dumps(document, indent=2)
            patiently(lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=changed), NOT_KNOWN_YET)

    def add() -> None:
        change(lambda present: [*(one for one in present if one.get("Sid") != sid), statement])

    def remove() -> None:
        change(lambda present: [one for one in present if one.get("Sid") != sid])

    if adds:
        return Step(owner.account, f"letting the role use the key {key}", add, remove)
    return Step(owner.account, "removing the statement of the key's policy", remove, add)


def _allow_caller(plan: LinkPlan, other: Side) -> Step:
    iam, name, to = other.client("iam"), plan.role_name, plan.request.to
    document = json.dumps(plan.caller_policy)
    if to.kind == "account":
        return _caller_policy_to_attach(plan, other, document)
    member = {"user": "UserName", "group": "GroupName", "role": "RoleName"}[to.kind]
    who = {member: to.short_name, "PolicyName": name}
    put_call, delete_call = getattr(iam, f"put_{to.kind}_policy"), getattr(iam, f"delete_{to.kind}_policy")

    def put() -> None:
        patiently(lambda: put_call(**who, PolicyDocument=document))

    def delete() -> None:
        patiently(lambda: unless("NoSuchEntity", lambda: delete_call(**who)))

    return Step(other.account, f"allowing {to.kind} {to.short_name} to take the role", put, delete)


def _caller_policy_to_attach(plan: LinkPlan, other: Side, document: str) -> Step:
    """For a whole account: a managed policy that its administrator attaches to whom it may concern."""
    iam = other.client("iam")
    arn = managed_policy_arn(plan, other)
    tags = [{"Key": TAG_LINK, "Value": plan.request.name}]

    def make() -> None:
        create = lambda: iam.create_policy(PolicyName=plan.role_name, PolicyDocument=document, Tags=tags)  # noqa: E731
        patiently(lambda: _created(create, is_ours))

    def is_ours() -> bool:
        return tags[0] in patiently(lambda: iam.list_policy_tags(PolicyArn=arn))["Tags"]

    def delete() -> None:
        if unless("NoSuchEntity", is_ours):
            patiently(lambda: unless("NoSuchEntity", lambda: iam.delete_policy(PolicyArn=arn)))

    return Step(other.account, f"making the policy {arn} to attach", make, delete)


def _created(create: Callable[[], object], is_ours: Callable[[], bool]) -> None:
    """Create; what is there already must be what this very link made. Raises EntityAlreadyExists otherwise."""
    try:
        create()
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists" or not is_ours():
            raise


def managed_policy_arn(plan: LinkPlan, other: Side) -> str:
    """The policy of a link that is for a whole account."""
    return f"arn:{other.partition}:iam::{other.account}:policy/{plan.role_name}"


def key_of_bucket(owner: Side, bucket: str, region: str) -> str | None:
    """The ARN of the customer managed key that the bucket's default encryption uses; None where it uses none.

    Raises InvalidLink where it is the AWS managed key, which another account can never use, or one of another account.
    """
    s3 = owner.client("s3", region)
    found = unless(
        "ServerSideEncryptionConfigurationNotFoundError",
        lambda: patiently(lambda: s3.get_bucket_encryption(Bucket=bucket)),
    )
    rules = [] if found is None else found["ServerSideEncryptionConfiguration"]["Rules"]
    for rule in rules:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm", "").startswith("aws:kms"):
            key = default.get("KMSMasterKeyID", "alias/aws/s3")
            check_account_of_key(key, owner)
            metadata = patiently(lambda: owner.client("kms", region).describe_key(KeyId=key))["KeyMetadata"]  # noqa: B023
            if metadata.get("KeyManager") == "AWS":
                raise InvalidLink(
                    f"{bucket} is encrypted with the AWS managed key, which no other account can ever use: give the "
                    "bucket a customer managed key and copy its objects onto themselves"
                )
            return str(metadata["Arn"])
    return None


def check_account_of_key(key: str, owner: Side) -> None:
    """Raises InvalidLink for the ARN of a key of another account, whose policy the owner cannot change."""
    account = key.split(":")[4] if key.startswith("arn:") else owner.account
    if account != owner.account:
        raise InvalidLink(
            f"the key {key} is of account {account}, whose administrator alone can let the role use it: link a bucket "
            f"that is encrypted with a key of account {owner.account}, or share it by hand"
        )


def caller_arn(to: Grantee, other: Side) -> str:
    """The ARN of the user or role a link is for, with its path, as its own account knows it."""
    if to.kind == "user":
        return str(patiently(lambda: other.client("iam").get_user(UserName=to.short_name))["User"]["Arn"])
    if to.kind == "role":
        return str(patiently(lambda: other.client("iam").get_role(RoleName=to.short_name))["Role"]["Arn"])
    if to.kind == "group":
        return str(patiently(lambda: other.client("iam").get_group(GroupName=to.short_name))["Group"]["Arn"])
    return f"arn:{other.partition}:iam::{to.account}:root"
