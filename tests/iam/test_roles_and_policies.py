"""Roles, managed and inline policies, attachments, boundaries and tags through their operations."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import unquote

import pytest

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, policy, statement, story, trusts
from isthmus.wire import AwsError

ROOT = PRODUCTION
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
DOCUMENT = '{ "Version": "2012-10-17",\n  "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}] }'
OTHER = DOCUMENT.replace("Get*", "List*")
MINE = f"arn:aws:iam::{PRODUCTION}:policy/mine"


def trust(*principals: str) -> str:
    return json.dumps(trusts({"AWS": list(principals)}))


@story
async def test_a_role_is_created_and_read_back_with_its_document_byte_for_byte(world: World) -> None:
    await world.user(ANALYTICS, "alice")
    text = trust(f"arn:aws:iam::{ANALYTICS}:user/alice", ANALYTICS).replace(", ", " ,\n")
    created = await world.call(
        ROOT, "iam", "CreateRole", RoleName="Reader", Path="/x/", AssumeRolePolicyDocument=text, Description="d",
        MaxSessionDuration=7200, Tags=[{"Key": "k", "Value": "v"}],
    )  # fmt: skip
    role = created["Role"]
    assert role["Arn"] == f"arn:aws:iam::{PRODUCTION}:role/x/Reader"
    assert role["RoleId"].startswith("AROA")
    assert unquote(role["AssumeRolePolicyDocument"]) == text
    assert " " not in role["AssumeRolePolicyDocument"] and "/" not in role["AssumeRolePolicyDocument"]
    assert (role["MaxSessionDuration"], role["Description"]) == (7200, "d")
    assert (await world.call(ROOT, "iam", "GetRole", RoleName="READER"))["Role"] == role
    listed = (await world.call(ROOT, "iam", "ListRoles", PathPrefix="/x/"))["Roles"][0]
    assert "Tags" not in listed and "RoleLastUsed" not in listed


@story
async def test_a_principal_that_is_gone_is_shown_by_its_id_and_does_not_come_back(world: World) -> None:
    await world.call(ANALYTICS, "iam", "CreateUser", UserName="alice")
    arn = f"arn:aws:iam::{ANALYTICS}:user/alice"
    await world.call(ROOT, "iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=trust(arn))
    await world.call(ANALYTICS, "iam", "UpdateUser", UserName="alice", NewUserName="alicia")
    shown = (await world.call(ROOT, "iam", "GetRole", RoleName="r"))["Role"]["AssumeRolePolicyDocument"]
    assert json.loads(unquote(shown))["Statement"][0]["Principal"] == {"AWS": [f"arn:aws:iam::{ANALYTICS}:user/alicia"]}
    await world.call(ANALYTICS, "iam", "DeleteUser", UserName="alicia")
    await world.call(ANALYTICS, "iam", "CreateUser", UserName="alice")
    shown = (await world.call(ROOT, "iam", "GetRole", RoleName="r"))["Role"]["AssumeRolePolicyDocument"]
    assert json.loads(unquote(shown))["Statement"][0]["Principal"]["AWS"][0].startswith("AIDA")
    error = await world.refused(ROOT, "iam", "UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=unquote(shown))
    assert error.message.startswith('Invalid principal in policy: "AWS":"AIDA')


ROLE_REFUSALS = [
    ("CreateRole", {"RoleName": "R", "AssumeRolePolicyDocument": trust(PRODUCTION)},
     "EntityAlreadyExists", "Role with name R already exists."),
    ("CreateRole", {"RoleName": "n", "AssumeRolePolicyDocument": trust(f"arn:aws:iam::{ANALYTICS}:user/ghost")},
     "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"arn:aws:iam::{ANALYTICS}:user/ghost"'),
    ("CreateRole", {"RoleName": "n", "AssumeRolePolicyDocument": "{"},
     "MalformedPolicyDocument", "This policy contains invalid Json"),
    ("CreateRole", {"RoleName": "n", "AssumeRolePolicyDocument": trust(*[PRODUCTION] * 200)},
     "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"),
    ("CreateRole", {"RoleName": "n", "Path": "/aws-service-role/x/", "AssumeRolePolicyDocument": trust(PRODUCTION)},
     "InvalidInput", "The path /aws-service-role/ is reserved for service-linked roles; choose another."),
    ("GetRole", {"RoleName": "none"}, "NoSuchEntity", "The role with name none cannot be found."),
    ("UpdateAssumeRolePolicy", {"RoleName": "none", "PolicyDocument": trust(PRODUCTION)},
     "NoSuchEntity", "The role with name none cannot be found."),
    ("UpdateAssumeRolePolicy", {"RoleName": "r", "PolicyDocument": DOCUMENT},
     "MalformedPolicyDocument", None),
    ("DeleteRole", {"RoleName": "r"}, "DeleteConflict", "Cannot delete entity, must delete policies first."),
    ("DeleteRole", {"RoleName": "linked"}, "UnmodifiableEntity",
     "Cannot perform the operation on the protected role 'linked' - this role is only modifiable by AWS"),
    ("AttachRolePolicy", {"RoleName": "linked", "PolicyArn": READ_ONLY}, "UnmodifiableEntity", None),
    ("PutRolePolicy", {"RoleName": "linked", "PolicyName": "p", "PolicyDocument": DOCUMENT},
     "UnmodifiableEntity", None),
    ("TagRole", {"RoleName": "linked", "Tags": [{"Key": "a", "Value": "b"}]}, "UnmodifiableEntity", None),
    ("GetRolePolicy", {"RoleName": "r", "PolicyName": "none"},
     "NoSuchEntity", "The role policy with name none cannot be found."),
    ("DeleteRolePolicy", {"RoleName": "r", "PolicyName": "none"},
     "NoSuchEntity", "The role policy with name none cannot be found."),
    ("DeleteRolePermissionsBoundary", {"RoleName": "r"}, "NoSuchEntity", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "members", "code", "message"), ROLE_REFUSALS)
def test_role_operations_refuse(name, members, code, message, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await world.role(PRODUCTION, "r", allow("s3:*"), trust=trusts(PRODUCTION))
        await world.role(PRODUCTION, "linked", trust=trusts(PRODUCTION), path="/aws-service-role/x/")
        error = await world.refused(ROOT, "iam", name, **members)
        assert error.code == code
        assert message in (None, error.message)

    tell(tmp_path)


@story
async def test_a_role_is_updated_and_deleted(world: World) -> None:
    await world.role(PRODUCTION, "r", trust=trusts(PRODUCTION))
    await world.call(ROOT, "iam", "UpdateRole", RoleName="r", MaxSessionDuration=43200)
    shown = (await world.call(ROOT, "iam", "UpdateRoleDescription", RoleName="r", Description="new"))["Role"]
    assert (shown["MaxSessionDuration"], shown["Description"]) == (43200, "new")
    await world.call(ROOT, "iam", "UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=trust(ANALYTICS))
    shown = (await world.call(ROOT, "iam", "GetRole", RoleName="r"))["Role"]
    assert unquote(shown["AssumeRolePolicyDocument"]) == trust(ANALYTICS)
    await world.call(ROOT, "iam", "DeleteRole", RoleName="r")
    assert (await world.refused(ROOT, "iam", "GetRole", RoleName="r")).code == "NoSuchEntity"


@story
async def test_the_last_use_of_a_role_is_shown(world: World) -> None:
    role = await world.role(PRODUCTION, "r", trust=trusts(PRODUCTION))
    assert (await world.call(ROOT, "iam", "GetRole", RoleName="r"))["Role"]["RoleLastUsed"] == {}

    async def work(tx) -> None:
        await tx.execute("INSERT INTO last_used VALUES (?, ?, 's3', 'eu-west-1')", role.id, START)

    await world.store.objects.write(work)
    used = (await world.call(ROOT, "iam", "GetRole", RoleName="r"))["Role"]["RoleLastUsed"]
    assert (used["LastUsedDate"].timestamp(), used["Region"]) == (START, "eu-west-1")


async def three(world: World) -> None:
    """A user, a group and a role, all called `it`."""
    await world.user(PRODUCTION, "it")
    await world.group(PRODUCTION, "it")
    await world.role(PRODUCTION, "it", trust=trusts(PRODUCTION))


@pytest.mark.parametrize(("word", "limit"), [("User", 2048), ("Group", 5120), ("Role", 10240)])
def test_inline_policies_of_all_three_kinds(word, limit, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await three(world)
        it = {f"{word}Name": "it"}
        await world.call(ROOT, "iam", f"Put{word}Policy", **it, PolicyName="p", PolicyDocument=OTHER)
        await world.call(ROOT, "iam", f"Put{word}Policy", **it, PolicyName="p", PolicyDocument=DOCUMENT)
        got = await world.call(ROOT, "iam", f"Get{word}Policy", **it, PolicyName="p")
        assert (unquote(got["PolicyDocument"]), got[f"{word}Name"], got["PolicyName"]) == (DOCUMENT, "it", "p")
        listed = await world.call(ROOT, "iam", f"List{word}Policies", **it)
        assert listed == {"PolicyNames": ["p"], "IsTruncated": False}
        # White space does not count, everything else does.
        await world.call(ROOT, "iam", f"Put{word}Policy", **it, PolicyName="q", PolicyDocument=DOCUMENT + " " * limit)
        long = json.dumps(allow("s3:GetObject", "arn:aws:s3:::" + "x" * limit))
        error = await world.refused(ROOT, "iam", f"Put{word}Policy", **it, PolicyName="p", PolicyDocument=long)
        assert (error.code, error.message) == (
            "LimitExceeded",
            f"Maximum policy size of {limit} bytes exceeded for {word.lower()} it",
        )
        bad = json.dumps(policy(statement("Allow", "s3:*", "*", Principal="*")))
        error = await world.refused(ROOT, "iam", f"Put{word}Policy", **it, PolicyName="p", PolicyDocument=bad)
        assert (error.code, error.message) == (
            "MalformedPolicyDocument",
            "Policy document should not specify a principal.",
        )
        none = {f"{word}Name": "none", "PolicyName": "p"}
        for name, more in (("Put", {"PolicyDocument": DOCUMENT}), ("Get", {}), ("Delete", {})):
            error = await world.refused(ROOT, "iam", f"{name}{word}Policy", **none, **more)
            assert error.message == f"The {word.lower()} with name none cannot be found."
        await world.call(ROOT, "iam", f"Delete{word}Policy", **it, PolicyName="p")
        error = await world.refused(ROOT, "iam", f"Get{word}Policy", **it, PolicyName="p")
        assert error.message == f"The {word.lower()} policy with name p cannot be found."

    tell(tmp_path)


@pytest.mark.parametrize("word", ["User", "Group", "Role"])
def test_managed_policies_on_all_three_kinds(word, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await three(world)
        await world.managed_policy(PRODUCTION, "mine", allow("s3:*"))
        theirs = await world.managed_policy(ANALYTICS, "theirs", allow("s3:*"))
        it = {f"{word}Name": "it"}
        for arn in (READ_ONLY, MINE, READ_ONLY):  # once more is no error
            await world.call(ROOT, "iam", f"Attach{word}Policy", **it, PolicyArn=arn)
        listed = await world.call(ROOT, "iam", f"ListAttached{word}Policies", **it)
        assert listed["AttachedPolicies"] == [
            {"PolicyName": "mine", "PolicyArn": MINE},
            {"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": READ_ONLY},
        ]
        listed = await world.call(ROOT, "iam", f"ListAttached{word}Policies", **it, PathPrefix="/service-role/")
        assert listed["AttachedPolicies"] == []
        for arn in (theirs, "arn:aws:iam::aws:policy/NoSuchPolicy"):
            error = await world.refused(ROOT, "iam", f"Attach{word}Policy", **it, PolicyArn=arn)
            assert (error.code, error.message) == (
                "NoSuchEntity",
                f"Policy {arn} does not exist or is not attachable.",
            )
        error = await world.refused(ROOT, "iam", f"Attach{word}Policy", **it, PolicyArn="not an arn, not at all")
        assert (error.code, error.message) == ("InvalidInput", "ARN not an arn, not at all is not valid.")
        entities = await world.call(ROOT, "iam", "ListEntitiesForPolicy", PolicyArn=MINE)
        assert [one[f"{word}Name"] for one in entities[f"Policy{word}s"]] == ["it"]
        assert sum(len(value) for key, value in entities.items() if key.startswith("Policy")) == 1
        assert (await world.call(ROOT, "iam", "GetPolicy", PolicyArn=MINE))["Policy"]["AttachmentCount"] == 1
        await world.call(ROOT, "iam", f"Detach{word}Policy", **it, PolicyArn=MINE)
        error = await world.refused(ROOT, "iam", f"Detach{word}Policy", **it, PolicyArn=MINE)
        assert (error.code, error.message) == ("NoSuchEntity", f"Policy {MINE} was not found.")
        for number in range(9):
            arn = await world.managed_policy(PRODUCTION, f"p{number}", allow("s3:*"))
            await world.call(ROOT, "iam", f"Attach{word}Policy", **it, PolicyArn=arn)
        error = await world.refused(ROOT, "iam", f"Attach{word}Policy", **it, PolicyArn=FULL)
        assert error.message == f"Cannot exceed quota for PoliciesPer{word}: 10"
        assert error.code == "LimitExceeded"
        error = await world.refused(ROOT, "iam", f"Delete{word}", **it)
        assert error.message == "Cannot delete entity, must detach all policies first."

    tell(tmp_path)


@pytest.mark.parametrize("word", ["User", "Role"])
def test_permissions_boundaries(word, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await three(world)
        await world.managed_policy(PRODUCTION, "mine", allow("s3:*"))
        it = {f"{word}Name": "it"}
        await world.call(ROOT, "iam", f"Put{word}PermissionsBoundary", **it, PermissionsBoundary=MINE)
        shown = (await world.call(ROOT, "iam", f"Get{word}", **it))[word]
        assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == MINE
        assert (await world.call(ROOT, "iam", "GetPolicy", PolicyArn=MINE))["Policy"][
            "PermissionsBoundaryUsageCount"
        ] == 1
        using = await world.call(
            ROOT, "iam", "ListEntitiesForPolicy", PolicyArn=MINE, PolicyUsageFilter="PermissionsBoundary"
        )
        assert len(using[f"Policy{word}s"]) == 1
        using = await world.call(
            ROOT, "iam", "ListEntitiesForPolicy", PolicyArn=MINE, PolicyUsageFilter="PermissionsPolicy"
        )
        assert using[f"Policy{word}s"] == []
        error = await world.refused(ROOT, "iam", "DeletePolicy", PolicyArn=MINE)
        assert (error.code, error.message) == ("DeleteConflict", "Cannot delete a policy attached to entities.")
        error = await world.refused(
            ROOT, "iam", f"Put{word}PermissionsBoundary", **it, PermissionsBoundary=f"{MINE}-not"
        )
        assert error.message == f"Scope ARN: {MINE}-not does not exist or is not attachable."
        await world.call(ROOT, "iam", f"Delete{word}PermissionsBoundary", **it)
        assert "PermissionsBoundary" not in (await world.call(ROOT, "iam", f"Get{word}", **it))[word]

    tell(tmp_path)


async def create(world: World, **more: object) -> str:
    answer = await world.call(ROOT, "iam", "CreatePolicy", PolicyName="mine", PolicyDocument=DOCUMENT, **more)
    return answer["Policy"]["Arn"]


@story
async def test_a_policy_has_versions_one_of_which_is_in_force(world: World) -> None:
    assert await create(world, Description="d", Path="/x/") == f"arn:aws:iam::{PRODUCTION}:policy/x/mine"
    arn = f"arn:aws:iam::{PRODUCTION}:policy/x/mine"
    shown = (await world.call(ROOT, "iam", "GetPolicy", PolicyArn=arn))["Policy"]
    assert (shown["DefaultVersionId"], shown["Description"], shown["Path"]) == ("v1", "d", "/x/")
    second = await world.call(ROOT, "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=OTHER)
    assert second["PolicyVersion"]["VersionId"] == "v2"
    assert second["PolicyVersion"]["IsDefaultVersion"] is False
    await world.call(ROOT, "iam", "SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    got = (await world.call(ROOT, "iam", "GetPolicyVersion", PolicyArn=arn, VersionId="v2"))["PolicyVersion"]
    assert (unquote(got["Document"]), got["IsDefaultVersion"]) == (OTHER, True)
    for _ in range(3):
        await world.call(ROOT, "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    error = await world.refused(ROOT, "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)
    assert error.code == "LimitExceeded" and error.message.startswith("A managed policy can have up to 5 versions.")
    listed = await world.call(ROOT, "iam", "ListPolicyVersions", PolicyArn=arn)
    assert [v["VersionId"] for v in listed["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    error = await world.refused(ROOT, "iam", "DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    assert (error.code, error.message) == ("DeleteConflict", "Cannot delete the default version of a policy.")
    error = await world.refused(ROOT, "iam", "DeletePolicy", PolicyArn=arn)
    assert error.code == "DeleteConflict" and error.message.startswith("This policy has more than one version.")
    for version in ("v1", "v2", "v3", "v4"):
        await world.call(ROOT, "iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    again = await world.call(ROOT, "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=OTHER)
    assert again["PolicyVersion"]["VersionId"] == "v6"  # numbers never come back
    await world.call(ROOT, "iam", "DeletePolicyVersion", PolicyArn=arn, VersionId="v6")
    await world.call(ROOT, "iam", "DeletePolicy", PolicyArn=arn)
    assert (await world.refused(ROOT, "iam", "GetPolicy", PolicyArn=arn)).code == "NoSuchEntity"


@story
async def test_a_new_default_version_decides_the_next_request(world: World) -> None:
    arn = await create(world)
    alice = await world.user(PRODUCTION, "alice")
    await world.call(ROOT, "iam", "AttachUserPolicy", UserName="alice", PolicyArn=arn)
    assert (await world.refused(alice, "iam", "ListUsers")).code == "AccessDenied"
    text = json.dumps(allow("iam:ListUsers"))
    await world.call(ROOT, "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    await world.call(alice, "iam", "ListUsers")


LONG = json.dumps(allow("s3:GetObject", "arn:aws:s3:::" + "x" * 6144))
POLICY_REFUSALS = [
    ("CreatePolicy", {"PolicyName": "MINE", "PolicyDocument": DOCUMENT},
     "EntityAlreadyExists", "A policy called MINE already exists. Duplicate names are not allowed."),
    ("CreatePolicy", {"PolicyName": "n", "PolicyDocument": "["}, "MalformedPolicyDocument", None),
    ("CreatePolicy", {"PolicyName": "n", "PolicyDocument": LONG},
     "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"),
    ("GetPolicy", {"PolicyArn": MINE + "-not"}, "NoSuchEntity", f"Policy {MINE}-not was not found."),
    ("GetPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/None"},
     "NoSuchEntity", "Policy arn:aws:iam::aws:policy/None was not found."),
    ("GetPolicyVersion", {"PolicyArn": MINE, "VersionId": "v9"},
     "NoSuchEntity", f"Policy {MINE} version v9 does not exist or is not attachable."),
    ("GetPolicyVersion", {"PolicyArn": READ_ONLY, "VersionId": "v999"}, "NoSuchEntity", None),
    ("GetPolicyVersion", {"PolicyArn": MINE, "VersionId": "nine"}, "ValidationError", None),
    ("SetDefaultPolicyVersion", {"PolicyArn": MINE, "VersionId": "v9"}, "NoSuchEntity", None),
    ("DeletePolicyVersion", {"PolicyArn": MINE, "VersionId": "v9"}, "NoSuchEntity", None),
    ("DeletePolicy", {"PolicyArn": READ_ONLY}, "AccessDenied", None),
    ("CreatePolicyVersion", {"PolicyArn": READ_ONLY, "PolicyDocument": DOCUMENT}, "AccessDenied", None),
    ("CreatePolicyVersion", {"PolicyArn": MINE, "PolicyDocument": "{}"}, "MalformedPolicyDocument", None),
    ("ListEntitiesForPolicy", {"PolicyArn": MINE + "-not"}, "NoSuchEntity", f"Policy {MINE}-not was not found."),
    ("TagPolicy", {"PolicyArn": MINE + "-not", "Tags": [{"Key": "a", "Value": ""}]}, "NoSuchEntity", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "members", "code", "message"), POLICY_REFUSALS)
def test_policy_operations_refuse(name, members, code, message, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await create(world)
        error = await world.refused(ROOT, "iam", name, **members)
        assert error.code == code
        assert message in (None, error.message)

    tell(tmp_path)


@story
async def test_another_accounts_policy_is_forbidden_whether_it_exists_or_not(world: World) -> None:
    theirs = await world.managed_policy(ANALYTICS, "theirs", allow("*"))
    for name in ("GetPolicy", "DeletePolicy", "ListPolicyVersions", "ListEntitiesForPolicy"):
        for arn in (theirs, f"{theirs}-not"):
            error = await world.refused(ROOT, "iam", name, PolicyArn=arn)
            assert (error.code, error.status) == ("AccessDenied", 403)
            assert error.message.endswith(f" because no resource-based policy allows the iam:{name} action")


@story
async def test_policies_are_listed_by_scope_use_and_path(world: World) -> None:
    await create(world)
    await world.managed_policy(PRODUCTION, "unused", allow("s3:*"))
    await world.user(PRODUCTION, "alice", boundary=FULL)
    for arn in (MINE, READ_ONLY):
        await world.call(ROOT, "iam", "AttachUserPolicy", UserName="alice", PolicyArn=arn)

    async def names(**members: object) -> list[str]:
        answer = await world.call(ROOT, "iam", "ListPolicies", MaxItems=1000, **members)
        return [one["PolicyName"] for one in answer["Policies"]]

    assert await names(Scope="Local") == ["mine", "unused"]
    assert await names(OnlyAttached=True) == ["mine", "AmazonS3ReadOnlyAccess"]
    assert await names(Scope="AWS", OnlyAttached=True) == ["AmazonS3ReadOnlyAccess"]
    assert await names(PolicyUsageFilter="PermissionsBoundary") == ["AmazonS3FullAccess"]
    assert "AWSLambdaBasicExecutionRole" in await names(PathPrefix="/service-role/")
    assert len(await names(Scope="AWS")) == 1000
    first = await world.call(ROOT, "iam", "ListPolicies", MaxItems=1)
    assert first["IsTruncated"] and first["Policies"][0]["PolicyName"] == "mine"
    second = await world.call(ROOT, "iam", "ListPolicies", MaxItems=1, Marker=first["Marker"])
    assert second["Policies"][0]["PolicyName"] == "unused"


@story
async def test_policies_of_aws_can_be_read(world: World) -> None:
    shown = (await world.call(ROOT, "iam", "GetPolicy", PolicyArn=READ_ONLY))["Policy"]
    versions = (await world.call(ROOT, "iam", "ListPolicyVersions", PolicyArn=READ_ONLY))["Versions"]
    assert [v["VersionId"] for v in versions] == [shown["DefaultVersionId"]]
    got = await world.call(ROOT, "iam", "GetPolicyVersion", PolicyArn=READ_ONLY, VersionId=shown["DefaultVersionId"])
    assert "s3:Get*" in unquote(got["PolicyVersion"]["Document"])


TAGGED = [
    ("User", {"UserName": "it"}),
    ("Role", {"RoleName": "it"}),
    ("Policy", {"PolicyArn": MINE}),
    ("MFADevice", {"SerialNumber": f"arn:aws:iam::{PRODUCTION}:mfa/it"}),
]


@pytest.mark.parametrize(("word", "it"), TAGGED)
def test_tags_of_all_four_kinds(word, it, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await three(world)
        await create(world)
        await world.call(ROOT, "iam", "CreateVirtualMFADevice", VirtualMFADeviceName="it")
        for key, value in (("Team", "a"), ("zone", "1"), ("TEAM", "b")):
            await world.call(ROOT, "iam", f"Tag{word}", **it, Tags=[{"Key": key, "Value": value}])
        listed = await world.call(ROOT, "iam", f"List{word}Tags", **it)
        assert listed["Tags"] == [{"Key": "TEAM", "Value": "b"}, {"Key": "zone", "Value": "1"}]
        page = await world.call(ROOT, "iam", f"List{word}Tags", **it, MaxItems=1)
        page = await world.call(ROOT, "iam", f"List{word}Tags", **it, Marker=page["Marker"])
        assert (page["Tags"], page["IsTruncated"]) == ([{"Key": "zone", "Value": "1"}], False)
        many = [{"Key": f"k{n}", "Value": ""} for n in range(49)]
        error = await world.refused(ROOT, "iam", f"Tag{word}", **it, Tags=many)
        assert (error.code, error.message) == ("LimitExceeded", f"Cannot exceed quota for TagsPer{word}: 50")
        await world.call(ROOT, "iam", f"Untag{word}", **it, TagKeys=["team", "none"])
        assert len((await world.call(ROOT, "iam", f"List{word}Tags", **it))["Tags"]) == 1
        none = {key: value + "-not" for key, value in it.items()}
        assert (await world.refused(ROOT, "iam", f"List{word}Tags", **none)).code == "NoSuchEntity"

    tell(tmp_path)


@story
async def test_concurrent_attachments_never_pass_the_quota(world: World) -> None:
    await world.user(PRODUCTION, "it")
    arns = [await world.managed_policy(PRODUCTION, f"p{number}", allow("s3:*")) for number in range(15)]

    async def attach(arn: str) -> str:
        try:
            await world.call(ROOT, "iam", "AttachUserPolicy", UserName="it", PolicyArn=arn)
        except AwsError as error:
            return error.code
        return "attached"

    answers = await asyncio.gather(*map(attach, arns))
    assert (answers.count("attached"), answers.count("LimitExceeded")) == (10, 5)
