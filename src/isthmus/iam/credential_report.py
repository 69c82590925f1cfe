"""The credential report: one line of CSV for root and for each user.

Columns and values: IAM User Guide, "Generate credential reports for your AWS account". A report is good for
four hours; until then GenerateCredentialReport makes no new one.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from isthmus.names import root_arn
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

from . import entities
from .entities import USER, Entity, moment
from .password_policy import password_policy

_GOOD_FOR = 4 * 3600  # seconds
_DAY = 86400

_COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active",
    "access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date",
    "access_key_1_last_used_region", "access_key_1_last_used_service",
    "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date",
    "access_key_2_last_used_region", "access_key_2_last_used_service",
    "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip
_NONE = "N/A"
_NO_KEY = ["false", _NONE, _NONE, _NONE, _NONE]
_NO_CERTIFICATES = ["false", _NONE, "false", _NONE]


@operation("iam", "GenerateCredentialReport", Permission("iam:GenerateCredentialReport", on=on_anything))
async def generate_credential_report(call: Call) -> dict[str, Any]:
    """Make the report, unless there is one of the last four hours."""
    generated = await call.system.identity.fetch_one(
        "SELECT generated FROM credential_reports WHERE account = ?", call.account
    )
    if generated is not None and call.now - generated[0] < _GOOD_FOR:
        return {"State": "COMPLETE"}
    content = await _report(call)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO credential_reports (account, content, generated) VALUES (?, ?, ?) ON CONFLICT (account)"
            " DO UPDATE SET content = excluded.content, generated = excluded.generated",
            call.account, content, call.now,
        )  # fmt: skip

    await call.system.identity.write(work)
    description = "No report exists. Starting a new report generation task"
    return {"State": "STARTED", "Description": description}


@operation("iam", "GetCredentialReport", Permission("iam:GetCredentialReport", on=on_anything))
async def get_credential_report(call: Call) -> dict[str, Any]:
    """The report. Raises ReportNotPresent, ReportExpired."""
    row = await call.system.identity.fetch_one(
        "SELECT content, generated FROM credential_reports WHERE account = ?", call.account
    )
    if row is None:
        raise AwsError("ReportNotPresent", "No report has been generated; call GenerateCredentialReport.", 410)
    if call.now - row[1] >= _GOOD_FOR:
        raise AwsError("ReportExpired", "The most recent credential report has expired; generate a new one.", 410)
    return {"Content": bytes(row[0]), "ReportFormat": "text/csv", "GeneratedTime": moment(row[1])}


async def _report(call: Call) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerow(await _root_line(call))
    policy = await password_policy(call.system.identity, call.account) or {}
    users = await entities.many(call.system.identity, USER, "account = ? ORDER BY name_folded", call.account)
    for user in users:
        writer.writerow(await _user_line(call, user, policy.get("MaxPasswordAge")))
    return text.getvalue().rstrip("\n").encode()


async def _root_line(call: Call) -> list[str]:
    row = await call.system.identity.fetch_one("SELECT created FROM accounts WHERE id = ?", call.account)
    return [
        "<root_account>",
        root_arn(call.account),
        _NONE if row is None else _time(row[0]),
        "not_supported",
        await _last_used(call, call.account, "no_information"),
        "not_supported",
        "not_supported",
        await _mfa_active(call, call.account),
        *await _key_columns(call, None),
        *_NO_CERTIFICATES,
    ]


async def _user_line(call: Call, user: Entity, longest_days: int | None) -> list[str]:
    row = await call.system.identity.fetch_one(
        "SELECT coalesce(changed, created) FROM login_profiles WHERE user_id = ?", user.id
    )
    password = ["false", _NONE, _NONE, _NONE]
    if row is not None:
        rotation = _time(row[0] + longest_days * _DAY) if longest_days else _NONE
        password = ["true", await _last_used(call, user.id, "no_information"), _time(row[0]), rotation]
    return [
        user.name,
        user.arn,
        _time(user.created),
        *password,
        await _mfa_active(call, user.id),
        *await _key_columns(call, user.id),
        *_NO_CERTIFICATES,
    ]


async def _key_columns(call: Call, user_id: str | None) -> list[str]:
    owner = "user_id IS NULL" if user_id is None else "user_id = ?"
    values = (call.account,) if user_id is None else (call.account, user_id)
    rows = await call.system.identity.fetch_all(
        f"SELECT id, active, created FROM access_keys WHERE account = ? AND {owner} ORDER BY created, id",  # noqa: S608
        *values,
    )
    columns: list[str] = []
    for key_id, active, created in rows[:2]:
        used = await call.system.objects.fetch_one("SELECT used, region, service FROM last_used WHERE id = ?", key_id)
        last = [_NONE] * 3 if used is None else [_time(used[0]), used[1], used[2]]
        columns += ["true" if active else "false", _time(created), *last]
    return columns + _NO_KEY * (2 - len(rows[:2]))


async def _mfa_active(call: Call, owner_id: str) -> str:
    row = await call.system.identity.fetch_one(
        "SELECT 1 FROM mfa_devices WHERE account = ? AND owner_id = ?", call.account, owner_id
    )
    return "false" if row is None else "true"


async def _last_used(call: Call, identity: str, never: str) -> str:
    row = await call.system.objects.fetch_one("SELECT used FROM last_used WHERE id = ?", identity)
    return never if row is None else _time(row[0])


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
