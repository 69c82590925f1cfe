"""Inventory: a bucket's list of objects, delivered to a bucket every day or week.

A configuration whose day (or week) has begun is put into the outbox; from there it is delivered as S3, whom the
destination's policy must let write for this bucket. The report of a period is delivered again from its beginning if
the server stops half-way; a manifest is written last, so what has one is whole.

A day has the length that the operator's setting `lifecycle_day_seconds` gives it.

Sources: S3 User Guide, "Cataloging and analyzing your data with S3 Inventory", "Locating your inventory list";
PutBucketInventoryConfiguration in the S3 API reference.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from isthmus.identity import Bucket
from isthmus.names import canonical_id, is_account_id
from isthmus.operation import Call, System
from isthmus.store import Transaction
from isthmus.wire import AwsError, Body, BytesBody

from ..acl import private_acl
from ..encryption import SSE_KMS, SSE_S3
from .courier import DAY, Courier, TryLater
from .inventory_report import ReportFile, columns, manifest
from .outbox import Entry, Lane, put
from .service_objects import put_as_service

KIND = "inventory"
"""Prefix of the bucket configurations, and the lanes of the outbox."""

SERVICE = "s3.amazonaws.com"
_BUCKET_ARN = "arn:aws:s3:::"
_ROWS = 1_000_000  # in one data file
_WEEK = 7  # days


# Configuring it


async def prepare_inventory(call: Call, bucket: Bucket, value: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it is stored. Raises InvalidS3DestinationBucket, InvalidArgument, NotImplemented."""
    destination = value["Destination"]["S3BucketDestination"]
    arn = destination["Bucket"]
    name = arn.removeprefix(_BUCKET_ARN)
    if not arn.startswith(_BUCKET_ARN) or not name or "/" in name:
        raise AwsError("InvalidS3DestinationBucket", "Invalid bucket ARN.")
    if destination["Format"] != "CSV":
        raise AwsError(
            "NotImplemented",
            f"A header you provided implies functionality that is not implemented: inventory reports are written as "
            f"CSV, not as {destination['Format']}.",
        )
    account = destination.get("AccountId")
    if account is not None and not is_account_id(account):
        raise AwsError(
            "InvalidArgument", "Invalid account ID", extra={"ArgumentName": "AccountId", "ArgumentValue": account}
        )
    target = await call.system.directory.bucket(name)
    if target is None or account not in (None, target.account):
        raise AwsError("InvalidS3DestinationBucket", "The specified destination bucket does not exist.")
    if target.region != bucket.region:
        raise AwsError("InvalidS3DestinationBucket", "The destination bucket must be in the source bucket's Region.")
    return value


# Scheduling


async def schedule_reports(system: System) -> None:
    """Put every report into the outbox whose period has begun. Raises StoreError."""
    day = float(await system.directory.setting("lifecycle_day_seconds", DAY))
    now = system.clock()
    # The configurations stay in the directory's cache until any changes.
    cache, key = system.directory.cache, ("inventory configurations", "")
    rows = cache.get(key)
    if rows is None:
        rows = cache[key] = await system.identity.fetch_all(
            "SELECT b.id, b.name, c.document FROM bucket_configurations c JOIN buckets b ON b.id = c.bucket_id"
            " WHERE c.kind > ? AND c.kind < ?",
            f"{KIND}:",
            f"{KIND};",  # the character behind the colon
        )
    if not rows:
        return
    last = {
        (number, name): period
        for number, name, period in await system.objects.fetch_all(
            "SELECT bucket_id, configuration, period FROM inventory_periods"
        )
    }
    for number, bucket, document in rows:
        value = json.loads(document)
        days = int(now // day)
        period = days // _WEEK if value["Schedule"]["Frequency"] == "Weekly" else days
        if value["IsEnabled"] and last.get((number, value["Id"])) != period:
            await _owe(system, number, bucket, value["Id"], period, now)
    there = {(number, json.loads(document)["Id"]) for number, _, document in rows}
    if gone := last.keys() - there:
        await system.objects.write(lambda tx: _forget_periods(tx, gone))


async def _forget_periods(tx: Transaction, gone: Iterable[tuple[int, str]]) -> None:
    for number, name in gone:
        await tx.execute("DELETE FROM inventory_periods WHERE bucket_id = ? AND configuration = ?", number, name)


async def _owe(system: System, bucket_id: int, bucket: str, name: str, period: int, now: float) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO inventory_periods (bucket_id, configuration, period) VALUES (?, ?, ?)"
            " ON CONFLICT (bucket_id, configuration) DO UPDATE SET period = excluded.period",
            bucket_id,
            name,
            period,
        )
        await put(tx, KIND, json.dumps({"bucket": bucket, "configuration": name}), "{}", now=now)

    await system.objects.write(work)


# Delivering


async def _deliver(system: System, lane: Lane, entries: list[Entry]) -> int:
    address = json.loads(lane.address)
    bucket = await system.directory.bucket(address["bucket"])
    text = None if bucket is None else bucket.configurations.get(f"{KIND}:{address['configuration']}")
    if bucket is not None and text is not None:
        value = json.loads(text)
        if value["IsEnabled"]:
            try:
                await _Report(system, bucket, value).write()
            except AwsError as error:
                raise TryLater(f"{error.code}: {error.message}") from error
    # What piled up while the destination refused is one report: that of now.
    return len(entries)


class _Report:
    """One report on its way."""

    def __init__(self, system: System, bucket: Bucket, value: dict[str, Any]) -> None:
        self._system = system
        self._bucket = bucket
        self._value = value
        self._destination = value["Destination"]["S3BucketDestination"]
        self._target = self._destination["Bucket"].removeprefix(_BUCKET_ARN)
        prefix = self._destination.get("Prefix")
        self._folder = f"{prefix}/" if prefix else ""
        self._folder += f"{bucket.name}/{value['Id']}"
        self._canonical: dict[str, str] = {}

    async def write(self) -> None:
        """Data files, symlink, manifest and its checksum, in this order. Raises AwsError."""
        now = self._system.clock()
        versions = self._value["IncludedObjectVersions"] == "All"
        chosen = columns(list(self._value.get("OptionalFields") or ()), versions=versions)
        files: list[tuple[str, int, str]] = []
        position: tuple[bytes, int] | None = None
        while True:
            file = ReportFile(
                self._system.objects,
                (self._bucket.id, self._bucket.name),
                (self._value.get("Filter") or {}).get("Prefix") or "",
                chosen,
                versions=versions,
                after=position,
                most=_ROWS,
                owner_and_acl=self._owner_and_acl,
            )
            key = f"{self._folder}/data/{uuid.UUID(bytes=self._system.entropy(16), version=4)}.csv.gz"
            await self._put(key, file, "application/octet-stream")
            files.append((key, file.size, file.md5))
            position = file.position
            if file.complete:
                break
        moment = datetime.fromtimestamp(now, UTC)
        links = "\n".join(f"s3://{self._target}/{key}" for key, _, _ in files)
        symlink = f"{self._folder}/hive/dt={moment:%Y-%m-%d-%H-%M}/symlink.txt"
        await self._put(symlink, BytesBody(links.encode()), "text/plain")
        text = manifest(self._bucket.name, self._destination["Bucket"], now, list(chosen), files)
        folder = f"{self._folder}/{moment:%Y-%m-%dT%H-%MZ}"
        await self._put(f"{folder}/manifest.json", BytesBody(text), "application/json")
        checksum = hashlib.md5(text, usedforsecurity=False).hexdigest()
        await self._put(f"{folder}/manifest.checksum", BytesBody(checksum.encode()), "application/octet-stream")

    async def _put(self, key: str, body: Body, content_type: str) -> None:
        # A long report sees the policies as they are.
        self._system.directory.refresh()
        await put_as_service(
            self._system, SERVICE, self._target, key, body,
            source_bucket=self._bucket.name, source_account=self._bucket.account, content_type=content_type,
            encryption=self._encryption(),
        )  # fmt: skip

    def _encryption(self) -> dict[str, str]:
        """What the configuration says of the encryption of reports, as PutObject's members."""
        wanted = self._destination.get("Encryption") or {}
        if "SSEKMS" in wanted:
            return {"ServerSideEncryption": SSE_KMS, "SSEKMSKeyId": wanted["SSEKMS"]["KeyId"]}
        return {"ServerSideEncryption": SSE_S3} if "SSES3" in wanted else {}

    async def _owner_and_acl(self, owner: str, acl: str | None) -> tuple[str, str]:
        """The owner's canonical id, and the ACL of a version as it counts, JSON."""
        enforced = self._bucket.ownership == "BucketOwnerEnforced"
        account = self._bucket.account if enforced else owner
        if account not in self._canonical:
            found = await self._system.directory.account(account)
            self._canonical[account] = canonical_id(account) if found is None else found.canonical_id
        canonical = self._canonical[account]
        return canonical, private_acl(canonical).to_json() if acl is None or enforced else acl


INVENTORY = Courier(KIND, "inventory reports", _deliver, lanes=2)
"""Reports read a whole bucket; more than two at a time would be felt by others."""
