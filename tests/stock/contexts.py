"""The context of a real request, as the message of its refusal holds it.

The owner of the resource decodes the message; it has every key that the policies saw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stage import OWNER, Someone, Stage

Context = dict[str, Any]
Request = Callable[[], Any]
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SECONDS = re.compile(r"\d+")

NETWORK: Context = {
    "aws:currenttime": MOMENT,
    "aws:epochtime": SECONDS,
    "aws:requestedregion": "us-east-1",
    "aws:securetransport": "false",
    "aws:sourceip": "127.0.0.1",
    "aws:useragent": re.compile(r"Boto3/.*"),
    "aws:viaawsservice": "false",
}
ON_OWNER: Context = {"aws:resourceaccount": OWNER}
ON_BUCKET: Context = {**ON_OWNER, "s3:resourceaccount": OWNER}
S3: Context = {
    **ON_BUCKET,
    "s3:authtype": "REST-HEADER",
    "s3:signatureversion": "AWS4-HMAC-SHA256",
    "s3:x-amz-content-sha256": re.compile(r"[0-9a-f]{64}|STREAMING-UNSIGNED-PAYLOAD-TRAILER|UNSIGNED-PAYLOAD"),
}


def of_user(user: Someone) -> Context:
    """The keys of an IAM user with long-term credentials."""
    return {
        "aws:principalaccount": user.arn.split(":")[4],
        "aws:principalarn": user.arn,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "User",
        "aws:userid": re.compile(r"AIDA[A-Z0-9]{17}"),
        "aws:username": user.name,
    }


def of_session(role: str, name: str = "stock", mfa: str = "false") -> Context:
    """The keys of a role's session."""
    return {
        "aws:multifactorauthpresent": mfa,
        "aws:principalaccount": OWNER,
        "aws:principalarn": role,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "AssumedRole",
        "aws:tokenissuetime": MOMENT,
        "aws:userid": re.compile(rf"AROA[A-Z0-9]{{17}}:{name}"),
    }


def decoded(stage: Stage, message: str) -> tuple[str, Context]:
    """The action and the context of a refusal, as the owner sees them."""
    found = json.loads(stage.owner.sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    context: Context = {}
    for item in found["context"]["conditions"]["items"]:
        values = [one["value"] for one in item["values"]["items"]]
        context[item["key"]] = values[0] if len(values) == 1 else values
    return found["context"]["action"], context


def seen(stage: Stage, request: Request) -> tuple[str, Context]:
    """What the policies saw of a request that was refused."""
    with pytest.raises(ClientError) as refused:
        request()
    return decoded(stage, refused.value.response["Error"]["EncodedAuthorizationMessage"])


def check(found: tuple[str, Context], action: str, *expected: Context) -> None:
    """Exactly these keys; a pattern stands for values that match it."""
    asked, context = found
    wanted: Context = {}
    for part in expected:
        wanted |= part
    assert asked == action
    assert sorted(context) == sorted(wanted)
    wrong = {key: value for key, value in context.items() if not _is(value, wanted[key])}
    assert wrong == {}


def _is(value: Any, wanted: Any) -> bool:
    return wanted.fullmatch(value) is not None if isinstance(wanted, re.Pattern) else bool(value == wanted)
