"""AWS's services as callers: what they do on their own for somebody, decided by the same policies.

Server access logging, replication and CloudTrail write into buckets as service principals. Nobody signs these
requests; the resource's policies decide alone, and see for whom the service acts.

Source: IAM User Guide, "AWS JSON policy elements: Principal" (service principals) and "The confused deputy problem"
(`aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID`, `aws:SourceOrgPaths`). A service belongs to no organization:
`aws:PrincipalOrgID` never holds for it.
"""

from __future__ import annotations

from typing import Any

from isthmus.identity.authenticated import context_at
from isthmus.policy import ContextValue, Principal, PrincipalKind, PrincipalPolicies
from isthmus.wire import AwsError, Body, BytesBody, Request

from .authorise import authorise
from .call import Call, Caller, System
from .registry import OPERATIONS, Execute


def service_caller(service: str, source_account: str) -> Caller:
    """The service `service` (`logging.s3.amazonaws.com`) acting for an account."""
    return Caller(Principal(PrincipalKind.SERVICE, source_account, service, service, service), PrincipalPolicies())


async def service_context(
    system: System, service: str, source_account: str, source_arn: str
) -> dict[str, ContextValue]:
    """The condition keys of a request that a service makes for the resource `source_arn` of an account."""
    membership = await system.directory.membership(source_account)
    of_organization: dict[str, ContextValue] = {}
    if membership is not None:
        of_organization = {"aws:sourceorgid": membership.organization, "aws:sourceorgpaths": (membership.path,)}
    # A service has neither tags nor an address of its own; the keys that describe a user's request are absent.
    return of_organization | {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        "aws:principalservicenameslist": (service,),
        "aws:sourceaccount": source_account,
        "aws:sourcearn": source_arn,
        "aws:securetransport": "true",
        "aws:viaawsservice": "false",
        "aws:requestedregion": system.settings.region,
    }


async def service_call(
    system: System,
    service: str,
    operation: tuple[str, str],
    given: dict[str, Any],
    *,
    source_account: str,
    source_arn: str,
    body: Body | None = None,
    request_id: str = "",
) -> Call:
    """A call that a service makes, before the fourth door.

    operation: `("s3", "PutObject")`. given: its input by botocore's names. body: of operations that stream.
    """
    now = system.clock()
    return Call(
        operation=OPERATIONS[operation],
        input=given,
        caller=service_caller(service, source_account),
        # AWS's own records call the address of a service by the service's name.
        request=Request("POST", "/", "", {}, body or BytesBody(), client=service, secure=True),
        system=system,
        context=await service_context(system, service, source_account, source_arn) | context_at(None, now),
        request_id=request_id or system.entropy(8).hex().upper(),
        now=now,
        region=system.settings.region,
    )


async def call_as_service(
    system: System,
    service: str,
    operation: tuple[str, str],
    given: dict[str, Any],
    *,
    source_account: str,
    source_arn: str,
    body: bytes = b"",
) -> Any:
    """Pass the fourth and fifth door as a service; the operation's output.

    The arguments are those of `service_call`. Raises AwsError: AccessDenied where the resource's policies do not
    allow it, and what the operation raises.
    """
    call = await service_call(
        system, service, operation, given,
        source_account=source_account, source_arn=source_arn, body=BytesBody(body),
    )  # fmt: skip
    return await perform_as_service(call)


async def perform_as_service(call: Call, execute: Execute | None = None) -> Any:
    """Pass the fourth and fifth door with a call of a service, and note it for whoever records requests.

    execute: in the place of the operation's own function. Raises AwsError as `call_as_service`.
    """
    try:
        await authorise(call)
        call.output = await (execute or call.operation.execute)(call)
    except AwsError as error:
        call.system.note_service_call(call, error)
        raise
    call.system.note_service_call(call, None)
    return call.output
