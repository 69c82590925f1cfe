"""The one signed assertion of a SAML response, and nothing else of it.

A response is XML that strangers send. What makes it safe to read (SAML Core 2.0, sections 5.4.1 to 5.4.4; OWASP, "SAML
Security Cheat Sheet"):

- no document type, hence no entities; no network; libxml2's own limits on depth and size stay on;
- exactly one assertion in the whole document, a child of the response; no two elements with the same id;
- each signature stands in the response or in that assertion, has one reference, to the element it stands in, and only
  the transforms that SAML allows, which drop comments; SHA-256 or better;
- keys come from the provider's metadata alone, never from the signature;
- what is read is the element that the verifier returns, parsed anew from the very bytes that were signed.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from isthmus.wire import AwsError

from .identity_tokens import invalid_token
from .saml_decryption import CannotDecrypt, decrypted

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_MOST_ATTRIBUTES = 100
_MOST_NAMESPACES = 32
_MOST_IN_SIGNATURE = 200  # elements; it is canonicalized before anybody knows whose it is, for each certificate
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_TRANSFORMS = frozenset({"http://www.w3.org/2000/09/xmldsig#enveloped-signature", _EXCLUSIVE})
_CANONICAL = frozenset({
    _EXCLUSIVE, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11",
})  # fmt: skip
_METHODS = frozenset({
    SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
    SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1,
    SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
})  # fmt: skip
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
# What the verifier and the libraries under it raise for what is no signature at all.
_NOT_VERIFIED = (
    SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, TypeError, LookupError, AttributeError,
    RuntimeError, AssertionError,
)  # fmt: skip


def signed_assertion(
    text: str, certificates: Sequence[x509.Certificate], private_keys: Sequence[RSAPrivateKey] = ()
) -> tuple[Any, bool]:
    """The assertion (an lxml element) of a response in base64, as one of the certificates' keys signed it, and
    whether it came encrypted for one of the private keys.

    Raises InvalidIdentityToken; IDPRejectedClaim where the provider reports that it did not authenticate anybody.
    """
    response = _response(text)
    if next(response.iter(f"{SAML}EncryptedAssertion"), None) is not None:
        return _signed_in_secret(response, certificates, private_keys), True
    assertion = _only_assertion(response, "Assertion")
    verified = _all_verified(response, (response, assertion), certificates)
    if verified is None:
        raise _unsigned()
    return verified if verified.tag == f"{SAML}Assertion" else verified.find(f"{SAML}Assertion"), False


def _signed_in_secret(
    response: Any, certificates: Sequence[x509.Certificate], private_keys: Sequence[RSAPrivateKey]
) -> Any:
    """The signature of a response is over what is encrypted, that of an assertion is encrypted with it."""
    encrypted = _only_assertion(response, "EncryptedAssertion")
    signed_response = _all_verified(response, (response,), certificates)
    if signed_response is not None:
        encrypted = signed_response.find(f"{SAML}EncryptedAssertion")
    try:
        assertion = _parsed(decrypted(encrypted, private_keys))
    except CannotDecrypt:
        raise _invalid_response(
            "no private key of the provider opens its assertion, which must be encrypted with AES-GCM and RSA-OAEP"
        ) from None
    if assertion.tag != f"{SAML}Assertion" or len(list(assertion.iter(f"{SAML}Assertion"))) != 1:
        raise _invalid_response("what it encrypts is not exactly one Assertion")
    _check_ids(assertion)
    verified = _all_verified(assertion, (assertion,), certificates)
    if verified is None and signed_response is None:
        raise _unsigned()
    return assertion if verified is None else verified


def _all_verified(root: Any, owners: Sequence[Any], certificates: Sequence[x509.Certificate]) -> Any:
    """The last of the owners that is signed, from the bytes that were signed; None where none is. All signatures
    in the document must be theirs and right."""
    signatures = [(owner, one) for owner in owners for one in owner.findall(f"{_DS}Signature")]
    strays = len(list(root.iter(f"{_DS}Signature"))) - len(signatures)
    if strays or len({owner.tag for owner, _ in signatures}) != len(signatures):
        raise _unsigned()
    verified = None
    for owner, signature in signatures:
        _check_form(owner, signature)
        verified = _verified(root, owner, certificates)
    return verified


def _response(text: str) -> Any:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_token("Invalid base64 SAMLResponse") from None
    root = _parsed(raw)
    if root.tag != f"{PROTOCOL}Response" or root.get("Version") != "2.0":
        raise _invalid_response("it is not a Response of SAML 2.0")
    _check_status(root)
    return root


def _parsed(raw: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        fromstring(raw, forbid_dtd=True)  # stops at a document type, before anything could be expanded
        root = etree.fromstring(raw, parser)
    except (ParseError, DefusedXmlException, etree.XMLSyntaxError, ValueError, LookupError):
        raise _invalid_response("it is not well-formed XML without a document type") from None
    # Canonicalization sorts them, in a time that grows with their square.
    if any(len(element.attrib) > _MOST_ATTRIBUTES for element in root.iter(etree.Element)):
        raise _invalid_response(f"an element has more than {_MOST_ATTRIBUTES} attributes")
    # It compares each of them with each other, for every element within: minutes for a thousand of them.
    if _namespaces(root) > _MOST_NAMESPACES:
        raise _invalid_response(f"an element is within more than {_MOST_NAMESPACES} declarations of namespaces")
    return root


def _namespaces(root: Any) -> int:
    """How many declarations of namespaces an element is within, at most; those that others hide count too."""
    within = most = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        within += 1 if event == "start-ns" else -1
        most = max(most, within)
    return most


def _check_status(response: Any) -> None:
    code = response.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    status = "" if code is None else code.get("Value", "")
    if status != _SUCCESS:
        short = status.rpartition(":")[2] or "no status"
        raise AwsError("IDPRejectedClaim", f"The identity provider did not authenticate anybody: {short[:64]}", 403)


def _only_assertion(response: Any, name: str) -> Any:
    """The one assertion, encrypted or not, which stands in the response itself."""
    found = [*response.iter(f"{SAML}Assertion"), *response.iter(f"{SAML}EncryptedAssertion")]
    if len(found) != 1 or found[0].getparent() is not response or found[0].tag != f"{SAML}{name}":
        raise _invalid_response("it must have exactly one Assertion, directly in the Response")
    _check_ids(response)
    return found[0]


def _check_ids(root: Any) -> None:
    ids = Counter(
        value
        for element in root.iter(etree.Element)
        for name, value in element.attrib.items()
        if etree.QName(name).localname.lower() == "id"
    )
    if any(times > 1 for times in ids.values()):
        raise _invalid_response("two elements have the same ID")


def _check_form(owner: Any, signature: Any) -> None:
    """A signature of another form than SAML's is none."""
    references = list(signature.iter(f"{_DS}Reference"))
    methods = [one.get("Algorithm") for one in signature.iter(f"{_DS}CanonicalizationMethod")]
    transforms = [one.get("Algorithm") for one in signature.iter(f"{_DS}Transform")]
    if (
        len(references) != 1
        or not owner.get("ID")
        or references[0].get("URI") != f"#{owner.get('ID')}"
        or len(methods) != 1
        or methods[0] not in _CANONICAL
        or not _TRANSFORMS.issuperset(transforms)
        or signature.find(f"{_DS}Object") is not None
        or sum(1 for _ in signature.iter()) > _MOST_IN_SIGNATURE
    ):
        raise _bad_signature()


def _verified(root: Any, owner: Any, certificates: Sequence[x509.Certificate]) -> Any:
    """The document's root or the assertion in it, from the bytes that a certificate's key signed."""
    place = "./" if owner is root else f"./{SAML}Assertion/"
    for certificate in certificates:
        configuration = SignatureConfiguration(
            location=place,
            signature_methods=_METHODS,
            digest_algorithms=_DIGESTS,
            verification_time=certificate.not_valid_before_utc,
        )
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=configuration)
        except _NOT_VERIFIED:
            continue
        one = result[0] if isinstance(result, list) else result
        signed: Any = one.signed_xml
        if signed is not None and signed.tag == owner.tag and signed.get("ID") == owner.get("ID"):
            return signed
    raise _bad_signature()


def _unsigned() -> AwsError:
    return _invalid_response("the Response or its Assertion must be signed, each at most once")


def _bad_signature() -> AwsError:
    return invalid_token("Response signature invalid")


def _invalid_response(why: str) -> AwsError:
    return invalid_token(f"Your request included an invalid SAML response: {why}.")
