"""The checks of a proof tried out, with the credentials of whom they are about.

Nothing that is there is changed. Writing is tried on keys that nobody has; whatever was written, also by a write that
should have been refused, is taken back by the owner, with all its versions.

S3 refuses before it looks for a key. So an answer that comes after that (NoSuchKey, InvalidRange, an archived object)
is no refusal. Source: S3 API reference, "Error responses".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Set
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from .account_state import error_code
from .asked import REFUSED
from .mfa_session import MfaSessions, is_session
from .predict import Answer
from .profiles import HeldSide, NoSide, Side
from .setting import Setting
from .steps import Failure, patiently, unless
from .targets import SESSION, WRONG_EXTERNAL_ID, Targets

PROBE_PATH = "/isthmus-probe/"
"""The path of users that a proof makes."""
_PAST_THE_DOOR = frozenset({"NoSuchKey", "404", "InvalidRange", "416", "InvalidObjectState", "PreconditionFailed"})
# A key that CreateAccessKey made is not known everywhere at once.
_NEW_KEY = frozenset({"InvalidClientTokenId", "InvalidAccessKeyId", "NoSuchEntity"})
_SESSION_SECONDS = 900  # the least that STS gives
_MFA_SECONDS = 3600
_BODY = b"written by isthmus prove, to be taken back\n"
_UNTAKEN = Answer(None, "the role could not be taken")


class LeftOver(Exception):
    """What a proof made and could not take back; the message says what to delete."""


class Probes:
    """Tries the checks of one setting; leaving it takes back what was made for them."""

    def __init__(
        self,
        setting: Setting,
        targets: Targets,
        other_bucket: str | None,
        mfa: MfaSessions,
        others: Mapping[str, Side],
        make_user: bool,
    ) -> None:
        """other_bucket: one that must not be listed; None where there is none. others: who must be refused, by profile.

        make_user: whether to make a user in the other account for the time of the proof.
        """
        self._setting = setting
        self._targets = targets
        self._other_bucket = other_bucket
        self._mfa = mfa
        self._others = others
        self._make_user = make_user
        self._undo = ExitStack()
        self._caller: Side | None = None
        self._session: Side | None = None
        self._locked = False
        self._seen_others: list[Answer] = []
        self._left: list[str] = []
        self._ending = False

    def __enter__(self) -> Probes:
        try:
            self._begin()
        except BaseException:
            self._take_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_back()

    def _take_back(self) -> None:
        """Delete what was made for all checks. Raises LeftOver, also for what a single check made."""
        self._ending = True
        try:
            self._undo.close()
        finally:
            if self._left:
                raise LeftOver(f"this was made for the proof and is to be deleted by hand: {'; '.join(self._left)}")

    def _without_fail(self, remove: Callable[[], None], what: str) -> None:
        """Delete something, or say that it is left. An interrupted deletion is made again at the end; when it is
        interrupted then too, nobody wants to wait for it."""
        try:
            remove()
        except Failure as error:
            self._left.append(f"{what} ({error})")
        except KeyboardInterrupt:
            if self._ending:
                self._left.append(f"{what} (interrupted)")
            else:
                self._undo.callback(self._without_fail, remove, what)
            raise

    def observe(self, check: str) -> Answer:
        """What a check comes to when it is tried, by its id."""
        kind, outside, _ = check.partition("-outside")
        if check.startswith("probe-as:"):
            answer = self._take(self._others[check.partition(":")[2]], self._setting.external_id)
            self._seen_others.append(answer)
            return answer
        if check == "others":
            return self._anybody_else()
        if self._caller is None:
            return Answer(None, "nobody's credentials to try it with")
        match kind:
            case "take":
                return self._take(self._caller, self._setting.external_id, keep=True)
            case "no-mfa":
                return self._without_mfa()
            case "no-external-id":
                return self._take(self._caller, None)
            case "wrong-external-id":
                return self._take(self._caller, WRONG_EXTERNAL_ID)
            case "read-without-role":
                return self._try_object(self._caller, "get", outside=False)
            case "write-without-role":
                return self._try_object(self._caller, "put", outside=False)
        if self._session is None:
            return _UNTAKEN
        match kind:
            case "list":
                return self._list(self._setting.bucket, "" if outside else self._setting.prefix)
            case "other-bucket":
                other = self._other_bucket
                return Answer(None, "the owner has no other bucket") if other is None else self._list(other, "")
        verb = {"read": "get", "write": "put", "delete": "delete"}[kind]
        return self._try_object(self._session, verb, bool(outside))

    def _begin(self) -> None:
        setting = self._setting
        s3 = setting.owner.client("s3", setting.region)
        lock = unless(
            "ObjectLockConfigurationNotFoundError",
            lambda: patiently(lambda: s3.get_object_lock_configuration(Bucket=setting.bucket)),
        )
        self._locked = lock is not None and "Rule" in lock.get("ObjectLockConfiguration", {})
        if setting.caller is None:
            return
        self._caller = setting.caller
        if setting.words.require_mfa:
            self._caller = self._mfa.of(setting.caller, setting.mfa_serial, _MFA_SECONDS)
        if self._locked:
            return
        # Reading is tried on an object that exists: where there is none, on one that the owner makes for the proof.
        for existing, fresh in (
            (self._targets.inside, self._targets.fresh_inside),
            (self._targets.outside, self._targets.fresh_outside if setting.prefix else None),
        ):
            if existing is None and fresh is not None:
                self._undo.callback(self._remove, fresh)
                patiently(lambda: s3.put_object(Bucket=setting.bucket, Key=fresh, Body=_BODY))  # noqa: B023

    def _without_mfa(self) -> Answer:
        assert self._setting.caller is not None
        if is_session(self._setting.caller):
            return Answer(None, "the profile's credentials are a session's: what it has shown cannot be taken away")
        return self._take(self._setting.caller, self._setting.external_id)

    def _take(
        self, who: Side, external_id: str | None, keep: bool = False, passing: frozenset[str] = frozenset()
    ) -> Answer:
        request = {"RoleArn": self._setting.role.arn, "RoleSessionName": SESSION, "DurationSeconds": _SESSION_SECONDS}
        if external_id is not None:
            request["ExternalId"] = external_id
        taken: list[Any] = []
        answer = _tried(lambda: taken.append(who.client("sts").assume_role(**request)), passing)
        if keep and taken:
            self._session = HeldSide(who.profile, credentials=taken[0]["Credentials"])
        return answer

    def _list(self, bucket: str, prefix: str) -> Answer:
        assert self._session is not None
        s3 = self._session.client("s3", self._setting.region)
        return _tried(lambda: s3.list_objects_v2(Bucket=bucket, MaxKeys=1, **({"Prefix": prefix} if prefix else {})))

    def _try_object(self, who: Side, verb: str, outside: bool) -> Answer:
        if verb != "get" and self._locked:
            return Answer(None, "Object Lock: what is written here cannot be taken back")
        if verb == "get" and self._locked and (self._targets.outside if outside else self._targets.inside) is None:
            return Answer(None, "there is no object to read, and Object Lock keeps what is written")
        s3, bucket = who.client("s3", self._setting.region), self._setting.bucket
        if verb == "get":
            key = self._targets.key_for("s3:GetObject", outside)
            # InvalidRequest: of an object under a customer's key (SSE-C), to a request without it.
            return _tried(lambda: s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0"), past={"InvalidRequest"})
        # A key of its own for each attempt, so that a later one finds nothing of an earlier one.
        key = f"{self._targets.key_for('s3:PutObject', outside)}-{secrets.token_hex(4)}"
        call = (
            (lambda: s3.put_object(Bucket=bucket, Key=key, Body=_BODY))
            if verb == "put"
            else (lambda: s3.delete_object(Bucket=bucket, Key=key))
        )
        with ExitStack() as undo:
            undo.callback(self._remove, key)
            answer = _tried(call)
            if answer.allowed is False:
                undo.pop_all()  # refused, so nothing was made
        return answer

    def _remove(self, key: str) -> None:
        """Every version of a probe's key, and its delete markers."""
        bucket, s3 = self._setting.bucket, self._setting.owner.client("s3", self._setting.region)

        def remove() -> None:
            found = patiently(lambda: s3.list_object_versions(Bucket=bucket, Prefix=key))
            for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
                which = {"Key": one["Key"], "VersionId": one["VersionId"]}
                patiently(lambda: s3.delete_object(Bucket=bucket, **which))  # noqa: B023

        self._without_fail(remove, f"s3://{bucket}/{key} with its versions")

    def _anybody_else(self) -> Answer:
        if self._make_user and self._setting.other is not None:
            return self._take_as_new_user(self._setting.other)
        mine = [answer for answer in self._seen_others if answer.allowed is not None]
        if not mine:
            return Answer(None, "not tried: name another's profile with --probe-as, or say --make-user")
        taken = any(answer.allowed for answer in mine)
        return Answer(taken, f"tried with {', '.join(self._others)}")

    def _take_as_new_user(self, other: Side) -> Answer:
        iam, name = other.client("iam"), f"isthmus-probe-{secrets.token_hex(6)}"
        tags = [{"Key": "isthmus:probe", "Value": self._setting.role.arn.rpartition("/")[2]}]
        with ExitStack() as undo:
            undo.callback(self._remove_user, iam, name)
            patiently(lambda: iam.create_user(UserName=name, Path=PROBE_PATH, Tags=tags))
            made = patiently(lambda: iam.create_access_key(UserName=name), _NEW_KEY)["AccessKey"]
            held = HeldSide(other.profile, credentials=made)
            answer = self._take(held, self._setting.external_id, passing=_NEW_KEY)
        return Answer(answer.allowed, f"tried as the user {name}, which is gone again", answer.fault)

    def _remove_user(self, iam: Any, name: str) -> None:
        def remove() -> None:
            found = unless("NoSuchEntity", lambda: patiently(lambda: iam.list_access_keys(UserName=name)))
            for key in [] if found is None else found["AccessKeyMetadata"]:
                patiently(lambda: iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"]))  # noqa: B023
            patiently(lambda: unless("NoSuchEntity", lambda: iam.delete_user(UserName=name)))

        self._without_fail(remove, f"the user {name} of account {self._setting.to.account}")


def _tried(call: Callable[[], object], passing: frozenset[str] = frozenset(), past: Set[str] = frozenset()) -> Answer:
    """Whether a call is let in. passing: error codes that a delay explains. past: further ones of who was let in."""
    try:
        patiently(call, passing)
    except ClientError as error:
        code = error_code(error)
        if code in REFUSED:
            return Answer(False, str(error.response["Error"].get("Message") or code))
        if code in _PAST_THE_DOOR | past:
            return Answer(True, f"let in, and answered {code}")
        return Answer(None, f"could not be tried: {error}", fault=True)
    except (*Failure, NoSide) as error:
        return Answer(None, f"could not be tried: {error}", fault=True)
    return Answer(True, "let in")
