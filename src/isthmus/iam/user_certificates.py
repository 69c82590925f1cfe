"""Signing certificates and SSH public keys of users: kept, shown, made inactive, deleted.

Nothing here signs in with them; AWS uses them for SOAP requests and for git. Quotas: two signing certificates and
five SSH keys for each user.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from isthmus.names import unique_id
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Row, Transaction
from isthmus.wire import AwsError

from . import entities
from .credential_owner import owner_of
from .entities import USER, Entity, moment
from .errors import exceeds_quota, invalid_input, no_such_entity
from .paging import Page
from .permissions import on_entity
from .server_certificates import certificate_of

CERTIFICATES_PER_USER = 2
SSH_KEYS_PER_USER = 5
_SMALLEST_RSA = 2048  # bits
_STATUSES = ("Active", "Inactive")

_the_user = on_entity(USER)


async def _certificates(reader: Reader, account: str, user_id: str | None) -> list[Row]:
    """Id, body, status and creation of the certificates of a user or of root."""
    select = "SELECT id, body, status, created FROM signing_certificates WHERE account = ? AND user_id "
    if user_id is None:
        rows: list[Row] = await reader.fetch_all(f"{select}IS NULL", account)
    else:
        rows = await reader.fetch_all(f"{select}= ?", account, user_id)
    return rows


@operation("iam", "UploadSigningCertificate", Permission("iam:UploadSigningCertificate", on=_the_user))
async def upload_signing_certificate(call: Call) -> dict[str, Any]:
    """Keep a certificate for a user or the caller. Raises MalformedCertificate, InvalidCertificate,
    DuplicateCertificate, LimitExceeded, NoSuchEntity."""
    body = call.input["CertificateBody"]
    certificate = certificate_of(body)
    if certificate.not_valid_after_utc.timestamp() <= call.now:
        raise AwsError("InvalidCertificate", "The certificate has expired.", 400)
    fingerprint = certificate.fingerprint(SHA256()).hex()
    certificate_id = base64.b32encode(call.system.entropy(20)).decode()

    async def work(tx: Transaction) -> dict[str, Any]:
        owner = await owner_of(call, tx)
        if await tx.fetch_one("SELECT 1 FROM signing_certificates WHERE fingerprint = ?", fingerprint):
            raise AwsError("DuplicateCertificate", "The certificate is associated with a user already.", 409)
        if len(await _certificates(tx, call.account, owner.user_id)) >= CERTIFICATES_PER_USER:
            raise exceeds_quota("SigningCertificatesPerUser", CERTIFICATES_PER_USER)
        await tx.execute(
            "INSERT INTO signing_certificates (id, account, user_id, body, fingerprint, status, created)"
            " VALUES (?, ?, ?, ?, ?, 'Active', ?)",
            certificate_id, call.account, owner.user_id, body, fingerprint, call.now,
        )  # fmt: skip
        return _shown_certificate(owner.shown_name, (certificate_id, body, "Active", call.now))

    return {"Certificate": await call.system.identity.write(work)}


def _shown_certificate(user: dict[str, Any], row: Row) -> dict[str, Any]:
    certificate_id, body, status, created = row
    shape = {"CertificateId": certificate_id, "CertificateBody": body, "Status": status, "UploadDate": moment(created)}
    return user | shape


async def _owned_certificate(call: Call, tx: Transaction) -> str:
    """The id in the input if it is one of the owner's. Raises NoSuchEntity."""
    owner, wanted = await owner_of(call, tx), call.input["CertificateId"]
    for certificate_id, *_ in await _certificates(tx, call.account, owner.user_id):
        if certificate_id == wanted:
            return str(certificate_id)
    raise no_such_entity(f"The Certificate with id {wanted} cannot be found.")


@operation("iam", "UpdateSigningCertificate", Permission("iam:UpdateSigningCertificate", on=_the_user))
async def update_signing_certificate(call: Call) -> dict[str, Any]:
    """Make a certificate active or inactive. Raises NoSuchEntity, InvalidInput."""
    status = _checked_status(call)

    async def work(tx: Transaction) -> None:
        one = await _owned_certificate(call, tx)
        await tx.execute("UPDATE signing_certificates SET status = ? WHERE id = ?", status, one)

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteSigningCertificate", Permission("iam:DeleteSigningCertificate", on=_the_user))
async def delete_signing_certificate(call: Call) -> dict[str, Any]:
    """Delete a certificate. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM signing_certificates WHERE id = ?", await _owned_certificate(call, tx))

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListSigningCertificates", Permission("iam:ListSigningCertificates", on=_the_user))
async def list_signing_certificates(call: Call) -> dict[str, Any]:
    """The certificates of a user or of the caller. Raises NoSuchEntity."""
    owner = await owner_of(call, call.system.identity)
    rows = await _certificates(call.system.identity, call.account, owner.user_id)
    found, more = Page.of(call.input).cut(rows, lambda row: str(row[0]))
    return {"Certificates": [_shown_certificate(owner.shown_name, row) for row in found], **more}


# SSH public keys


def _rsa_key(text: str) -> RSAPublicKey:
    """The key of an `ssh-rsa` line or a PEM text. Raises UnrecognizedPublicKeyEncoding, InvalidPublicKey."""
    try:
        data = text.strip().encode()
        key = load_pem_public_key(data) if data.startswith(b"-----") else load_ssh_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise AwsError("UnrecognizedPublicKeyEncoding", "The key must be in ssh-rsa or PEM format.", 400) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_RSA:
        raise AwsError("InvalidPublicKey", f"The key must be an RSA key of at least {_SMALLEST_RSA} bits.", 400)
    return key


def _fingerprint(key: RSAPublicKey) -> str:
    """The MD5 digest by which SSH names keys: `ab:cd:…`."""
    blob = base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


_SSH = "SELECT id, body, fingerprint, status, created FROM ssh_public_keys WHERE user_id = ?"


@operation("iam", "UploadSSHPublicKey", Permission("iam:UploadSSHPublicKey", on=_the_user))
async def upload_ssh_public_key(call: Call) -> dict[str, Any]:
    """Keep an SSH key for a user. Raises NoSuchEntity, InvalidPublicKey, UnrecognizedPublicKeyEncoding,
    DuplicateSSHPublicKey, LimitExceeded."""
    body = call.input["SSHPublicKeyBody"]
    fingerprint, key_id = _fingerprint(_rsa_key(body)), unique_id("APKA", call.system.entropy(11))

    async def work(tx: Transaction) -> dict[str, Any]:
        user = await entities.get(tx, USER, call.account, call.input["UserName"])
        rows = await tx.fetch_all(_SSH, user.id)
        if any(row[2] == fingerprint for row in rows):
            raise AwsError("DuplicateSSHPublicKey", "The SSH public key is associated with the user already.", 400)
        if len(rows) >= SSH_KEYS_PER_USER:
            raise exceeds_quota("SSHPublicKeysPerUser", SSH_KEYS_PER_USER)
        await tx.execute(
            "INSERT INTO ssh_public_keys (id, user_id, body, fingerprint, status, created)"
            " VALUES (?, ?, ?, ?, 'Active', ?)",
            key_id, user.id, body, fingerprint, call.now,
        )  # fmt: skip
        return _shown_key(user, (key_id, body, fingerprint, "Active", call.now))

    return {"SSHPublicKey": await call.system.identity.write(work)}


def _shown_key(user: Entity, row: Row) -> dict[str, Any]:
    key_id, body, fingerprint, status, created = row
    return {
        "UserName": user.name,
        "SSHPublicKeyId": key_id,
        "Fingerprint": fingerprint,
        "SSHPublicKeyBody": body,
        "Status": status,
        "UploadDate": moment(created),
    }


async def _owned_key(call: Call, reader: Reader) -> tuple[Entity, Row]:
    """The user and the key that the input names. Raises NoSuchEntity."""
    user = await entities.get(reader, USER, call.account, call.input["UserName"])
    key_id = call.input["SSHPublicKeyId"]
    row = await reader.fetch_one(f"{_SSH} AND id = ?", user.id, key_id)
    if row is None:
        raise no_such_entity(f"The Public Key with id {key_id} cannot be found.")
    return user, row


@operation("iam", "GetSSHPublicKey", Permission("iam:GetSSHPublicKey", on=_the_user))
async def get_ssh_public_key(call: Call) -> dict[str, Any]:
    """A key, as an `ssh-rsa` line or as PEM. Raises NoSuchEntity, UnrecognizedPublicKeyEncoding."""
    user, row = await _owned_key(call, call.system.identity)
    key, encoding = _rsa_key(row[1]), call.input["Encoding"]
    if encoding == "SSH":
        body = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    elif encoding == "PEM":
        body = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    else:
        raise AwsError("UnrecognizedPublicKeyEncoding", "Encoding must be SSH or PEM.", 400)
    return {"SSHPublicKey": _shown_key(user, row) | {"SSHPublicKeyBody": body}}


@operation("iam", "UpdateSSHPublicKey", Permission("iam:UpdateSSHPublicKey", on=_the_user))
async def update_ssh_public_key(call: Call) -> dict[str, Any]:
    """Make a key active or inactive. Raises NoSuchEntity, InvalidInput."""
    status = _checked_status(call)

    async def work(tx: Transaction) -> None:
        _, row = await _owned_key(call, tx)
        await tx.execute("UPDATE ssh_public_keys SET status = ? WHERE id = ?", status, row[0])

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteSSHPublicKey", Permission("iam:DeleteSSHPublicKey", on=_the_user))
async def delete_ssh_public_key(call: Call) -> dict[str, Any]:
    """Delete a key. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        _, row = await _owned_key(call, tx)
        await tx.execute("DELETE FROM ssh_public_keys WHERE id = ?", row[0])

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListSSHPublicKeys", Permission("iam:ListSSHPublicKeys", on=_the_user))
async def list_ssh_public_keys(call: Call) -> dict[str, Any]:
    """The keys of a user or of the caller, without their bodies. Raises NoSuchEntity."""
    owner = await owner_of(call, call.system.identity)
    rows = [] if owner.user is None else await call.system.identity.fetch_all(_SSH, owner.user.id)
    found, more = Page.of(call.input).cut(rows, lambda row: str(row[0]))
    keys = [
        owner.shown_name | {"SSHPublicKeyId": key_id, "Status": status, "UploadDate": moment(created)}
        for key_id, _, _, status, created in found
    ]
    return {"SSHPublicKeys": keys, **more}


def _checked_status(call: Call) -> str:
    status: str = call.input["Status"]
    if status not in _STATUSES:
        raise invalid_input(f"Status must be one of {', '.join(_STATUSES)}.")
    return status
