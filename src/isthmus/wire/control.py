"""S3 Control: how its requests are known, which operation one asks for, and its input.

S3 Control is signed as S3 and may be reached at the same address. Its requests are those to its own hosts
(`ACCOUNT.s3-control.REGION.amazonaws.com`), and those whose path begins with `/v20180820/` and that name an account
in `x-amz-account-id`: every operation requires that header, and no request to a bucket called `v20180820` has it.
botocore puts the account before the host name of an endpoint of one's own too (`111122223333.localhost`).

Source: botocore's S3 Control model; S3 API reference, "Amazon S3 Control".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel

from .errors import AwsError
from .hosts import is_control_host
from .http import Request
from .models import service_model
from .rest_xml import read_members, read_xml

SERVICE = "s3control"
"""botocore's name of the service."""

_ACCOUNT = "x-amz-account-id"
_PREFIX = "/v20180820/"


class ControlRoute(NamedTuple):
    """The operation, and what its path says by the model's names (`resourceArn`, `name` …), decoded."""

    operation: str
    parameters: dict[str, str]


def is_control_request(request: Request) -> bool:
    """Whether a request is one of S3 Control."""
    if request.path.startswith(_PREFIX) and _ACCOUNT in request.headers:
        return True
    return is_control_host(request.headers.get("host", ""))


def route_control(request: Request) -> ControlRoute:
    """The route of a request. Raises AwsError MethodNotAllowed, InvalidURI."""
    known = False
    for method, pattern, operation in _table():
        found = pattern.fullmatch(request.path)
        if found is None:
            continue
        known = True
        if method == request.method:
            return ControlRoute(operation, {name: unquote(value) for name, value in found.groupdict().items()})
    if known:
        raise AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.")
    raise AwsError("InvalidURI", "Couldn't parse the specified URI.")


@cache
def _table() -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and operation; paths with more letters of their own go before those with fewer."""
    model = service_model(SERVICE)
    table = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].partition("?")[0]
        pattern = "".join(_piece(part) for part in re.split(r"(\{[^}]+\})", path))
        table.append((http["method"], re.compile(pattern), name, len(re.sub(r"\{[^}]+\}", "", path))))
    table.sort(key=lambda row: (-row[3], row[2]))
    return [row[:3] for row in table]


def _piece(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}+")
    return f"(?P<{name}>.+)" if part.endswith("+}") else f"(?P<{name}>[^/]+)"


def parse_control_input(
    operation: OperationModel, route: ControlRoute, request: Request, body: bytes
) -> dict[str, Any]:
    """The input of an operation by the model's member names. Raises AwsError MalformedXML, InvalidRequest."""
    shape: Any = operation.input_shape
    given: dict[str, Any] = {}
    query = parse_qsl(request.query, keep_blank_values=True)
    for member, item in shape.members.items():
        location = item.serialization.get("location")
        written = item.serialization.get("name", member)
        if location == "uri" and written in route.parameters:
            given[member] = route.parameters[written]
        elif location == "header" and written.lower() in request.headers:
            given[member] = request.headers[written.lower()]
        elif location == "querystring":
            values = [value for name, value in query if name == written]
            if values:
                given[member] = values if item.type_name == "list" else values[0]
    payload = shape.serialization.get("payload")
    if payload is not None:
        if body.strip():
            given[payload] = read_xml(shape.members[payload], body)
    elif body.strip():
        given.update(read_members(shape, body))
    missing = [name for name in shape.required_members if name not in given]
    if missing:
        raise AwsError("InvalidRequest", f"The request lacks {missing[0]}.")
    return given
