"""A SAML identity provider for tests: a key of its own, metadata, and responses that are right but for what is changed.

idp = IdentityProvider()
idp.response(START, role, provider)              # base64, as AssumeRoleWithSAML takes it
idp.response(START, role, provider, audience="https://elsewhere.example.com/")
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner

SIGN_IN = "https://signin.aws.amazon.com/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_P = 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
_PLACE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"></ds:Signature>'
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"


def at(seconds: float) -> str:
    """A time as SAML writes it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def encoded(document: Any) -> str:
    """A document as the parameter SAMLAssertion has it."""
    raw = document if isinstance(document, bytes) else etree.tostring(document)
    return base64.b64encode(raw).decode()


_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
SHA_256 = '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
MGF_256 = (
    '<e11:MGF xmlns:e11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>'
)


def new_private_key() -> rsa.RSAPrivateKey:
    """A key that assertions can be encrypted for."""
    return rsa.generate_private_key(65537, 2048)


def unproved_key(bits: int) -> rsa.RSAPrivateKey:
    """A key whose factors are not prime, which nothing but looking for it tells."""
    p, q, e = 3 << (bits // 2 - 2) | 9, 3 << (bits // 2 - 2) | 15, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, p * q)
    )
    return parts.private_key(unsafe_skip_rsa_key_validation=True)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    """The key as AddPrivateKey takes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def encrypt(
    assertion: Any,
    key: rsa.RSAPublicKey,
    *,
    content: bytes | None = None,
    algorithm: str = _GCM,
    transport: str = _OAEP,
    more: str = "",
    oaep: padding.OAEP | None = None,
    beside: bool = False,
) -> Any:
    """An EncryptedAssertion in the assertion's place, in the response it stands in. content: other bytes to encrypt;
    more: elements of the key's EncryptionMethod; beside: the EncryptedKey stands beside EncryptedData."""
    secret, nonce = b"k" * 32, b"n" * 12
    sealed = nonce + AESGCM(secret).encrypt(nonce, content or etree.tostring(assertion), None)
    wrapped = key.encrypt(secret, oaep or padding.OAEP(padding.MGF1(SHA1()), SHA1(), None))
    wrapping = (
        f'<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}">{more}</xenc:EncryptionMethod>'
        f"<xenc:CipherData><xenc:CipherValue>{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData>"
        "</xenc:EncryptedKey>"
    )
    text = (
        f'<saml:EncryptedAssertion {_P} xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"'
        ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedData'
        ' Type="http://www.w3.org/2001/04/xmlenc#Element">'
        f'<xenc:EncryptionMethod Algorithm="{algorithm}"/>{"" if beside else f"<ds:KeyInfo>{wrapping}</ds:KeyInfo>"}'
        f"<xenc:CipherData><xenc:CipherValue>{base64.b64encode(sealed).decode()}</xenc:CipherValue></xenc:CipherData>"
        f"</xenc:EncryptedData>{wrapping if beside else ''}</saml:EncryptedAssertion>"
    )
    encrypted = etree.fromstring(text)
    assertion.getparent().replace(assertion, encrypted)
    return encrypted


class IdentityProvider:
    """An identity provider with one key and its certificate, which ended long ago."""

    def __init__(self, entity_id: str = "https://idp.example.com/saml", elliptic: bool = False) -> None:
        self.entity_id = entity_id
        self.key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        start = datetime(2020, 1, 1, tzinfo=UTC)
        self.certificate = (
            x509.CertificateBuilder(name, name, self.key.public_key(), 7, start, start + timedelta(days=30))
        ).sign(self.key, SHA256())

    def metadata(self, *more: x509.Certificate, until: str = "") -> str:
        """The metadata document; more: further certificates."""
        keys = "".join(
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
            f"<X509Certificate>{base64.b64encode(one.public_bytes(Encoding.DER)).decode()}</X509Certificate>"
            "</X509Data></KeyInfo></KeyDescriptor>"
            for one in (*more, self.certificate)
        )
        end = f' validUntil="{until}"' if until else ""
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity_id}"{end}>'
            '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            f"{keys}</IDPSSODescriptor></EntityDescriptor>"
        )

    def document(
        self,
        now: float,
        role: str,
        provider: str,
        *,
        subject: str = "carla",
        subject_format: str = PERSISTENT,
        issuer: str | None = None,
        audience: str | None = SIGN_IN,
        recipient: str = SIGN_IN,
        issued: float = 0,
        not_before: float = 0,
        not_on_or_after: float = 300,
        session_ends: float | None = None,
        status: str = SUCCESS,
        pairs: Sequence[str] | None = None,
        attributes: Mapping[str, Sequence[str]] | None = None,
        session_name: str | None = "carla@example.com",
        signed: str = "assertion",
    ) -> Any:
        """A response as an lxml element. Times are seconds from now; subject is XML text; signed: `assertion`,
        `response`, `both` or `neither`."""
        pairs = [f"{role},{provider}"] if pairs is None else pairs
        named: dict[str, Sequence[str]] = {f"{ATTRIBUTES}Role": pairs} if pairs else {}
        if session_name is not None:
            named[f"{ATTRIBUTES}RoleSessionName"] = [session_name]
        named |= attributes or {}
        statements = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in named.items()
        )
        ends = "" if session_ends is None else f' SessionNotOnOrAfter="{at(now + session_ends)}"'
        restriction = (
            ""
            if audience is None
            else f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
        )
        who = self.entity_id if issuer is None else issuer
        text = (
            f'<samlp:Response {_P} ID="_response" Version="2.0" IssueInstant="{at(now + issued)}">'
            f"<saml:Issuer>{who}</saml:Issuer>{_PLACE if signed in ('response', 'both') else ''}"
            f'<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>'
            f'<saml:Assertion ID="_assertion" Version="2.0" IssueInstant="{at(now + issued)}">'
            f"<saml:Issuer>{who}</saml:Issuer>{_PLACE if signed in ('assertion', 'both') else ''}"
            f'<saml:Subject><saml:NameID Format="{subject_format}">{subject}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
            f' NotOnOrAfter="{at(now + not_on_or_after)}" Recipient="{recipient}"/></saml:SubjectConfirmation>'
            f'</saml:Subject><saml:Conditions NotBefore="{at(now + not_before)}"'
            f' NotOnOrAfter="{at(now + not_on_or_after)}">{restriction}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{at(now)}"{ends}/>'
            f"<saml:AttributeStatement>{statements}</saml:AttributeStatement></saml:Assertion></samlp:Response>"
        )
        response = etree.fromstring(text)
        if signed in ("assertion", "both"):
            assertion = response.find(ASSERTION)
            response.replace(assertion, self.sign(assertion))
        return self.sign(response) if signed in ("response", "both") else response

    def response(self, now: float, role: str, provider: str, **changes: Any) -> str:
        """`document`, in base64."""
        return encoded(self.document(now, role, provider, **changes))

    def sign(self, element: Any, **options: Any) -> Any:
        """The element with a signature of this provider in it; options: of signxml's signer, and `reference_uri`."""
        reference = options.pop("reference_uri", f"#{element.get('ID')}")
        elliptic = isinstance(self.key, ec.EllipticCurvePrivateKey)
        given = {
            "signature_algorithm": "ecdsa-sha256" if elliptic else "rsa-sha256",
            "c14n_algorithm": "http://www.w3.org/2001/10/xml-exc-c14n#",
        } | options
        pem = self.certificate.public_bytes(Encoding.PEM)
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        signer = XMLSigner(**given)
        return signer.sign(element, key=key, cert=pem, reference_uri=reference, id_attribute="ID")
