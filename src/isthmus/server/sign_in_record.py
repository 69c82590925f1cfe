"""The records of console sign-ins, wrong or right: a line of the log, and CloudTrail's ConsoleLogin."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from isthmus import cloudtrail
from isthmus.operation import System
from isthmus.policy import Principal
from isthmus.wire import Request

_log = logging.getLogger("isthmus.signin")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that came to an end, as CloudTrail's ConsoleLogin tells it.

    account: 12 digits; empty where none was found. who: the user or root; None where none was found, since what was
    typed for a user name may be a password (CloudTrail hides it too). failure: empty for success. mfa: whether a code
    was asked for and right.
    """

    account: str
    who: Principal | None
    failure: str
    mfa: bool
    request: Request


def note_sign_in(system: System, event: SignIn) -> None:
    """Log a sign-in, and record it in the trail of its account, if that is known. Quick, and raises nothing."""
    if event.account:
        error = event.failure or None
        cloudtrail.note_sign_in(
            system,
            cloudtrail.SignIn(event.account, event.who, event.request, mfa_used=event.mfa, error_message=error),
        )
    nobody = f"an unknown user of account {event.account}" if event.account else "an unknown account"
    who = nobody if event.who is None else event.who.arn
    if event.failure:
        _log.warning("sign-in of %s from %s failed: %s", who, event.request.client, event.failure)
    else:
        _log.info("sign-in of %s from %s, %s MFA", who, event.request.client, "with" if event.mfa else "without")
