"""Every size and number that AWS limits: what is just small enough is taken, one more is refused.

IAM User Guide, "IAM and AWS STS quotas"; STS API reference, AssumeRole; S3 User Guide, "Bucket policies".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from refusal_table import answer_of
from stage import OWNER, READ_ONLY, Account, Document, Stage, allow, trust, unique

Case = tuple[Callable[[], Any], Callable[[], Any]]
"""What is just within a limit, and what is just beyond."""
CASES: list[tuple[str, str, Callable[[Account], Case]]] = []
TRUST = json.dumps(trust(OWNER))


def limit(code: str) -> Callable[[Callable[[Account], Case]], Callable[[Account], Case]]:
    """Put a limit into the table, with the error beyond it."""

    def put(arrange: Callable[[Account], Case]) -> Callable[[Account], Case]:
        CASES.append((arrange.__name__.replace("_", " "), code, arrange))
        return arrange

    return put


def sized(size: int, spaces: int = 0, resource: str = "arn:aws:s3:::b/") -> str:
    """An identity policy of so many characters, and as much white space as wanted."""
    return _padded(allow("s3:*", f"{resource}PAD"), size, spaces)


def sized_trust(size: int, spaces: int = 0) -> str:
    """A trust policy of so many characters."""
    return _padded(trust(OWNER, StringEquals={"sts:ExternalId": "PAD"}), size, spaces)


def _padded(document: Document, size: int, spaces: int) -> str:
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("PAD", "x" * (size - len(text) + 3)).replace(",", "," + " \t\r\n" * spaces)


def _two(call: Callable[..., Any], within: Any, beyond: Any, name: str, **more: Any) -> Case:
    return lambda: call(**more, **{name: within}), lambda: call(**more, **{name: beyond})


# Documents


@limit("LimitExceeded")
def a_managed_policy_has_6144_characters_without_white_space(owner: Account) -> Case:
    make = owner.iam.create_policy
    return (
        lambda: make(PolicyName=unique("p"), PolicyDocument=sized(6144, spaces=500)),
        lambda: make(PolicyName=unique("p"), PolicyDocument=sized(6145)),
    )


@limit("LimitExceeded")
def a_version_of_a_managed_policy_too(owner: Account) -> Case:
    arn = owner.new_policy(allow("s3:*", "*"))
    return _two(owner.iam.create_policy_version, sized(6144, 9), sized(6145), "PolicyDocument", PolicyArn=arn)


@limit("LimitExceeded")
def the_inline_policies_of_a_user_have_2048_together(owner: Account) -> Case:
    user = owner.new_user()
    owner.iam.put_user_policy(UserName=user.name, PolicyName="first", PolicyDocument=sized(1000, 9))
    more = {"UserName": user.name, "PolicyName": "second"}
    return _two(owner.iam.put_user_policy, sized(1048, 9), sized(1049), "PolicyDocument", **more)


@limit("LimitExceeded")
def those_of_a_group_5120(owner: Account) -> Case:
    name = unique("group")
    owner.iam.create_group(GroupName=name)
    more = {"GroupName": name, "PolicyName": "only"}
    return _two(owner.iam.put_group_policy, sized(5120, 9), sized(5121), "PolicyDocument", **more)


@limit("LimitExceeded")
def those_of_a_role_10240(owner: Account) -> Case:
    more = {"RoleName": owner.new_role(trust(OWNER)).rpartition("/")[2], "PolicyName": "only"}
    return _two(owner.iam.put_role_policy, sized(10240, 9), sized(10241), "PolicyDocument", **more)


@limit("LimitExceeded")
def a_trust_policy_has_2048(owner: Account) -> Case:
    name = owner.new_role(trust(OWNER)).rpartition("/")[2]
    update = owner.iam.update_assume_role_policy
    return _two(update, sized_trust(2048, 9), sized_trust(2049), "PolicyDocument", RoleName=name)


@limit("LimitExceeded")
def a_trust_policy_of_a_new_role_too(owner: Account) -> Case:
    make = owner.iam.create_role
    return (
        lambda: make(RoleName=unique("role"), AssumeRolePolicyDocument=sized_trust(2048)),
        lambda: make(RoleName=unique("role"), AssumeRolePolicyDocument=sized_trust(2049)),
    )


@limit("PolicyTooLarge")
def a_bucket_policy_has_20_kilobytes_with_white_space(owner: Account) -> Case:
    bucket = owner.new_bucket()
    principal = {"AWS": f"arn:aws:iam::{OWNER}:root"}

    def text(size: int) -> str:
        document = allow("s3:*", f"arn:aws:s3:::{bucket}/PAD")
        document["Statement"][0]["Principal"] = principal
        return _padded(document, size - 1000, 0) + " " * 1000

    return _two(owner.s3.put_bucket_policy, text(20480), text(20481), "Policy", Bucket=bucket)


@limit("ValidationError")
def a_session_policy_has_2048(owner: Account) -> Case:
    role = owner.new_role(trust(OWNER))
    more = {"RoleArn": role, "RoleSessionName": "me"}
    return _two(owner.sts.assume_role, sized(2048), sized(2049), "Policy", **more)


@limit("PackedPolicyTooLarge")
def a_session_policy_and_the_names_of_managed_ones_have_2048_together(owner: Account) -> Case:
    more = {"RoleArn": owner.new_role(trust(OWNER)), "RoleSessionName": "me", "PolicyArns": [{"arn": READ_ONLY}]}
    most = 2048 - len(READ_ONLY)
    return _two(owner.sts.assume_role, sized(most), sized(most + 1), "Policy", **more)


@limit("ValidationError")
def a_session_has_ten_managed_policies(owner: Account) -> Case:
    arns = [{"arn": owner.new_policy(allow("s3:*", "*"))} for _ in range(11)]
    more = {"RoleArn": owner.new_role(trust(OWNER)), "RoleSessionName": "me"}
    return _two(owner.sts.assume_role, arns[:10], arns, "PolicyArns", **more)


# Numbers


@limit("LimitExceeded")
def a_managed_policy_has_five_versions(owner: Account) -> Case:
    arn = owner.new_policy(allow("s3:*", "*"))

    def add() -> Any:
        return owner.iam.create_policy_version(PolicyArn=arn, PolicyDocument=sized(200))

    for _ in range(3):
        add()
    return add, add


def _eleventh(owner: Account, attach: Callable[..., Any], **whom: str) -> Case:
    arns = [owner.new_policy(allow("s3:*", "*")) for _ in range(11)]
    for arn in arns[:9]:
        attach(PolicyArn=arn, **whom)
    return _two(attach, arns[9], arns[10], "PolicyArn", **whom)


@limit("LimitExceeded")
def a_user_has_ten_managed_policies(owner: Account) -> Case:
    return _eleventh(owner, owner.iam.attach_user_policy, UserName=owner.new_user().name)


@limit("LimitExceeded")
def a_group_has_ten_managed_policies(owner: Account) -> Case:
    name = unique("group")
    owner.iam.create_group(GroupName=name)
    return _eleventh(owner, owner.iam.attach_group_policy, GroupName=name)


@limit("LimitExceeded")
def a_role_has_ten_managed_policies(owner: Account) -> Case:
    name = owner.new_role(trust(OWNER)).rpartition("/")[2]
    return _eleventh(owner, owner.iam.attach_role_policy, RoleName=name)


def _tags(count: int) -> list[dict[str, str]]:
    return [{"Key": f"k{number}", "Value": ""} for number in range(count)]


@limit("ValidationError")
def a_session_has_fifty_tags(owner: Account) -> Case:
    role = owner.new_role(trust(OWNER, ["sts:AssumeRole", "sts:TagSession"]))
    return _two(owner.sts.assume_role, _tags(50), _tags(51), "Tags", RoleArn=role, RoleSessionName="me")


@limit("ValidationError")
def a_tag_of_a_session_has_a_key_of_128_characters(owner: Account) -> Case:
    more = {"RoleArn": owner.new_role(trust(OWNER, ["sts:AssumeRole", "sts:TagSession"])), "RoleSessionName": "me"}
    keys = [[{"Key": "k" * size, "Value": "v"}] for size in (128, 129)]
    return _two(owner.sts.assume_role, *keys, "Tags", **more)


@limit("ValidationError")
def and_a_value_of_256(owner: Account) -> Case:
    more = {"RoleArn": owner.new_role(trust(OWNER, ["sts:AssumeRole", "sts:TagSession"])), "RoleSessionName": "me"}
    values = [[{"Key": "k", "Value": "v" * size}] for size in (256, 257)]
    return _two(owner.sts.assume_role, *values, "Tags", **more)


@limit("ValidationError")
def a_new_user_has_fifty_tags(owner: Account) -> Case:
    make = owner.iam.create_user
    return (
        lambda: make(UserName=unique("user"), Tags=_tags(50)),
        lambda: make(UserName=unique("user"), Tags=_tags(51)),
    )


@limit("LimitExceeded")
def a_user_has_fifty_tags(owner: Account) -> Case:
    name = unique("user")
    owner.iam.create_user(UserName=name, Tags=_tags(49))
    return _two(
        owner.iam.tag_user, [{"Key": "last", "Value": ""}], [{"Key": "more", "Value": ""}], "Tags", UserName=name
    )


# Names


def _name(size: int) -> str:
    return unique("n").ljust(size, "x")


@limit("ValidationError")
def the_name_of_a_user_has_64_characters(owner: Account) -> Case:
    return _two(owner.iam.create_user, _name(64), _name(65), "UserName")


@limit("ValidationError")
def the_name_of_a_role_has_64_characters(owner: Account) -> Case:
    return _two(owner.iam.create_role, _name(64), _name(65), "RoleName", AssumeRolePolicyDocument=TRUST)


@limit("ValidationError")
def the_name_of_a_group_has_128_characters(owner: Account) -> Case:
    return _two(owner.iam.create_group, _name(128), _name(129), "GroupName")


@limit("ValidationError")
def the_name_of_a_policy_has_128_characters(owner: Account) -> Case:
    return _two(owner.iam.create_policy, _name(128), _name(129), "PolicyName", PolicyDocument=sized(200))


@limit("ValidationError")
def the_name_of_an_inline_policy_has_128_characters(owner: Account) -> Case:
    more = {"UserName": owner.new_user().name, "PolicyDocument": sized(200)}
    return _two(owner.iam.put_user_policy, _name(128), _name(129), "PolicyName", **more)


@limit("ValidationError")
def a_path_has_512_characters(owner: Account) -> Case:
    paths = [f"/{'p' * (size - 2)}/" for size in (512, 513)]
    make = owner.iam.create_user
    return (
        lambda: make(UserName=unique("user"), Path=paths[0]),
        lambda: make(UserName=unique("user"), Path=paths[1]),
    )


@limit("ValidationError")
def names_are_of_ascii_characters(owner: Account) -> Case:
    name = unique("name")
    return _two(owner.iam.create_user, f"{name}+=,.@_-", f"{name}ü", "UserName")


@limit("EntityAlreadyExists")
def names_are_unique_whatever_their_case(owner: Account) -> Case:
    name = unique("name")
    return _two(owner.iam.create_user, name.upper(), name.lower(), "UserName")


@limit("ValidationError")
def the_name_of_a_session_has_64_characters(owner: Account) -> Case:
    role = owner.new_role(trust(OWNER))
    return _two(owner.sts.assume_role, "s" * 64, "s" * 65, "RoleSessionName", RoleArn=role)


@limit("ValidationError")
def the_name_of_a_session_has_two_characters_at_least(owner: Account) -> Case:
    lenient = owner.client("sts", owner.admin, parameter_validation=False)
    role = owner.new_role(trust(OWNER))
    return _two(lenient.assume_role, "ss", "s", "RoleSessionName", RoleArn=role)


@limit("ValidationError")
def an_external_id_has_1224_characters(owner: Account) -> Case:
    more = {"RoleArn": owner.new_role(trust(OWNER)), "RoleSessionName": "me"}
    return _two(owner.sts.assume_role, "e" * 1224, "e" * 1225, "ExternalId", **more)


@limit("ValidationError")
def a_source_identity_has_64_characters(owner: Account) -> Case:
    role = owner.new_role(trust(OWNER, ["sts:AssumeRole", "sts:SetSourceIdentity"]))
    more = {"RoleArn": role, "RoleSessionName": "me"}
    return _two(owner.sts.assume_role, "i" * 64, "i" * 65, "SourceIdentity", **more)


@limit("ValidationError")
def a_source_identity_does_not_begin_with_aws(owner: Account) -> Case:
    role = owner.new_role(trust(OWNER, ["sts:AssumeRole", "sts:SetSourceIdentity"]))
    more = {"RoleArn": role, "RoleSessionName": "me"}
    return _two(owner.sts.assume_role, "aws-me", "aws:me", "SourceIdentity", **more)


@pytest.mark.parametrize(("title", "code", "arrange"), CASES, ids=[row[0] for row in CASES])
def test_what_fits_is_taken_and_one_more_is_refused(
    title: str, code: str, arrange: Callable[[Account], Case], stage: Stage
) -> None:
    within, beyond = arrange(stage.owner)
    assert answer_of(within) is None
    refused = answer_of(beyond)
    assert refused is not None
    assert (refused.code, refused.status) == (code, 409 if code in ("LimitExceeded", "EntityAlreadyExists") else 400)


def test_a_policy_that_takes_the_place_of_its_namesake_is_not_counted_twice(stage: Stage) -> None:
    user, iam = stage.owner.new_user(), stage.owner.iam
    for size in (2048, 2047):
        iam.put_user_policy(UserName=user.name, PolicyName="only", PolicyDocument=sized(size))
    found = iam.get_user_policy(UserName=user.name, PolicyName="only")["PolicyDocument"]
    assert found == json.loads(sized(2047))
