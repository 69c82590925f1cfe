"""The keys that sign digests, and ListPublicKeys, by which anybody checks the signatures.

A key is made when the first digest needs one, signs for a year and a day, and is kept for as long as digests exist.
It is the server's: whoever may read the bucket may check what is in it. Source: ListPublicKeys in the CloudTrail API
reference; CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity validation": public keys are
PKCS #1 in DER, a fingerprint is the MD5 of that.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from isthmus.operation import Call, Permission, System, on_anything, operation
from isthmus.store import Transaction
from isthmus.wire import AwsError

PURPOSE = "trail-signing-key"
"""Purpose of the private keys (`trail_signing_keys.private_key`) in the vault."""
_DAY = 86400.0
_SIGNS_SECONDS = 366 * _DAY
_MARGIN_SECONDS = _DAY  # nothing is signed in the last day of a key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the fingerprint by which its public key is found."""

    fingerprint: str
    private: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, text: str) -> str:
        """The signature (SHA256withRSA) in hex."""
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()


async def signing_key(system: System) -> SigningKey:
    """The key of today, made if there is none."""
    now = system.clock()
    row = await system.identity.fetch_one(
        "SELECT fingerprint, private_key FROM trail_signing_keys WHERE valid_from <= ? AND valid_until > ?"
        " ORDER BY valid_from DESC LIMIT 1",
        now,
        now + _MARGIN_SECONDS,
    )
    if row is not None:
        private = load_der_private_key(system.vault.unseal(bytes(row[1]), PURPOSE), None)
        return SigningKey(row[0], cast(rsa.RSAPrivateKey, private))
    made = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
    public = made.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    fingerprint = hashlib.md5(public, usedforsecurity=False).hexdigest()
    secret = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    sealed = system.vault.seal(secret, PURPOSE)

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO trail_signing_keys (fingerprint, private_key, public_key, valid_from, valid_until)"
            " VALUES (?, ?, ?, ?, ?)",
            # From an hour ago: a digest tells of the time before it was signed.
            fingerprint, sealed, public, now - 3600, now + _SIGNS_SECONDS,
        )  # fmt: skip

    await system.identity.write(work)
    return SigningKey(fingerprint, made)


@operation("cloudtrail", "ListPublicKeys", Permission("cloudtrail:ListPublicKeys", on=on_anything))
async def list_public_keys(call: Call) -> dict[str, Any]:
    """The public keys that signed digests in a time range; all of the last day without one.
    Raises InvalidTimeRangeException."""
    start, end = call.input.get("StartTime"), call.input.get("EndTime")
    until = call.now if end is None else end.timestamp()
    since = until - _DAY if start is None else start.timestamp()
    if since > until:
        raise AwsError("InvalidTimeRangeException", "The start time must not be after the end time.")
    rows = await call.system.identity.fetch_all(
        "SELECT public_key, valid_from, valid_until, fingerprint FROM trail_signing_keys"
        " WHERE valid_from <= ? AND valid_until >= ? ORDER BY valid_from",
        until,
        since,
    )
    return {
        "PublicKeyList": [
            {
                "Value": bytes(public),
                "ValidityStartTime": datetime.fromtimestamp(start_time, UTC),
                "ValidityEndTime": datetime.fromtimestamp(end_time, UTC),
                "Fingerprint": fingerprint,
            }
            for public, start_time, end_time, fingerprint in rows
        ]
    }
