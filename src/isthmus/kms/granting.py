"""Which grant of a key, if any, gives the caller an action.

A grant names one principal and some operations; it may demand an encryption context or a source. It takes effect at
once, so a grant token proves nothing that is not known anyway and is only checked to be one.

Source: KMS Developer Guide, "Grants in AWS KMS", "Using grant constraints".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from isthmus.identity import KMS_GRANT_TOKEN, InvalidToken
from isthmus.operation import Call, System
from isthmus.policy import Principal, PrincipalKind
from isthmus.policy.principals import account_named
from isthmus.store import Row
from isthmus.wire import AwsError

from .keys_table import Key

# Operations of a grant that have no encryption context: a constraint on one is ignored for them.
_WITHOUT_CONTEXT = frozenset({"DescribeKey", "RetireGrant", "CreateGrant"})

SELECT = (
    "SELECT id, key_arn, name, grantee, grantee_id, retiring, retiring_id, operations, constraints,"
    " issuing_account, created FROM kms_grants WHERE "
)


class Grant(NamedTuple):
    """A grant. grantee, retiring: as they were given; …_id: the unique id that a user's or role's ARN meant."""

    id: str
    key_arn: str
    name: str
    grantee: str
    grantee_id: str | None
    retiring: str | None
    retiring_id: str | None
    operations: tuple[str, ...]
    constraints: Mapping[str, Any]
    issuing_account: str
    created: float

    @classmethod
    def of(cls, row: Row) -> Grant:
        """From a row of SELECT."""
        return cls._make((*row[:7], tuple(json.loads(row[7])), json.loads(row[8]), *row[9:]))


async def grants_of(system: System, key_arn: str) -> tuple[Grant, ...]:
    """Every grant of a key, by id."""
    cache = system.directory.cache
    kept = ("kms grants", key_arn)
    if kept not in cache:
        rows = await system.identity.fetch_all(SELECT + "key_arn = ? ORDER BY id", key_arn)
        cache[kept] = tuple(Grant.of(row) for row in rows)
    return cast(tuple[Grant, ...], cache[kept])


async def is_granted(call: Call, key: Key, action: str, encryption_context: Mapping[str, str]) -> bool:
    """Whether a grant gives the caller `action` on the key, with this encryption context."""
    return bool(await fitting_grants(call, key, action.partition(":")[2], encryption_context))


async def fitting_grants(call: Call, key: Key, operation: str, encryption_context: Mapping[str, str]) -> list[Grant]:
    """The grants that give the caller an operation (`Decrypt`, `ReEncryptFrom` …)."""
    return [
        grant
        for grant in await grants_of(call.system, key.arn)
        if operation in grant.operations
        and names(call.caller.principal, grant.grantee, grant.grantee_id)
        and (operation in _WITHOUT_CONTEXT or _context_fits(grant.constraints, encryption_context))
        and _source_fits(grant.constraints, call)
    ]


def names(principal: Principal, named: str | None, entity_id: str | None) -> bool:
    """Whether the principal of a grant is this requester.

    A role stands for its sessions, a session for itself; an account for its root user alone: a grant has one grantee.
    """
    if not named:
        return False
    if principal.kind is PrincipalKind.SERVICE:
        return named == principal.entity_id
    if entity_id is not None:
        return entity_id == principal.entity_id and principal.kind is not PrincipalKind.ROOT
    if account_named(named) is not None:
        return principal.kind is PrincipalKind.ROOT and principal.account == account_named(named)
    return bool(principal.arn) and named == principal.arn


def check_grant_tokens(call: Call) -> None:
    """Raises InvalidGrantTokenException for a token that is none."""
    for token in call.input.get("GrantTokens") or ():
        grant_of_token(call, token)


def grant_token(system: System, grant: Grant) -> str:
    """A token of a grant; all tokens of one grant are worth the same."""
    content = json.dumps({"grant": grant.id, "key": grant.key_arn}).encode()
    return system.vault.seal_text(content, KMS_GRANT_TOKEN)


def grant_of_token(call: Call, token: str) -> tuple[str, str]:
    """Id of the grant and ARN of the key that a token is for. Raises InvalidGrantTokenException."""
    try:
        content = json.loads(call.system.vault.unseal_text(token, KMS_GRANT_TOKEN))
    except InvalidToken:
        raise AwsError("InvalidGrantTokenException", "The grant token is not valid.") from None
    return content["grant"], content["key"]


def _context_fits(constraints: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    equals: Mapping[str, str] | None = constraints.get("EncryptionContextEquals")
    subset: Mapping[str, str] = constraints.get("EncryptionContextSubset") or {}
    return (not equals or dict(context) == dict(equals)) and subset.items() <= context.items()


def _source_fits(constraints: Mapping[str, Any], call: Call) -> bool:
    source = constraints.get("SourceArn")
    return not source or call.context.get("aws:sourcearn") == source
