"""Users and groups through their operations."""

from __future__ import annotations

import asyncio

import pytest

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, deny, policy, statement, story
from isthmus.wire import AwsError

ROOT = PRODUCTION


@story
async def test_a_user_is_created_with_path_boundary_and_tags_and_read_back(world: World) -> None:
    boundary = await world.managed_policy(PRODUCTION, "limit", allow("s3:*"))
    created = await world.call(
        ROOT, "iam", "CreateUser", UserName="Alice", Path="/team/", PermissionsBoundary=boundary,
        Tags=[{"Key": "Team", "Value": "data"}],
    )  # fmt: skip
    user = created["User"]
    assert user["Arn"] == f"arn:aws:iam::{PRODUCTION}:user/team/Alice"
    assert user["UserId"].startswith("AIDA")
    assert user["CreateDate"].timestamp() == START
    assert user["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    assert user["Tags"] == [{"Key": "Team", "Value": "data"}]
    assert (await world.call(ROOT, "iam", "GetUser", UserName="alice"))["User"] == user


@story
async def test_without_a_name_get_user_is_about_the_caller(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("iam:GetUser", "*"))
    assert (await world.call(alice, "iam", "GetUser"))["User"]["UserName"] == "alice"
    root = (await world.call(ROOT, "iam", "GetUser"))["User"]
    assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{PRODUCTION}:root", PRODUCTION)


CREATE_REFUSALS = [
    ({"UserName": "ALICE"}, "EntityAlreadyExists", "User with name ALICE already exists."),
    (
        {"UserName": "bob", "PermissionsBoundary": f"arn:aws:iam::{PRODUCTION}:policy/none-such"},
        "NoSuchEntity",
        f"Scope ARN: arn:aws:iam::{PRODUCTION}:policy/none-such does not exist or is not attachable.",
    ),
    (
        {"UserName": "bob", "PermissionsBoundary": f"arn:aws:iam::{PRODUCTION}:user/alice"},
        "InvalidInput",
        f"ARN arn:aws:iam::{PRODUCTION}:user/alice is not valid.",
    ),
    (
        {"UserName": "bob", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    ),
    (
        {"UserName": "bob", "Tags": [{"Key": "AWS:x", "Value": "1"}]},
        "InvalidInput",
        "aws: prefixed tag key names are not allowed for external use.",
    ),
    (
        {"UserName": "bob", "Tags": [{"Key": str(n), "Value": ""} for n in range(51)]},
        "LimitExceeded",
        "Cannot exceed quota for TagsPerUser: 50",
    ),
]


@pytest.mark.parametrize(("members", "code", "message"), CREATE_REFUSALS)
def test_create_user_refuses_and_leaves_nothing(members, code, message, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await world.user(PRODUCTION, "alice")
        error = await world.refused(ROOT, "iam", "CreateUser", **members)
        assert (error.code, error.message) == (code, message)
        assert [u["UserName"] for u in (await world.call(ROOT, "iam", "ListUsers"))["Users"]] == ["alice"]

    tell(tmp_path)


@story
async def test_one_name_may_be_used_in_two_accounts(world: World) -> None:
    await world.call(PRODUCTION, "iam", "CreateUser", UserName="alice")
    await world.call(ANALYTICS, "iam", "CreateUser", UserName="alice")
    assert len((await world.call(ANALYTICS, "iam", "ListUsers"))["Users"]) == 1


@story
async def test_of_twenty_concurrent_creations_of_one_name_exactly_one_succeeds(world: World) -> None:
    async def create() -> bool:
        try:
            await world.call(ROOT, "iam", "CreateUser", UserName="alice")
        except AwsError as error:
            assert error.code == "EntityAlreadyExists"
            return False
        return True

    assert sum(await asyncio.gather(*(create() for _ in range(20)))) == 1


@story
async def test_a_renamed_user_keeps_its_id_and_its_old_name_is_gone(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    await world.user(PRODUCTION, "bob")
    await world.call(ROOT, "iam", "UpdateUser", UserName="alice", NewUserName="Alicia", NewPath="/x/")
    renamed = (await world.call(ROOT, "iam", "GetUser", UserName="alicia"))["User"]
    assert (renamed["UserId"], renamed["Arn"]) == (alice.id, f"arn:aws:iam::{PRODUCTION}:user/x/Alicia")
    error = await world.refused(ROOT, "iam", "GetUser", UserName="alice")
    assert (error.code, error.status) == ("NoSuchEntity", 404)
    assert error.message == "The user with name alice cannot be found."
    error = await world.refused(ROOT, "iam", "UpdateUser", UserName="Alicia", NewUserName="BOB")
    assert error.code == "EntityAlreadyExists"
    await world.call(ROOT, "iam", "UpdateUser", UserName="alicia", NewUserName="ALICIA")


@story
async def test_a_user_may_be_deleted_only_when_it_has_nothing_any_more(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), tags={"a": "b"})
    await world.group(PRODUCTION, "staff", members=[alice])
    key = await world.access_key(PRODUCTION, alice)
    serial = await world.mfa_device(PRODUCTION, alice.id, "alice")
    await world.call(ROOT, "iam", "CreateLoginProfile", UserName="alice", Password="Correct-horse-7")
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    await world.call(ROOT, "iam", "AttachUserPolicy", UserName="alice", PolicyArn=arn)
    ways_out = [
        ("must delete access keys first", "DeleteAccessKey", {"AccessKeyId": key.id}),
        ("must delete MFA device first", "DeactivateMFADevice", {"SerialNumber": serial}),
        ("must delete login profile first", "DeleteLoginProfile", {}),
        ("must remove users from group first", "RemoveUserFromGroup", {"GroupName": "staff"}),
        ("must detach all policies first", "DetachUserPolicy", {"PolicyArn": arn}),
        ("must delete policies first", "DeleteUserPolicy", {"PolicyName": "inline-0"}),
    ]
    for message, name, members in ways_out:
        error = await world.refused(ROOT, "iam", "DeleteUser", UserName="alice")
        assert (error.code, error.status) == ("DeleteConflict", 409)
        assert error.message == f"Cannot delete entity, {message}."
        await world.call(ROOT, "iam", name, UserName="alice", **members)
    await world.call(ROOT, "iam", "DeleteUser", UserName="alice")
    world.directory.refresh()
    assert await world.directory.tags(alice.id) == {}
    assert (await world.refused(ROOT, "iam", "DeleteUser", UserName="alice")).code == "NoSuchEntity"


@story
async def test_users_are_listed_in_pages_under_a_path(world: World) -> None:
    for name, path in (("d", "/"), ("B", "/x/"), ("a", "/x/y/"), ("c", "/x/")):
        await world.user(PRODUCTION, name, path=path)
    names: list[str] = []
    marker: dict[str, str] = {}
    for _ in range(2):
        answer = await world.call(ROOT, "iam", "ListUsers", PathPrefix="/x/", MaxItems=2, **marker)
        names += [user["UserName"] for user in answer["Users"]]
        marker = {"Marker": answer.get("Marker", "")}
    assert (names, answer["IsTruncated"]) == (["a", "B", "c"], False)
    assert (await world.refused(ROOT, "iam", "ListUsers", Marker="?")).code == "ValidationError"


@story
async def test_a_group_has_members_and_a_user_its_groups(world: World) -> None:
    await world.user(PRODUCTION, "alice")
    group = (await world.call(ROOT, "iam", "CreateGroup", GroupName="Staff", Path="/x/"))["Group"]
    assert group["Arn"] == f"arn:aws:iam::{PRODUCTION}:group/x/Staff"
    for _ in range(2):  # to be in it already is no error
        await world.call(ROOT, "iam", "AddUserToGroup", GroupName="staff", UserName="ALICE")
    got = await world.call(ROOT, "iam", "GetGroup", GroupName="staff")
    assert (got["Group"], [user["UserName"] for user in got["Users"]]) == (group, ["alice"])
    assert (await world.call(ROOT, "iam", "ListGroupsForUser", UserName="alice"))["Groups"] == [group]
    error = await world.refused(ROOT, "iam", "DeleteGroup", GroupName="staff")
    assert error.message == "Cannot delete entity, must remove users from group first."
    await world.call(ROOT, "iam", "RemoveUserFromGroup", GroupName="staff", UserName="alice")
    await world.call(ROOT, "iam", "UpdateGroup", GroupName="staff", NewGroupName="crew", NewPath="/")
    assert [g["Arn"] for g in (await world.call(ROOT, "iam", "ListGroups"))["Groups"]] == [
        f"arn:aws:iam::{PRODUCTION}:group/crew"
    ]
    await world.call(ROOT, "iam", "DeleteGroup", GroupName="crew")


GROUP_REFUSALS = [
    ("CreateGroup", {"GroupName": "STAFF"}, "EntityAlreadyExists", "Group with name STAFF already exists."),
    ("GetGroup", {"GroupName": "none"}, "NoSuchEntity", "The group with name none cannot be found."),
    ("DeleteGroup", {"GroupName": "none"}, "NoSuchEntity", "The group with name none cannot be found."),
    ("UpdateGroup", {"GroupName": "none", "NewPath": "/"}, "NoSuchEntity", "The group with name none cannot be found."),
    (
        "AddUserToGroup",
        {"GroupName": "staff", "UserName": "none"},
        "NoSuchEntity",
        "The user with name none cannot be found.",
    ),
    (
        "RemoveUserFromGroup",
        {"GroupName": "staff", "UserName": "alice"},
        "NoSuchEntity",
        "User alice is not in group staff.",
    ),
    ("ListGroupsForUser", {"UserName": "none"}, "NoSuchEntity", "The user with name none cannot be found."),
    (
        "AddUserToGroup",
        {"GroupName": "staff", "UserName": "alice"},
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
    ),
]


@pytest.mark.parametrize(("name", "members", "code", "message"), GROUP_REFUSALS)
def test_group_operations_refuse(name, members, code, message, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        alice = await world.user(PRODUCTION, "alice")
        await world.group(PRODUCTION, "staff")
        for number in range(10):
            await world.group(PRODUCTION, f"g{number}", members=[alice])
        error = await world.refused(ROOT, "iam", name, **members)
        assert (error.code, error.message) == (code, message)

    tell(tmp_path)


USER_ARN = f"arn:aws:iam::{PRODUCTION}:user"
PERMITTED = [
    # operation, input, action, the one resource whose permission lets it pass
    ("CreateUser", {"UserName": "new", "Path": "/x/"}, "iam:CreateUser", f"{USER_ARN}/x/new"),
    ("GetUser", {"UserName": "bob"}, "iam:GetUser", f"{USER_ARN}/team/bob"),
    ("DeleteUser", {"UserName": "bob"}, "iam:DeleteUser", f"{USER_ARN}/team/bob"),
    ("ListUsers", {}, "iam:ListUsers", f"{USER_ARN}/"),
    ("ListUsers", {"PathPrefix": "/team/"}, "iam:ListUsers", f"{USER_ARN}/team/"),
    ("CreateAccessKey", {"UserName": "bob"}, "iam:CreateAccessKey", f"{USER_ARN}/team/bob"),
    ("ListMFADevices", {"UserName": "bob"}, "iam:ListMFADevices", f"{USER_ARN}/team/bob"),
    ("CreateGroup", {"GroupName": "new"}, "iam:CreateGroup", f"arn:aws:iam::{PRODUCTION}:group/new"),
    ("GetGroup", {"GroupName": "staff"}, "iam:GetGroup", f"arn:aws:iam::{PRODUCTION}:group/staff"),
    (
        "AddUserToGroup",
        {"GroupName": "staff", "UserName": "bob"},
        "iam:AddUserToGroup",
        f"arn:aws:iam::{PRODUCTION}:group/staff",
    ),
    (
        "CreateVirtualMFADevice",
        {"VirtualMFADeviceName": "bob"},
        "iam:CreateVirtualMFADevice",
        f"arn:aws:iam::{PRODUCTION}:mfa/bob",
    ),
    ("GetRole", {"RoleName": "reader"}, "iam:GetRole", f"arn:aws:iam::{PRODUCTION}:role/reader"),
    ("ListRoles", {}, "iam:ListRoles", f"arn:aws:iam::{PRODUCTION}:role/"),
    ("GetAccountSummary", {}, "iam:GetAccountSummary", "*"),
]


@pytest.mark.parametrize(("name", "members", "action", "resource"), PERMITTED)
def test_an_operation_needs_exactly_its_permission(name, members, action, resource, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await world.user(PRODUCTION, "bob", path="/team/")
        await world.group(PRODUCTION, "staff")
        trust = policy({"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:AssumeRole"})
        await world.role(PRODUCTION, "reader", trust=trust)
        may = await world.user(PRODUCTION, "may", allow(action, resource))
        may_not = await world.user(PRODUCTION, "may-not", allow(action, f"arn:aws:iam::{PRODUCTION}:user/other"))
        denied = await world.user(PRODUCTION, "denied", allow("*"), deny(action, resource))
        error = await world.refused(may_not, "iam", name, **members)
        assert (error.code, error.status) == ("AccessDenied", 403)
        assert f"because no identity-based policy allows the {action} action" in error.message
        error = await world.refused(denied, "iam", name, **members)
        assert "with an explicit deny in an identity-based policy" in error.message
        await world.call(may, "iam", name, **members)

    tell(tmp_path)


@story
async def test_a_missing_entity_is_told_only_to_those_who_may_look(world: World) -> None:
    may = await world.user(PRODUCTION, "may", allow("iam:GetUser", f"{USER_ARN}/ghost"))
    may_not = await world.user(PRODUCTION, "may-not")
    assert (await world.refused(may, "iam", "GetUser", UserName="ghost")).code == "NoSuchEntity"
    assert (await world.refused(may_not, "iam", "GetUser", UserName="ghost")).code == "AccessDenied"


CONDITIONS = [
    ("CreateUser", {"iam:PermissionsBoundary": "LIMIT"}, {"UserName": "n", "PermissionsBoundary": "LIMIT"},
     {"UserName": "n"}),
    (
        "AttachUserPolicy",
        {"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
        {"UserName": "bob", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
        {"UserName": "bob", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"},
    ),
    ("GetUser", {"iam:ResourceTag/team": "data"}, {"UserName": "bob"}, {"UserName": "carol"}),
    ("GetUser", {"aws:ResourceTag/Team": "data"}, {"UserName": "bob"}, {"UserName": "carol"}),
    (
        "TagUser",
        {"aws:RequestTag/team": "data"},
        {"UserName": "bob", "Tags": [{"Key": "Team", "Value": "data"}]},
        {"UserName": "bob", "Tags": [{"Key": "Team", "Value": "ops"}]},
    ),
    ("UntagUser", {"aws:TagKeys": "team"}, {"UserName": "bob", "TagKeys": ["team"]},
     {"UserName": "bob", "TagKeys": ["x"]}),
    ("PutUserPermissionsBoundary", {"iam:PermissionsBoundary": "LIMIT"},
     {"UserName": "carol", "PermissionsBoundary": "LIMIT"},
     {"UserName": "carol", "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("DeleteUserPermissionsBoundary", {"iam:PermissionsBoundary": "LIMIT"}, {"UserName": "bob"}, {"UserName": "carol"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "keys", "good", "bad"), CONDITIONS)
def test_condition_keys_say_what_the_request_is_about(name, keys, good, bad, tmp_path) -> None:
    limit = f"arn:aws:iam::{PRODUCTION}:policy/limit"

    def fill(members: dict) -> dict:
        return {key: limit if value == "LIMIT" else value for key, value in members.items()}

    @story
    async def tell(world: World) -> None:
        await world.managed_policy(PRODUCTION, "limit", allow("*"))
        await world.user(PRODUCTION, "bob", tags={"Team": "data"}, boundary=limit)
        await world.user(PRODUCTION, "carol", tags={"Team": "ops"})
        operator = "ForAnyValue:StringEquals" if "aws:TagKeys" in keys else "StringEquals"
        condition = {operator: fill(keys)}
        may = await world.user(PRODUCTION, "may", policy(statement("Allow", f"iam:{name}", "*", Condition=condition)))
        assert (await world.refused(may, "iam", name, **fill(bad))).code == "AccessDenied"
        await world.call(may, "iam", name, **fill(good))

    tell(tmp_path)


@story
async def test_to_create_with_tags_needs_the_permission_to_tag(world: World) -> None:
    creator = await world.user(PRODUCTION, "creator", allow("iam:CreateUser"))
    tagger = await world.user(PRODUCTION, "tagger", allow(["iam:CreateUser", "iam:TagUser"]))
    tags = [{"Key": "a", "Value": "b"}]
    error = await world.refused(creator, "iam", "CreateUser", UserName="x", Tags=tags)
    assert "perform: iam:TagUser" in error.message
    await world.call(creator, "iam", "CreateUser", UserName="x")
    await world.call(tagger, "iam", "CreateUser", UserName="y", Tags=tags)


@story
async def test_renaming_needs_permission_on_the_old_and_the_new_name(world: World) -> None:
    for name in ("a", "b"):
        await world.user(PRODUCTION, name)
    half = await world.user(PRODUCTION, "half", allow("iam:UpdateUser", f"{USER_ARN}/a"))
    error = await world.refused(half, "iam", "UpdateUser", UserName="a", NewUserName="c")
    assert f"{USER_ARN}/c" in error.message
    whole = await world.user(PRODUCTION, "whole", allow("iam:UpdateUser", f"{USER_ARN}/?"))
    await world.call(whole, "iam", "UpdateUser", UserName="a", NewUserName="c")


@story
async def test_the_version_of_global_tokens_is_chosen_for_each_account(world: World) -> None:
    async def version(account: str) -> int:
        number: int = (await world.call(account, "iam", "GetAccountSummary"))["SummaryMap"][
            "GlobalEndpointTokenVersion"
        ]
        return number

    assert await version(PRODUCTION) == 1
    for name, number in (("v2Token", 2), ("v1Token", 1), ("v2Token", 2)):
        await world.call(PRODUCTION, "iam", "SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion=name)
        assert (await version(PRODUCTION), await version(ANALYTICS)) == (number, 1)
    bob = await world.user(PRODUCTION, "bob", allow("iam:GetAccountSummary"))
    given = {"GlobalEndpointTokenVersion": "v1Token"}
    assert (await world.refused(bob, "iam", "SetSecurityTokenServicePreferences", **given)).code == "AccessDenied"
    assert await version(PRODUCTION) == 2
