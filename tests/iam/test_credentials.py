"""Access keys, MFA devices, passwords and the account's own operations."""

from __future__ import annotations

import asyncio
import base64
import csv
import io

import pytest

import isthmus.iam
import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, deny, story, trusts
from isthmus.identity import mfa
from isthmus.wire import AwsError

ROOT = PRODUCTION


@story
async def test_an_access_key_is_made_used_turned_off_and_deleted(world: World) -> None:
    await world.user(PRODUCTION, "alice")
    key = (await world.call(ROOT, "iam", "CreateAccessKey", UserName="alice"))["AccessKey"]
    assert (key["AccessKeyId"][:4], len(key["SecretAccessKey"]), key["Status"]) == ("AKIA", 40, "Active")
    world.directory.refresh()
    stored = await world.directory.access_key(key["AccessKeyId"])
    assert stored is not None and (stored.secret, stored.active) == (key["SecretAccessKey"], True)
    used = await world.call(ROOT, "iam", "GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])
    assert used == {"UserName": "alice", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    await world.call(
        ROOT, "iam", "UpdateAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive"
    )
    listed = await world.call(ROOT, "iam", "ListAccessKeys", UserName="alice")
    assert [(k["AccessKeyId"], k["Status"]) for k in listed["AccessKeyMetadata"]] == [(key["AccessKeyId"], "Inactive")]
    assert "SecretAccessKey" not in listed["AccessKeyMetadata"][0]
    await world.call(ROOT, "iam", "DeleteAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"])
    error = await world.refused(ROOT, "iam", "DeleteAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"])
    assert error.message == f"The Access Key with id {key['AccessKeyId']} cannot be found."
    error = await world.refused(ROOT, "iam", "GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])
    assert error.code == "NoSuchEntity"


@story
async def test_without_a_name_keys_are_the_callers_own(world: World) -> None:
    own = "arn:aws:iam::*:user/${aws:username}"
    actions = ["iam:CreateAccessKey", "iam:ListAccessKeys", "iam:DeleteAccessKey"]
    alice = await world.user(PRODUCTION, "alice", allow(actions, own))
    bob = await world.user(PRODUCTION, "bob")
    bobs = await world.access_key(PRODUCTION, bob)
    key = (await world.call(alice, "iam", "CreateAccessKey"))["AccessKey"]
    assert key["UserName"] == "alice"
    assert (await world.refused(alice, "iam", "CreateAccessKey", UserName="bob")).code == "AccessDenied"
    assert (await world.refused(alice, "iam", "DeleteAccessKey", AccessKeyId=bobs.id)).code == "NoSuchEntity"
    assert (await world.refused(bob, "iam", "ListAccessKeys")).code == "AccessDenied"
    roots = (await world.call(ROOT, "iam", "CreateAccessKey"))["AccessKey"]
    assert "UserName" not in roots
    listed = (await world.call(ROOT, "iam", "ListAccessKeys"))["AccessKeyMetadata"]
    assert [k["AccessKeyId"] for k in listed] == [roots["AccessKeyId"]]


@story
async def test_nobody_has_more_than_two_keys_even_at_once(world: World) -> None:
    await world.user(PRODUCTION, "alice")

    async def make(**who: str) -> str:
        try:
            await world.call(ROOT, "iam", "CreateAccessKey", **who)
        except AwsError as error:
            assert error.message == "Cannot exceed quota for AccessKeysPerUser: 2"
            return error.code
        return "made"

    for who in ({"UserName": "alice"}, {}):
        answers = await asyncio.gather(*(make(**who) for _ in range(6)))
        assert (answers.count("made"), answers.count("LimitExceeded")) == (2, 4)


@story
async def test_a_role_session_must_name_the_user(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("sts:AssumeRole"))
    role = await world.role(PRODUCTION, "admin", allow("*"), trust=trusts(alice.arn))
    session = await world.call(alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="session")
    error = await world.refused(session, "iam", "CreateAccessKey")
    assert (error.code, error.message) == (
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
    )
    await world.call(session, "iam", "CreateAccessKey", UserName="alice")


async def device(world: World, who: object = ROOT, name: str = "phone") -> tuple[str, bytes]:
    made = (await world.call(who, "iam", "CreateVirtualMFADevice", VirtualMFADeviceName=name))["VirtualMFADevice"]
    assert len(made["Base32StringSeed"]) == 64
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    return made["SerialNumber"], base64.b32decode(made["Base32StringSeed"])


def codes(world: World, seed: bytes, steps: int = 0) -> dict[str, str]:
    return {"AuthenticationCode1": world.code(seed, steps - 1), "AuthenticationCode2": world.code(seed, steps)}


@story
async def test_a_device_is_enabled_with_two_consecutive_codes_and_then_proves_a_second_factor(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    serial, seed = await device(world)
    assert serial == f"arn:aws:iam::{PRODUCTION}:mfa/phone"
    it = {"UserName": "alice", "SerialNumber": serial}
    wrong = {"AuthenticationCode1": world.code(seed, 0), "AuthenticationCode2": world.code(seed, -1)}
    error = await world.refused(ROOT, "iam", "EnableMFADevice", **it, **wrong)
    assert (error.code, error.status) == ("InvalidAuthenticationCode", 403)
    assert error.message == "Authentication code for device is not valid."
    await world.call(ROOT, "iam", "EnableMFADevice", **it, **codes(world, seed))
    listed = (await world.call(ROOT, "iam", "ListMFADevices", UserName="alice"))["MFADevices"]
    assert [(d["UserName"], d["SerialNumber"], d["EnableDate"].timestamp()) for d in listed] == [
        ("alice", serial, START)
    ]
    got = await world.call(ROOT, "iam", "GetMFADevice", **it)
    assert (got["UserName"], got["SerialNumber"]) == ("alice", serial)
    world.now += 60
    await world.call(alice, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code(seed))
    error = await world.refused(ROOT, "iam", "EnableMFADevice", **it, **codes(world, seed, 3))
    assert error.code == "EntityAlreadyExists"
    error = await world.refused(ROOT, "iam", "DeleteVirtualMFADevice", SerialNumber=serial)
    assert (error.code, error.message) == ("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
    await world.call(ROOT, "iam", "DeactivateMFADevice", **it)
    assert (await world.refused(ROOT, "iam", "GetMFADevice", **it)).code == "NoSuchEntity"
    await world.call(ROOT, "iam", "DeleteVirtualMFADevice", SerialNumber=serial)
    error = await world.refused(ROOT, "iam", "DeleteVirtualMFADevice", SerialNumber=serial)
    assert error.message == f"VirtualMFADevice with serial number {serial} doesn't exist."
    # A device made anew has a new seed, and its codes of this same moment are good.
    serial, seed = await device(world)
    await world.call(ROOT, "iam", "EnableMFADevice", **it, **codes(world, seed))


@story
async def test_a_device_whose_clock_is_off_is_resynchronised(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    serial, seed = await device(world)
    it = {"UserName": "alice", "SerialNumber": serial}
    assert (await world.refused(ROOT, "iam", "ResyncMFADevice", **it, **codes(world, seed))).code == "NoSuchEntity"
    await world.call(ROOT, "iam", "EnableMFADevice", **it, **codes(world, seed))
    await world.call(ROOT, "iam", "ResyncMFADevice", **it, **codes(world, seed, 100))
    world.now += 600
    await world.call(alice, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code(seed, 100))
    error = await world.refused(alice, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=world.code(seed))
    assert error.code == "AccessDenied"


@story
async def test_root_has_devices_of_its_own(world: World) -> None:
    serial, seed = await device(world, name="root")
    await world.call(ROOT, "iam", "EnableMFADevice", UserName=PRODUCTION, SerialNumber=serial, **codes(world, seed))
    assert [d["SerialNumber"] for d in (await world.call(ROOT, "iam", "ListMFADevices"))["MFADevices"]] == [serial]
    shown = (await world.call(ROOT, "iam", "ListVirtualMFADevices"))["VirtualMFADevices"][0]
    assert shown["User"] == {"UserId": PRODUCTION, "Arn": f"arn:aws:iam::{PRODUCTION}:root"}
    await world.call(ROOT, "iam", "DeactivateMFADevice", SerialNumber=serial)


@story
async def test_devices_are_listed_by_assignment(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    assigned = await world.mfa_device(PRODUCTION, alice.id, "hers")
    free, _ = await device(world, name="free")

    async def serials(status: str) -> list[str]:
        answer = await world.call(ROOT, "iam", "ListVirtualMFADevices", AssignmentStatus=status)
        return [one["SerialNumber"] for one in answer["VirtualMFADevices"]]

    assert await serials("Any") == [free, assigned]
    assert await serials("Assigned") == [assigned]
    assert await serials("Unassigned") == [free]
    error = await world.refused(ROOT, "iam", "CreateVirtualMFADevice", VirtualMFADeviceName="free")
    assert (error.code, error.message) == (
        "EntityAlreadyExists",
        "MFADevice entity at the same path and name already exists.",
    )


@story
async def test_another_accounts_device_is_out_of_reach(world: World) -> None:
    await world.user(PRODUCTION, "alice")
    serial, seed = await device(world, ANALYTICS)
    for name, more in (
        ("EnableMFADevice", {"UserName": "alice", **codes(world, seed)}),
        ("DeleteVirtualMFADevice", {}),
        ("ListMFADeviceTags", {}),
    ):
        assert (await world.refused(ROOT, "iam", name, SerialNumber=serial, **more)).code == "NoSuchEntity"
    assert len((await world.call(ANALYTICS, "iam", "ListVirtualMFADevices"))["VirtualMFADevices"]) == 1


@story
async def test_a_login_profile_is_made_changed_and_taken_away(world: World) -> None:
    await world.user(PRODUCTION, "alice")
    it = {"UserName": "alice"}
    error = await world.refused(ROOT, "iam", "GetLoginProfile", **it)
    assert (error.code, error.message) == ("NoSuchEntity", "Login Profile for User alice cannot be found.")
    made = await world.call(
        ROOT, "iam", "CreateLoginProfile", **it, Password="Correct-horse-7", PasswordResetRequired=True
    )
    assert (made["LoginProfile"]["UserName"], made["LoginProfile"]["PasswordResetRequired"]) == ("alice", True)
    assert (await world.call(ROOT, "iam", "GetLoginProfile", **it)) == made
    error = await world.refused(ROOT, "iam", "CreateLoginProfile", **it, Password="Correct-horse-7")
    assert (error.code, error.message) == ("EntityAlreadyExists", "Login Profile for user alice already exists.")
    await world.call(ROOT, "iam", "UpdateLoginProfile", **it, Password="Battery-staple-8", PasswordResetRequired=False)
    row = await world.store.identity.fetch_one("SELECT password, reset_required FROM login_profiles")
    assert row is not None and world.vault.verify_password(row[0], "Battery-staple-8") and row[1] == 0
    await world.call(ROOT, "iam", "DeleteLoginProfile", **it)
    assert (
        await world.refused(ROOT, "iam", "UpdateLoginProfile", **it, Password="Battery-staple-8")
    ).code == "NoSuchEntity"
    assert (await world.refused(ROOT, "iam", "DeleteLoginProfile", **it)).code == "NoSuchEntity"


STRICT = {"MinimumPasswordLength": 10, "RequireSymbols": True, "RequireNumbers": True,
          "RequireUppercaseCharacters": True, "RequireLowercaseCharacters": True}  # fmt: skip
PASSWORDS = [
    (None, "Short-7", "Password should have a minimum length of 8"),
    (None, "alllowercase", "Password should have at least three kinds of characters"),
    (None, "Abcdefg1", None),
    (STRICT, "Abcdef1-", "Password should have a minimum length of 10"),
    (STRICT, "abcdefgh1-", "Password should have at least one uppercase letter"),
    (STRICT, "ABCDEFGH1-", "Password should have at least one lowercase letter"),
    (STRICT, "Abcdefghi-", "Password should have at least one number"),
    (STRICT, "Abcdefghi1", "Password should have at least one symbol"),
    (STRICT, "Abcdefgh1-", None),
    ({}, "simple", None),
]


@pytest.mark.parametrize(("rules", "password", "message"), PASSWORDS)
def test_passwords_obey_the_password_policy(rules, password, message, tmp_path) -> None:
    @story
    async def tell(world: World) -> None:
        await world.user(PRODUCTION, "alice")
        if rules is not None:
            await world.call(ROOT, "iam", "UpdateAccountPasswordPolicy", **rules)
        if message is None:
            await world.call(ROOT, "iam", "CreateLoginProfile", UserName="alice", Password=password)
        else:
            error = await world.refused(ROOT, "iam", "CreateLoginProfile", UserName="alice", Password=password)
            assert (error.code, error.message) == ("PasswordPolicyViolation", message)

    tell(tmp_path)


@story
async def test_the_password_policy_is_set_as_a_whole_and_deleted(world: World) -> None:
    error = await world.refused(ROOT, "iam", "GetAccountPasswordPolicy")
    assert error.message == f"The Password Policy with domain name {PRODUCTION} cannot be found."
    await world.call(ROOT, "iam", "UpdateAccountPasswordPolicy", MaxPasswordAge=90)
    await world.call(ROOT, "iam", "UpdateAccountPasswordPolicy", MinimumPasswordLength=12)
    shown = (await world.call(ROOT, "iam", "GetAccountPasswordPolicy"))["PasswordPolicy"]
    assert (shown["MinimumPasswordLength"], shown["ExpirePasswords"], shown["RequireSymbols"]) == (12, False, False)
    await world.call(ROOT, "iam", "DeleteAccountPasswordPolicy")
    assert (await world.refused(ROOT, "iam", "DeleteAccountPasswordPolicy")).code == "NoSuchEntity"


@story
async def test_users_change_their_own_password_if_they_may(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    bob = await world.user(PRODUCTION, "bob", deny("iam:ChangePassword"))
    for name in ("alice", "bob"):
        await world.call(
            ROOT, "iam", "CreateLoginProfile", UserName=name, Password="Correct-horse-7", PasswordResetRequired=True
        )
    change = {"OldPassword": "Correct-horse-7", "NewPassword": "Battery-staple-8"}
    assert (await world.refused(alice, "iam", "ChangePassword", **change)).code == "AccessDenied"
    await world.call(
        ROOT, "iam", "UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True, PasswordReusePrevention=2
    )
    wrong = {**change, "OldPassword": "wrong"}
    assert (await world.refused(alice, "iam", "ChangePassword", **wrong)).message == "The old password was incorrect."
    await world.call(alice, "iam", "ChangePassword", **change)
    assert not (await world.call(ROOT, "iam", "GetLoginProfile", UserName="alice"))["LoginProfile"][
        "PasswordResetRequired"
    ]
    back = {"OldPassword": "Battery-staple-8", "NewPassword": "Correct-horse-7"}
    error = await world.refused(alice, "iam", "ChangePassword", **back)
    assert (error.code, error.message) == (
        "PasswordPolicyViolation",
        "Password should not be one of the last 2 passwords",
    )
    assert (await world.refused(bob, "iam", "ChangePassword", **change)).code == "AccessDenied"
    assert (await world.refused(ROOT, "iam", "ChangePassword", **change)).code == "InvalidUserType"


@story
async def test_an_account_has_one_alias_that_no_other_has(world: World) -> None:
    await world.call(ROOT, "iam", "CreateAccountAlias", AccountAlias="my-company")
    assert (await world.call(ROOT, "iam", "ListAccountAliases"))["AccountAliases"] == ["my-company"]
    for who in (ROOT, ANALYTICS):
        error = await world.refused(who, "iam", "CreateAccountAlias", AccountAlias="my-company")
        assert (error.code, error.message) == (
            "EntityAlreadyExists",
            "The account alias my-company already exists.",
        )
    error = await world.refused(ROOT, "iam", "DeleteAccountAlias", AccountAlias="another")
    assert (error.code, error.message) == ("NoSuchEntity", "The account alias with name another cannot be found.")
    await world.call(ROOT, "iam", "DeleteAccountAlias", AccountAlias="my-company")
    assert (await world.call(ROOT, "iam", "ListAccountAliases"))["AccountAliases"] == []


@story
async def test_the_summary_counts_what_the_account_has(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    await world.user(ANALYTICS, "bob")
    await world.mfa_device(PRODUCTION, alice.id, "hers")
    await world.access_key(PRODUCTION)
    summary = (await world.call(ROOT, "iam", "GetAccountSummary"))["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["UsersQuota"]) == (1, 0, 5000)
    assert (summary["MFADevicesInUse"], summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 0, 1)


@story
async def test_authorization_details_run_through_all_kinds_in_pages(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), tags={"a": "b"})
    await world.group(PRODUCTION, "staff", allow("s3:*"), members=[alice])
    await world.role(PRODUCTION, "reader", trust=trusts(alice.arn))
    await world.managed_policy(PRODUCTION, "mine", allow("s3:*"))
    await world.call(
        ROOT, "iam", "AttachRolePolicy", RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    kinds = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    whole = await world.call(ROOT, "iam", "GetAccountAuthorizationDetails")
    assert [len(whole[kind]) for kind in kinds] == [1, 1, 1, 2]
    user = whole["UserDetailList"][0]
    assert (user["GroupList"], user["Tags"]) == (["staff"], [{"Key": "a", "Value": "b"}])
    assert user["UserPolicyList"][0]["PolicyDocument"].startswith("%7B")
    assert whole["RoleDetailList"][0]["AttachedManagedPolicies"][0]["PolicyName"] == "AmazonS3ReadOnlyAccess"
    assert all(one["PolicyVersionList"][0]["Document"] for one in whole["Policies"])
    seen: list[dict] = []
    more: dict[str, str] = {}
    for _ in range(5):
        page = await world.call(ROOT, "iam", "GetAccountAuthorizationDetails", MaxItems=1, **more)
        seen += [one for kind in kinds for one in page[kind]]
        more = {"Marker": page.get("Marker", "")}
    assert (seen, page["IsTruncated"]) == ([one for kind in kinds for one in whole[kind]], False)
    only = await world.call(ROOT, "iam", "GetAccountAuthorizationDetails", Filter=["Role", "AWSManagedPolicy"])
    assert [len(only[kind]) for kind in kinds] == [0, 0, 1, 1]


@story
async def test_the_credential_report_has_awss_columns(world: World) -> None:
    error = await world.refused(ROOT, "iam", "GetCredentialReport")
    assert (error.code, error.status) == ("ReportNotPresent", 410)
    alice = await world.user(PRODUCTION, "alice")
    await world.access_key(PRODUCTION, alice)
    await world.mfa_device(PRODUCTION, alice.id, "hers")
    assert (await world.call(ROOT, "iam", "GenerateCredentialReport"))["State"] == "STARTED"
    assert (await world.call(ROOT, "iam", "GenerateCredentialReport"))["State"] == "COMPLETE"
    report = await world.call(ROOT, "iam", "GetCredentialReport")
    root, user = csv.DictReader(io.StringIO(report["Content"].decode()))
    assert (root["user"], root["password_enabled"], root["mfa_active"]) == ("<root_account>", "not_supported", "false")
    assert (user["arn"], user["mfa_active"], user["access_key_1_active"]) == (alice.arn, "true", "true")
    assert (user["access_key_2_active"], user["access_key_2_last_rotated"], user["cert_2_active"]) == (
        "false",
        "N/A",
        "false",
    )
    assert user["user_creation_time"] == "2027-01-15T08:00:00+00:00"
    assert len(user) == 22
    world.now += 4 * 3600
    error = await world.refused(ROOT, "iam", "GetCredentialReport")
    assert (error.code, error.status) == ("ReportExpired", 410)


@story
async def test_what_a_setup_writes_is_what_the_operations_show(world: World) -> None:
    from isthmus.iam import access_keys, accounts, entities, groups, mfa_devices, users  # noqa: PLC0415

    account = "777788889999"

    async def work(tx) -> None:
        await accounts.insert_account(tx, account, "third", "third@example.com", now=START, alias="third")
        user = await users.insert_user(tx, account, "carol", now=START, entropy=world.entropy)
        group = await groups.insert_group(tx, account, "staff", now=START, entropy=world.entropy)
        await groups.add_member(tx, group, user)
        await access_keys.insert_access_key(
            tx, world.vault, account, user.id, "AKIAIOSFODNN7EXAMPLE", "a secret of their own", now=START
        )
        await mfa_devices.insert_enabled(tx, world.vault, account, "carol", b"seed" * 5, user.id, now=START)
        assert await entities.find(tx, entities.USER, account, "CAROL") == user

    await world.store.identity.write(work)
    assert (await world.call(account, "iam", "ListAccountAliases"))["AccountAliases"] == ["third"]
    world.directory.refresh()
    key = await world.directory.access_key("AKIAIOSFODNN7EXAMPLE")
    assert key is not None and key.secret == "a secret of their own"
    carol = await world.directory.user(account, "carol")
    assert carol is not None
    code = mfa.code_at(b"seed" * 5, mfa.step_at(world.now))
    await world.call(carol, "sts", "GetSessionToken", SerialNumber=f"arn:aws:iam::{account}:mfa/carol", TokenCode=code)
