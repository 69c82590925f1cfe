"""What IAM refuses."""

from __future__ import annotations

import json
from typing import Any

from refusal_table import Attempt, refusal
from stage import OWNER, Keys, Stage, allow, policy, statement, trust, unique


def _user_policy(stage: Stage, wrong: str) -> Attempt:
    """An inline policy that is refused; what stood under its name stays."""
    iam, user = stage.owner.iam, stage.owner.new_user(allow("s3:ListAllMyBuckets", "*"))

    def put(text: str) -> Any:
        return iam.put_user_policy(UserName=user.name, PolicyName="p0", PolicyDocument=text)

    return Attempt(
        lambda: put(wrong),
        lambda: put(json.dumps(allow("s3:GetObject", "*"))),
        lambda: iam.get_user_policy(UserName=user.name, PolicyName="p0")["PolicyDocument"],
    )


@refusal("MalformedPolicyDocument", 400, "This policy contains invalid Json")
def a_policy_that_is_not_json(stage: Stage) -> Attempt:
    return _user_policy(stage, "{'Version': '2012-10-17'}")


@refusal("MalformedPolicyDocument", 400, "Syntax errors in policy.")
def a_policy_whose_effect_is_in_small_letters(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(policy(statement("allow", "s3:*", "*"))))


@refusal("MalformedPolicyDocument", 400, "Policy document should not specify a principal.")
def an_identity_policy_with_a_principal(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(policy(statement("Allow", "s3:*", "*", Principal="*"))))


@refusal("MalformedPolicyDocument", 400, 'Resource reports must be in ARN format or "*".')
def a_policy_whose_resource_is_a_bare_name(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(allow("s3:GetObject", "reports")))


@refusal("MalformedPolicyDocument", 400, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
def a_policy_whose_action_has_no_service(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(allow("GetObject", "*")))


@refusal("MalformedPolicyDocument", 400, "Statement IDs (SID) in a single policy must be unique.")
def a_policy_with_one_sid_twice(stage: Stage) -> Attempt:
    one = statement("Allow", "s3:GetObject", "*", Sid="Read")
    return _user_policy(stage, json.dumps(policy(one, one)))


@refusal("MalformedPolicyDocument", 400, "Policy statement must contain actions.")
def a_policy_without_actions(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(policy({"Effect": "Allow", "Resource": "*"})))


@refusal("MalformedPolicyDocument", 400, 'Partition "amazon" is not valid for resource "arn:amazon:s3:::b/*".')
def a_policy_of_another_partition(stage: Stage) -> Attempt:
    return _user_policy(stage, json.dumps(allow("s3:GetObject", "arn:amazon:s3:::b/*")))


def _trust_policy(stage: Stage, wrong: str, **named: str) -> Attempt:
    iam = stage.owner.iam
    name = stage.owner.new_role(trust(OWNER)).rpartition("/")[2]

    def update(text: str) -> Any:
        return iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)

    return Attempt(
        lambda: update(wrong),
        lambda: update(json.dumps(trust(stage.partner.admin.arn))),
        lambda: iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
        named,
    )


@refusal("MalformedPolicyDocument", 400, "This policy contains invalid Json")
def a_trust_policy_that_is_not_json(stage: Stage) -> Attempt:
    return _trust_policy(stage, "{")


@refusal("MalformedPolicyDocument", 400, "Has prohibited field Resource")
def a_trust_policy_with_a_resource(stage: Stage) -> Attempt:
    document = trust(OWNER)
    document["Statement"][0]["Resource"] = "*"
    return _trust_policy(stage, json.dumps(document))


@refusal("MalformedPolicyDocument", 400, 'Invalid principal in policy: "AWS":"{principal}"')
def a_trust_policy_that_names_a_user_who_does_not_exist(stage: Stage) -> Attempt:
    principal = f"{stage.partner.admin.arn}-{unique('missing')}"
    return _trust_policy(stage, json.dumps(trust(principal)), principal=principal)


def _user_names(stage: Stage) -> list[str]:
    pages = stage.owner.iam.get_paginator("list_users").paginate(PathPrefix="/refused/")
    return [user["UserName"] for page in pages for user in page["Users"]]


@refusal("EntityAlreadyExists", 409, "User with name {name} already exists.")
def a_user_whose_name_is_taken_in_another_case(stage: Stage) -> Attempt:
    iam, user = stage.owner.iam, stage.owner.new_user()
    name = user.name.upper()
    return Attempt(
        lambda: iam.create_user(UserName=name, Path="/refused/"),
        lambda: iam.create_user(UserName=unique("other")),
        lambda: (iam.get_user(UserName=user.name)["User"], _user_names(stage)),
        {"name": name},
    )


@refusal("EntityAlreadyExists", 409, "Role with name {name} already exists.")
def a_role_whose_name_is_taken(stage: Stage) -> Attempt:
    iam, name = stage.owner.iam, stage.owner.new_role(trust(OWNER)).rpartition("/")[2]
    other = json.dumps(trust(stage.partner.id))
    return Attempt(
        lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=other),
        lambda: iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=other),
        lambda: iam.get_role(RoleName=name)["Role"],
        {"name": name},
    )


@refusal("DeleteConflict", 409, "Cannot delete entity, must delete access keys first.")
def deleting_a_user_who_has_an_access_key(stage: Stage) -> Attempt:
    iam, user = stage.owner.iam, stage.owner.new_user()
    session = stage.owner.client("sts", user)

    def allowed() -> None:
        iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.id)
        iam.delete_user(UserName=user.name)

    return Attempt(
        lambda: iam.delete_user(UserName=user.name), allowed, lambda: session.get_caller_identity()["UserId"]
    )


@refusal("DeleteConflict", 409, "Cannot delete entity, must detach all policies first.")
def deleting_a_role_with_an_attached_policy(stage: Stage) -> Attempt:
    iam, attached = stage.owner.iam, stage.owner.new_policy(allow("s3:*", "*"))
    name = stage.owner.new_role(trust(OWNER), managed=[attached]).rpartition("/")[2]

    def allowed() -> None:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached)
        iam.delete_role(RoleName=name)

    return Attempt(
        lambda: iam.delete_role(RoleName=name),
        allowed,
        lambda: iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
    )


@refusal("DeleteConflict", 409, "Cannot delete a policy attached to entities.")
def deleting_a_policy_that_is_attached(stage: Stage) -> Attempt:
    iam, attached = stage.owner.iam, stage.owner.new_policy(allow("s3:*", "*"))
    user = stage.owner.new_user(managed=[attached])

    def allowed() -> None:
        iam.detach_user_policy(UserName=user.name, PolicyArn=attached)
        iam.delete_policy(PolicyArn=attached)

    return Attempt(
        lambda: iam.delete_policy(PolicyArn=attached), allowed, lambda: iam.get_policy(PolicyArn=attached)["Policy"]
    )


@refusal("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2")
def a_third_access_key(stage: Stage) -> Attempt:
    iam, user = stage.owner.iam, stage.owner.new_user()
    iam.create_access_key(UserName=user.name)

    def allowed() -> None:
        iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.id)
        iam.create_access_key(UserName=user.name)

    return Attempt(
        lambda: iam.create_access_key(UserName=user.name),
        allowed,
        lambda: iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"],
    )


@refusal(
    "LimitExceeded",
    409,
    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
)
def a_sixth_policy_version(stage: Stage) -> Attempt:
    iam, arn = stage.owner.iam, stage.owner.new_policy(allow("s3:*", "*"))
    document = json.dumps(allow("s3:GetObject", "*"))
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)

    def allowed() -> None:
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)

    return Attempt(
        lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True),
        allowed,
        lambda: iam.list_policy_versions(PolicyArn=arn)["Versions"],
    )


@refusal("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerUser: 10")
def an_eleventh_attached_policy(stage: Stage) -> Attempt:
    iam = stage.owner.iam
    arns = [stage.owner.new_policy(allow("s3:GetObject", "*")) for _ in range(11)]
    user = stage.owner.new_user(managed=arns[:10])

    def allowed() -> None:
        iam.detach_user_policy(UserName=user.name, PolicyArn=arns[0])
        iam.attach_user_policy(UserName=user.name, PolicyArn=arns[10])

    return Attempt(
        lambda: iam.attach_user_policy(UserName=user.name, PolicyArn=arns[10]),
        allowed,
        lambda: iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"],
    )


@refusal("NoSuchEntity", 404, "The user with name {name} cannot be found.")
def a_user_who_does_not_exist(stage: Stage) -> Attempt:
    name, user = unique("missing"), stage.owner.new_user()
    return Attempt(
        lambda: stage.owner.iam.get_user(UserName=name),
        lambda: stage.owner.iam.get_user(UserName=user.name),
        named={"name": name},
    )


@refusal("NoSuchEntity", 404, "Policy {arn} does not exist or is not attachable.")
def attaching_a_policy_that_does_not_exist(stage: Stage) -> Attempt:
    iam, user = stage.owner.iam, stage.owner.new_user()
    arn = f"arn:aws:iam::{OWNER}:policy/{unique('missing')}"
    there = stage.owner.new_policy(allow("s3:*", "*"))
    return Attempt(
        lambda: iam.attach_user_policy(UserName=user.name, PolicyArn=arn),
        lambda: iam.attach_user_policy(UserName=user.name, PolicyArn=there),
        lambda: iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"],
        {"arn": arn},
    )


@refusal("NoSuchEntity", 404, "The user with name {name} cannot be found.")
def an_administrator_looking_for_a_user_of_another_account(stage: Stage) -> Attempt:
    user = stage.owner.new_user()
    return Attempt(
        lambda: stage.partner.iam.get_user(UserName=user.name),
        lambda: stage.owner.iam.get_user(UserName=user.name),
        named={"name": user.name},
    )


@refusal(
    "ValidationError",
    400,
    "1 validation error detected: Value '{name}' at 'userName' failed to satisfy constraint: Member must satisfy"
    " regular expression pattern: [\\w+=,.@-]+",
)
def a_user_name_with_a_slash(stage: Stage) -> Attempt:
    iam, name = stage.owner.iam, f"{unique('a')}/b"
    return Attempt(
        lambda: iam.create_user(UserName=name, Path="/refused/"),
        lambda: iam.create_user(UserName=unique("a+=,.@_-b")),
        lambda: _user_names(stage),
        {"name": name},
    )


@refusal(
    "AccessDenied",
    403,
    "User: {caller} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::{account}:user/{name}"
    " because no identity-based policy allows the iam:CreateUser action",
)
def making_a_user_without_permission(stage: Stage) -> Attempt:
    name = unique("wanted")
    user = stage.owner.new_user(allow("iam:Get*", "*"))
    permitted = stage.owner.new_user(allow("iam:CreateUser", f"arn:aws:iam::{OWNER}:user/{name}"))
    return Attempt(
        lambda: stage.owner.client("iam", user).create_user(UserName=name),
        lambda: stage.owner.client("iam", permitted).create_user(UserName=name),
        named={"caller": user.arn, "account": OWNER, "name": name},
    )


@refusal(
    "AccessDenied",
    403,
    "User: {caller} is not authorized to perform: iam:CreatePolicyVersion on resource: {arn} because no resource-based"
    " policy allows the iam:CreatePolicyVersion action",
)
def changing_a_policy_of_another_account(stage: Stage) -> Attempt:
    arn = stage.owner.new_policy(allow("s3:*", "*"))
    document = json.dumps(allow("s3:GetObject", "*"))
    return Attempt(
        lambda: stage.partner.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True),
        lambda: stage.owner.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True),
        lambda: stage.owner.iam.list_policy_versions(PolicyArn=arn)["Versions"],
        {"caller": stage.partner.admin.arn, "arn": arn},
    )


@refusal("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
def iam_with_an_access_key_that_does_not_exist(stage: Stage) -> Attempt:
    keys = Keys("AKIAIOSFODNN7EXAMPLE", stage.owner.admin.keys.secret)
    return Attempt(stage.owner.client("iam", keys).list_users, stage.owner.iam.list_users)


@refusal("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
def iam_with_an_access_key_that_is_inactive(stage: Stage) -> Attempt:
    user = stage.owner.new_user(allow("iam:ListUsers", "*"))
    iam = stage.owner.client("iam", user)
    iam.list_users()

    def make(status: str) -> None:
        stage.owner.iam.update_access_key(UserName=user.name, AccessKeyId=user.keys.id, Status=status)

    def allowed() -> None:
        make("Active")
        iam.list_users()

    make("Inactive")
    return Attempt(iam.list_users, allowed)


@refusal(
    "SignatureDoesNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details.",
)
def iam_signed_with_a_wrong_secret(stage: Stage) -> Attempt:
    keys = Keys(stage.owner.admin.keys.id, stage.owner.admin.keys.secret[::-1])
    return Attempt(stage.owner.client("iam", keys).list_users, stage.owner.iam.list_users)
