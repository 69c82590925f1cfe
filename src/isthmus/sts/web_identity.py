"""AssumeRoleWithWebIdentity: a role for whoever holds an identity token of an issuer that the role trusts.

The call is not signed; the token is the proof. In this order: the token is one of a provider registered in the
role's account, for an audience registered with it, signed and in time; then the role's trust policy decides
about the provider as principal, with what the token says as condition keys:

    HOST/PATH:sub, :aud, :oaud, :amr, :email   of the issuer, in the trust policy; all but amr stay in the session
    aws:RequestTag/…, aws:TagKeys, sts:TransitiveTagKeys, sts:SourceIdentity, sts:RoleSessionName

An unknown role is refused like one that trusts nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Role
from isthmus.operation import Call, Resource, operation
from isthmus.policy import ContextValue
from isthmus.wire import AwsError

from .assume_role import parsed_role_arn, session_seconds
from .federated_role import FOUND, federated_permissions, federated_session, role_and_resource, speak_as
from .identity_tokens import IdentityToken, UnverifiedToken, invalid_token, read, verified
from .issuer_documents import IssuerUnreachable, UnusableDocument
from .issuer_keys import IssuerKeys
from .parameters import check_patterns
from .provider_claims import provider_claims
from .session_policies import SessionPolicies, check_managed, session_policies
from .session_tags import SessionTags
from .token_tags import token_tags

SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_KEYS = IssuerKeys()


@dataclass(frozen=True, slots=True)
class _Provider:
    arn: str
    url: str
    client_ids: tuple[str, ...]
    thumbprints: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """What its condition keys begin with."""
        return self.url.split("://", 1)[-1].lower()


@dataclass(frozen=True, slots=True)
class _Request:
    """A call, understood: found by its first permission, used by the others and by the operation."""

    role: Role | None
    resource: Resource
    provider: _Provider
    token: IdentityToken
    audience: str
    tags: SessionTags
    policies: SessionPolicies
    source_identity: str | None


async def _role_to_assume(call: Call) -> Resource:
    """The role as the resource of the call, and the token as its caller. Raises InvalidIdentityToken,
    ExpiredTokenException, IDPCommunicationError, ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge."""
    request: _Request | None = call.found.get(FOUND)
    if request is None:
        request = call.found[FOUND] = await _understand(call)
        speak_as(call, request.provider.arn)
    return request.resource


async def _understand(call: Call) -> _Request:
    members = call.input
    check_patterns(members)
    role_arn = parsed_role_arn(members["RoleArn"])
    if members.get("ProviderId"):
        raise AwsError("ValidationError", "ProviderId is for OAuth 2.0 access tokens; leave it out for an ID token.")
    unverified = read(members["WebIdentityToken"])
    provider = await _provider(call, role_arn.account, unverified.issuer)
    token = await _proven(provider, unverified, call.now)
    audience = next((one for one in token.audiences if one in provider.client_ids), None)
    if audience is None:
        raise invalid_token("Incorrect token audience")
    tags = token_tags(token.claims)
    policies = session_policies(members, tags.all)
    source_identity = _source_identity(token)
    keys = provider_claims(provider.prefix, token.claims) | _claim_keys(provider, token, audience)
    amr = token.claims.get("amr")
    if isinstance(amr, list) and all(isinstance(one, str) for one in amr):
        keys[f"{provider.prefix}:amr"] = tuple(amr)
    name = members["RoleSessionName"]
    role, resource = await role_and_resource(call, role_arn, tags, name, source_identity, keys)
    return _Request(role, resource, provider, token, audience, tags, policies, source_identity)


async def _provider(call: Call, account: str, issuer: str) -> _Provider:
    """The account's provider for an issuer. Raises InvalidIdentityToken."""
    row = await call.system.identity.fetch_one(
        "SELECT arn, url, client_ids, thumbprints FROM oidc_providers WHERE account = ? AND url = ?", account, issuer
    )
    if row is None:
        raise invalid_token(f"No OpenIDConnect provider found in your account for {issuer}")
    return _Provider(row[0], row[1], tuple(json.loads(row[2])), tuple(text.lower() for text in json.loads(row[3])))


async def _proven(provider: _Provider, token: UnverifiedToken, now: float) -> IdentityToken:
    try:
        keys = await _KEYS.keys(provider.url, provider.thumbprints, token.key_id, now)
    except IssuerUnreachable:
        raise AwsError(
            "IDPCommunicationError", f"The identity provider {provider.url} could not be reached; try again.", 400
        ) from None
    except UnusableDocument:
        keys = []
    if not keys:
        raise invalid_token(
            "Couldn't retrieve verification key from your identity provider,  please reference"
            " AssumeRoleWithWebIdentity documentation for requirements"
        )
    return verified(token, keys, now)


def _claim_keys(provider: _Provider, token: IdentityToken, audience: str) -> dict[str, ContextValue]:
    """The condition keys of the token that have one value."""
    keys: dict[str, ContextValue] = {f"{provider.prefix}:sub": token.subject, f"{provider.prefix}:aud": audience}
    if token.original_audiences:
        original = token.original_audiences
        keys[f"{provider.prefix}:oaud"] = audience if audience in original else original[0]
    email = token.claims.get("email")
    if isinstance(email, str):
        keys[f"{provider.prefix}:email"] = email
    return keys


def _source_identity(token: IdentityToken) -> str | None:
    value = token.claims.get(SOURCE_IDENTITY)
    if value is None:
        return None
    if not isinstance(value, str) or not 2 <= len(value) <= 64:
        raise invalid_token(f"The claim {SOURCE_IDENTITY} must be a text of 2 to 64 characters.")
    check_patterns({"SourceIdentity": value})
    return value


@operation(
    "sts",
    "AssumeRoleWithWebIdentity",
    *federated_permissions("sts:AssumeRoleWithWebIdentity", _role_to_assume, "token"),
    anonymous=True,
)
async def assume_role_with_web_identity(call: Call) -> dict[str, Any]:
    """Credentials of a role for the holder of an identity token. Raises ValidationError for a session longer
    than allowed."""
    request: _Request = call.found[FOUND]
    role, provider = request.role, request.provider
    if role is None:  # nobody is allowed to assume what trusts nobody
        raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    duration = session_seconds(call.input.get("DurationSeconds"), role, False)
    await check_managed(request.policies, role.account, call.system.directory)
    claim_keys = _claim_keys(provider, request.token, request.audience)
    output = federated_session(
        call,
        role,
        call.input["RoleSessionName"],
        duration,
        request.tags,
        request.policies,
        request.source_identity,
        {key: value for key, value in claim_keys.items() if isinstance(value, str)},
        provider.arn,
    )
    output["SubjectFromWebIdentityToken"] = request.token.subject
    output["Provider"], output["Audience"] = provider.arn, request.audience
    return output
