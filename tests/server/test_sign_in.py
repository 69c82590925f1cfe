"""The console's sign-in: who gets credentials, what they can do, and what a wrong attempt learns."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from builders import ANALYTICS, PRODUCTION, START, World, allow, story, trusts
from isthmus.identity import User
from isthmus.identity.records import CONSOLE_SIGN_IN
from isthmus.server.pipeline import Pipeline
from isthmus.server.sign_in_attempts import PER_CLIENT, PER_USER
from isthmus.wire import AwsError, BytesBody, Request

PASSWORD = "Right-horse-7"
ALICE = {"account": "analytics", "user": "alice", "password": PASSWORD}
WRONG = "Your authentication information is incorrect. Please try again."


class Page:
    """The sign-in page of one browser."""

    def __init__(self, world: World, client: str = "192.0.2.7", **headers: str) -> None:
        self.world, self.client, self.headers = world, client, headers
        self.pipeline = Pipeline(world.system)

    async def send(self, step: Any) -> tuple[int, dict[str, Any]]:
        body = step if isinstance(step, bytes) else json.dumps(step).encode()
        headers = {"host": "localhost", "content-type": "application/json", "user-agent": "Browser/1", **self.headers}
        request = Request("POST", "/-/signin", "", headers, BytesBody(body), self.client)
        response = await self.pipeline.answer(request)
        assert isinstance(response.body, bytes)
        assert ("Cache-Control", "no-store") in response.headers
        return response.status, json.loads(response.body)

    async def done(self, step: Mapping[str, str]) -> dict[str, Any]:
        """The session of a step that must be the last."""
        status, told = await self.send(step)
        assert (status, told.get("next")) == (200, "done"), told
        session: dict[str, Any] = told["session"]
        return session

    async def refused(self, step: Any) -> tuple[int, str, str]:
        status, told = await self.send(step)
        assert status >= 400, told
        return status, told["code"], told["message"]


def credentials(session: Mapping[str, Any]) -> dict[str, Any]:
    """The session's credentials as an STS operation answers them, for World.call."""
    given = session["credentials"]
    return {"Credentials": {"AccessKeyId": given["accessKeyId"], "SessionToken": given["sessionToken"]}}


async def alice(world: World, *policies: Any, **login: Any) -> User:
    user = await world.user(ANALYTICS, "alice", *policies)
    await password(world, user, **login)
    return user


async def password(world: World, user: User, *, reset: bool = False, changed: float | None = None) -> None:
    await world.sql(
        "INSERT INTO login_profiles (user_id, password, reset_required, created, changed) VALUES (?, ?, ?, ?, ?)",
        user.id, world.vault.hash_password(PASSWORD), int(reset), START, changed,
    )  # fmt: skip


async def root_password(world: World) -> None:
    await world.sql(
        "UPDATE accounts SET root_password = ? WHERE id = ?", world.vault.hash_password(PASSWORD), PRODUCTION
    )


@story
async def test_a_user_signs_in_by_alias_and_by_id_and_the_session_is_the_user_for_twelve_hours(world: World) -> None:
    user = await alice(world, allow("iam:ListUsers"))
    page = Page(world)
    for account in ("analytics", "Analytics ", ANALYTICS, "4444-5555-6666"):
        session = await page.done({**ALICE, "account": account, "user": "ALICE"})
        assert (session["arn"], session["name"], session["kind"], session["mfa"]) == (user.arn, "alice", "user", False)
        claims = world.session(credentials(session))
        assert (claims.kind, claims.expires) == (CONSOLE_SIGN_IN, START + 12 * 3600)
        assert session["credentials"]["secretAccessKey"] == world.vault.session_secret(claims.access_key)
    assert await world.call(credentials(session), "iam", "ListUsers")


@story
async def test_root_signs_in_by_its_email_and_may_do_everything(world: World) -> None:
    await root_password(world)
    session = await Page(world).done({"email": "Production@Example.com", "password": PASSWORD})
    assert (session["kind"], session["arn"]) == ("root", f"arn:aws:iam::{PRODUCTION}:root")
    assert await world.call(credentials(session), "iam", "ListRoles")
    assert (await Page(world).refused({"email": "analytics@example.com", "password": PASSWORD}))[2] == WRONG


@story
async def test_whoever_signs_in_one_after_the_other_each_gets_its_own_session(world: World) -> None:
    await root_password(world)
    await alice(world)
    bob = await world.user(ANALYTICS, "bob")
    await password(world, bob)
    page = Page(world)
    for step, arn in (
        (ALICE, f"arn:aws:iam::{ANALYTICS}:user/alice"),
        ({**ALICE, "user": "bob"}, bob.arn),
        ({"email": "production@example.com", "password": PASSWORD}, f"arn:aws:iam::{PRODUCTION}:root"),
        (ALICE, f"arn:aws:iam::{ANALYTICS}:user/alice"),
    ):
        console = credentials(await page.done(step))
        assert (await world.call(console, "sts", "GetCallerIdentity"))["Arn"] == arn


@story
async def test_a_wrong_attempt_learns_nothing_about_who_exists(world: World) -> None:
    await alice(world)
    await world.user(ANALYTICS, "nopassword")
    page = Page(world)
    for change in (
        {"password": "wrong"}, {"user": "nobody"}, {"user": "nopassword"}, {"account": "nowhere"},
        {"account": "000000000000"}, {"account": "production"}, {"user": ""}, {"password": ""},
    ):  # fmt: skip
        assert await page.refused({**ALICE, **change}) == (401, "AuthenticationFailed", WRONG), change
    assert (await page.refused({"email": "nobody@example.com", "password": PASSWORD}))[2] == WRONG
    assert await page.done(ALICE)


@story
async def test_a_console_session_calls_iam_without_mfa_but_gets_no_further_credentials_of_its_own(world: World) -> None:
    user = await alice(world, allow("*"))
    console = credentials(await Page(world).done(ALICE))
    assert await world.call(console, "iam", "ListUsers")
    by_token = await world.call(user, "sts", "GetSessionToken")
    assert (await world.refused(by_token, "iam", "ListUsers")).code == "InvalidClientTokenId"
    for name, members in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "someone"})):
        assert (await world.refused(console, "sts", name, **members)).code == "AccessDenied"


@story
async def test_without_mfa_the_condition_key_is_false_and_with_a_code_true(world: World) -> None:
    needs = allow("iam:ListUsers", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    forbids = allow("iam:ListRoles", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})
    user = await alice(world, needs, forbids)
    without = credentials(await Page(world).done(ALICE))
    assert await world.call(without, "iam", "ListRoles")
    assert isinstance(await world.refused(without, "iam", "ListUsers"), AwsError)
    await world.mfa_device(ANALYTICS, user.id, "alice")
    status, told = await Page(world).send(ALICE)
    assert (status, told["next"]) == (200, "mfa")
    session = await Page(world).done({"challenge": told["challenge"], "mfaCode": world.code()})
    assert session["mfa"] is True
    assert await world.call(credentials(session), "iam", "ListUsers")
    assert isinstance(await world.refused(credentials(session), "iam", "ListRoles"), AwsError)


@story
async def test_a_device_cannot_be_left_out_a_wrong_code_is_refused_and_a_right_one_counts_once(world: World) -> None:
    user = await alice(world)
    await world.mfa_device(ANALYTICS, user.id, "alice")
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    assert (await page.refused({"challenge": challenge, "mfaCode": "000000"}))[:2] == (401, "MfaFailed")
    assert (await page.refused({"challenge": challenge}))[1] == "InvalidRequest"
    new = {"challenge": challenge, "oldPassword": PASSWORD, "newPassword": "Another-horse-8"}
    assert (await page.refused(new))[1] == "InvalidRequest"
    assert await page.done({"challenge": challenge, "mfaCode": world.code()})
    assert (await page.refused({"challenge": challenge, "mfaCode": world.code()}))[1] == "MfaFailed"


@story
async def test_any_of_several_devices_will_do_and_a_code_of_one_is_not_held_against_another(world: World) -> None:
    user = await alice(world)
    await world.mfa_device(ANALYTICS, user.id, "first")
    await world.mfa_device(ANALYTICS, user.id, "second", b"another seed of forty bytes for the test")
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    code = world.code(b"another seed of forty bytes for the test")
    assert await page.done({"challenge": challenge, "mfaCode": code})
    assert await world.store.objects.fetch_all("SELECT * FROM failed_mfa_codes") == []


@story
async def test_a_challenge_ends_with_time_with_its_password_and_when_it_is_changed(world: World) -> None:
    user = await alice(world)
    await world.mfa_device(ANALYTICS, user.id, "alice")
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    changed = challenge[:-2] + ("A" if challenge[-2] != "A" else "B") + challenge[-1]
    assert (await page.refused({"challenge": changed, "mfaCode": world.code()}))[1] == "SignInExpired"
    world.now += 601
    assert (await page.refused({"challenge": challenge, "mfaCode": world.code()}))[1] == "SignInExpired"
    challenge = (await page.send(ALICE))[1]["challenge"]
    await world.sql("UPDATE login_profiles SET password = ?", world.vault.hash_password("Another-horse-8"))
    assert (await page.refused({"challenge": challenge, "mfaCode": world.code()}))[1] == "SignInExpired"


@story
async def test_a_password_that_must_be_changed_opens_nothing_until_it_is(world: World) -> None:
    await alice(world, allow("iam:ChangePassword"), reset=True)
    page = Page(world)
    status, told = await page.send(ALICE)
    assert (status, told["next"], set(told)) == (200, "changePassword", {"next", "challenge"})
    step = {"challenge": told["challenge"], "oldPassword": PASSWORD, "newPassword": "Another-horse-8"}
    assert (await page.refused({**step, "newPassword": "short"}))[:2] == (400, "PasswordPolicyViolation")
    assert (await page.refused({**step, "oldPassword": "wrong"}))[2] == "The old password was incorrect."
    assert await page.done(step)
    assert await page.done({**ALICE, "password": "Another-horse-8"})
    assert (await page.refused(ALICE))[1] == "AuthenticationFailed"
    assert (await page.refused(step))[1] == "SignInExpired"


@story
async def test_who_may_not_change_its_password_cannot_be_made_to(world: World) -> None:
    await alice(world, reset=True)
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    step = {"challenge": challenge, "oldPassword": PASSWORD, "newPassword": "Another-horse-8"}
    status, code, message = await page.refused(step)
    assert (status, code) == (403, "AccessDenied")
    assert "is not authorized to perform: iam:ChangePassword" in message


@story
async def test_mfa_comes_before_the_change_of_password_and_stays_known_after_it(world: World) -> None:
    user = await alice(world, allow("iam:ChangePassword"), reset=True)
    await world.mfa_device(ANALYTICS, user.id, "alice")
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    _, told = await page.send({"challenge": challenge, "mfaCode": world.code()})
    assert told["next"] == "changePassword"
    step = {"challenge": told["challenge"], "oldPassword": PASSWORD, "newPassword": "Another-horse-8"}
    assert (await page.done(step))["mfa"] is True


@story
async def test_a_password_too_old_for_the_policy_must_be_changed_or_with_hard_expiry_set_anew(world: World) -> None:
    user = await alice(world, allow("iam:ChangePassword"), changed=START - 91 * 86400)
    page = Page(world)
    assert (await page.send(ALICE))[1]["next"] == "done"
    await world.call(ANALYTICS, "iam", "UpdateAccountPasswordPolicy", MaxPasswordAge=90)
    assert (await page.send(ALICE))[1]["next"] == "changePassword"
    await world.call(ANALYTICS, "iam", "UpdateAccountPasswordPolicy", MaxPasswordAge=90, HardExpiry=True)
    assert (await page.refused(ALICE))[:2] == (403, "PasswordExpired")
    await world.sql("UPDATE login_profiles SET changed = ? WHERE user_id = ?", START, user.id)
    assert (await page.send(ALICE))[1]["next"] == "done"


@story
async def test_ten_wrong_passwords_close_a_user_for_a_while_and_nobody_else(world: World) -> None:
    await alice(world)
    bob = await world.user(ANALYTICS, "bob")
    await password(world, bob)
    page = Page(world)
    for _ in range(PER_USER):
        assert (await page.refused({**ALICE, "password": "wrong"}))[0] == 401
    assert (await page.refused(ALICE))[:2] == (429, "TooManyAttempts")
    assert (await page.refused({**ALICE, "account": ANALYTICS, "user": "Alice"}))[0] == 429
    assert await page.done({**ALICE, "user": "bob"})
    world.now += 16 * 60
    assert await page.done(ALICE)
    assert (await page.refused({**ALICE, "password": "wrong"}))[0] == 401


@story
async def test_a_right_sign_in_forgets_the_wrong_ones_before_it(world: World) -> None:
    await alice(world)
    page = Page(world)
    for _ in range(3):
        for _ in range(PER_USER - 1):
            assert (await page.refused({**ALICE, "password": "wrong"}))[0] == 401
        assert await page.done(ALICE)


@story
async def test_an_unknown_user_closes_like_a_known_one(world: World) -> None:
    page = Page(world)
    statuses = [(await page.refused({**ALICE, "user": "nobody"}))[0] for _ in range(PER_USER + 1)]
    assert statuses == [401] * PER_USER + [429]


@story
async def test_a_client_that_tries_many_users_is_closed_and_its_ipv6_neighbours_with_it(world: World) -> None:
    await alice(world)
    for number in range(PER_CLIENT):
        page = Page(world, f"2001:db8::{number:x}")
        assert (await page.refused({**ALICE, "user": f"user-{number}"}))[0] == 401
    assert (await Page(world, "2001:db8::ffff").refused(ALICE))[0] == 429
    assert await Page(world, "2001:db8:0:1::1").done(ALICE)


@story
async def test_wrong_codes_count_as_wrong_attempts(world: World) -> None:
    user = await alice(world)
    await world.mfa_device(ANALYTICS, user.id, "alice")
    page = Page(world)
    challenge = (await page.send(ALICE))[1]["challenge"]
    for _ in range(PER_USER):
        assert (await page.refused({"challenge": challenge, "mfaCode": "000000"}))[0] == 401
    assert (await page.refused({"challenge": challenge, "mfaCode": world.code()}))[0] == 429
    assert (await page.refused(ALICE))[0] == 429


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"not json", {}, 400),
        (b"[]", {}, 400),
        (b"{}", {}, 400),
        (b"[" * 5000, {}, 400),
        ({**ALICE, "password": 7}, {}, 400),
        ({**ALICE, "password": "x" * 1025}, {}, 400),
        ({**ALICE, "more": "x"}, {}, 400),
        (b"x" * 17000, {}, 413),
        (ALICE, {"content-type": "text/plain"}, 415),
        (ALICE, {"content-type": "application/x-www-form-urlencoded"}, 415),
        (ALICE, {"sec-fetch-site": "cross-site"}, 403),
        (ALICE, {"sec-fetch-site": "same-site"}, 403),
        (ALICE, {"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_what_is_no_step_of_the_pages_own_is_refused(tmp_path: Any, body: Any, headers: Any, status: int) -> None:
    @story
    async def tell(world: World) -> None:
        await alice(world)
        assert (await Page(world, **headers).send(body))[0] == status

    tell(tmp_path)


@story
async def test_each_sign_in_is_logged_without_what_was_typed(world: World) -> None:
    await alice(world)
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname} {record.getMessage()}")

    log = logging.getLogger("isthmus.signin")
    log.setLevel(logging.INFO)
    handler = Lines()
    log.addHandler(handler)
    try:
        page = Page(world)
        await page.done(ALICE)
        await page.refused({**ALICE, "password": "guess"})
        await page.refused({**ALICE, "user": "a password"})
        await page.refused({**ALICE, "account": "elsewhere"})
    finally:
        log.removeHandler(handler)
    assert lines == [
        f"INFO sign-in of arn:aws:iam::{ANALYTICS}:user/alice from 192.0.2.7, without MFA",
        f"WARNING sign-in of arn:aws:iam::{ANALYTICS}:user/alice from 192.0.2.7 failed: Failed authentication",
        f"WARNING sign-in of an unknown user of account {ANALYTICS} from 192.0.2.7 failed: Failed authentication",
        "WARNING sign-in of an unknown account from 192.0.2.7 failed: Failed authentication",
    ]


@story
async def test_a_sign_in_is_the_last_use_of_the_password(world: World) -> None:
    await alice(world, allow("iam:GetUser"))
    console = credentials(await Page(world).done(ALICE))
    user = (await world.call(console, "iam", "GetUser"))["User"]
    assert user["PasswordLastUsed"].timestamp() == START


@story
async def test_a_role_is_switched_to_for_its_longest_session_or_what_is_left_of_ones_own(world: World) -> None:
    user = await alice(world, allow("sts:AssumeRole"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(user.arn), max_session_duration=4 * 3600)
    console = credentials(await Page(world).done(ALICE))
    wanted: dict[str, Any] = {"RoleArn": role.arn, "RoleSessionName": "alice"}
    assert world.session(await world.call(console, "sts", "AssumeRole", **wanted)).expires == START + 4 * 3600
    given = world.session(await world.call(console, "sts", "AssumeRole", **wanted, DurationSeconds=1800))
    assert given.expires == START + 1800
    assert world.session(await world.call(user, "sts", "AssumeRole", **wanted)).expires == START + 3600
    world.now += 10 * 3600
    assert world.session(await world.call(console, "sts", "AssumeRole", **wanted)).expires == START + 12 * 3600


@story
async def test_a_deleted_user_is_signed_out(world: World) -> None:
    user = await alice(world, allow("*"))
    console = credentials(await Page(world).done(ALICE))
    await world.sql("DELETE FROM login_profiles")
    await world.sql("DELETE FROM inline_policies WHERE entity_id = ?", user.id)
    await world.sql("DELETE FROM users WHERE id = ?", user.id)
    with pytest.raises(LookupError):
        await world.call(console, "iam", "ListUsers")
