"""MFA shown once: a session of GetSessionToken, which serves every call that must show it.

A device's code is good for one call only. `aws:MultiFactorAuthPresent` is as true of the session that
GetSessionToken gives for a code as of a call with the code itself.

Source: IAM User Guide, "Secure API access with MFA".
"""

from __future__ import annotations

import os
from collections.abc import Callable

from botocore.exceptions import ClientError

from .profiles import HeldSide, Side
from .steps import Failure, patiently

CODE = "ISTHMUS_MFA_CODE"
"""The variable that a device's code may come from where nobody can be asked."""


class CodeRefused(Exception):
    """No session with MFA; the message says what to do."""


class MfaSessions:
    """The sessions with MFA of the profiles that asked for one."""

    def __init__(self, ask_code: Callable[[str], str]) -> None:
        """ask_code: the code that a device shows now, by its serial; it may raise CodeRefused."""
        self._ask_code = ask_code
        self._held: dict[tuple[str, str], HeldSide] = {}

    def of(self, caller: Side, serial: str | None, seconds: int) -> Side:
        """The caller with MFA shown. A profile that is a session already must have shown it itself.

        serial: of the device; None looks it up. seconds: how long the session lasts.
        Raises CodeRefused, NoSide and botocore's errors.
        """
        if is_session(caller):
            return caller
        device = serial or _device_of(caller)
        kept = (caller.profile, device)
        if kept not in self._held:
            code = self._ask_code(device)
            try:
                answer = caller.client("sts").get_session_token(
                    SerialNumber=device, TokenCode=code, DurationSeconds=seconds
                )
            except ClientError as error:
                raise CodeRefused(
                    f"the code of {device} was not accepted ({error}): wait for the next one, or name the device with "
                    "`mfa_serial` in the file or the profile"
                ) from error
            self._held[kept] = HeldSide(caller.profile, credentials=answer["Credentials"])
        return self._held[kept]


def code_from_environment(serial: str) -> str:
    """The code that the environment has. Raises CodeRefused."""
    code = os.environ.get(CODE)
    if not code:
        raise CodeRefused(
            f"a code of {serial} is needed and nobody is there to be asked: set {CODE}, or name a profile whose "
            "credentials are a session with MFA (`aws sts get-session-token`)"
        )
    return code


def is_session(side: Side) -> bool:
    """Whether a profile's credentials are temporary ones."""
    found = side.session.get_credentials()
    return found is not None and found.get_frozen_credentials().token is not None


def _device_of(caller: Side) -> str:
    """The caller's MFA device where it may be looked up, else the one that has the user's name."""
    arn = caller.identity["Arn"]
    try:
        devices = patiently(lambda: caller.client("iam").list_mfa_devices())["MFADevices"]
    except Failure:
        devices = []
    name = arn.rpartition("/")[2]
    return str(devices[0]["SerialNumber"]) if devices else f"arn:{caller.partition}:iam::{caller.account}:mfa/{name}"
