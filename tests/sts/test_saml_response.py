"""Responses that somebody tampered with: none gives more than what was signed, and none breaks the server."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import SignatureReference
from signxml.verifier import XMLVerifier

from isthmus.sts.saml_assertion import read_assertion
from isthmus.sts.saml_response import signed_assertion
from isthmus.wire import AwsError
from saml_builders import MGF_256, SHA_256, IdentityProvider, encoded, encrypt, new_private_key

NOW = 1_800_000_000.0
IDP = IdentityProvider()
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"


def document(**changes: Any) -> Any:
    return IDP.document(NOW, "role", "provider", **changes)


def subject(response: Any) -> str:
    """Whom a response (an element, or its bytes) is taken to speak of."""
    element, _ = signed_assertion(encoded(response), [IDP.certificate])
    return read_assertion(element, IDP.entity_id, "ID", ("localhost",), NOW).subject


def refusal(response: Any) -> str:
    with pytest.raises(AwsError) as error:
        subject(response)
    assert error.value.code == "InvalidIdentityToken"
    return error.value.message


def evil(response: Any, id_: str | None = "_evil") -> Any:
    """A copy of the assertion of somebody else, unsigned."""
    forged = copy.deepcopy(response.find(f"{SAML}Assertion"))
    forged.find(f"{SAML}Subject/{SAML}NameID").text = "mallory"
    if id_ is None:
        del forged.attrib["ID"]
    else:
        forged.set("ID", id_)
    signature = forged.find(f"{DS}Signature")
    if signature is not None:
        forged.remove(signature)
    return forged


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
def test_what_was_signed_is_read_and_nothing_that_was_changed(signed: str) -> None:
    assert subject(document(signed=signed)) == "carla"
    for path, text in (
        (f"{SAML}Subject/{SAML}NameID", "mallory"),
        (f"{SAML}Conditions/{SAML}AudienceRestriction/{SAML}Audience", "https://elsewhere.example.com"),
        (f"{SAML}AttributeStatement/{SAML}Attribute/{SAML}AttributeValue", "another role"),
    ):
        changed = document(signed=signed)
        changed.find(f"{SAML}Assertion/{path}").text = text
        assert refusal(changed) == "Response signature invalid"


def test_a_signature_by_another_key_is_none_though_it_brings_its_certificate() -> None:
    stranger = IdentityProvider()
    forged = stranger.document(NOW, "role", "provider", subject="mallory")
    assert forged.find(f".//{DS}X509Certificate") is not None
    assert refusal(forged) == "Response signature invalid"
    alone = document(signed="neither")
    assert "must be signed" in refusal(alone)


def test_a_second_assertion_beside_the_signed_one_is_not_read() -> None:
    for place in (0, 2, 3):
        response = document()
        response.insert(place, evil(response))
        assert "exactly one Assertion" in refusal(response)


def test_the_signed_assertion_cannot_hide_inside_of_another() -> None:
    response = document()
    signed = response.find(f"{SAML}Assertion")
    outer = evil(response)
    response.replace(signed, outer)
    hiding = etree.SubElement(outer, f"{SAML}Advice")
    hiding.append(signed)
    assert "exactly one Assertion" in refusal(response)
    response = document()
    signed = response.find(f"{SAML}Assertion")
    outer = evil(response)
    outer.insert(1, signed.find(f"{DS}Signature"))
    etree.SubElement(outer, f"{SAML}Advice").append(signed)
    response.append(outer)
    assert "exactly one Assertion" in refusal(response)


def test_the_signed_assertion_cannot_hide_in_the_signature_or_in_extensions() -> None:
    for holder in ("Object", "Extensions"):
        response = document()
        signed = response.find(f"{SAML}Assertion")
        signature = signed.find(f"{DS}Signature")
        outer = evil(response)
        response.replace(signed, outer)
        outer.insert(1, copy.deepcopy(signature))
        if holder == "Object":
            etree.SubElement(outer.find(f"{DS}Signature"), f"{DS}Object").append(signed)
        else:
            response.insert(1, etree.Element(f"{PROTOCOL}Extensions"))
            response[1].append(signed)
        assert "exactly one Assertion" in refusal(response)


def test_the_signed_element_cannot_be_kept_under_another_name() -> None:
    """The reference leads to the original, which calls itself something else; a forged assertion stands in front."""
    response = document()
    signed = response.find(f"{SAML}Assertion")
    outer = evil(response)
    outer.insert(1, copy.deepcopy(signed.find(f"{DS}Signature")))
    signed.tag = f"{SAML}Original"
    response.append(outer)
    assert "must be signed" in refusal(response)
    signed.remove(signed.find(f"{DS}Signature"))
    assert refusal(response) == "Response signature invalid", "the reference is not to the assertion it stands in"


def test_two_elements_with_one_id_are_refused() -> None:
    response = document()
    signed = response.find(f"{SAML}Assertion")
    outer = evil(response, signed.get("ID"))
    outer.insert(1, copy.deepcopy(signed.find(f"{DS}Signature")))
    signed.tag = f"{SAML}Original"
    signed.remove(signed.find(f"{DS}Signature"))
    response.append(outer)
    assert "same ID" in refusal(response)
    for name in ("Id", "id", "{http://www.w3.org/XML/1998/namespace}id"):
        other = document()
        other.find(f"{PROTOCOL}Status").set(name, "_assertion")
        assert "same ID" in refusal(other)


def test_a_signed_response_cannot_lend_its_signature() -> None:
    inner = document(signed="response")
    outer = document(signed="neither", subject="mallory")
    outer.set("ID", "_outer")
    outer.insert(1, copy.deepcopy(inner.find(f"{DS}Signature")))
    assert refusal(outer) == "Response signature invalid"
    etree.SubElement(outer.find(f"{PROTOCOL}Status"), f"{PROTOCOL}StatusDetail").append(inner)
    assert "exactly one Assertion" in refusal(outer)


@pytest.mark.parametrize("uri", ["", "#_assertion", "#xpointer(/)", "http://127.0.0.1:1/", "file:///etc/passwd"])
def test_a_signature_refers_to_the_element_it_stands_in(uri: str) -> None:
    response = document(signed="response")
    response.find(f".//{DS}Reference").set("URI", uri)
    assert refusal(response) == "Response signature invalid"


def signed_as(**options: Any) -> Any:
    """A response whose assertion the provider itself signed in another way."""
    bare = document(signed="neither")
    assertion = bare.find(f"{SAML}Assertion")
    bare.replace(assertion, IDP.sign(assertion, **options))
    return bare


def test_a_signature_of_another_form_than_samls_is_none_though_the_provider_made_it() -> None:
    inclusive, exclusive = "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2001/10/xml-exc-c14n#"
    only = SignatureReference("#_assertion", c14n_method=CanonicalizationMethod(exclusive))
    assert subject(signed_as(c14n_algorithm=inclusive, reference_uri=[only])) == "carla"
    for options in (
        {"c14n_algorithm": f"{exclusive}WithComments", "reference_uri": [only]},
        {"reference_uri": [SignatureReference("#_assertion", c14n_method=CanonicalizationMethod(inclusive))]},
        {"reference_uri": [SignatureReference("#_assertion", c14n_method=CanonicalizationMethod(WITH_COMMENTS))]},
        {"reference_uri": [only, only]},
        {"signature_algorithm": "rsa-sha224"},
        {"signature_algorithm": "sha3-256-rsa-MGF1"},
        {"digest_algorithm": "sha224"},
    ):
        assert refusal(signed_as(**options)) == "Response signature invalid", options
    for strong in ("rsa-sha384", "rsa-sha512", "sha256-rsa-MGF1"):
        assert subject(signed_as(signature_algorithm=strong)) == "carla"
    for algorithm in ("http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116"):
        response = document()
        etree.SubElement(response.find(f".//{DS}Transforms"), f"{DS}Transform", Algorithm=algorithm)
        assert refusal(response) == "Response signature invalid"
    bare = document(signed="neither")
    assert subject(IDP.sign(copy.deepcopy(bare))) == "carla"
    del bare.attrib["ID"]
    unnamed = IDP.sign(bare, reference_uri=None)
    assert unnamed.find(f".//{DS}Reference").get("URI") == ""
    assert refusal(unnamed) == "Response signature invalid"
    response = document()
    etree.SubElement(response.find(f".//{DS}Signature"), f"{DS}Object").text = "unsigned"
    assert refusal(response) == "Response signature invalid"


def test_a_signature_has_as_many_parts_as_signatures_have(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []
    verify = XMLVerifier.verify
    monkeypatch.setattr(XMLVerifier, "verify", lambda *given, **more: verified.append(1) or verify(*given, **more))
    for number, looked_at in ((150, 1), (250, 0)):
        response = document()
        transform = response.find(f".//{DS}Transform")
        transform.extend(etree.Element("{urn:x}x") for _ in range(number))
        assert refusal(response) == "Response signature invalid"
        assert len(verified) == looked_at
        verified.clear()


def test_two_signatures_or_two_references_are_refused() -> None:
    response = document()
    signature = response.find(f".//{DS}Signature")
    signature.getparent().append(copy.deepcopy(signature))
    signature.attrib.pop("Id", None)
    assert "must be signed" in refusal(response)
    twice = document()
    info = twice.find(f".//{DS}SignedInfo")
    info.append(copy.deepcopy(info.find(f"{DS}Reference")))
    assert refusal(twice) == "Response signature invalid"
    stray = document()
    stray.append(copy.deepcopy(stray.find(f".//{DS}Signature")))
    stray.find(f"{SAML}Assertion").remove(stray.find(f"{SAML}Assertion/{DS}Signature"))
    assert refusal(stray) == "Response signature invalid"


def test_sha_1_and_shared_secrets_are_no_signatures() -> None:
    bare = document(signed="neither")
    assertion = bare.find(f"{SAML}Assertion")
    for changed in ("SignatureMethod", "DigestMethod"):
        response = copy.deepcopy(bare)
        response.replace(response.find(f"{SAML}Assertion"), IDP.sign(copy.deepcopy(assertion)))
        weak = {
            "SignatureMethod": "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "DigestMethod": "http://www.w3.org/2000/09/xmldsig#sha1",
        }
        response.find(f".//{DS}{changed}").set("Algorithm", weak[changed])
        assert refusal(response) == "Response signature invalid"
        strong = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
        response.find(f".//{DS}{changed}").set("Algorithm", strong)
        assert refusal(response) == "Response signature invalid"


def test_comments_and_instructions_cut_nothing_off_a_name() -> None:
    """`admin<!-- -->.evil` was signed as `admin.evil`, and is nobody else."""
    response = document(subject="admin.evil")
    raw = etree.tostring(response)
    for inserted in (b"admin<!-- x -->.evil", b"<!-- x -->admin.evil", b"admin.evil<!---->"):
        assert subject(raw.replace(b"admin.evil", inserted)) == "admin.evil"
    assert subject(document(subject="admin<?x y?>.evil")) == "admin.evil"
    assert refusal(raw.replace(b"admin.evil", b"admin<?x?>.evil")) == "Response signature invalid"


def test_document_types_and_entities_are_refused_before_anything_is_expanded() -> None:
    raw = etree.tostring(document())
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(20)
    ) + b"]>"  # fmt: skip
    for before, text in (
        (bomb, b"&u;"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', b"&a;"),
        (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]>', b"carla"),
        (b'<!DOCTYPE samlp:Response SYSTEM "http://127.0.0.1:1/x.dtd">', b"carla"),
        (b"<!DOCTYPE x []>", b"carla"),
    ):
        assert "document type" in refusal(before + raw.replace(b">carla<", b">" + text + b"<"))
    assert subject(b"<?xml version='1.0' encoding='UTF-8'?>" + raw) == "carla"
    utf16 = f"<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE x []>{raw.decode()}".encode("utf-16")
    assert "document type" in refusal(utf16)


def test_what_is_no_response_at_all_is_refused() -> None:
    for text in ("", "%", "AAAA=A", "äää", "=" * 8):
        with pytest.raises(AwsError) as error:
            signed_assertion(text, [IDP.certificate])
        assert error.value.code == "InvalidIdentityToken"
    deep = b"<a>" * 5000 + b"</a>" * 5000
    for raw in (b"<x/>", b"no XML", b"\0", deep, etree.tostring(document().find(f"{SAML}Assertion"))):
        assert "invalid SAML response" in refusal(raw)
    for number, refused in ((101, True), (95, False)):
        many = document()
        many.find(f"{PROTOCOL}Status").attrib.update({f"a{one}": "x" for one in range(number)})
        assert ("more than 100 attributes" in refusal(many)) if refused else subject(many) == "carla"
    for number, refused in ((40, True), (20, False)):
        declared = "".join(f' xmlns:a{one}="urn:a"' for one in range(number)).encode()
        nested = b"".join(b'<a xmlns:b%d="urn:b">' % one for one in range(number)) + b"</a>" * number
        siblings = b'<a xmlns:b="urn:b"/>' * 100
        for before, after in (
            (b"<samlp:Response", b"<samlp:Response" + declared),
            (b"</samlp:Status>", b"<samlp:StatusDetail>" + nested + b"</samlp:StatusDetail></samlp:Status>"),
            (b"</samlp:Status>", b"<samlp:StatusDetail>" + siblings + b"</samlp:StatusDetail></samlp:Status>"),
        ):
            raw = etree.tostring(document()).replace(before, after, 1)
            within = "more than 32 declarations of namespaces"
            assert (within in refusal(raw)) if refused and siblings not in after else subject(raw) == "carla"
    wide = document(attributes={f"n{number}": ["x"] for number in range(1000)})
    assert subject(wide) == "carla", "many attributes are no reason to refuse"


def test_a_subject_is_one_name_and_one_bearer_confirmation() -> None:
    for path in ("NameID", "SubjectConfirmation", "SubjectConfirmation/SubjectConfirmationData"):
        for times in (0, 2):
            bare = document(signed="neither")
            parts = "/".join(f"{SAML}{name}" for name in f"Subject/{path}".split("/"))
            found = bare.find(f"{SAML}Assertion/{parts}")
            if times:
                found.getparent().append(copy.deepcopy(found))
            else:
                found.getparent().remove(found)
            assertion = bare.find(f"{SAML}Assertion")
            bare.replace(assertion, IDP.sign(copy.deepcopy(assertion)))
            assert "exactly one" in refusal(bare), (path, times)
    bare = document(signed="neither")
    bare.find(f".//{SAML}SubjectConfirmation").set("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
    assertion = bare.find(f"{SAML}Assertion")
    bare.replace(assertion, IDP.sign(copy.deepcopy(assertion)))
    assert "bearer" in refusal(bare)


KEY = new_private_key()


def opened(response: Any, *keys: Any) -> str:
    """Whom an encrypted response is taken to speak of."""
    element, encrypted = signed_assertion(encoded(response), [IDP.certificate], keys or (KEY,))
    assert encrypted
    return read_assertion(element, IDP.entity_id, "ID", ("localhost",), NOW).subject


def not_opened(response: Any, *keys: Any) -> str:
    with pytest.raises(AwsError) as error:
        opened(response, *keys)
    assert error.value.code == "InvalidIdentityToken"
    return error.value.message


def sealed(signed: str = "assertion", **options: Any) -> Any:
    """A response with an encrypted assertion, signed before."""
    response = document(signed=signed)
    encrypt(response.find(f"{SAML}Assertion"), KEY.public_key(), **options)
    return response


def test_an_encrypted_assertion_is_opened_by_any_of_the_keys() -> None:
    sha_256 = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    transport = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
    for response in (
        sealed(),
        sealed(beside=True),
        sealed(transport=transport, oaep=sha_256, more=SHA_256 + MGF_256),
        sealed(oaep=padding.OAEP(padding.MGF1(SHA1()), SHA256(), None), more=SHA_256),
    ):
        assert opened(response) == opened(response, new_private_key(), KEY) == "carla"
        assert "no private key" in not_opened(response, new_private_key())
    with pytest.raises(AwsError):
        signed_assertion(encoded(sealed()), [IDP.certificate])


def test_what_does_not_authenticate_is_not_decrypted() -> None:
    old = "http://www.w3.org/2001/04/xmlenc#"
    for response in (
        sealed(algorithm=f"{old}aes256-cbc"),
        sealed(algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"),
        sealed(transport=f"{old}rsa-1_5"),
        sealed(more=SHA_256),
        sealed(more='<ds:DigestMethod Algorithm="urn:unknown"/>'),
    ):
        assert "no private key" in not_opened(response)
    for name in ("EncryptedData", "EncryptedKey"):
        for value in ("", "AAAA", "%", None):
            response = sealed()
            cipher = response.find(f".//{{{old}}}{name}/{{{old}}}CipherData/{{{old}}}CipherValue")
            if value is None:
                cipher.getparent().append(copy.deepcopy(cipher))
            else:
                cipher.text = value
            assert "no private key" in not_opened(response)


def test_encryption_is_no_signature() -> None:
    """Anybody can encrypt for the provider's key."""
    assert "must be signed" in not_opened(sealed("neither"))
    stranger = IdentityProvider().document(NOW, "role", "provider", subject="mallory")
    encrypt(stranger.find(f"{SAML}Assertion"), KEY.public_key())
    assert not_opened(stranger) == "Response signature invalid"
    altered = document()
    altered.find(f".//{SAML}NameID").text = "mallory"
    encrypt(altered.find(f"{SAML}Assertion"), KEY.public_key())
    assert not_opened(altered) == "Response signature invalid"


def test_a_signature_of_the_response_is_over_what_is_encrypted() -> None:
    response = document(signed="neither")
    encrypt(response.find(f"{SAML}Assertion"), KEY.public_key())
    signed = IDP.sign(response)
    assert opened(signed) == "carla"
    forged = evil(document(signed="neither"))
    other = copy.deepcopy(signed)
    holder = etree.Element("holder")
    holder.append(forged)
    encrypt(forged, KEY.public_key())
    other.replace(other.find(f"{SAML}EncryptedAssertion"), holder[0])
    assert not_opened(other) == "Response signature invalid"


def test_what_is_encrypted_is_one_assertion_and_nothing_that_could_hide_one() -> None:
    signed = etree.tostring(document().find(f"{SAML}Assertion"))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    hiding = evil(document())
    etree.SubElement(hiding, f"{SAML}Advice").append(document().find(f"{SAML}Assertion"))
    for content in (b"<x/>", b"no XML", bomb + signed, etree.tostring(hiding), etree.tostring(document())):
        assert "invalid SAML response" in not_opened(sealed(content=content))
    two = sealed()
    two.append(copy.deepcopy(two.find(f"{SAML}EncryptedAssertion")))
    assert "exactly one Assertion" in not_opened(two)
    beside = sealed()
    beside.append(evil(document()))
    assert "exactly one Assertion" in not_opened(beside)


RAW = etree.tostring(document(signed="both"))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(RAW)), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=4)
)
def test_no_damage_to_a_response_is_anything_but_a_refusal_or_harmless(cuts: list[tuple[int, int, bytes]]) -> None:
    changed = RAW
    for start, length, put in cuts:
        changed = changed[:start] + put + changed[start + length :]
    try:
        element, _ = signed_assertion(base64.b64encode(changed).decode(), [IDP.certificate])
    except AwsError as error:
        assert error.code in ("InvalidIdentityToken", "IDPRejectedClaim")
    else:
        assert read_assertion(element, IDP.entity_id, "ID", ("localhost",), NOW).subject == "carla"
