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
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.model import OperationModel

import isthmus.cloudtrail
import isthmus.iam
import isthmus.kms
import isthmus.organizations
import isthmus.s3
import isthmus.sts  # noqa: F401 - importing a service fills the table of operations
from isthmus.operation import OPERATIONS, AccessDenied, Call, Operation, System, authorise
from isthmus.s3.checksums import check_document
from isthmus.s3.cors import cors_headers, preflight
from isthmus.s3.request_payment import CHARGED
from isthmus.s3.website import answer_website
from isthmus.signing import (
    Presented,
    credentials_of,
    declared_payload,
    scope_service,
    signing_key_of,
    verified_body,
    verify,
)
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
    is_control_request,
    json_action,
    operation_model,
    parse_control_input,
    parse_json_input,
    parse_query_input,
    parse_s3_input,
    query_action,
    render,
    render_error,
    route_control,
    route_s3,
    service_model,
    service_of_host,
    website_bucket,
)

from .answered import Answered, Observer
from .authenticate import Credentials, anonymous_credentials, find_credentials
from .body import ClientGone
from .browsers import OPENED_BY_BROWSERS, sandbox, way_to_console
from .context import request_context
from .last_used import LastUsed
from .own import count, own_address
from .post_form import read_form_upload
from .proxies import believe, networks

_log = logging.getLogger("isthmus")

_REST = ("s3", "s3control")
SERVICES = tuple(sorted({service for service, _ in OPERATIONS} - {"s3control"}))  # which is signed as S3
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
    bucket: str | None = None


class Pipeline:
    """Answers requests for one worker process.

    trusted_proxies: see Configuration; raises ValueError for others. observers: are told of each answer.
    """

    def __init__(
        self, system: System, trusted_proxies: tuple[str, ...] = (), observers: tuple[Observer, ...] = ()
    ) -> None:
        self._system = system
        self._observers = observers
        self._trusted_proxies = networks(trusted_proxies)
        self._request_ids: list[str] = []
        self._host_id = base64.b64encode(system.entropy(48)).decode()
        self.last_used = LastUsed()

    async def answer(self, request: Request) -> Response:
        """The response to a request; raises nothing but ClientGone."""
        if request.path.startswith("/-/"):
            return await self._own(request)
        started = time.perf_counter()
        trace = _Trace(self._request_id(), self._host_id)
        failed: AwsError | None = None
        try:
            response = await self._through_the_doors(request, trace)
        except ClientGone:
            raise
        except AwsError as error:
            failed = self._explained(error, trace)
            response = self._refuse(request, trace, failed)
        except StoreError as error:
            _log.error("request %s: %s", trace.request_id, error)
            message = "The server cannot read or write its data at present; its log says why. Try again later."
            failed = AwsError("ServiceUnavailable", message)
            response = self._refuse(request, trace, failed)
        except Exception:
            # The last line of defence: a fault in one operation answers 500 and takes nothing else down.
            _log.error("request %s failed\n%s", trace.request_id, traceback.format_exc())
            code = "InternalError" if trace.service in _REST else "InternalFailure"
            message = "We encountered an internal error. Please try again."
            failed = AwsError(code, message, 500)
            response = self._refuse(request, trace, failed)
        self._mark(request, response, trace)
        if "origin" in request.headers and trace.bucket is not None:
            await self._allow_origin(request, response, trace.bucket)
        count(trace.service, trace.operation or "none", response.status, started)
        if self._observers:
            self._tell(request, response, trace, failed, started)
        return response

    async def _own(self, request: Request) -> Response:
        if self._trusted_proxies:
            believe(request, self._trusted_proxies)
        try:
            return await own_address(self._system, request)
        except StoreError as error:
            _log.error("%s: %s", request.path, error)
            return Response(503, [("Content-Type", "text/plain; charset=utf-8")], b"try again later\n")

    async def _through_the_doors(self, request: Request, trace: _Trace) -> Response:
        if self._trusted_proxies:
            believe(request, self._trusted_proxies)
        now = self._system.clock()
        self._system.directory.refresh()
        if request.path in OPENED_BY_BROWSERS and (to_console := await way_to_console(self._system, request)):
            return to_console
        site = website_bucket(request.headers.get("host", ""), self._system.settings.domains)
        if site is not None:
            return await self._website(request, trace, site, now)
        if is_control_request(request):
            return await self._control(request, trace, now)
        service = trace.service = await self._service(request)
        presented = credentials_of(request, service)
        if service == "s3":
            return await self._s3(request, trace, presented, now)
        return await self._query(request, trace, presented, now)

    async def _service(self, request: Request) -> str:
        """The first door: the credential scope, else the host name, else the Action of an unsigned form."""
        named = scope_service(request)
        if named is not None:
            if named not in SERVICES:
                raise AwsError("InvalidAction", f"Isthmus does not serve {named}; it serves {', '.join(SERVICES)}.")
            return named
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

    def _request_id(self) -> str:
        """16 hex digits that nobody can guess; drawn a few hundred at a time."""
        if not self._request_ids:
            drawn = self._system.entropy(8 * 256).hex().upper()
            self._request_ids = [drawn[start : start + 16] for start in range(0, len(drawn), 16)]
        return self._request_ids.pop()

    # S3: REST; a body may be large and is then read by the operation

    async def _s3(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system = self._system
        route = route_s3(request, system.settings.domains)
        if route.operation == "OptionsObject":
            return preflight(await system.directory.bucket(route.bucket or ""), request)
        trace.bucket = route.bucket
        if route.operation == "PostObject":
            return await self._post_form(request, trace, route, now)

        def parse(model: OperationModel, data: bytes) -> dict[str, Any]:
            return parse_s3_input(model, route, request, data)

        return await self._rest(request, trace, presented, now, route.operation, parse, route.virtual_bucket)

    async def _control(self, request: Request, trace: _Trace, now: float) -> Response:
        trace.service = "s3control"
        route = route_control(request)

        def parse(model: OperationModel, data: bytes) -> dict[str, Any]:
            return parse_control_input(model, route, request, data)

        return await self._rest(request, trace, credentials_of(request, "s3"), now, route.operation, parse)

    async def _rest(
        self,
        request: Request,
        trace: _Trace,
        presented: Presented | None,
        now: float,
        name: str,
        parse: Callable[[OperationModel, bytes], dict[str, Any]],
        bucket: str | None = None,
    ) -> Response:
        """The second to the fifth door for S3 and S3 Control. bucket: the one that the host names."""
        system = self._system
        payload = declared_payload(request, presented)
        if presented is None:
            credentials = anonymous_credentials()
        else:
            credentials = await find_credentials(system, presented, "s3", now)
            verify(presented, request, credentials.secret, now, payload_hash=payload, virtual_bucket=bucket)
        operation = _operation(trace.service, name, presented)
        trace.operation = operation.name
        model = operation_model(operation.service, operation.name)
        data = b""
        # Most requests have no body and say so; there is nothing to verify about it then.
        if operation.streams or request.body.length != 0 or payload not in (EMPTY_SHA256, UNSIGNED):
            key = signing_key_of(presented, credentials.secret) if presented is not None else None
            request.body = verified_body(request, presented, key)
            if not operation.streams:
                data = await _read(request.body, _XML_BYTES)
                request.body = BytesBody(data)
                check_document(request.headers, data, of_body="requestAlgorithmMember" in model.http_checksum)
        given = parse(model, data)
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

    async def _website(self, request: Request, trace: _Trace, name: str, now: float) -> Response:
        bucket = await self._system.directory.bucket(name)
        if request.method == "OPTIONS":
            return preflight(bucket, request)
        trace.bucket = name

        async def read(key: str, *, bare: bool = False, head: bool = False) -> Response:
            operation = OPERATIONS["s3", "HeadObject" if head or request.method == "HEAD" else "GetObject"]
            trace.operation = operation.name
            model = operation_model("s3", operation.name)
            asked = replace(request, headers={} if bare else _page_headers(request))
            given = parse_s3_input(model, S3Route(operation.name, name, key, {}), asked, b"")
            region = self._system.settings.region
            call = self._call(operation, given, anonymous_credentials(), request, trace, None, region, now)
            return await self._perform(call, model)

        return await answer_website(name, bucket, request, read, (trace.request_id, trace.host_id))

    # The other services: a form or JSON, read whole before its signature is checked

    async def _query(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system, service = self._system, trace.service
        data = await _read(request.body, _FORM_BYTES)
        request.body = BytesBody(data)
        if presented is None:
            credentials = anonymous_credentials()
        else:
            credentials = await find_credentials(system, presented, service, now)
            verify(presented, request, credentials.secret, now, payload_hash=hashlib.sha256(data).hexdigest())
        services = service_model(service)
        json = services.metadata["protocol"] == "json"
        form = {} if json else form_of(request, data)
        action = trace.operation = json_action(services, request.headers) if json else query_action(services, form)
        operation = _operation(service, action, presented)
        model = operation_model(service, action)
        given = parse_json_input(model, data) if json else parse_query_input(model, form)
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
            request, _signed_as(operation.service), region, presented, credentials.context, credentials.session, now
        )
        caller = credentials.caller
        self.last_used.note(caller, now, _signed_as(operation.service), region)
        trace.call = Call(
            operation, given, caller, request, self._system, context, trace.request_id, now, region,
            host_id=trace.host_id,
        )  # fmt: skip
        return trace.call

    async def _perform(self, call: Call, model: OperationModel) -> Response:
        await authorise(call)
        call.output = await call.operation.execute(call)
        return render(model, call.output or {}, call.request_id)

    # Answers

    def _explained(self, error: AwsError, trace: _Trace) -> AwsError:
        """A denial in the words of its service, with the sealed message for DecodeAuthorizationMessage."""
        if not isinstance(error, AccessDenied) or trace.call is None:
            return error
        if trace.service in _REST:
            error.message = error.decision.s3_message
        error.extra["EncodedAuthorizationMessage"] = encode_decision(self._system.vault, error.decision, trace.call)
        return error

    def _refuse(self, request: Request, trace: _Trace, error: AwsError) -> Response:
        return render_error(trace.service, error, trace.request_id, trace.host_id, request.method)

    def _tell(
        self, request: Request, response: Response, trace: _Trace, error: AwsError | None, started: float
    ) -> None:
        took = time.perf_counter() - started
        received = trace.call.now if trace.call is not None else self._system.clock() - took
        answered = Answered(
            request, response, trace.request_id, trace.host_id, trace.service, trace.operation, trace.call, error,
            received, took,
        )  # fmt: skip
        for observer in self._observers:
            observer(answered)

    def _mark(self, request: Request, response: Response, trace: _Trace) -> None:
        """The headers of every answer."""
        headers = response.headers
        if trace.service not in _REST:
            headers.append(("x-amzn-RequestId", trace.request_id))
            return
        if trace.operation == "GetObject":
            sandbox(request, response, self._system.settings.domains)
        headers += (("x-amz-request-id", trace.request_id), ("x-amz-id-2", trace.host_id), ("Server", "Isthmus"))
        if trace.call is not None and trace.call.found.get(CHARGED) and response.status < 400:
            headers.append(("x-amz-request-charged", "requester"))

    async def _allow_origin(self, request: Request, response: Response, name: str) -> None:
        """CORS, of refusals too: a page that may not read one takes an expired signature for a broken network."""
        try:
            bucket = await self._system.directory.bucket(name)
        except StoreError:
            return  # What could not be read has been answered and logged.
        response.headers += cors_headers(bucket, request)


def _signed_as(service: str) -> str:
    """The name that the requests of a service are signed with."""
    return "s3" if service in _REST else service


def _page_headers(request: Request) -> dict[str, str]:
    """The headers that count for a page of a website: conditions and ranges, nothing that only programs send."""
    return {name: value for name, value in request.headers.items() if name == "range" or name.startswith("if-")}


def _operation(service: str, name: str, presented: Presented | None) -> Operation:
    """The operation of the table, if an unsigned request may ask for it at all."""
    operation = OPERATIONS.get((service, name))
    if operation is None:
        if service in _REST:
            raise AwsError(
                "NotImplemented", f"Isthmus does not implement {name}; docs/operations.md lists what it does."
            )
        raise AwsError("InvalidAction", f"Isthmus does not implement {name}; docs/operations.md lists what it does.")
    if presented is None and not operation.anonymous:
        if service in _REST:
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
