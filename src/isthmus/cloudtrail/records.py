"""From a finished request to its records: one for each account that AWS tells of it.

The caller's account always receives one, and the owner of the bucket, role or key too where that is another account.
Then the records share a `sharedEventID`, have an `eventID` each, and the other account sees the caller only as
`AWSAccount`. A *refused* AssumeRole is not told to the role's account, unless that account asked for it
(`event_selectors`), which is an extension of Isthmus. Callers without an account (unsigned requests, identity
tokens, services) leave a record with the owner alone.

Source: CloudTrail User Guide, "CloudTrail record contents"; IAM User Guide, "Logging IAM and AWS STS API calls with
AWS CloudTrail"; S3 User Guide, "Amazon S3 CloudTrail events". What fails before it is known who asks (a wrong
signature) leaves no record, as on AWS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from isthmus.names import Arn, InvalidArn
from isthmus.operation import AccessDenied, Call
from isthmus.policy import PrincipalKind
from isthmus.wire import AwsError, operation_model, service_model

from . import kms_elements, s3_elements
from .elements import shown_members
from .event import EVENT_VERSION, Category, Event, distinct, event_uuid, iso_second
from .resource_names import named_resources
from .user_identity import foreign_identity, invoked_by, user_identity, username

GLOBAL_SERVICES = frozenset({"iam.amazonaws.com", "organizations.amazonaws.com", "signin.amazonaws.com"})
"""Services without regions: their events are of `us-east-1`."""

EXTENSION = "RefusedAtTheDoor"
"""Marks the record of a refused AssumeRole in the account of the role (`additionalEventData.IsthmusExtension`)."""

_READS = ("Get", "List", "Describe", "Head", "Lookup", "Simulate", "Decode", "Generate", "Search", "Validate")
# Beyond the names that say so: what changes nothing that lasts (`readOnly` is true of them on AWS).
_READ_ONLY = {
    "sts": frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"}),
    "kms": frozenset({"Decrypt", "Encrypt", "ReEncrypt", "Sign", "Verify", "VerifyMac", "DeriveSharedSecret"}),
}
_ANSWERING = frozenset({"GetSessionToken", "GetFederationToken"})  # reads by name whose answers are told
_LONGEST_ELEMENT = 100 * 1024  # bytes of requestParameters and responseElements ("CloudTrail record contents")
_TOLD_AT_THE_DOOR = frozenset({"roleArn", "roleSessionName", "externalId", "durationSeconds"})
_ASSUMING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended. error: None where it succeeded. bytes_out: length of the answer's body."""

    error: AwsError | None = None
    headers: Sequence[tuple[str, str]] = ()
    host_id: str = ""
    bytes_out: int = 0


def events_of(call: Call, answer: Answer) -> list[Event]:
    """The records of a request; none for a request that nobody is to be told of."""
    account = call.caller.principal.account
    recipients = _recipients(call, answer)
    has_account = call.caller.principal.kind not in _WITHOUT_ACCOUNT
    told = [account] if has_account else []
    told += [one for one in recipients if one not in told]
    shared = event_uuid(call.system.entropy(16)) if len(told) > 1 else None
    base = _record(call, answer)
    events = [_event(call, base, one, own=one == account or not has_account, shared=shared) for one in told]
    door = _refused_at_the_door(call, answer, base) if has_account else None
    return events if door is None else [*events, door]


_WITHOUT_ACCOUNT = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.WEB_IDENTITY, PrincipalKind.SERVICE})


def source_of(service: str) -> str:
    """`eventSource` of a service."""
    return "s3.amazonaws.com" if service == "s3control" else f"{service}.amazonaws.com"


def is_read_only(service: str, operation: str) -> bool:
    """Whether an operation changes nothing."""
    return operation.startswith(_READS) or operation in _READ_ONLY.get(service, ())


@cache
def error_name(service: str, code: str) -> str:
    """What records call an error: by the exception in the service's model, where it has one for this code."""
    if service == "s3":
        return code
    model = service_model(service)
    for name in model.shape_names:
        metadata = model.shape_for(name).metadata
        if metadata.get("exception") and (metadata.get("error") or {}).get("code") == code:
            return name
    return code


def _recipients(call: Call, answer: Answer) -> list[str]:
    """Other accounts than the caller's that receive a record, by what the request was about."""
    service = call.operation.service
    if service == "s3":
        return s3_elements.owners(call)
    if service == "sts":
        owner = _role_account(call)
        if owner is None:
            return []
        refused = answer.error is not None and call.caller.principal.kind is not PrincipalKind.WEB_IDENTITY
        return [] if refused else [owner]
    if service == "kms":
        # A key that is not there has no policy: whoever owns its account hears of no guesses.
        return [one.account for one in call.resources if one.policy is not None]
    return []


def _role_account(call: Call) -> str | None:
    """The account of the role that is to be assumed."""
    if call.operation.name not in _ASSUMING:
        return None
    try:
        return Arn.parse(call.input.get("RoleArn") or "").account
    except InvalidArn:
        return None


def _record(call: Call, answer: Answer) -> dict[str, Any]:
    """What the records of all accounts have in common, in CloudTrail's order."""
    service, name, request = call.operation.service, call.operation.name, call.request
    on_the_way = invoked_by(call)
    data = service == "s3" and name in s3_elements.DATA_OPERATIONS
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": None,
        "eventTime": iso_second(call.now),
        "eventSource": source_of(service),
        "eventName": s3_elements.event_name(name) if service == "s3" else name,
        "awsRegion": _region(call),
        "sourceIPAddress": on_the_way or request.client.removeprefix("::ffff:"),
        "userAgent": on_the_way or request.headers.get("user-agent", ""),
    }
    if answer.error is not None:
        record["errorCode"] = error_name(service, answer.error.code)
        record["errorMessage"] = answer.error.message
    record["requestParameters"] = _limited(_request_parameters(call))
    record["responseElements"] = _limited(_response_elements(call, answer))
    if service == "s3":
        record["additionalEventData"] = s3_elements.additional_event_data(call, answer.host_id, answer.bytes_out)
    elif service == "kms" and (additional := kms_elements.additional_event_data(call)):
        record["additionalEventData"] = additional
    record["requestID"] = call.request_id
    record["eventID"] = ""
    record["readOnly"] = is_read_only(service, name)
    touched = _resources(call)
    if touched:
        record["resources"] = touched
    record["eventType"] = "AwsApiCall"
    record["managementEvent"] = not data
    record["recipientAccountId"] = ""
    record["eventCategory"] = "Data" if data else "Management"
    if request.secure and not on_the_way:
        version = {"tlsVersion": f"TLSv{request.tls_version}"} if request.tls_version else {}
        record["tlsDetails"] = {**version, "clientProvidedHostHeader": request.headers.get("host", "")}
    return record


def _event(call: Call, base: dict[str, Any], account: str, own: bool, shared: str | None) -> Event:
    """The record for one account."""
    identity = user_identity(call) if own else foreign_identity(call.caller)
    record = base | {
        "userIdentity": identity,
        "eventID": event_uuid(call.system.entropy(16)),
        "recipientAccountId": account,
    }
    if not own and "errorMessage" in base:
        record["errorMessage"] = _told_to_others(base["errorMessage"], call.caller.principal.arn)
    if not own and call.operation.service == "s3":
        record["requestParameters"] = _limited(s3_elements.request_parameters(call, mail=False))
    if shared is not None:
        record["sharedEventID"] = shared
    return event_from(record, call.now, named_resources(call))


def event_from(record: dict[str, Any], time: float, resources: tuple[tuple[str, str], ...]) -> Event:
    """An event of a whole record."""
    identity = record["userIdentity"]
    category: Category = record["eventCategory"]
    return Event(
        account=record["recipientAccountId"],
        event_id=record["eventID"],
        time=time,
        region=record["awsRegion"],
        category=category,
        source=record["eventSource"],
        name=record["eventName"],
        read_only=record["readOnly"],
        record=record,
        username=username(identity),
        access_key=identity.get("accessKeyId", ""),
        principal=identity.get("arn", ""),
        error_code=record.get("errorCode", ""),
        event_type=record["eventType"],
        resources=distinct(resources),
        arns=tuple(
            one.get("ARN") or one["ARNPrefix"]
            for one in record.get("resources", ())
            if one["type"] == "AWS::S3::Object" and category == "Data"
        ),
    )


def _refused_at_the_door(call: Call, answer: Answer, base: dict[str, Any]) -> Event | None:
    """The record of a refused AssumeRole for the account of the role, should it have asked for such records.

    It says nothing that the account may not know, so neither the caller's name nor that of its MFA device.
    """
    owner = _role_account(call)
    if call.operation.name != "AssumeRole" or owner in (None, call.account) or answer.error is None:
        return None
    if answer.error.code != "AccessDenied":
        return None
    decided = {"DecidedBy": answer.error.decision.layer.value} if isinstance(answer.error, AccessDenied) else {}
    record = base | {
        "userIdentity": foreign_identity(call.caller),
        "errorMessage": _told_to_others(answer.error.message, call.caller.principal.arn),
        "requestParameters": {
            name: value for name, value in (base["requestParameters"] or {}).items() if name in _TOLD_AT_THE_DOOR
        },
        "eventID": event_uuid(call.system.entropy(16)),
        "recipientAccountId": owner,
        "additionalEventData": {"IsthmusExtension": EXTENSION, **decided},
    }
    return replace(event_from(record, call.now, named_resources(call)), refused_at_the_door=True)


def _told_to_others(message: str, caller: str) -> str:
    """An error's message without the caller's name."""
    told = message.replace(f"User: {caller} ", "The caller ")
    return "The caller was refused." if caller and caller in told else told


def _region(call: Call) -> str:
    if source_of(call.operation.service) in GLOBAL_SERVICES:
        return "us-east-1"
    bucket = call.found.get("bucket") if call.operation.service == "s3" else None
    region: str = getattr(bucket, "region", "") or call.region or call.system.settings.region
    return region


def _request_parameters(call: Call) -> dict[str, Any] | None:
    if call.operation.service == "s3":
        return s3_elements.request_parameters(call)
    shape = operation_model(call.operation.service, call.operation.name).input_shape
    members = None if shape is None else shown_members(shape, call.input)
    return members if call.shown is None else {**(members or {}), **call.shown}


def _response_elements(call: Call, answer: Answer) -> dict[str, Any] | None:
    """What a change answered. Reads tell nothing of what they read."""
    service, name = call.operation.service, call.operation.name
    if answer.error is not None:
        return None
    if service == "s3":
        return None if is_read_only(service, name) else s3_elements.response_elements(list(answer.headers))
    if (name.startswith(_READS) and name not in _ANSWERING) or name in _READ_ONLY["kms"]:
        return None
    shape: Any = operation_model(service, name).output_shape
    answered = None if shape is None or not isinstance(call.output, dict) else shown_members(shape, call.output)
    return kms_elements.response_elements(call, answered) if service == "kms" else answered


def _resources(call: Call) -> list[dict[str, str]]:
    service = call.operation.service
    if service == "s3":
        return s3_elements.resources(call)
    if service == "sts":
        owner = _role_account(call)
        arn = call.input.get("RoleArn")
        return [{"accountId": owner, "type": "AWS::IAM::Role", "ARN": arn}] if owner and arn else []
    return kms_elements.resources(call) if service == "kms" else []


def _limited(element: dict[str, Any] | None) -> dict[str, Any] | None:
    """An element, left out where it is longer than CloudTrail keeps."""
    if element is None or len(orjson.dumps(element, default=str)) > _LONGEST_ELEMENT:
        return None
    return element
