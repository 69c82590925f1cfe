"""The web console: static files under `/-/console/`, each with its compressed forms beside it.

The files are package data, built from `console/` (`make console`). Their names carry a hash of their content, so
browsers keep them for good; only the page itself is asked for anew. Every path that is no file is a page of the
single-page app and answers `index.html`.

The console holds its users' temporary credentials, so nothing but its own files may run in it: the content security
policy allows no inline script, no `eval`, no other origin, and nobody may frame it. Styles of elements are set through
the CSSOM, which `style-src 'self'` permits.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from isthmus.wire import FileSlice, Request, Response

PREFIX = "/-/console/"
FILES = Path(__file__).parent.parent / "console_files"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Cloudscape's stylesheet has its fonts in it.
        "font-src 'self' data:",
        "connect-src 'self'",
        # data: are the images in the stylesheets of components; blob: is what the page itself has loaded.
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "frame-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_FOREVER = "public, max-age=31536000, immutable"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # the smallest first
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file with the sizes of its forms by content encoding; '' is the file itself."""

    path: str
    content_type: str
    cache_control: str
    sizes: Mapping[str, int]


def console_address(request: Request, folder: Path = FILES) -> Response:
    """A file of the console, or its page; 503 where the console was not built."""
    if request.method not in ("GET", "HEAD"):
        return Response(405, [("Content-Type", "text/plain; charset=utf-8"), ("Allow", "GET, HEAD")], b"use GET\n")
    files = _files(folder)
    name = unquote(request.path.removeprefix(PREFIX))
    file = files.get(name)
    if file is None:
        if name.startswith("assets/"):  # of another release: a page in its place would run as a script
            return Response(404, [("Content-Type", "text/plain; charset=utf-8")], b"there is nothing here\n")
        file = files.get("index.html")
    if file is None:
        text = b"The console is not part of this installation. In a source checkout, `make console` builds it.\n"
        return Response(503, [("Content-Type", "text/plain; charset=utf-8")], text)
    encoding = _encoding(file, request.headers.get("accept-encoding", ""))
    headers = [
        ("Content-Type", file.content_type),
        ("Cache-Control", file.cache_control),
        ("Vary", "Accept-Encoding"),
        *SECURITY_HEADERS,
    ]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    suffix = dict(_ENCODINGS).get(encoding, "")
    return Response(200, headers, FileSlice(file.path + suffix, 0, file.sizes[encoding]))


def _encoding(file: _File, accepted: str) -> str:
    """The best form of a file that the client takes (RFC 9110, section 12.5.3, without ranking)."""
    offered = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        offered[name.strip()] = parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((one for one, _ in _ENCODINGS if one in file.sizes and offered.get(one, False)), "")


@cache
def _files(folder: Path) -> Mapping[str, _File]:
    """The files of the build by their names; read once, since a release's files do not change."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_file() or path.suffix in (".br", ".gz"):
            continue
        name = path.relative_to(folder).as_posix()
        sizes = {"": path.stat().st_size}
        for encoding, suffix in _ENCODINGS:
            form = path.with_name(path.name + suffix)
            if form.is_file():
                sizes[encoding] = form.stat().st_size
        found[name] = _File(
            str(path), _content_type(path), _FOREVER if name.startswith("assets/") else "no-cache", sizes
        )
    return found


def _content_type(path: Path) -> str:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
