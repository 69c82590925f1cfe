"""Handshakes: what one account proposes and another accepts or declines.

    INVITE                 management account → a standalone account: join; OPEN for fifteen days
    ENABLE_ALL_FEATURES    of the organization with itself: REQUESTED until all invited members have approved, then
                           OPEN, and the management account accepts it to finish; ninety days
    APPROVE_ALL_FEATURES   management account → each invited member; created members are not asked

An answer is final: whatever comes after it is InvalidHandshakeTransitionException, the same again
HandshakeAlreadyInStateException. Source: Organizations API reference, Handshake and EnableAllFeatures; Organizations
User Guide, "Inviting an account to join your organization", "Enabling all features in your organization".
"""

from __future__ import annotations

from typing import Any

from isthmus.identity.membership import ALL_FEATURES
from isthmus.operation import Call, Permission, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .access import as_administrator, as_management, on_anything, on_handshake, on_new, resource, standing, with_tags
from .errors import handshake_violated, invalid_input, not_found, not_permitted
from .handshake_rows import (
    ACCEPTED,
    CANCELED,
    DAY,
    DECLINED,
    OPEN,
    PENDING,
    REQUESTED,
    Handshake,
    handshake,
    handshakes,
    insert_handshake,
    set_state,
    shown_handshake,
)
from .joining import INVITED, join
from .paging import Page, by_time
from .service_linked_role import check_may_create_role
from .tags import checked_tags, put_tags
from .tree import Organization, members, organization_by_id, organization_of

INVITE, ENABLE, APPROVE = "INVITE", "ENABLE_ALL_FEATURES", "APPROVE_ALL_FEATURES"
INVITATION_DAYS = 15
ALL_FEATURES_DAYS = 90


async def _on_invited(call: Call) -> Any:
    """The account that is invited; an address has no ARN."""
    target = call.input["Target"]
    if target["Type"] == "ACCOUNT":
        organization = (await standing(call)).organization
        if organization is not None:
            return await resource(call, organization.arn("account", target["Id"]))
    return await resource(call, "*")


@operation(
    "organizations",
    "InviteAccountToOrganization",
    Permission("organizations:InviteAccountToOrganization", on=_on_invited),
    with_tags(on_new("account")),
)
async def invite_account_to_organization(call: Call) -> dict[str, Any]:
    """Invite a standalone account, by its id or its root's e-mail address. Raises
    HandshakeConstraintViolationException, DuplicateHandshakeException, InvalidInputException."""
    organization, target = as_management(call), call.input["Target"]
    tags = checked_tags(call.input.get("Tags"))

    async def work(tx: Transaction) -> Handshake:
        account = await _invited(tx, target["Type"], target["Id"])
        if await organization_of(tx, account) is not None:
            message = "The invited account is already a member of an organization."
            raise handshake_violated("ALREADY_IN_AN_ORGANIZATION", message)
        if await _pending(tx, call.now, organization, ENABLE):
            message = "Accounts cannot be invited while the organization is enabling all features."
            raise handshake_violated("INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES", message)
        if any(one.account == account for one in await _pending(tx, call.now, organization, INVITE)):
            raise AwsError(
                "DuplicateHandshakeException", "The account has a pending invitation from this organization already."
            )
        return await insert_handshake(
            tx, organization, INVITE, OPEN, now=call.now, seconds=INVITATION_DAYS * DAY, entropy=call.system.entropy,
            account=account, party_type=target["Type"], party=target["Id"], notes=call.input.get("Notes"), tags=tags,
        )  # fmt: skip

    made = await call.system.identity.write(work)
    return {"Handshake": await shown_handshake(call.system.identity, made)}


async def _invited(tx: Transaction, kind: str, party: str) -> str:
    """The account that an invitation names. Raises InvalidInputException."""
    if kind == "ORGANIZATION":
        message = "An invitation is for an account: its Type is ACCOUNT or EMAIL."
        raise invalid_input("INVALID_PARTY_TYPE_TARGET", message)
    by, value = ("id", party) if kind == "ACCOUNT" else ("lower(email)", party.lower())
    rows = await tx.fetch_all(f"SELECT id FROM accounts WHERE {by} = ?", value)  # noqa: S608
    if len(rows) != 1:
        reason = "INVALID_PATTERN_TARGET_ID" if kind == "ACCOUNT" else "INVALID_EMAIL_ADDRESS_TARGET"
        raise invalid_input(reason, f"There is no account that {party} names: no invitation can reach it.")
    return str(rows[0][0])


@operation("organizations", "EnableAllFeatures", Permission("organizations:EnableAllFeatures", on=on_anything))
async def enable_all_features(call: Call) -> dict[str, Any]:
    """Begin to enable all features: each invited member is asked to approve. Raises
    HandshakeConstraintViolationException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> Handshake:
        if organization.all_features:
            message = "The organization has all features enabled already."
            raise handshake_violated("ORGANIZATION_ALREADY_HAS_ALL_FEATURES", message)
        if await _pending(tx, call.now, organization, ENABLE):
            message = "The organization is enabling all features already."
            raise handshake_violated("ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION", message)
        asked = [
            one.id
            for one in await members(tx, organization)
            if one.joined_method == INVITED and one.id != organization.management_account
        ]
        times: dict[str, Any] = {
            "now": call.now, "seconds": ALL_FEATURES_DAYS * DAY, "entropy": call.system.entropy,
        }  # fmt: skip
        made = await insert_handshake(
            tx, organization, ENABLE, REQUESTED if asked else OPEN, account=organization.management_account,
            party_type="ORGANIZATION", party=organization.id, **times,
        )  # fmt: skip
        for account in asked:
            await insert_handshake(
                tx, organization, APPROVE, OPEN, account=account, party_type="ACCOUNT", party=account, parent=made.id,
                **times,
            )  # fmt: skip
        return made

    made = await call.system.identity.write(work)
    return {"Handshake": await shown_handshake(call.system.identity, made)}


@operation("organizations", "AcceptHandshake", Permission("organizations:AcceptHandshake", on=on_handshake))
async def accept_handshake(call: Call) -> dict[str, Any]:
    """Say yes: join, approve all features, or finish enabling them. Raises HandshakeNotFoundException,
    InvalidHandshakeTransitionException, HandshakeAlreadyInStateException, HandshakeConstraintViolationException,
    AccessDeniedException, AccessDeniedForDependencyException."""
    found = await handshake(call.system.identity, call.now, call.input["HandshakeId"])
    if found is not None and found.action == INVITE and found.account == call.account:
        await check_may_create_role(call)

    async def work(tx: Transaction) -> Handshake:
        found = await _to_answer(tx, call, ACCEPTED)
        organization = await organization_by_id(tx, found.organization)
        if organization is None:  # its handshakes were cancelled with it
            raise not_found("Handshake")
        if found.action == INVITE:
            await _join(tx, call, organization, found)
        elif found.action == APPROVE:
            await _approve(tx, call, found)
        else:
            if await _waiting_for(tx, call, found.id):
                raise _transition(found)
            await tx.execute("UPDATE organizations SET feature_set = ? WHERE id = ?", ALL_FEATURES, organization.id)
        return await set_state(tx, found, ACCEPTED, call.now)

    done = await call.system.identity.write(work)
    return {"Handshake": await shown_handshake(call.system.identity, done)}


async def _join(tx: Transaction, call: Call, organization: Organization, found: Handshake) -> None:
    if await organization_of(tx, call.account) is not None:
        message = "The account is already a member of an organization: leave that first."
        raise handshake_violated("ALREADY_IN_AN_ORGANIZATION", message)
    await join(
        tx, call.system.vault, organization, call.account, method=INVITED, now=call.now, entropy=call.system.entropy
    )
    await put_tags(tx, organization, call.account, found.tags)


async def _approve(tx: Transaction, call: Call, found: Handshake) -> None:
    """When the last of the members has approved, the management account may finish."""
    waiting = await _waiting_for(tx, call, found.parent or "")
    if [one.id for one in waiting] == [found.id]:
        await tx.execute("UPDATE handshakes SET state = ? WHERE id = ? AND state = ?", OPEN, found.parent, REQUESTED)


async def _waiting_for(tx: Transaction, call: Call, enabling: str) -> list[Handshake]:
    """The approvals that are missing. Of a member that has left since, none is asked any more."""
    asked = await handshakes(tx, call.now, "parent = ?", enabling)
    return [one for one in asked if one.state not in (ACCEPTED, CANCELED)]


@operation("organizations", "DeclineHandshake", Permission("organizations:DeclineHandshake", on=on_handshake))
async def decline_handshake(call: Call) -> dict[str, Any]:
    """Say no. Raises HandshakeNotFoundException, InvalidHandshakeTransitionException,
    HandshakeAlreadyInStateException, AccessDeniedException."""

    async def work(tx: Transaction) -> Handshake:
        return await set_state(tx, await _to_answer(tx, call, DECLINED), DECLINED, call.now)

    done = await call.system.identity.write(work)
    return {"Handshake": await shown_handshake(call.system.identity, done)}


@operation("organizations", "CancelHandshake", Permission("organizations:CancelHandshake", on=on_handshake))
async def cancel_handshake(call: Call) -> dict[str, Any]:
    """Take a handshake back, and with it the approvals that it waits for. Raises HandshakeNotFoundException,
    InvalidHandshakeTransitionException, HandshakeAlreadyInStateException, AccessDeniedException."""
    organization = as_management(call)

    async def work(tx: Transaction) -> Handshake:
        found = await handshake(tx, call.now, call.input["HandshakeId"])
        if found is None or found.organization != organization.id:
            raise not_found("Handshake")
        _check_transition(found, CANCELED)
        for one in await handshakes(tx, call.now, "parent = ?", found.id):
            if one.state in PENDING:
                await set_state(tx, one, CANCELED, call.now)
        return await set_state(tx, found, CANCELED, call.now)

    done = await call.system.identity.write(work)
    return {"Handshake": await shown_handshake(call.system.identity, done)}


@operation("organizations", "DescribeHandshake", Permission("organizations:DescribeHandshake", on=on_handshake))
async def describe_handshake(call: Call) -> dict[str, Any]:
    """A handshake that the caller's account sent or received. Raises HandshakeNotFoundException."""
    found = await handshake(call.system.identity, call.now, call.input["HandshakeId"])
    organization = (await standing(call)).organization
    sent = found is not None and organization is not None and found.organization == organization.id
    if found is None or not found.is_shown(call.now) or not (sent or found.account == call.account):
        raise not_found("Handshake")
    return {"Handshake": await shown_handshake(call.system.identity, found)}


@operation(
    "organizations", "ListHandshakesForAccount", Permission("organizations:ListHandshakesForAccount", on=on_anything)
)
async def list_handshakes_for_account(call: Call) -> dict[str, Any]:
    """What the caller's account received, in or outside of an organization; the oldest first."""
    return await _listed(call, "account = ?", call.account)


@operation(
    "organizations",
    "ListHandshakesForOrganization",
    Permission("organizations:ListHandshakesForOrganization", on=on_anything),
)
async def list_handshakes_for_organization(call: Call) -> dict[str, Any]:
    """What the organization sent; the oldest first."""
    return await _listed(call, "organization = ?", as_administrator(call).id)


async def _listed(call: Call, condition: str, value: str) -> dict[str, Any]:
    page, wanted = Page.of(call.input), call.input.get("Filter") or {}
    found = [
        one
        for one in await handshakes(call.system.identity, call.now, condition, value)
        if one.is_shown(call.now)
        and wanted.get("ActionType") in (None, one.action)
        and wanted.get("ParentHandshakeId") in (None, one.parent)
    ]
    cut, more = page.cut(found, lambda one: by_time(one.requested, one.id))
    return {"Handshakes": [await shown_handshake(call.system.identity, one) for one in cut], **more}


async def _pending(tx: Transaction, now: float, organization: Organization, action: str) -> list[Handshake]:
    sent = await handshakes(tx, now, "organization = ? AND action = ?", organization.id, action)
    return [one for one in sent if one.state in PENDING]


async def _to_answer(tx: Transaction, call: Call, state: str) -> Handshake:
    """The handshake, if it is the caller's account's to answer and not answered yet."""
    found = await handshake(tx, call.now, call.input["HandshakeId"])
    if found is None:
        raise not_found("Handshake")
    if found.account != call.account:
        raise not_permitted()
    _check_transition(found, state)
    return found


def _check_transition(found: Handshake, state: str) -> None:
    if found.state == state:
        raise AwsError("HandshakeAlreadyInStateException", f"The handshake is already {state}.")
    if found.state not in PENDING:
        raise _transition(found)


def _transition(found: Handshake) -> AwsError:
    return AwsError(
        "InvalidHandshakeTransitionException", f"A handshake that is {found.state} cannot be answered or cancelled."
    )
