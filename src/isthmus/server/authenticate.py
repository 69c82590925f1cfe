"""The second door: who signed the request.

An access key is long-term (looked up) or temporary (its session token says everything). Codes and texts differ
between S3 and the query services, as on AWS; the table below holds both.
"""

from __future__ import annotations

from typing import NamedTuple

from isthmus.identity import InvalidToken, Session
from isthmus.identity.authenticated import Authenticated, PrincipalGone, anonymous, long_term, temporary
from isthmus.operation import Caller, System
from isthmus.policy import Context
from isthmus.signing import Presented
from isthmus.wire import AwsError

# What is wrong with the credentials -> code, status and text, for S3 and for the query services.
_REFUSALS = {
    "unknown key": (
        ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
        ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    ),
    "bad token": (
        ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    ),
    "expired": (
        ("ExpiredToken", 400, "The provided token has expired."),
        ("ExpiredToken", 403, "The security token included in the request is expired"),
    ),
}


class Credentials(NamedTuple):
    """Credentials that exist: the secret that must have signed, and whose they are."""

    secret: str
    who: Authenticated
    access_key: str
    session: Session | None

    @property
    def caller(self) -> Caller:
        """The caller of a request signed with them."""
        principal, policies, _ = self.who
        return Caller(principal, policies, self.access_key, self.session)

    @property
    def context(self) -> Context:
        """The condition keys that describe the principal."""
        return self.who[2]


def refusal(problem: str, service: str, access_key: str = "") -> AwsError:
    """The answer to credentials that cannot be used."""
    code, status, message = _REFUSALS[problem][0 if service == "s3" else 1]
    extra = {"AWSAccessKeyId": access_key} if code == "InvalidAccessKeyId" else {}
    return AwsError(code, message, status, extra)


async def find_credentials(system: System, presented: Presented, service: str, now: float) -> Credentials:
    """The secret and the principal behind presented credentials; the signature is still to be checked.

    Raises AwsError: InvalidAccessKeyId, InvalidToken, ExpiredToken (S3); InvalidClientTokenId, ExpiredToken.
    """
    try:
        if presented.session_token:
            return await _temporary(system, presented, service, now)
        key = await system.directory.access_key(presented.access_key)
        if key is None or not key.active:
            raise refusal("unknown key", service, presented.access_key)
        return Credentials(key.secret, await long_term(system.directory, key), key.id, None)
    except PrincipalGone:
        raise refusal("unknown key", service, presented.access_key) from None


async def _temporary(system: System, presented: Presented, service: str, now: float) -> Credentials:
    try:
        session = system.vault.session(presented.session_token or "")
    except InvalidToken:
        raise refusal("bad token", service) from None
    if session.access_key != presented.access_key:
        raise refusal("bad token", service)
    if now >= session.expires:
        raise refusal("expired", service)
    secret = system.vault.session_secret(session.access_key)
    return Credentials(secret, await temporary(system.directory, session), session.access_key, session)


def anonymous_credentials() -> Credentials:
    """A request that presents nothing."""
    return Credentials("", anonymous(), "", None)
