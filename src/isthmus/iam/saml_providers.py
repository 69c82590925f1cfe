"""SAML providers: the metadata documents of identity providers that an account keeps and its roles may trust.

Quota: 100 providers in an account, two private keys on each.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from isthmus.identity import SAML_PRIVATE_KEY
from isthmus.identity.saml_metadata import InvalidMetadata, saml_metadata
from isthmus.operation import Call, Permission, Resource, on_anything, operation
from isthmus.store import Reader, Row, Transaction

from . import tags
from .entities import check_room, moment
from .errors import already_exists, invalid_input, limit_exceeded, no_such_entity
from .permissions import on_provider, tagged_resource, with_tags
from .server_certificates import MOST_BITS, private_key_of
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

PROVIDERS_PER_ACCOUNT = 100
PRIVATE_KEYS = 2

_MEMBER = "SAMLProviderArn"
_CHANGES = ("SAMLMetadataDocument", "AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey")
_CENTURY = 100 * 365 * 86400.0  # how long metadata without an end is valid, as on AWS

_provider = on_provider(_MEMBER, "saml-provider", "a SAML provider")


def _valid_until(metadata: str, now: float) -> float:
    """When the metadata of an identity provider ends, in seconds since the epoch. Raises InvalidInput."""
    try:
        end = saml_metadata(metadata).valid_until
    except InvalidMetadata as error:
        raise invalid_input(str(error)) from None
    return now + _CENTURY if end is None else end


_provider = on_provider(_MEMBER, "saml-provider", "a SAML provider")


async def _new_provider(call: Call) -> Resource:
    return await tagged_resource(call, _arn(call.account, call.input["Name"]), None)


def _arn(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:saml-provider/{name}"


async def _find(reader: Reader, account: str, arn: str) -> Row:
    row = await reader.fetch_one(
        "SELECT id, metadata, valid_until, encryption, private_keys, created FROM saml_providers"
        " WHERE arn = ? AND account = ?",
        arn, account,
    )  # fmt: skip
    if row is None:
        raise no_such_entity(f"Manifest not found for arn {arn}")
    return row


def _sealed_key(call: Call, pem: str) -> dict[str, Any]:
    """A private key as it is stored. Raises InvalidInput."""
    no_key = invalid_input("AddPrivateKey must be a private key in PEM format without a password")
    no_rsa = invalid_input(f"AddPrivateKey must be an RSA key of at most {MOST_BITS} bits")
    if not isinstance(private_key_of(pem, unusable=no_key, too_long=no_rsa), RSAPrivateKey):
        raise no_rsa
    return {
        "id": base64.b32encode(call.system.entropy(15)).decode(),
        "added": call.now,
        "sealed": base64.b64encode(call.system.vault.seal(pem.encode(), SAML_PRIVATE_KEY)).decode(),
    }


@operation(
    "iam",
    "CreateSAMLProvider",
    Permission("iam:CreateSAMLProvider", on=_new_provider),
    with_tags("iam:TagSAMLProvider", _new_provider),
)
async def create_saml_provider(call: Call) -> dict[str, Any]:
    """Keep a provider's metadata. Raises EntityAlreadyExists, InvalidInput, LimitExceeded."""
    members, arn = call.input, _arn(call.account, call.input["Name"])
    end = _valid_until(members["SAMLMetadataDocument"], call.now)
    given_tags = checked_tags(members.get("Tags"))
    keys = [_sealed_key(call, members["AddPrivateKey"])] if members.get("AddPrivateKey") else []
    if members.get("AssertionEncryptionMode") == "Required" and not keys:
        raise invalid_input("AssertionEncryptionMode Required needs a private key: give AddPrivateKey")
    unique = base64.b32encode(call.system.entropy(15)).decode()

    async def work(tx: Transaction) -> dict[str, Any]:
        if await tx.fetch_one("SELECT 1 FROM saml_providers WHERE arn = ?", arn):
            raise already_exists(f"SAMLProvider {members['Name']} already exists.")
        await check_room(tx, "saml_providers", call.account, "SAMLProvidersPerAccount", PROVIDERS_PER_ACCOUNT)
        await tx.execute(
            "INSERT INTO saml_providers (arn, account, id, metadata, valid_until, encryption, private_keys, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arn, call.account, unique, members["SAMLMetadataDocument"], end,
            members.get("AssertionEncryptionMode"), json.dumps(keys), call.now,
        )  # fmt: skip
        await set_tags(tx, arn, given_tags, "SAMLProvider")
        return await add_shown_tags(tx, arn, {_MEMBER: arn})

    return await call.system.identity.write(work)


@operation("iam", "GetSAMLProvider", Permission("iam:GetSAMLProvider", on=_provider))
async def get_saml_provider(call: Call) -> dict[str, Any]:
    """A provider with its metadata. Raises NoSuchEntity, InvalidInput."""
    reader, arn = call.system.identity, call.input[_MEMBER]
    unique, metadata, end, encryption, keys, created = await _find(reader, call.account, arn)
    shape: dict[str, Any] = {
        "SAMLProviderUUID": unique,
        "SAMLMetadataDocument": metadata,
        "CreateDate": moment(created),
        "ValidUntil": moment(end),
        "PrivateKeyList": [{"KeyId": key["id"], "Timestamp": moment(key["added"])} for key in json.loads(keys)],
    }
    if encryption is not None:
        shape["AssertionEncryptionMode"] = encryption
    return await add_shown_tags(reader, arn, shape)


@operation("iam", "UpdateSAMLProvider", Permission("iam:UpdateSAMLProvider", on=_provider))
async def update_saml_provider(call: Call) -> dict[str, Any]:
    """Replace the metadata, the encryption mode, or private keys. Raises NoSuchEntity, InvalidInput,
    LimitExceeded."""
    members, arn = call.input, call.input[_MEMBER]
    metadata: str | None = members.get("SAMLMetadataDocument")
    removed: str | None = members.get("RemovePrivateKey")
    if removed is not None and members.get("AddPrivateKey"):
        raise invalid_input("Unable to add and remove private keys in the same request.")
    if not any(members.get(name) for name in _CHANGES):
        raise invalid_input("Unable to update identity provider. No updates are defined.")
    end = None if metadata is None else _valid_until(metadata, call.now)
    added = [_sealed_key(call, members["AddPrivateKey"])] if members.get("AddPrivateKey") else []

    async def work(tx: Transaction) -> None:
        row = await _find(tx, call.account, arn)
        kept = [key for key in json.loads(row[4]) if key["id"] != removed]
        if removed is not None and len(kept) == len(json.loads(row[4])):
            raise invalid_input("Failed to remove private key because the Key ID does not match a private key.")
        keys = kept + added
        mode = members.get("AssertionEncryptionMode") or row[3]
        if len(keys) > PRIVATE_KEYS:
            raise limit_exceeded(f"A SAML provider has at most {PRIVATE_KEYS} private keys: remove one first.")
        if mode == "Required" and not keys:
            raise invalid_input("AssertionEncryptionMode Required needs a private key: give AddPrivateKey")
        await tx.execute(
            "UPDATE saml_providers SET metadata = coalesce(?, metadata), valid_until = coalesce(?, valid_until),"
            " encryption = ?, private_keys = ? WHERE arn = ?",
            metadata, end, mode, json.dumps(keys), arn,
        )  # fmt: skip

    await call.system.identity.write(work)
    return {_MEMBER: arn}


@operation("iam", "DeleteSAMLProvider", Permission("iam:DeleteSAMLProvider", on=_provider))
async def delete_saml_provider(call: Call) -> dict[str, Any]:
    """Delete a provider; roles that name it stay. Raises NoSuchEntity, InvalidInput."""
    arn = call.input[_MEMBER]

    async def work(tx: Transaction) -> None:
        await _find(tx, call.account, arn)
        await tx.execute("DELETE FROM saml_providers WHERE arn = ?", arn)
        await remove_tags(tx, arn)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListSAMLProviders", Permission("iam:ListSAMLProviders", on=on_anything))
async def list_saml_providers(call: Call) -> dict[str, Any]:
    """The account's providers, by ARN."""
    rows = await call.system.identity.fetch_all(
        "SELECT arn, valid_until, created FROM saml_providers WHERE account = ? ORDER BY arn", call.account
    )
    shapes = [{"Arn": arn, "ValidUntil": moment(end), "CreateDate": moment(created)} for arn, end, created in rows]
    return {"SAMLProviderList": shapes}


async def _tags_under(call: Call, reader: Reader) -> str:
    arn: str = call.input[_MEMBER]
    await _find(reader, call.account, arn)
    return arn


tags.register(tags.Tagged("SAMLProvider", _provider, _tags_under))
