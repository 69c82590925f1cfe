"""Identity tokens: a JWT that an issuer signed for one of the audiences that an account registered.

What a token must have (IAM User Guide, "Create an OpenID Connect identity provider"): `iss`, `sub`, `exp`, `iat`,
and `aud` or `azp`; signed with RS256, RS384, RS512, ES256, ES384 or ES512. Where a token has both `aud` and
`azp`, `azp` is the audience. Clocks may differ by five minutes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from isthmus.identity.authenticated import iso_time
from isthmus.wire import AwsError

from .issuer_keys import Key

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
SKEW = 300  # seconds
_LONGEST_SUBJECT = 255
# Headers that we do not know (`x5t`, `jku` …) say nothing to us; those that a token calls critical are refused.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token that is well-formed; nobody has looked at its signature yet. key_id: `""` where it names none."""

    text: str
    algorithm: str
    key_id: str
    issuer: str


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A token whose signature and times are right. audiences: from `azp`, else `aud`; original: from `aud`."""

    claims: Mapping[str, Any]
    subject: str
    audiences: tuple[str, ...]
    original_audiences: tuple[str, ...]


def invalid_token(message: str) -> AwsError:
    """400 InvalidIdentityToken."""
    return AwsError("InvalidIdentityToken", message, 400)


def read(text: str) -> UnverifiedToken:
    """What a token says of itself. Raises InvalidIdentityToken."""
    parts = text.split(".")
    if len(parts) != 3:
        raise _not_a_jwt()
    header, claims = _json(parts[0]), _json(parts[1])
    algorithm, key_id, issuer = header.get("alg"), header.get("kid", ""), claims.get("iss")
    if not isinstance(algorithm, str) or not isinstance(key_id, str) or algorithm not in ALGORITHMS:
        raise invalid_token(f"The token must be signed with one of {', '.join(ALGORITHMS)}.")
    if not isinstance(issuer, str) or not issuer:
        raise invalid_token("Missing a required claim: iss")
    return UnverifiedToken(text, algorithm, key_id, issuer)


def verified(token: UnverifiedToken, keys: Sequence[Key], now: float) -> IdentityToken:
    """The token if one of the issuer's keys signed it and it is its time. Raises InvalidIdentityToken,
    ExpiredTokenException."""
    for key in keys:
        if isinstance(key, RSAKey) is not token.algorithm.startswith("RS"):
            continue
        try:
            signed = jws.deserialize_compact(token.text, key, [token.algorithm], _REGISTRY)
        except (JoseError, ValueError):
            continue
        claims = json.loads(signed.payload)
        if claims.get("iss") != token.issuer:
            raise _not_a_jwt()
        return _checked(claims, now)
    raise invalid_token("The signature of the token is not one of the identity provider's.")


def _checked(claims: Mapping[str, Any], now: float) -> IdentityToken:
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if now >= expires + SKEW:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(expires)}",
            400,
        )
    if issued > now + SKEW or (claims.get("nbf") is not None and _time(claims, "nbf") > now + SKEW):
        raise invalid_token(f"The token is not valid yet: it is {iso_time(now)} here.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise invalid_token("Missing a required claim: sub")
    original, authorized = _audiences(claims, "aud"), _audiences(claims, "azp")
    if not original and not authorized:
        raise invalid_token("Missing a required claim: aud")
    return IdentityToken(claims, subject, authorized or original, original)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if value is None:
        raise invalid_token(f"Missing a required claim: {name}")
    # Beyond 2**53 a number of seconds is no time; infinities and NaN are none either.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise invalid_token(f"The claim {name} is not a number of seconds.")
    return float(value)


def _audiences(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name)
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if isinstance(one, str) and one)


def _json(part: str) -> dict[str, Any]:
    try:
        raw = part.encode("ascii")
        value = json.loads(base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise _not_a_jwt() from None
    if not isinstance(value, dict):
        raise _not_a_jwt()
    return value


def _not_a_jwt() -> AwsError:
    return invalid_token(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
    )
