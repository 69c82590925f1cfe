"""Signing a person in, once for many programs: what `isthmus login` does as the `credential_process` of a profile.

Two ways, by what the profile says:

    isthmus_account, isthmus_user   a password, and a code where there is an MFA device, at the sign-in of a server of
                                    ours (`/-/signin`); `isthmus_email` instead of both is the root user
    isthmus_source_profile,         long-lived keys of another profile, and a code of the device: GetSessionToken, on
    mfa_serial                      AWS as well as here

What comes back is kept (`session_cache`) and used until shortly before its end. Roles are no matter of ours: a profile
with `role_arn` and this one as its `source_profile` is assumed by the AWS tools themselves.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from .session_cache import CachedSession, SessionFile
from .terminal_questions import NoTerminal, Questions

RENEW = 900.0  # seconds before its end that a session is renewed: when botocore begins to ask for other credentials
ATTEMPTS = 3
_SECONDS = 43200


class CannotLogIn(Exception):
    """Why there is no session; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to sign in, and where. profile: for messages, and where the settings stand; "" for none.

    account and user, or email: a password sign-in at `endpoint`. source_profile and mfa_serial: GetSessionToken for
    `seconds`.
    """

    profile: str = ""
    endpoint: str = ""
    account: str = ""
    user: str = ""
    email: str = ""
    source_profile: str = ""
    mfa_serial: str = ""
    seconds: int = _SECONDS
    ca_bundle: str = ""

    @classmethod
    def from_settings(cls, profile: str, settings: Mapping[str, str], given: Mapping[str, str]) -> Login:
        """A login by a profile's settings, with what the command line gives before them. Raises CannotLogIn."""

        def one(name: str, key: str) -> str:
            return given.get(name) or settings.get(key, "")

        text = settings.get("duration_seconds", str(_SECONDS))
        if not text.isdecimal():
            raise CannotLogIn(f"duration_seconds of the profile {profile!r} is not a number of seconds")
        login = cls(
            profile,
            one("endpoint", "endpoint_url") or os.environ.get("AWS_ENDPOINT_URL", ""),
            one("account", "isthmus_account"),
            one("user", "isthmus_user"),
            one("email", "isthmus_email"),
            one("source_profile", "isthmus_source_profile"),
            one("mfa_serial", "mfa_serial"),
            int(text),
            os.environ.get("AWS_CA_BUNDLE") or settings.get("ca_bundle", ""),
        )
        login._check()
        return login

    @property
    def by_keys(self) -> bool:
        """Whether long-lived keys sign in, instead of a password."""
        return bool(self.source_profile)

    @property
    def file(self) -> SessionFile:
        """Where its session is kept."""
        if self.by_keys:
            return SessionFile(["keys", self.source_profile, self.mfa_serial, self.endpoint, str(self.seconds)])
        return SessionFile(["password", self.endpoint, self.account.lower(), self.user.lower(), self.email.lower()])

    @property
    def name(self) -> str:
        """Who is asked, in words."""
        if self.by_keys:
            return self.mfa_serial
        return self.email or f"{self.user} ({self.account})"

    def _check(self) -> None:
        where = f"the profile {self.profile!r}" if self.profile else "the command"
        if self.by_keys:
            if not self.mfa_serial:
                raise CannotLogIn(f"{where} needs mfa_serial, the ARN of the MFA device of isthmus_source_profile")
            if self.source_profile == self.profile:
                raise CannotLogIn(f"isthmus_source_profile of {where} is itself: keep the keys in another profile")
            return
        if not self.email and not (self.account and self.user):
            raise CannotLogIn(
                f"{where} does not say whom to sign in: it needs isthmus_account and isthmus_user (--account, --user),"
                " isthmus_email for the root user, or isthmus_source_profile and mfa_serial"
            )
        if not _is_address(self.endpoint):
            raise CannotLogIn(f"{where} needs endpoint_url (--endpoint), the address of the server to sign in at")


def session_for(login: Login) -> CachedSession:
    """A session of the login: the one that is kept while it has time left, else a new one, for which the person is
    asked. Raises CannotLogIn, Cancelled, OSError."""
    file = login.file
    kept = file.read(time.time())
    if kept is not None and kept.expires - time.time() > RENEW:
        return kept
    try:
        questions = Questions()
    except NoTerminal:
        if kept is not None:
            return kept  # it has some minutes left; whoever is being asked for another may be away
        questions = None

    def waits() -> None:
        if questions is not None:
            questions.say("waiting for the program that asks for this session at another terminal …")

    with file.locked(waits):
        kept = file.read(time.time())  # another program may have asked meanwhile
        if kept is not None and (questions is None or kept.expires - time.time() > RENEW):
            return kept
        if questions is None:
            again = f"`isthmus login --profile {login.profile}`" if login.profile else "the same command"
            raise CannotLogIn(
                f"there is no session of {login.name}, and no terminal to ask on: run {again} in a terminal, then try"
                " again"
            )
        session = _by_keys(login, questions) if login.by_keys else _by_password(login, questions)
        file.write(session)
        return session


def _by_password(login: Login, questions: Questions) -> CachedSession:
    place = urlsplit(login.endpoint)
    if place.scheme == "http" and not _is_this_machine(place.hostname or ""):
        questions.say(f"Warning: {place.netloc} is not reached by https; the password travels readable for others.")
    whom = {"email": login.email} if login.email else {"account": login.account, "user": login.user}
    told = _answer(
        login,
        questions,
        lambda: {**whom, "password": questions.ask_hidden(f"Password of {login.name} at {place.netloc}: ")},
    )
    try:
        return _signed_in(login, questions, told)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise CannotLogIn(f"{login.endpoint} is no server with a sign-in: it answered something else") from None


def _signed_in(login: Login, questions: Questions, told: Mapping[str, Any]) -> CachedSession:
    """The session, after the steps that the server asks for. Raises CannotLogIn; LookupError, TypeError, ValueError
    and AttributeError where its answers are none of a sign-in."""
    while told["next"] != "done":
        challenge = told["challenge"]
        if told["next"] == "mfa":
            told = _answer(
                login,
                questions,
                lambda challenge=challenge: {"challenge": challenge, "mfaCode": questions.ask_code("MFA code: ")},
            )
        elif told["next"] == "changePassword":
            questions.say("The password must be changed before anything else.")
            told = _answer(login, questions, lambda challenge=challenge: _new_password(questions, challenge))
        else:
            raise CannotLogIn(f"{login.endpoint} asks for a step this version does not know: {told['next']}")
    found = told["session"]
    credentials = found["credentials"]
    return CachedSession(
        credentials["accessKeyId"],
        credentials["secretAccessKey"],
        credentials["sessionToken"],
        datetime.fromisoformat(credentials["expiration"]).timestamp(),
        found["arn"],
    )


def _is_address(endpoint: str) -> bool:
    """Whether an endpoint is an address of HTTP."""
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in endpoint
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _new_password(questions: Questions, challenge: str) -> dict[str, str]:
    old = questions.ask_hidden("Old password: ")
    while (new := questions.ask_hidden("New password: ")) != questions.ask_hidden("New password again: "):
        questions.say("These are two different passwords.")
    return {"challenge": challenge, "oldPassword": old, "newPassword": new}


def _answer(login: Login, questions: Questions, ask: Any) -> dict[str, Any]:
    """Ask for one step until the server takes it, three times at most. Raises CannotLogIn."""
    for attempt in range(ATTEMPTS):
        step = ask()
        with questions.waiting(login.endpoint):
            status, told = _post(login, step)
        if status == 200:
            return told
        message = str(told.get("message") or f"{login.endpoint} answered {status}")
        if status not in (400, 401) or told.get("code") == "SignInExpired" or attempt == ATTEMPTS - 1:
            raise CannotLogIn(message)
        questions.say(message)
    raise AssertionError("the last attempt returns or raises")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A password goes to the address that was named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(login: Login, step: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    context = ssl.create_default_context(cafile=login.ca_bundle or None)
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=context), _NoRedirect]
    if _is_this_machine(urlsplit(login.endpoint).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))  # no proxy reads what does not leave this machine
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        f"{login.endpoint.rstrip('/')}/-/signin",
        json.dumps(step).encode(),
        {"Content-Type": "application/json", "User-Agent": "isthmus-login"},
    )
    try:
        try:
            with opener.open(request, timeout=30) as answer:
                status, body = answer.status, answer.read(1 << 20)
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read(1 << 20)
        told = json.loads(body)
    except ValueError:
        raise CannotLogIn(f"{login.endpoint} is no server with a sign-in (it answered {status})") from None
    except (OSError, http.client.HTTPException) as error:
        raise CannotLogIn(f"{login.endpoint} cannot be reached: {getattr(error, 'reason', error)}") from None
    if not isinstance(told, dict):
        raise CannotLogIn(f"{login.endpoint} is no server with a sign-in (it answered {status})")
    return status, told


def _by_keys(login: Login, questions: Questions) -> CachedSession:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - takes a third of a second

    from .profiles import NoSide, Side  # noqa: PLC0415 - as above

    side = Side(login.source_profile)
    try:
        sts = side.session.client("sts", endpoint_url=login.endpoint or None, region_name=side.region)
    except (BotoCoreError, NoSide) as error:
        raise CannotLogIn(str(error)) from None
    for attempt in range(ATTEMPTS):
        code = questions.ask_code(f"MFA code for {login.mfa_serial}: ")
        try:
            with questions.waiting(login.endpoint or "AWS"):
                answer = sts.get_session_token(
                    SerialNumber=login.mfa_serial, TokenCode=code, DurationSeconds=login.seconds
                )["Credentials"]
        except ClientError as error:
            told = error.response["Error"]
            wrong_code = "MultiFactorAuthentication" in told.get("Message", "")
            if not wrong_code or attempt == ATTEMPTS - 1:
                raise CannotLogIn(f"{told.get('Code')}: {told.get('Message')}") from None
            questions.say(told["Message"])
        except BotoCoreError as error:
            raise CannotLogIn(str(error)) from None
        else:
            return CachedSession(
                answer["AccessKeyId"],
                answer["SecretAccessKey"],
                answer["SessionToken"],
                answer["Expiration"].timestamp(),
                f"{login.source_profile} with {login.mfa_serial}",
            )
    raise AssertionError("the last attempt returns or raises")
