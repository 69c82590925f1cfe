"""The text of a refusal, as a terminal, a log or a program shows it, read back into what it says.

AWS's texts: IAM User Guide, "Troubleshoot access denied error messages"; S3 User Guide, "Troubleshoot access denied
(403 Forbidden) errors"; STS API reference, DecodeAuthorizationMessage. Around them stands what the tools add: the AWS
CLI's and boto3's `An error occurred (AccessDenied) when calling the GetObject operation:`, `upload failed: FILE to
s3://…`, the request ids of the other SDKs, S3's and IAM's XML, JSON of the other services, and a record of CloudTrail.

Pure: a text in, a value out.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

_ARN = r"arn:aws[\w-]*:[^\s\"'<>,;]+"
_ACTION = r"[A-Za-z0-9-]+:[A-Za-z0-9*]+"
# Names of users and of sessions may have commas.
_WHO = re.compile(
    rf"User:\s*(?P<who>arn:aws[\w-]*:[^\s\"'<>]+|anonymous)\s+is\s+not\s+authorized\s+to\s+perform:\s*(?P<action>{_ACTION})"
)
# The resource may hold spaces where it is a key of S3, which then stands in quotes.
_RESOURCE = re.compile(rf"on\s+resource:\s*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>{_ARN}|\*))")
_UNSIGNED = re.compile(r"Not authorized to perform (?P<action>sts:AssumeRoleWith\w+)")
_EXPLICIT = re.compile(
    r"with\s+an\s+explicit\s+deny\s+in\s+(?:an?|the)\s+(?P<type>[\w -]*?polic(?:y|ies)|permissions\s+boundary)"
    rf"(?:\s+transitively\s+through\s+an?\s+(?P<through>[\w -]+?policy))?(?::\s*(?P<policy>{_ARN}))?"
)
_SILENT = re.compile(rf"because\s+no\s+(?P<type>[\w -]+?(?:policy|boundary))\s+allows\s+the\s+{_ACTION}\s+action")
_BLOCKED = re.compile(
    r"because\s+public\s+(?:access|policies|ACLs)\s+(?:is|are)\s+prevented\s+by\s+the\s+(?P<setting>\w+)\s+setting"
)
_HIDDEN_KEY = re.compile(r"because\s+the\s+resource\s+does\s+not\s+exist\s+in\s+this\s+Region")
_ENCODED = re.compile(r"[Ee]ncoded\s+authorization\s+failure\s+message:\s*(?P<message>[A-Za-z0-9_=+/-]{20,})")
_CALLING = re.compile(r"when\s+calling\s+the\s+(?P<operation>[A-Za-z0-9]+)\s+operation")
_MOVED = re.compile(r"(?:upload|download|delete|copy|move) failed: (?P<what>.*?)(?: An error occurred|$)", re.MULTILINE)
_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>[^\n]*))?")
_REQUEST = re.compile(
    r"(?:x-amz-request-id|x-amzn-requestid|request[ _]?id)\W{1,4}(?P<id>[0-9A-Za-z][0-9A-Za-z-]{13,})", re.IGNORECASE
)
_TYPES = {
    "identity-based policy": "identity-based policy",
    "resource-based policy": "resource-based policy",
    "role trust policy": "role trust policy",
    "permissions boundary": "permissions boundary",
    "session policy": "session policy",
    "sessions policy": "session policy",  # so written on AWS's page
    "service control policy": "service control policy",
    "resource control policy": "resource control policy",
    "vpc endpoint policy": "VPC endpoint policy",
}
_ID = re.compile(r"[0-9A-Za-z]{16}\Z|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


@dataclass(frozen=True, slots=True)
class Denial:
    """What a text says; None for what it does not say.

    principal, resource: ARNs. action: `service:Name`. layer: AWS's name of the kind of policy (`VPC endpoint policy`
    and `Block Public Access` too). explicit: whether a Deny is said to have refused. policy: its ARN.
    operation: of the API, without its service. encoded: an encoded authorization message.
    """

    principal: str | None = None
    action: str | None = None
    resource: str | None = None
    layer: str | None = None
    explicit: bool | None = None
    policy: str | None = None
    operation: str | None = None
    request_id: str | None = None
    encoded: str | None = None


def is_request_id(text: str) -> bool:
    """Whether a word looks like a request id: S3's 16 characters, or the UUID of the other services."""
    return _ID.match(text) is not None


def read_denial(text: str) -> Denial:
    """What a refusal says, in whatever it is wrapped."""
    found = Denial()
    for part in _parts(text.strip()):
        found = _merged(found, part)
    return found


def _parts(text: str) -> Iterator[Denial]:
    """What the wrapping says by itself, then what the words in it say."""
    value = _json(text)
    if value is not None:
        yield from _json_parts(value)
        return
    plain = html.unescape(text)
    if "<" in text:
        encoded = re.search(r"<EncodedAuthorizationMessage>\s*([^<\s]+)", text)
        identifier = re.search(r"<Request(?:I|_i)d>\s*([^<\s]+)", text, re.IGNORECASE)
        bucket, key = (re.search(rf"<{name}>([^<]+)", text) for name in ("BucketName", "Key"))
        resource = None
        if bucket is not None:
            resource = f"arn:aws:s3:::{bucket[1]}" + (f"/{html.unescape(key[1])}" if key is not None else "")
        yield Denial(
            encoded=encoded[1] if encoded else None,
            request_id=identifier[1] if identifier else None,
            resource=resource,
        )
        plain = html.unescape(re.sub(r"<[^>]*>", " ", text))
    yield _words(plain)


def _words(text: str) -> Denial:
    who, resource = _WHO.search(text), _RESOURCE.search(text)
    unsigned, calling = _UNSIGNED.search(text), _CALLING.search(text)
    identifier, encoded = _REQUEST.search(text), _ENCODED.search(text)
    denial = Denial(
        principal=who["who"] if who else None,
        action=who["action"] if who else unsigned["action"] if unsigned else None,
        resource=_resource(resource["quoted"] or resource["plain"]) if resource else _moved(text),
        operation=calling["operation"] if calling else None,
        request_id=identifier["id"] if identifier else None,
        encoded=encoded["message"] if encoded else None,
    )
    return _with_reason(denial, text)


def _with_reason(denial: Denial, text: str) -> Denial:
    explicit, silent, blocked = _EXPLICIT.search(text), _SILENT.search(text), _BLOCKED.search(text)
    if explicit:
        kind = explicit["through"] or explicit["type"]
        return replace(denial, layer=_type(kind), explicit=True, policy=_trimmed(explicit["policy"]))
    if silent:
        return replace(denial, layer=_type(silent["type"]), explicit=False)
    if blocked:
        return replace(denial, layer="Block Public Access", explicit=False)
    if _HIDDEN_KEY.search(text):
        return replace(denial, layer="resource-based policy")
    return denial


def _type(words: str) -> str:
    return _TYPES.get(re.sub(r"\s+", " ", words).lower(), words)


def _resource(text: str) -> str:
    return text if text == "*" else text.rstrip(".")


def _trimmed(arn: str | None) -> str | None:
    return None if arn is None else arn.rstrip(".)")


def _moved(text: str) -> str | None:
    """The object of `upload failed: FILE to s3://BUCKET/KEY`, where there is one alone."""
    moved = _MOVED.search(text)
    if moved is None:
        return None
    said = [_ADDRESS.search(part) for part in moved["what"].split(" to ")]
    addresses = [one for one in said if one is not None]
    if len(addresses) != 1:
        return None
    (address,) = addresses
    key = (address["key"] or "").strip()
    return f"arn:aws:s3:::{address['bucket']}" + (f"/{key}" if key else "")


def _json(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _json_parts(value: dict[str, Any]) -> Iterator[Denial]:
    """boto3's `response`, the body of a JSON service, or a record of CloudTrail (also inside LookupEvents' answer)."""
    inner = value.get("CloudTrailEvent")
    if isinstance(inner, str):
        yield from _json_parts(_json(inner) or {})
        return
    nested = value.get("Error") if isinstance(value.get("Error"), dict) else {}
    metadata = value.get("ResponseMetadata") if isinstance(value.get("ResponseMetadata"), dict) else {}
    assert isinstance(nested, dict)
    assert isinstance(metadata, dict)
    lower = {key.lower(): item for key, item in (*value.items(), *nested.items(), *metadata.items())}

    def said(*names: str) -> str | None:
        return next((lower[name] for name in names if isinstance(lower.get(name), str) and lower[name]), None)

    identity = lower.get("useridentity")
    yield Denial(
        principal=identity.get("arn") if isinstance(identity, dict) else None,
        operation=said("eventname"),
        request_id=said("requestid"),
        encoded=said("encodedauthorizationmessage"),
    )
    message = said("errormessage", "message")
    if message is not None:
        yield _words(html.unescape(message))
    resource = _recorded_resource(lower)
    if resource is not None:
        yield Denial(resource=resource)


def _recorded_resource(record: dict[str, Any]) -> str | None:
    """What a record of CloudTrail was about, where the message does not say it."""
    parameters = record.get("requestparameters")
    if not isinstance(parameters, dict):
        return None
    if isinstance(parameters.get("roleArn"), str):
        return str(parameters["roleArn"])
    bucket, key = parameters.get("bucketName"), parameters.get("key")
    if not isinstance(bucket, str):
        return None
    return f"arn:aws:s3:::{bucket}" + (f"/{key}" if isinstance(key, str) else "")


def _merged(first: Denial, second: Denial) -> Denial:
    """What either says; the later one where both do, since words say more than what they are wrapped in."""
    values = {
        name: getattr(second, name) if getattr(second, name) is not None else getattr(first, name)
        for name in Denial.__slots__
    }
    return Denial(**values)
