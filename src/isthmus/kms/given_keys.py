"""Keys with ids that the operator chose, in the setup file: clients may have an id in their configuration.

AWS draws the ids of its keys itself, so a chosen one is only a convenience of this server; what is done with the key is
the same.
"""

from __future__ import annotations

import json

from isthmus.identity import InvalidPrincipal
from isthmus.operation import System
from isthmus.policy import PolicyDocument
from isthmus.store import Transaction
from isthmus.wire import AwsError

from .key_policies import malformed
from .key_specs import ENCRYPT, SYMMETRIC
from .keys_table import alias_arn, key_arn, principal_ids
from .new_keys import default_policy, insert_key


async def apply_given_key(
    tx: Transaction,
    system: System,
    account: str,
    region: str,
    key_id: str,
    *,
    alias: str | None,
    policy: str | None,
    description: str,
    now: float,
) -> bool:
    """Make a symmetric key, or bring its policy and alias to what is given; whether it was made.

    policy: None makes a key with the default policy and leaves that of an existing one alone.
    Raises MalformedPolicyDocumentException for principals that do not exist, AlreadyExistsException for an alias that
    stands for another key.
    """
    arn = key_arn(account, region, key_id)
    text = default_policy(account) if policy is None else policy
    try:
        ids = await principal_ids(tx, system, PolicyDocument.parse(text))
    except InvalidPrincipal as problem:
        raise malformed(f"the policy names {problem.principal}, which does not exist") from None
    made = await tx.fetch_one("SELECT 1 FROM kms_keys WHERE arn = ?", arn) is None
    if made:
        await insert_key(
            tx, system, account, region, key_id, spec=SYMMETRIC, usage=ENCRYPT, description=description, policy=text,
            principal_ids=ids, now=now,
        )  # fmt: skip
    elif policy is not None:
        await tx.execute(
            "UPDATE kms_keys SET policy = ?, policy_principal_ids = ? WHERE arn = ?", text, json.dumps(ids), arn
        )
    if alias is not None:
        await _point(tx, account, region, alias, arn, now)
    return made


async def _point(tx: Transaction, account: str, region: str, alias: str, arn: str, now: float) -> None:
    own = alias_arn(account, region, alias)
    row = await tx.fetch_one("SELECT key_arn FROM kms_aliases WHERE arn = ?", own)
    if row is not None and row[0] != arn:
        raise AwsError("AlreadyExistsException", f"the alias {alias} stands for {row[0]}")
    if row is None:
        await tx.execute(
            "INSERT INTO kms_aliases (arn, account, region, name, key_arn, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            own, account, region, alias, arn, now, now,
        )  # fmt: skip
