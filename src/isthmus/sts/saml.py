"""AssumeRoleWithSAML: a role for whom an identity provider vouches in a signed assertion.

The call is not signed; the assertion is the proof. In this order: the provider exists in the role's account; the
assertion is signed with a key of its metadata, made by it, for this server, and fresh; it maps its subject to the role
and the provider; then the role's trust policy decides about the provider as principal, with condition keys:

    saml:sub, sub_type, namequalifier        in the trust policy, and in the session's requests
    saml:aud, iss, doc, and those of attributes (`saml_attributes`)      in the trust policy alone
    aws:RequestTag/…, aws:TagKeys, sts:TransitiveTagKeys, sts:SourceIdentity, sts:RoleSessionName

An unknown role is refused like one that trusts nobody.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from isthmus.identity import SAML_PRIVATE_KEY, Role
from isthmus.identity.saml_metadata import InvalidMetadata, SamlMetadata, saml_metadata
from isthmus.operation import Call, Resource, operation
from isthmus.policy import ContextValue
from isthmus.wire import AwsError

from . import saml_attributes
from .assume_role import parsed_role_arn, session_seconds
from .federated_role import FOUND, federated_permissions, federated_session, role_and_resource, speak_as
from .identity_tokens import invalid_token
from .saml_assertion import SamlAssertion, read_assertion
from .saml_response import signed_assertion
from .session_policies import SessionPolicies, check_managed, session_policies
from .session_tags import SessionTags


@dataclass(frozen=True, slots=True)
class _Provider:
    """name: the last part of its ARN. id: unique, part of addresses for encrypted assertions. private_keys: what
    these are encrypted for."""

    arn: str
    account: str
    name: str
    id: str
    metadata: SamlMetadata
    requires_encryption: bool
    private_keys: tuple[RSAPrivateKey, ...]

    def name_qualifier(self, issuer: str) -> str:
        """The namespace of its subjects (STS API reference, AssumeRoleWithSAML, NameQualifier)."""
        text = f"{issuer}{self.account}/{self.name}"
        return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


@dataclass(frozen=True, slots=True)
class _Request:
    """A call, understood: found by its first permission, used by the others and by the operation."""

    role: Role | None
    resource: Resource
    provider: _Provider
    assertion: SamlAssertion
    session_name: str
    tags: SessionTags
    policies: SessionPolicies
    source_identity: str | None

    @property
    def session_keys(self) -> dict[str, str]:
        """The condition keys that stay in the session."""
        return {
            "saml:sub": self.assertion.subject,
            "saml:sub_type": self.assertion.subject_type,
            "saml:namequalifier": self.provider.name_qualifier(self.assertion.issuer),
        }


async def _role_to_assume(call: Call) -> Resource:
    """The role as the resource of the call, and the provider as its caller. Raises InvalidIdentityToken,
    ExpiredTokenException, IDPRejectedClaim, AccessDenied, ValidationError, MalformedPolicyDocument,
    PackedPolicyTooLarge."""
    request: _Request | None = call.found.get(FOUND)
    if request is None:
        request = call.found[FOUND] = await _understand(call)
    return request.resource


async def _understand(call: Call) -> _Request:
    members = call.input
    role_arn = parsed_role_arn(members["RoleArn"])
    provider = await _provider(call, role_arn.account)
    # Beside the event loop: the largest response that strangers can send takes a tenth of a second.
    element, encrypted = await asyncio.get_running_loop().run_in_executor(
        _thread(), signed_assertion, members["SAMLAssertion"], provider.metadata.certificates, provider.private_keys
    )
    if provider.requires_encryption and not encrypted:
        raise invalid_token("The provider requires encrypted assertions (AssertionEncryptionMode).")
    domains = call.system.settings.domains
    assertion = read_assertion(element, provider.metadata.entity_id, provider.id, domains, call.now)
    attributes = assertion.attributes
    name = saml_attributes.role_session_name(attributes)
    source_identity = saml_attributes.source_identity(attributes)
    tags = saml_attributes.assertion_tags(attributes)
    policies = session_policies(members, tags.all)
    speak_as(call, provider.arn)
    call.shown = {
        "sAMLAssertionID": assertion.id,
        "roleSessionName": name,
        **({"principalTags": dict(tags.passed)} if tags.passed else {}),
        **({"transitiveTagKeys": list(tags.transitive)} if tags.transitive else {}),
        **({"sourceIdentity": source_identity} if source_identity else {}),
    }
    keys: dict[str, ContextValue] = saml_attributes.attribute_keys(attributes)
    keys |= {
        "saml:aud": assertion.recipient,
        "saml:iss": assertion.issuer,
        "saml:doc": f"{provider.account}/{provider.name}",
        "saml:sub": assertion.subject,
        "saml:sub_type": assertion.subject_type,
        "saml:namequalifier": provider.name_qualifier(assertion.issuer),
    }
    role, resource = await role_and_resource(call, role_arn, tags, name, source_identity, keys)
    if not saml_attributes.names_role(attributes, resource.arn, provider.arn):
        call.resources = (resource,)
        raise _not_authorized(": the assertion's attribute Role does not name this role with this provider")
    return _Request(role, resource, provider, assertion, name, tags, policies, source_identity)


@cache
def _thread() -> ThreadPoolExecutor:
    """One of each worker: who sends responses that nobody signed holds up nobody but those who sign in like that."""
    return ThreadPoolExecutor(1, thread_name_prefix="saml")


async def _provider(call: Call, account: str) -> _Provider:
    """The provider that the call names, which must be of the role's account. Raises InvalidIdentityToken."""
    arn = call.input["PrincipalArn"]
    row = await call.system.identity.fetch_one(
        "SELECT id, metadata, valid_until, encryption, private_keys FROM saml_providers WHERE arn = ? AND account = ?",
        arn, account,
    )  # fmt: skip
    if row is None:
        raise invalid_token("Specified provider doesn't exist.")
    unique, metadata, end, encryption, sealed = row
    if call.now >= end:
        raise invalid_token("The metadata of the provider is valid no longer: update it (UpdateSAMLProvider).")
    pems = [call.system.vault.unseal(base64.b64decode(key["sealed"]), SAML_PRIVATE_KEY) for key in json.loads(sealed)]
    # They were checked when they were stored: the primality of a large key takes seconds, and anybody may ask.
    loaded = [load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True) for pem in pems]
    keys = tuple(key for key in loaded if isinstance(key, RSAPrivateKey))
    name = arn.rpartition("/")[2]
    try:
        described = saml_metadata(metadata)
    except InvalidMetadata as error:  # stored when more was taken
        raise invalid_token(f"The metadata of the provider must be updated (UpdateSAMLProvider): {error}.") from None
    return _Provider(arn, account, name, unique, described, encryption == "Required", keys)


def _not_authorized(why: str = "") -> AwsError:
    return AwsError("AccessDenied", f"Not authorized to perform sts:AssumeRoleWithSAML{why}", 403)


@operation(
    "sts",
    "AssumeRoleWithSAML",
    *federated_permissions("sts:AssumeRoleWithSAML", _role_to_assume, "assertion"),
    anonymous=True,
)
async def assume_role_with_saml(call: Call) -> dict[str, Any]:
    """Credentials of a role for the subject of an assertion. They last as long as the request asks, and no longer
    than the assertion's SessionDuration and SessionNotOnOrAfter. Raises ValidationError for a session longer than
    the role allows."""
    request: _Request = call.found[FOUND]
    role, assertion = request.role, request.assertion
    if role is None:  # nobody is allowed to assume what trusts nobody
        raise _not_authorized()
    seconds: float = session_seconds(call.input.get("DurationSeconds"), role, False)
    shorter = saml_attributes.session_duration(assertion.attributes)
    if shorter is not None:
        seconds = min(seconds, shorter)
    if assertion.session_ends is not None:
        seconds = min(seconds, assertion.session_ends - call.now)
    await check_managed(request.policies, role.account, call.system.directory)
    output = federated_session(
        call,
        role,
        request.session_name,
        seconds,
        request.tags,
        request.policies,
        request.source_identity,
        request.session_keys,
    )
    output["Subject"], output["SubjectType"] = assertion.subject, assertion.subject_type
    output["Issuer"], output["Audience"] = assertion.issuer, assertion.recipient
    output["NameQualifier"] = request.session_keys["saml:namequalifier"]
    return output
