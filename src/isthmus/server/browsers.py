"""What is done for, and against, a browser that opens an address of the server itself.

Somebody who opens the server's address wants the console, and a switch-role link of AWS's console works here too.

An object that is opened by path (`/BUCKET/KEY`) is on the console's own origin: a script in it could read the
credentials that the console keeps in the tab. It is therefore shown in a sandbox, an origin of its own (HTML standard,
"sandboxing"; CSP level 3, `sandbox`). A bucket's own host name is another origin and needs none.
"""

from __future__ import annotations

import re

from isthmus.operation import System
from isthmus.wire import Request, Response, host_bucket, service_of_host

from .console import PREFIX

SANDBOX = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
_SWITCH_ROLE = "/switchrole"
OPENED_BY_BROWSERS = frozenset(("/", _SWITCH_ROLE))
"""The paths that may lead to the console."""
_ITS_PARAMETERS = (re.compile(r"(?:^|&)account="), re.compile(r"(?:^|&)roleName="))


async def way_to_console(system: System, request: Request) -> Response | None:
    """For a request at one of OPENED_BY_BROWSERS: a redirect to the console for a browser at `/` or at AWS's
    `/switchrole?account=…&roleName=…`; else None.

    Only unsigned requests for HTML are a browser's. A bucket called `switchrole` keeps its address.
    """
    if request.method not in ("GET", "HEAD") or not _opens(request):
        return None
    host, domains = request.headers.get("host", ""), system.settings.domains
    signed = "authorization" in request.headers or "X-Amz-" in request.query or "AWSAccessKeyId" in request.query
    if signed or host_bucket(host, domains) is not None or service_of_host(host, domains) is not None:
        return None
    if request.path == "/":
        return _to(PREFIX)
    if not all(parameter.search(request.query) for parameter in _ITS_PARAMETERS):
        return None
    if await system.directory.bucket(_SWITCH_ROLE[1:]) is not None:
        return None
    return _to(f"{PREFIX}switchrole?{request.query}")


def sandbox(request: Request, response: Response, domains: tuple[str, ...]) -> None:
    """Put an object that a browser opens on the console's origin into a sandbox.

    Chromium's viewer of PDF, which has an origin of its own anyway, does not work inside one.
    """
    if not _opens(request) or host_bucket(request.headers.get("host", ""), domains) is not None:
        return
    kind = next((value for name, value in response.headers if name == "Content-Type"), "")
    if kind.partition(";")[0].strip().lower() != "application/pdf":
        response.headers.append(("Content-Security-Policy", SANDBOX))


def _opens(request: Request) -> bool:
    """Whether a browser asks for a document to show: programs' requests and the console's own do not say so."""
    return "text/html" in request.headers.get("accept", "")


def _to(address: str) -> Response:
    return Response(302, [("Location", address), ("Cache-Control", "no-store"), ("Vary", "Accept")])
