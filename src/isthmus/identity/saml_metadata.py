"""The metadata of a SAML identity provider: who it is, until when that is valid, and the certificates it signs with.

Metadata is parsed without a document type and without entities. It must describe an identity provider with a
certificate to check signatures by, and at most 20, each of which is tried. When a certificate ends does not matter, as
on AWS (IAM User Guide, "Create a SAML identity provider in IAM").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError

from cryptography import x509
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_MOST_CERTIFICATES = 20
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"


class InvalidMetadata(ValueError):
    """Why a document is no metadata of an identity provider."""


@dataclass(frozen=True, slots=True)
class SamlMetadata:
    """entity_id: what the provider calls itself, the issuer of its assertions. certificates: of the keys that sign.
    valid_until: seconds since the epoch; None without an end."""

    entity_id: str
    certificates: tuple[x509.Certificate, ...]
    valid_until: float | None


@lru_cache(maxsize=64)
def saml_metadata(text: str) -> SamlMetadata:
    """What a metadata document says. Raises InvalidMetadata."""
    try:
        root: Element = fromstring(text.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise InvalidMetadata("Could not parse metadata") from None
    entity_id = root.get("entityID")
    providers = root.findall(f"{_METADATA}IDPSSODescriptor")
    if root.tag != f"{_METADATA}EntityDescriptor" or not entity_id or not providers:
        raise InvalidMetadata("Metadata must be an EntityDescriptor with an entityID and an IDPSSODescriptor")
    certificates = tuple(one for provider in providers for one in _certificates(provider))
    if not certificates:
        raise InvalidMetadata("Metadata must have a KeyDescriptor for signing with an X509Certificate")
    if len(certificates) > _MOST_CERTIFICATES:
        raise InvalidMetadata(f"Metadata can have at most {_MOST_CERTIFICATES} certificates that sign")
    return SamlMetadata(entity_id, certificates, _end(root.get("validUntil")))


def _end(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidMetadata("validUntil of the metadata is not a time") from None
    return (end if end.tzinfo else end.replace(tzinfo=UTC)).timestamp()


def _certificates(provider: Element) -> list[x509.Certificate]:
    """The certificates that sign. Raises InvalidMetadata."""
    found = []
    for descriptor in provider.findall(f"{_METADATA}KeyDescriptor"):
        if descriptor.get("use", "signing") != "signing":
            continue
        for element in descriptor.iter(f"{_SIGNATURE}X509Certificate"):
            try:
                der = base64.b64decode("".join((element.text or "").split()), validate=True)
                found.append(x509.load_der_x509_certificate(der))
            except (binascii.Error, ValueError):
                raise InvalidMetadata("An X509Certificate of the metadata cannot be read") from None
    return found
