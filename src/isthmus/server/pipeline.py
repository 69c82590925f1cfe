"""The five doors: route → authenticate → parse → authorise → execute, then respond.

A request value goes in, a response value comes out; no socket is needed, so tests drive this directly. Each
door is a function; none reaches behind another. Errors are values raised anywhere and rendered here once.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import traceback
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel

import isthmus.iam
import isthmus.s3
import isthmus.sts
from isthmus.operation import OPERATIONS, AccessDenied, Call, Operation, System, authorise
from isthmus.signing import (
    Presented,
    VerifiedBody,
    credentials_of,
    declared_payload,
    signing_key_of,
    verified_body,
    verify,
)
from isthmus.store import StoreError
from isthmus.sts.messages import encode_decision
from isthmus.wire import (
    AwsError,
    BytesBody,
    Request,
    Response,
    S3Route,
    parse_input,
    query_action,
    render,
    render_error,
    route_s3,
    service_model,
    service_of_host,
)

from .authenticate import Credentials, anonymous_credentials, find_credentials, refusal
from .context import request_context

_log = logging.getLogger("isthmus")

SERVICES = ("s3", "iam", "sts")
_FORM_BYTES = 1 << 20  # the largest form a query service reads
_XML_BYTES = 2 << 20  # the largest document S3 reads (DeleteObjects of 1000 long keys)
_UNSIGNED_ACTIONS = re.compile(r"(?:^|&)Action=(AssumeRoleWithWebIdentity|AssumeRoleWithSAML)(?:&|$)")


@dataclass(slots=True)
class _Trace:
    """What is known of a request when its answer is written, also when it fails half-way."""

    request_id: str
    host_id: str
    service: str = "s3"
    call: Call | None = None
    model: OperationModel | None = None


class Pipeline:
    """Answers requests for one worker process."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def answer(self, request: Request) -> Response:
        """The response to a request; never raises."""
        entropy = self._system.entropy(48)
        trace = _Trace(entropy[:8].hex().upper(), base64.b64encode(entropy[:32]).decode())
        try:
            response = await self._through_the_doors(request, trace)
        except AccessDenied as error:
            response = self._refuse(request, trace, self._explained(error, trace))
        except AwsError as error:
            response = self._refuse(request, trace, error)
        except StoreError as error:
            _log.error("request %s: %s", trace.request_id, error)
            response = self._refuse(request, trace, AwsError("ServiceUnavailable", "Please reduce your request rate."))
        except Exception:
            # The last line of defence: an error in one operation answers 500 and takes nothing else down.
            _log.error("request %s failed\n%s", trace.request_id, traceback.format_exc())
            message = "We encountered an internal error. Please try again."
            code = "InternalError" if trace.service == "s3" else "InternalFailure"
            response = self._refuse(request, trace, AwsError(code, message))
        return response

    async def _through_the_doors(self, request: Request, trace: _Trace) -> Response:
        system = self._system
        now = system.clock()
        system.directory.refresh()
        presented = credentials_of(request)
        service = trace.service = await self._service(request, presented)
        if service == "s3":
            return await self._s3(request, trace, presented, now)
        return await self._query(request, trace, presented, now)

    async def _service(self, request: Request, presented: Presented | None) -> str:
        """The first door: the credential scope, else the host name, else the Action of an unsigned form."""
        if presented is not None and presented.service:
            if presented.service not in SERVICES:
                message = f"Isthmus does not serve {presented.service}; it serves {', '.join(SERVICES)}."
                raise AwsError("InvalidAction", message)
            return presented.service
        service = service_of_host(request.headers.get("host", ""))
        if service is not None:
            return service
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if presented is None and request.method == "POST" and request.path == "/" and form:
            data = await _read(PlainBody(request.body), _FORM_BYTES, "s3")
            request.body = BytesBody(data)
            if _UNSIGNED_ACTIONS.search(data.decode("latin-1")):
                return "sts"
        return "s3"

    # S3: REST, the body may be large and is read by the operation

    async def _s3(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system = self._system
        route = route_s3(request, system.settings.domains)
        if route.operation == "PostObject":
            return await self._post_object(request, trace, route, now)
        credentials = anonymous_credentials()
        if presented is not None:
            credentials = await find_credentials(system, presented, "s3", now)
            payload = declared_payload(request, presented)
            verify(presented, request, credentials.secret, now, payload_hash=payload, virtual_bucket=route.virtual_bucket)
        body = verified_body(request, presented, signing_key_of(presented, credentials.secret) if presented else None)
        operation = _operation("s3", route.operation, presented)
        region = presented.region if presented is not None and presented.region else system.settings.region
        model = service_model("s3").operation_model(operation.name)
        data = b"" if operation.streams else await _read(body, _XML_BYTES, "s3")
        given = parse_input(model, request, data, route)
        call = self._call(operation, given, credentials, request, trace, presented, region, now)
        call.request.body = body if operation.streams else BytesBody(data)
        trace.model = model
        return await self._perform(call, trace, model)

    # IAM and STS: a form, read whole before its signature is checked

    async def _query(self, request: Request, trace: _Trace, presented: Presented | None, now: float) -> Response:
        system, service = self._system, trace.service
        data = await _read(PlainBody(request.body), _FORM_BYTES, service)
        request.body = BytesBody(data)
        credentials = anonymous_credentials()
        if presented is not None:
            credentials = await find_credentials(system, presented, service, now)
            verify(presented, request, credentials.secret, now, payload_hash=hashlib.sha256(data).hexdigest())
        action = query_action(service_model(service), request, data)
        operation = _operation(service, action, presented)
        model = trace.model = service_model(service).operation_model(action)
        given = parse_input(model, request, data)
        region = presented.region if presented is not None else system.settings.region
        call = self._call(operation, given, credentials, request, trace, presented, region, now)
        return await self._perform(call, trace, model)

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
        call = Call(
            operation, given, credentials.caller, request, self._system, context, trace.request_id, now, region
        )
        trace.call = call
        return call

    async def _perform(self, call: Call, trace: _Trace, model: OperationModel) -> Response:
        await authorise(call)
        output = await call.operation.execute(call)
        return self._marked(render(model, output or {}, trace.request_id), trace)

    # Answers

    def _explained(self, error: AccessDenied, trace: _Trace) -> AwsError:
        """The denial with the words of its service and the sealed message for DecodeAuthorizationMessage."""
        if trace.call is None:
            return error
        if trace.service == "s3":
            error.message = error.decision.s3_message
        error.extra["EncodedAuthorizationMessage"] = encode_decision(self._system.vault, error.decision, trace.call)
        return error
'''
