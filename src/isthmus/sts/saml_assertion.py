"""What a signed assertion says, and whether it says it to this server and now.

Source: IAM User Guide, "Configure SAML assertions for the authentication response" and "Troubleshoot SAML federation
with IAM", whose texts the errors use. An assertion is good for five minutes from its issue, and until each
`NotOnOrAfter` in it. Clocks may differ by five minutes where it is not valid yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from isthmus.identity.authenticated import iso_time
from isthmus.wire import AwsError

from .identity_tokens import SKEW, invalid_token
from .saml_response import SAML

REDEEMABLE = 300  # seconds from the issue of an assertion
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_AWS_SIGN_IN = re.compile(r"https://(?:[a-z]{2}(?:-[a-z]+)+-[0-9]\.)?signin\.aws\.amazon\.com/saml(?:/acs/([^/]+))?")
_AWS_AUDIENCE = "urn:amazon:webservices"
_LONGEST_SUBJECT = 1024


@dataclass(frozen=True, slots=True)
class SamlAssertion:
    """subject_type: `persistent`, `transient` …, a format outside of SAML's as it is. recipient: for whose address.
    session_ends: seconds since the epoch, None where the provider sets no end. attributes: by name, in order."""

    id: str
    issuer: str
    subject: str
    subject_type: str
    recipient: str
    session_ends: float | None
    attributes: Mapping[str, tuple[str, ...]]


def is_sign_in_address(address: str, provider_id: str, domains: Sequence[str]) -> bool:
    """Whether an address is where assertions for this server go: AWS's sign-in address, of a region too, with the
    provider's id or without; or `/-/signin` of one of the server's own names, on any port."""
    aws = _AWS_SIGN_IN.fullmatch(address)
    if aws is not None:
        return aws[1] in (None, provider_id)
    own = re.fullmatch(r"https?://([^/:@?#]+)(?::[0-9]{1,5})?/-/signin", address)
    return own is not None and own[1].lower() in domains


def read_assertion(element: Any, issuer: str, provider_id: str, domains: Sequence[str], now: float) -> SamlAssertion:
    """The claims of a signed assertion (an lxml element) of the issuer, checked for place and time.

    Raises InvalidIdentityToken, ExpiredTokenException.
    """
    if element.get("Version") != "2.0" or _text(element, "Issuer") != issuer:
        raise invalid_token("Issuer not present in specified provider")
    issued = _time(element, "IssueInstant")
    confirmation = _only(element, "Subject/SubjectConfirmation")
    data = _only(confirmation, "SubjectConfirmationData")
    if confirmation.get("Method") != _BEARER or issued is None or not data.get("NotOnOrAfter"):
        raise invalid_token(
            "The Assertion needs an IssueInstant and a SubjectConfirmation of the method bearer with NotOnOrAfter."
        )
    recipient = data.get("Recipient", "")
    if not is_sign_in_address(recipient, provider_id, domains):
        raise invalid_token("The Recipient of the SubjectConfirmationData is not a sign-in address of this server.")
    _check_audience(element, provider_id, domains)
    conditions = element.findall(f"{SAML}Conditions")
    statements = element.findall(f"{SAML}AuthnStatement")
    session_ends = [end for one in statements if (end := _time(one, "SessionNotOnOrAfter")) is not None]
    ends = [end for one in (data, *conditions) if (end := _time(one, "NotOnOrAfter")) is not None]
    starts = [start for one in (data, *conditions) if (start := _time(one, "NotBefore")) is not None]
    if now >= min(issued + REDEEMABLE, *ends, *session_ends):
        raise AwsError("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", 400)
    if now + SKEW < max(issued, *starts, 0.0):
        raise invalid_token(f"The assertion is not valid yet: it is {iso_time(now)} here.")
    name = _only(element, "Subject/NameID")
    subject = _string(name)
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise invalid_token("The NameID of the Subject must be a text of 1 to 1024 characters.")
    return SamlAssertion(
        id=element.get("ID", ""),
        issuer=issuer,
        subject=subject,
        subject_type=name.get("Format", "").removeprefix(_FORMAT),
        recipient=recipient,
        session_ends=min(session_ends, default=None),
        attributes=_attributes(element),
    )


def _check_audience(element: Any, provider_id: str, domains: Sequence[str]) -> None:
    restrictions = element.findall(f"{SAML}Conditions/{SAML}AudienceRestriction")
    for restriction in restrictions:
        audiences = [_string(one) for one in restriction.findall(f"{SAML}Audience")]
        if not any(one == _AWS_AUDIENCE or is_sign_in_address(one, provider_id, domains) for one in audiences):
            raise _not_for_us()
    if not restrictions:
        raise _not_for_us()


def _not_for_us() -> AwsError:
    return invalid_token("Response does not contain the required audience.")


def _attributes(element: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for attribute in element.findall(f"{SAML}AttributeStatement/{SAML}Attribute"):
        name = attribute.get("Name", "")
        values = tuple(_string(one) for one in attribute.findall(f"{SAML}AttributeValue"))
        found[name] = found.get(name, ()) + values
    return found


def _only(element: Any, path: str) -> Any:
    found = element.findall("/".join(f"{SAML}{name}" for name in path.split("/")))
    if len(found) != 1:
        raise invalid_token(f"The Assertion must have exactly one {path}.")
    return found[0]


def _text(element: Any, path: str) -> str:
    return _string(_only(element, path))


def _string(element: Any) -> str:
    """All of an element's text: a comment or an instruction in it cuts nothing off."""
    return str(element.xpath("string()")).strip()


def _time(element: Any, name: str) -> float | None:
    text = element.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise invalid_token(f"{name} of the assertion is not a time.") from None
