"""Forward access sessions: what a service asks of another one on behalf of its caller.

S3 asks KMS for the keys of its callers' objects. The request is decided by the caller's own policies and those of the
resource, as if the caller had made it, but policies see that a service did: `aws:ViaAWSService` is `true`, and
nothing of the caller's network or client is there (`aws:SourceIp`, `aws:UserAgent` …).

Source: IAM User Guide, "Forward access sessions"; KMS Developer Guide, "AWS global condition keys". `aws:CalledVia` is
absent, because S3 is not among the services that the IAM User Guide lists for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.policy import ContextValue
from isthmus.wire import AwsError, BytesBody, Request

from .authorise import authorise
from .call import Call, Performed
from .registry import OPERATIONS

_OF_THE_CLIENT = frozenset({"aws:sourceip", "aws:useragent", "aws:referer"})


async def perform_for_caller(
    call: Call, operation: tuple[str, str], given: dict[str, Any], *, region: str, context: Mapping[str, ContextValue]
) -> Any:
    """Do an operation of another service for the caller of `call`; its output. It is noted in `call.performed`.

    operation: `("kms", "Decrypt")`. given: its input by botocore's names. region: where it is done.
    context: condition keys that name the service on the way (`kms:viaservice`).
    Raises AwsError: AccessDenied where the caller may not, and what the operation raises.
    """
    inner = _inner(call, operation, given, region, context)
    try:
        await authorise(inner)
        output = await inner.operation.execute(inner)
    except AwsError as error:
        call.performed.append(Performed(inner, error))
        raise
    call.performed.append(Performed(inner))
    return output


async def authorise_for_caller(
    call: Call, operation: tuple[str, str], given: dict[str, Any], *, region: str, context: Mapping[str, ContextValue]
) -> None:
    """Only decide whether the caller may have that done, for a service that still knows the answer.

    Raises AwsError as `perform_for_caller`; nothing is noted.
    """
    await authorise(_inner(call, operation, given, region, context))


def _inner(
    call: Call, operation: tuple[str, str], given: dict[str, Any], region: str, context: Mapping[str, ContextValue]
) -> Call:
    keys = {
        name: value for name, value in call.context.items() if name.startswith("aws:") and name not in _OF_THE_CLIENT
    }
    keys |= {"aws:securetransport": "true", "aws:requestedregion": region, "aws:viaawsservice": "true", **context}
    return Call(
        operation=OPERATIONS[operation],
        input=given,
        caller=call.caller,
        request=Request("POST", "/", "", {}, BytesBody(), call.request.client, secure=True),
        system=call.system,
        context=keys,
        request_id=call.system.entropy(8).hex().upper(),
        now=call.now,
        region=region,
    )
