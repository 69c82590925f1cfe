"""SAML providers: the metadata documents of identity providers that an account keeps.

Metadata is parsed without a document type and without entities. It must describe an identity provider with a
certificate to check signatures by. Quota: 100 providers in an account, two private keys on each.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import Reader, Row, Transaction

from . import entities, tags
from .entities import moment
from .errors import already_exists, exceeds_quota, invalid_input, limit_exceeded, no_such_entity
from .permissions import on_account, with_tags
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags
from .tagged_resources import tagged_resource

PROVIDERS_PER_ACCOUNT = 100
PRIVATE_KEYS = 2
PRIVATE_KEY = "saml-private-key"
"""Purpose of the private keys of SAML providers."""

_MEMBER = "SAMLProviderArn"
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_CENTURY = 100 * 365 * 86400.0  # how long metadata without an end is valid, as on AWS


def valid_until(metadata: str, now: float) -> float:
    """When the metadata of an identity provider ends, in seconds since the epoch. Raises InvalidInput."""
    try:
        root: Element = fromstring(metadata.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise invalid_input("Could not parse metadata") from None
    providers = root.findall(f"{_METADATA}IDPSSODescriptor")
    if root.tag != f"{_METADATA}EntityDescriptor" or not root.get("entityID") or not providers:
        raise invalid_input("Metadata must be an EntityDescriptor with an entityID and an IDPSSODescriptor")
    if not any(_certificates(provider) for provider in providers):
        raise invalid_input("Metadata must have a KeyDescriptor for signing with an X509Certificate")
    text = root.get("validUntil")
    if text is None:
        return now + _CENTURY
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_input("validUntil of the metadata is not a time") from None
    return (end if end.tzinfo else end.replace(tzinfo=UTC)).timestamp()


def _certificates(provider: Element) -> list[x509.Certificate]:
    """The certificates that sign. Raises InvalidInput."""
    found = []
    for descriptor in provider.findall(f"{_METADATA}KeyDescriptor"):
        if descriptor.get("use", "signing") != "signing":
            continue
        for element in descriptor.iter(f"{_SIGNATURE}X509Certificate"):
            try:
                der = base64.b64decode("".join((element.text or "").split()), validate=True)
                found.append(x509.load_der_x509_certificate(der))
            except (binascii.Error, ValueError):
                raise invalid_input("An X509Certificate of the metadata cannot be read") from None
    return found


async def _provider(call: Call) -> Resource:
    """The provider that the input names. Raises InvalidInput for what is not the ARN of one."""
    arn: str = call.input[_MEMBER]
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[:4] != ["arn", "aws", "iam", ""] or not parts[5].startswith("saml-provider/"):
        raise invalid_input(f"Invalid ARN: {arn} is not the ARN of a SAML provider.")
    return await tagged_resource(call, arn, arn)


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
    try:
        load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise invalid_input("AddPrivateKey must be a private key in PEM format without a password") from None
    return {
        "id": base64.b32encode(call.system.entropy(15)).decode(),
        "added": call.now,
        "sealed": base64.b64encode(call.system.vault.seal(pem.encode(), PRIVATE_KEY)).decode(),
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
    end = valid_until(members["SAMLMetadataDocument"], call.now)
    given_tags = checked_tags(members.get("Tags"))
    keys = [_sealed_key(call, members["AddPrivateKey"])] if members.get("AddPrivateKey") else []
    if members.get("AssertionEncryptionMode") == "Required" and not keys:
        raise invalid_input("AssertionEncryptionMode Required needs a private key: give AddPrivateKey")
    unique = base64.b32encode(call.system.entropy(15)).decode()

    async def work(tx: Transaction) -> dict[str, Any]:
        if await tx.fetch_one("SELECT 1 FROM saml_providers WHERE arn = ?", arn):
            raise already_exists(f"SAMLProvider {members['Name']} already exists.")
        have = await entities.count(tx, "SELECT count(*) FROM saml_providers WHERE account = ?", call.account)
        if have >= PROVIDERS_PER_ACCOUNT:
            raise exceeds_quota("SAMLProvidersPerAccount", PROVIDERS_PER_ACCOUNT)
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
    end = None if metadata is None else valid_until(metadata, call.now)
    added = [_sealed_key(call, members["AddPrivateKey"])] if members.get("AddPrivateKey") else []

    async def work(tx: Transaction) -> None:
        row = await _find(tx, call.account, arn)
        keys = [key for key in json.loads(row[4]) if key["id"] != members.get("RemovePrivateKey")] + added
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


@operation("iam", "ListSAMLProviders", Permission("iam:ListSAMLProviders", on=on_account))
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
