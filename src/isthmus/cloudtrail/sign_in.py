"""Records of people who sign in to the console: `ConsoleLogin` and `SwitchRole`.

Source: CloudTrail User Guide, "AWS Management Console sign-in events". A name that nobody has is not written down: it
may be a password in the wrong field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from isthmus.operation import System
from isthmus.policy import Principal, PrincipalKind
from isthmus.wire import Request

from .elements import HIDDEN
from .event import EVENT_VERSION, event_uuid, iso_second
from .records import event_from
from .user_identity import principal_id


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt to sign in, or to switch to a role.

    account: whose sign-in page it was. who: the user or root it was for; None for a name that nobody has.
    event: SwitchRole is for the role's account and that of the user, one call for each.
    mfa_used: whether a code was given and right.
    error_message: why it failed (`Failed authentication`); None where it succeeded.
    request_parameters, additional: what the record tells beside that (`redirectTo`, `displayNameFrom` …).
    """

    account: str
    who: Principal | None
    request: Request
    event: Literal["ConsoleLogin", "SwitchRole", "ExitRole"] = "ConsoleLogin"
    mfa_used: bool = False
    error_message: str | None = None
    request_id: str = ""
    request_parameters: dict[str, Any] | None = None
    additional: dict[str, Any] = field(default_factory=dict)


def note_sign_in(system: System, attempt: SignIn) -> None:
    """Record an attempt in the trail of its account. Quick, and raises nothing."""
    now = system.clock()
    host = attempt.request.headers.get("host", "")
    failed = attempt.error_message is not None
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _identity(attempt),
        "eventTime": iso_second(now),
        "eventSource": "signin.amazonaws.com",
        "eventName": attempt.event,
        "awsRegion": "us-east-1",
        "sourceIPAddress": attempt.request.client.removeprefix("::ffff:"),
        "userAgent": attempt.request.headers.get("user-agent", ""),
    }
    if failed:
        record["errorMessage"] = attempt.error_message
    record["requestParameters"] = attempt.request_parameters
    record["responseElements"] = {attempt.event: "Failure" if failed else "Success"}
    additional = {"MFAUsed": "Yes" if attempt.mfa_used else "No", "MobileVersion": "No"}
    record["additionalEventData"] = (additional if attempt.event == "ConsoleLogin" else {}) | attempt.additional
    if attempt.request_id:
        record["requestID"] = attempt.request_id
    record |= {
        "eventID": event_uuid(system.entropy(16)),
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
        "managementEvent": True,
        "recipientAccountId": attempt.account,
        "eventCategory": "Management",
    }
    if attempt.request.secure:
        version = {"tlsVersion": f"TLSv{attempt.request.tls_version}"} if attempt.request.tls_version else {}
        record["tlsDetails"] = {**version, "clientProvidedHostHeader": host}
    system.note_events([event_from(record, now, ())])


def _identity(attempt: SignIn) -> dict[str, Any]:
    who = attempt.who
    if who is None:
        return {"type": "IAMUser", "accountId": attempt.account, "accessKeyId": "", "userName": HIDDEN}
    if who.account != attempt.account:
        return {"type": "AWSAccount", "principalId": principal_id(who), "accountId": who.account}
    shown = {
        "type": "Root" if who.kind is PrincipalKind.ROOT else "IAMUser",
        "principalId": who.entity_id,
        "arn": who.arn,
        "accountId": who.account,
        "accessKeyId": "",
    }
    return shown if who.kind is PrincipalKind.ROOT else shown | {"userName": who.arn.rpartition("/")[2]}
