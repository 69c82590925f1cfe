"""The five doors: route → authenticate → parse → authorise → execute, then respond.

A request value goes in, a response value comes out; no socket is needed, so tests drive this directly. Each
door is a function; none reaches behind another. Errors are values raised anywhere and rendered here once.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import time
import traceback
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel

import isthmus.iam
import isthmus.s3
import isthmus.sts  # noqa: F401 - importing a service fills the table of operations
from isthmus.identity import Bucket
from isthmus.operation import OPERATIONS, AccessDenied, Call, Operation, System, authorise
from isthmus.s3.cors import cors_headers, preflight
from isthmus.signing import Presented, credentials_of, declared_payload, signing_key_of, verified_body, verify
from isthmus.signing.payload import EMPTY_SHA256, UNSIGNED
from isthmus.store import StoreError
from isthmus.sts.messages import encode_decision
from isthmus.wire import (
    AwsError,
    Body,
    BytesBody,
    Request,
    Response,
    S3Route,
    form_of,
    parse_query_input,
    parse_s3_input,
    query_action,
    render,
    render_error,
    route_s3,
    service_model,
    service_of_host,
)

from .authenticate import Credentials, anonymous_credentials, find_credentials
from .body import ClientGone
from .context import request_context
from .last_used import LastUsed
from .own import count, own_address
from .post_form import read_form_upload

_log = logging.getLogger("isthmus")

SERVICES = ("s3", "iam", "sts")
_FORM_BYTES = 1 << 20  # the largest form a query service reads
_XML_BYTES = 2 << 20  # the largest document S3 reads: DeleteObjects of 1000 long keys
_UNSIGNED_ACTIONS = re.compile(r"(?:^|&)Action=(?:AssumeRoleWithWebIdentity|AssumeRoleWithSAML)(?:&|\Z)")


@dataclass(slots=True)
class _Trace:
    """What is known of a request when its answer is written, also when it fails half-way."""

    request_id: str
    host_id: str
    service: str = "s3"
    operation: str = ""
    call: Call | None = None


class Pipeline:
    """Answers requests for one worker process. trusted_proxies: whose X-Forwarded-For is believed."""

    def __init__(self, system: System, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._system = system
        self._trusted_proxies = frozenset(trusted_proxies)
        self.last_used = LastUsed()

    async def answer(self, request: Request) -> Response:
        """The response to a request; raises nothing but ClientGone."""
        if request.path.startswith("/-/"):
            return await own_address(self._system, request)
        started = time.perf_counter()
        entropy = self._system.entropy(40)
        trace = _Trace(entropy[:8].hex().upper(), base64.b64encode(entropy[8:]).decode())
        try:
            response = await self._through_the_doors(request, trace)
        except ClientGone:
            raise
        except AwsError as error:
            response = self._refuse(request, trace, self._explained(error, trace))
        except StoreError as error:
            _log.error("request %s: %s", trace.request_id, error)
            response = self._refuse(request, trace, AwsError("ServiceUnavailable", "Please reduce your request rate."))
        except Exception:
            # The last line of defence: a fault in one operation answers 500 and takes nothing else down.
            _log.error("request %s failed\n%s", trace.request_id, traceback.format_exc())
            code = "InternalError" if trace.service == "s3" else "InternalFailure"
            message = "We encountered an internal error. Please try again."
            response = self._refuse(request, trace, AwsError(code, message, 500))
        self._mark(request, response, trace)
        count(trace.service, trace.operation or "none", response.status, started)
        return response

    async def _through_the_doors(self, request: Request, trace: _Trace) -> Response:
        if request.client in self._trusted_proxies:
            forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            request.client = forwarded or request.client
        now = self._system.clock()
        self._system.directory.refresh()
        service = trace.service = await self._service(request)
        presented = credentials_of(request, service)
        if service == "s3":
            return await self._s3(request, trace, presented, now)
        return await self._query(request, trace, presented, now)

    async def _service(self, request: Request) -> str:
        """The first door: the credential scope, else the host name, else the Action of an unsigned form."""
        scope = _SCOPE.search(request.headers.get("authorization", "")) or _QUERY_SCOPE.search(request.query)
        if scope is not None:
            if scope[1] not in SERVICES:
                raise AwsError("InvalidAction", f"Isthmus does not serve {scope[1]}; it serves {', '.join(SERVICES)}.")
            return scope[1]
        service = service_of_host(request.headers.get("host", ""), self._system.settings.domains)
        if service is not None:
            return service
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if request.method == "POST" and request.path == "/" and form and "authorization" not in request.headers:
            data = await _read(request.body, _FORM_BYTES)
            request.body = BytesBody(data)
            if _UNSIGNED_ACTIONS.search(data.decode("latin-1")):
                return "sts"
        return "s3"

    # S3: REST; a body may be large and is then read by the operation

    async def _s3(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system = self._system
        route = route_s3(request, system.settings.domains)
        if route.operation == "OptionsObject":
            return await self._preflight(request, route)
        if route.operation == "PostObject":
            return await self._post_form(request, trace, route, now)
        payload = declared_payload(request, presented)
        credentials = anonymous_credentials()
        if presented is not None:
            credentials = await find_credentials(system, presented, "s3", now)
            verify(
                presented,
                request,
                credentials.secret,
                now,
                payload_hash=payload,
                virtual_bucket=route.virtual_bucket,
            )
        operation = _operation("s3", route.operation, presented)
        trace.operation = operation.name
        data = b""
        # Most requests have no body and say so; there is nothing to verify about it then.
        if operation.streams or request.body.length != 0 or payload not in (EMPTY_SHA256, UNSIGNED):
            key = signing_key_of(presented, credentials.secret) if presented is not None else None
            request.body = verified_body(request, presented, key)
            if not operation.streams:
                data = await _read(request.body, _XML_BYTES)
                request.body = BytesBody(data)
        model = service_model("s3").operation_model(operation.name)
        given = parse_s3_input(model, route, request, data)
        region = presented.region if presented is not None and presented.region else system.settings.region
        call = self._call(operation, given, credentials, request, trace, presented, region, now)
        return await self._perform(call, model)

    async def _post_form(self, request: Request, trace: _Trace, route: S3Route, now: float) -> Response:
        form = await read_form_upload(self._system, request, route.bucket or "", now)
        operation = OPERATIONS["s3", "PostObject"]
        trace.operation = operation.name
        region = (form.presented and form.presented.region) or self._system.settings.region
        call = self._call(operation, form.given, form.credentials, request, trace, form.presented, region, now)
        call.found.update(form.found)
        await authorise(call)
        response: Response = await operation.execute(call)
        return response

    async def _preflight(self, request: Request, route: S3Route) -> Response:
        return preflight(await self._system.directory.bucket(route.bucket or ""), request)

    # IAM and STS: a form, read whole before its signature is checked

    async def _query(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system, service = self._system, trace.service
        data = await _read(request.body, _FORM_BYTES)
        request.body = BytesBody(data)
        credentials = anonymous_credentials()
        if presented is not None:
            credentials = await find_credentials(system, presented, service, now)
            verify(presented, request, credentials.secret, now, payload_hash=hashlib.sha256(data).hexdigest())
        form = form_of(request, data)
        action = trace.operation = query_action(service_model(service), form)
        operation = _operation(service, action, presented)
        model = service_model(service).operation_model(action)
        given = parse_query_input(model, form)
        region = presented.region if presented is not None else system.settings.region
        call = self._call(operation, given, credentials, request, trace, presented, region, now)
        return await self._perform(call, model)

    # Doors four and five

    def _call(
        self,
        operation: Operation,
        given: dict[str, Any],
        credentials: Credentials,
        request: Request,
        trace: _Trace,
        presented: Presented | None,
        region: str,
        now: float,
    ) -> Call:
        context = request_context(
            request, operation.service, region, presented, credentials.context, credentials.session, now
        )
        caller = credentials.caller
        self.last_used.note(caller, now, operation.service, region)
        trace.call = Call(operation, given, caller, request, self._system, context, trace.request_id, now, region)
        return trace.call

    async def _perform(self, call: Call, model: OperationModel) -> Response:
        await authorise(call)
        output = await call.operation.execute(call)
        return render(model, output or {}, call.request_id)

    # Answers

    def _explained(self, error: AwsError, trace: _Trace) -> AwsError:
        """A denial in the words of its service, with the sealed message for DecodeAuthorizationMessage."""
        if not isinstance(error, AccessDenied) or trace.call is None:
            return error
        if trace.service == "s3":
            error.message = error.decision.s3_message
        error.extra["EncodedAuthorizationMessage"] = encode_decision(self._system.vault, error.decision, trace.call)
        return error

    def _refuse(self, request: Request, trace: _Trace, error: AwsError) -> Response:
        return render_error(trace.service, error, trace.request_id, trace.host_id, request.method)

    def _mark(self, request: Request, response: Response, trace: _Trace) -> None:
        """The headers of every answer."""
        headers = response.headers
        if trace.service != "s3":
            headers.append(("x-amzn-RequestId", trace.request_id))
            return
        headers += (("x-amz-request-id", trace.request_id), ("x-amz-id-2", trace.host_id), ("Server", "Isthmus"))
        if "origin" in request.headers and trace.call is not None:
            bucket = trace.call.found.get("bucket")
            if isinstance(bucket, Bucket):
                headers += cors_headers(bucket, request)


_SCOPE = re.compile(r"Credential=[^,\s]*/[0-9]{8}/[^/,\s]*/([a-z0-9-]+)/aws4_request")
_QUERY_SCOPE = re.compile(r"X-Amz-Credential=[^&]*%2F[0-9]{8}%2F[^&]*%2F([a-z0-9-]+)%2Faws4_request", re.IGNORECASE)


def _operation(service: str, name: str, presented: Presented | None) -> Operation:
    """The operation of the table, if an unsigned request may ask for it at all."""
    operation = OPERATIONS.get((service, name))
    if operation is None:
        if service == "s3":
            raise AwsError(
                "NotImplemented", f"Isthmus does not implement {name}; docs/operations.md lists what it does."
            )
        raise AwsError("InvalidAction", f"Isthmus does not implement {name}; docs/operations.md lists what it does.")
    if presented is None and not operation.anonymous:
        if service == "s3":
            raise AwsError("AccessDenied", "Access Denied")
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
    return operation


async def _read(body: Body, limit: int) -> bytes:
    """A whole body. Raises AwsError EntityTooLarge beyond `limit` bytes."""
    if body.length is not None and body.length > limit:
        raise _too_large(limit)
    pieces, size = [], 0
    async for chunk in body.chunks():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        pieces.append(chunk)
    return b"".join(pieces)


def _too_large(limit: int) -> AwsError:
    return AwsError("EntityTooLarge", f"The request body is larger than the {limit} bytes this operation reads.", 413)
