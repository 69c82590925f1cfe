"""Which credentials a request presents, before anything is known about them.

A request is signed in one of five ways: the `Authorization` header or the query string, each with signature
version 4 or (S3 only) version 2, or the fields of an HTML form. More than one at once is refused.

Sources: "Authenticating Requests (AWS Signature Version 4)" in the S3 API reference, "Signing and
authenticating REST requests" (version 2), "Signature Version 4 signing process" in the IAM User Guide.
Texts are those S3 and the query services (IAM, STS) send.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import unquote_plus

from isthmus.wire import AwsError, Request

from .dates import iso_basic, parse_date, parse_iso_basic
from .scope import authorization_parts, scope_of, signed_headers_of

Form = Literal["REST-HEADER", "REST-QUERY-STRING", "POST"]
Version = Literal["AWS4-HMAC-SHA256", "AWS"]

V4: Literal["AWS4-HMAC-SHA256"] = "AWS4-HMAC-SHA256"
V2: Literal["AWS"] = "AWS"
MAX_EXPIRES = 604_800  # a week, the longest life of a presigned URL

_QUERY_V4_NAMES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature")
_QUERY_V4_REQUIRED = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)


class Presented(NamedTuple):
    """The credentials of one request, as claimed.

    form, version: as the condition keys `s3:authType` and `s3:signatureversion` name them.
    date, region, service: the credential scope (version 4); empty, empty and `s3` for version 2.
    moment: when the request says it was signed, seconds since the epoch; of a version 2 query string, which
        does not say that, the moment it expires.
    timestamp: the same in ISO 8601 basic format; empty for a version 2 query string.
    lifetime: seconds a presigned URL is valid for; None for other forms.
    policy: the base64 policy of a form.
    """

    access_key: str
    session_token: str | None
    form: Form
    version: Version
    signature: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    moment: int
    timestamp: str
    lifetime: int | None = None
    policy: str | None = None

    @property
    def scope(self) -> str:
        """`20150830/us-east-1/s3/aws4_request`."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    def age_ms(self, now: float) -> int:
        """Milliseconds since the request was signed, for `s3:signatureAge`; never negative."""
        return max(0, int((now - self.moment) * 1000))


def credentials_of(request: Request, service: str | None = None) -> Presented | None:
    """What the header or the query presents; None for an anonymous request.

    service: the service the request was routed to, which decides the wording of errors and which the
        credential scope must name; when not given, the scope's own word is taken.
    Credentials in an HTML form are found by `credentials_of_form`.
    Raises AwsError: AuthorizationHeaderMalformed, AuthorizationQueryParametersError, InvalidArgument,
    AccessDenied (S3); IncompleteSignature, SignatureDoesNotMatch (others).
    """
    authorization = request.headers.get("authorization")
    query = request.query
    if authorization is None:
        if not query:
            return None
        if any(name + "=" in query for name in _QUERY_V4_NAMES):
            return _query_v4(request, service)
        if "Signature=" in query or "AWSAccessKeyId=" in query:
            return _query_v2(request, service)
        return None
    if query and ("X-Amz-Algorithm=" in query or "Signature=" in query):
        names = {name for name, _ in decoded_query(query)}
        if "X-Amz-Algorithm" in names or "Signature" in names:
            raise AwsError(
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                "Signature query string "
                "parameter or the Authorization header should be specified",
                extra={"ArgumentName": "Authorization", "ArgumentValue": authorization},
            )
    if authorization.startswith("AWS4-HMAC-SHA256"):
        return _header_v4(request, authorization[16:], service)
    if authorization.startswith("AWS ") and service in (None, "s3"):
        return _header_v2(request, authorization)
    if service in (None, "s3"):
        raise AwsError(
            "InvalidArgument",
            "Unsupported Authorization Type",
            extra={"ArgumentName": "Authorization", "ArgumentValue": authorization},
        )
    raise AwsError(
        "IncompleteSignature",
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 "
        "and encoded with "
        f"Base64): '{base64.b64encode(hashlib.sha256(authorization.encode()).digest()).decode()}'.",
    )


def credentials_of_form(fields: Mapping[str, str]) -> Presented | None:
    """What the fields of a POST form present (names lower case); None for an anonymous form.

    Raises AwsError InvalidArgument for a missing field, or for one that is malformed.
    """
    if "x-amz-algorithm" in fields or "x-amz-signature" in fields or "x-amz-credential" in fields:
        for name in ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
            if name not in fields:
                raise _missing_field(name)
        if fields["x-amz-algorithm"] != V4:
            raise AwsError(
                "InvalidArgument",
                'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"',
                extra={"ArgumentName": "x-amz-algorithm", "ArgumentValue": fields["x-amz-algorithm"]},
            )
        scope = scope_of(fields["x-amz-credential"])
        if isinstance(scope, str):
            raise AwsError(
                "InvalidArgument",
                f"Error parsing the X-Amz-Credential parameter; {scope}",
                extra={"ArgumentName": "x-amz-credential", "ArgumentValue": fields["x-amz-credential"]},
            )
        moment = parse_iso_basic(fields["x-amz-date"])
        if moment is None:
            raise AwsError(
                "InvalidArgument",
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
                extra={"ArgumentName": "x-amz-date", "ArgumentValue": fields["x-amz-date"]},
            )
        access_key, date, region, service = scope
        return Presented(
            access_key,
            fields.get("x-amz-security-token"),
            "POST",
            V4,
            fields["x-amz-signature"],
            date,
            region,
            service,
            (),
            moment,
            fields["x-amz-date"],
            None,
            fields["policy"],
        )
    if "awsaccesskeyid" in fields or "signature" in fields or "policy" in fields:
        for name, shown in (
            ("awsaccesskeyid", "AWSAccessKeyId"),
            ("signature", "signature"),
            ("policy", "policy"),
        ):
            if name not in fields:
                raise _missing_field(shown)
        return Presented(
            fields["awsaccesskeyid"],
            fields.get("x-amz-security-token"),
            "POST",
            V2,
            fields["signature"],
            "",
            "",
            "s3",
            (),
            0,
            "",
            None,
            fields["policy"],
        )
    return None


def decoded_query(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string, percent-decoded, in order. `+` is a space, as S3 reads it."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return pairs


def _missing_field(name: str) -> AwsError:
    return AwsError(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields.",
        extra={"ArgumentName": name, "ArgumentValue": ""},
    )


# --- signature version 4
# -------------------------------------------------------------------------------------


def _header_v4(request: Request, rest: str, service: str | None) -> Presented:
    # All but the signature is the same in every request that one client signs on one day.
    same, _, signature = rest.rpartition("Signature=")
    if "," in signature or not same.endswith((" ", ",")):
        same, signature = rest, ""
    credential, signed_headers, elsewhere, odd = authorization_parts(same)
    signature = signature.strip() or elsewhere
    if odd and service not in (None, "s3"):
        raise AwsError(
            "IncompleteSignature",
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded "
            f"with Base64): '{base64.b64encode(hashlib.sha256(odd.encode()).digest()).decode()}'.",
        )
    headers = request.headers
    written = headers.get("x-amz-date") or headers.get("date")
    scope = scope_of(credential) if credential else ""
    if service is None:
        service = scope[3] if isinstance(scope, tuple) else "s3"
    if service != "s3":
        _require_parts(credential, signed_headers, signature, written, rest, scope, service)
    if not (credential and signed_headers and signature):
        raise _malformed(
            "the authorization header requires three components: Credential, SignedHeaders, and Signature."
        )
    if isinstance(scope, str):
        raise _malformed(scope)
    access_key, date, region, scoped_service = scope
    if scoped_service != service:
        raise _malformed(f'incorrect service "{scoped_service}". This endpoint belongs to "{service}".')
    moment = None if written is None else parse_date(written)
    if moment is None or written is None:
        raise _no_date()
    timestamp = written if len(written) == 16 else iso_basic(moment)
    if not timestamp.startswith(date):
        if service == "s3":
            raise _malformed(
                f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{timestamp[:8]}".'
            )
        raise AwsError(
            "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{timestamp[:8]}', from '{timestamp}'.",
        )
    return Presented(
        access_key,
        headers.get("x-amz-security-token"),
        "REST-HEADER",
        V4,
        signature,
        date,
        region,
        service,
        signed_headers_of(signed_headers),
        moment,
        timestamp,
    )


def _require_parts(
    credential: str,
    signed_headers: str,
    signature: str,
    written: str | None,
    rest: str,
    scope: tuple[str, str, str, str] | str,
    service: str,
) -> None:
    """The query services list everything that is missing from an Authorization header at once."""
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name, value in (
            ("Credential", credential),
            ("Signature", signature),
            ("SignedHeaders", signed_headers),
        )
        if not value
    ]
    if written is None or parse_date(written) is None:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        hashed = base64.b64encode(hashlib.sha256((V4 + rest).encode()).digest()).decode()
        raise AwsError(
            "IncompleteSignature",
            " ".join(missing) + f" (Hashed with SHA-256 and encoded with Base64) Authorization={hashed}",
        )
    _require_scope(credential, scope, service)


def _require_scope(credential: str, scope: tuple[str, str, str, str] | str, service: str) -> None:
    parts = credential.split("/")
    if len(parts) < 5:
        raise AwsError(
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'",
        )
    if parts[-1] != "aws4_request":
        raise AwsError(
            "SignatureDoesNotMatch",
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{parts[-1]}'.",
        )
    if isinstance(scope, str):
        raise AwsError("IncompleteSignature", scope)
    if scope[3] != service:
        raise AwsError("SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'. ")


def _malformed(what: str) -> AwsError:
    return AwsError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {what}")


def _no_date() -> AwsError:
    return AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")


def _query_v4(request: Request, service: str | None) -> Presented:
    parameters: dict[str, str] = {}
    for name, value in decoded_query(request.query):
        parameters.setdefault(name, value)
    credential = parameters.get("X-Amz-Credential", "")
    scope = scope_of(credential)
    if service is None:
        service = scope[3] if isinstance(scope, tuple) else "s3"
    required = _QUERY_V4_REQUIRED if service == "s3" else _QUERY_V4_REQUIRED[:-1]
    if any(not parameters.get(name) for name in required):
        if service != "s3":
            raise AwsError(
                "IncompleteSignature",
                " ".join(
                    f"AWS query-string parameters must include '{name}'."
                    for name in required
                    if not parameters.get(name)
                )
                + " Re-examine the query-string parameters.",
            )
        raise _bad_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    if parameters["X-Amz-Algorithm"] != V4:
        raise _bad_query('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    if service != "s3":
        _require_scope(credential, scope, service)
    if isinstance(scope, str):
        raise _bad_query(f"Error parsing the X-Amz-Credential parameter; {scope}")
    access_key, date, region, scoped_service = scope
    if scoped_service != service:
        raise _bad_query(
            "Error parsing the X-Amz-Credential parameter; "
            f'incorrect service "{scoped_service}". This endpoint belongs to "{service}".'
        )
    timestamp = parameters["X-Amz-Date"]
    moment = parse_iso_basic(timestamp)
    if moment is None:
        raise _bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if not timestamp.startswith(date):
        raise _bad_query(
            f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{timestamp[:8]}".'
        )
    return Presented(
        access_key,
        parameters.get("X-Amz-Security-Token") or request.headers.get("x-amz-security-token"),
        "REST-QUERY-STRING",
        V4,
        parameters["X-Amz-Signature"],
        date,
        region,
        service,
        signed_headers_of(parameters["X-Amz-SignedHeaders"]),
        moment,
        timestamp,
        _lifetime(parameters["X-Amz-Expires"]) if "X-Amz-Expires" in parameters else None,
    )


def _lifetime(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise _bad_query("X-Amz-Expires should be a number")
    if digits != text:
        raise _bad_query("X-Amz-Expires must be non-negative", 403)
    # Twenty digits already exceed the limit; int() need not look at more.
    if len(digits) > 20 or int(digits) > MAX_EXPIRES:
        raise _bad_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
            "must be less "
            "than 604800 seconds",
            403,
        )
    return int(digits)


def _bad_query(message: str, status: int = 400) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message, status)


# --- signature version 2 (S3 only)
# ---------------------------------------------------------------------------


def _header_v2(request: Request, authorization: str) -> Presented:
    access_key, colon, signature = authorization[4:].strip().partition(":")
    if not colon or not access_key or not signature or " " in access_key:
        raise AwsError(
            "InvalidArgument",
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
            extra={"ArgumentName": "Authorization", "ArgumentValue": authorization},
        )
    # x-amz-date counts instead of Date wherever it is sent, also when it says nothing.
    written = request.headers.get("x-amz-date", request.headers.get("date"))
    moment = None if written is None else parse_date(written)
    if moment is None or moment < 0:
        raise _no_date()
    return Presented(
        access_key,
        request.headers.get("x-amz-security-token"),
        "REST-HEADER",
        V2,
        signature,
        "",
        "",
        "s3",
        (),
        moment,
        iso_basic(moment),
    )


def _query_v2(request: Request, service: str | None) -> Presented | None:
    if service not in (None, "s3"):
        return None
    parameters: dict[str, str] = {}
    for name, value in decoded_query(request.query):
        parameters.setdefault(name, value)
    if "Signature" not in parameters and "AWSAccessKeyId" not in parameters:
        return None
    if not all(parameters.get(name) for name in ("Signature", "AWSAccessKeyId", "Expires")):
        raise AwsError(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        )
    expires = parameters["Expires"]
    if not (expires.removeprefix("-").isdigit() and expires.isascii()) or len(expires) > 11:
        raise AwsError("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}")
    return Presented(
        parameters["AWSAccessKeyId"],
        parameters.get("x-amz-security-token"),
        "REST-QUERY-STRING",
        V2,
        parameters["Signature"],
        "",
        "",
        "s3",
        (),
        int(expires),
        "",
    )
