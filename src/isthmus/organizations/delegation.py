"""AWS services that work with the organization, and member accounts that administer one for it.

No such service runs here; templates turn them on all the same. What is used of it: a delegated administrator of any
service may read the organization, and the one of IAM may act as root of members (`iam.amazonaws.com`).
Source: Organizations User Guide, "Using AWS Organizations with other AWS services".
"""

from __future__ import annotations

import re
from typing import Any

from isthmus.iam.entities import moment
from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .access import as_administrator, as_management, on_anything, on_target
from .errors import invalid_input, violated
from .paging import Page
from .tree import Organization, get_member, member, shown_account

_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com\Z")
_on_account = on_target("AccountId")


def _service(call: Call) -> str:
    """The service of the input. Raises InvalidInputException."""
    service: str = call.input["ServicePrincipal"]
    if not _SERVICE.match(service):
        message = "You specified an unrecognized service principal: it must be like member.org.stacksets.amazonaws.com."
        raise invalid_input("UNRECOGNIZED_SERVICE_PRINCIPAL", message)
    return service


@operation(
    "organizations", "EnableAWSServiceAccess", Permission("organizations:EnableAWSServiceAccess", on=on_anything)
)
async def enable_aws_service_access(call: Call) -> dict[str, Any]:
    """Let a service work with the organization; once more is no error. Raises InvalidInputException,
    ConstraintViolationException."""
    organization, service = as_management(call), _service(call)
    _check_all_features(organization)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO organization_services VALUES (?, ?, ?) ON CONFLICT (organization, service) DO NOTHING",
            organization.id, service, call.now,
        )  # fmt: skip

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations", "DisableAWSServiceAccess", Permission("organizations:DisableAWSServiceAccess", on=on_anything)
)
async def disable_aws_service_access(call: Call) -> dict[str, Any]:
    """Take that back; a service that has none is no error. Raises InvalidInputException."""
    organization, service = as_management(call), _service(call)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "DELETE FROM organization_services WHERE organization = ? AND service = ?", organization.id, service
        )

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "ListAWSServiceAccessForOrganization",
    Permission("organizations:ListAWSServiceAccessForOrganization", on=on_anything),
)
async def list_aws_service_access_for_organization(call: Call) -> dict[str, Any]:
    """The services that work with the organization."""
    organization = as_administrator(call)
    rows = await call.system.identity.fetch_all(
        "SELECT service, enabled FROM organization_services WHERE organization = ?", organization.id
    )
    found, more = Page.of(call.input).cut(rows, lambda row: row[0])
    shown = [{"ServicePrincipal": service, "DateEnabled": moment(enabled)} for service, enabled in found]
    return {"EnabledServicePrincipals": shown, **more}


@operation(
    "organizations",
    "RegisterDelegatedAdministrator",
    Permission("organizations:RegisterDelegatedAdministrator", on=_on_account),
)
async def register_delegated_administrator(call: Call) -> dict[str, Any]:
    """Make a member the administrator of a service. Raises AccountNotFoundException,
    AccountAlreadyRegisteredException, ConstraintViolationException, InvalidInputException."""
    organization, service, account = as_management(call), _service(call), call.input["AccountId"]
    _check_all_features(organization)

    async def work(tx: Transaction) -> None:
        found = await get_member(tx, organization, account)
        if account == organization.management_account:
            message = "You cannot register the management account as a delegated administrator."
            raise violated("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", message)
        if found.closed is not None:
            message = "You cannot register a closed account as a delegated administrator."
            raise violated("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", message)
        if not await tx.fetch_one(
            "SELECT 1 FROM organization_services WHERE organization = ? AND service = ?", organization.id, service
        ):
            message = f"Call EnableAWSServiceAccess for {service} first."
            raise violated("SERVICE_ACCESS_NOT_ENABLED", message)
        if await _is_registered(tx, account, service):
            message = "The account is already a delegated administrator for the service."
            raise AwsError("AccountAlreadyRegisteredException", message)
        await tx.execute(
            "INSERT INTO delegated_administrators (organization, account, service, enabled) VALUES (?, ?, ?, ?)",
            organization.id, account, service, call.now,
        )  # fmt: skip

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "DeregisterDelegatedAdministrator",
    Permission("organizations:DeregisterDelegatedAdministrator", on=_on_account),
)
async def deregister_delegated_administrator(call: Call) -> dict[str, Any]:
    """Take that back. Raises AccountNotFoundException, AccountNotRegisteredException, InvalidInputException."""
    organization, service, account = as_management(call), _service(call), call.input["AccountId"]

    async def work(tx: Transaction) -> None:
        await get_member(tx, organization, account)
        if not await tx.execute(
            "DELETE FROM delegated_administrators WHERE account = ? AND service = ?", account, service
        ):
            raise _not_registered()

    await call.system.identity.write(work)
    return {}


@operation(
    "organizations",
    "ListDelegatedAdministrators",
    Permission("organizations:ListDelegatedAdministrators", on=on_anything),
)
async def list_delegated_administrators(call: Call) -> dict[str, Any]:
    """The accounts that administer a service, or any."""
    organization, service = as_administrator(call), call.input.get("ServicePrincipal")
    page, reader = Page.of(call.input), call.system.identity
    condition, values = ("", ()) if service is None else (" AND service = ?", (service,))
    rows = await reader.fetch_all(
        "SELECT account, MIN(enabled) FROM delegated_administrators WHERE organization = ?"  # noqa: S608
        f"{condition} GROUP BY account",
        organization.id, *values,
    )  # fmt: skip
    found, more = page.cut(rows, lambda row: row[0])
    shown = []
    for account, enabled in found:
        described = await member(reader, organization, account)
        if described is not None:
            one = await shown_account(reader, organization, described)
            shown.append({**one, "DelegationEnabledDate": moment(enabled)})
    return {"DelegatedAdministrators": shown, **more}


@operation(
    "organizations",
    "ListDelegatedServicesForAccount",
    Permission("organizations:ListDelegatedServicesForAccount", on=_on_account),
)
async def list_delegated_services_for_account(call: Call) -> dict[str, Any]:
    """The services that an account administers. Raises AccountNotFoundException, AccountNotRegisteredException."""
    organization, account = as_administrator(call), call.input["AccountId"]
    page, reader = Page.of(call.input), call.system.identity
    await get_member(reader, organization, account)
    rows = await reader.fetch_all("SELECT service, enabled FROM delegated_administrators WHERE account = ?", account)
    if not rows:
        raise _not_registered()
    found, more = page.cut(rows, lambda row: row[0])
    shown = [{"ServicePrincipal": service, "DelegationEnabledDate": moment(enabled)} for service, enabled in found]
    return {"DelegatedServices": shown, **more}


async def _is_registered(tx: Transaction, account: str, service: str) -> bool:
    row = await tx.fetch_one(
        "SELECT 1 FROM delegated_administrators WHERE account = ? AND service = ?", account, service
    )
    return row is not None


def _check_all_features(organization: Organization) -> None:
    if not organization.all_features:
        message = "The organization must have all features enabled."
        raise violated("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE", message)


def _not_registered() -> AwsError:
    message = "The account is not a delegated administrator for the service."
    return AwsError("AccountNotRegisteredException", message)
