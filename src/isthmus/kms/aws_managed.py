"""AWS managed keys: one for each account and region, made when it is first used, for the service in its alias alone.

Its policy lets every principal of the account use it through that service and lets nobody change it, so it can never
be shared with another account. Source: KMS Developer Guide, "AWS managed keys"; the policy is the one that AWS gives
the key `aws/s3`.
"""

from __future__ import annotations

import json
import uuid

from isthmus.names import root_arn
from isthmus.operation import System
from isthmus.store import Transaction

from .key_specs import ENCRYPT, SYMMETRIC
from .keys_table import AWS, alias_arn
from .new_keys import insert_key

ALIAS_S3 = "alias/aws/s3"
PREDEFINED = {ALIAS_S3: ("s3", "Default key that protects my S3 objects when no other key is defined")}
"""Alias -> service and description of its key."""

_YEAR = 365  # days: how often AWS rotates its keys


def managed_policy(account: str, region: str, service: str) -> str:
    """The policy of the key that `service` uses for an account."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": f"auto-{service}-2",
            "Statement": [
                {
                    "Sid": (
                        f"Allow access through {service.upper()} for all principals in the account that are "
                        f"authorized to use {service.upper()}"
                    ),
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": account,
                            "kms:ViaService": f"{service}.{region}.amazonaws.com",
                        }
                    },
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": root_arn(account)},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                    "Resource": "*",
                },
            ],
        },
        indent=2,
    )  # fmt: skip


async def managed_key(system: System, account: str, region: str, alias: str) -> str:
    """The ARN of the key behind a predefined alias, made if it is not there."""
    service, description = PREDEFINED[alias]
    arn = alias_arn(account, region, alias)
    now = system.clock()

    async def work(tx: Transaction) -> str:
        row = await tx.fetch_one("SELECT key_arn FROM kms_aliases WHERE arn = ?", arn)
        if row is not None:  # another worker was first
            return str(row[0])
        target = await insert_key(
            tx, system, account, region, str(uuid.UUID(bytes=system.entropy(16), version=4)), manager=AWS,
            spec=SYMMETRIC, usage=ENCRYPT, description=description, policy=managed_policy(account, region, service),
            principal_ids={}, now=now, rotation_days=_YEAR,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO kms_aliases (arn, account, region, name, key_arn, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            arn, account, region, alias, target, now, now,
        )  # fmt: skip
        return target

    target = await system.identity.write(work)
    system.directory.refresh()
    return target
