"""`POST /-/signin`: a console password, and a one-time code where there is a device, become temporary credentials.

The exchange is JSON and has up to three steps; each but the last is answered with what comes next and a `challenge`:

    {"account": "111122223333" or an alias, "user": "alice", "password": "…"}    an IAM user
    {"email": "root@example.com", "password": "…"}                               the root user
    {"challenge": "…", "mfaCode": "123456"}                                       who has an MFA device
    {"challenge": "…", "oldPassword": "…", "newPassword": "…"}                    who must choose another password

    → {"next": "mfa" | "changePassword", "challenge": "…"} or {"next": "done", "session": {…}, "hasMfaDevice": …}
    → {"code": "…", "message": "…"} with 400, 401, 403 or 429

A challenge is sealed and says who proved what, so the page need not keep the password and the server keeps nothing.
It ends after ten minutes and with the password it was given for.

What a wrong attempt learns does not depend on whether the account, the user or its password exists: the same answer
after the same work. The session is one of kind `ConsoleSignIn`: the user's own, for 12 hours (IAM User Guide, "Enable
custom identity broker access"; "Compare AWS STS credentials" does not limit what the console may call).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from isthmus.iam.mfa_devices import enabled_devices
from isthmus.iam.password_policy import password_policy
from isthmus.identity import AccessKey, Account, InvalidToken, Session, User, Vault, mfa
from isthmus.identity.authenticated import Authenticated, PrincipalGone, context_at, long_term
from isthmus.identity.records import CONSOLE_SIGN_IN
from isthmus.names import access_key_id, root_arn
from isthmus.operation import OPERATIONS, AccessDenied, Call, Caller, System, authorise
from isthmus.policy import Principal, PrincipalKind
from isthmus.store import Transaction
from isthmus.wire import AwsError, BytesBody, Request, Response

from . import sign_in_attempts as attempts
from .sign_in_record import SignIn, note_sign_in

T = TypeVar("T")

SESSION_SECONDS = 12 * 3600
CHALLENGE_SECONDS = 600
_CHALLENGE = "sign-in-challenge"  # the purpose under which challenges are sealed
_LARGEST = 16 * 1024  # bytes of a request
_LONGEST = 1024  # characters of anything typed; IAM's passwords have at most 128
_DAY = 86400
_WRONG = "Your authentication information is incorrect. Please try again."
_NO_CODE = (
    "The MFA code is wrong, or it was used before. Wait for your device to show the next one, and check that its clock"
    " is right."
)
_SAVE_USE = (
    "INSERT INTO last_used (id, used, service, region) VALUES (?, ?, 'signin', ?) ON CONFLICT (id) DO UPDATE SET"
    " used = excluded.used, service = excluded.service, region = excluded.region WHERE excluded.used > last_used.used"
)


class SignInRefused(Exception):
    """A step that failed; the message is for the user. failure: what the record says, '' for steps to be repeated."""

    def __init__(self, status: int, code: str, message: str, failure: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Who:
    """Somebody who can sign in. user is None for the account's root."""

    account: Account
    user: User | None
    hashed: str
    reset_required: bool = False
    changed: float = 0.0

    @property
    def id(self) -> str:
        return self.account.id if self.user is None else self.user.id

    @property
    def arn(self) -> str:
        return root_arn(self.account.id) if self.user is None else self.user.arn

    @property
    def principal(self) -> Principal:
        kind = PrincipalKind.ROOT if self.user is None else PrincipalKind.USER
        return Principal(kind, self.account.id, self.arn, self.arn, self.id)

    @property
    def name(self) -> str:
        return self.account.email if self.user is None else self.user.name


async def answer_sign_in(system: System, request: Request) -> Response:
    """Answer one step of the exchange; raises nothing but ClientGone and StoreError."""
    try:
        given = await _read(request)
        system.directory.refresh()
        told = await _Step(system, request, system.clock()).take(given)
    except SignInRefused as refused:
        headers = [("Retry-After", str(attempts.WINDOW * 60))] if refused.status == 429 else []
        return _json(refused.status, {"code": refused.code, "message": refused.message}, headers)
    return _json(200, told)


class _Step:
    """One request of the exchange."""

    def __init__(self, system: System, request: Request, now: float) -> None:
        self._system = system
        self._request = request
        self._now = now
        self._who: _Who | None = None
        self._account = ""
        self._mfa_at: float | None = None

    async def take(self, given: dict[str, str]) -> dict[str, Any]:
        """What comes next. Raises SignInRefused."""
        try:
            if "challenge" in given:
                told = await self._go_on(given)
            elif set(given) in ({"account", "user", "password"}, {"email", "password"}):
                told = await self._password(given)
            else:
                raise SignInRefused(400, "InvalidRequest", "Enter an account, a user name and a password.")
        except SignInRefused as refused:
            if refused.failure:
                self._note(refused.failure)
            raise
        if told["next"] == "done":
            self._note("")
        return told

    async def _password(self, given: dict[str, str]) -> dict[str, Any]:
        typed = given.get("account", given.get("email", "")).strip()
        name = given.get("user", "").strip()
        account = await self._find_account(typed, by_email="email" in given)
        self._account = "" if account is None else account.id
        # Root counts by its own name, so that nobody closes it by guessing at a user.
        counted = attempts.scopes(self._account or typed, name or "root", self._request.client)
        await self._begin(counted)
        who = None
        if account is not None:
            who = self._who = await (self._root(account) if "email" in given else self._user(account, name))
        hashed = None if who is None else who.hashed
        if not await _off_the_loop(_is_password, self._system.vault, hashed, given["password"]):
            raise SignInRefused(401, "AuthenticationFailed", _WRONG, "Failed authentication")
        assert who is not None
        await attempts.take_back(self._system.objects, counted, self._now)
        if await enabled_devices(self._system.identity, who.account.id, who.id):
            return {"next": "mfa", "challenge": self._challenge("mfa", counted[0][0])}
        return await self._after_mfa(counted[0])

    async def _find_account(self, typed: str, by_email: bool) -> Account | None:
        directory = self._system.directory
        if by_email:
            return await directory.account_by_email(typed)
        digits = typed.replace("-", "")  # as the console shows ids: 1111-2222-3333
        if len(digits) == 12 and digits.isdigit():
            return await directory.account(digits)
        return await directory.account_by_alias(typed.lower())

    async def _root(self, account: Account) -> _Who | None:
        row = await self._system.identity.fetch_one("SELECT root_password FROM accounts WHERE id = ?", account.id)
        return None if row is None or row[0] is None else _Who(account, None, row[0])

    async def _user(self, account: Account, name: str) -> _Who | None:
        user = await self._system.directory.user(account.id, name)
        return None if user is None else await self._with_password(account, user)

    async def _with_password(self, account: Account, user: User) -> _Who | None:
        row = await self._system.identity.fetch_one(
            "SELECT password, reset_required, coalesce(changed, created) FROM login_profiles WHERE user_id = ?", user.id
        )
        return None if row is None else _Who(account, user, row[0], bool(row[1]), row[2])

    # The steps after the password

    async def _go_on(self, given: dict[str, str]) -> dict[str, Any]:
        claims = await self._open(given["challenge"])
        scope = (claims["scope"], attempts.PER_USER)
        if claims["stage"] == "mfa" and set(given) == {"challenge", "mfaCode"}:
            return await self._mfa(given["mfaCode"], scope)
        if claims["stage"] == "changePassword" and set(given) == {"challenge", "oldPassword", "newPassword"}:
            return await self._change_password(given, scope)
        raise SignInRefused(400, "InvalidRequest", "This step of the sign-in needs something else.")

    async def _mfa(self, code: str, scope: attempts.Scope) -> dict[str, Any]:
        who = self._who
        assert who is not None
        client = attempts.scopes("", "", self._request.client)[1]
        await self._begin((scope, client))
        serials = await enabled_devices(self._system.identity, who.account.id, who.id)
        devices = [device for serial in serials if (device := await self._system.directory.mfa_device(serial))]
        # A wrong code is held against one device only, and against the right one if there is any.
        device = next((one for one in devices if mfa.is_near(one, code.strip(), self._now)), *devices[:1])
        if not await mfa.verify(self._system.objects, device, code.strip(), self._now):
            raise SignInRefused(401, "MfaFailed", _NO_CODE, "Failed authentication")
        await attempts.take_back(self._system.objects, (scope, client), self._now)
        self._mfa_at = self._now
        return await self._after_mfa(scope)

    async def _after_mfa(self, scope: attempts.Scope) -> dict[str, Any]:
        """Everything is proved; but the password may be one that must be changed."""
        who = self._who
        assert who is not None
        if who.user is not None and await self._must_change(who):
            return {"next": "changePassword", "challenge": self._challenge("changePassword", scope[0])}
        return await self._session(scope)

    async def _must_change(self, who: _Who) -> bool:
        policy = await password_policy(self._system.identity, who.account.id) or {}
        days = policy.get("MaxPasswordAge")
        expired = days is not None and days > 0 and self._now >= who.changed + days * _DAY
        if expired and policy.get("HardExpiry"):
            message = "Your password has expired. Ask your administrator to set a new one."
            raise SignInRefused(403, "PasswordExpired", message, "Password expired")
        return who.reset_required or expired

    async def _change_password(self, given: dict[str, str], scope: attempts.Scope) -> dict[str, Any]:
        """IAM's own ChangePassword, by the user itself: its policies and the password policy decide."""
        who, system = self._who, self._system
        assert who is not None
        await self._begin((scope,))  # whoever has the challenge may not guess the old password either
        request = Request("POST", "/", "", {"host": "localhost"}, BytesBody(), self._request.client)
        principal, policies, context = await self._authenticated(who)
        members = {"OldPassword": given["oldPassword"], "NewPassword": given["newPassword"]}
        call = Call(
            OPERATIONS["iam", "ChangePassword"], members, Caller(principal, policies), request, system,
            {**context, **context_at(None, self._now)}, "signin", self._now, system.settings.region,
        )  # fmt: skip
        try:
            await authorise(call)
            await call.operation.execute(call)
        except AccessDenied as error:
            await attempts.take_back(system.objects, (scope,), self._now)
            raise SignInRefused(403, "AccessDenied", error.message) from None
        except AwsError as error:
            if error.code != "AccessDenied":  # the new password is at fault, not the old one
                await attempts.take_back(system.objects, (scope,), self._now)
            raise SignInRefused(400, error.code, error.message) from None
        system.directory.refresh()
        return await self._session(scope)

    # The end

    async def _session(self, scope: attempts.Scope) -> dict[str, Any]:
        who, system, now = self._who, self._system, self._now
        assert who is not None
        principal, _, _ = await self._authenticated(who)
        key = access_key_id("ASIA", who.account.id, system.entropy(10))
        expires = float(int(now) + SESSION_SECONDS)
        session = Session(key, CONSOLE_SIGN_IN, principal, now, expires, mfa_at=self._mfa_at)
        await attempts.forget(system.objects, scope)
        await system.objects.write(self._save_use)
        devices = await enabled_devices(system.identity, who.account.id, who.id)
        return {
            "next": "done",
            "hasMfaDevice": bool(devices),
            "session": {
                "account": who.account.id,
                "accountAlias": who.account.alias,
                "accountName": who.account.name,
                "kind": "root" if who.user is None else "user",
                "name": who.name,
                "arn": who.arn,
                "mfa": self._mfa_at is not None,
                "region": system.settings.region,
                "credentials": {
                    "accessKeyId": key,
                    "secretAccessKey": system.vault.session_secret(key),
                    "sessionToken": system.vault.session_token(session),
                    "expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                },
            },
        }

    async def _save_use(self, tx: Transaction) -> None:
        """What `PasswordLastUsed` and the credential report tell."""
        assert self._who is not None
        await tx.execute(_SAVE_USE, self._who.id, self._now, self._system.settings.region)

    async def _authenticated(self, who: _Who) -> Authenticated:
        try:
            key = AccessKey("", who.account.id, None if who.user is None else who.user.id, "")
            return await long_term(self._system.directory, key)
        except PrincipalGone:
            raise SignInRefused(401, "AuthenticationFailed", _WRONG, "Failed authentication") from None

    async def _begin(self, counted: tuple[attempts.Scope, ...]) -> None:
        if not await attempts.begin(self._system.objects, counted, self._now):
            message = f"There were too many wrong attempts. Try again in {attempts.WINDOW} minutes."
            raise SignInRefused(429, "TooManyAttempts", message, "Too many attempts")

    # Challenges

    def _challenge(self, stage: str, scope: str) -> str:
        who = self._who
        assert who is not None
        claims = {
            "stage": stage,
            "account": who.account.id,
            "user": None if who.user is None else who.user.id,
            "password": _proof(who.hashed),
            "mfa": self._mfa_at,
            "scope": scope,
            "expires": self._now + CHALLENGE_SECONDS,
        }
        return self._system.vault.seal_text(json.dumps(claims).encode(), _CHALLENGE)

    async def _open(self, challenge: str) -> dict[str, Any]:
        """The claims of a challenge that is still good, and whose they are. Raises SignInRefused."""
        over = SignInRefused(401, "SignInExpired", "This sign-in took too long. Start again with your password.")
        try:
            claims: dict[str, Any] = json.loads(self._system.vault.unseal_text(challenge, _CHALLENGE))
        except InvalidToken:
            raise over from None
        if self._now >= claims["expires"]:
            raise over
        account = await self._system.directory.account(claims["account"])
        if account is None:
            raise over
        if claims["user"] is None:
            who = await self._root(account)
        else:
            user = await self._system.directory.user_by_id(claims["user"])
            who = None if user is None else await self._with_password(account, user)
        if who is None or not hmac.compare_digest(_proof(who.hashed), claims["password"]):
            raise over
        self._who, self._account, self._mfa_at = who, account.id, claims["mfa"]
        return claims

    def _note(self, failure: str) -> None:
        who = None if self._who is None else self._who.principal
        note_sign_in(self._system, SignIn(self._account, who, failure, self._mfa_at is not None, self._request))


def _proof(hashed: str) -> str:
    """Which password a challenge was given for, without telling its hash."""
    return hashlib.sha256(hashed.encode()).hexdigest()


def _is_password(vault: Vault, hashed: str | None, password: str) -> bool:
    """Whether that is the password; of somebody who has none it never is, after the same work."""
    nobody = _nobody(vault)
    return vault.verify_password(hashed or nobody, password) and hashed is not None


@cache
def _nobody(vault: Vault) -> str:
    """The hash that is compared where there is no user."""
    return vault.hash_password("")


@cache
def _threads() -> ThreadPoolExecutor:
    """Two threads of each worker: hashing takes 64 MiB and tens of milliseconds, and nothing else waits for it."""
    return ThreadPoolExecutor(2, thread_name_prefix="sign-in")


async def _off_the_loop(work: Callable[..., T], *given: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work, *given)


async def _read(request: Request) -> dict[str, str]:
    """The members of a step. Raises SignInRefused."""
    invalid = SignInRefused(400, "InvalidRequest", "Send a JSON object whose members are texts.")
    # A form of another site cannot send this type without asking first, which nobody answers.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise SignInRefused(415, "UnsupportedMediaType", "Send application/json.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise SignInRefused(403, "CrossOrigin", "Sign in from the console's own page.")
    data = b""
    async for chunk in request.body.chunks():
        data += chunk
        if len(data) > _LARGEST:
            raise SignInRefused(413, "EntityTooLarge", f"The request is larger than {_LARGEST} bytes.")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        raise invalid from None
    if not isinstance(given, dict):
        raise invalid
    for name, value in given.items():
        if not isinstance(value, str) or (len(value) > _LONGEST and name != "challenge"):
            raise invalid
    return given


def _json(status: int, content: dict[str, Any], headers: list[tuple[str, str]] | None = None) -> Response:
    fixed = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status, fixed + (headers or []), json.dumps(content).encode())
