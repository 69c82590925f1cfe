"""OpenID Connect and SAML providers as objects: made, read, changed, refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, story
from saml_builders import new_private_key, pem_of, unproved_key

ROOT = PRODUCTION
URL = "https://token.actions.githubusercontent.com"
ARN = f"arn:aws:iam::{PRODUCTION}:oidc-provider/token.actions.githubusercontent.com"
PROVIDER = {"OpenIDConnectProviderArn": ARN}


def _own_certificate() -> tuple[str, str]:
    """A self-signed certificate (base64 DER) and its key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
    start = datetime.fromtimestamp(START, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(), pem


CERTIFICATE, ELLIPTIC_KEY = _own_certificate()
KEY = pem_of(new_private_key())


def metadata(end: str = "", certificate: str = CERTIFICATE, before: str = "") -> str:
    until = f' validUntil="{end}"' if end else ""
    return (
        f'<?xml version="1.0"?>{before}<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"{until}'
        ' entityID="https://idp.example.com/"><IDPSSODescriptor'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">'
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>"
    )


async def refused(world: World, name: str, who: Any = ROOT, **members: Any) -> str:
    return (await world.refused(who, "iam", name, **members)).code


@story
async def test_an_issuer_is_registered_once_and_read_back(world: World) -> None:
    given = {"Url": URL, "ClientIDList": ["sts.amazonaws.com", "sts.amazonaws.com"], "ThumbprintList": ["A" * 40]}
    made = await world.call(ROOT, "iam", "CreateOpenIDConnectProvider", **given, Tags=[{"Key": "a", "Value": "b"}])
    assert made == {"OpenIDConnectProviderArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]}
    got = await world.call(ROOT, "iam", "GetOpenIDConnectProvider", **PROVIDER)
    assert got["Url"] == "token.actions.githubusercontent.com"
    assert (got["ClientIDList"], got["ThumbprintList"]) == (["sts.amazonaws.com"], ["A" * 40])
    assert got["CreateDate"].timestamp() == START
    error = await world.refused(ROOT, "iam", "CreateOpenIDConnectProvider", **given)
    assert (error.code, error.status) == ("EntityAlreadyExists", 409)
    assert error.message == f"Provider with url {URL} already exists."
    listed = await world.call(ROOT, "iam", "ListOpenIDConnectProviders")
    assert listed == {"OpenIDConnectProviderList": [{"Arn": ARN}]}
    assert (await world.call(ANALYTICS, "iam", "ListOpenIDConnectProviders")) == {"OpenIDConnectProviderList": []}
    summary = (await world.call(ROOT, "iam", "GetAccountSummary"))["SummaryMap"]
    assert summary["Providers"] == 1


@story
async def test_another_account_neither_sees_nor_changes_a_provider(world: World) -> None:
    await world.call(ROOT, "iam", "CreateOpenIDConnectProvider", Url=URL)
    assert await refused(world, "GetOpenIDConnectProvider", ANALYTICS, **PROVIDER) == "NoSuchEntity"
    assert await refused(world, "TagOpenIDConnectProvider", ANALYTICS, **PROVIDER, Tags=[]) == "NoSuchEntity"
    assert await refused(world, "DeleteOpenIDConnectProvider", ANALYTICS, **PROVIDER) == "NoSuchEntity"
    assert await world.call(ROOT, "iam", "GetOpenIDConnectProvider", **PROVIDER)


@story
async def test_what_is_not_an_issuers_address_is_invalid(world: World) -> None:
    for url in (
        "token.example.com", "ftp://example.com", "https://", "https://a b", "https://example.com?x=1",
        "https://example.com/#x", "https://user@example.com", "https://example.com:0", "https://example.com:99999",
        "https://example.com/a//b", "https://exa\nmple.com",
    ):  # fmt: skip
        error = await world.refused(ROOT, "iam", "CreateOpenIDConnectProvider", Url=url)
        assert (error.code, error.message) == ("ValidationError", "Invalid Open ID Connect Provider URL"), url
    for url in ("https://idp.example.com/realms/one", "http://localhost:8080/dex", "https://tenant.example.com/"):
        made = await world.call(ROOT, "iam", "CreateOpenIDConnectProvider", Url=url)
        assert made["OpenIDConnectProviderArn"].endswith("oidc-provider/" + url.split("://")[1])
    assert await refused(world, "GetOpenIDConnectProvider", OpenIDConnectProviderArn=ARN + "x") == "NoSuchEntity"
    for arn in ("arn:aws:iam::111122223333:saml-provider/x", "a provider of mine, that one"):
        assert await refused(world, "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn) == "InvalidInput"


@story
async def test_client_ids_and_thumbprints_change_within_their_limits(world: World) -> None:
    await world.call(ROOT, "iam", "CreateOpenIDConnectProvider", Url=URL, ClientIDList=[str(n) for n in range(99)])
    for _ in range(2):
        await world.call(ROOT, "iam", "AddClientIDToOpenIDConnectProvider", **PROVIDER, ClientID="last")
    assert await refused(world, "AddClientIDToOpenIDConnectProvider", **PROVIDER, ClientID="x") == "LimitExceeded"
    for _ in range(2):
        await world.call(ROOT, "iam", "RemoveClientIDFromOpenIDConnectProvider", **PROVIDER, ClientID="last")
    five = [str(n) * 40 for n in range(5)]
    await world.call(ROOT, "iam", "UpdateOpenIDConnectProviderThumbprint", **PROVIDER, ThumbprintList=five)
    got = await world.call(ROOT, "iam", "GetOpenIDConnectProvider", **PROVIDER)
    assert (len(got["ClientIDList"]), got["ThumbprintList"]) == (99, five)
    six = [*five, "f" * 40]
    more = {**PROVIDER, "ThumbprintList": six}
    assert await refused(world, "UpdateOpenIDConnectProviderThumbprint", **more) == "InvalidInput"
    await world.call(ROOT, "iam", "DeleteOpenIDConnectProvider", **PROVIDER)
    assert await refused(world, "DeleteOpenIDConnectProvider", **PROVIDER) == "NoSuchEntity"
    for name, members in (
        ("AddClientIDToOpenIDConnectProvider", {"ClientID": "x"}),
        ("RemoveClientIDFromOpenIDConnectProvider", {"ClientID": "x"}),
        ("UpdateOpenIDConnectProviderThumbprint", {"ThumbprintList": five}),
    ):
        assert await refused(world, name, **PROVIDER, **members) == "NoSuchEntity"


@story
async def test_an_account_has_a_hundred_providers(world: World) -> None:
    for number in range(100):
        await world.call(ROOT, "iam", "CreateOpenIDConnectProvider", Url=f"https://issuer-{number}.example.com")
    assert await refused(world, "CreateOpenIDConnectProvider", Url=URL) == "LimitExceeded"
    await world.call(ANALYTICS, "iam", "CreateOpenIDConnectProvider", Url=URL)


@story
async def test_permissions_are_decided_on_the_providers_arn_and_tags(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("iam:*", ARN))
    bob = await world.user(PRODUCTION, "bob", allow("iam:*", ARN + "/other"))
    blue = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}
    carol = await world.user(PRODUCTION, "carol", allow("iam:DeleteOpenIDConnectProvider", **blue))
    untagging = await world.user(PRODUCTION, "dave", allow("iam:CreateOpenIDConnectProvider"))
    assert await refused(world, "CreateOpenIDConnectProvider", bob, Url=URL) == "AccessDenied"
    tags = [{"Key": "team", "Value": "red"}]
    assert await refused(world, "CreateOpenIDConnectProvider", untagging, Url=URL, Tags=tags) == "AccessDenied"
    await world.call(alice, "iam", "CreateOpenIDConnectProvider", Url=URL, Tags=tags)
    assert await refused(world, "GetOpenIDConnectProvider", bob, **PROVIDER) == "AccessDenied"
    assert await refused(world, "DeleteOpenIDConnectProvider", carol, **PROVIDER) == "AccessDenied"
    await world.call(alice, "iam", "TagOpenIDConnectProvider", **PROVIDER, Tags=[{"Key": "Team", "Value": "blue"}])
    listed = await world.call(alice, "iam", "ListOpenIDConnectProviderTags", **PROVIDER)
    assert listed == {"Tags": [{"Key": "Team", "Value": "blue"}], "IsTruncated": False}
    await world.call(carol, "iam", "DeleteOpenIDConnectProvider", **PROVIDER)
    await world.call(alice, "iam", "CreateOpenIDConnectProvider", Url=URL)
    got = await world.call(alice, "iam", "GetOpenIDConnectProvider", **PROVIDER)
    assert "Tags" not in got, "tags went with the provider"


@story
async def test_a_saml_providers_private_key_is_one_that_assertions_can_be_encrypted_for(world: World) -> None:
    arn = {"SAMLProviderArn": f"arn:aws:iam::{PRODUCTION}:saml-provider/corp"}
    await world.call(ROOT, "iam", "CreateSAMLProvider", Name="corp", SAMLMetadataDocument=metadata())
    for key, why in (
        (ELLIPTIC_KEY, "RSA key of at most 4096 bits"),
        (pem_of(unproved_key(4608)), "RSA key of at most 4096 bits"),
        (pem_of(unproved_key(2048)), "must be a private key"),
    ):
        error = await world.refused(ROOT, "iam", "UpdateSAMLProvider", **arn, AddPrivateKey=key)
        assert (error.code, why in error.message) == ("InvalidInput", True)
    await world.call(ROOT, "iam", "UpdateSAMLProvider", **arn, AddPrivateKey=KEY)


@story
async def test_a_saml_providers_metadata_is_kept_replaced_and_deleted(world: World) -> None:
    arn = {"SAMLProviderArn": f"arn:aws:iam::{PRODUCTION}:saml-provider/corp"}
    given = {"Name": "corp", "SAMLMetadataDocument": metadata()}
    assert await world.call(ROOT, "iam", "CreateSAMLProvider", **given) == arn
    assert await refused(world, "CreateSAMLProvider", **given) == "EntityAlreadyExists"
    changed = metadata("2027-06-01T00:00:00Z")
    more = {"SAMLMetadataDocument": changed, "AddPrivateKey": KEY, "AssertionEncryptionMode": "Required"}
    assert await world.call(ROOT, "iam", "UpdateSAMLProvider", **arn, **more) == arn
    got = await world.call(ROOT, "iam", "GetSAMLProvider", **arn)
    assert got["SAMLMetadataDocument"] == changed
    assert got["ValidUntil"] == datetime(2027, 6, 1, tzinfo=UTC)
    assert (got["AssertionEncryptionMode"], len(got["PrivateKeyList"])) == ("Required", 1)
    key_id = got["PrivateKeyList"][0]["KeyId"]
    assert await refused(world, "UpdateSAMLProvider", **arn, RemovePrivateKey=key_id) == "InvalidInput"
    assert await refused(world, "UpdateSAMLProvider", **arn, AddPrivateKey="not a key") == "InvalidInput"
    assert await refused(world, "UpdateSAMLProvider", **arn, AddPrivateKey=KEY, RemovePrivateKey=key_id) == (
        "InvalidInput"
    ), "one after the other"
    unknown = {"RemovePrivateKey": key_id[::-1], "AssertionEncryptionMode": "Allowed"}
    assert await refused(world, "UpdateSAMLProvider", **arn, **unknown) == "InvalidInput"
    assert await refused(world, "UpdateSAMLProvider", **arn) == "InvalidInput", "nothing to change"
    allowed = {"RemovePrivateKey": key_id, "AssertionEncryptionMode": "Allowed"}
    await world.call(ROOT, "iam", "UpdateSAMLProvider", **arn, **allowed)
    assert (await world.call(ROOT, "iam", "GetSAMLProvider", **arn))["PrivateKeyList"] == []
    assert len((await world.call(ROOT, "iam", "ListSAMLProviders"))["SAMLProviderList"]) == 1
    assert await refused(world, "GetSAMLProvider", ANALYTICS, **arn) == "NoSuchEntity"
    bob = await world.user(PRODUCTION, "bob", allow("iam:*", "arn:aws:iam::*:saml-provider/other"))
    assert await refused(world, "DeleteSAMLProvider", bob, **arn) == "AccessDenied"
    await world.call(ROOT, "iam", "DeleteSAMLProvider", **arn)
    assert await refused(world, "DeleteSAMLProvider", **arn) == "NoSuchEntity"


def _often(document: str, times: int) -> str:
    """Metadata with its certificate several times."""
    start, end = document.index("<KeyDescriptor"), document.index("</IDPSSODescriptor>")
    return document[:start] + document[start:end] * times + document[end:]


@story
async def test_metadata_with_entities_or_without_a_certificate_is_invalid(world: World) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    good = metadata()
    for text in (
        "no XML", "<x/>", metadata(before=bomb), metadata(before=outside), metadata(certificate="AAAA"),
        good.replace('entityID="https://idp.example.com/"', ""), good.replace('use="signing"', 'use="encryption"'),
        good.replace("IDPSSODescriptor", "SPSSODescriptor"), metadata("whenever"),
        _often(good, 21),
    ):  # fmt: skip
        assert await refused(world, "CreateSAMLProvider", Name="x", SAMLMetadataDocument=text) == "InvalidInput", text
    await world.call(ROOT, "iam", "CreateSAMLProvider", Name="x", SAMLMetadataDocument=_often(good, 20))
