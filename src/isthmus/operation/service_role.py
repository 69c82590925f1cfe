"""AWS's services in a role: what a service does for an account with a role that the account gave it.

The role's trust policy must name the service; it sees for which resource and account the service asks. After that
the service is a session of that role like any other: the role's own policies and the resource's decide. Nobody is
given credentials, since nothing leaves the server.

Source: IAM User Guide, "Create a role to delegate permissions to an AWS service"; S3 User Guide, "Setting up
permissions for live replication".
"""

from __future__ import annotations

from isthmus.identity import PrincipalGone, Role, Session
from isthmus.identity.authenticated import context_at, temporary
from isthmus.names import Arn, InvalidArn
from isthmus.policy import ContextValue, Principal, PrincipalKind
from isthmus.wire import AwsError

from .authorise import decide_about
from .call import Caller, System
from .registry import Resource
from .service_principal import service_caller, service_context

_HOUR = 3600.0


class RoleNotAssumed(Exception):
    """The role does not exist, or does not trust the service for this source."""


async def assume_role_as_service(
    system: System, service: str, role_arn: str, session_name: str, *, source_account: str, source_arn: str
) -> tuple[Caller, dict[str, ContextValue]]:
    """The service as a session of the role, and the context of the requests it makes so. Raises RoleNotAssumed."""
    role = await _role(system, role_arn)
    if role is None:
        raise RoleNotAssumed(f"there is no role {role_arn}")
    now = system.clock()
    about_source = await service_context(system, service, source_account, source_arn) | context_at(None, now)
    resource = Resource(role.arn, role.account, role.trust, {"sts:rolesessionname": session_name})
    asking = service_caller(service, source_account)
    try:
        decision = await decide_about(system, asking, about_source, "sts:AssumeRole", resource)
    except AwsError as error:
        raise RoleNotAssumed(error.message) from error
    if not decision.allowed:
        raise RoleNotAssumed(f"{role_arn} does not trust {service} to assume it for {source_arn}")
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}"
    session = Session(
        access_key=f"{service} as {role.id} for {source_arn}",
        kind="AssumeRole",
        principal=Principal(PrincipalKind.ROLE_SESSION, role.account, arn, role.arn, role.id, session_name),
        issued=now,
        expires=now + _HOUR,
    )
    try:
        principal, policies, keys = await temporary(system.directory, session)
    except PrincipalGone:
        raise RoleNotAssumed(f"there is no role {role_arn}") from None
    context: dict[str, ContextValue] = {
        **keys,
        **context_at(session, now),
        "aws:securetransport": "true",
        "aws:viaawsservice": "false",
        "aws:requestedregion": system.settings.region,
    }
    return Caller(principal, policies, session=session), context


async def _role(system: System, role_arn: str) -> Role | None:
    try:
        arn = Arn.parse(role_arn)
    except InvalidArn:
        return None
    role = await system.directory.role(arn.account, arn.name) if arn.resource_type == "role" else None
    return role if role is not None and role.arn == role_arn else None
