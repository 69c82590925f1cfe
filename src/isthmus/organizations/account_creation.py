"""CreateAccount: a new account with a root e-mail address, and a role by which the management account gets in.

The account is there when the answer is: the status says so at once, where AWS has one come back and ask. What is
wrong with the request as a whole is an error; an address that is taken is a status FAILED, as on AWS.

Source: Organizations User Guide, "Creating a member account in your organization".
"""

from __future__ import annotations

import json
import re
from typing import Any

from isthmus.iam import accounts, attachments, roles
from isthmus.iam.entities import Entropy, moment
from isthmus.identity import Vault
from isthmus.names import organizations_id, root_arn
from isthmus.names.organizations import ENTROPY_BYTES
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Row, Transaction

from .access import as_administrator, as_management, on_anything, on_new, with_tags
from .errors import invalid_input, not_found
from .joining import CREATED, join
from .paging import Page, by_time
from .tags import checked_tags, put_tags
from .tree import Organization

DEFAULT_ROLE = "OrganizationAccountAccessRole"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# CreateAccount in the Organizations API reference: what an address may be.
_EMAIL = re.compile(
    r"""[^\s"'()<>\[\]:;,\\|%&@.][^\s"'()<>\[\]:;,\\|%&@]*@[A-Za-z0-9.-]+\.[A-Za-z0-9.-]+\Z""", re.ASCII
)
_SELECT = "SELECT id, name, email, state, failure, account, requested, completed FROM account_creations"


async def insert_member_account(
    tx: Transaction,
    vault: Vault,
    organization: Organization,
    name: str,
    email: str,
    *,
    role: str = DEFAULT_ROLE,
    now: float,
    entropy: Entropy,
) -> str:
    """Add an account, its role for the management account, and its membership; the id. Raises EntityAlreadyExists
    for a role that Organizations itself makes."""
    account = await _free_account_id(tx, entropy)
    await accounts.insert_account(tx, account, name, email, now=now)
    await join(tx, vault, organization, account, method=CREATED, now=now, entropy=entropy)
    principal = {"AWS": root_arn(organization.management_account)}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = await roles.insert_role(tx, vault, account, role, trust, now=now, entropy=entropy)
    await attachments.attach(tx, made, _ADMINISTRATOR)
    return account


async def _free_account_id(tx: Transaction, entropy: Entropy) -> str:
    while True:
        drawn = f"{int.from_bytes(entropy(8), 'big') % 10**12:012d}"
        if await tx.fetch_one("SELECT 1 FROM accounts WHERE id = ?", drawn) is None:
            return drawn


@operation(
    "organizations",
    "CreateAccount",
    Permission("organizations:CreateAccount", on=on_anything),
    with_tags(on_new("account")),
)
async def create_account(call: Call) -> dict[str, Any]:
    """Create a member account. Raises InvalidInputException, ConstraintViolationException."""
    organization, members = as_management(call), call.input
    email, role = members["Email"], members.get("RoleName") or DEFAULT_ROLE
    if not _EMAIL.match(email):
        raise invalid_input("INVALID_PATTERN", "You provided an email address that is not valid.")
    if role.lower().startswith("awsservicerolefor"):
        raise invalid_input("INVALID_ROLE_NAME", "Role names that begin with AWSServiceRoleFor are reserved.")
    tags = checked_tags(members.get("Tags"))
    creation = organizations_id("car", call.system.entropy(ENTROPY_BYTES))

    async def work(tx: Transaction) -> Row:
        account = failure = None
        if await tx.fetch_one("SELECT 1 FROM accounts WHERE lower(email) = ?", email.lower()):
            failure = "EMAIL_ALREADY_EXISTS"
        else:
            account = await insert_member_account(
                tx, call.system.vault, organization, members["AccountName"], email,
                role=role, now=call.now, entropy=call.system.entropy,
            )  # fmt: skip
            await put_tags(tx, organization, account, tags)
        row = (
            creation, members["AccountName"], email, "FAILED" if failure else "SUCCEEDED", failure, account,
            call.now, call.now,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO account_creations (organization, id, name, email, state, failure, account, requested,"
            " completed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            organization.id, *row,
        )  # fmt: skip
        return row

    return {"CreateAccountStatus": _shown(await call.system.identity.write(work))}


@operation(
    "organizations",
    "DescribeCreateAccountStatus",
    Permission("organizations:DescribeCreateAccountStatus", on=on_anything),
)
async def describe_create_account_status(call: Call) -> dict[str, Any]:
    """What became of a CreateAccount. Raises CreateAccountStatusNotFoundException."""
    organization = as_administrator(call)
    row = await call.system.identity.fetch_one(
        f"{_SELECT} WHERE organization = ? AND id = ?", organization.id, call.input["CreateAccountRequestId"]
    )
    if row is None:
        raise not_found("CreateAccountStatus")
    return {"CreateAccountStatus": _shown(row)}


@operation(
    "organizations", "ListCreateAccountStatus", Permission("organizations:ListCreateAccountStatus", on=on_anything)
)
async def list_create_account_status(call: Call) -> dict[str, Any]:
    """Every CreateAccount of the organization, or those in some states; the oldest first."""
    organization, states = as_administrator(call), call.input.get("States")
    page = Page.of(call.input)
    rows = await _creations(call.system.identity, organization)
    found, more = page.cut((row for row in rows if not states or row[3] in states), lambda row: by_time(row[6], row[0]))
    return {"CreateAccountStatuses": [_shown(row) for row in found], **more}


async def _creations(reader: Reader, organization: Organization) -> list[Row]:
    return await reader.fetch_all(f"{_SELECT} WHERE organization = ?", organization.id)


def _shown(row: Row) -> dict[str, Any]:
    creation, name, _, state, failure, account, requested, completed = row
    return {
        "Id": creation,
        "AccountName": name,
        "State": state,
        "RequestedTimestamp": moment(requested),
        "CompletedTimestamp": None if completed is None else moment(completed),
        "AccountId": account,
        "FailureReason": failure,
    }
