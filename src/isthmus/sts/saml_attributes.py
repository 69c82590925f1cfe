"""Attributes of an assertion that mean something here: those of AWS's own names, and those that are condition keys.

Source: IAM User Guide, "Configure SAML assertions for the authentication response", its tables of attributes, and "IAM
and AWS STS condition context keys", which of the keys are lists. The keys of attributes are there while the role is
assumed, not in the session's requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.policy import ContextValue

from .identity_tokens import invalid_token
from .session_tags import SessionTags, session_tags

PREFIX = "https://aws.amazon.com/SAML/Attributes/"
MOST_TAGS = 50
_TAG = f"{PREFIX}PrincipalTag:"
_NAME = re.compile(r"[a-zA-Z_0-9+=,.@-]{2,64}")
_LONGEST_KEY, _LONGEST_VALUE = 128, 256

_EDU = "urn:oid:1.3.6.1.4.1.5923.1."
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
LISTS: Mapping[str, str] = {
    f"{_EDU}1.1.1": "eduPersonAffiliation",
    f"{_EDU}1.1.2": "eduPersonNickname",
    f"{_EDU}1.1.4": "eduPersonOrgUnitDN",
    f"{_EDU}1.1.7": "eduPersonEntitlement",
    f"{_EDU}1.1.9": "eduPersonScopedAffiliation",
    f"{_EDU}1.1.10": "eduPersonTargetedID",
    f"{_EDU}1.1.11": "eduPersonAssurance",
    f"{_EDU}2.1.2": "eduOrgHomePageURI",
    f"{_EDU}2.1.3": "eduOrgIdentityAuthNPolicyURI",
    f"{_EDU}2.1.4": "eduOrgLegalName",
    f"{_EDU}2.1.5": "eduOrgSuperiorURI",
    f"{_EDU}2.1.6": "eduOrgWhitePagesURI",
    "urn:oid:2.5.4.3": "cn",
    f"{_CLAIMS}name": "name",
    "http://schemas.xmlsoap.org/claims/CommonName": "commonName",
    f"{_CLAIMS}givenname": "givenName",
    f"{_CLAIMS}surname": "surname",
    f"{_CLAIMS}emailaddress": "mail",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": "uid",
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.4.5.42": "givenName",  # as AWS writes it
    "2.5.4.42": "givenName",  # as X.520 does
    "2.5.4.45": "x500UniqueIdentifier",
    "0.9.2342.19200300100.1.1": "uid",
    "0.9.2342.19200300100.1.3": "mail",
    "0.9.2342.19200300.100.1.45": "organizationStatus",
}
"""Attribute names and the keys they fill with all their values; of several names for a key the first is taken."""
SINGLE: Mapping[str, str] = {
    f"{_EDU}1.1.3": "eduPersonOrgDN",
    f"{_EDU}1.1.5": "eduPersonPrimaryAffiliation",
    f"{_EDU}1.1.6": "eduPersonPrincipalName",
    f"{_EDU}1.1.8": "eduPersonPrimaryOrgUnitDN",
}
"""The same for keys of one value."""


def attribute_keys(attributes: Mapping[str, tuple[str, ...]]) -> dict[str, ContextValue]:
    """The condition keys, in lower case, that attributes fill."""
    keys: dict[str, ContextValue] = {}
    for name, key in LISTS.items():
        if attributes.get(name):
            keys.setdefault(f"saml:{key.lower()}", attributes[name])
    for name, key in SINGLE.items():
        if attributes.get(name):
            keys[f"saml:{key.lower()}"] = attributes[name][0]
    return keys


def names_role(attributes: Mapping[str, tuple[str, ...]], role: str, provider: str) -> bool:
    """Whether the assertion maps its subject to a role of a provider (two ARNs). Raises InvalidIdentityToken where
    it maps it to no role at all."""
    pairs = attributes.get(f"{PREFIX}Role")
    if not pairs:
        raise invalid_token(f"Your request included an invalid SAML response: the attribute {PREFIX}Role is missing.")
    return any({one.strip() for one in pair.split(",")} == {role, provider} for pair in pairs)


def role_session_name(attributes: Mapping[str, tuple[str, ...]]) -> str:
    """Raises InvalidIdentityToken."""
    name = _only(attributes, "RoleSessionName")
    if name is None:
        raise invalid_token("RoleSessionName is required in AuthnResponse")
    if _NAME.fullmatch(name) is None:
        raise invalid_token(f"RoleSessionName in AuthnResponse must match {_NAME.pattern}")
    return name


def source_identity(attributes: Mapping[str, tuple[str, ...]]) -> str | None:
    """Raises InvalidIdentityToken."""
    value = _only(attributes, "SourceIdentity")
    if value is not None and (_NAME.fullmatch(value) is None or value.lower().startswith("aws:")):
        raise invalid_token(f'Source Identity must match {_NAME.pattern} and not begin with "aws:"')
    return value


def session_duration(attributes: Mapping[str, tuple[str, ...]]) -> int | None:
    """Seconds. Raises InvalidIdentityToken."""
    text = _only(attributes, "SessionDuration")
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{3,5}", text) is None or not 900 <= int(text) <= 43200:
        raise invalid_token("SessionDuration in AuthnResponse must be a number of seconds from 900 to 43200")
    return int(text)


def assertion_tags(attributes: Mapping[str, tuple[str, ...]]) -> SessionTags:
    """The session tags of an assertion. Raises InvalidIdentityToken, InvalidParameterValue."""
    pairs: list[dict[str, Any]] = []
    for name, values in attributes.items():
        if not name.startswith(_TAG):
            continue
        key = name.removeprefix(_TAG)
        if len(values) != 1 or len(key) > _LONGEST_KEY or len(values[0]) > _LONGEST_VALUE:
            raise invalid_token("Each PrincipalTag of the assertion must have one value, of at most 256 characters.")
        pairs.append({"Key": key, "Value": values[0]})
    if len(pairs) > MOST_TAGS:
        raise invalid_token(f"An assertion has at most {MOST_TAGS} PrincipalTag attributes.")
    transitive = attributes.get(f"{PREFIX}TransitiveTagKeys", ())
    return session_tags({"Tags": pairs, "TransitiveTagKeys": transitive}, None)


def _only(attributes: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    values = attributes.get(PREFIX + name)
    if not values:
        return None
    if len(values) > 1:
        raise invalid_token(f"{name} in AuthnResponse must have one value")
    return values[0]
