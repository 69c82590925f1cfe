"""Condition keys that every request has, whatever it asks for.

Source: IAM User Guide, "AWS global condition context keys"; S3 keys: Service Authorization Reference. A key that
does not apply is left out: policies rely on the difference between absent and empty.
"""

from __future__ import annotations

from isthmus.identity import Session
from isthmus.identity.authenticated import context_at
from isthmus.policy import Context, ContextValue
from isthmus.signing import Presented
from isthmus.wire import Request

_GLOBAL = frozenset({"iam", "organizations"})  # services with one endpoint, in us-east-1


def request_context(
    request: Request,
    service: str,
    region: str,
    presented: Presented | None,
    principal_keys: Context,
    session: Session | None,
    now: float,
) -> dict[str, ContextValue]:
    """The request's context: the principal's keys and what the network and the clock say."""
    context: dict[str, ContextValue] = {
        **principal_keys,
        **context_at(session, now),
        # A socket for both families shows IPv4 clients as IPv6; policies know them by their IPv4 address.
        "aws:sourceip": request.client.removeprefix("::ffff:"),
        "aws:securetransport": "true" if request.secure else "false",
        "aws:requestedregion": "us-east-1" if service in _GLOBAL else region,
        "aws:viaawsservice": "false",
    }
    agent = request.headers.get("user-agent")
    if agent is not None:
        context["aws:useragent"] = agent
    referer = request.headers.get("referer")
    if referer is not None:
        context["aws:referer"] = referer
    if service == "s3":
        _add_signature_keys(context, request, presented, now)
    return context


def _add_signature_keys(
    context: dict[str, ContextValue], request: Request, presented: Presented | None, now: float
) -> None:
    payload = request.headers.get("x-amz-content-sha256")
    if payload is not None:
        context["s3:x-amz-content-sha256"] = payload
    if request.tls_version:
        context["s3:tlsversion"] = request.tls_version
    if presented is None:
        return
    context["s3:authtype"] = presented.form
    context["s3:signatureversion"] = presented.version
    if presented.form == "REST-QUERY-STRING":
        context["s3:signatureage"] = str(presented.age_ms(now))
