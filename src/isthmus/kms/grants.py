"""Grants: made, listed, retired by whom they name, revoked by who administers the key.

Source: CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant in the AWS KMS API reference; KMS
Developer Guide, "Granting CreateGrant permission", "Retiring and revoking grants".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from isthmus.identity import InvalidPrincipal
from isthmus.names import Arn, InvalidArn, root_arn
from isthmus.operation import AccessDenied, Call, Permission, Resource, decide_for, operation
from isthmus.policy import PolicyDocument
from isthmus.policy.principals import account_named
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .errors import dry_run, not_found, validation
from .granting import SELECT, Grant, check_grant_tokens, fitting_grants, grant_of_token, grant_token, names
from .key_specs import ENCRYPT, MAC, SIGN, SYMMETRIC
from .keys_table import AWS, Key, find_key
from .paging import page
from .references import resolve
from .resources import key_permission, the_key, usable

_OPERATIONS_OF_USAGE = {
    ENCRYPT: frozenset({"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}),
    SIGN: frozenset({"Sign", "Verify"}),
    MAC: frozenset({"GenerateMac", "VerifyMac"}),
}
_OF_SYMMETRIC = frozenset({
    "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
})  # fmt: skip
_OF_EVERY_KEY = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})


# CreateGrant


@operation("kms", "CreateGrant", key_permission("kms:CreateGrant", across=True))
async def create_grant(call: Call) -> dict[str, Any]:
    """Give a principal some operations on a key. A request repeated under the same name finds its grant again."""
    given, system = call.input, call.system
    key = usable(the_key(call))
    check_grant_tokens(call)
    if key.manager == AWS:
        raise AwsError("AccessDenied", f"{key.arn} is an AWS managed key: grants on it are for AWS services.", 403)
    wanted = await _wanted(call, key)
    await _check_parent(call, key, wanted)
    if given.get("DryRun"):
        raise dry_run()

    async def work(tx: Transaction) -> Grant:
        if wanted.name:
            for row in await tx.fetch_all(SELECT + "key_arn = ? AND name = ?", key.arn, wanted.name):
                there = Grant.of(row)
                if there._replace(id="", created=0.0) == wanted._replace(id="", created=0.0):
                    return there
        await tx.execute(
            "INSERT INTO kms_grants (id, key_arn, name, grantee, grantee_id, retiring, retiring_id, operations,"
            " constraints, issuing_account, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *wanted[:7], json.dumps(wanted.operations), json.dumps(wanted.constraints), *wanted[9:],
        )  # fmt: skip
        return wanted

    grant = await system.identity.write(work)
    return {"GrantId": grant.id, "GrantToken": grant_token(system, grant)}


async def _wanted(call: Call, key: Key) -> Grant:
    """The grant that the request describes. Raises ValidationException, InvalidArnException."""
    given = call.input
    grantee, retiring = _one(given, "Grantee"), _one(given, "Retiring")
    if grantee is None:
        raise validation("You must specify either GranteePrincipal or GranteeServicePrincipal.")
    constraints = {name: value for name, value in (given.get("Constraints") or {}).items() if value}
    if given.get("GranteeServicePrincipal") and not (constraints.get("SourceArn") and retiring):
        raise validation(
            "A grant with GranteeServicePrincipal needs a SourceArn constraint and a RetiringPrincipal or "
            "RetiringServicePrincipal."
        )
    if constraints.keys() & {"EncryptionContextEquals", "EncryptionContextSubset"} and key.spec != SYMMETRIC:
        raise validation("Encryption context constraints need a symmetric encryption KMS key.")
    fitting = _OF_EVERY_KEY | _OPERATIONS_OF_USAGE[key.usage]
    if key.spec == SYMMETRIC:
        fitting |= _OF_SYMMETRIC
    elif key.spec.startswith(("RSA_", "ECC_")):
        fitting |= {"GetPublicKey"}
    operations = sorted(set(given["Operations"]))
    if not operations or not fitting >= set(operations):
        raise validation(f"The operations must be among {', '.join(sorted(fitting))} for this key.")
    return Grant(
        id=call.system.entropy(32).hex(),
        key_arn=key.arn,
        name=given.get("Name") or "",
        grantee=grantee,
        grantee_id=await _entity_id(call, grantee, service="GranteeServicePrincipal" in given),
        retiring=retiring,
        retiring_id=None
        if retiring is None
        else await _entity_id(call, retiring, service="RetiringServicePrincipal" in given),
        operations=tuple(operations),
        constraints=constraints,
        issuing_account=call.account,
        created=call.now,
    )


def _one(given: Mapping[str, Any], who: str) -> str | None:
    """The principal or the service principal of the request, not both. Raises ValidationException."""
    principal, service = given.get(f"{who}Principal"), given.get(f"{who}ServicePrincipal")
    if principal and service:
        raise validation(f"You can specify either {who}Principal or {who}ServicePrincipal, but not both.")
    return principal or service or None


async def _entity_id(call: Call, named: str, *, service: bool) -> str | None:
    """The unique id that a user's or role's ARN means; None for sessions, accounts and services.

    Raises InvalidArnException for a principal that does not exist.
    """
    if service or named.endswith(".amazonaws.com") or account_named(named) is not None:
        return None
    try:
        arn = Arn.parse(named)
    except InvalidArn:
        raise _invalid_principal(named) from None
    if arn.service == "sts":
        return None
    statement = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "*", "Resource": "*"}
    document = PolicyDocument.made({"Version": "2012-10-17", "Statement": [statement]})
    try:
        return (await call.system.directory.principal_ids(document)).get(named)
    except InvalidPrincipal:
        raise _invalid_principal(named) from None


def _invalid_principal(named: str) -> AwsError:
    return AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {named}")


async def _check_parent(call: Call, key: Key, wanted: Grant) -> None:
    """Raises AccessDenied where the permission comes from a grant that does not reach as far as the new one.

    Who may by a policy is not limited.
    """
    parents = await fitting_grants(call, key, "CreateGrant", {})
    if not parents:
        return
    resource = await key_permission("kms:CreateGrant", across=True).on(call)
    if (await decide_for(call, "kms:CreateGrant", resource._replace(granted=False))).allowed:
        return
    for parent in parents:
        if set(wanted.operations) <= set(parent.operations) and _as_strict(wanted.constraints, parent.constraints):
            return
    raise AwsError(
        "AccessDenied",
        "A grant made by permission of a grant may have no more operations than that one, and must have constraints at "
        "least as strict.",
        403,
    )


def _as_strict(child: Mapping[str, Any], parent: Mapping[str, Any]) -> bool:
    """Whether whatever fits the child's constraints fits the parent's."""
    equals = parent.get("EncryptionContextEquals")
    subset: Mapping[str, str] = parent.get("EncryptionContextSubset") or {}
    child_equals: Mapping[str, str] | None = child.get("EncryptionContextEquals")
    if equals is not None and child_equals != equals:
        return False
    sure = child_equals if child_equals is not None else child.get("EncryptionContextSubset") or {}
    if not subset.items() <= sure.items():
        return False
    return parent.get("SourceArn") in (None, child.get("SourceArn"))


# Lists


def _entry(grant: Grant) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "KeyId": grant.key_arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": grant.created,
        "IssuingAccount": root_arn(grant.issuing_account),
        "Operations": list(grant.operations),
    }
    entry["GranteePrincipal" if grant.grantee.startswith("arn:") else "GranteeServicePrincipal"] = grant.grantee
    if grant.retiring is not None:
        entry["RetiringPrincipal" if grant.retiring.startswith("arn:") else "RetiringServicePrincipal"] = grant.retiring
    if grant.constraints:
        entry["Constraints"] = dict(grant.constraints)
    return entry


@operation("kms", "ListGrants", key_permission("kms:ListGrants", across=True))
async def list_grants(call: Call) -> dict[str, Any]:
    """A page of a key's grants, all or those with an id or a grantee."""
    given = call.input
    key = the_key(call)
    rows = await call.system.identity.fetch_all(SELECT + "key_arn = ?", key.arn)
    grantee = given.get("GranteePrincipal") or given.get("GranteeServicePrincipal")
    wanted = [
        grant
        for grant in map(Grant.of, rows)
        if given.get("GrantId") in (None, grant.id) and grantee in (None, grant.grantee)
    ]
    shown, more = page(given, wanted, lambda grant: grant.id, default=50)
    return {"Grants": [_entry(grant) for grant in shown], **more}


async def _retiring_principal(call: Call) -> Resource:
    """Listing retirable grants is asked for on the principal, which must be of the caller's account."""
    named = call.input.get("RetiringPrincipal") or "*"
    return Resource(named, call.account, context={"kms:calleraccount": call.account})


@operation("kms", "ListRetirableGrants", Permission("kms:ListRetirableGrants", _retiring_principal))
async def list_retirable_grants(call: Call) -> dict[str, Any]:
    """A page of the grants, on keys of any account, that a principal may retire."""
    retiring = _one(call.input, "Retiring")
    if retiring is None:
        raise validation("You must specify either RetiringPrincipal or RetiringServicePrincipal.")
    if retiring.startswith("arn:") and retiring.split(":")[4] != call.account:
        raise validation("The retiring principal must be in your account.")
    rows = await call.system.identity.fetch_all(SELECT + "retiring = ?", retiring)
    shown, more = page(call.input, map(Grant.of, rows), lambda grant: grant.id, default=50)
    return {"Grants": [_entry(grant) for grant in shown], **more}


# Ending grants


def _decided_inside(_call: Call) -> bool:
    """`when` of a permission that the operation decides itself."""
    return False


@operation(
    "kms",
    "RetireGrant",
    key_permission("kms:RetireGrant", when=_decided_inside, condition="unless the grant names the caller"),
)
async def retire_grant(call: Call) -> None:
    """End a grant, as one whom it names or as the account that made it."""
    given = call.input
    token = given.get("GrantToken")
    if token:
        if given.get("KeyId") or given.get("GrantId"):
            raise validation("Specify either a grant token, or a key ID and a grant ID.")
        grant_id, arn = grant_of_token(call, token)
    elif given.get("KeyId") and given.get("GrantId"):
        grant_id, arn = given["GrantId"], (await resolve(call, given["KeyId"], aliases=False)).arn
    else:
        raise validation("Specify either a grant token, or a key ID and a grant ID.")
    row = await call.system.identity.fetch_one(SELECT + "id = ? AND key_arn = ?", grant_id, arn)
    if row is None:
        raise not_found(f"Grant ID {grant_id} not found")
    grant = Grant.of(row)
    await _tell_of(call, grant)
    await _check_may_retire(call, grant)
    if given.get("DryRun"):
        raise dry_run()
    await _remove(call, grant)


async def _tell_of(call: Call, grant: Grant) -> None:
    """For the audit trail: a token names neither the key nor the grant."""
    key = await find_key(call.system, grant.key_arn)
    if key is not None:
        call.resources = (Resource(key.arn, key.account, key.policy),)
    call.found["retired grant"] = grant.id


async def _check_may_retire(call: Call, grant: Grant) -> None:
    """Raises AccessDenied unless the grant names the caller, or its account may and lets the caller."""
    principal = call.caller.principal
    named = names(principal, grant.retiring, grant.retiring_id) or (
        "RetireGrant" in grant.operations and names(principal, grant.grantee, grant.grantee_id)
    )
    accounts = {grant.issuing_account, grant.key_arn.split(":")[4]}
    if grant.retiring is not None and account_named(grant.retiring) is not None:
        accounts.add(str(account_named(grant.retiring)))
    # The account's own identity policies decide; of another account's key they can say nothing without being asked.
    account = call.account if named or call.account in accounts else grant.issuing_account
    resource = Resource(grant.key_arn, account, context={"kms:calleraccount": call.account}, granted=named)
    decision = await decide_for(call, "kms:RetireGrant", resource)
    if not decision.allowed:
        raise AccessDenied(decision, decision.message)


@operation("kms", "RevokeGrant", key_permission("kms:RevokeGrant", across=True))
async def revoke_grant(call: Call) -> None:
    """End a grant, as an administrator of its key."""
    key = the_key(call)
    grant_id = call.input["GrantId"]
    row = await call.system.identity.fetch_one(SELECT + "id = ? AND key_arn = ?", grant_id, key.arn)
    if row is None:
        raise not_found(f"Grant ID {grant_id} not found")
    if call.input.get("DryRun"):
        raise dry_run()
    await _remove(call, Grant.of(row))


async def _remove(call: Call, grant: Grant) -> None:
    """A key that waits for its deletion can lose grants too (KMS Developer Guide, "Key states of AWS KMS keys")."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM kms_grants WHERE id = ?", grant.id)

    await call.system.identity.write(work)
